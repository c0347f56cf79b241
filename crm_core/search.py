"""Full-text search that finds any part of a name, code, phone, pinyin or its initials, from one character up.

Each customer has one row of overlapping tokens, of two characters, and of three among letters and digits, of which there are
few: 恒远机械 → 恒远 远机 机械 械, hyjx → hyj yjx jx x. A word is then one token, or a phrase of them, and a prefix where it is
too short for one. The same tokens feed SQLite's FTS5 and a PostgreSQL `tsvector` built by hand, so that both find the same.
Measured against other tokens in ADR 0001.

Phones and WeChat accounts are kept apart, in a column of their own or under a label: who may not read phones searches
without them, since whoever finds a customer by a part of a number knows that part.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, column, delete, false, select, table, text
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import TextClause

from crm_core.db import is_sqlite
from crm_core.models import Contact, Customer
from crm_core.permissions import Access, Actor, Scope
from crm_core.pinyin import initials_of, pinyin_of
from crm_core.scope import sees_team, unscoped

customer_search = table("customer_search", column("rowid"), column("tokens"))

MAX_TOKENS = 2000
_BATCH = 500
_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")


def words_of(phrase: str) -> list[str]:
    """The parts of a text that are searched: letters, digits and characters, in lower case."""
    folded = unicodedata.normalize("NFKC", phrase).lower()
    return [word for word in _WORD.findall(folded) if word]


def tokens_of(parts: Iterable[str | None]) -> list[str]:
    """The tokens of a customer's searchable texts. The single character that ends a word also separates words."""
    return [token for part in parts if part for word in words_of(part) for token in _tokens(word)][:MAX_TOKENS]


def _tokens(word: str) -> list[str]:
    threes = [word[start : start + 3] for start in range(len(word))]
    return threes if word.isascii() else [three if three.isascii() else three[:2] for three in threes]


class Searchable(NamedTuple):
    """The texts under which a customer is found: by everybody, and by those who may read phones."""

    texts: list[str | None]
    phones: list[str | None]


def searchable(name: str, code: str, credit_code: str | None, contacts: Iterable[tuple[str, str | None, str | None]]) -> Searchable:
    """What a customer is found by: names with pinyin and initials, codes; phones, wechat."""
    texts: list[str | None] = [name, code, credit_code]
    phones: list[str | None] = []
    spelled = [name]
    for contact_name, phone, wechat in contacts:
        texts.append(contact_name)
        phones += [phone.replace("-", "") if phone else None, wechat]
        spelled.append(contact_name)
    for one in spelled:
        if _HAN.search(one):
            texts += [pinyin_of(one), initials_of(one)]
    return Searchable(texts, phones)


def index_row(customer_id: int, found_by: Searchable, *, sqlite: bool) -> dict[str, object]:
    """The parameters of `insert_statement` for one customer."""
    tokens, phones = tokens_of(found_by.texts), tokens_of(found_by.phones)
    if sqlite:
        return {"id": customer_id, "tokens": " ".join(tokens), "phones": " ".join(phones)}
    # In a tsvector a label tells them apart: D, which is the usual one and not written, and A.
    labelled = [f"'{token}':{place}" for place, token in enumerate(tokens, 1)]
    labelled += [f"'{token}':{place}A" for place, token in enumerate(phones, len(tokens) + 2)]
    return {"id": customer_id, "tokens": " ".join(labelled)}


def insert_statement(*, sqlite: bool) -> TextClause:
    """The statement that adds rows of `index_row`."""
    if sqlite:
        return text("INSERT INTO customer_search (rowid, tokens, phones) VALUES (:id, :tokens, :phones)")
    return text("INSERT INTO customer_search (rowid, tokens) VALUES (:id, CAST(:tokens AS tsvector))")


def index_customers(session: Session, rows: Iterable[tuple[int, Searchable]]) -> None:
    """Add the search rows of customers that have none, by id and what they are found by."""
    sqlite = is_sqlite(session)
    session.execute(insert_statement(sqlite=sqlite), [index_row(customer_id, found_by, sqlite=sqlite) for customer_id, found_by in rows])


