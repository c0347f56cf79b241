"""The table of customers: one page of rows as people read them, each name opening its customer."""

import unicodedata
from decimal import Decimal
from typing import Any

import pyarrow as pa
import streamlit as st

from crm_core.clock import today
from crm_core.config import settings
from crm_core.fields import Field, Widget, read_value
from crm_core.i18n import _, format_age, language
from crm_core.models import ACTIVITIES, STAGES
from crm_core.permissions import Access
from crm_core.reference import region_label
from crm_core.services import display
from crm_core.services.customer_list import CustomerPage
from crm_core.services.library import Library
from ui import guard, routes
from ui.badges import ACTIVITY_CHART_COLOURS, CHART_COLOURS

ROW_HEIGHT = 36
STATES_WIDTH = {"zh_CN": 148, "en": 204}
STATES_AND_INDUSTRY_WIDTH = 286
REGION_WIDTH = 94
OWN_WIDTH = 120
COLUMN_OF = {"tier": "tier", "region": "province"}
"""The columns of fields that an administrator may hide."""
ACTIVITY_WIDTH = {"zh_CN": 58, "en": 78}
LETTER_WIDTH = 6.6
INCOMPLETE_COLOUR = "#D97706"


def draw(page: CustomerPage, library: Library, owners: dict[int, str]) -> None:
    """Draw a page of the list, without hidden fields, and without the phones where they are hidden from the viewer's role."""
    # Arrow is what the browser gets; the way through pandas took as long as the rest of this function.
    table = pa.Table.from_pylist([_row(row, page, library, owners) for row in page.rows])
    hidden = [column for column, name in COLUMN_OF.items() if name not in library.fields]
    if guard.actor().access_to("phone") is Access.HIDDEN:
        hidden.append("phone")
    table = table.drop_columns(hidden)
    with st.container(key="customer_table"):
        st.dataframe(
            table,
            hide_index=True,
            row_height=ROW_HEIGHT,
            height=ROW_HEIGHT * (len(page.rows) + 1) + 2,
            lazy=False,
            placeholder="",
            column_config=_columns() | {name: _own_column(field) for name, field in library.listed.items()},
            alt=_("Customers on this page"),
        )
    st.session_state["listed_codes"] = [row.code for row in page.rows]


def _open() -> None:
    # Before anything of the list is drawn again: the page is left.
    click = st.session_state["open_customer"]
    st.switch_page(routes.CUSTOMER, query_params={"code": st.session_state["listed_codes"][click["row"]]})


def _row(row: Any, page: CustomerPage, library: Library, owners: dict[int, str]) -> dict[str, Any]:
    contact = page.contacts.get(row.id)
    states = [_(STAGES[row.stage])] + ([_("Incomplete")] if row.is_incomplete else [])
    return {
        "name": f":material/chevron_right: {row.name}",
        "stage": states,
        "tier": row.tier or "",
        "activity": [_(ACTIVITIES[row.activity])] if row.activity else [],
        "code": row.code,
        "industry": _fitting(library.division_label(row.industry) or row.industry_text or "", _industry_width()),
        "region": _fitting(region_label(row.city or row.province), REGION_WIDTH),
        "contact": contact.name if contact else "",
        "phone": (contact.phone or "") if contact else "",
        "owner": _("Pool") if row.pooled_at else owners.get(row.owner_id, ""),
        "amount": float(row.cooperation_amount) if row.cooperation_amount is not None else None,
        "created": format_age(row.created_at.astimezone(settings().timezone).date(), today()),
        **{name: _own_cell(field, row, library) for name, field in library.listed.items()},
    }


def _own_cell(field: Field, row: Any, library: Library) -> str | float | None:
    value = read_value(row, field)
    return float(value) if isinstance(value, Decimal) else display.show(field, value, library) or None


def _states_width() -> int:
    return STATES_WIDTH[language()]


def _industry_width() -> int:
    # The states are longer in English; together the columns fill a screen of 1440 pixels.
    return STATES_AND_INDUSTRY_WIDTH - _states_width()


def _fitting(text: str, width: int) -> str:
    """A text that is too wide for its column ends in an ellipsis; the table itself would cut through a letter."""
    room = (width - 18) / LETTER_WIDTH
    for place, letter in enumerate(text):
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[: max(place - 1, 1)] + "…"
    return text


def _columns() -> dict[str, Any]:
    column = st.column_config
    states = {_(label): ACTIVITY_CHART_COLOURS[code] for code, label in ACTIVITIES.items()}
    stages = {_(label): CHART_COLOURS[code] for code, label in STAGES.items()} | {_("Incomplete"): INCOMPLETE_COLOUR}
    return {
        "name": column.ButtonColumn(
            _("Customer name"), type="tertiary", alignment="left", width=196, pinned=True, key="open_customer", on_click=_open
        ),
        "code": column.TextColumn(_("Customer code"), width=102),
        "stage": column.MultiselectColumn(_("Customer type"), options=list(stages), color=list(stages.values()), width=_states_width()),
        "tier": column.TextColumn(_("Tier"), width=40),
        "activity": column.MultiselectColumn(
            _("Status"), options=list(states), color=list(states.values()), width=ACTIVITY_WIDTH[language()]
        ),
        "industry": column.TextColumn(_("Industry"), width=_industry_width()),
        "region": column.TextColumn(_("Region"), width=REGION_WIDTH),
        "contact": column.TextColumn(_("Contact"), width=62),
        "phone": column.TextColumn(_("Phone"), width=104),
        "owner": column.TextColumn(_("Owner"), width=60),
        "amount": column.NumberColumn(_("Amount"), format="¥%,.0f", width=84),
        "created": column.TextColumn(_("Created"), width=88),
    }


def _own_column(field: Field) -> Any:
    if field.widget is Widget.LINK:
        return st.column_config.LinkColumn(field.title, width=OWN_WIDTH)
    if field.widget is Widget.MONEY:
        return st.column_config.NumberColumn(field.title, format="¥%,.0f", width=OWN_WIDTH)
    return (st.column_config.NumberColumn if field.widget is Widget.NUMBER else st.column_config.TextColumn)(field.title, width=OWN_WIDTH)
