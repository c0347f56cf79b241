"""How a choice is written into an address and read from one; what makes no sense there is read as no choice."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from ui.forms import EARLIEST, LATEST

LARGEST = 1e15
"""No larger number is one that somebody chose."""


@dataclass(frozen=True)
class Parameter:
    """A plain text."""

    default: Any = ""

    def read(self, values: list[str]) -> Any:
        """The choice for the values in the address."""
        return values[0] if values else self.default

    def write(self, chosen: Any) -> list[str]:
        """The values for a choice; none for the default."""
        return [str(chosen)] if chosen not in (None, "", self.default) else []


@dataclass(frozen=True)
class OneOf(Parameter):
    """One of some codes."""

    codes: Collection[str] = ()

    def read(self, values: list[str]) -> Any:
        """The code, or the default for an unknown one."""
        return values[0] if values and values[0] in self.codes else self.default


@dataclass(frozen=True)
class AnyOf(Parameter):
    """Several codes or numbers; the known ones are only asked for when an address is read."""

    codes: Callable[[], Collection[Any]] = tuple

    def read(self, values: list[str]) -> Any:
        """The known ones among them."""
        known = {str(code): code for code in self.codes()} if values else {}
        return [known[value] for value in values if value in known]

    def write(self, chosen: Any) -> list[str]:
        """All of them."""
        return [str(code) for code in chosen or ()]


class Texts(Parameter):
    """Several texts; whoever uses them knows which of them mean something."""

    def read(self, values: list[str]) -> Any:
        """All of them."""
        return [value for value in values if value]

    def write(self, chosen: Any) -> list[str]:
        """All of them."""
        return [str(one) for one in chosen or ()]


class Number(Parameter):
    """A number from 1 on."""

    def read(self, values: list[str]) -> Any:
        """The number, or the default."""
        return int(values[0]) if values and values[0].isdecimal() and len(values[0]) <= 6 and int(values[0]) else self.default


class Id(Number):
    """The id of a record, or none."""

    def __init__(self) -> None:
        super().__init__(None)


class Quantity(Parameter):
    """Any number; 0 is one as well."""

    def read(self, values: list[str]) -> Any:
        """The number, or none for what is not one."""
        try:
            number = float(values[0]) if values else None
        except ValueError:
            return None  # an address typed by hand; the list shows that nothing is chosen
        return number if number is not None and abs(number) < LARGEST else None

    def write(self, chosen: Any) -> list[str]:
        """The number in digits."""
        return [] if chosen is None else [f"{chosen:f}".rstrip("0").rstrip(".")]


@dataclass(frozen=True)
class Between(Quantity):
    """A number within limits."""

    least: float = -LARGEST
    most: float = LARGEST

    def read(self, values: list[str]) -> Any:
        """The number, or none for one beyond the limits, which the field could not show."""
        number = super().read(values)
        return number if number is not None and self.least <= number <= self.most else None


class Day(Parameter):
    """A day as YYYY-MM-DD; none that could not be entered."""

    def read(self, values: list[str]) -> Any:
        """The day, or none for what is not one."""
        try:
            day = date.fromisoformat(values[0]) if values else None
        except ValueError:
            return None  # an address typed by hand; the list shows that nothing is chosen
        return day if day and EARLIEST <= day <= LATEST else None


class Switch(Parameter):
    """On or off."""

    def read(self, values: list[str]) -> Any:
        """Whether it is on."""
        return values == ["1"]

    def write(self, chosen: Any) -> list[str]:
        """1 for on."""
        return ["1"] if chosen else []
