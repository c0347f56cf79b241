"""跟进记录 on a customer's page and on their own, the line of time, what heads look after, and the rules."""

from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import select, update

from crm_core import clock, db
from crm_core.config import settings
from crm_core.models import Attachment, Customer, FollowUp, Task, TaskState, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import follow_up_rules, follow_ups
from crm_core.services.customers import delete_customer
from crm_core.services.follow_up_rules import FollowUpPolicy
from crm_core.services.follow_ups import Entry
from crm_core.services.tasks import end_of
from tests import factories
from tests.core.test_follow_ups import plan, write
from tests.core.test_task_work import give
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes


def shows(visit: Visit, *words: str) -> bool:
    text = "\n".join(texts_of(visit))
    return all(word in text for word in words)


def opened(actor: Actor, customer: Customer, **query: str) -> Visit:
    return Visit(actor).go(routes.CUSTOMER, code=customer.code, **query)


def field(customer: Customer, name: str, turn: int = 0) -> str:
    return f"follow_up_{customer.id}_{turn}.{name}"


def filled(visit: Visit, customer: Customer, turn: int = 0, **values: object) -> Visit:
    """The form with what has to be in it."""
    usual = {"method": "phone", "subject": "产品需求沟通", "content": "想先看案例"}
    return visit.fill(**{field(customer, name, turn): value for name, value in (usual | values).items()})


def kept() -> list[FollowUp]:
    with db.reading(SYSTEM) as session:
        return list(session.execute(select(FollowUp).order_by(FollowUp.id)).scalars())


def planned() -> list[Task]:
    with db.reading(SYSTEM) as session:
        return list(session.execute(select(Task).order_by(Task.id)).scalars())


@pytest.fixture
def customer(sales: Actor) -> Customer:
    return factories.make_customer(sales, name="杭州恒远精密机械有限公司")


