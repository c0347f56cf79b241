"""What a report is asked for: its parts, days and filters; for a schedule the rhythm and the receivers besides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _
from crm_core.models import RHYTHMS, STAGES
from crm_core.services import library, owners, teams
from crm_core.services.insight.boards import boards_for
from crm_core.services.insight.question import Compared, Period, Question
from crm_core.services.reports import making, schedules
from crm_core.services.reports.making import LONGEST_NAME, LONGEST_REASON
from crm_core.services.reports.order import FORMATS, SECTIONS, Format, Order, period_before
from crm_core.services.reports.schedules import LAST_DAY, Rhythm
from crm_core.services.reports.words import COMPARED
from ui import feedback, forms, guard

OWN_DAYS = "own"
DAYS = {
    "30d": N_("Last 30 days"),
    "quarter": N_("This quarter"),
    "year": N_("This year"),
    "monthly": N_("Last month"),
    "quarterly": N_("Last quarter"),
    OWN_DAYS: N_("Other days"),
}
ENDED = ("monthly", "quarterly")
"""Of these the ones that ended last; the others run up to today."""
WEEKDAYS = (N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday"))


@dataclass(frozen=True)
class Choices:
    """What can be chosen, by code."""

    boards: Mapping[str, str]
    sheets: Mapping[str, str]
    people: Mapping[int, str]
    teams: Mapping[int, str]
    sources: Mapping[str, str]
    receivers: Mapping[int, str]


def read_choices() -> Choices:
    """All of them, for the actor."""
    actor = guard.actor()
    with guard.reading() as session:
        return Choices(
            {key: board.title for key, board in boards_for(actor).items()},
            making.sheets_for(actor),
            owners.list_owners(session, actor),
            teams.list_teams(session),
            {entry.code: entry.label for entry in library.get_library(session).active("source")},
            schedules.possible_receivers(session, actor),
        )


def ask_report() -> None:
    """The dialog that asks for one report."""
    guard.dialog(_("New report"), _draw_report, read_choices(), {})


def ask_schedule() -> None:
    """The dialog that lets a report come by itself."""
    guard.dialog(_("New scheduled report"), _draw_schedule, read_choices(), {})


def _draw_report(choices: Choices, state: dict[str, Any]) -> None:
    errors = state.get("errors", {})
    name = _draw_name(_("Report"), errors)
    days = _draw_days(errors)
    parts = _draw_parts(choices, errors)
    filters = _draw_filters(choices)
    reason = _draw_reason(errors)
    if forms.decide(_("Build report"), icon=":material/lab_profile:", is_ready=days is not None) and days:
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            making.request_report(session, guard.actor(), Order(Question(days, **filters), **parts), name=name, reason=reason)
        forms.conclude(outcome, _("The report is being built. It appears in the list when it is ready."), state)


def _draw_schedule(choices: Choices, state: dict[str, Any]) -> None:
    errors = state.get("errors", {})
    name = _draw_name(_("Scheduled report"), errors)
    rhythm = _draw_rhythm(errors)
    parts = _draw_parts(choices, errors)
    filters = _draw_filters(choices)
    receivers = st.multiselect(
        forms.required(_("Receivers")),
        list(choices.receivers),
        format_func=choices.receivers.__getitem__,
        key=guard.key("report_receivers"),
        placeholder=_("Choose"),
        help=_("Each gets a report of their own, computed with what they may see, and a mail with a link to it."),
    )
    _explain("receivers", errors)
    reason = _draw_reason(errors)
    if forms.decide(_("Save schedule"), icon=":material/event_repeat:"):
        order = Order(Question(period_before(rhythm.name, clock.today()), **filters), **parts)
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            values = {"name": name, "reason": reason, "rhythm": rhythm, "receivers": receivers}
            schedules.add_schedule(session, guard.actor(), order, **values)
        forms.conclude(outcome, _("The schedule was saved."), state)


def _explain(name: str, errors: Mapping[str, list[str]]) -> None:
    forms.tell(errors.get(name, ()))


def _draw_name(usual: str, errors: Mapping[str, list[str]]) -> str:
    _explain("report", errors)
    name = st.text_input(
        forms.required(_("Name")), value=f"{usual} {clock.today():%Y-%m-%d}", max_chars=LONGEST_NAME, key=guard.key("report_name")
    )
    _explain("name", errors)
    return name


def _draw_reason(errors: Mapping[str, list[str]]) -> str:
    reason = st.text_input(
        forms.required(_("What is it for?")),
        max_chars=LONGEST_REASON,
        key=guard.key("report_reason"),
        placeholder=_("It stands on the cover and in the audit log."),
    )
    _explain("reason", errors)
    return reason


def _draw_days(errors: Mapping[str, list[str]]) -> Period | None:
    """The days; None where they are entered and make no range."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            forms.required(_("Period")), list(DAYS), index=2, format_func=lambda code: _(DAYS[code]), key=guard.key("report_days")
        )
        if chosen == OWN_DAYS:
            first = forms.enter_day(_("From"), guard.key("report_from"))
            last = forms.enter_day(_("Until"), guard.key("report_until"))
    _explain("days", errors)
    if chosen != OWN_DAYS:
        today = clock.today()
        return period_before(chosen, today) if chosen in ENDED else Period.up_to(today, chosen)
    if first and last and first <= last:
        return Period(first, last)
    st.caption(_("Enter two days, the later one last."))
    return None


