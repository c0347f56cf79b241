"""Custom fields: one of every type behaves like a declared field wherever fields appear, on both databases."""

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
from crm_core.services.imports.table import Table
from crm_core.services.imports.template import template_workbook
from crm_core.services.library import Library, get_library
from crm_core.services.log_words import LogWords
from tests import factories

NAME = "杭州恒远精密机械有限公司"


@dataclass(frozen=True)
class Sample:
    """One type: what a user enters, what it becomes, how it is shown, another value, what is refused, and how it is found."""

    entered: Any
    clean: Any
    shown: str
    other: Any
    other_shown: str
    bad: tuple[Any, ...] = ()
    cell: Any = None
    range: tuple[Any, Any] | None = None
    codes: tuple[str, ...] = ()


LINK = "https://www.hengyuan.example.com/a?b=1"
BAD_LINKS = ("javascript:alert(1)", "www.example.com", "https://", "ftp://a.example.com", "https://a b.example.com", "http://[1")
SAMPLES: dict[str, Sample] = {
    FieldType.TEXT: Sample(" A 座 ", "A 座", "A 座", "B 座", "B 座", ("x" * 201,)),
    FieldType.LONG_TEXT: Sample("一\n二", "一\n二", "一\n二", "另一段", "另一段", ("x" * 5001,)),
    FieldType.NUMBER: Sample(
        "1,250.50", Decimal("1250.5"), "1,250.5", "-3", "-3", ("很多", "1e20", "NaN", "1-2"), range=(Decimal(1000), Decimal("1250.5"))
    ),
    FieldType.MONEY: Sample(
        "50万", Decimal("500000.00"), "¥500,000", "1200.5", "¥1,200.50", ("很贵", "-1"), range=(Decimal(2000), Decimal(600000))
    ),
    FieldType.DATE: Sample(
        "2031-05-10",
        date(2031, 5, 10),
        "2031-05-10",
        "2020/1/2",
        "2020-01-02",
        ("2031-02-30", "1850-01-01"),
        range=(date(2031, 5, 10), None),
    ),
    FieldType.CHOICE: Sample("jin", "jin", "金牌", "yin", "银牌", ("bronze",), cell="Jin", codes=("jin",)),
    FieldType.CHOICES: Sample(
        ["jin", "yin"], ["jin", "yin"], "金牌、银牌", ["yin"], "银牌", (["jin", "bronze"],), cell="金牌；银牌", codes=("jin",)
    ),
    FieldType.YES_NO: Sample("yes", "yes", "是", "no", "否", ("perhaps",), cell="是", codes=("yes",)),
    FieldType.LINK: Sample(LINK, LINK, LINK, "http://example.com", "http://example.com", (*BAD_LINKS, f'{LINK}"><b>')),
}

Keys = dict[str, str]
"""The keys of custom fields by type."""


def make_field(type: str = FieldType.TEXT, **over: Any) -> str:
    """Add a custom field as the system, in a transaction of its own."""
    values = {"name": "服务等级", "name_en": "Service level"}
    values |= {"choices": (Choice("金牌", "Jin"), Choice("银牌", "Yin"))} if type in field_changes.WITH_CHOICES else {}
    with transaction(SYSTEM) as session:
        return add_custom_field(session, SYSTEM, type, CustomValues(**{**values, **over}))


def one_of_each(**over: Any) -> Keys:
    """A custom field of every type."""
    return {type: make_field(type, name=f"自定义{type}", name_en=f"Own {type}", **over) for type in FIELD_TYPES}


def entered(keys: Keys) -> dict[str, Any]:
    return {key: SAMPLES[type].entered for type, key in keys.items()}


def clean(keys: Keys) -> dict[str, Any]:
    return {key: SAMPLES[type].clean for type, key in keys.items()}


def present() -> Library:
    with reading() as session:
        return get_library(session)


def stored(customer_id: int, keys: Keys) -> dict[str, Any]:
    with reading(SYSTEM) as session:
        customer = session.get_one(Customer, customer_id)
        return {key: read_value(customer, present().known_fields[key]) for key in keys.values()}


