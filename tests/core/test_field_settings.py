"""Settings of declared fields: shown, required, ordered and offered as an administrator says, wherever fields appear."""

import io
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.fields import fields_of, read_values
from crm_core.i18n import in_language
from crm_core.models import ChangeLog, Contact, Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import field_changes
from crm_core.services.customer_changes import update_customer
from crm_core.services.demo import filling
from crm_core.services.entry import CONTACT_FIELDS, missing_fields
from crm_core.services.field_settings import BENEATH, KEPT, NEEDED, NO, YES, FieldSetting, combinations
from crm_core.services.imports.mapping import targets
from crm_core.services.imports.template import template_workbook
from crm_core.services.library import Library, get_library
from crm_core.services.log_words import LogWords
from crm_core.validation import clean_values
from tests import factories

HIDEABLE = [name for name in fields_of(Customer) if name not in {*NEEDED, *KEPT, *BENEATH}]


def present() -> Library:
    with reading() as session:
        return get_library(session)


def settle(name: str, **setting: Any) -> int:
    """Set a field as the system."""
    with transaction(SYSTEM) as session:
        return field_changes.save_setting(session, SYSTEM, name, FieldSetting(**setting), version=get_library(session).settings.version)


def test_every_declared_field_is_in_form_check_import_template_and_log(database: str) -> None:
    library, declared = present(), fields_of(Customer)
    assert set(library.fields) == set(declared)
    assert set(library.entered) == {name for name, field in declared.items() if not field.fixed}
    assert [name for name in targets(library) if not name.startswith("contact.")] == list(declared)
    with in_language("zh_CN"):
        headings = [cell.value for cell in load_workbook(io.BytesIO(template_workbook(library))).worksheets[0][2]]
        for name, field in declared.items():
            assert any(heading.startswith(field.title) for heading in headings), name
    demanded = {name for name, field in declared.items() if any(field.is_required(values) for values in combinations())}
    missing = {name for values in combinations() for name in clean_values(library.fields, values)[1]}
    assert missing == demanded - {"kind", "stage"}
    with reading(SYSTEM) as session, in_language("zh_CN"):
        words = LogWords(session, SYSTEM)
        for name, field in declared.items():
            line = ChangeLog(entity="customer", action="changed", subject="", field=name)
            assert words.describe(line).what.endswith(field.title), name


class TestShown:
    def test_every_field_that_is_not_needed_can_be_hidden_and_is_nowhere_then(self, database: str) -> None:
        for name in HIDEABLE:
            settle(name, is_shown=False)
        library = present()
        assert not {*library.fields, *library.entered, *targets(library)} & set(HIDEABLE)
        assert set(HIDEABLE) <= set(field_changes.all_fields(library))
        assert set(HIDEABLE) <= set(library.known_fields)

    def test_a_field_that_the_system_needs_cannot_be_hidden_and_says_why(self, database: str) -> None:
        for name in (*NEEDED, *KEPT, *BENEATH):
            for setting in ({"is_shown": False}, {"stages": ("prospect",)}):
                with pytest.raises(ValidationFailed) as refused:
                    settle(name, **setting)
                assert set(refused.value.errors) == {"is_shown"}, name

    def test_a_province_can_be_hidden_after_what_is_chosen_beneath_it(self, database: str) -> None:
        for name in ("district", "city", "province"):
            settle(name, is_shown=False)
        assert not {"district", "city", "province"} & set(present().fields)

    def test_hidden_data_stays_and_comes_back(self, database: str, sales: Actor) -> None:
        customer = factories.make_customer(sales, key_people="王志强", interests=[])
        settle("key_people", is_shown=False)
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {"remark": "老客户", "key_people": None}, version=customer.version)
        settle("key_people")
        with reading(SYSTEM) as session:
            assert session.get_one(Customer, customer.id).key_people == "王志强"

    def test_a_field_is_shown_only_to_the_natures_and_types_chosen_and_never_to_more(self, database: str) -> None:
        settle("revenue", stages=("customer",), kinds=("enterprise", "individual"))
        field = present().fields["revenue"]
        assert field.shown({"kind": "enterprise", "stage": "customer"})
        assert not field.shown({"kind": "enterprise", "stage": "prospect"})
        assert not field.shown({"kind": "individual", "stage": "customer"})


