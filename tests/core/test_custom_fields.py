"""Custom fields: each type behaves like a declared field wherever fields appear, on both databases."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, NotFound, ValidationFailed
from crm_core.fields import read_value
from crm_core.i18n import in_language
from crm_core.models import FIELD_TYPES, Customer, CustomField, FieldType
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import display, field_changes
from crm_core.services.customer_changes import update_customer, what_is_missing
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import get_customer
from crm_core.services.entry import check_entry
from crm_core.services.field_changes import Choice, CustomValues, add_custom_field, update_custom_field
from crm_core.services.imports.mapping import guess_mapping, targets
from crm_core.services.imports.plan import ImportPlan, OnDuplicate
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.imports.template import template_workbook
from crm_core.services.library import Library, get_library
from crm_core.services.log_words import LogWords
from tests import factories


@dataclass(frozen=True)
class Sample:
    """One type: what a user enters, what it becomes, how it is shown, another value, and what is refused."""

    entered: Any
    clean: Any
    shown: str
    other: Any
    other_shown: str
    bad: tuple[Any, ...] = ()
    cell: Any = None
    range: tuple[Any, Any] | None = None
    codes: tuple[str, ...] = ()


SAMPLES: dict[str, Sample] = {
    FieldType.TEXT: Sample(" A 座 ", "A 座", "A 座", "B 座", "B 座", ("x" * 201,)),
    FieldType.LONG_TEXT: Sample("第一行\n第二行", "第一行\n第二行", "第一行\n第二行", "另一段", "另一段", ("x" * 5001,)),
    FieldType.NUMBER: Sample("1,250.50", Decimal("1250.5"), "1,250.5", "-3", "-3", ("很多", "1e20", "NaN", "1-2"), 1250.5, (1000, 2000)),
    FieldType.MONEY: Sample(
        "50万", Decimal("500000.00"), "¥500,000", "1200.5", "¥1,200.50", ("很贵", "-1"), 500000, (Decimal(1000), Decimal(600000))
    ),
    FieldType.DATE: Sample(
        "2031-05-10",
        date(2031, 5, 10),
        "2031-05-10",
        "2020/1/2",
        "2020-01-02",
        ("2031-02-30", "1850-01-01"),
        range=(date(2031, 1, 1), None),
    ),
    FieldType.CHOICE: Sample("jin", "jin", "金牌", "yin", "银牌", ("bronze",), "Gold", codes=("jin",)),
    FieldType.CHOICES: Sample(
        ["jin", "yin"], ["jin", "yin"], "金牌、银牌", ["yin"], "银牌", (["jin", "bronze"],), "金牌；银牌", codes=("jin",)
    ),
    FieldType.YES_NO: Sample("yes", "yes", "是", "no", "否", ("perhaps",), True, codes=("yes",)),
    FieldType.LINK: Sample(
        "https://www.hengyuan.example.com/a?b=1",
        "https://www.hengyuan.example.com/a?b=1",
        "https://www.hengyuan.example.com/a?b=1",
        "http://example.com",
        "http://example.com",
        (
            "javascript:alert(1)",
            "www.example.com",
            "https://",
            "ftp://example.com",
            "https://a b.example.com",
            'https://a.example.com/"><b>',
            "http://[1",
        ),
    ),
}
CHOICES = (Choice("金牌", "Gold", code="jin"), Choice("银牌", code="yin"))


@pytest.fixture(params=list(SAMPLES))
def type(request: pytest.FixtureRequest) -> str:
    """Each type of custom field."""
    return str(request.param)


def make_field(type: str = FieldType.TEXT, **over: Any) -> str:
    """Add a custom field as the system, in a transaction of its own."""
    values = {"name": "服务等级", "name_en": "Service level"}
    values |= {"choices": (Choice("金牌", "Jin"), Choice("银牌", "Yin"))} if type in field_changes.WITH_CHOICES else {}
    with transaction(SYSTEM) as session:
        return add_custom_field(session, SYSTEM, type, CustomValues(**{**values, **over}))


def present() -> Library:
    with reading() as session:
        return get_library(session)


def stored(customer: Customer, key: str) -> Any:
    with reading(SYSTEM) as session:
        return read_value(session.get_one(Customer, customer.id), present().known_fields[key])


def row_of(key: str) -> CustomField:
    with reading(SYSTEM) as session:
        return session.execute(select(CustomField).where(CustomField.key == key)).scalar_one()


def found(key: str, **query: Any) -> list[int]:
    with reading(SYSTEM) as session:
        return [row.id for row in list_customers(session, SYSTEM, CustomerQuery(**query)).rows]


def test_every_type_has_a_sample() -> None:
    assert set(SAMPLES) == set(FIELD_TYPES)


class TestEntry:
    def test_a_good_value_is_kept_in_its_type_and_shown_in_words(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type)
        customer = factories.make_customer(sales, **{key: SAMPLES[type].entered})
        assert stored(customer, key) == SAMPLES[type].clean
        with reading(sales) as session, in_language("zh_CN"):
            view = get_customer(session, sales, customer.code)
            field = present().fields[key]
            assert display.show(field, read_value(view, field), present()) == SAMPLES[type].shown
            assert field.title == "服务等级"
        with in_language("en"):
            assert field.title == "Service level"

    def test_a_bad_value_is_told_with_all_others(self, database: str, type: str) -> None:
        key = make_field(type)
        for bad in SAMPLES[type].bad:
            checked = check_entry(present(), factories.customer_values(name="王总", **{key: bad}), [factories.contact_values()])
            assert {"name", key} == set(checked.errors), bad

    def test_a_required_one_is_demanded_where_it_is_shown(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type, is_required=True, stages=("qualified",), kinds=("enterprise",))
        with pytest.raises(ValidationFailed) as refused:
            factories.make_customer(sales, stage="qualified")
        assert set(refused.value.errors) == {key}
        assert stored(factories.make_customer(sales, stage="prospect"), key) in (None, [])
        assert stored(factories.make_customer(sales, stage="prospect", **{key: SAMPLES[type].entered}), key) in (None, [])
        factories.make_customer(sales, kind="individual", stage="qualified")


class TestChanging:
    def test_a_change_is_a_line_of_its_own_in_words(self, database: str, sales: Actor, type: str) -> None:
        sample, key = SAMPLES[type], make_field(type)
        customer = factories.make_customer(sales, **{key: sample.entered})
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {key: sample.other}, version=customer.version, reason="客户更正")
        assert stored(customer, key) is not None
        (line,) = factories.log_of("customer", customer.id, field=key)
        with reading(sales) as session, in_language("zh_CN"):
            text = LogWords(session, sales).describe(line)
        assert (text.what, text.before, text.after) == ("客户 · 服务等级", sample.shown, sample.other_shown)
        assert line.reason == "客户更正"
        assert factories.log_of("customer", customer.id, field="extra") == []

    def test_the_same_value_again_is_no_change(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type)
        customer = factories.make_customer(sales, **{key: SAMPLES[type].entered})
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {key: SAMPLES[type].entered}, version=customer.version)
        assert factories.log_of("customer", customer.id, field=key) == []

    def test_a_value_can_be_taken_away_with_a_reason(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type)
        customer = factories.make_customer(sales, **{key: SAMPLES[type].entered})
        empty = [] if type == FieldType.CHOICES else None
        with pytest.raises(ValidationFailed) as refused, transaction(sales) as session:
            update_customer(session, sales, customer.id, {key: empty}, version=customer.version)
        assert set(refused.value.errors) == {"reason"}
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {key: empty}, version=customer.version, reason="不再适用")
        assert stored(customer, key) in (None, [])

    def test_the_other_version_is_told_in_a_conflict(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type)
        customer = factories.make_customer(sales)
        with transaction(sales) as session:
            update_customer(session, sales, customer.id, {key: SAMPLES[type].entered}, version=customer.version)
        with pytest.raises(Conflict) as conflict, transaction(sales) as session:
            update_customer(session, sales, customer.id, {key: SAMPLES[type].other}, version=customer.version)
        assert conflict.value.theirs[key] == SAMPLES[type].clean


class TestList:
    def test_it_filters_on_both_databases(self, database: str, sales: Actor, type: str) -> None:
        sample, key = SAMPLES[type], make_field(type)
        with_it = factories.make_customer(sales, **{key: sample.entered})
        factories.make_customer(sales, **{key: sample.other})
        factories.make_customer(sales)
        if sample.codes:
            assert found(key, filters=((key, sample.codes),)) == [with_it.id]
        elif sample.range:
            assert found(key, ranges=((key, *sample.range),)) == [with_it.id]
        else:
            assert not present().fields[key].filterable

    def test_a_listed_one_comes_with_the_rows(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type, is_listed=True)
        factories.make_customer(sales, **{key: SAMPLES[type].entered})
        with reading(sales) as session:
            (row,) = list_customers(session, sales, CustomerQuery()).rows
        listed = present().listed
        assert set(listed) == (set() if type == FieldType.LONG_TEXT else {key})
        for field in listed.values():
            assert read_value(row, field) == SAMPLES[type].clean


class TestImport:
    def table(self, **cells: Any) -> Any:
        names = list(cells)
        text = ",".join(names) + "\n" + ",".join(f'"{cells[name]}"' for name in names) + "\n"
        return read_table("customers.csv", text.encode())

    def test_a_column_under_its_label_is_brought_in_and_updated(self, database: str, type: str) -> None:
        sample, key = SAMPLES[type], make_field(type)
        table = self.table(客户名称="杭州恒远精密机械有限公司", 服务等级=sample.cell if sample.cell is not None else sample.entered)
        mapping = guess_mapping(table.headings, present())
        assert mapping["服务等级"] == key
        assert run_import(SYSTEM, table, ImportPlan(mapping)).errors == []
        with reading(SYSTEM) as session:
            customer = session.execute(select(Customer)).scalar_one()
        assert stored(customer, key) == sample.clean
        other = self.table(客户名称="杭州恒远精密机械有限公司", 服务等级=sample.other_shown)
        plan = ImportPlan(mapping, on_duplicate=OnDuplicate.UPDATE)
        assert run_import(SYSTEM, table, plan).updated == 0
        assert run_import(SYSTEM, other, plan).updated == 1
        assert len(factories.log_of("customer", customer.id, field=key)) == 1

    def test_a_wrong_cell_fails_its_row_with_the_reason(self, database: str, type: str) -> None:
        key = make_field(type)
        for bad in SAMPLES[type].bad:
            if isinstance(bad, str) and '"' not in bad:
                table = self.table(客户名称="杭州恒远精密机械有限公司", 服务等级=bad)
                result = run_import(SYSTEM, table, ImportPlan(guess_mapping(table.headings, present())), dry_run=True)
                assert [note.field for note in result.errors] == [key], bad

    def test_the_template_has_its_column_and_its_choices(self, database: str, type: str) -> None:
        key = make_field(type)
        with in_language("zh_CN"):
            rows, choices = load_workbook(io.BytesIO(template_workbook(present()))).worksheets
        headings = [cell.value for cell in rows[2]]
        assert headings[list(targets(present())).index(key)] == "服务等级"
        has_choices = "服务等级" in [cell.value for cell in choices[1]]
        assert has_choices == bool(SAMPLES[type].codes)


class TestLife:
    def test_removing_keeps_the_values_and_restoring_shows_them_again(self, database: str, sales: Actor, type: str) -> None:
        sample, key = SAMPLES[type], make_field(type)
        customer = factories.make_customer(sales, **{key: sample.entered})
        with transaction(SYSTEM) as session:
            field_changes.remove_custom_field(session, SYSTEM, key)
        assert key not in present().fields
        with transaction(sales) as session:
            changed = update_customer(session, sales, customer.id, {"remark": "老客户", key: None}, version=customer.version)
        assert key not in targets(present())
        assert stored(customer, key) == sample.clean
        with reading(SYSTEM) as session:
            assert field_changes.count_values(session, SYSTEM, key) == 1
        with transaction(SYSTEM) as session:
            field_changes.restore_custom_field(session, SYSTEM, key)
        assert read_value(changed, present().fields[key]) == sample.clean

    def test_a_renamed_choice_keeps_its_code_and_a_removed_one_stays_on_its_records(self, database: str, sales: Actor) -> None:
        key = make_field(FieldType.CHOICE)
        gold = factories.make_customer(sales, **{key: "jin"})
        with reading(SYSTEM) as session:
            assert field_changes.count_choices(session, SYSTEM, key) == {"jin": 1, "yin": 0}
        with transaction(SYSTEM) as session:
            values = CustomValues(name="服务等级", choices=(Choice("铂金", code="jin", is_retired=True), Choice("铜牌", "Bronze")))
            update_custom_field(session, SYSTEM, key, values, version=1)
        field = present().fields[key]
        assert field.labels() == {"jin": "铂金", "bronze": "铜牌", "yin": "银牌"}
        assert field.retired == {"jin", "yin"}
        assert stored(gold, key) == "jin"
        with transaction(sales) as session:
            update_customer(session, sales, gold.id, {key: "jin", "remark": "老客户"}, version=gold.version)

    def test_several_choices_are_counted_one_by_one(self, database: str, sales: Actor) -> None:
        key = make_field(FieldType.CHOICES)
        factories.make_customer(sales, **{key: ["jin", "yin"]})
        factories.make_customer(sales, **{key: ["yin"]})
        with reading(SYSTEM) as session:
            assert field_changes.count_choices(session, SYSTEM, key) == {"jin": 1, "yin": 2}

    def test_making_it_required_marks_those_who_lack_it_as_incomplete(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type)
        factories.make_customer(sales, **{key: SAMPLES[type].entered})
        lacking = factories.make_customer(sales)
        row = row_of(key)
        same = CustomValues(name="服务等级", choices=tuple(Choice(one["name"], code=one["code"]) for one in row.choices))
        with transaction(SYSTEM) as session:
            assert update_custom_field(session, SYSTEM, key, replace(same, is_required=True), version=1) == 1
        assert found(key, incomplete=True) == [lacking.id]
        with reading(sales) as session, in_language("zh_CN"):
            assert what_is_missing(session, get_customer(session, sales, lacking.code)) == ["服务等级"]
        with transaction(SYSTEM) as session:
            field_changes.remove_custom_field(session, SYSTEM, key)
        assert found(key, incomplete=True) == []


class TestAdministration:
    @pytest.mark.parametrize(
        ("over", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 61}, "name"),
            ({"name": "备注"}, "name"),
            ({"name": "remarks"}, "name"),
            ({"name_en": "x" * 61}, "name_en"),
            ({"help": "x" * 301}, "help"),
            ({"type": FieldType.CHOICE, "choices": ()}, "choices"),
            ({"type": FieldType.CHOICE, "choices": (Choice("金牌"), Choice("金牌"))}, "choices"),
            ({"type": "formula"}, "type"),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field(self, database: str, over: Mapping[str, Any], field: str) -> None:
        with pytest.raises(ValidationFailed) as refused:
            make_field(**{"type": FieldType.TEXT, **over})
        assert set(refused.value.errors) == {field}

    def test_two_fields_of_one_name_get_two_keys(self, database: str) -> None:
        first = make_field(name="合同到期日", name_en="")
        with pytest.raises(ValidationFailed):
            make_field(name="合同到期日", name_en="")
        with transaction(SYSTEM) as session:
            field_changes.remove_custom_field(session, SYSTEM, first)
        second = make_field(name="合同到期日", name_en="")
        assert (first, second) == ("x_hetongdaoqiri", "x_hetongdaoqiri2")
        with pytest.raises(ValidationFailed), transaction(SYSTEM) as session:
            field_changes.restore_custom_field(session, SYSTEM, first)

    def test_only_administrators_change_fields(self, database: str, manager: Actor) -> None:
        key = make_field()
        with transaction(manager) as session:
            for act in (
                lambda: add_custom_field(session, manager, FieldType.TEXT, CustomValues(name="别的")),
                lambda: update_custom_field(session, manager, key, CustomValues(name="别的"), version=1),
                lambda: field_changes.remove_custom_field(session, manager, key),
                lambda: field_changes.restore_custom_field(session, manager, key),
                lambda: field_changes.count_values(session, manager, key),
                lambda: field_changes.count_choices(session, manager, key),
                lambda: field_changes.list_custom_fields(session, manager),
            ):
                with pytest.raises(NotAllowed):
                    act()

    def test_the_second_of_two_saves_is_told(self, database: str) -> None:
        key = make_field()
        with transaction(SYSTEM) as session:
            update_custom_field(session, SYSTEM, key, CustomValues(name="服务级别"), version=1)
        with pytest.raises(Conflict), transaction(SYSTEM) as session:
            update_custom_field(session, SYSTEM, key, CustomValues(name="等级"), version=1)
        assert row_of(key).name == "服务级别"

    def test_what_is_not_there_cannot_be_changed(self, database: str) -> None:
        with pytest.raises(NotFound), transaction(SYSTEM) as session:
            field_changes.remove_custom_field(session, SYSTEM, "x_nothing")

    def test_a_new_field_is_in_the_log(self, database: str) -> None:
        make_field()
        (line,) = factories.log_of("custom_field")
        assert (line.action, line.subject) == ("created", "服务等级")
