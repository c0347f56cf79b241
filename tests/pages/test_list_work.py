"""Work on the customer list: views, columns, bulk actions; alias and sheet on a customer's page."""

from datetime import date

import pytest

from crm_core import db
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import customer_list, saved_views, tags
from tests import factories
from tests.pages.test_customers import names, texts
from tests.pages.visit import Visit, zh
from ui import list_footer, routes, row_table


@pytest.fixture
def three(sales: Actor) -> dict[str, Customer]:
    return {
        stage: factories.make_customer(sales, stage=stage, name=f"杭州{stage}机械有限公司")
        for stage in ("prospect", "qualified", "customer")
    }


def save(actor: Actor, name: str, *, is_shared: bool = False, columns: tuple[str, ...] = (), **query: list[str]) -> str:
    with db.transaction(actor) as session:
        saved = saved_views.save_view(session, actor, name, query=query, columns=columns)
        if is_shared:
            saved_views.share_view(session, actor, saved, is_shared=True)
    return str(saved)


def tagged(*some: Customer) -> list[list[str]]:
    with db.reading(SYSTEM) as session:
        return [tags.tags_of(session, one.id) for one in some]


class TestViews:
    def test_what_is_filtered_is_saved_and_opened_by_its_address(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS, stage="customer", sort="name")
        visit.pick("view_menu", "save").enter("view_name", "成交客户").press("Save")
        assert zh("The view was saved.") in visit.toasts
        assert visit.query == {"view": "1"}
        again = Visit(sales).go(routes.CUSTOMERS, view="1")
        assert names(again) == [three["customer"].name]
        assert again.widget("view_menu").label == "成交客户"

    def test_a_name_that_is_taken_is_refused(self, sales: Actor, three: dict[str, Customer]) -> None:
        save(sales, "成交客户")
        visit = Visit(sales).go(routes.CUSTOMERS).pick("view_menu", "save").enter("view_name", "成交客户").press("Save")
        assert "成交客户" in visit.refusals[0]

    def test_a_changed_view_says_so_survives_a_reload_and_is_saved(self, sales: Actor, three: dict[str, Customer]) -> None:
        view = save(sales, "重点", stage=["customer"])
        visit = Visit(sales).go(routes.CUSTOMERS, view=view).choose_pills()
        assert len(names(visit)) == 3
        assert visit.query == {"view": view, "changed": "1"}
        again = Visit(sales).go(routes.CUSTOMERS, **visit.query)
        assert len(names(again)) == 3
        assert again.widget("view_menu").label == "重点 *"
        assert again.pick("view_menu", "overwrite").query == {"view": view}
        assert len(names(Visit(sales).go(routes.CUSTOMERS, view=view))) == 3

    def test_a_colleague_opens_a_shared_view_within_their_own_scope(
        self, sales: Actor, colleague: Actor, three: dict[str, Customer]
    ) -> None:
        view = save(sales, "重点", is_shared=True, stage=["customer"])
        own = factories.make_customer(colleague, stage="customer")
        factories.make_customer(colleague)
        visit = Visit(colleague).go(routes.CUSTOMERS, view=view)
        assert names(visit) == [own.name]
        assert not visit.has("Delete this view…")
        assert not visit.has("Rename this view…")

    def test_a_view_that_is_not_shared_does_not_open_for_others(self, sales: Actor, colleague: Actor, three: dict[str, Customer]) -> None:
        view = save(sales, "重点", stage=["customer"])
        own = factories.make_customer(colleague)
        visit = Visit(colleague).go(routes.CUSTOMERS, view=view)
        assert names(visit) == [own.name]
        assert visit.query == {}
        assert visit.widget("view_menu").label == zh("Views")

    def test_the_list_opens_with_the_view_that_was_chosen_for_it(self, sales: Actor, three: dict[str, Customer]) -> None:
        view = save(sales, "重点", stage=["customer"])
        Visit(sales).go(routes.CUSTOMERS, view=view).pick("view_menu", "first")
        assert names(Visit(sales).go(routes.CUSTOMERS)) == [three["customer"].name]
        assert len(names(Visit(sales).go(routes.CUSTOMERS, stage="prospect"))) == 1
        visit = Visit(sales).go(routes.CUSTOMERS).pick("view_menu", "all")
        assert len(names(visit)) == 3

    def test_it_is_shared_renamed_and_deleted_from_the_menu(self, sales: Actor, three: dict[str, Customer]) -> None:
        view = save(sales, "重点", stage=["customer"])
        visit = Visit(sales).go(routes.CUSTOMERS, view=view).pick("view_menu", "share").pick("view_menu", "rename")
        visit.enter("view_new_name", "重点二").press("Save")
        assert visit.widget("view_menu").label == "重点二"
        assert visit.has("Share no longer")
        visit.pick("view_menu", "delete").press("Delete")
        assert visit.widget("view_menu").label == zh("Views")
        with db.reading(sales) as session:
            assert saved_views.list_views(session, sales) == {}


