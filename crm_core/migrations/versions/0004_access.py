"""Access: what roles may read, second factor, known devices and places, notices and outbox, sealed log."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SEARCHES = {"actor_id": ["actor_id", "at"], "action": ["action", "at"], "entity": ["entity", "at"], "at": ["at"]}
"""Indexes of the change log, by what the audit page asks for."""

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
BUILT_IN = {
    "administrator": {"phone": 3, "email": 3, "identity_number": 3, "address": 3},
    "manager": {"phone": 3, "email": 3, "identity_number": 1, "address": 3},
    "sales": {"phone": 3, "email": 3, "identity_number": 1, "address": 3},
}
"""The access of the roles that there were before, as it was until now."""
LEADING = ("create", "delete", "edit", "export", "import", "merge", "read", "restore", "review", "transfer")
MANAGER = [*(f"customer:{verb}" for verb in LEADING), "dashboard:read", "sensitive:reveal"]
"""The permissions of managers; until now there were fewer, and one of another name."""


def added() -> dict[str, list[sa.Column[Any]]]:
    """New columns by table."""
    return {
        "change_log": [sa.Column("address", sa.String(45))],
        "role": [
            sa.Column("access", sa.JSON(), nullable=False, server_default="{}"),
            sa.Column("entry_stages", sa.JSON()),
            sa.Column("needs_second_factor", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        ],
        "user_account": [
            sa.Column("email", sa.String(254)),
            sa.Column("phone", sa.String(40)),
            sa.Column("alert_email", sa.String(254)),
            sa.Column("avatar", sa.String(64)),
            sa.Column("channels", sa.JSON(), nullable=False, server_default="{}"),
            sa.Column("password_changed_at", TIME, nullable=False, server_default="2026-01-01 00:00:00"),
            sa.Column("totp_secret", sa.String(400)),
            sa.Column("totp_confirmed_at", TIME),
            sa.Column("totp_last_step", sa.Integer()),
            sa.Column("blocked_at", TIME),
        ],
        "user_session": [
            sa.Column("address", sa.String(45), nullable=False, server_default=""),
            sa.Column("city", sa.String(100), nullable=False, server_default=""),
            sa.Column("device", sa.String(100), nullable=False, server_default=""),
        ],
    }


def replaced() -> list[sa.Column[Any]]:
    """Columns of accounts that go: failures are counted by account name, address and browser in `sign_in_failure`."""
    return [sa.Column("failed_sign_ins", sa.Integer(), nullable=False, server_default="0"), sa.Column("locked_until", TIME)]


def of_users() -> dict[str, list[Any]]:
    """New tables of rows that belong to a user."""
    return {
        "account_link": [
            sa.Column("purpose", sa.String(20), nullable=False),
            sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
            sa.Column("expires_at", TIME, nullable=False),
            sa.Column("used_at", TIME),
        ],
        "known_device": [
            sa.Column("browser_hash", sa.String(64), nullable=False),
            sa.Column("first_seen_at", TIME, nullable=False),
            sa.Column("last_seen_at", TIME, nullable=False),
            sa.Column("trusted_until", TIME),
            sa.UniqueConstraint("user_id", "browser_hash", name="uq_known_device_user_id_browser_hash"),
        ],
        "known_place": [
            sa.Column("city", sa.String(100), nullable=False),
            sa.Column("first_seen_at", TIME, nullable=False),
            sa.Column("last_seen_at", TIME, nullable=False),
            sa.UniqueConstraint("user_id", "city", name="uq_known_place_user_id_city"),
        ],
        "notice": [
            sa.Column("kind", sa.String(40), nullable=False),
            sa.Column("data", sa.JSON(), nullable=False),
            sa.Column("customer_id", sa.Integer()),
            sa.Column("path", sa.String(200), nullable=False),
            sa.Column("key", sa.String(120)),
            sa.Column("created_at", TIME, nullable=False),
            sa.Column("read_at", TIME),
            sa.UniqueConstraint("user_id", "key", name="uq_notice_user_id_key"),
        ],
        "old_password": [
            sa.Column("password_hash", sa.String(100), nullable=False),
            sa.Column("created_at", TIME, nullable=False),
        ],
        "recovery_code": [
            sa.Column("code_hash", sa.String(100), nullable=False),
            sa.Column("used_at", TIME),
        ],
    }


def upgrade() -> None:
    # Columns are added in place: SQLite's copy of a table would lose the triggers that keep the change log, and to remove the table
    # that was copied is refused while rows point to it.
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    head = sa.ForeignKey("user_account.id", name="fk_team_head_id")
    op.add_column("team", sa.Column("head_id", KEY, head), inline_references=True)
    for column in replaced():
        op.drop_column("user_account", column.name)
    for name, searched in SEARCHES.items():
        op.create_index(f"ix_change_log_{name}", "change_log", searched)
    op.create_index("ix_user_account_email", "user_account", ["email"])
    role = sa.table("role", sa.column("code"), sa.column("access", sa.JSON), sa.column("permissions", sa.JSON))
    for code, access in BUILT_IN.items():
        op.execute(role.update().where(role.c.code == code).values(access=access))
    op.execute(role.update().where(role.c.code == "manager").values(permissions=MANAGER))
    for table, columns in of_users().items():
        owner = sa.ForeignKey("user_account.id", ondelete="CASCADE")
        op.create_table(
            table,
            sa.Column("id", KEY, primary_key=True),
            sa.Column("user_id", KEY, owner, nullable=False, index=True),
            *columns,
        )
    op.create_index("ix_notice_unread", "notice", ["user_id", "read_at", "id"])
    _create_others()
    make_search_anew("tokens, phones")


def _create_others() -> None:
    op.create_table(
        "sign_in_failure",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("locked_until", TIME),
        sa.Column("last_at", TIME, nullable=False),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("user_id", KEY, sa.ForeignKey("user_account.id"), index=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("recipient", sa.String(300), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(120), nullable=False),
        sa.Column("key", sa.String(120), unique=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME),
        sa.Column("last_error", sa.String(500)),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
    )
    op.create_index("ix_outbox_message_due", "outbox_message", ["sent_at", "next_attempt_at"])
    op.create_table(
        "log_seal",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    _keep_seals()


def _keep_seals() -> None:
    if op.get_bind().dialect.name != "sqlite":
        for name, verbs, each in (("append_only", "UPDATE OR DELETE", "ROW"), ("no_truncate", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER log_seal_{name} BEFORE {verbs} ON log_seal FOR EACH {each} EXECUTE FUNCTION change_log_is_append_only()"
            )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'the seals of the change log are append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER log_seal_no_{verb.lower()} BEFORE {verb} ON log_seal {refuse}")
    # REPLACE removes the old row without asking the trigger above.
    op.execute(
        f"CREATE TRIGGER log_seal_no_replace BEFORE INSERT ON log_seal WHEN EXISTS (SELECT 1 FROM log_seal WHERE id = NEW.id) {refuse}"
    )


def make_search_anew(columns: str) -> None:
    """Phones are searched apart from the rest; the index is filled after the migration."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE customer_search")
        op.execute(f"CREATE VIRTUAL TABLE customer_search USING fts5({columns}, prefix='1')")
    else:
        op.execute("DELETE FROM customer_search")


def downgrade() -> None:
    make_search_anew("tokens")
    for table in ("log_seal", "outbox_message", "sign_in_failure", *of_users()):
        op.drop_table(table)
    op.drop_index("ix_user_account_email", "user_account")
    for column in replaced():
        op.add_column("user_account", column)
    for name in SEARCHES:
        op.drop_index(f"ix_change_log_{name}", "change_log")
    op.drop_column("team", "head_id")
    for table, columns in added().items():
        for column in columns:
            op.drop_column(table, column.name)
