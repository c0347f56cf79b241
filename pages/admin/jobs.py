"""Jobs: the work at intervals, how it went last, when it comes next, and which process does it."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.permissions import Permission
from crm_core.services import job_list
from ui import guard, header, job_rows

actor = guard.page(Permission.USER_EDIT)
header.title(_("Jobs"))

with guard.reading() as session:
    jobs, leader = job_list.list_jobs(session, actor), job_list.get_leader(session, actor)

if leader and leader.is_there:
    st.success(_("The process {name} does the jobs and sends the messages.").format(name=f"`{leader.name}`"), icon=":material/verified:")
elif leader:
    lost = _("No process works. The last one was {name}, until {time}. Start the server or a worker, see the operations guide.")
    st.error(lost.format(name=f"`{leader.name}`", time=format_time(leader.until)), icon=":material/error:")
else:
    st.warning(_("No process has worked yet. Start the server or a worker, see the operations guide."), icon=":material/warning:")
job_rows.draw(jobs)