class TestRequired:
    def test_an_optional_one_becomes_required_for_some(self, database: str, sales: Actor) -> None:
        settle("segment", required=YES, required_stages=("qualified",))
        with pytest.raises(ValidationFailed) as refused:
            factories.make_customer(sales, stage="qualified")
        assert set(refused.value.errors) == {"segment"}
        factories.make_customer(sales, stage="prospect")

    def test_a_required_one_becomes_optional(self, database: str, sales: Actor) -> None:
        settle("employees", required=NO)
        factories.make_customer(sales, employees=None)

    def test_what_the_system_needs_stays_required(self, database: str) -> None:
        for name in NEEDED:
            with pytest.raises(ValidationFailed) as refused:
                settle(name, required=NO)
            assert set(refused.value.errors) == {"required"}, name

    def test_customers_are_marked_as_the_check_of_each_would_mark_them(self, database: str, administrator: Actor) -> None:
        with transaction(administrator) as session:
            filling.fill_demo(session, administrator, users=False)
        changed = (
            settle("segment", required=YES, required_kinds=("individual",)) + settle("tier", required=YES) + settle("industry", required=NO)
        )
        assert changed
        with reading(SYSTEM) as session:
            library = get_library(session)
            for customer in session.execute(select(Customer)).scalars():
                contacts = session.execute(select(Contact).where(Contact.customer_id == customer.id)).scalars()
                people = [{name: getattr(one, name) for name in CONTACT_FIELDS} for one in contacts]
                missing = missing_fields(library, read_values(customer, library.fields), people, industry_text=customer.industry_text)
                assert customer.is_incomplete == bool(missing), (customer.name, missing)


class TestOrderAndChoices:
    def test_a_field_moves_within_its_group(self, database: str) -> None:
        def move(name: str, steps: int) -> list[str]:
            with transaction(SYSTEM) as session:
                field_changes.move_field(session, SYSTEM, name, steps, version=get_library(session).settings.version)
            return [name for name, field in present().fields.items() if field.group == "cooperation"]

        assert move("last_cooperated_on", -1) == ["last_cooperated_on", "first_cooperated_on", "cooperation_amount"]
        assert move("last_cooperated_on", -1) == ["last_cooperated_on", "first_cooperated_on", "cooperation_amount"]
        assert move("last_cooperated_on", 2) == ["first_cooperated_on", "cooperation_amount", "last_cooperated_on"]

    def test_days_are_compared_whatever_their_order(self, database: str, sales: Actor) -> None:
        with transaction(SYSTEM) as session:
            field_changes.move_field(session, SYSTEM, "last_cooperated_on", -1, version=0)
        with pytest.raises(ValidationFailed) as refused:
            factories.make_customer(sales, stage="customer", first_cooperated_on="2024-01-02", last_cooperated_on="2023-01-02")
        assert set(refused.value.errors) == {"last_cooperated_on"}

    def test_a_type_is_offered_only_the_presets_chosen_for_it(self, database: str) -> None:
        settle("source", offered={"prospect": ("source.exhibition",), "qualified": ()})
        library = present()
        assert [one.code for one in library.offered(library.fields["source"], "prospect")] == ["source.exhibition"]
        assert library.offered(library.fields["source"], "qualified") == library.active("source")

    def test_help_is_in_the_words_of_the_administrator(self, database: str) -> None:
        settle("remark", help="  只写公司认可的内容。 ")
        assert present().fields["remark"].help_text == "只写公司认可的内容。"


class TestSaving:
    def test_only_administrators_save(self, database: str, manager: Actor) -> None:
        with transaction(manager) as session:
            for act in (
                lambda: field_changes.save_setting(session, manager, "segment", FieldSetting(is_shown=False), version=0),
                lambda: field_changes.move_field(session, manager, "segment", 1, version=0),
            ):
                with pytest.raises(NotAllowed):
                    act()

    def test_the_second_of_two_saves_is_told(self, database: str) -> None:
        settle("segment", is_shown=False)
        with pytest.raises(Conflict), transaction(SYSTEM) as session:
            field_changes.save_setting(session, SYSTEM, "tier", FieldSetting(is_shown=False), version=0)
        assert "tier" in present().fields

    @pytest.mark.parametrize(
        "setting", [{"kinds": ("company",)}, {"stages": ("lead",)}, {"offered": {"prospect": ("budget.tbd",)}}, {"required": "perhaps"}]
    )
    def test_what_does_not_exist_cannot_be_set(self, sqlite_database: str, setting: dict[str, Any]) -> None:
        with pytest.raises(NotFound):
            settle("source", **setting)

    def test_the_log_says_what_was_set_in_words(self, database: str) -> None:
        settle("segment", is_shown=False)
        settle("tier", required=YES, required_stages=("customer",), help="按年度合作金额")
        line = factories.log_of("policy", "fields", field="values")[-1]
        with reading(SYSTEM) as session, in_language("zh_CN"):
            text = LogWords(session, SYSTEM).describe(line)
        assert "客户等级" in text.after
        assert "按年度合作金额" in text.after
        assert "客户分类" not in text.after
        assert "{" not in text.after


def test_nothing_is_computed_again_while_nothing_changes(database: str) -> None:
    assert present() is present()
    before = present()
    settle("segment", is_shown=False)
    assert present() is not before
