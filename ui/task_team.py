"""The team: what each person has to do; a click on a name lists their tasks."""

from typing import Any

import pyarrow as pa
import streamlit as st

from crm_core.i18n import _
from crm_core.services import task_views
from ui import feedback, guard, task_filters
from ui.tables import ROW_HEIGHT, height_of


def draw() -> None:
    """A table with a row a person, those with the most overdue tasks first."""
    with guard.reading() as session:
        loads = task_views.by_person(session, guard.actor())
    if not loads:
        feedback.empty_state("groups", _("Nobody has an open task"), _("Add a task for somebody, or plan the next step of a follow-up."))
        return
    st.session_state["team_people"] = [load.user_id for load in loads]
    rows = [
        {
            "name": f":material/chevron_right: {load.name}",
            "overdue": load.overdue,
            "today": load.today,
            "week": load.this_week,
            "open": load.open,
        }
        for load in loads
    ]
    st.dataframe(
        pa.Table.from_pylist(rows),
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=height_of(len(rows)),
        lazy=False,
        placeholder="",
        column_config=_columns(),
        alt=_("Open tasks by person"),
        key="team_rows",
    )


def _columns() -> dict[str, Any]:
    column = st.column_config
    titles = {"overdue": _("Overdue"), "today": _("Today"), "week": _("Next 7 days"), "open": _("Open tasks")}
    name = column.ButtonColumn(_("Person"), type="tertiary", alignment="left", width=150, key="team_person", on_click=_show)
    return {"name": name} | {key: column.NumberColumn(title, width=84) for key, title in titles.items()}


def _show() -> None:
    task_filters.show_person(st.session_state["team_people"][st.session_state["team_person"]["row"]])
