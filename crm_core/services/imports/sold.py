"""What a row sells: a product of the catalogue, how many of it, at which price."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crm_core.checks.money import check_money
from crm_core.checks.numbers import check_quantity
from crm_core.i18n import _, format_number
from crm_core.services.contract_lines import Line
from crm_core.services.imports.records import Record
from crm_core.validation import is_blank

OF_LINE = ("quantity", "price")
"""What is said of a product alone; its amount can stand for the whole record too."""
_CHECKS: dict[str, Callable[[Any, dict[str, Any]], Decimal]] = {"quantity": check_quantity, "price": check_money, "amount": check_money}


def line_of(row: Record, product: Any) -> Line | None:
    """The product of a row as a line. None where something is wrong with it, which the row then says.

    Without a quantity it is one piece, without a price what the amount comes to for each, without both the price of the product.
    """
    said: dict[str, Decimal] = {}
    for name, check in _CHECKS.items():
        if not is_blank(row.values.get(name)):
            try:
                said[name] = check(row.values[name], {})
            except ValueError as problem:
                row.errors[name] = [str(problem)]
    if row.errors.keys() & _CHECKS.keys():
        return None
    quantity, amount = said.get("quantity", Decimal(1)), said.get("amount")
    each = product.price if amount is None else (amount / quantity).quantize(Decimal("0.01"), ROUND_HALF_UP)
    line = Line(product.id, quantity, said.get("price", each), product.name, product.unit)
    try:
        check_money(line.amount, {})
    except ValueError as problem:
        row.errors["amount"] = [str(problem)]
        return None
    if amount is not None and amount != line.amount:
        sentence = _("{quantity} pieces at {price} yuan come to {sum}, not to {amount}. Correct one of these, or leave the amount empty.")
        told = {"quantity": format_number(quantity.normalize()), "price": line.price, "sum": line.amount, "amount": amount}
        row.errors["amount"] = [sentence.format(**told)]
        return None
    return line


def refuse_without_product(row: Record) -> None:
    """Say that a quantity or a price stands in a row that names no product."""
    if any(name in row.given for name in OF_LINE):
        row.errors.setdefault("product", [_("Write which product of the catalogue the quantity and the price are of.")])
