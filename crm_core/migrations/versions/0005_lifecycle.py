"""The life of a customer: places, tiers, verification, history of types and owners, reviews, contracts, tasks, merges, rules."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from crm_core.normal import name_key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
MONEY = sa.Numeric(16, 2).with_variant(sa.BigInteger(), "sqlite")

INDEXES = {
    "ix_customer_listing": ["id", "owner_id"],
    "ix_customer_updated": ["updated_at"],
    "ix_customer_amount": ["cooperation_amount"],
    "ix_customer_named": ["name_key", "id"],
    "ix_customer_owned": ["owner_id", "id"],
    "ix_customer_overview": ["stage", "industry", "source", "is_incomplete", "owner_id"],
    "ix_customer_created": ["created_at", "owner_id"],
}
"""Indexes of the customers that begin with the place, where they began with the time of deletion."""

NAMES_AT_ONCE = 5000

GRANTED = {
    "administrator": ["customer:archive", "pool:claim", "rule:edit"],
    "manager": ["customer:archive", "pool:claim"],
    "sales": ["pool:claim"],
}
"""The new permissions of the built-in roles."""


def of_customers() -> list[sa.Column[Any]]:
    """New columns of customers."""
    return [
        sa.Column("place", sa.String(8), nullable=False, server_default="library"),
        sa.Column("placed_at", TIME),
        sa.Column("is_on_hold", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("alias", sa.String(60)),
        sa.Column("owned_since", TIME),
        sa.Column("pooled_at", TIME),
        sa.Column("pool_warned_on", sa.Date()),
        sa.Column("tier_by_hand", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("tier_reason", sa.String(300)),
        sa.Column("tier_until", sa.Date()),
        sa.Column("activity", sa.String(8)),
        sa.Column("last_contact_at", TIME),
        sa.Column("first_follow_up_on", sa.Date()),
        sa.Column("verified_on", sa.Date()),
        sa.Column("verify_on", sa.Date()),
        sa.Column("extra", sa.JSON(), nullable=False, server_default="{}"),
    ]


def _key() -> sa.Column[Any]:
    return sa.Column("id", KEY, primary_key=True)


def _to(table: str, name: str, *, needed: bool = False, indexed: bool = True, ondelete: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, KEY, sa.ForeignKey(f"{table}.id", ondelete=ondelete), nullable=not needed, index=indexed)


def _customer() -> sa.Column[Any]:
    return _to("customer", "customer_id", needed=True, ondelete="CASCADE")


def _user(name: str, *, indexed: bool = True) -> sa.Column[Any]:
    return _to("user_account", name, indexed=indexed)


def _dated() -> list[sa.Column[Any]]:
    return [
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def tables() -> dict[str, list[Any]]:
    """New tables, in an order in which each finds those it points to."""
    return {
        "contract": [
            _key(),
            _customer(),
            sa.Column("number", sa.String(40), nullable=False, unique=True),
            sa.Column("product", sa.String(200), nullable=False),
            sa.Column("amount", MONEY, nullable=False),
            sa.Column("signed_on", sa.Date(), nullable=False, index=True),
            sa.Column("ends_on", sa.Date()),
            sa.Column("remark", sa.Text()),
            _user("owner_id"),
            _user("created_by_id"),
            *_dated(),
        ],
        "stage_change": [
            _key(),
            _customer(),
            sa.Column("at", TIME, nullable=False),
            _user("actor_id"),
            sa.Column("from_stage", sa.String(12)),
            sa.Column("to_stage", sa.String(12), nullable=False),
            sa.Column("reason", sa.String(300)),
            _to("contract", "contract_id", indexed=False, ondelete="SET NULL"),
            sa.Index("ix_stage_change_to_stage", "to_stage", "at"),
        ],
        "batch": [
            _key(),
            sa.Column("kind", sa.String(20), nullable=False),
            sa.Column("at", TIME, nullable=False),
            _user("actor_id"),
            sa.Column("what", sa.JSON(), nullable=False),
            sa.Column("done", sa.Integer(), nullable=False),
            sa.Column("refused", sa.JSON(), nullable=False),
            sa.Column("before", sa.JSON(), nullable=False),
            sa.Column("reason", sa.String(300)),
            sa.Column("undone_at", TIME),
            sa.Column("key", sa.String(36), unique=True),
        ],
        "owner_change": [
            _key(),
            _customer(),
            sa.Column("at", TIME, nullable=False),
            _user("actor_id"),
            _user("from_owner_id", indexed=False),
            _user("to_owner_id", indexed=False),
            sa.Column("cause", sa.String(10), nullable=False),
            sa.Column("reason", sa.String(300)),
            _to("batch", "batch_id", ondelete="SET NULL"),
            sa.Index("ix_owner_change_to_owner_id", "to_owner_id", "cause", "at"),
        ],
        "review": [
            _key(),
            _customer(),
            _to("user_account", "author_id", needed=True),
            sa.Column("state", sa.String(10), nullable=False),
            sa.Column("submitted_at", TIME, nullable=False),
            sa.Column("due_at", TIME),
            sa.Column("escalated_at", TIME),
            _user("decided_by_id", indexed=False),
            sa.Column("decided_at", TIME),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Index("ix_review_state", "state", "due_at"),
        ],
        "review_asked": [
            sa.Column("review_id", KEY, sa.ForeignKey("review.id", ondelete="CASCADE"), primary_key=True),
            sa.Column("user_id", KEY, sa.ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
            sa.Index("ix_review_asked_user_id", "user_id"),
        ],
        "review_step": [
            _key(),
            _to("review", "review_id", needed=True, ondelete="CASCADE"),
            sa.Column("at", TIME, nullable=False),
            _user("actor_id"),
            sa.Column("action", sa.String(12), nullable=False),
            sa.Column("reason", sa.String(500)),
            sa.Column("entry", sa.Text(), nullable=False),
        ],
        "merge": [
            _key(),
            _customer(),
            _to("customer", "merged_id", needed=True, ondelete="CASCADE"),
            sa.Column("at", TIME, nullable=False),
            _user("actor_id"),
            sa.Column("before", sa.Text(), nullable=False),
            sa.Column("undone_at", TIME),
        ],
        "duplicate_pair": [
            _key(),
            _to("customer", "first_id", needed=True, indexed=False, ondelete="CASCADE"),
            _to("customer", "second_id", needed=True, ondelete="CASCADE"),
            sa.Column("score", sa.Integer(), nullable=False),
            sa.Column("reasons", sa.JSON(), nullable=False),
            sa.Column("found_at", TIME, nullable=False),
            sa.Column("dismissed_at", TIME),
            _user("dismissed_by_id", indexed=False),
            sa.UniqueConstraint("first_id", "second_id"),
            sa.Index("ix_duplicate_pair_score", "dismissed_at", "score"),
        ],
        "task": [
            _key(),
            _to("customer", "customer_id", ondelete="CASCADE"),
            sa.Column("kind", sa.String(12), nullable=False),
            sa.Column("name", sa.String(200), nullable=False),
            sa.Column("description", sa.Text()),
            sa.Column("priority", sa.String(8), nullable=False),
            _user("assignee_id"),
            _user("created_by_id"),
            sa.Column("due_at", TIME, nullable=False),
            sa.Column("done_at", TIME),
            sa.Column("done_note", sa.String(500)),
            sa.Column("key", sa.String(80), unique=True),
            sa.Index("ix_task_open", "assignee_id", "done_at", "due_at"),
            *_dated(),
        ],
        "policy": [sa.Column("area", sa.String(20), primary_key=True), sa.Column("values", sa.JSON(), nullable=False), *_dated()],
        "tag_rule": [
            _key(),
            _to("tag", "tag_id", needed=True),
            sa.Column("conditions", sa.JSON(), nullable=False),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            *_dated(),
        ],
        "tag_refusal": [
            sa.Column("customer_id", KEY, sa.ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
            sa.Column("tag_id", KEY, sa.ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True),
        ],
        "saved_view": [
            _key(),
            _to("user_account", "user_id", needed=True, ondelete="CASCADE"),
            sa.Column("name", sa.String(60), nullable=False),
            sa.Column("query", sa.JSON(), nullable=False),
            sa.Column("columns", sa.JSON(), nullable=False),
            sa.Column("is_shared", sa.Boolean(), nullable=False),
            *_dated(),
        ],
        "list_preference": [
            sa.Column("user_id", KEY, sa.ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
            sa.Column("columns", sa.JSON(), nullable=False),
            _to("saved_view", "view_id", indexed=False, ondelete="SET NULL"),
        ],
        "custom_field": [
            _key(),
            sa.Column("key", sa.String(20), nullable=False, unique=True),
            sa.Column("name", sa.String(60), nullable=False),
            sa.Column("name_en", sa.String(60)),
            sa.Column("type", sa.String(12), nullable=False),
            sa.Column("group", sa.String(12), nullable=False),
            sa.Column("choices", sa.JSON(), nullable=False),
            sa.Column("help", sa.String(300)),
            sa.Column("kinds", sa.JSON(), nullable=False),
            sa.Column("stages", sa.JSON(), nullable=False),
            sa.Column("is_required", sa.Boolean(), nullable=False),
            sa.Column("is_listed", sa.Boolean(), nullable=False),
            sa.Column("removed_at", TIME),
            *_dated(),
        ],
        "job": [
            sa.Column("name", sa.String(40), primary_key=True),
            sa.Column("due_at", TIME, nullable=False),
            sa.Column("claimed_until", TIME),
            sa.Column("started_at", TIME),
            sa.Column("finished_at", TIME),
            sa.Column("error", sa.String(500)),
        ],
    }


def upgrade() -> None:
    for column in of_customers():
        op.add_column("customer", column)
    op.execute("UPDATE customer SET place = 'bin', placed_at = deleted_at WHERE deleted_at IS NOT NULL")
    op.execute("UPDATE customer SET owned_since = created_at")
    op.execute("UPDATE customer SET tier_by_hand = true WHERE tier IS NOT NULL")
    _index("place")
    op.drop_column("customer", "deleted_at")
    op.create_index("ix_customer_placed", "customer", ["place", "placed_at", "id"])
    op.add_column("preset", sa.Column("merged_into", sa.String(60)))
    for name in ("pooled_at", "activity", "verify_on"):
        op.create_index(f"ix_customer_{name}", "customer", [name])
    op.add_column("customer_tag", sa.Column("by_hand", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("customer_tag", sa.Column("rule_id", sa.Integer()))
    op.create_index("ix_customer_tag_rule_id", "customer_tag", ["rule_id"])
    for name, columns in tables().items():
        op.create_table(name, *columns)
    op.add_column("change_log", sa.Column("feedback", sa.String(500)))
    reviewed = sa.ForeignKey("review.id", name="fk_draft_review_id", ondelete="CASCADE")
    op.add_column("draft", sa.Column("review_id", KEY, reviewed), inline_references=True)
    op.create_index("ix_draft_review_id", "draft", ["review_id"], unique=True)
    op.execute(
        "INSERT INTO stage_change (customer_id, at, actor_id, to_stage)"
        " SELECT id, created_at, created_by_id, stage FROM customer ORDER BY id"
    )
    op.execute(
        "INSERT INTO owner_change (customer_id, at, actor_id, to_owner_id, cause)"
        " SELECT id, created_at, created_by_id, owner_id, 'entry' FROM customer WHERE owner_id IS NOT NULL ORDER BY id"
    )
    _renew_name_keys()
    _grant()


def _renew_name_keys() -> None:
    """Names are compared by another rule than before; page by page, since there may be very many."""
    customer = sa.table("customer", sa.column("id", KEY), sa.column("name", sa.String()), sa.column("name_key", sa.String()))
    renew = customer.update().where(customer.c.id == sa.bindparam("of")).values(name_key=sa.bindparam("key"))
    bind, last = op.get_bind(), 0
    while rows := bind.execute(sa.select(customer).where(customer.c.id > last).order_by(customer.c.id).limit(NAMES_AT_ONCE)).all():
        last = rows[-1].id
        if changed := [{"of": row.id, "key": name_key(row.name)} for row in rows if name_key(row.name) != row.name_key]:
            bind.execute(renew, changed)


def _index(first: str) -> None:
    for name, columns in INDEXES.items():
        op.drop_index(name, "customer")
        op.create_index(name, "customer", [first, *columns])


def _grant() -> None:
    role = sa.table("role", sa.column("code", sa.String()), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for code, permissions in bind.execute(sa.select(role.c.code, role.c.permissions).where(role.c.code.in_(GRANTED))).all():
        granted = sorted({*permissions, *GRANTED[code]})
        bind.execute(role.update().where(role.c.code == code).values(permissions=granted))


def downgrade() -> None:
    op.drop_column("change_log", "feedback")
    op.drop_index("ix_draft_review_id", "draft")
    op.drop_column("draft", "review_id")
    for name in reversed(tables()):
        op.drop_table(name)
    op.drop_index("ix_customer_tag_rule_id", "customer_tag")
    op.drop_column("customer_tag", "rule_id")
    op.drop_column("customer_tag", "by_hand")
    op.drop_index("ix_customer_placed", "customer")
    op.drop_column("preset", "merged_into")
    op.add_column("customer", sa.Column("deleted_at", TIME))
    op.execute("UPDATE customer SET deleted_at = placed_at WHERE place <> 'library'")
    _index("deleted_at")
    for name in ("pooled_at", "activity", "verify_on"):
        op.drop_index(f"ix_customer_{name}", "customer")
    for column in of_customers():
        op.drop_column("customer", column.name)
