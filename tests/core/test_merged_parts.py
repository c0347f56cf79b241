"""What a merge does with custom fields, contracts, tiers, tags of rules, owners, tasks and reviews, and that its undo gives each back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import IllegalTransition, NotFound
from crm_core.fields import read_value
from crm_core.models import Contract, Customer, FieldType, OwnerChange, Task
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import field_changes, hand_tiers, merges, review_list, tag_rules, tags, tasks
from crm_core.services.customer_changes import update_customer
from crm_core.services.library import get_library
from crm_core.services.measures import Condition
from crm_core.services.merge_values import KEPT, MERGED
from crm_core.services.review_steps import begin_review
from tests import factories
from tests.core.test_custom_fields import make_field
from tests.core.test_merges import merge, now, undo
from tests.core.test_pool import pooled

WON = {"stage": "customer", "first_cooperated_on": "2022-01-01", "last_cooperated_on": "2023-01-01"}


def custom(customer: Customer, key: str) -> Any:
    with reading(SYSTEM) as session:
        return read_value(session.get_one(Customer, customer.id), get_library(session).known_fields[key])


def put(customer: Customer, **values: Any) -> None:
    with transaction(SYSTEM) as session:
        for name, value in values.items():
            setattr(session.get_one(Customer, customer.id), name, value)


def change(actor: Actor, customer: Customer, **changes: Any) -> None:
    with transaction(actor) as session:
        update_customer(session, actor, customer.id, changes, version=now(customer.id)[0].version, reason="更正")


def signed(customer: Customer, amount: int, days_ago: int) -> None:
    """One contract, as signing keeps it with the customer's figures."""
    with transaction(SYSTEM) as session:
        own, day = session.get_one(Customer, customer.id), clock.today() - timedelta(days=days_ago)
        number = str(factories.unique_number())
        session.add(Contract(customer_id=own.id, number=number, product="年度服务", amount=Decimal(amount), signed_on=day))
        own.cooperation_amount = (own.cooperation_amount or 0) + amount
        own.last_cooperated_on = max(own.last_cooperated_on or day, day)


class TestCustomFields:
    def test_they_are_chosen_united_and_filled_like_others_and_given_back(self, database: str, manager: Actor) -> None:
        level, visits, asked, gone = (
            make_field(FieldType.TEXT, name="服务等级"),
            make_field(FieldType.NUMBER, name="走访次数"),
            make_field(FieldType.CHOICES, name="关注"),
            make_field(FieldType.TEXT, name="旧栏目"),
        )
        with reading(SYSTEM) as session:
            codes = list(get_library(session).fields[asked].labels())
        kept = factories.make_customer(manager, **{level: "甲", asked: codes[:1]})
        merged = factories.make_customer(manager, **{level: "乙", visits: "3", asked: codes[1:], gone: "保留"})
        with transaction(SYSTEM) as session:
            field_changes.remove_custom_field(session, SYSTEM, gone)
        with reading(manager) as session:
            preview = merges.preview_merge(session, manager, kept.code, merged.code)
        assert {one.name: one.default for one in preview.differences if one.name in (level, visits, asked, gone)} == {
            level: KEPT,
            visits: MERGED,
        }
        before = now(kept.id)[0].extra
        made = merge(manager, kept, merged, {level: MERGED})
        assert [custom(kept, key) for key in (level, visits, asked, gone)] == ["乙", Decimal(3), codes, "保留"]
        assert [line.field for line in factories.log_of("customer", kept.id, action="changed", field=level)] == [level]
        undo(manager, made)
        assert now(kept.id)[0].extra == before

    def test_one_that_was_changed_since_refuses_the_undo_by_name_and_another_does_not(self, database: str, manager: Actor) -> None:
        level, other = make_field(FieldType.TEXT, name="服务等级", name_en="Service level"), make_field(FieldType.TEXT, name="其他")
        kept, merged = factories.make_customer(manager), factories.make_customer(manager, **{level: "乙"})
        made = merge(manager, kept, merged)
        change(manager, kept, **{other: "后来"})
        change(manager, kept, **{level: "丙"})
        with pytest.raises(IllegalTransition, match=r"服务等级|Service level"):
            undo(manager, made)
        change(manager, kept, **{level: "乙"})
        undo(manager, made)
        assert (custom(kept, level), custom(kept, other), custom(merged, level)) == (None, "后来", "乙")


