"""Importing customers: reading files, guessing columns, checking rows, duplicates, the workbook of failed rows."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from time import process_time
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import event, func, select, update

from crm_core.config import MAX_IMPORT_BYTES
from crm_core.db import engine, reading, transaction
from crm_core.errors import FileRefused, NotAllowed, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import ChangeLog, Contact, Customer, ImportBatch, IndustrySuggestion
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.customers import delete_customer
from crm_core.services.imports.failed_rows import failed_rows_workbook
from crm_core.services.imports.guesses import guess_kind
from crm_core.services.imports.mapping import IGNORE, guess_mapping
from crm_core.services.imports.plan import ImportPlan, ImportResult, Incomplete, OnDuplicate
from crm_core.services.imports.reading import read_table
from crm_core.services.imports.running import run_import
from crm_core.services.imports.table import Table
from crm_core.services.stage_changes import change_stage
from tests import factories
from tests.core.sentences import is_sentence

HEADER = "客户名称,行业,来源,来源说明,员工人数,年营业额,成立时间,联系人,手机,邮箱"
COMPLETE = "{name},C34,展会推广,2023年行业展会,50-99人,500万-1000万元,2010-05-06,陈立,{phone},chen@hengyuan.example"


@pytest.fixture
def in_english() -> Iterator[None]:
    """Sentences as they stand in the source."""
    with in_language("en"):
        yield


def csv_table(*lines: str, header: str = HEADER, filename: str = "customers.csv") -> Table:
    return read_table(filename, "\n".join([header, *lines]).encode())


def complete_line(name: str = "杭州恒远机械有限公司", phone: str = "13800001234") -> str:
    return COMPLETE.format(name=name, phone=phone)


def workbook_of(*rows: Sequence[Any], merged: str = "") -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    if merged:
        sheet.merge_cells(merged)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def import_table(table: Table, actor: Actor = SYSTEM, *, dry_run: bool = False, **plan: Any) -> ImportResult:
    plan.setdefault("mapping", guess_mapping(table.headings))
    return run_import(actor, table, ImportPlan(**plan), dry_run=dry_run)


def import_lines(*lines: str, header: str = HEADER, actor: Actor = SYSTEM, dry_run: bool = False, **plan: Any) -> ImportResult:
    return import_table(csv_table(*lines, header=header), actor, dry_run=dry_run, **plan)


def all_customers() -> list[Customer]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(Customer).order_by(Customer.id)).scalars())


def all_contacts() -> list[Contact]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(Contact).order_by(Contact.id)).scalars())


def count(model: type) -> int:
    with reading(SYSTEM) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def counts_of(result: ImportResult) -> tuple[int, int, int, int, int]:
    return result.rows, result.created, result.updated, result.skipped, result.failed


class TestReading:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030"])
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_every_usual_encoding_separator_and_line_ending_is_read(self, encoding: str, separator: str, ending: str) -> None:
        lines = ["客户名称,地址", "杭州恒远机械有限公司,文一西路1号", "宁波海天塑机有限公司,江南路2号"]
        content = ending.join(lines).replace(",", separator).encode(encoding)
        table = read_table("a.csv", content)
        assert table.headings == ("客户名称", "地址")
        assert [(row.number, row.cells[0]) for row in table.rows] == [(2, "杭州恒远机械有限公司"), (3, "宁波海天塑机有限公司")]

    def test_quoted_separators_and_line_breaks_stay_inside_their_cell_and_rows_keep_their_line_numbers(self) -> None:
        table = csv_table("\"恒远, 第一\",'x'", '"两\n行",b', "c,d", header="客户名称;地址".replace(";", ","))
        assert [row.number for row in table.rows] == [2, 3, 5]
        assert table.rows[0].cells == ("恒远, 第一", "'x'")
        assert table.rows[1].cells == ("两\n行", "b")

    def test_commas_in_the_text_do_not_hide_the_semicolon_that_separates(self) -> None:
        table = read_table("a.csv", "客户名称;地址;金额\n甲,乙;丙,丁;1,5\n戊,己;庚,辛;2,5".encode())
        assert table.headings == ("客户名称", "地址", "金额")

    def test_lines_above_the_header_are_passed_over_and_counted(self) -> None:
        table = read_table("a.csv", "导出客户\n时间：2024-01-01\n\n客户名称,手机\n恒远,13800001234".encode("gbk"))
        assert table.headings == ("客户名称", "手机")
        assert table.rows[0].number == 5

    def test_a_header_that_is_repeated_further_down_is_no_customer(self) -> None:
        assert len(csv_table("甲,1", "客户名称,手机", "乙,2", header="客户名称,手机").rows) == 2

    def test_a_text_that_excel_was_told_to_keep_as_text_is_unwrapped(self) -> None:
        assert csv_table('="恒远",="013800001234"', header="客户名称,手机").rows[0].cells == ("恒远", "013800001234")

    def test_a_workbook_is_known_by_its_content_not_by_its_name(self) -> None:
        table = read_table("customers.csv", workbook_of(["客户名称", "成立时间"], ["恒远", date(2010, 5, 6)]))
        assert table.headings == ("客户名称", "成立时间")
        assert table.rows[0].number == 2
        assert table.rows[0].cells[1] in (date(2010, 5, 6), datetime(2010, 5, 6))

    def test_cells_merged_over_several_rows_count_for_each_row(self) -> None:
        content = workbook_of(["客户名称", "联系人"], ["恒远", "陈立"], [None, "李青"], merged="A2:A3")
        assert [row.cells for row in read_table("a.xlsx", content).rows] == [("恒远", "陈立"), ("恒远", "李青")]

    def test_the_first_sheet_with_data_is_read(self) -> None:
        workbook = Workbook()
        sheet = workbook.create_sheet("数据")
        sheet.append(["客户名称"])
        sheet.append(["恒远"])
        file = io.BytesIO()
        workbook.save(file)
        assert read_table("a.xlsx", file.getvalue()).headings == ("客户名称",)

    def test_a_title_above_the_table_of_a_sheet_is_passed_over(self) -> None:
        table = read_table("a.xlsx", workbook_of(["客户名单", None, None], [], ["客户名称", "手机", "邮箱"], ["恒远", 13800001234, ""]))
        assert table.headings == ("客户名称", "手机", "邮箱")
        assert table.rows[0].number == 4

    @pytest.mark.parametrize(
        ("content", "word"),
        [
            (b"", "empty"),
            (b"  \n\n ", "empty"),
            ("客户名称,手机\n".encode(), "no customers"),
            ("杭州恒远机械有限公司,13800001234\n宁波海天塑机有限公司,13900001234".encode(), "header row"),
            ('客户名称,手机\n"恒远,1\n海天,2'.encode(), "line 2"),
            (b"PK\x03\x04 not a zip at all", "damaged"),
            (b"%PDF-1.7 ...", "neither a workbook"),
            (b"\xff\xd8\xff\xe0 picture", "neither a workbook"),
            (b"<html><table></table></html>", "neither a workbook"),
            (b"a,b\n\x00\x01\x02,c", "no table"),
            (b"BEGIN:VCARD\nVERSION:3.0\nTEL:1\nEND:VCARD", "No card"),
        ],
    )
    def test_what_cannot_be_a_table_is_refused_with_the_reason(self, content: bytes, word: str, in_english: None) -> None:
        with pytest.raises(FileRefused, match=word):
            read_table("a.csv", content)

    def test_a_file_over_the_limit_is_refused_with_the_limit(self, in_english: None) -> None:
        with pytest.raises(FileRefused, match="50 MB"):
            read_table("a.csv", b"x" * (MAX_IMPORT_BYTES + 1))

    def test_too_many_rows_are_refused_with_the_limit(self, in_english: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("crm_core.services.imports.delimited.MAX_ROWS", 3)
        with pytest.raises(FileRefused, match="rows"):
            csv_table("a,1", "b,2", "c,3", "d,4", header="客户名称,手机")

    @pytest.mark.parametrize("content", [b"," * 5_000_000, b"a\n" * 5_000_000, b'"' + b"a,\n" * 1_500_000, b"name\n" + b"x" * 5_000_000])
    def test_a_file_made_to_exhaust_the_memory_is_refused_at_once(self, content: bytes) -> None:
        begun = process_time()
        with pytest.raises(FileRefused):
            read_table("a.csv", content)
        assert process_time() - begun < 2

    def test_a_workbook_that_declares_a_huge_sheet_is_refused_and_the_process_lives_on(self, in_english: None) -> None:
        workbook = Workbook()
        assert workbook.active is not None
        workbook.active["A1"], workbook.active["XFD1048576"] = "客户名称", 1
        file = io.BytesIO()
        workbook.save(file)
        with pytest.raises(FileRefused, match="memory"):
            read_table("a.xlsx", file.getvalue())

    def test_a_vcard_becomes_a_customer_with_a_contact(self) -> None:
        card = (
            "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E9=99=88=\n=E7=AB=8B\n"
            "ORG:杭州恒远机械有限公司;销售部\nTITLE:采购经理\nTEL;WORK:0571-87654321\nTEL;CELL:13800001234\n"
            "EMAIL:chen@hengyuan.example\nEND:VCARD\n"
        )
        table = read_table("a.vcf", card.encode())
        mapping = guess_mapping(table.headings)
        row = {mapping[heading]: cell for heading, cell in zip(table.headings, table.rows[0].cells, strict=True)}
        assert row["name"] == "杭州恒远机械有限公司"
        assert (row["contact.name"], row["contact.position"], row["contact.phone"]) == ("陈立", "采购经理", "13800001234")


class TestMapping:
    @pytest.mark.parametrize(
        ("heading", "target"),
        [
            ("客户名称", "name"),
            ("* 客户名称（必填）", "name"),
            ("Company Name", "name"),
            ("COMPANY_NAME", "name"),
            ("uscc", "credit_code"),
            ("统一社会信用代码", "credit_code"),
            ("registered_on", "founded_on"),
            ("联系人", "contact.name"),
            ("联系人电话", "contact.phone"),
            ("手机 号码", "contact.phone"),
            ("ｅｍａｉｌ", "contact.email"),
            ("公司地址", "address"),
            ("所属行业", "industry"),
            ("客户来源渠道", "source"),
            ("Custmer name", "name"),
            ("Country", IGNORE),
            ("经营范围", IGNORE),
            ("company_type", IGNORE),
        ],
    )
    def test_headings_of_both_languages_and_with_decoration_are_recognised(self, heading: str, target: str) -> None:
        assert guess_mapping(["客户名称" if target != "name" else "备注", heading])[heading] == target

    def test_no_target_is_given_twice(self) -> None:
        assert guess_mapping(["客户名称", "公司名称"]) == {"客户名称": "name", "公司名称": IGNORE}

    def test_a_heading_that_stands_twice_carries_a_number_and_waits_to_be_assigned(self, database: str) -> None:
        table = csv_table("杭州恒远机械有限公司,13800001234,老客户,hy_chen", header="客户名称,手机,手机 (2),手机")
        assert table.headings == ("客户名称", "手机", "手机 (2)", "手机 (3)")
        assert guess_mapping(table.headings) == {"客户名称": "name", "手机": "contact.phone", "手机 (2)": IGNORE, "手机 (3)": IGNORE}
        import_table(table, mapping={"客户名称": "name", "手机": "contact.phone", "手机 (2)": "remark", "手机 (3)": "contact.wechat"})
        assert (all_customers()[0].remark, all_contacts()[0].wechat) == ("老客户", "hy_chen")

    def test_the_names_of_a_list_of_persons_are_the_customers(self) -> None:
        assert guess_mapping(["姓名", "手机"]) == {"姓名": "name", "手机": "contact.phone"}

    def test_a_table_without_a_column_for_the_name_is_refused_until_one_is_chosen(self, database: str) -> None:
        table = csv_table("杭州恒远机械有限公司,x", header="甲,乙")
        with pytest.raises(FileRefused):
            import_table(table)
        assert import_table(table, mapping={"甲": "name"}).created == 1


class TestImporting:
    def test_a_complete_row_becomes_a_customer_that_is_found_and_logged(self, database: str, administrator: Actor) -> None:
        result = import_lines(complete_line(), actor=administrator)
        assert counts_of(result) == (1, 1, 0, 0, 0)
        customer, contact = all_customers()[0], all_contacts()[0]
        assert (customer.kind, customer.stage, customer.industry) == ("enterprise", "prospect", "C34")
        assert (customer.source, customer.employees, customer.founded_on) == ("source.exhibition", "employees.50_99", date(2010, 5, 6))
        assert (customer.owner_id, customer.is_incomplete, customer.name_key) == (administrator.id, False, "杭州恒远机械有限公司")
        assert (contact.customer_id, contact.is_primary, contact.phone_key) == (customer.id, True, "13800001234")
        with reading(administrator) as session:
            for phrase in ("恒远", "hengyuan", "0000123", "陈立", customer.code):
                assert list_customers(session, administrator, CustomerQuery(phrase=phrase)).total == 1, phrase
        assert [(line.action, line.actor_id) for line in factories.log_of("customer", customer.id)] == [("created", administrator.id)]
        assert [line.action for line in factories.log_of("contact", contact.id)] == ["created"]

    def test_a_run_leaves_a_record_with_its_counts_and_a_line_in_the_change_log(self, database: str, administrator: Actor) -> None:
        import_lines(complete_line(), "王总,,,,,,,,,", actor=administrator)
        with reading(SYSTEM) as session:
            batch = session.execute(select(ImportBatch)).scalar_one()
        assert (batch.filename, batch.user_id, batch.rows, batch.created, batch.failed) == ("customers.csv", administrator.id, 2, 1, 1)
        assert [line.action for line in factories.log_of("import_batch", batch.id)] == ["imported"]

    def test_a_dry_run_says_the_same_and_writes_nothing(self, database: str) -> None:
        lines = [complete_line(), complete_line(), "王总,,,,,,,,,", complete_line("宁波海天塑机有限公司", "13900001234")]
        logged = count(ChangeLog)
        foreseen = import_lines(*lines, dry_run=True)
        assert (count(Customer), count(ChangeLog), count(ImportBatch)) == (0, logged, 0)
        done = import_lines(*lines)
        assert counts_of(foreseen) == counts_of(done) == (4, 2, 0, 1, 1)
        assert foreseen.errors == done.errors

    def test_every_error_of_a_row_is_named_with_its_line_and_field(self, database: str) -> None:
        result = import_lines(complete_line(), "王总,C34,天上掉的,x,,,2099-01-01,陈立,123,不是邮箱")
        assert {(note.row, note.field) for note in result.errors} == {
            (3, "name"), (3, "source"), (3, "founded_on"), (3, "contact.phone"), (3, "contact.email")
        }  # fmt: skip
        assert all(note.message for note in result.errors)
        assert count(Customer) == 1

    def test_rows_that_lack_something_are_kept_and_marked_or_fail(self, database: str) -> None:
        kept = import_lines("杭州恒远机械有限公司,,,,,,,,,", incomplete=Incomplete.KEEP)
        assert (kept.created, kept.incomplete) == (1, 1)
        assert all_customers()[0].is_incomplete
        failed = import_lines("宁波海天塑机有限公司,,,,,,,,,", incomplete=Incomplete.FAIL)
        assert counts_of(failed) == (1, 0, 0, 0, 1)
        assert {"industry", "source", "contact.name"} <= {note.field for note in failed.errors}

    def test_defaults_fill_what_a_row_leaves_empty(self, database: str) -> None:
        import_lines(
            "杭州恒远机械有限公司,主动拜访",
            "宁波海天塑机有限公司,",
            header="客户名称,来源",
            defaults={"source": "其他", "source_detail": "工商登记"},
        )
        assert [(one.source, one.source_detail) for one in all_customers()] == [("source.visit", "工商登记"), ("source.other", "工商登记")]

    @pytest.mark.parametrize("defaults", [{"source": "天上掉的"}, {"nothing": "x"}, {"founded_on": "不是日期"}, {"province": "天上"}])
    def test_a_default_that_breaks_its_rule_stops_the_import_before_it_begins(self, database: str, defaults: dict[str, str]) -> None:
        with pytest.raises(ValidationFailed) as refused:
            import_lines(complete_line(), defaults=defaults)
        assert set(refused.value.errors) == set(defaults)

    def test_numbers_and_days_of_a_spreadsheet_are_read_as_a_person_sees_them(self, database: str) -> None:
        header = ["客户名称", "手机", "成立时间", "客户类型", "首次合作时间", "最近合作时间", "累计合作金额", "联系人"]
        rows = [
            ["杭州恒远机械有限公司", 13800001234.0, datetime(2010, 5, 6), "成交客户", date(2020, 1, 2), "2021/3/4 0:00", 50.5, "陈立"],
            ["宁波海天塑机有限公司", 13900001234, 40304, "customer", 43832.0, "2021年3月4日", "50万", "李青"],
        ]
        result = import_table(read_table("a.xlsx", workbook_of(header, *rows)))
        assert result.errors == []
        first, second = all_customers()
        assert [one.phone for one in all_contacts()] == ["13800001234", "13900001234"]
        assert first.founded_on == second.founded_on == date(2010, 5, 6)
        assert first.first_cooperated_on == second.first_cooperated_on == date(2020, 1, 2)
        assert first.last_cooperated_on == second.last_cooperated_on == date(2021, 3, 4)
        assert (first.stage, first.cooperation_amount, second.cooperation_amount) == ("customer", 50.5, 500_000)

    def test_labels_and_codes_of_both_languages_mean_the_same(self, database: str) -> None:
        names = ["杭州恒远机械有限公司", "宁波海天塑机有限公司", "绍兴鼎盛纺织有限公司"]
        words = ["意向客户,展会推广,关注性价比;重视售后", "qualified,Exhibition,Value for money；After-sales service"]
        words.append("Qualified,source.exhibition,interest.value_for_money、重视售后")
        import_lines(*(f"{name},{word}" for name, word in zip(names, words, strict=True)), header="客户名称,客户类型,来源,兴趣标签")
        assert {(one.stage, one.source, tuple(one.interests)) for one in all_customers()} == {
            ("qualified", "source.exhibition", ("interest.value_for_money", "interest.after_sales"))
        }

    def test_persons_are_told_from_companies_and_are_their_own_contact(self, database: str) -> None:
        import_lines("季昀溪,13800001234", "欧阳若棠,13800001235", "杭州恒远机械有限公司,13800001236", header="客户名称,手机")
        assert [one.kind for one in all_customers()] == ["individual", "individual", "enterprise"]
        assert [one.name for one in all_contacts()] == ["季昀溪", "欧阳若棠", "未提供"]

    def test_short_names_of_regions_are_recognised_and_others_stay_in_the_address(self, database: str) -> None:
        import_lines(
            "杭州恒远机械有限公司,浙江,杭州,余杭,文一西路1号",
            "上海恒远机械有限公司,上海,金山,,亭林镇1号",
            "天津恒远机械有限公司,天津,自贸区,,空港经济区1号",
            "宁波恒远机械有限公司,,宁波市,,江南路1号",
            header="客户名称,省,市,区,地址",
        )
        assert [(one.province, one.city, one.district, one.address) for one in all_customers()] == [
            ("330000", "330100", "330110", "文一西路1号"),
            ("310000", None, "310116", "亭林镇1号"),
            ("120000", None, None, "自贸区 空港经济区1号"),
            ("330000", "330200", None, "江南路1号"),
        ]

    def test_regions_of_a_row_are_read_beside_the_defaults_and_defaults_that_do_not_fit_are_left_out(self, database: str) -> None:
        import_lines(
            "杭州恒远机械有限公司,,杭州,", "湖州恒远机械有限公司,浙江,,", "绍兴恒远机械有限公司,,,", "苏州恒远机械有限公司,江苏,,",
            "宁波恒远机械有限公司,,,海曙", "上海恒远机械有限公司,上海,黄浦,",
            header="客户名称,省,市,区", defaults={"province": "浙江省", "city": "宁波"},
        )  # fmt: skip
        assert [(one.province, one.city, one.district) for one in all_customers()] == [
            ("330000", "330100", None),
            ("330000", "330200", None),
            ("330000", "330200", None),
            ("320000", None, None),
            ("330000", "330200", "330203"),
            ("310000", None, "310101"),
        ]

    def test_a_region_that_is_not_recognised_is_an_error_of_its_own_field_where_incomplete_rows_fail(self, database: str) -> None:
        result = import_lines("天津恒远机械有限公司,天津,自贸区", header="客户名称,省,市", incomplete=Incomplete.FAIL, dry_run=True)
        assert "city" in {note.field for note in result.errors}

    def test_every_list_of_a_new_customer_is_empty_not_missing(self, database: str) -> None:
        import_lines(complete_line())
        customer = all_customers()[0]
        assert customer.decision_roles == customer.interests == customer.events == []

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("李玉堂", "individual"),
            ("刘园园", "individual"),
            ("庄小明", "individual"),
            ("欧阳若棠", "individual"),
            ("上官书店", "enterprise"),
            ("甘肃省农民专业合作社", "enterprise"),
        ],
    )
    def test_the_nature_is_guessed_from_the_name(self, name: str, kind: str) -> None:
        assert guess_kind({"name": name}) == kind

    def test_an_industry_in_other_words_waits_for_the_administrator(self, database: str) -> None:
        import_lines(
            "杭州恒远机械有限公司,低空经济", "宁波海天塑机有限公司,低空经济", "绍兴鼎盛纺织有限公司,纺织业", header="客户名称,行业"
        )
        assert [(one.industry, one.industry_text) for one in all_customers()] == [(None, "低空经济"), (None, "低空经济"), ("C17", None)]
        assert count(IndustrySuggestion) == 1

    def test_formulas_and_invisible_characters_come_in_as_clean_text(self, database: str) -> None:
        name = "杭州恒\u200b远机械有限公司"
        import_lines(f"{name},=1+1\x07", f"{factories.random_company()},{'长' * 100}", header="客户名称,备注")
        customer = all_customers()[0]
        assert (customer.name, customer.remark) == ("杭州恒远机械有限公司", "=1+1")

    def test_a_row_with_more_cells_than_the_header_fails_instead_of_shifting(self, database: str) -> None:
        result = import_lines("杭州恒远机械有限公司,文一西路1号,2幢,13800001234", header="客户名称,地址,手机")
        assert counts_of(result) == (1, 0, 0, 0, 1)

    def test_an_identity_number_is_stored_encrypted_and_known_again(self, database: str) -> None:
        number = factories.random_identity_number()
        import_lines(f"季昀溪,{number}", header="客户名称,身份证号")
        assert (all_customers()[0].identity_number, len(all_customers()[0].identity_hash or "")) == (number, 64)
        assert import_lines(f"季昀希,{number}", header="客户名称,身份证号").skipped == 1

    def test_an_import_of_several_chunks_tells_its_progress_and_numbers_without_gaps(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("crm_core.services.imports.running.CHUNK", 2)
        seen: list[tuple[int, int]] = []
        table = csv_table(*(complete_line(factories.random_company(), factories.random_phone()) for _place in range(5)))
        run_import(SYSTEM, table, ImportPlan(guess_mapping(table.headings)), progress=lambda done, total: seen.append((done, total)))
        assert seen == [(2, 5), (4, 5), (5, 5)]
        assert [int(one.code[9:]) for one in all_customers()] == [1, 2, 3, 4, 5]
        assert count(ImportBatch) == 1

    def test_who_may_not_import_is_refused(self, database: str, sales: Actor) -> None:
        with pytest.raises(NotAllowed):
            import_lines(complete_line(), actor=sales)


class TestDuplicates:
    def test_the_same_file_again_creates_nothing(self, database: str) -> None:
        lines = [complete_line(), "季昀溪,,,,,,,,13800001235,", "裴若棠,,,,,,,,,"]
        assert import_lines(*lines).created == 3
        assert counts_of(import_lines(*lines)) == (3, 0, 0, 3, 0)

    def test_the_same_name_written_differently_or_the_same_credit_code_is_the_same_company(self, database: str) -> None:
        code = factories.random_credit_code()
        first = import_lines(f"杭州恒远（机械）有限公司,{code}", header="客户名称,信用代码")
        again = import_lines("杭州恒远 (机械) 有限责任公司,", f"杭州另一名称有限公司,{code.lower()}", header="客户名称,信用代码")
        assert (first.created, again.skipped) == (1, 2)
        assert all(note.message for note in again.skips)

    def test_a_company_that_stands_twice_in_a_file_is_created_once(self, database: str) -> None:
        assert counts_of(import_lines(complete_line(), complete_line())) == (2, 1, 0, 1, 0)

    def test_two_persons_of_one_name_with_different_phones_are_two(self, database: str) -> None:
        lines = ["张伟,13800001234", "张伟,13800001235", "张伟,13800001234"]
        assert counts_of(import_lines(*lines, header="客户名称,手机")) == (3, 2, 0, 1, 0)

    def test_create_makes_another_one_and_says_why(self, database: str) -> None:
        import_lines(complete_line())
        assert import_lines(complete_line(), on_duplicate=OnDuplicate.CREATE).created == 1
        first, second = all_customers()
        assert first.duplicate_reason is None
        assert "customers.csv" in (second.duplicate_reason or "")

    def test_update_overwrites_what_the_file_gives_and_leaves_the_rest(self, database: str, administrator: Actor) -> None:
        import_lines(complete_line(), actor=administrator)
        result = import_lines(
            "杭州恒远机械有限公司,潜在客户,主动拜访,,陈立,厂长,13800009999", header="客户名称,客户类型,来源,来源说明,联系人,职位,手机",
            actor=administrator, on_duplicate=OnDuplicate.UPDATE, defaults={"remark": "x"},
        )  # fmt: skip
        assert counts_of(result) == (1, 0, 1, 0, 0)
        customer, contact = all_customers()[0], all_contacts()[0]
        assert (customer.source, customer.source_detail, customer.stage, customer.remark) == (
            "source.visit",
            "2023年行业展会",
            "prospect",
            None,
        )
        assert (contact.position, contact.phone, contact.phone_key) == ("厂长", "13800009999", "13800009999")
        line = factories.log_of("customer", customer.id, field="source")[0]
        assert (line.old, line.new, line.actor_id) == ("source.exhibition", "source.visit", administrator.id)
        assert "customers.csv" in (line.reason or "")
        with reading(administrator) as session:
            assert list_customers(session, administrator, CustomerQuery(phrase="13800009999")).total == 1

    def test_update_checks_a_row_by_the_nature_and_type_the_customer_has(self, database: str) -> None:
        import_lines("杭州恒远机械有限公司,成交客户", header="客户名称,客户类型")
        result = import_lines("杭州恒远机械有限公司,120000", header="客户名称,累计合作金额", on_duplicate=OnDuplicate.UPDATE)
        assert (result.updated, all_customers()[0].cooperation_amount) == (1, 120_000)

    @pytest.mark.parametrize("text", ["流失客户", "意向客户", "VIP"])
    @pytest.mark.parametrize("incomplete", list(Incomplete))
    def test_a_row_with_another_type_is_refused_and_the_rest_of_the_file_goes_in(
        self, database: str, text: str, incomplete: Incomplete
    ) -> None:
        import_lines("杭州恒远机械有限公司,潜在客户", "宁波海岳物流有限公司,潜在客户", header="客户名称,客户类型")
        lines = [f"杭州恒远机械有限公司,{text},甲", "宁波海岳物流有限公司,潜在客户,乙"]
        result = import_lines(*lines, header="客户名称,客户类型,备注", on_duplicate=OnDuplicate.UPDATE, incomplete=incomplete)
        (error,) = result.errors
        assert (result.updated, result.failed, error.row, error.field) == (1, 1, 2, "stage")
        assert is_sentence(error.message)
        assert [(one.stage, one.remark) for one in all_customers()] == [("prospect", None), ("prospect", "乙")]

    def test_a_row_that_contradicts_the_contracts_is_refused(self, database: str, administrator: Actor) -> None:
        import_lines(complete_line(), actor=administrator)
        contract = {"contract.product": "x", "contract.amount": "1000", "contract.signed_on": "2024-05-06", "core_need": "x"}
        with transaction(administrator) as session:
            change_stage(session, administrator, all_customers()[0].id, "customer", contract, version=1)
        for amount, updated in ((999, 0), (1001, 1)):
            line = f"杭州恒远机械有限公司,{amount}"
            result = import_lines(line, header="客户名称,累计合作金额", on_duplicate=OnDuplicate.UPDATE, actor=administrator)
            assert (result.updated, [error.field for error in result.errors]) == (updated, [] if updated else ["cooperation_amount"])

    def test_update_adds_a_contact_of_another_name_also_from_further_down_the_file(self, database: str) -> None:
        lines = ["杭州恒远机械有限公司,陈立,13800001234", "杭州恒远机械有限公司,李青,13800001235"]
        result = import_lines(*lines, header="客户名称,联系人,手机", on_duplicate=OnDuplicate.UPDATE)
        assert counts_of(result) == (2, 1, 1, 0, 0)
        assert [(one.name, one.is_primary) for one in all_contacts()] == [("陈立", True), ("李青", False)]

    def test_an_update_with_an_error_changes_nothing_of_its_row(self, database: str) -> None:
        import_lines(complete_line())
        result = import_lines("杭州恒远机械有限公司,主动拜访,123", header="客户名称,来源,手机", on_duplicate=OnDuplicate.UPDATE)
        assert counts_of(result) == (1, 0, 0, 0, 1)
        assert (all_customers()[0].source, result.errors[0].field) == ("source.exhibition", "contact.phone")

    def test_an_update_that_says_nothing_new_is_skipped(self, database: str) -> None:
        import_lines(complete_line())
        assert counts_of(import_lines(complete_line(), on_duplicate=OnDuplicate.UPDATE)) == (1, 0, 0, 1, 0)
        assert len(factories.log_of("customer", action="changed")) == 0

    def test_an_update_of_one_level_leaves_the_other_regions_and_reads_it_beside_them(self, database: str) -> None:
        names = [f"{city}恒远机械有限公司" for city in ("杭州", "宁波", "绍兴", "上海")]
        stored = ["浙江,杭州,余杭", "浙江,宁波,", "浙江,绍兴,", "上海,,金山"]
        header = "客户名称,省,市,区"
        import_lines(*(f"{name},{regions}" for name, regions in zip(names, stored, strict=True)), header=header)
        given = ["浙江省,,", ",,海曙", ",杭州市,西湖区", "上海市,黄浦,"]
        lines = [f"{name},{regions}" for name, regions in zip(names, given, strict=True)]
        result = import_lines(*lines, header=header, on_duplicate=OnDuplicate.UPDATE)
        assert counts_of(result) == (4, 0, 3, 1, 0)
        assert [(one.province, one.city, one.district) for one in all_customers()] == [
            ("330000", "330100", "330110"),
            ("330000", "330200", "330203"),
            ("330000", "330100", "330106"),
            ("310000", None, "310101"),
        ]

    def test_an_update_whose_province_does_not_fit_the_stored_city_is_an_error(self, database: str) -> None:
        import_lines("杭州恒远机械有限公司,浙江,杭州", header="客户名称,省,市")
        result = import_lines("杭州恒远机械有限公司,江苏", header="客户名称,省", on_duplicate=OnDuplicate.UPDATE)
        assert counts_of(result) == (1, 0, 0, 0, 1)
        assert (result.errors[0].field, all_customers()[0].province) == ("city", "330000")

    def test_an_update_keeps_the_address_beside_a_region_that_is_not_recognised(self, database: str) -> None:
        import_lines("天津恒远机械有限公司,天津,空港经济区1号", header="客户名称,省,地址")
        for counts in ((1, 0, 1, 0, 0), (1, 0, 0, 1, 0)):
            result = import_lines("天津恒远机械有限公司,自贸区", header="客户名称,市", on_duplicate=OnDuplicate.UPDATE)
            assert counts_of(result) == counts
        assert all_customers()[0].address == "自贸区 空港经济区1号"

    @pytest.mark.parametrize(("heading", "day"), [("首次合作时间", "2024-01-01"), ("最近合作时间", "2019-01-01")])
    def test_an_update_that_makes_another_field_wrong_is_an_error(self, database: str, heading: str, day: str) -> None:
        header = "客户名称,客户类型,首次合作时间,最近合作时间,累计合作金额"
        import_lines("杭州恒远机械有限公司,成交客户,2020-01-02,2021-03-04,50万", header=header)
        result = import_lines(f"杭州恒远机械有限公司,{day}", header=f"客户名称,{heading}", on_duplicate=OnDuplicate.UPDATE)
        assert counts_of(result) == (1, 0, 0, 0, 1)
        assert [note.field for note in result.errors] == ["last_cooperated_on"]
        customer = all_customers()[0]
        assert (customer.first_cooperated_on, customer.last_cooperated_on) == (date(2020, 1, 2), date(2021, 3, 4))

    def test_an_update_leaves_alone_what_was_wrong_before(self, database: str) -> None:
        import_lines("杭州恒远机械有限公司,成交客户,2020-01-02,2021-03-04", header="客户名称,客户类型,首次合作时间,最近合作时间")
        with transaction() as session:
            session.execute(update(Customer).values(last_cooperated_on=date(2019, 1, 1)))
        result = import_lines("杭州恒远机械有限公司,新备注", header="客户名称,备注", on_duplicate=OnDuplicate.UPDATE)
        assert (result.errors, all_customers()[0].remark) == ([], "新备注")

    def test_a_row_with_more_cells_than_the_header_updates_nothing(self, database: str) -> None:
        import_lines(complete_line())
        result = import_lines("杭州恒远机械有限公司,文一西路1号,2幢", header="客户名称,地址", on_duplicate=OnDuplicate.UPDATE)
        assert (counts_of(result), all_customers()[0].address) == ((1, 0, 0, 0, 1), None)

    def test_an_update_completes_a_customer(self, database: str) -> None:
        import_lines(complete_line().replace("13800001234", ""))
        assert all_customers()[0].is_incomplete
        import_lines("杭州恒远机械有限公司,陈立,13800001234", header="客户名称,联系人,手机", on_duplicate=OnDuplicate.UPDATE)
        assert not all_customers()[0].is_incomplete

    def test_a_name_changed_by_an_update_is_found(self, database: str) -> None:
        code = factories.random_credit_code()
        header = "客户名称,信用代码"
        import_lines(f"杭州恒远机械有限公司,{code}", header=header)
        import_lines(f"宁波海天塑机有限公司,{code}", header=header, on_duplicate=OnDuplicate.UPDATE)
        with reading(SYSTEM) as session:
            totals = [list_customers(session, SYSTEM, CustomerQuery(phrase=phrase)).total for phrase in ("恒远", "海天")]
        assert totals == [0, 1]

    @pytest.mark.parametrize("changed", ["remark", "phone"])
    def test_an_update_of_many_rows_asks_the_database_no_more_often_than_one_of_few(self, database: str, changed: str) -> None:
        names = [factories.random_company() for _place in range(30)]
        header = "客户名称,备注" if changed == "remark" else "客户名称,联系人,手机"
        import_lines(*(f"{name},陈立,{factories.random_phone()}" for name in names), header="客户名称,联系人,手机")

        def statements_of(chosen: Sequence[str], value: str) -> int:
            asked: list[str] = []

            def listener(*arguments: Any) -> None:
                asked.append(arguments[2])

            event.listen(engine(), "before_cursor_execute", listener)
            result = import_lines(*(f"{name},{value}" for name in chosen), header=header, on_duplicate=OnDuplicate.UPDATE)
            event.remove(engine(), "before_cursor_execute", listener)
            assert (result.updated, result.errors) == (len(chosen), [])
            # Records with a version are written one by one, their lines of the log in batches; nothing else may depend on the rows.
            return len([statement for statement in asked if not statement.startswith(("UPDATE c", "INSERT INTO change_log"))])

        first, second = ("甲", "乙") if changed == "remark" else ("陈立,13800001234", "陈立,13800001235")
        assert statements_of(names, second) == statements_of(names[:3], first)

    def test_nobody_updates_a_customer_outside_their_scope_nor_learns_whose_it_is(
        self, database: str, manager: Actor, stranger: Actor
    ) -> None:
        theirs = factories.make_customer(stranger, name="杭州恒远机械有限公司", remark="秘密")
        result = import_lines("杭州恒远机械有限公司,改掉", header="客户名称,备注", actor=manager, on_duplicate=OnDuplicate.UPDATE)
        assert counts_of(result) == (1, 0, 0, 1, 0)
        assert all_customers()[0].remark == "秘密"
        assert not any(word in result.skips[0].message for word in (theirs.code, stranger.name, "秘密"))

    def test_two_imports_of_one_file_at_the_same_time_create_every_customer_once(self, database: str) -> None:
        table = csv_table(*(complete_line(factories.random_company(), factories.random_phone()) for _place in range(60)))
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
            patch.setattr("crm_core.services.imports.running.CHUNK", 5)
            results = list(pool.map(import_table, [table, table]))
        assert sum(result.created for result in results) == count(Customer) == 60
        assert sum(result.skipped for result in results) == 60
        assert len({one.code for one in all_customers()}) == 60

    def test_a_deleted_customer_is_no_duplicate(self, database: str, administrator: Actor) -> None:
        import_lines(complete_line(), actor=administrator)
        with transaction(administrator) as session:
            delete_customer(session, administrator, all_customers()[0].id)
        assert import_lines(complete_line(), actor=administrator).created == 1


class TestFailedRows:
    def test_the_workbook_holds_the_failed_rows_with_their_reasons(self, database: str) -> None:
        table = csv_table(complete_line(), "王总,C34,展会推广,x,,,,陈立,123,未提供")
        result = import_table(table)
        sheet = load_workbook(io.BytesIO(failed_rows_workbook(table, result))).active
        assert sheet is not None
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        assert rows[0][:-1] == HEADER.split(",")
        assert len(rows) == 2
        assert rows[1][0] == "王总"
        assert str(rows[1][-1]).count("\n") == 1

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
    def test_no_cell_of_the_workbook_is_a_formula_and_the_mark_comes_off_again(self, database: str, start: str) -> None:
        header = ["客户名称", "备注"]
        table = Table("a.xlsx", tuple(header), read_table("a.xlsx", workbook_of(header, ["王总", "x"])).rows)
        table = Table(table.filename, table.headings, (table.rows[0]._replace(cells=("王总", f"{start}1+1")),))
        sheet = load_workbook(io.BytesIO(failed_rows_workbook(table, import_table(table, dry_run=True)))).active
        assert sheet is not None
        assert sheet["B2"].data_type == "s"
        assert str(sheet["B2"].value).startswith("'")

    def test_a_mended_workbook_imports_cleanly(self, database: str) -> None:
        table = csv_table("王总,C34,展会推广,=1+1,,,,陈立,+86 138 0000 1234,未提供", complete_line())
        first = import_table(table)
        assert counts_of(first) == (2, 1, 0, 0, 1)
        workbook = load_workbook(io.BytesIO(failed_rows_workbook(table, first)))
        assert workbook.active is not None
        workbook.active["A2"] = "宁波海天塑机有限公司"
        file = io.BytesIO()
        workbook.save(file)
        second = import_table(read_table("failed.xlsx", file.getvalue()))
        assert counts_of(second) == (1, 1, 0, 0, 0)
        mended = all_customers()[1]
        assert (mended.name, mended.source_detail, all_contacts()[1].phone) == ("宁波海天塑机有限公司", "=1+1", "13800001234")

    def test_a_workbook_that_fails_again_keeps_one_column_of_reasons(self, database: str) -> None:
        table = csv_table("王总,,,,,,,,,")
        once = read_table("failed.xlsx", failed_rows_workbook(table, import_table(table)))
        twice = read_table("failed.xlsx", failed_rows_workbook(once, import_table(once)))
        assert twice.headings == once.headings
