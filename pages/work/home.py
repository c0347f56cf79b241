"""工作台, the start page: what one has to do next, and what came of the month so far."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import workbench
from ui import feedback, guard, header, routes, workbench_blocks

actor = guard.actor()
if not actor.can(Permission.CUSTOMER_READ):
    st.switch_page(routes.SETTINGS)

with guard.reading() as session:
    bench = workbench.read_workbench(session, actor)
if bench.is_new:
    st.switch_page(routes.CUSTOMERS)

header.title(_("Workbench"))
feedback.show_message()
workbench_blocks.draw(bench)
if bench.is_clear:
    workbench_blocks.draw_clear()
