"""What an administrator does to the customers' fields: settings of declared ones, order, custom fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, NotFound, ValidationFailed
from crm_core.fields import GROUPS, SEVERAL, Field, Widget, fields_of
from crm_core.i18n import _, join_words
from crm_core.models import FIELD_TYPES, KINDS, STAGES, Customer, CustomField, FieldType
from crm_core.numbering import bump
from crm_core.permissions import Actor, Permission, require
from crm_core.pinyin import pinyin_of
from crm_core.scope import unscoped
from crm_core.services.completeness import mark_incomplete
from crm_core.services.custom_fields import FORMS
from crm_core.services.field_settings import AREA, BENEATH, BUILT_IN, KEPT, NEEDED, REQUIRED, FieldSetting, FieldSettings, stored_form
from crm_core.services.library import Library, get_library
from crm_core.services.policies import set_policy
from crm_core.validation import check_length, clean_name, clean_text

OWN_GROUPS = {code: label for code, label in GROUPS.items() if code != "contacts"}
"""Where custom fields may stand; those of contacts belong to persons."""
WITH_CHOICES = (FieldType.CHOICE, FieldType.CHOICES)
MAX_FIELDS = 60
MAX_CHOICES = 100
MAX_NAME, MAX_HELP = 60, 300


def why_needed(library: Library, name: str) -> str:
    """Why a field cannot be hidden; empty where it can."""
    if reason := NEEDED.get(name) or KEPT.get(name):
        return _(reason)
    beneath = [library.fields[one].title for one in BENEATH.get(name, ()) if one in library.fields]
    return _("These are chosen beneath it: {fields}. Hide them first.").format(fields=join_words(beneath)) if beneath else ""


def save_setting(session: CrmSession, actor: Actor, name: str, setting: FieldSetting, *, version: int) -> int:
    """Keep the setting of a declared field, and return how many customers are incomplete now that were complete, or the reverse.

    Raises `NotAllowed`, `NotFound`, `ValidationFailed`, and `Conflict` if somebody saved settings after `version`.
    """
    require(actor, Permission.RULE_EDIT)
    library = get_library(session)
    if name not in fields_of(Customer):
        raise NotFound
    clean = _checked_setting(library, fields_of(Customer)[name], setting)
    _keep(session, actor, replace(library.settings, by_field={**library.settings.by_field, name: clean}), version=version)
    return mark_incomplete(session)


def _checked_setting(library: Library, field: Field, setting: FieldSetting) -> FieldSetting:
    errors: dict[str, list[str]] = {}
    narrowed = not setting.is_shown or bool(setting.kinds or setting.stages)
    if narrowed and (reason := why_needed(library, field.name)):
        errors["is_shown"] = [_("{field} cannot be hidden. {reason}").format(field=field.title, reason=reason)]
    if field.name in NEEDED and setting.required != BUILT_IN:
        errors["required"] = [_("{field} stays required. {reason}").format(field=field.title, reason=_(NEEDED[field.name]))]
    if setting.required not in REQUIRED:
        raise NotFound
    _refuse_unknown(setting.kinds + setting.required_kinds, KINDS)
    _refuse_unknown(setting.stages + setting.required_stages + tuple(setting.offered), STAGES)
    known = {entry.code for entry in library.by_category.get(field.preset, ())}
    for codes in setting.offered.values():
        _refuse_unknown(codes, known)
    try:
        help_text = check_length(clean_text(setting.help, lines=True), MAX_HELP)
    except ValueError as problem:
        errors["help"] = [str(problem)]
        help_text = ""
    if errors:
        raise ValidationFailed(errors)
    offered = {stage: tuple(codes) for stage, codes in setting.offered.items() if codes}
    return replace(setting, help=help_text, offered=offered)


def _refuse_unknown(codes: Sequence[str], known: Any) -> None:
    if any(code not in known for code in codes):
        raise NotFound(_("One of the choices is no longer there. Reload the page and choose again."))


def _keep(session: CrmSession, actor: Actor, settings: FieldSettings, *, version: int) -> None:
    set_policy(session, actor, AREA, stored_form(settings), version=version)
    bump(session, "library")


def move_field(session: CrmSession, actor: Actor, name: str, steps: int, *, version: int) -> None:
    """Move a field up (negative) or down within its group. Raises `NotAllowed`, `NotFound`, `Conflict`."""
    require(actor, Permission.RULE_EDIT)
    library = get_library(session)
    field = all_fields(library).get(name)
    if field is None:
        raise NotFound
    names = [one.name for one in all_fields(library).values() if one.group == field.group]
    place = names.index(name)
    names.insert(max(0, place + steps), names.pop(place))
    settings = replace(library.settings, order={**library.settings.order, field.group: tuple(names)})
    _keep(session, actor, settings, version=version)


def all_fields(library: Library) -> dict[str, Field]:
    """Every field that an administrator sets, hidden ones included, in the order of the form."""
    hidden = {name: field for name, field in library.known_fields.items() if not field.custom and name not in library.fields}
    return library.settings.in_order({**hidden, **library.fields})


@dataclass(frozen=True)
class Choice:
    """One choice of a custom field as entered; a new one has no code yet."""

    name: str
    name_en: str = ""
    code: str = ""
    is_retired: bool = False


@dataclass(frozen=True)
class CustomValues:
    """What an administrator enters for a custom field."""

    name: str
    name_en: str = ""
    group: str = "base"
    help: str = ""
    choices: tuple[Choice, ...] = ()
    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    is_required: bool = False
    is_listed: bool = False


def list_custom_fields(session: CrmSession, actor: Actor) -> list[CustomField]:
    """All custom fields, those that were removed included, the oldest first."""
    require(actor, Permission.RULE_EDIT)
    return list(session.execute(select(CustomField).order_by(CustomField.id)).scalars())


def add_custom_field(session: CrmSession, actor: Actor, type: str, values: CustomValues) -> str:
    """Add a field of a type and return its key. Raises `NotAllowed`, `ValidationFailed`."""
    require(actor, Permission.RULE_EDIT)
    if type not in FIELD_TYPES:
        raise ValidationFailed({"type": [_("Choose what the field holds.")]})
    if session.execute(select(func.count()).select_from(CustomField)).scalar_one() >= MAX_FIELDS:
        raise ValidationFailed({"name": [_("There are {count} custom fields already, removed ones included.").format(count=MAX_FIELDS)]})
    clean = _checked_custom(session, type, values, present=None)
    key = _free_key(session, clean["name_en"] or clean["name"])
    session.add(CustomField(key=key, type=type, **clean))
    _finish(session)
    return key


def update_custom_field(session: CrmSession, actor: Actor, key: str, values: CustomValues, *, version: int) -> int:
    """Change a custom field; its key, its type and the codes of its choices stay.

    A choice that is left out, or marked, is no longer offered and stays on the records that have it. Returns how many
    customers became complete or incomplete. Raises `NotAllowed`, `NotFound`, `ValidationFailed`, `Conflict`.
    """
    row = _locked(session, actor, key)
    if row.version != version:
        raise Conflict(version=row.version, theirs={"name": row.name})
    for name, value in _checked_custom(session, row.type, values, present=row).items():
        setattr(row, name, value)
    return _finish(session)


def remove_custom_field(session: CrmSession, actor: Actor, key: str) -> None:
    """Take a field out of use; the values stay and come back with it. Raises `NotAllowed`, `NotFound`."""
    _locked(session, actor, key).removed_at = clock.now()
    _finish(session)


def restore_custom_field(session: CrmSession, actor: Actor, key: str) -> None:
    """Bring a removed field back, with the values it had. Raises `ValidationFailed` if another field has its name by now."""
    row = _locked(session, actor, key)
    try:
        _own_name(session, row.name, besides=row)
    except ValueError as problem:
        raise ValidationFailed({"name": [str(problem)]}) from problem
    row.removed_at = None
    _finish(session)


def count_values(session: CrmSession, actor: Actor, key: str) -> int:
    """How many customers, wherever they lie, have a value in a custom field."""
    require(actor, Permission.RULE_EDIT)
    kept = Customer.extra[key].as_string()
    statement = select(func.count()).select_from(Customer).where(kept.is_not(None), kept.not_in(["", "[]"]))
    return session.execute(statement, execution_options=unscoped).scalar_one()


def count_choices(session: CrmSession, actor: Actor, key: str) -> dict[str, int]:
    """By choice of a custom field, how many customers have it."""
    require(actor, Permission.RULE_EDIT)
    field = get_library(session).known_fields[key]
    kept = Customer.extra[key].as_string()
    is_list = field.widget in SEVERAL
    # One pass over the customers for all choices.
    counts = [func.count().filter(kept.contains(f'"{code}"', autoescape=True) if is_list else kept == code) for code in field.choices or ()]
    if not counts:
        return {}
    row = session.execute(select(*counts).select_from(Customer).where(kept.is_not(None)), execution_options=unscoped).one()
    return dict(zip(field.choices or (), row, strict=True))


def _locked(session: CrmSession, actor: Actor, key: str) -> CustomField:
    require(actor, Permission.RULE_EDIT)
    row = session.execute(select(CustomField).where(CustomField.key == key).with_for_update()).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row


def _finish(session: CrmSession) -> int:
    session.flush()
    bump(session, "library")
    return mark_incomplete(session)


def _checked_custom(session: CrmSession, type: str, values: CustomValues, *, present: CustomField | None) -> dict[str, Any]:
    if values.group not in OWN_GROUPS:
        raise NotFound
    _refuse_unknown(values.kinds, KINDS)
    _refuse_unknown(values.stages, STAGES)
    checks: dict[str, Callable[[], Any]] = {
        "name": lambda: _own_name(session, values.name, besides=present),
        "name_en": lambda: check_length(clean_text(values.name_en), MAX_NAME) or None,
        "help": lambda: check_length(clean_text(values.help, lines=True), MAX_HELP) or None,
    }
    if type in WITH_CHOICES:
        checks["choices"] = lambda: _checked_choices(values.choices, present.choices if present else [])
    clean: dict[str, Any] = {"group": values.group, "kinds": list(values.kinds), "stages": list(values.stages)}
    clean |= {"is_required": values.is_required, "is_listed": values.is_listed and FORMS[type].widget is not Widget.LONG_TEXT}
    errors: dict[str, list[str]] = {}
    for name, check in checks.items():
        try:
            clean[name] = check()
        except ValueError as problem:
            errors[name] = [str(problem)]
    if errors:
        raise ValidationFailed(errors)
    return clean


def _own_name(session: CrmSession, entered: str, *, besides: CustomField | None) -> str:
    """A name that no other field in use has."""
    name = clean_name(entered, MAX_NAME)
    others = [field for key, field in all_fields(get_library(session)).items() if besides is None or key != besides.key]
    if any(name.casefold() in (word.casefold() for word in field.names()) for field in others):
        raise ValueError(_("There is a field called “{name}” already. Choose another name.").format(name=name))
    return name


def _checked_choices(entered: Sequence[Choice], present: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The choices as they are kept: known codes stay, new ones get one, and those that are left out are no longer offered."""
    known = {one["code"]: one for one in present}
    kept: list[dict[str, Any]] = []
    taken = set(known)
    for one in entered:
        code = one.code if one.code in known else _free_code(one.name_en or one.name, taken)
        taken.add(code)
        kept.append({"code": code, "name": clean_name(one.name), "name_en": clean_text(one.name_en)[:60], "is_retired": one.is_retired})
    left_out = [{**one, "is_retired": True} for code, one in known.items() if code not in {one["code"] for one in kept}]
    names = [one["name"].casefold() for one in kept]
    if twins := [name for name in names if names.count(name) > 1]:
        raise ValueError(_("“{name}” is there twice. Every choice needs a name of its own.").format(name=twins[0]))
    if not any(not one["is_retired"] for one in kept):
        raise ValueError(_("Enter at least one choice."))
    if len(kept) + len(left_out) > MAX_CHOICES:
        raise ValueError(_("At most {count} choices are possible, those no longer offered included.").format(count=MAX_CHOICES))
    return kept + left_out


def _free_key(session: CrmSession, name: str) -> str:
    return _free_code(name, set(session.execute(select(CustomField.key)).scalars()), prefix="x_")


def _free_code(name: str, taken: set[str], *, prefix: str = "") -> str:
    """A code that no other has, made of the letters of a name; it stands in addresses and never changes."""
    slug = prefix + ("".join(letter for letter in pinyin_of(name).lower() if letter.isascii() and letter.isalnum())[:14] or "field")
    code, number = slug, 1
    while code in taken:
        number += 1
        code = f"{slug}{number}"
    return code
