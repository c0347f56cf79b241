"""Indexes for the boards: with all that they count and sum up, so that they never read the wide rows."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

WIDER = {
    ("customer", "ix_customer_created"): (["place", "created_at", "owner_id"], ["stage", "source", "first_contact_on"]),
    ("customer", "ix_customer_owned"): (["place", "owner_id", "id"], ["stage"]),
    ("contract", "ix_contract_signed_on"): (["signed_on"], ["owner_id", "customer_id", "amount", "voided_at"]),
    ("stage_change", "ix_stage_change_to_stage"): (["to_stage", "at"], ["customer_id", "from_stage"]),
    ("opportunity", "ix_opportunity_closed"): (
        ["closed_at", "stage_id"],
        ["owner_id", "customer_id", "amount", "opened_on", "deleted_at"],
    ),
}
"""Indexes that were there, and the columns that they get besides."""
NEW = {
    ("customer", "ix_customer_structure"): ["place", "province", "city", "tier", "activity", "owner_id", "stage", "source", "industry"],
    ("customer", "ix_customer_staged"): ["place", "stage", "owner_id"],
    ("customer", "ix_customer_first_due"): ["first_follow_up_on", "place", "owner_id", "followed_up_at"],
    ("follow_up", "ix_follow_up_counted"): ["happened_at", "author_id", "method", "customer_id"],
    ("follow_up", "ix_follow_up_by_author"): ["author_id", "method", "happened_at", "customer_id"],
    ("opportunity", "ix_opportunity_opened"): ["opened_on", "stage_id", "owner_id", "customer_id", "deleted_at"],
    ("ticket", "ix_ticket_created"): ["created_at", "type", "handler_id"],
}
REPLACED = {
    "ix_customer_overview": ["place", "stage", "industry", "source", "is_incomplete", "owner_id"],
    "ix_customer_province": ["province"],
    "ix_customer_stage": ["stage"],
}
"""Indexes of customers that the new ones make needless: each one costs every new customer."""
OF_SALES_STAGE = sa.text("field = 'sales_stage'")


def upgrade() -> None:
    for name in REPLACED:
        op.drop_index(name, "customer")
    for (table, name), (columns, more) in WIDER.items():
        op.drop_index(name, table)
        op.create_index(name, table, [*columns, *more])
    for (table, name), columns in NEW.items():
        op.create_index(name, table, columns)
    op.create_index("ix_change_log_sales_stage", "change_log", ["at"], sqlite_where=OF_SALES_STAGE, postgresql_where=OF_SALES_STAGE)


def downgrade() -> None:
    op.drop_index("ix_change_log_sales_stage", "change_log")
    for table, name in NEW:
        op.drop_index(name, table)
    for (table, name), (columns, _more) in WIDER.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns)
    for name, columns in REPLACED.items():
        op.create_index(name, "customer", columns)
