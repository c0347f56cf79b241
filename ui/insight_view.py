"""A board on the page: its figures as cards, its charts with their tables, and links from each of them to the rows behind it."""

from html import escape as escape_html

import streamlit as st

from crm_core.i18n import _, join_sentences
from crm_core.services.insight.board import Board, Chart, Kind
from crm_core.services.insight.boards import BoardType
from crm_core.services.insight.definitions import SCOPE
from crm_core.services.insight.question import Period
from crm_core.services.insight.words import column_label, point_label
from ui import board_words, feedback, figure_cards, ranking, routes
from ui.board_charts import PLAIN, SELECTABLE, figure_of
from ui.feedback import escape

MOST_LINKS = 60


def draw(board: Board, kind: BoardType, period: Period, compared: Period | None, *, is_wall: bool) -> None:
    """The whole board; what it lacks, with the reason."""
    if board.missing:
        feedback.empty_state(kind.icon, _("Nothing to show"), _(board.missing))
        return
    figure_cards.draw(board.key, board.figures, compared, is_linked=not is_wall)
    with st.grid(2, min_column_width=340):
        for chart in board.charts:
            _draw_chart(board.key, chart)
    st.caption(join_sentences(_(SCOPE), _told_days(period, compared)))


def _told_days(period: Period, compared: Period | None) -> str:
    told = _("Days: {days}.").format(days=board_words.days(period))
    if compared is None:
        return told
    return join_sentences(told, _("Compared with {days}.").format(days=board_words.days(compared)))


def _draw_chart(board: str, chart: Chart) -> None:
    key = f"chart_{board}_{chart.key}"
    with st.container(border=True, key=f"card_{key}"):
        _draw_head(chart, key)
        more = st.popover(_("Table"), icon=":material/table_rows:", key=f"table_{key}", on_change="rerun", type="tertiary")
        if more.open:
            with more:
                _draw_table(chart)
        if not chart.has_values:
            st.caption(_("In these days there is nothing to draw here."))
            return
        if chart.kind is not Kind.BARS:
            _draw_plot(chart, key)
        if chart.note:
            st.caption(_(chart.note))


def _draw_head(chart: Chart, key: str) -> None:
    """The title, which a ranking has in it. Streamlit's own would take the browser as long as the lines of a ranking."""
    title = _(chart.title)
    if chart.kind is Kind.BARS and chart.has_values:
        ranking.draw(key, chart, title)
    else:
        st.html(f'<h3 class="chart_title">{escape_html(title)}</h3>')


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


def _draw_table(chart: Chart) -> None:
    """The definition, and every point with its values and a link to its rows."""
    if chart.definition:
        st.markdown(board_words.definition(chart.definition))
    headings = [_(chart.category), *(column_label(column) for column in chart.columns)]
    lines = [f"| {' | '.join(map(_cell, headings))} |", f"|{'---|' * len(headings)}"]
    for point in chart.points:
        name = point_label(point)
        shown = f"{_before(point.parent)}{name}"
        values = [board_words.worded(value, column.unit) for value, column in zip(point.values, chart.columns, strict=True)]
        lines.append(f"| {' | '.join((_cell(shown), *map(_cell, values)))} |")
    with st.container(height=320 if len(chart.points) > 8 else "content"):
        st.markdown("\n".join(lines))
    _draw_links(chart)


def _before(parent: str) -> str:
    return f"{parent} · " if parent else ""


def _cell(text: str) -> str:
    return escape(text).replace("|", "\\|")


def _draw_links(chart: Chart) -> None:
    linked = [point for point in chart.points if point.behind and any(point.values)][:MOST_LINKS]
    if not linked:
        return
    st.caption(_("Show the rows behind:"))
    with st.container(horizontal=True, gap="small"):
        for point in linked:
            if point.behind:
                behind = point.behind
                st.page_link(routes.file_of(behind.page), label=escape(point_label(point)), query_params=list(behind.query))
