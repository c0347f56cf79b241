"""Which year, month and measure the targets show; the choice stands in the address."""

from dataclasses import dataclass

import streamlit as st

from crm_core import clock
from crm_core.i18n import _, month_name
from crm_core.models import MEASURES_OF_TARGETS
from crm_core.services.targets import FIRST_YEAR, LAST_YEAR, MONTHS
from ui import address
from ui.parameters import Number, OneOf, Parameter

PAGE = "targets"


@dataclass(frozen=True)
class Chosen:
    """A year, one month of it or all (none), and what is measured."""

    year: int
    month: int | None
    measure: str

    @property
    def months(self) -> tuple[int, ...]:
        """The months that count."""
        return (self.month,) if self.month else tuple(MONTHS)


def draw() -> Chosen:
    """Draw the choices and keep them in the address."""
    this_year = clock.today().year
    parameters: dict[str, Parameter] = {"year": Number(this_year), "month": Number(None), "measure": OneOf("signed", MEASURES_OF_TARGETS)}
    address.restore(PAGE, parameters)
    if not FIRST_YEAR <= int(st.session_state.get("year") or 0) <= LAST_YEAR:
        st.session_state["year"] = this_year
    if st.session_state.get("month") not in MONTHS:
        st.session_state["month"] = None
    years = sorted({*range(this_year - 3, this_year + 3), int(st.session_state["year"])}, reverse=True)
    with st.container(horizontal=True, vertical_alignment="bottom", key="target_filters"):
        year = st.selectbox(_("Year"), years, key="year", width=140)
        month = st.selectbox(
            _("Month"),
            list(MONTHS),
            index=None,
            format_func=month_name,
            key="month",
            placeholder=_("Whole year"),
            width=160,
        )
        measure = st.segmented_control(
            _("Measure"), list(MEASURES_OF_TARGETS), format_func=lambda code: _(MEASURES_OF_TARGETS[code]), key="measure", required=True
        )
    address.keep(PAGE, parameters)
    return Chosen(int(year), month, measure or "signed")
