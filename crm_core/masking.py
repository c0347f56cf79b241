"""How a sensitive value looks to somebody who may not read it whole."""

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


def _middle(value: str, head: int, tail: int) -> str:
    if len(value) <= head + tail:
        return "*" * len(value)
    return value[:head] + "*" * min(len(value) - head - tail, 10) + value[-tail:]
