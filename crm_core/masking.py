"""How a sensitive value looks to somebody who may not read it whole."""

import re
from collections.abc import Iterable
from functools import partial

from crm_core.checks.contacts import NOT_PROVIDED

_SHORTEST_PHONE = 11
"""With fewer characters it is no phone, but a WeChat account: its ends would be nearly all of it."""


def mask(kind: str, value: str) -> str:
    """Mask a value by its kind: phone 138****5678, mailbox che**@example.com, a short name 王*明, the rest by its ends."""
    if not value or value == NOT_PROVIDED:
        return value
    if kind == "phone":
        return _middle(value, 3, 4) if len(value) >= _SHORTEST_PHONE else "*" * len(value)
    if kind == "email" and "@" in value:
        name, _at, domain = value.partition("@")
        return f"{name[: min(3, len(name) - 1)]}**@{domain}"
    if kind == "identity_number":
        return _middle(value, 3, 2)
    if kind == "name" and len(value) >= 8:
        return _middle(value, 2, 2)
    if kind == "address":
        return value[: min(6, len(value) // 2)] + "****"
    return _middle(value, 1, 1)


_IN_TEXT = {
    "identity_number": re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])"),
    "email": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
    "phone": re.compile(r"(?<!\d)(?:(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8})(?!\d)"),
}


def mask_text(text: str, names: Iterable[str] = ()) -> str:
    """Mask in a free text these names, and what looks like an identity number, a mailbox or a phone."""
    for name in sorted({one for one in names if one}, key=len, reverse=True):
        text = text.replace(name, mask("name", name))
    for kind, pattern in _IN_TEXT.items():
        text = pattern.sub(partial(_masked, kind), text)
    return text


def _masked(kind: str, found: re.Match[str]) -> str:
    return mask(kind, found.group())


def _middle(value: str, head: int, tail: int) -> str:
    if len(value) <= head + tail:
        return "*" * len(value)
    return value[:head] + "*" * min(len(value) - head - tail, 10) + value[-tail:]
