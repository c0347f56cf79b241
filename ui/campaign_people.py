"""Who takes part in a campaign: the list with its search, what is recorded for each, and the ways to add people."""

from dataclasses import replace

import streamlit as st

from crm_core.i18n import N_, _, format_time, plural
from crm_core.models import SCORES, STEPS, Step
from crm_core.permissions import Permission
from crm_core.services import campaign_list, participations
from crm_core.services.campaign_list import Listed, Participant, ParticipantPage, ParticipantQuery
from crm_core.services.participations import LONGEST_FEEDBACK
from ui import campaign_adding, campaign_cards, export_dialog, feedback, follow_up_fields, forms, guard, routes
from ui.feedback import escape

STEP_ICONS = {"clicked": "ads_click", "registered": "app_registration", "attended": "how_to_reg", "answered": "reviews"}
BACK, REMOVE = "back", "remove"


@guard.fragment
def draw(campaign: Listed) -> None:
    """The participants, those of whom something was recorded last at the top."""
    st.subheader(_("Participants"), anchor=False)
    may_write = campaign.is_going and guard.actor().can(Permission.CAMPAIGN_WRITE)
    phrase, step = _draw_tools(campaign, may_write=may_write)
    query = ParticipantQuery(campaign.id, phrase, step)
    export_dialog.open_asked("participants", query)
    key = f"people_page_{campaign.id}_{phrase}_{step}"
    page_number = int(st.session_state.get(key) or 1)
    with guard.reading() as session:
        page = campaign_list.list_participants(session, guard.actor(), replace(query, page=page_number))
    for row in page.rows:
        _draw_row(row, may_write=may_write and row.is_listed)
    _draw_end(page, key, is_filtered=bool(phrase or step))


def _draw_tools(campaign: Listed, *, may_write: bool) -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="center", key="people_tools"):
        phrase = st.text_input(
            _("Search participants"),
            key="people_q",
            label_visibility="collapsed",
            icon=":material/search:",
            live="150ms",
            placeholder=_("Customer, contact, code"),
            width=220,
        )
        step = st.selectbox(
            _("Last step"),
            list(Step),
            index=None,
            format_func=lambda code: _(STEPS[code]),
            key="people_step",
            label_visibility="collapsed",
            placeholder=_("At any step"),
            width=150,
        )
        if may_write:
            if st.button(_("Add participants"), type="primary", icon=":material/group_add:"):
                campaign_adding.open_for_campaign(campaign)
            if st.button(_("Record by list"), icon=":material/checklist:"):
                campaign_adding.open_recording(campaign)
    return (phrase or "").strip(), step or ""


def _draw_row(row: Participant, *, may_write: bool) -> None:
    with st.container(border=True, key=f"participant_{row.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            label = f"**{escape(row.contact or row.customer)}**"
            if st.button(label, key=f"participant_open_{row.id}", icon=":material/person:", type="tertiary"):
                st.switch_page(routes.CUSTOMER, query_params={"code": row.customer_code})
            campaign_cards.step_badge(row.step)
            if row.score:
                st.badge(campaign_cards.score(row.score), color="green" if row.score > 3 else "orange", icon=":material/star:")
            st.caption(escape(_facts(row)), width="stretch")
            if may_write:
                _draw_actions(row)
        if row.feedback:
            st.markdown("  \n".join(follow_up_fields.paragraphs(row.feedback)))


def _facts(row: Participant) -> str:
    at = format_time(getattr(row, f"{row.step}_at"))
    by = _("checked in by code") if row.is_self_checked else ""
    return " · ".join(part for part in (row.customer if row.contact else row.customer_code, row.phone, at, by) if part)


def _draw_actions(row: Participant) -> None:
    steps = participations.steps_open(row)
    labels = {str(step): f":material/{STEP_ICONS[step]}: " + _(STEPS[step]) for step in steps}
    labels |= {BACK: ":material/undo: " + _("Take the last step back")} if row.step is not Step.INVITED else {}
    labels |= {REMOVE: ":material/person_remove: " + _("Remove participant")}
    chosen = st.menu_button(_("Record"), list(labels), format_func=labels.__getitem__, key=f"participant_menu_{row.id}_{row.step}")
    if chosen == Step.ANSWERED:
        guard.dialog(_("Record feedback"), _ask_feedback, row)
    elif chosen == REMOVE:
        guard.dialog(_("Remove participant"), _confirm_removal, row)
    elif chosen == BACK:
        with feedback.attempt() as outcome, guard.acting() as session:
            participations.take_back(session, guard.actor(), row.id, seen=row.step)
        _again(outcome)
    elif chosen:
        with feedback.attempt() as outcome, guard.acting() as session:
            participations.reach(session, guard.actor(), row.id, Step(chosen))
        _again(outcome)


def _again(outcome: feedback.Outcome) -> None:
    # The figures above change with the list, so the whole page runs again.
    if outcome.succeeded:
        feedback.later(_("It is recorded."))
        st.rerun()


def _ask_feedback(row: Participant) -> None:
    st.caption(escape(row.contact or row.customer))
    score = st.pills(_("Score"), list(SCORES), format_func=campaign_cards.score, key=f"participant_score_{row.id}")
    said = st.text_area(_("Feedback"), height=110, max_chars=LONGEST_FEEDBACK, key=f"participant_said_{row.id}")
    if forms.decide(_("Save")):
        with feedback.attempt() as outcome, guard.acting() as session:
            participations.reach(session, guard.actor(), row.id, Step.ANSWERED, score=score, feedback=said)
        _again(outcome)


def _confirm_removal(row: Participant) -> None:
    st.write(escape(_("{name} is taken out of the campaign, with everything recorded here.").format(name=row.contact or row.customer)))
    if forms.decide(_("Remove"), icon=":material/person_remove:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            participations.remove_participant(session, guard.actor(), row.id)
        _again(outcome)


def _draw_end(page: ParticipantPage, key: str, *, is_filtered: bool) -> None:
    if not page.rows:
        if is_filtered:
            feedback.empty_state("search_off", _("No participant matches"), _("Try fewer words or another step."))
        else:
            feedback.empty_state("group", _("No participants yet"), _("Add customers by a list, a tag, a file, or from the customer list."))
        return
    count = plural(page.total, N_("{total} participant"), N_("{total} participants"))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.caption(count.format(total=f"{page.total:,}"), width="content")
            export_dialog.draw_button("participants")
        if page.pages > 1:
            st.pagination(page.pages, key=key)
