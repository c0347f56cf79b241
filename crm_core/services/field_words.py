"""What changed between two versions of the field settings, in words for the change log: only the fields that differ."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from crm_core.fields import GROUPS
from crm_core.i18n import N_, _, join_words, labelled
from crm_core.models import KINDS, STAGES
from crm_core.services.field_settings import REQUIRED, FieldSetting, stored_setting
from crm_core.services.library import Library

_LISTS: dict[str, tuple[str, Mapping[Any, str]]] = {
    "kinds": (N_("Only for these natures"), KINDS),
    "stages": (N_("Only for these types"), STAGES),
    "required_kinds": (N_("Required for these natures"), KINDS),
    "required_stages": (N_("Required for these types"), STAGES),
}


def differing(library: Library, before: str | None, after: str | None) -> tuple[str, str]:
    """The settings that differ, before and after, as the log keeps both."""
    old, new = (_settings(library, stored) for stored in (before, after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    as_built = _("As built in")
    texts = [[labelled(name, str(one.get(name) or as_built)) for name in names] for one in (old, new)]
    return "\n".join(texts[0]), "\n".join(texts[1])


def in_words(library: Library, setting: FieldSetting) -> str:
    """One field's setting."""
    return join_words(_words(library, stored_setting(setting))) or _("As built in")


def _settings(library: Library, stored: str | None) -> dict[str, str]:
    """By the title of a field or group, its setting in words."""
    values: Mapping[str, Any] = json.loads(stored) if stored else {}
    words = {_title(library, name): join_words(_words(library, setting)) for name, setting in values.get("fields", {}).items()}
    orders = {_(GROUPS[group]): join_words(_title(library, name) for name in names) for group, names in values.get("order", {}).items()}
    return words | orders


def _title(library: Library, name: str) -> str:
    return library.known_fields[name].title if name in library.known_fields else name


def _words(library: Library, setting: Mapping[str, Any]) -> Iterator[str]:
    if not setting.get("is_shown", True):
        yield _("hidden")
    if "required" in setting:
        label = REQUIRED[setting["required"]]
        yield _(label)
    for name, (label, labels) in _LISTS.items():
        if codes := setting.get(name):
            yield _with(_(label), join_words(_(labels[code]) for code in codes))
    if text := setting.get("help"):
        yield _with(_("Help beside the field"), text)
    for stage, codes in setting.get("offered", {}).items():
        yield _with(_(STAGES[stage]), join_words(map(library.label, codes)))


def _with(label: str, text: str) -> str:
    return f"{label} ({text})"
