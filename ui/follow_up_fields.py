"""The fields of a follow-up and of its next plan; what is entered stays in the session under their prefix, on other pages too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.config import settings
from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import METHODS
from crm_core.services import contacts, follow_up_list, follow_ups, tasks
from crm_core.services.follow_up_list import Noted, Planned
from crm_core.services.follow_up_rules import LEADS
from crm_core.services.follow_ups import LONGEST, Entry, Plan
from crm_core.services.quick_entry import Guess
from ui import forms, guard
from ui.feedback import escape

ENTRY = ("happened_at", "method", "subject", "contact_id", "content", "feedback", "mentions")
PLAN = ("goal", "due_on", "due_time", "assignee", "remind_lead")
METHOD_ICONS = {"phone": "call", "email": "mail", "visit": "directions_walk", "wechat": "chat", "meeting": "groups", "other": "more_horiz"}
EARLIEST = datetime(1990, 1, 1)
NO_REMINDER = -2
"""Stands for no reminder: a choice of nothing shows as empty."""
Errors = Mapping[str, list[str]]


@dataclass(frozen=True)
class Choices:
    """What there is to choose from for one customer; people by id."""

    contacts: dict[int, str]
    colleagues: dict[int, str]
    assignees: dict[int, str]
    subjects: list[str]


def read_choices(session: CrmSession, customer_id: int) -> Choices:
    """Read what the fields offer."""
    actor = guard.actor()
    people = contacts.list_contacts(session, actor, customer_id)
    colleagues = follow_ups.mentionable(session, customer_id)
    return Choices(
        contacts={person.id: person.name for person in people},
        colleagues={number: name for number, name in colleagues.items() if number != actor.id},
        assignees=tasks.assignees(session, actor),
        subjects=follow_up_list.subjects(session),
    )


def begin(prefix: str, values: Mapping[str, Any]) -> None:
    """Put values into the fields before they are drawn; the others start as they usually are."""
    usual = {"happened_at": _here(clock.now()), "mentions": [], "assignee": guard.actor().id, "remind_lead": tasks.USUAL_LEAD}
    usual |= dict.fromkeys(("subject", "contact_id", "method", "due_on", "due_time")) | dict.fromkeys(("content", "feedback", "goal"), "")
    for name, value in (usual | {name: value for name, value in values.items() if value is not None}).items():
        st.session_state[f"{prefix}.{name}"] = value


def forget(prefix: str) -> None:
    """Empty the session of what was entered."""
    for name in (*ENTRY, *PLAN):
        st.session_state.pop(f"{prefix}.{name}", None)


def written(prefix: str) -> dict[str, Any]:
    """What stands in the fields, as a draft keeps it."""
    given = {name: st.session_state.get(f"{prefix}.{name}") for name in (*ENTRY, *PLAN)}
    return {name: value.isoformat() if name in _TIMES and value else value for name, value in given.items()}


def is_begun(prefix: str) -> bool:
    """Whether somebody entered more than what the fields begin with."""
    usual = ("happened_at", "assignee", "remind_lead")
    return any(st.session_state.get(f"{prefix}.{name}") for name in (*ENTRY, *PLAN) if name not in usual)


def of_draft(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a draft."""
    return {name: _TIMES[name](value) if name in _TIMES and value else value for name, value in values.items()}


_TIMES: dict[str, Callable[[str], Any]] = {
    "happened_at": datetime.fromisoformat,
    "due_on": date.fromisoformat,
    "due_time": time.fromisoformat,
}
"""How what a draft keeps as a text is read."""


def of_guess(guess: Guess) -> dict[str, Any]:
    """The values of a line of quick entry."""
    now = _here(clock.now())
    happened = datetime.combine(guess.happened_on, now.time()) if guess.happened_on else now
    return {
        "happened_at": happened,
        "method": guess.method or None,
        "subject": guess.subject or None,
        "content": guess.content,
        "goal": guess.goal,
        "due_on": guess.next_on if guess.next_on and guess.next_on <= forms.LATEST else None,
        "due_time": guess.next_time,
    }


def of_noted(row: Noted) -> dict[str, Any]:
    """The values of a follow-up."""
    same = {name: getattr(row, name) for name in ("method", "subject", "contact_id", "content", "feedback")}
    return same | {"happened_at": _here(row.happened_at), "mentions": list(row.mentions)}


def of_planned(plan: Planned | None) -> dict[str, Any]:
    """The values of a next plan; of none the usual ones."""
    if plan is None:
        return {}
    due = _here(plan.due_at)
    due_time = None if is_whole_day(plan.due_at) else due.time()
    lead = NO_REMINDER if plan.remind_lead is None else plan.remind_lead
    return {"goal": plan.goal, "due_on": due.date(), "due_time": due_time, "assignee": plan.assignee_id, "remind_lead": lead}


def is_whole_day(due_at: datetime) -> bool:
    """Whether something is due on a day, at no certain time."""
    return due_at == tasks.end_of(clock.day_of(due_at))


def paragraphs(text: str) -> list[str]:
    """The lines of a text as Markdown, which would make code of an indented one and run the others together."""
    return [escape(line.strip()) for line in text.splitlines() if line.strip()]


