"""Contracts of a customer (成交 / 合同): signing, correcting, making void and restoring them.

Every one of these renews the customer's cooperation (`cooperation.py`) in the same transaction. A contract is never deleted: a void one
stays, and counts nowhere. What was received for it stands in `payments.py`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.checks.contracts import GIVEN
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.fields import fields_of
from crm_core.i18n import _, format_money
from crm_core.models import Contract, Customer, LifecycleStage, Payment, PlannedPayment
from crm_core.numbering import contract_number, take
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.cooperation import check_total, renew_from_rows
from crm_core.services.customer_changes import keep_words, refresh
from crm_core.services.locking import lock_listed
from crm_core.services.owners import list_holders
from crm_core.validation import clean_text, clean_values
from crm_core.visibility import see_all

SIGNING = frozenset({LifecycleStage.CUSTOMER, LifecycleStage.PARTNER})
"""Types whose customers sign one more contract; for the others the change of their type does."""

Errors = dict[str, list[str]]


def check_contract(session: CrmSession, values: Mapping[str, Any], *, present: Contract | None = None) -> tuple[dict[str, Any], Errors]:
    """What a contract needs: a product or service, an amount above 0, the day of signing up to today, an end not before the start [001].

    A number of one's own is free, and not one as the system gives them.
    """
    clean, errors = clean_values(fields_of(Contract), values)
    number = clean.get("number")
    if "number" not in errors and number and (present is None or number != present.number):
        take(session, "contract:own_numbers")  # of two that take the same number at once, the second waits here
        if GIVEN.match(number):
            errors["number"] = [_("Numbers of this form are given by the system. Leave the field empty, or choose another form.")]
        elif session.execute(select(Contract.id).where(Contract.number == number), execution_options=unscoped).first():
            errors["number"] = [_("The number {number} is taken by another contract. Choose another one.").format(number=number)]
    return clean, errors


def add_contract(
    session: CrmSession, actor: Actor, customer_id: int, values: Mapping[str, Any], *, owner_id: int | None = None
) -> Contract:
    """Sign one more contract with a customer that is won or a partner. Raises `ValidationFailed`, `IllegalTransition`, `NotFound`, `NotAllowed`."""
    require(actor, Permission.CONTRACT_WRITE)
    customer = lock_listed(session, customer_id)
    if customer.stage not in SIGNING:
        raise IllegalTransition(_("This customer is not won yet. Choose More, Change type: the contract is signed with it."))
    clean, errors = check_contract(session, values)
    errors = errors or check_total(customer, clean["amount"])
    errors |= _check_owner(session, actor, owner_id, None)
    if errors:
        raise ValidationFailed(errors)
    made = sign_contract(session, actor, customer, clean, owner_id=owner_id)
    refresh(session, customer)
    return made


def sign_contract(
    session: CrmSession, actor: Actor, customer: Customer, contract: Mapping[str, Any], *, owner_id: int | None = None
) -> Contract:
    """Keep a checked contract with a customer that is locked. It counts for the customer's owner unless somebody else is named,
    and carries the next number unless it has its own.
    """
    made = Contract(
        **{**contract, "number": contract.get("number") or contract_number(session)},
        customer_id=customer.id,
        owner_id=owner_id or customer.owner_id or actor.id,
        created_by_id=actor.id,
    )
    session.add(made)
    renew_from_rows(session, customer)
    return made


def _check_owner(session: CrmSession, actor: Actor, owner_id: int | None, present: int | None) -> Errors:
    if owner_id in (None, present) or owner_id in list_holders(session, actor):
        return {}
    return {"owner_id": [_("Choose somebody whose customers you see, with an active account.")]}


def lock_contract(session: CrmSession, actor: Actor, contract_id: int) -> tuple[Customer, Contract]:
    """A contract and its customer, both locked for a change. Raises `NotAllowed`, `NotFound`, and `IllegalTransition` in the archive."""
    require(actor, Permission.CONTRACT_WRITE)
    customer_id = session.execute(select(Contract.customer_id).where(Contract.id == contract_id)).scalar()
    if customer_id is None:
        raise gone()
    customer = lock_listed(session, customer_id)
    found = select(Contract).where(Contract.id == contract_id, Contract.customer_id == customer.id).with_for_update()
    contract = session.execute(found, execution_options={"populate_existing": True}).scalar_one_or_none()
    if contract is None:
        raise gone()
    return customer, contract


def gone() -> NotFound:
    """What is said of a contract that is not there, or not to be seen."""
    return NotFound(_("This contract is gone or not visible to you. Reload the page."))


def update_contract(
    session: CrmSession,
    actor: Actor,
    contract_id: int,
    changes: Mapping[str, Any],
    *,
    version: int,
    reason: str = "",
    owner_id: int | None = None,
) -> Contract:
    """Correct a contract; a reason is demanded where a value is replaced. Its amount stays above what is planned and received.

    Raises `Conflict` with the present values if somebody saved after `version`, `ValidationFailed`, `IllegalTransition` for a void one,
    `NotFound`, `NotAllowed`.
    """
    customer, contract = lock_contract(session, actor, contract_id)
    before = {name: getattr(contract, name) for name in fields_of(Contract)} | {"owner_id": contract.owner_id}
    if contract.version != version:
        raise Conflict(version=contract.version, theirs=see_all(actor, Contract, before))
    if not contract.is_in_force:
        raise IllegalTransition(_("A void contract is not corrected. Restore it first."))
    clean, errors = check_contract(session, {**before, **changes}, present=contract)
    clean["owner_id"] = owner_id or contract.owner_id
    clean["number"] = clean.get("number") or contract.number
    errors |= _check_owner(session, actor, owner_id, contract.owner_id) | keep_words(session, reason, "")
    if "amount" not in errors:
        errors |= _check_amount(session, customer, contract, clean["amount"])
    changed = {name for name, value in clean.items() if value != before[name]}
    if any(before[name] is not None for name in changed) and not session.info["reason"]:
        errors["reason"] = [_("Say why an existing value is corrected.")]
    if errors:
        raise ValidationFailed(errors)
    for name in changed:
        setattr(contract, name, clean[name])
    _follow(session, customer)
    return contract


def _check_amount(session: CrmSession, customer: Customer, contract: Contract, amount: Decimal) -> Errors:
    received, planned = sums_of(session, contract.id)
    if amount < received:
        sentence = _("{amount} were received for this contract already: its amount cannot be less.")
        return {"amount": [sentence.format(amount=format_money(received))]}
    if amount < planned:
        sentence = _("{amount} are planned to be paid for this contract. Change the plan first, or enter at least that.")
        return {"amount": [sentence.format(amount=format_money(planned))]}
    return check_total(customer, amount - contract.amount)


def sums_of(session: CrmSession, contract_id: int) -> tuple[Decimal, Decimal]:
    """What was received for a contract, and what is planned."""
    sums = [
        select(func.coalesce(func.sum(model.amount), 0)).where(model.contract_id == contract_id).scalar_subquery()
        for model in (Payment, PlannedPayment)
    ]
    row = session.execute(select(*sums)).one()
    return row[0], row[1]


def void_contract(session: CrmSession, actor: Actor, contract_id: int, *, version: int, reason: str) -> Contract:
    """Make a contract void (作废), for a reason: it stays and counts nowhere. One for which money came is not made void.

    Raises `Conflict`, `IllegalTransition`, `ValidationFailed`, `NotFound`, `NotAllowed`.
    """
    customer, contract = lock_contract(session, actor, contract_id)
    if contract.version != version or not contract.is_in_force:
        raise Conflict(version=contract.version, theirs={})
    errors = keep_words(session, reason, "")
    if not session.info["reason"]:
        raise ValidationFailed(errors | {"reason": [_("Say why the contract becomes void.")]})
    received, _planned = sums_of(session, contract.id)
    if received:
        sentence = _("{amount} were received for this contract. Remove the payments first if they belong elsewhere or were paid back.")
        raise IllegalTransition(sentence.format(amount=format_money(received)))
    contract.voided_at, contract.voided_by_id, contract.void_reason = clock.now(), actor.id, session.info["reason"]
    _follow(session, customer)
    return contract


def restore_contract(session: CrmSession, actor: Actor, contract_id: int, *, version: int, reason: str = "") -> Contract:
    """Let a void contract count again. Raises `Conflict`, `ValidationFailed`, `NotFound`, `NotAllowed`."""
    customer, contract = lock_contract(session, actor, contract_id)
    if contract.version != version or contract.is_in_force:
        raise Conflict(version=contract.version, theirs={})
    session.info["reason"] = clean_text(reason)[:300] or None
    if errors := check_total(customer, contract.amount):
        raise ValidationFailed(errors)
    contract.voided_at = contract.voided_by_id = contract.void_reason = None
    _follow(session, customer)
    return contract


def _follow(session: CrmSession, customer: Customer) -> None:
    """What follows from another set of contracts: the customer's figures, and what is derived from them."""
    renew_from_rows(session, customer)
    refresh(session, customer)
