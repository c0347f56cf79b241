"""What a merge does with every row that points to a customer, noted so that it can be undone exactly."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Table, delete, inspect, select, update
from sqlalchemy.orm import InstanceState
from sqlalchemy.types import TypeDecorator

from crm_core.db import CrmSession
from crm_core.errors import IllegalTransition
from crm_core.fields import Field, fields_of
from crm_core.i18n import N_, _, join_words
from crm_core.models import Base, Contact, Customer, CustomerTag


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
    "contact.customer_id": Way.UNITE,
    "contract.customer_id": Way.MOVE,
    "customer_tag.customer_id": Way.UNITE,
    "duplicate_pair.first_id": Way.STAY,  # listed only while both are in the library
    "duplicate_pair.second_id": Way.STAY,
    "merge.customer_id": Way.STAY,  # merges are followed one by one
    "merge.merged_id": Way.STAY,
    "notice.customer_id": Way.STAY,  # what was said about it was said about it
    "owner_change.customer_id": Way.STAY,  # two histories in one would be a history that nobody had
    "review.customer_id": Way.MOVE,
    "stage_change.customer_id": Way.STAY,
    "task.customer_id": Way.MOVE,
}
"""Every column that points to a customer. A new one needs a row here; a test says so."""

NAMED = {
    "attachment": N_("Attachment"),
    "contact": N_("Contact"),
    "contract": N_("Contract"),
    "review": N_("Review"),
    "task": N_("Task"),
}
UNNOTED = frozenset({"id", "version", "updated_at", "is_incomplete", "name_key", "identity_hash", "phone_key", "email_key"})
"""Columns of edited records that follow from others, or that say that something was changed: an undo is a change, too."""


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

    @property
    def content(self) -> dict[str, Any]:
        """All of it."""
        return {"moved": self.moved, "edited": self.edited, "added": self.added}

    def move(self, reference: str, merged_id: int, kept_id: int) -> int:
        """Give the rows under one reference to the kept customer; returns how many they were."""
        table, column = _reference(reference)
        keys = [row.id for row in self.session.execute(select(table.c.id).where(column == merged_id).order_by(table.c.id))]
        for key in keys:
            self.move_row(table, key, {column.name: kept_id})
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
        changed = {
            attribute.key: attribute.history.deleted[0] if attribute.history.deleted else None
            for attribute in state.attrs
            if attribute.key not in UNNOTED and attribute.history.has_changes()
        }
        was = {name: pack(value) for name, value in changed.items() if value != getattr(record, name)}
        if was:
            now = {name: pack(getattr(record, name)) for name in was}
            self.edited.append({"table": record.__tablename__, "key": record.id, "was": was, "is": now})

    def note_added(self, record: Base) -> None:
        """Note a row that the merge makes."""
        self.session.flush()
        identity = {column.name: getattr(record, column.name) for column in record.__table__.primary_key}
        self.added.append({"table": record.__tablename__, "key": identity})


def write_row(session: CrmSession, table: Table, key: int, values: Mapping[str, Any]) -> None:
    """Change a row without a trace in it: whose it is says nothing of its own time and version."""
    kept = {"updated_at": table.c.updated_at} if "updated_at" in table.c else {}
    session.execute(update(table).where(table.c.id == key).values(**values, **kept))


def undo(session: CrmSession, content: Mapping[str, Any]) -> None:
    """Put everything back as it was before. Raises `IllegalTransition`, naming what was changed since, and changes nothing then.

    Row by row: what the merge moved has to be where the merge put it (it goes back with what was changed in it meanwhile);
    what the merge changed in a field has to be as the merge left it; other fields may have changed, and keep that. What the
    merge added goes, if it is still there. What was added to the kept customer since stays with it.
    """
    if found := [*_moved_on(session, content["moved"]), *_edited_since(session, content["edited"])]:
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
    session.expire_all()
    for entry in content["edited"]:
        record = _record(session, entry)
        for name, value in entry["was"].items():
            setattr(record, name, unpack(record, name, value))
    session.flush()


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
        fields: Mapping[str, Field] = fields_of(model)
        for name, value in entry["is"].items():
            if getattr(record, name) != unpack(record, name, value):
                found.append(fields[name].title if name in fields else _("Customer"))
    return found


def _called(entry: Mapping[str, Any]) -> str:
    name = NAMED[entry["table"]]
    return _(name)


def _record(session: CrmSession, entry: Mapping[str, Any]) -> Any:
    model: Any = {"customer": Customer, "contact": Contact}[entry["table"]]
    return session.execute(select(model).where(model.id == entry["key"])).scalar_one_or_none()


def share_tags(session: CrmSession, journal: Journal, merged_id: int, kept_id: int) -> None:
    """Give the kept customer the tags that it lacks; the merged one keeps its own rows."""
    own = set(session.execute(select(CustomerTag.tag_id).where(CustomerTag.customer_id == kept_id)).scalars())
    for row in session.execute(select(CustomerTag).where(CustomerTag.customer_id == merged_id)).scalars().all():
        if row.tag_id not in own:
            copy = CustomerTag(customer_id=kept_id, tag_id=row.tag_id, by_hand=row.by_hand, rule_id=row.rule_id)
            session.add(copy)
            journal.note_added(copy)


def _reference(reference: str) -> tuple[Table, Column[Any]]:
    name, _dot, column = reference.partition(".")
    table = Base.metadata.tables[name]
    return table, table.c[column]


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
