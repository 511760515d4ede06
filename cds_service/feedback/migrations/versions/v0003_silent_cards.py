"""Whether a card was shown, or decided and kept silent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Every card recorded so far was shown."""
    op.add_column("shown_cards", sa.Column("mode", sa.String(10), nullable=False, server_default="shown"))
