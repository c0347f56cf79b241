"""Where an entry of a list is named besides records: saved views, tag rules and what administrators let a field offer."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Text, cast, select

from crm_core.db import CrmSession
from crm_core.fields import fields_of
from crm_core.models import Customer, Policy, SavedView, TagRule
from crm_core.numbering import bump
from crm_core.services import field_settings, saved_views


def replace(session: CrmSession, category: str, code: str, into: str) -> None:
    """Let all of them name another entry of the list, once: otherwise a view would find nothing, and a rule would never hold again."""
    names = {name for name, one in fields_of(Customer).items() if one.preset == category}
    for view in _naming(session, SavedView, SavedView.query, code):
        view.query = {name: _with(values, code, into) if name in names else values for name, values in view.query.items()}
    for rule in _naming(session, TagRule, TagRule.conditions, code):
        rule.conditions = [{**one, "value": _with(one["value"], code, into)} if one["field"] in names else one for one in rule.conditions]
    for policy in _naming(session, Policy, Policy.values, code):
        if policy.area == field_settings.AREA:
            policy.values = {**policy.values, "fields": _offering(policy.values["fields"], names, code, into)}
    session.flush()
    bump(session, saved_views.AREA)
    bump(session, "policies")


def _naming(session: CrmSession, model: Any, column: Any, code: str) -> list[Any]:
    named = select(model).where(cast(column, Text).contains(f'"{code}"', autoescape=True)).with_for_update()
    return list(session.execute(named).scalars())


def _with(codes: list[str], code: str, into: str) -> list[str]:
    return list(dict.fromkeys(into if one == code else one for one in codes))


def _offering(fields: Mapping[str, Any], names: set[str], code: str, into: str) -> dict[str, Any]:
    found = dict(fields)
    for name in names & fields.keys():
        offered = fields[name].get("offered", {})
        found[name] = {**fields[name], "offered": {stage: _with(codes, code, into) for stage, codes in offered.items()}}
    return found
