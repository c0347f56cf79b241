"""Opportunities: what is entered, their products and people, the way through the stages, and who sees them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event

from crm_core import clock, db
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Customer, Opportunity, OpportunityStage, Outcome, Product
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import (
    archive,
    contacts,
    decision_chain,
    forecast,
    holds,
    jobs,
    notices,
    opportunities,
    opportunity_moves,
    opportunity_stages,
    opportunity_views,
    preset_merge,
    sales_figures,
    timeline,
    transfers,
)
from crm_core.services.opportunities import Line
from crm_core.services.opportunity_views import Listed, OpportunityQuery
from tests import factories

PRICE = "loss_reason.price"


@pytest.fixture
def customer(sales: Actor) -> Customer:
    return factories.make_customer(sales)


@pytest.fixture
def product(administrator: Actor) -> Product:
    return factories.make_product(administrator, price="1000")


def stages() -> list[OpportunityStage]:
    with reading(SYSTEM) as session:
        return opportunity_stages.list_stages(session)


def now(made: Opportunity, actor: Actor = SYSTEM) -> Listed:
    with reading(actor) as session:
        return opportunity_views.get_opportunity(session, actor, made.id)


def names(actor: Actor, **query: Any) -> list[str]:
    with reading(actor) as session:
        return [row.name for row in opportunity_views.list_opportunities(session, actor, OpportunityQuery(**query)).rows]


def move(actor: Actor, made: Opportunity, stage_id: int, seen: int | None = None) -> None:
    with transaction(actor) as session:
        opportunity_moves.move_opportunity(session, actor, made.id, stage_id, seen=seen or made.stage_id)


def win(actor: Actor, made: Opportunity) -> None:
    with transaction(actor) as session:
        opportunity_moves.win_opportunity(session, actor, made.id, seen=made.stage_id)


def lose(actor: Actor, made: Opportunity, reason: str = PRICE, note: str = "") -> None:
    with transaction(actor) as session:
        opportunity_moves.lose_opportunity(session, actor, made.id, seen=made.stage_id, reason=reason, note=note)


def edit(actor: Actor, made: Opportunity, values: dict[str, Any], **more: Any) -> Opportunity:
    with transaction(actor) as session:
        return opportunities.edit_opportunity(session, actor, made.id, values, version=more.pop("version", made.version), **more)


class TestEntering:
    def test_it_begins_in_the_first_stage_with_the_next_number(self, database: str, sales: Actor, customer: Customer) -> None:
        made = factories.make_opportunity(sales, customer, amount="5万")
        first = stages()[0]
        assert (made.stage_id, made.amount, made.owner_id) == (first.id, Decimal(50_000), sales.id)
        assert made.code == f"OPP{clock.today():%Y%m}001"
        shown = now(made)
        assert (shown.probability, shown.is_open, shown.days) == (first.probability, True, 0)
        assert [line.action for line in factories.log_of("opportunity", made.id)] == ["created"]

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"name": ""}, "name"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "1e20"}, "amount"),
            ({"amount": ""}, "amount"),
            ({"probability": "101"}, "probability"),
            ({"probability": "12.5"}, "probability"),
            ({"expected_on": ""}, "expected_on"),
            ({"expected_on": "31.31.2026"}, "expected_on"),
        ],
    )
    def test_what_is_missing_or_absurd_is_refused(
        self, database: str, sales: Actor, customer: Customer, values: dict[str, str], field: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refused:
            factories.make_opportunity(sales, customer, **values)
        assert list(refused.value.errors) == [field]

    def test_its_amount_is_the_sum_of_its_products(self, database: str, sales: Actor, customer: Customer, product: Product) -> None:
        made = factories.make_opportunity(sales, customer, products=[product], amount="7")
        assert made.amount == Decimal(1000)
        changed = edit(sales, made, {"amount": "5"}, lines=[Line(product.id, "1.5", "999.99"), Line(product.id, 2, 100)])
        assert changed.amount == Decimal("1699.99")
        with reading(sales) as session:
            assert [line.amount for line in opportunities.list_lines(session, made.id)] == [Decimal("1499.99"), Decimal("200.00")]
        assert len(factories.log_of("opportunity", made.id, field="lines")) == 2
        assert edit(sales, changed, {"amount": "8"}, lines=[]).amount == Decimal(8)

    @pytest.mark.parametrize(("quantity", "price"), [(0, 1), ("0.001", 1), (-1, 1), ("viel", 1), (1, -1), (1_000_000, "99999999999999")])
    def test_an_absurd_quantity_or_price_is_refused(
        self, database: str, sales: Actor, customer: Customer, product: Product, quantity: Any, price: Any
    ) -> None:
        made = factories.make_opportunity(sales, customer)
        with pytest.raises(ValidationFailed) as refused:
            edit(sales, made, {"amount": ""}, lines=[Line(product.id, quantity, price)])
        assert list(refused.value.errors) == ["lines"]

    def test_a_line_without_a_product_is_told_and_not_left_out(
        self, database: str, sales: Actor, customer: Customer, product: Product
    ) -> None:
        made = factories.make_opportunity(sales, customer)
        with pytest.raises(ValidationFailed) as refused:
            edit(sales, made, {}, lines=[Line(product.id, 1, 5), Line(None, 1, 5)])
        assert "没有产品" in refused.value.errors["lines"][0]

    def test_of_two_who_change_it_the_second_is_told(self, database: str, sales: Actor, customer: Customer) -> None:
        made = factories.make_opportunity(sales, customer)
        edit(sales, made, {"name": "一"})
        with pytest.raises(Conflict) as refused:
            edit(sales, made, {"name": "二"}, version=made.version)
        assert refused.value.theirs["name"] == "一"
        assert now(made).name == "一"

    def test_a_customer_in_the_archive_gets_none(self, database: str, manager: Actor) -> None:
        customer = factories.make_customer(manager)
        made = factories.make_opportunity(manager, customer)
        with transaction(manager) as session:
            archive.archive_customer(session, manager, customer.id, reason="停业")
        with pytest.raises(IllegalTransition):
            factories.make_opportunity(manager, customer)
        with pytest.raises(IllegalTransition):
            edit(manager, made, {"name": "二"})
        assert names(manager) == []

    def test_it_is_given_to_people_of_the_own_team_who_see_the_customer(
        self, database: str, sales: Actor, colleague: Actor, manager: Actor, stranger: Actor, customer: Customer
    ) -> None:
        made = factories.make_opportunity(sales, customer)
        with pytest.raises(NotAllowed):
            edit(sales, made, {}, owner_id=colleague.id)
        with pytest.raises(NotAllowed):
            edit(manager, made, {}, owner_id=stranger.id)
        with pytest.raises(ValidationFailed) as refused:
            edit(manager, made, {}, owner_id=colleague.id)
        assert list(refused.value.errors) == ["owner_id"]
        assert edit(manager, made, {}, owner_id=manager.id).owner_id == manager.id

    def test_whoever_is_given_one_by_somebody_else_is_told(self, database: str, manager: Actor, sales: Actor, customer: Customer) -> None:
        made = factories.make_opportunity(sales, customer)
        taken = edit(manager, made, {}, owner_id=manager.id)
        edit(manager, taken, {}, owner_id=sales.id)
        with reading(sales) as session:
            (notice,) = notices.list_latest(session, sales)
        assert (made.code in notice.sentence, manager.name in notice.sentence) == (True, True)
        assert notice.path == opportunities.path_of(made.id)
        with reading(manager) as session:
            assert notices.list_latest(session, manager) == []


class TestStages:
    def test_every_entry_stays_with_its_time_and_who_made_it(self, database: str, sales: Actor, manager: Actor, customer: Customer) -> None:
        made, (first, second, *_others) = factories.make_opportunity(sales, customer), stages()
        move(manager, made, second.id)
        shown = now(made)
        assert (shown.stage, shown.probability) == (second.label, second.probability)
        with reading(sales) as session:
            history = opportunity_moves.list_moves(session, sales, made.id)
        assert [(one.stage, one.who) for one in history] == [(first.label, sales.name), (second.label, manager.name)]

    def test_a_card_that_somebody_else_just_moved_stays_where_they_moved_it(
        self, database: str, sales: Actor, manager: Actor, customer: Customer
    ) -> None:
        made, (_first, second, third, *_others) = factories.make_opportunity(sales, customer), stages()
        move(manager, made, second.id)
        with pytest.raises(Conflict, match=f"{manager.name}.*{made.name}.*{second.label}"):
            move(sales, made, third.id)
        assert now(made).stage_id == second.id
        move(sales, made, third.id, seen=second.id)
        assert now(made).stage_id == third.id

    def test_a_win_needs_a_product(self, database: str, sales: Actor, customer: Customer, product: Product) -> None:
        made = factories.make_opportunity(sales, customer)
        with pytest.raises(ValidationFailed) as refused:
            win(sales, made)
        assert list(refused.value.errors) == ["lines"]
        edit(sales, made, {"probability": "55"}, lines=[Line(product.id, 1, 100)])
        win(sales, made)
        shown = now(made)
        assert (shown.outcome, shown.probability, shown.is_open) == (Outcome.WON, 100, False)
        assert shown.closed_at

    def test_a_loss_needs_its_reason(self, database: str, sales: Actor, customer: Customer) -> None:
        made = factories.make_opportunity(sales, customer)
        with pytest.raises(ValidationFailed) as refused:
            lose(sales, made, reason="")
        assert list(refused.value.errors) == ["loss_reason"]
        lose(sales, made, note="差价两成")
        shown = now(made)
        assert (shown.outcome, shown.loss_reason, shown.loss_note, shown.probability) == (Outcome.LOST, PRICE, "差价两成", 0)

    def test_what_ends_is_not_moved_but_won_or_lost(self, database: str, sales: Actor, customer: Customer) -> None:
        made, (*_open, won, lost) = factories.make_opportunity(sales, customer), stages()
        for stage in (won, lost):
            with pytest.raises(IllegalTransition):
                move(sales, made, stage.id)

    def test_a_closed_one_is_reopened_with_a_reason(self, database: str, sales: Actor, customer: Customer) -> None:
        made, (_first, second, *_others, lost) = factories.make_opportunity(sales, customer), stages()
        lose(sales, made)
        for refused in (lambda: move(sales, made, second.id, seen=lost.id), lambda: edit(sales, made, {}, version=now(made).version)):
            with pytest.raises(IllegalTransition):
                refused()

        def reopen(reason: str) -> None:
            with transaction(sales) as session:
                opportunity_moves.reopen_opportunity(session, sales, made.id, second.id, seen=lost.id, reason=reason)

        with pytest.raises(ValidationFailed):
            reopen(" ")
        reopen("客户重新询价")
        shown = now(made)
        assert (shown.stage_id, shown.loss_reason, shown.is_open) == (second.id, None, True)
        with reading(sales) as session:
            assert opportunity_moves.list_moves(session, sales, made.id)[-1].reason == "客户重新询价"

    def test_one_that_stands_too_long_is_marked_and_found(
        self, database: str, sales: Actor, customer: Customer, set_clock: Callable[[datetime], None]
    ) -> None:
        first, _second, *_others = stages()
        long_ago = datetime.now(UTC) - timedelta(days=first.rotting_days or 0)
        set_clock(long_ago - timedelta(minutes=1))
        old = factories.make_opportunity(sales, customer, name="旧")
        set_clock(long_ago + timedelta(hours=1))
        factories.make_opportunity(sales, customer, name="新")
        set_clock(datetime.now(UTC))
        assert (now(old).is_rotting, names(sales, is_rotting=True)) == (True, ["旧"])
        lose(sales, old)
        assert (now(old).is_rotting, names(sales, is_rotting=True, state="all")) == (False, [])


class TestStageSettings:
    def test_a_stage_is_added_changed_and_put_in_order(self, database: str, administrator: Actor) -> None:
        with transaction(administrator) as session:
            added = opportunity_stages.add_stage(session, administrator, name="样品测试", probability="55%", rotting_days=10)
        assert [stage.name for stage in stages()] == ["初次接洽", "方案提交", "谈判中", "样品测试", "成交", "输单"]
        order = [stages()[place].id for place in (0, 3, 1, 2)]
        with transaction(administrator) as session:
            opportunity_stages.order_stages(session, administrator, order)
        seen = stages()[1].version
        with transaction(administrator) as session:
            opportunity_stages.save_stage(session, administrator, added.id, name="试用", probability=60, version=seen)
        assert [(stage.name, stage.probability) for stage in stages()][:2] == [("初次接洽", 10), ("试用", 60)]
        with pytest.raises(Conflict), transaction(administrator) as session:
            opportunity_stages.save_stage(session, administrator, added.id, name="又改", version=seen)
        with pytest.raises(Conflict), transaction(administrator) as session:
            opportunity_stages.order_stages(session, administrator, order[:2])

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "谈判中"}, "name"),
            ({"probability": 120}, "probability"),
            ({"rotting_days": -3}, "rotting_days"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, database: str, administrator: Actor, values: dict[str, Any], field: str) -> None:
        with pytest.raises(ValidationFailed) as refused, transaction(administrator) as session:
            opportunity_stages.add_stage(session, administrator, **{"name": "试用"} | values)
        assert list(refused.value.errors) == [field]

    def test_an_occupied_stage_says_how_many_stand_in_it_and_lets_them_go_elsewhere(
        self, database: str, administrator: Actor, sales: Actor, customer: Customer
    ) -> None:
        made, (first, second, *_others) = factories.make_opportunity(sales, customer), stages()
        with pytest.raises(IllegalTransition, match="1"), transaction(administrator) as session:
            opportunity_stages.remove_stage(session, administrator, first.id)
        with transaction(administrator) as session:
            assert opportunity_stages.remove_stage(session, administrator, first.id, move_to=second.id) == 1
        assert (now(made).stage_id, first.id in [stage.id for stage in stages()]) == (second.id, False)
        with reading(sales) as session:
            assert [one.stage for one in opportunity_moves.list_moves(session, sales, made.id)] == [first.label, second.label]
        assert factories.log_of("opportunity", made.id, field="stage_id")

    def test_nothing_is_moved_into_a_stage_that_is_being_removed(
        self, database: str, sales: Actor, administrator: Actor, customer: Customer
    ) -> None:
        made, (_first, second, *_others) = factories.make_opportunity(sales, customer), stages()
        with ThreadPoolExecutor(1) as pool:
            with transaction(administrator) as session:
                opportunity_stages.remove_stage(session, administrator, second.id)
                moving = pool.submit(move, sales, made, second.id)
                wait([moving], timeout=0.5)
            assert isinstance(moving.exception(timeout=20), NotFound)
        assert now(made).stage_id == made.stage_id

    def test_won_lost_and_the_last_open_one_stay(self, database: str, administrator: Actor) -> None:
        *open_ones, won, lost = stages()
        for stage in (won, lost):
            with pytest.raises(IllegalTransition), transaction(administrator) as session:
                opportunity_stages.remove_stage(session, administrator, stage.id)
        with transaction(administrator) as session:
            opportunity_stages.save_stage(session, administrator, won.id, name="签约", probability=5, version=won.version)
            for stage in open_ones[1:]:
                opportunity_stages.remove_stage(session, administrator, stage.id)
        assert [(stage.name, stage.probability) for stage in stages()][1] == ("签约", 100)
        with pytest.raises(IllegalTransition), transaction(administrator) as session:
            opportunity_stages.remove_stage(session, administrator, open_ones[0].id)

    def test_only_those_who_set_rules_change_them(self, database: str, manager: Actor) -> None:
        first = stages()[0]
        for change in (
            lambda session: opportunity_stages.add_stage(session, manager, name="试用"),
            lambda session: opportunity_stages.order_stages(session, manager, [first.id]),
            lambda session: opportunity_stages.remove_stage(session, manager, first.id),
            lambda session: opportunity_stages.save_stage(session, manager, first.id, name="试用", version=first.version),
        ):
            with pytest.raises(NotAllowed), transaction(manager) as session:
                change(session)


class TestRecycleBin:
    def test_it_comes_back_as_it_was(self, database: str, sales: Actor, customer: Customer) -> None:
        made = factories.make_opportunity(sales, customer)
        with transaction(sales) as session:
            opportunities.delete_opportunity(session, sales, made.id, version=made.version)
        assert (names(sales), names(sales, state="deleted")) == ([], [made.name])
        with pytest.raises(NotFound):
            edit(sales, made, {"name": "二"})
        with transaction(sales) as session:
            opportunities.restore_opportunity(session, sales, made.id)
        assert names(sales) == [made.name]
        with pytest.raises(NotFound), transaction(sales) as session:
            opportunities.restore_opportunity(session, sales, made.id)

    def test_what_is_restored_at_the_last_moment_is_not_removed(
        self, database: str, sales: Actor, customer: Customer, set_clock: Callable[[datetime], None]
    ) -> None:
        made = factories.make_opportunity(sales, customer)
        with transaction(sales) as session:
            opportunities.delete_opportunity(session, sales, made.id, version=made.version)
        set_clock(datetime.now(UTC) + timedelta(days=31))

        def purge() -> bool:
            with transaction(SYSTEM) as session:
                return opportunities.purge(session)

        with ThreadPoolExecutor(1) as pool:
            with transaction(sales) as session:
                opportunities.restore_opportunity(session, sales, made.id)
                purging = pool.submit(purge)
                wait([purging], timeout=0.5)
            purging.result(timeout=20)
        assert now(made).deleted_at is None

    def test_it_goes_for_good_after_the_days_of_the_bin(
        self, database: str, sales: Actor, administrator: Actor, set_clock: Callable[[datetime], None]
    ) -> None:
        kept, held = factories.make_customer(sales), factories.make_customer(sales)
        product = factories.make_product()
        gone, stays = (factories.make_opportunity(sales, one, products=[product]) for one in (kept, held))
        with transaction(sales) as session:
            for made in (gone, stays):
                opportunities.delete_opportunity(session, sales, made.id, version=made.version)
        with transaction(administrator) as session:
            holds.set_hold(session, administrator, held.id, is_on_hold=True, reason="诉讼")
        set_clock(datetime.now(UTC) + timedelta(days=29))
        assert jobs.claim("purge_opportunities")
        jobs.run("purge_opportunities")
        assert len(names(sales, state="deleted")) == 2
        set_clock(datetime.now(UTC) + timedelta(days=31))
        jobs.run("purge_opportunities")
        with pytest.raises(NotFound):
            now(gone)
        assert now(stays).deleted_at
        assert factories.log_of("opportunity", gone.id, action="purged")


class TestDecisionChain:
    def test_contacts_of_the_customer_stand_in_it_with_their_part(self, database: str, sales: Actor, customer: Customer) -> None:
        made, contact = factories.make_opportunity(sales, customer), factories.make_contact(sales, customer, name="陈立群")
        with transaction(sales) as session:
            decision_chain.put_decider(session, sales, made.id, contact.id, role="user")
            decision_chain.put_decider(session, sales, made.id, contact.id, role="decision_maker", attitude="supportive", remark="老同学")
        with reading(sales) as session:
            (one,) = decision_chain.list_chain(session, made.id)
        assert (one.name, one.role, one.attitude, one.remark) == ("陈立群", "decision_maker", "supportive", "老同学")
        with transaction(sales) as session:
            contacts.delete_contact(session, sales, contact.id)
        with reading(sales) as session:
            assert [(one.contact_id, one.name) for one in decision_chain.list_chain(session, made.id)] == [(None, "陈立群")]
        with transaction(sales) as session:
            decision_chain.remove_decider(session, sales, made.id, "陈立群")
            assert decision_chain.list_chain(session, made.id) == []
        assert len(factories.log_of("opportunity", made.id, field="decision_chain")) == 3

    def test_nobody_else_and_no_unknown_part(self, database: str, sales: Actor, customer: Customer) -> None:
        made, own = factories.make_opportunity(sales, customer), factories.make_contact(sales, customer)
        other = factories.make_contact(sales, factories.make_customer(sales))
        for contact_id, role in ((other.id, "user"), (own.id, "king"), (0, "user")):
            with pytest.raises(ValidationFailed), transaction(sales) as session:
                decision_chain.put_decider(session, sales, made.id, contact_id, role=role)


class TestLists:
    def test_filters_narrow_it_and_sums_are_of_all_pages(self, database: str, sales: Actor, customer: Customer, product: Product) -> None:
        second = stages()[1]
        may = date(2027, 5, 20)
        factories.make_opportunity(sales, customer, name="小单", amount="100", probability="50", expected_on=may)
        factories.make_opportunity(sales, customer, name="大单", stage_id=second.id, amount="200000.55", competitors="云帆软件")
        factories.make_opportunity(sales, customer, name="有产品", products=[product])
        assert names(sales, sort="amount", descending=True) == ["大单", "有产品", "小单"]
        assert names(sales, phrase="云帆") == ["大单"]
        assert names(sales, stages=(second.id,)) == ["大单"]
        assert names(sales, expected_from=may, expected_until=may) == ["小单"]
        assert names(sales, amount_from=Decimal(1000), amount_until=Decimal(1000)) == ["有产品"]
        assert names(sales, product_id=product.id) == ["有产品"]
        assert names(sales, owners=(0,)) == []
        with reading(sales) as session:
            page = opportunity_views.list_opportunities(session, sales, OpportunityQuery())
        assert (page.total, page.amount) == (3, Decimal("201100.55"))
        assert page.weighted == Decimal("50") + Decimal("80000.22") + Decimal("100")

    def test_the_scope_counts_everywhere(self, database: str, sales: Actor, stranger: Actor, manager: Actor, customer: Customer) -> None:
        made = factories.make_opportunity(sales, customer)
        assert (names(sales), names(manager), names(stranger)) == ([made.name], [made.name], [])
        with reading(stranger) as session:
            assert sum(column.total for column in opportunity_views.board(session, stranger, OpportunityQuery())) == 0
            assert sum(row.open_count for row in forecast.forecast(session, stranger)) == 0
        for act in (
            lambda: now(made, stranger),
            lambda: edit(stranger, made, {"name": "二"}),
            lambda: move(stranger, made, stages()[1].id),
        ):
            with pytest.raises(NotFound):
                act()
        with pytest.raises(NotFound), reading(stranger) as session:
            opportunity_moves.list_moves(session, stranger, made.id)

    @pytest.mark.parametrize(("role", "reads"), [("service", False), ("marketing", True), ("viewer", True)])
    def test_roles_without_the_permission_do_not_read_or_write_it(
        self, database: str, sales: Actor, customer: Customer, role: str, reads: bool
    ) -> None:
        factories.make_opportunity(sales, customer)
        other = factories.make_user(role=role)
        with pytest.raises(NotAllowed):
            factories.make_opportunity(other, customer)
        if not reads:
            for read in (opportunity_views.list_opportunities, opportunity_views.board):
                with pytest.raises(NotAllowed), reading(other) as session:
                    read(session, other, OpportunityQuery())
            with pytest.raises(NotAllowed), reading(other) as session:
                forecast.forecast(session, other)
        else:
            names(other)

    def test_the_board_has_a_column_a_stage_with_its_sums_in_three_queries(
        self, database: str, sales: Actor, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opportunity_views, "COLUMN_SIZE", 2)
        for number in range(3):
            factories.make_opportunity(sales, customer, name=str(number), amount="100", expected_on=clock.today() + timedelta(days=number))
        lose(sales, factories.make_opportunity(sales, customer, name="输了"))
        statements: list[str] = []
        with reading(sales) as session:
            event.listen(db.engine(), "before_cursor_execute", lambda *what: statements.append(what[2]))
            columns = opportunity_views.board(session, sales, OpportunityQuery())
        first, last = columns[0], columns[-1]
        assert ([row.name for row in first.rows], first.total, first.amount, first.weighted) == (["0", "1"], 3, Decimal(300), Decimal(30))
        assert ([row.name for row in last.rows], last.weighted) == (["输了"], Decimal(0))
        assert len([one for one in statements if one.lstrip().startswith("SELECT")]) == 3

    def test_the_forecast_weighs_what_is_expected_by_month(self, database: str, sales: Actor, customer: Customer, product: Product) -> None:
        today = clock.today()
        later = (today.replace(day=1) + timedelta(days=40)).replace(day=10)
        factories.make_opportunity(sales, customer, amount="1000", probability="25", expected_on=today)
        win(sales, factories.make_opportunity(sales, customer, products=[product], expected_on=today))
        lose(sales, factories.make_opportunity(sales, customer, amount="99999", expected_on=today))
        factories.make_opportunity(sales, customer, amount="500.50", expected_on=later)
        factories.make_opportunity(sales, customer, amount="70", expected_on=date(2020, 1, 1))
        win(sales, factories.make_opportunity(sales, customer, products=[product], expected_on=date(2020, 1, 1)))
        factories.make_opportunity(sales, customer, amount="80", expected_on=date(2090, 1, 1))
        with reading(sales) as session:
            before, *months, after = forecast.forecast(session, sales)
        assert len(months) == forecast.MONTHS
        assert (months[0].open_amount, months[0].won_amount, months[0].weighted) == (Decimal(1000), Decimal(1000), Decimal(1250))
        assert [(row.month, row.weighted) for row in months if row.open_count][1] == (f"{later:%Y-%m}", Decimal("50.05"))
        assert (before.open_amount, before.won_amount, after.weighted) == (Decimal(70), Decimal(0), Decimal(8))


class TestWithTheCustomer:
    def test_open_ones_go_over_with_the_customer(
        self, database: str, sales: Actor, colleague: Actor, manager: Actor, customer: Customer
    ) -> None:
        made, lost = factories.make_opportunity(sales, customer), factories.make_opportunity(sales, customer)
        lose(sales, lost)
        with transaction(manager) as session:
            transfers.transfer(session, manager, [customer.id], to=colleague.id or 0, reason="离职")
        assert (now(made).owner_id, now(lost).owner_id) == (colleague.id, sales.id)

    def test_the_timeline_tells_entries_moves_wins_and_losses(self, database: str, sales: Actor, customer: Customer) -> None:
        made = factories.make_opportunity(sales, customer, name="二期")
        lose(sales, made)
        with reading(sales) as session:
            page = timeline.list_events(session, sales, customer.id, kinds=["opportunity"])
        assert [event.who for event in page.events] == [sales.name] * 2
        assert all("二期" in event.title for event in page.events)
        service = factories.make_user(role="service")
        with reading(service) as session:
            assert timeline.list_events(session, service, customer.id, kinds=["opportunity"]).events == []
            assert all(event.kind != "opportunity" for event in timeline.list_events(session, service, customer.id).events)

    def test_a_page_of_the_timeline_asks_once_for_all_of_them(self, database: str, sales: Actor, customer: Customer) -> None:
        def asked() -> int:
            statements: list[str] = []
            with reading(sales) as session:
                event.listen(db.engine(), "before_cursor_execute", note := lambda *what: statements.append(what[2]))
                timeline.list_events(session, sales, customer.id, kinds=["opportunity"])
                event.remove(db.engine(), "before_cursor_execute", note)
            return len(statements)

        factories.make_opportunity(sales, customer)
        asked()  # the library is read once and kept
        first = asked()
        for _number in range(3):
            factories.make_opportunity(sales, customer)
        assert asked() == first

    def test_figures_by_product_end_with_what_has_none(self, database: str, sales: Actor, customer: Customer, product: Product) -> None:
        lose(sales, factories.make_opportunity(sales, customer))
        win(sales, factories.make_opportunity(sales, customer, products=[product]))
        with reading(sales) as session:
            found = sales_figures.win_rate(session, sales, sales_figures.Period(), by=sales_figures.By.PRODUCT)
        assert [(row.key, row.won, row.lost) for row in found] == [(product.id, 1, 0), (None, 0, 1)]

    def test_reasons_that_are_merged_are_merged_here_too(
        self, database: str, administrator: Actor, sales: Actor, customer: Customer
    ) -> None:
        made = factories.make_opportunity(sales, customer)
        lose(sales, made)
        with transaction(administrator) as session:
            preset_merge.merge_presets(session, administrator, PRICE, "loss_reason.competitor")
        assert now(made).loss_reason == "loss_reason.competitor"
