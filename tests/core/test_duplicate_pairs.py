"""Suspected duplicates: what a scan finds, with which score, and what is said of a pair."""

from typing import Any

import pytest
from alembic import command
from sqlalchemy import select, text

from crm_core import db
from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, NotFound
from crm_core.models import Customer, DuplicatePair, Job
from crm_core.normal import name_key, name_parts
from crm_core.permissions import SYSTEM, Actor
from crm_core.schema import alembic_config, upgrade_database
from crm_core.services import archive, customers, duplicate_pairs, duplicate_scan, jobs
from tests import factories

CODE, OTHER_CODE = factories.random_credit_code(), factories.random_credit_code()
PHONE = {"phone": "13800001111"}
PERSON = {"kind": "individual", "name": "王伟"}


def scan() -> dict[duplicate_scan.Pair, duplicate_scan.Found]:
    """Scan as the job does."""
    with reading(SYSTEM) as session:
        found = duplicate_scan.find_pairs(session)
    with transaction(SYSTEM) as session:
        duplicate_scan.keep_pairs(session, found)
    return found


def make_two(actor: Actor, first: dict[str, Any], second: dict[str, Any]) -> None:
    for values in (first, second):
        values = dict(values)
        people = {key: values.pop(key) for key in ("phone", "email") if key in values}
        factories.make_customer(actor, contacts=[factories.contact_values(**people)], duplicate_reason="两次登记", **values)


@pytest.mark.parametrize(
    ("first", "second", "reasons", "at_least"),
    [
        ({"credit_code": CODE}, {"credit_code": CODE}, ("credit_code",), 98),
        ({"name": "杭州恒远机械有限公司"}, {"name": "杭州市恒远机械有限责任公司"}, ("name",), 90),
        ({"phone": "13800001111"}, {"phone": "13800001111"}, ("phone",), 65),
        ({"email": "A@b.example.com"}, {"email": "a@B.example.com"}, ("email",), 65),
        ({"name": "杭州恒远机械有限公司"}, {"name": "恒远机械（杭州）股份有限公司"}, ("similar",), 75),
        ({"name": "杭州恒远机械有限公司"}, {"name": "浙江恒源机械有限公司"}, ("similar",), 60),
        ({"name": "杭州恒远机械有限公司"} | PHONE, {"name": "恒远机械有限公司"} | PHONE, ("phone", "similar"), 90),
        (PERSON | PHONE, PERSON | PHONE, ("name", "phone"), 75),
    ],
)
def test_two_that_may_be_one_are_found_with_the_reasons(
    database: str, sales: Actor, first: dict[str, Any], second: dict[str, Any], reasons: tuple[str, ...], at_least: int
) -> None:
    make_two(sales, first, second)
    (found,) = scan().values()
    assert found.reasons == reasons
    assert at_least <= found.score <= 100


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "杭州恒远机械有限公司"}, {"name": "宁波恒远机械有限公司"}),
        ({"name": "杭州恒远机械有限公司"}, {"name": "杭州恒达机械有限公司"}),
        ({"kind": "individual", "name": "王伟"}, {"kind": "individual", "name": "王伟"}),
        ({"email": "未提供"}, {"email": "未提供"}),
        ({"credit_code": CODE, "phone": "13800001111"}, {"credit_code": OTHER_CODE, "phone": "13800001111"}),
    ],
)
def test_what_differs_is_no_pair(database: str, sales: Actor, first: dict[str, Any], second: dict[str, Any]) -> None:
    make_two(sales, first, second)
    assert scan() == {}


def test_one_number_on_very_many_customers_is_that_of_an_agent(database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicate_scan, "LARGEST_GROUP", 2)
    for _one in range(3):
        factories.make_customer(sales, credit_code=CODE, contacts=[factories.contact_values(phone="13800001111")], duplicate_reason="x")
    assert {found.reasons for found in scan().values()} == {("credit_code",)}
    assert len(scan()) == 2


