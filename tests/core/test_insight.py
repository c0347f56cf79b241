"""Each measure of the boards against a table small enough to count by hand, on both databases."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import NotAllowed, NotFound
from crm_core.models import (
    ChangeLog,
    Contract,
    Customer,
    FollowUp,
    Opportunity,
    OpportunityStage,
    Outcome,
    StageChange,
    Target,
    Ticket,
)
from crm_core.models.ticket import SOLVED, TicketState
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services.contract_views import ContractQuery, list_contracts
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.follow_up_list import FollowUpQuery, list_follow_ups
from crm_core.services.insight.board import Board, Chart, Figure, Point, Unit, Value
from crm_core.services.insight.boards import BOARDS, answer, boards_for
from crm_core.services.insight.definitions import DEFINITIONS
from crm_core.services.insight.question import Compared, Period, Question
from crm_core.services.library import get_library
from crm_core.services.of_customers import OfCustomers
from crm_core.services.opportunity_views import OpportunityQuery, list_opportunities
from crm_core.services.ticket_list import TicketQuery, list_tickets
from tests import factories

Clock = Callable[[datetime], None]
NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
MAY = Period(date(2026, 5, 1), date(2026, 5, 31))
SPRING = Period(date(2026, 4, 1), date(2026, 6, 30))


def at(month: int, day: int, hour: int = 4) -> datetime:
    """A moment of the year, noon in Shanghai."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def ask(actor: Actor, key: str, period: Period = MAY, **more: Any) -> Board:
    with reading(actor) as session:
        return answer(session, actor, key, Question(period, **more))


def figure(board: Board, key: str) -> Figure:
    return next(one for one in board.figures if one.key == key)


def chart(board: Board, key: str) -> Chart:
    return next(one for one in board.charts if one.key == key)


def table(board: Board, key: str) -> dict[str, tuple[Value, ...]]:
    """The points of a chart that have any value."""
    return {point.label: point.values for point in chart(board, key).points if any(point.values)}


def parts(board: Board, key: str) -> tuple[Value, Value]:
    one = figure(board, key)
    return one.numerator, one.denominator


class Table:
    """Rows of the past, written as they would be found."""

    def __init__(self, session: CrmSession) -> None:
        self.session = session
        self.stages = {row.outcome: row.id for row in session.execute(select(OpportunityStage.outcome, OpportunityStage.id))}

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def moved(self, customer: Customer, *moves: tuple[str, str | None, str]) -> None:
        """Changes of type, each (day, from, to), instead of those that the entry wrote."""
        self.session.query(StageChange).filter(StageChange.customer_id == customer.id).delete()
        for day, before, after in moves:
            moment = datetime.fromisoformat(f"2026-{day}T04:00:00+00:00")
            self.add(StageChange(customer_id=customer.id, at=moment, from_stage=before, to_stage=after))

    def followed(self, customer: Customer, actor: Actor, moment: datetime, method: str = "phone") -> None:
        self.add(
            FollowUp(customer_id=customer.id, author_id=actor.id, happened_at=moment, method=method, subject="回访", content="已联系客户")
        )

    def contract(self, customer: Customer, actor: Actor, day: date, amount: int, product: str = "排产软件", **more: Any) -> Contract:
        values = {"number": f"HT{factories.unique_number()}", "product": product, "amount": Decimal(amount), "signed_on": day}
        made: Contract = self.add(Contract(customer_id=customer.id, owner_id=actor.id, **values, **more))
        return made

    def opportunity(
        self, customer: Customer, actor: Actor, opened: date, amount: int, outcome: str, closed: datetime | None = None
    ) -> None:
        values = {"code": f"OPP{factories.unique_number()}", "name": "项目", "amount": Decimal(amount), "expected_on": date(2026, 7, 15)}
        self.add(
            Opportunity(
                customer_id=customer.id,
                owner_id=actor.id,
                opened_on=opened,
                stage_id=self.stages[outcome],
                closed_at=closed,
                loss_reason="loss_reason.price" if outcome == Outcome.LOST else None,
                **values,
            )
        )

    def ticket(self, customer: Customer, moment: datetime, type: str, **more: Any) -> None:
        values = {"code": f"TKT{factories.unique_number()}", "category": "ticket_category.quality", "priority": "normal"}
        values |= {"source": "ticket_source.phone", "name": "停机", "description": "三号线停机", "created_at": moment}
        self.add(Ticket(customer_id=customer.id, type=type, due_at=moment, **values, **more))


