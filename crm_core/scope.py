"""Row scope: every query for customers, or for what hangs on them, is limited to what the actor may see.

The limit is added by the session itself, so that no query can forget it. `unscoped` leaves it, explicitly.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, event, select, true
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from crm_core.db import CrmSession
from crm_core.models import Attachment, Contact, Customer, User
from crm_core.permissions import Actor, Scope

unscoped: dict[str, Any] = {"unscoped": True}
"""Execution options for a query that must see every row, such as the search for duplicates."""


def visible_customers(actor: Actor) -> ColumnElement[bool]:
    """The condition that a customer is within the actor's scope."""
    return _is_owned(actor, Customer.owner_id)


def _is_owned(actor: Actor, owner_id: Any) -> ColumnElement[bool]:
    if actor.scope is Scope.ALL:
        return true()
    if actor.scope is Scope.TEAM and actor.team_ids:
        # One list of owners, the actor in it, lets an index on owners count; with an OR beside it every row is looked at.
        members = select(User.id).where(User.team_id.in_(actor.team_ids) | (User.id == actor.id))
        owned: ColumnElement[bool] = owner_id.in_(members.scalar_subquery())
        return owned
    return cast(ColumnElement[bool], owner_id == actor.id)


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
    state.statement = state.statement.options(*_limits(actor))


@lru_cache(maxsize=1024)
def _limits(actor: Actor) -> tuple[ExecutableOption, ...]:
    # Made once for an actor: making them costs more than most of the queries that they limit.
    belonging = _belonging(actor)
    return (
        with_loader_criteria(Customer, visible_customers(actor), include_aliases=True),
        with_loader_criteria(Contact, belonging(Contact), include_aliases=True),
        with_loader_criteria(Attachment, Attachment.customer_id.is_(None) | belonging(Attachment), include_aliases=True),
    )


def _belonging(actor: Actor) -> Callable[[Any], ColumnElement[bool]]:
    # Asked for each row that is read. As `customer_id IN (…)` all customers of the team would be listed first.
    holder = Customer.__table__.alias("holder")
    owned = select(holder.c.id).where(_is_owned(actor, holder.c.owner_id))
    return lambda model: owned.where(holder.c.id == model.customer_id).exists()


event.listen(CrmSession, "do_orm_execute", _limit)
