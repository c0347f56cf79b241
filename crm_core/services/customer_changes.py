"""Changes of customers: what a correction needs, and what follows from it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotAllowed, ValidationFailed
from crm_core.fields import fields_of, read_values, write_value
from crm_core.i18n import _
from crm_core.models import Contact, Customer
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission
from crm_core.search import reindex
from crm_core.services.cooperation import COOPERATION, agreed_with, check_cooperation, enter
from crm_core.services.customers import lock_customer
from crm_core.services.derived import derive
from crm_core.services.duplicates import FIELD_OF, find_duplicates_of, lacks_reason, twins_by_field
from crm_core.services.entry import Checked, check_changes, missing_fields
from crm_core.services.industries import suggest_industry
from crm_core.services.library import Library, get_library
from crm_core.validation import check_length, clean_text, is_blank
from crm_core.visibility import View, locked_message, see_all, sift

LONGEST_FEEDBACK = 500


def update_customer(
    session: CrmSession,
    actor: Actor,
    customer_id: int,
    changes: Mapping[str, Any],
    *,
    version: int,
    reason: str = "",
    feedback: str = "",
) -> Customer:
    """Change fields of a customer; the change log keeps the reason, which is demanded where a value is corrected [002]
    and where a name or number becomes that of another customer, and the customer's own remark (`feedback`).

    Raises `Conflict` with the present values if somebody saved after `version`, `ValidationFailed`, `NotFound`, `NotAllowed`.
    """
    customer = lock_customer(session, actor, customer_id, Permission.CUSTOMER_EDIT)
    before = read_values(customer, get_library(session).fields)
    if customer.version != version:
        raise Conflict(version=customer.version, theirs=see_all(actor, Customer, before))
    changes = allowed_changes(actor, Customer, before, changes)
    before["industry"] = before["industry"] or customer.industry_text
    clean, changed, errors = _check(session, before, changes)
    values = {name: clean.get(name) for name in changed}
    errors = _against_contracts(session, customer, values) | errors | keep_words(session, reason, feedback)
    if not session.info["reason"]:
        _demand_reason(session, actor, customer, before, values, errors)
    if session.info["feedback"] and not changed:
        errors["feedback"] = [_("A remark is kept with a change. Change something first, or leave the remark empty.")]
    if errors:
        raise ValidationFailed(errors)
    write(session, actor, customer, clean, changed)
    return customer


def keep_words(session: CrmSession, reason: str, feedback: str) -> dict[str, list[str]]:
    """Let every line that this transaction writes into the change log carry the reason and what the customer said about it (客户反馈)."""
    session.info["reason"], session.info["feedback"] = clean_text(reason)[:300] or None, None
    try:
        session.info["feedback"] = check_length(clean_text(feedback), LONGEST_FEEDBACK) or None
    except ValueError as problem:
        return {"feedback": [str(problem)]}
    return {}


def _against_contracts(session: CrmSession, customer: Customer, changed: Mapping[str, Any]) -> dict[str, list[str]]:
    if not changed.keys() & set(COOPERATION):
        return {}
    return check_cooperation(agreed_with(session, [customer.id]).get(customer.id), changed)


def allowed_changes(actor: Actor, model: type, present: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of the values given for a record. Raises `NotAllowed`, naming the fields, for sensitive ones the actor may not change."""
    changes, refused = sift(actor, model, present, given)
    if refused:
        raise NotAllowed("sensitive:edit", locked_message(fields_of(model)[name] for name in refused))
    return changes


def _check(
    session: CrmSession, before: Mapping[str, Any], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], set[str], dict[str, list[str]]]:
    """The clean values, the names of those that become others, and the errors.

    Fixed fields are left as they are, and those that customers of this nature and type do not show keep what is stored.
    """
    library = get_library(session)
    declared = library.fields
    changes = {
        name: value for name, value in changes.items() if name in declared and not declared[name].fixed and declared[name].shown(before)
    }
    clean, errors = check_changes(library, before, changes)
    _demand_required(library, before, changes, clean, errors)
    entered = clean | {"industry": clean.get("industry") or clean.get("industry_text")}
    return clean, {name for name in changes if entered.get(name) != before[name]}, errors


