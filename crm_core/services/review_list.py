"""Reading reviews: what waits for somebody, what they submitted, and one entry with the whole history of its steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import NotFound
from crm_core.fields import fields_of, read_values
from crm_core.i18n import _
from crm_core.models import Attachment, Contact, Customer, Draft, Move, Review, ReviewAsked, ReviewState, ReviewStep
from crm_core.models.review import AUTHORS_MOVES, REVIEWERS_MOVES
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.services.duplicates import Duplicate, find_duplicates_of
from crm_core.services.entry import Checked
from crm_core.services.library import get_library
from crm_core.services.merge_links import merged_into
from crm_core.services.review_access import may_decide, may_read
from crm_core.services.review_entries import Line, Snapshot, compare, contacts_of, files_of
from crm_core.services.users import user_names
from crm_core.validation import clean_text
from crm_core.visibility import View

WAITING, RETURNED, DECIDED, OWN = "waiting", "returned", "decided", "own"


@dataclass(frozen=True)
class ReviewRow:
    """One review in a list."""

    id: int
    version: int
    code: str
    name: str
    stage: str
    tier: str | None
    state: str
    author: str
    author_id: int
    submitted_at: datetime
    due_at: datetime | None
    decided_by: str
    decided_at: datetime | None

    @property
    def is_overdue(self) -> bool:
        """Whether its correction should have come already."""
        return self.state == ReviewState.RETURNED and self.due_at is not None and self.due_at < clock.now()


@dataclass(frozen=True)
class ReviewPage(Page):
    """One page of a list, and how many rows it has in all."""

    size = 20
    rows: list[ReviewRow]
    total: int


@dataclass(frozen=True)
class Step:
    """One step of a review; `changes` compares its version of the entry with the one before."""

    at: datetime
    who: str
    action: str
    reason: str
    changes: list[Line] | None


@dataclass(frozen=True)
class ReviewFile:
    """One entry under review, as its reader sees it."""

    row: ReviewRow
    customer: View
    contacts: list[View]
    files: list[Attachment]
    reviewers: list[str]
    steps: list[Step]
    moves: frozenset[Move]
    """What the reader can do with it now."""

    @property
    def last_return(self) -> Step | None:
        """The latest step that gave it back."""
        return next((step for step in reversed(self.steps) if step.action == Move.RETURN), None)

    @property
    def last_changes(self) -> list[Line] | None:
        """What was changed since the last return."""
        return next((step.changes for step in reversed(self.steps) if step.changes is not None), None)


def views_for(actor: Actor) -> list[str]:
    """The lists that make sense for the actor's role."""
    views = [WAITING, RETURNED, DECIDED] if actor.can(Permission.CUSTOMER_REVIEW) else []
    return views + ([OWN] if actor.can(Permission.CUSTOMER_CREATE) else [])


def _conditions(actor: Actor) -> dict[str, ColumnElement[bool]]:
    decides = may_decide(actor)
    return {
        WAITING: and_(Review.state == ReviewState.WAITING, decides),
        RETURNED: and_(Review.state == ReviewState.RETURNED, decides),
        DECIDED: and_(Review.state.in_([ReviewState.APPROVED, ReviewState.WITHDRAWN]), decides),
        OWN: Review.author_id == actor.id,
    }


_ORDER = {
    WAITING: (Review.submitted_at, Review.id),
    RETURNED: (Review.due_at, Review.id),
    DECIDED: (Review.decided_at.desc().nulls_last(), Review.id.desc()),
    OWN: (Review.state.not_in([ReviewState.RETURNED, ReviewState.WAITING]), Review.due_at.is_(None), Review.due_at, Review.id.desc()),
}


def count_reviews(session: CrmSession, actor: Actor) -> dict[str, int]:
    """How many there are in each list of the actor."""
    conditions = _conditions(actor)
    counts = [func.count().filter(conditions[view]).label(view) for view in views_for(actor)]
    row = session.execute(select(*counts).select_from(Review), execution_options=unscoped).one()
    return {view: getattr(row, view) for view in views_for(actor)}


def list_reviews(session: CrmSession, actor: Actor, view: str, *, page: int = 1) -> ReviewPage:
    """A page of one of the lists: waiting ones the oldest first, returned ones by their time, decided ones the latest first."""
    condition = _conditions(actor)[view]
    total = session.execute(select(func.count()).select_from(Review).where(condition), execution_options=unscoped).scalar_one()
    statement = ReviewPage.cut(_rows().where(condition).order_by(*_ORDER[view]), max(page, 1))
    names = user_names(session)
    found = session.execute(statement, execution_options=unscoped).all()
    return ReviewPage([_row(review, customer, names) for review, customer in found], total)


