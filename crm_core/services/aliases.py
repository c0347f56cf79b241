"""代称: the name under which a customer is spoken of outside, so that nobody learns who it is [002]."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _
from crm_core.models import Contact
from crm_core.normal import name_key
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission
from crm_core.reference import region_label
from crm_core.services.customers import lock_customer
from crm_core.services.library import Library
from crm_core.services.stale import NOTHING, refuse_changed
from crm_core.validation import check_length, clean_text
from crm_core.visibility import View

MAX_ALIAS = 60


def alias_of(library: Library, customer: View) -> str:
    """The alias of a customer; where nobody gave it one, a name made of its region and segment."""
    return customer.alias or propose_alias(library, customer)


def propose_alias(library: Library, customer: View) -> str:
    """Where the customer is and what kind it is, and nothing that tells who."""
    parts = [part for part in (region_label(customer.province), library.label(customer.segment)) if part]
    return _("A customer ({what})").format(what=" · ".join(parts))[:MAX_ALIAS] if parts else _("A customer")


def set_alias(session: CrmSession, actor: Actor, customer_id: int, alias: str, *, seen: Mapping[str, Any] = NOTHING) -> None:
    """Give a customer an alias, or with an empty text the proposed one again; the change log keeps it.

    Raises `NotAllowed`, `NotFound`; `ValidationFailed` for one that is too long or gives the customer away; `Conflict` where it is
    no longer the one that was `seen`.
    """
    customer = lock_customer(session, actor, customer_id, Permission.CUSTOMER_EDIT)
    refuse_changed(customer, seen)
    people = session.execute(select(Contact.name).where(Contact.customer_id == customer_id)).scalars()
    try:
        clean = check_length(clean_text(alias), MAX_ALIAS)
    except ValueError as problem:
        raise ValidationFailed({"alias": [str(problem)]}) from problem
    if clean and any(_gives_away(clean, name) for name in (customer.name, *people)):
        raise ValidationFailed(
            {"alias": [_("This alias holds the name of the customer or of a contact. Choose words that give nobody away.")]}
        )
    customer.alias = clean or None
    bump(session, "customers")


def _gives_away(alias: str, name: str) -> bool:
    return name.casefold() in alias.casefold() or name_key(name) in name_key(alias)
