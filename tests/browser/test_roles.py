"""Roles in a real browser: what an administrator ticks counts from the next click of everybody with the role."""

from playwright.sync_api import expect
from sqlalchemy import select

from crm_core import db
from crm_core.models import User
from crm_core.permissions import SYSTEM, Permission
from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import Desk, zh

PERMISSION_ROWS = len(Permission)
EDIT_CUSTOMERS = list(Permission).index(Permission.CUSTOMER_EDIT)


def customer_of(account: str) -> str:
    """The code of a customer that somebody entered."""
    with db.reading(SYSTEM) as session:
        user = session.execute(select(User.id).where(User.username == account)).scalar_one()
    return factories.make_customer(factories.actor_of(user)).code


def test_a_permission_taken_away_in_the_grid_stops_a_salesperson_who_is_signed_in(server: Server, desk: Desk, second_desk: Desk) -> None:
    desk.begin(server.employ())
    desk.go("/users")
    desk.click("Add account")
    desk.type("Full name", "林晓岚")
    desk.type("Account", "linxiaolan")
    desk.choose("Role", zh("Sales"))
    desk.click("Create account")
    password = desk.page.locator("[data-testid=stCode]").inner_text().split()[1]

    second_desk.go("/")
    second_desk.sign_in("linxiaolan", password)
    second_desk.field("Present password").fill(password)
    second_desk.field("New password").fill("Maple#2027")
    second_desk.field("New password once more").fill("Maple#2027")
    second_desk.click("Change password")
    with server.records():
        code = customer_of("linxiaolan")
    second_desk.go(f"/edit?code={code}")
    second_desk.type("Source detail", "2026年秋季工业博览会")
    second_desk.type("Reason for the change", "客户更正")

    desk.go("/roles")
    untick(desk, column=4, row=EDIT_CUSTOMERS)
    desk.sees(zh("may no longer: {permissions}").format(permissions=zh("Edit customers")))
    expect(desk.page.locator(".st-key-role_changes strong")).to_have_text([zh("Sales")])
    desk.click("Save changes")
    desk.sees(zh("The changes were saved."))

    second_desk.click("Save")
    second_desk.sees(zh("No access"))
    second_desk.sees("周敏")
    second_desk.go("/customers")
    expect(second_desk.page.locator("input[type=password]")).to_have_count(0)


def untick(desk: Desk, *, column: int, row: int) -> None:
    """Go to a box of the grid with the arrow keys and change it with the space bar, as somebody does who watches where the mark is."""

    def expect_mark(at: int) -> None:
        expect(desk.page.locator(f"[data-testid=glide-cell-{at}-{row}]")).to_have_attribute("aria-selected", "true")

    desk.page.wait_for_selector(f"[data-testid=glide-cell-{column}-{row}]", state="attached")
    box = desk.page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    assert box
    desk.page.mouse.click(box["x"] + 20, box["y"] + box["height"] / (PERMISSION_ROWS + 1) * (row + 1.5))
    expect_mark(0)
    for step in range(column):
        desk.page.keyboard.press("ArrowRight")
        expect_mark(step + 1)
    desk.page.keyboard.press("Space")
    desk.settle()
