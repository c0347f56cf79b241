"""Contracts with days, files and payments; what was entered besides them; targets."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MONEY = sa.Numeric(16, 2).with_variant(sa.BigInteger(), "sqlite")
TIME = sa.DateTime(timezone=True)

READ, WRITE, TARGETS = "contract:read", "contract:write", "target:edit"
GRANTED = {
    "administrator": [READ, WRITE, TARGETS],
    "manager": [READ, WRITE, TARGETS],
    "sales": [READ, WRITE],
    "service": [],
    "marketing": [READ],
    "viewer": [READ],
}
"""The new permissions of the built-in roles. Other roles keep what they could do: who edits customers signed contracts."""
INDEXES: dict[str, tuple[str, list[str]]] = {
    "ix_contract_ends_on": ("contract", ["ends_on"]),
    "ix_contract_credited": ("contract", ["owner_id", "signed_on"]),
    "ix_contract_opportunity_id": ("contract", ["opportunity_id"]),
    "ix_attachment_contract_id": ("attachment", ["contract_id"]),
}


def _key() -> sa.Column[Any]:
    return sa.Column("id", KEY, primary_key=True)


def _to(table: str, name: str, *, needed: bool = True, indexed: bool = False, ondelete: str | None = "CASCADE") -> sa.Column[Any]:
    return sa.Column(name, KEY, sa.ForeignKey(f"{table}.id", ondelete=ondelete), nullable=not needed, index=indexed)


def _money(name: str = "amount") -> sa.Column[Any]:
    return sa.Column(name, MONEY, nullable=False)


def tables() -> dict[str, list[Any]]:
    """New tables, in an order in which each finds those it points to."""
    return {
        "contract_line": [
            _key(),
            _to("contract", "contract_id", indexed=True),
            sa.Column("position", sa.Integer(), nullable=False),
            _to("product", "product_id", indexed=True, ondelete=None),
            *(_money(name) for name in ("quantity", "price", "amount")),
        ],
        "planned_payment": [
            _key(),
            _to("contract", "contract_id"),
            sa.Column("due_on", sa.Date(), nullable=False),
            _money(),
            sa.Column("told_on", sa.Date()),
            sa.Index("ix_planned_payment_due_on", "due_on"),
            sa.Index("ix_planned_payment_of_contract", "contract_id", "due_on"),
        ],
        "payment": [
            _key(),
            _to("contract", "contract_id"),
            sa.Column("received_on", sa.Date(), nullable=False),
            _money(),
            sa.Column("note", sa.String(300)),
            sa.Column("created_at", TIME, nullable=False),
            _to("user_account", "created_by_id", needed=False, ondelete=None),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Index("ix_payment_of_contract", "contract_id", "received_on", "amount"),
            sa.Index("ix_payment_received_on", "received_on"),
        ],
        "target": [
            _key(),
            sa.Column("measure", sa.String(10), nullable=False),
            sa.Column("year", sa.Integer(), nullable=False),
            sa.Column("month", sa.Integer(), nullable=False),
            _to("user_account", "user_id", needed=False, indexed=True),
            _to("team", "team_id", needed=False, indexed=True),
            _money(),
            sa.Column("created_at", TIME, nullable=False),
            sa.Column("updated_at", TIME, nullable=False),
            *(_once(who) for who in ("person", "team")),
        ],
    }


def _once(who: str) -> sa.Index:
    column = {"person": "user_id", "team": "team_id"}[who]
    has = sa.text(f"{column} IS NOT NULL")
    return sa.Index(f"ix_target_of_{who}", "measure", "year", "month", column, unique=True, sqlite_where=has, postgresql_where=has)


def columns() -> dict[str, list[sa.Column[Any]]]:
    """New columns of tables that were there."""
    voided_by = sa.ForeignKey("user_account.id", name="fk_contract_voided_by_id")
    of_opportunity = sa.ForeignKey("opportunity.id", name="fk_contract_opportunity_id", ondelete="SET NULL")
    of_contract = sa.ForeignKey("contract.id", name="fk_attachment_contract_id", ondelete="SET NULL")
    return {
        "customer": [
            sa.Column("entered_first_on", sa.Date()),
            sa.Column("entered_last_on", sa.Date()),
            sa.Column("entered_amount", MONEY),
        ],
        "contract": [
            sa.Column("starts_on", sa.Date()),
            sa.Column("voided_at", TIME),
            sa.Column("voided_by_id", KEY, voided_by),
            sa.Column("void_reason", sa.String(300)),
            sa.Column("end_told_on", sa.Date()),
            sa.Column("opportunity_id", KEY, of_opportunity),
        ],
        "attachment": [sa.Column("contract_id", KEY, of_contract)],
    }


def upgrade() -> None:
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column, inline_references=True)
    for name, parts in tables().items():
        op.create_table(name, *parts)
    op.drop_index("ix_contract_owner_id", "contract")
    for name, (table, names) in INDEXES.items():
        op.create_index(name, table, names)
    _part_figures()
    _grant()


def _part_figures() -> None:
    """What a customer's figures held besides its contracts was entered by hand or imported."""
    op.execute(
        "UPDATE customer SET entered_first_on = first_cooperated_on, entered_last_on = last_cooperated_on,"
        " entered_amount = cooperation_amount"
    )
    own = "FROM contract WHERE contract.customer_id = customer.id"
    total, first, last = (f"(SELECT {what} {own})" for what in ("SUM(amount)", "MIN(signed_on)", "MAX(signed_on)"))
    # Contracts keep the figures up; where they did not, what they say counts.
    op.execute(
        "UPDATE customer SET"
        f" cooperation_amount = CASE WHEN cooperation_amount >= {total} THEN cooperation_amount ELSE {total} END,"
        f" first_cooperated_on = CASE WHEN first_cooperated_on <= {first} THEN first_cooperated_on ELSE {first} END,"
        f" last_cooperated_on = CASE WHEN last_cooperated_on >= {last} THEN last_cooperated_on ELSE {last} END"
        f" WHERE EXISTS (SELECT 1 {own})"
    )
    op.execute(
        "UPDATE customer SET"
        f" entered_amount = NULLIF(cooperation_amount - {total}, 0),"
        f" entered_first_on = CASE WHEN first_cooperated_on < {first} THEN first_cooperated_on END,"
        f" entered_last_on = CASE WHEN last_cooperated_on > {last} THEN last_cooperated_on END"
        f" WHERE EXISTS (SELECT 1 {own})"
    )


def _grant() -> None:
    role = sa.table("role", sa.column("code", sa.String()), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for code, permissions in bind.execute(sa.select(role.c.code, role.c.permissions)).all():
        added = GRANTED.get(code, [READ, WRITE] if "customer:edit" in permissions else [])
        bind.execute(role.update().where(role.c.code == code).values(permissions=sorted({*permissions, *added})))


def downgrade() -> None:
    for name in reversed(tables()):
        op.drop_table(name)
    for name, (table, _names) in INDEXES.items():
        op.drop_index(name, table)
    op.create_index("ix_contract_owner_id", "contract", ["owner_id"])
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)
