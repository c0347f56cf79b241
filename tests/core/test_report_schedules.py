"""Scheduled reports: when they come, about which days, and that each receiver gets their own, once."""

from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from crm_core import clock, db
from crm_core.config import settings
from crm_core.errors import NotAllowed, NotFound, ValidationFailed
from crm_core.models import ChangeLog, OutboxMessage, Report, ReportSchedule, Role, User
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import contracts, relay
from crm_core.services.actors import list_actors
from crm_core.services.insight.question import Period, Question
from crm_core.services.reports import building, making, schedules
from crm_core.services.reports.order import Order, period_before
from crm_core.services.reports.schedules import Planned, Rhythm
from tests import factories

WEEKLY = Rhythm("weekly", 1, time(8))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=settings().timezone)


@pytest.mark.parametrize(
    ("rhythm", "now", "following"),
    [
        (WEEKLY, "2026-03-04T12:00", "2026-03-09T08:00"),
        (WEEKLY, "2026-03-09T07:59", "2026-03-09T08:00"),
        (WEEKLY, "2026-03-09T08:00", "2026-03-16T08:00"),
        (Rhythm("monthly", 28, time(18, 30)), "2026-02-28T18:30", "2026-03-28T18:30"),
        (Rhythm("monthly", 1, time(8)), "2026-12-31T23:00", "2027-01-01T08:00"),
        (Rhythm("quarterly", 5, time(8)), "2026-02-01T00:00", "2026-04-05T08:00"),
        (Rhythm("quarterly", 5, time(8)), "2026-10-05T07:00", "2026-10-05T08:00"),
        (Rhythm("quarterly", 1, time(8)), "2026-11-30T00:00", "2027-01-01T08:00"),
    ],
)
def test_the_next_time_lies_ahead(rhythm: Rhythm, now: str, following: str) -> None:
    assert rhythm.after(at(now)) == at(following)


