"""Which column carries which field: the guess from its heading, in either language, and the names a plan may use."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial

from rapidfuzz import fuzz, process

from crm_core.fields import Field
from crm_core.i18n import N_, _
from crm_core.services.imports.kinds import CONTACT, CUSTOMER, KINDS
from crm_core.services.library import Library

IGNORE = "ignore"
REASON_HEADING = N_("Why this row was not imported")

_SIMILARITY = 90
_SHORTEST_FUZZY = 4
_BRACKETED = re.compile(r"[(\[【<《].*?[)\]】>》]")
_SEPARATORS = re.compile(r"[\W_]+")
_OTHER_MATTERS = ("country", "国家", "company type", "公司类型", "企业类型")
_CONTACT_PREFIXES = ("联系人", "主要联系人", "主联系人", "contact", "primary contact")


@lru_cache(maxsize=16)
def targets(library: Library | None = None, kind: str = CUSTOMER) -> dict[str, Field]:
    """Everything a column can be mapped to: the fields of the kind by name, those of a customer's contact as `contact.phone`.

    Without a library all declared fields and no others.
    """
    return KINDS[kind].fields(library)


def target_labels(library: Library | None = None, kind: str = CUSTOMER) -> dict[str, str]:
    """The labels of all targets in the language in force, for a select box and for messages."""
    return {target: field.title for target, field in targets(library, kind).items()}


def normal_heading(heading: str) -> str:
    """A heading without case, width, blanks, marks such as `*`, and remarks in brackets."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    without_remark = _SEPARATORS.sub("", _BRACKETED.sub("", folded))
    return without_remark or _SEPARATORS.sub("", folded)


def is_known_heading(heading: str, kind: str = CUSTOMER) -> bool:
    """Whether a text is exactly a heading of some field; that is how a header row is recognised."""
    return normal_heading(heading) in _known_headings(None, kind)


def guess_mapping(headings: Sequence[str], library: Library | None = None, kind: str = CUSTOMER) -> dict[str, str]:
    """The likely target of every heading, `ignore` where none is likely; no target is given twice.

    A list of persons has one column for names, which is then the customer's.
    """
    mapping = dict.fromkeys(headings, IGNORE)
    taken: set[str] = set()
    known = _known_headings(library, kind)
    for find in (known.get, partial(_similar, known)):
        for heading in headings:
            target = find(normal_heading(heading)) if mapping[heading] == IGNORE else None
            if target and target != IGNORE and target not in taken:
                mapping[heading] = target
                taken.add(target)
    if kind == CUSTOMER and "name" not in taken:
        mapping = {heading: "name" if target == f"{CONTACT}name" else target for heading, target in mapping.items()}
    return mapping


def _similar(known: Mapping[str, str], heading: str) -> str | None:
    if len(heading) < _SHORTEST_FUZZY:
        return None
    found = process.extractOne(heading, known.keys(), scorer=fuzz.ratio, score_cutoff=_SIMILARITY)
    return known[found[0]] if found else None


@lru_cache(maxsize=16)
def _known_headings(library: Library | None, kind: str) -> dict[str, str]:
    known = {normal_heading(word): IGNORE for word in _OTHER_MATTERS}
    for target, field in targets(library, kind).items():
        for word in words_of(field):
            known.setdefault(normal_heading(word), target)
    for target, field in targets(library, kind).items():
        for prefix in _CONTACT_PREFIXES if target.startswith(CONTACT) else KINDS[kind].prefixes:
            for word in words_of(field):
                known.setdefault(normal_heading(prefix + word), target)
    return known


def words_of(field: Field) -> Iterator[str]:
    """Every heading under which a file may carry a field."""
    yield from field.names()
    yield field.name
    yield from field.aliases


def reason_heading() -> str:
    """The heading of the column that a workbook of failed rows adds."""
    return _(REASON_HEADING)
