"""工单: what a customer asked, complained of or wishes, who works on it, and how it went [001]."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import clock
from crm_core.errors import IllegalTransition
from crm_core.fields import Widget, always, declared
from crm_core.i18n import N_, _, join_words
from crm_core.models.base import Base, Dated, Key, UserKey, UtcTime, Versioned
from crm_core.models.task import PRIORITIES
from crm_core.validation import check_length

LONGEST_TEXT = 10_000
"""Letters of a description, an answer or a solution."""
COMPLAINT = "complaint"
TICKET_TYPES = {"inquiry": N_("Inquiry"), COMPLAINT: N_("Complaint"), "request": N_("Request")}
TICKET_PRIORITIES = {"urgent": N_("Urgent"), **PRIORITIES}
SCORES = {
    5: N_("Very satisfied"),
    4: N_("Satisfied"),
    3: N_("Neither nor"),
    2: N_("Dissatisfied"),
    1: N_("Very dissatisfied"),
}
"""满意度 [001]."""


class TicketState(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    DOING = "doing"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"


TICKET_STATES = {
    TicketState.NEW: N_("New ticket"),
    TicketState.DOING: N_("Being worked on"),
    TicketState.WAITING: N_("Waiting for the customer"),
    TicketState.RESOLVED: N_("Resolved"),
    TicketState.CLOSED: N_("Closed ticket"),
    TicketState.REOPENED: N_("Reopened"),
}
RUNNING = (TicketState.NEW, TicketState.DOING, TicketState.REOPENED)
"""The clock runs: the team has to act."""
UNSOLVED = (*RUNNING, TicketState.WAITING)
"""Open work."""
SOLVED = (TicketState.RESOLVED, TicketState.CLOSED)


class TicketMove(StrEnum):
    """What takes a ticket from one state to another."""

    BEGIN = "begin"
    WAIT = "wait"
    RESUME = "resume"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True)
class TicketWay:
    """One move: from where, to where, and what it demands."""

    label: str
    sources: tuple[TicketState, ...]
    target: TicketState
    text: str = ""
    """What has to be written with it, by its label; empty where nothing has."""
    missing: str = ""
    """What is said where it lacks."""
    by_handler: bool = True
    """Whether it is up to the handler, and those who assign; else to all who work on tickets."""


TICKET_MOVES: dict[TicketMove, TicketWay] = {
    TicketMove.BEGIN: TicketWay(N_("Begin work"), (TicketState.NEW, TicketState.REOPENED), TicketState.DOING),
    TicketMove.WAIT: TicketWay(
        N_("Wait for the customer"),
        (TicketState.DOING,),
        TicketState.WAITING,
        N_("What the customer has to do"),
        N_("Say what the customer has to do; until then the clock stands still."),
    ),
    TicketMove.RESUME: TicketWay(N_("Go on"), (TicketState.WAITING,), TicketState.DOING),
    TicketMove.RESOLVE: TicketWay(
        N_("Resolve"), UNSOLVED, TicketState.RESOLVED, N_("Solution"), N_("Write down the solution: what the customer was answered.")
    ),
    TicketMove.CLOSE: TicketWay(N_("Close ticket"), (TicketState.RESOLVED,), TicketState.CLOSED),
    TicketMove.REOPEN: TicketWay(
        N_("Reopen"), SOLVED, TicketState.REOPENED, N_("Reason"), N_("Say why it is opened again."), by_handler=False
    ),
}
"""The state machine: every move, what it demands and what follows. `services/ticket_work.py` makes them."""


def _check_text(value: str, _values: Any) -> str:
    return check_length(value, LONGEST_TEXT)


def _preset() -> Any:
    return ForeignKey("preset.code", onupdate="CASCADE")


_RUNS = text("waiting_since IS NULL AND resolved_at IS NULL")
_IS_RESOLVED = text("state = 'resolved'")


class Ticket(Base, Dated, Versioned):
    """One ticket. Its state changes through `move` alone; each change is a `TicketStep`."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_of_customer", "customer_id", "id"),
        Index("ix_ticket_created", "created_at", "type", "handler_id"),
        Index("ix_ticket_of_handler", "handler_id", "state", "due_at"),
        Index("ix_ticket_listed", "state", "due_at", "id"),
        # Of those whose time runs: what the reminders look for.
        Index("ix_ticket_running", "due_at", sqlite_where=_RUNS, postgresql_where=_RUNS),
        Index("ix_ticket_resolved", "resolved_at", sqlite_where=_IS_RESOLVED, postgresql_where=_IS_RESOLVED),
    )
    __mapper_args__ = {"version_id_col": Versioned.version}
    audited = True

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(20), unique=True)
    key: Mapped[str | None] = mapped_column(String(36), unique=True)
    """Of the form in which it was entered, so that a second click makes no second one."""
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"), index=True)
    contact_name: Mapped[str | None] = mapped_column(String(60))
    """Who spoke for the customer, as the contact was called then: contacts leave."""
    type: Mapped[str] = declared(
        String(10),
        nullable=False,
        label=N_("Ticket type"),
        group="ticket",
        widget=Widget.CHOICE,
        choices=TICKET_TYPES,
        required=always,
    )
    category: Mapped[str] = declared(
        String(60),
        foreign_key=_preset(),
        nullable=False,
        label=N_("Ticket category"),
        group="ticket",
        widget=Widget.PRESET,
        preset="ticket_category",
        required=always,
    )
    priority: Mapped[str] = declared(
        String(8),
        nullable=False,
        label=N_("Priority"),
        group="ticket",
        widget=Widget.CHOICE,
        choices=TICKET_PRIORITIES,
        required=always,
    )
    source: Mapped[str] = declared(
        String(60),
        foreign_key=_preset(),
        nullable=False,
        label=N_("Ticket source"),
        group="ticket",
        widget=Widget.PRESET,
        preset="ticket_source",
        required=always,
    )
    name: Mapped[str] = declared(String(120), nullable=False, label=N_("Title"), group="ticket", required=always)
    description: Mapped[str] = declared(
        Text(), nullable=False, label=N_("Ticket description"), group="ticket", widget=Widget.LONG_TEXT, required=always, check=_check_text
    )
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    created_by_id: Mapped[UserKey]
    state: Mapped[str] = mapped_column(String(10), default=TicketState.NEW)
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    """Until when it has to be resolved: counted in service hours by its priority, put off by the time of waiting."""
    waiting_since: Mapped[datetime | None] = mapped_column(UtcTime)
    """Since when the clock stands still."""
    resolved_at: Mapped[datetime | None] = mapped_column(UtcTime)
    served_at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    """When somebody last did something for the customer: entered it, answered, moved it on."""
    reopened: Mapped[int] = mapped_column(SmallInteger, default=0)
    """How many times it was opened again."""
    satisfaction: Mapped[int | None] = mapped_column(SmallInteger)
    """What the customer thinks of the solution, of `SCORES`; none before somebody asked."""
    satisfaction_remark: Mapped[str | None] = mapped_column(String(500))
    due_told_at: Mapped[datetime | None] = mapped_column(UtcTime)
    overdue_told_at: Mapped[datetime | None] = mapped_column(UtcTime)

    @property
    def moves(self) -> dict[TicketMove, TicketWay]:
        """What can be done in the present state."""
        return {move: way for move, way in TICKET_MOVES.items() if self.state in way.sources}

    def move(self, move: TicketMove) -> TicketWay:
        """Go on to the state that follows. Raises `IllegalTransition`, naming what can be done instead."""
        if move not in self.moves:
            sentence = _("This ticket is in the state “{state}”. What can be done with it: {moves}.")
            names = join_words(_(way.label) for way in self.moves.values())
            raise IllegalTransition(sentence.format(state=_(TICKET_STATES[TicketState(self.state)]), moves=names))
        self.state = TICKET_MOVES[move].target
        return TICKET_MOVES[move]


class TicketStep(Base):
    """One change of state, the entry being the first; rows are only added."""

    __tablename__ = "ticket_step"

    id: Mapped[Key]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    """Nobody for what the system did."""
    from_state: Mapped[str | None] = mapped_column(String(10))
    to_state: Mapped[str] = mapped_column(String(10))
    content: Mapped[str | None] = mapped_column(Text())
    """What the move demanded: the solution, the reason."""
    ticket: Mapped[Ticket] = relationship(lazy="joined", innerjoin=True)


class TicketAnswer(Base):
    """What was answered to the customer, or noted among colleagues; it is only added."""

    __tablename__ = "ticket_answer"

    id: Mapped[Key]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime, default=clock.now)
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    is_public: Mapped[bool] = mapped_column(default=True)
    """Whether the customer was told it; else it is a note for colleagues."""
    content: Mapped[str] = mapped_column(Text())
    ticket: Mapped[Ticket] = relationship(lazy="joined", innerjoin=True)
