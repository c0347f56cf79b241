"""Opportunities and the catalogue in the browser: board, list, forecast, dialogs, and what is refused."""

from typing import Any

import pytest

from crm_core import db
from crm_core.models import Opportunity
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import opportunities, opportunity_moves, opportunity_stages, opportunity_views, products
from tests import factories
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import routes

BOARD = "kemai_board"


def stages() -> list[int]:
    with db.reading(SYSTEM) as session:
        return [stage.id for stage in opportunity_stages.list_stages(session)]


def now(made: Opportunity) -> Any:
    with db.reading(SYSTEM) as session:
        return opportunity_views.get_opportunity(session, SYSTEM, made.id)


def board(visit: Visit) -> dict[int, list[str]]:
    return {column["id"]: [card["title"] for card in column["cards"]] for column in visit.component(BOARD)["columns"]}


def drag(visit: Visit, made: Opportunity, target: int, seen: int | None = None) -> Visit:
    return visit.tell(BOARD, "moved", {"id": made.id, "from": seen or made.stage_id, "to": target})


def opened(actor: Actor, made: Opportunity) -> Visit:
    return Visit(actor).go(routes.OPPORTUNITIES, opportunity=str(made.id))


class TestBoard:
    def test_it_says_what_an_opportunity_is_where_there_is_none(self, any_database: str, sales: Actor) -> None:
        visit = Visit(sales).go(routes.OPPORTUNITIES)
        assert all(cards == [] for cards in board(visit).values())
        assert visit.go(routes.OPPORTUNITIES, opp_view="list").has("opportunity_add")
        assert zh("No opportunities yet") in visit.tab.markdown[0].value or any(
            zh("No opportunities yet") in one.value for one in visit.tab.markdown
        )

    def test_a_card_is_dragged_to_another_stage(self, any_database: str, sales: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        first, second, *_others = stages()
        visit = drag(Visit(sales).go(routes.OPPORTUNITIES), made, second)
        assert now(made).stage_id == second
        assert (board(visit)[first], board(visit)[second]) == ([], [made.name])

    def test_a_card_that_somebody_else_just_moved_stays_and_that_is_told(self, any_database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        _first, second, third, *_others = stages()
        visit = Visit(sales).go(routes.OPPORTUNITIES)
        with db.transaction(manager) as session:
            opportunity_moves.move_opportunity(session, manager, made.id, second, seen=made.stage_id)
        drag(visit, made, third)
        assert now(made).stage_id == second
        assert manager.name in visit.refusals[0]
        assert board(visit)[second] == [made.name]

    def test_a_card_dropped_on_won_asks_for_products(self, any_database: str, sales: Actor) -> None:
        product = factories.make_product(price="1200")
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        *_open, won, _lost = stages()
        visit = drag(Visit(sales).go(routes.OPPORTUNITIES), made, won).press("Win")
        assert now(made).is_open
        visit.press("opportunity_product_add").enter("opportunity_product0", product.id).press("Win")
        assert (now(made).stage_id, now(made).amount) == (won, 1200)

    def test_a_card_dropped_on_lost_asks_for_the_reason(self, any_database: str, sales: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        *_open, lost = stages()
        visit = drag(Visit(sales).go(routes.OPPORTUNITIES), made, lost).press("Mark as lost")
        assert now(made).is_open
        visit.enter("opportunity_loss_reason", "loss_reason.price").press("Mark as lost")
        assert now(made).loss_reason == "loss_reason.price"

    def test_who_may_only_read_drags_nothing(self, any_database: str, sales: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        marketing = factories.make_user(role="marketing")
        visit = Visit(marketing).go(routes.OPPORTUNITIES)
        assert (visit.component(BOARD)["movable"], visit.has("opportunity_add")) == (False, False)
        drag(visit, made, stages()[1])
        assert now(made).stage_id == made.stage_id
        assert visit.refusals

    @pytest.mark.parametrize("sent", [{"id": "1"}, {"id": 1, "from": 1, "to": 99}, {"id": 10**30, "from": 1, "to": 2}, {}])
    def test_nonsense_from_the_browser_does_nothing(self, any_database: str, sales: Actor, sent: dict[str, Any]) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        Visit(sales).go(routes.OPPORTUNITIES).tell(BOARD, "moved", sent)
        assert now(made).stage_id == made.stage_id


class TestDialog:
    def test_an_opportunity_is_entered_with_products(self, any_database: str, sales: Actor) -> None:
        customer, product = factories.make_customer(sales), factories.make_product(price="99.50")
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Opportunities").press("opportunity_add")
        visit.press("opportunity_product_add").enter("opportunity_product0", product.id)
        visit.fill(opportunity_quantity0="3").enter("Opportunity name", "三套")
        visit.enter("Expected on", factories.today()).press("Add opportunity")
        with db.reading(sales) as session:
            (row,) = opportunity_views.list_of_customer(session, sales, customer.id).rows
        assert (row.name, row.amount) == ("三套", 298.5)

    def test_a_customer_with_many_opportunities_has_pages_of_them(
        self, any_database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opportunity_views.CustomerPage, "size", 2)
        customer = factories.make_customer(sales)
        for place in range(3):
            factories.make_opportunity(sales, customer, name=f"Line {place}")
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Opportunities")
        assert "3 个商机" in "".join(texts_of(visit))
        assert len(visit.rows) == 2
        visit.enter(f"customer_opportunities_{customer.id}", 2)
        assert len(visit.rows) == 1

    def test_what_is_wrong_is_told_at_its_field(self, any_database: str, sales: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        visit = opened(sales, made).pick("opportunity_menu", "edit").enter("Expected amount", "-5").press("Save")
        assert any(zh("An amount cannot be negative. Enter 0 or more.") in one.value for one in visit.tab.markdown)
        visit.enter("Expected amount", "5万").press("Save")
        assert now(made).amount == 50_000

    def test_a_product_that_is_deleted_while_somebody_sells_it_is_told(self, any_database: str, sales: Actor, administrator: Actor) -> None:
        product = factories.make_product()
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        visit = Visit(sales).go(routes.OPPORTUNITIES, opportunity=str(made.id)).press("Edit").press("opportunity_product_add")
        visit.enter("opportunity_product0", product.id)
        with db.transaction(administrator) as session:
            products.delete_product(session, administrator, product.id)
        visit.press("Save")
        assert zh("A product was deleted meanwhile. Choose another one.") in "".join(texts_of(visit))

    def test_it_is_won_lost_reopened_moved_and_deleted(self, any_database: str, sales: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales), products=[factories.make_product()])
        opened(sales, made).press("opportunity_win").press("Win")
        assert now(made).outcome == "won"
        visit = opened(sales, made).pick("opportunity_menu", "reopen").enter("opportunity_reason", "补充条款").press("Reopen")
        assert now(made).is_open
        opened(sales, made).pick("opportunity_menu", "move").enter("opportunity_stage", stages()[2]).press("Move")
        assert now(made).stage_id == stages()[2]
        opened(sales, made).pick("opportunity_menu", "delete").press("Delete opportunity")
        assert now(made).deleted_at
        visit = opened(sales, made).press("opportunity_restore")
        assert now(made).is_open
        assert visit.refusals == []

    def test_who_saves_or_deletes_second_is_told_and_overwrites_nothing(self, any_database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales), products=[factories.make_product()])
        visits = {press: opened(sales, made).pick("opportunity_menu", press) for press in ("edit", "delete")}
        visits["edit"].enter("Opportunity name", "乙")
        won = opened(sales, made).press("opportunity_win")
        with db.transaction(manager) as session:
            opportunities.edit_opportunity(session, manager, made.id, {"name": "甲"}, version=made.version)
        for visit, press in ((visits["edit"], "Save"), (visits["delete"], "Delete opportunity"), (won, "Win")):
            assert visit.press(press).refusals, press
        found = now(made)
        assert (found.name, found.is_open) == ("甲", True)

    def test_contacts_join_the_decision_chain_and_leave_it(self, any_database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, contacts=[factories.contact_values(name="陈立群")])
        made = factories.make_opportunity(sales, customer)
        opened(sales, made).pick("opportunity_menu", "decider").press("Save")
        visit = opened(sales, made)
        assert any("陈立群" in one.value for one in visit.tab.markdown)
        visit.press("opportunity_decider_off_0")
        assert not any("陈立群" in one.value for one in visit.tab.markdown)

    def test_one_out_of_sight_is_told_to_be_gone(self, any_database: str, sales: Actor, stranger: Actor) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        visit = opened(stranger, made)
        assert zh("This opportunity was deleted or is not visible to you. Reload the page.") in visit.refusals[0]


class TestListAndForecast:
    def test_filters_stand_in_the_address_and_narrow_the_list(self, any_database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        factories.make_opportunity(sales, customer, name="小单", amount="100")
        factories.make_opportunity(sales, customer, name="大单", amount="90000")
        visit = Visit(sales).go(routes.OPPORTUNITIES, opp_view="list", opp_least="5000", opp_state="nonsense")
        assert [row[zh("Opportunity name")] for row in visit.rows] == ["大单"]
        visit.enter("opp_q", "没有这个")
        assert visit.query["opp_q"] == "没有这个"
        assert not visit.rows

    def test_the_forecast_shows_months_with_their_sums(self, any_database: str, sales: Actor) -> None:
        visit = Visit(sales).go(routes.OPPORTUNITIES, opp_view="forecast")
        assert any(zh("Nothing is expected yet") in one.value for one in visit.tab.markdown)
        factories.make_opportunity(sales, factories.make_customer(sales), amount="1000", probability="50")
        visit = visit.rerun()
        assert zh("Together") in visit.tab.dataframe[0].value.to_string()
        assert "¥500" in visit.tab.dataframe[0].value.to_string()

    def test_the_forecast_counts_what_the_list_was_narrowed_to(self, any_database: str, sales: Actor) -> None:
        for source, amount in (("source.exhibition", "1000"), ("source.referral", "70000")):
            factories.make_opportunity(sales, factories.make_customer(sales, source=source), amount=amount, probability="50")
        narrowed = {"of_source": "source.exhibition", "opp_loss": "loss_reason.price"}
        visit = Visit(sales).go(routes.OPPORTUNITIES, opp_view="forecast", **narrowed)
        assert visit.tab.dataframe[0].value[zh("Their amount")].iloc[-1] == "¥1,000"
        told = [one.value for one in visit.tab.markdown if "filter_alt" in one.value]
        assert zh("Customer source") in told[0]
        assert zh("Why it was lost") not in told[0]


class TestCatalogue:
    def test_a_product_is_added_priced_retired_and_deleted(self, any_database: str, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.PRODUCTS).press("Add product")
        visit.press("Add product")
        assert any(zh("{label} is required.").format(label=zh("Product name")) in one.value for one in visit.tab.markdown)
        visit.enter("Product name", "排产软件").enter("List price", "1000").press("Add product")
        with db.reading(SYSTEM) as session:
            (product,) = products.list_offered(session).values()
        assert (product.name, product.price) == ("排产软件", 1000)

    def test_who_changes_one_second_is_told_and_overwrites_nothing(self, any_database: str, administrator: Actor) -> None:
        product = factories.make_product(name="排产软件")
        visit = Visit(administrator).go(routes.PRODUCTS)
        visit.open_row(product.id).press("product_edit").enter("Product name", "乙")
        with db.transaction(administrator) as session:
            products.update_product(session, administrator, product.id, {"name": "甲"}, version=product.version)
        assert visit.press("Save").refusals
        with db.reading(SYSTEM) as session:
            assert products.get_product(session, SYSTEM, product.id).name == "甲"

    def test_one_that_is_used_is_not_deleted(self, any_database: str, administrator: Actor, sales: Actor) -> None:
        product = factories.make_product()
        factories.make_opportunity(sales, factories.make_customer(sales), products=[product])
        visit = Visit(administrator).go(routes.PRODUCTS)
        visit.open_row(product.id).press("product_delete").press("Delete product")
        assert product.name in visit.refusals[0]

    def test_who_may_not_edit_it_only_looks(self, any_database: str, sales: Actor) -> None:
        product = factories.make_product()
        visit = Visit(sales).go(routes.PRODUCTS)
        assert not visit.has("Add product")
        visit.open_row(product.id)
        assert product.name in "".join(texts_of(visit))
        assert not visit.has("product_edit")


class TestStages:
    def test_an_occupied_stage_is_removed_once_its_opportunities_have_somewhere_to_go(
        self, any_database: str, administrator: Actor, sales: Actor
    ) -> None:
        made = factories.make_opportunity(sales, factories.make_customer(sales))
        first, second, *_others = stages()
        visit = Visit(administrator).go(routes.STAGES).press(f"stage_remove_{first}").press("Remove stage")
        assert "1" in visit.refusals[0]
        visit.enter("stage_move_to", second).press("Remove stage")
        assert now(made).stage_id == second
        assert first not in stages()

    def test_stages_are_added_renamed_and_put_in_order(self, any_database: str, administrator: Actor) -> None:
        first, second, *_others = stages()
        visit = Visit(administrator).go(routes.STAGES).press(f"stage_arrow_downward_{first}")
        assert stages()[:2] == [second, first]
        visit.press("Add stage").enter("stage_name_new", "试用").press("Add")
        visit.press(f"stage_edit_{first}").enter(f"stage_name_{first}", "谈判中").press("Save")
        assert zh("Another stage has this name already.") in visit.refusals[0]
        assert len(stages()) == 6
