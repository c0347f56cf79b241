"""The catalogue: products, their prices since when, and what uses them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from crm_core import clock
from crm_core.db import reading, transaction
from crm_core.errors import Conflict, IllegalTransition, NotAllowed, NotFound, ValidationFailed
from crm_core.models import Base, Product
from crm_core.permissions import SYSTEM, Actor
from crm_core.services import products
from crm_core.services.products import USES, ProductQuery
from tests import factories


def listed(actor: Actor, **query: object) -> list[str]:
    with reading(actor) as session:
        return [row.name for row in products.list_products(session, actor, ProductQuery(**query)).rows]  # type: ignore[arg-type]


def price_of(product: Product) -> Decimal:
    with reading(SYSTEM) as session:
        return products.get_product(session, SYSTEM, product.id).price


def test_every_column_that_names_a_product_counts_as_a_use() -> None:
    pointing = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name == "product" for key in column.foreign_keys)
    }
    columns = {f"{column.class_.__tablename__}.{column.key}" for _label, column in USES.values()}
    assert pointing - {"product_price.product_id"} == columns


class TestCatalogue:
    def test_a_product_without_a_code_gets_the_next_free_number(self, database: str, administrator: Actor) -> None:
        taken = factories.make_product(administrator, code="prd0001")
        assert (taken.code, factories.make_product(administrator).code) == ("prd0001", "PRD0002")
        with pytest.raises(ValidationFailed) as refused:
            factories.make_product(administrator, code="PRD0001")
        assert list(refused.value.errors) == ["code"]

    @pytest.mark.parametrize("wrong", [{"name": " "}, {"price": "-1"}, {"price": ""}, {"price": "很贵"}, {"valid_from": "2999-01-01"}])
    def test_what_is_missing_or_absurd_is_refused(self, database: str, administrator: Actor, wrong: dict[str, str]) -> None:
        with pytest.raises(ValidationFailed) as refused:
            factories.make_product(administrator, **wrong)
        assert list(refused.value.errors) == list(wrong)

    def test_it_is_searched_filtered_and_sorted(self, database: str, administrator: Actor, sales: Actor) -> None:
        factories.make_product(administrator, name="排产软件", category="软件", price="300")
        factories.make_product(administrator, name="实施服务", category="服务", price="100")
        old = factories.make_product(administrator, name="旧版软件", category="软件")
        with transaction(administrator) as session:
            products.set_active(session, administrator, old.id, is_active=False, version=old.version)
        assert listed(sales, sort="price") == ["实施服务", "排产软件"]
        assert listed(sales, phrase="软件", is_active=None, sort="code") == ["排产软件", "旧版软件"]
        assert listed(sales, is_active=False) == ["旧版软件"]
        assert listed(sales, category="服务") == ["实施服务"]
        with reading(sales) as session:
            assert [one.name for one in products.list_offered(session).values()] == sorted(["排产软件", "实施服务"])
            assert products.list_words(session) == (sorted(["服务", "软件"]), ["套"])

    def test_two_who_change_one_product_are_told(self, database: str, administrator: Actor) -> None:
        product = factories.make_product(administrator)
        with transaction(administrator) as session:
            products.update_product(session, administrator, product.id, {"name": "新名", "code": ""}, version=product.version)
        with pytest.raises(Conflict), transaction(administrator) as session:
            products.update_product(session, administrator, product.id, {"name": "旧名"}, version=product.version)
        with reading(SYSTEM) as session:
            now = products.get_product(session, SYSTEM, product.id)
            assert (now.name, now.code) == ("新名", product.code)

    def test_only_those_with_the_permission_change_it(self, database: str, administrator: Actor, manager: Actor) -> None:
        product = factories.make_product(administrator)
        with pytest.raises(NotAllowed):
            factories.make_product(manager)
        with pytest.raises(NotAllowed), transaction(manager) as session:
            products.set_price(session, manager, product.id, price="1")
        service = factories.make_user(role="service")
        with pytest.raises(NotAllowed):
            listed(service)


class TestPrices:
    def test_each_price_counts_from_its_day_on_and_stays_in_the_history(self, database: str, administrator: Actor) -> None:
        product = factories.make_product(administrator, price="100")
        tomorrow = clock.today() + timedelta(days=1)
        with transaction(administrator) as session:
            products.set_price(session, administrator, product.id, price="120.50")
            products.set_price(session, administrator, product.id, price="150", valid_from=tomorrow)
        assert price_of(product) == Decimal("120.50")
        with reading(SYSTEM) as session:
            history = products.list_prices(session, SYSTEM, product.id)
        assert [(one.price, one.by_id) for one in history] == [(Decimal(amount), administrator.id) for amount in ("150", "120.50", "100")]
        assert [line.new for line in factories.log_of("product", product.id, field="price")][-1] == f"150.00 ({tomorrow})"

    @pytest.mark.parametrize("price", ["", "-5", "1e30", "免费"])
    def test_an_absurd_price_is_refused(self, database: str, administrator: Actor, price: str) -> None:
        product = factories.make_product(administrator, price="100")
        with pytest.raises(ValidationFailed), transaction(administrator) as session:
            products.set_price(session, administrator, product.id, price=price)
        assert price_of(product) == Decimal(100)


class TestDeleting:
    def test_one_that_nothing_uses_goes(self, database: str, administrator: Actor) -> None:
        product = factories.make_product(administrator)
        with transaction(administrator) as session:
            products.delete_product(session, administrator, product.id)
        with pytest.raises(NotFound):
            price_of(product)
        with pytest.raises(NotFound), transaction(administrator) as session:
            products.delete_product(session, administrator, product.id)

    def test_one_that_is_used_stays_and_is_retired_instead(self, database: str, administrator: Actor, sales: Actor) -> None:
        product = factories.make_product(administrator)
        factories.make_opportunity(sales, factories.make_customer(sales), products=[product])
        with pytest.raises(IllegalTransition, match="1"), transaction(administrator) as session:
            products.delete_product(session, administrator, product.id)
        with transaction(administrator) as session:
            products.set_active(session, administrator, product.id, is_active=False, version=product.version)
            assert products.count_uses(session, product.id) == {"opportunities": 1, "contracts": 0}
        assert listed(administrator) == []
