"""Add signatures to entries."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column for signatures; existing entries have none."""
    op.add_column("entries", sa.Column("signature", sa.Text))
