"""Two entries of one list that are one: everything that refers to the first gets the second, however many records there are."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, update

from crm_core import audit
from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.fields import SEVERAL, fields_of
from crm_core.i18n import _
from crm_core.models import Attachment, Campaign, Customer, Opportunity, Preset, Ticket
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services import preset_mentions
from crm_core.services.attachments import IDENTITY_CARD

_OTHERS: dict[str, tuple[str, Any]] = {
    "attachment_type": ("files", Attachment.type),
    "ticket_category": ("tickets", Ticket.category),
    "ticket_source": ("tickets", Ticket.source),
    "campaign_channel": ("campaigns", Campaign.channel),
    "loss_reason": ("opportunities", Opportunity.loss_reason),
}
"""The columns of other records that hold an entry, by its list, and how those records are called in `Uses`."""
EVERY_ROW = unscoped | {"synchronize_session": False}


@dataclass(frozen=True)
class Uses:
    """How many records refer to an entry."""

    customers: int
    files: int = 0
    tickets: int = 0
    opportunities: int = 0
    campaigns: int = 0


def count_uses(session: CrmSession, actor: Actor, code: str) -> Uses:
    """What a merge of this entry into another one would change. Raises `NotAllowed`, `NotFound`."""
    require(actor, Permission.LIBRARY_EDIT)
    category = _entry(session, code).category
    columns = [cast(column, Text).contains(f'"{code}"', autoescape=True) for column in _lists(category)]
    columns += [column == code for column in _columns(category)]
    customers = _count(session, select(func.count()).select_from(Customer).where(or_(*columns))) if columns else 0
    if category not in _OTHERS:
        return Uses(customers)
    kind, other = _OTHERS[category]
    return Uses(customers, **{kind: _count(session, select(func.count()).select_from(other.class_).where(other == code))})


def merge_presets(session: CrmSession, actor: Actor, code: str, into: str) -> Uses:
    """Merge an entry into another one of its list, which must still be offered; returns what was changed.

    The merged one stays for the change log, is no longer offered, and its name means the other one from now on. Every changed
    record has its line in the change log. Raises `NotAllowed`, `NotFound`, `ValidationFailed`.
    """
    require(actor, Permission.LIBRARY_EDIT)
    # Locked in one order, so that of two who merge the same entries into each other the second sees what the first did.
    both = select(Preset).where(Preset.code.in_((code, into))).order_by(Preset.code).with_for_update()
    session.execute(both, execution_options={"populate_existing": True}).scalars().all()
    merged, kept = _entry(session, code), session.get(Preset, into)
    if code == IDENTITY_CARD:
        raise ValidationFailed({"into": [_("Copies of identity cards are kept under stricter rules, so this entry cannot be merged.")]})
    if kept is None or kept is merged or kept.category != merged.category or not kept.is_active:
        raise ValidationFailed({"into": [_("Choose another entry of the same list that is still offered.")]})
    changed: set[int] = set()
    for column in _columns(merged.category):
        changed |= _replace(session, column, column == code, old=code, new=into)
    for column in _lists(merged.category):
        changed |= _replace_in_lists(session, column, code, into)
    others = {}
    if merged.category in _OTHERS:
        kind, other = _OTHERS[merged.category]
        others[kind] = _replace_other(session, other, code, into)
    preset_mentions.replace(session, merged.category, code, into)
    session.execute(update(Preset).where(Preset.merged_into == code).values(merged_into=into), execution_options=EVERY_ROW)
    merged.is_active, merged.merged_into = False, into
    session.flush()
    bump(session, "library")
    bump(session, "customers")
    return Uses(len(changed), **others)


def _entry(session: CrmSession, code: str) -> Preset:
    entry = session.get(Preset, code)
    if entry is None or entry.merged_into:
        raise NotFound
    return entry


def _columns(category: str) -> Iterable[Any]:
    """The columns of customers that hold one entry of a list."""
    return [getattr(Customer, name) for name, one in fields_of(Customer).items() if one.preset == category and one.widget not in SEVERAL]


def _lists(category: str) -> Iterable[Any]:
    """The columns of customers that hold several."""
    return [getattr(Customer, name) for name, one in fields_of(Customer).items() if one.preset == category and one.widget in SEVERAL]


def _count(session: CrmSession, statement: Any) -> int:
    total: int = session.execute(statement, execution_options=unscoped).scalar_one()
    return total


def _replace(session: CrmSession, column: Any, condition: ColumnElement[bool], *, old: Any, new: Any) -> set[int]:
    values = {column.key: new, "version": Customer.version + 1}
    statement = update(Customer).where(condition).values(values).returning(Customer.id, Customer.name)
    rows = [(row.id, row.name) for row in session.execute(statement, execution_options=EVERY_ROW)]
    texts = [audit.as_logged(value) for value in (old, new)]
    audit.record_customer_changes(session, rows, field=column.key, old=texts[0], new=texts[1])
    return {id for id, _name in rows}


def _replace_in_lists(session: CrmSession, column: Any, code: str, into: str) -> set[int]:
    """The lists in use are few, the customers many: one statement for each different list."""
    text = cast(column, Text)
    statement = select(text).where(text.contains(f'"{code}"', autoescape=True)).distinct()
    changed: set[int] = set()
    for stored in session.execute(statement, execution_options=unscoped).scalars().all():
        before = json.loads(stored)
        after = list(dict.fromkeys(into if one == code else one for one in before))
        changed |= _replace(session, column, text == stored, old=before, new=after)
    return changed


def _replace_other(session: CrmSession, column: Any, code: str, into: str) -> int:
    """The same for rows that hang on customers."""
    model = column.class_
    named = model.filename if model is Attachment else model.name
    statement = update(model).where(column == code).values({column: into})
    lines = [
        audit.line_for(
            session,
            "changed",
            entity=model.__tablename__,
            entity_id=row.id,
            customer_id=row.customer_id,
            subject=row.subject,
            field=column.key,
            old=code,
            new=into,
        )
        for row in session.execute(statement.returning(model.id, model.customer_id, named.label("subject")), execution_options=EVERY_ROW)
    ]
    audit.add_lines(session, lines)
    return len(lines)
