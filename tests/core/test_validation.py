"""Every rule for a single value and for a whole entry, with examples on both sides of it."""

import csv
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from crm_core import clock, validation
from crm_core.checks.contacts import check_email, check_phone, email_warning
from crm_core.checks.dates import check_any_date, check_date
from crm_core.checks.identifiers import check_credit_code, check_identity_number
from crm_core.checks.money import check_money
from crm_core.checks.names import check_customer_name, check_person_name
from crm_core.checks.numbers import check_number, check_quantity
from crm_core.db import reading
from crm_core.fields import fields_of
from crm_core.i18n import in_language
from crm_core.models import KINDS, STAGES, Contact, Customer
from crm_core.services.entry import Checked, check_entry
from crm_core.services.library import get_library
from tests import factories
from tests.core.sentences import is_sentence

ENTERPRISE = {"kind": "enterprise"}
INDIVIDUAL = {"kind": "individual"}
Check = Callable[[Any, dict[str, Any]], Any]


def refusal_of(check: Check, value: Any, values: dict[str, Any] | None = None) -> str:
    """The sentence with which a check refuses a value."""
    with pytest.raises(ValueError, match=r".") as problem:
        check(value, values or {})
    assert type(problem.value) is ValueError
    return str(problem.value)


@pytest.mark.parametrize(
    "name",
    [
        "杭州恒远机械有限公司",
        "上海印确品信息技术有限公司（浦东分公司）",
        "浙江大学",
        "中国农业银行股份有限公司",
        "绍兴市第二医院",
        "义乌市老王五金店",
        "北京市朝阳区人民政府办公室驻沪工作处",
        "Siemens AG",
        "3M中国有限公司",
        "国家电网公司",
        "万向集团公司北京分公司",
        "TCL集团股份有限公司",
        "3M有限公司",
    ],
)
def test_a_full_registered_name_is_accepted(name: str) -> None:
    assert check_customer_name(name, ENTERPRISE) == name


@pytest.mark.parametrize(
    "name",
    [
        "*总",
        "王总",
        "李经理",
        "张先生",
        "刘女士",
        "陈老板",
        "周老师",
        "恒远**有限公司",
        "恒远",
        "恒远机械",
        "A",
        "华为",
        "华为公司",
        "小米集团",
        "ABC公司",
        "abc集团公司",
        "（恒远）公司",
    ],
)
def test_a_form_of_address_or_an_abbreviation_is_no_company_name(name: str) -> None:
    assert is_sentence(refusal_of(check_customer_name, name, ENTERPRISE))


@pytest.mark.parametrize(
    "name",
    ["王伟", "欧阳娜娜", "阿依古丽·买买提", "Mary O'Neil", "J. Smith", "Anne-Marie Müller", "𬱖伟", "张玉堂", "王大学", "李园", "阿依古丽"],
)
def test_a_real_name_is_accepted(name: str) -> None:
    assert check_customer_name(name, INDIVIDUAL) == name
    assert check_person_name(name, {}) == name


@pytest.mark.parametrize(
    "name",
    [
        "王",
        "王总",
        "*总",
        "王先生",
        "李女士",
        "张总监",
        "陈董事长",
        "王*",
        "王伟1",
        "13800001234",
        "王伟😀",
        "·伟",
        "深圳市腾讯计算机系统有限公司",
        "万科集团",
        "义乌市老王五金店",
        "浙江省人民医院",
        "Acme Corporation",
        "Siemens Ltd.",
    ],
)
def test_an_honorific_a_digit_or_a_single_character_is_no_real_name(name: str) -> None:
    assert is_sentence(refusal_of(check_customer_name, name, INDIVIDUAL))


@pytest.mark.parametrize(
    "code",
    ["91310116MA1JBQQJ85", "91310116ma1jbqqj85", " 91310116 MA1JBQQJ85 ", "91310116-MA1JBQQJ-85", "９１３１０１１６ＭＡ１ＪＢＱＱＪ８５"],
)
def test_a_credit_code_is_accepted_however_it_is_typed(code: str) -> None:
    assert check_credit_code(code, ENTERPRISE) == "91310116MA1JBQQJ85"