class TestWriting:
    def test_one_line_fills_the_form_which_is_saved_with_its_next_plan(self, sales: Actor, customer: Customer) -> None:
        visit = opened(sales, customer).enter(field(customer, "line"), "电话沟通报价，明天上午10点送方案")
        assert visit.widget(field(customer, "method")).value == "phone"
        assert visit.widget(field(customer, "due_on")).value == clock.today() + timedelta(days=1)
        assert kept() == []
        visit.press("Save follow-up")
        (made,), (task,) = kept(), planned()
        assert (made.method, made.content, made.author_id) == ("phone", "电话沟通报价，明天上午10点送方案", sales.id)
        due = datetime.combine(clock.today() + timedelta(days=1), time(10), settings().timezone)
        assert (task.follow_up_id, task.due_at, task.assignee_id, task.name) == (made.id, due, sales.id, "送方案")
        assert visit.toasts == [zh("The follow-up is saved.")]
        assert shows(visit, "送方案", zh("Next step"))

    def test_the_whole_form_is_kept_with_all_of_its_fields(self, sales: Actor, manager: Actor, customer: Customer) -> None:
        person = factories.make_contact(sales, customer)
        visit = opened(sales, customer).press("Write in full")
        moment = datetime.now(settings().timezone).replace(tzinfo=None, second=0, microsecond=0) - timedelta(hours=2)
        day = clock.today() + timedelta(days=5)
        values = {"happened_at": moment, "contact_id": person.id, "feedback": "同意方案", "mentions": [manager.id]}
        filled(visit, customer, **values, goal="签合同", due_on=day, remind_lead=60, method="visit").press("Save follow-up")
        (made,), (task,) = kept(), planned()
        assert made.happened_at == moment.replace(tzinfo=settings().timezone)
        assert (made.method, made.contact_id, made.feedback, made.subject) == ("visit", person.id, "同意方案", "产品需求沟通")
        assert (task.due_at, task.remind_lead) == (end_of(day), 60)
        assert shows(visit, "同意方案", manager.name, person.name, "签合同")

    def test_what_is_wrong_is_said_at_its_fields_and_what_was_typed_stays(self, sales: Actor, customer: Customer) -> None:
        visit = opened(sales, customer).press("Write in full")
        visit.fill(**{field(customer, "feedback"): "需再考虑", field(customer, "due_on"): clock.today() - timedelta(days=1)})
        visit.press("Save follow-up")
        for sentence in ("Choose how you were in touch.", "Say what it was about.", "Write down what was said."):
            assert shows(visit, zh(sentence))
        assert shows(visit, zh("Say what is to be reached next."), zh("Choose today or a later day."))
        assert visit.widget(field(customer, "feedback")).value == "需再考虑"
        assert kept() == []

    def test_a_colleague_who_left_while_it_was_written_is_named_and_what_was_typed_stays(
        self, sales: Actor, manager: Actor, customer: Customer
    ) -> None:
        visit = filled(opened(sales, customer).press("Write in full"), customer, mentions=[manager.id])
        with db.transaction(SYSTEM) as session:
            session.execute(update(User).where(User.id == manager.id).values(is_active=False))
        visit.press("Save follow-up")
        assert kept() == []
        assert shows(visit, manager.name)
        assert visit.widget(field(customer, "content")).value == "想先看案例"

    def test_a_plan_for_a_customer_that_was_deleted_meanwhile_is_refused_in_a_sentence(
        self, sales: Actor, manager: Actor, customer: Customer
    ) -> None:
        visit = filled(opened(sales, customer).press("Write in full"), customer, goal="签合同", due_on=clock.today())
        with db.transaction(manager) as session:
            delete_customer(session, manager, customer.id, reason="")
        visit.press("Save follow-up")
        assert kept() == planned() == []
        assert zh("This customer was deleted or is not visible to you. Go back to the customer list.") in visit.refusals[0]

    def test_a_draft_survives_another_tab_and_another_page_and_shows_at_no_other_customer(self, sales: Actor, customer: Customer) -> None:
        other = factories.make_customer(sales)
        visit = opened(sales, customer).press("Write in full")
        visit.enter(field(customer, "content"), "写到一半")
        visit.open_tab("detail_tab", "Tasks")
        assert not visit.has(field(customer, "content"))
        visit.open_tab("detail_tab", "Follow-ups")
        assert visit.widget(field(customer, "content")).value == "写到一半"
        visit.tab.query_params["code"] = other.code
        visit.rerun()
        assert not shows(visit, "写到一半")
        assert visit.has("Write in full")
        visit.tab.query_params["code"] = customer.code
        assert visit.rerun().widget(field(customer, "content")).value == "写到一半"
        assert visit.press("Discard").has("Write in full")
        assert visit.press("Write in full").widget(field(customer, "content", turn=1)).value == ""

    def test_what_is_half_written_is_found_again_after_a_refresh_with_its_file(self, sales: Actor, customer: Customer) -> None:
        visit = opened(sales, customer).press("Write in full")
        moment = datetime(2026, 5, 6, 7, 8)
        day = clock.today() + timedelta(days=5)
        filled(visit, customer, happened_at=moment, content="写到一半👍", goal="签合同", due_on=day, due_time=time(9, 30))
        visit.upload("报价.pdf", factories.PDF)
        again = opened(sales, customer)
        values = {
            "happened_at": moment,
            "content": "写到一半👍",
            "goal": "签合同",
            "due_on": day,
            "due_time": time(9, 30),
            "method": "phone",
        }
        assert {name: again.widget(field(customer, name)).value for name in values} == values
        assert shows(again, "报价", zh("Saved as a draft while you type."))
        listed = Visit(sales).go(routes.FOLLOW_UPS)
        assert shows(listed, customer.name)
        assert listed.press("Continue").widget(field(customer, "content")).value == "写到一半👍"
        again.press("Save follow-up")
        assert [made.content for made in kept()] == ["写到一半👍"]
        with db.reading(SYSTEM) as session:
            assert len(session.execute(select(Attachment)).all()) == 1
        assert opened(sales, customer).has("Write in full")
        assert not shows(Visit(sales).go(routes.FOLLOW_UPS), zh("Continue"))

    def test_a_discarded_draft_is_gone_and_an_untouched_form_leaves_none(self, sales: Actor, customer: Customer) -> None:
        visit = opened(sales, customer).press("Write in full")
        assert opened(sales, customer).has("Write in full")
        visit.enter(field(customer, "content"), "写到一半")
        assert not opened(sales, customer).has("Write in full")
        visit.press("Discard")
        assert opened(sales, customer).has("Write in full")

    def test_a_second_click_on_save_saves_nothing_more(self, sales: Actor, customer: Customer) -> None:
        visit = filled(opened(sales, customer).press("Write in full"), customer)
        button = visit.widget("Save follow-up", "button")
        fragment = visit._fragment_of(button)
        visit.press("Save follow-up")
        button.click()
        visit._run(fragment)
        assert len(kept()) == 1

    def test_a_save_whose_run_was_cut_off_after_it_was_kept_is_not_repeated(self, sales: Actor, customer: Customer) -> None:
        visit = filled(opened(sales, customer).press("Write in full"), customer).rerun()
        visit.tab.session_state["follow_up_writings"][customer.id].is_saved = True
        visit.press("Save follow-up")
        assert kept() == []
        assert visit.has("Write in full")

    def test_a_file_comes_with_it(self, sales: Actor, customer: Customer) -> None:
        visit = filled(opened(sales, customer).press("Write in full"), customer)
        visit.upload("方案.pdf", factories.PDF)
        assert shows(visit, zh("Remove"))
        visit.press("Save follow-up")
        with db.reading(SYSTEM) as session:
            file = session.execute(select(Attachment)).scalar_one()
        assert (file.follow_up_id, file.customer_id) == (kept()[0].id, customer.id)

    def test_a_file_of_another_kind_is_refused_in_words(self, sales: Actor, customer: Customer) -> None:
        visit = opened(sales, customer).press("Write in full").upload("x.pdf", b"no picture")
        assert "PDF" in visit.refusals[0]

    def test_the_next_follow_up_closes_the_plan_of_the_one_before(self, sales: Actor, customer: Customer) -> None:
        visit = opened(sales, customer).enter(field(customer, "line"), "电话沟通报价，明天送方案").press("Save follow-up")
        filled(visit.press("Write in full"), customer, 1, method="visit", subject="方案演示").press("Save follow-up")
        assert [task.state for task in planned()] == [TaskState.DONE]
        assert shows(visit, zh("No next step"))

    @pytest.mark.parametrize("role", ["service", "viewer", "marketing"])
    def test_who_only_reads_sees_them_and_writes_none(self, sales: Actor, teams: dict[str, int], customer: Customer, role: str) -> None:
        write(sales, customer, plan(sales))
        visit = opened(factories.make_user(role=role, team_id=teams["east"]), customer)
        assert shows(visit, "产品需求沟通", "送报价单")
        assert not any(visit.has(name) for name in ("Write in full", field(customer, "line"), "Correct follow-up", "Cancel the plan"))

    def test_a_customer_without_any_says_what_to_do(self, sales: Actor, customer: Customer) -> None:
        assert shows(opened(sales, customer), zh("No follow-ups yet"), zh("No next step"))


