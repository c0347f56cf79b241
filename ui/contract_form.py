"""The form of a contract: signing one more with a customer, or for a won opportunity, and correcting one."""

from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict
from crm_core.fields import fields_of
from crm_core.i18n import _
from crm_core.models import Contract
from crm_core.services import contract_lines, contract_sheets, contracts, customers, library, owners
from crm_core.services.contract_lines import Line
from crm_core.services.contract_sheets import Sheet
from crm_core.services.contracts import SIGNING, Proposal
from ui import conflict, contract_lines_form, feedback, forms, guard, stage_dialog
from ui.customer_choice import choose_customer
from ui.forms import Form

PREFIX = "contract"
STATE = "contract_form"


def open_new(customer_id: int | None = None, proposal: Proposal | None = None) -> None:
    """Open the dialog of a new contract, of a customer or of one that is looked for in it; what a won opportunity proposes stands in it."""
    _begin(proposal.values if proposal else {"signed_on": clock.today()}, proposal.lines if proposal else [])
    st.session_state[STATE]["opportunity_id"] = proposal.opportunity_id if proposal else None
    guard.dialog(_("New contract"), _add, customer_id)


def open_for_opportunity(opportunity_id: int) -> None:
    """Open the dialog that signs the contract of a won opportunity; of a customer that is not won yet it changes the type as well."""
    with feedback.attempt() as outcome, guard.reading() as session:
        proposal = contracts.propose_from(session, guard.actor(), opportunity_id)
        customer = customers.get_customer(session, guard.actor(), proposal.code)
    if not outcome.succeeded:
        return
    if proposal.stage in SIGNING:
        open_new(proposal.customer_id, proposal)
    else:
        stage_dialog.open_won(customer, proposal)


def begin_edit(sheet: Sheet) -> None:
    """Fill the form with a contract that is to be corrected."""
    _begin({name: getattr(sheet.contract, name) for name in fields_of(Contract)}, sheet.lines)
    st.session_state[STATE]["sheet"] = sheet
    st.session_state[f"{PREFIX}.owner_id"] = sheet.contract.owner_id


def _begin(values: dict[str, Any], lines: list[Line]) -> None:
    for key in [key for key in st.session_state if str(key).startswith(f"{PREFIX}.")]:
        del st.session_state[key]
    forms.preload(fields_of(Contract), PREFIX, values)
    contract_lines_form.begin(PREFIX, lines)
    st.session_state[STATE] = {"errors": {}, "is_late": False}


def _add(customer_id: int | None) -> None:
    chosen = choose_customer(f"{PREFIX}_customer") if customer_id is None else customer_id
    if chosen is None:
        st.caption(_("Choose the customer first."))
        return
    _draw()
    if forms.decide(_("Sign contract")):
        number = ""
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            owner_id, opportunity_id = st.session_state.get(f"{PREFIX}.owner_id"), st.session_state[STATE].get("opportunity_id")
            asked = {"lines": contract_lines_form.entered(PREFIX), "owner_id": owner_id, "opportunity_id": opportunity_id}
            number = contracts.add_contract(session, guard.actor(), chosen, _entered(), **asked).number
        forms.conclude(outcome, _("Contract {number} is signed.").format(number=number), st.session_state[STATE])


def _draw(present: Sheet | None = None) -> None:
    errors = st.session_state[STATE]["errors"]
    with guard.reading() as session:
        entries = library.get_library(session)
        people = owners.list_holders(session, guard.actor())
    form = Form(PREFIX, entries, {}, errors=errors)
    form.draw(contract_lines_form.asked_fields(PREFIX))
    contract_lines_form.draw(PREFIX, errors)
    if present and present.contract.owner_id and present.contract.owner_id not in people:
        people = {present.contract.owner_id: present.owner, **people}
    st.selectbox(
        _("Contract owner"),
        list(people),
        index=None,
        format_func=lambda number: people.get(number, ""),
        key=f"{PREFIX}.owner_id",
        placeholder=_("The customer's owner"),
        help=_("The targets count it for this person. A transfer of the customer does not change it."),
    )
    for name in ("owner_id", "opportunity_id"):
        forms.tell(errors.get(name, ()))
    form.show_first_error()


def _entered() -> dict[str, Any]:
    return {name: forms.value_of(f"{PREFIX}.{name}") for name in fields_of(Contract)}


def edit(_sheet: Sheet) -> None:
    """Correct a contract, with the reason, as it was when this began; who comes second sees what is saved now."""
    state = st.session_state[STATE]
    present: Sheet = state["sheet"]
    if state["is_late"]:
        conflict.say_who("contract", present.contract.id)
        for label, text in state["mine"].items():
            st.markdown(feedback.escape(label) + ": " + feedback.escape(_("Mine: {value}").format(value=text or _("(empty)"))))
    _draw(present)
    with st.container(key=forms.css_key(PREFIX, "reason"), gap="xxsmall"):
        reason = st.text_input(_("Reason for the correction"), key=f"{PREFIX}.reason", max_chars=300)
        forms.tell(state["errors"].get("reason", ()))
    if forms.decide(_("Save")):
        _save(present, reason)


def _save(present: Sheet, reason: str) -> None:
    contract = present.contract
    asked = {"lines": contract_lines_form.entered(PREFIX), "owner_id": st.session_state.get(f"{PREFIX}.owner_id")}
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        contracts.update_contract(session, guard.actor(), contract.id, _entered(), version=contract.version, reason=reason, **asked)
    if isinstance(outcome.error, Conflict):
        with guard.reading() as session:
            fresh = contract_sheets.get_sheet(session, guard.actor(), contract.id)
            mine = _mine(session, present)
        begin_edit(fresh)
        st.session_state[STATE].update(is_late=True, mine=mine)
        guard.again()
    forms.conclude(outcome, _("The contract is saved."), st.session_state[STATE])


def _mine(session: CrmSession, present: Sheet) -> dict[str, str]:
    """What was entered and is not what the form began with, by label: the form will show what is saved now."""
    entered, found = _entered(), {}
    for name, field in fields_of(Contract).items():
        if entered[name] != forms.for_widget(field, getattr(present.contract, name)):
            found[field.title] = str(entered[name] or "")
    lines, _errors = contract_lines.check_lines(session, contract_lines_form.entered(PREFIX), present.lines)
    if lines != present.lines:
        found[_("Products")] = "; ".join(line.told for line in lines)
    return found
