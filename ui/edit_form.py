"""The state of one edit: the values as they were when it began, what was changed since, and a conflict if there is one."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.fields import SEVERAL, Field, fields_of, read_values
from crm_core.i18n import _
from crm_core.models import Customer
from crm_core.permissions import Access
from crm_core.services import customer_changes
from crm_core.services.library import Library
from crm_core.visibility import View, locked_fields, shown_fields
from ui import conflict, feedback, forms, guard, page_tools, routes
from ui.forms import Form

PREFIX = "edit"
STAGE = fields_of(Customer)["stage"]


def shown(library: Library) -> dict[str, Field]:
    """The fields of the form, without those that are hidden from the editor's role."""
    return shown_fields(guard.actor(), library.entered)


def open_record(customer: View, library: Library) -> None:
    """Begin the edit, once: the version it began with is what it is saved against."""
    # Streamlit forgets the fields of a page that was left; such an edit begins anew. During a conflict they are not drawn.
    state = st.session_state.get("edit") or {}
    if state.get("code") == customer.code and (state["theirs"] is not None or f"{PREFIX}.name" in st.session_state):
        return
    base = read_values(customer, shown(library))
    base["industry"] = base["industry"] or customer.industry_text
    st.session_state["edit"] = {
        "code": customer.code,
        "version": customer.version,
        "kind": customer.kind,
        "stage": customer.stage,
        "base": base,
        "errors": {},
        "theirs": None,
    }
    _preload(base, library)
    st.session_state["edit_reason"] = st.session_state["edit_feedback"] = ""


def _preload(values: Mapping[str, Any], library: Library) -> None:
    # Nobody gets a whole identity number into a form, and a masked one cannot be corrected: the field is empty, and leaves it as it is.
    is_entered_anew = guard.actor().access_to("identity_number") is Access.EDITABLE and "*" in (values.get("identity_number") or "")
    forms.preload(shown(library), PREFIX, {**values, "identity_number": None} if is_entered_anew else values)


def draw(library: Library) -> None:
    """All groups of the form, then the reason."""
    state = st.session_state["edit"]
    values = {"kind": state["kind"], "stage": state["stage"]}
    form = Form(PREFIX, library, values, errors=state["errors"], locked=locked_fields(guard.actor(), library.entered))
    for group, fields in forms.by_group(shown(library)).items():
        form.draw_group(group, fields)
    _draw_words(state["errors"])
    form.show_first_error()


def _draw_words(errors: Mapping[str, list[str]]) -> None:
    """Why, and what the customer said."""
    helps = {"reason": _("Required where a value that was there is corrected."), "feedback": _("What the customer said about the update.")}
    labels = {"reason": _("Reason for the change"), "feedback": _("Customer's own remark")}
    for place, (name, label) in zip(st.columns(2), labels.items(), strict=True):
        with place.container(key=forms.css_key(PREFIX, name)):
            st.text_input(label, key=f"edit_{name}", help=helps[name])
            for sentence in errors.get(name, ()):
                st.markdown(f":red[:material/error: {feedback.escape(sentence)}]")


def changes(library: Library) -> dict[str, Any]:
    """What differs from the values the edit began with."""
    state = st.session_state["edit"]
    values = {"kind": state["kind"], "stage": state["stage"]}
    changed = {}
    for name, field in shown(library).items():
        if not field.shown(values):
            continue
        entered = forms.value_of(f"{PREFIX}.{name}")
        before = forms.for_widget(field, state["base"].get(name))
        if (entered or None) != (before or None):
            changed[name] = entered if field.widget in SEVERAL else (entered or None)
    if not changed.get("identity_number"):
        changed.pop("identity_number", None)
    return changed


def has_conflict() -> bool:
    """Whether somebody else saved meanwhile and the choice is still open."""
    return st.session_state["edit"]["theirs"] is not None


def save(customer_id: int, code: str, library: Library, chosen: dict[str, Any] | None = None) -> None:
    """Save the changes and go back to the customer; errors come to their fields, a conflict to its choice."""
    state = st.session_state["edit"]
    wanted = changes(library) if chosen is None else chosen
    words = {name: st.session_state[f"edit_{name}"] for name in ("reason", "feedback")}
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        customer_changes.update_customer(session, guard.actor(), customer_id, wanted, version=state["version"], **words)
    if outcome.succeeded:
        feedback.later(_("The changes were saved.") if wanted else _("Nothing was changed."))
        leave(code)
    elif isinstance(outcome.error, Conflict):
        _meet(state, wanted, outcome.error, library)
    elif outcome.errors:
        if chosen is not None:
            state["base"] = {**state["theirs"], "industry": state["theirs"]["industry"] or state["base"]["industry"]}
            state["stage"] = state["theirs"]["stage"]
            _preload({**state["base"], **wanted}, library)
        state["errors"], state["theirs"] = outcome.errors, None
        page_tools.new_turn()
    elif outcome.error:
        feedback.explain(outcome.error)
        return
    guard.again()


def _meet(state: dict[str, Any], wanted: Mapping[str, Any], problem: Conflict, library: Library) -> None:
    """Keep both versions; what customers of a type that was changed meanwhile do not show is no longer to be decided."""
    present = {"kind": state["kind"], "stage": problem.theirs["stage"]}
    state["mine"] = {name: value for name, value in wanted.items() if library.entered[name].shown(present)}
    state["theirs"], state["version"] = problem.theirs, problem.version


def draw_conflict(customer_id: int, code: str, library: Library) -> None:
    """Both versions side by side."""
    state = st.session_state["edit"]
    fields, base = {STAGE.name: STAGE} | shown(library), state["base"] | {STAGE.name: state["stage"]}
    chosen = conflict.choose(("customer", customer_id), fields, state["mine"], base, state["theirs"], library)
    _draw_words({})
    with st.container(horizontal=True, key="action_bar"):
        if st.button(_("Save this choice"), type="primary", icon=":material/check:"):
            save(customer_id, code, library, chosen)
        if st.button(_("Cancel"), help=_("Your changes are dropped; the other version stays.")):
            leave(code)


def leave(code: str) -> None:
    """Back to the customer's page."""
    st.session_state.pop("edit", None)
    st.switch_page(routes.CUSTOMER, query_params={"code": code})
