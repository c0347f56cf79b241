"""Demo content for tags by rule, tiers by hand, status, verification and tasks: every state that a page can show."""

from datetime import timedelta

from sqlalchemy import select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import Customer, Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.scope import unscoped
from crm_core.services import hand_tiers, reminders, tag_rules, tasks, verification
from crm_core.services.measures import Condition

RULES: tuple[tuple[str, tuple[Condition, ...]], ...] = (
    ("大额成交", (Condition("stage", "any_of", ["customer"]), Condition("amount", "at_least", "1000000"))),
    ("久未联系", (Condition("last_contact", "at_least", 90), Condition("stage", "none_of", ["churned"]))),
    ("价格敏感型", (Condition("words", "contains", ["价格", "报价", "成本", "便宜"]),)),
    ("待补资料", (Condition("incomplete", "is"),)),
)


def fill_standing(session: CrmSession, actor: Actor) -> None:
    """Rules, tiers by hand with and without an end, verifications due and overdue, open and finished tasks."""
    _contact(session)
    for tag, conditions in RULES:
        tag_rules.save_rule(session, SYSTEM, None, tag=tag, conditions=conditions)
    rows = select(Customer.id, Customer.owner_id).where(Customer.is_listed, Customer.stage.in_(("customer", "partner", "qualified")))
    customers = session.execute(rows.order_by(Customer.id).limit(12)).all()
    today = clock.today()
    for place, row in enumerate(customers[:3]):
        until = today + timedelta(days=90) if place else None
        hand_tiers.set_tier(session, actor, row.id, "A", reason=_("Strategic customer, decided by the management"), until=until)
    due = [row.id for row in customers[3:7]]
    session.execute(update(Customer).where(Customer.id.in_(due)).values(verify_on=today - timedelta(days=9)), execution_options=unscoped)
    verification.open_due(session)
    session.execute(
        update(Task).where(Task.customer_id.in_(due[:2])).values(due_at=tasks.end_of(today - timedelta(days=2))), execution_options=unscoped
    )
    note = _("The landline is no longer in use; the new contact is missing.")
    verification.verify_customer(session, actor, due[3], checked=["names", "contacts"], wrong=["contacts"], note=note)
    for row in customers[8:11]:
        task = Task(
            name=_("Quarterly call"), due_at=tasks.end_of(today + timedelta(days=row.id % 5)), customer_id=row.id, created_by_id=actor.id
        )
        tasks.assign(session, task, row.owner_id, by=actor)
    tasks.finish(session, task, _("Satisfied; wants an offer for next year."))
    reminders.tell_overdue(session)


def _contact(session: CrmSession) -> None:
    """The first follow-up was made, except with the newest customers. Lost ones await none."""
    everyone = update(Customer).where(Customer.is_listed)
    older = everyone.where(Customer.created_at < clock.now() - timedelta(days=10), Customer.stage != "churned").values(
        last_contact_at=Customer.created_at, followed_up_at=Customer.created_at, updated_at=Customer.updated_at
    )
    session.execute(older, execution_options={**unscoped, "synchronize_session": False})
    lost = everyone.where(Customer.stage == "churned").values(first_follow_up_on=None, updated_at=Customer.updated_at)
    session.execute(lost, execution_options={**unscoped, "synchronize_session": False})
