"""The table of customers: one page of rows as people read them, each name opening its customer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import streamlit as st

from crm_core.clock import today
from crm_core.config import settings
from crm_core.fields import Field, Widget, read_value
from crm_core.i18n import _, format_age, language
from crm_core.models import ACTIVITIES, STAGES
from crm_core.reference import region_label
from crm_core.services import display
from crm_core.services.customer_list import CustomerPage, PrimaryContact
from crm_core.services.library import Library
from crm_core.services.list_columns import Column
from ui import routes
from ui.badges import ACTIVITY_CHART_COLOURS, CHART_COLOURS
from ui.fitting import fitting
from ui.tables import ROW_HEIGHT, height_of

# States are longer in English, so there names and industries have less; either way all columns fill a screen of 1440 pixels.
NAME_WIDTH = {"zh_CN": 224, "en": 196}
STATES_WIDTH = {"zh_CN": 138, "en": 182}
ACTIVITY_WIDTH = {"zh_CN": 58, "en": 76}
INDUSTRY_WIDTH = {"zh_CN": 112, "en": 84}
REGION_WIDTH = 84
OWN_WIDTH = 120
WIDTHS = {
    "tier": 40,
    "code": 100,
    "region": REGION_WIDTH,
    "contact": 60,
    "phone": 104,
    "email": 170,
    "owner": 60,
    "amount": 84,
    "complaints": 66,
    "last_service": 96,
    "satisfaction": 66,
    "created": 96,
    "updated": 96,
}
LETTER_WIDTH = 6.6
CELL_PADDING = 18
CHEVRON_WIDTH = 14
INCOMPLETE_COLOUR = "#D97706"


def draw(page: CustomerPage, columns: Sequence[Column], library: Library, owners: dict[int, str], *, selection: str = "") -> list[str]:
    """Draw a page of the list with these columns after the name, each name opening its customer.

    With `selection`, the key under which it is kept, rows are selected instead; returns the codes of those that are.
    """
    # Arrow is what the browser gets; the way through pandas took as long as the rest of this function.
    table = pa.Table.from_pylist([_row(row, page, columns, library, owners, is_link=not selection) for row in page.rows])
    choosing: dict[str, Any] = {"key": selection, "on_select": "rerun", "selection_mode": "multi-row"} if selection else {}
    with st.container(key="customer_table"):
        chosen: Any = st.dataframe(
            table,
            hide_index=True,
            row_height=ROW_HEIGHT,
            height=height_of(len(page.rows)),
            lazy=False,
            placeholder="",
            column_config=_configured(columns, is_link=not selection),
            alt=_("Customers on this page"),
            **choosing,
        )
    # The browser ticks places in the table as it showed it last; meanwhile others may have added or taken customers.
    seen: list[str] = st.session_state.get("listed_codes", [])
    st.session_state["listed_codes"] = [row.code for row in page.rows]
    return [seen[place] for place in chosen["selection"]["rows"] if place < len(seen)] if selection else []


def _open() -> None:
    # Before anything of the list is drawn again: the page is left.
    click = st.session_state["open_customer"]
    st.switch_page(routes.CUSTOMER, query_params={"code": st.session_state["listed_codes"][click["row"]]})


def _row(
    row: Any, page: CustomerPage, columns: Sequence[Column], library: Library, owners: dict[int, str], *, is_link: bool
) -> dict[str, Any]:
    line = Line(row, page.contacts.get(row.id, NO_CONTACT), library, owners)
    cells = {one.name: _cell_of(one.field, row, library) if one.field else CELLS[one.name](line) for one in columns}
    name = _fitting(row.name, NAME_WIDTH[language()] - CHEVRON_WIDTH)
    return {"name": f":material/chevron_right: {name}" if is_link else f"/customer?code={row.code}#{name}"} | cells


@dataclass(frozen=True)
class Line:
    """What the cells of one customer are made from."""

    row: Any
    contact: PrimaryContact
    library: Library
    owners: dict[int, str]


NO_CONTACT = PrimaryContact()


def _stage(line: Line) -> list[str]:
    return [_(STAGES[line.row.stage])] + ([_("Incomplete")] if line.row.is_incomplete else [])


def _industry(line: Line) -> str:
    return _fitting(line.library.division_label(line.row.industry) or line.row.industry_text or "", INDUSTRY_WIDTH[language()])


def _amount(line: Line) -> float | None:
    return None if line.row.cooperation_amount is None else float(line.row.cooperation_amount)


def _age(moment: datetime) -> str:
    return format_age(moment.astimezone(settings().timezone).date(), today())


CELLS: dict[str, Callable[[Line], Any]] = {
    "stage": _stage,
    "tier": lambda line: line.row.tier or "",
    "activity": lambda line: [_(ACTIVITIES[line.row.activity])] if line.row.activity else [],
    "code": lambda line: line.row.code,
    "industry": _industry,
    "region": lambda line: _fitting(region_label(line.row.city or line.row.province), REGION_WIDTH),
    "contact": lambda line: line.contact.name,
    "phone": lambda line: line.contact.phone or "",
    "email": lambda line: display.mailbox(line.contact.email),
    "owner": lambda line: _("Pool") if line.row.pooled_at else line.owners.get(line.row.owner_id, ""),
    "amount": _amount,
    "complaints": lambda line: str(line.row.complaints) if line.row.complaints else "",
    "last_service": lambda line: _age(line.row.last_service_at) if line.row.last_service_at else "",
    "satisfaction": lambda line: f"{line.row.satisfaction:.1f}" if line.row.satisfaction else "",
    "created": lambda line: _age(line.row.created_at),
    "updated": lambda line: _age(line.row.updated_at),
}
"""What the columns that are no fields show."""


def _cell_of(field: Field, row: Any, library: Library) -> str | float | None:
    value = read_value(row, field)
    return float(value) if isinstance(value, Decimal) else display.show(field, value, library) or None


def _fitting(text: str, width: int) -> str:
    """A text that is too wide for its column ends in an ellipsis; the table itself would cut through a letter."""
    return fitting(text, int((width - CELL_PADDING) / LETTER_WIDTH))


def _configured(columns: Sequence[Column], *, is_link: bool) -> dict[str, Any]:
    column = st.column_config
    look: dict[str, Any] = {"label": _("Customer name"), "width": NAME_WIDTH[language()], "pinned": True}
    opening: dict[str, Any] = {"type": "tertiary", "alignment": "left", "key": "open_customer", "on_click": _open}
    # While rows are selected a name opens in another tab, which keeps the selection.
    name = column.ButtonColumn(**look, **opening) if is_link else column.LinkColumn(**look, display_text="#(.*)$")
    return {"name": name} | {one.name: _configure(one) for one in columns}


def _configure(one: Column) -> Any:
    column = st.column_config
    if one.field is not None:
        return _of_field(one.field)
    if one.name == "stage":
        stages = {_(label): CHART_COLOURS[code] for code, label in STAGES.items()} | {_("Incomplete"): INCOMPLETE_COLOUR}
        return column.MultiselectColumn(one.title, options=list(stages), color=list(stages.values()), width=STATES_WIDTH[language()])
    if one.name == "activity":
        states = {_(label): ACTIVITY_CHART_COLOURS[code] for code, label in ACTIVITIES.items()}
        return column.MultiselectColumn(one.title, options=list(states), color=list(states.values()), width=ACTIVITY_WIDTH[language()])
    if one.name == "amount":
        return column.NumberColumn(one.title, format="¥%,.0f", width=WIDTHS["amount"])
    return column.TextColumn(one.title, width=INDUSTRY_WIDTH[language()] if one.name == "industry" else WIDTHS[one.name])


def _of_field(field: Field) -> Any:
    if field.widget is Widget.LINK:
        return st.column_config.LinkColumn(field.title, width=OWN_WIDTH)
    if field.widget is Widget.MONEY:
        return st.column_config.NumberColumn(field.title, format="¥%,.0f", width=OWN_WIDTH)
    return (st.column_config.NumberColumn if field.widget is Widget.NUMBER else st.column_config.TextColumn)(field.title, width=OWN_WIDTH)
