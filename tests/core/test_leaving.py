"""Leaving the customer list: recycle bin, archive, legal hold, removal for good; and what must never be lost on the way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Attachment, Base, ChangeLog, Contact, Customer, CustomerTag, Merge, Notice, Place
from crm_core.permissions import SYSTEM, Actor
from crm_core.search import customer_search
from crm_core.services import (
    archive,
    attachments,
    contacts,
    customer_changes,
    customer_list,
    customers,
    file_store,
    holds,
    jobs,
    merges,
    notices,
    recycle_bin,
    tags,
)
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.file_store import store_file
from crm_core.services.merge_rows import references
from crm_core.services.recycle_bin import BinRules
from tests import factories


def delete(actor: Actor, customer: Customer, reason: str = "") -> None:
    with transaction(actor) as session:
        customers.delete_customer(session, actor, customer.id, reason=reason)


def shelve(actor: Actor, customer: Customer, reason: str = "暂停合作") -> None:
    with transaction(actor) as session:
        archive.archive_customer(session, actor, customer.id, reason=reason)


def hold(actor: Actor, customer: Customer, reason: str = "诉讼", *, is_on_hold: bool = True) -> None:
    with transaction(actor) as session:
        holds.set_hold(session, actor, customer.id, is_on_hold=is_on_hold, reason=reason)


def age(customer: Customer, days: float) -> None:
    """Let it have lain in its place for so long."""
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(placed_at=clock.now() - timedelta(days=days)))


def purge() -> bool:
    with transaction(SYSTEM) as session:
        return recycle_bin.purge(session)


def place_of(customer: Customer) -> str | None:
    with reading(SYSTEM) as session:
        return session.execute(select(Customer.place).where(Customer.id == customer.id)).scalar()


class TestBin:
    def test_it_says_since_when_by_whom_and_why(self, database: str, manager: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales, name="杭州恒远机械有限公司")
        delete(manager, customer, "录入测试")
        with reading(manager) as session:
            (row,) = recycle_bin.list_bin(session, manager).rows
            assert recycle_bin.list_bin(session, manager, phrase="恒远").total == 1
            assert recycle_bin.list_bin(session, manager, phrase="别家").rows == []
        assert (row.code, row.by, row.reason, row.owner) == (customer.code, "主管乙", "录入测试", "销售丙")
        assert recycle_bin.days_left(BinRules(), row.since) in (29, 30)

    def test_it_pages_with_the_latest_first(self, database: str, manager: Actor) -> None:
        made = [factories.make_customer(manager) for _one in range(3)]
        for days, customer in enumerate(made):
            delete(manager, customer)
            age(customer, days)
        with reading(manager) as session, pytest.MonkeyPatch.context() as patch:
            patch.setattr("crm_core.services.laid_away.LaidAwayPage.size", 2)
            first, second = (recycle_bin.list_bin(session, manager, page=page) for page in (1, 9))
        assert [row.code for row in (*first.rows, *second.rows)] == [one.code for one in made]
        assert (second.page, first.total) == (2, 3)

    def test_who_may_not_restore_does_not_look_into_it(self, database: str, sales: Actor) -> None:
        with reading(sales) as session, pytest.raises(NotAllowed):
            recycle_bin.list_bin(session, sales)

    def test_restored_everything_is_back(self, database: str, manager: Actor) -> None:
        customer = factories.make_customer(manager)
        delete(manager, customer)
        with transaction(manager) as session:
            customers.restore_customer(session, manager, customer.id)
        with reading(manager) as session:
            assert customers.get_customer(session, manager, customer.code).is_listed
            assert len(contacts.list_contacts(session, manager, customer.id)) == 1
        with pytest.raises(NotFound), transaction(manager) as session:
            customers.restore_customer(session, manager, customer.id)

    def test_the_owner_is_told_of_what_others_do(self, database: str, manager: Actor, sales: Actor) -> None:
        one, other = (factories.make_customer(sales) for _one in range(2))
        delete(manager, one, "公司已注销")
        shelve(manager, other)
        with reading(sales) as session:
            told = notices.list_latest(session, sales)
        assert len(told) == 2
        assert "公司已注销" in told[1].sentence


class TestPurge:
    def test_only_what_has_lain_there_for_its_days_goes_and_the_log_stays(self, database: str, manager: Actor) -> None:
        old, young, listed = (factories.make_customer(manager) for _one in range(3))
        for customer, days in ((old, 31), (young, 29)):
            delete(manager, customer)
            age(customer, days)
        lines = len(factories.log_of("customer", old.id))
        assert purge() is False
        assert (place_of(old), place_of(young), place_of(listed)) == (None, Place.BIN, Place.LIBRARY)
        log = factories.log_of("customer", old.id)
        assert len(log) == lines + 1
        assert (log[-1].action, log[-1].subject, log[-1].new) == ("purged", old.name, old.code)

    def test_all_that_hangs_on_it_goes_with_its_search_row_and_its_files_but_not_those_that_others_use(
        self, database: str, manager: Actor
    ) -> None:
        gone, stays = (factories.make_customer(manager) for _one in range(2))
        shared, own = store_file(factories.PDF), store_file(factories.PNG)
        with transaction(manager) as session:
            for customer, file in ((gone, shared), (gone, own), (stays, shared)):
                kind = "attachment_type.other"
                attachments.add_attachment(session, manager, file=file, type=kind, customer_id=customer.id)
            tags.set_tags(session, manager, gone.code, ["重点"])
            notices.notify(session, [manager.id or 0], "customer_deleted", {}, customer_id=gone.id)
        delete(manager, gone)
        age(gone, 31)
        purge()
        with reading(SYSTEM) as session:
            for model in (Attachment, Contact, CustomerTag, Notice):
                assert session.execute(select(func.count()).select_from(model).where(model.customer_id == gone.id)).scalar_one() == 0
            assert session.execute(select(customer_search.c.rowid).where(customer_search.c.rowid == gone.id)).first() is None
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(file_store, "KEPT_UNUSED", timedelta(seconds=-1))
                assert file_store.remove_unused_files(session) == 1
        assert file_store.load_file(shared.digest) == factories.PDF

    def test_nothing_points_to_it_any_more_but_the_log(self, database: str, manager: Actor) -> None:
        kept, merged = (factories.make_customer(manager) for _one in range(2))
        with transaction(manager) as session:
            merges.merge_customers(session, manager, kept.id, merged.id, {}, versions=(kept.version, merged.version))
        delete(manager, kept)
        age(kept, 31)
        purge()
        assert place_of(merged) is None
        with reading(SYSTEM) as session:
            for reference in references():
                table, _dot, column = reference.partition(".")
                own = Base.metadata.tables[table].c[column]
                assert table == "change_log" or session.execute(select(own).where(own.in_([kept.id, merged.id]))).first() is None, reference

    def test_a_legal_hold_keeps_it_until_it_is_ended(self, database: str, manager: Actor, administrator: Actor) -> None:
        customer = factories.make_customer(manager)
        delete(manager, customer)
        hold(administrator, customer)
        age(customer, 99)
        purge()
        assert place_of(customer) == Place.BIN
        hold(administrator, customer, "判决生效", is_on_hold=False)
        purge()
        assert place_of(customer) is None
        assert [line.reason for line in factories.log_of("customer", customer.id, field="is_on_hold")] == ["诉讼", "判决生效"]

    def test_it_goes_in_batches_until_nothing_is_left(self, database: str, manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        made = [factories.make_customer(manager) for _one in range(3)]
        for customer in made:
            delete(manager, customer)
            age(customer, 31)
        monkeypatch.setattr(recycle_bin, "PURGED_AT_ONCE", 2)
        for _turn in range(2):
            assert jobs.claim("purge")
            jobs.run("purge")
        assert not jobs.claim("purge")
        assert [place_of(one) for one in made] == [None] * 3

    def test_the_administrator_sets_the_days(self, database: str, manager: Actor, administrator: Actor) -> None:
        customer = factories.make_customer(manager)
        delete(manager, customer)
        age(customer, 8)
        with transaction(administrator) as session:
            recycle_bin.set_bin_rules(session, administrator, BinRules(days=7), version=0)
        purge()
        assert place_of(customer) is None
        for actor, rules, version, refusal in (
            (manager, BinRules(5), 1, NotAllowed),
            (administrator, BinRules(5), 0, Conflict),
            (administrator, BinRules(0), 1, ValidationFailed),
        ):
            with pytest.raises(refusal), transaction(actor) as session:
                recycle_bin.set_bin_rules(session, actor, rules, version=version)


class TestArchive:
    def test_archived_it_is_out_of_list_search_and_figures_but_opens(self, database: str, manager: Actor) -> None:
        customer = factories.make_customer(manager, name="杭州恒远机械有限公司")
        shelve(manager, customer, "项目暂停")
        with reading(manager) as session:
            for query in (CustomerQuery(), CustomerQuery(phrase="恒远")):
                assert customer_list.list_customers(session, manager, query).total == 0
            assert factories.count_on_board(session, manager) == 0
            assert not customers.get_customer(session, manager, customer.code).is_listed
            (row,) = archive.list_archive(session, manager, phrase="恒远").rows
        assert (row.by, row.reason) == ("主管乙", "项目暂停")
        with transaction(manager) as session:
            archive.unarchive_customer(session, manager, customer.id)
        with reading(manager) as session:
            assert customer_list.list_customers(session, manager, CustomerQuery(phrase="恒远")).total == 1

    CHANGES: dict[str, Callable[..., Any]] = {
        "edit": lambda session, actor, one: customer_changes.update_customer(session, actor, one.id, {"remark": "x"}, version=one.version),
        "contact": lambda session, actor, one: contacts.add_contact(session, actor, one.id, factories.contact_values()),
        "tags": lambda session, actor, one: tags.set_tags(session, actor, one.code, ["重点"]),
        "file": lambda session, actor, one: attachments.add_attachment(
            session, actor, file=store_file(factories.PDF), type="attachment_type.other", customer_id=one.id
        ),
        "delete": lambda session, actor, one: customers.delete_customer(session, actor, one.id),
        "archive": lambda session, actor, one: archive.archive_customer(session, actor, one.id, reason="x"),
    }

    @pytest.mark.parametrize("change", CHANGES)
    def test_it_cannot_be_changed(self, database: str, manager: Actor, change: str) -> None:
        customer = factories.make_customer(manager)
        shelve(manager, customer)
        with reading(SYSTEM) as session:
            customer = session.get_one(Customer, customer.id)
        with pytest.raises(IllegalTransition), transaction(manager) as session:
            self.CHANGES[change](session, manager, customer)

    def test_its_files_are_not_removed(self, database: str, manager: Actor) -> None:
        customer = factories.make_customer(manager)
        with transaction(manager) as session:
            file = attachments.add_attachment(
                session, manager, file=store_file(factories.PDF), type="attachment_type.other", customer_id=customer.id
            ).id
        shelve(manager, customer)
        with pytest.raises(IllegalTransition), transaction(manager) as session:
            attachments.delete_attachment(session, manager, file)

    def test_it_needs_a_reason_and_the_permission(self, database: str, manager: Actor, sales: Actor) -> None:
        customer = factories.make_customer(sales)
        with pytest.raises(ValidationFailed):
            shelve(manager, customer, " ")
        with pytest.raises(NotAllowed):
            shelve(sales, customer)
        shelve(manager, customer)
        with pytest.raises(NotAllowed), transaction(sales) as session:
            archive.unarchive_customer(session, sales, customer.id)


def test_a_hold_needs_a_reason_and_the_permission(database: str, manager: Actor, administrator: Actor) -> None:
    customer = factories.make_customer(manager)
    with pytest.raises(ValidationFailed):
        hold(administrator, customer, "")
    with pytest.raises(NotAllowed):
        hold(manager, customer)


def test_bin_and_archive_show_nothing_of_others(database: str, manager: Actor, sales: Actor, stranger: Actor, administrator: Actor) -> None:
    for actor in (sales, stranger):
        delete(administrator, factories.make_customer(actor))
        shelve(administrator, factories.make_customer(actor))
    with reading(manager) as session:
        assert [row.owner for row in recycle_bin.list_bin(session, manager).rows] == ["销售丙"]
        assert [row.owner for row in archive.list_archive(session, manager).rows] == ["销售丙"]
    with reading(stranger) as session:
        assert [row.owner for row in archive.list_archive(session, stranger).rows] == ["销售戊"]
    with reading(administrator) as session:
        assert recycle_bin.list_bin(session, administrator).total == 2
        foreign = next(row.id for row in archive.list_archive(session, administrator).rows if row.owner == "销售戊")
    with pytest.raises(NotFound), transaction(manager) as session:
        archive.unarchive_customer(session, manager, foreign)


STEPS = ("delete", "restore", "archive", "unarchive", "merge", "undo")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=12))
def test_no_sequence_of_steps_loses_a_record_or_a_line(sqlite_database: str, manager: Actor, steps: list[tuple[str, int, int]]) -> None:
    made = [factories.make_customer(manager).id for _one in range(3)]
    people, lines = count(Contact), count(ChangeLog)
    for step, first, second in steps:
        try:
            take(manager, step, made[first], made[second])
        except CrmError:
            continue  # a step that is not possible now is refused, and changes nothing
        finally:
            assert count(Contact) == people
            assert count(ChangeLog) >= lines
            lines = count(ChangeLog)
    while merge := open_merge(made):
        with transaction(manager) as session:
            kept = session.get_one(Customer, merge.customer_id)
            if not kept.is_listed:
                kept.place = Place.LIBRARY
        take(manager, "undo", merge.customer_id, 0)
    with reading(SYSTEM) as session:
        found = session.execute(select(Customer.id, Customer.place).where(Customer.id.in_(made))).all()
        own = session.execute(select(Contact.customer_id).where(Contact.customer_id.in_(made))).scalars().all()
    assert {row.place for row in found} <= {Place.LIBRARY, Place.BIN, Place.ARCHIVE}
    assert sorted(own) == made


def count(model: Any) -> int:
    with reading(SYSTEM) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def open_merge(ids: list[int]) -> Merge | None:
    """The latest merge among customers that was not undone."""
    with reading(SYSTEM) as session:
        own = select(Merge).where(Merge.customer_id.in_(ids), Merge.undone_at.is_(None)).order_by(Merge.id.desc()).limit(1)
        return session.execute(own).scalar()


def take(actor: Actor, step: str, first: int, second: int) -> None:
    """One step with one or two customers."""
    with transaction(actor) as session:
        if step == "merge":
            versions = [session.get_one(Customer, one).version for one in (first, second)]
            merges.merge_customers(session, actor, first, second, {}, versions=(versions[0], versions[1]))
        elif step == "undo":
            if merge := session.execute(select(Merge).where(Merge.customer_id == first, Merge.undone_at.is_(None))).scalars().all():
                merges.undo_merge(session, actor, merge[-1].id)
        elif step == "archive":
            archive.archive_customer(session, actor, first, reason="x")
        else:
            verbs = {"delete": customers.delete_customer, "restore": customers.restore_customer, "unarchive": archive.unarchive_customer}
            verbs[step](session, actor, first)
