"""Customers picked by what a figure counted: conditions with a name that stands in an address, so that a list shows those very rows.

A pick is written `name:argument:argument`. What makes no sense there picks nobody.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Interval, and_, case, exists, false, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from crm_core import clock
from crm_core.db import CrmSession, is_sqlite
from crm_core.i18n import N_
from crm_core.models import ChangeLog, Contact, Customer, FollowUp, LifecycleStage, StageChange
from crm_core.services.completeness import is_empty, where_shown
from crm_core.services.insight.question import Period
from crm_core.services.library import get_library

Condition = ColumnElement[bool]
STALE_DAYS = 365
SUCCESS_DAYS = 30
LONGEST_NUMBER = 18
"""Digits of an id in an address."""
RANKS = {"churned": -1, "prospect": 0, "qualified": 1, "customer": 2, "partner": 3}
"""The order of the types; whoever comes back after a loss has reached a later one."""
STATE_RANKS = {"contact": 0, "proposal": 1, "negotiation": 2, "won": 3}


def during(column: Any, period: Period) -> Condition:
    """Moments within the days of a period, as the team's calendar counts them."""
    begun, ended = clock.start_of_day(period.first), clock.start_of_day(period.last + timedelta(days=1))
    found: Condition = (column >= begun) & (column < ended)
    return found


def entered(stage: str, period: Period) -> Condition:
    """Those that entered a type in the period."""
    return Customer.id.in_(select(StageChange.customer_id).where(StageChange.to_stage == stage, during(StageChange.at, period)))


def went_on(stage: str, following: str, period: Period) -> Condition:
    """Those that entered a type in the period, and the next one afterwards, whenever."""
    own, later = aliased(StageChange), aliased(StageChange)
    # An expression in the place of the type: looked up by customer, of whom there are few rows, never by type.
    next_one = exists().where(later.customer_id == own.customer_id, func.coalesce(later.to_stage, "") == following, later.at >= own.at)
    return Customer.id.in_(select(own.customer_id).where(own.to_stage == stage, during(own.at, period), next_one))


def followed(period: Period, people: tuple[int, ...] | None = None) -> Condition:
    """Those with a follow-up in the period, by one of these people where they are named."""
    made = select(FollowUp.customer_id).where(during(FollowUp.happened_at, period))
    return Customer.id.in_(made if people is None else made.where(FollowUp.author_id.in_(people)))


def succeeded(session: CrmSession, period: Period, people: tuple[int, ...] | None = None) -> Condition:
    """Those of them that reached a later type or follow-up state within 30 days of such a follow-up.

    Looked for from the few advances to the many follow-ups. A first follow-up state counts from the first one on.
    """
    ended = Period(period.first, period.last + timedelta(days=SUCCESS_DAYS))
    types = _is_later(StageChange.from_stage, StageChange.to_stage, RANKS)
    led = (StageChange.to_stage.in_(RANKS), during(StageChange.at, ended), StageChange.from_stage.is_not(None))
    moves = select(StageChange.customer_id, StageChange.at).where(*led, types)
    states = _is_later(func.coalesce(ChangeLog.old, "contact"), ChangeLog.new, STATE_RANKS)
    steps = select(ChangeLog.customer_id, ChangeLog.at).where(ChangeLog.field == "sales_stage", during(ChangeLog.at, ended), states)
    advance = union_all(moves, steps).subquery("advance")
    made = exists().where(
        FollowUp.customer_id == advance.c.customer_id,
        during(FollowUp.happened_at, period),
        FollowUp.happened_at <= advance.c.at,
        FollowUp.happened_at >= _days_before(session, advance.c.at),
        *([] if people is None else [FollowUp.author_id.in_(people)]),
    )
    return Customer.id.in_(select(advance.c.customer_id).where(made))


def _is_later(old: Any, new: Any, ranks: dict[str, int]) -> Condition:
    return case(ranks, value=new, else_=-9) > case(ranks, value=old, else_=9)


def _days_before(session: CrmSession, moment: Any) -> Any:
    if is_sqlite(session):
        return func.datetime(moment, f"-{SUCCESS_DAYS} days")
    return moment - literal(timedelta(days=SUCCESS_DAYS), Interval())


def won_before(day: date) -> Condition:
    """Those whose type was 成交 when a day began."""
    return _stood(LifecycleStage.CUSTOMER, day)


def churned(period: Period) -> Condition:
    """Those that were 成交 at the start of the period and 流失 at its end."""
    return and_(won_before(period.first), churned_within(period))


def churned_within(period: Period) -> Condition:
    """Those that were 流失 at the end of the period and came to be so in it, whatever they were before."""
    return _stood(LifecycleStage.CHURNED, period.last + timedelta(days=1), since=period.first)


