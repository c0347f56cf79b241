"""What all boards stand on: the rows that the question and the actor's row scope leave, the days of a period, and links to the rows.

Every query of a board begins with a method of `Ground`, which limits it; it is then read outside the session's own limits, since those
are asked again for each of hundreds of thousands of rows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Float,
    Integer,
    Row,
    Select,
    case,
    cast,
    extract,
    false,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession, is_sqlite
from crm_core.i18n import N_
from crm_core.models import Contract, Customer, FollowUp, Opportunity, OpportunityStage, Place, Team, Ticket, User
from crm_core.models.standing import NUMBERS
from crm_core.permissions import Actor, Permission, Scope
from crm_core.scope import unscoped, visible_customers
from crm_core.services.insight.board import Behind, Chart, Column, Figure, Point, Unit, Value
from crm_core.services.insight.question import Period, Question
from crm_core.services.library import Library, get_library
from crm_core.services.users import user_names

MOST_BARS = 12
"""A ranking shows no more; the rest is one bar."""
DAILY, MONTHLY = 31, 1_100
"""Periods up to so many days are drawn by day, and by month; longer ones by year."""

WORKER: dict[Any, Any] = {
    FollowUp: FollowUp.author_id,
    Opportunity: Opportunity.owner_id,
    Contract: Contract.owner_id,
    Ticket: Ticket.handler_id,
}
"""Whose work a row is, by what the filter of teams and owners chooses."""
OTHERS, NOBODY, NOT_GIVEN = N_("All others"), N_("Without a person in charge"), N_("not given")
SUMMED = (Unit.COUNT, Unit.MONEY)
Rows = Sequence[Row[*tuple[Any, ...]]]


@dataclass(frozen=True)
class Span:
    """One step of a time axis: the days of it that lie in the period."""

    label: str
    period: Period


class Ground:
    """The rows that a question may use, for one actor."""

    def __init__(self, session: CrmSession, actor: Actor, question: Question, *, only_figures: bool = False) -> None:
        self.session, self.actor, self.question, self.only_figures = session, actor, question, only_figures
        self.period = question.period
        self.viewer: Actor | None = session.info.get("actor")
        """Whose row scope counts: the session's, as everywhere."""

    def charts(self, make: Callable[[], Iterable[Chart]]) -> tuple[Chart, ...]:
        """The charts, where they are asked for: a period that is only compared with has none."""
        return () if self.only_figures else tuple(make())

    def can(self, permission: Permission) -> bool:
        """Whether the actor may see figures of this kind."""
        return self.actor.can(permission)

    @cached_property
    def library(self) -> Library:
        """Presets and industries."""
        return get_library(self.session)

    @cached_property
    def names(self) -> dict[int, str]:
        """The names of all accounts."""
        return user_names(self.session)

    def person(self, id: int | None, *values: Value, behind: Behind | None = None) -> Point:
        """A point of somebody's; of what nobody has there are no rows to open by name."""
        if id is None:
            return Point(NOBODY, values, is_phrase=True)
        return Point(self.names.get(id, ""), values, behind=behind)

    def preset(self, code: str | None, *values: Value, behind: Behind | None = None) -> Point:
        """A point of a choice of the library."""
        return Point(self.library.label(code), values, behind=behind) if code else Point(NOT_GIVEN, values, is_phrase=True)

    @cached_property
    def people(self) -> tuple[int, ...] | None:
        """Whose work is asked for; None for everybody's."""
        if not self.question.teams and not self.question.owners:
            return None
        chosen = set(self.question.owners)
        if self.question.teams:
            inside = teams_below(self.session, self.question.teams)
            members = set(self.session.execute(select(User.id).where(User.team_id.in_(inside))).scalars())
            chosen = chosen & members if chosen else members
        return tuple(sorted(chosen))

    @cached_property
    def teams(self) -> dict[int, int]:
        """The team of each account that has one."""
        return {row.id: row.team_id for row in self.session.execute(select(User.id, User.team_id).where(User.team_id.is_not(None)))}

    def customers(self, *columns: Any, by_owner: bool = True) -> Select[*tuple[Any, ...]]:
        """A selection from the customers in the library; `by_owner` narrows it to those of the people asked for."""
        return select(*columns).where(*self._wanted(by_owner=by_owner))

    def all_of(self, *columns: Any) -> Select[*tuple[Any, ...]]:
        """The same for what needs most columns of most rows: read through, since looking each up from an index of places takes longer."""
        return select(*columns).where(type_coerce(Customer.place, Integer) + 0 == NUMBERS[Place.LIBRARY], *self._wanted()[1:])

    def rows_of(self, model: Any, *columns: Any) -> Select[*tuple[Any, ...]]:
        """A selection from what hangs on these customers."""
        found = select(*columns).select_from(model).where(self._belongs(model))
        return found.where(WORKER[model].in_(self.people)) if model in WORKER and self.people is not None else found

    def opportunities(self, *columns: Any) -> Select[*tuple[Any, ...]]:
        """Opportunities with their stage, deleted ones left out."""
        found = self.rows_of(Opportunity, *columns).join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
        return found.where(Opportunity.deleted_at.is_(None))

    def contracts(self, *columns: Any) -> Select[*tuple[Any, ...]]:
        """Contracts in force."""
        return self.rows_of(Contract, *columns).where(Contract.is_in_force)

    def read(self, statement: Select[*tuple[Any, ...]]) -> Rows:
        """The rows of a selection that one of the methods above began."""
        return self.session.execute(statement, execution_options=unscoped).all()

    def one(self, statement: Select[*tuple[Any, ...]]) -> Row[*tuple[Any, ...]]:
        """The only row of one."""
        return self.session.execute(statement, execution_options=unscoped).one()

    def _wanted(self, *, by_owner: bool = True) -> list[ColumnElement[bool]]:
        asked = self.question
        found: list[Any] = [Customer.is_listed]
        found += [] if self.viewer and self.viewer.scope is Scope.ALL else [visible_customers(self.viewer) if self.viewer else false()]
        found += [Customer.stage.in_(asked.stages)] if asked.stages else []
        found += [Customer.source.in_(asked.sources)] if asked.sources else []
        if by_owner and self.people is not None:
            found.append(Customer.owner_id.in_(self.people))
        return found

    def _belongs(self, model: Any) -> ColumnElement[bool]:
        """That a row is one of these customers'."""
        # An expression in the place of the column: the rows are found by their days, never customer by customer.
        customer_id: ColumnElement[int] = model.customer_id + 0
        wanted = self._wanted(by_owner=model not in WORKER)
        if len(wanted) > 1:
            return customer_id.in_(select(Customer.id).where(*wanted))
        # Of all customers there are: the few that lie elsewhere are looked up, not the many in the library.
        elsewhere = or_(Customer.place < Place.LIBRARY, Customer.place > Place.LIBRARY)
        return customer_id.not_in(select(Customer.id).where(elsewhere))

    # Links: exactly the rows that were counted.

    def customer_link(self, *, is_owned: bool = True, **query: Any) -> Behind:
        """The customer list, narrowed as the question is."""
        asked = {"stage": self.question.stages, "source": self.question.sources, "owner": (self.people or ()) if is_owned else ()}
        return link("customers", asked | query)

    def link(self, page: str, worker: str, **query: Any) -> Behind:
        """The list of other rows, whose filter of people is called `worker`."""
        asked = {worker: self.people or (), "of_stage": self.question.stages, "of_source": self.question.sources}
        return link(page, asked | query)

    def contract_link(self, period: Period | None = None, **query: Any) -> Behind:
        """The contracts signed in a period, the question's own as a rule."""
        days = period or self.period
        return self.link("contracts", "owner", **{"from": days.first, "until": days.last} | query)

    def follow_up_link(self, period: Period | None = None, **query: Any) -> Behind:
        """The follow-ups of a period."""
        days = period or self.period
        return self.link("follow-ups", "author", **{"since": days.first, "until": days.last} | query)

    def opportunity_link(self, **query: Any) -> Behind:
        """The list of opportunities."""
        return self.link("opportunities", "opp_people", **{"opp_view": "list"} | query)

    def ticket_link(self, **query: Any) -> Behind:
        """The list of tickets."""
        return self.link("tickets", "tickets_handler", **{"tickets_view": "all", "tickets_state": "all"} | query)


