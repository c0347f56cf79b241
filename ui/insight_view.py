"""A board on the page: its figures as cards, its charts with their tables, and links from each of them to the rows behind it."""

import streamlit as st

from crm_core.i18n import _, join_sentences
from crm_core.services.insight.board import Board, Chart, Kind
from crm_core.services.insight.boards import BoardType
from crm_core.services.insight.definitions import SCOPE
from crm_core.services.insight.question import Period
from ui import board_words, chart_head, feedback, figure_cards, routes
from ui.board_charts import PLAIN, SELECTABLE, figure_of


def draw(board: Board, kind: BoardType, period: Period, compared: Period | None, *, is_wall: bool) -> None:
    """The whole board; what it lacks, with the reason."""
    if board.missing:
        feedback.empty_state(kind.icon, _("Nothing to show"), _(board.missing))
        return
    figure_cards.draw(board.key, board.figures, compared, is_linked=not is_wall)
    with st.grid(2, min_column_width=340):
        for chart in board.charts:
            _draw_chart(board.key, chart, has_table=not is_wall)  # there nobody stands
    st.caption(join_sentences(_(SCOPE), _told_days(period, compared)))


def _told_days(period: Period, compared: Period | None) -> str:
    told = _("Days: {days}.").format(days=board_words.days(period))
    if compared is None:
        return told
    return join_sentences(told, _("Compared with {days}.").format(days=board_words.days(compared)))


def _draw_chart(board: str, chart: Chart, *, has_table: bool) -> None:
    key = f"chart_{board}_{chart.key}"
    with st.container(border=True, key=f"card_{key}"):
        chart_head.draw(f"head_{key}", chart, _(chart.title), has_table=has_table)
        if not chart.has_values:
            st.caption(_("In these days there is nothing to draw here."))
            return
        if chart.kind is not Kind.BARS:
            _draw_plot(chart, key)
        if chart.note:
            st.caption(_(chart.note))


def _draw_plot(chart: Chart, key: str) -> None:
    figure, title = figure_of(chart), _(chart.title)
    if chart.kind not in SELECTABLE:
        st.plotly_chart(figure, key=key, alt=title, **PLAIN)
        return
    event = st.plotly_chart(figure, key=key, alt=title, on_select="rerun", selection_mode="points", **PLAIN)
    for chosen in event.selection.points:
        behind = chart.points[int(chosen["point_index"])].behind
        if behind:
            st.switch_page(routes.file_of(behind.page), query_params=list(behind.query))