def _stood(stage: str, day: date, *, since: date | None = None) -> Condition:
    own, later, moment = aliased(StageChange), aliased(StageChange), clock.start_of_day(day)
    is_after = or_(later.at > own.at, and_(later.at == own.at, later.id > own.id))
    replaced = exists().where(later.customer_id == own.customer_id, later.at < moment, is_after)
    last = select(own.customer_id).where(own.to_stage == stage, own.at < moment, ~replaced)
    return Customer.id.in_(last.where(own.at >= clock.start_of_day(since)) if since else last)


def known_since(period: Period) -> Condition:
    """Those whose relation began on these days: with the first contact, or with the entry where that is not known."""
    first = Customer.first_contact_on
    return or_(first.between(period.first, period.last), and_(first.is_(None), during(Customer.created_at, period)))


def won_first(period: Period) -> Condition:
    """Those that were won for the first time in the period, and not entered as won."""
    led = func.min(case((StageChange.from_stage.is_(None), 0), else_=1)) == 1
    won = select(StageChange.customer_id).where(StageChange.to_stage == LifecycleStage.CUSTOMER).group_by(StageChange.customer_id)
    return Customer.id.in_(won.having(during(func.min(StageChange.at), period), led))


def first_due(period: Period) -> Condition:
    """New customers whose first follow-up was due in the period; one that lies ahead counts once it is made."""
    made = or_(Customer.followed_up_at.is_not(None), Customer.first_follow_up_on < clock.today())
    return and_(Customer.first_follow_up_on.between(period.first, period.last), made)


def stale() -> Condition:
    """Those that nobody changed or verified for so long."""
    day = clock.today() - timedelta(days=STALE_DAYS)
    return and_(Customer.updated_at < clock.start_of_day(day), or_(Customer.verified_on.is_(None), Customer.verified_on < day))


def bad_phone() -> Condition:
    """Those with a contact whose number nobody can call."""
    return Customer.id.in_(select(Contact.customer_id).where(is_bad_phone()))


def is_bad_phone() -> Condition:
    """Neither an 11-digit mobile number nor a landline with its area code; compared without an extension."""
    number, length = Contact.phone_key, func.length(Contact.phone_key)
    mobile = and_(length == 11, number >= "13", number < "2")
    landline = and_(number.startswith("0"), length.between(10, 12))
    return or_(number.is_(None), func.ltrim(number, "0123456789") != "", ~or_(mobile, landline))


def verification_overdue() -> Condition:
    """Those whose data had to be verified before today."""
    return Customer.verify_on < clock.today()


def _missing(session: CrmSession, name: str) -> Condition:
    field = get_library(session).fields.get(name)
    return and_(where_shown(field), is_empty(field)) if field else false()


def _period(first: str, last: str) -> Period:
    return Period(_day(first), _day(last))


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not date.min.year < day.year < date.max.year:
        raise ValueError(text)  # the day beside it has no date any more
    return day


def _people(ids: tuple[str, ...]) -> tuple[int, ...] | None:
    if any(len(id) > LONGEST_NUMBER for id in ids):
        raise ValueError(ids)  # more digits fit into no column
    return tuple(int(id) for id in ids) or None


PICKS: dict[str, tuple[str, Callable[..., Condition]]] = {
    "entered": (N_("entered the type in the period"), lambda _session, stage, *days: entered(stage, _period(*days))),
    "went_on": (
        N_("entered the type in the period and then the next one"),
        lambda _session, stage, following, *days: went_on(stage, following, _period(*days)),
    ),
    "followed": (N_("followed up in the period"), lambda _session, first, last, *ids: followed(_period(first, last), _people(ids))),
    "succeeded": (
        N_("advanced after a follow-up"),
        lambda session, first, last, *ids: succeeded(session, _period(first, last), _people(ids)),
    ),
    "age": (N_("age of the relation"), lambda _session, *days: known_since(_period(*days))),
    "churned": (N_("lost in the period"), lambda _session, *days: churned(_period(*days))),
    "won": (N_("won first in the period"), lambda _session, *days: won_first(_period(*days))),
    "first": (N_("first follow-up due in the period"), lambda _session, *days: first_due(_period(*days))),
    "stale": (N_("not changed for a year"), lambda _session: stale()),
    "phone": (N_("invalid phone"), lambda _session: bad_phone()),
    "verify": (N_("verification overdue"), lambda _session: verification_overdue()),
    "flawed": (
        N_("something to mend"),
        lambda _session: or_(Customer.is_incomplete.is_(True), stale(), bad_phone(), verification_overdue()),
    ),
    "missing": (N_("a field is empty"), _missing),
}
"""What each pick is called, and its condition for the session and the arguments."""


def pick(name: str, *arguments: Any) -> str:
    """A pick as it stands in an address."""
    return ":".join((name, *(str(one) for one in arguments)))


def condition(session: CrmSession, text: str) -> Condition:
    """The customers that a pick means."""
    name, *arguments = text.split(":")
    try:
        return PICKS[name][1](session, *arguments)
    except (KeyError, TypeError, ValueError):
        return false()  # an address typed by hand