def enter(actor: Actor, moment: datetime, **over: Any) -> Customer:
    customer = factories.make_customer(actor, **over)
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(created_at=moment, first_follow_up_on=None))
        session.query(StageChange).filter(StageChange.customer_id == customer.id).update({"at": moment})
    return customer


@pytest.fixture
def customers(database: str, sales: Actor, colleague: Actor, set_clock: Clock) -> dict[str, Customer]:
    """Four customers entered in April and May, the last of a colleague."""
    set_clock(NOW)
    return {
        "april": enter(sales, at(4, 10), stage="customer", source="source.referral", province="330000", city="330100", tier="A"),
        "may": enter(sales, at(5, 2), stage="customer", source="source.exhibition", province="330000", city="330200", tier="B"),
        "open": enter(sales, at(5, 20), stage="qualified", source="source.exhibition", province="310000", tier="B"),
        "other": enter(colleague, at(5, 31, 15), stage="prospect", source="source.other", industry="I65"),
    }


@pytest.fixture
def rows(customers: dict[str, Customer], sales: Actor, colleague: Actor) -> dict[str, Customer]:
    """What happened with them."""
    april, may, opened, other = customers.values()
    with transaction(SYSTEM) as session:
        made = Table(session)
        made.moved(april, ("04-10", None, "prospect"), ("04-20", "prospect", "qualified"), ("05-10", "qualified", "customer"))
        made.moved(
            may,
            ("05-02", None, "prospect"),
            ("05-03", "prospect", "qualified"),
            ("05-04", "qualified", "prospect"),
            ("05-05", "prospect", "qualified"),
            ("05-12", "qualified", "customer"),
        )
        made.moved(opened, ("05-20", None, "prospect"), ("06-10", "prospect", "qualified"))
        for customer, moment, method in ((april, at(5, 1), "phone"), (april, at(5, 9), "visit"), (opened, at(5, 25), "phone")):
            made.followed(customer, sales, moment, method)
        made.followed(other, colleague, at(5, 31, 15), "wechat")
        made.followed(may, sales, at(6, 1), "phone")
        made.contract(april, sales, date(2026, 5, 10), 1000)
        made.contract(may, sales, date(2026, 5, 31), 3000, "实施服务")
        made.contract(other, colleague, date(2026, 5, 1), 500)
        made.contract(other, colleague, date(2026, 4, 30), 2000)
        made.contract(may, sales, date(2026, 5, 5), 9999, voided_at=NOW)
        for amount, outcome, closed in ((100, "won", at(5, 31)), (200, "won", at(5, 11)), (900, "lost", at(5, 21)), (50, "won", at(6, 1))):
            made.opportunity(april, sales, date(2026, 5, 1), amount, outcome, closed)
        made.opportunity(other, colleague, date(2026, 5, 20), 5000, "open")
        made.ticket(april, at(5, 3), "complaint", state="closed", resolved_at=at(5, 4, 16), satisfaction=2)
        made.ticket(april, at(5, 4), "inquiry", state="resolved", resolved_at=at(5, 4, 16), satisfaction=5)
        made.ticket(other, at(5, 5), "complaint", state="doing")
        session.add(Target(measure="signed", year=2026, month=5, user_id=sales.id, amount=Decimal(8000)))
        session.execute(
            update(Customer).where(Customer.id == opened.id).values(first_follow_up_on=date(2026, 5, 25), followed_up_at=at(5, 25))
        )
        session.execute(
            update(Customer).where(Customer.id == other.id).values(first_follow_up_on=date(2026, 5, 8), followed_up_at=at(5, 8, 17))
        )
    return customers


