"""The menu of saved views above the customer list, which chooses columns as well, and the view that opens first."""

from functools import partial
from typing import Any

import streamlit as st

from crm_core.i18n import N_, _
from crm_core.services import saved_views
from crm_core.services.list_columns import choose_columns
from ui import guard
from ui.customer_filters import Filters
from ui.saved_menu import Actions, SavedMenu, Words

ALL = "all"


class ViewMenu(SavedMenu):
    """Open a view, save what is shown, choose columns, share, rename, delete."""

    key = "view"
    width = 150
    words = Words(
        none=N_("Views"),
        entries={
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
        },
        save=N_("Save as a new view"),
        kept=N_("Search, filters, order and columns are kept. What the view finds is looked up anew whenever it is opened."),
        saved=N_("The view was saved."),
        shared=N_("Everybody can open this view now; send them the address of this page."),
        unshared=N_("Only you see this view now."),
        rename=N_("Rename view"),
        renamed=N_("The view was renamed."),
        delete=N_("Delete view"),
        sure=N_("Delete the view “{name}”? No customer is changed."),
        deleted=N_("The view was deleted."),
        example=N_("For example: key accounts in Zhejiang"),
    )

    def __init__(self, filters: Filters) -> None:
        super().__init__(filters, filters.views.known)
        self.filters = filters

    def held(self) -> dict[str, Any]:
        """The address, and the columns."""
        state = self.filters.state()
        return {"columns": state.pop("cols"), "query": state}

    def entries(self) -> list[str]:
        """All customers, the views, and what can be done with the open one."""
        return [ALL, *map(str, self.views), "columns", "save", *self.of_open()]

    def of_open(self) -> list[str]:
        """It can also be the one with which the list opens."""
        found, view = super().of_open(), self.shown.view
        if view is None:
            return found
        place = found.index("delete") if "delete" in found else len(found)
        return [*found[:place], "not_first" if self.filters.views.first == view.id else "first", *found[place:]]

    def actions(self) -> Actions:
        """Those of the list besides."""
        return super().actions() | {
            "columns": lambda: guard.dialog(_("Choose columns"), self._choose_columns),
            "first": partial(self._set_first, is_first=True),
            "not_first": partial(self._set_first, is_first=False),
        }

    def take(self, chosen: str) -> None:
        """Open the view that was chosen, or none."""
        if chosen == ALL:
            self.filters.clear()
        else:
            super().take(chosen)

    def _set_first(self, *, is_first: bool) -> None:
        told = _("The list opens with this view from now on.") if is_first else _("The list opens with all customers from now on.")
        chosen = self.opened.id if is_first else None
        guard.act(told, lambda session: saved_views.set_default_view(session, guard.actor(), chosen))

    def _choose_columns(self) -> None:
        filters, offered = self.filters, self.filters.views.offered
        st.caption(_("The name comes first, the others follow as they stand here. To move one, take it out and add it again."))
        chosen = st.multiselect(
            _("Columns"),
            list(offered),
            default=[column.name for column in filters.columns],
            format_func=lambda name: offered[name].title,
            key=guard.key("column_choice"),
            placeholder=_("Choose"),
        )
        if filters.view:
            st.caption(_("The view shows these columns once you save your changes to it."))
        with st.container(horizontal=True, width="content"):
            if st.button(_("Apply"), type="primary", icon=":material/check:", disabled=not chosen):
                self._apply_columns(chosen)
            if st.button(_("As it comes"), icon=":material/restart_alt:"):
                self._apply_columns([])

    def _apply_columns(self, chosen: list[str]) -> None:
        """Within a view they count for the view, elsewhere for every list of the user."""
        usual = choose_columns(self.filters.views.offered, self.filters.library)
        chosen = [] if chosen == [column.name for column in usual] else chosen
        if self.filters.view:
            st.session_state["cols"] = chosen
            st.rerun(scope="app")
        st.session_state["cols"] = []
        guard.act(_("The list shows these columns from now on."), lambda session: saved_views.set_columns(session, guard.actor(), chosen))
