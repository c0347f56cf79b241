"""Which customers lack required fields, after an administrator changed what is required: in one statement, however many there are."""

from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import ColumnElement, Text, and_, cast, exists, false, or_, true, update

from crm_core.db import CrmSession
from crm_core.fields import SEVERAL, Field, Values, fields_of
from crm_core.models import Contact, Customer
from crm_core.numbering import bump
from crm_core.scope import unscoped
from crm_core.services.field_settings import combinations
from crm_core.services.library import get_library

Condition = ColumnElement[bool]


def mark_incomplete(session: CrmSession) -> int:
    """Mark the customers that lack something and unmark those that no longer do; returns how many changed.

    No line of the log is written for each of them: the cause, a change of the fields, has its own.
    """
    lacks = or_(*(_lacks(field) for field in get_library(session).fields.values()), _lacks_contact())
    statement = update(Customer).where(Customer.is_incomplete != lacks).values(is_incomplete=lacks, updated_at=Customer.updated_at)
    found = session.execute(statement.returning(Customer.id), execution_options=unscoped | {"synchronize_session": False})
    changed = len(found.all())
    if changed:
        bump(session, "customers")
    return changed


def _lacks(field: Field) -> Condition:
    required = _where_required(field)
    return false() if required is None else and_(required, is_empty(field))


def _where_required(field: Field) -> Condition | None:
    """The customers that must carry a field; None where nobody must."""
    return _where(field.is_required)


def where_shown(field: Field) -> Condition:
    """The customers for whom the form shows a field."""
    found = _where(field.shown)
    return false() if found is None else found


def _where(holds: Callable[[Values], bool]) -> Condition | None:
    """The customers for whose nature and type something holds; None where it does for none."""
    stages: dict[str, list[str]] = defaultdict(list)
    for values in combinations():
        if holds(values):
            stages[values["kind"]].append(values["stage"])
    if sum(map(len, stages.values())) == len(combinations()):
        return true()
    return or_(*(and_(Customer.kind == kind, Customer.stage.in_(some)) for kind, some in stages.items())) if stages else None


def is_empty(field: Field) -> Condition:
    """The customers without a value in a field. An industry in one's own words is one."""
    if field.custom:
        kept = Customer.extra[field.name].as_string()
        return or_(kept.is_(None), kept.in_(["", "[]"]))
    column = getattr(Customer, field.name)
    if field.widget in SEVERAL:
        return cast(column, Text) == "[]"
    return and_(column.is_(None), Customer.industry_text.is_(None)) if field.name == "industry" else column.is_(None)


def _lacks_contact() -> Condition:
    required = [getattr(Contact, name) for name, field in fields_of(Contact).items() if field.required({})]
    theirs = Contact.customer_id == Customer.id
    return or_(~exists().where(theirs), exists().where(theirs, or_(*(column.is_(None) for column in required))))
