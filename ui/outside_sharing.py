"""Dialogs for what is told outside: a customer's alias, and the masked sheet."""

import streamlit as st

from crm_core.i18n import _
from crm_core.services import aliases, library, outside_sheet
from crm_core.visibility import View
from ui import feedback, forms, guard


def edit_alias(customer: View) -> None:
    """Choose the alias; empty for the proposed one."""
    with guard.reading() as session:
        proposed = aliases.propose_alias(library.get_library(session), customer)
    st.caption(_("Outside, the customer is spoken of by this name. It must not tell who it is."))
    hint = _("Left empty, it is: {alias}").format(alias=proposed)
    alias = st.text_input(
        _("Alias for outside use"),
        value=customer.alias or "",
        max_chars=aliases.MAX_ALIAS,
        key=guard.key("alias"),
        placeholder=proposed,
        help=feedback.escape(hint),
    )
    if forms.decide(_("Save")):
        with feedback.attempt() as outcome, guard.acting() as session:
            aliases.set_alias(session, guard.actor(), customer.id, alias, seen={"alias": customer.alias})
        if outcome.succeeded:
            feedback.later(_("The alias was saved."))
            st.rerun()


def make_sheet(customer: View) -> None:
    """Choose what the sheet holds and say what it is for; then it can be downloaded."""
    with guard.reading() as session:
        entries = library.get_library(session)
    titles = {name: forms.label_of(field) for name, field in outside_sheet.shareable_fields(entries).items()}
    titles |= {name: _(label) for name, label in outside_sheet.PEOPLE.items()}
    st.markdown(feedback.escape(_("The sheet calls the customer “{alias}”.").format(alias=aliases.alias_of(entries, customer))))
    st.caption(_("Never on it: name, identity number, street address, credit code. Read free texts through before you pass the sheet on."))
    chosen = st.multiselect(
        _("What the sheet holds"),
        list(titles),
        default=[name for name in outside_sheet.USUAL if name in titles],
        format_func=lambda name: titles[name],
        key=guard.key("sheet_fields"),
        placeholder=_("Choose"),
    )
    reason = st.text_input(
        forms.required(_("Whom is it for, and why?")),
        max_chars=300,
        key=guard.key("sheet_reason"),
        placeholder=_("It stands at the foot of the sheet and in the audit log."),
    )
    if forms.decide(_("Make the sheet"), icon=":material/picture_as_pdf:", back=_("Close")):
        with feedback.attempt() as outcome, guard.acting() as session:
            content = outside_sheet.make_sheet(session, guard.actor(), customer.code, chosen, reason=reason)
        if outcome.succeeded:
            st.success(_("The sheet is ready; it was noted in the audit log."), icon=":material/check_circle:")
            st.download_button(
                _("Download PDF"),
                content,
                file_name=_("customer sheet") + f"-{customer.code[-6:]}.pdf",
                mime="application/pdf",
                key="sheet_download",
                icon=":material/download:",
                type="primary",
                on_click="ignore",
            )
