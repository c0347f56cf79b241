"""Tasks and the calendar as people use them: list, board, team, the dialog of a task, ticks, days, and the calendar link."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.models import Notice, Task, TaskState
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import calendar_feed, task_comments, task_work, tasks
from crm_core.services.recurrence import Recurrence
from tests import factories
from tests.core.test_task_work import SetClock, finish, give, now
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = "kemai_calendar"


def shows(visit: Visit, text: str) -> bool:
    return any(text in shown.replace("\\", "") for shown in texts_of(visit))


def listed(visit: Visit) -> list[str]:
    """The names of the tasks on the page, in their order."""
    return [node.label.strip("*") for node in visit.elements("button") if re.match(r"(task|card)_title_\d", node.key or "")]


def only_task() -> Task:
    with reading(SYSTEM) as session:
        return session.execute(select(Task)).scalar_one()


def later(days: int) -> date:
    return clock.today() + timedelta(days=days)


class TestList:
    def test_says_what_to_expect_while_there_is_nothing(self, any_database: str, sales: Actor) -> None:
        visit = Visit(sales).go(routes.TASKS)
        assert shows(visit, zh("Nothing to do here"))
        assert visit.has("Add task")
        visit.enter("tasks_q", "没有")
        assert shows(visit, zh("No task matches"))

    def test_overdue_ones_come_first_and_say_so(self, sales: Actor, set_clock: SetClock) -> None:
        give(sales, sales, name="明天的")
        give(sales, sales, name="更早的", due_on=clock.today())
        set_clock(clock.now() + timedelta(days=1))
        visit = Visit(sales).go(routes.TASKS)
        assert listed(visit) == ["更早的", "明天的"]
        assert [text for text in texts_of(visit) if text in (f"**{zh('Overdue')}]**", f"**{zh('Today')}**")]
        assert listed(visit.enter("tasks_period", "overdue")) == ["更早的"]

    def test_filters_stand_in_the_address(self, manager: Actor, sales: Actor, colleague: Actor) -> None:
        give(manager, sales, name="寄样品", priority="high")
        give(manager, colleague, name="报价", due_on=later(20))
        give(manager, manager, name="周会")
        visit = Visit(manager).go(routes.TASKS)
        assert listed(visit) == ["周会"]
        assert listed(visit.enter("tasks_whose", "all")) == ["寄样品", "周会", "报价"]
        assert listed(visit.enter("tasks_period", "week")) == ["寄样品", "周会"]
        assert listed(visit.enter("tasks_priority", ["high"])) == ["寄样品"]
        assert visit.query == {"tasks_whose": "all", "tasks_period": "week", "tasks_priority": "high"}
        assert listed(Visit(manager).go(routes.TASKS, **visit.query)) == ["寄样品"]
        assert listed(Visit(manager).go(routes.TASKS, tasks_whose="given")) == ["寄样品", "报价"]
        assert listed(Visit(manager).go(routes.TASKS, tasks_whose=str(colleague.id))) == ["报价"]
        spanned = Visit(manager).go(routes.TASKS, tasks_whose="all", tasks_period="days", tasks_from=str(later(10)))
        assert listed(spanned) == ["报价"]

    def test_back_from_a_record_the_address_names_it_no_more(self, sales: Actor) -> None:
        assert Visit(sales).go(routes.TASKS, code="CUS202601001").query == {}
        assert Visit(sales).go(routes.TASKS, code="CUS202601001", tasks_period="week").query == {"tasks_period": "week"}

    def test_somebody_who_leads_nobody_has_neither_the_team_nor_ticks(self, sales: Actor, colleague: Actor) -> None:
        give(colleague, colleague, name="同事的")
        visit = Visit(sales).go(routes.TASKS, tasks_whose="all", tasks_shape="team")
        assert listed(visit) == []
        assert not visit.has("tasks_tick")
        assert [*visit.widget("tasks_whose").options] == [zh("My tasks"), zh("Given by me to others")]

    def test_a_page_holds_twenty(self, sales: Actor) -> None:
        for number in range(21):
            give(sales, sales, name=f"第{number}件")
        visit = Visit(sales).go(routes.TASKS)
        assert len(listed(visit)) == 20
        assert shows(visit, zh("{total} tasks").format(total=21))
        assert len(listed(Visit(sales).go(routes.TASKS, page="2"))) == 1


class TestForm:
    def test_a_task_with_everything(self, manager: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales, name="杭州远帆科技有限公司")
        visit = Visit(manager).go(routes.TASKS).press("Add task")
        visit.enter("Customer", "远帆").enter("task_every", "quarter")
        assert shows(visit, zh("First days: {days}").format(days="")[:4])
        visit.fill(task_name="季度回访", task_due=later(3), task_priority="high", task_description="确认反馈", task_steps="打电话\n记录")
        visit.enter("task_assignee", sales.id).enter("task_lead", 60).press("Add task")
        task = only_task()
        assert (task.name, task.assignee_id, task.customer_id, task.priority) == ("季度回访", sales.id, customer.id, "high")
        assert (task.due_at, task.remind_lead, task.on_holiday) == (tasks.end_of(later(3)), 60, "after")
        assert (task.rule or "").startswith("FREQ=MONTHLY;INTERVAL=3")
        with reading(sales) as session:
            assert [step.name for step in task_work.list_steps(session, sales, task.id)] == ["打电话", "记录"]

    def test_whoever_does_not_see_the_customer_is_refused_by_name_and_the_form_stays(self, manager: Actor, sales: Actor) -> None:
        customer, other = factories.make_customer(sales, name="杭州远帆科技有限公司"), factories.make_user(team_id=max(manager.team_ids))
        visit = Visit(manager).go(routes.TASKS).press("Add task").enter("Customer", "远帆")
        visit.fill(task_name="回访", task_due=later(3)).enter("task_assignee", other.id).press("Add task")
        assert zh("This person does not see the customer. Choose somebody who does, or transfer it first.") in visit.refusals[0]
        assert visit.widget("task_name").value == "回访"
        with reading(SYSTEM) as session:
            assert session.execute(select(Task).where(Task.customer_id == customer.id)).first() is None

    def test_a_dialog_knows_nothing_of_the_one_before(self, sales: Actor) -> None:
        give(sales, sales, name="寄样品", description="两份")
        visit = Visit(sales).go(routes.TASKS).press("Add task").enter("task_name", "别的").enter("task_every", "quarter")
        visit.press("leave_dialog").press("Edit")
        assert [visit.widget(key).value for key in ("task_name", "task_description", "task_every")] == ["寄样品", "两份", "never"]

    def test_without_a_name_nothing_is_kept_and_the_reason_is_told(self, any_database: str, sales: Actor) -> None:
        visit = Visit(sales).go(routes.TASKS).press("Add task").press("Add task")
        assert zh("Say what has to be done.") in visit.refusals[0]
        with reading(SYSTEM) as session:
            assert session.execute(select(Task)).first() is None

    def test_an_edit_begins_with_what_is_there_and_changes_only_what_was_entered(self, sales: Actor) -> None:
        due = clock.start_of_day(later(2)) + timedelta(hours=15)
        start = later(2)
        rule = Recurrence(f"FREQ=WEEKLY;INTERVAL=2;UNTIL={later(90):%Y%m%d}", start)
        give(sales, sales, name="回访", due_on=None, due_at=due, recurrence=rule, remind_lead=15, description="旧")
        before = only_task()
        visit = Visit(sales).go(routes.TASKS).press("Edit").enter("task_description", "新").press("Save")
        assert visit.refusals == []
        after = only_task()
        assert after.description == "新"
        assert (after.due_at, after.rule, after.rule_from, after.remind_lead) == (before.due_at, before.rule, start, 15)
        Visit(sales).go(routes.TASKS).press("Edit").enter("task_every", "month").press("Save")
        assert (only_task().rule or "").startswith("FREQ=MONTHLY;BYMONTHDAY=")
        assert (only_task().rule or "").endswith(f"UNTIL={later(90):%Y%m%d}")


class TestDialog:
    def test_a_notice_leads_to_it(self, manager: Actor, sales: Actor) -> None:
        give(manager, sales, name="寄样品")
        with reading(sales) as session:
            path = session.execute(select(Notice.path).where(Notice.user_id == sales.id)).scalar_one()
        file, query = routes.parse(path)
        visit = Visit(sales).go(file, **query)
        assert visit.has("task_done")
        assert shows(visit, zh("Given by {name}").format(name=manager.name))
        assert "task" not in visit.query

    def test_a_task_that_is_not_visible_is_not_confirmed(self, sales: Actor, stranger: Actor) -> None:
        task = give(stranger, stranger, name="别人的")
        for asked in (str(task.id), "999999999", "9" * 40, "x"):
            visit = Visit(sales).go(routes.TASKS, task=asked)
            assert not shows(visit, "别人的")
            assert not visit.has("task_done")

    def test_steps_are_ticked_and_comments_said_in_place(self, manager: Actor, sales: Actor) -> None:
        task = give(manager, sales, steps=["打电话"])
        visit = Visit(sales).go(routes.TASKS, task=str(task.id)).enter("打电话", True)
        visit.fill(task_step="记录").press("Add step").fill(task_comment="约好了").press("Send")
        assert shows(visit, "约好了")
        with reading(sales) as session:
            steps = task_work.list_steps(session, sales, task.id)
            comments = task_comments.list_comments(session, sales, task.id)
        assert [(step.name, step.done_at is not None) for step in steps] == [("打电话", True), ("记录", False)]
        assert [one.content for one in comments] == ["约好了"]

    def test_it_is_done_with_a_note_and_opened_again(self, sales: Actor) -> None:
        give(sales, sales)
        visit = Visit(sales).go(routes.TASKS).press("Done").press("Done")
        assert zh("Say what came of it.") in visit.refusals[0]
        visit.enter("task_note", "已寄出").press("Done")
        assert (only_task().state, only_task().done_note) == (TaskState.DONE, "已寄出")
        Visit(sales).go(routes.TASKS, tasks_state="done").press("Open again")
        assert only_task().is_open

    @pytest.mark.parametrize(("entry", "days"), [("Put off by one day", 1), ("Put off by one week", 7)])
    def test_it_is_put_off_from_the_menu(self, sales: Actor, entry: str, days: int) -> None:
        give(sales, sales, due_on=later(1))
        Visit(sales).go(routes.TASKS).press(entry)
        assert only_task().due_at == tasks.end_of(later(1 + days))

    def test_it_is_put_off_to_a_day_and_time(self, sales: Actor) -> None:
        give(sales, sales)
        visit = Visit(sales).go(routes.TASKS).press("Put off to a day…")
        visit.fill(task_later=later(9), task_later_time=datetime(2026, 1, 1, 14, 30).time()).press("Put off")
        assert only_task().due_at == clock.start_of_day(later(9)) + timedelta(hours=14, minutes=30)

    @pytest.mark.parametrize(("is_whole", "count"), [(False, 2), (True, 1)])
    def test_one_of_a_series_is_cancelled_or_all(self, sales: Actor, is_whole: bool, count: int) -> None:
        give(sales, sales, recurrence=Recurrence("FREQ=WEEKLY", later(1)))
        visit = Visit(sales).go(routes.TASKS).press("Cancel task").fill(task_whole=is_whole, task_reason="客户停业")
        visit.press("Cancel task")
        with reading(SYSTEM) as session:
            states = [task.state for task in session.execute(select(Task).order_by(Task.id)).scalars()]
        assert states == ["cancelled", "open"][:count]

    def test_somebody_elses_task_is_read_only_for_who_leads_nobody(self, manager: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        task = give(manager, manager, customer)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Tasks")
        assert listed(visit) == [task.name]
        assert not visit.has("Done")
        assert not visit.has("Put off by one day")
        visit.press(f"task_title_{task.id}")
        assert visit.has("task_comment")
        assert not visit.has("task_done")


class TestBoard:
    def test_buttons_move_a_task_on_and_back(self, sales: Actor) -> None:
        give(sales, sales)
        visit = Visit(sales).go(routes.TASKS, tasks_shape="board").press("Begin")
        assert only_task().state == TaskState.DOING
        visit.press("Put back to do")
        assert only_task().state == TaskState.OPEN
        visit.press("Done").enter("task_note", "好了").press("Done")
        assert only_task().state == TaskState.DONE

    def test_columns_hold_what_the_filters_find(self, manager: Actor, sales: Actor) -> None:
        give(manager, sales, name="寄样品")
        finish(sales, give(manager, sales, name="报价"))
        visit = Visit(manager).go(routes.TASKS, tasks_shape="board", tasks_whose="all")
        assert listed(visit) == ["寄样品", "报价"]
        assert listed(visit.enter("tasks_q", "样")) == ["寄样品"]


class TestTeam:
    def test_counts_stand_by_person(self, manager: Actor, sales: Actor, colleague: Actor, set_clock: SetClock) -> None:
        give(manager, sales)
        give(manager, sales, due_on=later(9))
        set_clock(clock.start_of_day(later(2)))
        visit = Visit(manager).go(routes.TASKS, tasks_shape="team")
        (row,) = visit.tab.dataframe[0].value.to_dict("records")
        assert row["name"].endswith(sales.name)
        assert (row["open"], row["overdue"], row["today"]) == (2, 1, 0)

    def test_ticked_tasks_are_passed_on_together_and_what_stays_is_told(self, manager: Actor, sales: Actor, colleague: Actor) -> None:
        first, second = give(manager, sales), give(manager, sales, factories.make_customer(sales))
        visit = Visit(manager).go(routes.TASKS, tasks_whose="all").press("tasks_tick")
        for one in (first, second):
            visit.enter(f"task_tick_{one.id}", True)
        visit.press("tasks_pass").enter("tasks_assignee", colleague.id).press("Pass on")
        assert (now(first).assignee_id, now(second).assignee_id) == (colleague.id, sales.id)
        assert zh("{count} tasks were passed on.").format(count=1) in visit.toasts[0]
        assert zh("This person does not see the customer. Choose somebody who does, or transfer it first.") in visit.toasts[0]

    def test_a_dialog_that_was_dismissed_leaves_nothing_to_the_next_one(self, manager: Actor, sales: Actor, colleague: Actor) -> None:
        one = give(manager, sales)
        visit = Visit(manager).go(routes.TASKS, tasks_whose="all").press("tasks_tick").enter(f"task_tick_{one.id}", True)
        for button, name, value in (("tasks_pass", "tasks_assignee", colleague.id), ("tasks_later", "tasks_how", "day")):
            dismissed = visit.press(button).enter(name, value).widget(name).key
            # The browser keeps what was chosen under a key, and would show it again though the server begins anew.
            assert visit.press("Cancel").press(button).widget(name).key != dismissed
            visit.press("Cancel")

    def test_ticked_tasks_are_put_off_together(self, manager: Actor, sales: Actor) -> None:
        first, second = give(manager, sales), give(manager, manager)
        visit = Visit(manager).go(routes.TASKS, tasks_whose="all").press("tasks_tick")
        for one in (first, second):
            visit.enter(f"task_tick_{one.id}", True)
        visit.press("tasks_later").enter("tasks_how", "7").press("Put off")
        assert {now(one).due_at for one in (first, second)} == {tasks.end_of(later(8))}


class TestCalendar:
    def day(self, visit: Visit, day: date) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in visit.component(CALENDAR)["days"] if one["day"] == day.isoformat())
        return found

    def test_a_month_is_whole_weeks_with_working_days_and_holidays(self, sales: Actor, set_clock: SetClock) -> None:
        set_clock(datetime(2026, 9, 20, 9, tzinfo=SHANGHAI))
        visit = Visit(sales).go(routes.CALENDAR, calendar_day="2026-10-08")
        shown = visit.component(CALENDAR)["days"]
        assert (shown[0]["day"], shown[-1]["day"]) == ("2026-09-28", "2026-11-01")
        national, made_up, weekend = (self.day(visit, date(2026, 10, number)) for number in (1, 10, 18))
        assert (national["mark"], national["holiday"], "free" in national["look"]) == ("休", "国庆节", True)
        assert (made_up["mark"], "free" in made_up["look"]) == ("班", False)
        assert (weekend["mark"], "free" in weekend["look"]) == ("", True)

    def test_tasks_stand_on_their_day_and_a_crowd_collapses(self, sales: Actor) -> None:
        for number in range(6):
            give(sales, sales, name=f"第{number}件", due_on=None, due_at=clock.start_of_day(later(1)) + timedelta(hours=8 + number))
        found = self.day(Visit(sales).go(routes.CALENDAR, calendar_day=str(later(1))), later(1))
        assert [(task["title"], task["time"]) for task in found["tasks"]] == [
            (f"第{number}件", f"{8 + number:02}:00") for number in range(4)
        ]
        assert found["more"] == zh("+{count} more").format(count=2)

    def test_a_dragged_task_moves_with_its_time(self, sales: Actor) -> None:
        due = clock.start_of_day(later(1)) + timedelta(hours=15)
        task = give(sales, sales, due_on=None, due_at=due)
        visit = Visit(sales).go(routes.CALENDAR, calendar_view="week", calendar_day=str(later(1)))
        visit.tell(CALENDAR, "moved", {"id": task.id, "version": 1, "day": str(later(4))})
        assert only_task().due_at == due + timedelta(days=3)
        visit.tell(CALENDAR, "moved", {"id": task.id, "version": 1, "day": str(later(5))})
        assert visit.refusals
        for wrong in ({"id": "1"}, {"id": task.id, "version": 2, "day": "x"}, {"id": task.id, "version": 2, "day": str(later(-1))}):
            visit.tell(CALENDAR, "moved", wrong)
        assert only_task().due_at == due + timedelta(days=3)

    def test_a_click_opens_a_task_or_adds_one_on_that_day(self, sales: Actor) -> None:
        task = give(sales, sales, name="寄样品")
        visit = Visit(sales).go(routes.CALENDAR).tell(CALENDAR, "opened", {"id": task.id})
        assert visit.has("task_done")
        visit = Visit(sales).go(routes.CALENDAR).tell(CALENDAR, "added", {"day": str(later(6))})
        assert visit.widget("task_due").value == later(6)
        visit.enter("task_name", "报价").press("Add task")
        with reading(SYSTEM) as session:
            assert session.execute(select(Task.due_at).where(Task.name == "报价")).scalar_one() == tasks.end_of(later(6))

    def test_a_crowded_day_is_shown_alone_and_the_address_follows(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.CALENDAR).tell(CALENDAR, "shown", {"day": str(later(2))})
        assert [one["day"] for one in visit.component(CALENDAR)["days"]] == [str(later(2))]
        assert visit.query == {"calendar_view": "day", "calendar_day": str(later(2))}
        visit.press("calendar_on")
        assert [one["day"] for one in visit.component(CALENDAR)["days"]] == [str(later(3))]

    def test_a_head_looks_into_the_calendars_of_the_team(self, manager: Actor, sales: Actor, stranger: Actor) -> None:
        for person in (sales, stranger):
            give(person, person, name=person.name)
        visit = Visit(manager).go(routes.CALENDAR, calendar_day=str(later(1)))
        assert self.day(visit, later(1))["tasks"] == []
        assert [task["title"] for task in self.day(visit.enter("calendar_whose", str(sales.id)), later(1))["tasks"]] == [sales.name]
        assert [task["title"] for task in self.day(visit.enter("calendar_whose", "all"), later(1))["tasks"]] == [sales.name]
        assert not Visit(sales).go(routes.CALENDAR).has("calendar_whose")

    def test_days_beyond_reason_do_no_harm(self, any_database: str, sales: Actor) -> None:
        for day in ("0002-01-01", "9998-12-31", "x"):
            assert Visit(sales).go(routes.CALENDAR, calendar_day=day).component(CALENDAR)["days"]


class TestTwoAtOneTask:
    CHANGED = "Somebody else changed this task meanwhile. Look at how it stands now, then do it again."

    def test_what_both_put_off_moves_once_and_the_second_is_told(self, sales: Actor) -> None:
        task = give(sales, sales, due_on=later(3))
        first, second = (Visit(sales).go(routes.TASKS) for _one in range(2))
        first.pick(f"task_menu_{task.id}", "day")
        second.pick(f"task_menu_{task.id}", "day")
        assert (clock.day_of(now(task).due_at), zh(self.CHANGED) in " ".join(second.refusals)) == (later(4), True)
        second.pick(f"task_menu_{task.id}", "day")
        assert clock.day_of(now(task).due_at) == later(5)

    def test_what_was_changed_while_somebody_edits_is_not_overwritten_unseen(self, manager: Actor, sales: Actor) -> None:
        task = give(manager, sales, name="寄样品")
        visit = Visit(sales).go(routes.TASKS).pick(f"task_menu_{task.id}", "edit").enter("task_name", "寄两份样品")
        other = Visit(manager).go(routes.TASKS, tasks_whose="all").pick(f"task_menu_{task.id}", "edit")
        other.enter("task_name", "寄三份样品").press("Save")
        visit.press("Save")
        assert (now(task).name, zh(self.CHANGED) in " ".join(visit.refusals)) == ("寄三份样品", True)
        assert shows(visit, "寄三份样品")
        visit.press("Save")
        assert now(task).name == "寄两份样品"

    def test_what_was_done_meanwhile_is_not_done_again(self, sales: Actor) -> None:
        task = give(sales, sales)
        first, second = (Visit(sales).go(routes.TASKS).press(f"task_done_{task.id}").fill(task_note=name) for name in "甲乙")
        first.press("Done")
        second.press("Done")
        assert now(task).done_note == "甲"
        assert zh("This task was closed meanwhile. Reload the page to see by whom.") in " ".join(second.refusals)


class TestLink:
    def code(self, visit: Visit) -> str:
        return next((node.value for node in visit.elements("code")), "")

    def test_it_is_shown_once_renewed_and_ended(self, sales: Actor) -> None:
        give(sales, sales, name="寄样品")
        visit = Visit(sales).go(routes.SETTINGS).open_tab("settings_tab", "Calendar link").press("Make the link")
        first = self.code(visit)
        token = first.rpartition("/")[2].removesuffix(".ics")
        with transaction() as session:
            content = calendar_feed.read_feed(session, token).content
        assert [str(event["summary"]) for event in Calendar.from_ical(content).walk("VEVENT")] == ["寄样品"]
        assert self.code(visit.rerun()) == ""
        assert shows(visit, zh("last read {time}").format(time="")[:4])
        visit.press("Renew the link").press("Cancel")
        assert (self.code(visit), visit.has("Renew the link")) == ("", True)
        with transaction() as session:
            assert calendar_feed.read_feed(session, token).content  # nothing ended before it was said so twice
        second = self.code(visit.press("Renew the link").press("Renew now"))
        assert second not in ("", first)
        visit.press("End the link").press("End now")
        assert visit.has("Make the link")
        with transaction() as session:
            assert calendar_feed.read_feed(session, token).content == b""
