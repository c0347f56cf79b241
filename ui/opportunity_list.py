"""The opportunities as a table: each name opens its dialog."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from crm_core.i18n import N_, _, format_date, format_money, plural
from crm_core.services import opportunity_views
from crm_core.services.opportunity_views import Listed, OpportunityQuery
from ui import feedback, guard, list_footer, opportunity_sheet
from ui.fitting import fitting
from ui.tables import ROW_HEIGHT, height_of

CLICK = "open_opportunity"


def draw(query: OpportunityQuery, *, is_filtered: bool) -> None:
    """One page of the rows with their sums, or what to do where there are none."""
    with guard.reading() as session:
        page = opportunity_views.list_opportunities(session, guard.actor(), query)
    if not page.rows:
        empty = _("No opportunity matches") if is_filtered else _("No opportunities yet")
        hint = _("An opportunity is something that may be sold to a customer, with amount, stage and expected day.")
        feedback.empty_state("trending_up", empty, _("Try fewer words or filters.") if is_filtered else hint)
        return
    count = (
        _("more than {total} opportunities")
        if page.is_capped
        else plural(page.total, N_("{total} opportunity"), N_("{total} opportunities"))
    )
    sums = _("together {amount}, weighted {weighted}").format(
        amount=format_money(page.amount), weighted=format_money(page.weighted.quantize(0))
    )
    draw_table(page.rows)
    list_footer.draw(f"{count.format(total=f'{page.total:,}')} · {sums}", page.pages, page.page, export="opportunities")


def draw_table(rows: Sequence[Listed], *, with_customer: bool = True) -> None:
    """The rows; a click on a name opens the dialog."""
    st.session_state["opportunity_ids"] = [row.id for row in rows]
    with st.container(key="opportunity_table"):
        st.dataframe(
            pa.Table.from_pylist([_row(row, with_customer=with_customer) for row in rows]),
            hide_index=True,
            row_height=ROW_HEIGHT,
            height=height_of(len(rows)),
            lazy=False,
            placeholder="",
            column_config=_columns(with_customer=with_customer),
            alt=_("Opportunities on this page"),
        )
    if number := st.session_state.pop("opportunity_clicked", None):
        opportunity_sheet.open_opportunity(number)


def _row(row: Listed, *, with_customer: bool) -> dict[str, Any]:
    cells: dict[str, Any] = {"name": f":material/chevron_right: {fitting(row.name, 30)}"}
    cells |= {"customer": fitting(row.customer, 28)} if with_customer else {}
    marks = [_("Overdue")] if row.is_overdue else []
    marks += (
        [plural(row.days, N_("{count} day in this stage"), N_("{count} days in this stage")).format(count=row.days)]
        if row.is_rotting
        else []
    )
    return cells | {
        "stage": row.stage,
        "amount": float(row.amount),
        "probability": row.probability,
        "expected": format_date(row.expected_on),
        "owner": row.owner,
        "marks": marks,
    }


def _columns(*, with_customer: bool) -> dict[str, Any]:
    column = st.column_config
    name = column.ButtonColumn(_("Opportunity name"), type="tertiary", alignment="left", width=224, key=CLICK, on_click=_open)
    found: dict[str, Any] = {"name": name}
    found |= {"customer": column.TextColumn(_("Customer"), width=200)} if with_customer else {}
    return found | {
        "stage": column.TextColumn(_("Stage"), width=90),
        "amount": column.NumberColumn(_("Deal amount"), format="¥%,.0f", width=100),
        "probability": column.NumberColumn(_("Probability"), format="%d%%", width=70),
        "expected": column.TextColumn(_("Expected on"), width=96),
        "owner": column.TextColumn(_("Owner"), width=80),
        "marks": column.MultiselectColumn(_("To be minded"), width=240),
    }


def _open() -> None:
    st.session_state["opportunity_clicked"] = st.session_state["opportunity_ids"][st.session_state[CLICK]["row"]]
