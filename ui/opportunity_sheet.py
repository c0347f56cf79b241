"""The dialog of one opportunity: everything about it, and what can be done with it."""

from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from crm_core.i18n import N_, _, format_date, format_money, format_time, labelled, plural
from crm_core.models import ATTITUDES, DECISION_ROLES, Outcome
from crm_core.permissions import Permission
from crm_core.services import contract_views, decision_chain, opportunities, opportunity_moves, opportunity_views
from crm_core.services.library import get_library
from crm_core.services.opportunity_views import Listed
from ui import feedback, guard, opportunity_form, opportunity_steps, routes
from ui.feedback import escape

LONGEST_NUMBER = 18
"""Digits of an id in an address; more fit into no column."""
COLOURS = {Outcome.OPEN: "blue", Outcome.WON: "green", Outcome.LOST: "gray"}
ENTRIES = {
    "move": (N_("Move to another stage"), "arrow_forward"),
    "edit": (N_("Edit"), "edit"),
    "decider": (N_("Add to the decision chain"), "group_add"),
    "reopen": (N_("Reopen"), "undo"),
    "delete": (N_("Delete opportunity"), "delete"),
}


def open_opportunity(number: int, step: str = "", *, seen: int | None = None, target: int | None = None) -> None:
    """Open the dialog; `step` names what it asks for. `seen` is the stage in which a card was seen, `target` where it was dropped."""
    st.session_state.update(opportunity_seen=seen, opportunity_target=target)
    _go_to(number, step)
    guard.dialog(_("Opportunity"), _draw, number)


def ask_next(number: int, step: str, *, seen: int, target: int) -> None:
    """Open the dialog in the next run, when the page has drawn what is there now."""
    st.session_state["opportunity_next"] = {"number": number, "step": step, "seen": seen, "target": target}


def open_asked() -> None:
    """Open what the last run asked for, or the address, where notices and other pages lead; once, so that it can be closed."""
    if following := st.session_state.pop("opportunity_next", None):
        open_opportunity(**following)
        return
    asked = st.query_params.pop("opportunity", "")
    if asked.isdecimal() and len(asked) <= LONGEST_NUMBER:
        open_opportunity(int(asked))


def _go_to(number: int, step: str) -> None:
    st.session_state["opportunity_asks"] = step
    with feedback.attempt(show=False), guard.reading() as session:
        one = opportunity_views.get_opportunity(session, guard.actor(), number)
        opportunity_form.begin(one, opportunities.list_lines(session, number))


def _draw(number: int) -> None:
    with feedback.attempt() as outcome, guard.reading() as session:
        one = opportunity_views.get_opportunity(session, guard.actor(), number)
    if not outcome.succeeded:
        return
    asked = st.session_state.get("opportunity_asks", "")
    if asked:
        one = st.session_state[opportunity_form.STATE]["one"]  # as it was when this was asked: what others saved since is not overwritten
    st.markdown(f":material/trending_up: **{escape(one.name)}**")
    opportunity_steps.STEPS.get(asked, _draw_all)(one)


def draw_badges(one: Listed) -> None:
    """Its stage, and what is to be minded."""
    feedback.badge(one.stage, color=COLOURS[Outcome(one.outcome)])
    if one.deleted_at:
        st.badge(_("In the recycle bin"), color="gray", icon=":material/delete:")
    if one.is_overdue:
        st.badge(_("Overdue"), color="red", icon=":material/alarm:")
    if one.is_rotting:
        st.badge(
            plural(one.days, N_("{count} day in this stage"), N_("{count} days in this stage")).format(count=one.days),
            color="orange",
            icon=":material/hourglass_bottom:",
        )


def _draw_all(one: Listed) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        draw_badges(one)
    if st.button(f":material/chevron_right: {escape(one.customer)}", key="opportunity_customer_open", type="tertiary"):
        st.switch_page(routes.CUSTOMER, query_params={"code": one.customer_code})
    with st.grid(2, min_column_width=120):
        st.metric(_("Expected amount") if one.outcome != Outcome.WON else _("Deal amount"), format_money(one.amount), border=True)
        st.metric(_("Probability"), f"{one.probability}%", border=True)
    facts = [
        _("Expected on") + " " + format_date(one.expected_on),
        one.code,
        _("Owner: {name}").format(name=one.owner or "—"),
        _("opened {day}").format(day=format_date(one.opened_on)),
    ]
    st.caption(escape(" · ".join(facts)))
    _draw_texts(one)
    _draw_actions(one)
    if one.outcome == Outcome.WON:
        _draw_won(one)
    _draw_lines(one)
    _draw_chain(one)
    _draw_history(one)


