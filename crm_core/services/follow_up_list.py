"""Reading follow-ups: those of one customer, and all in one's scope with search and filters."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.i18n import _
from crm_core.models import Attachment, Customer, FollowUp, FollowUpMention, Place, Task
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.library import get_library
from crm_core.services.of_customers import EVERYBODY, OfCustomers
from crm_core.services.users import user_names
from crm_core.validation import clean_text

COUNT_LIMIT = 500
"""Counting stops here."""


@dataclass(frozen=True)
class FollowUpQuery:
    """What is asked for; several values of one filter mean any of them."""

    phrase: str = ""
    customer_id: int | None = None
    methods: tuple[str, ...] = ()
    authors: tuple[int, ...] = ()
    mentioned: int | None = None
    since: date | None = None
    until: date | None = None
    is_late: bool = False
    has_files: bool = False
    of: OfCustomers = EVERYBODY
    page: int = 1


@dataclass(frozen=True)
class Planned:
    """The next plan of a follow-up, which is a task."""

    id: int
    version: int
    goal: str
    due_at: datetime
    state: str
    done_at: datetime | None
    assignee_id: int | None
    assignee: str
    remind_lead: int | None = None

    @property
    def is_overdue(self) -> bool:
        """Still open after it was due."""
        return self.done_at is None and self.due_at < clock.now()


@dataclass(frozen=True)
class File:
    """A file that came with a follow-up."""

    id: int
    filename: str
    type: str


@dataclass(frozen=True)
class Noted:
    """A follow-up as it is shown."""

    id: int
    version: int
    customer_id: int
    code: str
    customer: str
    author_id: int
    author: str
    contact_id: int | None
    contact: str
    happened_at: datetime
    is_late: bool
    method: str
    subject: str
    content: str
    feedback: str
    plan: Planned | None
    files: tuple[File, ...]
    mentions: dict[int, str]

    @property
    def is_corrected(self) -> bool:
        """It was changed since it was written; the change log says how and why."""
        return self.version > 1


@dataclass(frozen=True)
class FollowUpPage(Page):
    """One page; `total` is exact unless `is_capped`: then there are more."""

    size = 20
    rows: list[Noted]
    total: int
    is_capped: bool
    page: int


def list_follow_ups(session: CrmSession, actor: Actor, query: FollowUpQuery) -> FollowUpPage:
    """One page of the follow-ups within the actor's scope, the latest first."""
    require(actor, Permission.CUSTOMER_READ)
    total = _count(session, query)
    page = FollowUpPage.nearest(query.page, min(total, COUNT_LIMIT))
    rows = _read(session, FollowUpPage.cut(_latest(query), page))
    return FollowUpPage(rows, min(total, COUNT_LIMIT), total > COUNT_LIMIT, page)


def list_latest(session: CrmSession, actor: Actor, customer_id: int, count: int) -> tuple[list[Noted], int]:
    """The latest follow-ups of a customer, and how many there are, counted to `COUNT_LIMIT` and one more."""
    require(actor, Permission.CUSTOMER_READ)
    query = FollowUpQuery(customer_id=customer_id)
    rows = _read(session, _latest(query).limit(count))
    return rows, len(rows) if len(rows) < count else _count(session, query)


def _latest(query: FollowUpQuery) -> Select[*tuple[Any, ...]]:
    found = _filtered(select(FollowUp, Customer.code, Customer.name), query)
    return found.order_by(FollowUp.happened_at.desc(), FollowUp.id.desc())


def _count(session: CrmSession, query: FollowUpQuery) -> int:
    counted = _filtered(select(FollowUp.id), query).limit(COUNT_LIMIT + 1).subquery()
    total: int = session.execute(select(func.count()).select_from(counted)).scalar_one()
    return total


