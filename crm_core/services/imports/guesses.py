"""What an imported row leaves unsaid: whether it names a company or a person, and which regions its words mean."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from crm_core.models import Kind
from crm_core.reference import children_of, find_regions

_HAN_NAME = re.compile(r"[\u3400-\u9fff]{2,4}")
_ORGANISATION = re.compile(r"公司|集团|企业|银行|基金|协会|学会|商会|医院|大学|学校|[厂店社所部站院校馆局处行]$")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹"
    "孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁"
    "尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜"
    "冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚"
)
_DOUBLE_SURNAMES = ("欧阳", "上官", "司马", "诸葛", "皇甫", "令狐", "司徒", "慕容", "尉迟", "东方", "夏侯", "公孙", "端木", "宇文")
_COMPANY_FIELDS = ("credit_code", "employees", "revenue", "founded_on")


def guess_kind(values: Mapping[str, Any]) -> str:
    """A person where the name is one (surname, two or three characters; four with a double surname) and nothing speaks of a company."""
    name = str(values.get("name") or "").strip()
    if values.get("identity_number"):
        return Kind.INDIVIDUAL
    if any(values.get(field) for field in _COMPANY_FIELDS) or not _HAN_NAME.fullmatch(name) or _ORGANISATION.search(name):
        return Kind.ENTERPRISE
    is_person = name.startswith(_DOUBLE_SURNAMES) or (len(name) <= 3 and name[0] in _SURNAMES)
    return Kind.INDIVIDUAL if is_person else Kind.ENTERPRISE


def recognise_regions(values: dict[str, Any]) -> list[str]:
    """Replace the words for province, city and district by their codes; returns the words that mean no region of the list."""
    words = {name: str(values.pop(name, None) or "").strip() for name in ("province", "city", "district")}
    if not any(words.values()):
        return []
    province, city, district = words.values()
    codes = find_regions(province or _province_with(city), city, district)
    values.update(zip(words, codes, strict=True))
    return _unrecognised(words, codes)


def _unrecognised(words: Mapping[str, str], codes: tuple[str | None, str | None, str | None]) -> list[str]:
    province, city, district = codes
    found = {"province": province, "city": city, "district": district}
    if not city and district and not words["district"]:
        found["city"] = district  # the district of a municipality stood in the city's place
    if province and words["city"] and not found["city"] and find_regions(words["city"], "", "")[0] == province:
        found["city"] = province  # 上海, 上海市: the municipality named twice
    return [word for name, word in words.items() if word and not found[name]]


@cache
def _province_with(city: str) -> str:
    if not city or find_regions(city, "", "")[0]:
        return city
    provinces = [province.name for province in children_of("") if find_regions(province.name, city, "")[1]]
    return provinces[0] if len(provinces) == 1 else ""
