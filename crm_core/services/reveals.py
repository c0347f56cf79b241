"""Looking at a whole value that is masked: for those who may, with a reason, and every look is logged [002]."""

from typing import Any

from sqlalchemy import select

from crm_core import audit
from crm_core.db import CrmSession
from crm_core.errors import NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import N_, _
from crm_core.models import Contact, Customer
from crm_core.permissions import Access, Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.review_access import reads_entry
from crm_core.validation import clean_text
from crm_core.visibility import sensitive_fields

REVEALED: dict[str, Any] = {model.__tablename__: model for model in (Customer, Contact)}
REASONS = (
    N_("To contact the customer"),
    N_("To prepare a contract or invoice"),
    N_("To check the data with the customer"),
    N_("To handle a complaint"),
)
"""Why a value is usually looked at; words of one's own are possible."""


def reveal(session: CrmSession, actor: Actor, entity: str, record_id: int, field: str, *, reason: str) -> str:
    """The whole value of a sensitive field of a customer or contact; the look and its reason are logged.

    Raises `NotAllowed` without the permission or where the kind is hidden from the role, `ValidationFailed` without a reason,
    `NotFound`.
    """
    require(actor, Permission.CUSTOMER_READ)
    require(actor, Permission.SENSITIVE_REVEAL)
    model = REVEALED[entity]
    declared = sensitive_fields(model)[field]
    if actor.access_to(declared.sensitive) is Access.HIDDEN:
        raise NotAllowed(Permission.SENSITIVE_REVEAL, _("{field} is hidden from your role.").format(field=declared.title))
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say why you need to see it.")]})
    record = _load(session, actor, model, record_id)
    audit.record(session, "viewed", record, field=field, reason=clean_text(reason)[:300])
    value: str = getattr(record, field) or ""
    return value


def _load(session: CrmSession, actor: Actor, model: Any, record_id: int) -> Any:
    statement = select(model) if model is Customer else select(model).join(Customer, Customer.id == model.customer_id)
    record = session.execute(statement.where(model.id == record_id, Customer.is_open)).scalar_one_or_none()
    return record or _load_entry(session, actor, model, record_id)


def _load_entry(session: CrmSession, actor: Actor, model: Any, record_id: int) -> Any:
    """The same of an entry under review, for whoever reads that."""
    record = session.execute(select(model).where(model.id == record_id), execution_options=unscoped).scalar_one_or_none()
    if record is None or not reads_entry(session, actor, record.id if model is Customer else record.customer_id):
        raise NotFound
    return record
