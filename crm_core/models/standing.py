"""How a customer stands: where its record lies, its tier, status and dates to keep; none of it is entered in the form."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, Float, SmallInteger, String, and_, cast, func
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from crm_core.models.base import UtcTime
from crm_core.models.lifecycle import Place

OPEN_PLACES = (Place.LIBRARY, Place.ARCHIVE)
"""Where a customer lies whose page can be opened."""
AWAITING = "first_follow_up_on IS NOT NULL AND followed_up_at IS NULL"
"""In SQL: the first follow-up has not been made."""

NUMBERS = {Place.LIBRARY: 1, Place.REVIEW: 2, Place.DRAFT: 3, Place.ARCHIVE: 4, Place.BIN: 5, Place.MERGED: 6}
_PLACES = {number: place for place, number in NUMBERS.items()}


class Numbered(TypeDecorator[Place]):
    """A place, kept as its number: it heads every index of the customers, where its name made counts and late pages twice as slow."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> int | None:
        """To the number."""
        return None if value is None else NUMBERS[Place(value)]

    def process_result_value(self, value: int | None, _dialect: Dialect) -> Place | None:
        """Back to the place."""
        return None if value is None else _PLACES[value]


class Standing:
    """Columns of the customer that its own actions and jobs set."""

    place: Mapped[Place] = mapped_column(Numbered, default=Place.LIBRARY)
    placed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Since when it lies there; nothing for one that never left the library."""
    is_on_hold: Mapped[bool] = mapped_column(Boolean(), default=False)
    """Legal hold: neither removed for good nor merged away."""
    alias: Mapped[str | None] = mapped_column(String(60))
    """The name for outside use [002]."""

    tier_by_hand: Mapped[bool] = mapped_column(Boolean(), default=False)
    tier_reason: Mapped[str | None] = mapped_column(String(300))
    tier_until: Mapped[date | None] = mapped_column(Date())
    activity: Mapped[str | None] = mapped_column(String(8), index=True)
    last_contact_at: Mapped[datetime | None] = mapped_column(UtcTime)
    first_follow_up_on: Mapped[date | None] = mapped_column(Date())
    """Until when the first follow-up has to be made [000]; it stays when it was made, for the rate."""
    followed_up_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When the first follow-up was made."""
    verified_on: Mapped[date | None] = mapped_column(Date())
    verify_on: Mapped[date | None] = mapped_column(Date(), index=True)
    """When the data has to be checked again [002]."""

    # What its tickets come to [003], kept by services/service_figures.py; the score is the average of the two last.
    complaints: Mapped[int] = mapped_column(default=0)
    last_service_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ratings: Mapped[int] = mapped_column(default=0)
    rating_sum: Mapped[int] = mapped_column(default=0)

    @hybrid_property
    def satisfaction(self) -> float | None:
        """满意度: the average score of the tickets that have one."""
        return self.rating_sum / self.ratings if self.ratings else None

    @satisfaction.inplace.expression
    @classmethod
    def _satisfaction(cls) -> ColumnElement[Any]:
        return cast(cls.rating_sum, Float) / func.nullif(cls.ratings, 0)

    @hybrid_property
    def awaits_first_follow_up(self) -> bool:
        """Nobody has followed up this new customer yet."""
        return self.first_follow_up_on is not None and self.followed_up_at is None

    @awaits_first_follow_up.inplace.expression
    @classmethod
    def _awaits_first_follow_up(cls) -> ColumnElement[bool]:
        return and_(cls.first_follow_up_on.is_not(None), cls.followed_up_at.is_(None))

    @hybrid_property
    def is_listed(self) -> bool:
        """In the library: in lists, searches, figures, and open to changes."""
        return self.place == Place.LIBRARY

    @is_listed.inplace.expression
    @classmethod
    def _is_listed(cls) -> ColumnElement[bool]:
        return cls.place == Place.LIBRARY

    @hybrid_property
    def is_open(self) -> bool:
        """Its page can be opened: in the library or the archive."""
        return self.place in OPEN_PLACES

    @is_open.inplace.expression
    @classmethod
    def _is_open(cls) -> ColumnElement[bool]:
        return cls.place.in_(OPEN_PLACES)
