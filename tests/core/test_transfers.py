"""Transfers: who may give what to whom, what moves along, the receipt, and taking it back."""

from datetime import timedelta
from io import BytesIO
from typing import Any, cast

import pytest
from openpyxl import load_workbook
from sqlalchemy import Table, event, insert, select, update

from crm_core import clock
from crm_core.db import engine, reading, transaction
from crm_core.errors import CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Batch, Customer, Notice, OwnerChange, Place, Task, User
from crm_core.models.standing import OPEN_PLACES
from crm_core.permissions import SYSTEM, Actor
from crm_core.scope import unscoped
from crm_core.services import bulk, customers, owner_history, pool, receipts, transfers
from crm_core.services.transfers import Selection
from tests import factories

REASON = "林晓岚离职,客户交接"


def hand_over(actor: Actor, ids: list[int], to: Actor, reason: str = REASON) -> int:
    with transaction(actor) as session:
        return transfers.transfer(session, actor, ids, to=to.id or 0, reason=reason).id


def undo(actor: Actor, batch_id: int) -> transfers.Undone:
    with transaction(actor) as session:
        return transfers.undo(session, actor, batch_id)


def read(model: Any, *conditions: Any) -> list[Any]:
    with reading(SYSTEM) as session:
        return list(session.execute(select(model).where(*conditions).order_by(model.id), execution_options=unscoped).scalars())


def owner_of(customer: Customer) -> int | None:
    return read(Customer, Customer.id == customer.id)[0].owner_id


def put(customer: Customer, **values: Any) -> None:
    with transaction(SYSTEM) as session:
        session.execute(update(Customer).where(Customer.id == customer.id).values(values))


def make_task(customer: Customer, assignee: Actor, *, is_done: bool = False) -> int:
    with transaction(SYSTEM) as session:
        done_at = clock.now() if is_done else None
        task = Task(
            customer_id=customer.id,
            name="回访",
            assignee_id=assignee.id,
            due_at=clock.now(),
            state="done" if is_done else "open",
            done_at=done_at,
        )
        session.add(task)
        session.flush()
        return task.id


def assignee_of(task: int) -> int | None:
    return read(Task, Task.id == task)[0].assignee_id


