"""The opportunities as a board by stage, and what a click or a drag leads to."""

from typing import Any

import streamlit as st

from crm_core.errors import CrmError
from crm_core.i18n import N_, _, format_date, format_money, join_words, plural
from crm_core.models import Outcome
from crm_core.permissions import Permission
from crm_core.services import opportunity_moves, opportunity_views
from crm_core.services.opportunity_views import Column, Listed, OpportunityQuery
from ui import board_view, feedback, guard, opportunity_sheet

KEY = "opportunity_board"
LARGEST = 2**53
"""No number of a record that a browser tells is larger."""
STEPS = {Outcome.WON: "win", Outcome.LOST: "lose"}
"""What is asked when a card is dropped where opportunities end."""


def draw(query: OpportunityQuery) -> None:
    """All columns, and what somebody does in them."""
    with guard.reading() as session:
        columns = opportunity_views.board(session, guard.actor(), query)
    is_movable = guard.actor().can(Permission.OPPORTUNITY_WRITE)
    if problem := st.session_state.pop("opportunity_refused", None):
        feedback.explain(problem)
    result = board_view.draw(KEY, [_column(one) for one in columns], label=_("Opportunities by stage"), is_movable=is_movable)
    if is_movable:
        st.caption(_("Drag a card to another stage, or press Shift and an arrow key on it. Click a card to open it."))
    _answer(result, columns)


def _column(column: Column) -> board_view.Column:
    stage, hidden = column.stage, column.total - len(column.rows)
    notes = [_("Of the last {count} days").format(count=opportunity_views.CLOSED_DAYS)] if stage.outcome != Outcome.OPEN else []
    notes += [] if column.rows else [_("Nothing here.")]
    notes += [_("{count} more stand in the list.").format(count=hidden)] if hidden else []
    total = format_money(column.amount)
    if stage.outcome == Outcome.OPEN and column.rows:
        total = _("{amount} · weighted {weighted}").format(amount=total, weighted=format_money(column.weighted.quantize(0)))
    label = join_words(
        (stage.label, plural(column.total, N_("{count} opportunity"), N_("{count} opportunities")).format(count=column.total), total)
    )
    cards = [_card(row) for row in column.rows]
    return board_view.Column(stage.id, stage.label, str(column.total), total, label, cards, " ".join(notes), stage.outcome)


def _card(row: Listed) -> board_view.Card:
    marks = [board_view.Mark("red", _("Overdue"))] if row.is_overdue else []
    if row.is_rotting:
        since = plural(row.days, N_("{count} day in this stage"), N_("{count} days in this stage")).format(count=row.days)
        marks.append(board_view.Mark("orange", since))
    when = format_date(row.expected_on)
    chance = f"{row.probability}%" if row.is_open else ""
    lines = [row.customer, " · ".join(part for part in (format_money(row.amount), chance) if part), " · ".join((when, row.owner))]
    label = join_words((row.name, *lines, *(mark.text for mark in marks)))
    return board_view.Card(row.id, row.name, lines, label, marks, "rotting" if row.is_rotting else "")


def _answer(result: Any, columns: list[Column]) -> None:
    """What comes from the browser is looked at like everything typed."""
    if isinstance(sent := getattr(result, "opened", None), dict) and isinstance(number := sent.get("id"), int) and 0 < number <= LARGEST:
        opportunity_sheet.open_opportunity(number)
    if isinstance(sent := getattr(result, "moved", None), dict):
        number, seen, target = (sent.get(name) for name in ("id", "from", "to"))
        stages = {column.stage.id: column.stage for column in columns}
        if isinstance(number, int) and 0 < number <= LARGEST and seen in stages and target in stages:
            _move(number, stages[seen], stages[target])


def _move(number: int, seen: Any, target: Any) -> None:
    """Move it, or ask for what a win, a loss or a reopening needs; in any case the board is drawn as it is now."""
    step = STEPS.get(target.outcome, "" if seen.outcome == Outcome.OPEN else "reopen")
    problem: CrmError | None = None
    if step:
        opportunity_sheet.ask_next(number, step, seen=seen.id, target=target.id)
    else:
        with feedback.attempt(show=False) as outcome, guard.acting() as session:
            opportunity_moves.move_opportunity(session, guard.actor(), number, target.id, seen=seen.id)
        problem = outcome.error
        if outcome.succeeded:
            feedback.later(_("Moved to {stage}.").format(stage=target.label))
    st.session_state["opportunity_refused"] = problem
    board_view.turn(KEY)
    guard.again()
