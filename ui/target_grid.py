"""The grid in which targets are set: a row for each person and team, a column for each month of the year."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from crm_core.errors import Conflict
from crm_core.i18n import N_, _, month_name, plural
from crm_core.models import MEASURES_OF_TARGETS
from crm_core.services import targets
from crm_core.services.targets import MONTHS, Row, Year
from ui import feedback, guard
from ui.target_filters import Chosen

STATE = "target_grid"
WIDTH = 86
"""Of a month, in pixels: seven digits fit, and all months stand beside each other on a desk."""


def draw(year: Year, chosen: Chosen) -> None:
    """The targets of the year as they were when somebody began to type; what is typed is saved together."""
    state = _state(year, chosen)
    title = _("Set targets for {year}: {measure}").format(year=chosen.year, measure=_(MEASURES_OF_TARGETS[chosen.measure]))
    st.subheader(title, anchor=False)
    st.caption(_("In yuan. An empty month has no target; a team's empty month is the sum of its people."))
    labels = {str(month): month_name(month) for month in MONTHS}
    config: dict[str, Any] = {
        code: st.column_config.NumberColumn(label, min_value=0, step=0.01, format="localized", width=WIDTH)
        for code, label in labels.items()
    }
    config["name"] = st.column_config.TextColumn(_("Name"), disabled=True, pinned=True)
    st.data_editor(_frame(state["rows"]), hide_index=True, num_rows="fixed", placeholder="", column_config=config, key=_key(chosen, state))
    if st.button(_("Save targets"), type="primary", icon=":material/check:", key="targets_save"):
        _save(chosen, state)


def _state(year: Year, chosen: Chosen) -> dict[str, Any]:
    """The rows that are edited: read anew until something was typed."""
    state: dict[str, Any] = st.session_state.setdefault(STATE, {"turn": 0, "asked": None, "rows": []})
    asked = (chosen.year, chosen.measure)
    if state["asked"] != asked or not _edited(chosen, state):
        state.update(asked=asked, rows=[*year.teams, *year.people])
    return state


def _key(chosen: Chosen, state: Mapping[str, Any]) -> str:
    return f"target_grid_{chosen.year}_{chosen.measure}~{state['turn']}"


def _edited(chosen: Chosen, state: Mapping[str, Any]) -> Mapping[int, Mapping[str, Any]]:
    """What was typed, by the place of the row."""
    found: Mapping[int, Mapping[str, Any]] = st.session_state.get(_key(chosen, state), {}).get("edited_rows", {})
    return found


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    lines = [{"name": row.name} | {str(month): _number(row.own.get(month)) for month in MONTHS} for row in rows]
    return pd.DataFrame(lines, columns=["name", *map(str, MONTHS)]).astype({str(month): "float64" for month in MONTHS})


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _save(chosen: Chosen, state: dict[str, Any]) -> None:
    rows: Sequence[Row] = state["rows"]
    changes = {
        rows[int(place)].holder: {int(month): value for month, value in cells.items()} for place, cells in _edited(chosen, state).items()
    }
    seen = {row.holder: row.own for row in rows}
    with feedback.attempt(show=False) as outcome, guard.acting() as session:
        count = targets.save_targets(session, guard.actor(), chosen.year, chosen.measure, changes, seen=seen)
    if outcome.succeeded:
        _begin_anew(state, plural(count, N_("{count} target was changed."), N_("{count} targets were changed.")).format(count=count))
    if isinstance(outcome.error, Conflict):
        _begin_anew(state, _("Somebody else changed these targets meanwhile. Here is what they are now; enter yours once more."))
    if outcome.error:
        feedback.explain(outcome.error)


def _begin_anew(state: dict[str, Any], message: str) -> None:
    state["turn"] += 1
    feedback.later(message)
    st.rerun(scope="app")
