"""Lists of customers outside the library, in the recycle bin or the archive: since when, by whom and why they lie there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import ChangeLog, Customer, Place
from crm_core.paging import Page
from crm_core.permissions import SYSTEM
from crm_core.search import only_matching
from crm_core.services.users import user_names


@dataclass(frozen=True)
class LaidAway:
    """One of them, as a list shows it."""

    id: int
    code: str
    name: str
    kind: str
    stage: str
    owner: str
    is_on_hold: bool
    since: datetime
    by: str
    reason: str


@dataclass(frozen=True)
class LaidAwayPage(Page):
    """One page, the latest first."""

    size = 20
    rows: list[LaidAway]
    total: int
    page: int


def list_laid_away(session: CrmSession, place: Place, *, phrase: str = "", page: int = 1) -> LaidAwayPage:
    """A page of what lies somewhere within the actor's scope, and matches the phrase if there is one."""
    there = Customer.place == place
    wanted: Select[*tuple[Any, ...]] = select(
        Customer.id,
        Customer.code,
        Customer.name,
        Customer.kind,
        Customer.stage,
        Customer.owner_id,
        Customer.is_on_hold,
        Customer.placed_at,
        Customer.updated_at,
    ).where(there)
    count: Select[*tuple[Any, ...]] = select(func.count()).select_from(Customer).where(there)
    if phrase.strip():
        wanted, count = only_matching(session, wanted, phrase), only_matching(session, count, phrase)
    total = session.execute(count).scalar_one()
    page = LaidAwayPage.nearest(page, total)
    newest = LaidAwayPage.cut(wanted.order_by(Customer.placed_at.desc(), Customer.id.desc()), page)
    rows = session.execute(newest).all()
    told, names = _told(session, place, [row.id for row in rows]), user_names(session)
    found = [
        LaidAway(
            row.id,
            row.code,
            row.name,
            row.kind,
            row.stage,
            names.get(row.owner_id or 0, ""),
            row.is_on_hold,
            row.placed_at or row.updated_at,
            *told.get(row.id, ("", "")),
        )
        for row in rows
    ]
    return LaidAwayPage(found, total, page)


def _told(session: CrmSession, place: Place, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Who laid them there last, and why, as the change log has it."""
    laid = (ChangeLog.customer_id.in_(ids), ChangeLog.entity == Customer.__tablename__, ChangeLog.field == "place", ChangeLog.new == place)
    lines = session.execute(select(ChangeLog.customer_id, ChangeLog.actor_name, ChangeLog.reason).where(*laid).order_by(ChangeLog.id))
    return {line.customer_id: (_who(line.actor_name), line.reason or "") for line in lines if line.customer_id}


def _who(name: str) -> str:
    return _("the system") if name == SYSTEM.name else name
