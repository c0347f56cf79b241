"""Customers on their pages: listed and filtered, opened, changed, deleted; imported; counted."""

import json
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from crm_core import clock, db
from crm_core.models import Attachment, Contact, Contract, Customer, Opportunity, Team, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import customer_changes, library, tags
from tests import factories
from tests.core.sentences import is_sentence
from tests.pages.texts import figures_of, texts_of
from tests.pages.visit import Visit, zh
from ui import header_tools, pill_bar, routes

STAGED = ("prospect", "qualified", "customer")


def names(visit: Visit) -> list[str]:
    """The names in the list, as they are read."""
    return [row[zh("Customer name")] for row in visit.rows]


def stored(customer: Customer) -> Customer:
    with db.reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id)


def texts(visit: Visit) -> str:
    return "\n".join(texts_of(visit))


@pytest.fixture
def three(sales: Actor) -> dict[str, Customer]:
    """A customer of each of three types."""
    return {stage: factories.make_customer(sales, stage=stage, name=f"杭州{stage}机械有限公司") for stage in STAGED}


class TestList:
    def test_without_customers_it_offers_to_enter_the_first(self, sales: Actor) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS)
        assert zh("No customers yet") in texts(visit)
        assert not visit.has("Import customers")
        assert visit.press("New customer").page == routes.INTAKE

    def test_an_administrator_can_fill_an_empty_list_with_demo_data_once(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.CUSTOMERS).press("Fill with demo data")
        with db.reading(SYSTEM) as session:
            assert session.execute(select(func.count(Customer.id))).scalar_one() >= 100
        assert len(names(visit)) == 50
        assert not visit.has("Fill with demo data")
        assert names(visit.go(routes.CUSTOMERS, page="2")) != names(visit.go(routes.CUSTOMERS))

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, set(STAGED)),
            ({"stage": "customer"}, {"customer"}),
            ({"stage": ["customer", "prospect"]}, {"customer", "prospect"}),
            ({"q": "qualified"}, {"qualified"}),
            ({"stage": "customer", "q": "qualified"}, set()),
            ({"industry": "C"}, set(STAGED)),
            ({"industry": "A"}, set()),
            ({"incomplete": "1"}, set()),
            ({"until": "2020-01-01"}, set()),
            # what makes no sense is no choice
            ({"stage": "emperor", "industry": "ZZ", "owner": "x", "tag": "-1", "sort": "sideways", "page": "-3"}, set(STAGED)),
            ({"since": "yesterday", "until": "2020-13-40", "incomplete": "perhaps", "page": "9999"}, set(STAGED)),
            ({"since": "1900-01-01"}, set(STAGED)),
            ({"since": "0001-01-01", "until": "9999-12-31"}, set(STAGED)),
            ({"until": "2999-01-01"}, set(STAGED)),
            ({"page": "٣"}, set(STAGED)),
            ({"city": "330100"}, set()),
            ({"q": '" OR *'}, set()),
            ({"something": "else"}, set(STAGED)),
        ],
    )
    def test_choices_come_from_the_address(
        self, sales: Actor, three: dict[str, Customer], query: dict[str, str | list[str]], expected: set[str]
    ) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS, **query)
        assert set(names(visit)) == {three[stage].name for stage in expected}

    def test_choices_go_into_the_address_as_codes(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS).enter("q", "机械").choose_pills("customer").enter("sort", "name")
        assert visit.query == {"q": "机械", "stage": "customer", "sort": "name"}
        assert names(visit) == [three["customer"].name]
        assert names(Visit(sales).go(routes.CUSTOMERS, **visit.query)) == names(visit)

    def test_no_match_offers_the_whole_list(self, sales: Actor, three: dict[str, Customer]) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS, q="没有这家")
        assert zh("No customer matches") in texts(visit)
        visit.press("Show all customers")
        assert len(names(visit)) == 3
        assert visit.query == {}

    def test_phones_are_masked(self, sales: Actor) -> None:
        factories.make_customer(sales, contacts=[factories.contact_values(phone="13800001234")])
        visit = Visit(sales).go(routes.CUSTOMERS)
        assert [row[zh("Phone")] for row in visit.rows] == ["138****1234"]
        assert "13800001234" not in str(visit.messages)

    def test_the_search_in_the_header_leads_to_the_list(self, sales: Actor) -> None:
        assert Visit(sales).go(routes.SETTINGS).component(header_tools.NAME)["search"]["path"] == "/customers"
        assert Visit(sales).go(routes.CUSTOMERS).component(header_tools.NAME)["search"] is None

    @pytest.mark.parametrize("codes", [["emperor"], [["customer"]], [{"a": 1}], [None], "customer", {"codes": 1}, 7])
    def test_types_that_there_are_not_narrow_nothing(self, sales: Actor, three: dict[str, Customer], codes: object) -> None:
        visit = Visit(sales).go(routes.CUSTOMERS).tell(pill_bar.NAME, "chosen", {"codes": codes})
        assert (visit.query, names(visit)) == ({}, names(Visit(sales).go(routes.CUSTOMERS)))


