"""Half-written follow-ups: nothing is lost, and nobody else reads them."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from crm_core import clock, db
from crm_core.config import settings
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition, NotAllowed, NotFound
from crm_core.models import Customer, FollowUpDraft
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services import follow_up_drafts
from crm_core.services.archive import archive_customer
from crm_core.services.customers import delete_customer
from crm_core.services.file_store import KEPT_UNUSED, load_file, remove_unused_files, store_file
from tests import factories

VALUES = {"content": "客户想先看案例\n👍" + "字" * 9_990, "happened_at": "2026-11-20T09:30:00", "mentions": [3]}


@pytest.fixture
def customer(database: str, sales: Actor) -> Customer:
    return factories.make_customer(sales)


def keep(actor: Actor, customer: Customer, draft_id: int | None = None, **values: object) -> int:
    with transaction(actor) as session:
        return follow_up_drafts.keep_draft(session, actor, customer.id, values or VALUES, draft_id=draft_id)


def found(actor: Actor, customer: Customer) -> follow_up_drafts.Unfinished | None:
    with reading(actor) as session:
        return follow_up_drafts.find_draft(session, actor, customer.id)


def test_what_was_written_survives_a_restart(sales: Actor, customer: Customer) -> None:
    first = keep(sales, customer, content="x")
    assert keep(sales, customer, first) == first
    db.engine().dispose()
    db.engine.cache_clear()
    kept = found(sales, customer)
    assert kept is not None
    assert (kept.id, kept.customer, kept.values) == (first, customer.name, VALUES)
    with reading(SYSTEM) as session:
        assert "案例" not in session.execute(text('SELECT "values" FROM follow_up_draft')).scalar_one()


def test_a_draft_is_its_authors_alone(sales: Actor, manager: Actor, customer: Customer) -> None:
    draft = keep(sales, customer, content="x")
    assert found(manager, customer) is None
    with transaction(manager) as session:
        assert follow_up_drafts.list_drafts(session, manager) == []
        follow_up_drafts.discard_draft(session, manager, draft)
        assert follow_up_drafts.keep_draft(session, manager, customer.id, {"content": "y"}, draft_id=draft) != draft
    kept = found(sales, customer)
    assert kept is not None
    assert kept.values == {"content": "x"}


def test_drafts_are_listed_latest_first_until_they_are_let_go(sales: Actor, customer: Customer) -> None:
    other = factories.make_customer(sales)
    drafts = [keep(sales, customer), keep(sales, other)]
    keep(sales, customer, drafts[0], content="weiter")
    with transaction(sales) as session:
        assert [one.id for one in follow_up_drafts.list_drafts(session, sales)] == drafts
        follow_up_drafts.discard_draft(session, sales, drafts[0])
        follow_up_drafts.discard_draft(session, sales, drafts[0])
    with reading(sales) as session:
        assert [one.id for one in follow_up_drafts.list_drafts(session, sales)] == drafts[1:]


def test_about_a_customer_that_is_gone_nothing_more_is_kept(sales: Actor, administrator: Actor, customer: Customer) -> None:
    draft = keep(sales, customer)
    with transaction(administrator) as session:
        archive_customer(session, administrator, customer.id, reason="x")
    with pytest.raises(IllegalTransition):
        keep(sales, customer, draft)
    gone = factories.make_customer(sales)
    with transaction(administrator) as session:
        delete_customer(session, administrator, gone.id, reason="x")
    with pytest.raises(NotFound):
        keep(sales, gone)
    with reading(sales) as session:
        assert follow_up_drafts.list_drafts(session, sales) == []
    assert found(sales, customer) is not None  # it comes back with the customer


def test_whoever_may_not_write_follow_ups_keeps_no_draft(sales: Actor, customer: Customer) -> None:
    reader = Actor(id=sales.id, name="只读", permissions=frozenset({Permission.CUSTOMER_READ}))
    with pytest.raises(NotAllowed):
        keep(reader, customer)
    with reading(SYSTEM) as session:
        assert session.execute(select(FollowUpDraft)).first() is None


def test_a_file_that_waits_for_its_follow_up_stays_in_the_store(sales: Actor, customer: Customer) -> None:
    stored = store_file(factories.PDF)
    with transaction(sales) as session:
        draft = follow_up_drafts.keep_draft(session, sales, customer.id, {}, digests=[stored.digest])
    (path,) = [path for path in Path(settings().files_location).rglob("*") if path.is_file()]
    long_ago = (clock.now() - KEPT_UNUSED - timedelta(minutes=1)).timestamp()
    os.utime(path, (long_ago, long_ago))
    with transaction(SYSTEM) as session:
        assert remove_unused_files(session) == 0
    assert load_file(stored.digest) == factories.PDF
    with transaction(sales) as session:
        follow_up_drafts.discard_draft(session, sales, draft)
    with transaction(SYSTEM) as session:
        assert remove_unused_files(session) == 1
