"""Row scope: every query for customers, or for what hangs on them, is limited to what the actor may see.

The limit is added by the session itself, so that no query can forget it. `unscoped` leaves it, explicitly. A session
without an actor (before anybody is signed in) sees none of these rows; the system's own work is done as `SYSTEM`.
"""

from collections.abc import Callable, Hashable
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, and_, event, false, select, true
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.interfaces import CriteriaOption
from sqlalchemy.sql.visitors import anon_map

from crm_core.db import CrmSession
from crm_core.models import Attachment, Base, Customer, Notice, Task, User
from crm_core.permissions import Actor, Scope

unscoped: dict[str, Any] = {"unscoped": True}
"""Execution options for a query that must see every row, such as the search for duplicates."""

by_row: dict[str, Any] = {"by_row": True}
"""Execution options for a query that comes to its customers one by one, such as a search: asked for their owner through an index,
SQLite looks each of them up once for every member of a team."""

OWNERS: dict[Any, Any] = {Attachment: Attachment.uploaded_by_id, Notice: Notice.user_id, Task: Task.assignee_id}
"""Who sees a row that belongs to no customer: the author of a draft's files, the receiver of a notice, who has the task."""


def sees_team(actor: Actor) -> bool:
    """Whether the actor sees what others of the own teams have, and no more."""
    return actor.scope is Scope.TEAM and bool(actor.team_ids)


def visible_customers(actor: Actor, *, by_row: bool = False) -> ColumnElement[bool]:
    """The condition that a customer is within the actor's scope; `by_row` for one that no index on owners answers."""
    return _is_owned(actor, Customer.owner_id, by_row=by_row)


def _is_owned(actor: Actor, owner_id: Any, *, by_row: bool = False) -> ColumnElement[bool]:
    if actor.scope is Scope.ALL:
        return true()
    if sees_team(actor):
        # One list of owners, the actor in it, lets an index on owners count; with an OR beside it every row is looked at.
        members = select(User.id).where(User.team_id.in_(actor.team_ids) | (User.id == actor.id))
        owned: ColumnElement[bool] = (owner_id + 0 if by_row else owner_id).in_(members.scalar_subquery())
        return owned
    return cast(ColumnElement[bool], owner_id == actor.id)


def key_of(session: Session) -> Hashable:
    """What results kept for others with the same view are kept under: two sessions with one key see and find the same."""
    actor: Actor | None = session.info.get("actor")
    if actor is None:
        return None
    rows = () if actor.scope is Scope.ALL else (actor.id, actor.team_ids)
    return actor.scope, rows, actor.access


def _limit(state: ORMExecuteState) -> None:
    if (
        not (state.is_select or state.is_update or state.is_delete)
        or state.is_column_load
        or state.is_relationship_load
        or state.execution_options.get("unscoped")
    ):
        return
    actor = state.session.info.get("actor")
    if actor is None or actor.scope is not Scope.ALL:
        state.statement = state.statement.options(_limits(actor, by_row=bool(state.execution_options.get("by_row"))))


@lru_cache(maxsize=1024)
def _limits(actor: Actor | None, *, by_row: bool) -> "Limits":
    # Made once for an actor: making them costs more than most of the queries that they limit.
    condition = _belonging(actor) if actor else _none
    return Limits(
        with_loader_criteria(Customer, visible_customers(actor, by_row=by_row) if actor else false(), include_aliases=True),
        *(with_loader_criteria(model, condition(model), include_aliases=True) for model in (*belonging_models(), *joining_models())),
    )


class Limits(CriteriaOption):
    """The limits of all models as one option of a query.

    SQLAlchemy describes each option of each query to find the compiled one in its cache. For one option per model that takes
    longer than most of the queries, and longer with every model; so all are described once, and the description is kept.
    """

    propagate_to_loaders = True

    def __init__(self, *limits: Any) -> None:
        self.limits = limits
        self.bindparams: list[BindParameter[Any]] = []
        names = anon_map()
        described = tuple(limit._gen_cache_key(names, self.bindparams) for limit in limits)
        self.description = (Limits, _NUMBERS.setdefault(described, len(_NUMBERS)))

    def _gen_cache_key(self, _anon_map: Any, bindparams: list[BindParameter[Any]]) -> tuple[Any, ...]:
        # The values stay outside of the description, so that actors with limits of one form share compiled queries.
        bindparams.extend(self.bindparams)
        return self.description

    def process_compile_state(self, compile_state: Any) -> None:
        """Called when a query is compiled."""
        self.get_global_criteria(compile_state.global_attributes)

    def process_compile_state_replaced_entities(self, compile_state: Any, _mapper_entities: Any) -> None:
        """Called when a query is compiled whose columns were replaced."""
        self.process_compile_state(compile_state)

    def get_global_criteria(self, attributes: Any) -> None:
        """Called for updates and deletes."""
        for limit in self.limits:
            limit.get_global_criteria(attributes)


_NUMBERS: dict[Hashable, int] = {}
"""A number for each form of limits: short to hash and to compare."""


@cache
def belonging_models() -> tuple[Any, ...]:
    """Every model whose rows hang on a customer: each that has a `customer_id`."""
    models = [mapper.class_ for mapper in Base.registry.mappers if "customer_id" in mapper.columns]
    return tuple(sorted(models, key=lambda model: model.__name__))


@cache
def joining_models() -> tuple[Any, ...]:
    """Every model whose rows stand between several customers, such as a pair of suspected duplicates: seen where all of them are."""
    models = [mapper.class_ for mapper in Base.registry.mappers if "customer_id" not in mapper.columns and _customers_of(mapper.class_)]
    return tuple(sorted(models, key=lambda model: model.__name__))


def _customers_of(model: Any) -> list[Any]:
    if "customer_id" in model.__table__.c:
        return [model.customer_id]
    pointing = [column for column in model.__table__.c if any(key.column.table is Customer.__table__ for key in column.foreign_keys)]
    return [getattr(model, column.key) for column in pointing]


def _none(_model: Any) -> ColumnElement[bool]:
    return false()


def _belonging(actor: Actor) -> Callable[[Any], ColumnElement[bool]]:
    # Asked for each row that is read. As `customer_id IN (…)` all customers of the team would be listed first.
    holder = Customer.__table__.alias("holder")
    owned = select(holder.c.id).where(_is_owned(actor, holder.c.owner_id)).correlate_except(holder)

    def condition(model: Any) -> ColumnElement[bool]:
        belongs: ColumnElement[bool] = and_(*(owned.where(holder.c.id == column).exists() for column in _customers_of(model)))
        if model not in OWNERS:
            return belongs
        # Tasks of no customer are seen like customers: a manager sees those of the team.
        is_own: ColumnElement[bool] = _is_owned(actor, OWNERS[model]) if model is Task else OWNERS[model] == actor.id
        seen: ColumnElement[bool] = belongs | (model.customer_id.is_(None) & is_own)
        return seen

    return condition


event.listen(CrmSession, "do_orm_execute", _limit)
