"""数据质量: which records lack something, have not been looked at for long, or hold numbers nobody can call [002]."""

from typing import Any

from sqlalchemy import case, func

from crm_core.i18n import N_
from crm_core.models import Customer
from crm_core.permissions import Access
from crm_core.services.completeness import is_empty, where_shown
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


def _sum(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


def _by_owner(ground: Ground) -> Any:
    columns = (
        Customer.owner_id,
        func.count().label("number"),
        _sum(Customer.is_incomplete).label("incomplete"),
        _sum(picks.stale()).label("stale"),
        _sum(picks.verification_overdue()).label("verify"),
        _sum(picks.bad_phone()).label("phone"),
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
    columns: list[Any] = []
    for place, field in enumerate(fields):
        is_shown = where_shown(field)
        columns += [_sum(is_shown).label(f"shown_{place}"), _sum(is_shown & is_empty(field)).label(f"empty_{place}")]
    row = ground.one(ground.all_of(*columns).where(*listed(ground)))
    points = []
    for place, field in enumerate(fields):
        shown, empty = (int(getattr(row, f"{name}_{place}") or 0) for name in ("shown", "empty"))
        if empty:
            behind = open_listed(ground, of=pick("missing", field.name))
            points.append(Point(field.title, (empty, shown - empty, rate(shown - empty, shown)), behind=behind))
    headings = (count(N_("Empty")), count(N_("Filled")), Column(N_("Filled share"), Unit.RATE))
    title, most = N_("Empty fields"), len(points)
    return Chart("fields", title, Kind.BARS, N_("Field"), headings, ranking(points, headings, most=most), "filled", NOTE)
