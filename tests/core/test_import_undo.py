"""A whole import is taken back in one step: what nobody touched since goes to the recycle bin, the rest stays and is named."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition, NotAllowed, NotFound
from crm_core.models import Customer, Place
from crm_core.permissions import SYSTEM, Actor, Scope
from crm_core.services import customers
from crm_core.services.customer_changes import update_customer
from crm_core.services.imports import running, undoing
from crm_core.services.imports.undoing import Imported, Undoing
from tests import factories
from tests.core.test_imports import complete_line, import_lines

NAMES = ("杭州恒远机械有限公司", "宁波海天塑机有限公司", "温州东瓯阀门有限公司")


def bring_in(actor: Actor, *names: str) -> Imported:
    lines = [complete_line(name, f"1380000{place:04d}") for place, name in enumerate(names or NAMES)]
    assert import_lines(*lines, actor=actor).created == len(lines)
    return listed(actor)[0]


def listed(actor: Actor) -> list[Imported]:
    with reading(actor) as session:
        return undoing.list_imports(session, actor)


def undo(actor: Actor, one: Imported) -> Undoing:
    with transaction(actor) as session:
        return undoing.undo_import(session, actor, one.id)


def lying_in(place: Place) -> list[str]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(Customer.name).where(Customer.place == place).order_by(Customer.id)).scalars())


def test_an_import_goes_to_the_recycle_bin_and_comes_back_from_there(
    database: str, administrator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)  # an import of several parts
    one = bring_in(administrator)
    assert (one.created, one.who, one.undone_at) == (3, administrator.name, None)
    with reading(administrator) as session:
        assert len(undoing.preview_undo(session, administrator, one.id).going) == 3
    done = undo(administrator, one)
    assert (len(done.going), done.left, lying_in(Place.BIN)) == (3, [], list(NAMES))
    (moved,) = factories.log_of("customer", next(iter(done.going)), field="place")
    assert (moved.old, moved.new, moved.actor_id) == ("library", "bin", administrator.id)
    assert "customers.csv" in (moved.reason or "")
    assert [line.action for line in factories.log_of("import_batch", one.id)] == ["imported", "undone"]
    assert listed(administrator)[0].undone_at
    with transaction(administrator) as session:
        assert customers.restore_customer(session, administrator, next(iter(done.going))).is_listed
    with pytest.raises(IllegalTransition):
        undo(administrator, one)


def test_what_somebody_touched_since_stays_and_is_named(database: str, administrator: Actor, sales: Actor) -> None:
    one = bring_in(administrator)
    with reading(SYSTEM) as session:
        first, second, third = session.execute(select(Customer).order_by(Customer.id)).scalars()
    factories.make_opportunity(administrator, first)
    with transaction(administrator) as session:
        customers.delete_customer(session, administrator, second.id)
    left = undo(administrator, one).left
    assert [(row["name"], row["why"]) for row in left] == [(first.name, "changed"), (second.name, "bin")]
    assert (lying_in(Place.LIBRARY), lying_in(Place.BIN)) == ([first.name], [second.name, third.name])


def test_what_the_system_derives_or_an_import_updates_is_told_apart(database: str, administrator: Actor) -> None:
    one = bring_in(administrator)
    with reading(SYSTEM) as session:
        first, *_others = session.execute(select(Customer).order_by(Customer.id)).scalars()
    with transaction(SYSTEM) as session:
        update_customer(session, SYSTEM, first.id, {"remark": "系统"}, version=first.version)
    with reading(administrator) as session:
        assert undoing.preview_undo(session, administrator, one.id).left == []


def test_it_is_the_importers_own_and_for_some_days_only(
    database: str, administrator: Actor, manager: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    colleague, one = factories.make_user(role="manager"), bring_in(manager)
    assert manager.scope is not Scope.ALL
    assert listed(colleague) == []
    with pytest.raises(NotFound):
        undo(colleague, one)
    with pytest.raises(NotAllowed):
        listed(factories.make_user(role="service"))
    assert [row.id for row in listed(administrator)] == [one.id]
    later = clock.now() + timedelta(days=undoing.UNDO_DAYS, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(IllegalTransition):
        undo(manager, one)
