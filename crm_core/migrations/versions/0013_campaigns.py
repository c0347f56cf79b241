"""Campaigns, who took part in them and how far they came."""

import csv
from typing import Any

import sqlalchemy as sa
from alembic import op

from crm_core.config import REFERENCE_DIR

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
MONEY = sa.Numeric(16, 2).with_variant(sa.BigInteger(), "sqlite")
CATEGORY = "campaign_channel"

GRANTED = {
    "administrator": ["campaign:read", "campaign:write"],
    "manager": ["campaign:read", "campaign:write"],
    "marketing": ["campaign:read", "campaign:write"],
    "sales": ["campaign:read"],
    "viewer": ["campaign:read"],
}
"""The new permissions of the built-in roles; service has none of them."""


def _to(table: str, name: str, *, needed: bool = True, indexed: bool = False, ondelete: str | None = "CASCADE") -> sa.Column[Any]:
    return sa.Column(name, KEY, sa.ForeignKey(f"{table}.id", ondelete=ondelete), nullable=not needed, index=indexed)


def _key() -> sa.Column[Any]:
    return sa.Column("id", KEY, primary_key=True)


def _user(name: str) -> sa.Column[Any]:
    return _to("user_account", name, needed=False, indexed=True, ondelete=None)


def tables() -> dict[str, list[Any]]:
    """New tables, in an order in which each finds those it points to."""
    return {
        "campaign": [
            _key(),
            sa.Column("code", sa.String(20), nullable=False, unique=True),
            sa.Column("key", sa.String(36), unique=True),
            sa.Column("name", sa.String(120), nullable=False),
            sa.Column("channel", sa.String(60), sa.ForeignKey("preset.code", onupdate="CASCADE"), nullable=False),
            sa.Column("starts_on", sa.Date(), nullable=False),
            sa.Column("ends_on", sa.Date(), nullable=False),
            sa.Column("place", sa.String(200)),
            sa.Column("budget", MONEY),
            sa.Column("cost", MONEY),
            sa.Column("result_days", sa.Integer(), nullable=False),
            sa.Column("interests", sa.JSON(), nullable=False),
            sa.Column("tags_from", sa.String(12), nullable=False),
            sa.Column("plan", sa.Text()),
            sa.Column("tags", sa.JSON(), nullable=False),
            _user("owner_id"),
            sa.Column("state", sa.String(10), nullable=False),
            sa.Column("closed_at", TIME),
            sa.Column("link", sa.String(400)),
            sa.Column("link_hash", sa.String(64), unique=True),
            _user("created_by_id"),
            sa.Column("created_at", TIME, nullable=False),
            sa.Column("updated_at", TIME, nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Index("ix_campaign_listed", "state", "starts_on", "id"),
            sa.Index("ix_campaign_starts_on", "starts_on", "id"),
        ],
        "participation": [
            _key(),
            _to("campaign", "campaign_id"),
            _to("customer", "customer_id"),
            _to("contact", "contact_id", needed=False, indexed=True, ondelete="SET NULL"),
            sa.Column("contact_name", sa.String(60)),
            sa.Column("invited_at", TIME, nullable=False),
            *(sa.Column(f"{step}_at", TIME) for step in ("clicked", "registered", "attended", "answered", "reacted")),
            sa.Column("reacted_on", sa.Date()),
            sa.Column("is_self_checked", sa.Boolean(), nullable=False),
            sa.Column("score", sa.SmallInteger()),
            sa.Column("feedback", sa.Text()),
            _user("invited_by_id"),
            sa.UniqueConstraint("campaign_id", "contact_id"),
            sa.Index("ix_participation_of_campaign", "campaign_id", "customer_id"),
            sa.Index("ix_participation_of_customer", "customer_id", "id"),
        ],
    }


def upgrade() -> None:
    for name, parts in tables().items():
        op.create_table(name, *parts)
    _change_roles(lambda present, own: {*present, *own})
    _add_presets()


def downgrade() -> None:
    _change_roles(lambda present, _own: {*present} - {*GRANTED["administrator"]})
    for name in reversed(tables()):
        op.drop_table(name)
    op.execute(f"DELETE FROM preset WHERE category = '{CATEGORY}'")


def _change_roles(change: Any) -> None:
    role = sa.table("role", sa.column("code", sa.String()), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for code, permissions in bind.execute(sa.select(role.c.code, role.c.permissions)).all():
        changed = sorted(change(permissions, GRANTED.get(code, ())))
        bind.execute(role.update().where(role.c.code == code).values(permissions=changed))


def _add_presets() -> None:
    """Channels to choose from, for a database that has its library already; a new one gets the whole library later."""
    names = ("code", "category", "name", "name_en", "position", "is_active")
    preset = sa.table("preset", *(sa.column(name) for name in names))
    bind = op.get_bind()
    if bind.execute(sa.select(preset.c.code).limit(1)).first():
        with (REFERENCE_DIR / "presets.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["category"] == CATEGORY]
        bind.execute(preset.insert(), [row | {"position": int(row["position"]), "is_active": True} for row in rows])
