"""The filters of the tickets; every choice stands in the address."""

from collections.abc import Callable

import streamlit as st

from crm_core.i18n import N_, _
from crm_core.models import TICKET_PRIORITIES, TICKET_STATES, TICKET_TYPES, TicketState
from crm_core.models.ticket import SOLVED, UNSOLVED
from crm_core.permissions import Actor, Permission
from crm_core.services.library import Library
from crm_core.services.ticket_list import NOBODY, TicketQuery
from ui import address, customer_filters, narrowing
from ui.parameters import AnyOf, Number, OneOf, Parameter, Switch

PAGE = "tickets"
MINE, UNASSIGNED, EVERY = "mine", "unassigned", "all"
VIEWS = {MINE: N_("My tickets"), UNASSIGNED: N_("Nobody has them"), EVERY: N_("All tickets")}
OPEN, DONE = "open", "done"
STATES = {OPEN: N_("Not resolved"), **TICKET_STATES, DONE: N_("Resolved or closed"), EVERY: N_("In any state")}
_SPANS = {OPEN: UNSOLVED, DONE: SOLVED, EVERY: tuple(TicketState)}
FIELDS = ("tickets_type", "tickets_priority", "tickets_category", "tickets_handler", "tickets_overdue")
"""What stands in the popover."""


class Filters:
    """What can be chosen now, and the query it makes; `people` are those who have tickets."""

    def __init__(self, actor: Actor, library: Library, people: dict[int, str]) -> None:
        self.actor, self.people, self.library = actor, people, library
        self.works = actor.can(Permission.TICKET_WRITE)
        self.categories = {one.code: one.label for one in library.by_category.get("ticket_category", ()) if not one.merged_into}
        self.parameters: dict[str, Parameter] = {
            "tickets_view": OneOf(MINE if self.works else EVERY, codes=VIEWS if self.works else (EVERY,)),
            "tickets_q": Parameter(),
            "tickets_state": OneOf(OPEN, codes=STATES),
            "tickets_type": AnyOf(codes=lambda: TICKET_TYPES),
            "tickets_priority": AnyOf(codes=lambda: TICKET_PRIORITIES),
            "tickets_category": AnyOf(codes=lambda: self.categories),
            "tickets_handler": AnyOf(codes=lambda: people),
            "tickets_overdue": Switch(),
            "page": Number(1),
            **narrowing.TICKETS,
        }

    def draw(self, draw_tools: Callable[[], None]) -> TicketQuery:
        """Draw the row, the tools of the list at its end, and return the query it describes."""
        address.restore(PAGE, self.parameters)
        with st.container(horizontal=True, vertical_alignment="center", key="list_filters"):
            with st.container(key="list_search", width=224):
                st.text_input(
                    _("Search tickets"),
                    key="tickets_q",
                    label_visibility="collapsed",
                    icon=":material/search:",
                    live="150ms",
                    placeholder=_("Title, code, customer"),
                    on_change=customer_filters.first_page,
                )
            if self.works:
                self._draw_views()
            st.selectbox(
                _("State"),
                list(STATES),
                format_func=lambda code: _(STATES[code]),
                key="tickets_state",
                label_visibility="collapsed",
                width=170,
                on_change=customer_filters.first_page,
            )
            self._draw_more()
            draw_tools()
        narrowing.draw(narrowing.TICKETS, self.library, self.people)
        return self.query()

    @property
    def is_mine(self) -> bool:
        """Whether only the viewer's own tickets are asked for."""
        return bool(st.session_state["tickets_view"] == MINE)

    def _draw_views(self) -> None:
        st.segmented_control(
            _("View"),
            list(VIEWS),
            format_func=lambda code: _(VIEWS[code]),
            required=True,
            key="tickets_view",
            label_visibility="collapsed",
            on_change=customer_filters.first_page,
        )

    def _draw_more(self) -> None:
        count = sum(bool(st.session_state.get(key)) for key in FIELDS)
        with st.popover(_("Filters") + (f" ({count})" if count else ""), icon=":material/filter_list:", key="ticket_filters_more"):
            for key, label, labels in (
                ("tickets_type", _("Ticket type"), TICKET_TYPES),
                ("tickets_priority", _("Priority"), TICKET_PRIORITIES),
            ):
                words = {code: _(text) for code, text in labels.items()}
                st.pills(
                    label,
                    list(words),
                    selection_mode="multi",
                    format_func=words.__getitem__,
                    key=key,
                    on_change=customer_filters.first_page,
                )
            self._several(_("Ticket category"), "tickets_category", self.categories)
            self._several(_("Handler"), "tickets_handler", self.people)
            st.toggle(_("Only overdue ones"), key="tickets_overdue", on_change=customer_filters.first_page)
            st.button(_("Clear all filters"), icon=":material/filter_list_off:", type="tertiary", on_click=self.clear, key="tickets_clear")

    def _several(self, label: str, key: str, choices: dict[str, str] | dict[int, str]) -> None:
        st.multiselect(
            label,
            list(choices),
            format_func=lambda code: choices.get(code, ""),
            key=key,
            placeholder=_("Any"),
            on_change=customer_filters.first_page,
        )

    def query(self) -> TicketQuery:
        """The query for what is chosen now."""
        chosen = {name: st.session_state.get(name) for name in self.parameters}
        own = {MINE: (self.actor.id or NOBODY,), UNASSIGNED: (NOBODY,)}.get(chosen["tickets_view"] or EVERY)
        state = chosen["tickets_state"] or OPEN
        return TicketQuery(
            phrase=(chosen["tickets_q"] or "").strip(),
            states=_SPANS.get(state, (state,)),
            types=tuple(chosen["tickets_type"] or ()),
            categories=tuple(chosen["tickets_category"] or ()),
            priorities=tuple(chosen["tickets_priority"] or ()),
            handlers=own or tuple(chosen["tickets_handler"] or ()),
            is_overdue=bool(chosen["tickets_overdue"]),
            entered_from=chosen["tickets_since"],
            entered_until=chosen["tickets_until"],
            scores=narrowing.numbers("tickets_rated"),
            of=narrowing.of_customers(),
            page=int(chosen["page"] or 1),
        )

    def is_active(self) -> bool:
        """Whether anything is searched or filtered within the view."""
        names = [name for name in self.parameters if name not in ("tickets_view", "page")]
        return any(self.parameters[name].write(st.session_state.get(name)) for name in names)

    def clear(self) -> None:
        """Take all filters away, the view stays."""
        for name, parameter in self.parameters.items():
            if name != "tickets_view":
                st.session_state[name] = parameter.read([])

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)