def _draw_parts(choices: Choices, errors: Mapping[str, list[str]]) -> dict[str, Any]:
    """Boards, sections, detail sheets and format."""
    format = st.segmented_control(
        forms.required(_("Format")),
        list(FORMATS),
        default=Format.EXCEL,
        format_func=lambda code: _(FORMATS[code]),
        key=guard.key("report_format"),
        required=True,
    )
    boards = _draw_pills(forms.required(_("Dashboards")), choices.boards, list(choices.boards), "report_boards")
    _explain("boards", errors)
    sections = _draw_pills(_("Sections of each dashboard"), SECTIONS, list(SECTIONS), "report_sections")
    _explain("sections", errors)
    details: list[str] = []
    if format is Format.EXCEL:
        details = _draw_pills(_("Detail sheets"), choices.sheets, [], "report_details")
    parts = {"boards": tuple(boards), "details": tuple(details), "sections": frozenset(sections)}
    return {**parts, "format": Format(format or Format.EXCEL)}


def _draw_pills(label: str, phrases: Mapping[str, str], default: list[str], key: str) -> list[str]:
    return st.pills(
        label,
        list(phrases),
        default=default,
        selection_mode="multi",
        format_func=lambda code: _(phrases[code]),
        key=guard.key(key),
    )


def _draw_filters(choices: Choices) -> dict[str, Any]:
    """The common filters and the comparison, folded away: most reports are about everything."""
    with st.expander(_("Filters and comparison")):
        chosen = {
            "teams": _draw_choice(_("Team"), choices.teams, "report_teams"),
            "owners": _draw_choice(_("Owner"), choices.people, "report_owners"),
            "stages": _draw_choice(_("Customer type"), {code: _(label) for code, label in STAGES.items()}, "report_stages"),
            "sources": _draw_choice(_("Customer source"), choices.sources, "report_sources"),
        }
        compared = st.selectbox(
            _("Compared with"), list(COMPARED), format_func=lambda code: _(COMPARED[code]), key=guard.key("report_compared")
        )
    return {**{name: tuple(values) for name, values in chosen.items()}, "compared": Compared(compared)}


def _draw_choice(label: str, names: Mapping[Any, str], key: str) -> list[Any]:
    return st.multiselect(
        label,
        list(names),
        format_func=names.__getitem__,
        key=guard.key(key),
        placeholder=_("Any"),
    )


def _draw_rhythm(errors: Mapping[str, list[str]]) -> Rhythm:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            forms.required(_("How often")), list(RHYTHMS), format_func=lambda code: _(RHYTHMS[code]), key=guard.key("report_rhythm")
        )
        if name == "weekly":
            days, label, told = range(1, 8), _("Weekday"), lambda number: _(WEEKDAYS[number - 1])
        else:
            days, label, told = range(1, LAST_DAY + 1), _("Day of the month"), str
        day = st.selectbox(forms.required(label), list(days), format_func=told, key=guard.key(f"report_day_{name}"))
        at = st.time_input(forms.required(_("Time")), value=time(8), key=guard.key("report_at"))
    _explain("rhythm", errors)
    st.caption(_("The report is about the whole week, month or quarter before. In a quarter the day is one of its first month."))
    return Rhythm(name, day, at or time(8))
