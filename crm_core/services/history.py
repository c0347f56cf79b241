"""Reading the change log of a customer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from crm_core.db import CrmSession
from crm_core.fields import fields_of
from crm_core.models import ChangeLog, Contact, Customer
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.merge_links import merged_into
from crm_core.visibility import View, see_logged

PAGE_SIZE = 100
BESIDE = ("activity", "tags")
"""Fields of the log whose changes leave the version of the customer as it is."""

NEEDS = {"ticket": Permission.TICKET_READ, "contract": Permission.CONTRACT_READ, "participation": Permission.CAMPAIGN_READ}
"""What it takes to read the lines about some records; those of all others are read with the customer."""

Subject = tuple[str, str]
"""A field as the log names it: its table and its name."""


@dataclass(frozen=True)
class ChangePage(Page):
    """One page of the changes of a customer, newest first, and how many there are in all."""

    size = PAGE_SIZE
    rows: list[View]
    total: int
    page: int


@dataclass(frozen=True)
class Spell:
    """How long a field had a value; `since` is nothing where that lies further back than was read, `until` for the present value."""

    value: str | None
    since: datetime | None
    until: datetime | None
    who: str
    reason: str


def list_changes(
    session: CrmSession, actor: Actor, customer_id: int, *, page: int = 1, field: Subject | None = None, action: str = ""
) -> ChangePage:
    """A page of the changes of a customer, the latest on the first one; none outside the actor's scope.

    With `field` only the changes of that one, with `action` only what happened in that way.
    """
    require(actor, Permission.CUSTOMER_READ)
    if session.execute(select(Customer.id).where(Customer.id == customer_id)).first() is None:
        return ChangePage([], 0, 1)
    # Those of the customers that became this one belong to it now, whoever owned them.
    own: list[ColumnElement[bool]] = [ChangeLog.customer_id.in_([customer_id, *merged_into(session, customer_id)]), _readable(actor)]
    own += [ChangeLog.entity == field[0], ChangeLog.field == field[1]] if field else []
    own += [ChangeLog.action == action] if action else []
    count = select(func.count()).select_from(ChangeLog).where(*own)
    total = session.execute(count, execution_options=unscoped).scalar_one()
    page = ChangePage.nearest(page, total)
    statement = ChangePage.cut(select(ChangeLog).where(*own).order_by(ChangeLog.id.desc()), page)
    return ChangePage([_seen(actor, line) for line in session.execute(statement, execution_options=unscoped).scalars()], total, page)


def list_subjects(session: CrmSession, actor: Actor, customer_id: int) -> tuple[list[Subject], list[str]]:
    """What the log of a customer can be narrowed to: the fields that were changed, and the kinds of events."""
    require(actor, Permission.CUSTOMER_READ)
    statement = select(ChangeLog.entity, ChangeLog.field, ChangeLog.action).where(ChangeLog.customer_id == customer_id, _readable(actor))
    rows = session.execute(statement.distinct()).all()
    return sorted({(row.entity, row.field) for row in rows if row.field}), sorted({row.action for row in rows})


def _readable(actor: Actor) -> ColumnElement[bool]:
    return ChangeLog.entity.not_in([entity for entity, permission in NEEDS.items() if not actor.can(permission)])


def values_over_time(session: CrmSession, actor: Actor, customer_id: int, name: str) -> list[Spell]:
    """The values that a field of a customer itself has had, the present one first, with the last `PAGE_SIZE` changes."""
    require(actor, Permission.CUSTOMER_READ)
    own = (ChangeLog.customer_id == customer_id, ChangeLog.entity == Customer.__tablename__, ChangeLog.action == "changed")
    statement = select(ChangeLog).where(*own, ChangeLog.field == name).order_by(ChangeLog.id.desc()).limit(PAGE_SIZE)
    lines = [_seen(actor, line) for line in session.execute(statement).scalars()]
    if not lines:
        return []
    untils = [None, *(line.at for line in lines)]
    spells = [Spell(line.new, line.at, until, line.actor_name, line.reason or "") for line, until in zip(lines, untils, strict=False)]
    first = session.execute(select(Customer.created_at).where(Customer.id == customer_id)).scalar() if len(lines) < PAGE_SIZE else None
    return [*spells, Spell(lines[-1].old, first, lines[-1].at, "", "")]


def last_change(session: CrmSession, actor: Actor, *, entity: str, entity_id: int) -> View | None:
    """The latest line about one record: who saved it last, and when; none outside the actor's scope. What no save can meet is left out."""
    require(actor, Permission.CUSTOMER_READ)
    saved = ChangeLog.field.is_(None) | ChangeLog.field.not_in(BESIDE)
    own = (ChangeLog.entity == entity, ChangeLog.entity_id == str(entity_id), ChangeLog.action == "changed", saved)
    line = session.execute(select(ChangeLog).where(*own).order_by(ChangeLog.id.desc()).limit(1)).scalar_one_or_none()
    return _seen(actor, line) if line else None


def list_record_changes(session: CrmSession, actor: Actor, *, entity: str, entity_id: int) -> list[View]:
    """What was changed in one record, the latest first, with at most `PAGE_SIZE` lines; nothing outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    own = (ChangeLog.entity == entity, ChangeLog.entity_id == str(entity_id), _readable(actor))
    lines = session.execute(select(ChangeLog).where(*own).order_by(ChangeLog.id.desc()).limit(PAGE_SIZE))
    return [_seen(actor, line) for line in lines.scalars()]


def _seen(actor: Actor, line: ChangeLog) -> View:
    model = {mapped.__tablename__: mapped for mapped in (Customer, Contact)}.get(line.entity, Customer)
    field = fields_of(model).get(line.field or "")
    if field is None or not field.sensitive:
        return View(actor, line)
    return View(actor, line, old=see_logged(actor, field.sensitive, line.old), new=see_logged(actor, field.sensitive, line.new))
