"""Deletes old records in small batches, so that no other transaction waits long."""

from datetime import datetime
from functools import partial

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.feedback.store import Store
from cds_service.feedback.tables import feedback, seen_tokens, shown_cards

_BATCH_SIZE = 2000  # rows


async def prune(store: Store, *, now: datetime, kept_since: datetime) -> None:
    """Deletes cards and feedback from before `kept_since`, and expired tokens. Raises `StoreDown`."""
    for table, column, before in (
        (seen_tokens, "until", now),
        (shown_cards, "shown_at", kept_since),
        (feedback, "received_at", kept_since),
    ):
        while await store.run(partial(_delete_batch, table, column, before)) == _BATCH_SIZE:
            pass


async def _delete_batch(table: Table, column: str, before: datetime, connection: AsyncConnection) -> int:
    keys = list(table.primary_key)
    old_rows = select(*keys).where(table.c[column] < before).limit(_BATCH_SIZE)
    statement = delete(table).where(tuple_(*keys).in_(old_rows))
    return (await connection.execute(statement)).rowcount