@pytest.mark.parametrize(
    "code", ["91310116MA1JBQQJ86", "91310116MA1JBQQJ8", "91310116MA1JBQQJ855", "91310116MA1JBQQI85", "9131O116MA1JBQQJ85", "税号见附件"]
)
def test_a_credit_code_with_a_wrong_digit_is_refused(code: str) -> None:
    assert is_sentence(refusal_of(check_credit_code, code, ENTERPRISE))


@pytest.mark.parametrize("place", range(18))
def test_a_slip_in_any_place_of_a_credit_code_is_noticed(place: int) -> None:
    code = "91310116MA1JBQQJ85"
    slip = code[:place] + ("4" if code[place] != "4" else "5") + code[place + 1 :]
    refusal_of(check_credit_code, slip, ENTERPRISE)


def test_an_identity_number_needs_its_check_digit() -> None:
    assert check_identity_number("11010519491231002x", INDIVIDUAL) == "11010519491231002X"
    assert check_identity_number("1101 0519 4912 3100 2X", INDIVIDUAL) == "11010519491231002X"


@pytest.mark.parametrize("number", ["330106196610075649", "310115195912109547", "810000199408230021"])
def test_a_district_that_is_younger_than_the_person_is_accepted(number: str) -> None:
    number = number[:-1] + ric.calc_check_digit(number)
    assert check_identity_number(number, INDIVIDUAL) == number


@pytest.mark.parametrize(
    "number", ["110105194912310021", "11010519491331002X", "110105491231002", "11010519491231002", "110105209912310023", "没有"]
)
def test_a_wrong_identity_number_is_refused(number: str) -> None:
    sentence = refusal_of(check_identity_number, number, INDIVIDUAL)
    assert is_sentence(sentence)
    assert number not in sentence


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800001234", "13800001234"),
        ("138 0000 1234", "13800001234"),
        ("138-0000-1234", "13800001234"),
        ("+8613800001234", "13800001234"),
        ("+86 138 0000 1234", "13800001234"),
        ("0086 13800001234", "13800001234"),
        ("8613800001234", "13800001234"),
        ("（138）00001234", "13800001234"),
        ("１３８００００１２３４", "13800001234"),
        ("19912345678", "19912345678"),
        ("0571-87654321", "0571-87654321"),
        ("057187654321", "0571-87654321"),
        ("(0571)87654321", "0571-87654321"),
        ("+86 571 8765 4321", "0571-87654321"),
        ("010-62345678", "010-62345678"),
        ("021 6234 5678", "021-62345678"),
        ("0898-66778899", "0898-66778899"),
        ("0571-87654321-802", "0571-87654321-802"),
        ("0571-87654321转802", "0571-87654321-802"),
        ("0571-87654321 ext. 802", "0571-87654321-802"),
        ("0571-87654321 分机 802", "0571-87654321-802"),
    ],
)
def test_a_mobile_or_a_landline_with_area_code_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert check_phone(typed, {}) == kept
    assert check_phone(kept, {}) == kept


@pytest.mark.parametrize(
    "phone",
    [
        "1380000123",
        "138000012345",
        "12800001234",
        "87654321",
        "8765432",
        "0571-876",
        "0000-87654321",
        "400-800-1234",
        "+1 650 253 0000",
        "13800001234/13900001234",
        "没有电话",
        "1" * 40,
        "13８OOOO1234",
    ],
)
def test_anything_else_is_no_phone(phone: str) -> None:
    assert is_sentence(refusal_of(check_phone, phone))


