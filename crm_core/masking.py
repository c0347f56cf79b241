"""How a sensitive value looks to somebody who may not read it whole."""


def mask(field: str, value: str) -> str:
    """Mask a value by the kind of its field: phone 138****5678, mailbox che**@example.com, a short name 王*明, the rest by its ends."""
    if not value:
        return value
    if field == "phone":
        return _middle(value, 3, 4)
    if field == "email" and "@" in value:
        name, _at, domain = value.partition("@")
        return f"{name[: min(3, max(1, len(name) - 1))]}**@{domain}"
    if field == "identity_number":
        return _middle(value, 3, 2)
    if field == "name" and len(value) >= 8:
        return _middle(value, 2, 2)
    if field == "address":
        return value[:6] + "****"
    return _middle(value, 1, 1)


def _middle(value: str, head: int, tail: int) -> str:
    if len(value) <= head + tail:
        return "*" * len(value)
    return value[:head] + "*" * min(len(value) - head - tail, 10) + value[-tail:]
