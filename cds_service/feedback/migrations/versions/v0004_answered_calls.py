"""Each answered call with its orders, cards and words: how much the cards ask of their readers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Creates the table. Of calls before, only the cards are known."""
    op.create_table(
        "answered_calls",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("content_version", sa.String(50), nullable=False),
        sa.Column("hook", sa.String(50), nullable=False),
        sa.Column("service", sa.String(100), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("hook_instance", sa.String(36), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("orders_without_card", sa.Integer, nullable=False),
        sa.Column("cards", sa.Integer, nullable=False),
        sa.Column("words", sa.Integer, nullable=False),
    )
    op.create_index("answered_calls_by_time", "answered_calls", ["answered_at"])
