"""Clean texts and whole records: what was entered, checked against the declarations of its fields.

The rules for single values stand in `crm_core.checks`.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from crm_core.fields import CHOOSING, SEVERAL, Field, Values, Widget
from crm_core.i18n import _, join_words

LONGEST_TEXT = 20_000
"""Nothing longer is looked at; a field's own limit counts for the clean value, in which blanks and dashes may be gone."""
_KEPT_CONTROLS = "\n\t"
_EMOJI = re.compile(r"[\U0001F000-\U0001FAFF]")


def clean_text(text: object, *, lines: bool = False) -> str:
    """Text without invisible characters: NFC, no control or zero-width characters, no blanks at the ends.

    Joiners inside emoji are kept. With `lines` line breaks stay, otherwise every run of blanks becomes one.
    """
    normal = unicodedata.normalize("NFC", str(text))
    visible = normal if normal.isprintable() else _without_invisible(normal.replace("\r\n", "\n").replace("\r", "\n"))
    return visible.strip() if lines else " ".join(visible.split())


def _without_invisible(text: str) -> str:
    visible = "".join(
        character
        for character in text
        if character in _KEPT_CONTROLS or character == "\u200d" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co")
    )
    return visible if _EMOJI.search(visible) else visible.replace("\u200d", "")


def check_length(text: str, limit: int | None) -> str:
    """Refuse a text longer than its column, saying both lengths."""
    if limit and len(text) > limit:
        raise ValueError(
            _("At most {limit} characters are possible here, you entered {count}. Shorten the text.").format(limit=limit, count=len(text))
        )
    return text


def clean_name(text: str, limit: int = 60) -> str:
    """A name that somebody gives to an account, a team or a role. Raises `ValueError` for none and for a long one."""
    clean = check_length(clean_text(text), limit)
    if not clean:
        raise ValueError(_("Enter a name."))
    return clean


def is_blank(value: Any) -> bool:
    """Whether nothing was entered."""
    if isinstance(value, str):
        return not value.strip() if value.isprintable() else not clean_text(value)
    return value is None or value == [] or value == ()


def clean_values(fields: Mapping[str, Field], values: Values, *, require: bool = True) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Check a record's values against its fields: the clean values, and the sentences for each field that fails.

    Every field is checked, so all errors come at once. Fields that the record's kind and stage do not show are dropped.
    With `require=False` missing required fields are not errors (an import may keep incomplete rows).
    """
    clean: dict[str, Any] = {name: values[name] for name in ("kind", "stage") if name in values}
    errors: dict[str, list[str]] = {}
    known = dict(values)  # with what is already clean, for checks that look at other fields
    for name, field in fields.items():
        if not field.shown(values):
            continue
        value = values.get(name)
        if value is None or is_blank(value):
            clean[name] = known[name] = [] if field.widget in SEVERAL else None
            if require and field.required(values):
                errors[name] = [required_message(field)]
            continue
        try:
            clean[name] = known[name] = clean_value(field, value, known)
        except ValueError as problem:
            errors[name] = [str(problem)]
    return clean, errors


def required_message(field: Field) -> str:
    """The sentence for a required field that is empty."""
    sentence = _("{label} is required. Choose an entry.") if field.widget in CHOOSING else _("{label} is required.")
    return sentence.format(label=field.title)


def clean_value(field: Field, value: Any, values: Values) -> Any:
    """Check one value that is not blank. Raises `ValueError` with a sentence."""
    if isinstance(value, str):
        value = check_length(clean_text(value, lines=field.widget is Widget.LONG_TEXT), LONGEST_TEXT)
    if field.choices is not None:
        _check_choices(field, value)
    clean = field.check(value, values) if field.check else value
    if not isinstance(clean, str) or field.widget is Widget.INDUSTRY:
        return clean  # the column of an industry holds its code; own words have a limit of their own
    return check_length(clean, field.max_length)


def _check_choices(field: Field, value: Any) -> None:
    labels = field.labels()
    chosen = value if isinstance(value, (list, tuple)) else [value]
    unknown = [str(one) for one in chosen if one not in labels]
    if unknown:
        raise ValueError(
            _("“{value}” is not one of the choices: {choices}.").format(
                value=unknown[0][:40], choices=join_words(label for code, label in labels.items() if code not in field.retired)
            )
        )