def test_customers_entered_in_the_period_and_won_today_are_the_conversion_rate(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "conversion")
    assert parts(board, "conversion") == (1, 3)
    assert figure(board, "conversion").value == Decimal("0.333333")


def test_a_customer_that_enters_a_type_twice_counts_once(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "conversion")
    assert table(board, "funnel") == {"Prospect": (2 + 1,), "Qualified": (1,), "Customer (won)": (2,)}
    assert parts(board, "to_qualified") == (2, 3)  # one of them after the end of the period
    assert parts(board, "to_customer") == (1, 1)


def test_the_time_until_won_leaves_out_who_was_entered_as_won(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "conversion")
    assert (figure(board, "time_to_convert").value, figure(board, "time_to_convert").denominator) == (Decimal("20.0"), 2)
    assert table(board, "times") == {"8 to 30 days": (2,)}


def test_cohorts_show_what_share_was_won_within_each_month_after_the_entry(rows: dict[str, Customer], administrator: Actor) -> None:
    found = table(ask(administrator, "conversion", SPRING), "cohorts")
    assert found["2026-04"][:5] == (1, Decimal(0), Decimal(1), Decimal(1), None)
    assert found["2026-05"][:4] == (3, Decimal("0.333333"), Decimal("0.333333"), None)


def test_the_churn_rate_compares_the_types_at_both_ends_of_the_period(rows: dict[str, Customer], administrator: Actor) -> None:
    with transaction(SYSTEM) as session:
        made = Table(session)
        for day, stage in ((2, "churned"), (3, "customer"), (9, "churned")):
            made.add(StageChange(customer_id=rows["april"].id, at=at(6, day), from_stage=None, to_stage=stage))
    june = Period(date(2026, 6, 1), date(2026, 6, 30))
    assert parts(ask(administrator, "conversion", june), "churn") == (1, 2)
    assert parts(ask(administrator, "conversion", Period(june.first, date(2026, 6, 8))), "churn") == (0, 2)


def test_follow_ups_are_counted_by_person_and_method(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "activity")
    assert figure(board, "follow_ups").value == 4
    assert table(board, "by_person") == {"销售丙": (3, 2, 0, 1, 0, 0, 0), "销售丁": (1, 0, 0, 0, 1, 0, 0)}
    assert table(board, "methods") == {"Phone call": (2,), "Visit": (1,), "WeChat": (1,)}
    assert table(board, "follow_ups") == {"05-01": (1,), "05-09": (1,), "05-25": (1,), "05-31": (1,)}


def test_a_follow_up_succeeds_when_the_customer_advances_within_30_days(rows: dict[str, Customer], administrator: Actor) -> None:
    assert parts(ask(administrator, "activity"), "success") == (2, 3)  # april won on 10 May, open qualified on 10 June
    with transaction(SYSTEM) as session:
        line = {"actor_name": "x", "action": "changed", "entity": "customer", "entity_id": "1", "field": "sales_stage"}
        session.add(ChangeLog(at=at(6, 29), customer_id=rows["other"].id, old=None, new="proposal", **line))
    with transaction(administrator) as session:
        Table(session).followed(rows["other"], administrator, at(5, 30))
    assert parts(ask(administrator, "activity"), "success") == (3, 3)


def test_an_advance_after_30_days_or_backwards_is_no_success(rows: dict[str, Customer], administrator: Actor) -> None:
    with transaction(SYSTEM) as session:
        made = Table(session)
        made.moved(rows["open"], ("05-20", None, "prospect"), ("06-25", "prospect", "qualified"))
        made.moved(rows["april"], ("04-10", None, "qualified"), ("05-10", "qualified", "prospect"))
    assert parts(ask(administrator, "activity"), "success") == (0, 3)


