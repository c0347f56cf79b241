"""产品 / 服务: the catalogue, the prices of each product since when, and what uses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from crm_core import audit, clock
from crm_core.db import CrmSession
from crm_core.errors import Conflict, IllegalTransition, NotFound, ValidationFailed
from crm_core.fields import Field, fields_of
from crm_core.i18n import N_, _, format_money, join_words
from crm_core.models import ContractLine, OpportunityLine, Product, ProductPrice
from crm_core.numbering import product_code
from crm_core.paging import Page
from crm_core.permissions import Actor, Permission, require
from crm_core.scope import unscoped
from crm_core.validation import clean_text, clean_values

USES: dict[str, tuple[str, Any]] = {
    "opportunities": (N_("Opportunities"), OpportunityLine.product_id),
    "contracts": (N_("Contracts"), ContractLine.product_id),
}
"""Every column that names a product. A new one is a row here; a test says so."""
ORDERS = {"code": Product.code, "name": Product.name, "category": Product.category, "price": Product.price}

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class ProductQuery:
    """What is asked for; `is_active` None means both."""

    phrase: str = ""
    is_active: bool | None = True
    category: str = ""
    sort: str = "code"
    page: int = 1


@dataclass(frozen=True)
class ProductPage(Page):
    """One page of the catalogue."""

    size = 30
    rows: list[Product]
    total: int
    page: int


@dataclass(frozen=True)
class Offered:
    """A product as a form offers it."""

    id: int
    code: str
    name: str
    unit: str
    price: Decimal

    @property
    def label(self) -> str:
        """Name and price of one unit."""
        price = f"{format_money(self.price)}/{self.unit}" if self.unit else format_money(self.price)
        return f"{self.name} ({self.code}) · {price}"


def product_fields() -> dict[str, Field]:
    """The fields of a product's form; its first price is one of them."""
    return fields_of(Product) | fields_of(ProductPrice)


def list_products(session: CrmSession, actor: Actor, query: ProductQuery) -> ProductPage:
    """One page of the catalogue, in the order asked for."""
    require(actor, Permission.OPPORTUNITY_READ)
    found = select(Product).where(*_conditions(query))
    total: int = session.execute(select(func.count()).select_from(found.order_by(None).subquery())).scalar_one()
    page = ProductPage.nearest(query.page, total)
    order = found.order_by(ORDERS.get(query.sort, Product.code), Product.id)
    return ProductPage(list(session.execute(ProductPage.cut(order, page)).scalars()), total, page)


def list_all(session: CrmSession, actor: Actor, query: ProductQuery, limit: int) -> list[Product]:
    """The products of all pages of a query, at most so many."""
    require(actor, Permission.OPPORTUNITY_READ)
    return list(session.execute(select(Product).where(*_conditions(query)).order_by(Product.id).limit(limit)).scalars())