def get_follow_up(session: CrmSession, actor: Actor, follow_up_id: int) -> Noted:
    """One follow-up. Raises `NotFound` outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    own = select(FollowUp, Customer.code, Customer.name).join(Customer, Customer.id == FollowUp.customer_id)
    rows = _read(session, own.where(FollowUp.id == follow_up_id))
    if not rows:
        raise NotFound(_("This follow-up was deleted or is not visible to you. Reload the page."))
    return rows[0]


def subjects(session: CrmSession) -> list[str]:
    """The subjects to choose from, from the preset library; any other can be written."""
    return [entry.label for entry in get_library(session).active("follow_up_subject")]


def _filtered(statement: Select[*tuple[Any, ...]], query: FollowUpQuery) -> Select[*tuple[Any, ...]]:
    return statement.join(Customer, Customer.id == FollowUp.customer_id).where(*_conditions(query))


def _conditions(query: FollowUpQuery) -> list[ColumnElement[bool]]:
    # A customer's own list is read in the archive too; the list of all holds what is in the library.
    found: list[ColumnElement[bool]] = [FollowUp.customer_id == query.customer_id if query.customer_id else Customer.place == Place.LIBRARY]
    if query.methods:
        found.append(FollowUp.method.in_(query.methods))
    if query.authors:
        found.append(FollowUp.author_id.in_(query.authors))
    if query.since:
        found.append(FollowUp.happened_at >= clock.start_of_day(query.since))
    if query.until:
        found.append(FollowUp.happened_at < clock.start_of_day(query.until + timedelta(days=1)))
    found += query.of.conditions
    if query.is_late:
        found.append(FollowUp.is_late.is_(True))
    if query.has_files:
        found.append(select(Attachment.id).where(Attachment.follow_up_id == FollowUp.id).exists())
    if query.mentioned:
        named = (FollowUpMention.follow_up_id == FollowUp.id, FollowUpMention.user_id == query.mentioned)
        found.append(select(FollowUpMention.user_id).where(*named).exists())
    return found + [_holds(word) for word in clean_text(query.phrase).split()[:8]]


def _holds(word: str) -> ColumnElement[bool]:
    columns = (FollowUp.subject, FollowUp.content, FollowUp.feedback, FollowUp.contact_name, Customer.name)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def _read(session: CrmSession, statement: Select[*tuple[Any, ...]]) -> list[Noted]:
    rows = session.execute(statement).all()
    if not rows:
        return []
    ids, names = [row.FollowUp.id for row in rows], user_names(session)
    plans, files, mentions = _plans(session, ids, names), _files(session, ids), _mentions(session, ids, names)
    return [
        Noted(
            **{name: getattr(row.FollowUp, name) for name in _SAME},
            code=row.code,
            customer=row.name,
            author=names.get(row.FollowUp.author_id, ""),
            contact=row.FollowUp.contact_name or "",
            feedback=row.FollowUp.feedback or "",
            plan=plans.get(row.FollowUp.id),
            files=tuple(files[row.FollowUp.id]),
            mentions=mentions[row.FollowUp.id],
        )
        for row in rows
    ]


_SAME = ("id", "version", "customer_id", "author_id", "contact_id", "happened_at", "is_late", "method", "subject", "content")


def _plans(session: CrmSession, ids: Sequence[int], names: dict[int, str]) -> dict[int, Planned]:
    found = {}
    for task in session.execute(select(Task).where(Task.follow_up_id.in_(ids)), execution_options=unscoped).scalars():
        same = {name: getattr(task, name) for name in ("id", "version", "due_at", "state", "done_at", "assignee_id", "remind_lead")}
        found[task.follow_up_id or 0] = Planned(**same, goal=task.name, assignee=names.get(task.assignee_id or 0, ""))
    return found


def _files(session: CrmSession, ids: Sequence[int]) -> dict[int, list[File]]:
    found: dict[int, list[File]] = defaultdict(list)
    columns = select(Attachment.follow_up_id, Attachment.id, Attachment.filename, Attachment.type)
    for row in session.execute(columns.where(Attachment.follow_up_id.in_(ids)).order_by(Attachment.id)):
        found[row.follow_up_id].append(File(row.id, row.filename, row.type))
    return found


def _mentions(session: CrmSession, ids: Sequence[int], names: dict[int, str]) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = defaultdict(dict)
    columns = select(FollowUpMention.follow_up_id, FollowUpMention.user_id).where(FollowUpMention.follow_up_id.in_(ids))
    for row in session.execute(columns):
        found[row.follow_up_id][row.user_id] = names.get(row.user_id, "")
    return found
