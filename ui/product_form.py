"""The dialogs of a product: adding, changing, its prices, and what becomes of it."""

from typing import Any

import pyarrow as pa
import streamlit as st

from crm_core import clock
from crm_core.fields import fields_of
from crm_core.i18n import _, format_date, format_money
from crm_core.models import Product
from crm_core.permissions import Permission
from crm_core.services import products, users
from crm_core.services.library import get_library
from ui import feedback, forms, guard, routes
from ui.feedback import escape

STATE = "product_form"
CHOSEN = ("category", "unit")
"""Fields with a choice of the words in use, to which a new one can be typed."""


def _prefix() -> str:
    return f"product~{st.session_state.get('product_turn', 0)}"


def _begin(product: Product | None) -> None:
    st.session_state["product_turn"] = st.session_state.get("product_turn", 0) + 1
    st.session_state[STATE] = {"errors": {}, "product": product}
    values = {name: getattr(product, name) for name in fields_of(Product)} if product else {}
    forms.preload(_fields(), _prefix(), values)
    for name in CHOSEN:
        st.session_state[f"{_prefix()}.{name}"] = values.get(name)


def _fields(*, with_price: bool = True) -> dict[str, Any]:
    found = products.product_fields() if with_price else fields_of(Product)
    return {name: field for name, field in found.items() if name not in (*CHOSEN, "valid_from")}


def open_new() -> None:
    """Open the dialog of a new product."""
    _begin(None)
    guard.dialog(_("Add product"), _add)


def open_product(product_id: int) -> None:
    """Open the dialog of a product."""
    st.session_state.update({"product_asks": "", STATE: {"errors": {}, "product": None}})
    guard.dialog(_("Product"), _draw, product_id)


def _ask(*, with_price: bool) -> dict[str, Any]:
    with guard.reading() as session:
        library, words = get_library(session), products.list_words(session)
    fields, errors = _fields(with_price=with_price), st.session_state[STATE]["errors"]
    form = forms.Form(_prefix(), library, {}, errors=errors)
    form.draw({name: field for name, field in fields.items() if name != "description"}, columns=2)
    for place, name, known in zip(st.columns(2), CHOSEN, words, strict=True):
        key = f"{_prefix()}.{name}"
        present = st.session_state.get(key)
        options = known if not present or present in known else [*known, present]
        title = fields_of(Product)[name].title
        place.selectbox(title, options, index=None, accept_new_options=True, key=key, placeholder=_("Choose or type"))
    form.draw({"description": fields["description"]})
    return {name: forms.value_of(f"{_prefix()}.{name}") for name in [*fields, *CHOSEN]}


def _add() -> None:
    values = _ask(with_price=True)
    if forms.decide(_("Add product")):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            products.create_product(session, guard.actor(), values)
        forms.conclude(outcome, _("The product was added."), st.session_state[STATE])


def _draw(product_id: int) -> None:
    with feedback.attempt() as outcome, guard.reading() as session:
        product = products.get_product(session, guard.actor(), product_id)
    if not outcome.succeeded:
        return
    steps = {"edit": _edit, "price": _add_price, "delete": _delete}
    asked = st.session_state.get("product_asks", "")
    if asked:
        product = st.session_state[STATE]["product"]  # as it was when this was asked: what others saved since is not overwritten
    steps.get(asked, _draw_all)(product)


def _draw_all(product: Product) -> None:
    st.markdown(f":material/inventory: **{escape(product.name)}** {escape(product.code)}")
    if not product.is_active:
        st.badge(_("Retired"), color="gray")
    facts = [product.category or "", format_money(product.price) + (f"/{product.unit}" if product.unit else "")]
    st.caption(escape(" · ".join(part for part in facts if part)))
    if product.description:
        st.markdown(escape(product.description).replace("\n", "  \n"))
    if guard.actor().can(Permission.PRODUCT_EDIT):
        _draw_actions(product)
    _draw_prices(product)
    _draw_uses(product)


def _draw_actions(product: Product) -> None:
    with st.container(horizontal=True, gap="small"):
        if st.button(_("Edit"), key="product_edit", icon=":material/edit:"):
            _go_on(product, "edit")
        if st.button(_("New price"), key="product_price", icon=":material/sell:"):
            _go_on(product, "price")
        label = _("Retire") if product.is_active else _("Offer again")
        if st.button(label, key="product_active", icon=":material/archive:" if product.is_active else ":material/unarchive:"):
            with feedback.attempt(show=False) as outcome, guard.acting() as session:
                products.set_active(session, guard.actor(), product.id, is_active=not product.is_active, version=product.version)
            forms.conclude(outcome, _("Saved."), st.session_state[STATE])
        if st.button(_("Delete"), key="product_delete", icon=":material/delete:"):
            _go_on(product, "delete")


def _go_on(product: Product, step: str) -> None:
    _begin(product)
    st.session_state["product_asks"] = step
    guard.again()


def _draw_prices(product: Product) -> None:
    with guard.reading() as session:
        prices, names = products.list_prices(session, guard.actor(), product.id), users.user_names(session)
    title = _("Price history")
    st.markdown(f"**{title}**")
    rows = [
        {
            _("Valid from"): format_date(one.valid_from) + (" · " + _("to come") if one.valid_from > clock.today() else ""),
            _("List price"): escape(format_money(one.price)),
            _("By"): escape(names.get(one.by_id or 0, _("the system"))),
        }
        for one in prices
    ]
    st.table(pa.Table.from_pylist(rows), border="horizontal", hide_index=True)


def _draw_uses(product: Product) -> None:
    with guard.reading() as session:
        uses = products.count_uses(session, product.id)
    told = products.uses_in_words(uses)
    st.caption(_("Used by: {what}").format(what=told) if told else _("Nothing uses it yet."))
    if uses["opportunities"] and product.is_active and st.button(_("Show the opportunities"), key="product_uses", type="tertiary"):
        st.switch_page(routes.OPPORTUNITIES, query_params={"opp_view": "list", "opp_state": "all", "opp_product": str(product.id)})


def _edit(product: Product) -> None:
    values = _ask(with_price=False)
    if forms.decide(_("Save")):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            products.update_product(session, guard.actor(), product.id, values, version=product.version)
        forms.conclude(outcome, _("Saved."), st.session_state[STATE])


def _add_price(product: Product) -> None:
    errors = st.session_state[STATE]["errors"]
    with guard.reading() as session:
        library = get_library(session)
    fields = {name: products.product_fields()[name] for name in ("price", "valid_from")}
    st.session_state.setdefault(f"{_prefix()}.valid_from", clock.today())
    forms.Form(_prefix(), library, {}, errors=errors).draw(fields, columns=2)
    if forms.decide(_("Save")):
        entered = {name: forms.value_of(f"{_prefix()}.{name}") for name in fields}
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            products.set_price(session, guard.actor(), product.id, **entered)
        forms.conclude(outcome, _("The price was saved."), st.session_state[STATE])


def _delete(product: Product) -> None:
    st.warning(_("{name} is deleted for good, with its prices.").format(name=escape(product.name)), icon=":material/delete:")
    if forms.decide(_("Delete product"), icon=":material/delete:"):
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            products.delete_product(session, guard.actor(), product.id)
        forms.conclude(outcome, _("The product was deleted."), st.session_state[STATE])
