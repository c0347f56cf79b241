"""The first day of a team: set up, sign in, enter customers, find, change and leave."""

import re

from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import Server
from tests.browser.desk import PASSWORD, Desk, zh


def setup_code(server: Server) -> str:
    return (server.folder / "setup-code").read_text()


def begin(desk: Desk, kind: str, stage: str) -> None:
    desk.go("/intake")
    desk.pick(kind)
    desk.pick(stage)
    desk.click("Begin entry")
    desk.page.wait_for_url(re.compile("draft="))
    desk.settle()


def fill_enterprise(desk: Desk, name: str = "杭州恒远精密机械有限公司") -> None:
    desk.type("Customer name", name)
    desk.choose("Industry", "通用设备制造业")
    desk.choose("Customer source", "展会推广")
    desk.type("Source detail", "2026年工业博览会")
    desk.choose("Province", "浙江省")
    desk.choose("City", "杭州市")
    desk.choose("District", "余杭区")
    desk.type("Contact name", "陈立群")
    desk.type("Phone", "138 0000 1234")
    desk.type("Email", "chen@hengyuan.example")
    desk.choose("Number of employees", "100")
    desk.choose("Annual revenue", "万")
    fill_date(desk, "Founded on", "2018", "05", "10")


def fill_date(desk: Desk, label: str, year: str, month: str, day: str) -> None:
    box = desk.page.locator('[data-testid="stDateInput"]').filter(has_text=zh(label))
    box.get_by_role("spinbutton").first.click()
    desk.page.keyboard.type(year + month + day)
    desk.page.keyboard.press("Tab")
    desk.settle()


def confirm(desk: Desk) -> None:
    desk.click("Submit")
    desk.page.get_by_text(zh("Name and phone are right")).click()
    desk.settle()
    desk.click("Save customer")
    desk.page.wait_for_url(re.compile("customer\\?code="))
    desk.settle()


def test_a_new_team_sets_up_enters_finds_changes_and_signs_out(server: Server, desk: Desk) -> None:
    desk.go("/")
    desk.set_up(setup_code(server))
    begin(desk, "Enterprise", "Prospect")
    fill_enterprise(desk)
    confirm(desk)
    desk.sees("杭州恒远精密机械有限公司")

    begin(desk, "Individual", "Prospect")
    desk.type("Customer name", "林晓岚")
    desk.choose("Industry", "居民服务业")
    desk.choose("Customer source", "客户转介绍")
    desk.type("Source detail", "恒远陈立群介绍")
    desk.type("Contact name", "林晓岚")
    desk.type("Phone", "0571-87654321")
    desk.type("Email", "未提供")
    confirm(desk)
    desk.sees("林晓岚")

    desk.go("/customers")
    desk.page.locator(".st-key-list_search input").fill("恒远")
    desk.settle()
    desk.sees(zh("{total} customers").format(total="1"))
    expect(desk.page.locator(".rows .name").first).to_be_visible()
    desk.page.wait_for_url(re.compile("q="))
    open_first_row(desk)
    desk.page.get_by_role("link", name=zh("Edit")).click()
    desk.page.wait_for_url(re.compile("edit"))
    desk.settle()
    desk.type("Source detail", "2026年秋季工业博览会")
    desk.type("Reason for the change", "客户更正")
    desk.click("Save")
    desk.page.wait_for_url(re.compile("customer\\?code="))
    desk.settle()
    desk.sees("2026年秋季工业博览会")
    desk.page.get_by_role("radio", name=zh("Change log")).click()
    desk.settle()
    expect(desk.page.locator(".st-key-history_table canvas").first).to_be_visible()

    desk.page.locator(".st-key-header_tools .user").click()
    desk.page.get_by_text(zh("Sign out")).click()
    expect(desk.page.locator("input[type=password]")).to_be_visible(timeout=20_000)
    desk.go("/customers")
    expect(desk.page.locator("input[type=password]")).to_be_visible()
    assert desk.foreign == []
    assert desk.complaints == []


def open_first_row(desk: Desk) -> None:
    desk.page.locator(".rows .name").first.click()
    desk.page.wait_for_url(re.compile("customer\\?code="))
    desk.settle()


def test_a_fresh_server_answers_a_signed_out_deep_link_with_sign_in_and_then_the_page(
    server: Server, desk: Desk, second_desk: Desk
) -> None:
    desk.begin(server.employ())
    server.stop()
    server.start()
    second_desk.go("/overview")
    expect(second_desk.page.locator("input[type=password]")).to_be_visible()
    expect(second_desk.page.get_by_text(zh("Customer overview"))).to_have_count(0)
    second_desk.sign_in()
    assert second_desk.page.url.endswith("/overview")
    second_desk.sees(zh("Nothing to show"))


