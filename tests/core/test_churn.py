"""The churn warning on a database: what is read as of a day, the job, the list, the proof, the plans and the rules."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import ChurnPlan, ChurnPlanTask, ChurnScore, Contract, Customer, FollowUp, Notice, StageChange, Task, TaskState, Ticket
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.scope import unscoped
from crm_core.services import customers, merges, stage_changes
from crm_core.services import tasks as task_service
from crm_core.services.churn import plans, policy, proof, risks, scoring
from crm_core.services.churn.facts import read_facts
from crm_core.services.churn.plans import PlannedStep
from crm_core.services.churn.policy import ChurnPolicy, Step, Template
from crm_core.services.churn.risks import RiskQuery
from crm_core.services.churn.score import Facts
from crm_core.services.customer_changes import update_customer
from crm_core.visibility import View
from tests import factories

Clock = Callable[[datetime], None]
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
TODAY = date(2026, 7, 1)
STEPS = (PlannedStep("打电话问原因", TODAY + timedelta(days=1)), PlannedStep("上门拜访", TODAY + timedelta(days=7)))
_numbers = count(1)


@pytest.fixture(autouse=True)
def noon(set_clock: Clock) -> None:
    """The clock stands at noon of 1 July 2026."""
    set_clock(NOON)


def make(owner: Actor, *, days_ago: int = 900, tier: str | None = "A", stage: str = "customer", **values: object) -> Customer:
    """A customer entered so many days ago."""
    made = factories.make_customer(owner, tier=tier, stage=stage, **values)
    at = clock.now() - timedelta(days=days_ago)
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == made.id).values(created_at=at, first_follow_up_on=None))
        session.execute(update(StageChange).where(StageChange.customer_id == made.id).values(at=at))
    return made


def sign(customer: Customer, days_ago: int, amount: int = 1000, *, ends_in: int | None = None, voided: int | None = None) -> None:
    day = clock.today() - timedelta(days=days_ago)
    ends_on = None if ends_in is None else clock.today() + timedelta(days=ends_in)
    gone = None if voided is None else clock.now() - timedelta(days=voided)
    row = {"number": f"T{next(_numbers)}", "product": "网关", "amount": amount, "signed_on": day, "ends_on": ends_on, "voided_at": gone}
    with transaction(SYSTEM) as session:
        session.add(Contract(customer_id=customer.id, **row))


def touch(customer: Customer, *days_ago: int) -> None:
    with transaction(SYSTEM) as session:
        for days in days_ago:
            at = clock.now() - timedelta(days=days)
            row = {"author_id": customer.owner_id, "happened_at": at, "method": "phone", "subject": "回访", "content": "通话"}
            session.add(FollowUp(customer_id=customer.id, **row))


def complain(customer: Customer, days_ago: int, *, score: int | None = None, rated: int | None = None) -> None:
    made = factories.make_ticket(SYSTEM, customer)
    at = clock.now() - timedelta(days=days_ago)
    values: dict[str, object] = {"created_at": at, "updated_at": clock.now() - timedelta(days=rated or days_ago)}
    values |= {"satisfaction": score, "resolved_at": at} if score else {}
    with transaction(SYSTEM) as session:
        session.execute(update(Ticket).where(Ticket.id == made.id).values(values), execution_options=unscoped)


def lose(customer: Customer, days_ago: int) -> None:
    """Lost so many days ago."""
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(stage="churned"), execution_options=unscoped)
        at = clock.now() - timedelta(days=days_ago)
        session.add(StageChange(customer_id=customer.id, at=at, from_stage="customer", to_stage="churned"))


def known(customer: Customer, days_ago: int = 0, rules: ChurnPolicy | None = None) -> Facts | None:
    with reading(SYSTEM) as session:
        found = read_facts(session, rules or ChurnPolicy(), clock.today() - timedelta(days=days_ago))
    return found.facts.get(customer.id)


def reckon() -> None:
    with transaction(SYSTEM) as session:
        scoring.reckon_now(session)


def scores(customer: Customer) -> list[ChurnScore]:
    with reading(SYSTEM) as session:
        own = select(ChurnScore).where(ChurnScore.customer_id == customer.id).order_by(ChurnScore.day)
        return list(session.execute(own).scalars())


def listed(actor: Actor, query: RiskQuery | None = None) -> list[str]:
    with reading(actor) as session:
        return [row.name for row in risks.list_risks(session, actor, query or RiskQuery()).rows]


def quiet(owner: Actor, **values: object) -> Customer:
    """A customer at high risk: a monthly rhythm of contact and contract that broke off a year ago."""
    made = make(owner, **values)
    for days in range(400, 760, 30):
        sign(made, days)
    touch(made, *range(400, 760, 30))
    return made


def test_everything_known_of_a_customer_is_read(database: str, sales: Actor) -> None:
    made = make(sales)
    for days, amount in ((30, 100), (30, 50), (300, 1000), (400, 5000), (800, 70)):
        sign(made, days, amount, ends_in=90 if days == 300 else None)
    sign(made, 3, 999, voided=1)
    touch(made, 500, 40, 20)
    complain(made, 100, score=2)
    complain(made, 500, score=1)
    with transaction(sales) as session:
        task_service.create_task(session, sales, name="复盘", assignee_id=sales.id or 0, due_on=TODAY, customer_id=made.id)
    assert known(made) == Facts(
        day=TODAY,
        signings=4,
        first_signed=TODAY - timedelta(days=800),
        last_signed=TODAY - timedelta(days=30),
        year_amount=1150.0,
        before_amount=5000.0,
        ends_on=TODAY + timedelta(days=90),
        contacts=3,
        first_contact=TODAY - timedelta(days=500),
        last_contact=TODAY - timedelta(days=20),
        complaints=1,
        ratings=1,
        rating_sum=2,
        has_step=True,
    )


def test_as_of_a_past_day_nothing_later_is_known(database: str, sales: Actor) -> None:
    made = make(sales)
    sign(made, 300, 100)
    sign(made, 250, 10, voided=100)  # in force until later
    sign(made, 199, 777)
    touch(made, 400, 199)
    complain(made, 210)
    complain(made, 199)
    complain(made, 230, score=1, rated=150)  # asked later
    with transaction(sales) as session:
        task_service.create_task(session, sales, name="复盘", assignee_id=sales.id or 0, due_on=TODAY, customer_id=made.id)
    found = known(made, days_ago=200)
    assert found is not None
    assert (found.signings, found.last_signed, found.year_amount) == (2, TODAY - timedelta(days=250), 110.0)
    assert (found.contacts, found.last_contact) == (1, TODAY - timedelta(days=400))
    assert (found.complaints, found.ratings, found.has_step) == (2, 0, False)


def test_a_task_that_was_open_on_the_day_counts_though_it_is_done_by_now(database: str, sales: Actor) -> None:
    made = make(sales)
    at, done = NOON - timedelta(days=220), NOON - timedelta(days=180)
    with transaction(SYSTEM) as session:
        row = {"assignee_id": sales.id, "due_at": done, "created_at": at, "done_at": done, "state": "done"}
        session.add(Task(customer_id=made.id, name="回访", **row))
    present, past = known(made), known(made, days_ago=200)
    assert present is not None
    assert past is not None
    assert (present.has_step, past.has_step) == (False, True)


def test_type_and_tier_are_those_of_the_day(database: str, sales: Actor, administrator: Actor) -> None:
    lost, late, demoted = make(sales), make(sales, days_ago=100), make(sales)
    lose(lost, 50)
    with transaction(administrator, reason="调整") as session:
        version = session.execute(select(Customer.version).where(Customer.id == demoted.id)).scalar_one()
        update_customer(session, administrator, demoted.id, {"tier": "C"}, version=version, reason="调整")
    assert [known(one) is not None for one in (lost, late, demoted)] == [False, True, False]
    assert [known(one, days_ago=200) is not None for one in (lost, late, demoted)] == [True, False, True]


def test_high_value_is_by_tier_or_by_the_amount_that_the_administrator_sets(database: str, sales: Actor) -> None:
    by_tier, by_amount, neither = make(sales, tier="B"), make(sales, tier="C"), make(sales, tier=None)
    sign(by_amount, 10, 80_000)
    sign(neither, 400, 80_000)
    rules = ChurnPolicy(tiers=("B",), amount_from=Decimal(80_000))
    assert [known(one, 0, rules) is not None for one in (by_tier, by_amount, neither)] == [True, True, False]
    assert known(by_amount) is None
    assert known(make(sales, stage="prospect")) is None


def test_the_job_keeps_the_scores_with_their_reasons(database: str, sales: Actor) -> None:
    risky, fine = quiet(sales), make(sales)
    sign(fine, 10)
    touch(fine, 5)
    reckon()
    reckon()
    (now,) = [one for one in scores(risky) if one.was_lost is None]
    assert (now.day, now.band, now.quiet_days) == (TODAY, "high", 400)
    assert {code for code, _numbers in now.reasons} >= {"contracts", "contacts", "no_step"}
    assert scores(fine)[-1].band == "low"
    assert [one.day for one in scores(risky) if one.was_lost is not None] == [
        date(2025, 4, 1),
        date(2025, 7, 1),
        date(2025, 10, 1),
        date(2026, 1, 1),
    ]


def test_the_list_tells_what_changed_since_a_week_ago(database: str, sales: Actor, set_clock: Clock) -> None:
    made = quiet(sales)
    reckon()
    before = round(scores(made)[-1].score)
    for days in (3, 8):
        set_clock(NOON + timedelta(days=days))
        reckon()
    complain(made, 0)
    reckon()
    with reading(sales) as session:
        page = risks.list_risks(session, sales, RiskQuery())
    assert (page.day, page.compared_with) == (TODAY + timedelta(days=8), TODAY)
    (row,) = page.rows
    assert row.change == round(row.score) - before > 0
    assert row.reasons_before is not None
    assert "complaints" in {code for code, _n in row.reasons} - {code for code, _n in row.reasons_before}
    set_clock(NOON + timedelta(days=20))
    reckon()
    kept = {one.day for one in scores(made) if one.was_lost is None}
    assert kept == {TODAY + timedelta(days=days) for days in (8, 20)}


def test_each_sees_the_customers_of_their_own_scope(database: str, sales: Actor, colleague: Actor, manager: Actor, stranger: Actor) -> None:
    own, other, foreign = (quiet(one) for one in (sales, colleague, stranger))
    reckon()
    assert listed(sales) == [own.name]
    assert set(listed(manager)) == {own.name, other.name}
    assert set(listed(SYSTEM)) == {own.name, other.name, foreign.name}
    with reading(sales) as session:
        assert risks.score_of(session, sales, View(sales, other)) is None
        found = risks.score_of(session, sales, View(sales, own))
        assert found is not None
        assert found.band == "high"
        assert risks.list_owners(session, sales) == {sales.id: sales.name}


def test_the_list_is_filtered_by_band_tier_owner_and_team(
    database: str, sales: Actor, colleague: Actor, administrator: Actor, teams: dict[str, int]
) -> None:
    of_sales, of_colleague, low = quiet(sales), quiet(colleague, tier="B"), make(sales)
    sign(low, 10)
    touch(low, 3)
    reckon()
    assert listed(administrator, RiskQuery(tiers=("B",))) == [of_colleague.name]
    assert listed(administrator, RiskQuery(owners=(sales.id or 0,))) == [of_sales.name]
    assert listed(administrator, RiskQuery(bands=("low",))) == [low.name]
    assert set(listed(administrator, RiskQuery(teams=(teams["east"],)))) == {of_sales.name, of_colleague.name}
    assert listed(administrator, RiskQuery(teams=(teams["west"],))) == []
    with reading(administrator) as session:
        page = risks.list_risks(session, administrator, RiskQuery(page=9))
        assert (page.counts, page.total, page.page) == ({"high": 2, "medium": 0, "low": 1}, 2, 1)


def test_without_the_permission_nothing_is_told(database: str, administrator: Actor) -> None:
    clerk = factories.make_user(role="service")
    with reading(clerk) as session:
        for ask in (
            lambda: risks.list_risks(session, clerk, RiskQuery()),
            lambda: proof.get_proof(session, clerk),
            lambda: plans.list_plans(session, clerk),
            lambda: plans.start_plan(session, clerk, 1, name="回访", steps=STEPS, assignee_id=1),
        ):
            with pytest.raises(NotAllowed):
                ask()
        assert risks.score_of(session, clerk, View(clerk, factories.make_customer(administrator))) is None


def test_before_any_scores_were_reckoned_the_list_is_empty(database: str, sales: Actor) -> None:
    with reading(sales) as session:
        page = risks.list_risks(session, sales, RiskQuery())
        assert (page.rows, page.day, page.pages) == ([], None, 1)
        assert proof.get_proof(session, sales).score is None


def test_the_owner_is_told_when_a_customer_comes_to_high_risk(database: str, sales: Actor, set_clock: Clock) -> None:
    first = quiet(sales)
    reckon()
    assert told(sales) == []  # the first time everybody would be told of everything
    second = make(sales)
    touch(second, 400)
    sign(second, 800)
    reckon()
    if scores(second)[-1].band != "high":
        for days in (3, 2, 1):
            complain(second, days)
        reckon()
    reckon()
    assert told(sales) == [second.id]
    assert first.id not in told(sales)


def told(actor: Actor) -> list[int | None]:
    with reading(actor) as session:
        return list(session.execute(select(Notice.customer_id).where(Notice.kind == "churn_high")).scalars())


def test_the_proof_finds_who_was_lost_on_the_own_past(database: str, sales: Actor, colleague: Actor) -> None:
    """On 1 January 2026 six of twelve were quiet, five of them were lost within 180 days, and one that was not quiet."""
    risky, fine = [quiet(sales) for _n in range(6)], [make(sales) for _n in range(6)]
    for one in fine:
        sign(one, 190)
        touch(one, *range(182, 700, 60))
    for one in (*risky[:5], fine[0]):
        lose(one, 100)
    lose(fine[1], 1)  # on the last day that counts: 30 June, 180 days after 1 January
    reckon()
    with reading(sales) as session:
        found = proof.get_proof(session, sales)
    (day,) = [one for one in found.days if one.day == date(2026, 1, 1)]
    assert (day.score.counted, day.score.lost, day.score.flagged, day.score.caught) == (12, 7, 6, 5)
    assert found.score is not None
    assert found.score.area is not None
    assert 0.5 < found.score.area <= 1
    with reading(colleague) as session:
        assert proof.get_proof(session, colleague).counted == 0


def start(actor: Actor, customer: Customer, **over: object) -> ChurnPlan:
    values: dict[str, Any] = {"name": "回访", "steps": STEPS, "assignee_id": actor.id or 0} | over
    with transaction(actor) as session:
        return plans.start_plan(session, actor, customer.id, **values)


def plan_page(actor: Actor) -> plans.PlanPage:
    with reading(actor) as session:
        return plans.list_plans(session, actor)


def test_a_plan_gives_its_tasks_to_the_assignee(database: str, sales: Actor, manager: Actor) -> None:
    made = quiet(sales)
    reckon()
    plan = start(manager, made, assignee_id=sales.id or 0)
    with reading(sales) as session:
        own = [(task.name, clock.day_of(task.due_at), task.priority) for task in factories.own_tasks(session, sales)]
    assert own == [("打电话问原因", STEPS[0].due_on, "high"), ("上门拜访", STEPS[1].due_on, "high")]
    (row,) = plan_page(sales).rows
    assert (row.name, row.customer, row.steps, row.steps_done, row.started_by, row.days) == ("回访", made.name, 2, 0, manager.name, 0)
    assert row.score == row.score_now == scores(made)[-1].score
    assert plan.started_by_id == manager.id
    assert [line.action for line in factories.log_of("churn_plan", plan.id)] == ["created"]


def test_of_two_plans_for_one_customer_the_second_is_refused(database: str, sales: Actor) -> None:
    made = quiet(sales)
    first = start(sales, made)
    with pytest.raises(IllegalTransition, match="回访"):
        start(sales, made)
    with transaction(sales) as session:
        plans.end_plan(session, sales, first.id, "kept", version=first.version)
    assert start(sales, made).id != first.id


@pytest.mark.parametrize(
    ("over", "problem"),
    [
        ({"steps": ()}, ValidationFailed),
        ({"steps": (PlannedStep("  ", TODAY),)}, ValidationFailed),
        ({"name": " "}, ValidationFailed),
        ({"steps": (PlannedStep("打电话", None),)}, ValidationFailed),
        ({"steps": (PlannedStep("打电话", TODAY - timedelta(days=1)),)}, ValidationFailed),
        ({"assignee_id": 999}, NotAllowed),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_whole(database: str, sales: Actor, over: dict[str, object], problem: type[CrmError]) -> None:
    made = quiet(sales)
    with pytest.raises(problem):
        start(sales, made, **over)
    assert plan_page(sales).total == 0


def test_a_plan_is_for_a_customer_that_one_sees_and_that_is_not_lost(database: str, sales: Actor, stranger: Actor) -> None:
    made = quiet(sales)
    with pytest.raises(NotFound):
        start(stranger, made)
    lose(made, 1)
    with pytest.raises(IllegalTransition):
        start(sales, made)


def test_the_outcome_is_kept_with_its_time_and_open_tasks_are_cancelled(database: str, sales: Actor, stranger: Actor) -> None:
    customers_at_risk = [quiet(sales) for _n in range(4)]
    made = [start(sales, one) for one in customers_at_risk]
    for plan, outcome in zip(made, ("won_back", "kept", "lost"), strict=False):
        with transaction(sales) as session:
            plans.end_plan(session, sales, plan.id, outcome, remark=" 续签一年 ", version=plan.version)
    page = plan_page(sales)
    assert page.outcomes == {"running": 1, "won_back": 1, "kept": 1, "lost": 1}
    assert (page.ended, page.succeeded, page.percent) == (3, 2, 67)
    assert [row.outcome for row in page.rows] == [None, "lost", "kept", "won_back"]
    assert (page.rows[1].ended_at, page.rows[1].remark) == (NOON, "续签一年")
    with reading(sales) as session:
        states = session.execute(select(Task.state).order_by(Task.id)).scalars().all()
    assert states == [TaskState.CANCELLED] * 6 + [TaskState.OPEN] * 2
    assert factories.log_of("churn_plan", made[0].id, field="outcome")[-1].new == "won_back"
    for actor, plan, outcome, problem in (
        (sales, made[0], "kept", Conflict),
        (sales, made[3], "nothing", ValidationFailed),
        (stranger, made[3], "kept", NotFound),
    ):
        with pytest.raises(problem), transaction(actor) as session:
            plans.end_plan(session, actor, plan.id, outcome, version=plan.version)


def test_without_an_ended_plan_there_is_no_success_rate(database: str, sales: Actor) -> None:
    assert (plan_page(sales).percent, plan_page(sales).total) == (None, 0)


def test_a_plan_ends_by_itself_when_the_customer_is_lost(database: str, sales: Actor) -> None:
    made = quiet(sales)
    plan = start(sales, made)
    with transaction(sales, reason="客户转投竞争对手") as session:
        version = session.execute(select(Customer.version).where(Customer.id == made.id)).scalar_one()
        values = {"churn_reason": "loss_reason.price", "churn_note": "报价高"}
        stage_changes.change_stage(session, sales, made.id, "churned", values, version=version, reason="客户转投竞争对手")
    reckon()
    (row,) = plan_page(sales).rows
    assert (row.id, row.outcome, row.ended_at) == (plan.id, "lost", NOON)
    with reading(sales) as session:
        steps = session.execute(select(Task.state).join(ChurnPlanTask, ChurnPlanTask.task_id == Task.id)).scalars().all()
    assert set(steps) == {TaskState.CANCELLED}


def test_the_plan_of_a_merged_customer_goes_on_with_the_kept_one(database: str, sales: Actor, administrator: Actor) -> None:
    kept, gone = quiet(sales), quiet(sales)
    reckon()
    start(sales, gone)
    with transaction(administrator, reason="重复") as session:
        versions = session.get_one(Customer, kept.id).version, session.get_one(Customer, gone.id).version
        merges.merge_customers(session, administrator, kept.id, gone.id, {}, versions=versions, reason="重复")
    assert [row.customer for row in plan_page(sales).rows] == [kept.name]
    assert listed(sales) == [kept.name]
    reckon()
    assert listed(sales) == [kept.name]


def test_a_customer_that_is_removed_for_good_takes_its_scores_along(database: str, sales: Actor, administrator: Actor) -> None:
    made = quiet(sales)
    reckon()
    with transaction(administrator) as session:
        customers.delete_customer(session, administrator, made.id, reason="公司已注销")
    assert listed(sales) == []
    with transaction(SYSTEM) as session:
        session.execute(delete(Customer).where(Customer.id == made.id), execution_options=unscoped)
    assert scores(made) == []


def save(actor: Actor, rules: ChurnPolicy, *, amount: str = "", version: int = 0) -> None:
    with transaction(actor) as session:
        policy.save_churn_policy(session, actor, rules, amount=amount, version=version)


def test_the_rules_are_kept_as_the_administrator_set_them(database: str, administrator: Actor, sales: Actor) -> None:
    own = (Template("专属服务", (Step("指定专人", 2), Step("免费巡检", 0))),)
    save(administrator, ChurnPolicy(tiers=("A",), high_from=80, templates=own), amount="300,000")
    with reading(administrator) as session:
        rules, version = policy.get_churn_policy(session)
    assert (rules.tiers, rules.amount_from, rules.high_from, rules.plans) == (("A",), Decimal(300_000), 80, own)
    with pytest.raises(Conflict):
        save(administrator, ChurnPolicy(), version=version + 1)
    with pytest.raises(NotAllowed):
        save(sales, ChurnPolicy(), version=version)


@pytest.mark.parametrize(
    ("rules", "amount", "field"),
    [
        (ChurnPolicy(high_from=101), "", "high_from"),
        (ChurnPolicy(medium_from=70, high_from=70), "", "high_from"),
        (ChurnPolicy(lost_within=30), "", "lost_within"),
        (ChurnPolicy(tiers=()), "", "tiers"),
        (ChurnPolicy(tiers=("X",)), "1000", "tiers"),
        (ChurnPolicy(), "viel", "amount_from"),
        (ChurnPolicy(templates=(Template(" ", (Step("a", 1),)),)), "", "templates"),
        (ChurnPolicy(templates=(Template("回访", (Step(" ", 1),)),)), "", "templates"),
        (ChurnPolicy(templates=(Template("回访", (Step("a", -1),)),)), "", "templates"),
        (ChurnPolicy(templates=(Template("回访", (Step("a", 1),)), Template("回访 ", (Step("a", 1),)))), "", "templates"),
        (ChurnPolicy(templates=(Template("回" * 61, (Step("a", 1),)),)), "", "templates"),
        (ChurnPolicy(templates=tuple(Template(str(n), (Step("a", 1),)) for n in range(13))), "", "templates"),
    ],
)
def test_rules_that_make_no_sense_are_refused(administrator: Actor, rules: ChurnPolicy, amount: str, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        save(administrator, rules, amount=amount)
    assert list(refused.value.errors) == [field]


def test_who_reads_churn_warnings(manager: Actor, sales: Actor) -> None:
    assert all(one.can(Permission.CHURN_READ) for one in (manager, sales))
    assert not factories.make_user(role="marketing").can(Permission.CHURN_READ)
