"""The table of customers: one page of rows as people read them, each name opening its customer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm_core.clock import today
from crm_core.config import settings
from crm_core.fields import Field, Widget, read_value
from crm_core.i18n import _, format_age, format_money, language
from crm_core.models import ACTIVITIES, STAGES
from crm_core.reference import region_label
from crm_core.services import display
from crm_core.services.customer_list import CustomerPage, PrimaryContact
from crm_core.services.library import Library
from crm_core.services.list_columns import Column
from ui import routes, row_table
from ui.badges import ACTIVITY_COLOURS, STAGE_COLOURS, Badge
from ui.row_table import Cell, Heading, Record

# States are longer in English, so there names and industries have less; either way all columns fill a screen of 1440 pixels.
NAME_WIDTH = {"zh_CN": 224, "en": 196}
STATES_WIDTH = {"zh_CN": 138, "en": 166}
ACTIVITY_WIDTH = {"zh_CN": 58, "en": 92}
INDUSTRY_WIDTH = {"zh_CN": 112, "en": 84}
OWN_WIDTH = 120
WIDTHS = {
    "tier": 40,
    "code": 100,
    "region": 84,
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
NUMBERS = ("amount", "complaints", "satisfaction")


def draw(page: CustomerPage, columns: Sequence[Column], library: Library, owners: dict[int, str], *, selection: str = "") -> list[str]:
    """Draw a page of the list with these columns after the name, each name opening its customer.

    With `selection`, the key under which it is kept, rows are chosen as well; returns the codes of those that are.
    """
    headings = [Heading(_("Customer name"), NAME_WIDTH[language()]), *map(_heading, columns)]
    records = [_record(row, page, columns, library, owners) for row in page.rows]
    return row_table.draw(
        selection or "customers", headings, records, label=_("Customers on this page"), is_choosing=bool(selection)
    ).chosen


def _heading(column: Column) -> Heading:
    is_number = column.name in NUMBERS or (column.field is not None and column.field.widget in (Widget.MONEY, Widget.NUMBER))
    return Heading(column.title, _width_of(column), is_number)


def _width_of(column: Column) -> int:
    spoken = {"stage": STATES_WIDTH, "activity": ACTIVITY_WIDTH, "industry": INDUSTRY_WIDTH}
    return spoken[column.name][language()] if column.name in spoken else WIDTHS.get(column.name, OWN_WIDTH)


def _record(row: Any, page: CustomerPage, columns: Sequence[Column], library: Library, owners: dict[int, str]) -> Record:
    line = Line(row, page.contacts.get(row.id, NO_CONTACT), library, owners)
    cells = [_cell_of(one.field, row, library) if one.field else CELLS[one.name](line) for one in columns]
    return Record(row.code, row.name, cells, routes.path_to(routes.CUSTOMER, {"code": row.code}))


@dataclass(frozen=True)
class Line:
    """What the cells of one customer are made from."""

    row: Any
    contact: PrimaryContact
    library: Library
    owners: dict[int, str]


NO_CONTACT = PrimaryContact()


def _stage(line: Line) -> list[Badge]:
    stage = Badge(_(STAGES[line.row.stage]), STAGE_COLOURS[line.row.stage])
    return [stage, Badge(_("Incomplete"), "orange")] if line.row.is_incomplete else [stage]


def _activity(line: Line) -> list[Badge]:
    activity = line.row.activity
    return [Badge(_(ACTIVITIES[activity]), ACTIVITY_COLOURS[activity])] if activity else []


def _age(moment: datetime) -> str:
    return format_age(moment.astimezone(settings().timezone).date(), today())


CELLS: dict[str, Callable[[Line], Cell]] = {
    "stage": _stage,
    "tier": lambda line: line.row.tier or "",
    "activity": _activity,
    "code": lambda line: line.row.code,
    "industry": lambda line: line.library.division_label(line.row.industry) or line.row.industry_text or "",
    "region": lambda line: region_label(line.row.city or line.row.province),
    "contact": lambda line: line.contact.name,
    "phone": lambda line: line.contact.phone or "",
    "email": lambda line: display.mailbox(line.contact.email),
    "owner": lambda line: _("Pool") if line.row.pooled_at else line.owners.get(line.row.owner_id, ""),
    "amount": lambda line: "" if line.row.cooperation_amount is None else format_money(round(line.row.cooperation_amount)),
    "complaints": lambda line: str(line.row.complaints) if line.row.complaints else "",
    "last_service": lambda line: _age(line.row.last_service_at) if line.row.last_service_at else "",
    "satisfaction": lambda line: f"{line.row.satisfaction:.1f}" if line.row.satisfaction else "",
    "created": lambda line: _age(line.row.created_at),
    "updated": lambda line: _age(line.row.updated_at),
}
"""What the columns that are no fields show."""


def _cell_of(field: Field, row: Any, library: Library) -> str:
    return display.show(field, read_value(row, field), library)