def test_a_half_filled_form_survives_a_refresh_and_a_killed_server(server: Server, desk: Desk) -> None:
    desk.begin(server.employ())
    begin(desk, "Enterprise", "Qualified")
    desk.type("Customer name", "宁波海岳物流有限公司")
    desk.choose("Province", "浙江省")
    desk.choose("City", "宁波市")
    desk.page.reload()
    desk.settle()
    expect(desk.field("Customer name")).to_have_value("宁波海岳物流有限公司")
    server.stop(kill=True)
    server.start()
    desk.page.reload()
    desk.settle()
    expect(desk.field("Customer name")).to_have_value("宁波海岳物流有限公司")
    expect(desk.choice("City")).to_have_value("宁波市")


def test_the_form_check_names_every_error_at_its_field_and_shows_the_first(server: Server, desk: Desk) -> None:
    desk.begin(server.employ())
    begin(desk, "Enterprise", "Prospect")
    desk.type("Customer name", "王总")
    desk.type("Phone", "87654321")
    desk.click("Check form")
    name = desk.page.locator(".st-key-field-intake-name")
    expect(name).to_contain_text("营业执照")
    expect(desk.page.locator(".st-key-field-intake-contact0-phone")).to_contain_text("0571")
    expect(name).to_be_in_viewport()
    expect(desk.page.locator(".st-key-field-intake-source_detail")).to_contain_text(
        zh("{label} is required.").format(label=zh("Source detail"))
    )


def correct(desk: Desk, source_detail: str) -> None:
    """On the page of an edit: another source detail, the reason, save."""
    desk.type("Source detail", source_detail)
    desk.type("Reason for the change", "更正")
    desk.click("Save")


def test_the_second_of_two_editors_sees_both_versions_and_chooses(server: Server, desk: Desk, second_desk: Desk) -> None:
    administrator = server.employ()
    with server.records():
        code = factories.make_customer(administrator, name="杭州恒远精密机械有限公司").code
    desk.begin(administrator)
    second_desk.go(f"/edit?code={code}")
    second_desk.sign_in()
    desk.go(f"/edit?code={code}")
    correct(desk, "第一人的说明")
    desk.page.wait_for_url(re.compile("customer\\?code="))
    correct(second_desk, "第二人的说明")
    second_desk.sees(zh("Mine: {value}").format(value="第二人的说明"))
    second_desk.sees(zh("Theirs: {value}").format(value="第一人的说明"))
    second_desk.type("Reason for the change", "")
    second_desk.click("Save this choice")
    expect(second_desk.field("Source detail")).to_have_value("第二人的说明")
    expect(second_desk.field("Customer name")).to_have_value("杭州恒远精密机械有限公司")
    second_desk.type("Reason for the change", "再次更正")
    second_desk.click("Save")
    second_desk.page.wait_for_url(re.compile("customer\\?code="))
    second_desk.sees("第二人的说明")


def test_an_entry_left_for_another_page_is_there_on_the_way_back(server: Server, desk: Desk) -> None:
    desk.begin(server.employ())
    begin(desk, "Enterprise", "Prospect")
    desk.type("Customer name", "宁波海岳物流有限公司")
    desk.page.get_by_role("link", name=zh("Dashboards")).click()
    desk.page.wait_for_url(re.compile("overview"))
    desk.settle()
    desk.page.go_back()
    desk.page.wait_for_url(re.compile("draft="))
    desk.settle()
    expect(desk.field("Customer name")).to_have_value("宁波海岳物流有限公司")
    desk.page.reload()
    desk.settle()
    expect(desk.field("Customer name")).to_have_value("宁波海岳物流有限公司")


def test_errors_stay_with_their_contact_when_another_one_is_removed(server: Server, desk: Desk) -> None:
    desk.begin(server.employ())
    begin(desk, "Enterprise", "Prospect")
    desk.click("Add contact")
    second = desk.page.locator(".st-key-field-intake-contact1-phone")
    second.locator("input").fill("87654321")
    second.locator("input").press("Tab")
    desk.settle()
    desk.click("Check form")
    expect(second).to_contain_text("0571")
    desk.click("Remove")
    expect(second).to_contain_text("0571")
    expect(desk.page.locator(".st-key-field-intake-contact0-phone")).to_have_count(0)


def test_a_ticket_signs_in_only_the_browser_that_asked_for_it(server: Server, desk: Desk, second_desk: Desk) -> None:
    desk.begin(server.employ())
    desk.page.context.clear_cookies(name="kemai_session")
    desk.go("/customers")
    with desk.page.expect_request(re.compile("/auth/enter")) as asked:
        desk.context.route("**/auth/enter**", lambda route: route.abort())
        desk.field("Account").fill("zhoumin")
        desk.field("Password").fill(PASSWORD)
        desk.page.locator('[data-testid="stFormSubmitButton"] button').click()
    second_desk.go(asked.value.url.removeprefix(server.url))
    expect(second_desk.page.locator("input[type=password]")).to_be_visible()
