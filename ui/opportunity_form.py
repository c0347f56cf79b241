"""The form of an opportunity: what it is, whose, and its products with quantity and price."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import streamlit as st

from crm_core.checks.money import check_money
from crm_core.checks.numbers import check_quantity
from crm_core.i18n import _, format_money
from crm_core.services import opportunities, products
from crm_core.services.library import get_library
from crm_core.services.opportunities import Line, Sold, entered_fields
from crm_core.services.opportunity_views import Listed
from crm_core.services.products import Offered
from ui import feedback, forms, guard
from ui.customer_choice import choose_customer

PREFIX = "opportunity"
STATE = "opportunity_form"
ROWS = "opportunity_rows"


def key(name: str) -> str:
    """The key of something that is entered in a dialog of opportunities; it counts the dialogs, so that each begins afresh."""
    return f"opportunity_{name}~{st.session_state.get('opportunity_turn', 0)}"


def begin(one: Listed | None = None, lines: Sequence[Sold] = ()) -> None:
    """A dialog is opened, or asks for something else: fill it with what is known. It is about the opportunity as it is now."""
    st.session_state["opportunity_turn"] = st.session_state.get("opportunity_turn", 0) + 1
    st.session_state[STATE] = {"errors": {}, "one": one}
    values = {name: getattr(one, name) for name in entered_fields()} | {"probability": one.own_probability} if one else {}
    if values.get("probability") is not None:
        values["probability"] = str(values["probability"])
    forms.preload(entered_fields(), _prefix(), values)
    st.session_state[ROWS] = list(range(len(lines)))
    for row, line in enumerate(lines):
        st.session_state[key(f"product{row}")] = line.product_id
        st.session_state[key(f"quantity{row}")] = f"{line.quantity.normalize():f}"
        st.session_state[key(f"price{row}")] = f"{line.price.normalize():f}"


def _prefix() -> str:
    return f"{PREFIX}~{st.session_state.get('opportunity_turn', 0)}"


def open_new(customer_id: int | None = None) -> None:
    """Open the dialog of a new opportunity."""
    begin()
    guard.dialog(_("Add opportunity"), _add, customer_id)


def _add(customer_id: int | None) -> None:
    """A new opportunity, of the customer on whose page one is or of one that is looked for."""
    chosen = choose_customer(key("customer")) if customer_id is None else customer_id
    values, owner, lines = ask(None)
    if not forms.decide(_("Add opportunity"), is_ready=chosen is not None):
        return
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        opportunities.create_opportunity(session, guard.actor(), chosen or 0, values, lines=lines, owner_id=owner)
    forms.conclude(outcome, _("The opportunity was added."), st.session_state[STATE])


def edit(one: Listed) -> None:
    """Change what an opportunity says."""
    values, owner, lines = ask(one)
    if not forms.decide(_("Save")):
        return
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        opportunities.edit_opportunity(session, guard.actor(), one.id, values, version=one.version, lines=lines, owner_id=owner)
    forms.conclude(outcome, _("Saved."), st.session_state[STATE])


def ask(one: Listed | None) -> tuple[Mapping[str, Any], int | None, list[Line]]:
    """Draw the form; returns what stands in it."""
    with guard.reading() as session:
        library, people = get_library(session), opportunities.sellers(session, guard.actor())
    errors = st.session_state[STATE]["errors"]
    locked = ("amount",) if st.session_state[ROWS] else ()
    forms.Form(_prefix(), library, {}, errors=errors, locked=locked).draw(entered_fields(), columns=2)
    owner = _ask_owner(one, people)
    lines = ask_lines()
    return {name: forms.value_of(f"{_prefix()}.{name}") for name in entered_fields()}, owner, lines


def _ask_owner(one: Listed | None, people: dict[int, str]) -> int | None:
    present = one.owner_id if one else guard.actor().id
    if present and present not in people:
        people = {present: one.owner if one else "", **people}
    if len(people) < 2:
        return present
    place = list(people).index(present) if present in people else None
    chosen: int | None = st.selectbox(_("Owner"), list(people), index=place, format_func=people.__getitem__, key=key("owner"))
    show_errors("owner_id")
    return chosen


def show_errors(name: str) -> None:
    """The sentences at something that is no declared field."""
    forms.tell(st.session_state[STATE]["errors"].get(name, ()))


def ask_lines() -> list[Line]:
    """The rows of products, and what they come to."""
    with guard.reading() as session:
        offered = products.list_offered(session)
    title = _("Products")
    st.markdown(f"**{title}**")
    rows: list[int] = st.session_state[ROWS]
    lines = [line for row in list(rows) if (line := _ask_line(row, offered))]
    show_errors("lines")
    with st.container(horizontal=True, vertical_alignment="center"):
        label = _("Add product")
        st.button(label, key="opportunity_product_add", icon=":material/add:", type="tertiary", on_click=_add_row, disabled=not offered)
        if not offered:
            st.caption(_("The catalogue is empty. Ask an administrator to add products."))
        if total := _total(lines):
            st.caption(_("Sum of the products: {amount}").format(amount=format_money(total)))
    return lines


def _ask_line(row: int, offered: dict[int, Offered]) -> Line | None:
    known = {number: one.label for number, one in offered.items()}
    present = st.session_state.get(key(f"product{row}"))
    if present and present not in known:
        known[present] = _retired(present)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"opportunity_line_{row}"):
        chosen = st.selectbox(
            _("Product"),
            list(known),
            index=None,
            format_func=lambda number: known.get(number, ""),
            key=key(f"product{row}"),
            placeholder=_("Choose"),
            on_change=_take_price,
            args=(row, offered),
            width="stretch",
        )
        quantity = st.text_input(_("Quantity"), key=key(f"quantity{row}"), width=90)
        price = st.text_input(_("Price"), key=key(f"price{row}"), width=120, help=_("In yuan, for one unit."))
        remove = _("Remove this product")
        look = {"icon": ":material/close:", "type": "tertiary", "help": remove}
        st.button(remove, key=f"opportunity_line_off_{row}", on_click=_remove_row, args=(row,), **look)
    return Line(chosen, quantity or "0", price or "0") if chosen or price else None


def _retired(product_id: int) -> str:
    with feedback.attempt(show=False) as outcome, guard.reading() as session:
        product = products.get_product(session, guard.actor(), product_id)
    return _("{name} (retired)").format(name=product.name) if outcome.succeeded else _("(not offered any more)")


def _take_price(row: int, offered: dict[int, Offered]) -> None:
    if product := offered.get(st.session_state[key(f"product{row}")] or 0):
        st.session_state[key(f"price{row}")] = f"{product.price.normalize():f}"


def _add_row() -> None:
    rows: list[int] = st.session_state[ROWS]
    rows.append(max(rows, default=-1) + 1)
    st.session_state[key(f"quantity{rows[-1]}")] = "1"


def _remove_row(row: int) -> None:
    st.session_state[ROWS].remove(row)


def _total(lines: Sequence[Line]) -> Decimal:
    """What they come to as far as they can be read; what cannot is told when it is saved."""
    total = Decimal(0)
    for line in lines:
        with suppress(ValueError):
            total += check_quantity(line.quantity, {}) * check_money(line.price, {})
    return total
