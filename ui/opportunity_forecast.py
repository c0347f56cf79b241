"""The forecast: what is expected in each month, as bars and as a table."""

import pyarrow as pa
import streamlit as st

from crm_core.i18n import _, format_money
from crm_core.services import forecast
from crm_core.services.forecast import BEFORE, LATER, Month
from crm_core.services.opportunity_views import OpportunityQuery
from ui import charts, feedback, guard
from ui.tables import ROW_HEIGHT, height_of


def draw(query: OpportunityQuery) -> None:
    """The months from this one on; before and after stand in rows of their own."""
    with guard.reading() as session:
        months = forecast.forecast(session, guard.actor(), owners=query.owners or None, of=query.of)
    if not any(row.open_count or row.won_amount for row in months):
        hint = _("The forecast adds up the amounts of opportunities by the month in which they are expected.")
        feedback.empty_state("query_stats", _("Nothing is expected yet"), hint)
        return
    charts.forecast_bars([(row.month, row.won_amount, row.open_amount, row.weighted) for row in months if row.month not in (BEFORE, LATER)])
    rows = [_row(row) for row in [*months, _total(months)]]
    # Not a plain table: on a phone its columns would lie over each other, this one is pushed aside.
    st.dataframe(
        pa.Table.from_pylist(rows),
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=height_of(len(rows)),
        lazy=False,
        alt=_("Expected by month"),
        column_config={name: st.column_config.TextColumn(alignment="right", width=110) for name in list(rows[0])[1:]},
    )
    st.caption(_("Weighted: amount × probability, won ones whole; lost ones are left out. By the month in which they are expected."))


def _total(months: list[Month]) -> Month:
    total = Month("total")
    for row in months:
        total = total.plus(row)
    return total


def _row(row: Month) -> dict[str, str]:
    names = {BEFORE: _("Before, still open"), LATER: _("Later"), "total": _("Together")}
    return {
        _("Month"): names.get(row.month, row.month),
        _("Open opportunities"): f"{row.open_count:,}",
        _("Their amount"): format_money(row.open_amount),
        _("Won amount"): format_money(row.won_amount),
        _("Weighted"): format_money(row.weighted.quantize(0)),
    }