def test_a_first_follow_up_counts_for_the_day_where_the_team_works(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "activity")
    assert parts(board, "first_follow_up") == (1, 2)
    assert table(board, "first_follow_up") == {"销售丁": (1, 0, Decimal(0)), "销售丙": (1, 1, Decimal(1))}


def test_contract_amounts_count_by_signing_day_without_void_ones(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "sales", compared=Compared.BEFORE)
    amount = figure(board, "contract_amount")
    assert (amount.value, amount.before, amount.change) == (Decimal(4500), Decimal(2000), Decimal("1.25"))
    assert (figure(board, "contracts").value, figure(board, "mean_contract").value) == (3, Decimal("1500.00"))
    assert {name: values[:2] for name, values in table(board, "by_owner").items()} == {"销售丙": (4000, 2), "销售丁": (500, 1)}
    assert {name: values[0] for name, values in table(board, "by_product").items()} == {"实施服务": 3000, "排产软件": 1500}
    assert [values[0] for values in table(board, "by_source").values()] == [3000, 1000, 500]
    assert {name: values[0] for name, values in table(board, "by_region").items()} == {"浙江省": 4000, "not given": 500}
    assert table(board, "targets") == {"销售丙": (Decimal(4000), Decimal(8000), Decimal("0.5"))}


def test_wins_and_losses_count_by_closing_day(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "sales")
    assert parts(board, "win_rate") == (2, 3)
    assert figure(board, "won_value").value == 300
    assert figure(board, "cycle").value == Decimal("20.0")
    assert table(board, "won_by_owner") == {"销售丙": (300, 2, 1, Decimal("0.666667"))}
    assert table(board, "won_by_team") == {"华东一组": (300, 2, 1, Decimal("0.666667"))}
    assert [values[:2] for values in table(board, "loss_reasons").values()] == [(1, 900)]


def test_the_conversion_of_opportunities_counts_the_open_ones_as_well(rows: dict[str, Customer], administrator: Actor) -> None:
    assert parts(ask(administrator, "sales"), "opportunity_conversion") == (3, 5)


def test_the_forecast_weighs_what_is_open_and_counts_won_ones_whole(rows: dict[str, Customer], administrator: Actor) -> None:
    with transaction(SYSTEM) as session:
        session.execute(update(Opportunity).where(Opportunity.amount == 5000).values(probability=30))
    assert table(ask(administrator, "sales"), "forecast") == {"2026-07": (Decimal(1850), Decimal(5000), Decimal(350))}


def test_sources_are_told_by_what_they_brought(rows: dict[str, Customer], administrator: Actor) -> None:
    assert list(table(ask(administrator, "sources"), "effect").values()) == [
        (2, 1, Decimal("0.5"), 3000),
        (1, 0, Decimal(0), 500),
        (0, 0, None, 1000),
    ]


def test_tickets_tell_complaints_resolution_and_satisfaction(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "service")
    assert [figure(board, key).value for key in ("tickets", "complaints")] == [3, 2]
    assert [parts(board, key) for key in ("complaint_share", "resolved")] == [(2, 3), (2, 3)]
    assert (figure(board, "satisfaction").value, *parts(board, "satisfaction")) == (Decimal("3.5"), 7, 2)
    assert figure(board, "resolution_time").value == Decimal("1.0")
    assert list(table(board, "categories").values()) == [(2,)]


