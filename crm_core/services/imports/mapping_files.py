"""A plan kept as a file: which columns carry what, what words of the file mean, what is filled in. JSON, to write by hand and keep."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from crm_core.errors import FileRefused
from crm_core.i18n import _, join_words
from crm_core.services.imports.kinds import KINDS
from crm_core.services.imports.mapping import IGNORE, targets
from crm_core.services.imports.plan import ImportPlan, Incomplete, OnDuplicate
from crm_core.services.library import Library

PARTS = tuple(one.name for one in fields(ImportPlan))


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


_FITS: dict[str, Callable[[Any], bool]] = {
    "mapping": _is_texts,
    "defaults": _is_texts,
    "incomplete": lambda value: value in list(Incomplete),
    "on_duplicate": lambda value: value in list(OnDuplicate),
    "kind": lambda value: value in KINDS,
    "words": lambda value: isinstance(value, dict) and all(map(_is_texts, value.values())),
}


def read_plan(content: bytes, library: Library | None = None) -> ImportPlan:
    """The plan of a mapping file. Raises `FileRefused` for what is none, saying where it is wrong."""
    try:
        given = json.loads(content.decode("utf-8-sig"))
    except ValueError as problem:
        raise FileRefused(_("This is no mapping file: it has to be JSON in UTF-8.")) from problem
    if not isinstance(given, dict) or not isinstance(given.get("mapping"), dict):
        raise FileRefused(_("A mapping file has a part “mapping” that gives headings their fields."))
    for part, value in given.items():
        if part not in PARTS or not _FITS[part](value):
            sentence = _("The part “{name}” of the mapping file is not known here or wrongly written. Known parts are: {names}.")
            raise FileRefused(sentence.format(name=str(part)[:40], names=join_words(PARTS)))
    plan = ImportPlan(**given)
    plan = replace(plan, incomplete=Incomplete(plan.incomplete), on_duplicate=OnDuplicate(plan.on_duplicate))
    _refuse_unknown(plan, targets(library, plan.kind))
    return plan


def _refuse_unknown(plan: ImportPlan, known: Mapping[str, Any]) -> None:
    for target in (*plan.mapping.values(), *plan.defaults, *plan.words):
        if target not in known and target != IGNORE:
            raise FileRefused(
                _("The mapping file names the field “{name}”, which there is not. Fields are: {names}.").format(
                    name=target[:40], names=join_words(known)
                )
            )


def write_plan(plan: ImportPlan) -> bytes:
    """The mapping file of a plan."""
    parts = {name: getattr(plan, name) for name in PARTS}
    return json.dumps({name: value for name, value in parts.items() if value != {}}, ensure_ascii=False, indent=2).encode()


def missing_headings(plan: ImportPlan, headings: Sequence[str]) -> list[str]:
    """The headings that a plan reads and a file does not have."""
    return [heading for heading, target in plan.mapping.items() if target != IGNORE and heading not in headings]
