"""The start page: each block acts in place and leads to the rest."""

from typing import Any

import pytest
from sqlalchemy import select

from crm_core import clock, db
from crm_core.models import Role
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services import task_work, verification
from crm_core.services.notices import list_latest, notify
from tests import factories
from tests.core.test_follow_ups import plan, plans, write
from tests.core.test_task_work import give, now
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes, workbench_view

pytestmark = pytest.mark.usefixtures("any_database")


def home(actor: Actor) -> Visit:
    return Visit(actor).go(routes.HOME)


def shows(visit: Visit, *words: str) -> bool:
    text = "\n".join(texts_of(visit))
    return all(word in text for word in words)


def test_where_there_is_no_customer_the_list_says_how_to_begin(sales: Actor) -> None:
    assert home(sales).page == routes.CUSTOMERS


def test_with_nothing_to_do_the_page_says_so_and_offers_a_new_customer(sales: Actor) -> None:
    write(sales, factories.make_customer(sales), plan(sales))
    visit = home(sales)
    assert shows(visit, zh("Nothing waits for you"))
    assert visit.press("bench_new").page == routes.INTAKE


def test_a_task_is_done_in_place(sales: Actor) -> None:
    task = give(sales, sales, due_on=clock.today())
    visit = home(sales).press(f"duty_done_{task.id}").fill(task_note="已寄出").press("Done")
    assert now(task).done_note == "已寄出"
    assert not shows(visit.go(routes.HOME), task.name)


def test_a_task_is_put_off_in_place(sales: Actor) -> None:
    task = give(sales, sales, due_on=clock.today())
    home(sales).press(f"duty_menu_{task.id}_day")
    assert clock.day_of(now(task).due_at) > clock.today()


def test_what_somebody_else_has_done_meanwhile_is_offered_no_more(sales: Actor) -> None:
    task = give(sales, sales, due_on=clock.today())
    visit = home(sales)
    with db.transaction(sales) as session:
        verification.finish_task(session, sales, task.id, note="已电话答复", version=task.version)
    visit.press(f"duty_done_{task.id}")
    assert not visit.has("task_note")
    assert not shows(visit, task.name)
    assert now(task).done_note == "已电话答复"


def test_a_task_that_somebody_else_changed_meanwhile_is_not_put_off_unseen(sales: Actor) -> None:
    task = give(sales, sales, due_on=clock.today())
    visit = home(sales)
    with db.transaction(sales) as session:
        task_work.begin_task(session, sales, task_id=task.id, version=task.version)
    visit.press(f"duty_menu_{task.id}_day")
    assert visit.refusals
    assert clock.day_of(now(task).due_at) == clock.today()
    visit.press(f"duty_menu_{task.id}_day")  # seen as it is now
    assert clock.day_of(now(task).due_at) > clock.today()


@pytest.mark.parametrize("sent", [{}, {"key": None}, {"key": "duty_done_0"}, {"key": ["duty"]}, [], "duty"])
def test_what_the_page_never_offered_leads_nowhere(sales: Actor, sent: Any) -> None:
    task = give(sales, sales, due_on=clock.today())
    visit = home(sales).tell(workbench_view.NAME, "pressed", sent)
    assert visit.page == routes.HOME
    assert shows(visit, task.name)
    assert visit.refusals == []


def test_a_plan_ends_with_the_follow_up_that_is_written_here(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    write(sales, customer, plan(sales, days=0.001))
    (task,) = plans(customer)
    visit = home(sales).press(f"duty_write_{task.id}")
    assert shows(visit, customer.name)
    assert visit.has(f"follow_up_{customer.id}_0.line")


def test_a_block_leads_to_all_of_its_kind_and_a_row_to_its_customer(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    visit = home(sales).press(f"open_no_next_step_{customer.id}")
    assert (visit.page, visit.query["code"]) == (routes.CUSTOMER, customer.code)
    assert home(sales).press("all_no_step").page != routes.HOME


def test_a_head_is_led_to_what_waits_in_the_team(manager: Actor, sales: Actor) -> None:
    customer = factories.make_customer(sales, name="没有下一步的客户")
    visit = home(manager).press("team_no_next_step")
    assert visit.page == routes.OVERSIGHT
    assert visit.widget("oversight_view").value == "no_next_step"
    assert shows(visit, customer.name)
    assert not shows(visit.enter("oversight_view", "quiet"), customer.name)
    tasks_of_all = home(manager).press("team_overdue")
    assert (tasks_of_all.page, tasks_of_all.query) == (routes.TASKS, {"tasks_whose": "all", "tasks_period": "overdue"})


def test_a_new_notice_leads_to_what_it_is_about(sales: Actor) -> None:
    with db.transaction(SYSTEM) as session:
        notify(session, [sales.id or 0], "tasks_passed_on", {"actor": "主管乙", "count": 3}, path="/tasks")
    visit = home(sales)
    assert shows(visit, zh("New notices"))
    with db.reading(sales) as session:
        (notice,) = list_latest(session, sales)
    assert visit.press(f"notice_{notice.id}").page == routes.TASKS
    assert not shows(home(sales), zh("New notices"))


def test_the_list_of_tasks_leads_from_a_plan_to_the_follow_up_that_ends_it(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    write(sales, customer, plan(sales))
    (task,) = plans(customer)
    visit = Visit(sales).go(routes.TASKS).press(f"task_done_{task.id}").press("Write a follow-up")
    assert (visit.page, visit.query["code"]) == (routes.CUSTOMER, customer.code)


def test_who_may_not_write_follow_ups_ends_a_plan_with_a_note(sales: Actor) -> None:
    customer = factories.make_customer(sales)
    write(sales, customer, plan(sales, days=0.001))
    (task,) = plans(customer)
    with db.transaction(SYSTEM) as session:
        role = session.execute(select(Role).where(Role.code == "sales")).scalar_one()
        role.permissions = [one for one in role.permissions if one != Permission.FOLLOW_UP_WRITE]
    visit = home(sales)
    assert visit.has(f"duty_done_{task.id}")
    assert not visit.has(f"duty_write_{task.id}")