def test_the_structure_counts_types_tiers_and_regions(rows: dict[str, Customer], administrator: Actor) -> None:
    board = ask(administrator, "structure", Period(date(2026, 6, 1), date(2026, 6, 30)))
    assert table(board, "stage") == {"Prospect": (1,), "Qualified": (1,), "Customer (won)": (2,)}
    assert table(board, "tier") == {"Tier A, key account": (1,), "Tier B, medium account": (2,), "not given": (1,)}
    regions = [(point.parent, point.label, point.values[0]) for point in chart(board, "region").points]
    assert regions == [
        ("", "浙江省", 2),
        ("浙江省", "杭州市", 1),
        ("浙江省", "宁波市", 1),
        ("", "上海市", 1),
        ("", "not given", 1),
    ]
    assert figure(ask(administrator, "structure", Period(date(2026, 4, 1), date(2026, 4, 30))), "customers").value == 1


def test_the_quality_board_counts_what_is_to_mend(rows: dict[str, Customer], administrator: Actor) -> None:
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == rows["may"].id).values(is_incomplete=True, verify_on=date(2026, 6, 1)))
        long_ago = {"updated_at": datetime(2025, 6, 1, tzinfo=UTC), "verified_on": None}
        session.execute(update(Customer).where(Customer.id == rows["open"].id).values(long_ago))
    factories.make_contact(administrator, rows["other"], phone="0571-87654321")
    board = ask(administrator, "quality")
    assert parts(board, "complete") == (3, 4)
    assert [figure(board, key).value for key in ("stale", "invalid_phones", "verification_overdue")] == [1, 0, 1]
    city = next(point for point in chart(board, "fields").points if point.behind and ("of", "missing:city") in point.behind.query)
    assert city.values == (2, 2, Decimal("0.5"))


def test_a_field_is_filled_or_empty_among_the_customers_whose_form_shows_it(rows: dict[str, Customer], administrator: Actor) -> None:
    enter(administrator, at(5, 3), kind="individual", stage="prospect")
    told = {point.label: point.values[:2] for point in chart(ask(administrator, "quality"), "fields").points}
    with reading(SYSTEM) as session:
        everybody = session.execute(select(Customer)).scalars().all()
        fields = get_library(session).entered
    counted = {}
    for name, field in fields.items():
        shown = [one for one in everybody if field.shown({"kind": one.kind, "stage": one.stage})]
        filled = sum(bool(getattr(one, name) or (name == "industry" and one.industry_text)) for one in shown)
        if filled < len(shown):
            counted[field.title] = (len(shown) - filled, filled)
    assert told == counted
    assert len({sum(values) for values in told.values()}) > 2


def test_the_overview_tells_what_the_boards_tell(rows: dict[str, Customer], administrator: Actor) -> None:
    overview = ask(administrator, "overview", compared=Compared.BEFORE)
    for key, name in (("sources", "new_customers"), ("conversion", "conversion"), ("activity", "follow_ups")):
        here, there = figure(overview, name), figure(ask(administrator, key, compared=Compared.BEFORE), name)
        assert here.value
        assert here == there


@pytest.mark.parametrize(
    ("phone", "is_bad"),
    [
        ("13800001234", False),
        ("057187654321", False),
        ("01012345678", False),
        ("1380000123", True),
        ("87654321", True),
        ("abc", True),
        (None, True),
    ],
)
def test_a_phone_that_nobody_can_call_is_found(
    customers: dict[str, Customer], administrator: Actor, phone: str | None, is_bad: bool
) -> None:
    contact = factories.make_contact(administrator, customers["may"])
    with transaction(SYSTEM) as session:
        session.get_one(type(contact), contact.id).phone = phone
    assert figure(ask(administrator, "quality"), "invalid_phones").value == int(is_bad)


