"""Everything that happened with a customer on one line of time, narrowed to kinds of events and to words."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.services import timeline
from crm_core.services.timeline import sources_for
from crm_core.services.timeline_sources import SOURCES, Event
from ui import feedback, follow_up_fields, guard

SHOWN = 300
"""Letters of a longer text that the line of time shows."""


def draw(customer_id: int) -> None:
    """The filters, and a page of events, the latest first."""
    kinds, phrase = _draw_filters(customer_id)
    key = f"timeline_page_{customer_id}_{'_'.join(kinds)}_{phrase}"
    asked = int(st.session_state.get(key) or 1)
    with feedback.attempt() as outcome, guard.reading() as session:
        page = timeline.list_events(session, guard.actor(), customer_id, kinds=kinds, phrase=phrase, page=asked)
    if not outcome.succeeded:
        return
    with st.container(border=True, gap="small", key="timeline"):
        for event in page.events:
            st.markdown("  \n".join(_lines(event)))
        if not page.events:
            feedback.empty_state("search_off", _("Nothing found"), _("Choose other kinds of events, or fewer words."))
    if page.pages > 1:
        st.pagination(page.pages, key=key)


def _draw_filters(customer_id: int) -> tuple[list[str], str]:
    kinds = st.pills(
        _("Kinds of events"),
        list(sources_for(guard.actor())),
        selection_mode="multi",
        format_func=lambda code: f":material/{SOURCES[code].icon}: " + _(SOURCES[code].label),
        key=f"timeline_kinds_{customer_id}",
        label_visibility="collapsed",
    )
    phrase = st.text_input(
        _("Search the timeline"),
        key=f"timeline_phrase_{customer_id}",
        label_visibility="collapsed",
        icon=":material/search:",
        placeholder=_("Words in what was written"),
        live="150ms",
    )
    return list(kinds), phrase.strip()


def _lines(event: Event) -> list[str]:
    facts = f":small[:gray[{feedback.escape(f'{format_time(event.at)} · {event.who}')}]]"
    head = f":material/{SOURCES[event.kind].icon}: **{feedback.escape(event.title)}**"
    texts = [follow_up_fields.paragraphs(_shortened(text)) for text in (event.text, event.more) if text]
    return [head, facts, *(line for lines in texts for line in lines)]


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN].rstrip()}…"
