"""The page behind the code at the entrance of a campaign; visitors open it on their phones without an account."""

import streamlit as st

from crm_core.i18n import _
from ui import check_in_form, feedback, header

entrance = check_in_form.entrance()
header.title(_("Check-in"))
if entrance is None:
    hint = _("It is open on the days of the event only. Please turn to the reception.")
    feedback.empty_state("event_busy", _("The check-in is not open"), hint)
    st.stop()
check_in_form.draw(entrance)
