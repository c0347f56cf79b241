"""业绩目标: targets of people and teams for each month, and what was reached of them.

A contract counts in the month of its signing for its owner (`Contract.owner_id`): who that was is kept with the contract, so a later
transfer of the customer moves no past figure. A payment counts in the month in which it was received, for the owner of its contract. Void
contracts count for nobody. A person counts for the team that they are in today, and so for all teams above it; a team without a target of
its own for a month has the sum of its people's and of the teams below it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import delete, extract, func, select

from crm_core import audit
from crm_core.checks.money import check_money
from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotAllowed, ValidationFailed
from crm_core.i18n import _
from crm_core.models import MEASURES_OF_TARGETS, Contract, Payment, Target, Team, User
from crm_core.numbering import take
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.scope import unscoped
from crm_core.services.owners import visible_people
from crm_core.validation import is_blank

MONTHS = range(1, 13)
FIRST_YEAR, LAST_YEAR = 2000, 2199

Holder = tuple[str, int]
"""`("user", 7)` or `("team", 3)`."""
ByMonth = dict[int, Decimal]
Wanted = dict[Holder, dict[int, Decimal | None]]
"""Targets as they are to be; none where a month has none."""


@dataclass(frozen=True)
class Row:
    """A year of one person or team: the targets set by month, and what was reached."""

    holder: Holder
    name: str
    team_id: int | None
    """The team that it is in, or below."""
    own: Mapping[int, Decimal]
    """The targets that were set for itself."""
    targets: Mapping[int, Decimal]
    """Those that count: its own, or for a team the sum where it has none."""
    reached: Mapping[int, Decimal]

    def target(self, months: Iterable[int] = MONTHS) -> Decimal:
        """The target of some months together."""
        return sum((self.targets.get(month, Decimal(0)) for month in months), Decimal(0))

    def result(self, months: Iterable[int] = MONTHS) -> Decimal:
        """What was reached in some months together."""
        return sum((self.reached.get(month, Decimal(0)) for month in months), Decimal(0))

    def rate(self, months: Sequence[int] = MONTHS) -> Decimal | None:
        """How much of the target that is, in percent; nothing without a target."""
        target = self.target(months)
        return (self.result(months) * 100 / target).quantize(Decimal("0.1"), ROUND_HALF_UP) if target else None

    def is_summed(self, months: Iterable[int] = MONTHS) -> bool:
        """Whether a team's target is, in any of these months, the sum of its people's."""
        return self.holder[0] == "team" and any(month in self.targets and month not in self.own for month in months)


@dataclass(frozen=True)
class Year:
    """The people and teams in view, in one year and measure."""

    people: list[Row]
    teams: list[Row]

    def ranking(self, months: Sequence[int]) -> list[Row]:
        """The people with a target or a result, the highest rate first, then the highest result; who has no target comes last."""
        shown = [row for row in self.people if row.target(months) or row.result(months)]
        return sorted(shown, key=lambda row: (-(row.rate(months) or Decimal(-1)), -row.result(months), row.name))


def read_year(session: CrmSession, actor: Actor, year: int, measure: str) -> Year:
    """Targets and results of everybody in view, and of the teams whose people the actor sees. Raises `NotAllowed`."""
    if not actor.can(Permission.TARGET_EDIT):
        require(actor, Permission.CONTRACT_READ)
    teams = list(session.execute(select(Team).order_by(Team.name)).scalars())
    # A team that is shown is the sum of all its people: those who are not shown by name count too.
    members = {row.id: row.team_id for row in session.execute(select(User.id, User.team_id))}
    own, reached = _targets_of(session, year, measure), _reached(session, year, measure)
    people = []
    for id, name in _people(session, actor, reached.keys() | {id for kind, id in own if kind == "user"}).items():
        mine = own.get(("user", id), {})
        people.append(Row(("user", id), name, members[id], mine, mine, reached.get(id, {})))
    seen = [team for team in teams if actor.scope is Scope.ALL or team.id in actor.team_ids]
    return Year(people, [_team_row(team, teams, members, own, reached) for team in seen])


def _people(session: CrmSession, actor: Actor, counting: Collection[int]) -> dict[int, str]:
    """Those in view who are active, or for whom anything counts. With the scope of own customers that is only oneself."""
    condition = User.id == actor.id if actor.scope is Scope.OWN else visible_people(actor)
    rows = select(User.id, User.name).where(condition, User.is_active | User.id.in_(counting)).order_by(User.name, User.id)
    return {row.id: row.name for row in session.execute(rows)}


def _targets_of(session: CrmSession, year: int, measure: str) -> dict[Holder, ByMonth]:
    rows = select(Target.user_id, Target.team_id, Target.month, Target.amount).where(Target.year == year, Target.measure == measure)
    found: defaultdict[Holder, ByMonth] = defaultdict(dict)
    for user_id, team_id, month, amount in session.execute(rows):
        found[("user", user_id) if user_id else ("team", team_id or 0)][month] = amount
    return found


def _reached(session: CrmSession, year: int, measure: str) -> dict[int, ByMonth]:
    """What counts for each person by month, whoever sees the customers: a figure of a person has no part that is hidden."""
    day, amount = (Contract.signed_on, Contract.amount) if measure == "signed" else (Payment.received_on, Payment.amount)
    month = extract("month", day)
    sums: Any = select(Contract.owner_id, month, func.sum(amount)).where(Contract.is_in_force, Contract.owner_id.is_not(None))
    if measure == "received":
        sums = sums.join(Payment, Payment.contract_id == Contract.id)
    period = day.between(date(year, 1, 1), date(year, 12, 31))
    found: defaultdict[int, ByMonth] = defaultdict(dict)
    for owner_id, number, total in session.execute(sums.where(period).group_by(Contract.owner_id, month), execution_options=unscoped):
        found[owner_id][int(number)] = total
    return found


def _team_row(
    team: Team,
    teams: Sequence[Team],
    members: Mapping[int, int | None],
    own: Mapping[Holder, ByMonth],
    reached: Mapping[int, ByMonth],
) -> Row:
    below = _below(team.id, teams)
    everybody = [id for id, team_id in members.items() if team_id in below]
    targets = {month: total for month in MONTHS if (total := _target_of(team.id, month, teams, members, own)) is not None}
    results = {month: sum((reached.get(id, {}).get(month, Decimal(0)) for id in everybody), Decimal(0)) for month in MONTHS}
    return Row(("team", team.id), team.name, team.parent_id, own.get(("team", team.id), {}), targets, results)


def _below(team_id: int, teams: Sequence[Team]) -> set[int]:
    found = {team_id}
    for _depth in teams:  # a tree is no deeper than it has teams
        found |= {team.id for team in teams if team.parent_id in found}
    return found


def _target_of(
    team_id: int, month: int, teams: Sequence[Team], members: Mapping[int, int | None], own: Mapping[Holder, ByMonth]
) -> Decimal | None:
    """A team's target of a month: its own, or the sum of its people's and of the teams right below it; nothing where nobody has any."""
    if month in own.get(("team", team_id), {}):
        return own["team", team_id][month]
    parts = [own.get(("user", id), {}).get(month) for id, place in members.items() if place == team_id]
    parts += [_target_of(team.id, month, teams, members, own) for team in teams if team.parent_id == team_id]
    known = [part for part in parts if part is not None]
    return sum(known, Decimal(0)) if known else None


def save_targets(
    session: CrmSession,
    actor: Actor,
    year: int,
    measure: str,
    changes: Mapping[Holder, Mapping[int, Any]],
    *,
    seen: Mapping[Holder, Mapping[int, Decimal]],
) -> int:
    """Set targets by holder and month, empty ones take a target away; returns how many changed.

    `seen` is what stood there when the editing began: where somebody changed one of these meanwhile nothing is saved. Errors are named
    `user:7.3` for the month March. Raises `Conflict`, `ValidationFailed`, and `NotAllowed` for people and teams out of view.
    """
    require(actor, Permission.TARGET_EDIT)
    _refuse_outside(session, actor, changes)
    clean, errors = _check(year, measure, changes)
    if errors:
        raise ValidationFailed(errors)
    take(session, "targets")  # of two who save at once the second waits here, and sees what is there then
    rows = select(Target).where(Target.year == year, Target.measure == measure)
    present = {(_holder(row), row.month): row for row in session.execute(rows, execution_options={"populate_existing": True}).scalars()}
    for holder, months in clean.items():
        for month in months:
            row = present.get((holder, month))
            if (row.amount if row else None) != seen.get(holder, {}).get(month):
                raise Conflict(version=0, theirs={})
    names = _names(session, clean)
    lines = []
    for holder, months in clean.items():
        for month, amount in months.items():
            row = present.get((holder, month))
            if (row.amount if row else None) == amount:
                continue
            lines.append(_line(session, holder, names[holder], year, month, measure, row.amount if row else None, amount))
            _write(session, row, holder, year, month, measure, amount)
    audit.add_lines(session, lines)
    session.flush()
    return len(lines)


def _holder(row: Target) -> Holder:
    return ("user", row.user_id) if row.user_id else ("team", row.team_id or 0)


def _refuse_outside(session: CrmSession, actor: Actor, changes: Iterable[Holder]) -> None:
    people, teams = ({id for kind, id in changes if kind == wanted} for wanted in ("user", "team"))
    in_view = select(User.id).where(visible_people(actor), User.id.in_(people))
    hidden = people - set(session.execute(in_view).scalars())
    if hidden or (actor.scope is not Scope.ALL and not actor.team_ids.issuperset(teams)):
        raise NotAllowed(Permission.TARGET_EDIT, _("You set targets for the people and teams whose customers you see."))


def _check(year: int, measure: str, changes: Mapping[Holder, Mapping[int, Any]]) -> tuple[Wanted, dict[str, list[str]]]:
    errors: dict[str, list[str]] = {}
    if measure not in MEASURES_OF_TARGETS or not FIRST_YEAR <= year <= LAST_YEAR:
        errors["year"] = [_("Choose a year and what is measured.")]
    clean: Wanted = {}
    for holder, months in changes.items():
        for month, entered in months.items():
            try:
                if month not in MONTHS:
                    raise ValueError(_("Choose a month from 1 to 12."))
                clean.setdefault(holder, {})[month] = None if is_blank(entered) else check_money(entered, {})
            except ValueError as problem:
                errors[f"{holder[0]}:{holder[1]}.{month}"] = [str(problem)]
    return clean, errors


def _names(session: CrmSession, holders: Iterable[Holder]) -> dict[Holder, str]:
    named: dict[Holder, str] = {}
    models: dict[str, Any] = {"user": User, "team": Team}
    for kind, model in models.items():
        ids = [id for wanted, id in holders if wanted == kind]
        named |= {(kind, row.id): row.name for row in session.execute(select(model.id, model.name).where(model.id.in_(ids)))}
    return named


def _line(
    session: CrmSession, holder: Holder, name: str, year: int, month: int, measure: str, old: Decimal | None, new: Decimal | None
) -> dict[str, Any]:
    before, after = ("" if amount is None else str(amount) for amount in (old, new))
    return audit.line_for(
        session,
        "changed",
        entity=Target.__tablename__,
        entity_id=f"{holder[0]}:{holder[1]}",
        customer_id=None,
        subject=f"{name} {year}-{month:02d}",
        field=measure,
        old=before,
        new=after,
    )


def _write(session: CrmSession, row: Target | None, holder: Holder, year: int, month: int, measure: str, amount: Decimal | None) -> None:
    if amount is None:
        if row is not None:
            session.execute(delete(Target).where(Target.id == row.id))
    elif row is not None:
        row.amount = amount
    else:
        own = {"user_id": holder[1]} if holder[0] == "user" else {"team_id": holder[1]}
        session.add(Target(measure=measure, year=year, month=month, amount=amount, **own))