class TestCooperation:
    @pytest.mark.parametrize(("side", "amount"), [(KEPT, 150_000 + 30_000), (MERGED, 80_000 + 50_000)])
    def test_the_chosen_amount_grows_by_the_contracts_of_the_other(self, database: str, manager: Actor, side: str, amount: int) -> None:
        kept = factories.make_customer(manager, **WON, cooperation_amount="100000")
        merged = factories.make_customer(manager, **WON, cooperation_amount="50000")
        signed(kept, 50_000, 400)
        signed(merged, 30_000, 20)
        made = merge(manager, kept, merged, {"cooperation_amount": side})
        (after,) = now(kept.id)
        assert (after.cooperation_amount, after.last_cooperated_on) == (amount, clock.today() - timedelta(days=20))
        undo(manager, made)
        assert [one.cooperation_amount for one in now(kept.id, merged.id)] == [150_000, 80_000]

    def test_without_contracts_the_amount_is_the_chosen_one(self, database: str, manager: Actor) -> None:
        kept, merged = (factories.make_customer(manager, **WON, cooperation_amount=amount) for amount in ("100000", "50000"))
        merge(manager, kept, merged)
        assert now(kept.id)[0].cooperation_amount == 100_000

    def test_contracts_of_one_that_was_won_count_for_a_prospect_too(self, database: str, manager: Actor) -> None:
        kept, merged = factories.make_customer(manager), factories.make_customer(manager, **WON, cooperation_amount="50000")
        signed(merged, 30_000, 20)
        merge(manager, kept, merged, {"stage": KEPT})
        assert now(kept.id)[0].cooperation_amount == 30_000


class TestTier:
    def test_the_tier_follows_from_both_and_the_one_that_was_is_back_after_the_undo(self, database: str, manager: Actor) -> None:
        kept, merged = factories.make_customer(manager), factories.make_customer(manager, **WON, cooperation_amount="1")
        put(kept, tier="B")
        put(kept, tier_by_hand=False)
        signed(merged, 900_000, 20)
        made = merge(manager, kept, merged, {"stage": MERGED})
        assert (now(kept.id)[0].tier, now(kept.id)[0].tier_by_hand) == ("A", False)
        put(kept, activity="churned")
        undo(manager, made)
        assert (now(kept.id)[0].tier, now(merged.id)[0].tier) == ("B", "A")

    def test_one_held_by_hand_is_chosen_with_its_reason_and_day_and_given_back_whole(self, database: str, manager: Actor) -> None:
        kept, merged, until = factories.make_customer(manager), factories.make_customer(manager), clock.today() + timedelta(days=9)
        for customer, tier, reason in ((kept, "A", "战略"), (merged, "B", "普通")):
            with transaction(manager) as session:
                hand_tiers.set_tier(session, manager, customer.id, tier, reason=reason, until=until)

        def held() -> tuple[Any, ...]:
            (one,) = now(kept.id)
            return one.tier, one.tier_by_hand, one.tier_reason, one.tier_until

        made = merge(manager, kept, merged, {"tier": MERGED})
        assert held() == ("B", True, "普通", until)
        undo(manager, made)
        assert held() == ("A", True, "战略", until)

    def test_one_that_somebody_set_since_refuses_the_undo(self, database: str, manager: Actor) -> None:
        kept, merged = factories.make_customer(manager), factories.make_customer(manager)
        made = merge(manager, kept, merged)
        with transaction(manager) as session:
            hand_tiers.set_tier(session, manager, kept.id, "A", reason="战略", until=None)
        with pytest.raises(IllegalTransition, match=r"tier|等级"):
            undo(manager, made)


class TestTags:
    def test_what_people_set_comes_along_and_what_they_refused_stays_refused(self, database: str, manager: Actor) -> None:
        kept, merged = factories.make_customer(manager, stage="qualified"), factories.make_customer(manager)
        with transaction(SYSTEM) as session:
            for name, stage in (("意向", "qualified"), ("首访", "qualified"), ("潜在", "prospect")):
                tag_rules.save_rule(session, SYSTEM, None, tag=name, conditions=[Condition("stage", "any_of", [stage])])
        for customer, names in ((kept, ["首访"]), (merged, ["意向", "潜在"])):
            with transaction(manager) as session:
                tags.set_tags(session, manager, customer.code, names)
        assert self.of(kept) == (["首访"], [])
        made = merge(manager, kept, merged)
        assert self.of(kept) == (["意向", "首访"], ["意向"])
        undo(manager, made)
        assert (self.of(kept), self.of(merged)) == ((["首访"], []), (["意向", "潜在"], ["意向"]))
        self.touch(manager, kept)
        assert self.of(kept) == (["首访"], [])

    def test_a_tag_by_rule_stays_by_hand_where_somebody_set_it_on_the_other(self, database: str, manager: Actor) -> None:
        kept, merged = factories.make_customer(manager, stage="qualified"), factories.make_customer(manager)
        with transaction(manager) as session:
            tags.set_tags(session, manager, merged.code, ["重点"])
        with transaction(SYSTEM) as session:
            tag_rules.save_rule(session, SYSTEM, None, tag="重点", conditions=[Condition("stage", "any_of", ["qualified"])])
        assert self.of(kept) == (["重点"], [])
        made = merge(manager, kept, merged)
        assert self.of(kept) == (["重点"], ["重点"])
        undo(manager, made)
        assert self.of(kept) == (["重点"], [])

    def test_a_refusal_comes_along_for_a_tag_that_the_kept_one_lacks(self, database: str, manager: Actor) -> None:
        kept, merged = factories.make_customer(manager), factories.make_customer(manager, stage="qualified")
        with transaction(SYSTEM) as session:
            tag_rules.save_rule(session, SYSTEM, None, tag="意向", conditions=[Condition("stage", "any_of", ["qualified"])])
        for names in (["意向", "别的"], ["别的"]):
            with transaction(manager) as session:
                tags.set_tags(session, manager, merged.code, names)
        merge(manager, kept, merged, {"stage": MERGED})
        assert self.of(kept)[0] == ["别的"]

    def of(self, customer: Customer) -> tuple[list[str], list[str]]:
        """All tags, and those set by hand."""
        with reading(SYSTEM) as session:
            both = tags.tags_of(session, customer.id), tags.tags_of(session, customer.id, by_hand=True)
        return sorted(both[0]), sorted(both[1])

    def touch(self, actor: Actor, customer: Customer) -> None:
        change(actor, customer, remark="看过")


