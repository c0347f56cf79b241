"""The change log is written in the same flush as the change, from SQLAlchemy's attribute history.

Models with `audited = True` are watched. Sensitive values are logged masked, and what happened besides changes of
fields (a look at a sensitive value, an import) is added with `record`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table, event, insert, inspect
from sqlalchemy.orm import UOWTransaction

from crm_core import clock, seals
from crm_core.db import CrmSession
from crm_core.fields import fields_of
from crm_core.masking import mask
from crm_core.models import ACTIONS, Base, ChangeLog, Customer
from crm_core.permissions import SYSTEM, Actor

UNLOGGED = frozenset(
    {
        "id",
        "version",
        "created_at",
        "updated_at",
        "created_by_id",
        "name_key",
        "identity_hash",
        "phone_key",
        "email_key",
        "intake_key",
        "password_hash",
        "password_changed_at",
        "totp_secret",
        "totp_confirmed_at",
        "totp_last_step",
        "avatar",
        "channels",
        "last_sign_in_at",
        "draft_id",
        "placed_at",
        "owned_since",
        "pooled_at",
        "pool_warned_on",
        "last_contact_at",
        "followed_up_at",
        "entered_first_on",
        "entered_last_on",
        "entered_amount",
        "voided_by_id",
        "end_told_on",
        "remind_at",
        "overdue_told_at",
        "due_told_at",
        "served_at",
        "waiting_since",
        "resolved_at",
        "reopened",
        "contact_id",
        "series_id",
        "occurs_on",
        "undone_at",
        "reacted_at",
        "reacted_on",
        "is_self_checked",
        "link",
        "link_hash",
        "ended_at",
        "ended_by_id",
        "started_at",
        "started_by_id",
        "digest",
    }
)

_LINES = cast(Table, ChangeLog.__table__)
_ADDED = insert(_LINES).returning(_LINES.c.id)
_SUBJECTS = ("name", "filename", "text", "number")
"""What a record is called by, whichever it has."""


EXTRA = "extra"
"""The column of custom fields: each of its values is logged under the field's own key."""


def record(
    session: CrmSession,
    action: str,
    record: Base,
    *,
    field: str | None = None,
    new: str | None = None,
    reason: str | None = None,
    actor: Actor | None = None,
) -> None:
    """Add a line about something that happened to a record, or with a field of it, without changing it.

    `actor` is for what happens before there is a session: a sign-in is its owner's.
    """
    add_lines(session, [_line(session, record, action, field=field, new=new, reason=reason, actor=actor)])


def record_event(
    session: CrmSession, action: str, entity: str, *, new: str | None = None, reason: str | None = None, actor: Actor | None = None
) -> None:
    """Add a line about something that is no single record's, such as an export."""
    add_lines(
        session,
        [line_for(session, action, entity=entity, entity_id="", customer_id=None, subject="", new=new, reason=reason, actor=actor)],
    )


def record_change(session: CrmSession, record: Base, *, field: str, old: str, new: str) -> None:
    """Add a line about a change that is not one of a column, such as a customer's tags."""
    add_lines(session, [_line(session, record, "changed", field=field, old=old, new=new)])


def record_customer_changes(
    session: CrmSession, rows: Iterable[tuple[int, str]], *, field: str, old: str | None, new: str | None, actor: Actor | None = None
) -> None:
    """Add a line for each (id, name) of customers whose field one statement changed."""
    what: dict[str, Any] = {"entity": Customer.__tablename__, "field": field, "old": old, "new": new, "actor": actor}
    lines = [line_for(session, "changed", entity_id=id, customer_id=id, subject=name, **what) for id, name in rows]
    add_lines(session, lines)


def line_for(
    session: CrmSession,
    action: str,
    *,
    entity: str,
    entity_id: object,
    customer_id: int | None,
    subject: str,
    field: str | None = None,
    old: str | None = None,
    new: str | None = None,
    reason: str | None = None,
    actor: Actor | None = None,
) -> dict[str, Any]:
    """A change log row as a dictionary, for bulk writers that bypass the unit of work. An action outside of `ACTIONS` is a mistake."""
    if action not in ACTIONS:
        raise ValueError(f"{action} is missing in ACTIONS")
    actor = actor or session.info.get("actor") or SYSTEM
    return {
        "at": clock.now(),
        "actor_id": actor.id,
        "actor_name": actor.name,
        "address": actor.address or None,
        "action": action,
        "entity": entity,
        "entity_id": str(entity_id),
        "customer_id": customer_id,
        "subject": subject[:200],
        "field": field,
        "old": old,
        "new": new,
        "reason": (reason or session.info.get("reason") or None),
        "feedback": session.info.get("feedback"),
    }


def add_lines(session: CrmSession, lines: Sequence[dict[str, Any]]) -> None:
    """Add rows that `line_for` made; they are sealed at the end of the transaction."""
    # Into the table: rows for the model would be grouped by which of their values are missing, a statement for each group.
    if lines:
        seals.expect(session, session.execute(_ADDED, lines).scalars())


def _line(session: CrmSession, record: Any, action: str, **what: Any) -> dict[str, Any]:
    customer_id = record.id if isinstance(record, Customer) else getattr(record, "customer_id", None)
    subject = next((text for name in _SUBJECTS if (text := getattr(record, name, None))), "")
    state = inspect(record)
    key = state.identity or state.mapper.primary_key_from_instance(record)
    return line_for(session, action, entity=record.__tablename__, entity_id=key[0], customer_id=customer_id, subject=subject, **what)


def _changes(record: Any) -> Iterator[tuple[str, Any, Any]]:
    state = inspect(record)
    for attribute in state.mapper.column_attrs:
        if attribute.key in UNLOGGED:
            continue
        history = state.attrs[attribute.key].history
        if not history.has_changes():
            continue
        old = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if attribute.key == EXTRA:
            yield from _changes_of_extra(old or {}, new or {})
        elif old != new:
            yield attribute.key, old, new


def _changes_of_extra(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """A custom field is logged as a field of its own."""
    for name in sorted({*old, *new}):
        before, after = old.get(name) or None, new.get(name) or None
        if before != after:
            yield name, before, after


def _shown(record: Base, field: str, value: Any) -> str | None:
    if value is None:
        return None
    declared = fields_of(type(record)).get(field)
    if declared and declared.sensitive:
        return mask(declared.sensitive, str(value))
    return as_logged(value)


def as_logged(value: Any) -> str:
    """A value as the log keeps it."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)


def _write_lines(session: CrmSession, _context: UOWTransaction) -> None:
    lines = [_line(session, record, "created") for record in session.new if getattr(record, "audited", False)]
    for record in session.dirty:
        if getattr(record, "audited", False):
            lines += [
                _line(session, record, "changed", field=field, old=_shown(record, field, old), new=_shown(record, field, new))
                for field, old, new in _changes(record)
            ]
    lines += [_line(session, record, "deleted") for record in session.deleted if getattr(record, "audited", False)]
    add_lines(session, lines)


event.listen(CrmSession, "after_flush", _write_lines)
