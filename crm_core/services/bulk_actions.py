"""What can be done with many customers at once: one row an action. How it is previewed, run and undone stands in `bulk`."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import func, select, update

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import N_, _
from crm_core.models import Customer, CustomerTag, Place, Tag
from crm_core.permissions import Permission
from crm_core.services.bulk_targets import Target, in_parts
from crm_core.services.completeness import mark_incomplete
from crm_core.services.derived import derive
from crm_core.services.field_settings import combinations
from crm_core.services.library import get_library
from crm_core.services.tagging import apply_rules
from crm_core.services.tags import (
    BY_HAND,
    BY_RULE,
    HAD,
    MAX_TAGS,
    REFUSED,
    bearings_of,
    clean_tags,
    give_tags,
    leave_to_rules,
    names_of_tags,
    ruled_among,
    take_tags,
)

Asked = dict[str, Any]
"""What was asked for, such as the tags; as the receipt keeps it."""
Changes = Mapping[int, tuple[Any, Any]]
"""By customer the value before and the one after."""


class Action(Protocol):
    """One bulk action: it sets one value of each customer, so that all of them are previewed, logged and undone in one way."""

    @property
    def label(self) -> str:
        """Its name in the menu, to be translated."""

    @property
    def permission(self) -> Permission:
        """Who may."""

    @property
    def field(self) -> str:
        """The name under which the change log keeps the change."""

    @property
    def leaves_in(self) -> Place:
        """Where the customers lie afterwards, and so where an undo looks for them."""

    @property
    def notice(self) -> str:
        """The kind of notice by which owners learn what somebody else did with their customers; nothing where they need not."""

    def check(self, session: CrmSession, asked: Asked) -> Asked:
        """What is asked for, clean. Raises `ValidationFailed`."""

    def read(self, session: CrmSession, ids: Collection[int], asked: Asked) -> Mapping[int, Any]:
        """The present value by customer, as JSON can keep it; only what the action touches."""

    def after(self, value: Any, asked: Asked) -> Any:
        """What a value becomes."""

    def refuse(self, session: CrmSession, targets: Sequence[Target], asked: Asked) -> Mapping[int, str]:
        """The customers that cannot be changed, with the code of the reason."""

    def write(self, session: CrmSession, changes: Changes) -> None:
        """Set the values, in a number of statements that does not grow with the customers."""

    def logged(self, session: CrmSession, ids: Collection[int]) -> Mapping[int, str | None]:
        """The whole value by customer, as the change log keeps it."""


@dataclass(frozen=True)
class TagAction:
    """Gives tags, or takes them; those that were set by hand and those set by a rule alike."""

    label: str
    is_giving: bool
    permission: Permission = Permission.CUSTOMER_EDIT
    field: str = "tags"
    leaves_in: Place = Place.LIBRARY
    notice: str = ""

    def check(self, session: CrmSession, asked: Asked) -> Asked:
        """At least one tag; which of them rules set is noted, since those are refused to the rules where they are taken."""
        names = clean_tags(asked.get("tags") or ())
        if not names:
            raise ValidationFailed({"tags": [_("Choose at least one tag.")]})
        return {"tags": names, "ruled": ruled_among(session, names)}

    def read(self, session: CrmSession, ids: Collection[int], asked: Asked) -> Mapping[int, Any]:
        """How each stands to the tags: by hand, by rule, or refused to the rules."""
        found = bearings_of(session, ids, asked["tags"])
        return {id: found.get(id, {}) for id in ids}

    def after(self, value: Any, asked: Asked) -> Any:
        """All of them, by hand where they were missing; or none, and the rules do not give them again."""
        if self.is_giving:
            return {name: value[name] if value.get(name) in HAD else BY_HAND for name in asked["tags"]}
        return {name: REFUSED for name, how in value.items() if how == REFUSED or name in asked["ruled"]}

    def refuse(self, session: CrmSession, targets: Sequence[Target], asked: Asked) -> Mapping[int, str]:
        """Those whose tags would become too many."""
        if not self.is_giving:
            return {}
        wanted = session.execute(select(Tag.id).where(Tag.name.in_(asked["tags"]))).scalars().all()
        room, full = MAX_TAGS - len(asked["tags"]), dict[int, str]()
        for part in in_parts(target.id for target in targets):
            others = select(CustomerTag.customer_id).where(CustomerTag.customer_id.in_(part), CustomerTag.tag_id.not_in(wanted))
            crowded = others.group_by(CustomerTag.customer_id).having(func.count() > room)
            full |= dict.fromkeys(session.execute(crowded).scalars(), "full")
        return full

    def write(self, session: CrmSession, changes: Changes) -> None:
        """For each way in which tags change, all its customers together; where rules decide again, they do so at once."""
        groups: dict[tuple[frozenset[str], ...], list[int]] = defaultdict(list)
        for id, (before, after) in changes.items():
            given = {name for name, how in after.items() if how == BY_HAND and before.get(name) != BY_HAND}
            taken = {name for name, how in before.items() if how in HAD and after.get(name) not in HAD}
            changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
            freed = {name for name in changed if after.get(name) in (None, BY_RULE)}
            groups[frozenset(given), frozenset(taken), frozenset(freed)].append(id)
        for (given_names, taken_names, freed_names), ids in groups.items():
            for part in in_parts(ids):
                give_tags(session, part, given_names)
                take_tags(session, part, taken_names)
                if ruled := ruled_among(session, freed_names):
                    leave_to_rules(session, part, ruled)
                    apply_rules(session, part)

    def logged(self, session: CrmSession, ids: Collection[int]) -> Mapping[int, str | None]:
        """All tags, as the log keeps those of one customer."""
        return {id: ", ".join(names) for id, names in names_of_tags(session, ids).items()}


@dataclass(frozen=True)
class SegmentAction:
    """Sets the segment, or empties it."""

    label: str = N_("Change segment")
    permission: Permission = Permission.CUSTOMER_EDIT
    field: str = "segment"
    leaves_in: Place = Place.LIBRARY
    notice: str = ""

    def check(self, session: CrmSession, asked: Asked) -> Asked:
        """A choice that is offered now, or none."""
        library, code = get_library(session), asked.get("segment") or None
        if "segment" not in library.fields:
            raise ValidationFailed({"segment": [_("An administrator hid this field. It cannot be changed.")]})
        if code is not None and code not in {entry.code for entry in library.active("segment")}:
            raise ValidationFailed({"segment": [_("This choice is no longer offered. Choose another one.")]})
        return {"segment": code}

    def read(self, session: CrmSession, ids: Collection[int], _asked: Asked) -> Mapping[int, Any]:
        """The segments."""
        found: dict[int, Any] = {}
        for part in in_parts(ids):
            found |= {row.id: row.segment for row in session.execute(select(Customer.id, Customer.segment).where(Customer.id.in_(part)))}
        return found

    def after(self, _value: Any, asked: Asked) -> Any:
        """The one that is asked for."""
        return asked["segment"]

    def refuse(self, session: CrmSession, targets: Sequence[Target], asked: Asked) -> Mapping[int, str]:
        """Those whose nature or type has no segment, does not offer this one, or must have one."""
        library = get_library(session)
        field, why = library.fields["segment"], dict[tuple[str, str], str]()
        for values in combinations():
            offered = {entry.code for entry in library.offered(field, values["stage"])}
            if not field.shown(values) or (asked["segment"] and asked["segment"] not in offered):
                why[values["kind"], values["stage"]] = "unused"
            elif not asked["segment"] and field.is_required(values):
                why[values["kind"], values["stage"]] = "required"
        return {one.id: why[one.kind, one.stage] for one in targets if (one.kind, one.stage) in why}

    def write(self, session: CrmSession, changes: Changes) -> None:
        """One statement for each segment; the version counts up, so that an edit that is open elsewhere sees it."""
        groups: dict[str | None, list[int]] = defaultdict(list)
        for id, (_before, after) in changes.items():
            groups[after].append(id)
        for segment, ids in groups.items():
            for part in in_parts(ids):
                change = {"segment": segment, "version": Customer.version + 1, "updated_at": clock.now()}
                session.execute(
                    update(Customer).where(Customer.id.in_(part)).values(change), execution_options={"synchronize_session": False}
                )
        if any(get_library(session).fields["segment"].is_required(values) for values in combinations()):
            mark_incomplete(session)

    def logged(self, session: CrmSession, ids: Collection[int]) -> Mapping[int, str | None]:
        """The code, as the log keeps it for one customer."""
        return self.read(session, ids, {})


@dataclass(frozen=True)
class ArchiveAction:
    """Moves customers to the archive [004]."""

    label: str = N_("Archive customers")
    permission: Permission = Permission.CUSTOMER_ARCHIVE
    field: str = "place"
    leaves_in: Place = Place.ARCHIVE
    notice: str = "customers_archived"

    def check(self, _session: CrmSession, _asked: Asked) -> Asked:
        """Nothing has to be chosen."""
        return {}

    def read(self, session: CrmSession, ids: Collection[int], _asked: Asked) -> Mapping[int, Any]:
        """Where they lie."""
        found: dict[int, Any] = {}
        for part in in_parts(ids):
            found |= {row.id: row.place for row in session.execute(select(Customer.id, Customer.place).where(Customer.id.in_(part)))}
        return found

    def after(self, _value: Any, _asked: Asked) -> Any:
        """The archive."""
        return Place.ARCHIVE.value

    def refuse(self, _session: CrmSession, _targets: Sequence[Target], _asked: Asked) -> Mapping[int, str]:
        """Whatever lies in the library can be archived."""
        return {}

    def write(self, session: CrmSession, changes: Changes) -> None:
        """One statement for each place."""
        for place in {after for _before, after in changes.values()}:
            for part in in_parts(id for id, (_before, after) in changes.items() if after == place):
                change = {"place": place, "placed_at": clock.now(), "version": Customer.version + 1}
                session.execute(
                    update(Customer).where(Customer.id.in_(part)).values(change), execution_options={"synchronize_session": False}
                )
                if place == Place.LIBRARY:
                    derive(session, part)  # in the archive nothing was derived

    def logged(self, session: CrmSession, ids: Collection[int]) -> Mapping[int, str | None]:
        """The place, as the log keeps it for one customer."""
        return self.read(session, ids, {})


ACTIONS: dict[str, Action] = {
    "tags_add": TagAction(N_("Add tags"), is_giving=True),
    "tags_remove": TagAction(N_("Remove tags"), is_giving=False),
    "segment": SegmentAction(),
    "archive": ArchiveAction(),
}
"""The actions in the order of the menu. A new one is a row here and a row in `ui/bulk_forms.py`, which asks for what it needs."""
