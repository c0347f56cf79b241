"""Reference tables that ship with the program and never change at run time: regions of China and dialling codes."""

import csv
from dataclasses import dataclass
from functools import cache

from crm_core.config import REFERENCE_DIR
from crm_core.i18n import localized


@dataclass(frozen=True)
class Region:
    """A province, city or district by its GB/T 2260 code."""

    code: str
    parent: str
    level: str
    name: str
    name_en: str

    @property
    def label(self) -> str:
        """The name in the language in force."""
        return localized(self.name, self.name_en)


@cache
def regions() -> dict[str, Region]:
    """All regions by code, in the order of the standard."""
    with (REFERENCE_DIR / "regions.csv").open(encoding="utf-8") as file:
        return {row["code"]: Region(**row) for row in csv.DictReader(file)}


@cache
def children_of(parent: str) -> tuple[Region, ...]:
    """The regions directly below `parent`; the provinces for an empty parent."""
    return tuple(region for region in regions().values() if region.parent == parent)


def region_label(*codes: str | None) -> str:
    """The names of several levels in one text, e.g. 浙江省杭州市余杭区."""
    names = [regions()[code].label for code in codes if code and code in regions()]
    return " ".join(names) if any(name.isascii() for name in names) else "".join(names)


SUFFIXES = ("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "自治州", "自治县", "地区", "省", "市", "区", "县", "盟")


def short_name(name: str) -> str:
    """A region's name without its kind: 杭州市 → 杭州, 广西壮族自治区 → 广西."""
    for suffix in SUFFIXES:
        if name.endswith(suffix) and len(name) - len(suffix) >= 2:
            return name.removesuffix(suffix)
    return name


@cache
def _names_below(parent: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for region in children_of(parent):
        for name in (short_name(region.name), region.name, region.name_en.lower(), region.code):
            found[name] = region.code
    return found


@cache
def _code_below(parent: str, name: str) -> str | None:
    """A region by its full or short name, or by the beginning of just one name: 浦东 → 浦东新区, 湘西 → 湘西土家族苗族自治州."""
    below = _names_below(parent)
    found = below.get(name.lower()) or below.get(short_name(name))
    beginning = {code for known, code in below.items() if known.startswith(name)} if len(name) >= 2 and not found else set()
    return found or (beginning.pop() if len(beginning) == 1 else None)


def find_regions(province: str, city: str, district: str) -> tuple[str | None, str | None, str | None]:
    """Codes for names as people write them: short or full, the district of a municipality in the city's place.

    What is not recognised comes back as None; a city or district is only looked for below the level found before it.
    """
    province_code = _code_below("", province.strip())
    if not province_code:
        return None, None, None
    city_code = district_code = None
    for name in (city.strip(), district.strip()):
        if not name:
            continue
        code = _code_below(city_code or province_code, name)
        if code and regions()[code].level == "district":
            district_code = code
        elif code:
            city_code = code
    return province_code, city_code, district_code