class TestDetail:
    def test_it_shows_what_is_known(self, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="customer")
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code)
        assert list(figures_of(visit).values()) == ["¥860,000", "2023-11-20", "—", "销售丙"]
        assert customer.code in texts(visit)
        assert not visit.has("Delete customer")

    def test_without_contacts_it_says_so(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        with db.transaction(sales) as session:
            session.delete(session.execute(select(Contact).where(Contact.customer_id == customer.id)).scalar_one())
        assert zh("No contacts yet") in texts(Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Contacts"))

    def test_a_contact_is_added_changed_made_primary_and_removed(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Contacts").press("Add contact")
        visit.fill(contact_form__name="陈立群", contact_form__phone="13900001111", contact_form__email="未提供").press("Save")
        contact = self.contact("陈立群")
        assert contact
        visit.pick(f"contact_menu_{contact.id}", "edit").enter("contact_form.position", "厂长").press("Save")
        visit.pick(f"contact_menu_{contact.id}", "primary")
        changed = self.contact("陈立群")
        assert changed
        assert (changed.position, changed.is_primary) == ("厂长", True)
        visit.pick(f"contact_menu_{contact.id}", "delete").press("Remove")
        assert self.contact("陈立群") is None

    def test_a_contact_with_mistakes_is_refused_at_its_fields(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).open_tab("detail_tab", "Contacts").press("Add contact")
        visit.fill(contact_form__name="陈立群", contact_form__phone="8765", contact_form__email="nobody@").press("Save")
        assert set(errors_by_field(visit)) == {"contact_form-phone", "contact_form-email"}
        assert self.contact("陈立群") is None

    @staticmethod
    def contact(name: str) -> Contact | None:
        with db.reading(SYSTEM) as session:
            return session.execute(select(Contact).where(Contact.name == name)).scalar_one_or_none()

    def test_tags_are_set_and_new_words_become_tags(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).press("Tags")
        visit.tab.session_state[visit.widget("tag_choice").key] = ["重点", "展会"]
        visit.press("Save")
        with db.reading(SYSTEM) as session:
            assert tags.tags_of(session, customer.id) == ["展会", "重点"]

    def test_a_tag_that_somebody_else_sets_meanwhile_stays(self, sales: Actor, manager: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code).press("Tags")
        with db.transaction(manager) as session:
            tags.set_tags(session, manager, customer.code, ["VIP"])
        visit.tab.session_state[visit.widget("tag_choice").key] = ["重点"]
        visit.press("Save")
        with db.reading(SYSTEM) as session:
            assert tags.tags_of(session, customer.id) == ["VIP", "重点"]

    def test_a_manager_deletes_with_a_reason_and_takes_it_back(self, manager: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(manager).go(routes.CUSTOMER, code=customer.code).press("Delete customer")
        visit.enter("delete_reason", "重复录入").press("Delete")
        assert stored(customer).place == "bin"
        assert visit.page == routes.CUSTOMERS
        assert names(visit) == []
        assert factories.log_of("customer", customer.id, field="place")[-1].reason == "重复录入"
        visit.press("Undo")
        assert stored(customer).is_listed
        assert names(visit) == [customer.name]

    def test_a_file_is_uploaded_listed_and_deleted(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code)
        visit.tab.session_state["detail_tab"] = zh("Attachments")
        visit.rerun()
        assert zh("No files yet.") in texts(visit)
        visit.enter("file_type", "attachment_type.business_licence")
        visit.upload("scan.pdf", factories.PDF)
        with db.reading(SYSTEM) as session:
            (file,) = session.execute(select(Attachment)).scalars()
        assert file.filename.startswith(f"{customer.name}-营业执照-")
        assert f"(/files/{file.id})" in "".join(node.value for node in visit.tab.markdown)
        visit.press(f"delete_file_{file.id}")
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Attachment)).first() is None

    def test_a_file_of_another_kind_is_refused_whatever_its_name_says(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMER, code=customer.code)
        visit.tab.session_state["detail_tab"] = zh("Attachments")
        visit.rerun()
        visit.upload("scan.pdf", b"MZ not a pdf")
        assert len(visit.refusals) == 1
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Attachment)).first() is None


