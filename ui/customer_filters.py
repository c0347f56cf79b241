"""The filter row of the customer list; every choice stands in the address, so a list can be reopened and sent."""

from datetime import date

import streamlit as st

from crm_core import clock
from crm_core.fields import fields_of
from crm_core.i18n import N_, _
from crm_core.models import STAGES, Customer
from crm_core.reference import children_of, regions
from crm_core.services.customers import CustomerQuery
from crm_core.services.library import Library
from ui.forms import choices_of

SORT_LABELS = {
    "newest": N_("Newest first"),
    "oldest": N_("Oldest first"),
    "updated": N_("Last changed"),
    "name": N_("By name"),
    "amount": N_("By amount"),
}
CHOSEN = ("kind", "segment", "tier", "industry", "source", "province", "city", "sales_stage")


def draw(library: Library, owners: dict[int, str], tags: dict[int, str]) -> CustomerQuery:
    """Draw the row and return the query it describes."""
    with st.container(horizontal=True, vertical_alignment="center", key="list_filters"):
        with st.container(key="list_search", width=300):
            phrase = st.text_input(
                _("Search customers"), key="q", bind="query-params", label_visibility="collapsed", icon=":material/search:", live=True,
                placeholder=_("Name, contact, phone, pinyin"), on_change=first_page,
            )
        stages = st.pills(
            _("Customer type"), list(STAGES), selection_mode="multi", format_func=lambda code: _(STAGES[code]), key="stage",
            bind="query-params", label_visibility="collapsed", on_change=first_page,
        )
        active = sum(1 for name in (*CHOSEN, "owner", "tag", "since", "until", "incomplete") if st.session_state.get(name))
        label = _("Filters") + (f" ({active})" if active else "")
        with st.popover(label, icon=":material/filter_list:", width="content", key="list_more"):
            filters = _draw_choices(library)
            owner, tag, since, until, incomplete = _draw_rest(owners, tags)
        sort = st.selectbox(
            _("Order"), list(SORT_LABELS), format_func=lambda code: _(SORT_LABELS[code]), key="sort", bind="query-params",
            label_visibility="collapsed", width=140, on_change=first_page,
        )
    return CustomerQuery(
        phrase=(phrase or "").strip(), filters=(("stage", tuple(stages)), *filters), owners=tuple(owner), tags=tuple(tag),
        created_from=since, created_to=until, incomplete=incomplete, sort=sort, page=int(st.session_state.get("page", 1)),
    )


def first_page() -> None:
    """A changed filter shows its first page."""
    st.session_state["page"] = 1


def _draw_choices(library: Library) -> list[tuple[str, tuple[str, ...]]]:
    fields = fields_of(Customer)
    chosen = []
    columns = st.columns(2)
    for number, name in enumerate(CHOSEN):
        if name == "province":
            choices = {region.code: region.label for region in children_of("")}
        elif name == "city":
            choices = {code: regions()[code].label for parent in st.session_state.get("province") or [] for code in _cities(parent)}
        else:
            choices = choices_of(fields[name], library)
        if name == "industry":
            choices = {code: entry.label for code, entry in library.industries.items() if not entry.parent} | choices
        with columns[number % 2]:
            values = st.multiselect(
                fields[name].title, list(choices), format_func=lambda code, labels=choices: labels.get(code, code), key=name,
                bind="query-params", placeholder=_("Any"), on_change=first_page, disabled=not choices,
            )
        chosen.append((name, tuple(values)))
    return chosen


def _cities(province: str) -> list[str]:
    return [region.code for region in children_of(province) if region.level == "city"]


def _draw_rest(owners: dict[int, str], tags: dict[int, str]) -> tuple[list[int], list[int], date | None, date | None, bool]:
    left, right = st.columns(2)
    with left:
        owner = st.multiselect(_("Owner"), list(owners), format_func=lambda number: owners.get(number, ""), key="owner", bind="query-params",
                               placeholder=_("Any"), on_change=first_page)
        since = st.date_input(_("Created from"), value=None, max_value=clock.today(), format="YYYY-MM-DD", key="since", bind="query-params",
                              on_change=first_page)
    with right:
        tag = st.multiselect(_("Tags"), list(tags), format_func=lambda number: tags.get(number, ""), key="tag", bind="query-params",
                             placeholder=_("Any"), on_change=first_page, disabled=not tags)
        until = st.date_input(_("Created until"), value=None, max_value=clock.today(), format="YYYY-MM-DD", key="until", bind="query-params",
                              on_change=first_page)
    incomplete = st.toggle(_("Only incomplete customers"), key="incomplete", bind="query-params", on_change=first_page)
    return owner, tag, since, until, incomplete
