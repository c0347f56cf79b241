"""Indexes of the customers in the order in which lists and dashboards read them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW = {
    "ix_customer_listing": ["deleted_at", "id", "owner_id"],
    "ix_customer_named": ["deleted_at", "name_key", "id"],
    "ix_customer_owned": ["deleted_at", "owner_id", "id"],
    "ix_customer_overview": ["deleted_at", "stage", "industry", "source", "is_incomplete", "owner_id"],
    "ix_customer_created": ["deleted_at", "created_at", "owner_id"],
}
OLD = {
    "ix_customer_listing": ["deleted_at", "id"],
    "ix_customer_name_key": ["name_key"],
    "ix_customer_owner_id": ["owner_id"],
    "ix_customer_overview": ["deleted_at", "owner_id", "stage", "industry", "source", "created_at", "is_incomplete"],
}


def upgrade() -> None:
    _replace(OLD, NEW)


def downgrade() -> None:
    _replace(NEW, OLD)


def _replace(old: dict[str, list[str]], new: dict[str, list[str]]) -> None:
    for name in old:
        op.drop_index(name, "customer")
    for name, columns in new.items():
        op.create_index(name, "customer", columns)
