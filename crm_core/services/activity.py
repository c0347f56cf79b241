"""客户状态: active, dormant or lost, by the days since the last contact or contract [001]."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from crm_core import audit, clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import ActivityStatus, Customer
from crm_core.numbering import bump
from crm_core.permissions import SYSTEM, Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.policies import get_policy, set_policy
from crm_core.visibility import View

AREA = "activity"
LONGEST = 3_650
CHUNK = 5_000


@dataclass(frozen=True)
class ActivityPolicy:
    """After how many days without contact or contract a customer is dormant, and after how many lost."""

    dormant_after: int = 90
    lost_after: int = 365


@dataclass(frozen=True)
class LastDays:
    """What the status of a customer is derived from."""

    contact: date | None
    contract: date | None
    entered: date

    @property
    def latest(self) -> date:
        """The day that counts: the later of contact and contract; where neither is known, the day of entry."""
        return max((day for day in (self.contact, self.contract) if day), default=self.entered)


def get_activity_policy(session: CrmSession) -> tuple[ActivityPolicy, int]:
    """The thresholds in force and the version of the rule."""
    values, version = get_policy(session, AREA)
    return ActivityPolicy(**values), version


def save_activity_policy(session: CrmSession, actor: Actor, policy: ActivityPolicy, *, version: int) -> None:
    """Keep thresholds and derive the status of all customers anew. Raises `NotAllowed`, `Conflict`, `ValidationFailed`."""
    _check(policy)
    set_policy(session, actor, AREA, asdict(policy), version=version)
    if derive_activity(session):
        bump(session, "customers")


def _check(policy: ActivityPolicy) -> None:
    if not 0 < policy.dormant_after < policy.lost_after <= LONGEST:
        sentence = _(
            "A customer has to be dormant before it is lost: give fewer days for dormant, at least 1, and at most {most} for lost."
        )
        raise ValidationFailed({"lost_after": [sentence.format(most=LONGEST)]})


def preview_activity(session: CrmSession, actor: Actor, policy: ActivityPolicy) -> dict[str, int]:
    """How many customers would have each status. Raises `NotAllowed`, `ValidationFailed`."""
    require(actor, Permission.RULE_EDIT)
    _check(policy)
    status = _derived(policy, clock.today()).label("status")
    found = select(status).where(Customer.is_listed).subquery()
    counts = select(found.c.status, func.count().label("customers")).group_by(found.c.status)
    return {row.status: row.customers for row in session.execute(counts, execution_options=unscoped)}


def _since(day: date) -> ColumnElement[bool]:
    # The latest cooperation is what was entered or the latest contract. The entry counts only where neither contact nor contract is known.
    start = clock.start_of_day(day)
    nothing = and_(Customer.last_contact_at.is_(None), Customer.first_contact_on.is_(None), Customer.last_cooperated_on.is_(None))
    is_new = and_(nothing, Customer.created_at >= start)
    return or_(Customer.last_contact_at >= start, Customer.first_contact_on >= day, Customer.last_cooperated_on >= day, is_new)


@lru_cache(maxsize=8)
def _derived(policy: ActivityPolicy, today: date) -> ColumnElement[str]:
    # Kept for the day: putting it together takes longer than asking it of one customer.
    return case(
        (_since(today - timedelta(days=policy.dormant_after - 1)), ActivityStatus.ACTIVE),
        (_since(today - timedelta(days=policy.lost_after - 1)), ActivityStatus.DORMANT),
        else_=ActivityStatus.CHURNED,
    )


def derive_activity(session: CrmSession, ids: Collection[int] | None = None) -> bool:
    """Bring the status of all listed customers, or of these, up to date, and say whether any changed.

    The change log keeps every change; the first status of a customer is none.
    """
    status = _derived(get_activity_policy(session)[0], clock.today())
    within = Customer.is_listed if ids is None else Customer.id.in_(ids)
    columns = select(Customer.id, Customer.name, Customer.activity.label("before"), status.label("after"))
    wrong = columns.where(within, Customer.activity.is_distinct_from(status)).order_by(Customer.id)
    moves: defaultdict[tuple[str | None, str], list[tuple[int, str]]] = defaultdict(list)
    for row in session.execute(wrong, execution_options=unscoped):
        moves[row.before, row.after].append((row.id, row.name))
    for (before, after), customers in moves.items():
        # Only records that the transaction holds are brought up to date: a job holds none.
        _move(session, customers, before, after, status, synchronize="fetch" if ids else False)
    return bool(moves)


def _move(
    session: CrmSession,
    customers: list[tuple[int, str]],
    before: str | None,
    after: str,
    status: ColumnElement[str],
    *,
    synchronize: str | bool,
) -> None:
    for start in range(0, len(customers), CHUNK):
        names = dict(customers[start : start + CHUNK])
        # Asked again here: somebody may have noted a contact since the customers were read.
        becoming = update(Customer).where(Customer.id.in_(names), Customer.activity.is_not_distinct_from(before), status == after)
        statement = becoming.values(activity=after, updated_at=Customer.updated_at).returning(Customer.id)
        options = {**unscoped, "synchronize_session": synchronize}
        moved = [(id, names[id]) for id in session.execute(statement, execution_options=options).scalars()]
        if before:
            audit.record_customer_changes(session, moved, field="activity", old=before, new=after, actor=SYSTEM)


def last_days(customer: View) -> LastDays:
    """What the status of a customer on its page is derived from."""
    contacts = (_day(customer.last_contact_at), customer.first_contact_on)
    latest = max((day for day in contacts if day), default=None)
    return LastDays(latest, customer.last_cooperated_on, _day(customer.created_at) or clock.today())


def _day(moment: Any) -> date | None:
    return moment.astimezone(settings().timezone).date() if moment else None
