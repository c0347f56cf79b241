"""回收站: deleted customers, to restore until they are removed for good."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import customers, recycle_bin
from crm_core.services.laid_away import LaidAway
from ui import guard, header, laid_away_list

guard.page(Permission.CUSTOMER_RESTORE)
header.title(_("Recycle bin"))

with guard.reading() as reading:
    rules, _version = recycle_bin.get_bin_rules(reading)
st.caption(
    plural(
        rules.days,
        N_("Deleted customers are removed for good after {days} day, with their contacts and files."),
        N_("Deleted customers are removed for good after {days} days, with their contacts and files."),
    ).format(days=rules.days)
)


def draw_actions(row: LaidAway) -> None:
    """How long it stays, legal hold, restore."""
    if row.is_on_hold:
        st.badge(_("kept"), color="violet")
    else:
        left = recycle_bin.days_left(rules, row.since)
        st.badge(_("Days left: {days}").format(days=left), color="red" if left <= 3 else "gray", icon=":material/hourglass_bottom:")
    laid_away_list.hold_button(row)
    laid_away_list.restore_button(row, Permission.CUSTOMER_RESTORE, customers.restore_customer)


@guard.fragment
def draw_list() -> None:
    """The search and what it finds."""
    found, phrase = laid_away_list.read("bin", recycle_bin.list_bin)
    if found.rows:
        laid_away_list.draw(found, draw_actions, _("deleted {age} by {person}"))
    else:
        laid_away_list.nothing(
            phrase, "delete_sweep", _("The recycle bin is empty"), _("Deleted customers wait here before they go for good.")
        )
    laid_away_list.keep("bin")


draw_list()
