"""The dialog that changes a customer's type: the types that can follow, and what the chosen one demands."""

from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.errors import Conflict
from crm_core.fields import Field, fields_of
from crm_core.i18n import _
from crm_core.models import STAGES, Contract, Demand, LifecycleStage
from crm_core.services import customers, library, stage_changes
from crm_core.services.contracts import Proposal
from crm_core.services.library import Library
from crm_core.services.stage_changes import CONTRACT
from crm_core.visibility import View
from ui import badges, conflict, contract_lines_form, feedback, forms, guard
from ui.feedback import escape
from ui.forms import Form

PREFIX = "move"
OF_CONTRACT = f"{PREFIX}.contract"
STATE = "stage_move"


def open_won(customer: View, proposal: Proposal) -> None:
    """Open the dialog for a customer whose opportunity was won: the type, the contract and its products are proposed."""
    guard.dialog(_("Change type"), draw, customer, proposal)


def draw(customer: View, proposal: Proposal | None = None) -> None:
    """Begin with the customer as the page showed it; after a conflict go on with the customer as it is now."""
    state = st.session_state.get(STATE)
    if state is None or state["opened"] is not customer:
        state = {"opened": customer, "customer": customer, "proposal": proposal, "errors": {}, "is_late": False}
        st.session_state[STATE] = state
        _begin(customer, proposal)
    present: View = state["customer"]
    if state["is_late"]:
        conflict.say_who("customer", present.id)
    to = _choose(present)
    if to is None:
        return
    with guard.reading() as session:
        entries = library.get_library(session)
    demands, asked = stage_changes.demands_of(present.stage, to), stage_changes.asked_fields(guard.actor(), entries, present, to)
    _draw_demands(present, to, demands, asked, entries)
    if forms.decide(_("Change type")):
        _save(state, to, asked)


def _begin(customer: View, proposal: Proposal | None) -> None:
    for key in [key for key in st.session_state if str(key).startswith(f"{PREFIX}.")]:
        del st.session_state[key]
    contract_lines_form.begin(OF_CONTRACT, proposal.lines if proposal else [])
    if proposal:
        st.session_state[f"{PREFIX}.to"] = LifecycleStage.CUSTOMER
        forms.preload(fields_of(Contract), OF_CONTRACT, proposal.values)
    _propose(customer)


def _propose(customer: View) -> None:
    # Streamlit forgets the fields of a type that was chosen for a moment only.
    st.session_state.setdefault(f"{OF_CONTRACT}.product", customer.wanted_products or "")
    st.session_state.setdefault(f"{OF_CONTRACT}.signed_on", clock.today())


def _choose(customer: View) -> LifecycleStage | None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown(":small[:gray[" + escape(_("Now")) + "]]", width="content")
        badges.stage_badge(customer.stage)
    targets = stage_changes.targets_of(customer.stage)
    chosen: LifecycleStage | None = st.segmented_control(
        _("New type"), targets, format_func=lambda stage: _(STAGES[stage]), key=f"{PREFIX}.to", on_change=_begin_choice
    )
    return chosen if chosen in targets else None


def _begin_choice() -> None:
    state = st.session_state[STATE]
    state["errors"] = {}
    _propose(state["customer"])


def _draw_demands(customer: View, to: str, demands: frozenset[Demand], asked: dict[str, Field], entries: Library) -> None:
    errors = st.session_state[STATE]["errors"]
    if Demand.LOSS in demands:
        st.caption(_("Lost is a customer who had business with us and ended it. A lead that leads to nothing goes back to prospect."))
    if Demand.CONTRACT in demands:
        _draw_contract(entries, errors)
    if asked:
        values = {name: getattr(customer, name) for name in ("kind", "stage")} | {"stage": to}
        Form(PREFIX, entries, values, errors=errors).draw(asked, columns=2)
    _draw_words(demands, errors)
    drawn = {*asked, "reason", "feedback"}
    forms.tell(sentence for name, found in errors.items() if name not in drawn and not name.startswith(CONTRACT) for sentence in found)


def _draw_words(demands: frozenset[Demand], errors: dict[str, list[str]]) -> None:
    labels = {"feedback": _("Customer's own remark")}
    if Demand.LOSS not in demands:  # a loss says its reason in fields of its own
        labels = {"reason": forms.required(_("Reason")) if Demand.REASON in demands else _("Reason")} | labels
    for place, (name, label) in zip(st.columns(len(labels)), labels.items(), strict=True):
        with place.container(key=forms.css_key(PREFIX, name), gap="xxsmall"):
            st.text_input(label, key=f"{PREFIX}.{name}")
            forms.tell(errors.get(name, ()))


def _draw_contract(entries: Library, errors: dict[str, list[str]]) -> None:
    with st.container(border=True):
        st.subheader(forms.group_title("contract"), anchor=False)
        own = {name.removeprefix(CONTRACT): sentences for name, sentences in errors.items() if name.startswith(CONTRACT)}
        Form(OF_CONTRACT, entries, {}, errors=own).draw(contract_lines_form.asked_fields(OF_CONTRACT))
        contract_lines_form.draw(OF_CONTRACT, own)
        forms.tell(own.get("opportunity_id", ()))
        st.caption(_("It gets its number when it is saved, and counts in the customer's cooperation."))


def _save(state: dict[str, Any], to: str, asked: dict[str, Field]) -> None:
    present = state["customer"]
    values = {name: forms.value_of(f"{PREFIX}.{name}") for name in asked}
    values |= {f"{CONTRACT}{name}": st.session_state.get(f"{OF_CONTRACT}.{name}") for name in fields_of(Contract)}
    proposal: Proposal | None = state["proposal"]
    values |= {f"{CONTRACT}lines": contract_lines_form.entered(OF_CONTRACT)}
    values |= {f"{CONTRACT}opportunity_id": proposal.opportunity_id} if proposal else {}
    words = {name: st.session_state.get(f"{PREFIX}.{name}") or "" for name in ("reason", "feedback")}
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        stage_changes.change_stage(session, guard.actor(), present.id, to, values, version=present.version, **words)
    if outcome.succeeded:
        del st.session_state[STATE]
        feedback.later(_("The customer's type is now: {stage}.").format(stage=_(STAGES[LifecycleStage(to)])))
        st.rerun()
    if isinstance(outcome.error, Conflict):
        with guard.reading() as session:
            state["customer"] = customers.get_customer(session, guard.actor(), present.code)
        state["is_late"], state["errors"] = True, {}
    elif outcome.errors:
        state["errors"] = outcome.errors
    elif outcome.error:
        feedback.explain(outcome.error)
        return
    guard.again()
