"""Tickets with their history and answers, their files, and what they come to for the customer."""

import csv
from typing import Any

import sqlalchemy as sa
from alembic import op

from crm_core.config import REFERENCE_DIR

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

GRANTED = {
    "administrator": ["ticket:assign", "ticket:read", "ticket:write"],
    "manager": ["ticket:assign", "ticket:read", "ticket:write"],
    "sales": ["ticket:read"],
    "service": ["ticket:read", "ticket:write"],
    "viewer": ["ticket:read"],
}
"""The new permissions of the built-in roles."""

PARTIAL: dict[str, tuple[list[str], str]] = {
    "ix_ticket_running": (["due_at"], "waiting_since IS NULL AND resolved_at IS NULL"),
    "ix_ticket_resolved": (["resolved_at"], "state = 'resolved'"),
}
"""Indexes of the tickets that a job looks for, which are few."""
LISTS = ("ticket_category", "ticket_source")


def _to(table: str, name: str, *, needed: bool = True, indexed: bool = False, ondelete: str | None = "CASCADE") -> sa.Column[Any]:
    return sa.Column(name, KEY, sa.ForeignKey(f"{table}.id", ondelete=ondelete), nullable=not needed, index=indexed)


def _key() -> sa.Column[Any]:
    return sa.Column("id", KEY, primary_key=True)


def _preset(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(60), sa.ForeignKey("preset.code", onupdate="CASCADE"), nullable=False)


def tables() -> dict[str, list[Any]]:
    """New tables, in an order in which each finds those it points to."""
    return {
        "ticket": [
            _key(),
            sa.Column("code", sa.String(20), nullable=False, unique=True),
            sa.Column("key", sa.String(36), unique=True),
            _to("customer", "customer_id"),
            _to("contact", "contact_id", needed=False, indexed=True, ondelete="SET NULL"),
            sa.Column("contact_name", sa.String(60)),
            sa.Column("type", sa.String(10), nullable=False),
            _preset("category"),
            sa.Column("priority", sa.String(8), nullable=False),
            _preset("source"),
            sa.Column("name", sa.String(120), nullable=False),
            sa.Column("description", sa.Text(), nullable=False),
            _to("user_account", "handler_id", needed=False, ondelete=None),
            _to("user_account", "created_by_id", needed=False, indexed=True, ondelete=None),
            sa.Column("state", sa.String(10), nullable=False),
            sa.Column("due_at", TIME, nullable=False),
            sa.Column("waiting_since", TIME),
            sa.Column("resolved_at", TIME),
            sa.Column("served_at", TIME, nullable=False),
            sa.Column("reopened", sa.SmallInteger(), nullable=False),
            sa.Column("satisfaction", sa.SmallInteger()),
            sa.Column("satisfaction_remark", sa.String(500)),
            sa.Column("due_told_at", TIME),
            sa.Column("overdue_told_at", TIME),
            sa.Column("created_at", TIME, nullable=False),
            sa.Column("updated_at", TIME, nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Index("ix_ticket_of_customer", "customer_id", "id"),
            sa.Index("ix_ticket_of_handler", "handler_id", "state", "due_at"),
            sa.Index("ix_ticket_listed", "state", "due_at", "id"),
        ],
        "ticket_step": [
            _key(),
            _to("ticket", "ticket_id", indexed=True),
            sa.Column("at", TIME, nullable=False),
            _to("user_account", "actor_id", needed=False, ondelete=None),
            sa.Column("from_state", sa.String(10)),
            sa.Column("to_state", sa.String(10), nullable=False),
            sa.Column("content", sa.Text()),
        ],
        "ticket_answer": [
            _key(),
            _to("ticket", "ticket_id", indexed=True),
            sa.Column("at", TIME, nullable=False),
            _to("user_account", "author_id", ondelete=None),
            sa.Column("is_public", sa.Boolean(), nullable=False),
            sa.Column("content", sa.Text(), nullable=False),
        ],
    }


def columns() -> dict[str, list[sa.Column[Any]]]:
    """New columns of tables that were there: no customer has had a ticket yet."""
    of_file = sa.ForeignKey("ticket.id", name="fk_attachment_ticket_id", ondelete="SET NULL")
    return {
        "attachment": [sa.Column("ticket_id", KEY, of_file)],
        "customer": [
            sa.Column("complaints", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("last_service_at", TIME),
            sa.Column("ratings", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("rating_sum", sa.Integer(), nullable=False, server_default="0"),
        ],
    }


def upgrade() -> None:
    for name, parts in tables().items():
        op.create_table(name, *parts)
    for name, (names, condition) in PARTIAL.items():
        op.create_index(name, "ticket", names, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column, inline_references=True)
    op.create_index("ix_attachment_ticket_id", "attachment", ["ticket_id"])
    op.create_index("ix_customer_complaints", "customer", ["place", "complaints", "id"])
    _grant()
    _add_presets()


def _grant() -> None:
    role = sa.table("role", sa.column("code", sa.String()), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for code, permissions in bind.execute(sa.select(role.c.code, role.c.permissions).where(role.c.code.in_(GRANTED))).all():
        granted = sorted({*permissions, *GRANTED[code]})
        bind.execute(role.update().where(role.c.code == code).values(permissions=granted))


def _add_presets() -> None:
    """Categories and sources to choose from, for a database that has its library already; a new one gets the whole library later."""
    names = ("code", "category", "name", "name_en", "position", "is_active")
    preset = sa.table("preset", *(sa.column(name) for name in names))
    bind = op.get_bind()
    if bind.execute(sa.select(preset.c.code).limit(1)).first():
        with (REFERENCE_DIR / "presets.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["category"] in LISTS]
        bind.execute(preset.insert(), [row | {"position": int(row["position"]), "is_active": True} for row in rows])


def downgrade() -> None:
    op.drop_index("ix_customer_complaints", "customer")
    op.drop_index("ix_attachment_ticket_id", "attachment")
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)
    for name in reversed(tables()):
        op.drop_table(name)
    for category in LISTS:
        op.execute(f"DELETE FROM preset WHERE category = '{category}'")
