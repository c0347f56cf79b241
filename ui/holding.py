"""Dialogs that lay a customer away: archive, and legal hold on and off."""

from typing import Any

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import archive, holds
from crm_core.visibility import View
from ui import feedback, forms, guard, routes
from ui.feedback import escape


def decide(customer: Any) -> None:
    """Set or end the legal hold of a customer (`id`, `name`, `is_on_hold`)."""
    if customer.is_on_hold:
        sentence = _("End the legal hold of {name}? It can then be merged away, and removed for good from the recycle bin.")
    else:
        sentence = _("With a legal hold {name} is kept: it is not removed for good from the recycle bin, and not merged away.")
    st.markdown(escape(sentence.format(name=customer.name)))
    reason = st.text_input(forms.required(_("Reason")), key=guard.key("hold_reason"))
    if forms.decide(_("End legal hold") if customer.is_on_hold else _("Set legal hold"), icon=":material/gavel:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            holds.set_hold(session, guard.actor(), customer.id, is_on_hold=not customer.is_on_hold, reason=reason)
        if outcome.succeeded:
            st.rerun()


def confirm_archive(customer: View) -> None:
    """Archive a customer, with a reason."""
    sentence = _("{name} leaves the customer list, searches, figures and reminders. It stays readable in the archive and can be restored.")
    st.markdown(escape(sentence.format(name=customer.name)))
    reason = st.text_input(forms.required(_("Reason")), key=guard.key("archive_reason"))
    if forms.decide(_("Archive"), icon=":material/inventory_2:"):
        with feedback.attempt() as outcome, guard.acting() as session:
            archive.archive_customer(session, guard.actor(), customer.id, reason=reason)
        if outcome.succeeded:
            feedback.later(_("{name} is in the archive.").format(name=customer.name))
            st.rerun()


def draw_archived(customer: View) -> None:
    """The banner of an archived customer's page, with the way back."""
    with st.container(horizontal=True, vertical_alignment="center", key="archived_banner"):
        st.info(_("This customer is archived: its page is for reading only."), icon=":material/inventory_2:", width="stretch")
        if guard.actor().can(Permission.CUSTOMER_ARCHIVE) and st.button(_("Restore from archive"), icon=":material/undo:"):
            with feedback.attempt() as outcome, guard.acting() as session:
                archive.unarchive_customer(session, guard.actor(), customer.id)
            if outcome.succeeded:
                feedback.later(_("{name} is back.").format(name=customer.name))
                st.switch_page(routes.CUSTOMER, query_params={"code": customer.code})
