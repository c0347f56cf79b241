"""A pivot as a chart and a table with its totals, and the dialog that takes it out as a workbook."""

from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from crm_core.i18n import _
from crm_core.services.insight.board import Kind, Unit, Value
from crm_core.services.pivots.export import LONGEST_REASON, export_pivot
from crm_core.services.pivots.pivot import TOTAL, Pivot, PivotQuery
from crm_core.services.reports.order import MEDIA_TYPES, Format
from ui import chart_head, feedback, forms, guard
from ui.board_charts import PLAIN, figure_of

NUMBERS = {Unit.COUNT: "%,d", Unit.MONEY: "¥%,.2f", Unit.SCORE: "%.2f"}
MOST_IN_VIEW, LONGEST_TABLE = 25, 800


def draw(pivot: Pivot, title: str) -> None:
    """The chart, what was left out, and the table."""
    with st.container(border=True):
        if pivot.chart.kind is Kind.BARS:
            chart_head.draw("ranking_pivot", pivot.chart, title, has_table=False)
        else:
            st.subheader(feedback.escape(title), anchor=False)
            st.plotly_chart(figure_of(pivot.chart), key="chart_pivot", alt=title, **PLAIN)
    if pivot.note:
        st.warning(pivot.note, icon=":material/content_cut:")
    columns = pivot.chart.columns
    names = ["label", *(f"column{place}" for place in range(len(columns)))]  # two people may have one name
    rows = [_row(point.label, point.values) for point in pivot.chart.points]
    rows.append(_row(_(TOTAL), pivot.totals))
    config: dict[str, Any] = {"label": st.column_config.TextColumn(pivot.chart.category, pinned=True)}
    for name, column in zip(names[1:], columns, strict=True):
        config[name] = st.column_config.NumberColumn(column.label, format=NUMBERS[column.unit])
    height: Any = "content" if len(rows) <= MOST_IN_VIEW else LONGEST_TABLE
    st.dataframe(
        pd.DataFrame(rows, columns=names),
        hide_index=True,
        column_config=config,
        width="content" if len(columns) == 1 else "stretch",  # one number stays beside its name
        height=height,
        placeholder="—",
        key="pivot_table",
    )


def _row(label: str, values: tuple[Value, ...]) -> list[str | float | int | None]:
    return [label, *(float(value) if isinstance(value, Decimal) else value for value in values)]


def ask_export(query: PivotQuery) -> None:
    """Open the dialog."""
    guard.dialog(_("Export pivot"), _export, query)


def _export(query: PivotQuery) -> None:
    reason = st.text_input(
        forms.required(_("What is it for?")),
        max_chars=LONGEST_REASON,
        key=guard.key("pivot_reason"),
        placeholder=_("It stands in the workbook and in the audit log."),
    )
    if forms.decide(_("Make the workbook"), icon=":material/table_view:", back=_("Close")):
        with feedback.attempt() as outcome, guard.acting() as session:
            content = export_pivot(session, guard.actor(), query, reason=reason)
        if outcome.succeeded:
            st.success(_("The workbook is ready; it was noted in the audit log."), icon=":material/check_circle:")
            st.download_button(
                _("Download"),
                content,
                file_name=_("pivot") + ".xlsx",
                mime=MEDIA_TYPES[Format.EXCEL],
                key="pivot_download",
                icon=":material/download:",
                type="primary",
                on_click="ignore",
            )