def errors_by_field(visit: Visit) -> dict[str, str]:
    """The sentences at the fields, by the field's place: contact_form-phone."""
    found = {}
    for block in visit.tab.container:
        if block.key and block.key.startswith("field-"):
            for node in block.markdown:
                if node.value.startswith(":red[:material/error: "):
                    found[block.key.removeprefix("field-")] = node.value.removeprefix(":red[:material/error: ").removesuffix("]")
    return found


class TestEdit:
    def test_a_correction_needs_a_reason_and_is_logged_with_it(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.EDIT, code=customer.code).enter("edit.source_detail", "2026年秋季工业博览会").press("Save")
        assert set(errors_by_field(visit)) == {"edit-reason"}
        assert stored(customer).source_detail == customer.source_detail
        visit.enter("edit_reason", "客户更正").press("Save")
        assert stored(customer).source_detail == "2026年秋季工业博览会"
        assert visit.page == routes.CUSTOMER
        assert visit.query == {"code": customer.code}
        (line,) = factories.log_of("customer", customer.id, field="source_detail")[-1:]
        assert (line.new, line.reason) == ("2026年秋季工业博览会", "客户更正")

    def test_a_required_value_cannot_be_emptied(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.EDIT, code=customer.code).enter("edit.source_detail", "")
        assert set(errors_by_field(visit.press("Save"))) == {"edit-reason", "edit-source_detail"}

    def test_saving_without_a_change_changes_nothing(self, sales: Actor) -> None:
        customer = factories.make_customer(sales, stage="customer", founded_on="2011-02-03", cooperation_amount="1234.50")
        Visit(sales).go(routes.EDIT, code=customer.code).press("Save")
        assert stored(customer).version == customer.version

    def test_cancel_leaves_everything_as_it_is(self, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        visit = Visit(sales).go(routes.EDIT, code=customer.code).enter("edit.remark", "改了又不要").press("Cancel")
        assert visit.page == routes.CUSTOMER
        assert stored(customer).version == customer.version

    def test_an_identity_number_is_never_sent_and_stays_when_its_field_is_left_empty(self, manager: Actor, sales: Actor) -> None:
        number = factories.random_identity_number()
        customer = factories.make_customer(sales, kind="individual", identity_number=number)
        visit = Visit(manager).go(routes.EDIT, code=customer.code)
        assert number not in str(visit.messages)
        visit.enter("edit.remark", "补充").press("Save")
        assert (stored(customer).identity_number, stored(customer).remark) == (number, "补充")

    def test_a_hidden_choice_stays_on_the_record_that_has_it_and_is_offered_to_no_other(self, administrator: Actor) -> None:
        bearer, other = (factories.make_customer(administrator, source=source) for source in ("source.exhibition", "source.visit"))
        with db.transaction(administrator) as session:
            library.update_preset(session, administrator, "source.exhibition", name="展会推广", name_en="", position=1, is_active=False)
        assert "展会推广" in Visit(administrator).go(routes.EDIT, code=bearer.code).widget("edit.source").options
        assert "展会推广" not in Visit(administrator).go(routes.EDIT, code=other.code).widget("edit.source").options
        Visit(administrator).go(routes.EDIT, code=bearer.code).enter("edit.remark", "补充").press("Save")
        assert stored(bearer).source == "source.exhibition"

    def test_the_second_of_two_editors_may_leave_the_other_version(self, sales: Actor) -> None:
        customer = factories.make_customer(sales, remark="起初")
        visit = Visit(sales).go(routes.EDIT, code=customer.code).fill(edit__remark="我的", edit_reason="更正")
        with db.transaction(sales) as session:
            customer_changes.update_customer(session, sales, customer.id, {"remark": "他们的"}, version=customer.version, reason="更正")
        visit.press("Save").press("Cancel")
        assert (visit.page, stored(customer).remark) == (routes.CUSTOMER, "他们的")

    def test_the_second_of_two_editors_chooses_field_by_field(self, sales: Actor, manager: Actor) -> None:
        customer = factories.make_customer(sales, remark="起初")
        visit = Visit(sales).go(routes.EDIT, code=customer.code).fill(edit__remark="我的", edit__tier="A", edit_reason="更正")
        with db.transaction(manager) as session:
            theirs = {"remark": "他们的", "address": "文三路1号"}
            customer_changes.update_customer(session, manager, customer.id, theirs, version=customer.version, reason="更正")
        visit.press("Save")
        assert stored(customer).remark == "他们的"
        page = texts(visit)
        assert zh("Mine: {value}").format(value="我的") in page
        assert manager.name in visit.tab.warning[-1].value
        assert zh("Theirs: {value}").format(value="他们的") in page
        assert "文三路1号" in page
        visit.fill(conflict_remark="theirs", conflict_tier="mine").press("Save this choice")
        after = stored(customer)
        assert (after.remark, after.tier, after.address) == ("他们的", "A", "文三路1号")

    def test_an_edit_that_was_cut_short_is_found_again_in_another_browser(self, sales: Actor) -> None:
        customer = factories.make_customer(sales, remark="起初")
        edit = Visit(sales).go(routes.EDIT, code=customer.code).enter("edit.remark", "写到一半")
        edit.enter("edit.first_contact_on", date(2026, 1, 5)).enter("edit_reason", "更正")
        again = Visit(sales).go(routes.EDIT, code=customer.code)
        found = [again.widget(name).value for name in ("edit.remark", "edit.first_contact_on", "edit_reason")]
        assert found == ["写到一半", date(2026, 1, 5), "更正"]
        again.press("Save")
        assert (stored(customer).remark, stored(customer).first_contact_on) == ("写到一半", date(2026, 1, 5))
        assert not Visit(sales).go(routes.EDIT, code=customer.code).has("Drop these changes")

    @pytest.mark.parametrize("button", ["Drop these changes", "Cancel"])
    def test_an_edit_that_was_cut_short_is_dropped_on_request(self, sales: Actor, button: str) -> None:
        customer = factories.make_customer(sales, remark="起初")
        Visit(sales).go(routes.EDIT, code=customer.code).enter("edit.remark", "写到一半")
        Visit(sales).go(routes.EDIT, code=customer.code).press(button)
        assert Visit(sales).go(routes.EDIT, code=customer.code).widget("edit.remark").value == "起初"

    def test_what_somebody_else_saved_since_an_edit_was_cut_short_is_decided_first(self, sales: Actor, manager: Actor) -> None:
        customer = factories.make_customer(sales, remark="起初")
        Visit(sales).go(routes.EDIT, code=customer.code).enter("edit.remark", "我的")
        with db.transaction(manager) as session:
            changes = {"remark": "他们的"}
            customer_changes.update_customer(session, manager, customer.id, changes, version=customer.version, reason="更正")
        visit = Visit(sales).go(routes.EDIT, code=customer.code)
        visit.fill(conflict_remark="mine", edit_reason="更正").press("Save this choice")
        assert stored(customer).remark == "我的"


class TestImport:
    CSV = "客户名称,手机,备注\n杭州恒远机械有限公司,13800001234,好客户\n王总,13900001234,\n"

    def uploaded(self, who: Actor, content: bytes | None = None, name: str = "customers.csv") -> Visit:
        visit = Visit(who).go(routes.IMPORT)
        return visit.upload(name, self.CSV.encode() if content is None else content)

    def count(self) -> int:
        with db.reading(SYSTEM) as session:
            return session.execute(select(func.count(Customer.id))).scalar_one()

    def test_without_a_file_it_says_what_to_do(self, manager: Actor) -> None:
        assert zh("No file chosen yet") in texts(Visit(manager).go(routes.IMPORT))

    def test_it_says_which_headings_it_knows_and_gives_a_template(self, manager: Actor) -> None:
        visit = Visit(manager).go(routes.IMPORT)
        assert zh("Download an empty template") in texts(visit)
        assert "统一社会信用代码" in texts(visit)

    def test_checking_saves_nothing_and_importing_saves_what_is_right(self, manager: Actor) -> None:
        visit = self.uploaded(manager).press("Check without saving")
        assert self.count() == 0
        assert zh("Checked, nothing saved:") in visit.tab.warning[0].value
        visit.press("Import now")
        assert self.count() == 1
        (failed,) = visit.tab.dataframe[0].value[zh("Row")].tolist()
        assert failed == 3
        assert names(visit.press("Customer list")) == ["杭州恒远机械有限公司"]

    def test_an_import_is_undone_below_it(self, manager: Actor) -> None:
        self.uploaded(manager).press("Import now")
        visit = Visit(manager).go(routes.IMPORT).press("Undo the import")
        assert "1" in texts(visit)
        visit.press("Undo the import")
        assert visit.toasts
        assert self.place_of_all() == ["bin"]
        assert not Visit(manager).go(routes.IMPORT).has("Undo the import")

    def test_an_import_of_accounts_is_undone_with_its_teams_and_names_who_stays(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.IMPORT).enter("import_kind", "user")
        visit.upload("staff.csv", "姓名,账号,部门,角色\n李娜,lina,华东组,销售\n王芳,wangfang,华西组,销售\n".encode()).press("Import now")
        with db.transaction(SYSTEM) as session:
            session.execute(select(User).where(User.username == "lina")).scalar_one().last_sign_in_at = clock.now()
        visit = Visit(administrator).go(routes.IMPORT).press("Undo the import")
        assert f"李娜: {zh('its owner has signed in')}" in texts(visit)
        visit.press("Undo the import")
        with db.reading(SYSTEM) as session:
            assert set(session.execute(select(User.username)).scalars()) == {"administrator", "lina"}
            assert list(session.execute(select(Team.name)).scalars()) == ["华东组"]

    def place_of_all(self) -> list[str]:
        with db.reading(SYSTEM) as session:
            return list(session.execute(select(Customer.place)).scalars())

    def test_headings_are_recognised_and_can_be_chosen(self, manager: Actor) -> None:
        visit = self.uploaded(manager)
        guessed = [node.value for node in visit.elements("selectbox") if (node.key or "").startswith("column_")]
        assert guessed == ["name", "contact.phone", "remark"]

    def test_an_administrator_imports_accounts_with_a_role_for_all(self, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.IMPORT).enter("import_kind", "user")
        visit.upload("staff.csv", "姓名,部门,邮箱\n李娜,华东组,\n王芳,华东组,没有\n".encode())
        visit.enter("default_user_role", "sales").press("Import now")
        assert zh(
            "Nobody knows the passwords of the new accounts. Give each one a one-time password, under Edit, when its owner begins."
        ) in [node.value for node in visit.tab.info]
        assert visit.tab.dataframe[0].value[zh("Row")].tolist() == [3]
        assert "李娜" in texts(visit.press("Accounts"))

    def test_opportunities_come_in_with_a_mapping_file(self, manager: Actor) -> None:
        customer = factories.make_customer(manager)
        plan = {
            "kind": "opportunity",
            "mapping": {"Konto": "customer", "Wert": "amount", "Tag": "expected_on"},
            "words": {"amount": {"viel": "5万"}},
        }
        visit = Visit(manager).go(routes.IMPORT).enter("import_kind", "opportunity")
        visit.upload("deals.csv", f"Konto,Wert,Tag\n{customer.code},viel,2030-01-01\n".encode())
        assert visit.widget("Import now").disabled
        uploader = visit.tab.file_uploader[1]
        uploader.upload("plan.json", json.dumps(plan).encode())
        visit.rerun().press("Import now")
        assert visit.press("Opportunities").page == routes.OPPORTUNITIES
        with db.reading(SYSTEM) as session:
            assert session.execute(select(Opportunity.amount)).scalar_one() == 50_000

    @pytest.mark.parametrize("kind", ["opportunity", "contract"])
    def test_products_come_in_with_quantity_and_price_and_a_wrong_one_is_told(self, manager: Actor, kind: str) -> None:
        factories.make_product(code="A-1", name="排产软件", price="1000")
        customer = factories.make_customer(manager, stage="customer")
        number, day = {"opportunity": ("商机编号", "预计成交日期"), "contract": ("合同编号", "签订日期")}[kind]
        header = f"{number},客户,{day},产品,数量,单价"
        rows = "\n".join(f"{number},{customer.code},2030-01-01,A-1,{sold}" for number, sold in (("X", "3,950.50"), ("Y", "-2,5")))
        visit = Visit(manager).go(routes.IMPORT).enter("import_kind", kind)
        visit.upload("deals.csv", f"{header}\n{rows.replace('2030', '2024') if kind == 'contract' else rows}\n".encode()).press(
            "Import now"
        )
        assert visit.tab.dataframe[0].value[zh("Row")].tolist() == [3]
        with db.reading(SYSTEM) as session:
            model = {"opportunity": Opportunity, "contract": Contract}[kind]
            assert session.execute(select(model.amount)).scalars().all() == [Decimal("2851.50")]

    def test_only_what_the_role_may_import_is_offered(self, manager: Actor, sales: Actor) -> None:
        kinds = Visit(manager).go(routes.IMPORT).widget("import_kind")
        assert kinds.options == [zh("Customers"), zh("Opportunities"), zh("Contracts")]
        assert not Visit(sales).go(routes.IMPORT).has("import_kind")

    @pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"PK\x03\x04 broken"])
    def test_a_file_that_is_no_table_is_refused_in_a_sentence(self, manager: Actor, content: bytes) -> None:
        visit = self.uploaded(manager, content, "customers.xlsx")
        assert is_sentence(visit.refusals[0])
        assert not visit.has("Import now")
