"""Shown cards and feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Creates the first tables."""
    _create_shown_cards()
    _create_feedback()


def _create_shown_cards() -> None:
    op.create_table(
        "shown_cards",
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("card", sa.String(100), nullable=False),
        sa.Column("content_version", sa.String(50), nullable=False),
        sa.Column("indicator", sa.String(10), nullable=False),
        sa.Column("hook", sa.String(50), nullable=False),
        sa.Column("service", sa.String(100), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("hook_instance", sa.String(36), nullable=False),
        sa.Column("shown_at", MOMENT, nullable=False),
    )
    op.create_index("shown_cards_by_time", "shown_cards", ["shown_at"])


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("card_uuid", sa.String(36), nullable=False),
        sa.Column("service", sa.String(100), nullable=False),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("suggestions", sa.Text, nullable=False),
        sa.Column("reason_system", sa.Text, nullable=False),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("outcome_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
    )
    op.create_index("feedback_by_card", "feedback", ["card_uuid", "client"])
    op.create_index("feedback_by_time", "feedback", ["received_at"])