def test_the_refusal_of_a_phone_says_what_is_wrong_with_it() -> None:
    with in_language("en"):
        assert "you entered 10 digits" in refusal_of(check_phone, "1380000123")
        assert "with its area code" in refusal_of(check_phone, "87654321")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("wang@hengyuan.com.cn", "wang@hengyuan.com.cn"),
        (" wang@hengyuan.com.cn ", "wang@hengyuan.com.cn"),
        ("wang@HENGYUAN.com", "wang@hengyuan.com"),
        ("ｗａｎｇ＠hengyuan.com", "wang@hengyuan.com"),
        ("未提供", "未提供"),
        ("无", "未提供"),
        ("Not provided", "未提供"),
    ],
)
def test_a_mailbox_or_the_word_not_provided_is_accepted(typed: str, kept: str) -> None:
    assert check_email(typed, {}) == kept


@pytest.mark.parametrize(
    "email", ["wang", "wang@", "@hengyuan.com", "wang@hengyuan", "wang wei@hengyuan.com", "wang@@hengyuan.com", "待补"]
)
def test_anything_else_is_no_mailbox(email: str) -> None:
    assert is_sentence(refusal_of(check_email, email))


@pytest.mark.parametrize(
    ("email", "warned"),
    [
        ("wang@hengyuan.com", False),
        ("wang@hzhy.com.cn", False),
        ("wang@163.com", True),
        ("wang@siemens.com", True),
        ("未提供", False),
    ],
)
def test_a_mailbox_of_another_house_is_a_warning(email: str, warned: bool) -> None:
    assert bool(email_warning(email, company="杭州恒远机械有限公司")) is warned


@pytest.mark.parametrize(
    "typed",
    [
        "2023-05-10",
        "2023/5/10",
        "2023.05.10",
        "2023年5月10日",
        "20230510",
        "2023-05-10 08:30:00",
        "２０２３-05-10",
        date(2023, 5, 10),
        datetime(2023, 5, 10, 8, 30),
    ],
)
def test_a_day_is_read_as_people_and_spreadsheets_write_it(typed: Any) -> None:
    assert check_date(typed, {}) == date(2023, 5, 10)


@pytest.mark.parametrize("typed", ["2023/13/45", "2023-02-29", "13.45.2023", "去年五月", "2023", "0", "20231345"])
def test_a_day_that_no_calendar_has_is_refused_with_what_was_typed(typed: str) -> None:
    sentence = refusal_of(check_date, typed)
    assert is_sentence(sentence)
    assert typed in sentence


def test_a_day_in_the_future_is_refused() -> None:
    today = clock.today()
    assert check_date(today, {}) == today
    assert is_sentence(refusal_of(check_date, today + timedelta(days=1)))
    assert is_sentence(refusal_of(check_date, date(1899, 12, 31)))


@pytest.mark.parametrize(
    ("typed", "yuan"),
    [
        ("50万", "500000.00"),
        ("50 万元", "500000.00"),
        ("1.5亿", "150000000.00"),
        ("3千", "3000.00"),
        ("500,000", "500000.00"),
        ("¥500000.00", "500000.00"),
        ("￥500000元", "500000.00"),
        ("CNY 12.34", "12.34"),
        ("５０万", "500000.00"),
        ("0", "0.00"),
        (500000, "500000.00"),
        (0.1, "0.10"),
        (Decimal("99999999999999.99"), "99999999999999.99"),
        ("-0", "0.00"),
        (-0.0, "0.00"),
        ("1.005", "1.01"),
        ("12,3456", "123456.00"),
        (1e-2, "0.01"),
        ("2.5E3", "2500.00"),
    ],
)
def test_an_amount_is_read_in_yuan(typed: Any, yuan: str) -> None:
    amount = check_money(typed, {})
    assert str(amount) == yuan


@pytest.mark.parametrize(
    "typed",
    [
        *("五十万左右", "-1", "-50万", "50万左右", "1e20", "NaN", "Infinity", "12.3.4", "¥", True, 10**14, "99999999999999.999"),
        *("1_000", "12,5", "1.000,50", ",100", "0.001", 0.004, "1e99999", "٣"),
    ],
)
def test_anything_else_is_no_amount(typed: Any) -> None:
    assert is_sentence(refusal_of(check_money, typed))


