"""Where a network address lies, from the table that ships with the program: nobody outside is asked."""

from functools import cache
from ipaddress import IPv4Address, ip_address

from babel import Locale
from ip2region.searcher import Searcher, new_with_buffer
from ip2region.util import IPv4

from crm_core.config import REFERENCE_DIR
from crm_core.i18n import _, language
from crm_core.reference import find_regions, region_label

OFFICE = ""
"""A private address: the team's own network."""
UNKNOWN = "unknown"
CHINA = "中国"


@cache
def searcher() -> Searcher:
    """The table, held in memory (11 MB): threads read it side by side."""
    return new_with_buffer(IPv4, (REFERENCE_DIR / "ip2region.xdb").read_bytes())


def city_of(address: str) -> str:
    """Country, province and city as the table names them, such as `中国 浙江省 杭州市`; `OFFICE` or `UNKNOWN`."""
    if not address:
        return UNKNOWN
    parsed = ip_address(address)
    if not parsed.is_global:
        return OFFICE
    if not isinstance(parsed, IPv4Address):
        return UNKNOWN  # the table knows IPv4 only
    country, _area, province, city, _provider = (searcher().search(parsed.packed) or "0|0|0|0|0").split("|")
    return " ".join(name for name in (country, province, city) if name != "0") or UNKNOWN


def place_label(city: str) -> str:
    """A place in the language in force."""
    if city in (OFFICE, UNKNOWN):
        return _("office network") if city == OFFICE else _("unknown place")
    country, province, town = [*city.split(" ", 2), "", ""][:3]
    if language() == "zh_CN":
        # A municipality is its own city: 上海 上海市.
        names = (country if country != CHINA or not province else "", "" if town.startswith(province) else province, town)
        return "".join(names)
    province_code, city_code, _district = find_regions(province, town, "")
    if country == CHINA and province_code:
        return region_label(city_code or province_code)
    return _country_in_english(country)


def _country_in_english(name: str) -> str:
    code = next((code for code, known in Locale("zh").territories.items() if known == name), "")
    return Locale("en").territories.get(code) or _("unknown place")
