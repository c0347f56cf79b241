"""Narrowing lists of what hangs on customers (contracts, opportunities, follow-ups, tickets) by what the customers are."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement

from crm_core.models import Customer


@dataclass(frozen=True)
class OfCustomers:
    """The customers whose rows are meant; an empty tuple means no limit."""

    stages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    provinces: tuple[str, ...] = ()

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """For a query that joins the customer."""
        chosen = ((Customer.stage, self.stages), (Customer.source, self.sources), (Customer.province, self.provinces))
        return [column.in_(values) for column, values in chosen if values]


EVERYBODY = OfCustomers()
