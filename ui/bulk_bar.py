"""Selecting customers in the list, and doing something with all of them: the bar above the table, the dialog, the receipt."""

from collections.abc import Sequence
from functools import partial
from uuid import uuid4

import streamlit as st

from crm_core.i18n import N_, _, format_time, join_words, plural
from crm_core.services import bulk, bulk_report
from crm_core.services.bulk import Plan, Receipt
from crm_core.services.bulk_actions import ACTIONS
from crm_core.services.bulk_targets import Selection
from crm_core.services.customer_list import CustomerPage, CustomerQuery
from ui import bulk_forms, feedback, forms, guard
from ui.bulk_forms import DIALOGS, FORMS

NAMED = 5
"""So many customers that stay a dialog names; the workbook names all."""


def draw_switch() -> None:
    """The button that begins to select, for those who may do something with what they select; it ends it, too."""
    if bulk_forms.offered():
        is_on = is_selecting()
        label = _("Stop selecting") if is_on else _("Select customers to change many at once")
        st.button(
            label,
            icon=":material/checklist:",
            key="select_mode",
            help=label,
            type="primary" if is_on else "secondary",
            on_click=_switch,
        )


def is_selecting() -> bool:
    """Whether rows are selected now; otherwise a click opens a customer, and costs no more than without any of this."""
    return bool(st.session_state.get("selecting"))


def _switch() -> None:
    st.session_state["selecting"] = not is_selecting()
    _forget()


def _forget() -> None:
    st.session_state["selection_turn"] = st.session_state.get("selection_turn", 0) + 1
    st.session_state["all_found"] = None


def key_of(query: CustomerQuery) -> str:
    """Under what the selection is kept: another page or other filters begin a new one."""
    if st.session_state.get("selected_in") != query:
        st.session_state["selected_in"] = query
        _forget()
    return f"selected_{st.session_state.get('selection_turn', 0)}"


def draw(page: CustomerPage, query: CustomerQuery, codes: Sequence[str]) -> None:
    """How many are selected, all that the list finds instead, and what can be done with them."""
    is_all = bool(st.session_state.get("all_found"))
    total = (_("more than {total}") if page.is_capped else "{total}").format(total=f"{page.total:,}")
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="bulk_bar"):
        text = _("All {total} customers found are selected.").format(total=total) if is_all else _told(len(codes))
        st.markdown(f":material/checklist: {text}", width="stretch")
        if is_all:
            st.button(_("Only choose on this page"), key="bulk_some", type="tertiary", on_click=_choose_all, args=(False,))
        else:
            st.button(
                _("Select all {total} found").format(total=total), key="bulk_all", type="tertiary", on_click=_choose_all, args=(True,)
            )
        chosen = st.menu_button(
            _("Change"),
            bulk_forms.offered(),
            format_func=bulk_forms.entry,
            key="bulk_menu",
            type="primary",
            disabled=not (codes or is_all),
        )
        if st.button(_("Earlier ones"), key="bulk_history", icon=":material/history:"):
            guard.dialog(_("Earlier bulk actions"), _draw_history)
        st.button(_("Done"), key="bulk_end", on_click=_switch)
    selection = Selection(query=query) if is_all else Selection(tuple(codes))
    if chosen in DIALOGS:
        guard.dialog(_(DIALOGS[chosen].label), DIALOGS[chosen].draw, selection)
    elif chosen:
        st.session_state["bulk_key"] = str(uuid4())
        guard.dialog(_(ACTIONS[chosen].label), _draw_form, chosen, selection)


def _told(count: int) -> str:
    chosen = plural(count, N_("{count} customer is selected on this page."), N_("{count} customers are selected on this page."))
    return chosen.format(count=count) if count else _("Tick customers at their left.")


def _choose_all(is_all: bool) -> None:
    st.session_state["all_found"] = is_all


def _draw_form(kind: str, selection: Selection) -> None:
    asked = FORMS[kind].ask()
    plan = None
    if asked:
        with feedback.attempt(), guard.reading() as session:
            plan = bulk.preview(session, guard.actor(), kind, selection, asked)
    if plan:
        _draw_plan(plan)
    hint = _("It stands in the change log of each customer.")
    reason = st.text_input(forms.required(_("Reason")), key=guard.key("bulk_reason"), max_chars=300, placeholder=hint)
    number = len(plan.changes) if plan else 0
    label = plural(number, N_("Change {count} customer"), N_("Change {count} customers")).format(count=f"{number:,}")
    if forms.decide(label if number else _("Change"), is_ready=number > 0):
        _run(kind, selection, asked, reason)


