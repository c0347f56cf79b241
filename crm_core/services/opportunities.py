"""商机: entering and changing them. Everything about their stages stands in `opportunity_moves`, lists in `opportunity_views`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import delete, func, select

from crm_core import audit, clock
from crm_core.checks.money import check_money
from crm_core.checks.numbers import check_quantity
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.fields import Field, fields_of
from crm_core.i18n import _, format_money, join_words
from crm_core.models import Customer, Opportunity, OpportunityLine, OpportunityMove, Outcome, Product, User
from crm_core.numbering import opportunity_codes
from crm_core.permissions import Actor, Permission, Scope, require
from crm_core.services.actors import names_of_able
from crm_core.services.locking import lock_listed
from crm_core.services.notices import notify
from crm_core.services.opportunity_stages import hold_stage, stage_of
from crm_core.services.owners import visible_people
from crm_core.services.recycle_bin import PURGED_AT_ONCE, get_bin_rules
from crm_core.services.tasks import sees
from crm_core.validation import clean_values

MOST_LINES = 50
FEN = Decimal("0.01")
OF_LOSS = ("loss_reason", "loss_note")

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Line:
    """One product as it was entered; `price` of one unit."""

    product_id: int | None
    quantity: Any
    price: Any


@dataclass(frozen=True)
class Sold:
    """One product of an opportunity as it is shown."""

    product_id: int
    code: str
    name: str
    unit: str
    quantity: Decimal
    price: Decimal
    amount: Decimal


def entered_fields() -> dict[str, Field]:
    """The fields of the form; those of a loss are asked for when it is lost."""
    return {name: field for name, field in fields_of(Opportunity).items() if name not in OF_LOSS}


def path_of(opportunity_id: int) -> str:
    """Where an opportunity is opened."""
    return f"/opportunities?opportunity={opportunity_id}"


def sellers(session: CrmSession, actor: Actor) -> dict[int, str]:
    """Whom the actor may give an opportunity to: those in view who work on them, or only themselves."""
    mine = {actor.id or 0: actor.name} if actor.can(Permission.OPPORTUNITY_WRITE) else {}
    if actor.scope is Scope.OWN:
        return mine
    return mine | names_of_able(session, Permission.OPPORTUNITY_WRITE, User.is_active.is_(True), visible_people(actor))


def create_opportunity(
    session: CrmSession,
    actor: Actor,
    customer_id: int,
    values: Mapping[str, Any],
    *,
    lines: Sequence[Line] = (),
    owner_id: int | None = None,
    stage_id: int | None = None,
) -> Opportunity:
    """Enter an opportunity of a listed customer; it begins in the first stage, or in another open one.

    With lines its amount is their sum. Raises `ValidationFailed`, `NotAllowed`, `NotFound`, `IllegalTransition`.
    """
    require(actor, Permission.OPPORTUNITY_WRITE)
    customer = lock_listed(session, customer_id)
    stage = hold_stage(session, stage_id or stage_of(session, Outcome.OPEN).id)
    if stage.outcome != Outcome.OPEN:
        raise IllegalTransition(_("An opportunity begins in an open stage. Win or lose it afterwards."))
    clean, checked = _check(session, values, lines)
    _check_owner(session, actor, owner_id, customer_id)
    made = Opportunity(
        **clean,
        code=opportunity_codes(session)[0],
        customer_id=customer_id,
        stage_id=stage.id,
        owner_id=owner_id or actor.id,
        created_by_id=actor.id,
    )
    session.add(made)
    session.flush()
    _write_lines(session, made, checked)
    session.add(OpportunityMove(opportunity_id=made.id, actor_id=actor.id, to_stage_id=stage.id, at=made.stage_since))
    session.flush()
    _tell_owner(session, actor, made, customer)
    return made


def edit_opportunity(
    session: CrmSession,
    actor: Actor,
    opportunity_id: int,
    values: Mapping[str, Any],
    *,
    version: int,
    lines: Sequence[Line] | None = None,
    owner_id: int | None = None,
) -> Opportunity:
    """Change what is entered; `lines` replace those there are, left out they stay. Closed ones are reopened first.

    Raises `ValidationFailed`, `Conflict` with the present values, `IllegalTransition`, `NotAllowed`, `NotFound`.
    """
    opportunity = lock_opportunity(session, actor, opportunity_id)
    if opportunity.closed_at:
        raise IllegalTransition(_("This opportunity is closed. Reopen it before you change it."))
    names = entered_fields()
    if opportunity.version != version:
        theirs = {name: getattr(opportunity, name) for name in names}
        sentence = _("Somebody else saved this opportunity meanwhile. Open it again to see what it says now.")
        raise Conflict(version=opportunity.version, theirs=theirs, message=sentence)
    present = list_lines(session, opportunity_id)
    kept = [Line(one.product_id, one.quantity, one.price) for one in present]
    clean, checked = _check(session, {name: getattr(opportunity, name) for name in names} | dict(values), kept if lines is None else lines)
    if owner_id and owner_id != opportunity.owner_id:
        _check_owner(session, actor, owner_id, opportunity.customer_id)
        opportunity.owner_id = owner_id
        _tell_owner(session, actor, opportunity, lock_listed(session, opportunity.customer_id))
    for name, value in clean.items():
        setattr(opportunity, name, value)
    if lines is not None:
        _write_lines(session, opportunity, checked, before=present)
    session.flush()
    return opportunity


def list_lines(session: CrmSession, opportunity_id: int) -> list[Sold]:
    """The products of an opportunity, which the caller has read within the scope."""
    columns = select(OpportunityLine, Product.code, Product.name, Product.unit).join(Product, Product.id == OpportunityLine.product_id)
    own = columns.where(OpportunityLine.opportunity_id == opportunity_id).order_by(OpportunityLine.position)
    return [
        Sold(line.product_id, code, name, unit or "", line.quantity, line.price, line.amount)
        for line, code, name, unit in session.execute(own)
    ]


def delete_opportunity(session: CrmSession, actor: Actor, opportunity_id: int, *, version: int) -> None:
    """Lay an opportunity into the recycle bin, from where it comes back as it was. Raises `Conflict`, `NotFound`, `NotAllowed`."""
    opportunity = lock_opportunity(session, actor, opportunity_id)
    if opportunity.version != version:
        sentence = _("Somebody else saved this opportunity meanwhile. Open it again to see what it says now.")
        raise Conflict(version=opportunity.version, theirs={}, message=sentence)
    opportunity.deleted_at = clock.now()
    session.flush()


def restore_opportunity(session: CrmSession, actor: Actor, opportunity_id: int) -> None:
    """Take an opportunity out of the recycle bin. Raises `NotFound`, `NotAllowed`."""
    opportunity = lock_opportunity(session, actor, opportunity_id, deleted=True)
    opportunity.deleted_at = None
    session.flush()


def purge(session: CrmSession) -> bool:
    """Remove for good what has lain in the recycle bin as long as deleted customers do; returns whether there is more of it.

    What belongs to a customer on legal hold stays. The change log stays too.
    """
    until = clock.now() - timedelta(days=get_bin_rules(session)[0].days)
    columns = (Opportunity.id, Opportunity.customer_id, Opportunity.name, Opportunity.code)
    over = select(*columns).join(Customer, Customer.id == Opportunity.customer_id)
    over = over.where(Opportunity.deleted_at < until, Customer.is_on_hold.is_(False)).order_by(Opportunity.id)
    # Locked, so that what somebody restores at this moment is left out.
    rows = session.execute(over.limit(PURGED_AT_ONCE).with_for_update(of=Opportunity)).all()
    lines = [
        audit.line_for(
            session, "purged", entity="opportunity", entity_id=row.id, customer_id=row.customer_id, subject=row.name, new=row.code
        )
        for row in rows
    ]
    audit.add_lines(session, lines)
    gone_for_good = delete(Opportunity).where(Opportunity.id.in_([row.id for row in rows]))
    session.execute(gone_for_good, execution_options={"synchronize_session": False})
    return len(rows) == PURGED_AT_ONCE


def lock_opportunity(session: CrmSession, actor: Actor, opportunity_id: int, *, deleted: bool = False) -> Opportunity:
    """An opportunity that the actor works on, locked behind its customer, as all changes of both lock them.

    Raises `NotFound` outside the scope and for one in the recycle bin, `IllegalTransition` where the customer is archived, `NotAllowed`.
    """
    require(actor, Permission.OPPORTUNITY_WRITE)
    customer_id = session.execute(select(Opportunity.customer_id).where(Opportunity.id == opportunity_id)).scalar_one_or_none()
    if customer_id is not None:
        lock_listed(session, customer_id)
    wanted = select(Opportunity).where(Opportunity.id == opportunity_id, Opportunity.deleted_at.is_not(None) == deleted)
    found = session.execute(wanted.with_for_update(), execution_options={"populate_existing": True}).scalar_one_or_none()
    if found is None:
        raise NotFound(gone())
    return found


def gone() -> str:
    """What is said of an opportunity that is not found."""
    return _("This opportunity was deleted or is not visible to you. Reload the page.")


def _check_owner(session: CrmSession, actor: Actor, owner_id: int | None, customer_id: int) -> None:
    if owner_id is None or owner_id == actor.id:
        return
    if owner_id not in sellers(session, actor):
        raise NotAllowed(Permission.OPPORTUNITY_WRITE, _("You may give opportunities to people of your own team only. Choose one of them."))
    if not sees(session, owner_id, customer_id):
        sentence = _("This person does not see the customer. Choose somebody who does, or transfer it first.")
        raise ValidationFailed({"owner_id": [sentence]})


def _tell_owner(session: CrmSession, actor: Actor, one: Opportunity, customer: Customer) -> None:
    """Tell whoever has the opportunity now, unless they took it themselves."""
    if one.owner_id not in (None, actor.id):
        data = {"actor": actor.name, "code": one.code, "text": one.name, "customer": customer.name}
        notify(session, [one.owner_id], "opportunity_given", data, path=path_of(one.id), customer_id=customer.id)


def _check(session: CrmSession, values: Mapping[str, Any], lines: Sequence[Line]) -> tuple[dict[str, Any], list[Sold]]:
    """The clean values and lines. Raises `ValidationFailed` with everything that is wrong."""
    checked, line_errors = _check_lines(session, lines)
    total = sum((one.amount for one in checked), Decimal(0))
    clean, errors = clean_values(entered_fields(), dict(values) | ({"amount": total} if checked else {}))
    if line_errors:
        # The amount is their sum: it is not missing, they are wrong.
        errors = {name: sentences for name, sentences in errors.items() if name != "amount"} | {"lines": line_errors}
    if errors:
        raise ValidationFailed(errors)
    return clean, checked


def _check_lines(session: CrmSession, lines: Sequence[Line]) -> tuple[list[Sold], list[str]]:
    if len(lines) > MOST_LINES:
        return [], [_("At most {count} products are possible.").format(count=MOST_LINES)]
    found = session.execute(select(Product).where(Product.id.in_([line.product_id for line in lines]))).scalars()
    known = {product.id: product for product in found}
    checked, errors = [], []
    for line in lines:
        if line.product_id is None:
            errors.append(_("A line has no product. Choose one, or remove the line."))
            continue
        product = known.get(line.product_id)
        if product is None:
            errors.append(_("A product was deleted meanwhile. Choose another one."))
            continue
        try:
            quantity, price = check_quantity(line.quantity, {}), check_money(line.price, {})
            amount = check_money((quantity * price).quantize(FEN, ROUND_HALF_UP), {})
        except ValueError as problem:
            errors.append(f"{product.name}: {problem}")
        else:
            checked.append(Sold(product.id, product.code, product.name, product.unit or "", quantity, price, amount))
    return checked, errors


def _write_lines(session: CrmSession, opportunity: Opportunity, lines: Sequence[Sold], *, before: Sequence[Sold] = ()) -> None:
    if list(before) == list(lines):
        return
    session.execute(delete(OpportunityLine).where(OpportunityLine.opportunity_id == opportunity.id))
    for position, line in enumerate(lines):
        values = {"product_id": line.product_id, "quantity": line.quantity, "price": line.price, "amount": line.amount}
        session.add(OpportunityLine(opportunity_id=opportunity.id, position=position, **values))
    # Their sum may be what it was, and yet somebody else's form must not overwrite them.
    opportunity.updated_at = clock.now()
    audit.record_change(session, opportunity, field="lines", old=_in_words(before), new=_in_words(lines))


def _in_words(lines: Sequence[Sold]) -> str:
    return join_words(f"{line.name} {line.quantity.normalize():f} × {format_money(line.price)}" for line in lines)


def count_lines(session: CrmSession, opportunity_id: int) -> int:
    """How many products an opportunity has."""
    return session.execute(select(func.count()).where(OpportunityLine.opportunity_id == opportunity_id)).scalar_one()
