"""The receipt of a transfer: what moved from whom to whom, the file to print and sign, and taking it back."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import receipts
from ui import feedback, guard, header, receipt_view, routes
from ui.parameters import Id

actor = guard.page(Permission.CUSTOMER_READ)
header.title(_("Transfer receipt"))

number = Id().read(st.query_params.get_all("id"))
if number is None:
    feedback.empty_state("receipt_long", _("No receipt chosen"), _("A receipt opens from its notice, or from the page Transfer."))
    st.stop()

with feedback.attempt() as opening, guard.reading() as session:
    receipt = receipts.get_receipt(session, actor, number)
    lines = receipts.list_lines(session, actor, receipt.id, page=receipt_view.chosen_page())
if not opening.succeeded:
    if st.button(_("Customer list"), icon=":material/arrow_back:"):
        st.switch_page(routes.CUSTOMERS)
    st.stop()

receipt_view.draw_head(receipt)
receipt_view.draw_actions(receipt)
receipt_view.draw_lines(receipt, lines)
