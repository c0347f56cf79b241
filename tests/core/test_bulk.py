"""Bulk actions: previewed, run in part, told for each customer, undone; within the scope, once, and at once."""

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from crm_core import clock, db
from crm_core.errors import IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Batch, Customer, CustomerTag, Notice, Place, TagRefusal
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import archive, bulk, bulk_report, customer_changes, customers, library, tag_rules, tags
from crm_core.services.bulk_targets import Selection
from crm_core.services.customer_list import CustomerQuery
from crm_core.services.measures import Condition
from tests import factories
from tests.core.sentences import is_sentence

pytestmark = pytest.mark.usefixtures("database")

EVERYTHING = Selection(query=CustomerQuery())
VIP = {"tags": ["VIP"]}


@pytest.fixture
def three(sales: Actor) -> list[Customer]:
    return [factories.make_customer(sales, segment="segment.new") for _place in range(3)]


def codes(some: Sequence[Customer]) -> Selection:
    return Selection(tuple(one.code for one in some))


def run(actor: Actor, kind: str, selection: Selection, asked: dict[str, Any], *, key: str = "", reason: str = "年度规划") -> int:
    with db.transaction(actor) as session:
        return bulk.run(session, actor, kind, selection, asked, reason=reason, key=key or str(uuid4()))


def receipt(actor: Actor, batch_id: int) -> bulk.Receipt:
    with db.reading(actor) as session:
        return bulk.get_receipt(session, actor, batch_id)


def undo(actor: Actor, batch_id: int) -> bulk.Receipt:
    with db.transaction(actor) as session:
        bulk.undo(session, actor, batch_id)
    return receipt(actor, batch_id)


def tag(actor: Actor, customer: Customer, *names: str) -> None:
    with db.transaction(actor) as session:
        tags.set_tags(session, actor, customer.code, names)


def tags_of(some: Sequence[Customer]) -> list[list[str]]:
    with db.reading(SYSTEM) as session:
        return [tags.tags_of(session, one.id) for one in some]


def segments_of(some: Sequence[Customer]) -> list[str | None]:
    with db.reading(SYSTEM) as session:
        return [session.get_one(Customer, one.id).segment for one in some]


class TestTags:
    def test_all_that_the_list_finds_get_the_tag_with_a_line_each_and_one_receipt(self, sales: Actor, three: list[Customer]) -> None:
        tag(sales, three[0], "VIP", "老客户")
        tag(sales, three[1], "老客户")
        done = receipt(sales, run(sales, "tags_add", EVERYTHING, VIP))
        assert (done.done, done.already, done.refused) == (2, 1, [])
        assert tags_of(three) == [["VIP", "老客户"], ["VIP", "老客户"], ["VIP"]]
        line = factories.log_of("customer", three[1].id, field="tags")[-1]
        assert (line.old, line.new, line.reason, line.actor_id) == ("老客户", "VIP, 老客户", "年度规划", sales.id)
        assert len(factories.log_of("customer", three[0].id, field="tags")) == 1
        assert len(factories.log_of("batch", done.id, action="created")) == 1

    def test_tags_are_taken_from_those_that_have_them(self, sales: Actor, three: list[Customer]) -> None:
        tag(sales, three[0], "VIP", "老客户")
        done = receipt(sales, run(sales, "tags_remove", codes(three), {"tags": ["VIP", "没有这个"]}))
        assert (done.done, done.already) == (1, 2)
        assert tags_of(three) == [["老客户"], [], []]

    def test_who_has_as_many_tags_as_possible_stays_and_is_named(self, sales: Actor, three: list[Customer]) -> None:
        tag(sales, three[0], *(f"标签{number}" for number in range(tags.MAX_TAGS)))
        with db.reading(sales) as session:
            plan = bulk.preview(session, sales, "tags_add", EVERYTHING, VIP)
        assert (len(plan.changes), len(plan.refused)) == (2, 1)
        done = receipt(sales, run(sales, "tags_add", EVERYTHING, VIP))
        assert [(one["code"], one["why"]) for one in done.refused] == [(three[0].code, "full")]
        assert len(tags_of(three)[0]) == tags.MAX_TAGS

    def test_the_search_finds_what_is_tagged(self, sales: Actor, three: list[Customer]) -> None:
        run(sales, "tags_add", Selection(query=CustomerQuery(phrase=three[2].name[:8])), VIP)
        assert tags_of(three)[2] == ["VIP"]


