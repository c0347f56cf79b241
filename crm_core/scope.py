"""Row scope: every query for customers, or for what hangs on them, is limited to what the actor may see.

The limit is added by the session itself, so that no query can forget it. `unscoped` leaves it, explicitly.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, event, select, true
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria

from crm_core.db import CrmSession
from crm_core.models import Attachment, Contact, Customer, User
from crm_core.permissions import Actor, Scope

unscoped: dict[str, Any] = {"unscoped": True}
"""Execution options for a query that must see every row, such as the search for duplicates."""


def visible_customers(actor: Actor) -> ColumnElement[bool]:
    """The condition that a customer is within the actor's scope."""
    if actor.scope is Scope.ALL:
        return true()
    if actor.scope is Scope.TEAM and actor.team_ids:
        members = select(User.id).where(User.team_id.in_(actor.team_ids)).scalar_subquery()
        return Customer.owner_id.in_(members) | (Customer.owner_id == actor.id)
    return Customer.owner_id == actor.id


def _belonging(actor: Actor) -> Callable[[Any], ColumnElement[bool]]:
    owned = select(Customer.id).where(visible_customers(actor)).scalar_subquery()
    return lambda model: model.customer_id.in_(owned)


def _limit(state: ORMExecuteState) -> None:
    actor = state.session.info.get("actor")
    if (
        actor is None
        or actor.scope is Scope.ALL
        or not (state.is_select or state.is_update or state.is_delete)
        or state.is_column_load
        or state.is_relationship_load
        or state.execution_options.get("unscoped")
    ):
        return
    belonging = _belonging(actor)
    visible = visible_customers(actor)
    state.statement = state.statement.options(
        with_loader_criteria(Customer, visible, include_aliases=True),
        with_loader_criteria(Contact, belonging(Contact), include_aliases=True),
        with_loader_criteria(Attachment, Attachment.customer_id.is_(None) | belonging(Attachment), include_aliases=True),
    )


event.listen(CrmSession, "do_orm_execute", _limit)
