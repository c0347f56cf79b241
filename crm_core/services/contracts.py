"""Contracts of a customer (成交 / 合同): signing, correcting, making void and restoring them.

Every one of these renews the customer's cooperation (`cooperation.py`) in the same transaction. Nobody deletes a contract: a void one
stays, and counts nowhere; only the undo of an import removes what it had brought in (`imports/taking_back.py`). What was received for a
contract stands in `payments.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.checks.contracts import GIVEN
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.fields import fields_of
from crm_core.i18n import _, format_money
from crm_core.models import (
    Contract,
    Customer,
    LifecycleStage,
    Opportunity,
    OpportunityLine,
    OpportunityStage,
    Outcome,
    Payment,
    PlannedPayment,
)
from crm_core.numbering import contract_number, take
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.contract_lines import Line, check_lines, check_sum, lines_of, lines_of_contract, with_lines, write_lines
from crm_core.services.cooperation import check_total, renew_from_rows
from crm_core.services.customer_changes import follow, keep_words
from crm_core.services.locking import lock_listed
from crm_core.services.owners import list_holders
from crm_core.validation import clean_values
from crm_core.visibility import see_all

SIGNING = frozenset({LifecycleStage.CUSTOMER, LifecycleStage.PARTNER})
"""Types whose customers sign one more contract; for the others the change of their type does."""

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Checked:
    """A contract as it may be kept: its values, its lines, the opportunity that was won with it; and what is wrong, by field."""

    values: dict[str, Any]
    lines: list[Line]
    opportunity_id: int | None
    errors: Errors


def check_contract(
    session: CrmSession,
    values: Mapping[str, Any],
    *,
    lines: Sequence[Mapping[str, Any]] = (),
    opportunity_id: int | None = None,
    customer_id: int | None = None,
    present: Contract | None = None,
    had: Sequence[Line] = (),
) -> Checked:
    """What a contract needs: a product or service, an amount above 0, the day of signing up to today, an end not before the start [001].

    With `lines` the amount is their sum. A number of one's own is free, and not one as the system gives them. `present` and `had` are the
    contract and its lines where it is corrected.
    """
    clean_lines, line_errors = check_lines(session, lines, had)
    clean, errors = clean_values(fields_of(Contract), with_lines(values, clean_lines))
    if clean_lines and "amount" in errors:
        line_errors |= check_sum(clean_lines)
        del errors["amount"]
    number = clean.get("number")
    if "number" not in errors and number and (present is None or number != present.number):
        errors |= _check_number(session, number)
    if opportunity_id is not None and not _is_won(session, opportunity_id, customer_id):
        errors["opportunity_id"] = [_("This opportunity is not won, or belongs to another customer. Reload the page.")]
    return Checked(clean, clean_lines, opportunity_id, errors | line_errors)


def _check_number(session: CrmSession, number: str) -> Errors:
    if GIVEN.match(number):
        return {"number": [_("Numbers of this form are given by the system. Leave the field empty, or choose another form.")]}
    take(session, "contract:own_numbers")  # of two that take the same number at once, the second waits here
    if session.execute(select(Contract.id).where(Contract.number == number), execution_options=unscoped).first():
        return {"number": [_("The number {number} is taken by another contract. Choose another one.").format(number=number)]}
    return {}


def _is_won(session: CrmSession, opportunity_id: int, customer_id: int | None) -> bool:
    own = (Opportunity.id == opportunity_id, Opportunity.customer_id == customer_id, Opportunity.deleted_at.is_(None))
    won = select(Opportunity.id).join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
    return session.execute(won.where(*own, OpportunityStage.outcome == Outcome.WON)).first() is not None


@dataclass(frozen=True)
class Proposal:
    """What a won opportunity proposes for its contract."""

    opportunity_id: int
    customer_id: int
    code: str
    """Of the customer."""
    stage: str
    values: dict[str, Any]
    lines: list[Line]


def propose_from(session: CrmSession, actor: Actor, opportunity_id: int) -> Proposal:
    """The contract that follows from a won opportunity: its name, amount and lines. Raises `NotFound`, `NotAllowed`."""
    require(actor, Permission.CONTRACT_WRITE)
    found = select(Opportunity, Customer.code, Customer.stage).join(Customer, Customer.id == Opportunity.customer_id)
    row = session.execute(found.where(Opportunity.id == opportunity_id, Customer.is_listed)).one_or_none()
    if row is None:
        raise NotFound(_("This opportunity is gone or not visible to you. Reload the page."))
    opportunity, code, stage = row
    lines = lines_of(session, OpportunityLine, OpportunityLine.opportunity_id, opportunity.id)
    values = with_lines({"product": "" if lines else opportunity.name, "amount": opportunity.amount, "signed_on": clock.today()}, lines)
    return Proposal(opportunity.id, opportunity.customer_id, code, stage, values, lines)


def add_contract(
    session: CrmSession,
    actor: Actor,
    customer_id: int,
    values: Mapping[str, Any],
    *,
    lines: Sequence[Mapping[str, Any]] = (),
    had: Sequence[Line] = (),
    opportunity_id: int | None = None,
    owner_id: int | None = None,
) -> Contract:
    """Sign one more contract with a customer that is won or a partner. The products of `had` may be retired by now.

    Raises `ValidationFailed`, `IllegalTransition` for other customers, `NotFound`, `NotAllowed`.
    """
    require(actor, Permission.CONTRACT_WRITE)
    customer = lock_listed(session, customer_id)
    if customer.stage not in SIGNING:
        raise IllegalTransition(_("This customer is not won yet. Choose More, Change type: the contract is signed with it."))
    checked = check_contract(session, values, lines=lines, opportunity_id=opportunity_id, customer_id=customer.id, had=had)
    errors = checked.errors or check_total(customer, checked.values["amount"])
    errors |= _check_owner(session, actor, owner_id, None)
    if errors:
        raise ValidationFailed(errors)
    made = sign_contract(session, actor, customer, checked, owner_id=owner_id)
    follow(session, customer)
    return made


def sign_contract(session: CrmSession, actor: Actor, customer: Customer, checked: Checked, *, owner_id: int | None = None) -> Contract:
    """Keep a checked contract with a customer that is locked. It counts for the customer's owner unless somebody else is named,
    and carries the next number unless it has its own.
    """
    made = Contract(
        **{**checked.values, "number": checked.values.get("number") or contract_number(session)},
        customer_id=customer.id,
        opportunity_id=checked.opportunity_id,
        owner_id=owner_id or customer.owner_id or actor.id,
        created_by_id=actor.id,
    )
    session.add(made)
    session.flush()
    write_lines(session, made, checked.lines)
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
    lines: Sequence[Mapping[str, Any]] | None = None,
    owner_id: int | None = None,
) -> Contract:
    """Correct a contract; a reason is demanded where a value is replaced. Its amount stays above what is planned and received.

    Without `lines` the products stay as they are.

    Raises `Conflict` with the present values if somebody saved after `version`, `ValidationFailed`, `IllegalTransition` for a void one,
    `NotFound`, `NotAllowed`.
    """
    customer, contract = lock_contract(session, actor, contract_id)
    before = _values_before(actor, contract, version)
    had = lines_of_contract(session, contract.id)
    given = [vars(line) for line in had] if lines is None else lines
    checked = check_contract(session, {**before, **changes}, lines=given, present=contract, had=had)
    clean, errors = checked.values, checked.errors
    clean["owner_id"] = owner_id or contract.owner_id
    clean["number"] = clean.get("number") or contract.number
    errors |= _check_owner(session, actor, owner_id, contract.owner_id) | keep_words(session, reason, "")
    if not errors:
        errors |= _check_amount(session, customer, contract, clean["amount"])
    changed = {name for name, value in clean.items() if value != before[name]}
    if (any(before[name] is not None for name in changed) or (had and had != checked.lines)) and not session.info["reason"]:
        errors["reason"] = [_("Say why an existing value is corrected.")]
    if errors:
        raise ValidationFailed(errors)
    for name in changed:
        setattr(contract, name, clean[name])
    if had != checked.lines:
        contract.updated_at = clock.now()  # a new version, where only the lines are others
        write_lines(session, contract, checked.lines, had)
    _follow(session, customer)
    return contract


def _values_before(actor: Actor, contract: Contract, version: int) -> dict[str, Any]:
    """What stands in a contract that is corrected; only one in force is, and as it was seen."""
    before = {name: getattr(contract, name) for name in fields_of(Contract)} | {"owner_id": contract.owner_id}
    if contract.version != version:
        raise Conflict(version=contract.version, theirs=see_all(actor, Contract, before))
    if not contract.is_in_force:
        raise IllegalTransition(_("A void contract is not corrected. Restore it first."))
    return before


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


def restore_contract(session: CrmSession, actor: Actor, contract_id: int, *, version: int) -> Contract:
    """Let a void contract count again. Raises `Conflict`, `ValidationFailed`, `NotFound`, `NotAllowed`."""
    customer, contract = lock_contract(session, actor, contract_id)
    if contract.version != version or contract.is_in_force:
        raise Conflict(version=contract.version, theirs={})
    if errors := check_total(customer, contract.amount):
        raise ValidationFailed(errors)
    contract.voided_at = contract.voided_by_id = contract.void_reason = None
    _follow(session, customer)
    return contract


def _follow(session: CrmSession, customer: Customer) -> None:
    """What follows from another set of contracts: the customer's figures, and what is derived from them."""
    renew_from_rows(session, customer)
    follow(session, customer)