def link(page: str, query: dict[str, Any]) -> Behind:
    """An address; several values of one name stand beside each other, empty ones are left out."""
    pairs = ((name, value) for name, values in query.items() for value in (values if isinstance(values, (list, tuple)) else (values,)))
    return Behind(page, tuple((name, str(value)) for name, value in pairs if value not in (None, "")))


def teams_below(session: CrmSession, teams: Iterable[int]) -> set[int]:
    """These teams and all below them."""
    parents = {row.id: row.parent_id for row in session.execute(select(Team.id, Team.parent_id))}
    found = set(teams)
    for _depth in parents:  # a tree is no deeper than it has teams
        found |= {id for id, parent in parents.items() if parent in found}
    return found


def on_days(column: Any, period: Period) -> ColumnElement[bool]:
    """Days within a period."""
    found: ColumnElement[bool] = column.between(period.first, period.last)
    return found


def spans(period: Period) -> list[Span]:
    """The steps of a time axis, the oldest first: days, months or years, by how long the period is."""
    found, day = [], period.first
    while day <= period.last:
        last = min(_end_of_step(day, period), period.last)
        found.append(Span(_step_name(day, period), Period(day, last)))
        day = last + timedelta(days=1)
    return found


def _end_of_step(day: date, period: Period) -> date:
    if period.days <= DAILY:
        return day
    if period.days <= MONTHLY:
        return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return date(day.year, 12, 31)