def _conditions(query: ProductQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if query.is_active is None else [Product.is_active.is_(query.is_active)]
    if query.category:
        found.append(Product.category == query.category)
    columns = (Product.code, Product.name, Product.category, Product.description)
    for word in clean_text(query.phrase).split()[:8]:
        found.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return found


def list_offered(session: CrmSession) -> dict[int, Offered]:
    """The products that forms offer, by id, in the order of their names."""
    columns = select(Product.id, Product.code, Product.name, Product.unit, Product.price).where(Product.is_active)
    rows = session.execute(columns.order_by(Product.name, Product.id))
    return {row.id: Offered(row.id, row.code, row.name, row.unit or "", row.price) for row in rows}


def list_words(session: CrmSession) -> tuple[list[str], list[str]]:
    """The categories and the units in use, to choose from."""
    category, unit = (
        [word for word in session.execute(select(column).distinct().order_by(column)).scalars() if word]
        for column in (Product.category, Product.unit)
    )
    return category, unit


def get_product(session: CrmSession, actor: Actor, product_id: int) -> Product:
    """One product. Raises `NotFound`."""
    require(actor, Permission.OPPORTUNITY_READ)
    return _load(session, product_id)


def list_prices(session: CrmSession, actor: Actor, product_id: int) -> list[ProductPrice]:
    """The prices of a product, the latest first."""
    require(actor, Permission.OPPORTUNITY_READ)
    own = select(ProductPrice).where(ProductPrice.product_id == product_id)
    return list(session.execute(own.order_by(ProductPrice.valid_from.desc(), ProductPrice.id.desc())).scalars())


def create_product(session: CrmSession, actor: Actor, values: Mapping[str, Any]) -> Product:
    """Add a product with its first price, which counts from `valid_from` on or else from today; without a code it gets the next number.

    Raises `ValidationFailed`, `NotAllowed`.
    """
    require(actor, Permission.PRODUCT_EDIT)
    clean, errors = clean_values(product_fields(), {"valid_from": clock.today()} | dict(values))
    price, valid_from = (clean.pop(name, None) for name in ("price", "valid_from"))
    if valid_from and valid_from > clock.today():
        errors.setdefault("valid_from", []).append(_("The first price has to count from today or an earlier day."))
    errors |= _check_code(session, clean.get("code"), None)
    if errors:
        raise ValidationFailed(errors)
    product = Product(**clean | {"code": clean["code"] or _free_code(session), "created_by_id": actor.id})
    session.add(product)
    session.flush()
    _add_price(session, actor, product, price, valid_from)
    return product


def update_product(session: CrmSession, actor: Actor, product_id: int, values: Mapping[str, Any], *, version: int) -> Product:
    """Change what a product is called; prices have a verb of their own. Raises `ValidationFailed`, `Conflict`, `NotFound`."""
    require(actor, Permission.PRODUCT_EDIT)
    product = _lock(session, product_id, version)
    fields = fields_of(Product)
    clean, errors = clean_values(fields, {name: getattr(product, name) for name in fields} | dict(values))
    errors |= _check_code(session, clean.get("code"), product_id)
    if errors:
        raise ValidationFailed(errors)
    for name, value in clean.items():
        setattr(product, name, product.code if name == "code" and not value else value)
    session.flush()
    return product


def set_price(session: CrmSession, actor: Actor, product_id: int, *, price: Any, valid_from: Any = None) -> None:
    """Add a price that counts from a day on, one to come included; those before stay in the history.

    Raises `ValidationFailed`, `NotAllowed`, `NotFound`.
    """
    require(actor, Permission.PRODUCT_EDIT)
    product = _lock(session, product_id)
    entered = {"price": price, "valid_from": valid_from or clock.today()}
    clean, errors = clean_values(fields_of(ProductPrice), entered)
    if errors:
        raise ValidationFailed(errors)
    _add_price(session, actor, product, clean["price"], clean["valid_from"])


def set_active(session: CrmSession, actor: Actor, product_id: int, *, is_active: bool, version: int) -> None:
    """Retire a product, so that it is no longer offered, or offer it again. Raises `Conflict`, `NotAllowed`, `NotFound`."""
    require(actor, Permission.PRODUCT_EDIT)
    _lock(session, product_id, version).is_active = is_active
    session.flush()


def count_uses(session: CrmSession, product_id: int) -> dict[str, int]:
    """How often a product is used, by kind, whoever may see where."""
    counts = {}
    for kind, (_label, column) in USES.items():
        statement = select(func.count()).where(column == product_id)
        counts[kind] = session.execute(statement, execution_options=unscoped).scalar_one()
    return counts


def uses_in_words(counts: Mapping[str, int]) -> str:
    """Which kinds of records use a product, with their numbers."""
    return join_words(_(USES[kind][0]) + f" {count}" for kind, count in counts.items() if count)


def delete_product(session: CrmSession, actor: Actor, product_id: int) -> None:
    """Delete a product that nothing uses. Raises `IllegalTransition` for one that is used, `NotAllowed`, `NotFound`."""
    require(actor, Permission.PRODUCT_EDIT)
    product = _lock(session, product_id)
    used = {kind: count for kind, count in count_uses(session, product_id).items() if count}
    if used:
        where = uses_in_words(used)
        sentence = _("{name} is used and cannot be deleted ({where}). Retire it instead: then it is no longer offered.")
        raise IllegalTransition(sentence.format(name=product.name, where=where))
    session.delete(product)
    session.flush()


def _load(session: CrmSession, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound(_("This product was deleted. Go back to the catalogue."))
    return product


def _lock(session: CrmSession, product_id: int, version: int | None = None) -> Product:
    product = session.execute(
        select(Product).where(Product.id == product_id).with_for_update(of=Product), execution_options={"populate_existing": True}
    ).scalar_one_or_none()
    if product is None:
        raise NotFound(_("This product was deleted. Go back to the catalogue."))
    if version not in (None, product.version):
        raise Conflict(version=product.version, theirs={}, message=_("Somebody else changed this product meanwhile. Open it again."))
    return product


def _add_price(session: CrmSession, actor: Actor, product: Product, price: Decimal, valid_from: date) -> None:
    before = None if product.price is None else str(product.price)
    session.add(ProductPrice(product_id=product.id, price=price, valid_from=valid_from, by_id=actor.id))
    session.flush()
    if before is not None:
        audit.record_change(session, product, field="price", old=before, new=f"{price} ({valid_from.isoformat()})")
    session.refresh(product)


def _check_code(session: CrmSession, code: str | None, own_id: int | None) -> Errors:
    taken = select(Product.id).where(func.lower(Product.code) == (code or "").lower(), Product.id != (own_id or 0))
    if code and session.execute(taken).first():
        return {"code": [_("Another product has this code already. Choose another one, or leave it empty.")]}
    return {}


def _free_code(session: CrmSession) -> str:
    code = product_code(session)
    while _check_code(session, code, None):
        code = product_code(session)
    return code
