"""Products with their prices; opportunities with stages, lines, history and decision chain."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
MONEY = sa.Numeric(16, 2).with_variant(sa.BigInteger(), "sqlite")

GRANTED = {
    "administrator": ["opportunity:read", "opportunity:write", "product:edit"],
    "manager": ["opportunity:read", "opportunity:write"],
    "sales": ["opportunity:read", "opportunity:write"],
    "marketing": ["opportunity:read"],
    "viewer": ["opportunity:read"],
}
"""The new permissions of the built-in roles; service sees no sales."""

OPEN_ONLY = sa.text("closed_at IS NULL AND deleted_at IS NULL")


def _to(table: str, name: str, *, needed: bool = True, indexed: bool = False, ondelete: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, KEY, sa.ForeignKey(f"{table}.id", ondelete=ondelete), nullable=not needed, index=indexed)


def _key() -> sa.Column[Any]:
    return sa.Column("id", KEY, primary_key=True)


def _dated() -> list[sa.Column[Any]]:
    return [
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def _product_tables() -> dict[str, list[Any]]:
    return {
        "product": [
            _key(),
            sa.Column("code", sa.String(40), nullable=False, unique=True),
            sa.Column("name", sa.String(120), nullable=False),
            sa.Column("category", sa.String(60), index=True),
            sa.Column("unit", sa.String(20)),
            sa.Column("description", sa.Text()),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            _to("user_account", "created_by_id", needed=False, indexed=True),
            *_dated(),
        ],
        "product_price": [
            _key(),
            _to("product", "product_id", ondelete="CASCADE"),
            sa.Column("price", MONEY, nullable=False),
            sa.Column("valid_from", sa.Date(), nullable=False),
            _to("user_account", "by_id", needed=False, indexed=True),
            sa.Column("at", TIME, nullable=False),
            sa.Index("ix_product_price_valid", "product_id", "valid_from", "id"),
        ],
    }


def _opportunity() -> list[Any]:
    return [
        _key(),
        sa.Column("code", sa.String(20), nullable=False, unique=True),
        _to("customer", "customer_id", indexed=True, ondelete="CASCADE"),
        sa.Column("name", sa.String(120), nullable=False),
        _to("opportunity_stage", "stage_id"),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("probability", sa.Integer()),
        sa.Column("expected_on", sa.Date(), nullable=False),
        _to("user_account", "owner_id", needed=False, indexed=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("stage_since", TIME, nullable=False),
        sa.Column("closed_at", TIME),
        sa.Column("competitors", sa.String(300)),
        sa.Column("remark", sa.Text()),
        sa.Column("loss_reason", sa.String(60), sa.ForeignKey("preset.code", onupdate="CASCADE")),
        sa.Column("loss_note", sa.Text()),
        _to("user_account", "created_by_id", needed=False, indexed=True),
        sa.Column("deleted_at", TIME),
        *_dated(),
        sa.Index("ix_opportunity_open", "stage_id", "expected_on", "id", "amount", sqlite_where=OPEN_ONLY, postgresql_where=OPEN_ONLY),
        sa.Index("ix_opportunity_closed", "closed_at", "stage_id"),
        sa.Index("ix_opportunity_expected", "expected_on", "id"),
    ]


def _opportunity_tables() -> dict[str, list[Any]]:
    return {
        "opportunity_stage": [
            _key(),
            sa.Column("name", sa.String(40), nullable=False),
            sa.Column("name_en", sa.String(40)),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("probability", sa.Integer(), nullable=False),
            sa.Column("outcome", sa.String(4), nullable=False),
            sa.Column("rotting_days", sa.Integer()),
            sa.Column("removed_at", TIME),
            sa.Column("version", sa.Integer(), nullable=False),
        ],
        "opportunity": _opportunity(),
        "opportunity_line": [
            _key(),
            _to("opportunity", "opportunity_id", indexed=True, ondelete="CASCADE"),
            sa.Column("position", sa.Integer(), nullable=False),
            _to("product", "product_id", indexed=True),
            sa.Column("quantity", MONEY, nullable=False),
            sa.Column("price", MONEY, nullable=False),
            sa.Column("amount", MONEY, nullable=False),
        ],
        "opportunity_move": [
            _key(),
            _to("opportunity", "opportunity_id", ondelete="CASCADE"),
            sa.Column("at", TIME, nullable=False),
            _to("user_account", "actor_id", needed=False, indexed=True),
            _to("opportunity_stage", "from_stage_id", needed=False),
            _to("opportunity_stage", "to_stage_id"),
            sa.Column("reason", sa.String(300)),
            sa.Index("ix_opportunity_move_of", "opportunity_id", "at"),
            sa.Index("ix_opportunity_move_to", "to_stage_id", "at"),
        ],
        "opportunity_contact": [
            _key(),
            _to("opportunity", "opportunity_id", ondelete="CASCADE"),
            _to("contact", "contact_id", needed=False, indexed=True, ondelete="SET NULL"),
            sa.Column("contact_name", sa.String(60), nullable=False),
            sa.Column("role", sa.String(20), nullable=False),
            sa.Column("attitude", sa.String(12), nullable=False),
            sa.Column("remark", sa.String(300)),
            sa.UniqueConstraint("opportunity_id", "contact_id"),
        ],
    }


def tables() -> dict[str, list[Any]]:
    """New tables, in an order in which each finds those it points to."""
    return _product_tables() | _opportunity_tables()


def upgrade() -> None:
    for name, parts in tables().items():
        op.create_table(name, *parts)
    _change_roles(lambda present, own: {*present, *own})


def downgrade() -> None:
    _change_roles(lambda present, _own: {*present} - {*GRANTED["administrator"]})
    for name in reversed(tables()):
        op.drop_table(name)


def _change_roles(change: Any) -> None:
    role = sa.table("role", sa.column("code", sa.String()), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for code, permissions in bind.execute(sa.select(role.c.code, role.c.permissions)).all():
        changed = sorted(change(permissions, GRANTED.get(code, ())))
        bind.execute(role.update().where(role.c.code == code).values(permissions=changed))
