"""What a merge does with every row that points to a customer, noted so that it can be undone exactly."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, inspect, or_, select, update
from sqlalchemy.orm import InstanceState
from sqlalchemy.types import TypeDecorator

from crm_core.db import CrmSession, insert_unless_there
from crm_core.errors import IllegalTransition
from crm_core.fields import Field, fields_of
from crm_core.i18n import N_, _, join_words
from crm_core.models import Base, Contact, Customer, CustomerTag, TagRefusal
from crm_core.services.cooperation import COOPERATION, ENTERED, agreed_with, enter
from crm_core.services.library import get_library


class Way(StrEnum):
    """What becomes of the rows of the customer that is merged away."""

    MOVE = "move"
    """They belong to the kept customer from now on."""
    UNITE = "unite"
    """Those that the kept customer lacks move; the others stay where they are. See `merges`."""
    STAY = "stay"
    """They tell of the record itself, or are read for both."""


WAYS: dict[str, Way] = {
    "attachment.customer_id": Way.MOVE,
    "change_log.customer_id": Way.STAY,  # never altered; the kept customer's page shows both
    "churn_plan.customer_id": Way.MOVE,
    "churn_score.customer_id": Way.STAY,  # of the record as it was; the kept one gets a score of its own
    "contact.customer_id": Way.UNITE,
    "contract.customer_id": Way.MOVE,
    "customer_tag.customer_id": Way.UNITE,
    "follow_up.customer_id": Way.MOVE,
    "follow_up_draft.customer_id": Way.MOVE,
    "duplicate_pair.first_id": Way.STAY,  # listed only while both are in the library
    "duplicate_pair.second_id": Way.STAY,
    "edit_draft.customer_id": Way.STAY,  # of the record as it was shown
    "merge.customer_id": Way.STAY,  # merges are followed one by one
    "merge.merged_id": Way.STAY,
    "notice.customer_id": Way.STAY,  # what was said about it was said about it
    "opportunity.customer_id": Way.MOVE,
    "owner_change.customer_id": Way.STAY,  # two histories in one would be a history that nobody had
    "participation.customer_id": Way.MOVE,  # whoever took part for both is counted once
    "review.customer_id": Way.STAY,  # of the entry as it was made; the kept customer's page shows the steps of both
    "stage_change.customer_id": Way.STAY,
    "tag_refusal.customer_id": Way.UNITE,
    "task.customer_id": Way.MOVE,
    "ticket.customer_id": Way.MOVE,
}
"""Every column that points to a customer. A new one needs a row here; a test says so."""

NAMED = {
    "attachment": N_("Attachment"),
    "churn_plan": N_("Win-back plan"),
    "contact": N_("Contact"),
    "contract": N_("Contract"),
    "follow_up": N_("Follow-up"),
    "opportunity": N_("Opportunity"),
    "participation": N_("Participation"),
    "task": N_("Task"),
    "ticket": N_("Ticket"),
}
TIER = ("tier", "tier_by_hand", "tier_reason", "tier_until")
"""Noted together: beside people the rules change them, and setting the first clears the others."""
UNNOTED = frozenset(
    {"id", "version", "updated_at", "is_incomplete", "name_key", "identity_hash", "phone_key", "email_key", *TIER, *COOPERATION}
)
"""Columns of edited records that follow from others, or that say that something was changed: an undo is a change, too."""
GOING_ON = frozenset({"last_contact_at", "followed_up_at", "owned_since", "pooled_at", "pool_warned_on"})
"""Columns that tell of what happened; what they tell of since stays."""
EXTRA = "extra."
"""Before the key of a custom field."""
TAGGING: dict[str, type[Base]] = {"customer_tag": CustomerTag, "tag_refusal": TagRefusal}


def references() -> list[str]:
    """Every column of the database that names a customer."""
    return sorted(
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name == "customer_id" or any(key.column.table.name == "customer" for key in column.foreign_keys)
    )


class Journal:
    """What a merge changes, row by row, as JSON that `Merge.before` keeps."""

    def __init__(self, session: CrmSession) -> None:
        self.session = session
        self.moved: list[dict[str, Any]] = []
        self.edited: list[dict[str, Any]] = []
        self.added: list[dict[str, Any]] = []
        self.removed: list[dict[str, Any]] = []
        self.tier: dict[str, Any] = {}
        self.work: dict[str, Any] = {"work": {}, "holder": 0, "to": 0}

    @property
    def content(self) -> dict[str, Any]:
        """All of it."""
        return {name: getattr(self, name) for name in ("moved", "edited", "added", "removed", "tier", "work")}

    def move(self, reference: str, merged_id: int, kept_id: int) -> int:
        """Give the rows under one reference to the kept customer; returns how many they were."""
        table, moving = rows_under(reference, merged_id)
        keys = [row.id for row in self.session.execute(select(table.c.id).where(*moving).order_by(table.c.id))]
        for key in keys:
            self.move_row(table, key, {reference.partition(".")[2]: kept_id})
        return len(keys)

    def move_row(self, table: Table, key: int, changes: dict[str, Any]) -> None:
        """Give one row to the kept customer, with what else changes in it."""
        present = self.session.execute(select(table).where(table.c.id == key)).mappings().one()
        was = {name: present[name] for name in changes}
        write_row(self.session, table, key, changes)
        self.moved.append({"table": table.name, "key": key, "was": was, "is": changes})

    def note_edit(self, record: Customer | Contact) -> None:
        """Note the changes of a record that are about to be flushed."""
        state: InstanceState[Any] = inspect(record)
        was: dict[str, Any] = {}
        now: dict[str, Any] = {}
        for attribute in state.attrs:
            if attribute.key not in UNNOTED and attribute.history.has_changes():
                old = attribute.history.deleted[0] if attribute.history.deleted else None
                was |= _parts(attribute.key, old)
                now |= _parts(attribute.key, getattr(record, attribute.key))
        changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
        if changed:
            values = ({name: some.get(name) for name in changed} for some in (was, now))
            self.edited.append({"table": record.__tablename__, "key": record.id, **dict(zip(("was", "is"), values, strict=True))})

    def note_added(self, record: Base) -> None:
        """Note a row that the merge makes."""
        self.session.flush()
        identity = {column.name: getattr(record, column.name) for column in record.__table__.primary_key}
        self.added.append({"table": record.__tablename__, "key": identity})

    def remove(self, record: CustomerTag | TagRefusal) -> None:
        """Take a row away that an undo brings back."""
        row = {column.name: getattr(record, column.name) for column in record.__table__.columns}
        self.removed.append({"table": record.__tablename__, "row": row})
        self.session.delete(record)
        self.session.flush()


def write_row(session: CrmSession, table: Table, key: int, values: Mapping[str, Any]) -> None:
    """Change a row without a trace in it: whose it is says nothing of its own time and version."""
    kept = {"updated_at": table.c.updated_at} if "updated_at" in table.c else {}
    session.execute(update(table).where(table.c.id == key).values(**values, **kept))


def undo(session: CrmSession, content: Mapping[str, Any], kept: Customer) -> None:
    """Put everything back as it was before. Raises `IllegalTransition`, naming what was changed since, and changes nothing then.

    Row by row: what the merge moved has to be where the merge put it (it goes back with what was changed in it meanwhile);
    what the merge changed in a field has to be as the merge left it; other fields may have changed, and keep that. What the
    merge added goes, if it is still there. What was added to the kept customer since stays with it. A tier that the rules gave since
    stands in nobody's way: they give it anew.
    """
    held_since = kept.tier_by_hand and tier_of(kept) != content["tier"]["is"]
    found = [*_moved_on(session, content["moved"]), *_edited_since(session, content["edited"])]
    if found := [*found, *([fields_of(Customer)["tier"].title] if held_since else [])]:
        raise IllegalTransition(
            _("These were changed or removed since the merge: {what}. Taking the customers apart would lose that.").format(
                what=join_words(dict.fromkeys(found))
            )
        )
    for entry in content["moved"]:
        write_row(session, Base.metadata.tables[entry["table"]], entry["key"], entry["was"])
    for entry in content["added"]:
        table = Base.metadata.tables[entry["table"]]
        session.execute(delete(table).where(*(table.c[name] == value for name, value in entry["key"].items())))
    for entry in content["removed"]:
        insert_unless_there(session, TAGGING[entry["table"]], **entry["row"])
    session.expire_all()
    for entry in content["edited"]:
        record = _record(session, entry)
        for name, value in entry["was"].items():
            if name not in GOING_ON or not _differs(record, name, entry["is"][name]):
                _put_back(record, name, value)
        _settle(session, record, entry["was"])
    for name, value in zip(TIER, content["tier"]["was"], strict=True):
        setattr(kept, name, unpack(kept, name, value))
    session.flush()


def _settle(session: CrmSession, record: Base, was: Mapping[str, Any]) -> None:
    """The figures follow from what was entered and the contracts. Merges of earlier versions noted the figures themselves."""
    if isinstance(record, Customer):
        enter(record, agreed_with(session, [record.id]).get(record.id), was.keys() & set(COOPERATION))


def tier_of(customer: Customer) -> list[Any]:
    """The tier of a customer with all that belongs to it, as JSON keeps it."""
    return [pack(getattr(customer, name)) for name in TIER]


def _parts(name: str, value: Any) -> dict[str, Any]:
    """A column's value by the names under which it is noted: each custom field has its own."""
    return {EXTRA + key: one for key, one in (value or {}).items()} if name + "." == EXTRA else {name: pack(value)}


