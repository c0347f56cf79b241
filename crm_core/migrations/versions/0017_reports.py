"""Reports, their schedules, and saved views of other pages than the customer list."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def _key() -> sa.Column[Any]:
    return sa.Column("id", KEY, primary_key=True)


def _to(table: str, name: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, KEY, sa.ForeignKey(f"{table}.id", ondelete=more.pop("ondelete", "CASCADE")), **more)


def _dated() -> list[sa.Column[Any]]:
    return [sa.Column(name, TIME, nullable=False) for name in ("created_at", "updated_at")]


def tables() -> dict[str, list[Any]]:
    """New tables, in an order in which each finds those it points to."""
    return {
        "report_schedule": [
            _key(),
            _to("user_account", "user_id", nullable=False, index=True),
            sa.Column("name", sa.String(60), nullable=False),
            sa.Column("asked", sa.JSON(), nullable=False),
            sa.Column("reason", sa.String(300), nullable=False),
            sa.Column("rhythm", sa.String(10), nullable=False),
            sa.Column("day", sa.Integer(), nullable=False),
            sa.Column("at", sa.Time(), nullable=False),
            sa.Column("next_at", TIME, nullable=False, index=True),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            *_dated(),
            sa.Column("version", sa.Integer(), nullable=False),
        ],
        "report_receiver": [
            _to("report_schedule", "schedule_id", primary_key=True),
            _to("user_account", "user_id", primary_key=True, index=True),
        ],
        "report": [
            _key(),
            _to("user_account", "user_id", nullable=False),
            _to("report_schedule", "schedule_id", ondelete="SET NULL", index=True),
            sa.Column("key", sa.String(80), unique=True),
            sa.Column("name", sa.String(80), nullable=False),
            sa.Column("asked", sa.JSON(), nullable=False),
            sa.Column("reason", sa.String(300), nullable=False),
            sa.Column("state", sa.String(10), nullable=False),
            sa.Column("progress", sa.Integer(), nullable=False),
            sa.Column("attempts", sa.Integer(), nullable=False),
            sa.Column("claimed_until", TIME),
            sa.Column("finished_at", TIME),
            sa.Column("rights", sa.String(64)),
            sa.Column("digest", sa.String(64)),
            sa.Column("size", sa.Integer(), nullable=False),
            sa.Column("error", sa.String(300)),
            *_dated(),
            sa.Index("ix_report_of_user", "user_id", "id"),
            sa.Index("ix_report_state", "state", "claimed_until"),
        ],
    }


def upgrade() -> None:
    for name, parts in tables().items():
        op.create_table(name, *parts)
    op.add_column("saved_view", sa.Column("page", sa.String(20), nullable=False, server_default="customers"))


def downgrade() -> None:
    op.execute("DELETE FROM saved_view WHERE page <> 'customers'")
    op.drop_column("saved_view", "page")
    for name in reversed(tables()):
        op.drop_table(name)
