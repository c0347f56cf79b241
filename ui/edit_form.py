"""The state of one edit: the values as they were when it began, what was changed since, and a conflict if there is one."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import streamlit as st

from crm_core.errors import Conflict
from crm_core.fields import SEVERAL, Field, read_values
from crm_core.i18n import _, format_time
from crm_core.permissions import Access
from crm_core.services import customer_changes, edit_drafts
from crm_core.services.library import Library
from crm_core.visibility import View, locked_fields, shown_fields
from ui import conflict, feedback, forms, guard, page_tools, routes
from ui.forms import Form

PREFIX = "edit"
WORDS = ("reason", "feedback")


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
        "id": customer.id,
        "code": customer.code,
        "version": customer.version,
        "kind": customer.kind,
        "stage": customer.stage,
        "base": base,
        "errors": {},
        "theirs": None,
        "kept": {},
    }
    _preload(base, library)
    st.session_state["edit_reason"] = st.session_state["edit_feedback"] = ""
    _find_again(library)


def _find_again(library: Library) -> None:
    """Go on with an edit that was left unsaved; what somebody else changed since is to be decided at once."""
    state, fields = st.session_state["edit"], shown(library)
    with guard.reading() as session:
        draft = edit_drafts.find_draft(session, guard.actor(), state["id"])
    if draft is None:
        return
    state["kept"], state["found_at"] = draft.values, draft.kept_at
    before, entered = ({name: value for name, value in draft.values[part].items() if name in fields} for part in ("before", "entered"))
    if any(_plain(forms.for_widget(fields[name], state["base"].get(name))) != value for name, value in before.items()):
        state["theirs"], state["mine"] = state["base"], {name: forms.for_widget(fields[name], value) for name, value in entered.items()}
    else:
        forms.preload({name: fields[name] for name in entered}, PREFIX, entered)
    for name, text in draft.values["words"].items():
        st.session_state[f"edit_{name}"] = text


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def keep(library: Library) -> None:
    """Keep what is not saved yet as a draft, where something changed since it was kept last."""
    state, fields, entered = st.session_state["edit"], shown(library), changes(library)
    words = {name: text for name in WORDS if (text := st.session_state[f"edit_{name}"])}
    values: dict[str, Any] = {}
    if entered or words:
        before = {name: _plain(forms.for_widget(fields[name], state["base"].get(name))) for name in entered}
        values = {"before": before, "entered": {name: _plain(value) for name, value in entered.items()}, "words": words}
    if values != state["kept"]:
        with feedback.attempt(), guard.acting() as session:
            edit_drafts.keep_draft(session, guard.actor(), state["id"], values)
        state["kept"] = values


def draw_found() -> None:
    """Say that these are changes of an earlier time, and offer to let go of them."""
    state = st.session_state["edit"]
    if found_at := state.get("found_at"):
        with st.container(horizontal=True, vertical_alignment="center"):
            sentence = _("Your changes of {time} were not saved yet. They are here again; go on and save them.")
            st.info(sentence.format(time=format_time(found_at)), icon=":material/history:", width="stretch")
            if st.button(_("Drop these changes"), icon=":material/undo:"):
                _let_go()
                st.rerun(scope="app")


def _let_go() -> None:
    state = st.session_state.pop("edit", None)
    if state and state["kept"]:
        with feedback.attempt(), guard.acting() as session:
            edit_drafts.discard_draft(session, guard.actor(), state["id"])


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
            forms.tell(errors.get(name, ()))


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
    words = {name: st.session_state[f"edit_{name}"] for name in WORDS}
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
    state["mine"] = {name: value for name, value in wanted.items() if library.fields[name].shown(present)}
    state["theirs"], state["version"] = problem.theirs, problem.version


def draw_conflict(customer_id: int, code: str, library: Library) -> None:
    """Both versions side by side."""
    state = st.session_state["edit"]
    fields, base = {"stage": library.fields["stage"]} | shown(library), state["base"] | {"stage": state["stage"]}
    chosen = conflict.choose(("customer", customer_id), fields, state["mine"], base, state["theirs"], library)
    _draw_words({})
    with st.container(horizontal=True, key="action_bar"):
        if st.button(_("Save this choice"), type="primary", icon=":material/check:"):
            save(customer_id, code, library, chosen)
        if st.button(_("Cancel"), help=_("Your changes are dropped; the other version stays.")):
            leave(code)


def leave(code: str) -> None:
    """Back to the customer's page; what was not saved is dropped."""
    _let_go()
    st.switch_page(routes.CUSTOMER, query_params={"code": code})