def draw_entry(prefix: str, choices: Choices, errors: Errors) -> None:
    """When, how, with whom, about what; what was said, and by whom it should be read."""
    left, right = st.columns([1, 2])
    with _field(left, prefix, "happened_at", errors) as what:
        how: dict[str, Any] = {"value": None, "min_value": EARLIEST, "step": 60, "format": "YYYY-MM-DD"}
        st.datetime_input(forms.required(_("Time")), help=_("What is entered late is marked as such."), **how, **what)
    with _field(right, prefix, "method", errors) as what:
        st.pills(forms.required(_("Method")), list(METHODS), format_func=_method, **what)
    left, right = st.columns([3, 2])
    with _field(left, prefix, "subject", errors) as what:
        present = st.session_state.get(what["key"])
        offered = choices.subjects if present in (None, *choices.subjects) else [*choices.subjects, present]
        label, hint = forms.required(_("Subject")), _("Choose or type")
        st.selectbox(label, offered, index=None, accept_new_options=True, placeholder=hint, **what)
    with _field(right, prefix, "contact_id", errors) as what:
        _choose(_("Contact"), choices.contacts, placeholder=_("Nobody in particular"), **what)
    with _field(st, prefix, "content", errors) as what:
        hint = _("Questions, changes of need, promises on both sides")
        st.text_area(forms.required(_("Content")), height=110, max_chars=LONGEST["content"], placeholder=hint, **what)
    with _field(st, prefix, "feedback", errors) as what:
        st.text_area(_("Customer feedback"), height=70, max_chars=LONGEST["feedback"], **what)
    with _field(st, prefix, "mentions", errors) as what:
        _mention(choices.colleagues, **what)


def draw_plan(prefix: str, choices: Choices, errors: Errors) -> None:
    """The next plan: what, until when, who, and when to remind."""
    with _field(st, prefix, "goal", errors) as what:
        st.text_input(_("Goal of the next step"), max_chars=200, **what)
    left, right = st.columns(2)
    with _field(left, prefix, "due_at", errors):
        # Without today as the least day: a draft of yesterday would be out of bounds; the service says what is wrong with it.
        limits = {"min_value": forms.EARLIEST, "max_value": forms.LATEST}
        st.date_input(_("Next follow-up on"), value=None, format="YYYY-MM-DD", **limits, **_kept(prefix, "due_on"))
    with _field(right, prefix, "due_time", errors) as what:
        st.time_input(_("At what time"), value=None, help=_("Without a time it is due at the end of the day."), **what)
    left, right = st.columns(2)
    with _field(left, prefix, "assignee", errors) as what:
        _choose(_("Assignee"), choices.assignees, placeholder=_("Choose"), **what)
    with _field(right, prefix, "remind_lead", errors) as what:
        _choose(_("Reminder"), _leads(st.session_state.get(what["key"])), placeholder=_("Choose"), **what)


def entered(prefix: str) -> Entry:
    """The follow-up as it stands in the fields."""
    given = {name: st.session_state.get(f"{prefix}.{name}") for name in ENTRY}
    moment = given["happened_at"]
    return Entry(
        happened_at=moment.replace(tzinfo=settings().timezone) if moment else None,
        method=given["method"] or "",
        subject=given["subject"] or "",
        content=given["content"] or "",
        feedback=given["feedback"] or "",
        contact_id=given["contact_id"],
        mentions=tuple(given["mentions"] or ()),
    )


def planned(prefix: str) -> Plan | None:
    """The plan as it stands in the fields; none where neither a goal nor a day was entered."""
    given = {name: st.session_state.get(f"{prefix}.{name}") for name in PLAN}
    goal, day = given["goal"] or "", given["due_on"]
    if not goal.strip() and day is None:
        return None
    lead = None if given["remind_lead"] == NO_REMINDER else given["remind_lead"]
    return Plan(_due(day, given["due_time"]), goal, given["assignee"] or 0, lead)


def _due(day: date | None, at: time | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, at, settings().timezone) if at else tasks.end_of(day)


def _here(moment: datetime) -> datetime:
    """A moment as the fields hold it: in the zone of the team, without saying so."""
    return moment.astimezone(settings().timezone).replace(tzinfo=None, second=0, microsecond=0)


def _kept(prefix: str, name: str) -> dict[str, Any]:
    return {"key": f"{prefix}.{name}", "persist_state": "session"}


@contextmanager
def _field(place: Any, prefix: str, name: str, errors: Errors) -> Iterator[dict[str, Any]]:
    """The box around a field, with its errors below; gives what its widget is to be called with."""
    with place.container(key=forms.css_key(prefix, name), gap="xxsmall"):
        yield _kept(prefix, name)
        forms.tell(errors.get(name, ()))


def _method(code: str) -> str:
    return f":material/{METHOD_ICONS[code]}: " + _(METHODS[code])


def _choose(label: str, names: Mapping[int, str], **what: Any) -> None:
    present = st.session_state.get(what["key"])
    if present is not None and present not in names:
        st.session_state[what["key"]] = None
    st.selectbox(label, list(names), index=None, format_func=lambda number: names.get(number, ""), **what)


def _mention(colleagues: Mapping[int, str], **what: Any) -> None:
    help_text = _("They get a notice that leads here.")
    names = {**colleagues, **{number: "" for number in st.session_state.get(what["key"]) or () if number not in colleagues}}
    st.multiselect(
        _("Mention colleagues"),
        list(names),
        format_func=lambda number: names[number] or _("(no longer here)"),
        placeholder=_("Nobody"),
        help=help_text,
        **what,
    )


def _leads(present: int | None) -> dict[int, str]:
    choices = {tasks.USUAL_LEAD: _("As usual"), NO_REMINDER: _("No reminder")} | {lead: _(label) for lead, label in LEADS.items()}
    if present is not None and present not in choices:
        choices[present] = _("{minutes} minutes before").format(minutes=present)
    return choices