def _differs(record: Any, name: str, value: Any) -> bool:
    if name.startswith(EXTRA):
        return bool(record.extra.get(name.removeprefix(EXTRA)) != value)
    return bool(getattr(record, name) != unpack(record, name, value))


def _put_back(record: Any, name: str, value: Any) -> None:
    if name.startswith(EXTRA):
        own = {EXTRA + key: one for key, one in record.extra.items()} | {name: value}
        record.extra = {key.removeprefix(EXTRA): one for key, one in own.items() if one is not None}
    else:
        setattr(record, name, unpack(record, name, value))


def _moved_on(session: CrmSession, moved: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for entry in moved:
        table = Base.metadata.tables[entry["table"]]
        there = [table.c[name] == value for name, value in entry["is"].items() if name.endswith("_id")]
        if session.execute(select(table.c.id).where(table.c.id == entry["key"], *there)).first() is None:
            found.append(_called(entry))
    return found


def _edited_since(session: CrmSession, edited: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for entry in edited:
        record = _record(session, entry)
        if record is None:
            found.append(_called(entry))
            continue
        model: type = type(record)
        titles = {**get_library(session).known_fields, **fields_of(model)}
        titles |= {column: titles[name] for name, column in ENTERED.items() if name in titles}
        for name, value in entry["is"].items():
            if name not in GOING_ON and _differs(record, name, value):
                found.append(_title(titles.get(name.removeprefix(EXTRA)), name))
    return found


def _title(field: Field | None, column: str) -> str:
    return field.title if field else _("Owner") if column == "owner_id" else _("Customer")


def _called(entry: Mapping[str, Any]) -> str:
    name = NAMED[entry["table"]]
    return _(name)


def _record(session: CrmSession, entry: Mapping[str, Any]) -> Any:
    model: Any = {"customer": Customer, "contact": Contact}[entry["table"]]
    return session.execute(select(model).where(model.id == entry["key"])).scalar_one_or_none()


def share_tags(session: CrmSession, journal: Journal, merged_id: int, kept_id: int) -> None:
    """Give the kept customer the tags that people set on the merged one; the merged one keeps its own rows.

    Tags by rule follow from what the kept one has now. What was refused on either stays refused, unless the kept one has the tag.
    """
    own, theirs = (_tagging(session, CustomerTag, one) for one in (kept_id, merged_id))
    refused, refused_there = (_tagging(session, TagRefusal, one) for one in (kept_id, merged_id))
    for tag_id in (tag_id for tag_id, row in theirs.items() if row.by_hand and not (tag_id in own and own[tag_id].by_hand)):
        for row in (own.get(tag_id), refused.get(tag_id)):
            if row is not None:
                journal.remove(row)
        own[tag_id] = _add(session, journal, CustomerTag(customer_id=kept_id, tag_id=tag_id))
    for tag_id in refused_there.keys() - refused.keys() - own.keys():
        _add(session, journal, TagRefusal(customer_id=kept_id, tag_id=tag_id))


def _tagging(session: CrmSession, model: Any, customer_id: int) -> dict[int, Any]:
    rows = session.execute(select(model).where(model.customer_id == customer_id)).scalars()
    return {row.tag_id: row for row in rows}


def _add(session: CrmSession, journal: Journal, record: Base) -> Base:
    session.add(record)
    journal.note_added(record)
    return record


def rows_under(reference: str, merged_id: int) -> tuple[Table, list[ColumnElement[bool]]]:
    """The table of a reference, and which of its rows move. An open verification asks to check the record that goes."""
    name, _dot, column = reference.partition(".")
    table = Base.metadata.tables[name]
    moving: list[ColumnElement[bool]] = [table.c[column] == merged_id]
    return table, [*moving, or_(table.c.kind != "verification", table.c.done_at.is_not(None))] if name == "task" else moving


def pack(value: Any) -> Any:
    """A value of a column as JSON can keep it."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def unpack(record: Base, name: str, value: Any) -> Any:
    """The value again."""
    stored = record.__table__.c[name].type
    kind = (stored.impl_instance if isinstance(stored, TypeDecorator) else stored).python_type
    if value is None or kind not in (date, datetime, Decimal):
        return value
    return Decimal(value) if kind is Decimal else kind.fromisoformat(value)