@pytest.mark.parametrize(
    ("typed", "number"), [("-1,250.5", "-1250.5"), ("５", "5"), ("1e-3", "0.001"), (".5", "0.5"), ("5.50", "5.5"), ("7.", "7")]
)
def test_a_number_is_read_as_people_and_spreadsheets_write_it(typed: str, number: str) -> None:
    assert str(check_number(typed, {})) == number


@pytest.mark.parametrize("typed", ["1_000", "nan", "inf", "12,5", "1,2,3", "1000000000000", "5 Stück", "", "."])
def test_anything_else_is_no_number(typed: str) -> None:
    assert is_sentence(refusal_of(check_number, typed))


@pytest.mark.parametrize("typed", ["0", "0.001", "1.005", "-1", "1000000.01", "1_0"])
def test_a_quantity_is_never_rounded_to_another_one(typed: str) -> None:
    assert is_sentence(refusal_of(check_quantity, typed))
    assert check_quantity("1.50", {}) == Decimal("1.5")


@pytest.mark.parametrize("typed", ["9999-12-31", "2200-01-01", "1899-12-31", "0024-05-06"])
def test_a_day_that_nobody_means_is_refused(typed: str) -> None:
    assert is_sentence(refusal_of(check_any_date, typed))
    assert check_any_date("2199-12-31", {}) == date(2199, 12, 31)


@pytest.mark.parametrize("typed", ["20万-30万", "20万~30万元", "200000-300000", "1千万-2千万", "20 万 - 30 万", "1.5亿至2亿"])
def test_a_budget_is_a_range(typed: str, library_of: Callable[..., Checked]) -> None:
    assert not library_of(stage="qualified", budget=typed).errors


@pytest.mark.parametrize(
    ("typed", "kept"), [("待定", "budget.undecided"), ("budget.undecided", "budget.undecided"), ("20万-30万元", "budget.200k_300k")]
)
def test_a_budget_may_be_an_entry_of_the_library(typed: str, kept: str, library_of: Callable[..., Checked]) -> None:
    checked = library_of(stage="qualified", budget=typed)
    assert (checked.errors, checked.values.get("budget")) == ({}, kept)


@pytest.mark.parametrize("typed", ["很多", "30万", "20-", "budget.nonsense"])
def test_any_other_budget_is_refused(typed: str, library_of: Callable[..., Checked]) -> None:
    (sentence,) = library_of(stage="qualified", budget=typed).errors["budget"]
    assert is_sentence(sentence)


def test_the_latest_cooperation_is_not_before_the_first(library_of: Callable[..., Checked]) -> None:
    checked = library_of(stage="customer", first_cooperated_on="2023-05-01", last_cooperated_on="2023-04-30")
    (sentence,) = checked.errors["last_cooperated_on"]
    assert is_sentence(sentence)
    assert "2023-05-01" in sentence
    assert not library_of(stage="customer", first_cooperated_on="2023-05-01", last_cooperated_on="2023-05-01").errors


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  杭州\u200b恒远\ufeff机械有限公司 ", "杭州恒远机械有限公司"),
        ("杭州\x00恒远\x07机械\u202e有限公司", "杭州恒远机械有限公司"),
        ("杭州　恒远\t机械\n有限公司", "杭州 恒远 机械 有限公司"),
        ("Mu\u0308ller", "Müller"),
    ],
)
def test_invisible_characters_are_taken_out(typed: str, kept: str) -> None:
    assert validation.clean_text(typed) == kept


def test_emoji_and_line_breaks_of_a_long_text_are_kept() -> None:
    family = "客户很满意👨‍👩‍👧\n第二行 👍🏽"
    assert validation.clean_text(family, lines=True) == family
    assert validation.clean_text("一\r\n二\r三", lines=True) == "一\n二\n三"


def test_a_lone_surrogate_is_taken_out() -> None:
    assert validation.clean_text("恒\ud800远") == "恒远"


@given(st.text())
def test_cleaning_a_text_twice_changes_nothing_more(text: str) -> None:
    once = validation.clean_text(text)
    assert validation.clean_text(once) == once
    once.encode()


