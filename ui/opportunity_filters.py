"""The filter row of the opportunities; every choice stands in the address."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import streamlit as st

from crm_core import clock
from crm_core.i18n import N_, _
from crm_core.models import Outcome
from crm_core.permissions import Actor
from crm_core.services import forecast, opportunities, opportunity_stages, products
from crm_core.services.library import get_library
from crm_core.services.opportunity_views import STATES, OpportunityQuery
from ui import address, guard, narrowing
from ui.customer_filters import first_page
from ui.parameters import AnyOf, Number, OneOf, Parameter, Quantity, Switch

PAGE = "opportunities"
BOARD, LIST, FORECAST = "board", "list", "forecast"
VIEWS = {BOARD: N_("Board"), LIST: N_("List"), FORECAST: N_("Forecast")}
STATE_LABELS = {
    "open": N_("Still open"),
    "won": N_("Won"),
    "lost": N_("Lost"),
    "closed": N_("Won or lost"),
    "all": N_("All"),
    "deleted": N_("In the recycle bin"),
}
ORDERS = {
    "expected": (N_("Expected soonest"), False),
    "amount": (N_("Largest amount"), True),
    "stage": (N_("Longest in the stage"), False),
    "customer": (N_("By customer"), False),
    "name": (N_("By name"), False),
    "created": (N_("Latest entered"), True),
}
"""The orders of the list, and whether each goes downwards."""
EVERYBODY, PAST = "all", "past"
FORECAST_NARROWED = (*narrowing.OF, "opp_people")
"""What counts in the forecast of all that a link can narrow."""


class Filters:
    """What can be chosen now, and the query it makes."""

    def __init__(self, actor: Actor) -> None:
        with guard.reading() as session:
            self.people = people = opportunities.sellers(session, actor)
            self.library = get_library(session)
            self.stages = {one.id: one.label for one in opportunity_stages.list_stages(session) if one.outcome == Outcome.OPEN}
            self.products = {one.id: one.name for one in products.list_offered(session).values()}
        own = {str(actor.id): _("My opportunities")} if actor.id in people else {}
        others = {str(number): name for number, name in people.items() if number != actor.id}
        self.owners = {EVERYBODY: _("Everybody's opportunities")} | own | others
        self.months = {"": _("Any time"), PAST: _("Overdue")} | {month: month for month in forecast.months_ahead()}
        self.parameters: dict[str, Parameter] = {
            "opp_view": OneOf(BOARD, codes=VIEWS),
            "opp_q": Parameter(),
            "opp_owner": OneOf(EVERYBODY, codes=self.owners),
            "opp_state": OneOf("open", codes=STATES),
            "opp_month": OneOf("", codes=self.months),
            "opp_stage": AnyOf(codes=self.stages.keys),
            "opp_product": AnyOf(codes=self.products.keys),
            "opp_least": Quantity(None),
            "opp_most": Quantity(None),
            "opp_rotting": Switch(),
            "opp_sort": OneOf("expected", codes=ORDERS),
            "page": Number(1),
            **narrowing.OPPORTUNITIES,
        }

    def restore(self) -> None:
        """Take over what stands in the address."""
        address.restore(PAGE, self.parameters)

    @property
    def view(self) -> str:
        """Board, list or forecast."""
        return str(st.session_state.get("opp_view") or BOARD)

    def draw(self) -> OpportunityQuery:
        """Draw the row and return the query it describes."""
        with st.container(horizontal=True, vertical_alignment="bottom", key="opportunity_filters"):
            if self.view != FORECAST:
                hint = _("Name, code, customer or competitor")
                st.text_input(
                    _("Search"), key="opp_q", icon=":material/search:", live="150ms", placeholder=hint, width=290, on_change=first_page
                )
            if len(self.owners) > 2:
                self._choose(_("Owner"), "opp_owner", self.owners, width=250)
            if self.view == LIST:
                self._choose(_("State"), "opp_state", {code: _(label) for code, label in STATE_LABELS.items()}, width=130)
                self._choose(_("Order"), "opp_sort", {code: _(label) for code, (label, _down) in ORDERS.items()}, width=160)
            if self.view != FORECAST:
                self._choose(_("Expected on"), "opp_month", self.months, width=130)
                with st.popover(self._more_label(), icon=":material/tune:", key="opportunity_filters_more"):
                    self._draw_more()
        narrowing.draw(FORECAST_NARROWED if self.view == FORECAST else narrowing.OPPORTUNITIES, self.library, self.people)
        return self.query()

    def _choose(self, label: str, key: str, labels: dict[str, str], *, width: int = 220) -> None:
        st.selectbox(label, list(labels), format_func=labels.__getitem__, key=key, width=width, on_change=first_page)

    def _more_label(self) -> str:
        keys = ("opp_product", "opp_least", "opp_most", "opp_rotting", *(("opp_stage",) if self.view == LIST else ()))
        count = sum(st.session_state.get(key) not in (None, False, []) for key in keys)
        return _("More filters") + (f" ({count})" if count else "")

    def _draw_more(self) -> None:
        st.toggle(_("Only those too long in their stage"), key="opp_rotting", on_change=first_page)
        if self.view == LIST:
            self._choose_some(_("Stage"), "opp_stage", self.stages)
        self._choose_some(_("Product"), "opp_product", self.products)
        for key, label in (("opp_least", _("Amount from")), ("opp_most", _("Amount up to"))):
            st.number_input(label, value=None, min_value=0.0, step=10_000.0, format="%0.0f", key=key, on_change=first_page)

    def _choose_some(self, label: str, key: str, labels: dict[int, str]) -> None:
        st.multiselect(
            label,
            list(labels),
            format_func=labels.__getitem__,
            key=key,
            placeholder=_("Any"),
            max_selections=1 if key == "opp_product" else None,
            on_change=first_page,
        )

    def query(self) -> OpportunityQuery:
        """The query for what is chosen now."""
        state = st.session_state
        owner, sort = state.get("opp_owner") or EVERYBODY, state.get("opp_sort") or "expected"
        since, until = _span(state.get("opp_month") or "")
        return OpportunityQuery(
            phrase=(state.get("opp_q") or "").strip(),
            state=state.get("opp_state") or "open",
            owners=narrowing.numbers("opp_people") if owner == EVERYBODY else (int(owner),),
            opened_from=state.get("opp_opened_from"),
            opened_until=state.get("opp_opened_until"),
            closed_from=state.get("opp_closed_from"),
            closed_until=state.get("opp_closed_until"),
            loss_reason=state.get("opp_loss") or "",
            of=narrowing.of_customers(),
            stages=tuple(state.get("opp_stage") or ()),
            expected_from=since,
            expected_until=until,
            amount_from=_amount(state.get("opp_least")),
            amount_until=_amount(state.get("opp_most")),
            is_rotting=bool(state.get("opp_rotting")),
            product_id=next(iter(state.get("opp_product") or ()), None),
            sort=sort,
            descending=ORDERS[sort][1],
            page=int(state.get("page") or 1),
        )

    def is_active(self) -> bool:
        """Whether anything is searched or filtered."""
        shape = ("opp_view", "opp_sort", "page")
        return any(parameter.write(st.session_state.get(name)) for name, parameter in self.parameters.items() if name not in shape)

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)


def _amount(chosen: Any) -> Decimal | None:
    return None if chosen is None else Decimal(str(chosen))


def _span(month: str) -> tuple[date | None, date | None]:
    """The days of a month; all that have passed for those that are overdue."""
    if month == PAST:
        return None, clock.today() - timedelta(days=1)
    if not month:
        return None, None
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=32)).replace(day=1)
    return first, following - timedelta(days=1)
