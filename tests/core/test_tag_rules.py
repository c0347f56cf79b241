"""Rules that set and clear tags, beside those that people set and take."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core.db import reading, transaction
from crm_core.errors import Conflict, NotAllowed, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Contract, Customer, CustomerTag, FollowUp, Tag
from crm_core.permissions import SYSTEM, Actor
from crm_core.services.customer_changes import update_customer
from crm_core.services.derived import derive, derive_all
from crm_core.services.measures import MEASURES, OPERATORS, Condition
from crm_core.services.tag_rules import delete_rule, explained_tags, list_rules, preview_rule, save_rule
from crm_core.services.tagging import apply_rules
from crm_core.services.tags import set_tags, tags_of
from tests import factories

NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)
A_PRICE = Condition("words", "contains", ["价格"])
IS_WON = Condition("stage", "any_of", ["customer"])


@pytest.fixture(autouse=True)
def summer(set_clock: Callable[[datetime], None]) -> None:
    set_clock(NOW)


def save(*conditions: Condition, tag: str = "标签", rule_id: int | None = None, version: int = 0, **over: Any) -> int:
    with transaction(SYSTEM) as session:
        return save_rule(session, SYSTEM, rule_id, tag=tag, conditions=conditions, version=version, **over)


def tag(actor: Actor, customer: Customer, *names: str) -> None:
    with transaction(actor) as session:
        set_tags(session, actor, customer.code, names)


def tags(customer: Customer) -> list[str]:
    with reading(SYSTEM) as session:
        return tags_of(session, customer.id)


def edit(actor: Actor, customer: Customer, **changes: Any) -> None:
    with transaction(actor) as session:
        version = session.get_one(Customer, customer.id).version
        update_customer(session, actor, customer.id, changes, version=version, reason="更正")


@pytest.fixture
def rich(sales: Actor) -> Customer:
    """A customer that was won, with a contract of sixty days ago and one of long ago, contacted thirty days ago, entered today."""
    customer = factories.make_customer(
        sales,
        stage="customer",
        province="330000",
        city="330100",
        segment="segment.new",
        first_contact_on="2026-06-01",
        first_cooperated_on="2020-01-01",
        last_cooperated_on="2020-01-01",
        cooperation_amount="860000",
        remark="对 Price 与价格都敏感，打折 50%",
    )
    with transaction(SYSTEM) as session:
        for number, (days, amount) in enumerate([(60, "120000"), (900, "700000")]):
            on = NOW.date() - timedelta(days=days)
            session.add(Contract(customer_id=customer.id, number=f"HT{number}", product="网关", amount=Decimal(amount), signed_on=on))
        spoken = {"subject": "报价沟通", "content": "希望再便宜一些", "feedback": "预算 5_万"}
        session.add(FollowUp(customer_id=customer.id, author_id=sales.id, method="phone", happened_at=NOW - timedelta(days=10), **spoken))
        session.flush()
        derive_all(session)
    return customer


HOLDS = [
    Condition("stage", "any_of", ["customer", "partner"]),
    Condition("stage", "none_of", ["prospect"]),
    Condition("kind", "any_of", ["enterprise"]),
    Condition("tier", "any_of", ["B"]),
    Condition("segment", "any_of", ["segment.new"]),
    Condition("industry", "any_of", ["C34"]),
    Condition("industry", "any_of", ["C"]),
    Condition("province", "any_of", ["330000"]),
    Condition("city", "any_of", ["330100"]),
    Condition("source", "any_of", ["source.exhibition"]),
    Condition("sales_stage", "none_of", ["won"]),
    Condition("activity", "any_of", ["active"]),
    Condition("amount", "at_least", "860000"),
    Condition("amount", "at_most", "860000.00"),
    Condition("yearly_amount", "at_least", "120000"),
    Condition("yearly_amount", "at_most", "120000"),
    Condition("contracts", "at_least", 1, 61),
    Condition("contracts", "at_most", 0, 60),
    Condition("contract_amount", "at_least", "820000", 1000),
    Condition("contract_amount", "at_most", "120000", 61),
    Condition("last_contact", "at_least", 30),
    Condition("last_contact", "at_most", 30),
    Condition("last_contract", "at_least", 60),
    Condition("last_contract", "at_most", 60),
    Condition("entered", "at_most", 0),
    Condition("incomplete", "is_not"),
    Condition("words", "contains", ["价格"]),
    Condition("words", "contains", ["x", "price"]),
    Condition("words", "contains", ["50%，".rstrip("，")]),
    Condition("words", "lacks", ["5_%", "便宜"]),
    Condition("follow_ups", "at_least", 1, 11),
    Condition("follow_ups", "at_most", 0, 10),
    Condition("follow_up_words", "contains", ["便宜", "打折"]),
    Condition("follow_up_words", "contains", ["5_"]),
    Condition("follow_up_words", "lacks", ["价格"]),
]
FAILS = [
    Condition("stage", "none_of", ["customer"]),
    Condition("tier", "any_of", ["A", "C"]),
    Condition("industry", "none_of", ["C"]),
    Condition("sales_stage", "any_of", ["won"]),
    Condition("amount", "at_least", "860000.01"),
    Condition("yearly_amount", "at_least", "120000.01"),
    Condition("contracts", "at_least", 1, 60),
    Condition("contracts", "at_least", 2, 61),
    Condition("contract_amount", "at_least", "820000", 61),
    Condition("last_contact", "at_least", 31),
    Condition("last_contact", "at_most", 29),
    Condition("last_contract", "at_least", 61),
    Condition("last_contract", "at_most", 59),
    Condition("entered", "at_least", 1),
    Condition("incomplete", "is"),
    Condition("words", "lacks", ["价格"]),
    Condition("words", "contains", ["5_%"]),
    Condition("follow_ups", "at_least", 1, 10),
    Condition("follow_up_words", "lacks", ["报价"]),
]


def test_every_measure_compares_as_it_says_for_all_customers_and_for_one(database: str, rich: Customer) -> None:
    rules = {save(condition, tag=f"t{place}"): condition in HOLDS for place, condition in enumerate([*HOLDS, *FAILS])}
    assert {one.field for one in [*HOLDS, *FAILS]} == set(MEASURES)
    wanted = {rule_id for rule_id, holds in rules.items() if holds}
    assert by_rule(rich) == wanted
    with transaction(SYSTEM) as session:
        for row in session.execute(select(CustomerTag)).scalars():
            session.delete(row)
        session.flush()
        derive(session, [rich.id])
    assert by_rule(rich) == wanted


def by_rule(customer: Customer) -> set[int | None]:
    with reading(SYSTEM) as session:
        return set(session.execute(select(CustomerTag.rule_id).where(CustomerTag.customer_id == customer.id)).scalars())


def test_what_is_unknown_meets_no_condition_on_an_amount_or_an_age(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    for place, (field, value) in enumerate([("amount", "0"), ("yearly_amount", "0"), ("last_contract", 0)]):
        for operator in ("at_least", "at_most"):
            save(Condition(field, operator, value), tag=f"{operator}{place}")
    assert tags(customer) == []


def test_all_conditions_have_to_hold_and_the_tag_goes_with_the_first_that_does_not(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer", remark="价格太高")
    other = factories.make_customer(sales, remark="价格太高")
    save(A_PRICE, IS_WON)
    assert (tags(customer), tags(other)) == (["标签"], [])
    edit(sales, customer, remark="很满意")
    assert tags(customer) == []
    edit(sales, customer, remark="还是价格")
    assert tags(customer) == ["标签"]


def test_time_alone_sets_and_clears_a_tag(database: str, sales: Actor, set_clock: Callable[[datetime], None]) -> None:
    customer = factories.make_customer(sales)
    save(Condition("entered", "at_most", 30), tag="新近")
    save(Condition("entered", "at_least", 31), tag="较早")
    for days, names in ((30, ["新近"]), (31, ["较早"])):
        set_clock(NOW + timedelta(days=days))
        with transaction(SYSTEM) as session:
            derive_all(session)
        assert tags(customer) == names


def test_a_new_customer_bears_its_tags_at_once(database: str, sales: Actor) -> None:
    save(A_PRICE)
    assert tags(factories.make_customer(sales, remark="价格")) == ["标签"]


def test_a_tag_taken_off_by_hand_stays_off_until_it_is_set_by_hand(database: str, sales: Actor) -> None:
    save(A_PRICE)
    customer = factories.make_customer(sales, remark="价格")
    tag(sales, customer)
    edit(sales, customer, remark="价格还是高")
    with transaction(SYSTEM) as session:
        derive_all(session)
    assert tags(customer) == []
    tag(sales, customer, "标签")
    edit(sales, customer, remark="满意")
    assert tags(customer) == ["标签"]


def test_editing_other_tags_leaves_the_tag_with_its_rule(database: str, sales: Actor) -> None:
    save(A_PRICE)
    customer = factories.make_customer(sales, remark="价格")
    tag(sales, customer, "标签", "重点")
    edit(sales, customer, remark="满意")
    assert tags(customer) == ["重点"]


def test_what_one_rule_clears_another_one_for_the_same_tag_keeps(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer", remark="价格")
    first, second = save(A_PRICE), save(IS_WON)
    edit(sales, customer, remark="满意")
    assert by_rule(customer) == {second}
    with transaction(SYSTEM) as session:
        delete_rule(session, SYSTEM, second, version=1)
    assert tags(customer) == []
    edit(sales, customer, remark="价格")
    assert by_rule(customer) == {first}


def test_a_rule_that_is_switched_off_changed_or_deleted_takes_its_tags_back(database: str, sales: Actor) -> None:
    customer, held = (factories.make_customer(sales, remark="价格") for _turn in range(2))
    tag(sales, held, "标签")
    rule = save(A_PRICE)
    save(A_PRICE, rule_id=rule, version=1, is_active=False)
    assert (tags(customer), tags(held)) == ([], ["标签"])
    save(A_PRICE, rule_id=rule, version=2, tag="价格敏感型")
    assert (tags(customer), tags(held)) == (["价格敏感型"], ["价格敏感型", "标签"])
    with transaction(SYSTEM) as session:
        delete_rule(session, SYSTEM, rule, version=3)
    assert (tags(customer), tags(held)) == ([], ["标签"])
    assert [line.action for line in factories.log_of("tag_rule", rule)][-1] == "deleted"


def test_the_preview_counts_what_saving_then_does(database: str, sales: Actor, administrator: Actor) -> None:
    customers = [factories.make_customer(sales, remark=remark) for remark in ("价格", "价格", "便宜", "满意")]
    tag(sales, customers[1], "标签")
    rule = save(A_PRICE)
    with reading(administrator) as session:
        cheap = {"tag": "标签", "conditions": [Condition("words", "contains", ["便宜", "满意"])]}
        assert preview_rule(session, administrator, rule, **cheap) == (2, 1)
        assert preview_rule(session, administrator, None, **cheap) == (2, 0)
        assert preview_rule(session, administrator, rule, **cheap, is_active=False) == (0, 1)
        ((listed, bearers),) = list_rules(session, administrator)
    assert (listed.id, bearers) == (rule, 1)


def test_the_page_can_say_why_a_customer_bears_a_tag(database: str, rich: Customer) -> None:
    save(Condition("last_contact", "at_least", 20), Condition("contracts", "at_least", 1, 90), tag="久未联系")
    with reading(SYSTEM) as session, in_language("en"):
        contact, contracts = explained_tags(session, rich.id)["久未联系"].split(" and ")
    assert contact == "Days since the last contact is at least 20 (now 30)"
    assert contracts == "Number of contracts in the last 90 days is at least 1 (now 1)"


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (Condition("stage", "any_of", []), "conditions.0"),
        (Condition("stage", "any_of", ["nobody"]), "conditions.0"),
        (Condition("amount", "at_least", "viel"), "conditions.0"),
        (Condition("contracts", "at_least", 1, 0), "conditions.0"),
        (Condition("last_contact", "at_least", -1), "conditions.0"),
        (Condition("last_contact", "contains", 1), "conditions.0"),
        (Condition("nothing", "is"), "conditions.0"),
        (None, "conditions"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(database: str, condition: Condition | None, field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        save(*([condition] if condition else []))
    assert set(refused.value.errors) == {field}


def test_rules_are_for_those_who_set_rules_and_are_not_overwritten_unseen(database: str, sales: Actor) -> None:
    rule = save(A_PRICE)
    with pytest.raises(NotAllowed), transaction(sales) as session:
        save_rule(session, sales, None, tag="x", conditions=[A_PRICE])
    with pytest.raises(Conflict):
        save(A_PRICE, rule_id=rule, version=7)


@pytest.mark.parametrize("seed", range(3))
def test_no_sequence_of_rules_and_edits_takes_a_tag_that_was_set_by_hand(database: str, sales: Actor, seed: int) -> None:
    chance = random.Random(seed)
    customers = [factories.make_customer(sales, remark=chance.choice(["价格", "满意"])) for _turn in range(3)]
    for customer in customers:
        tag(sales, customer, "标签")
    rules: dict[int, int] = {}
    for _turn in range(12):
        action = chance.choice(["save", "change", "edit", "delete", "job"])
        conditions = chance.sample([A_PRICE, Condition("words", "lacks", ["价格"]), IS_WON], k=chance.randint(1, 2))
        rule = chance.choice(list(rules)) if rules else None
        if action == "save" or rule is None:
            rules[save(*conditions)] = 1
        elif action == "change":
            with reading(SYSTEM) as session:
                version = next(one.version for one, _count in list_rules(session, SYSTEM) if one.id == rule)
            save(*conditions, rule_id=rule, version=version, is_active=chance.random() < 0.7, tag=chance.choice(["标签", "另一个"]))
        elif action == "edit":
            edit(sales, chance.choice(customers), remark=chance.choice(["价格", "满意", "一般"]))
        elif action == "job":
            with transaction(SYSTEM) as session:
                apply_rules(session)
    for customer in customers:
        with reading(SYSTEM) as session:
            held = select(CustomerTag.by_hand).join(Tag).where(CustomerTag.customer_id == customer.id, Tag.name == "标签")
            assert session.execute(held).scalar_one() is True


def test_every_kind_of_measure_can_be_compared() -> None:
    assert {measure.kind for measure in MEASURES.values()} == set(OPERATORS)


def test_what_rules_set_and_clear_stands_in_the_log_as_done_by_the_system(database: str, sales: Actor) -> None:
    customer, other = factories.make_customer(sales, remark="看重价格"), factories.make_customer(sales)
    tag(sales, customer, "重点")
    first = save(A_PRICE, tag="价格敏感")
    edit(sales, other, remark="价格第一")
    edit(sales, customer, remark="看重质量")
    with transaction(SYSTEM) as session:
        delete_rule(session, SYSTEM, first, version=1)
    told = {
        one.id: [(line.old, line.new, line.actor_name) for line in factories.log_of("customer", one.id, field="tags")]
        for one in (customer, other)
    }
    assert told[customer.id] == [
        ("", "重点", sales.name),
        ("重点", "价格敏感, 重点", "system"),
        ("价格敏感, 重点", "重点", "system"),
    ]
    assert told[other.id] == [("", "价格敏感", "system"), ("价格敏感", "", "system")]


def test_a_tag_that_goes_from_one_rule_to_another_is_no_change(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales, stage="customer", remark="看重价格")
    first = save(A_PRICE, tag="标签")
    save(IS_WON, tag="标签")
    with transaction(SYSTEM) as session:
        save_rule(session, SYSTEM, first, tag="标签", conditions=[A_PRICE], is_active=False, version=1)
    assert tags(customer) == ["标签"]
    assert len(factories.log_of("customer", customer.id, field="tags")) == 1
