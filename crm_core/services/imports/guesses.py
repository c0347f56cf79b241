"""What an imported row leaves unsaid: whether it names a company or a person, and which regions its words mean."""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from crm_core.checks.names import is_chinese, looks_like_organisation
from crm_core.models import Kind
from crm_core.reference import children_of, find_regions

LEVELS = ("province", "city", "district")

Words = tuple[str, str, str]
Codes = tuple[str | None, str | None, str | None]

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
    if any(values.get(field) for field in _COMPANY_FIELDS) or not 2 <= len(name) <= 4 or not is_chinese(name):
        return Kind.ENTERPRISE
    if len(name) <= 3:
        # 玉堂 and 园园 are given names: in so short a name a character that organisations end in says nothing.
        return Kind.INDIVIDUAL if name.startswith(_DOUBLE_SURNAMES) or name[0] in _SURNAMES else Kind.ENTERPRISE
    is_person = name.startswith(_DOUBLE_SURNAMES) and not looks_like_organisation(name)
    return Kind.INDIVIDUAL if is_person else Kind.ENTERPRISE


def recognise_regions(words: Mapping[str, str], known: Mapping[str, Any]) -> tuple[dict[str, str | None], dict[str, str]]:
    """The codes that words for regions mean, read beside the codes that are known, and the words, by level, that mean no region.

    A level that the words leave out is taken from what is known if it agrees with them, and does not come back if not. The
    city comes back as None where the district lies directly in the province.
    """
    if not any(words.values()):
        return {}, {}
    province, city, district = (str(words.get(level) or "").strip() for level in LEVELS)
    codes, foreign = _recognised((province, city, district), tuple(known.get(level) or "" for level in LEVELS))
    return dict(codes), dict(foreign)


@lru_cache(maxsize=4096)
def _recognised(words: Words, known: tuple[str, ...]) -> tuple[dict[str, str | None], dict[str, str]]:
    if not any(words):
        return {}, {}
    lowest = max(place for place, word in enumerate(words) if word)
    beside = [word or (known[place] if place < lowest else "") for place, word in enumerate(words)]
    codes, foreign = min((_read(words, beside), _read(words, words)), key=lambda reading: len(reading[1]))
    if not foreign:
        codes = find_regions(*(code or (known[place] if place > lowest else "") for place, code in enumerate(codes)))
    found = {level: code for level, code in zip(LEVELS, codes, strict=True) if code}
    return {"city": None, **found} if "district" in found else dict(found), foreign


def _read(words: Words, beside: Sequence[str]) -> tuple[Codes, dict[str, str]]:
    province, city, district = beside
    codes = find_regions(province or _province_with(city), city, district)
    return codes, _unrecognised(dict(zip(LEVELS, words, strict=True)), codes)


def _unrecognised(words: Mapping[str, str], codes: Codes) -> dict[str, str]:
    province, city, district = codes
    found = {"province": province, "city": city, "district": district}
    if not city and district and not words["district"]:
        found["city"] = district  # the district of a municipality stood in the city's place
    if province and words["city"] and not found["city"] and find_regions(words["city"], "", "")[0] == province:
        found["city"] = province  # 上海, 上海市: the municipality named twice
    return {level: word for level, word in words.items() if word and not found[level]}


@cache
def _province_with(city: str) -> str:
    if not city or find_regions(city, "", "")[0]:
        return city
    provinces = [province.name for province in children_of("") if find_regions(province.name, city, "")[1]]
    return provinces[0] if len(provinces) == 1 else ""
