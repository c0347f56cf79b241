"""Edits of customers that are not saved yet: nothing is lost, and nobody else reads them."""

import pytest
from sqlalchemy import text

from crm_core import db
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition, NotAllowed, NotFound
from crm_core.models import Customer
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import edit_drafts
from crm_core.services.archive import archive_customer
from crm_core.services.customers import delete_customer
from tests import factories

VALUES = {"before": {"remark": ""}, "entered": {"remark": "客户想先看案例"}, "words": {}}


@pytest.fixture
def customer(database: str, sales: Actor) -> Customer:
    return factories.make_customer(sales)


def keep(actor: Actor, customer: Customer, values: dict[str, object]) -> None:
    with transaction(actor) as session:
        edit_drafts.keep_draft(session, actor, customer.id, values)


def found(actor: Actor, customer: Customer) -> dict[str, object] | None:
    with reading(actor) as session:
        draft = edit_drafts.find_draft(session, actor, customer.id)
    return draft.values if draft else None


def test_what_was_changed_survives_a_restart_and_cannot_be_read_in_the_database(sales: Actor, customer: Customer) -> None:
    keep(sales, customer, VALUES | {"words": {"reason": "x"}})
    keep(sales, customer, VALUES)
    db.engine().dispose()
    db.engine.cache_clear()
    assert found(sales, customer) == VALUES
    with reading(SYSTEM) as session:
        assert "案例" not in session.execute(text('SELECT "values" FROM edit_draft')).scalar_one()


def test_it_is_its_authors_alone_and_goes_when_nothing_differs_any_more(sales: Actor, manager: Actor, customer: Customer) -> None:
    keep(sales, customer, VALUES)
    keep(manager, customer, VALUES | {"words": {"reason": "主管"}})
    keep(manager, customer, {})
    assert found(manager, customer) is None
    assert found(sales, customer) == VALUES


def test_nothing_is_kept_of_what_cannot_be_edited(administrator: Actor, sales: Actor, stranger: Actor, customer: Customer) -> None:
    viewer = factories.make_user(role="viewer")
    for actor, problem in ((viewer, NotAllowed), (stranger, NotFound)):
        with pytest.raises(problem):
            keep(actor, customer, VALUES)
    with transaction(administrator) as session:
        archive_customer(session, administrator, customer.id, reason="停业")
    with pytest.raises(IllegalTransition):
        keep(sales, customer, VALUES)
    gone = factories.make_customer(sales)
    with transaction(administrator) as session:
        delete_customer(session, administrator, gone.id, reason="")
    with pytest.raises(NotFound):
        keep(sales, gone, VALUES)