class TestTransfer:
    def test_moves_owner_open_tasks_history_log_and_revision_and_tells_both(
        self, database: str, sales: Actor, colleague: Actor, manager: Actor
    ) -> None:
        moved = [factories.make_customer(sales), factories.make_customer(sales)]
        own, others, done = make_task(moved[0], sales), make_task(moved[0], manager), make_task(moved[1], sales, is_done=True)
        batch_id = hand_over(manager, [one.id for one in moved], colleague)
        for customer in read(Customer):
            assert (customer.owner_id, customer.version) == (colleague.id, 1)
        (batch,) = read(Batch)
        assert {customer.owned_since for customer in read(Customer)} == {batch.at}
        assert [assignee_of(task) for task in (own, others, done)] == [colleague.id, manager.id, sales.id]
        changes = read(OwnerChange, OwnerChange.cause == "transfer")
        assert {(one.customer_id, one.from_owner_id, one.to_owner_id, one.batch_id, one.reason) for one in changes} == {
            (one.id, sales.id, colleague.id, batch_id, REASON) for one in moved
        }
        lines = factories.log_of("customer", field="owner_id")
        assert [(line.old, line.new, line.reason, line.actor_id) for line in lines] == [
            (str(sales.id), str(colleague.id), REASON, manager.id)
        ] * 2
        assert [line.new for line in factories.log_of("task", field="assignee_id")] == [str(colleague.id)]
        assert (batch.done, batch.refused, batch.what["work"]) == (2, [], {"tasks": 1})
        notices = {one.kind: (one.user_id, one.data["count"]) for one in read(Notice)}
        assert notices == {"customers_received": (colleague.id, 2), "customers_given": (sales.id, 2)}
        with reading(colleague) as session:
            assert customers.get_customer(session, colleague, moved[0].code).owner_id == colleague.id
        with reading(sales) as session, pytest.raises(NotFound):
            customers.get_customer(session, sales, moved[0].code)

    @pytest.mark.parametrize("role", ["sales", "service", "marketing", "viewer"])
    def test_needs_the_permission(self, any_database: str, sales: Actor, colleague: Actor, role: str) -> None:
        actor = factories.make_user(role=role)
        with pytest.raises(NotAllowed):
            hand_over(actor, [factories.make_customer(sales).id], colleague)

    @pytest.mark.parametrize("who", ["disabled", "reader", "other team", "nobody"])
    def test_refuses_a_receiver_who_is_away_cannot_work_or_is_out_of_view(
        self, any_database: str, sales: Actor, stranger: Actor, manager: Actor, teams: dict[str, int], who: str
    ) -> None:
        disabled = factories.make_user(team_id=teams["below"])
        with transaction(SYSTEM) as session:
            session.get_one(User, disabled.id).is_active = False
        reader = factories.make_user(role="viewer", team_id=teams["below"])
        receiver = {"disabled": disabled.id, "reader": reader.id, "other team": stranger.id, "nobody": 99999}[who]
        made = factories.make_customer(sales)
        with pytest.raises(ValidationFailed) as refused, transaction(manager) as session:
            transfers.transfer(session, manager, [made.id], to=receiver or 0, reason=REASON)
        assert set(refused.value.errors) == {"to"}
        assert owner_of(made) == sales.id

    def test_refuses_without_a_reason(self, any_database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        with pytest.raises(ValidationFailed) as refused:
            hand_over(manager, [factories.make_customer(sales).id], colleague, reason="  ")
        assert set(refused.value.errors) == {"reason"}

    def test_says_of_each_customer_why_it_stays(
        self, database: str, sales: Actor, colleague: Actor, stranger: Actor, manager: Actor
    ) -> None:
        fine, archived = factories.make_customer(sales), factories.make_customer(sales)
        binned, reviewed, own = (factories.make_customer(sales), factories.make_customer(sales), factories.make_customer(colleague))
        outside = factories.make_customer(stranger)
        for customer, place in ((archived, Place.ARCHIVE), (binned, Place.BIN), (reviewed, Place.REVIEW)):
            put(customer, place=place)
        hand_over(manager, [one.id for one in (fine, archived, binned, reviewed, own, outside)] + [99999], colleague)
        (batch,) = read(Batch)
        assert {(one["id"], one["why"]) for one in batch.refused} == {
            (binned.id, "bin"),
            (reviewed.id, "review"),
            (own.id, "own"),
            (outside.id, "unseen"),
            (99999, "unseen"),
        }
        assert [one["name"] for one in batch.refused if one["id"] == outside.id] == [""]
        assert [owner_of(one) for one in (fine, archived, binned, outside)] == [colleague.id, colleague.id, sales.id, stranger.id]
        assert batch.done == 2

    def test_with_nothing_that_can_move_leaves_no_receipt(self, any_database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        binned = factories.make_customer(sales)
        put(binned, place=Place.BIN)
        with pytest.raises(ValidationFailed) as refused:
            hand_over(manager, [binned.id], colleague)
        assert binned.name in refused.value.errors["customers"][0]
        assert read(Batch) == []

    def test_assigns_a_customer_from_the_pool_with_the_work_of_its_owner_before(
        self, database: str, sales: Actor, colleague: Actor, administrator: Actor
    ) -> None:
        made = factories.make_customer(sales)
        task = make_task(made, sales)
        with transaction(sales) as session:
            pool.release(session, sales, made.id, reason="跟不动")
        batch_id = hand_over(administrator, [made.id], colleague)
        assert (owner_of(made), assignee_of(task)) == (colleague.id, colleague.id)
        undo(administrator, batch_id)
        (customer,) = read(Customer)
        assert (customer.owner_id, customer.owned_since, assignee_of(task)) == (None, None, sales.id)
        assert customer.pooled_at

    def test_all_customers_of_a_person_are_previewed_and_moved(self, database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        key, won = factories.make_customer(sales, tier="A"), factories.make_customer(sales, stage="customer", tier="A")
        plain, binned = factories.make_customer(sales), factories.make_customer(sales)
        put(binned, place=Place.BIN)
        make_task(key, sales), make_task(plain, sales), make_task(plain, manager)
        with reading(manager) as session:
            everything = transfers.preview(session, manager, Selection(sales.id or 0))
            some = transfers.preview(session, manager, Selection(sales.id or 0, stages=("prospect",), tiers=("A", "")))
            wanted = transfers.select_ids(session, manager, Selection(sales.id or 0, tiers=("A",)))
        assert (everything.customers, everything.work, everything.staying) == (
            3,
            {"tasks": 2, "tickets": 0, "opportunities": 0},
            {"bin": 1},
        )
        assert some.customers == 2
        hand_over(manager, wanted, colleague)
        assert [owner_of(one) for one in (key, won, plain)] == [colleague.id, colleague.id, sales.id]


class TestUndo:
    def test_what_still_belongs_to_the_receiver_goes_back_and_the_rest_is_named(
        self, database: str, sales: Actor, colleague: Actor, manager: Actor
    ) -> None:
        back, moved_on, binned = (factories.make_customer(sales) for _number in range(3))
        task, done = make_task(back, sales), make_task(back, sales)
        batch_id = hand_over(manager, [back.id, moved_on.id, binned.id], colleague)
        with transaction(SYSTEM) as session:
            session.execute(update(Task).where(Task.id == done).values(done_at=clock.now()))
        hand_over(manager, [moved_on.id], manager)
        put(binned, place=Place.BIN)
        undone = undo(manager, batch_id)
        assert (undone.done, {(one["name"], one["why"]) for one in undone.refused}) == (
            1,
            {(moved_on.name, "moved"), (binned.name, "bin")},
        )
        assert [owner_of(one) for one in (back, moved_on, binned)] == [sales.id, manager.id, colleague.id]
        assert [assignee_of(task), assignee_of(done)] == [sales.id, colleague.id]
        assert [one.cause for one in read(OwnerChange, OwnerChange.customer_id == back.id)] == ["entry", "transfer", "undo"]
        assert [line.new for line in factories.log_of("batch", action="undone")] == ["1"]
        with reading(manager) as session:
            receipt = receipts.get_receipt(session, manager, batch_id)
        assert (receipt.undone, len(receipt.undo_refused), receipt.undo_until) == (1, 2, None)

    def test_a_customer_that_came_back_to_the_receiver_another_way_stays(
        self, any_database: str, sales: Actor, colleague: Actor, manager: Actor
    ) -> None:
        made = factories.make_customer(sales)
        batch_id = hand_over(manager, [made.id], colleague)
        hand_over(manager, [made.id], manager)
        hand_over(manager, [made.id], colleague)
        assert [one["why"] for one in undo(manager, batch_id).refused] == ["moved"]

    def test_it_works_once_and_within_the_time_for_it(self, any_database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        first, second = (hand_over(manager, [factories.make_customer(sales).id], colleague) for _number in range(2))
        undo(manager, first)
        with pytest.raises(IllegalTransition):
            undo(manager, first)
        with transaction(SYSTEM) as session:
            session.execute(update(Batch).where(Batch.id == second).values(at=clock.now() - timedelta(days=8)))
        with pytest.raises(IllegalTransition):
            undo(manager, second)

    @pytest.mark.parametrize(("who", "error"), [("sales", NotAllowed), ("colleague", NotAllowed), ("other head", NotFound)])
    def test_only_its_author_or_who_sees_all_takes_it_back(
        self, any_database: str, sales: Actor, colleague: Actor, manager: Actor, administrator: Actor, who: str, error: type[CrmError]
    ) -> None:
        batch_id = hand_over(manager, [factories.make_customer(sales).id], colleague)
        others = {"sales": sales, "colleague": colleague, "other head": factories.make_user(role="manager")}
        with pytest.raises(error):
            undo(others[who], batch_id)
        assert undo(administrator, batch_id).done == 1


class TestReceipt:
    def test_who_made_or_received_it_reads_it_and_nobody_else(
        self, database: str, sales: Actor, colleague: Actor, stranger: Actor, manager: Actor, administrator: Actor
    ) -> None:
        batch_id = hand_over(manager, [factories.make_customer(sales).id], colleague)
        for reader in (manager, colleague, administrator):
            with reading(reader) as session:
                assert receipts.get_receipt(session, reader, batch_id).done == 1
                assert [one.id for one in receipts.list_receipts(session, reader)] == [batch_id]
        for other in (sales, stranger):
            with reading(other) as session:
                assert receipts.list_receipts(session, other) == []
                with pytest.raises(NotFound):
                    receipts.list_lines(session, other, batch_id)

    def test_its_lines_keep_names_and_show_contacts_masked_while_the_reader_sees_the_customer(
        self, any_database: str, sales: Actor, colleague: Actor, manager: Actor, administrator: Actor, stranger: Actor
    ) -> None:
        contact = factories.contact_values(phone="13812345678", name="王芳芳")
        made = factories.make_customer(sales, contacts=[contact], tier="B")
        batch_id = hand_over(manager, [made.id], colleague)
        with reading(manager) as session:
            (line,) = receipts.list_lines(session, manager, batch_id)
        assert (line.name, line.tier, line.contact, line.phone) == (made.name, "B", "王芳芳", "138****5678")
        hand_over(administrator, [made.id], stranger)
        with reading(manager) as session:
            (line,) = receipts.list_lines(session, manager, batch_id)
        assert (line.name, line.contact, line.phone) == (made.name, "", "")

    def test_its_lines_name_the_work_by_its_kind(self, database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        busy, idle = factories.make_customer(sales), factories.make_customer(sales)
        make_task(busy, sales)
        for _turn in range(2):
            factories.make_opportunity(sales, busy)
        batch_id = hand_over(manager, [busy.id, idle.id], colleague)
        with reading(manager) as session:
            receipt, lines = receipts.get_receipt(session, manager, batch_id), receipts.list_lines(session, manager, batch_id)
        assert receipt.work == {"tasks": 1, "opportunities": 2}
        assert [line.work for line in lines] == ["未完成任务 1、进行中的商机 2", ""]

    def test_the_file_is_defused_masked_and_logged_and_needs_permission_and_reason(
        self, database: str, sales: Actor, colleague: Actor, manager: Actor
    ) -> None:
        made = factories.make_customer(sales, name="=SUM(A1)有限公司", contacts=[factories.contact_values(phone="13812345678")])
        batch_id = hand_over(manager, [made.id], colleague, reason="=cmd|' /C calc'!A0")
        with pytest.raises(NotAllowed):
            receipts.export_receipt(colleague, batch_id, reason="存档")
        with pytest.raises(ValidationFailed):
            receipts.export_receipt(manager, batch_id, reason=" ")
        sheet = load_workbook(BytesIO(receipts.export_receipt(manager, batch_id, reason="存档"))).active
        assert sheet
        cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        texts = [str(cell.value) for cell in cells]
        assert {cell.data_type for cell in cells} <= {"s", "n"}
        assert "'=SUM(A1)有限公司" in texts
        assert "138****5678" in texts
        assert "13812345678" not in " ".join(texts)
        (line,) = factories.log_of("batch", action="exported")
        assert (line.new, line.reason, line.actor_id) == ("1", "存档", manager.id)


def test_the_history_tells_every_owner_in_words(any_database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
    made = factories.make_customer(sales)
    with transaction(sales) as session:
        pool.release(session, sales, made.id, reason="跟不动")
    with transaction(colleague) as session:
        assert pool.claim(session, colleague, [made.id]).done
    hand_over(manager, [made.id], sales)
    with reading(sales) as session:
        steps = owner_history.list_owner_steps(session, sales, made.id)
    assert [(one.before, one.after, one.cause, one.reason) for one in reversed(steps)] == [
        ("", "销售丙", "录入", ""),
        ("销售丙", "公海", "释放到公海", "跟不动"),
        ("公海", "销售丁", "从公海领取", ""),
        ("销售丁", "销售丙", "移交", REASON),
    ]


def test_thousands_of_customers_move_in_few_statements(database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
    made = factories.make_customer(sales)
    values = {"kind": "enterprise", "stage": "prospect", "place": "library", "owner_id": sales.id, "owned_since": made.owned_since}
    with transaction(SYSTEM) as session:
        rows = [{**values, "name": f"批量{n}", "name_key": f"批量{n}", "code": f"X{n}"} for n in range(1500)]
        session.execute(insert(cast(Table, Customer.__table__)), rows)
    statements: list[str] = []
    event.listen(engine(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    with transaction(manager) as session:
        ids = transfers.select_ids(session, manager, Selection(sales.id or 0))
        batch = transfers.transfer(session, manager, ids, to=colleague.id or 0, reason=REASON)
    assert batch.done == 1501
    assert len(statements) < 60
    assert undo(manager, batch.id).done == 1501
    assert len(statements) < 120


@pytest.mark.parametrize("place", [place for place in Place if place not in OPEN_PLACES])
def test_there_is_a_word_for_every_place_in_which_a_customer_stays(place: Place) -> None:
    assert place in transfers.REASONS
    assert place in bulk.REASONS
