"""The contracts of a customer as a table, and what they come to."""

import pandas as pd
import streamlit as st

from crm_core.i18n import _, format_date, format_money
from crm_core.services import contracts
from ui import feedback, guard
from ui.feedback import escape


def draw(customer_id: int, names: dict[int, str]) -> None:
    """The latest contracts first."""
    with guard.reading() as session:
        found = contracts.list_contracts(session, guard.actor(), customer_id)
    if found.agreed is None:
        hint = _("A contract is recorded when the customer is won: More, Change type.")
        feedback.empty_state("contract", _("No contracts yet"), hint)
        return
    frame = pd.DataFrame(
        {
            _("Contract number"): row.number,
            _("Product or service"): row.product,
            _("Contract amount"): format_money(row.amount),
            _("Signed on"): format_date(row.signed_on),
            _("Owner"): names.get(row.owner_id or 0, "—"),
        }
        for row in found.rows
    )
    st.dataframe(
        frame,
        hide_index=True,
        lazy=False,
        alt=_("Contracts"),
        column_config={_("Contract amount"): st.column_config.TextColumn(alignment="right")},
    )
    told = _("{count} contracts, {amount} in all").format(count=found.agreed.count, amount=format_money(found.agreed.amount))
    if found.agreed.count > len(found.rows):
        told += " · " + _("the latest {count} are shown").format(count=len(found.rows))
    st.caption(escape(told))
