"""Campaigns as rows: in the list, and those in which a customer took part."""

import streamlit as st

from crm_core.i18n import N_, _, format_date, format_money, format_time, plural
from crm_core.models import CAMPAIGN_STATES, SCORES, STEPS, CampaignState, Step
from crm_core.permissions import Permission
from crm_core.services import campaign_list
from crm_core.services.campaign_list import Listed, Taken
from crm_core.services.library import Library
from crm_core.visibility import View
from ui import campaign_adding, feedback, guard, routes
from ui.feedback import escape

STATE_COLOURS = {"planned": "blue", "running": "green", "closed": "gray", "cancelled": "red"}
STEP_COLOURS = {"invited": "gray", "clicked": "blue", "registered": "orange", "attended": "green", "answered": "violet"}


def draw(campaign: Listed, entries: Library) -> None:
    """One row of the list, its name opening the campaign."""
    with st.container(border=True, key=f"campaign_{campaign.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _name(campaign.code, campaign.name, key=f"campaign_open_{campaign.id}")
            draw_badges(campaign)
            parts = [campaign.code, entries.label(campaign.channel), days(campaign), campaign.place or "", campaign.owner]
            people = N_("{count} participant, {attended} attended"), N_("{count} participants, {attended} attended")
            parts += [plural(campaign.participants, *people).format(count=campaign.participants, attended=campaign.attended)]
            if campaign.cost is not None:
                parts.append(_("cost {amount}").format(amount=format_money(campaign.cost)))
            st.caption(escape(" · ".join(part for part in parts if part)), width="stretch")


def draw_badges(campaign: Listed) -> None:
    """Where it stands."""
    st.badge(_(CAMPAIGN_STATES[CampaignState(campaign.state)]), color=STATE_COLOURS[campaign.state])
    if campaign.is_past:
        st.badge(_("Days are over"), color="orange", icon=":material/event_busy:")


def days(campaign: Listed) -> str:
    """From when until when."""
    first, last = format_date(campaign.starts_on), format_date(campaign.ends_on)
    return first if first == last else _("{first} to {last}").format(first=first, last=last)


def step_badge(step: Step) -> None:
    """How far somebody came."""
    st.badge(_(STEPS[step]), color=STEP_COLOURS[step])


def score(value: int) -> str:
    """What somebody thought of it, in words."""
    return f"{value} · " + _(SCORES[value])


def draw_for(customer: View) -> None:
    """The campaigns in which a customer took part, and the button that adds it to one."""
    key = f"customer_campaigns_{customer.id}"
    with guard.reading() as session:
        page = campaign_list.list_of_customer(session, guard.actor(), customer.id, page=int(st.session_state.get(key) or 1))
    may_add = customer.is_listed and guard.actor().can(Permission.CAMPAIGN_WRITE)
    if may_add and st.button(_("Add to a campaign"), icon=":material/add:", key="customer_campaign_add"):
        campaign_adding.open_for_customer(customer.id)
    for row in page.rows:
        _draw_taken(row)
    if not page.rows:
        hint = _("Once this customer is invited to a campaign, it stands here how far it came.")
        feedback.empty_state("campaign", _("No campaigns yet"), hint)
    if page.pages > 1:
        st.pagination(page.pages, key=key)


def _draw_taken(row: Taken) -> None:
    with st.container(border=True, key=f"taken_{row.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _name(row.code, row.name, key=f"taken_open_{row.id}")
            step_badge(row.step)
            if row.score:
                st.badge(score(row.score), color="green" if row.score > 3 else "orange", icon=":material/star:")
            parts = [row.code, row.contact, format_time(row.at)]
            st.caption(escape(" · ".join(part for part in parts if part)), width="stretch")
        if row.feedback:
            st.markdown(escape(row.feedback))


def _name(code: str, name: str, *, key: str) -> None:
    if st.button(f"**{escape(name)}**", key=key, icon=":material/campaign:", type="tertiary"):
        st.switch_page(routes.CAMPAIGN, query_params={"campaign": code})