def reindex(session: Session, customer_id: int) -> None:
    """Write a customer's search row anew from its present data; none for one that is gone."""
    session.flush()
    session.execute(delete(customer_search).where(customer_search.c.rowid == customer_id))
    if found := _found_by(session, [customer_id]):
        index_customers(session, found)


def fill_empty_index(session: Session) -> None:
    """Index every customer where no one is indexed: after a migration that made the index anew."""
    if session.execute(select(customer_search.c.rowid).limit(1)).first():
        return
    ids = session.execute(select(Customer.id).order_by(Customer.id), execution_options=unscoped).scalars().all()
    for start in range(0, len(ids), _BATCH):
        index_customers(session, _found_by(session, ids[start : start + _BATCH]))


def _found_by(session: Session, ids: Sequence[int]) -> list[tuple[int, Searchable]]:
    people: dict[int, list[tuple[str, str | None, str | None]]] = defaultdict(list)
    statement = select(Contact.customer_id, Contact.name, Contact.phone, Contact.wechat).where(Contact.customer_id.in_(ids))
    for row in session.execute(statement, execution_options=unscoped):
        people[row.customer_id].append((row.name, row.phone, row.wechat))
    columns = select(Customer.id, Customer.name, Customer.code, Customer.credit_code).where(Customer.id.in_(ids))
    rows = session.execute(columns, execution_options=unscoped)
    return [(row.id, searchable(row.name, row.code, row.credit_code, people[row.id])) for row in rows]


def only_matching(session: Session, statement: Select[*tuple[Any, ...]], phrase: str, *, by_phone: bool = True) -> Select[*tuple[Any, ...]]:
    """Limit a selection of customers to those that match every word of `phrase`; to none where it holds no word.

    Phones count only where the actor of the session may read them, and never without `by_phone`.
    """
    words = words_of(phrase)[:8]
    if not words:
        return statement.where(false())
    actor: Actor | None = session.info.get("actor")
    everywhere = by_phone and actor is not None and actor.access_to("phone") >= Access.READABLE
    if is_sqlite(session):
        found = " AND ".join(_fts5(word) for word in words)
        condition = text("customer_search MATCH :phrase").bindparams(phrase=found if everywhere else f"tokens : ({found})")
    else:
        condition = text("customer_search.tokens @@ CAST(:phrase AS tsquery)").bindparams(
            phrase=" & ".join(_tsquery(word, "" if everywhere else "D") for word in words)
        )
    return statement.join(customer_search, customer_search.c.rowid == Customer.id).where(condition)


def led_by_index(session: Session, statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """A search for listed customers by phrase alone, told to SQLite as it reads least; to be executed `by_row`.

    A frequent word is asked of thousands of customers, of which the row is long and stands anywhere. Whether one is listed and
    whose it is stands in a narrow index; where only the actor's own count, those few are looked up first.
    """
    actor: Actor | None = session.info.get("actor")
    if actor is not None and actor.scope is not Scope.ALL and not sees_team(actor):
        # The sum keeps SQLite from searching the words anew for each of them.
        statement = statement.where((customer_search.c.rowid + 0).in_(_select_listed()))
    return statement.with_hint(Customer, "INDEXED BY ix_customer_listing", "sqlite")


@cache
def _select_listed() -> Select[int]:
    # Made once: an alias has all columns of a customer.
    listed = aliased(Customer)
    return select(listed.id).where(listed.is_listed)


def _phrase(word: str) -> tuple[list[str], bool]:
    """The tokens of a word, one after the other, and whether the last one may go on."""
    word = word[:60]
    tokens = _tokens(word)[:-2]
    # What follows the last two characters is not known; among letters and digits a third one is part of their token.
    rest = word[-2:]
    if not tokens or not word[-3:].isascii():
        return [*tokens, rest], rest.isascii() or len(rest) == 1
    return tokens, False


def _fts5(word: str) -> str:
    tokens, goes_on = _phrase(word)
    return f'"{" ".join(tokens)}"' + "*" * goes_on


def _tsquery(word: str, label: str) -> str:
    tokens, goes_on = _phrase(word)
    labels = [label] * (len(tokens) - 1) + ["*" * goes_on + label]
    return "(" + " <-> ".join(f"'{token}':{label}" if label else f"'{token}'" for token, label in zip(tokens, labels, strict=True)) + ")"
