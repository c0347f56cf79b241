"""The state of one edit: the values as they were when it began, what was changed since, and a conflict if there is one."""

from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.fields import Widget, fields_of
from crm_core.i18n import _
from crm_core.models import Customer
from crm_core.services import customers
from crm_core.services.library import Library
from ui import conflict, feedback, forms, guard, page_tools, routes
from ui.forms import Form

PREFIX = "edit"
FIELDS = {name: field for name, field in fields_of(Customer).items() if not field.fixed}


def open_record(customer: Customer) -> None:
    """Begin the edit, once: the version it began with is what it is saved against."""
    # Streamlit forgets the fields of a page that was left; such an edit begins anew. During a conflict they are not drawn.
    state = st.session_state.get("edit") or {}
    if state.get("code") == customer.code and (state["theirs"] is not None or f"{PREFIX}.name" in st.session_state):
        return
    base = {name: getattr(customer, name) for name in FIELDS}
    base["industry"] = base["industry"] or customer.industry_text
    base["identity_number"] = None  # never sent to the browser; an empty field leaves it as it is
    st.session_state["edit"] = {
        "code": customer.code,
        "version": customer.version,
        "kind": customer.kind,
        "stage": customer.stage,
        "base": base,
        "errors": {},
        "theirs": None,
    }
    forms.preload(FIELDS, PREFIX, base)
    st.session_state["edit_reason"] = ""


def draw(library: Library) -> None:
    """All groups of the form, then the reason."""
    state = st.session_state["edit"]
    values = {"kind": state["kind"], "stage": state["stage"]}
    form = Form(PREFIX, library, values, errors=state["errors"])
    for group, fields in forms.by_group(FIELDS).items():
        shown = {name: field for name, field in fields.items() if field.shown(values)}
        if shown:
            with st.container(border=True):
                st.subheader(forms.group_title(group), anchor=False)
                form.draw(shown)
    with st.container(key=forms.css_key(PREFIX, "reason")):
        st.text_input(_("Reason for the change"), key="edit_reason", help=_("Required where a value that was there is corrected."))
        for sentence in state["errors"].get("reason", ()):
            st.markdown(f":red[:material/error: {feedback.escape(sentence)}]")
    form.show_first_error()


def changes() -> dict[str, Any]:
    """What differs from the values the edit began with."""
    state = st.session_state["edit"]
    values = {"kind": state["kind"], "stage": state["stage"]}
    changed = {}
    for name, field in FIELDS.items():
        if not field.shown(values):
            continue
        entered = forms.value_of(f"{PREFIX}.{name}")
        before = forms.for_widget(field, state["base"][name])
        if (entered or None) != (before or None):
            changed[name] = entered if field.widget in (Widget.CHOICES, Widget.PRESETS) else (entered or None)
    if not changed.get("identity_number"):
        changed.pop("identity_number", None)
    return changed


def has_conflict() -> bool:
    """Whether somebody else saved meanwhile and the choice is still open."""
    return st.session_state["edit"]["theirs"] is not None


def save(customer_id: int, code: str, chosen: dict[str, Any] | None = None) -> None:
    """Save the changes and go back to the customer; errors come to their fields, a conflict to its choice."""
    state = st.session_state["edit"]
    wanted = changes() if chosen is None else chosen
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        customers.update_customer(
            session, guard.actor(), customer_id, wanted, version=state["version"], reason=st.session_state["edit_reason"]
        )
    if outcome.succeeded:
        feedback.later(_("The changes were saved.") if wanted else _("Nothing was changed."))
        leave(code)
    elif isinstance(outcome.error, Conflict):
        theirs = {**outcome.error.theirs, "identity_number": None}
        state["mine"], state["theirs"], state["version"] = wanted, theirs, outcome.error.version
    elif outcome.errors:
        if chosen is not None:
            state["base"] = {**state["theirs"], "industry": state["theirs"]["industry"] or state["base"]["industry"]}
            forms.preload(FIELDS, PREFIX, {**state["base"], **wanted})
        state["errors"], state["theirs"] = outcome.errors, None
        page_tools.new_turn()
    else:
        feedback.refusal(str(outcome.error))
        return
    guard.again()


def draw_conflict(customer_id: int, code: str, library: Library) -> None:
    """Both versions side by side."""
    state = st.session_state["edit"]
    chosen = conflict.choose(("customer", customer_id), FIELDS, state["mine"], state["base"], state["theirs"], library)
    st.text_input(_("Reason for the change"), key="edit_reason")
    with st.container(horizontal=True, key="action_bar"):
        if st.button(_("Save this choice"), type="primary", icon=":material/check:"):
            save(customer_id, code, chosen)
        if st.button(_("Cancel"), help=_("Your changes are dropped; the other version stays.")):
            leave(code)


def leave(code: str) -> None:
    """Back to the customer's page."""
    st.session_state.pop("edit", None)
    st.switch_page(routes.CUSTOMER, query_params={"code": code})