def row_of(key: str) -> CustomField:
    with reading(SYSTEM) as session:
        return session.execute(select(CustomField).where(CustomField.key == key)).scalar_one()


def found(**query: Any) -> list[int]:
    with reading(SYSTEM) as session:
        return [row.id for row in list_customers(session, SYSTEM, CustomerQuery(**query)).rows]


def change(actor: Actor, customer: Customer, values: Mapping[str, Any], *, reason: str = "") -> Customer:
    with transaction(actor) as session:
        return update_customer(session, actor, customer.id, values, version=customer.version, reason=reason)


def test_every_type_has_a_sample() -> None:
    assert set(SAMPLES) == set(FIELD_TYPES)


class TestEntry:
    def test_a_good_value_of_each_type_is_kept_in_its_type_and_shown_in_words(self, database: str, sales: Actor) -> None:
        keys = one_of_each()
        customer = factories.make_customer(sales, **entered(keys))
        assert stored(customer.id, keys) == clean(keys)
        with reading(sales) as session, in_language("zh_CN"):
            view, library = get_customer(session, sales, customer.code), get_library(session)
            fields = {type: library.fields[key] for type, key in keys.items()}
            shown = {type: display.show(field, read_value(view, field), library) for type, field in fields.items()}
        assert shown == {type: sample.shown for type, sample in SAMPLES.items()}

    def test_the_label_is_that_of_the_reader(self, database: str) -> None:
        key = make_field()
        field = present().fields[key]
        with in_language("zh_CN"):
            assert field.title == "服务等级"
        with in_language("en"):
            assert field.title == "Service level"

    def test_every_bad_value_is_told_together_with_all_other_errors(self, database: str) -> None:
        keys = one_of_each()
        library = present()
        for type, key in keys.items():
            for bad in SAMPLES[type].bad:
                checked = check_entry(library, factories.customer_values(name="王总", **{key: bad}), [factories.contact_values()])
                assert {"name", key} == set(checked.errors), bad

    def test_a_required_one_is_demanded_where_it_is_shown(self, database: str, sales: Actor) -> None:
        keys = one_of_each(is_required=True, stages=("qualified",), kinds=("enterprise",))
        with pytest.raises(ValidationFailed) as refused:
            factories.make_customer(sales, stage="qualified")
        assert set(refused.value.errors) == set(keys.values())
        factories.make_customer(sales, kind="individual", stage="qualified")
        elsewhere = factories.make_customer(sales, stage="prospect", **entered(keys))
        assert not any(stored(elsewhere.id, keys).values())


class TestChanging:
    def test_a_change_of_each_type_is_a_line_of_its_own_in_words(self, database: str, sales: Actor) -> None:
        keys = one_of_each()
        customer = factories.make_customer(sales, **entered(keys))
        change(sales, customer, {key: SAMPLES[type].other for type, key in keys.items()}, reason="客户更正")
        for type, key in keys.items():
            (line,) = factories.log_of("customer", customer.id, field=key)
            with reading(sales) as session, in_language("zh_CN"):
                text = LogWords(session, sales).describe(line)
            assert (text.what, text.before, text.after) == (f"客户 · 自定义{type}", SAMPLES[type].shown, SAMPLES[type].other_shown)
            assert line.reason == "客户更正"
        assert factories.log_of("customer", customer.id, field="extra") == []

    def test_the_same_values_again_are_no_change_and_taking_them_away_needs_a_reason(self, database: str, sales: Actor) -> None:
        keys = one_of_each()
        customer = factories.make_customer(sales, **entered(keys))
        customer = change(sales, customer, entered(keys))
        assert not any(factories.log_of("customer", customer.id, field=key) for key in keys.values())
        nothing = {key: [] if type == FieldType.CHOICES else None for type, key in keys.items()}
        with pytest.raises(ValidationFailed) as refused:
            change(sales, customer, nothing)
        assert set(refused.value.errors) == {"reason"}
        change(sales, customer, nothing, reason="不再适用")
        assert not any(stored(customer.id, keys).values())

    def test_the_other_version_is_told_in_a_conflict(self, database: str, sales: Actor) -> None:
        keys = one_of_each()
        customer = factories.make_customer(sales)
        change(sales, customer, entered(keys))
        with pytest.raises(Conflict) as conflict:
            change(sales, customer, entered(keys))
        assert {key: conflict.value.theirs[key] for key in keys.values()} == clean(keys)


