"""The preset library: reading it as one snapshot, and an administrator's changes to it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import func, select

from crm_core.cache import cached
from crm_core.db import CrmSession
from crm_core.errors import NotFound, ValidationFailed
from crm_core.fields import Field, fields_of
from crm_core.i18n import _, localized
from crm_core.models import CATEGORIES, Customer, Industry, IndustrySuggestion, Preset, SuggestionState
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.pinyin import pinyin_of
from crm_core.services.custom_fields import read_custom_fields
from crm_core.services.field_settings import FieldSettings, effective_fields, read_settings
from crm_core.services.stale import NOTHING, refuse_changed
from crm_core.validation import clean_name, clean_text


@dataclass(frozen=True)
class Entry:
    """One choice, without the database row."""

    code: str
    name: str
    name_en: str | None
    parent: str | None = None
    is_active: bool = True
    merged_into: str | None = None

    @property
    def label(self) -> str:
        """The name in the language in force."""
        return localized(self.name, self.name_en)


@dataclass(frozen=True, eq=False)
class Library:
    """All presets, industries and fields as they are now; shared between sessions, never changed."""

    fields: dict[str, Field]
    """The customers' fields in use, declared and custom ones, as the administrator set them, in the order of the form."""
    known_fields: dict[str, Field]
    """Every field that may stand in the change log: hidden and removed ones as well."""
    settings: FieldSettings
    presets: dict[str, Entry]
    by_category: dict[str, tuple[Entry, ...]]
    industries: dict[str, Entry]
    mapped: dict[str, str]
    """Users' own words for an industry that an administrator mapped, with the code they stand for."""

    @cached_property
    def entered(self) -> dict[str, Field]:
        """The fields of a form: those that are not chosen for good at the beginning."""
        return {name: field for name, field in self.fields.items() if not field.fixed}

    @cached_property
    def listed(self) -> dict[str, Field]:
        """The fields that an administrator put into the customer list."""
        return {name: field for name, field in self.fields.items() if field.is_listed}

    @cached_property
    def custom(self) -> dict[str, Field]:
        """The custom fields in use."""
        return {name: field for name, field in self.fields.items() if field.custom}

    def offered(self, field: Field, stage: str | None) -> tuple[Entry, ...]:
        """The presets that a field offers now to customers of a type, in order."""
        only = field.offered.get(stage or "")
        return tuple(entry for entry in self.active(field.preset) if only is None or entry.code in only)

    def label(self, code: str | None) -> str:
        """The label of a preset; an unknown code (a free budget range) is its own label."""
        entry = self.presets.get(code or "")
        return entry.label if entry else (code or "")

    def industry_label(self, code: str | None) -> str:
        """门类-大类 in words, e.g. 制造业-通用设备制造业; the section alone for a section."""
        entry = self.industries.get(code or "")
        if entry is None:
            return code or ""
        section = self.industries.get(entry.parent or "")
        return f"{section.label}-{entry.label}" if section else entry.label

    def division_label(self, code: str | None) -> str:
        """The industry's own name, without its 门类."""
        entry = self.industries.get(code or "")
        return entry.label if entry else (code or "")

    def active(self, category: str) -> tuple[Entry, ...]:
        """The choices offered now, in order."""
        return tuple(entry for entry in self.by_category.get(category, ()) if entry.is_active)

    def find(self, category: str, text: str) -> str | None:
        """The code for a name in either language or a code; None if there is none."""
        wanted = clean_text(text).casefold()
        return self._names.get((category, wanted))

    def find_industry(self, text: str) -> str | None:
        """The code of an industry by name, `section-division` pair, or code."""
        wanted = clean_text(text).casefold().replace("—", "-").replace("－", "-").replace(" - ", "-")
        return self._industry_names.get(wanted)

    def with_divisions(self, codes: Iterable[str]) -> list[str]:
        """These industries, and all that stand under those of them that are sections."""
        wanted = set(codes)
        return [*wanted, *(entry.code for entry in self.industries.values() if entry.parent in wanted and entry.code not in wanted)]

    @cached_property
    def _names(self) -> dict[tuple[str, str], str]:
        # Merged ones first: a name that is in use again counts for the entry that has it now.
        return {
            (category, name.casefold()): entry.merged_into or entry.code
            for category, entries in self.by_category.items()
            for entry in sorted(entries, key=lambda one: one.merged_into is None)
            for name in (entry.code, entry.name_en or entry.name, entry.name)
        }

    @cached_property
    def _industry_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for entry in sorted(self.industries.values(), key=lambda one: one.parent is None):
            section = self.industries.get(entry.parent or "")
            own = [entry.name, entry.name_en or entry.name, entry.code]
            if section:
                own += [f"{section.name}-{entry.name}", f"{section.name_en}-{entry.name_en}", entry.code[1:]]
            for name in own:
                names.setdefault(name.casefold(), entry.code)
        for text, code in self.mapped.items():
            names.setdefault(text.casefold(), code)
        return names


