"""Products of a contract: lines with quantity and price. A contract that has lines is worth their sum."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import delete, select

from crm_core import audit
from crm_core.checks.money import check_money, check_price
from crm_core.checks.numbers import check_quantity
from crm_core.db import CrmSession
from crm_core.i18n import _, format_number
from crm_core.models import Contract, ContractLine, OpportunityLine, Product
from crm_core.validation import is_blank

MOST_LINES = 50
ENTERED = ("product_id", "quantity", "price")
LOGGED = "lines"
"""The field under which the change log keeps lines."""
_AT_ONCE = 1000
_FEN = Decimal("0.01")

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Line:
    """One product, how many, at which price, and what that comes to."""

    product_id: int
    quantity: Decimal
    price: Decimal
    name: str = ""
    unit: str | None = None

    @property
    def amount(self) -> Decimal:
        """Quantity times price, to the fen."""
        return (self.quantity * self.price).quantize(_FEN, ROUND_HALF_UP)

    @property
    def told(self) -> str:
        """In words, as the change log keeps it."""
        return f"{self.name} × {format_number(self.quantity.normalize())} × {self.price}"


def offered(session: CrmSession, present: Sequence[int] = ()) -> dict[int, Product]:
    """The products to choose from: those that are offered, and those that are used here already."""
    rows = select(Product).where(Product.is_active | Product.id.in_(list(present))).order_by(Product.name, Product.id)
    return {product.id: product for product in session.execute(rows).scalars()}


def check_lines(session: CrmSession, rows: Sequence[Mapping[str, Any]], present: Sequence[Line] = ()) -> tuple[list[Line], Errors]:
    """Lines as they are entered (`product_id`, `quantity`, `price`); empty ones are left out, and one without a product is an error.

    Errors are named by their place: `lines.0.price`.
    """
    lines: list[Line] = []
    errors: Errors = {}
    chosen = [(place, row) for place, row in enumerate(rows) if not all(is_blank(row.get(name)) for name in ENTERED)]
    products = offered(session, [line.product_id for line in present]) if chosen else {}
    for place, row in chosen:
        clean = _check_line(row, products, f"lines.{place}.", errors)
        if clean:
            lines.append(clean)
    if len(lines) > MOST_LINES:
        errors["lines"] = [_("At most {count} products are possible in one contract.").format(count=MOST_LINES)]
    return lines, errors


def _check_line(row: Mapping[str, Any], products: Mapping[int, Product], prefix: str, errors: Errors) -> Line | None:
    if is_blank(row.get("product_id")):
        errors[prefix + "product_id"] = [_("Choose the product of this line, or empty its quantity and price.")]
        return None
    product = products.get(row["product_id"])
    if product is None:
        errors[prefix + "product_id"] = [_("This product is not offered any more. Choose another one.")]
        return None
    clean = {}
    for name, check in (("quantity", check_quantity), ("price", check_money)):
        try:
            clean[name] = check(row[name] if not is_blank(row.get(name)) else "", {})
        except ValueError as problem:
            errors[prefix + name] = [str(problem)]
    return Line(product.id, **clean, name=product.name, unit=product.unit) if len(clean) == len(("quantity", "price")) else None


def with_lines(values: Mapping[str, Any], lines: Sequence[Line]) -> dict[str, Any]:
    """The values of a contract with these lines: its amount is their sum, its product their names unless somebody wrote one."""
    if not lines:
        return dict(values)
    total = sum((line.amount for line in lines), Decimal(0))
    names = "、".join(dict.fromkeys(line.name for line in lines))
    product = values.get("product") if not is_blank(values.get("product")) else names[:200]
    return {**values, "amount": total, "product": product}


def check_sum(lines: Sequence[Line]) -> Errors:
    """What the lines come to has to be an amount that a contract can have."""
    try:
        check_price(sum((line.amount for line in lines), Decimal(0)), {})
    except ValueError as problem:
        return {"lines": [str(problem)]}
    return {}


def lines_of(session: CrmSession, model: type[ContractLine | OpportunityLine], owner: Any, key: int) -> list[Line]:
    """The lines under a column, `ContractLine.contract_id` or `OpportunityLine.opportunity_id`, in their order."""
    columns = (model.product_id, model.quantity, model.price, Product.name, Product.unit)
    rows = select(*columns).join(Product, Product.id == model.product_id).where(owner == key).order_by(model.position, model.id)
    return [Line(*row) for row in session.execute(rows)]


def lines_of_all(session: CrmSession, owner: Any, keys: Sequence[int]) -> dict[int, list[Line]]:
    """The lines under the same column, by the key of each that has any."""
    model: type[ContractLine | OpportunityLine] = owner.class_
    columns = (model.product_id, model.quantity, model.price, Product.name, Product.unit)
    found: dict[int, list[Line]] = defaultdict(list)
    for start in range(0, len(keys), _AT_ONCE):
        rows = select(owner, *columns).join(Product, Product.id == model.product_id).where(owner.in_(keys[start : start + _AT_ONCE]))
        for key, *line in session.execute(rows.order_by(model.position, model.id)):
            found[key].append(Line(*line))
    return found


def lines_of_contract(session: CrmSession, contract_id: int) -> list[Line]:
    """The lines of a contract in their order."""
    return lines_of(session, ContractLine, ContractLine.contract_id, contract_id)


def write_lines(session: CrmSession, contract: Contract, lines: Sequence[Line], present: Sequence[Line] = ()) -> None:
    """Replace the lines of a contract; the change log keeps what stood there before."""
    if list(lines) == list(present):
        return
    session.execute(delete(ContractLine).where(ContractLine.contract_id == contract.id), execution_options={"synchronize_session": False})
    for position, line in enumerate(lines):
        own = {name: getattr(line, name) for name in ("product_id", "quantity", "price", "amount")}
        session.add(ContractLine(contract_id=contract.id, position=position, **own))
    if present:
        before, after = ("; ".join(line.told for line in some) for some in (present, lines))
        audit.record_change(session, contract, field=LOGGED, old=before, new=after)
