"""Ids of used tokens, so that none is accepted twice."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates the table shared by all replicas."""
    op.create_table(
        "seen_tokens",
        sa.Column("client", sa.String(200), primary_key=True),
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("seen_tokens_by_time", "seen_tokens", ["until"])
