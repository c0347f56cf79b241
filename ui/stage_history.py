"""The types that a customer has been of, with days and reasons, as a short list."""

import streamlit as st

from crm_core.i18n import _, format_date
from crm_core.services.stage_changes import Stay
from ui import badges
from ui.feedback import escape


def draw(stays: list[Stay]) -> None:
    """The present type first."""
    with st.container(border=True, gap="small"):
        st.subheader(_("Customer type over time"), anchor=False)
        for stay in stays:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                badges.stage_badge(stay.stage)
                st.markdown(_span(stay), width="content")
                st.markdown(f":small[:gray[{escape(_told(stay))}]]", width="stretch")


def _told(stay: Stay) -> str:
    return " · ".join(part for part in (stay.contract, stay.reason, stay.who) if part)


def _span(stay: Stay) -> str:
    days = _("1 day") if stay.days == 1 else _("{count} days").format(count=stay.days)
    until = format_date(stay.until) or _("until now")
    return f"{escape(format_date(stay.since))} – {escape(until)} · **{escape(days)}**"
