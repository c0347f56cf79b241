"""Notices in the app: who gets them, how they read, and what is read."""

import re
from typing import Any

import pytest
from sqlalchemy import event, select

from crm_core.db import engine, reading, transaction
from crm_core.i18n import in_language
from crm_core.models import Notice
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import notice_kinds, notices
from tests import factories
from tests.core.sentences import is_sentence

BLOCKED = {"name": "李", "username": "li"}
TASK = ["verification", "Check the customer's data"]
VALUES = {"time": "2026-03-02T09:00:00+00:00", "place": "中国 上海 上海市", "device": "", "task": TASK, "count": 2, **BLOCKED}
VALUES |= {"person": "Wang", "kept": "A", "reason": "new year", "actor": "Wang", "customer": "B", "days": 7, "day": "2026-05-06"}
VALUES |= {"code": "TKT202603001", "text": "drones", "remark": "there is one like it", "number": "7", "amount": "5"}


def send(*receivers: Actor, kind: str = "account_blocked", **over: Any) -> None:
    with transaction() as session:
        notices.notify(session, [receiver.id or 0 for receiver in receivers], kind, VALUES, **over)


def unread(actor: Actor) -> int:
    with reading(actor) as session:
        return notices.count_unread(session, actor)


def latest(actor: Actor) -> list[notices.Told]:
    with reading(actor) as session:
        return notices.list_latest(session, actor)


def test_everybody_reads_their_own(database: str, sales: Actor, administrator: Actor, stranger: Actor) -> None:
    send(sales, administrator)
    assert [unread(actor) for actor in (sales, administrator, stranger)] == [1, 1, 0]
    with transaction(sales) as session:
        notices.mark_read(session, sales)
    assert [unread(actor) for actor in (sales, administrator)] == [0, 1]
    assert [notice.is_read for notice in latest(sales)] == [True]


@pytest.mark.parametrize("kind", [kind for kind, one in notice_kinds.KINDS.items() if "{count}" in one.sentence])
def test_one_thing_reads_as_one_in_english(any_database: str, kind: str) -> None:
    with in_language("en"):
        told = notices._told(Notice(kind=kind, data=VALUES | {"count": 1}, path=""), VALUES | {"count": 1})
    assert not re.search(r"\b1 (customers|entries|tasks)\b|\b1 of your customers go\b", told.sentence)


def test_one_is_marked_as_read_and_never_somebody_elses(database: str, sales: Actor, colleague: Actor) -> None:
    send(sales)
    send(sales)
    (newest, _older) = latest(sales)
    with transaction(colleague) as session:
        notices.mark_read(session, colleague, newest.id)
    assert unread(sales) == 2
    with transaction(sales) as session:
        notices.mark_read(session, sales, newest.id)
    assert [notice.is_read for notice in latest(sales)] == [True, False]


def test_a_notice_with_the_same_key_comes_once(database: str, sales: Actor, colleague: Actor) -> None:
    for _time in range(2):
        send(sales, key="reminder:1")
    send(colleague, key="reminder:1")
    assert (unread(sales), unread(colleague)) == (1, 1)


def test_the_newest_ten_are_listed_and_at_most_a_hundred_are_counted(database: str, sales: Actor) -> None:
    for _time in range(12):
        send(*[sales] * 10)
    assert unread(sales) == notices.COUNTED
    ids = [notice.id for notice in latest(sales)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 10


def test_a_notice_about_a_customer_is_seen_while_the_customer_is(database: str, sales: Actor, stranger: Actor) -> None:
    customer = factories.make_customer(sales)
    send(sales, stranger, customer_id=customer.id)
    assert (unread(sales), unread(stranger)) == (1, 0)
    assert latest(stranger) == []


@pytest.mark.parametrize("kind", notice_kinds.KINDS)
def test_each_kind_is_a_sentence_in_the_language_of_the_reader(sqlite_database: str, sales: Actor, kind: str) -> None:
    send(sales, kind=kind)
    for language in ("zh_CN", "en"):
        with in_language(language):
            (notice,) = latest(sales)
        assert is_sentence(notice.sentence) is (language == "zh_CN")
        assert bool(re.search("[\u4e00-\u9fff]", notice.title)) is (language == "zh_CN")
        assert "{" not in notice.sentence


def test_counting_is_one_query_that_an_index_answers(sqlite_database: str, sales: Actor) -> None:
    statements: list[tuple[str, Any]] = []
    event.listen(engine(), "before_cursor_execute", lambda _c, _k, text, values, *_rest: statements.append((text, values)))
    unread(sales)
    (asked,) = [one for one in statements if one[0].startswith("SELECT")]
    with reading(SYSTEM) as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", asked[1]).all()
        assert session.execute(select(Notice)).first() is None
    assert any("ix_notice_unread" in str(step) for step in plan)
