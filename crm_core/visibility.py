"""What an actor sees of sensitive values: the one place that masks and hides them.

Services read records and give out views of them, so that no page can show too much by forgetting something. What somebody
enters is their own; only what is stored is kept from them.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import Mapper

from crm_core.fields import Field, fields_of
from crm_core.i18n import _, join_words
from crm_core.masking import mask
from crm_core.permissions import Access, Actor

ALWAYS_MASKED = frozenset({"identity_number"})
"""Kinds that nobody reads without revealing them: every look at a whole one is logged [002]."""
DERIVED = frozenset({"phone_key", "email_key", "identity_hash"})
"""Columns made from sensitive ones; no view has them."""


def see(actor: Actor, kind: str, value: str | None) -> str | None:
    """A stored value of a kind as the actor sees it: whole, masked, or None where the kind is hidden."""
    access = actor.access_to(kind)
    if not value or access is Access.HIDDEN:
        return None
    return value if access >= Access.READABLE and kind not in ALWAYS_MASKED else mask(kind, value)


def glance(actor: Actor, kind: str, value: str | None) -> str | None:
    """The same for a list, where values are masked for everybody: it is seen by whoever passes the screen."""
    seen = see(actor, kind, value)
    return mask(kind, seen) if seen else None


def see_logged(actor: Actor, kind: str, stored: str | None) -> str | None:
    """The same for a value of the change log, which was masked when it was written, unless its field was no sensitive one then."""
    if stored and "*" in stored:
        return None if actor.access_to(kind) is Access.HIDDEN else stored
    return see(actor, kind, stored)


def see_all(actor: Actor, model: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a record by field, the sensitive ones as the actor sees them."""
    kinds = {name: field.sensitive for name, field in sensitive_fields(model).items()}
    return {name: see(actor, kinds[name], value) if name in kinds else value for name, value in values.items()}


@cache
def _shown(model: type) -> tuple[str, ...]:
    # Columns, and what is computed from them alone.
    mapper: Mapper[Any] = inspect(model)
    computed = [name for name, one in mapper.all_orm_descriptors.items() if one.extension_type is HybridExtensionType.HYBRID_PROPERTY]
    return tuple(name for name in [*mapper.column_attrs.keys(), *computed] if name not in DERIVED)


class View:
    """A record as one actor sees it, to be read only. It keeps no way to the record itself."""

    def __init__(self, actor: Actor, record: Any, **instead: Any) -> None:
        """`instead` replaces values of the record."""
        model: type = type(record)
        values = see_all(actor, model, {name: getattr(record, name) for name in _shown(model)})
        self.__dict__.update(values | instead)

    def __getattr__(self, name: str) -> Any:
        """Only asked for what the view does not have."""
        raise AttributeError(f"a view has no {name}")

    def __setattr__(self, name: str, _value: Any) -> None:
        raise AttributeError(f"a view is to be read, {name} cannot be set")


def sensitive_fields(model: type) -> dict[str, Field]:
    """The fields of a model that hold sensitive values."""
    return {name: field for name, field in fields_of(model).items() if field.sensitive}


def shown_fields(actor: Actor, fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields without those of kinds that are hidden from the actor."""
    return {name: field for name, field in fields.items() if not field.sensitive or actor.access_to(field.sensitive) is not Access.HIDDEN}


def locked_fields(actor: Actor, fields: Mapping[str, Field]) -> frozenset[str]:
    """The names of the fields whose stored values the actor may not change."""
    return frozenset(name for name, field in fields.items() if field.sensitive and actor.access_to(field.sensitive) < Access.EDITABLE)


def is_masked(actor: Actor, kind: str) -> bool:
    """Whether the actor sees values of this kind masked, and may ask for a whole one where their role reveals."""
    access = actor.access_to(kind)
    return access is Access.MASKED or (kind in ALWAYS_MASKED and access is not Access.HIDDEN)


def sift(actor: Actor, model: type, present: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What counts of values given for a record, and sentences for the fields that the actor may not change.

    A value that comes back as it was shown (masked, or empty where it is hidden) is no change and is left out. It is compared
    with what was shown, never with what is stored: otherwise a refusal would tell whether a guess is right.
    """
    fields = sensitive_fields(model)
    echoed = [name for name in fields if name in given and (given[name] or None) == see(actor, fields[name].sensitive, present.get(name))]
    refused = [name for name in locked_fields(actor, fields) if name in given and name not in echoed]
    left = {name: value for name, value in given.items() if name not in (*echoed, *refused)}
    return left, {name: [locked_message([fields[name]])] for name in refused}


def locked_message(fields: Iterable[Field]) -> str:
    """The sentence for fields whose values the actor may not change."""
    titles = join_words(field.title for field in fields)
    return _("Your role may not change this here: {fields}. Ask an administrator to do it, or for access.").format(fields=titles)
