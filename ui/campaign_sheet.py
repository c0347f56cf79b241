"""The head and the facts of one campaign on its page, and the check-in by code."""

from io import BytesIO

import segno
import streamlit as st

from crm_core.i18n import _, format_money, format_time, join_words
from crm_core.models import CAMPAIGN_MOVES, STEPS, CampaignMove, Step
from crm_core.permissions import Permission
from crm_core.services import campaigns, check_in
from crm_core.services.campaign_list import Listed
from crm_core.services.library import Library
from ui import browser, campaign_cards, campaign_form, cards, feedback, forms, guard, last_look

ICONS = {
    CampaignMove.START: "play_arrow",
    CampaignMove.CLOSE: "lock",
    CampaignMove.CANCEL: "cancel",
    CampaignMove.REOPEN: "replay",
}
SURE = (CampaignMove.CLOSE, CampaignMove.CANCEL)
"""Moves that ask first: they end the check-in."""
EDIT = "edit"
KIND = campaign_form.PREFIX


def draw_head(campaign: Listed) -> None:
    """Its state at the left, what can be done with it at the right. What was pressed while somebody else changed it does nothing."""
    is_same = last_look.is_same(KIND, campaign.id, campaign.version)
    if not is_same:
        feedback.refusal(campaigns.meanwhile(campaign.state))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, gap="xsmall", width="content"):
            campaign_cards.draw_badges(campaign)
        if guard.actor().can(Permission.CAMPAIGN_WRITE):
            _draw_actions(campaign, is_same=is_same)


def _draw_actions(campaign: Listed, *, is_same: bool) -> None:
    moves = [move for move, way in CAMPAIGN_MOVES.items() if campaign.state in way.sources]
    labels = {str(move): f":material/{ICONS[move]}: " + _(CAMPAIGN_MOVES[move].label) for move in moves}
    labels |= {EDIT: ":material/edit: " + _("Edit")}
    with st.container(horizontal=True, width="content", gap="small"):
        first = moves[0]
        is_pressed = st.button(_(CAMPAIGN_MOVES[first].label), key="campaign_next", type="primary", icon=f":material/{ICONS[first]}:")
        rest = [code for code in labels if code != first]
        chosen = st.menu_button(_("More"), rest, format_func=labels.__getitem__, key="campaign_menu")
    if is_same and (is_pressed or chosen):
        _do(campaign, chosen or first)


def _do(campaign: Listed, code: str) -> None:
    if code == EDIT:
        campaign_form.open_edit(campaign)
    elif code in SURE:
        guard.dialog(_(CAMPAIGN_MOVES[CampaignMove(code)].label), _confirm, campaign, CampaignMove(code))
    else:
        _move(campaign, CampaignMove(code))


def _confirm(campaign: Listed, move: CampaignMove) -> None:
    st.write(_("Nothing more is recorded for its participants then, and the check-in by code ends. Its figures go on counting."))
    if forms.decide(_(CAMPAIGN_MOVES[move].label), icon=f":material/{ICONS[move]}:", back=_("Back")):
        _move(campaign, move)


def _move(campaign: Listed, move: CampaignMove) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        campaigns.move_campaign(session, guard.actor(), campaign.id, move, version=campaign.version)
    if outcome.succeeded:
        last_look.forget(KIND)
        feedback.later(_("The campaign was moved on."))
        st.rerun()


def draw_facts(campaign: Listed, entries: Library) -> None:
    """What is planned."""
    with st.container(border=True, key="sheet_campaign"):
        cards.pairs(_("Plan"), {label: value for label, value in _facts(campaign, entries).items() if value})


def _facts(campaign: Listed, entries: Library) -> dict[str, str]:
    words = [*(entries.label(code) for code in campaign.interests), *campaign.tags]
    return {
        _("Campaign code"): campaign.code,
        _("Campaign channel"): entries.label(campaign.channel),
        _("Time"): campaign_cards.days(campaign),
        _("Venue"): campaign.place or "",
        _("Leader"): campaign.owner,
        _("Budget"): format_money(campaign.budget),
        _("Actual cost"): format_money(campaign.cost),
        _("Results counted for (days)"): str(campaign.result_days),
        _("Tags are set for those who"): _(STEPS[Step(campaign.tags_from)]) if words else "",
        _("Tags"): join_words(words),
        _("Closed at"): format_time(campaign.closed_at),
        _("Plan of the campaign"): campaign.plan or "",
    }


def draw_check_in(campaign: Listed) -> None:
    """The code for the entrance, for those who run campaigns: switched on, shown, renewed, switched off."""
    if not campaign.is_going or not guard.actor().can(Permission.CAMPAIGN_WRITE):
        return
    with st.container(border=True, key="check_in_link", gap="small"):
        st.subheader(_("Check-in at the entrance"), anchor=False)
        if not campaign.link:
            st.caption(_("Visitors open a code with their phone and check in themselves, by name and the last digits of their phone."))
            if st.button(_("Switch the code on"), icon=":material/qr_code_2:"):
                _switch(campaign, is_on=True)
            return
        _draw_code(campaign)


def _draw_code(campaign: Listed) -> None:
    link = browser.own_address() + check_in.path_of(campaign.link)
    st.image(segno.make(link, error="m").svg_data_uri(scale=5, light="white"), width=200)
    st.caption(_("It works from the first to the last day of the campaign. Print it, or show it on a screen at the entrance."))
    with st.container(horizontal=True, gap="small"):
        st.link_button(_("Open the page"), link, icon=":material/open_in_new:")
        st.download_button(
            _("Code to print"),
            picture_to_print(link),
            file_name=f"{campaign.code}.svg",
            mime="image/svg+xml",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button(_("Renew the link"), icon=":material/autorenew:", help=_("The present code ends at once.")):
            _switch(campaign, is_on=True)
        if st.button(_("Switch the code off"), icon=":material/link_off:"):
            _switch(campaign, is_on=False)


def picture_to_print(link: str) -> bytes:
    """The code as a file that stands for itself."""
    picture = BytesIO()
    segno.make(link, error="m").save(picture, kind="svg", scale=20, light="white")
    return picture.getvalue()


def _switch(campaign: Listed, *, is_on: bool) -> None:
    with feedback.attempt() as outcome, guard.acting() as session:
        if is_on:
            check_in.open_check_in(session, guard.actor(), campaign.id)
        else:
            check_in.close_check_in(session, guard.actor(), campaign.id)
    if outcome.succeeded:
        last_look.forget(KIND)
        st.rerun()