def rows_behind(actor: Actor, one: Figure | Point) -> int:
    """How many rows the list shows to which a figure leads."""
    assert one.behind
    query: dict[str, list[str]] = {}
    for name, value in one.behind.query:
        query.setdefault(name, []).append(value)

    def day(name: str) -> date | None:
        return date.fromisoformat(query[name][0]) if name in query else None

    def text(name: str) -> str:
        return query.get(name, [""])[0]

    def numbers(name: str) -> tuple[int, ...]:
        return tuple(map(int, query.get(name, ())))

    of = OfCustomers(*(tuple(query.get(f"of_{name}", ())) for name in ("stage", "source", "province")))
    with reading(actor) as session:
        match one.behind.page:
            case "customers":
                names = ("stage", "source", "tier", "industry", "province", "city", "activity")
                asked = CustomerQuery(
                    filters=tuple((name, tuple(query[name])) for name in names if name in query),
                    owners=numbers("owner"),
                    created_from=day("since"),
                    created_to=day("until"),
                    incomplete="incomplete" in query,
                    of=text("of"),
                )
                return list_customers(session, actor, asked).total
            case "contracts":
                contracts = ContractQuery(
                    owners=numbers("owner"), signed_from=day("from"), signed_until=day("until"), product=text("product"), of=of
                )
                return list_contracts(session, actor, contracts).totals.count
            case "follow-ups":
                methods = tuple(query.get("method", ()))
                made = FollowUpQuery(methods=methods, authors=numbers("author"), since=day("since"), until=day("until"), of=of)
                return list_follow_ups(session, actor, made).total
            case "tickets":
                states = SOLVED if text("tickets_state") == "done" else tuple(TicketState)
                types, categories = (tuple(query.get(f"tickets_{name}", ())) for name in ("type", "category"))
                handlers, scores = numbers("tickets_handler"), numbers("tickets_rated")
                entered = {"entered_from": day("tickets_since"), "entered_until": day("tickets_until")}
                tickets = TicketQuery(states=states, types=types, categories=categories, handlers=handlers, scores=scores, of=of, **entered)
                return list_tickets(session, actor, tickets).total
            case _opportunities:
                opened = {"opened_from": day("opp_opened_from"), "opened_until": day("opp_opened_until")}
                closed = {"closed_from": day("opp_closed_from"), "closed_until": day("opp_closed_until")}
                sold = OpportunityQuery(
                    state=text("opp_state"), owners=numbers("opp_people"), loss_reason=text("opp_loss"), of=of, **opened, **closed
                )
                return list_opportunities(session, actor, sold).total


COUNTED = {"win_rate": "denominator", "cycle": "denominator", "mean_won": "denominator", "mean_contract": "denominator"}
COUNTED |= {"opportunity_conversion": "denominator", "satisfaction": "denominator", "first_follow_up": "denominator"}
COUNTED |= {"time_to_convert": "denominator"}
MONEY_OF = {"contract_amount": "contracts", "won_value": "mean_won"}
NOT_ROWS = {"resolution_time", "complete"}


def test_a_figure_opens_exactly_the_rows_that_it_counts(rows: dict[str, Customer], administrator: Actor, sales: Actor) -> None:
    asked: dict[str, Any] = {"stages": ("customer", "qualified"), "owners": (sales.id,)}
    for actor, key, more in ((actor, key, more) for actor in (administrator, sales) for key in BOARDS for more in ({}, asked)):
        board = ask(actor, key, **more)
        for one in board.figures:
            if one.behind and one.key not in NOT_ROWS and one.key not in MONEY_OF:
                expected = getattr(one, COUNTED.get(one.key, "value" if one.unit is Unit.COUNT else "numerator"))
                assert rows_behind(actor, one) == expected, one.key
        for drawn in board.charts:
            column = next((place for place, one in enumerate(drawn.columns) if one.unit is Unit.COUNT), None)
            if column is not None and drawn.key not in ("won_by_owner", "won_by_team", "by_quarter", "by_owner"):
                for point in drawn.points:
                    if point.behind:
                        assert rows_behind(actor, point) == point.values[column], (drawn.key, point.label)


