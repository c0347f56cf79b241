"""已归档客户: customers that nobody works at now, to look at and to restore [004]."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import archive
from crm_core.services.laid_away import LaidAway
from ui import guard, header, laid_away_list, routes

guard.page(Permission.CUSTOMER_READ)
header.title(_("Archived customers"))
st.caption(_("They are out of lists, searches, figures and reminders. Their pages open for reading only."))


def draw_actions(row: LaidAway) -> None:
    """Open, restore."""
    if st.button(_("Open"), key=f"open_{row.id}", icon=":material/open_in_new:", type="tertiary"):
        st.switch_page(routes.CUSTOMER, query_params={"code": row.code})
    laid_away_list.restore_button(row, Permission.CUSTOMER_ARCHIVE, archive.unarchive_customer)


@guard.fragment
def draw_list() -> None:
    """The search and what it finds."""
    found, phrase = laid_away_list.read("archive", archive.list_archive)
    if found.rows:
        laid_away_list.draw(found, draw_actions, _("archived {age} by {person}"))
    else:
        hint = _("Archive a customer from the menu on its page when nobody works at it any more.")
        laid_away_list.nothing(phrase, "inventory_2", _("The archive is empty"), hint)
    laid_away_list.keep("archive")


draw_list()
