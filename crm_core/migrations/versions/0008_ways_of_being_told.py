"""Notices that go further ways than the app, messages for robots, and reviewers who were reminded."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITING = sa.text("is_waiting")


def columns() -> dict[str, list[sa.Column[Any]]]:
    """New columns of tables that were there. What was told before goes no further way."""
    robot = sa.ForeignKey("robot.id", name="fk_outbox_message_robot_id", ondelete="CASCADE")
    return {
        "notice": [sa.Column("is_waiting", sa.Boolean(), nullable=False, server_default=sa.false())],
        "outbox_message": [sa.Column("kind", sa.String(40)), sa.Column("robot_id", KEY, robot)],
        "review": [sa.Column("remind_at", sa.DateTime(timezone=True))],
    }


def upgrade() -> None:
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column, inline_references=True)
    op.execute("UPDATE review SET remind_at = submitted_at WHERE state = 'waiting'")
    op.create_index("ix_outbox_message_robot_id", "outbox_message", ["robot_id"])
    op.create_index("ix_review_remind_at", "review", ["remind_at"])
    op.create_index("ix_notice_waiting", "notice", ["user_id"], sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    op.drop_index("ix_notice_waiting", "notice")
    op.drop_index("ix_review_remind_at", "review")
    op.drop_index("ix_outbox_message_robot_id", "outbox_message")
    for table, added in columns().items():
        for column in added:
            op.drop_column(table, column.name)
