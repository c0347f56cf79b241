"""Checking a customer entry as a whole: fields by kind and stage, library codes, regions, contacts, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_core.checks.contacts import email_warning
from crm_core.checks.money import check_budget
from crm_core.errors import NotAllowed
from crm_core.fields import Field, Values, Widget, fields_of
from crm_core.i18n import _, join_words
from crm_core.models import KINDS, STAGES, Contact, LifecycleStage
from crm_core.permissions import Actor, Permission
from crm_core.reference import regions
from crm_core.services.library import Library
from crm_core.validation import check_length, clean_text, clean_values, is_blank

CONTACT_FIELDS = ("name", "position", "phone", "email", "wechat")


@dataclass
class Checked:
    """A checked entry: clean values, and sentences by field; contacts' fields are named `contacts.0.phone`, by their place as given."""

    values: dict[str, Any]
    contacts: list[dict[str, Any]]
    errors: dict[str, list[str]] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    industry_text: str | None = None


def entry_stages(actor: Actor) -> list[str]:
    """The customer types in which the actor's role enters customers, in their order."""
    return [stage for stage in STAGES if actor.entry_stages is None or stage in actor.entry_stages]


def stage_refusal(actor: Actor, stage: object) -> str:
    """Why the actor may not enter a customer of this type; empty where it is allowed."""
    allowed = entry_stages(actor)
    if stage in allowed or stage not in STAGES:
        return ""
    names = join_words(_(STAGES[LifecycleStage(one)]) for one in allowed)
    return _("Your role enters only customers of these types: {names}. Choose one of them, or ask an administrator.").format(names=names)


def refuse_stage(actor: Actor, stage: object) -> None:
    """Raise `NotAllowed` for a customer type in which the actor's role enters no customers."""
    if sentence := stage_refusal(actor, stage):
        raise NotAllowed(Permission.CUSTOMER_CREATE, sentence)


def check_entry(library: Library, values: Values, contacts: Sequence[Values], *, require: bool = True) -> Checked:
    """Check everything and collect every error and warning.

    With `require=False` empty required fields are no errors; `missing_fields` names them.
    """
    clean, errors = check_customer(library, values, require=require)
    checked = Checked(clean, [], errors)
    checked.industry_text = clean.pop("industry_text", None)
    given = [(place, contact) for place, contact in enumerate(contacts) if any(not is_blank(contact.get(name)) for name in CONTACT_FIELDS)]
    if not given and require:
        given = [(0, contacts[0] if contacts else {})]
    company = str(values.get("name") or "") if values.get("kind") == "enterprise" else ""
    for place, contact in given:
        clean_contact, contact_errors = check_contact(contact, require=require)
        checked.contacts.append(clean_contact)
        checked.errors.update({f"contacts.{place}.{name}": sentences for name, sentences in contact_errors.items()})
        if warning := email_warning(clean_contact.get("email") or "", company=company):
            checked.warnings[f"contacts.{place}.email"] = warning
    return checked


def check_contact(values: Values, *, require: bool = True) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Check one contact; a contact without a name is an error even where incomplete entries are kept."""
    clean, errors = clean_values(fields_of(Contact), values, require=require)
    clean = {name: clean.get(name) for name in CONTACT_FIELDS}
    if not require and not clean["name"] and "name" not in errors:
        errors["name"] = [_("A contact needs a name.")]
    return clean, errors


def check_customer(library: Library, values: Values, *, require: bool = True) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Check the customer's own fields. A free industry comes back as `industry_text`."""
    errors: dict[str, list[str]] = {}
    for name, choices in (("kind", KINDS), ("stage", STAGES)):
        if values.get(name) not in choices:
            errors[name] = [_("Choose one of: {choices}.").format(choices=join_words(_(label) for label in choices.values()))]
    if errors:
        return dict(values), errors
    clean, errors = clean_values(library.fields, values, require=require)
    _check_library_codes(library, clean, errors)
    _check_region(clean, errors)
    return clean, errors


def check_changes(library: Library, before: Values, changes: Values) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Check a record as it will be after changes: its clean values, and every error that the changes bring or leave in their own fields.

    What was wrong before with other fields stays as it is; a change that makes another field wrong is an error of that field.
    """
    clean, errors = check_customer(library, {**before, **changes}, require=False)
    known = check_customer(library, before, require=False)[1] if errors else {}
    return clean, {name: sentences for name, sentences in errors.items() if name in changes or sentences != known.get(name)}


def _check_library_codes(library: Library, clean: dict[str, Any], errors: dict[str, list[str]]) -> None:
    for name, declared in library.fields.items():
        value = clean.get(name)
        if declared.preset and value and declared.name != "budget":
            clean[name] = _known_codes(library, declared, value, errors)
    if budget := clean.get("budget"):
        try:
            clean["budget"] = library.find("budget", budget) or check_budget(budget, clean)
        except ValueError as problem:
            errors["budget"] = [str(problem)]
    industry = clean.get("industry")
    if industry and industry not in library.industries:
        found = library.find_industry(industry)
        clean["industry"] = found
        if found is None:
            try:
                clean["industry_text"] = check_length(clean_text(industry), 100)
            except ValueError as problem:
                errors["industry"] = [str(problem)]


def _known_codes(library: Library, declared: Field, value: Any, errors: dict[str, list[str]]) -> Any:
    many = declared.widget is Widget.PRESETS
    codes = []
    for one in value if many else [value]:
        code = library.find(declared.preset, str(one))
        if code is None:
            choices = join_words(entry.label for entry in library.active(declared.preset))
            errors[declared.name] = [_("“{value}” is not one of the choices: {choices}.").format(value=str(one)[:40], choices=choices)]
            return None
        codes.append(code)
    return codes if many else codes[0]


def _check_region(clean: dict[str, Any], errors: dict[str, list[str]]) -> None:
    province, city, district = (clean.get(name) for name in ("province", "city", "district"))
    known = regions()
    for name, code in (("province", province), ("city", city), ("district", district)):
        if code and (code not in known or known[code].level != name):
            errors[name] = [_("“{value}” is not a region of the list. Choose it again.").format(value=str(code)[:20])]
    if any(name in errors for name in ("province", "city", "district")):
        return
    if city and known[city].parent != province:
        errors["city"] = [_("This city does not belong to the chosen province. Choose it again.")]
    if district and known[district].parent not in (city, province):
        errors["district"] = [_("This district does not belong to the chosen city. Choose it again.")]


def missing_fields(library: Library, values: Values, contacts: Sequence[Values], *, industry_text: str | None = None) -> list[str]:
    """The names of required fields that are empty; contacts count as `contacts`."""
    missing = [
        name
        for name, declared in library.fields.items()
        if declared.is_required(values) and is_blank(values.get(name)) and not (name == "industry" and industry_text)
    ]
    required = [name for name, declared in fields_of(Contact).items() if declared.required({})]
    if not contacts or any(is_blank(contact.get(name)) for contact in contacts for name in required):
        missing.append("contacts")
    return missing
