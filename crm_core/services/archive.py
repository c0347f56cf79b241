"""归档: customers that nobody works at now but that are kept, out of lists, searches, figures and reminders [004]."""

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.i18n import _
from crm_core.models import Customer, Place
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.services.customers import lock_customer, put, tell_owner
from crm_core.services.derived import derive
from crm_core.services.laid_away import LaidAwayPage, list_laid_away
from crm_core.validation import clean_text


def archive_customer(session: CrmSession, actor: Actor, customer_id: int, *, reason: str) -> Customer:
    """Move a customer to the archive, where its page opens for reading only. Raises `ValidationFailed` without a reason."""
    customer = lock_customer(session, actor, customer_id, Permission.CUSTOMER_ARCHIVE)
    session.info["reason"] = clean_text(reason)[:300]
    if not session.info["reason"]:
        raise ValidationFailed({"reason": [_("Say why this customer is archived.")]})
    put(customer, Place.ARCHIVE)
    tell_owner(session, actor, customer, "customer_archived", path=f"/customer?code={customer.code}")
    bump(session, "customers")
    return customer


def unarchive_customer(session: CrmSession, actor: Actor, customer_id: int) -> Customer:
    """Take a customer back into the library. Raises `NotFound` if it is not in the archive."""
    require(actor, Permission.CUSTOMER_ARCHIVE)
    archived = select(Customer).where(Customer.id == customer_id, Customer.place == Place.ARCHIVE).with_for_update()
    customer = session.execute(archived).scalar_one_or_none()
    if customer is None:
        raise NotFound(_("This customer is not in the archive any more. Reload the page."))
    put(customer, Place.LIBRARY)
    session.flush()
    derive(session, [customer.id])
    bump(session, "customers")
    return customer


def list_archive(session: CrmSession, actor: Actor, *, phrase: str = "", page: int = 1) -> LaidAwayPage:
    """What was archived within the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    return list_laid_away(session, Place.ARCHIVE, phrase=phrase, page=page)
