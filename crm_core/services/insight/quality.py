"""数据质量: which records lack something, have not been looked at for long, or hold numbers nobody can call [002]."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import case, func

from crm_core.fields import Field
from crm_core.i18n import N_
from crm_core.models import Customer
from crm_core.permissions import Access
from crm_core.services.completeness import is_empty, where_shown
from crm_core.services.field_settings import combinations
from crm_core.services.insight import picks
from crm_core.services.insight.board import Board, Chart, Column, Figure, Kind, Point, Unit
from crm_core.services.insight.ground import Ground, count, ranking, rate, share
from crm_core.services.insight.picks import pick
from crm_core.services.insight.structure import EMPTY, listed, open_listed

KEY, TITLE = "quality", N_("Data quality")
NOTE = N_("The filled share of a field is counted among the customers for whom the form shows it.")


def compute(ground: Ground) -> Board:
    """The board."""
    owners = _by_owner(ground)
    total = sum(row.number for row in owners)
    if not total:
        return Board(KEY, TITLE, missing=EMPTY)
    return Board(KEY, TITLE, _figures(ground, total, owners), ground.charts(lambda: (_flaws_by_owner(ground, owners), _fields(ground))))


def _number(condition: Any) -> Any:
    """How many customers it holds for; counted, which takes half as long as a sum of ones and zeros."""
    return func.count(case((condition, 1)))


def _by_owner(ground: Ground) -> Any:
    columns = (
        Customer.owner_id,
        func.count().label("number"),
        _number(Customer.is_incomplete).label("incomplete"),
        _number(picks.stale()).label("stale"),
        _number(picks.verification_overdue()).label("verify"),
        _number(picks.bad_phone()).label("phone"),
    )
    return ground.read(ground.all_of(*columns).where(*listed(ground)).group_by(Customer.owner_id))


def _figures(ground: Ground, total: int, owners: Any) -> tuple[Figure, ...]:
    flawed = {name: sum(int(getattr(row, name)) for row in owners) for name in ("incomplete", "stale", "verify", "phone")}
    labels = {
        "stale": ("stale", N_("Stale records")),
        "phone": ("invalid_phones", N_("Invalid phones")),
        "verify": ("verification_overdue", N_("Verification overdue")),
    }
    return (
        Figure("customers", N_("Customers"), Unit.COUNT, total, definition="customers", behind=open_listed(ground)),
        share("complete", N_("Complete records"), total - flawed["incomplete"], total, behind=open_listed(ground, incomplete=1)),
        *(
            Figure(key, label, Unit.COUNT, flawed[name], definition=key, behind=open_listed(ground, of=pick(name)))
            for name, (key, label) in labels.items()
        ),
    )


def _flaws_by_owner(ground: Ground, owners: Any) -> Chart:
    columns = (
        count(N_("Flaws")),
        count(N_("Incomplete")),
        count(N_("Stale records")),
        count(N_("Invalid phones")),
        count(N_("Verification overdue")),
    )
    points = [
        ground.person(
            row.owner_id,
            int(row.incomplete + row.stale + row.phone + row.verify),
            int(row.incomplete),
            int(row.stale),
            int(row.phone),
            int(row.verify),
            behind=open_listed(ground, owner=row.owner_id, of=pick("flawed")),
        )
        for row in owners
        if row.incomplete or row.stale or row.phone or row.verify
    ]
    title = N_("Records to mend, by owner")
    return Chart("by_owner", title, Kind.STACKED, N_("Owner"), columns, ranking(points, columns), "complete")


def _fields(ground: Ground) -> Chart:
    """Of each field of the form how many customers lack it; fields that are hidden from the actor are left out."""
    fields = [
        field
        for field in ground.library.entered.values()
        if not field.sensitive or ground.actor.access_to(field.sensitive) is not Access.HIDDEN
    ]
    row = ground.one(ground.all_of(*_counts(fields)).where(*listed(ground)))
    points = []
    for field in fields:
        shown, empty = getattr(row, _shown(field)), getattr(row, f"empty_{field.name}")
        if empty:
            behind = open_listed(ground, of=pick("missing", field.name))
            points.append(Point(field.title, (empty, shown - empty, rate(shown - empty, shown)), behind=behind))
    headings = (count(N_("Empty")), count(N_("Filled")), Column(N_("Filled share"), Unit.RATE))
    title, most = N_("Empty fields"), len(points)
    return Chart("fields", title, Kind.BARS, N_("Field"), headings, ranking(points, headings, most=most), "filled", NOTE)


def _counts(fields: Iterable[Field]) -> Iterator[Any]:
    """Who lacks each field, and once for all fields that are shown for the same customers how many these are."""
    told: set[str] = set()
    for field in fields:
        is_shown, name = where_shown(field), _shown(field)
        if name not in told:
            told.add(name)
            yield _number(is_shown).label(name)
        yield _number(is_shown & is_empty(field)).label(f"empty_{field.name}")


def _shown(field: Field) -> str:
    """A name for the customers for whom the form shows a field: a digit for each nature with each type."""
    return "shown_" + "".join(str(int(field.shown(values))) for values in combinations())
