"""Reference tables against the standards they come from."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from crm_core.config import REFERENCE_DIR
from crm_core.fields import fields_of
from crm_core.i18n import in_language
from crm_core.models import CATEGORIES, STAGES, Contact, Customer
from crm_core.reference import children_of, find_regions, region_label, regions


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def own(name: str) -> list[dict[str, str]]:
    return rows(REFERENCE_DIR / name)


def test_industries_are_the_sections_and_divisions_of_the_standard(shared: Path) -> None:
    standard = rows(shared / "reference-data" / "industries" / "gbt4754_2017_all.csv")
    sections = {row["code"]: row["name"] for row in standard if row["level"] == "1"}
    divisions = {row["section"] + row["code"]: row["name"] for row in standard if row["level"] == "2"}
    assert (len(sections), len(divisions)) == (20, 97)
    ours = own("industries.csv")
    assert {row["code"]: row["name"] for row in ours if not row["parent"]} == sections
    assert {row["code"]: row["name"] for row in ours if row["parent"]} == divisions
    assert all(row["parent"] == row["code"][0] for row in ours if row["parent"])


def test_regions_are_those_of_the_year_2024(shared: Path) -> None:
    official = {row["code"]: row["name"] for row in rows(shared / "reference-data" / "regions" / "cn_divisions_2024.csv")}
    ours = {row["code"]: row["name"] for row in own("regions.csv")}
    assert set(ours) - set(official) == set()
    assert {code: official[code] for code in set(official) - set(ours)} == {}
    assert {code: (name, official[code]) for code, name in ours.items() if name != official[code]} == {}


@pytest.mark.parametrize(
    ("filename", "key"),
    [("industries.csv", ("code",)), ("regions.csv", ("code",)), ("presets.csv", ("code",))],
)
def test_no_row_stands_twice(filename: str, key: tuple[str, ...]) -> None:
    counts = Counter(tuple(row[column] for column in key) for row in own(filename))
    assert [one for one, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("filename", ["industries.csv", "regions.csv", "presets.csv", "outlines.csv"])
def test_every_row_has_a_name_in_both_languages(filename: str) -> None:
    empty = [
        row for row in own(filename) if not (row.get("name") or row.get("question")) or not (row.get("name_en") or row.get("question_en"))
    ]
    assert empty == []


def test_presets_fill_every_list_with_the_words_of_the_manual() -> None:
    lists: dict[str, list[str]] = {}
    for row in own("presets.csv"):
        assert row["code"].startswith(row["category"] + ".")
        lists.setdefault(row["category"], []).append(row["name"])
    assert set(lists) == set(CATEGORIES)
    assert lists["source"] == ["展会推广", "线上广告", "客户转介绍", "主动拜访", "合作伙伴推荐", "其他"]
    assert lists["loss_reason"] == ["价格过高", "服务不达标", "竞争对手替代", "自身业务调整", "其他"]
    assert {"新客户", "存量客户", "战略客户"} <= set(lists["segment"])
    assert {"营业执照", "资质证书", "身份证", "名片", "合同关键页", "订单截图", "验收单据"} <= set(lists["attachment_type"])
    assert "待定" in lists["budget"]


def test_questions_of_the_outline_fill_fields_that_exist() -> None:
    fields = set(fields_of(Customer)) | set(fields_of(Contact))
    sections = {row["code"] for row in own("industries.csv") if not row["parent"]}
    for row in own("outlines.csv"):
        assert row["field"] in fields, row
        assert row["industry"] in sections | {""}, row
        assert row["stage"] in {*STAGES, ""}, row


def test_every_region_hangs_below_the_right_one() -> None:
    assert len(children_of("")) == 34
    for region in regions().values():
        if region.level == "city":
            assert regions()[region.parent].level == "province", region
        if region.level == "district":
            assert regions()[region.parent].level in ("province", "city"), region


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (("浙江省", "杭州市", "西湖区"), ("330000", "330100", "330106")),
        (("浙江", "杭州", "西湖"), ("330000", "330100", "330106")),
        (("上海", "金山", ""), ("310000", None, "310116")),
        (("北京市", "北京市", "朝阳区"), ("110000", None, "110105")),
        (("内蒙古", "呼和浩特", ""), ("150000", "150100", None)),
        (("Zhejiang", "hangzhou", ""), ("330000", "330100", None)),
        (("330000", "330100", "330106"), ("330000", "330100", "330106")),
        (("浙江", "南京", ""), ("330000", None, None)),
        (("广东", "东莞", ""), ("440000", "441900", None)),
        (("", "杭州", ""), (None, None, None)),
        (("亚特兰蒂斯", "杭州", ""), (None, None, None)),
    ],
)
def test_regions_are_recognised_as_people_write_them(names: tuple[str, str, str], codes: tuple[str | None, ...]) -> None:
    assert find_regions(*names) == codes


def test_a_region_is_shown_in_the_language_of_the_user() -> None:
    assert region_label("330000", "330100", "330106") == "浙江省杭州市西湖区"
    assert region_label("310000", None, "310116") == "上海市金山区"
    with in_language("en"):
        assert region_label("330000", "330100") == "Zhejiang Hangzhou"


def test_places_of_real_companies_are_recognised(shared: Path) -> None:
    sample = rows(shared / "sample-data" / "companies.csv")
    unknown = [row["province"] for row in sample if find_regions(row["province"], row["city"], "")[0] is None]
    assert unknown == []
    without_city = sum(find_regions(row["province"], row["city"], "")[1:] == (None, None) for row in sample if row["city"])
    assert without_city < len(sample) * 0.02