class TestSegment:
    def test_the_segment_changes_and_an_edit_that_is_open_sees_it(self, sales: Actor, three: list[Customer]) -> None:
        run(sales, "segment", codes(three), {"segment": "segment.strategic"})
        assert segments_of(three) == ["segment.strategic"] * 3
        assert [(line.old, line.new) for line in factories.log_of("customer", three[0].id, field="segment")] == [
            ("segment.new", "segment.strategic")
        ]
        with db.transaction(sales) as session, pytest.raises(bulk_conflict()):
            customer_changes.update_customer(session, sales, three[0].id, {"remark": "x"}, version=three[0].version)

    def test_it_is_emptied(self, sales: Actor, three: list[Customer]) -> None:
        run(sales, "segment", codes(three), {"segment": None})
        assert segments_of(three) == [None] * 3

    def test_an_unknown_one_is_refused(self, sales: Actor, three: list[Customer]) -> None:
        with pytest.raises(ValidationFailed) as refused:
            run(sales, "segment", codes(three), {"segment": "segment.nonsense"})
        assert is_sentence(refused.value.errors["segment"][0])


def bulk_conflict() -> type[Exception]:
    return customer_changes.Conflict


class TestRefusals:
    @pytest.mark.parametrize(
        ("over", "why"),
        [({"place": Place.ARCHIVE}, "archive"), ({"place": Place.BIN}, "bin"), ({"pooled_at": factories.LONG_AGO}, "pooled")],
    )
    def test_what_lies_elsewhere_stays_and_is_named(self, sales: Actor, three: list[Customer], over: dict[str, Any], why: str) -> None:
        with db.transaction(sales) as session:
            for name, value in over.items():
                setattr(session.get_one(Customer, three[0].id), name, value)
        done = receipt(sales, run(sales, "tags_add", codes(three), VIP))
        assert (done.done, [one["why"] for one in done.refused]) == (2, [why])
        assert all(is_sentence(sentence + "。") for sentence in bulk.sentences(done.refused))

    def test_nobody_reaches_beyond_their_scope(self, sales: Actor, three: list[Customer]) -> None:
        other = factories.make_user(role="sales")
        own = factories.make_customer(other)
        done = receipt(other, run(other, "tags_add", codes([*three, own]), VIP))
        assert (done.done, {one["why"] for one in done.refused}, {one["name"] for one in done.refused}) == (1, {"gone"}, {""})
        assert tags_of(three) == [[], [], []]
        with pytest.raises(ValidationFailed):
            run(other, "tags_add", EVERYTHING, VIP)  # nothing of its own would change

    def test_who_may_not_edit_may_not_here(self, three: list[Customer]) -> None:
        with pytest.raises(NotAllowed):
            run(factories.make_user(role="viewer"), "tags_add", EVERYTHING, VIP)

    @pytest.mark.parametrize(("asked", "reason", "field"), [({"tags": [" "]}, "x", "tags"), (VIP, " ", "reason")])
    def test_what_is_missing_is_asked_for(
        self, sales: Actor, three: list[Customer], asked: dict[str, Any], reason: str, field: str
    ) -> None:
        with pytest.raises(ValidationFailed) as refused:
            run(sales, "tags_add", EVERYTHING, asked, reason=reason)
        assert is_sentence(refused.value.errors[field][0])

    def test_too_many_at_once_are_refused(self, sales: Actor, three: list[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("crm_core.services.bulk_targets.MOST", 2)
        with pytest.raises(ValidationFailed):
            run(sales, "tags_add", EVERYTHING, VIP)
        assert tags_of(three) == [[], [], []]

    def test_nothing_selected_is_refused(self, sales: Actor, three: list[Customer]) -> None:
        with pytest.raises(ValidationFailed):
            run(sales, "tags_add", Selection(), VIP)

    def test_the_workbook_names_who_stayed_and_no_cell_is_a_formula(self, manager: Actor, three: list[Customer]) -> None:
        admin = factories.make_user(role="administrator")
        evil = factories.make_customer(admin, name="=1+1有限公司", duplicate_reason="x")
        tag(admin, evil, *(f"标签{number}" for number in range(tags.MAX_TAGS)))
        done = run(admin, "tags_add", EVERYTHING, VIP)
        rows = list(load_workbook(BytesIO(bulk_report.refused_workbook(admin, done))).worksheets[0].values)
        assert rows[1][:2] == (evil.code, "'=1+1有限公司")
        assert len(rows) == 2


class TestArchive:
    def test_the_chosen_ones_leave_the_list_and_come_back_by_an_undo(self, manager: Actor, three: list[Customer]) -> None:
        done = run(manager, "archive", codes(three[:2]), {})
        assert places_of(three) == ["archive", "archive", "library"]
        line = factories.log_of("customer", three[0].id, field="place")[-1]
        assert (line.old, line.new, line.reason) == ("library", "archive", "年度规划")
        with db.transaction(SYSTEM) as session:
            archive.unarchive_customer(session, SYSTEM, three[1].id)
        undone = undo(manager, done)
        assert ([one["code"] for one in undone.left], undone.left[0]["why"]) == ([three[1].code], "changed")
        assert places_of(three) == ["library"] * 3

    def test_who_may_not_archive_one_may_not_archive_many(self, sales: Actor, three: list[Customer]) -> None:
        with pytest.raises(NotAllowed):
            run(sales, "archive", codes(three), {})
        assert places_of(three) == ["library"] * 3


def places_of(some: Sequence[Customer]) -> list[str]:
    with db.reading(SYSTEM) as session:
        return [session.get_one(Customer, one.id).place for one in some]


class TestUndo:
    def test_everything_is_as_before_and_the_log_says_so(self, sales: Actor, three: list[Customer]) -> None:
        tag(sales, three[0], "VIP")
        done = run(sales, "tags_add", EVERYTHING, {"tags": ["VIP", "展会"]})
        undone = undo(sales, done)
        assert (undone.undone, undone.left, undone.undo_until) == (3, [], None)
        assert tags_of(three) == [["VIP"], [], []]
        assert factories.log_of("customer", three[1].id, field="tags")[-1].new in (None, "")
        assert len(factories.log_of("batch", done, action="undone")) == 1

    def test_what_was_changed_since_is_left_and_named(self, sales: Actor, three: list[Customer]) -> None:
        done = run(sales, "segment", codes(three), {"segment": "segment.strategic"})
        run(sales, "segment", codes(three[:1]), {"segment": "segment.existing"})
        with db.transaction(SYSTEM) as session:
            customers.delete_customer(session, SYSTEM, three[1].id)
        undone = undo(sales, done)
        assert {one["code"]: one["why"] for one in undone.left} == {three[0].code: "changed", three[1].code: "bin"}
        assert segments_of(three) == ["segment.existing", "segment.strategic", "segment.new"]

    def test_it_is_undone_once_by_its_author_and_in_time(
        self, sales: Actor, three: list[Customer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = run(sales, "tags_add", EVERYTHING, VIP)
        with pytest.raises(NotFound):
            undo(factories.make_user(role="sales"), done)
        later = clock.now() + timedelta(days=bulk.UNDO_DAYS, hours=1)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: later)
            with pytest.raises(IllegalTransition):
                undo(sales, done)
        undo(sales, done)
        with pytest.raises(IllegalTransition):
            undo(sales, done)

    def test_the_author_finds_it_again(self, sales: Actor, three: list[Customer]) -> None:
        done = run(sales, "tags_add", EVERYTHING, VIP)
        with db.reading(sales) as session:
            assert [one.id for one in bulk.list_receipts(session, sales)] == [done]
        other = factories.make_user(role="sales")
        with db.reading(other) as session:
            assert bulk.list_receipts(session, other) == []


class TestAtOnce:
    def test_a_double_click_does_it_once(self, sales: Actor, three: list[Customer]) -> None:
        first = run(sales, "tags_add", EVERYTHING, VIP, key="one")
        assert run(sales, "tags_add", EVERYTHING, VIP, key="one") == first

    def test_two_confirmations_of_one_dialog_at_once_make_one_batch(self, sales: Actor, three: list[Customer]) -> None:
        made: list[int] = []
        threads = [Thread(target=lambda: made.append(run(sales, "tags_add", EVERYTHING, VIP, key="one"))) for _place in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 3
        assert len(set(made)) == 1
        with db.reading(SYSTEM) as session:
            assert session.execute(select(func.count()).select_from(Batch)).scalar_one() == 1
        assert len(factories.log_of("customer", three[0].id, field="tags")) == 1

    def test_two_people_tag_the_same_customers_at_once(self, sales: Actor, administrator: Actor, three: list[Customer]) -> None:
        threads = [
            Thread(target=run, args=(actor, "tags_add", EVERYTHING, {"tags": [name, "共同"]}))
            for actor, name in ((sales, "甲"), (administrator, "乙"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tags_of(three) == [["乙", "共同", "甲"]] * 3


def test_a_refused_action_leaves_nothing_behind(sales: Actor, three: list[Customer]) -> None:
    run(sales, "tags_add", EVERYTHING, VIP)
    with pytest.raises(ValidationFailed):
        run(sales, "tags_add", EVERYTHING, VIP, key="again")
    with db.reading(SYSTEM) as session:
        assert session.execute(select(func.count()).select_from(Batch)).scalar_one() == 1
        assert library.get_library(session)


class TestRules:
    @pytest.fixture
    def ruled(self, sales: Actor, three: list[Customer]) -> list[Customer]:
        """Three customers, of which the first has the tag VIP by a rule."""
        with db.transaction(sales) as session:
            customer_changes.update_customer(session, sales, three[0].id, {"remark": "看重价格"}, version=three[0].version, reason="更正")
        with db.transaction(SYSTEM) as session:
            tag_rules.save_rule(session, SYSTEM, None, tag="VIP", conditions=[Condition("words", "contains", ["价格"])])
        assert tags_of(three) == [["VIP"], [], []]
        return three

    @pytest.mark.parametrize("kind", ["tags_add", "tags_remove"])
    def test_an_undo_leaves_nothing_behind_that_keeps_a_rule_from_working(self, sales: Actor, ruled: list[Customer], kind: str) -> None:
        tag(sales, ruled[2], "VIP")
        tag(sales, ruled[2])  # taken off by hand: the rule may not set it
        before = bearings()
        done = run(sales, kind, EVERYTHING, VIP)
        assert bearings() != before
        undone = undo(sales, done)
        assert (undone.left, bearings()) == ([], before)
        with db.transaction(sales) as session:
            version = session.get_one(Customer, ruled[1].id).version
            customer_changes.update_customer(session, sales, ruled[1].id, {"remark": "也看重价格"}, version=version, reason="更正")
        assert tags_of(ruled) == [["VIP"], ["VIP"], []]


def bearings() -> list[tuple[str, int, bool, int | None]]:
    """Every tag on every customer, and every refusal."""
    with db.reading(SYSTEM) as session:
        had = session.execute(select(CustomerTag.customer_id, CustomerTag.by_hand, CustomerTag.rule_id))
        refused = session.execute(select(TagRefusal.customer_id))
        return sorted([("had", *row) for row in had] + [("refused", row.customer_id, True, None) for row in refused], key=str)


def test_owners_are_told_once_what_somebody_else_archived(manager: Actor, sales: Actor, three: list[Customer]) -> None:
    own = factories.make_customer(manager)
    run(manager, "archive", codes([*three, own]), {})
    with db.reading(SYSTEM) as session:
        told = session.execute(select(Notice.user_id, Notice.kind, Notice.data, Notice.path)).all()
    assert [tuple(one) for one in told] == [
        (sales.id, "customers_archived", {"person": manager.name, "count": 3, "reason": "年度规划"}, "/archive")
    ]


def test_what_comes_back_from_the_archive_is_brought_up_to_date(manager: Actor, three: list[Customer]) -> None:
    done = run(manager, "archive", codes(three), {})
    with db.transaction(SYSTEM) as session:
        tag_rules.save_rule(session, SYSTEM, None, tag="VIP", conditions=[Condition("stage", "any_of", ["prospect"])])
    assert tags_of(three) == [[], [], []]
    undo(manager, done)
    assert tags_of(three) == [["VIP"]] * 3