class TestOne:
    def test_a_late_entry_is_marked(self, sales: Actor, customer: Customer) -> None:
        write(sales, customer)
        assert not shows(opened(sales, customer), zh("Late entry"))
        write(sales, customer, happened_at=clock.now() - timedelta(days=3))
        assert shows(opened(sales, customer), zh("Late entry"))

    def test_it_is_corrected_for_a_reason_and_its_trace_is_shown(self, sales: Actor, customer: Customer) -> None:
        write(sales, customer)
        visit = opened(sales, customer).press("Correct follow-up").fill(**{"follow_up_correction.content": "客户要求月底前交货"})
        visit.press("Save")
        assert shows(visit, zh("Say why it is corrected."))
        visit.fill(follow_up_correction_reason="记错了").press("Save")
        assert kept()[0].content == "客户要求月底前交货"
        assert shows(visit, zh("Corrected"))
        visit.press("What was corrected")
        assert shows(visit, "希望下周给出报价", "客户要求月底前交货", "记错了", sales.name)

    def test_who_corrects_second_sees_the_other_version_and_decides(self, sales: Actor, manager: Actor, customer: Customer) -> None:
        made = write(sales, customer)
        visit = opened(sales, customer).press("Correct follow-up").fill(**{"follow_up_correction.subject": "报价沟通"})
        with db.transaction(manager) as session:
            theirs = Entry(made.happened_at, "email", "主管改过的主题", made.content)
            follow_ups.correct_follow_up(session, manager, made.id, theirs, version=made.version, reason="更正")
        visit.fill(follow_up_correction_reason="我的更正").press("Save")
        assert shows(visit, manager.name, "主管改过的主题")
        assert kept()[0].subject == "主管改过的主题"
        visit.press("Save")
        assert kept()[0].subject == "报价沟通"

    def test_only_its_author_and_heads_are_offered_to_correct_it(self, sales: Actor, manager: Actor, customer: Customer) -> None:
        write(manager, customer)
        assert not opened(sales, customer).has("Correct follow-up")
        assert opened(manager, customer).has("Correct follow-up")

    def test_its_plan_is_moved_and_cancelled(self, sales: Actor, customer: Customer) -> None:
        write(sales, customer, plan(sales))
        day = clock.today() + timedelta(days=9)
        visit = opened(sales, customer).press("Next step").fill(**{"follow_up_plan.goal": ""})
        visit.press("Save")
        assert shows(visit, zh("Say what is to be reached next."))
        visit.fill(**{"follow_up_plan.goal": "改期送报价", "follow_up_plan.due_on": day, "follow_up_plan.due_time": None}).press("Save")
        assert [(task.name, task.due_at) for task in planned()] == [("改期送报价", end_of(day))]
        visit.press("Cancel the plan").press("Cancel the plan")
        assert [task.state for task in planned()] == [TaskState.CANCELLED]

    def test_it_is_deleted_by_a_head_for_a_reason(self, sales: Actor, manager: Actor, customer: Customer) -> None:
        write(sales, customer)
        assert not opened(sales, customer).has("Delete follow-up")
        visit = opened(manager, customer).press("Delete follow-up").press("Delete")
        assert zh("Say why it is deleted.") in visit.refusals[0].replace("\\", "")
        visit.fill(follow_up_delete_reason="重复录入").press("Delete")
        assert kept() == []
        assert shows(visit, zh("No follow-ups yet"))

    def test_a_file_is_added_later(self, sales: Actor, customer: Customer) -> None:
        write(sales, customer)
        visit = opened(sales, customer).press("Add a file").upload("x.pdf", factories.PDF).press("Save")
        assert visit.refusals == []
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Attachment.follow_up_id)).scalar_one() == kept()[0].id

    def test_a_long_one_is_cut_and_opens_in_full(self, sales: Actor, customer: Customer) -> None:
        write(sales, customer, content="长" * 399 + "\n" + "尾声")
        visit = opened(sales, customer)
        assert not shows(visit, "尾声")
        assert shows(visit.press("Read in full"), "尾声")

    def test_older_ones_are_shown_on_demand(self, sales: Actor, customer: Customer) -> None:
        for number in range(7):
            write(sales, customer, subject=f"第{number}次", happened_at=clock.now() - timedelta(hours=number))
        visit = opened(sales, customer)
        assert not shows(visit, "第6次")
        assert shows(visit.press("follow_ups_more"), "第6次")

    def test_a_notice_leads_to_it_above_all_others_whatever_tab_was_open(self, sales: Actor, customer: Customer) -> None:
        first = write(sales, customer, subject="最早的一次", happened_at=clock.now() - timedelta(days=9))
        for number in range(6):
            write(sales, customer, subject=f"第{number}次")
        visit = opened(sales, customer).open_tab("detail_tab", "Tasks")
        visit.tab.query_params["follow_up"] = str(first.id)
        assert shows(visit.rerun(), "最早的一次")
        assert visit.has(f"follow_up_menu_{first.id}_plan")

    @pytest.mark.parametrize("number", ["999", "x", "9" * 30, "-1"])
    def test_one_that_is_gone_leaves_the_page_as_it_is(self, sales: Actor, customer: Customer, number: str) -> None:
        write(sales, customer)
        assert shows(opened(sales, customer, follow_up=number), "产品需求沟通")

    def test_one_of_another_customer_is_not_shown_here(self, sales: Actor, customer: Customer) -> None:
        elsewhere = write(sales, factories.make_customer(sales), subject="别家的事")
        assert not shows(opened(sales, customer, follow_up=str(elsewhere.id)), "别家的事")


