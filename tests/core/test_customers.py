"""Entering, changing, deleting and restoring customers, on both databases."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Contact, Customer, Industry, IndustrySuggestion
from crm_core.numbering import bump
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services.customer_changes import update_customer, what_is_missing
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import create_customer, delete_customer, get_customer, restore_customer
from crm_core.services.drafts import list_drafts, start_draft
from tests import factories
from tests.core.sentences import is_sentence


def change(actor: Actor, customer: Customer, reason: str = "客户来电更正", *, version: int | None = None, **changes: Any) -> Customer:
    """Change a customer in a transaction of its own."""
    with transaction(actor) as session:
        return update_customer(session, actor, customer.id, changes, version=version or customer.version, reason=reason)


def stored(customer: Customer) -> Customer:
    """The customer as it is in the database now."""
    with reading(SYSTEM) as session:
        return session.execute(select(Customer).where(Customer.id == customer.id)).scalar_one()


def count_customers() -> int:
    with reading(SYSTEM) as session:
        return session.execute(select(func.count(Customer.id))).scalar_one()


def listed(actor: Actor, **query: Any) -> list[str]:
    """The codes of a list, in its order."""
    with reading(actor) as session:
        return [row.code for row in list_customers(session, actor, CustomerQuery(**query)).rows]


class TestEntering:
    @pytest.mark.parametrize("stage", ["prospect", "qualified", "customer", "partner", "churned"])
    @pytest.mark.parametrize("kind", ["enterprise", "individual"])
    def test_a_customer_of_each_nature_and_type_is_kept_as_entered(self, database: str, sales: Actor, kind: str, stage: str) -> None:
        made = factories.make_customer(sales, kind=kind, stage=stage, remark="第一行\n第二行 👍")
        customer = stored(made)
        assert (customer.kind, customer.stage, customer.remark, customer.owner_id) == (kind, stage, "第一行\n第二行 👍", sales.id)
        assert re.fullmatch(rf"CUS{clock.today():%Y%m}\d{{3,}}", customer.code)
        assert not customer.is_incomplete
        if stage in ("customer", "churned"):
            assert customer.cooperation_amount == Decimal("860000.00")
            assert customer.last_cooperated_on == date(2023, 11, 20)
        (line,) = factories.log_of("customer", customer.id, action="created")
        assert (line.actor_id, line.actor_name, line.subject, line.customer_id) == (sales.id, sales.name, customer.name, customer.id)
        assert line.at.tzinfo is not None

    def test_the_first_contact_is_the_primary_one(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales, contacts=[factories.contact_values(name="王伟"), factories.contact_values(name="李娜")])
        with reading(sales) as session:
            contacts = session.execute(select(Contact).where(Contact.customer_id == made.id).order_by(Contact.id)).scalars().all()
        assert [(contact.name, contact.is_primary) for contact in contacts] == [("王伟", True), ("李娜", False)]
        assert len(factories.log_of("contact", action="created")) == 2

    def test_nothing_is_kept_of_an_entry_with_an_error(self, database: str, sales: Actor) -> None:
        with pytest.raises(ValidationFailed) as refusal:
            factories.make_customer(sales, source="", credit_code="123")
        assert set(refusal.value.errors) == {"source", "credit_code"}
        assert count_customers() == 0
        assert factories.log_of("customer") == []
        assert factories.make_customer(sales).code.endswith("001")

    def test_a_role_without_the_permission_may_not_enter(self, database: str, sales: Actor) -> None:
        reader = Actor(id=sales.id, name="只读", permissions=frozenset({Permission.CUSTOMER_READ}))
        with pytest.raises(NotAllowed) as refusal:
            factories.make_customer(reader)
        assert refusal.value.permission == Permission.CUSTOMER_CREATE
        assert is_sentence(str(refusal.value))
        assert count_customers() == 0

    def test_submitting_a_draft_twice_makes_one_customer(self, database: str, sales: Actor) -> None:
        with transaction(sales) as session:
            draft = start_draft(session, sales, {"name": "x"})
        values, contacts = factories.customer_values(), [factories.contact_values()]
        with transaction(sales) as session:
            first = create_customer(session, sales, values, contacts, draft_id=draft)
        with transaction(sales) as session:
            second = create_customer(session, sales, values, contacts, draft_id=draft)
            assert list_drafts(session, sales) == []
        assert (first.is_repeated, second.is_repeated) == (False, True)
        assert first.customer.id == second.customer.id
        assert count_customers() == 1

    def test_somebody_elses_draft_cannot_be_submitted(self, database: str, sales: Actor, stranger: Actor) -> None:
        with transaction(stranger) as session:
            draft = start_draft(session, stranger, {"name": "x"})
        with pytest.raises(NotFound):
            factories.make_customer(sales, draft_id=draft)
        with reading(stranger) as session:
            assert [one.id for one in list_drafts(session, stranger)] == [draft]
        made = factories.make_customer(stranger, draft_id=draft)
        with pytest.raises(NotFound):
            factories.make_customer(sales, draft_id=draft)
        assert stored(made).owner_id == stranger.id

    def test_an_exact_duplicate_needs_a_reason(self, database: str, sales: Actor) -> None:
        first = factories.make_customer(sales, name="杭州恒远机械有限公司")
        with pytest.raises(ValidationFailed) as refusal:
            factories.make_customer(sales, name="杭州恒远机械有限责任公司", duplicate_reason=" ")
        assert set(refusal.value.errors) == {"duplicate_reason"}
        second = factories.make_customer(sales, name="杭州恒远机械有限责任公司", duplicate_reason="同名不同地区")
        assert stored(second).duplicate_reason == "同名不同地区"
        assert second.id != first.id

    def test_an_industry_in_own_words_waits_for_the_administrator(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales, industry="低空经济")
        again = factories.make_customer(sales, industry=" 低空经济 ")
        with reading(SYSTEM) as session:
            (suggestion,) = session.execute(select(IndustrySuggestion)).scalars().all()
        assert (suggestion.text, suggestion.state, suggestion.proposed_by_id) == ("低空经济", "pending", sales.id)
        assert (stored(made).industry, stored(made).industry_text) == (None, "低空经济")
        assert stored(again).industry_text == "低空经济"
        assert not stored(made).is_incomplete


class TestChanging:
    def test_a_correction_is_kept_with_its_reason(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        change(sales, made, "客户更名", name="杭州恒远智能装备有限公司")
        assert stored(made).name == "杭州恒远智能装备有限公司"
        assert stored(made).name_key == "杭州恒远智能装备有限公司"
        assert stored(made).version == made.version + 1
        (line,) = factories.log_of("customer", made.id, action="changed", field="name")
        assert (line.old is not None, line.new, line.reason, line.actor_id) == (True, "杭州恒远智能装备有限公司", "客户更名", sales.id)

    def test_a_correction_without_a_reason_is_refused(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        with pytest.raises(ValidationFailed) as refusal:
            change(sales, made, "  ", source_detail="2024年行业展会")
        assert set(refusal.value.errors) == {"reason"}
        assert stored(made).source_detail == "2023年行业展会"
        assert factories.log_of("customer", made.id, action="changed") == []

    def test_filling_an_empty_field_needs_no_reason(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        change(sales, made, "", remark="喜欢微信沟通", interests=["interest.training"])
        assert (stored(made).remark, stored(made).interests) == ("喜欢微信沟通", ["interest.training"])
        (line,) = factories.log_of("customer", made.id, field="interests")
        assert (line.old, line.new) == ("[]", '["interest.training"]')

    def test_saving_the_same_values_changes_and_logs_nothing(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales, stage="customer", industry="低空经济")
        with reading(sales) as session:
            seen = get_customer(session, sales, made.code)
        change(sales, made, "", industry="低空经济", name=seen.name, cooperation_amount="860,000", founded_on="2010/5/6", interests=[])
        assert stored(made).version == made.version
        assert stored(made).industry_text == "低空经济"
        assert factories.log_of("customer", made.id, action="changed") == []

    def test_nature_type_and_columns_without_a_field_are_not_changed_here(self, database: str, sales: Actor, stranger: Actor) -> None:
        made = factories.make_customer(sales)
        change(sales, made, kind="individual", stage="churned", owner_id=stranger.id, code="CUS1", place="bin")
        now = stored(made)
        assert (now.kind, now.stage, now.owner_id, now.code, now.place) == ("enterprise", "prospect", sales.id, made.code, "library")

    def test_the_second_of_two_editors_sees_what_the_first_saved(self, database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_customer(sales)
        seen = made.version
        change(manager, made, "核对后更正", version=seen, source_detail="主管的版本")
        with pytest.raises(Conflict) as conflict:
            change(sales, made, "我的更正", version=seen, source_detail="销售的版本")
        assert conflict.value.theirs["source_detail"] == "主管的版本"
        assert conflict.value.version == stored(made).version > seen
        assert is_sentence(str(conflict.value))
        assert stored(made).source_detail == "主管的版本"
        change(sales, made, "看过差异后决定", version=conflict.value.version, source_detail="销售的版本")
        assert stored(made).source_detail == "销售的版本"
        assert [line.new for line in factories.log_of("customer", made.id, field="source_detail")] == ["主管的版本", "销售的版本"]

    def test_a_customer_deleted_while_being_edited_is_not_found(self, database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_customer(sales)
        with transaction(manager) as session:
            delete_customer(session, manager, made.id)
        with pytest.raises(NotFound) as refusal:
            change(sales, made, remark="太迟了")
        assert is_sentence(str(refusal.value))
        assert stored(made).remark is None

    @pytest.mark.parametrize("field", ["name", "industry", "source", "source_detail", "employees", "core_need", "cooperation_amount"])
    def test_a_required_field_cannot_be_emptied(self, sqlite_database: str, sales: Actor, field: str) -> None:
        made = factories.make_customer(sales, stage="customer")
        with pytest.raises(ValidationFailed) as refusal:
            change(sales, made, **{field: "  "})
        assert set(refusal.value.errors) == {field}
        assert getattr(stored(made), field) == getattr(made, field)

    def test_an_optional_field_can_be_emptied(self, sqlite_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales, remark="旧备注", province="330000", city="330100")
        change(sales, made, remark="", province=None, city=None)
        assert (stored(made).remark, stored(made).province) == (None, None)

    def test_an_incomplete_record_can_be_completed_in_steps(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        with transaction(sales) as session:
            row = session.get(Customer, made.id)
            row.source, row.source_detail, row.is_incomplete = None, None, True
        version = stored(made).version
        with reading(sales) as session:
            assert len(what_is_missing(session, get_customer(session, sales, made.code))) == 2
        half = change(sales, made, "", version=version, source="source.referral")
        assert stored(made).is_incomplete
        change(sales, made, "", version=half.version, source_detail="老客户介绍")
        assert not stored(made).is_incomplete
        with reading(sales) as session:
            assert what_is_missing(session, get_customer(session, sales, made.code)) == []

    def test_becoming_an_exact_duplicate_needs_a_reason_and_names_the_other(self, database: str, sales: Actor, stranger: Actor) -> None:
        code = factories.random_credit_code()
        factories.make_customer(sales, name="杭州恒远机械有限公司")
        factories.make_customer(stranger, name="宁波海岳物流有限公司", credit_code=code)
        made = factories.make_customer(sales)
        with pytest.raises(ValidationFailed) as refusal:
            change(sales, made, " \u200b", name="杭州恒远机械有限责任公司", credit_code=code)
        assert set(refusal.value.errors) == {"name", "credit_code", "reason"}
        assert all(is_sentence(sentence) for sentences in refusal.value.errors.values() for sentence in sentences)
        assert "杭州恒远机械有限公司" in refusal.value.errors["name"][0]
        assert "海岳" not in refusal.value.errors["credit_code"][0]
        with pytest.raises(ValidationFailed) as refusal:
            change(sales, made, "", credit_code=code)
        assert set(refusal.value.errors) == {"credit_code", "reason"}
        change(sales, made, "同一集团的两家公司", name="杭州恒远机械有限责任公司", credit_code=code)
        assert stored(made).credit_code == code
        change(sales, made, "", version=stored(made).version, remark="不再追问")

    def test_a_person_who_becomes_another_by_identity_number_needs_a_reason(self, database: str, administrator: Actor) -> None:
        number = factories.random_identity_number()
        factories.make_customer(administrator, kind="individual", name="王伟", identity_number=number)
        made = factories.make_customer(administrator, kind="individual", name="李娜")
        with pytest.raises(ValidationFailed) as refusal:
            change(administrator, made, "", identity_number=number)
        assert set(refusal.value.errors) == {"identity_number", "reason"}
        change(administrator, made, "", identity_number=factories.random_identity_number())

    def test_the_first_cooperation_cannot_be_moved_behind_the_latest(self, sqlite_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales, stage="customer")
        with pytest.raises(ValidationFailed) as refusal:
            change(sales, made, first_cooperated_on="2024-01-01")
        assert set(refusal.value.errors) == {"last_cooperated_on"}
        assert stored(made).first_cooperated_on == date(2021, 3, 1)

    def test_a_province_cannot_be_changed_away_from_under_its_city(self, sqlite_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales, province="330000", city="330100")
        with pytest.raises(ValidationFailed) as refusal:
            change(sales, made, province="320000")
        assert set(refusal.value.errors) == {"city"}
        change(sales, made, province="320000", city="320100")
        assert stored(made).city == "320100"

    def test_an_old_value_that_breaks_a_newer_rule_does_not_block_other_changes(self, sqlite_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        with transaction(sales) as session:
            session.get(Customer, made.id).name = "恒远"
        change(sales, made, "", version=stored(made).version, remark="仍可补充")
        assert stored(made).remark == "仍可补充"

    def test_two_days_that_contradict_each_other_cannot_be_changed_into_two_others_that_do(
        self, sqlite_database: str, sales: Actor
    ) -> None:
        made = factories.make_customer(sales, stage="customer")
        with transaction(sales) as session:
            session.get(Customer, made.id).last_cooperated_on = date(2019, 1, 1)
        version = stored(made).version
        with pytest.raises(ValidationFailed) as refusal:
            change(sales, made, version=version, first_cooperated_on="2020-01-01")
        assert set(refusal.value.errors) == {"last_cooperated_on"}
        change(sales, made, version=version, first_cooperated_on="2018-01-01")
        assert stored(made).first_cooperated_on == date(2018, 1, 1)

    def test_changing_without_the_permission_is_refused(self, sqlite_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        reader = Actor(id=sales.id, name="只读", permissions=frozenset({Permission.CUSTOMER_READ}))
        with pytest.raises(NotAllowed):
            change(reader, made, remark="x")
        assert stored(made).remark is None


class TestDeleting:
    def test_a_deleted_customer_waits_in_the_recycle_bin(self, database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_customer(sales)
        with transaction(manager) as session:
            delete_customer(session, manager, made.id, reason="重复录入")
        assert stored(made).place == "bin"
        assert listed(manager) == []
        assert listed(manager, phrase=made.name) == []
        (line,) = factories.log_of("customer", made.id, field="place")
        assert (line.old, line.reason, line.actor_id) == ("library", "重复录入", manager.id)
        with reading(manager) as session, pytest.raises(NotFound):
            get_customer(session, manager, made.code)

    def test_a_restored_customer_is_found_again(self, database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_customer(sales)
        with transaction(manager) as session:
            delete_customer(session, manager, made.id)
        with transaction(manager) as session:
            restore_customer(session, manager, made.id)
        assert listed(sales, phrase=made.name) == [made.code]
        assert len(factories.log_of("customer", made.id, field="place")) == 2

    def test_only_what_is_in_the_bin_can_be_restored(self, database: str, sales: Actor, manager: Actor) -> None:
        made = factories.make_customer(sales)
        with pytest.raises(NotFound), transaction(manager) as session:
            restore_customer(session, manager, made.id)

    def test_sales_may_neither_delete_nor_restore(self, database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        for verb in (delete_customer, restore_customer):
            with pytest.raises(NotAllowed), transaction(sales) as session:
                verb(session, sales, made.id)
        assert stored(made).place == "library"


class TestListing:
    @pytest.fixture
    def three(self, database: str, sales: Actor) -> list[Customer]:
        """Three customers that differ in every filter."""
        place = {"province": "330000", "city": "330100"}
        return [
            factories.make_customer(sales, name="杭州甲有限公司", segment="segment.new", tier="A", industry="C34", **place),
            factories.make_customer(sales, stage="customer", source="source.referral", industry="C", cooperation_amount="9"),
            factories.make_customer(sales, kind="individual", stage="churned", industry="I65", sales_stage="contact"),
        ]

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({}, [2, 1, 0]),
            ({"kind": ("enterprise",)}, [1, 0]),
            ({"stage": ("prospect", "churned")}, [2, 0]),
            ({"segment": ("segment.new",)}, [0]),
            ({"tier": ("A", "B")}, [0]),
            ({"province": ("330000",)}, [0]),
            ({"city": ("330100",)}, [0]),
            ({"source": ("source.referral",)}, [1]),
            ({"sales_stage": ("contact",)}, [2]),
            ({"industry": ("C34",)}, [0]),
            ({"industry": ("C",)}, [1, 0]),
            ({"industry": ("I", "C34")}, [2, 0]),
            ({"industry": ("C",), "stage": ("customer",)}, [1]),
            ({"remark": ("x",)}, [2, 1, 0]),
        ],
    )
    def test_filters_narrow_the_list(
        self, three: list[Customer], sales: Actor, filters: dict[str, tuple[str, ...]], expected: list[int]
    ) -> None:
        assert listed(sales, filters=tuple(filters.items())) == [three[place].code for place in expected]

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [("newest", [2, 1, 0]), ("oldest", [0, 1, 2]), ("amount", [2, 1, 0]), ("updated", [0, 2, 1]), ("nonsense", [2, 1, 0])],
    )
    def test_the_list_is_sorted(self, three: list[Customer], sales: Actor, sort: str, expected: list[int]) -> None:
        change(sales, three[0], "", remark="刚刚改过")
        assert listed(sales, sort=sort) == [three[place].code for place in expected]

    def test_names_are_in_one_order_on_both_databases(self, database: str, sales: Actor) -> None:
        names = ["Zeta Ltd", "alpha GmbH", "Ärzte GmbH", "beta-2 AG", "Beta 10 AG", "杭州甲有限公司", "𠮷野家有限公司"]
        made = [factories.make_customer(sales, name=name) for name in names]
        in_order = sorted(made, key=lambda one: one.name_key)
        assert listed(sales, sort="name") == [one.code for one in in_order]

    def test_a_section_stands_for_all_its_industries_those_added_later_too(
        self, three: list[Customer], sales: Actor, administrator: Actor
    ) -> None:
        with transaction(administrator) as session:
            session.add(Industry(code="Cz9", name="低空装备", parent="C"))
            bump(session, "library")
        added = factories.make_customer(sales, industry="低空装备")
        assert listed(sales, filters=(("industry", ("C",)),)) == [added.code, three[1].code, three[0].code]
        assert listed(sales, filters=(("industry", ("I",)),)) == [three[2].code]

    def test_owner_tag_time_and_completeness_narrow_the_list(self, three: list[Customer], sales: Actor, manager: Actor) -> None:
        today = clock.today()
        assert listed(manager, owners=(sales.id,)) == [one.code for one in reversed(three)]
        assert listed(manager, owners=(manager.id,)) == []
        assert len(listed(sales, created_from=today, created_to=today)) == 3
        assert listed(sales, created_to=date(2020, 1, 1)) == []
        assert listed(sales, incomplete=True) == []
        with transaction(sales) as session:
            session.get(Customer, three[1].id).is_incomplete = True
        assert listed(sales, incomplete=True) == [three[1].code]

    def test_the_list_carries_the_primary_contact(self, three: list[Customer], sales: Actor) -> None:
        with reading(sales) as session:
            page = list_customers(session, sales, CustomerQuery())
        assert set(page.contacts) == {one.id for one in three}
        assert (page.total, page.pages, page.is_capped) == (3, 1, False)

    def test_long_lists_come_in_pages(self, sqlite_database: str, administrator: Actor) -> None:
        codes = [factories.make_customer(administrator).code for _number in range(51)]
        with reading(administrator) as session:
            first, second, beyond = (list_customers(session, administrator, CustomerQuery(page=page)) for page in (1, 2, 99))
        assert [row.code for row in first.rows] == codes[:0:-1]
        assert [row.code for row in second.rows] == codes[:1] == [row.code for row in beyond.rows]
        assert (first.total, first.pages, beyond.page) == (51, 2, 2)

    def test_reading_needs_the_permission(self, sqlite_database: str, sales: Actor) -> None:
        nobody = Actor(id=sales.id, name="无", permissions=frozenset())
        with reading(nobody) as session, pytest.raises(NotAllowed):
            list_customers(session, nobody, CustomerQuery())

    @pytest.mark.parametrize("code", ["CUS000000000", "", "\x00", "\ud800", "' OR 1=1 --", "客" * 500])
    def test_an_unknown_code_is_not_found(self, database: str, sales: Actor, code: str) -> None:
        with reading(sales) as session, pytest.raises(NotFound):
            get_customer(session, sales, code)


def test_messages_follow_the_language_of_the_user(sqlite_database: str, sales: Actor) -> None:
    with in_language("en"), pytest.raises(ValidationFailed) as refusal:
        factories.make_customer(sales, source_detail="")
    assert refusal.value.errors["source_detail"] == ["Source detail is required."]
