"""Lists exported on their pages: offered to those who may, asked for a reason, given as a file."""

import pytest

from crm_core.permissions import Actor
from tests import factories
from tests.core.test_campaigns import take_part
from tests.core.test_contracts import sign
from tests.pages.visit import Visit, zh
from ui import routes

PAGES = {
    "customers": routes.CUSTOMERS,
    "opportunities": routes.OPPORTUNITIES,
    "contracts": routes.CONTRACTS,
    "tickets": routes.TICKETS,
    "products": routes.PRODUCTS,
}


@pytest.fixture(autouse=True)
def customer(manager: Actor, sales: Actor) -> None:
    """One row in every list: the export stands at the foot of it."""
    one = factories.make_customer(sales, stage="customer")
    sign(sales, one)
    factories.make_opportunity(sales, one, products=[factories.make_product()])
    factories.make_ticket(manager, one)


def test_a_file_is_offered_once_its_purpose_is_said(manager: Actor) -> None:
    visit = Visit(manager).go(routes.OPPORTUNITIES, opp_view="list").press("export_opportunities").press("list_export_check")
    assert visit.refusals == [zh("Say what the file is for.")]
    assert not visit.has("Download the file")
    visit.enter("Purpose", "季度盘点").press("list_export_check")
    assert [node.label for node in visit.elements("download_button")] == [zh("Download the file")]


@pytest.mark.parametrize("name", PAGES)
def test_every_list_is_exported_by_those_who_may(manager: Actor, sales: Actor, name: str) -> None:
    address = {"opp_view": "list", "tickets_view": "all"}
    assert Visit(manager).go(PAGES[name], **address).press(f"export_{name}").has("list_export_check")
    assert not Visit(sales).go(PAGES[name], **address).has(f"export_{name}")


def test_the_participants_of_a_campaign_are_exported_too(manager: Actor) -> None:
    campaign = factories.make_campaign(manager)
    take_part(manager, campaign, factories.make_customer(manager))
    visit = Visit(manager).go(routes.CAMPAIGN, campaign=campaign.code)
    assert visit.press("export_participants").has("list_export_check")