class TestTimeline:
    def test_it_is_narrowed_to_kinds_and_words(self, sales: Actor, customer: Customer) -> None:
        write(sales, customer, plan(sales))
        visit = opened(sales, customer).open_tab("detail_tab", "Timeline")
        assert shows(visit, "产品需求沟通", "送报价单")
        visit.enter(f"timeline_kinds_{customer.id}", ["follow_up"])
        assert shows(visit, "产品需求沟通")
        assert not shows(visit, "送报价单")
        visit.enter(f"timeline_phrase_{customer.id}", "没有这样的话")
        assert shows(visit, zh("Nothing found"))


class TestAll:
    def test_they_are_searched_and_filtered_and_the_address_keeps_it(self, sales: Actor, manager: Actor, customer: Customer) -> None:
        write(sales, customer, subject="报价沟通")
        write(manager, customer, subject="上门拜访", method="visit", mentions=(sales.id,), happened_at=clock.now() - timedelta(days=3))
        visit = Visit(sales).go(routes.FOLLOW_UPS)
        assert shows(visit, "报价沟通", "上门拜访")
        for name, value in {"method": ["visit"], "author": [manager.id], "late": True, "mentioned": True, "q": "上门"}.items():
            visit = Visit(sales).go(routes.FOLLOW_UPS).enter(name, value)
            assert shows(visit, "上门拜访")
            assert not shows(visit, "报价沟通"), name
        assert visit.query == {"q": "上门"}
        assert shows(Visit(sales).go(routes.FOLLOW_UPS, until="2020-01-01"), zh("No follow-up matches"))
        assert shows(Visit(sales).go(routes.FOLLOW_UPS, files="1").press("Clear all filters"), "报价沟通")

    def test_each_leads_to_its_customer(self, sales: Actor, customer: Customer) -> None:
        made = write(sales, customer)
        visit = Visit(sales).go(routes.FOLLOW_UPS).press(f"follow_up_customer_{made.id}")
        assert (visit.page, visit.query) == (routes.CUSTOMER, {"code": customer.code, "follow_up": str(made.id)})

    def test_one_is_written_for_a_customer_found_by_name(self, sales: Actor, customer: Customer) -> None:
        factories.make_customer(sales)
        visit = Visit(sales).go(routes.FOLLOW_UPS)
        assert shows(visit, zh("No follow-ups yet"))
        visit.press("Write a follow-up").enter("follow_up_search", "恒远").press("Write in full")
        filled(visit, customer).press("Save follow-up")
        assert kept()[0].customer_id == customer.id
        assert shows(visit, "想先看案例")

    def test_who_only_reads_is_not_offered_to_write(self, sales: Actor, customer: Customer) -> None:
        write(sales, customer)
        visit = Visit(factories.make_user(role="service")).go(routes.FOLLOW_UPS)
        assert shows(visit, "产品需求沟通")
        assert not visit.has("Write a follow-up")

    def test_those_of_customers_out_of_sight_are_not_shown(self, sales: Actor, stranger: Actor, customer: Customer) -> None:
        write(sales, customer)
        assert not shows(Visit(stranger).go(routes.FOLLOW_UPS), "产品需求沟通")


