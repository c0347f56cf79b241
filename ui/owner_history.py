"""The history of a customer's owners, above its change log."""

import pyarrow as pa
import streamlit as st

from crm_core.i18n import _, format_time
from crm_core.services import owner_history
from ui import guard


def draw(customer_id: int) -> None:
    """Every owner, the latest first; a customer that never changed hands has no table."""
    with guard.reading() as session:
        steps = owner_history.list_owner_steps(session, guard.actor(), customer_id)
    if len(steps) < 2:
        return
    titles = (_("Time"), _("Owner before"), _("Owner after"), _("How"), _("Who"), _("Reason"))
    rows = [(format_time(one.at), one.before, one.after, one.cause, one.author, one.reason) for one in steps]
    st.markdown("**" + _("Owners") + "**")
    with st.container(key="owner_history"):
        st.dataframe(
            pa.Table.from_pylist([dict(zip(titles, row, strict=True)) for row in rows]), hide_index=True, lazy=False, alt=_("Owners")
        )
    st.markdown("**" + _("Changes") + "**")
