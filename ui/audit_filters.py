"""The filters of the audit log; every choice stands in the address."""

import streamlit as st

from crm_core import clock
from crm_core.i18n import _
from crm_core.models import ACTIONS
from crm_core.services.audit_log import SYSTEM_ITSELF, LogQuery
from crm_core.services.log_names import ENTITIES, NOBODY
from ui import address, customer_filters, forms
from ui.parameters import Day, Number, OneOf, Parameter

PAGE = "audit"


class _Person(Parameter):
    """Somebody by number."""

    def read(self, values: list[str]) -> int | None:
        """The number, or nobody for what is none."""
        return int(values[0]) if values and values[0].isdecimal() and len(values[0]) <= 9 else None


class Filters:
    """What can be chosen now, and the query it makes."""

    def __init__(self, people: dict[int, str]) -> None:
        self.people = {SYSTEM_ITSELF: _(NOBODY)} | people
        self.parameters: dict[str, Parameter] = {
            "person": _Person(None),
            "customer": Parameter(),
            "action": OneOf(None, codes=ACTIONS),
            "entity": OneOf(None, codes=ENTITIES),
            "since": Day(),
            "until": Day(),
            "page": Number(1),
        }

    def draw(self) -> LogQuery:
        """Draw the filters and return the query they describe."""
        address.restore(PAGE, self.parameters)
        if st.session_state.get("person") not in self.people:
            st.session_state["person"] = None
        with st.grid(6, min_column_width=150):
            _choice(_("Who"), "person", self.people)
            st.text_input(_("Customer"), key="customer", placeholder=_("Name or code"), on_change=customer_filters.first_page)
            _choice(_("What happened"), "action", {code: _(label) for code, label in ACTIONS.items()})
            _choice(_("To what"), "entity", {code: _(label) for code, label in ENTITIES.items()})
            for name, label in (("since", _("From day")), ("until", _("Until day"))):
                forms.enter_day(label, name, latest=clock.today(), on_change=customer_filters.first_page)
        return self.query()

    def query(self) -> LogQuery:
        """The query for what is chosen now."""
        chosen = {name: st.session_state.get(name) for name in self.parameters}
        return LogQuery(
            person=chosen["person"],
            customer=(chosen["customer"] or "").strip(),
            action=chosen["action"] or "",
            entity=chosen["entity"] or "",
            since=chosen["since"],
            until=chosen["until"],
            page=int(chosen["page"] or 1),
        )

    def keep(self) -> None:
        """Write the choices into the address."""
        address.keep(PAGE, self.parameters)


def _choice(label: str, key: str, choices: dict[int, str] | dict[str, str]) -> None:
    st.selectbox(
        label,
        list(choices),
        index=None,
        format_func=lambda code: choices[code],
        key=key,
        placeholder=_("Any"),
        on_change=customer_filters.first_page,
    )
