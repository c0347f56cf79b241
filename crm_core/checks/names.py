"""Names of companies and persons."""

import re
from typing import Any

from crm_core.fields import Values
from crm_core.i18n import _

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_ORGANISATIONS = (
    "公司|集团|企业|合伙|合作社|中心|银行|基金|联盟|协会|学会|商会|医院|大学|学校|事务所|研究[所院]|工作室"
    "|[厂店社所部场站院校馆局处园队庄铺坊苑室团堂会户]"
)
_ORGANISATION = re.compile(_ORGANISATIONS)
_BARE_COMPANY = re.compile(r"(?<!有限|股份|责任|合作|合伙)(集团|公司)+$")
# A given name may end in 堂, 园 or 大学, so that in a short name only what no person is called counts.
_NO_PERSON = re.compile(
    rf"(公司|集团)$|^.{{4,}}({_ORGANISATIONS})$|\b(inc|ltd|limited|llc|gmbh|corp|corporation|company)\.?$", re.IGNORECASE
)
_HONORIFIC = re.compile(r"(总|先生|女士|小姐|经理|总监|老板|老师|主任|董事长|总经理)$")
_PERSON = re.compile(r"^[^\W\d_]([^\W\d_]|[ .·•'’\-])*$")


def is_chinese(text: str) -> bool:
    """Whether a text consists of Chinese characters alone."""
    return all(_HAN.match(character) for character in text)


def looks_like_organisation(name: str) -> bool:
    """Whether a name holds a word of organisations, such as 公司 or 厂."""
    return bool(_ORGANISATION.search(name))


def check_customer_name(value: Any, values: Values) -> str:
    """A company's full registered name or a person's real name [000]; abbreviations and honorifics are refused."""
    name = str(value)
    if values.get("kind") == "individual":
        return check_person_name(name, values)
    if "*" in name or _HONORIFIC.search(name):
        raise ValueError(_("Write the full registered name as on the business licence, not a form of address or an abbreviation."))
    if len(name) < 2 or (_HAN.search(name) and (len(name) < 4 or not looks_like_organisation(name))):
        raise ValueError(_short_name())
    own = _BARE_COMPANY.sub("", name)
    if own != name and len(_HAN.findall(own)) < 4:
        raise ValueError(_short_name())
    return name


def _short_name() -> str:
    return _("This looks like a short name. Write the full registered name as on the business licence.")


def check_person_name(value: Any, _values: Values) -> str:
    """A person's real name, without titles [000]."""
    name = str(value)
    if "*" in name or _HONORIFIC.search(name):
        raise ValueError(_("Write the real name, without a title such as 总, 经理 or 先生 and without *."))
    if _NO_PERSON.search(name):
        raise ValueError(_("This is the name of an organisation. Write the real name of a person."))
    if len(name) < 2 or not _PERSON.match(name):
        raise ValueError(_("A name has at least two letters or characters and no digits."))
    return name
