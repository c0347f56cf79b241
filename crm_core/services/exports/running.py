"""Exporting a list: only with permission and a stated reason, within the row scope, masked as the role sees, and logged."""

import json
from collections.abc import Iterator
from typing import Any

from crm_core import audit
from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import ValidationFailed
from crm_core.i18n import _, in_language
from crm_core.permissions import Actor, Permission, require
from crm_core.services.exports.files import Form, mark, write_list
from crm_core.services.exports.lists import LISTS
from crm_core.validation import clean_text

LIMIT = 100_000


def may_export(actor: Actor, name: str) -> bool:
    """Whether the actor exports this list."""
    return actor.can(Permission.CUSTOMER_EXPORT) and actor.can(LISTS[name].permission)


def check_export(session: CrmSession, actor: Actor, name: str, query: Any, *, reason: str) -> None:
    """Raise `NotAllowed` without the permissions to export and to see the list, `ValidationFailed` without a reason or for too many."""
    require(actor, LISTS[name].permission)
    require(actor, Permission.CUSTOMER_EXPORT)
    if not clean_text(reason):
        raise ValidationFailed({"reason": [_("Say what the file is for.")]})
    if LISTS[name].is_longer(session, query, LIMIT):
        raise _too_many()


def _too_many() -> ValidationFailed:
    sentence = _("More than {limit} rows match, too many for one file. Choose further filters.")
    return ValidationFailed({"query": [sentence.format(limit=f"{LIMIT:,}")]})


def export_list(actor: Actor, name: str, query: Any, *, reason: str, form: Form = Form.XLSX) -> bytes:
    """All rows that a query finds, whatever its page, as a file; logged with count, filters and reason. Opens its own transactions.

    Raises as `check_export`.
    """
    with in_language(actor.language):
        listed, purpose = LISTS[name], clean_text(reason)[:300]
        with reading(actor) as session:
            check_export(session, actor, name, query, reason=reason)
            rows = _Counted(listed.rows(session, actor, query, LIMIT + 1))
            content = write_list(form, _(listed.label), mark(actor, purpose), listed.columns(session, actor), rows)
        with transaction(actor, reason=purpose) as session:
            audit.record_event(session, "exported", listed.entity, new=_told(rows.count, query))
    return content


class _Counted:
    """Rows on their way into the file, one after the other; too many of them end it."""

    def __init__(self, rows: Iterator[list[Any]]) -> None:
        self.rows, self.count = rows, 0

    def __iter__(self) -> Iterator[list[Any]]:
        for row in self.rows:
            self.count += 1
            if self.count > LIMIT:
                raise _too_many()
            yield row


def _told(count: int, query: Any) -> str:
    """What the log keeps: the count, and every filter that was set."""
    usual = vars(type(query)())
    chosen = {name: value for name, value in vars(query).items() if value != usual[name] and name not in ("page", "sort", "descending")}
    phrase = {"phrase": chosen.pop("phrase")} if "phrase" in chosen else {}
    filters = {"filters": "; ".join(f"{name} {_words(value)}" for name, value in chosen.items())} if chosen else {}
    return json.dumps({"lines": count, **phrase, **filters}, ensure_ascii=False)


def _words(value: Any) -> str:
    return ", ".join(map(_words, value)) if isinstance(value, tuple) else str(value)
