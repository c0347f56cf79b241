"""Follow-ups; tasks that recur, with steps, comments and reminders; how people want to be told."""

import csv
from typing import Any

import sqlalchemy as sa
from alembic import op

from crm_core.config import REFERENCE_DIR

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

GRANTED = {
    "administrator": ["follow_up:delete", "follow_up:write"],
    "manager": ["follow_up:delete", "follow_up:write"],
    "sales": ["follow_up:write"],
}
"""The new permissions of the built-in roles; service and the others only read follow-ups."""

AWAITING = "first_follow_up_on IS NOT NULL AND followed_up_at IS NULL"
PARTIAL: dict[str, tuple[str, list[str], str]] = {
    "ix_task_remind": ("task", ["remind_at"], "done_at IS NULL AND remind_at IS NOT NULL"),
    "ix_task_untold": ("task", ["due_at"], "done_at IS NULL AND overdue_told_at IS NULL"),
    "ix_customer_awaiting": ("customer", ["first_follow_up_on", "owner_id"], AWAITING),
}
"""Indexes of the rows that a job or a list looks for, which are few."""
INDEXES: dict[str, tuple[str, list[str]]] = {
    "ix_task_of_customer": ("task", ["customer_id", "done_at", "due_at"]),
    "ix_task_due": ("task", ["done_at", "due_at"]),
    "ix_task_series_id": ("task", ["series_id"]),
    "ix_attachment_follow_up_id": ("attachment", ["follow_up_id"]),
    "ix_customer_contacted": ("customer", ["place", "last_contact_at", "owner_id"]),
}
SUBJECTS = "follow_up_subject"


def _to(
    table: str, name: str, *, primary: bool = False, needed: bool = True, indexed: bool = False, ondelete: str | None = "CASCADE"
) -> sa.Column[Any]:
    key = sa.ForeignKey(f"{table}.id", ondelete=ondelete)
    return sa.Column(name, KEY, key, primary_key=primary, nullable=not needed, index=indexed)


def _key() -> sa.Column[Any]:
    return sa.Column("id", KEY, primary_key=True)


