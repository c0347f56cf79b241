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
workbench_blocks.draw_figures(bench.figures)
workbench_blocks.draw_team(bench.team)
if bench.is_clear:
    workbench_blocks.draw_clear()
left, right = st.columns([3, 2], gap="medium")
with left:
    workbench_blocks.draw_tickets(bench)
    workbench_blocks.draw_duties(bench)
    workbench_blocks.draw_awaited(bench)
    workbench_blocks.draw_without_step(bench)
with right if bench.has_duties else left:
    workbench_blocks.draw_reviews(bench)
    workbench_blocks.draw_at_risk(bench)
    workbench_blocks.draw_recycled(bench)
    workbench_blocks.draw_contracts(bench)
with right if bench.has_work else left:
    workbench_blocks.draw_news(bench)
