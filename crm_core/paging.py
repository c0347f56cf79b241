"""Lists that are read a page at a time."""

from typing import Any, ClassVar

from sqlalchemy import Select


class Page:
    """One page of a list: `total` counts the rows of all pages, `page` is the one at hand, from 1."""

    size: ClassVar[int] = 50
    """Rows of a page."""
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return self.count_pages(self.total)

    @classmethod
    def count_pages(cls, total: int) -> int:
        """How many pages so many rows fill, at least one."""
        return max(1, -(-total // cls.size))

    @classmethod
    def nearest(cls, page: int, total: int) -> int:
        """The page asked for, or the nearest one that there is."""
        return min(max(page, 1), cls.count_pages(total))

    @classmethod
    def cut(cls, statement: Select[*tuple[Any, ...]], page: int) -> Select[*tuple[Any, ...]]:
        """Limit an ordered selection to the rows of a page."""
        return statement.limit(cls.size).offset((page - 1) * cls.size)
