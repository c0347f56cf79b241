"""The opportunities on a customer's page."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import opportunity_views
from crm_core.visibility import View
from ui import feedback, guard, opportunity_form, opportunity_list, opportunity_sheet


def draw(customer: View) -> None:
    """Everything in the tab: the open ones first."""
    feedback.show_message()
    may_add = customer.is_listed and guard.actor().can(Permission.OPPORTUNITY_WRITE)
    if may_add and st.button(_("Add opportunity"), key="opportunity_add", icon=":material/add:"):
        opportunity_form.open_new(customer.id)
    with guard.reading() as session:
        rows = opportunity_views.list_of_customer(session, guard.actor(), customer.id)
    if not rows:
        hint = _("An opportunity is something that may be sold to a customer, with amount, stage and expected day.")
        feedback.empty_state("trending_up", _("No opportunities yet"), hint)
        return
    opportunity_list.draw_table(rows, with_customer=False)
    opportunity_sheet.open_asked()