def test_a_large_block_is_compared_with_its_neighbours(database: str, sales: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    make_two(sales, {"name": "杭州恒远机械有限公司"}, {"name": "恒远机械有限公司"})
    monkeypatch.setattr(duplicate_scan, "LARGEST_BLOCK", 1)
    assert len(scan()) == 1


@pytest.fixture
def pair(database: str, sales: Actor, colleague: Actor) -> tuple[Customer, Customer]:
    """Two records of one company in one team, found."""
    made = [
        factories.make_customer(actor, name=name, contacts=[factories.contact_values(phone="13800001111")])
        for actor, name in ((sales, "杭州恒远机械有限公司"), (colleague, "恒远机械（杭州）有限公司"))
    ]
    scan()
    return made[0], made[1]


def test_an_upgrade_renews_the_keys_of_names(pair: tuple[Customer, Customer]) -> None:
    with db.engine().execution_options(writing=True).connect() as connection:
        command.downgrade(alembic_config(connection), "0004")
        connection.execute(text("UPDATE customer SET name = '杭州市恒远机械有限责任公司', name_key = 'old'"))
        connection.commit()
    upgrade_database()
    with reading(SYSTEM) as session:
        assert set(session.execute(select(Customer.name_key)).scalars()) == {"杭州恒远机械有限公司"}


def listed(actor: Actor, *, dismissed: bool = False) -> list[duplicate_pairs.Suspected]:
    with reading(actor) as session:
        return duplicate_pairs.list_pairs(session, actor, dismissed=dismissed).rows


def test_a_pair_is_seen_by_whoever_sees_both(
    pair: tuple[Customer, Customer], manager: Actor, administrator: Actor, stranger: Actor, teams: dict[str, int], sales: Actor
) -> None:
    (found,) = listed(manager)
    assert {found.first.code, found.second.code} == {one.code for one in pair}
    assert found.owners == ("销售丙", "销售丁")
    west = factories.make_user(role="manager", team_id=teams["west"])
    below = factories.make_user(role="manager", team_id=teams["below"])
    assert [len(listed(actor)) for actor in (administrator, west, below)] == [1, 0, 0]
    with pytest.raises(NotAllowed):
        listed(sales)
    with pytest.raises(NotFound), transaction(below) as session:
        duplicate_pairs.tell_apart(session, below, found.id)


def test_told_apart_it_is_not_listed_again_until_that_is_taken_back(pair: tuple[Customer, Customer], manager: Actor) -> None:
    (found,) = listed(manager)
    with transaction(manager) as session:
        duplicate_pairs.tell_apart(session, manager, found.id)
    scan()
    assert listed(manager) == []
    assert [one.dismissed_by for one in listed(manager, dismissed=True)] == ["主管乙"]
    with transaction(manager) as session:
        duplicate_pairs.tell_together(session, manager, found.id)
    assert len(listed(manager)) == 1
    for customer in pair:
        lines = factories.log_of("customer", customer.id)[-2:]
        assert [line.action for line in lines] == ["told_apart", "told_together"]
        # The owner of one may not see the other: the name of that one is none of theirs.
        assert {line.new for line in lines} == {one.code for one in pair if one.id != customer.id}


@pytest.mark.parametrize("leave", ["delete", "archive"])
def test_a_pair_of_which_one_left_the_library_is_not_listed(pair: tuple[Customer, Customer], manager: Actor, leave: str) -> None:
    with transaction(manager) as session:
        if leave == "delete":
            customers.delete_customer(session, manager, pair[0].id)
        else:
            archive.archive_customer(session, manager, pair[0].id, reason="x")
    assert listed(manager) == []
    assert scan() == {}
    with reading(SYSTEM) as session:
        assert session.execute(select(DuplicatePair)).first() is None


def test_a_scan_runs_in_the_background_when_asked_for_and_says_how_it_stands(
    pair: tuple[Customer, Customer], manager: Actor, sales: Actor
) -> None:
    with pytest.raises(NotAllowed), transaction(sales) as session:
        duplicate_pairs.request_scan(session, sales)
    assert not state().is_waiting
    for _turn in range(2):
        with transaction(manager) as session:
            duplicate_pairs.request_scan(session, manager)
    assert state().is_waiting
    assert jobs.claim(duplicate_scan.JOB)
    assert state().running_since
    jobs.run(duplicate_scan.JOB)
    after = state()
    assert (after.is_waiting, after.running_since, after.has_failed) == (False, None, False)
    assert after.finished_at
    with transaction(SYSTEM) as session:
        session.get_one(Job, duplicate_scan.JOB).error = "x"
    assert state().has_failed


def state() -> duplicate_pairs.ScanState:
    with reading(SYSTEM) as session:
        return duplicate_pairs.scan_state(session)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("杭州恒远机械有限公司", ("杭州", "恒远机械")),
        ("浙江省杭州市恒远机械有限责任公司", ("浙江杭州", "恒远机械")),
        ("恒远机械（杭州）股份有限公司", ("杭州", "恒远机械")),
        ("上海市场营销有限公司", ("上海", "市场营销")),
        ("杭州有限公司", ("", "杭州")),
        ("Acme Ltd", ("", "acmeltd")),
    ],
)
def test_a_name_has_a_place_and_what_is_its_own(name: str, parts: tuple[str, str]) -> None:
    assert name_parts(name_key(name)) == parts
    assert name_key(name_key(name)) == name_key(name)