def _rows() -> Select[Review, Customer]:
    return select(Review, Customer).join(Customer, Customer.id == Review.customer_id)


def _row(review: Review, customer: Customer, names: Mapping[int, str]) -> ReviewRow:
    return ReviewRow(
        id=review.id,
        version=review.version,
        code=customer.code,
        name=customer.name,
        stage=customer.stage,
        tier=customer.tier,
        state=review.state,
        author=names.get(review.author_id, ""),
        author_id=review.author_id,
        submitted_at=review.submitted_at,
        due_at=review.due_at,
        decided_by=names.get(review.decided_by_id or 0, ""),
        decided_at=review.decided_at,
    )


def get_review(session: CrmSession, actor: Actor, code: str) -> ReviewFile:
    """The review of an entry by the customer's code. Raises `NotFound` where there is none, or none that the actor may read."""
    statement = _rows().where(Customer.code == clean_text(code), may_read(actor)).order_by(Review.id.desc()).limit(1)
    found = session.execute(statement, execution_options=unscoped).first()
    if found is None:
        raise NotFound(_("This entry was discarded or is not visible to you. Go back to the list of reviews."))
    review, customer = found
    names = user_names(session)
    asked = session.execute(select(ReviewAsked.user_id).where(ReviewAsked.review_id == review.id).order_by(ReviewAsked.user_id)).scalars()
    return ReviewFile(
        row=_row(review, customer, names),
        customer=View(actor, customer),
        contacts=[View(actor, contact) for contact in contacts_of(session, customer.id)],
        files=files_of(session, customer.id),
        reviewers=[names.get(user_id, "") for user_id in asked],
        steps=_steps(session, actor, review.id),
        moves=_moves(session, actor, review),
    )


def _moves(session: CrmSession, actor: Actor, review: Review) -> frozenset[Move]:
    decides = session.execute(select(Review.id).where(Review.id == review.id, may_decide(actor)), execution_options=unscoped).first()
    allowed = (REVIEWERS_MOVES if decides else frozenset()) | (AUTHORS_MOVES if review.author_id == actor.id else frozenset())
    return allowed & review.moves.keys()


def _steps(session: CrmSession, actor: Actor, review_id: int) -> list[Step]:
    names, library = user_names(session), get_library(session)
    steps: list[Step] = []
    before: Snapshot | None = None
    for step in session.execute(select(ReviewStep).where(ReviewStep.review_id == review_id).order_by(ReviewStep.id)).scalars():
        changes = compare(actor, library, before, step.entry) if before and step.entry else None
        before = step.entry or before
        who = names.get(step.actor_id or 0, _("the system"))
        steps.append(Step(step.at, who, step.action, step.reason or "", changes))
    return steps


def list_steps_of(session: CrmSession, actor: Actor, customer_id: int) -> list[Step]:
    """The steps of the reviews of a customer and of those that became it, for whoever sees the customer; none outside the scope."""
    require(actor, Permission.CUSTOMER_READ)
    if session.execute(select(Customer.id).where(Customer.id == customer_id)).first() is None:
        return []
    own = select(Review.id).where(Review.customer_id.in_([customer_id, *merged_into(session, customer_id)])).order_by(Review.id)
    reviews = session.execute(own, execution_options=unscoped).scalars().all()
    return [step for review_id in reviews for step in _steps(session, actor, review_id)]


def duplicates_of(session: CrmSession, actor: Actor, code: str) -> list[Duplicate]:
    """Customers that may be the same as an entry under review. Raises `NotFound` as `get_review`."""
    statement = select(Customer).join(Review, Review.customer_id == Customer.id).where(Customer.code == clean_text(code), may_read(actor))
    customer = session.execute(statement.limit(1), execution_options=unscoped).scalar_one_or_none()
    if customer is None:
        raise NotFound
    values = read_values(customer, get_library(session).fields)
    contacts = [{name: getattr(one, name) for name in fields_of(Contact)} for one in contacts_of(session, customer.id)]
    return find_duplicates_of(session, actor, Checked(values, contacts), besides=customer.id)


def what_to_correct(session: CrmSession, actor: Actor, draft_id: str) -> ReviewFile | None:
    """The review whose entry is corrected in one's own draft; none for a new entry."""
    statement = select(Customer.code).join(Review, Review.customer_id == Customer.id).join(Draft, Draft.review_id == Review.id)
    code = session.execute(
        statement.where(Draft.id == draft_id, Draft.user_id == actor.id), execution_options=unscoped
    ).scalar_one_or_none()
    return get_review(session, actor, code) if code else None
