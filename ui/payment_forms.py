"""What the dialog of a contract asks for about money: the plan of payments, and payments that were received."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.i18n import _, format_money
from crm_core.services import payments
from crm_core.services.contract_sheets import Sheet
from crm_core.visibility import View
from ui import feedback, forms, guard
from ui.feedback import escape

STATE = "payment_form"
EMPTY_ROWS = 2
"""So many empty rows a plan is drawn with, to be filled or left empty."""


def begin(sheet: Sheet) -> None:
    """The dialog asks for something else: nothing of what was entered before stays."""
    turn = st.session_state.get(STATE, {}).get("turn", 0) + 1
    st.session_state[STATE] = {"turn": turn, "errors": {}, "rows": len(sheet.plan) + EMPTY_ROWS}


def _key(name: str) -> str:
    return f"payment_{name}~{st.session_state[STATE]['turn']}"


def plan(sheet: Sheet) -> None:
    """One row a payment; empty ones are left out."""
    state = st.session_state[STATE]
    st.caption(
        escape(_("The contract is worth {amount}. Rows left empty are not kept.").format(amount=format_money(sheet.contract.amount)))
    )
    rows = [_draw_row(sheet, place, state["errors"]) for place in range(state["rows"])]
    forms.tell(state["errors"].get("amount", ()))
    if st.button(_("One more row"), key="payment_row", icon=":material/add:", type="tertiary"):
        state["rows"] += 1
        guard.again()
    if forms.decide(_("Save")):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            payments.set_plan(session, guard.actor(), sheet.contract.id, rows, version=sheet.contract.version)
        forms.conclude(outcome, _("The plan is saved."), st.session_state[STATE])


def _draw_row(sheet: Sheet, place: int, errors: dict[str, list[str]]) -> dict[str, Any]:
    present = sheet.plan[place] if place < len(sheet.plan) else None
    left, right = st.columns(2)
    number = place + 1
    day = left.date_input(
        _("Due on, payment {number}").format(number=number),
        value=present.due_on if present else None,
        min_value=forms.EARLIEST,
        max_value=forms.LATEST,
        format="YYYY-MM-DD",
        key=_key(f"due_{place}"),
    )
    shown = format(present.amount.normalize(), "f") if present else ""
    amount = right.text_input(_("Amount, payment {number}").format(number=number), value=shown, key=_key(f"planned_{place}"))
    for column, name in ((left, "due_on"), (right, "amount")):
        with column:
            forms.tell(errors.get(f"{place}.{name}", ()))
    return {"due_on": day, "amount": amount}


def record(sheet: Sheet) -> None:
    """A payment that was received; what is left is proposed as its amount, or the part of it that is due."""
    due = next((one.open for one in sheet.plan if one.open), sheet.left)
    entered = _ask(sheet, None, min(due, sheet.left))
    if forms.decide(_("Record payment"), icon=":material/payments:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            payments.record_payment(session, guard.actor(), sheet.contract.id, entered)
        forms.conclude(outcome, _("The payment is recorded."), st.session_state[STATE])


def _ask(sheet: Sheet, present: View | None, amount: Any) -> dict[str, Any]:
    errors = st.session_state[STATE]["errors"]
    st.caption(escape(_("Of {amount}, {left} are left.").format(amount=format_money(sheet.contract.amount), left=format_money(sheet.left))))
    left, right = st.columns(2)
    with left:
        day = st.date_input(
            forms.required(_("Received on")),
            value=present.received_on if present else clock.today(),
            max_value=clock.today(),
            min_value=forms.EARLIEST,
            format="YYYY-MM-DD",
            key=_key("received_on"),
        )
        forms.tell(errors.get("received_on", ()))
    with right:
        text = st.text_input(
            forms.required(_("Amount received")), value=format(amount.normalize(), "f"), key=_key("amount"), help=_("In yuan.")
        )
        forms.tell(errors.get("amount", ()))
    note = st.text_input(_("Note"), value=(present.note if present else "") or "", key=_key("note"))
    forms.tell(errors.get("note", ()))
    return {"received_on": day, "amount": text, "note": note}


def _correct(sheet: Sheet, payment_id: int) -> None:
    present = _find(sheet, payment_id)
    entered = _ask(sheet, present, present.amount)
    reason = _ask_reason()
    if forms.decide(_("Save")):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            payments.correct_payment(session, guard.actor(), payment_id, entered, version=present.version, reason=reason)
        forms.conclude(outcome, _("The payment is corrected. The change log keeps what stood there before."), st.session_state[STATE])


def _remove(sheet: Sheet, payment_id: int) -> None:
    present = _find(sheet, payment_id)
    sentence = _("Remove the payment of {amount}? The change log keeps a note of it.")
    st.markdown(escape(sentence.format(amount=format_money(present.amount))))
    reason = _ask_reason()
    if forms.decide(_("Remove"), icon=":material/delete:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            payments.remove_payment(session, guard.actor(), payment_id, version=present.version, reason=reason)
        forms.conclude(outcome, _("The payment is removed."), st.session_state[STATE])


def _ask_reason() -> str:
    reason = st.text_input(forms.required(_("Reason")), key=_key("reason"), max_chars=300)
    forms.tell(st.session_state[STATE]["errors"].get("reason", ()))
    return reason


def _find(sheet: Sheet, payment_id: int) -> View:
    return next(one for one in sheet.payments if one.id == payment_id)


OF_PAYMENTS: dict[str, Callable[[Sheet, int], None]] = {"correct": _correct, "remove": _remove}
"""What is asked for about one payment."""
