"""The filter row of the tasks; every choice stands in the address."""

from datetime import date, timedelta
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _
from crm_core.models import PRIORITIES, TASK_KINDS, TaskState
from crm_core.permissions import Actor
from crm_core.services import tasks
from crm_core.services.task_views import TaskQuery
from ui import address, forms
from ui.customer_filters import first_page
from ui.parameters import AnyOf, Day, Number, OneOf, Parameter, Switch

PAGE = "tasks"
OWN, GIVEN, EVERYBODY = "own", "given", "all"
LIST, BOARD, TEAM = "list", "board", "team"
SHAPES = {LIST: N_("List"), BOARD: N_("Board"), TEAM: N_("Team")}
STATES = {"open": N_("Open tasks"), "done": N_("Done"), "cancelled": N_("Cancelled")}
PERIODS = {
    "any": N_("Any time"),
    "overdue": N_("Overdue"),
    "today": N_("Today"),
    "week": N_("Next 7 days"),
    "month": N_("Next 30 days"),
    "days": N_("Chosen days"),
}
_AHEAD = {"today": 0, "week": 7, "month": 30}


class Filters:
    """What can be chosen now, and the query it makes. `people` are those in the scope of somebody who leads, else only the viewer."""

    def __init__(self, actor: Actor, people: dict[int, str]) -> None:
        self.actor = actor
        self.leads = tasks.leads(actor)
        self.whose = {OWN: _("My tasks"), GIVEN: _("Given by me to others")}
        if self.leads:
            others = {str(number): name for number, name in people.items() if number != actor.id}
            self.whose |= {EVERYBODY: _("Everybody's tasks")} | others
        self.shapes = [code for code in SHAPES if code != TEAM or self.leads]
        self.parameters: dict[str, Parameter] = {
            "tasks_shape": OneOf(LIST, codes=self.shapes),
            "tasks_whose": OneOf(OWN, codes=self.whose),
            "tasks_state": OneOf("open", codes=STATES),
            "tasks_period": OneOf("any", codes=PERIODS),
            "tasks_q": Parameter(),
            "tasks_priority": AnyOf(codes=PRIORITIES.keys),
            "tasks_kind": AnyOf(codes=TASK_KINDS.keys),
            "tasks_recurring": Switch(),
            "tasks_from": Day(),
            "tasks_until": Day(),
            "page": Number(1),
        }

    def restore(self) -> None:
        """Take over what stands in the address."""
        address.restore(PAGE, self.parameters)

    @property
    def shape(self) -> str:
        """List, board or team."""
        return str(st.session_state.get("tasks_shape") or LIST)

    def draw(self) -> TaskQuery:
        """Draw the row and return the query it describes."""
        with st.container(horizontal=True, vertical_alignment="bottom", key="task_filters"):
            hint = _("Name, description or customer")
            st.text_input(
                _("Search"), key="tasks_q", icon=":material/search:", live="150ms", placeholder=hint, width=230, on_change=first_page
            )
            self._choose(_("Whose"), "tasks_whose", self.whose)
            if self.shape == LIST:
                self._choose(_("State"), "tasks_state", {code: _(label) for code, label in STATES.items()}, width=120)
            self._choose(_("Due"), "tasks_period", {code: _(label) for code, label in PERIODS.items()}, width=140)
            with st.popover(self._more_label(), icon=":material/tune:", key="task_filters_more"):
                self._draw_more()
        if st.session_state.get("tasks_period") == "days":
            with st.container(horizontal=True, vertical_alignment="bottom"):
                for key, label in (("tasks_from", _("From")), ("tasks_until", _("Until"))):
                    forms.enter_day(label, key, width=160, on_change=first_page)
        return self.query()

    def _choose(self, label: str, key: str, labels: dict[str, str], *, width: int = 180) -> None:
        st.selectbox(label, list(labels), format_func=labels.__getitem__, key=key, width=width, on_change=first_page)

    def _more_label(self) -> str:
        count = sum(bool(st.session_state.get(key)) for key in ("tasks_priority", "tasks_kind", "tasks_recurring"))
        return _("More filters") + (f" ({count})" if count else "")

    def _draw_more(self) -> None:
        for key, label, labels in (("tasks_priority", _("Priority"), PRIORITIES), ("tasks_kind", _("Kind"), TASK_KINDS)):
            words = {code: _(text) for code, text in labels.items()}
            st.pills(label, list(words), selection_mode="multi", format_func=words.__getitem__, key=key, on_change=first_page)
        st.toggle(_("Only recurring ones"), key="tasks_recurring", on_change=first_page)

    def query(self) -> TaskQuery:
        """The query for what is chosen now."""
        state = st.session_state
        whose, own = state.get("tasks_whose") or OWN, self.actor.id or 0
        since, until = self._span()
        return TaskQuery(
            phrase=(state.get("tasks_q") or "").strip(),
            assignees=(own,) if whose == OWN else () if whose in (GIVEN, EVERYBODY) else (int(whose),),
            created_by=own if whose == GIVEN else None,
            without=own if whose == GIVEN else None,
            states=_states(state.get("tasks_state")),
            kinds=tuple(state.get("tasks_kind") or ()),
            priorities=tuple(state.get("tasks_priority") or ()),
            is_overdue=state.get("tasks_period") == "overdue",
            recurs=bool(state.get("tasks_recurring")),
            due_from=since,
            due_until=until,
            page=int(state.get("page") or 1),
        )

    def _span(self) -> tuple[date | None, date | None]:
        period = st.session_state.get("tasks_period")
        if period == "days":
            return st.session_state.get("tasks_from"), st.session_state.get("tasks_until")
        return (clock.today(), clock.today() + timedelta(days=_AHEAD[period])) if period in _AHEAD else (None, None)

    def is_active(self) -> bool:
        """Whether more is asked for than one's own open tasks."""
        return any(
            parameter.write(st.session_state.get(name))
            for name, parameter in self.parameters.items()
            if name not in ("tasks_shape", "page")
        )

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)


def _states(chosen: Any) -> tuple[str, ...]:
    return {"done": (TaskState.DONE,), "cancelled": (TaskState.CANCELLED,)}.get(chosen, (TaskState.OPEN, TaskState.DOING))


def show_person(user_id: int) -> None:
    """The list of one person's tasks, from the team; called before the filters are drawn."""
    st.session_state.update(tasks_shape=LIST, tasks_whose=str(user_id))
    first_page()