def _demand_required(
    library: Library, before: Mapping[str, Any], changes: Mapping[str, Any], clean: Mapping[str, Any], errors: dict[str, list[str]]
) -> None:
    # An incomplete record may be completed in steps; what is there may not be emptied.
    for name, declared in library.fields.items():
        emptied = name in changes and is_blank(clean.get(name)) and not clean.get(f"{name}_text")
        if emptied and declared.is_required(before) and not is_blank(before[name]) and name not in errors:
            errors[name] = [_("{label} is required.").format(label=declared.title)]


def _demand_reason(
    session: CrmSession,
    actor: Actor,
    customer: Customer,
    before: Mapping[str, Any],
    changed: Mapping[str, Any],
    errors: dict[str, list[str]],
) -> None:
    twins = {} if errors else _twins(session, actor, customer, changed)
    if any(not is_blank(before[name]) for name in changed):
        errors["reason"] = [_("Say why an existing value is corrected.")]
    elif changed.get("tier"):
        errors["reason"] = [_("Say why the tier is set.")]
    for name, sentences in twins.items():
        errors.setdefault(name, sentences)


def _twins(session: CrmSession, actor: Actor, customer: Customer, changed: Mapping[str, Any]) -> dict[str, list[str]]:
    identifying = {name: changed[name] for name in FIELD_OF.values() if changed.get(name)}
    if not identifying:
        return {}
    found = find_duplicates_of(session, actor, Checked({"kind": customer.kind, **identifying}, []), besides=customer.id)
    sentences = lacks_reason(found, "")
    return {"reason": sentences, **twins_by_field(found)} if sentences else {}


def write(session: CrmSession, actor: Actor, customer: Customer, clean: Mapping[str, Any], changed: set[str]) -> None:
    """Give a locked customer the checked values of the changed fields, and do what follows from it."""
    declared = get_library(session).fields
    for name in changed:
        write_value(customer, declared[name], clean.get(name))
    if figures := changed & set(COOPERATION):
        enter(customer, agreed_with(session, [customer.id]).get(customer.id), figures)
    if "tier" in changed and customer.tier:
        customer.tier_reason = session.info["reason"]  # one that is set by hand carries its reason [003]
    if "industry" in changed:
        customer.industry_text = clean.get("industry_text")
        if customer.industry_text:
            suggest_industry(session, actor, customer.industry_text)
    refresh(session, customer)


def refresh(session: CrmSession, customer: Customer) -> None:
    """After a change to a customer or its contacts: completeness, search row, what is derived from it, and revision."""
    reindex(session, customer.id)
    follow(session, customer)


def follow(session: CrmSession, customer: Customer) -> None:
    """The same after a change of what nobody searches for, such as the figures of the cooperation."""
    session.flush()
    customer.is_incomplete = bool(_missing(session, customer))
    session.flush()
    derive(session, [customer.id])
    bump(session, "customers")


def what_is_missing(session: CrmSession, customer: View) -> list[str]:
    """The labels of the required fields that an incomplete customer lacks; one that is only hidden from the actor is not lacking."""
    declared = get_library(session).fields
    missing = _missing(session, session.get_one(Customer, customer.id))
    return [declared[name].title if name in declared else _("Contacts") for name in missing]


def _missing(session: CrmSession, customer: Customer) -> list[str]:
    rows = session.execute(select(Contact.name, Contact.phone, Contact.email).where(Contact.customer_id == customer.id)).mappings()
    people = [dict(one) for one in rows]
    library = get_library(session)
    return missing_fields(library, read_values(customer, library.fields), people, industry_text=customer.industry_text)
