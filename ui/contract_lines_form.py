"""The products of a contract in its form: rows of product, quantity and price, and what they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import streamlit as st

from crm_core.fields import Field, fields_of, never
from crm_core.i18n import _, format_money
from crm_core.models import Contract, Product
from crm_core.services import contract_lines
from crm_core.services.contract_lines import Line
from ui import forms, guard
from ui.feedback import escape


def begin(prefix: str, lines: Sequence[Line]) -> None:
    """The dialog is opened: with these lines, or none."""
    turn = st.session_state.get(f"{prefix}_lines", {}).get("turn", 0) + 1
    st.session_state[f"{prefix}_lines"] = {"turn": turn, "count": len(lines), "present": list(lines)}
    for place, line in enumerate(lines):
        st.session_state[_key(prefix, "product_id", place)] = line.product_id
        st.session_state[_key(prefix, "quantity", place)] = format(line.quantity.normalize(), "f")
        st.session_state[_key(prefix, "price", place)] = format(line.price.normalize(), "f")


def _key(prefix: str, name: str, place: int) -> str:
    return f"{prefix}_line_{name}_{place}~{st.session_state[f'{prefix}_lines']['turn']}"


def entered(prefix: str) -> list[dict[str, Any]]:
    """The rows as they stand now, those without a product too: their places are those of the errors."""
    count = st.session_state[f"{prefix}_lines"]["count"]
    return [{name: st.session_state.get(_key(prefix, name, place)) for name in contract_lines.ENTERED} for place in range(count)]


def asked_fields(prefix: str) -> dict[str, Field]:
    """What a contract asks for besides its lines: with products chosen they give its amount, and its name."""
    fields = dict(fields_of(Contract))
    if any(row["product_id"] for row in entered(prefix)):
        del fields["amount"]
        fields["product"] = replace(fields["product"], required=never)
    return fields


def draw(prefix: str, errors: Mapping[str, Sequence[str]]) -> None:
    """The rows, the button that adds one, and their sum. Nothing where there is no catalogue."""
    state = st.session_state[f"{prefix}_lines"]
    with guard.reading() as session:
        products = contract_lines.offered(session, [line.product_id for line in state["present"]])
    if not products:
        return
    for place in range(state["count"]):
        _draw_row(prefix, place, products, errors)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Add a product"), key=f"{prefix}_line_add", icon=":material/add:", type="tertiary"):
            state["count"] += 1
            guard.again()
        if total := _total(prefix):
            st.caption(escape(_("Sum of the products: {amount}").format(amount=format_money(total))), width="stretch")
    forms.tell(errors.get("lines", ()))


def _draw_row(prefix: str, place: int, products: Mapping[int, Product], errors: Mapping[str, Sequence[str]]) -> None:
    first, second, third = st.columns([3, 1, 1])
    number = place + 1
    with first:
        st.selectbox(
            _("Product {number}").format(number=number),
            list(products),
            index=None,
            format_func=lambda id: products[id].name,
            key=_key(prefix, "product_id", place),
            placeholder=_("Choose"),
            on_change=_propose_price,
            args=(prefix, place, {id: format(product.price.normalize(), "f") for id, product in products.items() if product.price}),
        )
        forms.tell(errors.get(f"lines.{place}.product_id", ()))
    for column, name, label in ((second, "quantity", _("Quantity {number}")), (third, "price", _("Price {number}"))):
        with column:
            st.text_input(label.format(number=number), key=_key(prefix, name, place))
            forms.tell(errors.get(f"lines.{place}.{name}", ()))


def _propose_price(prefix: str, place: int, prices: Mapping[int, str]) -> None:
    chosen = st.session_state.get(_key(prefix, "product_id", place))
    if not chosen:
        for name in ("quantity", "price"):
            st.session_state[_key(prefix, name, place)] = ""
    if chosen in prices:
        st.session_state[_key(prefix, "price", place)] = prices[chosen]
    if chosen and not st.session_state.get(_key(prefix, "quantity", place)):
        st.session_state[_key(prefix, "quantity", place)] = "1"


def _total(prefix: str) -> Decimal:
    """What the rows come to; rows that cannot be read yet are left out."""
    with guard.reading() as session:
        lines, _errors = contract_lines.check_lines(session, entered(prefix), st.session_state[f"{prefix}_lines"]["present"])
    return sum((line.amount for line in lines), Decimal(0))
