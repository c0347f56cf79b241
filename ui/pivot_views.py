"""The menu of saved pivots."""

from typing import Any

from crm_core.i18n import N_
from crm_core.services.saved_views import PIVOT
from ui.pivot_filters import Filters
from ui.saved_menu import SavedMenu, Words


class PivotMenu(SavedMenu):
    """Open a pivot, save what is shown, share, rename, delete."""

    key = "pivot"
    words = Words(
        none=N_("Saved pivots"),
        entries={
            "save": (N_("Save as a new pivot…"), "bookmark_add"),
            "overwrite": (N_("Save changes to this pivot"), "save"),
            "rename": (N_("Rename this pivot…"), "edit"),
            "share": (N_("Share with everybody"), "group_add"),
            "unshare": (N_("Share no longer"), "group_off"),
            "delete": (N_("Delete this pivot…"), "delete"),
        },
        save=N_("Save as a new pivot"),
        kept=N_("Subject, rows, columns, measure and filters are kept. What it finds is computed anew whenever it is opened."),
        saved=N_("The pivot was saved."),
        shared=N_("Everybody can open this pivot now; send them the address of this page."),
        unshared=N_("Only you see this pivot now."),
        rename=N_("Rename pivot"),
        renamed=N_("The pivot was renamed."),
        delete=N_("Delete pivot"),
        sure=N_("Delete the pivot “{name}”? No record is changed."),
        deleted=N_("The pivot was deleted."),
    )

    def __init__(self, filters: Filters) -> None:
        super().__init__(filters, filters.views)
        self.filters = filters

    def held(self) -> dict[str, Any]:
        """The address."""
        return {"query": self.filters.state(), "page": PIVOT}
