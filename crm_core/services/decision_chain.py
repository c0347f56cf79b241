"""决策链 of an opportunity: which of the customer's contacts decide, and how each stands to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _, join_words
from crm_core.models import ATTITUDES, DECISION_ROLES, Contact, Opportunity, OpportunityContact
from crm_core.permissions import Actor
from crm_core.services.opportunities import lock_opportunity
from crm_core.validation import clean_text

MOST = 30


@dataclass(frozen=True)
class Decider:
    """Somebody of the chain; without a contact where that was deleted since."""

    contact_id: int | None
    name: str
    role: str
    attitude: str = "unknown"
    remark: str = ""


def list_chain(session: CrmSession, opportunity_id: int) -> list[Decider]:
    """The chain of an opportunity, which the caller has read within the scope; those who decide first."""
    rows = session.execute(select(OpportunityContact).where(OpportunityContact.opportunity_id == opportunity_id)).scalars()
    order = list(DECISION_ROLES)
    found = sorted(rows, key=lambda one: (order.index(one.role), one.id))
    return [Decider(one.contact_id, one.contact_name, one.role, one.attitude, one.remark or "") for one in found]


def put_decider(
    session: CrmSession, actor: Actor, opportunity_id: int, contact_id: int, *, role: str, attitude: str = "unknown", remark: str = ""
) -> None:
    """Add a contact of the customer to the chain, or change what is said of them. Raises `ValidationFailed`, `NotFound`, `NotAllowed`."""
    opportunity = lock_opportunity(session, actor, opportunity_id)
    before = list_chain(session, opportunity_id)
    contact = session.get(Contact, contact_id)
    if contact is None or contact.customer_id != opportunity.customer_id:
        raise ValidationFailed({"contact_id": [_("Choose a contact of this customer.")]})
    if role not in DECISION_ROLES or attitude not in ATTITUDES:
        raise ValidationFailed({"role": [_("Choose what part they have in the decision.")]})
    if len(before) >= MOST and contact_id not in [one.contact_id for one in before]:
        raise ValidationFailed({"contact_id": [_("At most {count} people are possible.").format(count=MOST)]})
    own = (OpportunityContact.opportunity_id == opportunity_id, OpportunityContact.contact_id == contact_id)
    row = session.execute(select(OpportunityContact).where(*own)).scalar_one_or_none()
    row = row or OpportunityContact(opportunity_id=opportunity_id, contact_id=contact_id)
    row.contact_name, row.role, row.attitude, row.remark = contact.name, role, attitude, clean_text(remark)[:300] or None
    session.add(row)
    session.flush()
    _note(session, opportunity, before)


def remove_decider(session: CrmSession, actor: Actor, opportunity_id: int, name: str) -> None:
    """Take everybody of this name out of the chain, deleted contacts included. Raises `NotFound`, `NotAllowed`."""
    opportunity = lock_opportunity(session, actor, opportunity_id)
    before = list_chain(session, opportunity_id)
    own = (OpportunityContact.opportunity_id == opportunity_id, OpportunityContact.contact_name == name)
    for row in session.execute(select(OpportunityContact).where(*own)).scalars():
        session.delete(row)
    session.flush()
    _note(session, opportunity, before)


def _note(session: CrmSession, opportunity: Opportunity, before: Sequence[Decider]) -> None:
    after = list_chain(session, opportunity.id)
    if after != list(before):
        opportunity.updated_at = clock.now()
        audit.record_change(session, opportunity, field="decision_chain", old=_in_words(before), new=_in_words(after))


def _in_words(chain: Sequence[Decider]) -> str:
    return join_words(" · ".join((one.name, _(DECISION_ROLES[one.role]), _(ATTITUDES[one.attitude]))) for one in chain)
