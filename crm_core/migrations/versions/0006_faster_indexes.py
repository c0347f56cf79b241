"""Faster indexes: the place of a customer becomes a number, and letters and digits are searched by three characters."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PLACES = ("library", "review", "draft", "archive", "bin", "merged")
INDEXES = {
    "ix_customer_listing": ["id", "owner_id"],
    "ix_customer_updated": ["updated_at"],
    "ix_customer_amount": ["cooperation_amount"],
    "ix_customer_named": ["name_key", "id"],
    "ix_customer_owned": ["owner_id", "id"],
    "ix_customer_placed": ["placed_at", "id"],
    "ix_customer_overview": ["stage", "industry", "source", "is_incomplete", "owner_id"],
    "ix_customer_created": ["created_at", "owner_id"],
}
"""Indexes of the customers that begin with the place."""


def upgrade() -> None:
    numbers = " ".join(f"WHEN '{place}' THEN {number}" for number, place in enumerate(PLACES, 1))
    _replace(sa.SmallInteger(), f"CASE place {numbers} END", default="1")
    _make_search_anew("1 2")


def downgrade() -> None:
    names = " ".join(f"WHEN {number} THEN '{place}'" for number, place in enumerate(PLACES, 1))
    _replace(sa.String(8), f"CASE place {names} END", default="library")
    _make_search_anew("1")


def _replace(kind: sa.types.TypeEngine[str] | sa.types.TypeEngine[int], value: str, *, default: str) -> None:
    for name in INDEXES:
        op.drop_index(name, "customer")
    op.add_column("customer", sa.Column("new_place", kind, nullable=False, server_default=default))
    op.execute(f"UPDATE customer SET new_place = {value}")
    op.drop_column("customer", "place")
    op.execute("ALTER TABLE customer RENAME COLUMN new_place TO place")
    for name, columns in INDEXES.items():
        op.create_index(name, "customer", ["place", *columns])


def _make_search_anew(prefixes: str) -> None:
    """The index is filled after the migration."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE customer_search")
        op.execute(f"CREATE VIRTUAL TABLE customer_search USING fts5(tokens, phones, prefix='{prefixes}')")
    else:
        op.execute("DELETE FROM customer_search")
