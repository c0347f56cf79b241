"""The empty workbook for imports: what it asks for, what it offers, and that what is filled in can be imported."""

import io
from datetime import date

import pytest
from openpyxl import Workbook, load_workbook

from crm_core.db import reading
from crm_core.errors import FileRefused
from crm_core.fields import Field
from crm_core.i18n import LANGUAGES, in_language
from crm_core.permissions import SYSTEM
from crm_core.services.imports.kinds import KINDS
from crm_core.services.imports.mapping import guess_mapping, targets
from crm_core.services.imports.plan import ImportPlan
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.imports.template import choices_of, heading_of, template_workbook
from crm_core.services.library import Library, get_library

HEADER_ROW = 2
WRITTEN = {
    "name": "杭州恒远机械有限公司",
    "source_detail": "2023年行业展会",
    "founded_on": date(2010, 5, 6),
    "contact.name": "陈立",
    "contact.phone": "13800001234",
    "contact.email": "chen@hengyuan.example",
}
CHOSEN = ("kind", "stage", "industry", "source", "province", "employees", "revenue", "budget", "interests", "tier")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def present_library() -> Library:
    with reading(SYSTEM) as session:
        return get_library(session)


def template(language: str) -> Workbook:
    with in_language(language):
        return load_workbook(io.BytesIO(template_workbook(present_library())))


def filled(language: str) -> bytes:
    """The template with one company in it; where something is chosen, the first choice."""
    workbook, entries = template(language), present_library()
    with in_language(language):
        values = WRITTEN | {name: choices_of(targets()[name], entries)[0] for name in CHOSEN}
        headings = {heading_of(field): target for target, field in targets().items()}
    sheet = workbook.worksheets[0]
    for cell in sheet[HEADER_ROW]:
        sheet.cell(HEADER_ROW + 1, cell.column, values.get(headings[cell.value]))
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def test_every_heading_is_recognised_as_its_own_field(database: str, language: str) -> None:
    headings = [cell.value for cell in template(language).worksheets[0][HEADER_ROW]]
    assert list(guess_mapping(headings).values()) == list(targets())


def test_a_filled_template_is_imported_without_a_gap(database: str, language: str) -> None:
    table = read_table("template.xlsx", filled(language))
    result = run_import(SYSTEM, table, ImportPlan(mapping=guess_mapping(table.headings)), dry_run=False)
    assert (result.created, result.incomplete, result.errors) == (1, 0, [])


def test_an_empty_template_says_that_customers_are_missing(database: str) -> None:
    with in_language("en"):
        content = template_workbook(present_library())
        with pytest.raises(FileRefused, match="no customers below"):
            read_table("template.xlsx", content)


@pytest.mark.parametrize(
    ("target", "mark"),
    [("name", " *"), ("contact.phone", " *"), ("employees", " (*)"), ("churn_reason", " (*)"), ("remark", ""), ("contact.wechat", "")],
)
def test_headings_say_what_is_required_always_and_what_sometimes(target: str, mark: str) -> None:
    field: Field = targets()[target]
    assert heading_of(field) == field.title + mark


def test_one_choice_is_offered_as_a_list_and_several_are_only_named(database: str) -> None:
    workbook = template("en")
    rows, choices = workbook.worksheets
    columns = {cell.value: cell.column_letter for cell in choices[1]}
    lists = {str(one.sqref): one for one in rows.data_validations.dataValidation}
    place = {target: rows.cell(HEADER_ROW, number).column_letter for number, target in enumerate(targets(), start=1)}
    stages = lists[f"{place['stage']}3:{place['stage']}2000"]
    assert stages.formula1 == f"'Choices'!${columns['Customer type']}$2:${columns['Customer type']}$6"
    assert stages.showErrorMessage
    assert not lists[f"{place['budget']}3:{place['budget']}2000"].showErrorMessage
    assert f"{place['interests']}3:{place['interests']}2000" not in lists
    assert "Interest tags" in columns


@pytest.mark.parametrize("kind", KINDS)
def test_the_headings_of_every_template_are_recognised(sqlite_database: str, language: str, kind: str) -> None:
    with in_language(language):
        sheet = load_workbook(io.BytesIO(template_workbook(present_library(), kind))).worksheets[0]
        headings = [str(cell.value) for cell in sheet[HEADER_ROW]]
        assert list(guess_mapping(headings, kind=kind).values()) == list(targets(None, kind))