class TestWork:
    def test_a_customer_in_the_pool_gets_the_owner_of_the_other_and_goes_back_with_the_undo(
        self, database: str, administrator: Actor, sales: Actor, colleague: Actor
    ) -> None:
        kept, merged = pooled(sales), factories.make_customer(colleague)
        (before,) = now(kept.id)
        made = merge(administrator, kept, merged)
        assert (now(kept.id)[0].owner_id, now(kept.id)[0].pooled_at) == (colleague.id, None)
        with reading(SYSTEM) as session:
            causes = select(OwnerChange.cause).where(OwnerChange.customer_id == kept.id).order_by(OwnerChange.id)
            assert session.execute(causes).scalars().all() == ["entry", "release", "merge"]
        undo(administrator, made)
        assert (now(kept.id)[0].owner_id, now(kept.id)[0].pooled_at) == (None, before.pooled_at)

    def test_one_from_the_pool_goes_into_one_that_has_an_owner(self, database: str, administrator: Actor, sales: Actor) -> None:
        kept, merged = factories.make_customer(sales), pooled(sales)
        undo(administrator, merge(administrator, kept, merged))
        assert [one.owner_id for one in now(kept.id, merged.id)] == [sales.id, None]

    def test_open_tasks_pass_to_the_owner_and_back_but_an_open_verification_rests(
        self, database: str, manager: Actor, sales: Actor, colleague: Actor
    ) -> None:
        kept, merged = factories.make_customer(sales), factories.make_customer(colleague)
        with transaction(SYSTEM) as session:
            for kind, name in (("task", "回访"), ("verification", "核对")):
                due = clock.now() + timedelta(days=1)
                session.add(Task(kind=kind, name=name, customer_id=merged.id, assignee_id=colleague.id, due_at=due))
        made = merge(manager, kept, merged)
        assert (self.open_of(sales), self.open_of(colleague)) == ([("回访", kept.id)], [])
        undo(manager, made)
        assert (self.open_of(sales), self.open_of(colleague)) == ([], [("回访", merged.id), ("核对", merged.id)])

    def test_a_task_that_was_done_since_stays_with_who_did_it(self, database: str, manager: Actor, sales: Actor, colleague: Actor) -> None:
        kept, merged = factories.make_customer(sales), factories.make_customer(colleague)
        with transaction(manager) as session:
            day = clock.today() + timedelta(days=1)
            tasks.create_task(session, manager, name="回访", due_on=day, assignee_id=colleague.id or 0, customer_id=merged.id)
        made = merge(manager, kept, merged)
        with transaction(SYSTEM) as session:
            tasks.finish(session, session.execute(select(Task)).scalar_one(), "谈妥")
        undo(manager, made)
        with reading(SYSTEM) as session:
            task = session.execute(select(Task)).scalar_one()
        assert (task.customer_id, task.assignee_id, task.done_note) == (merged.id, sales.id, "谈妥")

    def open_of(self, actor: Actor) -> list[tuple[str, int | None]]:
        with reading(actor) as session:
            return sorted((one.name, one.customer_id) for one in factories.own_tasks(session, actor))


def test_the_reviews_of_both_are_read_on_the_kept_one_and_no_more_under_the_merged_code(
    database: str, manager: Actor, sales: Actor, colleague: Actor
) -> None:
    kept, merged = factories.make_customer(sales), factories.make_customer(colleague)
    for author, customer in ((sales, kept), (colleague, merged)):
        with transaction(author) as session:
            begin_review(session, author, session.get_one(Customer, customer.id), [manager.id or 0])
    merge(manager, kept, merged)
    with reading(sales) as session:
        assert [step.who for step in review_list.list_steps_of(session, sales, kept.id)] == [sales.name, colleague.name]
    with reading(manager) as session:
        assert review_list.get_review(session, manager, kept.code).row.author_id == sales.id
        with pytest.raises(NotFound):
            review_list.get_review(session, manager, merged.code)