def _run(kind: str, selection: Selection, asked: bulk_forms.Asked, reason: str) -> None:
    with st.spinner(_("Changing the customers…")), feedback.attempt() as outcome, guard.acting() as session:
        done = bulk.run(session, guard.actor(), kind, selection, asked, reason=reason, key=st.session_state["bulk_key"])
    if outcome.succeeded:
        st.session_state.update(bulk_done=done, selecting=False)
        _forget()
        st.rerun(scope="app")


def _draw_plan(plan: Plan) -> None:
    counts = (
        (_("Will change"), len(plan.changes)),
        (_("Are so already"), plan.already),
        (_("Stay as they are"), len(plan.refused)),
    )
    with st.grid(3, min_column_width=90):
        for label, count in counts:
            st.metric(label, f"{count:,}", border=True)
    _draw_refused(plan.refused)


def _draw_refused(refused: Sequence[bulk.Refused]) -> None:
    if refused:
        lines = [f"- {feedback.escape(sentence)}" for sentence in bulk.sentences(refused[:NAMED])]
        if len(refused) > NAMED:
            lines.append("- " + _("and {count} more").format(count=f"{len(refused) - NAMED:,}"))
        st.markdown("\n".join(lines))


def draw_result() -> None:
    """After an action: what it did, to whom it did not, and the way back."""
    if not (done := st.session_state.get("bulk_done")):
        return
    with guard.reading() as session:
        receipt = bulk.get_receipt(session, guard.actor(), done)
    with st.container(border=True, key="bulk_result"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/{'undo' if receipt.undone_at else 'task_alt'}: {_summary(receipt)}", width="stretch")
            _draw_ways(receipt)
            st.button(_("Close"), key="bulk_close", icon=":material/close:", type="tertiary", on_click=_close)
        _draw_refused(receipt.left if receipt.undone_at else receipt.refused)


def _close() -> None:
    st.session_state["bulk_done"] = None


def _summary(receipt: Receipt) -> str:
    told = FORMS[receipt.kind].tell(receipt.asked)
    counts = [plural(receipt.done, N_("{count} customer changed"), N_("{count} customers changed")).format(count=f"{receipt.done:,}")]
    if receipt.already:
        counts.append(
            plural(receipt.already, N_("{count} was so already"), N_("{count} were so already")).format(count=f"{receipt.already:,}")
        )
    if receipt.refused:
        counts.append(
            plural(len(receipt.refused), N_("{count} stayed as it is"), N_("{count} stayed as they are")).format(
                count=f"{len(receipt.refused):,}"
            )
        )
    text = f"**{feedback.escape(told)}** · {join_words(counts)}"
    if receipt.undone_at:
        text += " · " + _("undone for {count}, {left} left").format(count=f"{receipt.undone:,}", left=f"{len(receipt.left):,}")
    return text


def _draw_ways(receipt: Receipt) -> None:
    if receipt.refused or receipt.left:
        st.download_button(
            _("Who stayed"),
            guard.at_click(partial(bulk_report.refused_workbook, batch_id=receipt.id)),
            file_name=f"bulk-{receipt.id}.xlsx",
            key=f"bulk_report_{receipt.id}",
            icon=":material/download:",
            on_click="ignore",
        )
    if receipt.undo_until and st.button(_("Undo"), key=f"bulk_undo_{receipt.id}", icon=":material/undo:"):
        with st.spinner(_("Taking it back…")), feedback.attempt() as outcome, guard.acting() as session:
            bulk.undo(session, guard.actor(), receipt.id)
        if outcome.succeeded:
            st.session_state["bulk_done"] = receipt.id
            st.rerun(scope="app")


def _draw_history() -> None:
    with guard.reading() as session:
        receipts = bulk.list_receipts(session, guard.actor())
    if not receipts:
        feedback.empty_state("history", _("No bulk action yet"), _("Select customers and press Change; what you did is kept here."))
    st.caption(_("A bulk action can be undone for {days} days.").format(days=bulk.UNDO_DAYS))
    for receipt in receipts:
        with st.container(border=True, key=f"bulk_receipt_{receipt.id}"):
            st.markdown(_summary(receipt))
            st.caption(feedback.escape(f"{format_time(receipt.at)} · {receipt.reason}"))
            with st.container(horizontal=True):
                _draw_ways(receipt)
