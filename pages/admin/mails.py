"""Outgoing messages: the mails and what robots have to say that wait, and what could not be sent and why."""

import streamlit as st

from crm_core.config import settings
from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import outbox
from ui import feedback, guard, header, mail_list

actor = guard.page(Permission.USER_EDIT)
header.title(_("Outgoing messages"))

if not settings().mail.host:
    st.info(_("No mail server is set up, so no mail is sent. The operations guide names the settings."), icon=":material/info:")

with guard.reading() as session:
    queue = outbox.get_queue(session, actor)

if not queue.waiting and not queue.given_up:
    feedback.empty_state("mark_email_read", _("Nothing waits"), _("Messages that could not be sent yet appear here, with the reason."))
if queue.given_up:
    st.subheader(_("Given up"), anchor=False)
    st.caption(_("These are not tried again by themselves. Mend the cause, then send them."))
    mail_list.draw(queue.given_up)
if queue.waiting:
    st.subheader(_("Waiting"), anchor=False)
    mail_list.draw(queue.waiting)
