"""The base data of a customer as a list of labels and values, by group."""

import streamlit as st

from crm_core.fields import fields_of
from crm_core.i18n import _, format_time
from crm_core.models import Customer
from crm_core.permissions import Permission
from crm_core.services import customers, display
from crm_core.services.library import Library
from ui import feedback, forms, guard
from ui.feedback import escape


def draw(customer: Customer, library: Library, names: dict[int, str]) -> None:
    """One card for each group that has values."""
    for group, fields in forms.by_group(fields_of(Customer), without=("kind", "stage", "name")).items():
        shown = display.show_all(fields, customer, library)
        if group == "base":
            shown = {_("Customer code"): customer.code} | shown
            if customer.industry_text:
                shown[_("Industry")] = _("{text} (waiting for the administrator)").format(text=customer.industry_text)
        if not shown:
            continue
        with st.container(border=True):
            st.subheader(forms.group_title(group), anchor=False)
            st.table({escape(label): escape(text) for label, text in shown.items()}, border="horizontal")
            if group == "base" and customer.identity_number and guard.actor().can(Permission.IDENTITY_READ):
                _draw_reveal(customer)
    changed = _("Created {created} by {author} · last changed {updated}").format(
        created=format_time(customer.created_at),
        author=names.get(customer.created_by_id or 0, "—"),
        updated=format_time(customer.updated_at),
    )
    st.caption(escape(changed))


def _draw_reveal(customer: Customer) -> None:
    if st.button(_("Show the identity number"), icon=":material/visibility:", type="tertiary"):
        guard.dialog(_("Show the identity number"), _reveal, customer.id)


def _reveal(customer_id: int) -> None:
    st.caption(_("Every look at an identity number is logged with its reason."))
    reason = st.text_input(forms.required(_("Reason")), key="reveal_reason")
    if forms.decide(_("Show"), icon=":material/visibility:", back=_("Close")):
        with feedback.attempt() as outcome, guard.acting() as session:
            number = customers.reveal_identity_number(session, guard.actor(), customer_id, reason=reason)
        if outcome.succeeded:
            st.code(number, language=None)
