"""Merging two entries of a list: every record that refers to the first gets the second, with its line in the change log."""

from functools import partial

import pytest

from crm_core.db import reading, transaction
from crm_core.errors import NotAllowed, NotFound, ValidationFailed
from crm_core.i18n import in_language
from crm_core.models import Attachment, Customer, Ticket
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import field_changes, library, saved_views, tag_rules
from crm_core.services.attachments import IDENTITY_CARD
from crm_core.services.entry import check_entry
from crm_core.services.field_settings import FieldSetting
from crm_core.services.log_words import LogWords
from crm_core.services.measures import Condition
from crm_core.services.preset_merge import Uses, count_uses, merge_presets
from tests import factories
from tests.core.test_concurrency import at_once


def add(category: str, name: str) -> str:
    with transaction(SYSTEM) as session:
        return library.add_preset(session, SYSTEM, category, name=name)


def merge(code: str, into: str, actor: Actor = SYSTEM) -> Uses:
    with transaction(actor) as session:
        return merge_presets(session, actor, code, into)


def count(code: str) -> Uses:
    with reading(SYSTEM) as session:
        return count_uses(session, SYSTEM, code)


def present() -> library.Library:
    with reading() as session:
        return library.get_library(session)


def again(customer: Customer) -> Customer:
    with reading(SYSTEM) as session:
        return session.get_one(Customer, customer.id)


def test_customers_of_the_first_get_the_second_and_a_line(database: str, sales: Actor) -> None:
    code = add("source", "展会")
    theirs = factories.make_customer(sales, source=code)
    other = factories.make_customer(sales, source="source.other")
    assert count(code) == Uses(1, 0)
    assert merge(code, "source.exhibition") == Uses(1, 0)
    assert (again(theirs).source, again(other).source) == ("source.exhibition", "source.other")
    assert again(theirs).version == theirs.version + 1
    (line,) = factories.log_of("customer", theirs.id, field="source")
    with reading(SYSTEM) as session, in_language("zh_CN"):
        text = LogWords(session, SYSTEM).describe(line)
    assert (text.before, text.after) == ("展会", present().presets["source.exhibition"].name)
    assert factories.log_of("customer", other.id, field="source") == []


def test_lists_get_the_second_once_and_keep_their_order(database: str, sales: Actor) -> None:
    first, second, third = (add("interest", name) for name in ("智能排产", "排产", "质检"))
    both = factories.make_customer(sales, interests=[third, first, second])
    one = factories.make_customer(sales, interests=[first])
    none = factories.make_customer(sales, interests=[third])
    assert count(first) == Uses(2, 0)
    assert merge(first, second) == Uses(2, 0)
    assert [again(customer).interests for customer in (both, one, none)] == [[third, second], [second], [third]]
    (line,) = factories.log_of("customer", one.id, field="interests")
    assert (line.old, line.new) == (f'["{first}"]', f'["{second}"]')


def test_a_code_that_another_one_begins_with_is_left_alone(database: str, sales: Actor) -> None:
    first, longer, into = add("interest", "排产"), add("interest", "排产系统"), add("interest", "质检")
    customer = factories.make_customer(sales, interests=[longer])
    assert longer.startswith(first)
    assert merge(first, into) == Uses(0, 0)
    assert again(customer).interests == [longer]


def test_files_get_the_second_type(database: str, sales: Actor) -> None:
    code = add("attachment_type", "执照")
    customer = factories.make_customer(sales)
    with transaction(SYSTEM) as session:
        file = factories.make_row(session, Attachment, customer, user_id=sales.id)
        file.type = code
    assert merge(code, "attachment_type.business_licence") == Uses(0, 1)
    with reading(SYSTEM) as session:
        assert session.get_one(Attachment, file.id).type == "attachment_type.business_licence"
    line = factories.log_of("attachment", file.id, field="type")[-1]
    assert (line.old, line.new) == (code, "attachment_type.business_licence")


def test_the_merged_name_means_the_other_entry_from_then_on(database: str) -> None:
    first, second, third = (add("segment", name) for name in ("老客户", "存量", "长期客户"))
    merge(first, second)
    merge(second, third)
    assert present().find("segment", "老客户") == third
    assert first not in [entry.code for entry in present().active("segment")]
    checked = check_entry(present(), factories.customer_values(segment=first), [factories.contact_values()])
    assert (checked.values["segment"], checked.errors) == (third, {})


