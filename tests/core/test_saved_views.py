"""Saved views: kept, shared, opened within one's own scope; the columns of the list."""

from dataclasses import replace

import pytest

from crm_core import db
from crm_core.errors import NotAllowed, NotFound, ValidationFailed
from crm_core.permissions import Access, Actor
from crm_core.services import customer_list, library, list_columns, saved_views
from crm_core.services.customer_list import CustomerQuery
from tests import factories
from tests.core.sentences import is_sentence

pytestmark = pytest.mark.usefixtures("database")

STATE = {"query": {"stage": ["customer"], "sort": ["name"], "q": []}, "columns": ["owner", "stage"]}


@pytest.fixture
def own(sales: Actor) -> int:
    with db.transaction(sales) as session:
        return saved_views.save_view(session, sales, " 重点客户 ", **STATE)


def views_of(actor: Actor) -> dict[int, saved_views.View]:
    with db.reading(actor) as session:
        return saved_views.list_views(session, actor)


def share(actor: Actor, view_id: int, *, is_shared: bool = True) -> None:
    with db.transaction(actor) as session:
        saved_views.share_view(session, actor, view_id, is_shared=is_shared)


class TestViews:
    def test_a_view_keeps_the_state_under_a_name_for_its_owner_alone(self, sales: Actor, colleague: Actor, own: int) -> None:
        view = views_of(sales)[own]
        assert (view.name, view.query, view.columns) == ("重点客户", {"stage": ["customer"], "sort": ["name"]}, ("owner", "stage"))
        assert (view.is_own, view.is_shared) == (True, False)
        assert views_of(colleague) == {}

    @pytest.mark.parametrize("name", ["", "  ", "重点客户", "长" * 61])
    def test_a_name_is_given_once_and_is_no_longer_than_sixty(self, sales: Actor, own: int, name: str) -> None:
        with db.transaction(sales) as session, pytest.raises(ValidationFailed) as refused:
            saved_views.save_view(session, sales, name, **STATE)
        assert list(refused.value.errors) == ["name"]

    def test_somebody_else_may_use_the_same_name(self, colleague: Actor, own: int) -> None:
        with db.transaction(colleague) as session:
            saved_views.save_view(session, colleague, "重点客户", **STATE)
        assert len(views_of(colleague)) == 1

    def test_a_shared_view_is_seen_by_all_until_it_is_shared_no_longer(self, sales: Actor, colleague: Actor, own: int) -> None:
        share(sales, own)
        assert not views_of(colleague)[own].is_own
        share(sales, own, is_shared=False)
        assert views_of(colleague) == {}

    def test_a_search_is_neither_shared_nor_saved_into_a_shared_view(self, sales: Actor, own: int) -> None:
        with_search = {"query": {"q": ["13800001234"]}, "columns": []}
        with db.transaction(sales) as session:
            other = saved_views.save_view(session, sales, "一个电话", **with_search)
        with pytest.raises(ValidationFailed):
            share(sales, other)
        share(sales, own)
        with db.transaction(sales) as session, pytest.raises(ValidationFailed) as refused:
            saved_views.overwrite_view(session, sales, own, **with_search)
        assert is_sentence(refused.value.errors["query"][0])

    def test_it_is_renamed_and_overwritten(self, sales: Actor, own: int) -> None:
        with db.transaction(sales) as session:
            saved_views.rename_view(session, sales, own, "重点客户（浙江）")
            saved_views.overwrite_view(session, sales, own, query={"tier": ["A"]}, columns=[])
        view = views_of(sales)[own]
        assert (view.name, view.query, view.columns) == ("重点客户（浙江）", {"tier": ["A"]}, ())

    def test_only_its_owner_changes_a_shared_view_and_an_administrator_may_delete_it(
        self, sales: Actor, colleague: Actor, administrator: Actor, own: int
    ) -> None:
        share(sales, own)
        with db.transaction(colleague) as session:
            for change in (
                lambda: saved_views.rename_view(session, colleague, own, "x"),
                lambda: saved_views.overwrite_view(session, colleague, own, **STATE),
                lambda: saved_views.share_view(session, colleague, own, is_shared=False),
            ):
                with pytest.raises(NotFound):
                    change()
            with pytest.raises(NotAllowed):
                saved_views.delete_view(session, colleague, own)
        with db.transaction(administrator) as session:
            saved_views.delete_view(session, administrator, own)
        assert views_of(sales) == {}

    def test_nobody_deletes_what_is_not_shared(self, sales: Actor, administrator: Actor, own: int) -> None:
        with db.transaction(administrator) as session, pytest.raises(NotFound):
            saved_views.delete_view(session, administrator, own)

    def test_a_user_has_fifty_views_at_most(self, sales: Actor, own: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(saved_views, "MAX_VIEWS", 1)
        with db.transaction(sales) as session, pytest.raises(ValidationFailed):
            saved_views.save_view(session, sales, "另一个", **STATE)

    def test_the_list_opens_with_a_view_until_it_is_deleted(self, sales: Actor, own: int) -> None:
        with db.transaction(sales) as session:
            saved_views.set_default_view(session, sales, own)
        with db.reading(sales) as session:
            assert saved_views.get_preference(session, sales).view_id == own
        with db.transaction(sales) as session:
            saved_views.delete_view(session, sales, own)
        with db.reading(sales) as session:
            assert saved_views.get_preference(session, sales).view_id is None

    def test_a_view_of_somebody_else_that_is_not_shared_is_no_default(self, colleague: Actor, own: int) -> None:
        with db.transaction(colleague) as session, pytest.raises(NotFound):
            saved_views.set_default_view(session, colleague, own)


class TestColumns:
    def test_the_chosen_columns_are_kept_for_the_user(self, sales: Actor, colleague: Actor) -> None:
        with db.transaction(sales) as session:
            saved_views.set_columns(session, sales, ["owner", "segment"])
        with db.reading(sales) as session:
            assert saved_views.get_preference(session, sales).columns == ("owner", "segment")
            assert saved_views.get_preference(session, colleague).columns == ()

    def test_only_the_chosen_columns_are_read_and_sensitive_ones_are_masked(self, sales: Actor) -> None:
        factories.make_customer(sales, address="文三路 138 号 2 幢 501 室")
        with db.reading(sales) as session:
            entries = library.get_library(session)
            offered = list_columns.offered_columns(entries, sales)
            chosen = list_columns.choose_columns(offered, entries, ["address", "nonsense", "email", "address"])
            page = customer_list.list_customers(session, sales, CustomerQuery(), chosen)
        assert [column.name for column in chosen] == ["address", "email"]
        row = page.rows[0]
        assert "501" not in row.address
        assert not hasattr(row, "stage")
        contact = page.contacts[row.id]
        assert "**@" in (contact.email or "")
        assert (contact.name, contact.phone) == ("", None)

    def test_what_is_hidden_from_the_role_is_not_offered(self, sales: Actor) -> None:
        blind = replace(sales, access=frozenset((kind, Access.HIDDEN) for kind, _level in sales.access))
        with db.reading(blind) as session:
            offered = list_columns.offered_columns(library.get_library(session), blind)
        assert not {"phone", "email", "address", "identity_number"} & set(offered)
        assert "owner" in offered

    def test_without_a_choice_the_list_looks_as_it_comes(self, sales: Actor) -> None:
        with db.reading(sales) as session:
            entries = library.get_library(session)
            offered = list_columns.offered_columns(entries, sales)
            chosen = list_columns.choose_columns(offered, entries, ["nonsense"])
        assert tuple(column.name for column in chosen) == list_columns.DEFAULT
