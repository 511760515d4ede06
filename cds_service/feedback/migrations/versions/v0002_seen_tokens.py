"""Ids of tokens that were seen, so that none is taken twice."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The table that all replicas ask."""
    op.create_table(
        "seen_tokens",
        sa.Column("client", sa.String(200), primary_key=True),
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("seen_tokens_by_time", "seen_tokens", ["until"])
