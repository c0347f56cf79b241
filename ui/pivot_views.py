"""The menu of saved pivots: open one, save what is shown, share, rename, delete."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import N_, _
from crm_core.permissions import Permission
from crm_core.services import saved_views
from crm_core.services.saved_views import MAX_NAME, PIVOT, View
from ui import feedback, forms, guard
from ui.pivot_filters import Filters

MENU = "pivot_menu"
WORDS = {
    "save": (N_("Save as a new pivot…"), "bookmark_add"),
    "overwrite": (N_("Save changes to this pivot"), "save"),
    "rename": (N_("Rename this pivot…"), "edit"),
    "share": (N_("Share with everybody"), "group_add"),
    "unshare": (N_("Share no longer"), "group_off"),
    "delete": (N_("Delete this pivot…"), "delete"),
}


def draw(filters: Filters) -> None:
    """The menu; its label names the pivot that is open, with a star where something else is shown by now."""
    view = filters.view
    label = feedback.escape(view.name) + (" *" if filters.is_changed else "") if view else _("Saved pivots")
    chosen = st.menu_button(
        label,
        _entries(filters),
        format_func=partial(_entry, filters),
        key=MENU,
        icon=":material/bookmarks:",
        on_click=_open_chosen,
        args=(filters,),
    )
    if chosen in ACTIONS:
        ACTIONS[chosen](filters)


def _entries(filters: Filters) -> list[str]:
    view = filters.view
    entries = [*(str(id) for id in filters.views), "save"]
    if view and view.is_own:
        entries += (["overwrite"] if filters.is_changed else []) + ["rename", "unshare" if view.is_shared else "share"]
    if view and (view.is_own or guard.actor().can(Permission.RULE_EDIT)):
        entries.append("delete")
    return entries


def _entry(filters: Filters, code: str) -> str:
    if code in WORDS:
        label, icon = WORDS[code]
        return f":material/{icon}: " + _(label)
    view = filters.views[int(code)]
    name = feedback.escape(view.name)
    if not view.is_own:
        name = _("{view} (from {name})").format(view=name, name=feedback.escape(view.owner))
    return f":material/{'group' if view.is_shared else 'bookmark'}: {name}"


def _open_chosen(filters: Filters) -> None:
    # Before the choices are drawn again, so that they show the pivot at once.
    chosen = st.session_state[MENU]
    if chosen not in WORDS:
        filters.open_view(filters.views[int(chosen)])


def _act(message: str, act: Callable[[CrmSession], object]) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        act(session)
    if outcome.succeeded:
        feedback.later(message)
        st.rerun(scope="app")


def _open(filters: Filters) -> View:
    assert filters.view
    return filters.view


def _ask_name(filters: Filters) -> None:
    guard.dialog(_("Save as a new pivot"), _save, filters.state())


def _save(state: dict[str, list[str]]) -> None:
    st.caption(_("Subject, rows, columns, measure and filters are kept. What it finds is computed anew whenever it is opened."))
    name = st.text_input(forms.required(_("Name")), max_chars=MAX_NAME, key=guard.key("pivot_name"))
    is_shared = st.toggle(
        _("Share with everybody"), key=guard.key("pivot_shared"), help=_("Others find with it only what their role lets them see.")
    )
    if forms.decide(_("Save"), icon=":material/bookmark_add:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            saved = saved_views.save_view(session, guard.actor(), name, query=state, page=PIVOT)
            if is_shared:
                saved_views.share_view(session, guard.actor(), saved, is_shared=True)
        if outcome.succeeded:
            st.session_state["view"] = saved
            feedback.later(_("The pivot was saved."))
            st.rerun(scope="app")


def _overwrite(filters: Filters) -> None:
    view, state = _open(filters), filters.state()
    _act(_("The pivot was saved."), lambda session: saved_views.overwrite_view(session, guard.actor(), view.id, query=state))


def _ask_new_name(filters: Filters) -> None:
    guard.dialog(_("Rename pivot"), _rename, _open(filters))


def _rename(view: View) -> None:
    name = st.text_input(forms.required(_("Name")), value=view.name, max_chars=MAX_NAME, key=guard.key("pivot_new_name"))
    if forms.decide(_("Save")):
        _act(_("The pivot was renamed."), lambda session: saved_views.rename_view(session, guard.actor(), view.id, name))


def _share(filters: Filters, *, is_shared: bool) -> None:
    message = (
        _("Everybody can open this pivot now; send them the address of this page.") if is_shared else _("Only you see this pivot now.")
    )
    _act(message, lambda session: saved_views.share_view(session, guard.actor(), _open(filters).id, is_shared=is_shared))


def _ask_delete(filters: Filters) -> None:
    guard.dialog(_("Delete pivot"), _delete, _open(filters))


def _delete(view: View) -> None:
    st.markdown(feedback.escape(_("Delete the pivot “{name}”? No record is changed.").format(name=view.name)))
    if forms.decide(_("Delete"), icon=":material/delete:"):
        _act(_("The pivot was deleted."), lambda session: saved_views.delete_view(session, guard.actor(), view.id))


ACTIONS: dict[str, Callable[[Filters], None]] = {
    "save": _ask_name,
    "overwrite": _overwrite,
    "rename": _ask_new_name,
    "share": partial(_share, is_shared=True),
    "unshare": partial(_share, is_shared=False),
    "delete": _ask_delete,
}