class TestOversight:
    @pytest.fixture(autouse=True)
    def overdue(self, customer: Customer) -> None:
        """The customer's first follow-up was due yesterday."""
        with db.transaction(SYSTEM) as session:
            yesterday = clock.today() - timedelta(days=1)
            session.execute(update(Customer).where(Customer.id == customer.id).values(first_follow_up_on=yesterday))

    def test_a_head_gives_its_owner_a_task(self, sales: Actor, manager: Actor, customer: Customer) -> None:
        visit = Visit(manager).go(routes.OVERSIGHT)
        assert shows(visit, customer.name, sales.name)
        visit.press(f"watched_assign_{customer.id}").press("Assign task")
        (task,) = planned()
        assert (task.assignee_id, task.customer_id, task.name) == (sales.id, customer.id, zh("Make the first follow-up"))
        assert visit.toasts == [zh("{name} has the task now.").format(name=sales.name)]

    def test_the_lists_name_their_numbers_and_one_person_is_chosen(self, manager: Actor, colleague: Actor, customer: Customer) -> None:
        visit = Visit(manager).go(routes.OVERSIGHT)
        assert visit.widget("oversight_view").options == [
            f"{zh('First follow-up overdue')} 1",
            f"{zh('No next step')} 1",
            f"{zh('Long without contact')} 0",
            zh("By person"),
        ]
        visit.enter("oversight_owner", colleague.id)
        assert not shows(visit, customer.name)
        assert shows(visit, zh("Nobody is left waiting"))

    def test_the_rate_is_told_by_person_with_what_it_is_reckoned_from(self, sales: Actor, manager: Actor, customer: Customer) -> None:
        made = factories.make_customer(sales)
        write(sales, made)
        with db.transaction(SYSTEM) as session:
            session.execute(update(Customer).where(Customer.id == made.id).values(first_follow_up_on=clock.today()))
        visit = Visit(manager).go(routes.OVERSIGHT).enter("oversight_view", "by_person").enter("rates_period", "quarter")
        tallies, rates = (frame.value for frame in visit.tab.dataframe)
        assert tallies.iloc[0].tolist() == [sales.name, 1, 2, 0]
        assert rates.iloc[0].tolist() == [sales.name, 2, 1, 0, 1, "50%"]

    def test_a_salesperson_sees_their_own_and_gives_no_tasks(self, sales: Actor, stranger: Actor, customer: Customer) -> None:
        visit = Visit(sales).go(routes.OVERSIGHT)
        assert shows(visit, customer.name)
        assert not any(visit.has(name) for name in (f"watched_assign_{customer.id}", "oversight_owner"))
        assert not shows(Visit(stranger).go(routes.OVERSIGHT), customer.name)

    def test_a_head_whose_role_only_reads_sees_who_is_behind_and_changes_nothing(
        self, sales: Actor, teams: dict[str, int], customer: Customer
    ) -> None:
        reader = factories.make_user(role="viewer", name="督导", team_id=teams["east"])
        visit = Visit(reader).go(routes.OVERSIGHT)
        assert shows(visit, customer.name, sales.name)
        assert sales.name in visit.widget("oversight_owner").options
        assert not any(visit.has(f"watched_{act}_{customer.id}") for act in ("assign", "write"))
        visit.enter("oversight_view", "by_person")
        assert visit.tab.dataframe[0].value.iloc[0].tolist() == [sales.name, 1, 1, 0]

    def test_a_follow_up_written_here_takes_the_customer_off_the_list(self, sales: Actor, customer: Customer) -> None:
        visit = Visit(sales).go(routes.OVERSIGHT).press(f"watched_write_{customer.id}").press("Write in full")
        filled(visit, customer).press("Save follow-up")
        assert not shows(visit, customer.name)

    def test_the_customer_list_is_narrowed_to_those_without_a_next_step(self, sales: Actor, customer: Customer) -> None:
        planned_one = factories.make_customer(sales, name="宁波海岳物流有限公司")
        visit = Visit(sales).go(routes.CUSTOMERS, unplanned="1")
        assert len(visit.rows) == 2
        give(sales, sales, planned_one)
        assert [row["key"] for row in visit.rerun().rows] == [customer.code]