class TestColumns:
    def test_the_chosen_columns_are_kept_in_their_order(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS).pick("view_menu", "columns")
        visit.enter("column_choice", ["owner", "source", "founded_on"]).press("Apply")
        assert visit.headings == [zh(title) for title in ("Customer name", "Owner", "Customer source", "Founded on")]
        assert [row[zh("Founded on")] for row in visit.rows] == ["2010-05-06"] * 3
        again = Visit(sales).go(routes.CUSTOMERS)
        assert again.headings == [zh(title) for title in ("Customer name", "Owner", "Customer source", "Founded on")]
        again.pick("view_menu", "columns").press("As it comes")
        assert again.headings[:4] == [zh(title) for title in ("Customer name", "Customer type", "Tier", "Status")]

    def test_a_view_has_its_own(self, sales: Actor, three: dict[str, Customer]) -> None:
        view = save(sales, "重点", columns=("owner", "address"))
        visit = Visit(sales).go(routes.CUSTOMERS, view=view)
        assert visit.headings == [zh(title) for title in ("Customer name", "Owner", "Street address")]
        visit.pick("view_menu", "columns").enter("column_choice", ["code"]).press("Apply")
        assert (visit.headings, visit.query) == ([zh("Customer name"), zh("Customer code")], {"view": view, "changed": "1", "cols": "code"})
        assert Visit(sales).go(routes.CUSTOMERS).headings[1] == zh("Customer type")


