"""What can stand on the line of time of a customer: each source says what it finds for some customers, and how it tells that."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_

from crm_core.db import CrmSession
from crm_core.i18n import N_, _, format_money
from crm_core.models import (
    METHODS,
    OWNER_CAUSES,
    REVIEW_MOVES,
    STAGES,
    STEPS,
    TASK_STATES,
    TICKET_STATES,
    Campaign,
    ChangeLog,
    Contract,
    FollowUp,
    LifecycleStage,
    Move,
    Opportunity,
    OpportunityMove,
    OwnerChange,
    Participation,
    Payment,
    Review,
    ReviewStep,
    StageChange,
    Task,
    TaskState,
    Ticket,
    TicketAnswer,
    TicketState,
    TicketStep,
    title_of,
)
from crm_core.models.base import Base
from crm_core.permissions import Actor, Permission
from crm_core.services.campaign_list import latest_step
from crm_core.services.log_words import LogWords
from crm_core.services.users import user_names

_LOGGED = ("customer", "contact", "attachment")
"""Of these the change log tells; what happened to the other records the sources themselves tell."""


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    kind: str
    id: int
    at: datetime
    who: str
    title: str
    text: str = ""
    more: str = ""


@dataclass(frozen=True)
class Source:
    """One kind of event."""

    label: str
    icon: str
    at: Any
    model: type[Base]
    customer: Any
    told: Callable[["Teller", Any], Event]
    texts: tuple[Any, ...] = ()
    """The columns in which a search looks; none of them holds a sensitive value."""
    only: Callable[[], ColumnElement[bool]] | None = None
    joined: tuple[Any, Any] | None = None
    """A table that has to be joined, and on what."""
    needs: Permission = Permission.CUSTOMER_READ
    """Who reads it."""


class Teller:
    """What the sources need to tell what they found, made once for a page."""

    def __init__(self, session: CrmSession, actor: Actor) -> None:
        self.actor = actor
        self.names = user_names(session)
        self.words = LogWords(session, actor)

    def name(self, user_id: int | None) -> str:
        """Who did it."""
        return self.names.get(user_id, _("the system")) if user_id else _("the system")


def _follow_up(teller: Teller, row: FollowUp) -> Event:
    title = " · ".join((_(METHODS[row.method]), row.subject))
    return Event("follow_up", row.id, row.happened_at, teller.name(row.author_id), title, row.content, row.feedback or "")


def _ticket(teller: Teller, row: TicketStep) -> Event:
    states = " → ".join(_(TICKET_STATES[TicketState(state)]) for state in (row.from_state, row.to_state) if state)
    title = " · ".join((row.ticket.code, row.ticket.name, states))
    return Event("ticket", row.id, row.at, teller.name(row.actor_id), title, row.content or "")


def _answer(teller: Teller, row: TicketAnswer) -> Event:
    title = " · ".join((row.ticket.code, row.ticket.name))
    return Event("ticket_answer", row.id, row.at, teller.name(row.author_id), title, row.content)


def _contract(teller: Teller, row: Contract) -> Event:
    title = f"{row.number} · {row.product}"
    return Event(
        "contract", row.id, row.created_at, teller.name(row.created_by_id), title, format_money(row.amount), row.signed_on.isoformat()
    )


def _void(teller: Teller, row: Contract) -> Event:
    title = _("{number} was made void").format(number=f"{row.number} · {row.product}")
    return Event("contract_void", row.id, row.voided_at or row.updated_at, teller.name(row.voided_by_id), title, row.void_reason or "")


def _payment(teller: Teller, row: Payment) -> Event:
    title = _("{amount} received").format(amount=format_money(row.amount))
    return Event("payment", row.id, row.created_at, teller.name(row.created_by_id), title, row.note or "", row.received_on.isoformat())


def _participation(teller: Teller, row: Participation) -> Event:
    title = " · ".join(part for part in (row.campaign.name, row.contact_name, _(STEPS[row.step])) if part)
    return Event("campaign", row.id, getattr(row, f"{row.step}_at"), teller.name(row.invited_by_id), title, row.feedback or "")


def _task(teller: Teller, row: Task) -> Event:
    at = row.done_at or row.created_at
    who = row.assignee_id if row.done_at else row.created_by_id
    title = " · ".join((_(TASK_STATES[TaskState(row.state)]), title_of(row.kind, row.name)))
    return Event("task", row.id, at, teller.name(who), title, row.description or "", row.done_note or "")


def _review(teller: Teller, row: ReviewStep) -> Event:
    return Event("review", row.id, row.at, teller.name(row.actor_id), _(REVIEW_MOVES[Move(row.action)]), row.reason or "")


def _stage(teller: Teller, row: StageChange) -> Event:
    labels = [_(STAGES[LifecycleStage(stage)]) for stage in (row.from_stage, row.to_stage) if stage]
    return Event("movement", row.id, row.at, teller.name(row.actor_id), " → ".join(labels), row.reason or "")


def _opportunity(teller: Teller, row: OpportunityMove) -> Event:
    stages = " → ".join(
        teller.words.value("opportunity", "stage_id", str(stage)) for stage in (row.from_stage_id, row.to_stage_id) if stage
    )
    title = f"{row.opportunity.name} ({row.opportunity.code}) · {stages}"
    return Event("opportunity", row.id, row.at, teller.name(row.actor_id), title, teller.words.library.label(row.reason))


def _owner(teller: Teller, row: OwnerChange) -> Event:
    people = [teller.names.get(one, "") if one else _("Customer pool") for one in (row.from_owner_id, row.to_owner_id)]
    title = " · ".join((_(OWNER_CAUSES[row.cause]), " → ".join(people) if row.from_owner_id else people[1]))
    return Event("owner", row.id, row.at, teller.name(row.actor_id), title, row.reason or "")


def _change(teller: Teller, row: ChangeLog) -> Event:
    line = teller.words.describe(row)
    text = f"{line.before or '—'} → {line.after or '—'}" if row.action == "changed" else line.after
    return Event(
        "change", row.id, row.at, teller.words.who(row), line.what, text, " ".join(one for one in (row.reason, row.feedback) if one)
    )


def _entered() -> ColumnElement[bool]:
    # The owner's and type's own changes are told by their histories.
    told = or_(ChangeLog.field.is_(None), ChangeLog.field.not_in(("owner_id", "stage")))
    return ChangeLog.entity.in_(_LOGGED) & (ChangeLog.action != "viewed") & told


SOURCES: dict[str, Source] = {
    "follow_up": Source(
        N_("Follow-ups"),
        "forum",
        FollowUp.happened_at,
        FollowUp,
        FollowUp.customer_id,
        _follow_up,
        (FollowUp.subject, FollowUp.content, FollowUp.feedback, FollowUp.contact_name),
    ),
    "task": Source(
        N_("Tasks"),
        "task_alt",
        func.coalesce(Task.done_at, Task.created_at),
        Task,
        Task.customer_id,
        _task,
        (Task.name, Task.description, Task.done_note),
    ),
    "ticket": Source(
        N_("Tickets"),
        "confirmation_number",
        TicketStep.at,
        TicketStep,
        Ticket.customer_id,
        _ticket,
        (Ticket.code, Ticket.name, Ticket.description, TicketStep.content),
        joined=(Ticket, Ticket.id == TicketStep.ticket_id),
        needs=Permission.TICKET_READ,
    ),
    "ticket_answer": Source(
        N_("Answers to tickets"),
        "reply",
        TicketAnswer.at,
        TicketAnswer,
        Ticket.customer_id,
        _answer,
        (Ticket.code, Ticket.name, TicketAnswer.content),
        lambda: TicketAnswer.is_public.is_(True),
        joined=(Ticket, Ticket.id == TicketAnswer.ticket_id),
        needs=Permission.TICKET_READ,
    ),
    "contract": Source(
        N_("Contracts"),
        "contract",
        Contract.created_at,
        Contract,
        Contract.customer_id,
        _contract,
        (Contract.number, Contract.product, Contract.remark),
        needs=Permission.CONTRACT_READ,
    ),
    "contract_void": Source(
        N_("Void contracts"),
        "contract_delete",
        Contract.voided_at,
        Contract,
        Contract.customer_id,
        _void,
        (Contract.number, Contract.product, Contract.void_reason),
        lambda: Contract.voided_at.is_not(None),
        needs=Permission.CONTRACT_READ,
    ),
    "payment": Source(
        N_("Payments"),
        "payments",
        Payment.created_at,
        Payment,
        Contract.customer_id,
        _payment,
        (Payment.note, Contract.number),
        joined=(Contract, Contract.id == Payment.contract_id),
        needs=Permission.CONTRACT_READ,
    ),
    "campaign": Source(
        N_("Campaigns"),
        "campaign",
        latest_step(),
        Participation,
        Participation.customer_id,
        _participation,
        (Campaign.code, Campaign.name, Participation.contact_name, Participation.feedback),
        joined=(Campaign, Campaign.id == Participation.campaign_id),
        needs=Permission.CAMPAIGN_READ,
    ),
    "opportunity": Source(
        N_("Opportunities"),
        "trending_up",
        OpportunityMove.at,
        OpportunityMove,
        Opportunity.customer_id,
        _opportunity,
        (Opportunity.name, Opportunity.code, OpportunityMove.reason),
        only=lambda: Opportunity.deleted_at.is_(None),
        joined=(Opportunity, Opportunity.id == OpportunityMove.opportunity_id),
        needs=Permission.OPPORTUNITY_READ,
    ),
    "review": Source(
        N_("Reviews"),
        "rate_review",
        ReviewStep.at,
        ReviewStep,
        Review.customer_id,
        _review,
        (ReviewStep.reason,),
        joined=(Review, Review.id == ReviewStep.review_id),
    ),
    "movement": Source(N_("Customer type"), "moving", StageChange.at, StageChange, StageChange.customer_id, _stage, (StageChange.reason,)),
    "owner": Source(N_("Owner"), "person", OwnerChange.at, OwnerChange, OwnerChange.customer_id, _owner, (OwnerChange.reason,)),
    "change": Source(
        N_("Changes"),
        "history",
        ChangeLog.at,
        ChangeLog,
        ChangeLog.customer_id,
        _change,
        (ChangeLog.subject, ChangeLog.reason, ChangeLog.feedback),
        _entered,
    ),
}
"""All kinds of events by their code. A new kind is a row here."""
