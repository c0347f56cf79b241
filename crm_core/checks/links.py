"""Addresses of pages in the web."""

from typing import Any
from urllib.parse import urlsplit

from crm_core.fields import Values
from crm_core.i18n import _

_NOT_IN_A_LINK = frozenset(" \"'<>\\^`{|}")


def check_link(value: Any, _values: Values) -> str:
    """An address that begins with http:// or https:// and names a host; other kinds could do something when they are clicked."""
    text = str(value)
    try:
        parts = urlsplit(text)
        is_web = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and not _NOT_IN_A_LINK.intersection(text)
    except ValueError:
        is_web = False  # such as an address with half a bracket
    if not is_web:
        raise ValueError(_("“{text}” is not a link. Write the whole address, for example https://www.example.com.").format(text=text[:40]))
    return text
