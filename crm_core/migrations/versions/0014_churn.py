"""Churn scores, and the plans to win customers back."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
GRANTED = ("administrator", "manager", "sales")
"""The built-in roles that see which customers are at risk."""
PERMISSION = "churn:read"


def _to(table: str, name: str, **how: Any) -> sa.Column[Any]:
    ondelete = None if table == "user_account" else "CASCADE"
    return sa.Column(name, KEY, sa.ForeignKey(f"{table}.id", ondelete=ondelete), **how)


def upgrade() -> None:
    op.create_table(
        "churn_score",
        _to("customer", "customer_id", primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("band", sa.String(6), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("quiet_days", sa.Integer(), nullable=False),
        sa.Column("was_lost", sa.Boolean()),
    )
    op.create_index("ix_churn_score_listed", "churn_score", ["day", "score", "customer_id"])
    op.create_table(
        "churn_plan",
        sa.Column("id", KEY, primary_key=True),
        _to("customer", "customer_id", nullable=False, index=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("score", sa.Float()),
        sa.Column("started_at", TIME, nullable=False),
        _to("user_account", "started_by_id", index=True),
        sa.Column("outcome", sa.String(10)),
        sa.Column("ended_at", TIME),
        _to("user_account", "ended_by_id"),
        sa.Column("remark", sa.String(300)),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_index("ix_churn_plan_started_at", "churn_plan", ["started_at", "id"])
    op.create_table(
        "churn_plan_task",
        _to("churn_plan", "plan_id", primary_key=True),
        _to("task", "task_id", primary_key=True, index=True),
    )
    _grant()


def _grant() -> None:
    role = sa.table("role", sa.column("code", sa.String()), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for code, permissions in bind.execute(sa.select(role.c.code, role.c.permissions).where(role.c.code.in_(GRANTED))).all():
        bind.execute(role.update().where(role.c.code == code).values(permissions=sorted({*permissions, PERMISSION})))


def downgrade() -> None:
    for name in ("churn_plan_task", "churn_plan", "churn_score"):
        op.drop_table(name)
