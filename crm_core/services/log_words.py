"""Lines of the change log in words: what was done to what, and values before and after as people read them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import select

from crm_core import channels
from crm_core.db import CrmSession
from crm_core.fields import GROUPS, Field, fields_of
from crm_core.i18n import LANGUAGES, _, format_time, join_words
from crm_core.models import (
    ACTIONS,
    ACTIVITIES,
    CAMPAIGN_STATES,
    KINDS,
    METHODS,
    PLACES,
    PLAN_OUTCOMES,
    STAGES,
    TASK_STATES,
    TICKET_PRIORITIES,
    TICKET_STATES,
    Base,
    Customer,
    OpportunityStage,
    Policy,
    Role,
    Team,
)
from crm_core.permissions import ACCESS, PERMISSIONS, SENSITIVE, SYSTEM, Actor
from crm_core.services import display
from crm_core.services.field_settings import AREA
from crm_core.services.field_words import differing
from crm_core.services.follow_up_rules import LEADS
from crm_core.services.library import Library, get_library
from crm_core.services.log_names import COUNTS, ENTITIES, EXPORTED, NOBODY, OTHER_FIELDS
from crm_core.services.measures import MEASURES, Condition, describe
from crm_core.services.outside_sheet import PEOPLE
from crm_core.services.recurrence import HOLIDAYS
from crm_core.services.rule_words import AREAS, differing_rules
from crm_core.services.users import user_names
from crm_core.services.verification import CHECKS
from crm_core.visibility import see_logged


@dataclass(frozen=True)
class LineText:
    """One line: the thing it is about and the field or action, and the values."""

    what: str
    before: str
    after: str


class LogWords:
    """The words for lines in the language in force; made once for a page or a file."""

    def __init__(self, session: CrmSession, actor: Actor) -> None:
        self.actor = actor
        self.library: Library = get_library(session)
        self.people = users = {str(number): name for number, name in user_names(session).items()}
        teams = {str(row.id): row.name for row in session.execute(select(Team.id, Team.name))}
        titled = list(session.execute(select(Role)).scalars())
        roles = {str(role.id): role.title for role in titled}
        by_code = {role.code: role.title for role in titled}
        stages = {str(stage.id): stage.label for stage in session.execute(select(OpportunityStage)).scalars()}
        self._in_rules = {"roles": by_code, "role": by_code, "people": users}
        named = {
            "owner_id": users,
            "assignee_id": users,
            "handler_id": users,
            "head_id": users,
            "role_id": roles,
            "team_id": teams,
            "parent_id": teams,
            "stage_id": stages,
            "language": LANGUAGES,
        }
        self._shown: dict[str, Callable[[str], str]] = {
            **{field: partial(_name, names) for field, names in named.items()},
            "permissions": lambda stored: _listed(PERMISSIONS, json.loads(stored)),
            "entry_stages": lambda stored: _listed(STAGES, json.loads(stored) or ()),
            "access": _access,
            "merged_into": self.library.label,
            "group": lambda stored: _listed(GROUPS, [stored]),
            "kinds": lambda stored: _listed(KINDS, json.loads(stored)),
            "stages": lambda stored: _listed(STAGES, json.loads(stored)),
            "conditions": self._conditions,
            "choices": lambda stored: join_words(one["name"] for one in json.loads(stored)),
            "place": lambda stored: _listed(PLACES, [stored]),
            "method": lambda stored: _listed(METHODS, [stored]),
            "priority": lambda stored: _listed(TICKET_PRIORITIES, [stored]),
            "on_holiday": lambda stored: _listed(HOLIDAYS, [stored]),
            "state": lambda stored: _listed(TASK_STATES, [stored]),
            "campaign.state": lambda stored: _listed(CAMPAIGN_STATES, [stored]),
            "campaign.tags": lambda stored: join_words(json.loads(stored)),
            "ticket.state": lambda stored: _listed(TICKET_STATES, [stored]),
            "remind_lead": lambda stored: _(LEADS[int(stored)]) if int(stored) in LEADS else stored,
            "activity": lambda stored: _listed(ACTIVITIES, [stored]),
            "channels": _channels,
            "churn_plan.outcome": lambda stored: _listed(PLAN_OUTCOMES, [stored]),
        }

    def who(self, line: Any) -> str:
        """Who did it."""
        return _("the system") if line.actor_id is None and line.actor_name == SYSTEM.name else str(line.actor_name)

    def describe(self, line: Any) -> LineText:
        """A line with `entity`, `action`, `subject`, `field`, `old` and `new`; sensitive values as the actor may see them."""
        what = _(ENTITIES.get(line.entity, line.entity))
        if line.subject and line.entity != "customer":
            # Built-in roles, jobs and the system's own tasks are called by words that have a translation; all else by what users wrote.
            what += " · " + (_(line.subject) if line.entity in ("role", "task", "job") else line.subject)
        if line.entity == Policy.__tablename__ and line.entity_id in AREAS:
            what += " · " + _(AREAS[line.entity_id][0])
        if line.action != "changed":
            what += " · " + _(ACTIONS.get(line.action, line.action))
        if not line.field:
            return LineText(what, "", self._happened(line))
        if line.entity == Policy.__tablename__ and line.entity_id == AREA:
            return LineText(what, *differing(self.library, line.old, line.new))
        if line.entity == Policy.__tablename__ and line.entity_id in AREAS:
            return LineText(what, *differing_rules(line.entity_id, self._in_rules, line.old, line.new))
        before, after = (self.value(line.entity, line.field, stored) for stored in (line.old, line.new))
        return LineText(f"{what} · {self.title(line.entity, line.field)}", before, after)

    def title(self, entity: str, field: str) -> str:
        """What a field is called."""
        declared = self._fields(entity).get(field)
        return declared.title if declared else _(OTHER_FIELDS.get(field, field))

    def _fields(self, entity: str) -> Mapping[str, Field]:
        return self.library.known_fields if entity == Customer.__tablename__ else _fields(entity)

    def value(self, entity: str, name: str, stored: str | None) -> str:
        """A value as the log keeps it, in words."""
        declared = self._fields(entity).get(name)
        if declared and declared.sensitive:
            stored = see_logged(self.actor, declared.sensitive, stored)
        if not stored:
            return ""
        if shown := self._shown.get(f"{entity}.{name}") or self._shown.get(name):
            return shown(stored)
        return _plain(display.show_logged(declared, stored, self.library) if declared else stored)

    def _happened(self, line: Any) -> str:
        text = line.new or ""
        if line.action == "viewed" and (declared := _fields(line.entity).get(text)):
            return declared.title
        if line.action == "verified":
            return _verified(json.loads(text))
        if line.action == "imported":
            pairs = (count.rpartition(" ") for count in text.split(", "))
            return join_words(_(COUNTS.get(name, name)) + " " + number for name, _blank, number in pairs)
        if line.action == "exported" and line.entity == Customer.__tablename__ and not text.startswith("{"):
            known = {name: field.title for name, field in self.library.known_fields.items()}
            return join_words(known.get(name) or _(PEOPLE.get(name, name)) for name in text.split(", "))
        if line.action == "exported" and text.startswith("{"):
            return join_words(_(EXPORTED[name]) + " " + self._filter(name, value) for name, value in json.loads(text).items())
        return text

    def _conditions(self, stored: str) -> str:
        return _(" and ").join(describe(Condition(**one), self.library) for one in json.loads(stored) if one["field"] in MEASURES)

    def _filter(self, name: str, value: Any) -> str:
        labels = {"person": {"0": NOBODY, **self.people}, "action": ACTIONS, "entity": ENTITIES}.get(name, {})
        return _(labels.get(str(value), str(value)))


@cache
def _fields(entity: str) -> Mapping[str, Field]:
    models: dict[str, type] = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    return fields_of(models[entity]) if entity in models else {}


def _verified(what: Mapping[str, list[str]]) -> str:
    wrong = _("Missing or wrong: {parts}").format(parts=_listed(CHECKS, what["wrong"])) if what["wrong"] else _("All right.")
    return _listed(CHECKS, what["checked"]) + " · " + wrong


def _name(names: Mapping[str, str], stored: str) -> str:
    return names.get(stored, stored)


def _listed(labels: Mapping[Any, str], codes: Any) -> str:
    return join_words(_(labels.get(code, code)) for code in codes)


def _channels(stored: str) -> str:
    """The ways of each kind of message."""
    chosen = {_(channels.KINDS[kind].label): ways for kind, ways in json.loads(stored).items() if kind in channels.KINDS}
    return "; ".join(f"{label}: {_listed(channels.WAYS, ways) or '-'}" for label, ways in chosen.items())


def _access(stored: str) -> str:
    return join_words(_(SENSITIVE.get(kind, kind)) + " " + _(ACCESS[level]) for kind, level in json.loads(stored).items())


def _plain(stored: str) -> str:
    if stored in ("True", "False"):
        return _("yes") if stored == "True" else _("no")
    moment = _moment(stored)
    return format_time(moment) if moment else stored


def _moment(stored: str) -> datetime | None:
    if len(stored) < len("2026-01-01 00:00:00") or not stored[:4].isdecimal():
        return None
    try:
        found = datetime.fromisoformat(stored)
    except ValueError:
        return None  # a text that begins like a moment
    return found if found.tzinfo else found.replace(tzinfo=UTC)