def _draw_won(one: Listed) -> None:
    """What follows from a win is offered here."""
    st.success(_("Won on {day}.").format(day=format_time(one.closed_at)), icon=":material/emoji_events:")
    if not guard.actor().can(Permission.CONTRACT_READ):
        return
    with guard.reading() as session:
        signed = contract_views.list_of_opportunity(session, guard.actor(), one.id)
    for contract in signed:
        label = _("Contract {number}, {amount}").format(number=contract.number, amount=format_money(contract.amount))
        if st.button(escape(label), key=f"opportunity_contract_{contract.id}", type="tertiary", icon=":material/contract:"):
            st.switch_page(routes.CONTRACTS, query_params={"contract": str(contract.id)})
    may_sign = guard.actor().can(Permission.CONTRACT_WRITE) and not one.deleted_at
    if not signed and may_sign and st.button(_("Sign contract"), key="opportunity_sign", type="primary", icon=":material/contract:"):
        st.switch_page(routes.CONTRACTS, query_params={"opportunity": str(one.id)})


def _draw_texts(one: Listed) -> None:
    with guard.reading() as session:
        reason = get_library(session).label(one.loss_reason) if one.loss_reason else ""
    told = {_("Why it was lost"): reason, _("How it was lost"): one.loss_note}
    for label, text in (told | {_("Competitors"): one.competitors, _("Remark"): one.remark}).items():
        if text:
            st.markdown(labelled(label, escape(text).replace("\n", "  \n")))


def _draw_actions(one: Listed) -> None:
    if not guard.actor().can(Permission.OPPORTUNITY_WRITE):
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="opportunity_actions"):
        if one.deleted_at:
            if st.button(_("Restore"), key="opportunity_restore", type="primary", icon=":material/restore_from_trash:"):
                _act(opportunities.restore_opportunity, one.id, _("The opportunity was restored."))
            return
        if one.is_open:
            for code, label, icon, look in (
                ("win", _("Win"), "emoji_events", "primary"),
                ("lose", _("Mark as lost"), "thumb_down", "secondary"),
            ):
                if st.button(label, key=f"opportunity_{code}", type=look, icon=f":material/{icon}:"):
                    _ask(one, code)
        offered = ["move", "edit", "decider", "delete"] if one.is_open else ["reopen", "decider", "delete"]
        chosen = st.menu_button(_("More"), offered, format_func=_entry, key="opportunity_menu", type="tertiary")
    if chosen:
        _ask(one, chosen)


def _entry(code: str) -> str:
    label, icon = ENTRIES[code]
    return f":material/{icon}: " + _(label)


def _ask(one: Listed, step: str) -> None:
    # Whoever decides in the dialog has seen the stage that it shows.
    st.session_state.update(opportunity_seen=one.stage_id, opportunity_target=None)
    _go_to(one.id, step)
    guard.again()


def _act(do: Callable[..., object], number: int, sentence: str) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        do(session, guard.actor(), number)
    if outcome.succeeded:
        feedback.later(sentence)
        st.rerun()


def _draw_lines(one: Listed) -> None:
    with guard.reading() as session:
        lines = opportunities.list_lines(session, one.id)
    title = _("Products")
    st.markdown(f"**{title}** {len(lines) or ''}")
    if not lines:
        st.caption(_("None yet. A won opportunity needs at least one."))
        return
    rows = [
        {
            _("Product"): escape(f"{line.name} ({line.code})"),
            _("Quantity"): escape(f"{line.quantity.normalize():f} {line.unit}".strip()),
            _("Price"): escape(format_money(line.price)),
            _("Line total"): escape(format_money(line.amount)),
        }
        for line in lines
    ]
    st.table(pa.Table.from_pylist(rows), border="horizontal", hide_index=True)


def _draw_chain(one: Listed) -> None:
    with guard.reading() as session:
        chain = decision_chain.list_chain(session, one.id)
    if not chain:
        return
    title = _("Decision chain")
    st.markdown(f"**{title}**")
    may_write = guard.actor().can(Permission.OPPORTUNITY_WRITE) and not one.deleted_at
    for place, person in enumerate(chain):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            words = [person.name, _(DECISION_ROLES[person.role]), _(ATTITUDES[person.attitude]), person.remark]
            st.markdown(escape(" · ".join(word for word in words if word)), width="stretch")
            label = _("Remove from the decision chain")
            if may_write and st.button(label, key=f"opportunity_decider_off_{place}", icon=":material/close:", type="tertiary", help=label):
                with feedback.attempt() as outcome, guard.acting() as session:
                    decision_chain.remove_decider(session, guard.actor(), one.id, person.name)
                if outcome.succeeded:
                    guard.again()


def _draw_history(one: Listed) -> None:
    with guard.reading() as session:
        moves = opportunity_moves.list_moves(session, guard.actor(), one.id)
    title = _("Stages so far")
    st.markdown(f"**{title}**")
    for move in moves:
        days = plural(move.days, N_("{count} day"), N_("{count} days")).format(count=move.days)
        words = [move.stage, format_time(move.at), move.who, days, move.reason]
        st.caption(escape(" · ".join(word for word in words if word)))
