"""The filters of all contracts; every choice stands in the address."""

import streamlit as st

from crm_core.i18n import N_, _, plural
from crm_core.models import CONTRACT_STATES
from crm_core.services.contract_views import ENDING_DAYS, ContractQuery
from crm_core.services.library import Library
from ui import address, customer_filters, forms, narrowing
from ui.parameters import AnyOf, Day, Number, OneOf, Parameter, Switch

PAGE = "contracts"
SORTS = {"signed": N_("Latest signed"), "amount": N_("Largest amount"), "ends": N_("Ends first")}
SPANS = (30, 60, 90, 180)


class Filters:
    """What can be chosen now, and the query it makes; `people` by id."""

    def __init__(self, people: dict[int, str], library: Library) -> None:
        self.people, self.library = people, library
        self.parameters: dict[str, Parameter] = {
            "q": Parameter(),
            "owner": AnyOf(codes=lambda: people),
            "state": OneOf(None, CONTRACT_STATES),
            "days": Number(ENDING_DAYS),
            "from": Day(),
            "until": Day(),
            "overdue": Switch(),
            "sort": OneOf("signed", SORTS),
            "page": Number(1),
            **narrowing.CONTRACTS,
        }

    def draw(self) -> ContractQuery:
        """Draw the filters and return the query they describe."""
        address.restore(PAGE, self.parameters)
        with st.container(key="list_filters"):
            with st.grid(5, min_column_width=150):
                st.text_input(
                    _("Search contracts"),
                    key="q",
                    placeholder=_("Number, customer, product"),
                    live="150ms",
                    on_change=customer_filters.first_page,
                )
                st.multiselect(
                    _("Contract owner"),
                    list(self.people),
                    format_func=lambda number: self.people.get(number, ""),
                    key="owner",
                    placeholder=_("Any"),
                    on_change=customer_filters.first_page,
                )
                self._draw_state()
                for name, label in (("from", _("Signed from")), ("until", _("Signed until"))):
                    forms.enter_day(label, name, on_change=customer_filters.first_page)
            self._draw_more()
            narrowing.draw(narrowing.CONTRACTS, self.library, self.people)
        return self.query()

    def _draw_state(self) -> None:
        st.selectbox(
            _("State"),
            list(CONTRACT_STATES),
            index=None,
            format_func=lambda code: _(CONTRACT_STATES[code]),
            key="state",
            placeholder=_("All in force"),
            on_change=customer_filters.first_page,
        )

    def _draw_more(self) -> None:
        with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
            st.toggle(_("Payments overdue"), key="overdue", on_change=customer_filters.first_page)
            st.selectbox(
                _("Order"),
                list(SORTS),
                format_func=lambda code: _(SORTS[code]),
                key="sort",
                label_visibility="collapsed",
                width=180,
                on_change=customer_filters.first_page,
            )
            if st.session_state.get("state") == "ending":
                spans = sorted({*SPANS, int(st.session_state.get("days") or ENDING_DAYS)})
                st.selectbox(
                    _("Ending soon"),
                    spans,
                    format_func=lambda days: plural(days, N_("within {days} day"), N_("within {days} days")).format(days=days),
                    key="days",
                    label_visibility="collapsed",
                    width=180,
                    on_change=customer_filters.first_page,
                )

    def query(self) -> ContractQuery:
        """The query for what is chosen now."""
        chosen = {name: st.session_state.get(name) for name in self.parameters}
        return ContractQuery(
            phrase=(chosen["q"] or "").strip(),
            owners=tuple(chosen["owner"] or ()),
            state=chosen["state"] or "",
            ending_days=int(chosen["days"] or ENDING_DAYS),
            signed_from=chosen["from"],
            signed_until=chosen["until"],
            is_overdue=bool(chosen["overdue"]),
            sort=chosen["sort"] or "signed",
            product=chosen["product"] or "",
            of=narrowing.of_customers(),
            page=int(chosen["page"] or 1),
        )

    def clear(self) -> None:
        """Take all filters away."""
        for name, parameter in self.parameters.items():
            st.session_state[name] = parameter.read([])

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)
