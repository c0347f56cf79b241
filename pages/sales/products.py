"""产品 / 服务: the catalogue with prices, for opportunities and contracts to choose from."""

from typing import Any

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import products
from crm_core.services.products import ProductPage, ProductQuery
from ui import address, export_dialog, feedback, guard, header, list_footer, product_form, row_table
from ui.badges import Badge
from ui.customer_filters import first_page
from ui.parameters import Number, OneOf, Parameter
from ui.row_table import Cell, Heading, Record

OFFERED = {"yes": N_("Offered"), "no": N_("Retired"), "all": N_("All")}
SORTS = {"code": N_("By code"), "name": N_("By name"), "category": N_("By category"), "price": N_("By price")}
ACTIVE = {"yes": True, "no": False, "all": None}
ANY = ""

actor = guard.page(Permission.OPPORTUNITY_READ)
header.title(_("Products"))


@guard.fragment
def draw_catalogue() -> None:
    """The filters and the products they find."""
    feedback.show_message()
    with guard.reading() as session:
        categories = products.list_words(session)[0]
    parameters = parameters_for(categories)
    address.restore("products", parameters)
    query = draw_filters(categories)
    with guard.reading() as session:
        page = products.list_products(session, guard.actor(), query)
    draw_table(page, is_filtered=query != ProductQuery(sort=query.sort, page=query.page))
    export_dialog.open_asked("products", query)
    address.keep("products", parameters)


def parameters_for(categories: list[str]) -> dict[str, Parameter]:
    """What stands in the address."""
    return {
        "prod_q": Parameter(),
        "prod_offered": OneOf("yes", codes=OFFERED),
        "prod_category": OneOf(ANY, codes=categories),
        "prod_sort": OneOf("code", codes=SORTS),
        "page": Number(1),
    }


def draw_filters(categories: list[str]) -> ProductQuery:
    """The row above the table."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="product_filters"):
        if guard.actor().can(Permission.PRODUCT_EDIT) and st.button(_("Add product"), type="primary", icon=":material/add:"):
            product_form.open_new()
        hint = _("Name, code or description")
        st.text_input(_("Search"), key="prod_q", icon=":material/search:", live="150ms", placeholder=hint, width=230, on_change=first_page)
        choose(_("State"), "prod_offered", {code: _(label) for code, label in OFFERED.items()})
        if categories:
            choose(_("Product category"), "prod_category", {ANY: _("Any"), **{name: name for name in categories}})
        choose(_("Order"), "prod_sort", {code: _(label) for code, label in SORTS.items()})
    state = st.session_state
    return ProductQuery(
        phrase=(state.get("prod_q") or "").strip(),
        is_active=ACTIVE[state.get("prod_offered") or "yes"],
        category=state.get("prod_category") or ANY,
        sort=state.get("prod_sort") or "code",
        page=int(state.get("page") or 1),
    )


def choose(label: str, key: str, labels: dict[str, str]) -> None:
    """One choice of the row."""
    st.selectbox(label, list(labels), format_func=labels.__getitem__, key=key, width=150, on_change=first_page)


def draw_table(page: ProductPage, *, is_filtered: bool) -> None:
    """One page; a click on a name opens the product."""
    if not page.rows:
        empty = _("No product matches") if is_filtered else _("The catalogue is empty")
        hint = _("Opportunities and contracts choose from the products that stand here.")
        feedback.empty_state("inventory", empty, _("Try fewer words or filters.") if is_filtered else hint)
        return
    records = [Record(str(row.id), row.name, cells(row)) for row in page.rows]
    opened = row_table.draw("product_table", headings(), records, label=_("Products on this page")).opened
    count = plural(page.total, N_("{total} product"), N_("{total} products")).format(total=f"{page.total:,}")
    list_footer.draw(count, page.pages, page.page, export="products")
    if opened:
        product_form.open_product(int(opened))


def headings() -> list[Heading]:
    """What the columns are called, and how wide they are."""
    return [
        Heading(_("Product name"), 280),
        Heading(_("Product code"), 110),
        Heading(_("Product category"), 120),
        Heading(_("List price"), 110, is_number=True),
        Heading(_("Unit"), 60),
        Heading(_("State"), 70),
        Heading(_("Product description"), 300),
    ]


def cells(row: Any) -> list[Cell]:
    """One row of the table behind its name."""
    description = (row.description or "").partition("\n")[0]
    state = "" if row.is_active else [Badge(_("Retired"), "gray")]
    return [row.code, row.category or "", f"¥{row.price:,.2f}", row.unit or "", state, description]


draw_catalogue()
