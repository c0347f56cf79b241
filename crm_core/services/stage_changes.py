"""客户类型变更: the one way in which a customer's type changes, what each change demands, and the history of types [001]."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, ValidationFailed
from crm_core.fields import Field, read_values
from crm_core.i18n import _, join_words
from crm_core.models import MOVES, STAGES, Contract, Customer, Demand, LifecycleStage, StageChange
from crm_core.permissions import Actor, Permission, require
from crm_core.services import contracts, cooperation
from crm_core.services.customer_changes import keep_words, write
from crm_core.services.customers import lock_customer
from crm_core.services.entry import check_changes
from crm_core.services.library import Library, get_library
from crm_core.services.users import user_names
from crm_core.validation import is_blank, required_message
from crm_core.visibility import View, locked_fields, see_all

CONTRACT = "contract."
"""How the values of the contract are called among those of a move: `contract.amount`."""
LOSS = ("churn_reason", "churn_note")
"""Told anew with every loss, also by a customer who was lost before."""
MOST_SHOWN = 100

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Stay:
    """How long a customer was of a type; `until` is nothing for the present one."""

    stage: str
    since: date
    until: date | None
    reason: str
    who: str
    contract: str
    """The number of the contract that made it one."""

    @property
    def days(self) -> int:
        """Up to today for the present type."""
        return ((self.until or clock.today()) - self.since).days


def targets_of(stage: str) -> list[LifecycleStage]:
    """The types that a customer of this type can become, the likeliest first."""
    return list(MOVES[LifecycleStage(stage)])


def demands_of(stage: str, to: str) -> frozenset[Demand]:
    """What a move demands besides fields. Raises `IllegalTransition`, naming what is possible, for one that does not exist."""
    moves = MOVES[LifecycleStage(stage)]
    if to not in moves:
        sentence = _("A customer of the type “{present}” cannot become that. It can become: {allowed}.")
        allowed = join_words(_(STAGES[one]) for one in moves)
        raise IllegalTransition(sentence.format(present=_(STAGES[LifecycleStage(stage)]), allowed=allowed))
    return moves[LifecycleStage(to)]


def asked_fields(actor: Actor, library: Library, customer: Customer | View, to: str) -> dict[str, Field]:
    """The customer's fields that a move asks for: those the new type requires and the customer lacks, and for a loss its reason.

    Left out is what the contract of the move says, and what the actor's role may not change.
    """
    demands = demands_of(customer.stage, to)
    declared = library.fields
    values = _values(library, customer) | {"stage": to}
    left_out = {*locked_fields(actor, declared), *(cooperation.COOPERATION if Demand.CONTRACT in demands else ())}
    anew = LOSS if Demand.LOSS in demands else ()
    return {
        name: field
        for name, field in declared.items()
        if name not in left_out and field.is_required(values) and (name in anew or is_blank(values[name]))
    }


def change_stage(
    session: CrmSession,
    actor: Actor,
    customer_id: int,
    to: str,
    values: Mapping[str, Any],
    *,
    version: int,
    reason: str = "",
    feedback: str = "",
) -> StageChange:
    """Make a customer one of another type, with everything that this demands; other values are left as they are.

    `values` holds the fields that `asked_fields` names, and those of a contract as `contract.amount`, with its products
    as `contract.lines` and the opportunity that was won as `contract.opportunity_id`. Fields of the old type
    keep what is stored. Raises `Conflict` if somebody saved after `version`, `IllegalTransition`, `ValidationFailed` with
    every missing or wrong value, `NotAllowed`, `NotFound`.
    """
    customer = lock_customer(session, actor, customer_id, Permission.CUSTOMER_EDIT)
    if customer.version != version:
        raise Conflict(version=customer.version, theirs=see_all(actor, Customer, {"stage": customer.stage}))
    library = get_library(session)
    before, demands, asked = customer.stage, demands_of(customer.stage, to), asked_fields(actor, library, customer, to)
    clean, errors = _check_fields(library, customer, to, asked, values)
    contract = _check_contract(session, actor, customer, values) if Demand.CONTRACT in demands else None
    errors |= (contract.errors if contract else {}) | keep_words(session, reason or _loss_in_words(library, clean, demands), feedback)
    if Demand.REASON in demands and not session.info["reason"]:
        errors["reason"] = [_("Say why the type changes.")]
    if errors:
        raise ValidationFailed(errors)
    signed = contracts.sign_contract(session, actor, customer, contract) if contract else None
    customer.stage = to
    write(session, actor, customer, clean, set(asked))
    return _note(session, actor, customer, before, signed)


def _values(library: Library, customer: Customer | View) -> dict[str, Any]:
    values = read_values(customer, library.fields)
    return values | {"industry": values["industry"] or customer.industry_text}


def _check_fields(
    library: Library, customer: Customer, to: str, asked: Mapping[str, Field], values: Mapping[str, Any]
) -> tuple[dict[str, Any], Errors]:
    clean, errors = check_changes(library, _values(library, customer) | {"stage": to}, {name: values.get(name) for name in asked})
    for name, field in asked.items():
        if name not in errors and is_blank(clean.get(name)) and not clean.get(f"{name}_text"):
            errors[name] = [required_message(field)]
    return clean, errors


def _check_contract(session: CrmSession, actor: Actor, customer: Customer, values: Mapping[str, Any]) -> contracts.Checked:
    require(actor, Permission.CONTRACT_WRITE)
    given = {name.removeprefix(CONTRACT): value for name, value in values.items() if name.startswith(CONTRACT)}
    lines, opportunity_id = given.pop("lines", ()), given.pop("opportunity_id", None)
    checked = contracts.check_contract(session, given, lines=lines, opportunity_id=opportunity_id, customer_id=customer.id)
    errors = checked.errors or cooperation.check_total(customer, checked.values["amount"])
    return replace(checked, errors={CONTRACT + name: sentences for name, sentences in errors.items()})


def _loss_in_words(library: Library, clean: Mapping[str, Any], demands: frozenset[Demand]) -> str:
    """The reason of a loss as the history keeps it: the customer's own fields only hold the last one."""
    if Demand.LOSS not in demands or not clean.get("churn_reason"):
        return ""
    return f"{library.label(clean['churn_reason'])}: {clean.get('churn_note') or ''}"


def _note(session: CrmSession, actor: Actor, customer: Customer, before: str, signed: Contract | None) -> StageChange:
    change = StageChange(
        customer_id=customer.id,
        actor_id=actor.id,
        from_stage=before,
        to_stage=customer.stage,
        reason=session.info["reason"],
        contract_id=signed.id if signed else None,
    )
    session.add(change)
    session.flush()
    return change


def list_stays(session: CrmSession, actor: Actor, customer_id: int) -> list[Stay]:
    """The types that a customer has been of, the present one first, at most `MOST_SHOWN`; none outside the actor's scope."""
    require(actor, Permission.CUSTOMER_READ)
    statement = (
        select(StageChange, Contract.number)
        .outerjoin(Contract, Contract.id == StageChange.contract_id)
        .where(StageChange.customer_id == customer_id)
        .order_by(StageChange.at.desc(), StageChange.id.desc())
        .limit(MOST_SHOWN)
    )
    names = user_names(session)
    stays: list[Stay] = []
    for change, number in session.execute(statement):
        since, until = clock.day_of(change.at), stays[-1].since if stays else None
        stays.append(Stay(change.to_stage, since, until, change.reason or "", names.get(change.actor_id or 0, ""), number or ""))
    return stays
