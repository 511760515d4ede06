"""What is older than it is to be kept is deleted, a little at a time, so that nobody waits for it long."""

from datetime import datetime
from functools import partial

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.feedback.store import Store
from cds_service.feedback.tables import feedback, seen_tokens, shown_cards

_AT_ONCE = 2000  # rows


async def prune(store: Store, *, now: datetime, kept_since: datetime) -> None:
    """Deletes cards and feedback from before, and tokens that are no longer valid. Raises `StoreDown`."""
    for table, column, before in (
        (seen_tokens, "until", now),
        (shown_cards, "shown_at", kept_since),
        (feedback, "received_at", kept_since),
    ):
        while await store.run(partial(_delete, table, column, before)) == _AT_ONCE:
            pass


async def _delete(table: Table, column: str, before: datetime, connection: AsyncConnection) -> int:
    keys = list(table.primary_key)
    old = select(*keys).where(table.c[column] < before).limit(_AT_ONCE)
    statement = delete(table).where(tuple_(*keys).in_(old))
    return (await connection.execute(statement)).rowcount