@pytest.mark.parametrize(
    ("rhythm", "today", "first", "last"),
    [
        ("weekly", date(2026, 3, 9), date(2026, 3, 2), date(2026, 3, 8)),
        ("weekly", date(2026, 3, 15), date(2026, 3, 2), date(2026, 3, 8)),
        ("monthly", date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        ("quarterly", date(2026, 2, 3), date(2025, 10, 1), date(2025, 12, 31)),
    ],
)
def test_a_report_is_about_what_ended_last(rhythm: str, today: date, first: date, last: date) -> None:
    assert period_before(rhythm, today) == Period(first, last)


def plan(actor: Actor, *receivers: Actor, rhythm: Rhythm = WEEKLY, sheets: tuple[str, ...] = ("contracts",), **over: Any) -> int:
    values = {"name": "周报", "reason": "周会", "rhythm": rhythm, "receivers": [one.id or 0 for one in receivers]} | over
    order = Order(Question(Period(clock.today(), clock.today())), ("sales",), sheets)
    with db.transaction(actor) as session:
        return schedules.add_schedule(session, actor, order, **values)


def planned(actor: Actor) -> list[Planned]:
    with db.reading(actor) as session:
        return schedules.list_schedules(session, actor)


def run_due() -> None:
    """The schedule's time comes, as the job finds it."""
    with db.transaction(SYSTEM) as session:
        session.execute(update(ReportSchedule).values(next_at=clock.now() - timedelta(minutes=1)))
    with db.transaction(SYSTEM) as session:
        schedules.order_due(session)


def made() -> list[Report]:
    with db.reading(SYSTEM) as session:
        return list(session.execute(select(Report).order_by(Report.user_id)).scalars())


def now(actor: Actor) -> Actor:
    with db.reading(SYSTEM) as session:
        return list_actors(session, User.id == actor.id)[0]


def amounts(actor: Actor, number: int) -> list[Any]:
    with db.transaction(actor) as session:
        sheet = load_workbook(BytesIO(making.open_report(session, actor, number).content)).worksheets[2]
    head, *rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    place = next(place for place, title in enumerate(head) if title in ("合同金额", "Contract amount"))
    return [row[place] for row in rows]


def test_each_receiver_gets_their_own_report_in_their_language_and_a_link_by_mail(
    database: str, administrator: Actor, manager: Actor, stranger: Actor
) -> None:
    last_week = clock.today() - timedelta(days=clock.today().weekday() + 3)
    for actor, amount in ((manager, 100), (stranger, 7000)):
        customer = factories.make_customer(actor, stage="customer")
        with db.transaction(actor) as session:
            contracts.add_contract(session, actor, customer.id, {"product": "维护", "amount": amount, "signed_on": last_week})
    with db.transaction(SYSTEM) as session:
        session.get_one(User, manager.id).language = "en"
        session.get_one(User, manager.id).email = "manager@example.com"
    plan(administrator, administrator, manager)
    run_due()
    run_due()  # the same week again: nobody gets a second one
    while building.build_next():
        pass
    whose = {report.user_id: report for report in made()}
    assert whose.keys() == {administrator.id, manager.id}
    assert sorted(amounts(now(administrator), whose[administrator.id or 0].id)) == [100, 7000]
    assert amounts(now(manager), whose[manager.id or 0].id) == [100]
    with db.transaction(SYSTEM) as session:
        relay.send_notices(session, [manager.id or 0])
    with db.reading(SYSTEM) as session:
        (mail,) = session.execute(select(OutboxMessage)).scalars()
        lines = session.execute(select(ChangeLog.actor_id, ChangeLog.reason).where(ChangeLog.action == "exported")).all()
    assert mail.recipient == "manager@example.com"
    assert "Scheduled report ready" in mail.subject
    assert {(line.actor_id, line.reason) for line in lines} == {(administrator.id, "周会"), (manager.id, "周会")}


def test_whoever_was_disabled_or_may_not_export_any_more_gets_nothing(database: str, administrator: Actor, manager: Actor) -> None:
    plan(administrator, manager)
    with db.transaction(SYSTEM) as session:
        role = session.execute(select(Role).where(Role.code == "manager")).scalar_one()
        role.permissions = [one for one in role.permissions if one != "customer:export"]
    run_due()
    assert made() == []
    plan(administrator, administrator)
    with db.transaction(SYSTEM) as session:
        session.get_one(User, administrator.id).is_active = False
    run_due()
    assert made() == []


def test_a_paused_one_rests_and_a_deleted_one_leaves_its_reports(database: str, administrator: Actor) -> None:
    number = plan(administrator, administrator)
    with db.transaction(administrator) as session:
        schedules.pause_schedule(session, administrator, number, is_active=False)
    run_due()
    assert made() == []
    with db.transaction(administrator) as session:
        schedules.pause_schedule(session, administrator, number, is_active=True)
    run_due()
    with db.transaction(administrator) as session:
        schedules.delete_schedule(session, administrator, number)
    assert planned(administrator) == []
    assert [report.schedule_id for report in made()] == [None]


def test_what_is_missing_or_not_one_s_own_is_refused(database: str, administrator: Actor, manager: Actor, sales: Actor) -> None:
    with pytest.raises(NotAllowed):
        plan(sales, sales)
    with pytest.raises(ValidationFailed) as refused:
        plan(administrator, sales, name="", reason="", rhythm=Rhythm("monthly", 31))
    assert refused.value.errors.keys() == {"name", "reason", "rhythm", "receivers"}
    number = plan(administrator, administrator)
    with pytest.raises(NotFound):
        with db.transaction(manager) as session:
            schedules.delete_schedule(session, manager, number)
    (one,) = planned(administrator)
    assert (one.name, one.rhythm, one.receiver_names) == ("周报", WEEKLY, (administrator.name,))
    assert one.next_at > clock.now()
