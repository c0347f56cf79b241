"""The opportunities on a customer's page."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.permissions import Permission
from crm_core.services import opportunity_views
from crm_core.visibility import View
from ui import feedback, guard, opportunity_form, opportunity_list, opportunity_sheet


def draw(customer: View) -> None:
    """Everything in the tab: the open ones first."""
    feedback.show_message()
    key = f"customer_opportunities_{customer.id}"
    may_add = customer.is_listed and guard.actor().can(Permission.OPPORTUNITY_WRITE)
    if may_add and st.button(_("Add opportunity"), key="opportunity_add", icon=":material/add:"):
        opportunity_form.open_new(customer.id)
    with guard.reading() as session:
        found = opportunity_views.list_of_customer(session, guard.actor(), customer.id, page=int(st.session_state.get(key) or 1))
    if not found.rows:
        hint = _("An opportunity is something that may be sold to a customer, with amount, stage and expected day.")
        feedback.empty_state("trending_up", _("No opportunities yet"), hint)
        return
    opportunity_list.draw_table(found.rows, with_customer=False)
    if found.pages > 1:
        count = plural(found.total, N_("{total} opportunity"), N_("{total} opportunities"))
        st.caption(count.format(total=f"{found.total:,}"))
        st.pagination(found.pages, key=key)
    opportunity_sheet.open_asked()
