"""The dialog of one contract: what was agreed, what is planned and received, its files, and what can be done with it."""

from collections.abc import Callable

import streamlit as st

from crm_core.i18n import N_, _, format_date, format_money, format_number
from crm_core.permissions import Permission
from crm_core.services import attachments, contract_sheets, contracts, library
from crm_core.services.contract_sheets import Sheet
from ui import attachment_list, contract_form, contract_list, feedback, follow_up_form, forms, guard, payment_forms, routes
from ui.feedback import escape

LONGEST_NUMBER = 18
"""Digits of an id in an address; more fit into no column."""
ASKS, BEGUN = "contract_asks", "contract_begun"
"""What the dialog asks for, and the contract as it was when that began."""
ENTRIES = {
    "plan": (N_("Plan payments"), "event"),
    "edit": (N_("Edit"), "edit"),
    "file": (N_("Add a file"), "attach_file"),
    "void": (N_("Make void"), "contract_delete"),
}
"""What the menu of a contract in force offers, with an icon each."""


def open_contract(contract_id: int) -> None:
    """Open the dialog."""
    st.session_state[ASKS] = ""
    guard.dialog(_("Contract"), _draw, contract_id)


def open_asked() -> None:
    """Open what the address asks for, once, so that it can be closed: a contract, where notices lead, or the signing of one for a
    won opportunity.
    """
    asked = {name: st.query_params.pop(name, "") for name in ("contract", "opportunity")}
    known = {name: int(number) for name, number in asked.items() if number.isdecimal() and len(number) <= LONGEST_NUMBER}
    if "contract" in known:
        open_contract(known["contract"])
    elif "opportunity" in known:
        contract_form.open_for_opportunity(known["opportunity"])


def _draw(contract_id: int) -> None:
    with feedback.attempt() as outcome, guard.reading() as session:
        sheet = contract_sheets.get_sheet(session, guard.actor(), contract_id)
    if not outcome.succeeded:
        return
    step = st.session_state.get(ASKS, "")
    if step:
        sheet = st.session_state[BEGUN]  # as it was when this was asked: what others saved since is not overwritten
    st.markdown(f":material/contract: **{escape(sheet.contract.number)}** · {escape(sheet.contract.product)}")
    name, _colon, number = step.partition(":")
    if name in payment_forms.OF_PAYMENTS:
        payment_forms.OF_PAYMENTS[name](sheet, int(number))
    else:
        _STEPS.get(name, _draw_all)(sheet)


def _draw_all(sheet: Sheet) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        contract_list.draw_badges(sheet)
        if st.button(f":material/chevron_right: {escape(sheet.customer)}", key="contract_sheet_customer", type="tertiary"):
            st.switch_page(routes.CUSTOMER, query_params={"code": sheet.code})
    amounts = {_("Contract amount"): sheet.contract.amount, _("Received"): sheet.received, _("Left"): sheet.left}
    with st.grid(3, min_column_width=130):
        for label, amount in amounts.items():
            st.metric(label, format_money(amount), border=True)
    _draw_facts(sheet)
    if sheet.is_listed and guard.actor().can(Permission.CONTRACT_WRITE):
        _draw_actions(sheet)
    _draw_plan(sheet)
    _draw_payments(sheet)
    _draw_files(sheet)


def _draw_facts(sheet: Sheet) -> None:
    contract = sheet.contract
    lines = [_("Signed on {day}").format(day=format_date(contract.signed_on))]
    if contract.starts_on or contract.ends_on:
        lines.append(
            _("runs from {start} to {end}").format(start=format_date(contract.starts_on) or "…", end=format_date(contract.ends_on) or "…")
        )
    lines.append(_("counts for {name}").format(name=sheet.owner))
    st.caption(escape(" · ".join(lines)))
    for line in sheet.lines:
        unit = f" {line.unit}" if line.unit else ""
        told = f"{line.name} × {format_number(line.quantity.normalize())}{unit} × {format_money(line.price)} = {format_money(line.amount)}"
        st.markdown(":material/package_2: " + escape(told))
    if contract.remark:
        st.markdown(escape(contract.remark).replace("\n", "  \n"))
    if contract.voided_at:
        st.warning(escape(_("Void: {reason}").format(reason=contract.void_reason or "")), icon=":material/contract_delete:")