def test_a_merged_entry_cannot_come_back_and_its_name_can(database: str) -> None:
    first, second = add("segment", "老客户"), add("segment", "存量")
    merge(first, second)
    with pytest.raises(NotFound), transaction(SYSTEM) as session:
        library.update_preset(session, SYSTEM, first, name="老客户", name_en="", position=1, is_active=True)
    with pytest.raises(NotFound):
        merge(first, second)
    new = add("segment", "老客户")
    assert present().find("segment", "老客户") == new


def test_an_entry_is_merged_only_into_another_one_of_its_list_that_is_offered(database: str) -> None:
    first, hidden = add("segment", "老客户"), add("segment", "存量")
    with transaction(SYSTEM) as session:
        library.update_preset(session, SYSTEM, hidden, name="存量", name_en="", position=1, is_active=False)
    for into in (first, hidden, "source.exhibition", "segment.nothing"):
        with pytest.raises(ValidationFailed):
            merge(first, into)


def test_only_who_edits_the_library_merges(database: str, sales: Actor) -> None:
    first, second = add("segment", "老客户"), add("segment", "存量")
    with pytest.raises(NotAllowed):
        merge(first, second, sales)
    with pytest.raises(NotAllowed), reading(sales) as session:
        count_uses(session, sales, first)


def test_a_hidden_entry_stays_on_the_records_that_have_it(database: str, sales: Actor) -> None:
    code = add("segment", "老客户")
    customer = factories.make_customer(sales, segment=code)
    with transaction(SYSTEM) as session:
        library.update_preset(session, SYSTEM, code, name="老客户", name_en="", position=1, is_active=False)
    assert present().label(again(customer).segment) == "老客户"
    checked = check_entry(present(), factories.customer_values(segment=code), [factories.contact_values()])
    assert checked.errors == {}


def test_saved_views_tag_rules_and_field_settings_name_the_second_from_then_on(database: str, sales: Actor) -> None:
    first, second = add("segment", "老客户"), add("segment", "存量")
    with transaction(sales) as session:
        view = saved_views.save_view(session, sales, "老客户", query={"segment": [first, second], "q": [first]}, columns=[])
    with transaction(SYSTEM) as session:
        tag_rules.save_rule(session, SYSTEM, None, tag="老", conditions=[Condition("segment", "any_of", ["segment.new", first])])
        setting = FieldSetting(offered={"prospect": (first, "segment.new")})
        field_changes.save_setting(session, SYSTEM, "segment", setting, version=0)
    merge(first, second)
    with reading(sales) as session:
        assert saved_views.list_views(session, sales)[view].query == {"segment": [second], "q": [first]}
    with reading(SYSTEM) as session:
        ((rule, _count),) = tag_rules.list_rules(session, SYSTEM)
        assert rule.conditions[0].value == ["segment.new", second]
        field = library.get_library(session).fields["segment"]
        assert {entry.code for entry in library.get_library(session).offered(field, "prospect")} == {second, "segment.new"}
        assert {entry.code for entry in library.get_library(session).offered(field, "customer")} > {second}


def test_two_who_merge_two_entries_into_each_other_at_once_make_no_circle(database: str) -> None:
    first, second = add("segment", "老客户"), add("segment", "存量")
    outcomes = at_once([partial(merge, first, second), partial(merge, second, first)])
    assert sorted(type(one).__name__ for one in outcomes) == ["Uses", "ValidationFailed"]
    assert len([entry for entry in present().active("segment") if entry.code in (first, second)]) == 1


def test_the_entry_for_identity_cards_is_not_merged_away(database: str) -> None:
    with pytest.raises(ValidationFailed):
        merge(IDENTITY_CARD, "attachment_type.other")


def test_tickets_get_the_second_category(database: str, administrator: Actor) -> None:
    code = add("ticket_category", "质量问题")
    ticket = factories.make_ticket(administrator, factories.make_customer(administrator), category=code)
    assert count(code) == Uses(0, 0, 1)
    assert merge(code, "ticket_category.quality") == Uses(0, 0, 1)
    with reading(SYSTEM) as session:
        assert session.get_one(Ticket, ticket.id).category == "ticket_category.quality"
    (line,) = factories.log_of("ticket", ticket.id, field="category")
    assert (line.old, line.new, line.subject) == (code, "ticket_category.quality", ticket.name)
