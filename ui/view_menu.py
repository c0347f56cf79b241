"""The menu of saved views above the customer list: open one, save what is shown, choose columns, share, rename, delete."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from crm_core.db import CrmSession
from crm_core.i18n import N_, _, join_sentences
from crm_core.permissions import Permission
from crm_core.services import saved_views
from crm_core.services.list_columns import choose_columns
from crm_core.services.saved_views import MAX_NAME, View
from ui import feedback, forms, guard
from ui.customer_filters import Filters

MENU = "view_menu"
MENU_WIDTH = 150
ALL = "all"
WORDS = {
    ALL: (N_("All customers"), "groups"),
    "columns": (N_("Choose columns…"), "view_column"),
    "save": (N_("Save as a new view…"), "bookmark_add"),
    "overwrite": (N_("Save changes to this view"), "save"),
    "rename": (N_("Rename this view…"), "edit"),
    "share": (N_("Share with everybody"), "group_add"),
    "unshare": (N_("Share no longer"), "group_off"),
    "first": (N_("Open the list with this view"), "keep"),
    "not_first": (N_("Open the list without a view"), "keep_off"),
    "delete": (N_("Delete this view…"), "delete"),
}
"""What the menu offers besides the views."""


def draw(filters: Filters) -> None:
    """The menu; its label names the view that is open, with a star where the list shows something else by now."""
    view = filters.view
    label = feedback.escape(view.name) + (" *" if filters.is_changed else "") if view else _("Views")
    chosen = st.menu_button(
        label,
        _entries(filters),
        format_func=partial(_entry, filters),
        key=MENU,
        icon=":material/bookmarks:",
        width=MENU_WIDTH,
        on_click=_open_chosen,
        args=(filters,),
    )
    if chosen in ACTIONS:
        ACTIONS[chosen](filters)


def _entries(filters: Filters) -> list[str]:
    view = filters.view
    entries = [ALL, *(str(id) for id in filters.views.known), "columns", "save"]
    if view and view.is_own:
        entries += (["overwrite"] if filters.is_changed else []) + ["rename", "unshare" if view.is_shared else "share"]
    if view:
        entries.append("not_first" if filters.views.first == view.id else "first")
    if view and (view.is_own or guard.actor().can(Permission.RULE_EDIT)):
        entries.append("delete")
    return entries


def _entry(filters: Filters, code: str) -> str:
    if code in WORDS:
        label, icon = WORDS[code]
        return f":material/{icon}: " + _(label)
    view = filters.views.known[int(code)]
    name = feedback.escape(view.name)
    if not view.is_own:
        name = _("{view} (from {name})").format(view=name, name=feedback.escape(view.owner))
    return f":material/{'group' if view.is_shared else 'bookmark'}: {name}"


def _open_chosen(filters: Filters) -> None:
    # Before the filters are drawn again, so that they show the view at once.
    chosen = st.session_state[MENU]
    if chosen == ALL:
        filters.clear()
    elif chosen not in WORDS:
        filters.open_view(filters.views.known[int(chosen)])


def _held(filters: Filters) -> dict[str, Any]:
    state = filters.state()
    return {"columns": state.pop("cols"), "query": state}


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
    guard.dialog(_("Save as a new view"), _save, _held(filters))


def _save(held: dict[str, Any]) -> None:
    st.caption(_("Search, filters, order and columns are kept. What the view finds is looked up anew whenever it is opened."))
    name = st.text_input(
        forms.required(_("Name")), max_chars=MAX_NAME, key=guard.key("view_name"), placeholder=_("For example: key accounts in Zhejiang")
    )
    is_shared = st.toggle(
        _("Share with everybody"), key=guard.key("view_shared"), help=_("Others find with it only what their role lets them see.")
    )
    if forms.decide(_("Save"), icon=":material/bookmark_add:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            saved = saved_views.save_view(session, guard.actor(), name, **held)
            if is_shared:
                saved_views.share_view(session, guard.actor(), saved, is_shared=True)
        if outcome.succeeded:
            st.session_state["view"] = saved
            feedback.later(_("The view was saved."))
            st.rerun(scope="app")


def _overwrite(filters: Filters) -> None:
    _act(
        _("The view was saved."),
        lambda session: saved_views.overwrite_view(session, guard.actor(), _open(filters).id, **_held(filters)),
    )


def _ask_new_name(filters: Filters) -> None:
    guard.dialog(_("Rename view"), _rename, _open(filters))


def _rename(view: View) -> None:
    name = st.text_input(forms.required(_("Name")), value=view.name, max_chars=MAX_NAME, key=guard.key("view_new_name"))
    if forms.decide(_("Save")):
        _act(_("The view was renamed."), lambda session: saved_views.rename_view(session, guard.actor(), view.id, name))


def _share(filters: Filters, *, is_shared: bool) -> None:
    message = _("Everybody can open this view now; send them the address of this page.") if is_shared else _("Only you see this view now.")
    _act(message, lambda session: saved_views.share_view(session, guard.actor(), _open(filters).id, is_shared=is_shared))


def _set_first(filters: Filters, *, is_first: bool) -> None:
    message = _("The list opens with this view from now on.") if is_first else _("The list opens with all customers from now on.")
    chosen = _open(filters).id if is_first else None
    _act(message, lambda session: saved_views.set_default_view(session, guard.actor(), chosen))


def _ask_delete(filters: Filters) -> None:
    guard.dialog(_("Delete view"), _delete, _open(filters))


def _delete(view: View) -> None:
    sentence = _("Delete the view “{view}”? No customer is changed.").format(view=view.name)
    if view.is_shared:
        sentence = join_sentences(sentence, _("It is shared: nobody can open it any more."))
    st.markdown(feedback.escape(sentence))
    if forms.decide(_("Delete"), icon=":material/delete:"):
        _act(_("The view was deleted."), lambda session: saved_views.delete_view(session, guard.actor(), view.id))


def _ask_columns(filters: Filters) -> None:
    guard.dialog(_("Choose columns"), _choose_columns, filters)


def _choose_columns(filters: Filters) -> None:
    offered = filters.views.offered
    st.caption(_("The name comes first, the others follow as they stand here. To move one, take it out and add it again."))
    chosen = st.multiselect(
        _("Columns"),
        list(offered),
        default=[column.name for column in filters.columns],
        format_func=lambda name: feedback.escape(offered[name].title),
        key=guard.key("column_choice"),
        placeholder=_("Choose"),
    )
    if filters.view:
        st.caption(_("The view shows these columns once you save your changes to it."))
    with st.container(horizontal=True, width="content"):
        if st.button(_("Apply"), type="primary", icon=":material/check:", disabled=not chosen):
            _apply_columns(filters, chosen)
        if st.button(_("As it comes"), icon=":material/restart_alt:"):
            _apply_columns(filters, [])


def _apply_columns(filters: Filters, chosen: list[str]) -> None:
    """Within a view they count for the view, elsewhere for every list of the user."""
    usual = choose_columns(filters.views.offered, filters.library)
    chosen = [] if chosen == [column.name for column in usual] else chosen
    if filters.view:
        st.session_state["cols"] = chosen
        st.rerun(scope="app")
    st.session_state["cols"] = []
    _act(_("The list shows these columns from now on."), lambda session: saved_views.set_columns(session, guard.actor(), chosen))


ACTIONS: dict[str, Callable[[Filters], None]] = {
    "columns": _ask_columns,
    "save": _ask_name,
    "overwrite": _overwrite,
    "rename": _ask_new_name,
    "share": partial(_share, is_shared=True),
    "unshare": partial(_share, is_shared=False),
    "first": partial(_set_first, is_first=True),
    "not_first": partial(_set_first, is_first=False),
    "delete": _ask_delete,
}