def test_a_text_longer_than_its_column_is_refused_with_both_lengths(library_of: Callable[..., Checked]) -> None:
    (sentence,) = library_of(name="恒" * 9_999 + "公司").errors["name"]
    assert is_sentence(sentence)
    assert "10001" in sentence
    assert "200" in sentence


@pytest.mark.parametrize("typed", ["9131 0116 MA1J BQQJ 85", "91310116-MA1JBQQJ-85", " 91310116MA1JBQQJ85 "])
def test_a_text_is_measured_after_it_was_brought_into_form(typed: str, library_of: Callable[..., Checked]) -> None:
    checked = library_of(credit_code=typed)
    assert (checked.errors, checked.values["credit_code"]) == ({}, "91310116MA1JBQQJ85")


@pytest.mark.parametrize("field", ["name", "credit_code", "founded_on", "remark"])
def test_a_text_of_absurd_length_is_refused_before_it_is_looked_at(field: str, library_of: Callable[..., Checked]) -> None:
    (sentence,) = library_of(**{field: "1 " * 60_000}).errors[field]
    assert is_sentence(sentence)
    assert "119999" in sentence


@pytest.fixture
def library_of(sqlite_database: str) -> Callable[..., Checked]:
    """Check an entry with one valid contact against the library."""

    def check(*, contacts: list[dict[str, Any]] | None = None, **over: Any) -> Checked:
        with reading() as session:
            values = factories.customer_values(**over)
            return check_entry(get_library(session), values, [factories.contact_values()] if contacts is None else contacts)

    return check


COMMON = {"name", "industry", "source", "source_detail"}
SCALE = {"employees", "revenue", "founded_on"}
COOPERATION = {"first_cooperated_on", "last_cooperated_on", "cooperation_amount"}
REQUIRED = {
    "prospect": set(),
    "qualified": {"core_need"},
    "customer": {"core_need"} | COOPERATION,
    "partner": set(),
    "churned": COOPERATION | {"churn_reason", "churn_note"},
}
CONTACT = {"contacts.0.name", "contacts.0.phone", "contacts.0.email"}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_entry_names_every_required_field_of_its_nature_and_type(
    kind: str, stage: str, library_of: Callable[..., Checked]
) -> None:
    empty = dict.fromkeys(fields_of(Customer), "  ")
    errors = library_of(**{**empty, "kind": kind, "stage": stage}, contacts=[]).errors
    scale = SCALE if kind == "enterprise" else set()
    assert set(errors) == COMMON | scale | REQUIRED[stage] | CONTACT
    assert all(is_sentence(sentence, at_least=4) for sentences in errors.values() for sentence in sentences)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_entry_of_each_nature_and_type_is_accepted(kind: str, stage: str, library_of: Callable[..., Checked]) -> None:
    checked = library_of(kind=kind, stage=stage)
    assert checked.errors == {}
    assert checked.values["kind"] == kind
    assert len(checked.contacts) == 1


@pytest.mark.parametrize(("kind", "field"), [("individual", "employees"), ("individual", "credit_code"), ("enterprise", "identity_number")])
def test_a_field_that_the_nature_does_not_show_is_dropped(kind: str, field: str, library_of: Callable[..., Checked]) -> None:
    checked = library_of(kind=kind, **{field: "whatever"})
    assert checked.errors == {}
    assert field not in checked.values


@pytest.mark.parametrize(("field", "value"), [("kind", "company"), ("kind", None), ("stage", "vip"), ("stage", "")])
def test_an_unknown_nature_or_type_is_refused(field: str, value: Any, library_of: Callable[..., Checked]) -> None:
    assert is_sentence(library_of(**{"kind": "enterprise", "stage": "prospect", field: value}).errors[field][0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "电视广告"),
        ("segment", "未知分类"),
        ("interests", ["interest.training", "打高尔夫"]),
        ("tier", "D"),
        ("sales_stage", "dreaming"),
        ("decision_roles", ["buyer", "cook"]),
        ("province", "990000"),
        ("city", "330000"),
    ],
)
def test_a_choice_outside_its_list_is_refused(field: str, value: Any, library_of: Callable[..., Checked]) -> None:
    assert is_sentence(library_of(**{field: value}).errors[field][0])


