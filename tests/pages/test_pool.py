"""The pages of the pool, of transfers and their receipts, and of the rules."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import streamlit as st
from sqlalchemy import delete, select

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import SignInRefused
from crm_core.models import Batch, Customer, OwnerChange, Place, UserSession
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import pool, pool_rules
from tests import factories
from tests.core.test_pool import pooled, set_rules
from tests.core.test_transfers import hand_over, owner_of, put, undo
from tests.pages.texts import figures_of, texts_of
from tests.pages.visit import Visit, zh
from ui import routes


def shows(visit: Visit, text: str) -> bool:
    return any(text in shown.replace("\\", "") for shown in texts_of(visit))


class TestPool:
    def test_is_empty_at_first(self, any_database: str, sales: Actor) -> None:
        visit = Visit(sales).go(routes.POOL)
        assert shows(visit, zh("The pool is empty"))
        assert not visit.has("Claim")

    def test_a_customer_opened_from_outside_shows_its_card_and_is_claimed_there(
        self, any_database: str, sales: Actor, stranger: Actor
    ) -> None:
        made = pooled(sales, contacts=[factories.contact_values(phone="13812345678")])
        visit = Visit(stranger).go(routes.CUSTOMER, code=made.code)
        assert (visit.page, visit.query) == (routes.POOL, {"card": made.code})
        assert shows(visit, "138****5678")
        assert not shows(visit, "13812345678")
        visit.press("Claim")
        assert (visit.page, visit.query) == (routes.CUSTOMER, {"code": made.code})
        assert visit.titles == [made.name]
        assert shows(visit.open_tab("detail_tab", "Change log"), zh("Owners"))

    def test_the_owner_before_is_told_from_when_it_may_be_claimed(self, any_database: str, sales: Actor) -> None:
        made = pooled(sales)
        visit = Visit(sales).go(routes.POOL, card=made.code)
        assert visit.widget("Claim", "button").disabled
        assert shows(visit, str(clock.today() + timedelta(days=30)))

    def test_who_was_slower_hears_of_whom(self, any_database: str, sales: Actor, stranger: Actor, colleague: Actor) -> None:
        made = pooled(sales)
        visit = Visit(stranger).go(routes.POOL, card=made.code)
        with transaction(colleague) as session:
            pool.claim(session, colleague, [made.id])
        visit.press("Claim")
        assert colleague.name in visit.refusals[0]
        assert owner_of(made) == colleague.id

    def test_a_ticked_customer_stays_the_one_that_is_claimed_when_another_one_leaves(
        self, any_database: str, sales: Actor, stranger: Actor, colleague: Actor
    ) -> None:
        made = [pooled(sales) for _place in range(3)]  # the latest comes first
        visit = Visit(stranger).go(routes.POOL)
        visit.choose_rows(visit.rows[1]["key"])
        with transaction(colleague) as session:
            pool.claim(session, colleague, [made[2].id])
        visit.press("claim_chosen")
        assert [owner_of(one) for one in made] == [None, stranger.id, colleague.id]

    def test_a_role_without_the_permission_is_not_led_there(self, any_database: str, sales: Actor, administrator: Actor) -> None:
        visit = Visit(factories.make_user(role="viewer")).go(routes.CUSTOMER, code=pooled(sales).code)
        assert visit.page == routes.CUSTOMER
        assert visit.refusals

    def test_who_sees_everything_opens_the_record_and_reads_pool_for_its_owner(
        self, any_database: str, sales: Actor, administrator: Actor
    ) -> None:
        made = pooled(sales)
        visit = Visit(administrator).go(routes.CUSTOMER, code=made.code)
        assert figures_of(visit)[zh("Owner")] == zh("Pool")
        assert not visit.has("Release into the pool")
        (row,) = Visit(administrator).go(routes.CUSTOMERS, owner="0").rows
        assert row[zh("Owner")] == zh("Pool")


class TestCustomerPage:
    def test_its_owner_releases_it_with_a_reason(self, any_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        visit = Visit(sales).go(routes.CUSTOMER, code=made.code).press("Release into the pool").press("Release")
        assert shows(visit, zh("Say why the customer is released."))
        visit.fill(release_reason="跟不动").press("Release")
        assert visit.page == routes.CUSTOMERS
        assert owner_of(made) is None

    def test_a_reader_is_not_offered_to_release(self, any_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        assert not Visit(factories.make_user(role="service")).go(routes.CUSTOMER, code=made.code).has("Release into the pool")

    def test_a_manager_transfers_it_and_gets_the_receipt(self, any_database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        made = factories.make_customer(sales)
        visit = Visit(manager).go(routes.CUSTOMER, code=made.code).press("Transfer")
        visit.enter("transfer_to", colleague.id).fill(transfer_reason="调岗").press("Transfer")
        assert visit.page == routes.RECEIPT
        assert shows(visit, "调岗")
        assert owner_of(made) == colleague.id

    def test_says_when_it_goes_back_to_the_pool(self, any_database: str, sales: Actor) -> None:
        made = factories.make_customer(sales)
        assert not shows(Visit(sales).go(routes.CUSTOMER, code=made.code), str(clock.today() + timedelta(days=30)))
        set_rules(recycles=True)
        assert shows(Visit(sales).go(routes.CUSTOMER, code=made.code), str(clock.today() + timedelta(days=30)))

    def test_the_list_that_the_notice_opens_holds_only_what_goes_soon(self, any_database: str, sales: Actor) -> None:
        set_rules(recycles=True, notice_days=40)
        soon = factories.make_customer(sales, name="杭州蓝鲸科技有限公司")
        put(factories.make_customer(sales), is_on_hold=True)
        assert [row["key"] for row in Visit(sales).go(routes.CUSTOMERS, recycled="1").rows] == [soon.code]


class TestTransfer:
    def test_all_customers_of_a_person_move_after_a_preview(
        self, any_database: str, sales: Actor, colleague: Actor, manager: Actor
    ) -> None:
        made = [factories.make_customer(sales) for _number in range(2)]
        binned = factories.make_customer(sales)
        put(binned, place="bin")
        visit = Visit(manager).go(routes.TRANSFER).enter("transfer_from", sales.id)
        assert [metric.value for metric in visit.tab.metric] == ["2", "0", "0", "0", "1"]
        assert visit.widget("transfer_all").disabled
        visit.enter("transfer_to", colleague.id).press("transfer_all")
        assert shows(visit, zh("Say why the customers get another owner."))
        visit.enter("transfer_reason", "离职").press("transfer_all")
        assert visit.page == routes.RECEIPT
        assert [owner_of(one) for one in (*made, binned)] == [colleague.id, colleague.id, sales.id]
        assert shows(visit, binned.name)
        visit.press("Undo transfer").press("Undo")
        assert [owner_of(one) for one in made] == [sales.id, sales.id]
        assert not visit.has("Undo transfer")

    def test_without_customers_there_is_nothing_to_transfer(self, any_database: str, manager: Actor) -> None:
        assert shows(Visit(manager).go(routes.TRANSFER), zh("Nothing to transfer"))

    def test_lists_the_receipts(self, any_database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        batch = hand_over(manager, [factories.make_customer(sales).id], colleague)
        visit = Visit(manager).go(routes.TRANSFER).press(f"receipt_{batch}")
        assert (visit.page, visit.query) == (routes.RECEIPT, {"id": str(batch)})

    def test_an_entry_that_its_author_withdrew_stays_and_is_named(self, any_database: str, sales: Actor, manager: Actor) -> None:
        factories.make_customer(sales)
        put(factories.make_customer(sales), place=Place.DRAFT)
        visit = Visit(manager).go(routes.TRANSFER).enter("transfer_from", sales.id)
        assert [metric.value for metric in visit.tab.metric] == ["1", "0", "0", "0", "1"]
        assert shows(visit, zh("withdrawn from review; its author submits or discards it first"))

    def test_the_receiver_reads_the_receipt_but_neither_undoes_nor_exports_it(
        self, any_database: str, sales: Actor, colleague: Actor, manager: Actor
    ) -> None:
        batch = hand_over(manager, [factories.make_customer(sales).id], colleague)
        visit = Visit(colleague).go(routes.RECEIPT, id=str(batch))
        assert visit.tab.dataframe
        assert not visit.has("Undo transfer")
        assert not visit.has("Download to print")
        assert Visit(sales).go(routes.RECEIPT, id=str(batch)).refusals

    @pytest.mark.parametrize("number", ["", "x", "9" * 30])
    def test_a_number_that_no_receipt_can_have_is_told_so(self, any_database: str, sales: Actor, number: str) -> None:
        assert zh("No receipt chosen") in " ".join(texts_of(Visit(sales).go(routes.RECEIPT, id=number)))

    def test_the_file_asks_for_its_purpose(self, any_database: str, sales: Actor, colleague: Actor, manager: Actor) -> None:
        batch = hand_over(manager, [factories.make_customer(sales).id], colleague)
        visit = Visit(manager).go(routes.RECEIPT, id=str(batch)).press("Download to print").press("receipt_check")
        assert zh("Say what the file is for.") in visit.refusals[0]
        visit.fill(receipt_reason="归档").press("receipt_check")
        assert visit.has("receipt_download")

    def test_no_file_is_made_for_a_session_that_ended_since_the_button_was_drawn(
        self, any_database: str, sales: Actor, colleague: Actor, manager: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batch = hand_over(manager, [factories.make_customer(sales).id], colleague)
        clicks: list[Callable[[], bytes]] = []
        monkeypatch.setattr(st, "download_button", lambda _label, *, data, **_look: clicks.append(data))
        Visit(manager).go(routes.RECEIPT, id=str(batch)).press("Download to print").fill(receipt_reason="归档").press("receipt_check")
        (click,) = clicks
        assert click().startswith(b"PK")
        with transaction(SYSTEM) as session:
            session.execute(delete(UserSession))
        with pytest.raises(SignInRefused):
            click()


class TestRules:
    def test_are_saved(self, any_database: str, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.POOL_RULES)
        visit.fill(pool__recycles=True, pool__daily_claims=3, pool__prospect__A=20).press("Save")
        with reading(SYSTEM) as session:
            rules, _version = pool_rules.get_rules(session)
        assert (rules.recycles, rules.daily_claims, rules.contact_days["prospect"]["A"]) == (True, 3, 20)
        assert rules.counts_from == clock.today()

    def test_of_two_who_save_the_second_sees_what_the_first_saved(self, any_database: str, administrator: Actor) -> None:
        visit = Visit(administrator).go(routes.POOL_RULES).fill(pool__daily_claims=3)
        set_rules(daily_claims=7)
        visit.press("Save")
        assert visit.widget("pool.daily_claims").value == 7
        assert visit.toasts == [zh("Somebody else saved the rules meanwhile. These are theirs; enter your change again.")]


@pytest.mark.parametrize("undone", [False, True])
def test_a_receipt_counts_what_moved(any_database: str, sales: Actor, colleague: Actor, manager: Actor, undone: bool) -> None:
    batch = hand_over(manager, [factories.make_customer(sales).id for _number in range(2)], colleague)
    if undone:
        undo(manager, batch)
    visit = Visit(manager).go(routes.RECEIPT, id=str(batch))
    assert visit.tab.metric[0].value == "2"
    with reading(SYSTEM) as session:
        assert len(session.execute(select(Batch)).scalars().all()) == 1
        assert session.execute(select(OwnerChange).where(OwnerChange.batch_id == batch)).first()
        assert session.execute(select(Customer.owner_id).distinct()).scalars().all() == [sales.id if undone else colleague.id]