class TestBulk:
    def begin(self, actor: Actor, kind: str, **query: str) -> Visit:
        return Visit(actor).go(routes.CUSTOMERS, **query).press("select_mode").press("bulk_all").pick("bulk_menu", kind)

    def test_all_that_were_found_are_tagged_and_it_is_undone(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = self.begin(sales, "tags_add", stage="customer").enter("bulk_tags", ["VIP"])
        assert [node.value for node in visit.tab.metric] == ["1", "0", "0"]
        visit.enter("bulk_reason", "年度规划").press(zh("Change {count} customers").format(count=1))
        assert tagged(*three.values()) == [[], [], ["VIP"]]
        assert zh("Tags added: {tags}").format(tags="VIP") in texts(visit)
        visit.press("Undo")
        assert tagged(*three.values()) == [[], [], []]
        assert zh("undone for {count}, {left} left").format(count=1, left=0) in texts(visit)
        assert not visit.has("Undo")

    def test_while_selecting_a_name_opens_its_customer_in_a_tab_of_its_own(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMERS).press("select_mode")
        assert [row["path"] for row in visit.rows] == [f"/customer?code={customer.code}"]
        assert visit.component(row_table.NAME)["choose"]

    def test_a_bulk_dialog_that_was_dismissed_leaves_nothing_to_the_next_one(self, manager: Actor, three: dict[str, Customer]) -> None:
        visit = self.begin(manager, "tags_add")
        for action, name in (
            ("tags_add", "bulk_tags"),
            ("segment", "bulk_segment"),
            ("transfer", "transfer_to"),
            ("tags_add", "bulk_reason"),
        ):
            dismissed = visit.pick("bulk_menu", action).widget(name).key
            assert visit.press("Cancel").pick("bulk_menu", action).widget(name).key != dismissed
            visit.press("Cancel")

    def test_a_ticked_customer_stays_the_one_that_is_changed_when_another_one_comes_before_it(
        self, sales: Actor, three: dict[str, Customer]
    ) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS).press("select_mode")
        first = visit.rows[0]["key"]
        visit.choose_rows(first)
        factories.make_customer(sales)  # the newest comes first
        visit.pick("bulk_menu", "tags_add").enter("bulk_tags", ["VIP"])
        visit.enter("bulk_reason", "年度规划").press(zh("Change {count} customers").format(count=1))
        assert [one.code for one in three.values() if tagged(one) == [["VIP"]]] == [first]

    def test_ticked_rows_alone_are_changed_and_other_filters_forget_them(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS).press("select_mode")
        assert visit.widget("bulk_menu").disabled
        assert not visit.choose_rows(visit.rows[0]["key"]).widget("bulk_menu").disabled
        visit.pick("bulk_menu", "tags_add").enter("bulk_tags", ["VIP"]).enter("bulk_reason", "年度规划")
        visit.press(zh("Change {count} customers").format(count=1))
        assert tagged(*three.values()) == [[], [], ["VIP"]]
        visit.press("select_mode")
        assert not visit.choose_rows(visit.rows[0]["key"]).widget("bulk_menu").disabled
        assert visit.choose_pills("prospect").widget("bulk_menu").disabled

    def test_customers_that_were_found_get_another_owner_against_a_receipt(
        self, manager: Actor, colleague: Actor, sales: Actor, three: dict[str, Customer]
    ) -> None:
        visit = self.begin(manager, "transfer").enter("transfer_to", colleague.id).enter("transfer_reason", "离职交接").press("Transfer")
        assert visit.page == routes.RECEIPT
        with db.reading(SYSTEM) as session:
            assert {session.get_one(Customer, one.id).owner_id for one in three.values()} == {colleague.id}

    def test_without_a_reason_nothing_happens(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = self.begin(sales, "segment").enter("bulk_segment", "segment.strategic")
        visit.press(zh("Change {count} customers").format(count=3))
        assert zh("Say why these customers are changed.") in visit.refusals[0]

    def test_opening_a_customer_costs_no_selection(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS)
        assert not visit.component(row_table.NAME)["choose"]
        assert visit.press("select_mode").component(row_table.NAME)["choose"]

    def test_who_may_not_edit_is_not_offered_to_select(self, three: dict[str, Customer]) -> None:
        assert not Visit(factories.make_user(role="service")).go(routes.CUSTOMERS).has("select_mode")

    def test_earlier_ones_are_listed(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS).press("select_mode").press("bulk_history")
        assert zh("No bulk action yet") in texts(visit)


@pytest.mark.parametrize(
    ("page", "name", "more"),
    [
        (routes.OVERVIEW, "from", {"span": "range"}),
        (routes.CONTRACTS, "from", {}),
        (routes.CAMPAIGNS, "campaigns_from", {}),
        (routes.TASKS, "tasks_from", {"tasks_period": "days"}),
        (routes.FOLLOW_UPS, "since", {}),
        (routes.AUDIT, "since", {}),
        (routes.CUSTOMERS, "since", {}),
        (routes.CUSTOMERS, "served", {}),
        (routes.PIVOT, "since", {}),
    ],
)
def test_a_day_of_long_ago_stays_chosen(administrator: Actor, page: str, name: str, more: dict[str, str]) -> None:
    visit = Visit(administrator).go(page, **{name: "2005-01-31"}, **more).rerun().rerun()
    assert visit.tab.session_state[name] == date(2005, 1, 31)


def test_a_day_that_cannot_be_entered_is_none(administrator: Actor) -> None:
    visit = Visit(administrator).go(routes.CONTRACTS, **{"from": "1850-01-31"})
    assert visit.tab.session_state["from"] is None


class TestOutside:
    def test_the_alias_is_changed_and_proposed(self, sales: Actor) -> None:
        customer = factories.make_customer(sales, province="330000")
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).press("Alias for outside use")
        assert visit.widget("alias").placeholder == "某客户（浙江省）"
        visit.enter("alias", customer.name).press("Save")
        assert visit.refusals
        visit.enter("alias", "某机械厂").press("Save")
        with db.reading(SYSTEM) as session:
            assert session.get_one(Customer, customer.id).alias == "某机械厂"

    def test_a_sheet_is_made_for_a_reason(self, manager: Actor) -> None:
        customer = factories.make_customer(manager)
        visit = Visit(manager).go(routes.CUSTOMER, code=customer.code).press("Sheet for outside use").press("Make the sheet")
        assert zh("Say whom the sheet is for, and why.") in visit.refusals[0]
        visit.enter("sheet_reason", "给合作伙伴").press("Make the sheet")
        assert zh("The sheet is ready; it was noted in the audit log.") in texts(visit)
        assert len(factories.log_of("customer", customer.id, action="exported")) == 1

    def test_who_may_not_export_is_not_offered_one(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        assert not Visit(sales).go(routes.CUSTOMER, code=customer.code).has("Sheet for outside use")


class TestFooter:
    def test_another_page_stands_in_the_address_and_other_filters_begin_at_the_first(
        self, sales: Actor, three: dict[str, Customer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(customer_list.CustomerPage, "size", 1)
        visit = Visit(sales).go(routes.CUSTOMERS)
        shown = [row["key"] for row in visit.rows]
        visit.tell(list_footer.NAME, "turned", {"page": 3})
        assert (visit.query, visit.component(list_footer.NAME)["page"]) == ({"page": "3"}, 3)
        assert [row["key"] for row in visit.rows] != shown
        visit.choose_pills("customer")
        assert (visit.query, visit.component(list_footer.NAME)["numbers"]) == ({"stage": "customer"}, [])

    def test_a_choice_made_before_the_browser_heard_of_the_last_ones_address_takes_nothing_back(
        self, sales: Actor, three: dict[str, Customer]
    ) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS, sort="name")
        old = visit.query
        visit.choose_pills("customer")
        visit.tab.query_params = old  # what the browser says is what it knew when the second choice was made
        visit.choose_pills("customer", "prospect")
        assert visit.query == {"stage": ["prospect", "customer"], "sort": "name"}
        visit.tab.query_params = old  # the browser's own way back runs the whole page
        visit.rerun()
        assert (visit.query, len(visit.rows)) == ({"sort": "name"}, 3)

    @pytest.mark.parametrize("page", [0, -1, True, "2", None, [2], 2.5, 10**30])
    def test_a_page_that_none_can_be_shows_one_that_is(self, sales: Actor, three: dict[str, Customer], page: object) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS).tell(list_footer.NAME, "turned", {"page": page})
        assert len(visit.rows) == 3

    def test_many_pages_are_told_by_the_first_the_last_and_those_around(self) -> None:
        assert list_footer.numbers_of(2000, 7) == [1, 5, 6, 7, 8, 9, 2000]
        assert list_footer.numbers_of(3, 1) == [1, 2, 3]
        assert list_footer.numbers_of(1, 1) == []
