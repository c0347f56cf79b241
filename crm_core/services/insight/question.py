"""What a dashboard or a report is asked: which days, whose work, which customers, and what to compare with."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dateutil.relativedelta import relativedelta


class Compared(StrEnum):
    """The days that a period is held against."""

    NOTHING = "nothing"
    BEFORE = "before"
    LAST_YEAR = "last_year"


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included, as the team's own calendar counts them.

    Raises:
        ValueError: `last` lies before `first`; whoever takes days from a person refuses that with a sentence before.

    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a period ends before it begins")

    @classmethod
    def up_to(cls, today: date, span: str) -> "Period":
        """The days up to today: the last 30 (`30d`), those of this `quarter`, or of this `year`."""
        match span:
            case "30d":
                return cls(today - timedelta(days=29), today)
            case "quarter":
                return cls(today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), today)
            case _year:
                return cls(today.replace(month=1, day=1), today)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days right before; for whole months as many whole months."""
        following = self.last + timedelta(days=1)
        if self.first.day == following.day == 1:
            months = (following.year - self.first.year) * 12 + following.month - self.first.month
            return Period(self.first - relativedelta(months=months), self.first - timedelta(days=1))
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def last_year(self) -> "Period":
        """The same days a year before; a 29 February becomes a 28."""
        return Period(self.first - relativedelta(years=1), self.last - relativedelta(years=1))


@dataclass(frozen=True)
class Question:
    """The common filters of all boards. An empty tuple means no limit; the row scope of whoever asks counts besides."""

    period: Period
    compared: Compared = Compared.NOTHING
    teams: tuple[int, ...] = ()
    """By id, each with the teams below it."""
    owners: tuple[int, ...] = ()
    stages: tuple[str, ...] = ()
    """客户类型, by code."""
    sources: tuple[str, ...] = ()

    @property
    def compared_period(self) -> Period | None:
        """The days that the period is held against."""
        match self.compared:
            case Compared.BEFORE:
                return self.period.before
            case Compared.LAST_YEAR:
                return self.period.last_year
            case _:
                return None