def _draw_actions(sheet: Sheet) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if sheet.contract.voided_at:
            if st.button(_("Restore"), key="contract_restore", icon=":material/undo:"):
                _restore(sheet)
            return
        if sheet.left and st.button(_("Record payment"), key="contract_pay", type="primary", icon=":material/payments:"):
            _go_on(sheet, "pay")
        chosen = st.menu_button(_("More"), list(ENTRIES), format_func=_entry, key="contract_menu", type="tertiary")
    if chosen:
        _go_on(sheet, chosen)


def _entry(code: str) -> str:
    label, icon = ENTRIES[code]
    return f":material/{icon}: " + _(label)


def _go_on(sheet: Sheet, step: str) -> None:
    if step == "edit":
        contract_form.begin_edit(sheet)
    payment_forms.begin(sheet)
    st.session_state.update({ASKS: step, BEGUN: sheet})
    guard.again()


def _draw_plan(sheet: Sheet) -> None:
    if not sheet.plan:
        return
    title = _("Planned payments")
    st.markdown(f"**{title}** {escape(format_money(sum(one.amount for one in sheet.plan)))}")
    for one in sheet.plan:
        late, is_late = _("Overdue"), one.is_overdue and sheet.contract.voided_at is None
        state = f" :red-badge[{late}]" if is_late else "" if one.open else " :green-badge[" + _("Paid") + "]"
        part = escape(" · " + _("{amount} open").format(amount=format_money(one.open))) if 0 < one.open < one.amount else ""
        st.markdown(f"{format_date(one.due_on)} {escape(format_money(one.amount))}{part}{state}")


def _draw_payments(sheet: Sheet) -> None:
    title, may_change = _("Received payments"), sheet.is_listed and guard.actor().can(Permission.CONTRACT_WRITE)
    st.markdown(f"**{title}** {escape(format_money(sheet.received))}")
    if not sheet.payments:
        st.caption(_("Nothing was received yet."))
    for one in sheet.payments:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            told = f"{format_date(one.received_on)} {format_money(one.amount)}" + (f" · {one.note}" if one.note else "")
            st.markdown(escape(told), width="stretch")
            if not may_change:
                continue
            for step, icon, label in (("correct", "edit", _("Correct this payment")), ("remove", "delete", _("Remove this payment"))):
                if st.button(label, key=f"payment_{step}_{one.id}", icon=f":material/{icon}:", type="tertiary", help=label):
                    _go_on(sheet, f"{step}:{one.id}")


def _draw_files(sheet: Sheet) -> None:
    if sheet.files:
        with guard.reading() as session:
            entries = library.get_library(session)
        title = _("Files")
        st.markdown(f"**{title}**")
        attachment_list.draw_files(sheet.files, entries)


def _void(sheet: Sheet) -> None:
    st.markdown(escape(_("A void contract stays in the list and counts nowhere: not for the customer, not for targets.")))
    reason = st.text_input(forms.required(_("Reason")), key=guard.key("contract_void_reason"), max_chars=300)
    if forms.decide(_("Make void"), icon=":material/contract_delete:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            contracts.void_contract(session, guard.actor(), sheet.contract.id, version=sheet.contract.version, reason=reason)
        if outcome.succeeded:
            feedback.later(_("The contract is void."))
            st.rerun()


def _restore(sheet: Sheet) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        contracts.restore_contract(session, guard.actor(), sheet.contract.id, version=sheet.contract.version)
    if outcome.succeeded:
        feedback.later(_("The contract counts again."))
        st.rerun()


def _add_file(sheet: Sheet) -> None:
    with guard.reading() as session:
        types = follow_up_form.read_types(session)
    file = follow_up_form.draw_upload(types, key=f"contract_file_{sheet.contract.id}_{len(sheet.files)}")
    if forms.decide(_("Save"), is_ready=file is not None) and file:
        with feedback.attempt() as outcome, guard.acting() as session:
            attachments.add_attachment(
                session, guard.actor(), file=file.stored, type=file.type, customer_id=sheet.customer_id, contract_id=sheet.contract.id
            )
        if outcome.succeeded:
            st.rerun()


_STEPS: dict[str, Callable[[Sheet], None]] = {
    "edit": contract_form.edit,
    "plan": payment_forms.plan,
    "pay": payment_forms.record,
    "file": _add_file,
    "void": _void,
}
"""What the dialog asks for, by the entry of the menu."""
