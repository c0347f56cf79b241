"""业绩目标: what everybody is to reach in a year or a month, how far they are, and who is ahead."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import targets
from ui import feedback, guard, header, target_filters, target_grid, target_list

actor = guard.page(Permission.CONTRACT_READ, Permission.TARGET_EDIT)
header.title(_("Sales targets"))
feedback.show_message()

with guard.reading() as session:
    chosen = target_filters.draw()
    year = targets.read_year(session, actor, chosen.year, chosen.measure)
target_list.draw(year, chosen)
if actor.can(Permission.TARGET_EDIT):
    with st.container(border=True, key="target_editor"):
        guard.fragment(target_grid.draw)(year, chosen)
