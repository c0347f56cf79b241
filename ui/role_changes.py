"""The difference between two states of a role, in words."""

from collections.abc import Iterable

from crm_core.fields import fields_of
from crm_core.i18n import _, join_words
from crm_core.models import STAGES, Role
from crm_core.permissions import ACCESS, PERMISSIONS, SCOPES, SENSITIVE, Access, Scope
from crm_core.services.roles import Terms


def tell(before: Terms, after: Terms) -> list[str]:
    """One phrase for each difference."""
    added, removed = after.permissions - before.permissions, before.permissions - after.permissions
    phrases = []
    if added:
        phrases.append(_("may: {permissions}").format(permissions=_permissions(added)))
    if removed:
        phrases.append(_("may no longer: {permissions}").format(permissions=_permissions(removed)))
    old_access = dict(before.access)
    for kind, level in after.access:
        if level != old_access[kind]:
            phrases.append(_arrow(_(SENSITIVE[kind]), _(ACCESS[Access(old_access[kind])]), _(ACCESS[Access(level)])))
    old, new = _others(before), _others(after)
    return phrases + [_arrow(fields_of(Role)[name].title, old[name], new[name]) for name in old if old[name] != new[name]]


def _others(terms: Terms) -> dict[str, str]:
    stages = [_(label) for code, label in STAGES.items() if code in (terms.entry_stages or ())]
    return {
        "name": terms.name,
        "scope": _(SCOPES[Scope(terms.scope)]),
        "entry_stages": join_words(stages) or _("All types"),
        "needs_second_factor": _("yes") if terms.needs_second_factor else _("no"),
    }


def _permissions(chosen: Iterable[str]) -> str:
    return join_words(_(label) for permission, label in PERMISSIONS.items() if permission in chosen)


def _arrow(label: str, old: str, new: str) -> str:
    return f"{label} · {old} → {new}"
