"""Names are ordered by code point on PostgreSQL too, and so are their indexes; SQLite has no other order."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _collate("C")


def downgrade() -> None:
    _collate("default")


def _collate(name: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE customer ALTER COLUMN name_key TYPE VARCHAR(200) COLLATE "{name}"')
