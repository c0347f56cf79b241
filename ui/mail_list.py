"""Messages of the outbox as rows, each with a button that sends it now."""

from collections.abc import Sequence

import streamlit as st

from crm_core.channels import MAIL, ROBOT
from crm_core.i18n import _, format_time
from crm_core.services import outbox
from crm_core.services.outbox import Waiting
from ui import feedback, guard

ICONS = {MAIL: "mail", ROBOT: "smart_toy"}


def draw(messages: Sequence[Waiting]) -> None:
    """One row a message: to whom, about what, since when, and what went wrong."""
    for message in messages:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.markdown(
                    f":material/{ICONS[message.channel]}: **{feedback.escape(message.subject)}**　{feedback.escape(message.recipient)}"
                )
                st.caption(" · ".join(_facts(message)))
                if message.last_error:
                    st.caption(feedback.escape(_("It was not taken: {error}").format(error=message.last_error)))
            if st.button(_("Send now"), key=f"send_{message.id}", icon=":material/send:", type="tertiary"):
                _retry(message.id)


def _facts(message: Waiting) -> list[str]:
    facts = [
        _("written {time}").format(time=format_time(message.created_at)),
        _("attempts: {count}").format(count=message.attempts),
    ]
    if message.next_attempt_at:
        facts.append(_("next attempt {time}").format(time=format_time(message.next_attempt_at)))
    return facts


def _retry(message_id: int) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        outbox.retry(session, guard.actor(), message_id)
    if outcome.succeeded:
        feedback.later(_("The message is sent with the next round, within seconds."))
        st.rerun()
