"""Tags that people set by hand."""

import pytest

from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, ValidationFailed
from crm_core.permissions import SYSTEM, Actor, Permission
from crm_core.services.customer_list import CustomerQuery, list_customers
from crm_core.services.tags import MAX_TAGS, list_tags, set_tags, tags_of
from tests import factories
from tests.core.sentences import is_sentence


def tag(actor: Actor, code: str, *names: str) -> None:
    with transaction(actor) as session:
        set_tags(session, actor, code, names)


def test_a_customer_gets_exactly_the_tags_given(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    tag(sales, customer.code, "重点", " 价格\u200b敏感 ", "重点", "")
    tag(sales, customer.code, "价格敏感", "VIP")
    with reading(SYSTEM) as session:
        assert set(tags_of(session, customer.id)) == {"价格敏感", "VIP"}
        assert set(list_tags(session).values()) == {"VIP", "价格敏感", "重点"}
    first, second = factories.log_of("customer", customer.id, field="tags")
    assert (first.old, set((first.new or "").split(", "))) == ("", {"重点", "价格敏感"})
    assert set((second.new or "").split(", ")) == {"价格敏感", "VIP"}
    assert second.actor_id == sales.id


def test_setting_the_same_tags_again_logs_nothing(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    for _time in range(2):
        tag(sales, customer.code, "b", "A", "重点", "Ä")
    assert len(factories.log_of("customer", customer.id, field="tags")) == 1


def test_customers_are_filtered_by_tag(database: str, sales: Actor) -> None:
    tagged, _other = factories.make_customer(sales), factories.make_customer(sales)
    tag(sales, tagged.code, "重点")
    with reading(sales) as session:
        (number,) = list_tags(session)
        page = list_customers(session, sales, CustomerQuery(tags=(number,)))
        assert ([row.code for row in page.rows], page.total) == ([tagged.code], 1)
    tag(sales, tagged.code)
    with reading(sales) as session:
        assert list_customers(session, sales, CustomerQuery(tags=(number,))).total == 0


def test_a_tag_is_cut_to_its_column(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    tag(sales, customer.code, "长" * 100)
    with reading(SYSTEM) as session:
        assert tags_of(session, customer.id) == ["长" * 40]


def test_too_many_tags_are_refused_and_none_is_lost(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    names = [f"t{number:02d}" for number in range(MAX_TAGS)]
    tag(sales, customer.code, *names)
    with pytest.raises(ValidationFailed) as refused:
        tag(sales, customer.code, *names, "a00")
    assert is_sentence(refused.value.errors["tags"][0])
    with reading(SYSTEM) as session:
        assert tags_of(session, customer.id) == names


def test_two_who_choose_tags_at_once_lose_nothing(database: str, sales: Actor, manager: Actor) -> None:
    customer = factories.make_customer(sales)
    tag(sales, customer.code, "重点", "老客户")
    for actor, chosen in ((sales, ["重点", "老客户", "展会"]), (manager, ["重点", "VIP"])):
        with transaction(actor) as session:
            set_tags(session, actor, customer.code, chosen, seen=["重点", "老客户"])
    with reading(SYSTEM) as session:
        assert set(tags_of(session, customer.id)) == {"重点", "展会", "VIP"}


def test_tagging_needs_the_permission_to_edit(database: str, sales: Actor) -> None:
    customer = factories.make_customer(sales)
    reader = Actor(id=sales.id, name="只读", permissions=frozenset({Permission.CUSTOMER_READ}))
    with pytest.raises(NotAllowed):
        tag(reader, customer.code, "x")