def tables() -> dict[str, list[Any]]:
    """New tables, in an order in which each finds those it points to."""
    return {
        "follow_up": [
            _key(),
            _to("customer", "customer_id"),
            _to("user_account", "author_id", ondelete=None),
            _to("contact", "contact_id", needed=False, indexed=True, ondelete="SET NULL"),
            sa.Column("contact_name", sa.String(60)),
            sa.Column("happened_at", TIME, nullable=False),
            sa.Column("is_late", sa.Boolean(), nullable=False),
            sa.Column("method", sa.String(10), nullable=False),
            sa.Column("subject", sa.String(120), nullable=False),
            sa.Column("content", sa.Text(), nullable=False),
            sa.Column("feedback", sa.Text()),
            sa.Column("created_at", TIME, nullable=False),
            sa.Column("updated_at", TIME, nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Index("ix_follow_up_of_customer", "customer_id", "happened_at", "id"),
            sa.Index("ix_follow_up_of_author", "author_id", "happened_at", "id"),
            sa.Index("ix_follow_up_happened", "happened_at", "id"),
        ],
        "follow_up_mention": [
            _to("follow_up", "follow_up_id", primary=True),
            _to("user_account", "user_id", primary=True, indexed=True),
        ],
        "task_step": [
            _key(),
            _to("task", "task_id", indexed=True),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("name", sa.String(200), nullable=False),
            sa.Column("done_at", TIME),
            _to("user_account", "done_by_id", needed=False, ondelete=None),
        ],
        "task_comment": [
            _key(),
            _to("task", "task_id", indexed=True),
            _to("user_account", "author_id", needed=False, ondelete=None),
            sa.Column("at", TIME, nullable=False),
            sa.Column("content", sa.Text(), nullable=False),
        ],
        "reminder_setting": [
            _to("user_account", "user_id", primary=True),
            sa.Column("quiet_from", sa.String(5)),
            sa.Column("quiet_until", sa.String(5)),
            sa.Column("digest_at", sa.String(5), index=True),
            sa.Column("has_weekly", sa.Boolean(), nullable=False),
            sa.Column("digested_on", sa.Date()),
            sa.Column("weekly_on", sa.Date()),
        ],
        "robot": [
            _key(),
            _to("user_account", "user_id", indexed=True),
            sa.Column("kind", sa.String(10), nullable=False),
            sa.Column("name", sa.String(60), nullable=False),
            sa.Column("address", sa.String(400), nullable=False),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            sa.Column("created_at", TIME, nullable=False),
        ],
        "calendar_feed": [
            _to("user_account", "user_id", primary=True),
            sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
            sa.Column("created_at", TIME, nullable=False),
            sa.Column("read_at", TIME),
        ],
        "lease": [
            sa.Column("name", sa.String(40), primary_key=True),
            sa.Column("holder", sa.String(80), nullable=False),
            sa.Column("until", TIME, nullable=False),
        ],
    }


def columns() -> dict[str, list[sa.Column[Any]]]:
    """New columns of tables that were there."""
    of_plan = sa.ForeignKey("follow_up.id", name="fk_task_follow_up_id", ondelete="SET NULL")
    of_series = sa.ForeignKey("task.id", name="fk_task_series_id", ondelete="SET NULL")
    of_file = sa.ForeignKey("follow_up.id", name="fk_attachment_follow_up_id", ondelete="SET NULL")
    return {
        "customer": [sa.Column("followed_up_at", TIME)],
        "attachment": [sa.Column("follow_up_id", KEY, of_file)],
        "task": [
            sa.Column("state", sa.String(10), nullable=False, server_default="open"),
            sa.Column("follow_up_id", KEY, of_plan),
            sa.Column("remind_lead", sa.Integer()),
            sa.Column("remind_at", TIME),
            sa.Column("overdue_told_at", TIME),
            sa.Column("rule", sa.String(200)),
            sa.Column("rule_from", sa.Date()),
            sa.Column("on_holiday", sa.String(8), nullable=False, server_default="keep"),
            sa.Column("occurs_on", sa.Date()),
            sa.Column("series_id", KEY, of_series),
        ],
        "job": [sa.Column("took_ms", sa.Integer()), sa.Column("failures", sa.Integer(), nullable=False, server_default="0")],
    }


def upgrade() -> None:
    for name, parts in tables().items():
        op.create_table(name, *parts)
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column, inline_references=True)
    op.create_index("ix_task_follow_up_id", "task", ["follow_up_id"], unique=True)
    op.drop_index("ix_task_customer_id", "task")
    for name, (table, names) in INDEXES.items():
        op.create_index(name, table, names)
    for name, (table, names, condition) in PARTIAL.items():
        op.create_index(name, table, names, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
    op.execute("UPDATE customer SET followed_up_at = last_contact_at")
    op.execute("UPDATE task SET state = 'done' WHERE done_at IS NOT NULL")
    told = "SELECT 1 FROM notice WHERE notice.user_id = task.assignee_id AND notice.key = 'overdue:' || task.id"
    op.execute(f"UPDATE task SET overdue_told_at = updated_at WHERE EXISTS ({told})")
    _grant()
    _add_subjects()


def _grant() -> None:
    role = sa.table("role", sa.column("code", sa.String()), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for code, permissions in bind.execute(sa.select(role.c.code, role.c.permissions).where(role.c.code.in_(GRANTED))).all():
        granted = sorted({*permissions, *GRANTED[code]})
        bind.execute(role.update().where(role.c.code == code).values(permissions=granted))


def _add_subjects() -> None:
    """The subjects to choose from, for a database that has its library already; a new one gets the whole library later."""
    names = ("code", "category", "name", "name_en", "position", "is_active")
    preset = sa.table("preset", *(sa.column(name) for name in names))
    bind = op.get_bind()
    if bind.execute(sa.select(preset.c.code).limit(1)).first():
        with (REFERENCE_DIR / "presets.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["category"] == SUBJECTS]
        bind.execute(preset.insert(), [row | {"position": int(row["position"]), "is_active": True} for row in rows])


def downgrade() -> None:
    op.execute(f"DELETE FROM preset WHERE category = '{SUBJECTS}'")
    for name, partial in PARTIAL.items():
        op.drop_index(name, partial[0])
    for name, whole in INDEXES.items():
        op.drop_index(name, whole[0])
    op.create_index("ix_task_customer_id", "task", ["customer_id"])
    op.drop_index("ix_task_follow_up_id", "task")
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)
    for name in reversed(tables()):
        op.drop_table(name)
