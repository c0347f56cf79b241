"""Tasks: given, done, passed on, overdue."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Customer, Notice, Task, TaskState
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.archive import archive_customer, unarchive_customer
from crm_core.services.customers import delete_customer, restore_customer
from crm_core.services.recurrence import Recurrence
from crm_core.services.reminders import tell_overdue
from crm_core.services.task_rows import list_of_customer
from crm_core.services.task_views import TaskQuery, list_tasks
from crm_core.services.tasks import assignees, create_task, reassign_task
from crm_core.services.verification import finish_task
from tests import factories


def give(actor: Actor, assignee: Actor, customer: Customer | None = None, *, days: int = 1, **over: Any) -> Task:
    values = {"name": "季度回访", "due_on": clock.today() + timedelta(days=days), "assignee_id": assignee.id or 0} | over
    with transaction(actor) as session:
        return create_task(session, actor, customer_id=customer.id if customer else None, **values)


def notices(actor: Actor) -> list[str]:
    with reading(actor) as session:
        return list(session.execute(select(Notice.kind).where(Notice.user_id == actor.id).order_by(Notice.id)).scalars())


def test_a_manager_gives_a_task_and_the_assignee_does_it(database: str, manager: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    later, sooner = give(manager, sales, customer, days=3), give(manager, sales)
    with reading(sales) as session:
        assert [task.id for task in factories.own_tasks(session, sales)] == [sooner.id, later.id]
        assert [task.id for task in list_of_customer(session, sales, customer.id)] == [later.id]
    with reading(manager) as session:
        assert [task.id for task in list_tasks(session, manager, TaskQuery(without=manager.id)).rows] == [sooner.id, later.id]
    assert notices(sales) == ["task_assigned", "task_assigned"]
    with transaction(sales) as session:
        finish_task(session, sales, sooner.id, note="已回访", version=1)
    with reading(sales) as session:
        (done,) = list_tasks(session, sales, TaskQuery(states=(TaskState.DONE,))).rows
    assert (done.id, done.done_note, done.is_overdue) == (sooner.id, "已回访", False)
    assert {line.field for line in factories.log_of("task", sooner.id, action="changed")} == {"state", "done_at", "done_note"}


def test_a_task_is_passed_on_by_those_who_see_a_team_only(
    database: str, manager: Actor, sales: Actor, colleague: Actor, stranger: Actor
) -> None:
    task = give(manager, sales)
    with reading(manager) as session:
        assert set(assignees(session, manager)) == {manager.id, sales.id, colleague.id}
    for actor, to, error in ((sales, colleague, NotAllowed), (manager, stranger, NotAllowed), (stranger, stranger, NotFound)):
        with pytest.raises(error), transaction(actor) as session:
            reassign_task(session, actor, task.id, to.id or 0, version=1)
    with transaction(manager) as session:
        reassign_task(session, manager, task.id, colleague.id or 0, version=1)
    with reading(colleague) as session:
        assert [one.id for one in factories.own_tasks(session, colleague)] == [task.id]
    with pytest.raises(Conflict), transaction(manager) as session:
        reassign_task(session, manager, task.id, sales.id or 0, version=1)


def test_a_task_is_given_to_somebody_who_sees_the_customer(database: str, manager: Actor, sales: Actor, colleague: Actor) -> None:
    with pytest.raises(ValidationFailed):
        give(manager, colleague, factories.make_customer(sales))
    with pytest.raises(NotAllowed):
        give(sales, colleague)


@pytest.mark.parametrize("over", [{"name": " "}, {"days": -1}, {"priority": "now"}])
def test_a_task_needs_a_name_a_day_to_come_and_a_priority(database: str, sales: Actor, over: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        give(sales, sales, **over)


def test_a_task_is_done_once_and_with_a_note(database: str, sales: Actor) -> None:
    task = give(sales, sales)
    with pytest.raises(ValidationFailed), transaction(sales) as session:
        finish_task(session, sales, task.id, note=" ", version=1)
    for error in (None, Conflict):
        with pytest.raises(error) if error else transaction(SYSTEM), transaction(sales) as session:
            finish_task(session, sales, task.id, note="完成", version=1)


@pytest.mark.parametrize("place", ["bin", "archive"])
def test_the_tasks_of_a_customer_that_is_laid_away_rest_until_it_is_restored(
    database: str, manager: Actor, sales: Actor, set_clock: Callable[[datetime], None], place: str
) -> None:
    customer = factories.make_customer(sales)
    give(manager, sales, customer)
    with transaction(manager) as session:
        laid = delete_customer if place == "bin" else partial(archive_customer, reason="暂停合作")
        laid(session, manager, customer.id)
    set_clock(clock.now() + timedelta(days=3))

    def told() -> tuple[int, int]:
        with transaction(SYSTEM) as session:
            tell_overdue(session)
        with reading(sales) as session:
            return len(factories.own_tasks(session, sales)), notices(sales).count("task_overdue")

    assert told() == (0, 0)
    with transaction(manager) as session:
        (restore_customer if place == "bin" else unarchive_customer)(session, manager, customer.id)
    assert told() == (1, 1)


def test_an_overdue_task_is_told_once(database: str, sales: Actor, set_clock: Callable[[datetime], None]) -> None:
    give(sales, sales)
    done = give(sales, sales)
    with transaction(sales) as session:
        finish_task(session, sales, done.id, note="完成", version=1)
    later = clock.now() + timedelta(days=3)
    set_clock(later)
    for _turn in range(2):
        with transaction(SYSTEM) as session:
            tell_overdue(session)
    assert notices(sales) == ["task_overdue"]


def test_nobody_gives_a_task_for_a_customer_that_is_archived_or_out_of_sight(
    database: str, manager: Actor, sales: Actor, stranger: Actor, teams: dict[str, int]
) -> None:
    archived, unseen = factories.make_customer(sales), factories.make_customer(stranger)
    service = factories.make_user(role="service", username="service", team_id=teams["east"])
    with transaction(manager) as session:
        archive_customer(session, manager, archived.id, reason="停止合作")
    with pytest.raises(IllegalTransition):
        give(manager, sales, archived)
    with pytest.raises(NotFound):
        give(manager, service, unseen)  # who sees all customers


def test_all_that_is_wrong_with_a_task_is_said_at_once(database: str, sales: Actor) -> None:
    never = Recurrence("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", clock.today())
    wrong = {
        "name": "长" * 201,
        "description": "字" * 10_001,
        "priority": "x",
        "recurrence": never,
        "due_on": clock.today() - timedelta(days=1),
    }
    with pytest.raises(ValidationFailed) as refused:
        give(sales, sales, **wrong)
    assert set(refused.value.errors) == {"name", "description", "priority", "rule", "due_on"}
    assert give(sales, sales, name="👍" * 200, description="字\n" * 5_000).description
