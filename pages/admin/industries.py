"""Industries in users' own words: accept into the library, map to an entry, or refuse with a reason."""

import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.permissions import Permission
from crm_core.services import industries, library
from ui import feedback, forms, guard, header

actor = guard.page(Permission.LIBRARY_EDIT)
header.title(_("Suggested industries"))


def decide(suggestion_id: int, text: str) -> None:
    """One of three answers to a suggestion."""
    st.markdown(f"**{feedback.escape(text)}**")
    labels = {"map": _("It is an industry of the library"), "accept": _("Take it into the library"), "refuse": _("Refuse it")}
    answer = st.radio(_("Decision"), list(labels), format_func=lambda code: labels[code], key=guard.key("decision"))
    choices = {
        code: entries.industry_label(code) for code, one in entries.industries.items() if (one.parent is None) == (answer == "accept")
    }
    chosen = remark = name_en = ""
    if answer == "refuse":
        remark = st.text_input(forms.required(_("Reason")), key=guard.key("refusal"))
    else:
        label = _("Industry") if answer == "map" else _("Section")
        chosen = (
            st.selectbox(
                label,
                list(choices),
                index=None,
                format_func=lambda code: choices[code],
                placeholder=_("Choose"),
                key=guard.key(f"industry_{answer}"),
            )
            or ""
        )
        name_en = st.text_input(_("English name"), key=guard.key("industry_en")) if answer == "accept" else ""
    if not forms.decide(_("Save")):
        return
    with feedback.attempt() as outcome, guard.acting() as session:
        if answer == "map":
            industries.map_suggestion(session, guard.actor(), suggestion_id, industry=chosen)
        elif answer == "accept":
            industries.accept_suggestion(session, guard.actor(), suggestion_id, section=chosen, name_en=name_en)
        else:
            industries.refuse_suggestion(session, guard.actor(), suggestion_id, remark=remark)
    if outcome.succeeded:
        st.rerun()


with guard.reading() as reading:
    entries = library.get_library(reading)
    waiting = industries.list_suggestions(reading, actor)

if not waiting:
    feedback.empty_state("task_alt", _("No suggestions are waiting"), _("Industries that users write in their own words appear here."))
for suggestion, count in waiting:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{feedback.escape(suggestion.text)}**", width="stretch")
        suggested = _("customers: {count} · suggested {time}").format(count=count, time=format_time(suggestion.proposed_at))
        st.caption(suggested, width="content")
        if st.button(_("Decide"), key=f"suggestion_{suggestion.id}", icon=":material/gavel:"):
            guard.dialog(_("Suggested industry"), decide, suggestion.id, suggestion.text)
