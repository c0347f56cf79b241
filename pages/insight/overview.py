"""数据看板: the boards, one at a time or one after the other on a wall; they follow what others do within seconds."""

import streamlit as st

from crm_core.i18n import _
from crm_core.permissions import Permission
from crm_core.services import library, teams
from crm_core.services.insight import boards
from crm_core.services.insight.question import Question
from ui import feedback, guard, header, insight_filters, insight_view, insight_wall

guard.page(Permission.DASHBOARD_READ)
header.title(_("Dashboards"))


def read_choices() -> insight_filters.Choices:
    """What the filters offer."""
    with guard.reading() as session:
        actor = guard.actor()
        people, places = boards.people_in_view(session, actor), teams.teams_in_view(session, actor)
        return insight_filters.Choices(boards.boards_for(actor), people, places, library.get_library(session))


@guard.fragment(run_every=5)
def draw_boards() -> None:
    """The filters and the board that they ask for; only this part runs again when one changes, and to follow what others do."""
    filters = insight_filters.Filters(read_choices())
    filters.restore()
    if not filters.is_wall:
        filters.draw()
    question = filters.question()
    filters.keep()
    if question is None:
        feedback.empty_state("date_range", _("These days end before they begin"), _("Choose a last day that lies after the first."))
        return
    with st.container(key="board_wall" if filters.is_wall else "board_page"):
        draw_board(filters.board, question, is_wall=filters.is_wall)


def draw_board(key: str, question: Question, *, is_wall: bool) -> None:
    """Computed again only when something changed that it shows."""
    if is_wall:
        key = insight_wall.draw_head(boards.boards_for(guard.actor()))
    with guard.reading() as session:
        board = boards.answer(session, guard.actor(), key, question)
    insight_view.draw(board, boards.BOARDS[key], question.period, question.compared_period, is_wall=is_wall)


draw_boards()
