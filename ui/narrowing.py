"""What a link from a board narrowed a list to: it stands in the address, is told above the rows, and one click takes it away."""

from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

from crm_core.i18n import N_, _, join_words
from crm_core.models import STAGES
from crm_core.reference import regions
from crm_core.services.insight.picks import PICKS
from crm_core.services.library import Library
from crm_core.services.of_customers import OfCustomers
from ui import feedback
from ui.parameters import AnyOf, Day, Parameter, Texts

OF: dict[str, Parameter] = {
    "of_stage": AnyOf(codes=lambda: STAGES),
    "of_source": Texts(),
    "of_province": AnyOf(codes=regions),
}
"""What the customers are whose rows are listed."""
LABELS = {
    "of_stage": N_("Customer type"),
    "of_source": N_("Customer source"),
    "of_province": N_("Province"),
    "product": N_("Product"),
    "opp_people": N_("Owner"),
    "opp_opened_from": N_("Opened from"),
    "opp_opened_until": N_("Opened until"),
    "opp_closed_from": N_("Closed from"),
    "opp_closed_until": N_("Closed until"),
    "opp_loss": N_("Why it was lost"),
    "tickets_since": N_("Entered from"),
    "tickets_until": N_("Entered until"),
    "tickets_rated": N_("Satisfaction"),
    "of": N_("Board"),
}
OPPORTUNITIES: dict[str, Parameter] = {
    **OF,
    "opp_people": Texts(),
    "opp_opened_from": Day(),
    "opp_opened_until": Day(),
    "opp_closed_from": Day(),
    "opp_closed_until": Day(),
    "opp_loss": Parameter(),
}
TICKETS: dict[str, Parameter] = {**OF, "tickets_since": Day(), "tickets_until": Day(), "tickets_rated": Texts()}
CONTRACTS: dict[str, Parameter] = {**OF, "product": Parameter()}


def of_customers() -> OfCustomers:
    """The customers whose rows are listed, as chosen now."""
    return OfCustomers(*(tuple(st.session_state.get(name) or ()) for name in OF))


def numbers(name: str) -> tuple[int, ...]:
    """A choice of numbers; what is none is left out."""
    return tuple(int(text) for text in st.session_state.get(name) or () if text.isdecimal())


def draw(names: Collection[str], library: Library, people: Mapping[int, str]) -> None:
    """Tell what was narrowed, with a button that takes it away; nothing where nothing was."""
    chosen = {name: st.session_state.get(name) for name in names if st.session_state.get(name)}
    if not chosen:
        return
    told = [" ".join((_(LABELS[name]), _worded(name, value, library, people))) for name, value in chosen.items()]
    with st.container(horizontal=True, vertical_alignment="center", key="narrowing"):
        st.markdown(f":material/filter_alt: {feedback.escape(join_words(told))}")
        st.button(
            _("Show all again"), icon=":material/close:", type="tertiary", on_click=_clear, args=(tuple(chosen),), key="narrowing_clear"
        )


def _worded(name: str, value: Any, library: Library, people: Mapping[int, str]) -> str:
    if name == "of_stage":
        return join_words(_(STAGES[code]) for code in value)
    if name == "of_province":
        return join_words(regions()[code].label for code in value)
    if name == "opp_people":
        return join_words(people.get(number, "") for number in numbers(name))
    if name == "of":
        return pick_words(value, library)
    if isinstance(value, list):
        return join_words(library.label(code) for code in value)
    return library.label(value) if isinstance(value, str) else str(value)


def pick_words(text: str, library: Library) -> str:
    """A pick in words, with its days."""
    name, *arguments = text.split(":")
    label = _(PICKS[name][0]) if name in PICKS else _("nobody")
    if name == "missing" and arguments:
        field = library.fields.get(arguments[0])
        return f"{label} ({field.title})" if field else label
    if name == "entered" and arguments:
        arguments = [_(STAGES[arguments[0]]) if arguments[0] in STAGES else "", *arguments[1:]]
    days = [one for one in arguments if not one.isdecimal()]
    return f"{label} ({' – '.join(days)})" if days else label


def _clear(names: Collection[str]) -> None:
    for name in names:
        st.session_state[name] = None
