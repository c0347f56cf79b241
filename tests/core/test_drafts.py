"""Half-filled entries."""

import pytest
from sqlalchemy import text

from crm_core import db
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition, NotAllowed, NotFound
from crm_core.permissions import Actor, Permission
from crm_core.services.drafts import MAX_DRAFTS, discard_draft, get_draft, list_drafts, save_draft, start_draft
from tests import factories
from tests.core.sentences import is_sentence


def start(actor: Actor, **values: object) -> str:
    with transaction(actor) as session:
        return start_draft(session, actor, values)


def test_what_was_entered_survives_a_restart(database: str, sales: Actor) -> None:
    draft = start(sales, name="恒远", contacts=[{"name": "王伟"}])
    with transaction(sales) as session:
        save_draft(session, sales, draft, {"name": "杭州恒远机械有限公司", "interests": ["a"], "note": "第一行\n👍"})
    db.engine().dispose()
    db.engine.cache_clear()
    with reading(sales) as session:
        assert get_draft(session, sales, draft).values == {"name": "杭州恒远机械有限公司", "interests": ["a"], "note": "第一行\n👍"}


def test_a_draft_is_seen_by_its_author_alone(database: str, sales: Actor, manager: Actor, administrator: Actor) -> None:
    draft = start(sales, name="x")
    for other in (manager, administrator):
        with transaction(other) as session:
            assert list_drafts(session, other) == []
            for verb in (get_draft, discard_draft, lambda *them: save_draft(*them, {"name": "y"})):
                with pytest.raises(NotFound) as refusal:
                    verb(session, other, draft)
                assert is_sentence(str(refusal.value))
    with reading(sales) as session:
        assert get_draft(session, sales, draft).values == {"name": "x"}


def test_drafts_are_listed_latest_first(database: str, sales: Actor) -> None:
    first, second = start(sales), start(sales)
    with transaction(sales) as session:
        save_draft(session, sales, first, {"name": "x"})
    with reading(sales) as session:
        assert [one.id for one in list_drafts(session, sales)] == [first, second]


def test_a_discarded_or_submitted_draft_is_gone(database: str, sales: Actor) -> None:
    discarded, submitted = start(sales), start(sales)
    with transaction(sales) as session:
        discard_draft(session, sales, discarded)
    factories.make_customer(sales, draft_id=submitted)
    for draft in (discarded, submitted, "no-such-draft", "\x00", "\ud800"):
        with reading(sales) as session, pytest.raises(NotFound):
            get_draft(session, sales, draft)


def test_one_more_draft_than_the_limit_is_refused_and_none_is_lost(database: str, sales: Actor, stranger: Actor) -> None:
    start(stranger)
    drafts = [start(sales) for _number in range(MAX_DRAFTS)]
    with pytest.raises(IllegalTransition) as refusal:
        start(sales)
    assert is_sentence(str(refusal.value))
    with reading(sales) as session:
        assert {one.id for one in list_drafts(session, sales)} == set(drafts)
    with transaction(sales) as session:
        discard_draft(session, sales, drafts[0])
    start(sales)


def test_a_draft_needs_the_permission_to_enter_customers(database: str, sales: Actor) -> None:
    reader = Actor(id=sales.id, name="只读", permissions=frozenset({Permission.CUSTOMER_READ}))
    with pytest.raises(NotAllowed):
        start(reader)


def test_what_a_draft_holds_is_not_readable_in_the_database(database: str, sales: Actor) -> None:
    number = factories.random_identity_number()
    draft = start(sales, identity_number=number, name="王伟")
    with db.engine().connect() as connection:
        raw = str(connection.execute(text("SELECT * FROM draft")).all())
    assert draft in raw
    assert number not in raw
    with reading(sales) as session:
        assert get_draft(session, sales, draft).values["identity_number"] == number
