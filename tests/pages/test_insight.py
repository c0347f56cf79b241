"""The page of the boards: what is shown to whom, filters in the address, links to the rows, the wall."""

from typing import Any

import pytest

from crm_core import clock
from crm_core.models import STAGES, Customer
from crm_core.permissions import Actor
from crm_core.services.insight.boards import BOARDS
from tests import factories
from tests.core.test_contracts import sign
from tests.pages.test_stage_changes import shows
from tests.pages.texts import texts_of
from tests.pages.visit import Visit, zh
from ui import chart_head, figure_cards, insight_wall, routes


@pytest.fixture
def customer(any_database: str, sales: Actor) -> Customer:
    return factories.make_customer(sales, stage="customer", source="source.exhibition", province="330000", city="330100")


def opened(actor: Actor, board: str = "overview", **query: str | list[str]) -> Visit:
    return Visit(actor).go(routes.OVERVIEW, board=board, **query)


def texts(visit: Visit) -> list[str]:
    return list(texts_of(visit))


def figures(visit: Visit) -> dict[str, str]:
    return {one["label"]: one["value"] for one in cards(visit)}


def cards(visit: Visit) -> list[dict[str, Any]]:
    is_drawn = any(node.proto.component_name == figure_cards.NAME for node in visit.tab.get("bidi_component"))
    found: list[dict[str, Any]] = visit.component(figure_cards.NAME)["figures"] if is_drawn else []
    return found


def test_every_board_is_drawn_and_follows_changes(customer: Customer, sales: Actor) -> None:
    sign(sales, customer, product="排产系统")
    for key in BOARDS:
        visit = opened(sales, key)
        assert not visit.tab.exception, key
        assert shows(visit, zh("Nothing to show")) or figures(visit), key
    visit = opened(sales)
    assert figures(visit)[zh("Customers")] == "1"
    assert visit.tab.get("plotly_chart")
    factories.make_customer(sales)
    assert figures(visit.rerun())[zh("Customers")] == "2"


def test_without_customers_the_board_says_what_to_do(any_database: str, sales: Actor) -> None:
    visit = opened(sales)
    assert any(zh("Nothing to show") in text for text in texts(visit))
    assert not figures(visit)


def test_filters_stand_in_the_address_and_narrow_the_board(customer: Customer, manager: Actor, sales: Actor) -> None:
    factories.make_customer(sales, stage="prospect", source="source.referral")
    visit = opened(manager, "structure", type="prospect", source=["source.referral", "no such"], person=str(sales.id), span="30d")
    assert figures(visit)[zh("Customers")] == "1"
    assert visit.query["type"] == "prospect"
    visit.enter("span", "range").enter("from", clock.today())
    assert visit.query["from"] == clock.today().isoformat()
    later = opened(manager, "structure", **{"span": "range", "from": "2026-05-02", "until": "2026-05-01"})
    assert any(zh("These days end before they begin") in text for text in texts(later))


def test_a_figure_tells_what_was_divided_and_its_definition(customer: Customer, sales: Actor) -> None:
    visit = opened(sales, "conversion", compared="before")
    card = next(one for one in cards(visit) if one["label"] == zh("Customer conversion rate"))
    assert card["value"] == "100.00%"
    assert zh("Entered in the period and won today ÷ entered in the period.") in card["definition"]
    assert "1 ÷ 1" in card["notes"]


def test_a_choice_is_kept_after_a_board_that_has_fewer_filters(customer: Customer, sales: Actor) -> None:
    visit = opened(sales, "overview").enter("board", "quality")
    for board in ("conversion", "quality", "overview"):
        visit.enter("board", board)
        assert visit.query.get("board", "overview") == board


def test_a_figure_leads_to_the_rows_behind_it(customer: Customer, sales: Actor) -> None:
    card = next(one for one in cards(opened(sales)) if one["label"] == zh("Customers"))
    file, query = routes.parse(card["path"])
    assert [row["key"] for row in Visit(sales).go(file, **query).rows] == [customer.code]


def test_a_line_of_a_ranking_leads_to_the_rows_behind_it(customer: Customer, sales: Actor) -> None:
    heads = {one["title"]: one for one in opened(sales, "structure").components(chart_head.NAME)}
    shown = heads[zh("Customers by industry")]
    assert [line["part"] for line in shown["lines"]] == [1]
    file, query = routes.parse(shown["lines"][0]["path"])
    assert [row["key"] for row in Visit(sales).go(file, **query).rows] == [customer.code]


def test_the_table_of_a_chart_tells_its_values_and_leads_to_the_rows_behind_them(customer: Customer, sales: Actor) -> None:
    (head,) = [one for one in opened(sales, "structure").components(chart_head.NAME) if one["title"] == zh("Customers by type")]
    table = head["table"]
    assert table["definition"][0] == zh("Customers")
    (row,) = [one for one in table["rows"] if one["path"]]
    assert (row["name"], row["values"]) == (zh(STAGES["customer"]), ["1"])
    file, query = routes.parse(row["path"])
    assert [one["key"] for one in Visit(sales).go(file, **query).rows] == [customer.code]


def test_on_a_wall_there_is_no_table_to_open(customer: Customer, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insight_wall, "SECONDS", 10**12)  # so it stays at the first board
    heads = opened(sales, wall="1").components(chart_head.NAME)
    assert heads
    assert not any(one["table"] for one in heads)


def test_every_chart_has_its_title_whether_it_is_a_ranking_a_plot_or_has_nothing_to_draw(customer: Customer, sales: Actor) -> None:
    sign(sales, customer, product="排产系统", signed_on=clock.today())
    told = " ".join(texts(opened(sales, "sales")))
    for title in ("Contract amount along time", "Contract amount by owner", "Why opportunities were lost"):
        assert zh(title) in told


def test_a_role_sees_only_the_boards_and_figures_that_it_may(customer: Customer, administrator: Actor) -> None:
    sign(administrator, customer, product="排产系统")
    service = factories.make_user(role="service")
    visit = opened(service, "sales")
    assert zh("Contract amount") not in figures(visit)
    assert zh(BOARDS["sales"].title) not in str(visit.widget("board").options)
    assert zh("Complaints") in figures(opened(service))


def test_the_wall_shows_a_board_without_filters_and_can_be_left(customer: Customer, sales: Actor) -> None:
    visit = opened(sales, wall="1")
    assert not visit.has("span")
    visit.press("Leave full screen")
    assert "wall" not in visit.query


def test_the_filters_hold_on_the_wall_and_after_it(customer: Customer, sales: Actor) -> None:
    visit = opened(sales, "structure").enter("span", "30d").press("Full screen").rerun().rerun()
    assert visit.query["span"] == "30d"
    visit.press("Leave full screen")
    assert (visit.query["board"], visit.query["span"]) == ("structure", "30d")


def test_a_link_from_a_board_narrows_a_list_and_says_so(customer: Customer, sales: Actor) -> None:
    factories.make_customer(sales, stage="prospect", name="杭州另一家科技有限公司")
    visit = Visit(sales).go(routes.CUSTOMERS, of=f"entered:customer:{clock.today()}:{clock.today()}")
    assert any(zh("entered the type in the period") in text for text in texts(visit))
    assert not shows(visit, "杭州另一家科技有限公司")
    visit.press("Show all again")
    assert "of" not in visit.query
