"""Values as people read them: labels for codes, days, yuan."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from crm_core.checks.contacts import NOT_PROVIDED
from crm_core.fields import SEVERAL, Field, Widget, from_json
from crm_core.i18n import _, format_date, format_money, format_number, join_words
from crm_core.reference import regions
from crm_core.services.library import Library


def mailbox(value: str | None) -> str:
    """A mailbox, or in its place that the customer gave none; nothing where nobody asked."""
    return _("not provided") if value == NOT_PROVIDED else value or ""


def show(field: Field, value: Any, library: Library) -> str:
    """One value in the language in force; empty for none."""
    if value is None or value == [] or value == "":
        return ""
    if isinstance(value, (list, tuple)):
        return join_words(show(field, one, library) for one in value)
    return _show_one(field, value, library)


def _show_one(field: Field, value: Any, library: Library) -> str:
    if field.choices is not None:
        return field.labels().get(value, str(value))
    if field.widget in (Widget.PRESET, Widget.PRESETS):
        return library.label(value)
    if field.widget is Widget.INDUSTRY:
        return library.industry_label(value)
    if field.widget is Widget.REGION:
        return regions()[value].label if value in regions() else str(value)
    if isinstance(value, date):
        return format_date(value)
    if isinstance(value, Decimal):
        return format_number(value) if field.widget is Widget.NUMBER else format_money(value)
    return _("not provided") if value == NOT_PROVIDED else str(value)


def show_logged(field: Field, stored: str | None, library: Library) -> str:
    """A value as the change log keeps it, in words; sensitive ones were masked when they were logged."""
    if not stored:
        return ""
    return show(field, json.loads(stored) if field.widget in SEVERAL else from_json(field, stored), library)