class TestList:
    def test_choices_and_ranges_filter_on_both_databases(self, database: str, sales: Actor) -> None:
        keys = one_of_each()
        with_it = factories.make_customer(sales, **entered(keys))
        factories.make_customer(sales, **{key: SAMPLES[type].other for type, key in keys.items()})
        factories.make_customer(sales)
        filterable = {type for type, key in keys.items() if present().fields[key].filterable}
        assert filterable == {type for type, sample in SAMPLES.items() if sample.codes or sample.range}
        for type in filterable:
            codes, limits = SAMPLES[type].codes, SAMPLES[type].range
            query = {"filters": ((keys[type], codes),)} if codes else {"ranges": ((keys[type], *(limits or ())),)}
            assert found(**query) == [with_it.id], type

    def test_listed_ones_come_with_the_rows(self, database: str, sales: Actor) -> None:
        keys = one_of_each(is_listed=True)
        factories.make_customer(sales, **entered(keys))
        with reading(sales) as session:
            (row,) = list_customers(session, sales, CustomerQuery()).rows
        listed = present().listed
        assert set(listed) == set(keys.values()) - {keys[FieldType.LONG_TEXT]}
        assert {key: read_value(row, field) for key, field in listed.items()} == {key: clean(keys)[key] for key in listed}


def table_of(cells: Mapping[str, Any]) -> Table:
    lines = [",".join(cells), ",".join(f'"{cell}"' for cell in cells.values())]
    return read_table("customers.csv", "\n".join(lines).encode())


class TestImport:
    def test_columns_under_the_labels_are_brought_in_and_update_what_is_there(self, database: str) -> None:
        keys = one_of_each()
        cells = {f"自定义{type}": sample.entered if sample.cell is None else sample.cell for type, sample in SAMPLES.items()}
        table = table_of({"客户名称": NAME, **cells})
        mapping = guess_mapping(table.headings, present())
        assert mapping == {"客户名称": "name", **{f"自定义{type}": key for type, key in keys.items()}}
        assert run_import(SYSTEM, table, ImportPlan(mapping)).errors == []
        with reading(SYSTEM) as session:
            (customer_id,) = session.execute(select(Customer.id)).scalars()
        assert stored(customer_id, keys) == clean(keys)
        plan = ImportPlan(mapping, on_duplicate=OnDuplicate.UPDATE)
        assert run_import(SYSTEM, table, plan).updated == 0
        other = table_of({"客户名称": NAME, **{f"自定义{type}": sample.other_shown for type, sample in SAMPLES.items()}})
        assert run_import(SYSTEM, other, plan).updated == 1
        assert all(len(factories.log_of("customer", customer_id, field=key)) == 1 for key in keys.values())

    def test_a_wrong_cell_fails_its_row_with_the_reason(self, database: str) -> None:
        keys = one_of_each()
        for type, key in keys.items():
            for bad in [one for one in SAMPLES[type].bad if isinstance(one, str) and '"' not in one]:
                table = table_of({"客户名称": NAME, f"自定义{type}": bad})
                result = run_import(SYSTEM, table, ImportPlan(guess_mapping(table.headings, present())), dry_run=True)
                assert [note.field for note in result.errors] == [key], bad

    def test_the_template_has_their_columns_and_choices(self, database: str) -> None:
        keys = one_of_each()
        with in_language("zh_CN"):
            rows, choices = load_workbook(io.BytesIO(template_workbook(present()))).worksheets
        headings = dict(zip(targets(present()), (cell.value for cell in rows[2]), strict=True))
        assert {type: headings[key] for type, key in keys.items()} == {type: f"自定义{type}" for type in keys}
        with_choices = {cell.value for cell in choices[1]}
        assert {type for type in keys if f"自定义{type}" in with_choices} == {type for type, sample in SAMPLES.items() if sample.codes}


