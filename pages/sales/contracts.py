"""合同: all contracts in one's scope, searched and filtered, with what they come to and what of it came."""

import streamlit as st

from crm_core.i18n import N_, _, format_money, plural
from crm_core.permissions import Permission
from crm_core.services import contract_views, library
from crm_core.services.contract_views import ContractPage, ContractQuery
from ui import (
    contract_filters,
    contract_form,
    contract_list,
    contract_sheet,
    export_dialog,
    feedback,
    guard,
    header,
    list_footer,
)

actor = guard.page(Permission.CONTRACT_READ)
header.title(_("Contracts"))
feedback.show_message()


if actor.can(Permission.CONTRACT_WRITE) and st.button(_("New contract"), key="contract_new", type="primary", icon=":material/add:"):
    contract_form.open_new()


@guard.fragment
def draw_list() -> None:
    """The filters and the contracts they find; only this part runs again when a filter changes."""
    with guard.reading() as session:
        filters = contract_filters.Filters(contract_views.list_credited(session, guard.actor()), library.get_library(session))
        query = filters.draw()
        page = contract_views.list_contracts(session, guard.actor(), query)
    if page.rows:
        draw_totals(page)
        for row in page.rows:
            contract_list.draw(row)
        count = plural(page.total, N_("{total} contract"), N_("{total} contracts")).format(total=f"{page.total:,}")
        list_footer.draw(count, page.pages, page.page, export="contracts")
    elif query == ContractQuery():
        hint = _("Press New contract for a customer that is won. Of another one it is signed on its page: More, Change type.")
        feedback.empty_state("contract", _("No contracts yet"), hint)
    else:
        feedback.empty_state("search_off", _("No contract matches"), _("Try fewer words or filters."))
        st.button(_("Clear all filters"), icon=":material/filter_list_off:", on_click=filters.clear)
    export_dialog.open_asked("contracts", query)
    filters.keep()


def draw_totals(page: ContractPage) -> None:
    """What all contracts of the filter come to, on every page the same."""
    totals = page.totals
    shown = {_("Contracts"): f"{totals.count:,}", _("Contract amount"): format_money(totals.amount)}
    shown |= {_("Received payments"): format_money(totals.received), _("Overdue"): format_money(totals.overdue)}
    with st.grid(4, min_column_width=130):
        for label, value in shown.items():
            st.metric(label, value, border=True)


contract_sheet.open_asked()
draw_list()
