"""Full-text search that finds any part of a name, code, phone, pinyin or its initials, from one character up.

Each customer has one row of overlapping two-character tokens: 恒远机械 → 恒远 远机 机械 械. Two characters are then one
exact token, longer words a phrase of tokens, and one character a prefix. The same tokens feed SQLite's FTS5 and a
PostgreSQL `tsvector` built by hand, so that both find the same. Measured against single-character tokens in ADR 0001.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, column, delete, false, select, table, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import TextClause

from crm_core.db import is_sqlite
from crm_core.models import Contact, Customer
from crm_core.pinyin import initials_of, pinyin_of
from crm_core.scope import unscoped

customer_search = table("customer_search", column("rowid"), column("tokens"))

MAX_TOKENS = 2000
_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")


def words_of(phrase: str) -> list[str]:
    """The parts of a text that are searched: letters, digits and characters, in lower case."""
    folded = unicodedata.normalize("NFKC", phrase).lower()
    return [word for word in _WORD.findall(folded) if word]


def tokens_of(parts: Iterable[str | None]) -> list[str]:
    """The tokens of a customer's searchable texts. The single character that ends a word also separates words."""
    tokens = [word[start : start + 2] for part in parts if part for word in words_of(part) for start in range(len(word))]
    return tokens[:MAX_TOKENS]


def searchable(name: str, code: str, credit_code: str | None, contacts: Iterable[tuple[str, str | None, str | None]]) -> list[str | None]:
    """The texts under which a customer is found: names with pinyin and initials, codes, phones, wechat."""
    texts: list[str | None] = [name, code, credit_code]
    spelled = [name]
    for contact_name, phone, wechat in contacts:
        texts += [contact_name, phone.replace("-", "") if phone else None, wechat]
        spelled.append(contact_name)
    for one in spelled:
        if _HAN.search(one):
            texts += [pinyin_of(one), initials_of(one)]
    return texts


def index_row(customer_id: int, texts: Iterable[str | None], *, sqlite: bool) -> dict[str, object]:
    """The parameters of `upsert_statement` for one customer."""
    tokens = tokens_of(texts)
    if sqlite:
        return {"id": customer_id, "tokens": " ".join(tokens)}
    return {"id": customer_id, "tokens": " ".join(f"'{token}':{place}" for place, token in enumerate(tokens, 1))}


def insert_statement(*, sqlite: bool) -> TextClause:
    """The statement that adds rows of `index_row`."""
    tokens = ":tokens" if sqlite else "CAST(:tokens AS tsvector)"
    return text(f"INSERT INTO customer_search (rowid, tokens) VALUES (:id, {tokens})")  # noqa: S608 - two constants


def reindex(session: Session, customer_id: int) -> None:
    """Write a customer's search row anew from its present data."""
    session.flush()
    session.execute(delete(customer_search).where(customer_search.c.rowid == customer_id))
    customer = session.execute(
        select(Customer.name, Customer.code, Customer.credit_code).where(Customer.id == customer_id), execution_options=unscoped
    ).one()
    contacts = session.execute(
        select(Contact.name, Contact.phone, Contact.wechat).where(Contact.customer_id == customer_id), execution_options=unscoped
    ).all()
    texts = searchable(customer.name, customer.code, customer.credit_code, [(row.name, row.phone, row.wechat) for row in contacts])
    sqlite = is_sqlite(session)
    session.execute(insert_statement(sqlite=sqlite), index_row(customer_id, texts, sqlite=sqlite))


def only_matching(session: Session, statement: Select[*tuple[Any, ...]], phrase: str) -> Select[*tuple[Any, ...]]:
    """Limit a selection of customers to those that match every word of `phrase`; to none where it holds no word."""
    words = words_of(phrase)[:8]
    if not words:
        return statement.where(false())
    if is_sqlite(session):
        condition = text("customer_search MATCH :phrase").bindparams(phrase=" AND ".join(_fts5(word) for word in words))
    else:
        condition = text("customer_search.tokens @@ CAST(:phrase AS tsquery)").bindparams(
            phrase=" & ".join(_tsquery(word) for word in words)
        )
    return statement.join(customer_search, customer_search.c.rowid == Customer.id).where(condition)


def _pairs(word: str) -> list[str]:
    return [word[start : start + 2] for start in range(min(len(word), 60) - 1)]


def _fts5(word: str) -> str:
    return f'"{word}"*' if len(word) == 1 else '"' + " ".join(_pairs(word)) + '"'


def _tsquery(word: str) -> str:
    return f"'{word}':*" if len(word) == 1 else "(" + " <-> ".join(f"'{pair}'" for pair in _pairs(word)) + ")"