class TestLife:
    def test_removing_keeps_the_values_and_restoring_shows_them_again(self, database: str, sales: Actor) -> None:
        keys = one_of_each()
        customer = factories.make_customer(sales, **entered(keys))
        with transaction(SYSTEM) as session:
            for key in keys.values():
                field_changes.remove_custom_field(session, SYSTEM, key)
        assert not set(keys.values()) & set(targets(present()))
        change(sales, customer, {"remark": "老客户", **dict.fromkeys(keys.values())})
        assert stored(customer.id, keys) == clean(keys)
        with transaction(SYSTEM) as session:
            assert {field_changes.count_values(session, SYSTEM, key) for key in keys.values()} == {1}
            for key in keys.values():
                field_changes.restore_custom_field(session, SYSTEM, key)
        assert set(keys.values()) <= set(present().fields)

    def test_a_renamed_choice_keeps_its_code_and_a_removed_one_stays_on_its_records(self, database: str, sales: Actor) -> None:
        key = make_field(FieldType.CHOICE)
        gold = factories.make_customer(sales, **{key: "jin"})
        with reading(SYSTEM) as session:
            assert field_changes.count_choices(session, SYSTEM, key) == {"jin": 1, "yin": 0}
        with transaction(SYSTEM) as session:
            values = CustomValues(name="服务等级", choices=(Choice("铂金", code="jin", is_retired=True), Choice("铜牌", "Bronze")))
            update_custom_field(session, SYSTEM, key, values, version=1)
        field = present().fields[key]
        with in_language("zh_CN"):
            assert field.labels() == {"jin": "铂金", "bronze": "铜牌", "yin": "银牌"}
        assert field.retired == {"jin", "yin"}
        assert stored(gold.id, {"": key}) == {key: "jin"}
        change(sales, gold, {key: "jin", "remark": "老客户"})

    def test_several_choices_are_counted_one_by_one(self, database: str, sales: Actor) -> None:
        key = make_field(FieldType.CHOICES)
        factories.make_customer(sales, **{key: ["jin", "yin"]})
        factories.make_customer(sales, **{key: ["yin"]})
        with reading(SYSTEM) as session:
            assert field_changes.count_choices(session, SYSTEM, key) == {"jin": 1, "yin": 2}

    @pytest.mark.parametrize("type", [FieldType.TEXT, FieldType.CHOICES])
    def test_making_it_required_marks_those_who_lack_it_as_incomplete(self, database: str, sales: Actor, type: str) -> None:
        key = make_field(type)
        factories.make_customer(sales, **{key: SAMPLES[type].entered})
        lacking = factories.make_customer(sales)
        same = CustomValues(name="服务等级", choices=tuple(Choice(one["name"], code=one["code"]) for one in row_of(key).choices))
        with transaction(SYSTEM) as session:
            assert update_custom_field(session, SYSTEM, key, replace(same, is_required=True), version=1) == 1
        assert found(incomplete=True) == [lacking.id]
        with reading(sales) as session, in_language("zh_CN"):
            assert what_is_missing(session, get_customer(session, sales, lacking.code)) == ["服务等级"]
        with transaction(SYSTEM) as session:
            field_changes.remove_custom_field(session, SYSTEM, key)
        assert found(incomplete=True) == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "name"),
    ({"name": "x" * 61}, "name"),
    ({"name": "备注"}, "name"),
    ({"name": "remarks"}, "name"),
    ({"name_en": "x" * 61}, "name_en"),
    ({"help": "x" * 301}, "help"),
    ({"type": FieldType.CHOICE, "choices": ()}, "choices"),
    ({"type": FieldType.CHOICE, "choices": (Choice("金牌"), Choice("金牌"))}, "choices"),
    ({"type": "formula"}, "type"),
]


class TestAdministration:
    def test_what_cannot_be_is_refused_at_its_field(self, database: str) -> None:
        for over, field in WRONG:
            with pytest.raises(ValidationFailed) as refused:
                make_field(**{"type": FieldType.TEXT, **over})
            assert set(refused.value.errors) == {field}, over

    def test_a_name_is_free_again_after_the_removal_and_taken_for_the_restored_one(self, database: str) -> None:
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
