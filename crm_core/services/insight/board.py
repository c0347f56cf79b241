"""What a dashboard says, apart from how it is drawn: the page, the Excel report and the PDF draw the same board.

Labels are phrases marked with `N_`, translated where they are shown; names from the database are shown as they are. A value of None is one
that does not exist (nothing to divide by): it is shown as a dash with its reason, never as 0 or NaN.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlencode

Value = int | Decimal | None


class Unit(StrEnum):
    """How a value reads. A rate is a share of one (0.6315 reads 63.15 %)."""

    COUNT = "count"
    MONEY = "money"
    """Yuan, to the cent."""
    RATE = "rate"
    DAYS = "days"
    SCORE = "score"


class Kind(StrEnum):
    """How a chart is best seen; whoever cannot draw a kind shows its table."""

    COLUMNS = "columns"
    """Upright, along time."""
    STACKED = "stacked"
    BARS = "bars"
    """Lying, a ranking."""
    LINES = "lines"
    PIE = "pie"
    FUNNEL = "funnel"
    HEAT = "heat"
    TREEMAP = "treemap"


@dataclass(frozen=True)
class Behind:
    """Where the rows behind a value are listed: a page by its address in `ui/routes.py`, and what the address says besides."""

    page: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        """The link within this system."""
        return f"/{self.page}?{urlencode(self.query)}" if self.query else f"/{self.page}"


@dataclass(frozen=True)
class Figure:
    """One number of a board."""

    key: str
    label: str
    unit: Unit
    value: Value
    numerator: Value = None
    denominator: Value = None
    """What a rate was divided from, shown beside it."""
    before: Value = None
    """The same of the compared period, where one was asked for."""
    definition: str = ""
    """Key of the definition in `definitions.py`."""
    behind: Behind | None = None

    @property
    def change(self) -> Decimal | None:
        """环比: (now - before) ÷ before; None when there is no value before, or it is 0."""
        if self.value is None or not self.before:
            return None
        return (Decimal(self.value) - Decimal(self.before)) / Decimal(self.before)


@dataclass(frozen=True)
class Column:
    """One series of a chart, a column of its table."""

    label: str
    unit: Unit
    is_name: bool = False
    """The label is a name from the database, not a phrase to translate."""


@dataclass(frozen=True)
class Point:
    """One category: its name and path, with a value for each column."""

    label: str
    values: tuple[Value, ...]
    is_phrase: bool = False
    """The label is to be translated ("not given", a 客户类型), not a name from the database or a month."""
    parent: str = ""
    """For a treemap the label of the point above, "" at the top."""
    behind: Behind | None = None


@dataclass(frozen=True)
class Chart:
    """A chart and the table it stands for, the points in the order in which they are shown."""

    key: str
    title: str
    kind: Kind
    category: str
    """Heading of the points' labels: "Month", "Owner"."""
    columns: tuple[Column, ...]
    points: tuple[Point, ...]
    definition: str = ""
    note: str = ""
    """A sentence on what is missing or cut off, marked with `N_`."""

    @property
    def has_values(self) -> bool:
        """Whether there is anything to draw: a value that exists and is not 0."""
        return any(value for point in self.points for value in point.values)

    @property
    def on_one_axis(self) -> int:
        """So many columns from the first on can share an axis: those of its unit."""
        alike = [column.unit is self.columns[0].unit for column in self.columns]
        return alike.index(False) if False in alike else len(alike)


@dataclass(frozen=True)
class Board:
    """One dashboard answered for one question."""

    key: str
    title: str
    figures: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    missing: str = ""
    """Why there is nothing to show, a sentence marked with `N_`; figures and charts are empty then."""