class TestRules:
    def test_they_are_saved_and_count_from_then_on(self, administrator: Actor, sales: Actor, customer: Customer) -> None:
        visit = Visit(administrator).go(routes.FOLLOW_UP_RULES)
        visit.fill(**{"follow_up_rules.late_hours": 100, "follow_up_rules.quiet_days": 7, "follow_up_rules.remind_lead": 60}).press("Save")
        assert visit.toasts == [zh("The rules were saved.")]
        with db.reading(SYSTEM) as session:
            assert follow_up_rules.get_follow_up_policy(session)[0] == FollowUpPolicy(100, 7, 60)
        assert not write(sales, customer, happened_at=clock.now() - timedelta(days=3)).is_late

    def test_who_saves_second_sees_what_the_first_saved(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.FOLLOW_UP_RULES).fill(**{"follow_up_rules.quiet_days": 7})
        with db.transaction(SYSTEM) as session:
            follow_up_rules.save_follow_up_policy(session, SYSTEM, FollowUpPolicy(quiet_days=90), version=0)
        visit.press("Save")
        assert visit.widget("follow_up_rules.quiet_days").value == 90
        assert visit.toasts == [zh("Somebody else saved the rules meanwhile. These are theirs; enter your change again.")]
        visit.fill(**{"follow_up_rules.quiet_days": 7}).press("Save")
        with db.reading(SYSTEM) as session:
            assert follow_up_rules.get_follow_up_policy(session)[0].quiet_days == 7
