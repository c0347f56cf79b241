"""核对: ticking what was checked of a customer's data, and saying what is missing or wrong."""

import streamlit as st

from crm_core.i18n import N_, _, format_date, plural
from crm_core.services import verification
from crm_core.visibility import View
from ui import feedback, forms, guard
from ui.feedback import escape


def draw(customer: View) -> None:
    """The body of the dialog."""
    if customer.verified_on:
        st.caption(_("Last verified on {day}.").format(day=format_date(customer.verified_on)))
    parts = {code: _(label) for code, label in verification.CHECKS.items()}
    checked = st.pills(
        forms.required(_("Checked with the customer or an official source")),
        list(parts),
        selection_mode="multi",
        default=list(parts),
        format_func=lambda code: parts[code],
        key=guard.key("verify_checked"),
    )
    wrong = st.pills(
        _("Missing or wrong"), list(parts), selection_mode="multi", format_func=lambda code: parts[code], key=guard.key("verify_wrong")
    )
    label = _("What is missing or wrong")
    note = st.text_area(forms.required(label) if wrong else _("Remark"), max_chars=300, height=80, key=guard.key("verify_note"))
    if wrong:
        st.caption(_("Whoever followed this customer last gets a task to correct it within three working days."))
    if forms.decide(_("Record verification")):
        with feedback.attempt() as outcome, guard.acting() as session:
            verification.verify_customer(session, guard.actor(), customer.id, checked=checked, wrong=wrong, note=note)
        if outcome.succeeded:
            feedback.later(_("The verification of {name} is recorded.").format(name=customer.name))
            st.rerun()


def explain_correction(count: int) -> None:
    """What a correction needs before it can be completed."""
    if count:
        st.caption(
            escape(
                plural(
                    count,
                    N_("{count} change was recorded since; it stands in the change log with reason and time."),
                    N_("{count} changes were recorded since; they stand in the change log with reason and time."),
                ).format(count=count)
            )
        )
    else:
        st.info(_("Nothing was corrected yet. Edit the customer first; or verify it again if everything is right."), icon=":material/edit:")