def get_library(session: CrmSession) -> Library:
    """The present library; read again only after somebody changed it."""
    return cached(session, "library", "all", lambda: _load(session))


def _load(session: CrmSession) -> Library:
    by_category: dict[str, list[Entry]] = defaultdict(list)
    presets = select(Preset.category, Preset.code, Preset.name, Preset.name_en, Preset.is_active, Preset.merged_into)
    for row in session.execute(presets.order_by(Preset.category, Preset.position, Preset.code)):
        by_category[row.category].append(Entry(row.code, row.name, row.name_en, is_active=row.is_active, merged_into=row.merged_into))
    industries = session.execute(select(Industry.code, Industry.name, Industry.name_en, Industry.parent).order_by(Industry.code))
    mapped = session.execute(
        select(IndustrySuggestion.text, IndustrySuggestion.industry).where(IndustrySuggestion.state == SuggestionState.MAPPED)
    )
    custom, removed = read_custom_fields(session)
    settings = read_settings(session)
    return Library(
        fields=effective_fields(settings, {key: field for key, field in custom.items() if key not in removed}),
        known_fields={**fields_of(Customer), **custom},
        settings=settings,
        presets={entry.code: entry for entries in by_category.values() for entry in entries},
        by_category={category: tuple(entries) for category, entries in by_category.items()},
        industries={row.code: Entry(row.code, row.name, row.name_en, parent=row.parent) for row in industries},
        mapped={row.text: row.industry for row in mapped},
    )


def add_preset(session: CrmSession, actor: Actor, category: str, *, name: str, name_en: str = "") -> str:
    """Add a choice at the end of a list and return its code. Raises `ValidationFailed` for an empty or existing name."""
    require(actor, Permission.LIBRARY_EDIT)
    name = _checked_name(session, category, name)
    position = session.execute(select(func.max(Preset.position)).where(Preset.category == category)).scalar() or 0
    code = _free_code(session, category, name)
    session.add(Preset(code=code, category=category, name=name, name_en=clean_text(name_en)[:60] or None, position=position + 1))
    bump(session, "library")
    return code


def _checked_name(session: CrmSession, category: str, name: str, *, besides: str = "") -> str:
    if category not in CATEGORIES:
        raise NotFound
    try:
        clean = clean_name(name)
    except ValueError as problem:
        raise ValidationFailed({"name": [str(problem)]}) from problem
    others = (Preset.code != besides, Preset.merged_into.is_(None))
    twin = session.execute(select(Preset.code).where(Preset.category == category, Preset.name == clean, *others)).first()
    if twin:
        raise ValidationFailed({"name": [_("“{name}” is already in the list. Choose another name.").format(name=clean)]})
    return clean


def _free_code(session: CrmSession, category: str, name: str) -> str:
    slug = "".join(letter for letter in pinyin_of(name) if letter.isascii() and letter.isalnum())[:30] or "entry"
    taken = set(session.execute(select(Preset.code).where(Preset.code.startswith(f"{category}.{slug}"))).scalars())
    code, number = f"{category}.{slug}", 1
    while code in taken:
        number += 1
        code = f"{category}.{slug}{number}"
    return code


def update_preset(
    session: CrmSession,
    actor: Actor,
    code: str,
    *,
    name: str,
    name_en: str,
    position: int,
    is_active: bool,
    seen: Mapping[str, Any] = NOTHING,
) -> None:
    """Rename, move, show or hide a choice; records that use it follow.

    Raises `NotFound`, `ValidationFailed`, `Conflict` where it is no longer as it was `seen`.
    """
    require(actor, Permission.LIBRARY_EDIT)
    preset = session.get(Preset, code, with_for_update=True)
    if preset is None or preset.merged_into:
        raise NotFound
    refuse_changed(preset, seen)
    preset.name = _checked_name(session, preset.category, name, besides=code)
    preset.name_en = clean_text(name_en)[:60] or None
    preset.position = position
    preset.is_active = is_active
    bump(session, "library")
