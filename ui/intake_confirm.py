"""The second confirmation of an entry's key data, and the saving after it [002]."""

from typing import Any

import streamlit as st

from crm_core.i18n import _, join_words
from crm_core.services import reviews, users
from crm_core.services.entry import Checked
from ui import feedback, forms, guard, intake_form, routes
from ui.feedback import escape


def confirm(draft_id: str, values: dict[str, Any], checked: Checked) -> None:
    """Show name and phones large, and save once they are confirmed."""
    st.caption(_("Read these back to the customer, or compare them with the business card."))
    st.markdown(f"### {escape(checked.values['name'])}")
    for contact in checked.contacts:
        st.markdown(f"{escape(contact['name'])}　**{grouped(contact['phone'])}**　{escape(contact['email'] or '')}")
    for warning in checked.warnings.values():
        st.warning(escape(warning), icon=":material/warning:")
    is_sure = st.checkbox(_("Name and phone are right"), key=guard.key("intake_sure"))
    if forms.decide(_("Save customer"), is_ready=is_sure, back=_("Back to the form")):
        save(draft_id, values)


def grouped(phone: str) -> str:
    """A phone in groups, as it is read aloud: 138 0000 1234."""
    return f"{phone[:3]} {phone[3:7]} {phone[7:]}" if len(phone) == 11 and phone.isdigit() else phone


def save(draft_id: str, values: dict[str, Any]) -> None:
    """Save, and open the new customer, or the entry that waits for review; a second submission of an entry opens the one saved first."""
    reason = values.get("duplicate_reason", "")
    with feedback.attempt() as outcome, guard.acting() as session:
        made = reviews.submit(session, guard.actor(), draft_id, values, values["contacts"], reason=reason)
        names = [users.user_names(session)[reviewer] for reviewer in made.reviewers]
        code, is_listed = made.customer.code, made.customer.is_listed
    if outcome.succeeded:
        st.session_state.pop("intake_draft", None)
        waiting = _("Submitted as {code}. It comes into the customer list once it is approved by {names}.")
        feedback.later(waiting.format(code=code, names=join_words(names)) if names else _("Saved as {code}.").format(code=code))
        st.switch_page(routes.CUSTOMER if is_listed else routes.REVIEW, query_params={"code": code})
    elif outcome.errors:
        intake_form.show_errors(outcome.errors, {})
        st.rerun()
