"""The dialogs that add people to campaigns: one customer, those with a tag, a list, a file, or those selected in the customer list."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from crm_core.i18n import N_, _, join_sentences, plural
from crm_core.models import STEPS
from crm_core.models.campaign import REACTIONS
from crm_core.services import campaign_list, contacts, participant_lines, participations, tags
from crm_core.services.bulk_targets import Selection
from crm_core.services.campaign_list import Listed
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.participant_lines import Problem
from crm_core.services.participations import Done
from ui import feedback, forms, guard
from ui.customer_choice import choose_customer
from ui.feedback import escape

ONE, TAG, LIST, FILE = "one", "tag", "list", "file"
WAYS = {ONE: N_("One customer"), TAG: N_("By tag"), LIST: N_("By list"), FILE: N_("From a file")}
SHOWN_PROBLEMS = 20
RESULT = "campaign_adding_result"


def open_for_campaign(campaign: Listed) -> None:
    """Add people to this campaign."""
    st.session_state[RESULT] = None
    guard.dialog(_("Add participants"), _draw_ways, campaign)


def open_recording(campaign: Listed) -> None:
    """Record a step for everybody on a list."""
    st.session_state[RESULT] = None
    guard.dialog(_("Record by list"), _draw_recording, campaign)


def open_for_customer(customer_id: int) -> None:
    """Add this customer to a campaign that is chosen."""
    guard.dialog(_("Add to a campaign"), _draw_for_customer, customer_id)


def add_selected(selection: Selection) -> None:
    """Add the customers selected in the list to a campaign that is chosen."""
    st.caption(_("Their primary contacts are invited. Who takes part already stays as they are."))
    campaign_id = _choose_campaign()
    if forms.decide(_("Add to a campaign"), icon=":material/group_add:", is_ready=campaign_id is not None):
        with st.spinner(_("Adding participants…")), feedback.attempt() as outcome, guard.acting() as session:
            done = participations.add_selection(session, guard.actor(), campaign_id or 0, selection)
        if outcome.succeeded:
            st.session_state["selecting"] = False
            feedback.later(_told(done))
            st.rerun(scope="app")


def _choose_campaign() -> int | None:
    with guard.reading() as session:
        going = campaign_list.open_campaigns(session, guard.actor())
    if not going:
        st.caption(_("There is no campaign in which people can take part now. Plan one first."))
    chosen: int | None = st.selectbox(
        forms.required(_("Campaign")),
        list(going),
        index=None,
        format_func=going.__getitem__,
        key=guard.key("adding_campaign"),
        placeholder=_("Choose"),
    )
    return chosen


def _draw_for_customer(customer_id: int) -> None:
    campaign_id, contact_id = _choose_campaign(), _choose_contact(customer_id)
    if forms.decide(_("Add to a campaign"), icon=":material/group_add:", is_ready=campaign_id is not None):
        _add_one(campaign_id or 0, customer_id, contact_id)


def _choose_contact(customer_id: int) -> int | None:
    with guard.reading() as session:
        people = {one.id: one.name for one in contacts.list_contacts(session, guard.actor(), customer_id)}
    chosen: int | None = st.selectbox(
        _("Contact"),
        list(people),
        index=0 if people else None,
        format_func=people.__getitem__,
        key=guard.key(f"adding_contact_{customer_id}"),
        placeholder=_("Nobody in particular"),
    )
    return chosen


def _add_one(campaign_id: int, customer_id: int, contact_id: int | None) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        done = participations.add_customer(session, guard.actor(), campaign_id, customer_id, contact_id)
    if outcome.succeeded:
        feedback.later(_told(done))
        st.rerun()


def _draw_ways(campaign: Listed) -> None:
    words = {code: _(label) for code, label in WAYS.items()}
    way = st.segmented_control(
        _("Way"),
        list(words),
        default=ONE,
        required=True,
        format_func=words.__getitem__,
        key=guard.key("adding_way"),
        label_visibility="collapsed",
    )
    {ONE: _draw_one, TAG: _draw_tag, LIST: _draw_list, FILE: _draw_file}[way or ONE](campaign)
    _draw_result()


def _draw_one(campaign: Listed) -> None:
    customer_id = choose_customer(guard.key("adding_customer"))
    contact_id = _choose_contact(customer_id) if customer_id else None
    if forms.decide(_("Add"), icon=":material/group_add:", is_ready=customer_id is not None):
        _add_one(campaign.id, customer_id or 0, contact_id)


def _draw_tag(campaign: Listed) -> None:
    with guard.reading() as session:
        known = tags.list_tags(session)
    chosen = st.multiselect(
        forms.required(_("Tags")),
        list(known),
        format_func=known.__getitem__,
        key=guard.key("adding_tags"),
        placeholder=_("Choose"),
    )
    st.caption(_("All customers that you see with one of these tags, in the person of their primary contact."))
    if forms.decide(_("Add"), icon=":material/group_add:", is_ready=bool(chosen)):
        query = CustomerQuery(tags=tuple(chosen))
        _run(lambda session: participations.add_selection(session, guard.actor(), campaign.id, Selection(query=query)))


def _draw_list(campaign: Listed) -> None:
    text = _ask_list()
    if forms.decide(_("Add"), icon=":material/group_add:"):
        _run(lambda session: participations.add_lines(session, guard.actor(), campaign.id, participant_lines.split_text(text)))


def _ask_list() -> str:
    return st.text_area(
        forms.required(_("List of people")),
        height=160,
        key=guard.key("adding_list"),
        placeholder=_("One in each line: customer code, phone, or name of the customer or contact"),
    )


def _draw_file(campaign: Listed) -> None:
    file = st.file_uploader(forms.required(_("File")), type=["xlsx", "xls", "csv", "txt"], key=guard.key("adding_file"))
    st.caption(_("A workbook or csv file with a header row; each row names a customer by code, phone or name."))
    if forms.decide(_("Add"), icon=":material/group_add:", is_ready=file is not None) and file is not None:
        name, content = file.name, file.getvalue()
        _run(lambda session: participations.add_lines(session, guard.actor(), campaign.id, participant_lines.split_file(name, content)))


def _draw_recording(campaign: Listed) -> None:
    steps = [step for step in REACTIONS if step != "answered"]
    step = st.selectbox(
        forms.required(_("Step")), steps, format_func=lambda code: _(STEPS[code]), key=guard.key("adding_step"), placeholder=_("Choose")
    )
    text = _ask_list()
    if forms.decide(_("Record")):
        _run(lambda session: participations.reach_lines(session, guard.actor(), campaign.id, step, participant_lines.split_text(text)))
    _draw_result()


def _run(do: Callable[[Any], Done]) -> None:
    """Do it; what could not be used stays in the dialog, otherwise it closes."""
    st.session_state[RESULT] = None
    with st.spinner(_("Adding participants…")), feedback.attempt() as outcome, guard.acting() as session:
        done = do(session)
    if not outcome.succeeded:
        return
    if not done.problems:
        feedback.later(_told(done))
        st.rerun()
    st.session_state[RESULT] = done


def _told(done: Done) -> str:
    text = plural(done.count, N_("{count} participant recorded."), N_("{count} participants recorded.")).format(count=f"{done.count:,}")
    return join_sentences(text, _("{count} were so already.").format(count=f"{done.already:,}")) if done.already else text


def _draw_result() -> None:
    """What the last list came to: how many, and each line that could not be used, with the reason."""
    done = st.session_state.get(RESULT)
    if done is None:
        return
    st.info(escape(_told(done)), icon=":material/task_alt:")
    lines = [_line(one) for one in done.problems[:SHOWN_PROBLEMS]]
    if len(done.problems) > SHOWN_PROBLEMS:
        lines.append("- " + _("and {count} more").format(count=f"{len(done.problems) - SHOWN_PROBLEMS:,}"))
    st.warning("\n".join([_("These lines were not used:"), "", *lines]))


def _line(problem: Problem) -> str:
    return "- " + escape(_("Line {number} ({text}): {reason}").format(number=problem.number, text=problem.text, reason=_(problem.reason)))