@pytest.mark.parametrize("key", BOARDS)
def test_each_board_counts_only_what_the_actor_may_see(rows: dict[str, Customer], staff_of: Any, key: str) -> None:
    own, team, stranger = staff_of("sales"), staff_of("manager"), staff_of("stranger")
    everything = ask(staff_of("administrator"), key, SPRING)
    assert ask(stranger, key, SPRING).missing
    assert all(figure.definition in DEFINITIONS for figure in everything.figures)
    assert all(not one.definition or one.definition in DEFINITIONS for one in everything.charts)
    assert ask(team, key, SPRING).figures == everything.figures  # both sellers are in the teams below
    totals = {"overview": "customers", "structure": "customers", "quality": "customers", "activity": "follow_ups"}
    totals |= {"conversion": "conversion", "sales": "contracts", "sources": "new_customers", "service": "tickets"}
    seen, whole = (figure(board, totals[key]) for board in (ask(own, key, SPRING), everything))
    assert 0 < int(seen.denominator or seen.value or 0) < int(whole.denominator or whole.value or 0)


@pytest.fixture
def staff_of(request: pytest.FixtureRequest, administrator: Actor, manager: Actor, stranger: Actor) -> Callable[[str], Actor]:
    return request.getfixturevalue


def test_an_empty_system_has_boards_that_say_so(sqlite_database: str, administrator: Actor) -> None:
    boards = [ask(administrator, key) for key in BOARDS]
    assert all(board.missing and not board.figures and not board.charts for board in boards)


def test_a_single_customer_without_contracts_has_no_wrong_number(sqlite_database: str, sales: Actor, set_clock: Clock) -> None:
    set_clock(NOW)
    enter(sales, at(6, 2))
    june = Period(date(2026, 6, 1), date(2026, 6, 30))
    board = ask(sales, "overview", june, compared=Compared.BEFORE)
    assert (figure(board, "win_rate").value, parts(board, "win_rate")) == (None, (0, 0))
    assert (figure(board, "contract_amount").value, figure(board, "contract_amount").change) == (0, None)
    new = figure(board, "new_customers")
    assert (new.value, new.before, new.change) == (1, 0, None)
    assert figure(board, "churn").value is None
    assert ask(sales, "sales", june).missing
    assert ask(sales, "overview", june, stages=("churned",)).missing


ONLY = {Permission.CONTRACT_READ: {"contract_amount", "contracts", "mean_contract"}, Permission.TICKET_READ: {"complaints"}}
ONLY |= {Permission.OPPORTUNITY_READ: {"win_rate", "won_value", "mean_won", "cycle", "opportunity_conversion"}}


@pytest.mark.parametrize("permission", ONLY)
def test_what_a_role_may_not_see_is_not_in_a_board(sqlite_database: str, administrator: Actor, permission: Permission) -> None:
    factories.make_customer(administrator)
    without = replace(administrator, permissions=administrator.permissions - {permission})
    seen = {one.key for key in boards_for(without) for one in ask(without, key).figures}
    whole = {one.key for key in BOARDS for one in ask(administrator, key).figures}
    assert not seen & ONLY[permission]
    assert whole - seen <= ONLY[permission] | {"tickets", "complaint_share", "resolved", "satisfaction", "resolution_time"}


@pytest.mark.parametrize(
    ("key", "lost", "error"),
    [
        ("overview", {Permission.DASHBOARD_READ}, NotAllowed),
        ("sales", {Permission.CONTRACT_READ, Permission.OPPORTUNITY_READ}, NotAllowed),
        ("service", {Permission.TICKET_READ}, NotAllowed),
        ("weather", set(), NotFound),
    ],
)
def test_a_board_needs_its_permission(sqlite_database: str, administrator: Actor, key: str, lost: set[str], error: type[Exception]) -> None:
    without = replace(administrator, permissions=administrator.permissions - lost)
    with pytest.raises(error):
        ask(without, key)


