"""The customers at risk: score, reasons in words, what changed, the next step, and the way to a plan."""

import streamlit as st

from crm_core.i18n import _, format_date, format_time, join_words
from crm_core.models import CHURN_BANDS, TIERS, ChurnScore
from crm_core.permissions import Permission
from crm_core.services.churn import words
from crm_core.services.churn.risks import Risk, RiskPage
from ui import badges, churn_plan_form, feedback, guard, routes
from ui.badges import Badge
from ui.feedback import escape

BAND_COLOURS = {"high": "red", "medium": "orange", "low": "green"}
SHOWN = 4
"""So many reasons of each customer are shown; the rest appears on hover."""


def draw(page: RiskPage) -> None:
    """A page of the list."""
    told = [" ".join((_(CHURN_BANDS[band]), f"{count:,}")) for band, count in page.counts.items()]
    st.caption(escape(" · ".join([*told, _("Scores of {day}").format(day=format_date(page.day))])))
    for row in page.rows:
        _draw_row(row, page)


def _draw_row(row: Risk, page: RiskPage) -> None:
    with st.container(border=True, key=f"risk_{row.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch"):
                if st.button(f"**{escape(row.name)}** :material/chevron_right:", key=f"risk_open_{row.id}", type="tertiary"):
                    st.switch_page(routes.CUSTOMER, query_params={"code": row.code})
                draw_badge(row)
                if row.tier:
                    st.badge(_(TIERS[row.tier]), color=badges.TIER_COLOURS[row.tier])
            _draw_plan(row)
        _draw_reasons(row)
        st.caption(escape(" · ".join(_facts(row, page))))


def draw_badge(row: Risk) -> None:
    """The band with the score."""
    badge = badge_of(row)
    st.badge(badge.text, color=badge.colour, icon=f":material/{badge.icon}:", help=badge.reason)


def badge_of(row: Risk | ChurnScore) -> Badge:
    """The band with the score."""
    text = " ".join((_(CHURN_BANDS[row.band]), str(round(row.score))))
    reason = _("From 0 (nothing speaks for it) to 100. It puts customers in order and is no probability.")
    return Badge(text, BAND_COLOURS[row.band], "trending_down", reason)


def _draw_reasons(row: Risk) -> None:
    told = words.tell(guard.actor(), row.reasons)
    if told:
        more = [_("and {count} more").format(count=len(told) - SHOWN)] if len(told) > SHOWN else []
        st.markdown(escape(" · ".join([*told[:SHOWN], *more])), help=escape(" · ".join(told[SHOWN:])) or None)


def tell_change(row: Risk, page: RiskPage) -> str:
    """What changed since about a week ago; nothing where there is nothing to compare with."""
    if page.compared_with is None:
        return ""
    if row.change is None:
        return _("without a score on {day}").format(day=format_date(page.compared_with))
    if not row.change:
        return _("unchanged since {day}").format(day=format_date(page.compared_with))
    sentence = _("{change} since {day}").format(change=f"{row.change:+d}", day=format_date(page.compared_with))
    new = words.tell_new(guard.actor(), row.reasons, row.reasons_before)
    return sentence + (_(", new: {reasons}").format(reasons=join_words(new)) if new else "")


def _facts(row: Risk, page: RiskPage) -> list[str]:
    step = row.next_step
    planned = _("next: {task}, due {time}").format(task=step.title, time=format_time(step.due_at)) if step else _("nothing planned")
    return [part for part in (tell_change(row, page), row.owner or _("Pool"), planned) if part]


def _draw_plan(row: Risk) -> None:
    if row.has_plan:
        st.badge(_("Plan is running"), color="blue", icon=":material/handshake:")
    elif guard.actor().can(Permission.CUSTOMER_EDIT) and st.button(_("Win back"), key=f"risk_plan_{row.id}", icon=":material/handshake:"):
        churn_plan_form.open_new(row.id, row.name, row.owner_id)


def tell_for(row: ChurnScore) -> tuple[Badge, list[str]]:
    """What a customer's page says: the band with the score, and why unless it is low."""
    return badge_of(row), [] if row.band == "low" else words.tell(guard.actor(), row.reasons)


def draw_empty(*, is_filtered: bool, has_scores: bool) -> None:
    """Nobody is at risk, or nothing was reckoned yet."""
    if is_filtered:
        feedback.empty_state("search_off", _("No customer matches"), _("Try fewer words or filters."))
    elif has_scores:
        hint = _("No customer of high value has a medium or high risk. Choose a low risk to see all of them.")
        feedback.empty_state("task_alt", _("Nobody is at risk"), hint)
    else:
        hint = _("Scores are reckoned once a day, for won customers and partners of the tiers that count as high value.")
        feedback.empty_state("schedule", _("No scores yet"), hint)
