"""客户结构: what kinds of customers there are, as they stand today."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import case, func

from crm_core import clock
from crm_core.i18n import N_
from crm_core.models import ACTIVITIES, STAGES, TIERS, Customer
from crm_core.reference import regions
from crm_core.services.insight.board import Behind, Board, Chart, Figure, Kind, Point, Unit
from crm_core.services.insight.ground import NOT_GIVEN, Ground, Rows, count, ranking, share, step_of
from crm_core.services.insight.picks import during, pick
from crm_core.services.insight.question import Period

KEY, TITLE = "structure", N_("Customer structure")
NUMBER = count(N_("Customers"))
AGES = (
    (N_("5 years and more"), 1_200),
    (N_("2 to 5 years"), 60),
    (N_("1 to 2 years"), 24),
    (N_("3 to 12 months"), 12),
    (N_("under 3 months"), 3),
)
"""Ages of the relation, each up to so many months, the oldest first."""
EMPTY = N_("There are no customers yet that you may see and that the filters leave. Enter the first one, or take filters away.")


def compute(ground: Ground) -> Board:
    """The board."""
    kinds, places = count_by(ground, Customer.stage, Customer.industry), _places(ground)
    total = sum(row.number for row in kinds)
    if not total:
        return Board(KEY, TITLE, missing=EMPTY)
    return Board(KEY, TITLE, _figures(ground, total, places), ground.charts(lambda: _charts(ground, kinds, places)))


def _charts(ground: Ground, kinds: Rows, places: Rows) -> tuple[Chart, ...]:
    return (
        stages(ground, kinds),
        _pie(ground, "tier", N_("Customers by tier"), places, TIERS),
        _pie(ground, "activity", N_("Customers by status"), places, ACTIVITIES, definition="activity"),
        _ages(ground),
        _industries(ground, kinds),
        _regions(ground, places),
    )


def listed(ground: Ground) -> list[Any]:
    """The condition that a customer had been entered by the end of the period."""
    last = ground.period.last
    return [] if last >= clock.today() else [Customer.created_at < clock.start_of_day(last + timedelta(days=1))]


def open_listed(ground: Ground, **query: Any) -> Behind:
    """These customers in the list."""
    last = ground.period.last
    return ground.customer_link(**{"until": None if last >= clock.today() else last} | query)


def count_by(ground: Ground, *columns: Any) -> Rows:
    """These customers, grouped by columns."""
    return ground.read(ground.customers(*columns, func.count().label("number")).where(*listed(ground)).group_by(*columns))


def stages(ground: Ground, kinds: Rows) -> Chart:
    """Customers by type."""
    return _pie(ground, "stage", N_("Customers by type"), kinds, STAGES)


def _places(ground: Ground) -> Rows:
    return count_by(ground, Customer.tier, Customer.activity, Customer.province, Customer.city)


def _figures(ground: Ground, total: int, places: Rows) -> tuple[Figure, ...]:
    tiers, activities = sums(places, "tier"), sums(places, "activity")
    new = ground.one(ground.customers(func.count()).where(during(Customer.created_at, ground.period)))[0]
    key_accounts, active = tiers.get("A", 0), activities.get("active", 0)
    return (
        Figure("customers", N_("Customers"), Unit.COUNT, total, definition="customers", behind=open_listed(ground)),
        Figure(
            "new_customers",
            N_("New customers"),
            Unit.COUNT,
            new,
            definition="new_customers",
            behind=ground.customer_link(since=ground.period.first, until=ground.period.last),
        ),
        share("tier_a", N_("Share of tier A"), key_accounts, total, behind=open_listed(ground, tier="A")),
        share("active", N_("Share of active customers"), active, total, behind=open_listed(ground, activity="active")),
    )


def sums(rows: Rows, *names: str) -> dict[Any, int]:
    """The numbers of rows by one of their columns, or by several; "" for no value."""
    found: dict[Any, int] = {}
    for row in rows:
        codes = tuple(getattr(row, name) or "" for name in names)
        code = codes if len(codes) > 1 else codes[0]
        found[code] = found.get(code, 0) + row.number
    return found


def _pie(ground: Ground, name: str, title: str, rows: Rows, labels: Mapping[Any, str], *, definition: str = "customers") -> Chart:
    numbers = sums(rows, name)
    points = [
        Point(label, (numbers[code],), is_phrase=True, behind=open_listed(ground, **{name: code}))
        for code, label in labels.items()
        if numbers.get(code)
    ]
    return Chart(name, title, Kind.PIE, title, (NUMBER,), (*points, *_not_given(ground, name, numbers)), definition)


def _not_given(ground: Ground, name: str, numbers: Mapping[Any, int]) -> list[Point]:
    if not numbers.get(""):
        return []
    return [Point(NOT_GIVEN, (numbers[""],), is_phrase=True, behind=open_listed(ground, of=pick("missing", name)))]


def _industries(ground: Ground, kinds: Rows) -> Chart:
    sections: dict[str, int] = {}
    for code, number in sums(kinds, "industry").items():
        sections[code[:1]] = sections.get(code[:1], 0) + number
    label = ground.library.industry_label
    points = [Point(label(code), (number,), behind=open_listed(ground, industry=code)) for code, number in sections.items() if code]
    points += _not_given(ground, "industry", sections)
    columns = (NUMBER,)
    return Chart("industry", N_("Customers by industry"), Kind.BARS, N_("Industry"), columns, ranking(points, columns), "customers")


def _regions(ground: Ground, places: Rows) -> Chart:
    """Province → city; customers without a city make no rectangle of their own."""
    provinces, cities, known = sums(places, "province"), sums(places, "province", "city"), regions()
    points: list[Point] = []
    for code, number in sorted(provinces.items(), key=lambda pair: -pair[1]):
        if code not in known:
            continue
        parent = known[code].label
        points.append(Point(parent, (number,), behind=open_listed(ground, province=code)))
        points += [
            Point(known[city].label, (some,), parent=parent, behind=open_listed(ground, province=code, city=city))
            for (province, city), some in sorted(cities.items(), key=lambda pair: -pair[1])
            if province == code and city in known
        ]
    points += _not_given(ground, "province", provinces)
    return Chart("region", N_("Customers by region"), Kind.TREEMAP, N_("Region"), (NUMBER,), tuple(points), "customers")


def _ages(ground: Ground) -> Chart:
    """Since the first contact, else the entry."""
    steps = age_steps()
    first = Customer.first_contact_on
    age = case((first.is_(None), step_of(Customer.created_at, steps)), else_=step_of(first, steps, moments=False)).label("age")
    rows = ground.read(ground.customers(age, func.count().label("number")).where(*listed(ground)).group_by("age"))
    numbers = {int(row.age): row.number for row in rows}
    points = tuple(
        Point(label, (numbers.get(number, 0),), is_phrase=True, behind=open_listed(ground, of=pick("age", step.first, step.last)))
        for number, ((label, _months), step) in enumerate(zip(AGES, steps, strict=True))
    )
    return Chart("age", N_("Age of the relation"), Kind.COLUMNS, N_("Age"), (NUMBER,), points, "age")


def age_steps() -> list[Period]:
    """The days on which a relation of each age began, the oldest first; what lies further back or ahead belongs to the ends."""
    today = clock.today()
    first = [today - relativedelta(months=months) + timedelta(days=1) for _label, months in AGES]
    return [
        Period(day, following - timedelta(days=1)) for day, following in zip(first, [*first[1:], today + timedelta(days=1)], strict=True)
    ]