def test_a_choice_may_be_given_by_its_name_in_either_language(library_of: Callable[..., Checked]) -> None:
    checked = library_of(source="展会推广", segment="Strategic customer", interests=["重视售后"], industry="制造业-通用设备制造业")
    values = checked.values
    assert (values["source"], values["segment"], values["interests"], values["industry"]) == (
        "source.exhibition",
        "segment.strategic",
        ["interest.after_sales"],
        "C34",
    )


@pytest.mark.parametrize(
    ("region", "wrong"),
    [
        ({"province": "330000", "city": "330100", "district": "330106"}, None),
        ({"province": "110000", "district": "110101"}, None),
        ({"province": "330000", "city": "320100"}, "city"),
        ({"province": "330000", "city": "330100", "district": "320102"}, "district"),
        ({"city": "330100"}, "city"),
    ],
)
def test_a_city_belongs_to_its_province_and_a_district_to_its_city(
    region: dict[str, str], wrong: str | None, library_of: Callable[..., Checked]
) -> None:
    assert set(library_of(**region).errors) == ({wrong} if wrong else set())


def test_all_errors_come_at_once_each_at_its_field(library_of: Callable[..., Checked]) -> None:
    good, bad = factories.contact_values(), factories.contact_values(phone="87654321", email="wang")
    errors = library_of(name="王总", credit_code="1", founded_on="2023/13/45", source="", contacts=[good, bad]).errors
    assert set(errors) == {"name", "credit_code", "founded_on", "source", "contacts.1.phone", "contacts.1.email"}


def test_an_empty_contact_line_is_left_out(library_of: Callable[..., Checked]) -> None:
    checked = library_of(contacts=[factories.contact_values(), {"name": " ", "phone": ""}])
    assert (len(checked.contacts), checked.errors) == (1, {})


def test_a_private_mailbox_is_a_warning_and_no_error(library_of: Callable[..., Checked]) -> None:
    checked = library_of(contacts=[factories.contact_values(email="wang@163.com")])
    assert checked.errors == {}
    assert is_sentence(checked.warnings["contacts.0.email"])


def test_every_declared_field_has_a_label_in_chinese() -> None:
    labels = [field.title for model in (Customer, Contact) for field in fields_of(model).values()]
    assert [label for label in labels if not is_sentence(label, at_least=2)] == []


def test_the_words_of_the_manual_are_the_labels_of_the_fields() -> None:
    titles = {field.title for model in (Customer, Contact) for field in fields_of(model).values()}
    words = """
        客户名称 客户性质 客户类型 客户分类 客户等级 统一社会信用代码 所属行业 客户来源 来源说明 首次接触时间 详细地址 备注
        员工人数 年营业额 成立时间 核心需求 采购时间节点 预算范围 决策链角色 首次合作时间 最近合作时间 累计合作金额
        流失原因 补充说明 兴趣标签 参与活动 职位 邮箱 微信
    """
    assert set(words.split()) - titles == set()


def test_every_registered_company_name_and_credit_code_passes(shared: Path) -> None:
    with (shared / "sample-data" / "companies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8800
    refused = []
    for row in rows:
        try:
            check_customer_name(validation.clean_text(row["name"]), ENTERPRISE)
            assert check_credit_code(row["uscc"], ENTERPRISE) == row["uscc"]
        except ValueError:
            refused.append((row["name"], row["uscc"]))
    assert refused == []


def test_names_of_one_latin_word_pass_as_companies(shared: Path) -> None:
    with (shared / "sample-data" / "maven-crm" / "accounts.csv").open(encoding="utf-8") as file:
        names = [row["account"] for row in csv.DictReader(file)]
    assert len(names) == 85
    assert [check_customer_name(name, ENTERPRISE) for name in names] == names