def test_a_board_is_computed_anew_only_when_its_own_data_change(
    database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = factories.make_customer(administrator)
    computed: list[str] = []
    for key, board in BOARDS.items():
        changed = replace(board, compute=lambda ground, key=key, compute=board.compute: (computed.append(key), compute(ground))[1])
        monkeypatch.setitem(BOARDS, key, changed)

    def ask_all() -> list[str]:
        computed.clear()
        for key in BOARDS:
            ask(administrator, key)
        return list(computed)

    assert ask_all() == list(BOARDS)
    assert ask_all() == []
    factories.make_opportunity(administrator, customer)
    assert ask_all() == ["overview", "sales"]
    with transaction(administrator) as session:
        session.execute(update(Opportunity).values(remark="x"))
    assert ask_all() == ["overview", "sales"]
    factories.make_ticket(administrator, customer)
    assert {"overview", "service"} <= set(ask_all())


def lay_maven(shared: Path, administrator: Actor) -> None:
    """Put the deals of a well-known data set, see its REFERENCE.txt, into the database; three of its agents by name."""
    customer = factories.make_customer(administrator)
    with (shared / "sample-data" / "maven-crm" / "sales_pipeline.csv").open(encoding="utf-8-sig") as file:
        deals = list(csv.DictReader(file))
    sellers = {name: factories.make_user(name=name) for name in ("Lajuana Vencill", "Hayden Neloms", "Darcel Schlecht")}
    with transaction(SYSTEM) as session:
        stages = Table(session).stages
        rows = []
        for number, deal in enumerate(deals):
            outcome = {"Won": "won", "Lost": "lost"}.get(deal["deal_stage"], "open")
            closed = datetime.fromisoformat(f"{deal['close_date']}T04:00:00+00:00") if deal["close_date"] else None
            opened = date.fromisoformat(deal["engage_date"] or "2017-12-31")
            seller = sellers.get(deal["sales_agent"])
            row = {"code": f"M{number}", "name": deal["product"], "customer_id": customer.id, "stage_id": stages[outcome]}
            row |= {"amount": Decimal(deal["close_value"] or 0), "opened_on": opened, "expected_on": opened, "closed_at": closed}
            rows.append(row | {"owner_id": seller.id if seller else administrator.id})
        session.execute(insert(Opportunity), rows)


def test_the_maven_figures_come_out_of_the_sales_board(sqlite_database: str, administrator: Actor, shared: Path) -> None:
    """Published figures, see REFERENCE.txt beside the data."""
    lay_maven(shared, administrator)
    board = ask(administrator, "sales", Period(date(2017, 1, 1), date(2017, 12, 31)))
    assert parts(board, "win_rate") == (4238, 4238 + 2473)
    assert [figure(board, key).value for key in ("won_value", "mean_won", "cycle")] == [10_005_534, Decimal("2360.91"), Decimal("48.0")]
    quarters = table(board, "by_quarter")
    assert [values[0] for values in quarters.values()] == [1_134_672, 3_086_111, 2_982_255, 2_802_496]
    assert [f"{values[3]:.4f}" for values in quarters.values()] == ["0.8207", "0.6171", "0.6141", "0.6025"]
    by_owner = table(board, "won_by_owner")
    assert by_owner["Darcel Schlecht"][0] == 1_153_214
    assert [f"{by_owner[name][3]:.4f}" for name in ("Lajuana Vencill", "Hayden Neloms")] == ["0.5498", "0.7039"]


@pytest.mark.parametrize(
    "pick",
    [
        "entered:customer:2024-01-01:9999-12-31",
        "age:0001-01-01:2024-01-01",
        "churned:2024-01-01:9999-12-31",
        "followed:2024-01-01:2024-02-01:99999999999999999999",
        "followed:2024-01-01:2024-02-01:x",
        "stale:1",
        "nothing",
    ],
)
def test_an_address_that_makes_no_sense_picks_nobody(sqlite_database: str, sales: Actor, pick: str) -> None:
    factories.make_customer(sales)
    with reading(sales) as session:
        assert list_customers(session, sales, CustomerQuery(of=pick), columns=()).rows == []
