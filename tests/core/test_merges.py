"""Merging two customers and taking them apart again: field by field, with everything attached, exactly."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import clock
from crm_core.db import CrmSession, reading, transaction
from crm_core.errors import Conflict, CrmError, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Attachment, Base, ChangeLog, Contact, Customer, Merge, Notice, Place, StageChange
from crm_core.permissions import SYSTEM, Actor
from crm_core.scope import belonging_models
from crm_core.services import contacts, customers, history, holds, merge_values, merges, tags
from crm_core.services.cooperation import renew_from_rows
from crm_core.services.customer_changes import update_customer
from crm_core.services.derived import derive
from crm_core.services.merge_rows import WAYS, Way, references
from crm_core.services.service_figures import keep_figures
from tests import factories
from tests.core.test_concurrency import at_once

UNCOMPARED = {"change_log", "log_seal", "counter", "merge", "notice", "customer_search", "job"}
"""What tells of things that happened, and grows."""
COUNTED = {"version", "updated_at"}
"""An undo is a change, too: they go on."""


def now(*ids: int) -> list[Customer]:
    """The customers as they are."""
    with reading(SYSTEM) as session:
        found = {row.id: row for row in session.execute(select(Customer).where(Customer.id.in_(ids))).scalars()}
    return [found[one] for one in ids]


def merge(actor: Actor, kept: Customer, merged: Customer, choices: dict[str, str] | None = None, **over: Any) -> Merge:
    """Merge as somebody would who has just seen the preview."""
    versions = tuple(one.version for one in now(kept.id, merged.id))
    with transaction(actor) as session:
        return merges.merge_customers(session, actor, kept.id, merged.id, choices or {}, **({"versions": versions} | over))


def undo(actor: Actor, made: Merge) -> None:
    with transaction(actor) as session:
        merges.undo_merge(session, actor, made.id)


def tables(session: CrmSession) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that a merge may touch."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in UNCOMPARED:
            columns = [column for column in table.columns if not (column.name in COUNTED and table.name in ("customer", "contact"))]
            found[table.name] = sorted(tuple(map(str, row)) for row in session.execute(select(*columns)))
    return found


@pytest.fixture
def pair(database: str, sales: Actor, colleague: Actor) -> tuple[Customer, Customer]:
    """Two records of one company in one team, each knowing something else."""
    kept = factories.make_customer(
        sales,
        name="杭州恒远机械有限公司",
        remark="",
        interests=["interest.training"],
        contacts=[factories.contact_values(phone="13800001111")],
    )
    merged = factories.make_customer(
        colleague,
        name="恒远机械（杭州）有限公司",
        stage="qualified",
        remark="同一家",
        credit_code=factories.random_credit_code(),
        province="330000",
        city="330100",
        interests=["interest.after_sales"],
        contacts=[
            factories.contact_values(name="王伟", phone="13800001111", wechat="wangwei88"),
            factories.contact_values(name="李娜", phone="13800002222"),
        ],
    )
    for actor, customer, names in ((sales, kept, ["重点"]), (colleague, merged, ["重点", "关注案例"])):
        with transaction(actor) as session:
            tags.set_tags(session, actor, customer.code, names)
    return kept, merged


def test_every_column_that_points_to_a_customer_has_its_way() -> None:
    assert sorted(WAYS) == references()


def test_the_kept_one_keeps_its_values_and_gets_those_that_it_lacks(pair: tuple[Customer, Customer], manager: Actor) -> None:
    merge(manager, *pair)
    kept, merged = now(pair[0].id, pair[1].id)
    assert (kept.name, kept.stage, kept.remark) == (pair[0].name, "prospect", "同一家")
    assert (kept.credit_code, kept.province, kept.city) == (pair[1].credit_code, "330000", "330100")
    assert set(kept.interests) == {"interest.training", "interest.after_sales"}
    assert (kept.place, merged.place) == (Place.LIBRARY, Place.MERGED)
    assert kept.version == pair[0].version + 1


def test_a_choice_takes_the_other_value_and_a_change_of_type_is_noted(pair: tuple[Customer, Customer], manager: Actor) -> None:
    merge(manager, *pair, {"name": merge_values.MERGED, "stage": merge_values.MERGED, "remark": merge_values.KEPT}, reason="同一公司")
    (kept,) = now(pair[0].id)
    assert (kept.name, kept.stage, kept.remark, kept.core_need) == (pair[1].name, "qualified", None, pair[1].core_need)
    with reading(SYSTEM) as session:
        steps = session.execute(select(StageChange.from_stage, StageChange.to_stage).where(StageChange.customer_id == kept.id)).all()
    assert [tuple(step) for step in steps] == [(None, "prospect"), ("prospect", "qualified")]
    assert {line.reason for line in factories.log_of("customer", kept.id, action="changed", field="stage")} == {"同一公司"}


def test_contacts_and_tags_are_united_and_a_twin_fills_what_is_lacking(pair: tuple[Customer, Customer], manager: Actor) -> None:
    merge(manager, *pair)
    with reading(manager) as session:
        people = contacts.list_contacts(session, manager, pair[0].id)
        assert tags.tags_of(session, pair[0].id) == ["关注案例", "重点"]
    assert [(one.phone, one.is_primary) for one in people] == [("13800001111", True), ("13800002222", False)]
    assert people[0].wechat == "wangwei88"


@pytest.mark.parametrize(("name", "count"), [("王伟", 1), ("李娜", 2)])
def test_a_landline_that_colleagues_share_makes_them_one_person_only_with_the_same_name(
    database: str, manager: Actor, name: str, count: int
) -> None:
    phone = "0571-87654321"
    kept = factories.make_customer(manager, contacts=[factories.contact_values(name="王伟", phone=phone)])
    merged = factories.make_customer(manager, contacts=[factories.contact_values(name=name, phone=phone)])
    merge(manager, kept, merged)
    with reading(manager) as session:
        assert len(contacts.list_contacts(session, manager, kept.id)) == count


def furnish(customer: Customer, user_id: int | None) -> None:
    """One more row in every table whose rows hang on a customer, with what follows from it."""
    with transaction(SYSTEM) as session:
        for model in belonging_models():
            if model not in (ChangeLog, Merge, Contact):
                factories.make_row(session, model, customer, user_id=user_id)
        session.flush()
        keep_figures(session, [customer.id])
        renew_from_rows(session, session.get_one(Customer, customer.id))
        derive(session, [customer.id])


def test_everything_attached_moves_along(pair: tuple[Customer, Customer], manager: Actor) -> None:
    furnish(pair[1], manager.id)
    merge(manager, *pair)
    with reading(SYSTEM) as session:
        for reference, way in WAYS.items():
            name, _dot, column = reference.partition(".")
            own = Base.metadata.tables[name].c[column]
            left = session.execute(select(own).where(own == pair[1].id)).scalars().all()
            got = session.execute(select(own).where(own == pair[0].id)).scalars().all()
            if way is Way.MOVE:
                assert (left, len(got)) == ([], 1), reference


@pytest.mark.parametrize("choices", [{}, {"name": merge_values.MERGED, "stage": merge_values.MERGED, "province": merge_values.KEPT}])
def test_an_undo_restores_every_row_of_every_table(pair: tuple[Customer, Customer], manager: Actor, choices: dict[str, str]) -> None:
    furnish(pair[1], manager.id)
    with reading(SYSTEM) as session:
        before = tables(session)
    made = merge(manager, *pair, choices)
    with reading(SYSTEM) as session:
        assert tables(session) != before
    undo(manager, made)
    with reading(SYSTEM) as session:
        after = tables(session)
    for name, rows in before.items():
        assert after[name] == rows, name


def test_what_was_changed_since_refuses_the_undo_by_name(pair: tuple[Customer, Customer], manager: Actor) -> None:
    made = merge(manager, *pair)
    (kept,) = now(pair[0].id)
    with transaction(manager) as session:
        update_customer(session, manager, kept.id, {"remark": "又改了"}, version=kept.version, reason="更正")
    with pytest.raises(IllegalTransition, match=r"Remarks|备注"):
        undo(manager, made)
    assert now(pair[1].id)[0].place == Place.MERGED


def test_what_the_merge_did_not_touch_may_have_changed_and_stays(pair: tuple[Customer, Customer], manager: Actor) -> None:
    made = merge(manager, *pair)
    (kept,) = now(pair[0].id)
    with transaction(manager) as session:
        update_customer(session, manager, kept.id, {"source_detail": "新的说明"}, version=kept.version, reason="更正")
        people = contacts.list_contacts(session, manager, kept.id)
        contacts.update_contact(session, manager, people[1].id, {"name": "李娜娜", "position": ""}, version=people[1].version)
        contacts.add_contact(session, manager, kept.id, factories.contact_values(name="新来的"))
    undo(manager, made)
    assert now(kept.id)[0].source_detail == "新的说明"
    with reading(manager) as session:
        assert {one.name for one in contacts.list_contacts(session, manager, pair[1].id)} == {"王伟", "李娜娜"}
        assert "新来的" in {one.name for one in contacts.list_contacts(session, manager, kept.id)}


def test_a_contact_that_was_removed_since_refuses_the_undo(pair: tuple[Customer, Customer], manager: Actor) -> None:
    made = merge(manager, *pair)
    with transaction(manager) as session:
        contacts.delete_contact(session, manager, contacts.list_contacts(session, manager, pair[0].id)[1].id)
    with pytest.raises(IllegalTransition):
        undo(manager, made)


def test_the_undo_ends_with_its_days_and_comes_once(pair: tuple[Customer, Customer], manager: Actor) -> None:
    made = merge(manager, *pair)
    with transaction(SYSTEM) as session:
        session.get_one(Merge, made.id).at = clock.now() - merges.UNDO_FOR - timedelta(minutes=1)
    with pytest.raises(IllegalTransition):
        undo(manager, made)
    with transaction(SYSTEM) as session:
        session.get_one(Merge, made.id).at = clock.now()
    undo(manager, made)
    with pytest.raises(NotFound):
        undo(manager, made)


def test_the_old_code_leads_to_the_kept_one_over_several_merges_and_back_again(pair: tuple[Customer, Customer], manager: Actor) -> None:
    last = factories.make_customer(manager)
    first, second = merge(manager, *pair), merge(manager, last, pair[0])
    with reading(manager) as session:
        assert {customers.get_customer(session, manager, one.code).code for one in (*pair, last)} == {last.code}
    with pytest.raises(IllegalTransition):
        undo(manager, first)
    undo(manager, second)
    undo(manager, first)
    with reading(manager) as session:
        assert [customers.get_customer(session, manager, one.code).code for one in pair] == [one.code for one in pair]


def test_the_log_of_both_is_read_on_the_kept_one_even_by_whoever_never_saw_the_other(
    pair: tuple[Customer, Customer], manager: Actor, sales: Actor, stranger: Actor
) -> None:
    merge(manager, *pair, reason="同一公司")
    with reading(sales) as session:
        rows = history.list_changes(session, sales, pair[0].id).rows
    assert {row.customer_id for row in rows} == {pair[0].id, pair[1].id}
    assert [(row.new, row.reason) for row in rows if row.action == "merged"] == [(f"{pair[1].code} {pair[1].name}", "同一公司")]
    with reading(stranger) as session:
        assert history.list_changes(session, stranger, pair[0].id).rows == []


def test_both_owners_are_told_once(pair: tuple[Customer, Customer], manager: Actor, sales: Actor, colleague: Actor) -> None:
    undo(manager, merge(manager, *pair))
    with reading(SYSTEM) as session:
        told = session.execute(select(Notice.user_id, Notice.kind).order_by(Notice.id)).all()
    assert sorted(map(tuple, told)) == sorted((one.id, kind) for one in (sales, colleague) for kind in ("customer_merged", "merge_undone"))


class TestRefusals:
    def test_one_customer_with_itself_or_a_company_with_a_person(self, database: str, manager: Actor) -> None:
        company, person = factories.make_customer(manager), factories.make_customer(manager, kind="individual")
        for kept, merged in ((company, company), (company, person)):
            with pytest.raises(IllegalTransition):
                merge(manager, kept, merged)

    def test_two_that_somebody_else_merged_meanwhile_are_told_as_such(self, pair: tuple[Customer, Customer], manager: Actor) -> None:
        merge(manager, *pair)
        for codes in ((pair[0].code, pair[1].code), (pair[1].code, pair[0].code)):
            with reading(manager) as session, pytest.raises(IllegalTransition, match=pair[0].name):
                merges.preview_merge(session, manager, *codes)

    def test_one_on_legal_hold_is_not_merged_away_but_may_be_kept(
        self, pair: tuple[Customer, Customer], manager: Actor, administrator: Actor
    ) -> None:
        with transaction(administrator) as session:
            holds.set_hold(session, administrator, pair[1].id, is_on_hold=True, reason="诉讼")
        with pytest.raises(IllegalTransition):
            merge(manager, *pair)
        merge(manager, pair[1], pair[0])

    def test_one_outside_the_scope(self, pair: tuple[Customer, Customer], manager: Actor, stranger: Actor) -> None:
        foreign = factories.make_customer(stranger)
        for kept, merged in ((pair[0], foreign), (foreign, pair[0])):
            with pytest.raises(NotFound):
                merge(manager, kept, merged)
            with pytest.raises(NotFound), reading(manager) as session:
                merges.preview_merge(session, manager, kept.code, merged.code)

    def test_without_the_permission(self, pair: tuple[Customer, Customer], sales: Actor) -> None:
        with pytest.raises(NotAllowed):
            merge(sales, *pair)

    def test_when_somebody_saved_since_the_preview(self, pair: tuple[Customer, Customer], manager: Actor) -> None:
        with pytest.raises(Conflict):
            merge(manager, *pair, versions=(pair[0].version, pair[1].version + 7))

    def test_values_that_do_not_fit_together(self, database: str, manager: Actor) -> None:
        dates = {"first_cooperated_on": "2024-01-01", "last_cooperated_on": "2024-02-01"}
        kept = factories.make_customer(manager, stage="customer", **dates)
        merged = factories.make_customer(manager, stage="customer")
        with pytest.raises(ValidationFailed) as refused:
            merge(manager, kept, merged, {"first_cooperated_on": merge_values.KEPT, "last_cooperated_on": merge_values.MERGED})
        assert "last_cooperated_on" in refused.value.errors


def test_of_several_merges_of_one_customer_at_once_one_wins(pair: tuple[Customer, Customer], manager: Actor) -> None:
    others = [factories.make_customer(manager) for _one in range(3)]
    results: Sequence[Merge | Exception] = at_once([partial(merge, manager, other, pair[1]) for other in others])
    assert sum(isinstance(one, Merge) for one in results) == 1
    assert all(isinstance(one, (Merge, CrmError)) for one in results), results
    with reading(SYSTEM) as session:
        assert session.execute(select(Attachment)).first() is None
        assert len(session.execute(select(Merge)).all()) == 1


def test_a_preview_says_what_would_be_and_masks_as_the_role_says(pair: tuple[Customer, Customer], manager: Actor) -> None:
    with reading(manager) as session:
        preview = merges.preview_merge(session, manager, pair[0].code, pair[1].code)
    assert {one.name: one.default for one in preview.differences} == {
        "name": merge_values.KEPT,
        "stage": merge_values.KEPT,
        "remark": merge_values.MERGED,
        "credit_code": merge_values.MERGED,
        "province": merge_values.MERGED,
        "core_need": merge_values.MERGED,
    }
    assert [(one.name, is_new) for one, is_new in preview.contacts][1:] == [("李娜", True)]
    assert (preview.twins, preview.tags, preview.moved) == (1, ["关注案例", "重点"], {})


def test_after_an_undo_each_has_a_primary_contact_though_one_was_chosen_meanwhile(pair: tuple[Customer, Customer], manager: Actor) -> None:
    made = merge(manager, *pair)
    with transaction(manager) as session:
        other = contacts.list_contacts(session, manager, pair[0].id)[1]
        contacts.make_primary(session, manager, other.id)
    undo(manager, made)
    with reading(manager) as session:
        primaries = [[one.is_primary for one in contacts.list_contacts(session, manager, customer.id)] for customer in pair]
    assert primaries == [[True], [True, False]]
