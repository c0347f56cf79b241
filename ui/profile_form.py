"""What a user says of themselves, and the language they read."""

import streamlit as st

from crm_core.i18n import LANGUAGES, _
from ui import browser, feedback, guard, header


def draw() -> None:
    """Account and language."""
    actor = guard.actor()
    with st.container(border=True, width=480):
        st.markdown(_("Account") + f": **{feedback.escape(actor.username)}**")
        language = st.segmented_control(
            _("Language"), list(LANGUAGES), format_func=LANGUAGES.get, default=actor.language, key="settings_language", required=True
        )
        if language and language != actor.language:
            browser.redirect(header.change_language(language))
