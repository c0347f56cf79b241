"""Rows that become products, or new names and prices of products that exist."""

from collections.abc import Sequence

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.i18n import _
from crm_core.models import Product
from crm_core.services.imports.one_by_one import OneByOne
from crm_core.services.imports.records import Record, word
from crm_core.services.products import create_product, set_active, set_price, update_product

_OWN_VERBS = ("price", "valid_from", "is_active")
"""What of a product is not changed with its names."""


class Products(OneByOne):
    """The catalogue as a file gives it. A row meets the product with its code; without a code, the one with its name."""

    def look_up(self, session: CrmSession, _entries: Sequence[Record]) -> None:
        """All of the catalogue: a row may name any of it."""
        products = list(session.execute(select(Product).order_by(Product.id.desc())).scalars())
        self.by_code = {word(one.code): one for one in products}
        self.by_name = {word(one.name): one for one in products}

    def bring_in(self, session: CrmSession, entry: Record) -> None:
        """Create the product, change the one that exists, or skip the row."""
        values = entry.values
        code, name = word(values.get("code")), word(values.get("name"))
        found = self.by_code.get(code) if code else self.by_name.get(name)
        if self.is_repeated(entry, f"code {code}" if code else f"name {name}"):
            return
        if found is None:
            self._create(session, entry)
        elif not self.updates:
            self.result.skip(entry.number, _("This product exists already."))
        else:
            self._update(session, found, entry)

    def _create(self, session: CrmSession, entry: Record) -> None:
        is_active = self.check(entry, "is_active").get("is_active") != "no"
        made = create_product(session, self.actor, {name: value for name, value in entry.values.items() if name != "is_active"})
        if not is_active:
            set_active(session, self.actor, made.id, is_active=False, version=made.version)
        self.run.made.append(made.id)
        self.result.created += 1

    def _update(self, session: CrmSession, product: Product, entry: Record) -> None:
        given = self.check(entry, *_OWN_VERBS)  # before anything is written
        version, is_active = product.version, given.get("is_active", "yes") != "no"
        named = {name: value for name, value in entry.values.items() if name not in _OWN_VERBS}
        update_product(session, self.actor, product.id, named, version=version)
        has_price = given.get("price", product.price) != product.price
        if has_price:
            set_price(session, self.actor, product.id, price=given["price"], valid_from=given.get("valid_from"))
        if "is_active" in given and is_active != product.is_active:
            set_active(session, self.actor, product.id, is_active=is_active, version=product.version)
        if has_price or product.version != version:
            self.result.updated += 1
        else:
            self.result.skip(entry.number, _("This product exists already, and the row says nothing new."))
