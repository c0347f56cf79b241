"""离职交接: hand the customers of a person over to somebody else, and the receipts of earlier transfers."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import owners, receipts, transfers
from ui import feedback, guard, header, receipt_view, transfer_form

actor = guard.page(Permission.CUSTOMER_TRANSFER)
header.title(_("Transfer"))

with guard.reading() as session:
    givers, receivers = owners.list_owners(session, actor), owners.list_holders(session, actor)
    made = receipts.list_receipts(session, actor)

if not givers:
    feedback.empty_state("move_up", _("Nothing to transfer"), _("Nobody whose customers you see has any yet."))
else:
    with st.container(border=True):
        st.subheader(_("Hand customers over"), anchor=False)
        selection, to, reason = transfer_form.draw(givers, receivers)
        if selection:
            with guard.reading() as session:
                found = transfers.preview(session, actor, selection)
            transfer_form.draw_preview(found)
            transfer_form.decide(selection, found, to=to, reason=reason)
        else:
            st.caption(_("Choose the present owner: then what will move is shown here, before anything is transferred."))

if made:
    st.subheader(_("Receipts"), anchor=False)
    receipt_view.draw_list(made)
