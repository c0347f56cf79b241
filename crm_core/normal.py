"""Normal forms by which values are compared: names of companies, phones, mailboxes."""

import re
import unicodedata

_IGNORED = re.compile(r"[\s()（）\[\]【】<>《》·•,，.。、\-—_'\"“”]+")
_LIMITED = re.compile(r"有限责任公司$")


def name_key(name: str) -> str:
    """A name without blanks, brackets, width or case; 有限责任公司 and 有限公司 count as the same."""
    folded = _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return _LIMITED.sub("有限公司", folded)


def phone_key(phone: str | None) -> str | None:
    """Only the digits of a phone, without an extension."""
    if not phone:
        return None
    parts = phone.split("-")
    return "".join(parts[:2]) if len(parts) > 1 else phone


def email_key(email: str | None) -> str | None:
    """A mailbox in lower case; None for 未提供."""
    return email.lower() if email and "@" in email else None
