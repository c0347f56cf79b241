"""回款: what is planned to be paid for a contract, and what was received.

Plans and payments are not tied to one another: what was received fills the plans in the order of their days (`progress`). A contract is
locked while either changes, so that two people at once never take more than it is worth. The change log keeps every change as a line of the
contract, with what stood there before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from crm_core import audit, clock
from crm_core.checks.dates import check_any_date, check_date
from crm_core.checks.money import check_price
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.i18n import _, format_money
from crm_core.models import Contract, Payment, PlannedPayment
from crm_core.permissions import Actor
from crm_core.services.contracts import gone, lock_contract, sums_of
from crm_core.services.customer_changes import keep_words
from crm_core.validation import check_length, clean_text, is_blank

MOST_PLANNED = 60
LOGGED, PLAN_LOGGED = "payments", "planned_payments"
"""The fields under which the change log keeps payments and plans."""
NOTE_LENGTH = 300

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Due:
    """A planned payment and how much of it is still open, given what was received so far."""

    due_on: date
    amount: Decimal
    open: Decimal

    @property
    def is_overdue(self) -> bool:
        """Its day is over and not all of it came."""
        return self.open > 0 and self.due_on < clock.today()


def progress(plans: Sequence[tuple[date, Decimal]], received: Decimal) -> list[Due]:
    """The plans in the order of their days, filled one after the other with what was received."""
    found = []
    for due_on, amount in sorted(plans):
        paid = min(amount, received)
        received -= paid
        found.append(Due(due_on, amount, amount - paid))
    return found


def set_plan(session: CrmSession, actor: Actor, contract_id: int, rows: Sequence[Mapping[str, Any]], *, version: int) -> None:
    """Replace the plan of a contract by these rows (`due_on`, `amount`); empty ones are left out.

    All of them together are at most the amount of the contract. Errors are named by the place of their row: `0.amount`, `0.due_on`.
    Raises `Conflict` for another version of the contract, `ValidationFailed`, `IllegalTransition` for a void one, `NotFound`, `NotAllowed`.
    """
    contract = _lock(session, actor, contract_id)
    if contract.version != version:
        raise Conflict(version=contract.version, theirs={})
    wanted, errors = _check_plan(contract, rows)
    if errors:
        raise ValidationFailed(errors)
    own = select(PlannedPayment).where(PlannedPayment.contract_id == contract.id).order_by(PlannedPayment.due_on, PlannedPayment.id)
    present = list(session.execute(own).scalars())
    before = _plan_in_words([(one.due_on, one.amount) for one in present])
    left = list(present)
    for due_on, amount in wanted:
        same = next((one for one in left if (one.due_on, one.amount) == (due_on, amount)), None)
        if same:
            left.remove(same)
        else:
            session.add(PlannedPayment(contract_id=contract.id, due_on=due_on, amount=amount))
    for one in left:
        session.delete(one)
    after = _plan_in_words(wanted)
    if before != after:
        contract.updated_at = clock.now()  # a new version: of two who plan at once the second is told
        audit.record_change(session, contract, field=PLAN_LOGGED, old=before, new=after)
    session.flush()


def _check_plan(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[date, Decimal]], Errors]:
    wanted: list[tuple[date, Decimal]] = []
    errors: Errors = {}
    for place, row in enumerate(rows):
        if is_blank(row.get("due_on")) and is_blank(row.get("amount")):
            continue
        clean = _clean(row, {"due_on": check_any_date, "amount": check_price}, errors, f"{place}.")
        if len(clean) == len(("due_on", "amount")):
            wanted.append((clean["due_on"], clean["amount"]))
    planned = sum((amount for _day, amount in wanted), Decimal(0))
    if len(wanted) > MOST_PLANNED:
        errors["amount"] = [_("At most {count} payments can be planned for a contract.").format(count=MOST_PLANNED)]
    elif planned > contract.amount:
        sentence = _("{planned} are planned, the contract is worth {amount}. Take {excess} away.")
        told = {"planned": planned, "amount": contract.amount, "excess": planned - contract.amount}
        errors["amount"] = [sentence.format(**{name: format_money(value) for name, value in told.items()})]
    return sorted(wanted), errors


def _clean(row: Mapping[str, Any], checks: Mapping[str, Any], errors: Errors, prefix: str = "") -> dict[str, Any]:
    """The clean values of those that are right; what is missing is an error too."""
    missing = {"amount": _("Enter an amount."), "due_on": _("Choose the day on which it is due."), "received_on": _("Choose the day.")}
    clean = {}
    for name, check in checks.items():
        if is_blank(row.get(name)):
            errors[prefix + name] = [missing[name]]
            continue
        try:
            clean[name] = check(row[name], {})
        except ValueError as problem:
            errors[prefix + name] = [str(problem)]
    return clean


def _plan_in_words(plans: Sequence[tuple[date, Decimal]]) -> str:
    return "; ".join(f"{due_on.isoformat()} {amount}" for due_on, amount in plans)


def _lock(session: CrmSession, actor: Actor, contract_id: int) -> Contract:
    _customer, contract = lock_contract(session, actor, contract_id)
    if not contract.is_in_force:
        raise IllegalTransition(_("This contract is void. Restore it before payments are planned or recorded."))
    return contract


def record_payment(session: CrmSession, actor: Actor, contract_id: int, values: Mapping[str, Any]) -> Payment:
    """Keep a payment that was received: `received_on` up to today, `amount` up to what is left of the contract, `note`.

    Raises `ValidationFailed`, `IllegalTransition` for a void contract, `NotFound`, `NotAllowed`.
    """
    contract = _lock(session, actor, contract_id)
    clean = _check_payment(session, contract, values)
    made = Payment(contract_id=contract.id, created_by_id=actor.id, **clean)
    session.add(made)
    audit.record_change(session, contract, field=LOGGED, old="", new=_in_words(made))
    session.flush()
    return made


def correct_payment(session: CrmSession, actor: Actor, payment_id: int, values: Mapping[str, Any], *, version: int, reason: str) -> Payment:
    """Correct a payment, for a reason; the change log keeps what stood there before.

    Raises `Conflict` if somebody saved after `version`, `ValidationFailed`, `NotFound`, `NotAllowed`.
    """
    contract, payment = _lock_payment(session, actor, payment_id, version=version)
    _demand_reason(session, reason)
    before = _in_words(payment)
    for name, value in _check_payment(session, contract, values, besides=payment.amount).items():
        setattr(payment, name, value)
    if before != _in_words(payment):
        audit.record_change(session, contract, field=LOGGED, old=before, new=_in_words(payment))
        _look_again(session, contract)
    session.flush()
    return payment


def remove_payment(session: CrmSession, actor: Actor, payment_id: int, *, version: int, reason: str) -> None:
    """Take a payment away, for a reason; the change log keeps what it was.

    Raises `Conflict`, `ValidationFailed`, `NotFound`, `NotAllowed`.
    """
    contract, payment = _lock_payment(session, actor, payment_id, version=version)
    _demand_reason(session, reason)
    audit.record_change(session, contract, field=LOGGED, old=_in_words(payment), new="")
    session.delete(payment)
    _look_again(session, contract)
    session.flush()


def _look_again(session: CrmSession, contract: Contract) -> None:
    """With less that was received, plans that were paid may be overdue: the job tells of them."""
    again = update(PlannedPayment).where(PlannedPayment.contract_id == contract.id).values(told_on=None)
    session.execute(again, execution_options={"synchronize_session": False})


def _lock_payment(session: CrmSession, actor: Actor, payment_id: int, *, version: int) -> tuple[Contract, Payment]:
    # Joined with its contract, which the row scope limits.
    own = select(Payment.contract_id).join(Contract, Contract.id == Payment.contract_id).where(Payment.id == payment_id)
    contract_id = session.execute(own).scalar()
    if contract_id is None:
        raise NotFound(_("This payment was removed meanwhile. Reload the page."))
    contract = _lock(session, actor, contract_id)
    found = select(Payment).where(Payment.id == payment_id).with_for_update()
    payment = session.execute(found, execution_options={"populate_existing": True}).scalar_one_or_none()
    if payment is None:
        raise gone()
    if payment.version != version:
        raise Conflict(version=payment.version, theirs={})
    return contract, payment


def _demand_reason(session: CrmSession, reason: str) -> None:
    keep_words(session, reason, "")
    if not session.info["reason"]:
        raise ValidationFailed({"reason": [_("Say why the payment is changed.")]})


def _check_payment(session: CrmSession, contract: Contract, values: Mapping[str, Any], *, besides: Decimal = Decimal(0)) -> dict[str, Any]:
    errors: Errors = {}
    clean = _clean(values, {"received_on": check_date, "amount": check_price}, errors)
    received, _planned = sums_of(session, contract.id)
    left = contract.amount - received + besides
    if "amount" in clean and clean["amount"] > left:
        errors["amount"] = [_too_much(contract.amount, left)]
    try:
        clean["note"] = check_length(clean_text(values.get("note") or ""), NOTE_LENGTH) or None
    except ValueError as problem:
        errors["note"] = [str(problem)]
    if errors:
        raise ValidationFailed(errors)
    return clean


def _too_much(amount: Decimal, left: Decimal) -> str:
    if not left:
        return _("All {amount} of this contract were received already.").format(amount=format_money(amount))
    sentence = _("Of {amount}, {left} are left to be received. Enter at most that.")
    return sentence.format(amount=format_money(amount), left=format_money(left))


def _in_words(payment: Payment) -> str:
    return " · ".join(part for part in (f"{payment.received_on.isoformat()} {payment.amount}", payment.note or "") if part)
