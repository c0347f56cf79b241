"""The form of a contract: signing one more with a customer, and correcting one."""

from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.errors import Conflict
from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import Contract
from crm_core.services import contract_views, contracts, library, owners
from crm_core.services.contract_views import Sheet
from ui import conflict, feedback, forms, guard, page_tools
from ui.feedback import escape
from ui.forms import Form

PREFIX = "contract"
STATE = "contract_form"


def open_new(customer_id: int) -> None:
    """Open the dialog of a new contract."""
    _begin({"signed_on": clock.today()})
    guard.dialog(_("New contract"), _add, customer_id)


def begin_edit(sheet: Sheet) -> None:
    """Fill the form with a contract that is to be corrected."""
    _begin({name: getattr(sheet.contract, name) for name in fields_of(Contract)})
    st.session_state[STATE] = {"sheet": sheet, "errors": {}, "is_late": False}
    st.session_state[f"{PREFIX}.owner_id"] = sheet.contract.owner_id


def _begin(values: dict[str, Any]) -> None:
    for key in [key for key in st.session_state if str(key).startswith(f"{PREFIX}.")]:
        del st.session_state[key]
    forms.preload(fields_of(Contract), PREFIX, values)
    st.session_state[STATE] = {"errors": {}}


def _add(customer_id: int) -> None:
    errors = st.session_state[STATE]["errors"]
    _draw(errors, owner_id=None)
    if forms.decide(_("Sign contract")):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            owner_id = st.session_state.get(f"{PREFIX}.owner_id")
            made = contracts.add_contract(session, guard.actor(), customer_id, _entered(), owner_id=owner_id)
            number = made.number
        _end(outcome, _("Contract {number} is signed.").format(number=number) if outcome.succeeded else "")


def _draw(errors: dict[str, list[str]], *, owner_id: int | None) -> None:
    with guard.reading() as session:
        entries = library.get_library(session)
        people = owners.list_holders(session, guard.actor())
    form = Form(PREFIX, entries, {}, errors=errors)
    form.draw(fields_of(Contract))
    names = people if owner_id is None or owner_id in people else {owner_id: "—", **people}
    st.selectbox(
        _("Contract owner"),
        list(names),
        index=None,
        format_func=lambda number: names.get(number, ""),
        key=f"{PREFIX}.owner_id",
        placeholder=_("The customer's owner"),
        help=_("The targets count it for this person. A transfer of the customer does not change it."),
    )
    for sentence in errors.get("owner_id", ()):
        st.markdown(f":red[:material/error: {escape(sentence)}]")
    form.show_first_error()


def _entered() -> dict[str, Any]:
    return {name: forms.value_of(f"{PREFIX}.{name}") for name in fields_of(Contract)}


def edit(sheet: Sheet) -> None:
    """Correct a contract, with the reason; who comes second sees what is saved now."""
    state = st.session_state[STATE]
    present: Sheet = state["sheet"]
    if state["is_late"]:
        conflict.say_who("contract", present.contract.id)
    _draw(state["errors"], owner_id=present.contract.owner_id)
    with st.container(key=forms.css_key(PREFIX, "reason"), gap="xxsmall"):
        reason = st.text_input(_("Reason for the correction"), key=f"{PREFIX}.reason", max_chars=300)
        for sentence in state["errors"].get("reason", ()):
            st.markdown(f":red[:material/error: {escape(sentence)}]")
    if forms.decide(_("Save")):
        _save(state, present, reason)


def _save(state: dict[str, Any], present: Sheet, reason: str) -> None:
    owner_id = st.session_state.get(f"{PREFIX}.owner_id")
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        contracts.update_contract(
            session,
            guard.actor(),
            present.contract.id,
            _entered(),
            version=present.contract.version,
            reason=reason,
            owner_id=owner_id,
        )
    if isinstance(outcome.error, Conflict):
        with guard.reading() as session:
            fresh = contract_views.get_sheet(session, guard.actor(), present.contract.id)
        begin_edit(fresh)
        st.session_state[STATE]["is_late"] = True
        guard.again()
    _end(outcome, _("The contract is saved."))


def _end(outcome: feedback.Outcome, sentence: str) -> None:
    if outcome.succeeded:
        feedback.later(sentence)
        st.rerun()
    if not outcome.errors and outcome.error:
        feedback.explain(outcome.error)
        return
    st.session_state[STATE]["errors"] = outcome.errors
    page_tools.new_turn()
    guard.again()
