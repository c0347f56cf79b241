"""Whether the amounts that are kept are the sums of their rows, in sentences for operators."""

from datetime import date
from decimal import Decimal

from sqlalchemy import func, or_, select

from crm_core.db import CrmSession
from crm_core.i18n import _, format_date, format_money
from crm_core.models import Contract, ContractLine, Payment, PlannedPayment
from crm_core.models.base import Money
from crm_core.scope import unscoped
from crm_core.services.cooperation import differing


def customers_in_words(session: CrmSession) -> list[str]:
    """A sentence for each customer whose cooperation differs from what was entered and its contracts in force."""
    sentence = _("{code} {name}: {stands}; by its rows {should}")
    return [
        sentence.format(code=one.code, name=one.name, stands=_figures(*one.stands), should=_figures(*one.should))
        for one in differing(session)
    ]


def _figures(first: date | None, last: date | None, amount: Decimal | None) -> str:
    return " / ".join((format_date(first) or "—", format_date(last) or "—", format_money(amount) or "—"))


def contracts_in_words(session: CrmSession) -> list[str]:
    """A sentence for each contract worth other than its lines, with more received or planned, or void with payments."""
    received, planned = (
        func.coalesce(select(func.sum(model.amount)).where(model.contract_id == Contract.id).scalar_subquery(), 0, type_=Money())
        for model in (Payment, PlannedPayment)
    )
    lines = select(func.sum(ContractLine.amount)).where(ContractLine.contract_id == Contract.id).scalar_subquery()
    is_void = Contract.voided_at.is_not(None)
    wrong = or_(lines != Contract.amount, received > Contract.amount, planned > Contract.amount, is_void & (received > 0))
    columns = select(Contract.number, Contract.amount, received, planned).where(wrong).order_by(Contract.id)
    sentence = _("Contract {number} of {amount}: {received} received, {planned} planned")
    return [
        sentence.format(number=number, amount=format_money(amount), received=format_money(came), planned=format_money(due))
        for number, amount, came, due in session.execute(columns, execution_options=unscoped)
    ]