def _step_name(day: date, period: Period) -> str:
    if period.days <= DAILY:
        return f"{day:%m-%d}"
    return f"{day:%Y-%m}" if period.days <= MONTHLY else f"{day:%Y}"


def step_of(column: Any, steps: Sequence[Period], *, moments: bool = True) -> ColumnElement[int]:
    """The number of the step, of adjoining ones, in which a moment or day lies: found by halving, few comparisons for each row."""
    bounds: list[date | datetime] = [clock.start_of_day(one.first) if moments else one.first for one in steps]

    def between(low: int, high: int) -> Any:
        if high - low == 1:
            return literal_column(str(low))
        middle = (low + high) // 2
        return case((column < bounds[middle], between(low, middle)), else_=between(middle, high))

    # Of one step alone no constant: databases read that in a GROUP BY as the number of a column.
    found: ColumnElement[int] = between(0, len(steps)) if len(steps) > 1 else case((column.is_(None), 1), else_=0)
    return found


def days_between(session: CrmSession, earlier: Any, later: Any) -> ColumnElement[float]:
    """How many days lie between two moments, with their fraction."""
    if is_sqlite(session):
        return type_coerce(func.julianday(later) - func.julianday(earlier), Float())
    return type_coerce(extract("epoch", later - earlier) / 86_400, Float())


def days_since(session: CrmSession, day: Any, moment: Any) -> ColumnElement[float]:
    """How many days after a day a moment lies, in whole days of the team's calendar."""
    zone = settings().timezone
    if is_sqlite(session):
        # SQLite knows no zones: the offset of today counts, which is that of every day where there is no summer time.
        minutes = int((clock.now().astimezone(zone).utcoffset() or timedelta()).total_seconds() // 60)
        return type_coerce(func.julianday(func.date(moment, f"{minutes:+d} minutes")) - func.julianday(day), Float())
    return type_coerce(cast(func.timezone(str(zone), moment), Date) - day, Float())


def rate(numerator: Value, denominator: Value) -> Decimal | None:
    """A share of one, to six digits; None where there is nothing to divide by."""
    return (Decimal(numerator or 0) / Decimal(denominator)).quantize(Decimal("0.000001"), ROUND_HALF_UP) if denominator else None


def tenths(number: float | Decimal | None) -> Decimal | None:
    """To one digit behind the point."""
    return None if number is None else Decimal(str(number)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def share(key: str, label: str, numerator: Value, denominator: Value, **more: Any) -> Figure:
    """A rate with what it was divided from, defined under its own key."""
    return Figure(key, label, Unit.RATE, rate(numerator, denominator), numerator, denominator, **{"definition": key} | more)


def quarters(period: Period) -> list[Span]:
    """The quarters of a period, cut at its ends."""
    found, day = [], period.first
    while day <= period.last:
        number = (day.month - 1) // 3
        following = date(day.year + (number == 3), (number * 3 + 3) % 12 + 1, 1)
        last = min(following - timedelta(days=1), period.last)
        found.append(Span(f"{day.year}-Q{number + 1}", Period(day, last)))
        day = last + timedelta(days=1)
    return found


def count(label: str) -> Column:
    """A column of numbers."""
    return Column(label, Unit.COUNT)


def ranking(points: Iterable[Point], columns: Sequence[Column], *, most: int = MOST_BARS) -> tuple[Point, ...]:
    """The largest by their first value, then all others as one; what is no sum (a rate, a mean) has no value there."""
    ordered = sorted(points, key=lambda point: (-(point.values[0] or 0), point.label))
    kept, others = ordered[:most], ordered[most:]
    if not others:
        return tuple(kept)
    values = zip(columns, zip(*(point.values for point in others), strict=True), strict=True)
    summed = tuple(sum((value or 0 for value in some), 0) if column.unit in SUMMED else None for column, some in values)
    return (*kept, Point(OTHERS, summed, is_phrase=True))
