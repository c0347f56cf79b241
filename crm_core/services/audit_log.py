"""The audit log as it is searched: who, which customer, what, when; a page of it, or all of it as a workbook."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from sqlalchemy import ColumnElement, Row, Select, func, select

from crm_core import audit, clock
from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.i18n import _, format_time, in_language
from crm_core.models import ChangeLog, Customer
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.search import only_matching
from crm_core.services.imports.failed_rows import safe_cell
from crm_core.services.log_words import LogWords
from crm_core.validation import clean_text

COUNT_LIMIT = 5000
"""Counting stops here, and so do the pages: what lies further back is reached by a period."""
EXPORT_LIMIT = 100_000
MAX_CUSTOMERS = 200
"""A customer's name may fit so many customers; a shorter word finds no more."""
SYSTEM_ITSELF = 0
"""The person that stands for the system itself, and for whoever was not signed in."""

_COLUMNS = (
    ChangeLog.id,
    ChangeLog.at,
    ChangeLog.actor_id,
    ChangeLog.actor_name,
    ChangeLog.address,
    ChangeLog.action,
    ChangeLog.entity,
    ChangeLog.customer_id,
    ChangeLog.subject,
    ChangeLog.field,
    ChangeLog.old,
    ChangeLog.new,
    ChangeLog.reason,
)

Line = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class LogQuery:
    """What is asked of the log."""

    person: int | None = None
    customer: str = ""
    action: str = ""
    entity: str = ""
    since: date | None = None
    until: date | None = None
    page: int = 1


@dataclass(frozen=True)
class LogPage(Page):
    """One page of lines, newest first. `total` is exact unless `is_capped`: then there are more."""

    rows: list[Line]
    customers: dict[int, tuple[str, str]]
    """Code and name of the customers on it, by id."""
    total: int
    is_capped: bool
    page: int


def list_lines(session: CrmSession, actor: Actor, query: LogQuery) -> LogPage:
    """A page of the log. The row scope holds: without the scope "all" only lines of customers within it are seen."""
    require(actor, Permission.AUDIT_READ)
    conditions = _conditions(session, query)
    found = _count(session, conditions, COUNT_LIMIT)
    total = min(found, COUNT_LIMIT)
    page = LogPage.nearest(query.page, total)
    statement = LogPage.cut(_ordered(select(*_COLUMNS).where(*conditions)), page)
    rows = list(session.execute(statement))
    return LogPage(rows, _customers(session, rows), total, found > COUNT_LIMIT, page)


def check_export(session: CrmSession, actor: Actor, query: LogQuery, *, reason: str) -> int:
    """How many lines an export would have. Raises `NotAllowed`; `ValidationFailed` without a reason or for too many lines."""
    require(actor, Permission.AUDIT_READ)
    require(actor, Permission.CUSTOMER_EXPORT)
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say what the file is for.")]})
    count = _count(session, _conditions(session, query), EXPORT_LIMIT)
    if count > EXPORT_LIMIT:
        sentence = _("More than {limit} lines match, too many for one file. Choose a shorter period or a further filter.")
        raise ValidationFailed({"query": [sentence.format(limit=f"{EXPORT_LIMIT:,}")]})
    return count


def export_lines(actor: Actor, query: LogQuery, *, reason: str) -> bytes:
    """The lines as an xlsx file; the export is logged with its count, filters and reason. Opens its own transactions.

    Raises as `check_export`. Values are as the log keeps them: sensitive ones masked.
    """
    with in_language(actor.language):
        with reading(actor) as session:
            count = check_export(session, actor, query, reason=reason)
            content = _workbook(session, actor, query, reason=clean_text(reason))
        with transaction(actor, reason=clean_text(reason)[:300]) as session:
            audit.record_event(session, "exported", ChangeLog.__tablename__, new=_told(count, query))
    return content


def _told(count: int, query: LogQuery) -> str:
    filters = {name: str(value) for name, value in vars(query).items() if name != "page" and value not in (None, "")}
    return json.dumps({"lines": count, **filters}, ensure_ascii=False)


def _count(session: CrmSession, conditions: list[ColumnElement[bool]], limit: int) -> int:
    some = select(ChangeLog.id).where(*conditions).limit(limit + 1).subquery()
    total: int = session.execute(select(func.count()).select_from(some)).scalar_one()
    return total


def _ordered(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return statement.order_by(ChangeLog.at.desc(), ChangeLog.id.desc())


def _conditions(session: CrmSession, query: LogQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.person is not None:
        conditions.append(ChangeLog.actor_id.is_(None) if query.person == SYSTEM_ITSELF else ChangeLog.actor_id == query.person)
    if query.customer.strip():
        conditions.append(ChangeLog.customer_id.in_(_matching(session, query.customer)))
    conditions += [getattr(ChangeLog, name) == value for name in ("action", "entity") if (value := getattr(query, name))]
    if query.since:
        conditions.append(ChangeLog.at >= clock.start_of_day(query.since))
    if query.until:
        conditions.append(ChangeLog.at < clock.start_of_day(query.until + timedelta(days=1)))
    return conditions


def _matching(session: CrmSession, phrase: str) -> list[int]:
    # Customers in the recycle bin too: they are what one looks for here.
    statement = only_matching(session, select(Customer.id), phrase).order_by(Customer.id.desc()).limit(MAX_CUSTOMERS)
    return list(session.execute(statement).scalars())


def _customers(session: CrmSession, rows: list[Line]) -> dict[int, tuple[str, str]]:
    ids = {row.customer_id for row in rows if row.customer_id}
    found = session.execute(select(Customer.id, Customer.code, Customer.name).where(Customer.id.in_(ids)))
    return {row.id: (row.code, row.name) for row in found}


def _workbook(session: CrmSession, actor: Actor, query: LogQuery, *, reason: str) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(_("Audit log"))
    mark = _("Exported by {name} at {time}. Purpose: {reason}")
    sheet.append([safe_cell(mark.format(name=actor.name, time=format_time(clock.now()), reason=reason))])
    titles = [WriteOnlyCell(sheet, title) for title in headings()]
    for title in titles:
        title.font = Font(bold=True)
    sheet.append(titles)
    for row in _rows(session, actor, query):
        sheet.append([safe_cell(value) for value in row])
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def headings() -> list[str]:
    """What stands above the columns of the log."""
    return [_("Time"), _("Who"), _("From where"), _("What"), _("Customer"), _("Before"), _("After"), _("Reason")]


def _rows(session: CrmSession, actor: Actor, query: LogQuery) -> Iterator[list[str]]:
    words = LogWords(session, actor)
    statement = _ordered(select(*_COLUMNS).where(*_conditions(session, query))).limit(EXPORT_LIMIT)
    for part in session.execute(statement, execution_options={"yield_per": 1000}).partitions():
        customers = _customers(session, list(part))
        yield from (shown(line, words, customers) for line in part)


def shown(line: Line, words: LogWords, customers: dict[int, tuple[str, str]]) -> list[str]:
    """A line as people read it, in the order of `headings`."""
    text = words.describe(line)
    customer = " ".join(customers.get(line.customer_id, ()))
    return [format_time(line.at), words.who(line), line.address or "", text.what, customer, text.before, text.after, line.reason or ""]
