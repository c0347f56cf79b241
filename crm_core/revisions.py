"""Revisions that follow from the rows: whatever changes one of these tables counts up its area at the end of the transaction.

So no service can forget it. Counted up last and in one order, since the counters are rows that every writer locks.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction

from crm_core.db import CrmSession
from crm_core.models import (
    Campaign,
    Contact,
    Contract,
    ContractLine,
    FollowUp,
    Opportunity,
    OpportunityStage,
    Participation,
    Payment,
    PlannedPayment,
    StageChange,
    Target,
    Ticket,
)
from crm_core.numbering import take

AREAS: dict[Any, str] = {
    Campaign: "campaigns",
    Participation: "campaigns",
    Contact: "contacts",
    Contract: "contracts",
    ContractLine: "contracts",
    Payment: "contracts",
    PlannedPayment: "contracts",
    FollowUp: "follow_ups",
    Opportunity: "opportunities",
    OpportunityStage: "opportunities",
    StageChange: "stage_changes",
    Target: "targets",
    Ticket: "tickets",
}
"""The area of each model; those of the customers themselves, the people, the library and the policies are counted up where they change."""
_BY_TABLE = {model.__table__: area for model, area in AREAS.items()}
_CHANGED = "areas_to_count_up"


def _note(session: Session, table: Any) -> None:
    area = _BY_TABLE.get(table)
    if area:
        session.info.setdefault(_CHANGED, set()).add(area)
        # What this transaction reads there from now on is its own.
        session.info.setdefault("bumped", set()).add(area)


def _note_flush(session: Session, _context: UOWTransaction) -> None:
    for record in (*session.new, *session.dirty, *session.deleted):
        _note(session, type(record).__table__)


def _note_statement(state: ORMExecuteState) -> None:
    # Statements about a model name its table too.
    if state.is_insert or state.is_update or state.is_delete:
        _note(state.session, getattr(state.statement, "table", None))


def _count_up(session: Session) -> None:
    if session.in_nested_transaction():
        return  # counted with the whole
    session.flush()
    for area in sorted(session.info.pop(_CHANGED, ())):
        take(session, f"revision:{area}")


def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:  # what else the transaction changed stands where only a part of it was given up
        session.info.pop(_CHANGED, None)


event.listen(CrmSession, "after_flush", _note_flush)
event.listen(CrmSession, "do_orm_execute", _note_statement)
event.listen(CrmSession, "before_commit", _count_up)
event.listen(CrmSession, "after_soft_rollback", _forget)
