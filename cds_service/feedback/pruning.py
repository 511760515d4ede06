"""Deletes old records, unless the clock is wrong. In small batches, so that no other transaction waits long."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Table, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.feedback.store import Store
from cds_service.feedback.tables import answered_calls, feedback, seen_tokens, shown_cards
from cds_service.telemetry.logs import get_logger

_BATCH_SIZE = 2000  # rows
_TRUST = timedelta(days=1)  # how far the clock may be ahead of the newest record before it is not believed
_TIMES = ((shown_cards, "shown_at"), (answered_calls, "answered_at"), (feedback, "received_at"), (seen_tokens, "until"))


class Pruner:
    """Deletes what is older than the retention, and tokens that have expired.

    A clock that is years ahead would make everything old. So the time counts from the newest record that was there at
    first, and the clock is not believed where it is more than a day beyond that.
    """

    def __init__(self, store: Store, retention: timedelta) -> None:
        self._store, self._retention = store, retention
        self._latest: datetime | None = None  # the latest moment that is believed, when `_started` was
        self._started = 0.0
        self._has_warned = False

    async def prune(self, now: datetime) -> None:
        """Deletes what is older than the retention, and tokens a day after their end. Raises `StoreDown`."""
        now = await self._believe(now)
        kept_since = now - self._retention
        await self._delete(seen_tokens, "until", now - _TRUST)
        await self._delete(shown_cards, "shown_at", kept_since)
        await self._delete(answered_calls, "answered_at", kept_since)
        await self._delete(feedback, "received_at", kept_since)

    async def _believe(self, now: datetime) -> datetime:
        """The time, or the latest that is believed where the clock is ahead of that."""
        elapsed = asyncio.get_running_loop().time()
        if self._latest is None:
            newest = await self._store.run(_newest)
            self._latest, self._started = (newest or now) + _TRUST, elapsed
        latest = self._latest + timedelta(seconds=elapsed - self._started)
        if now > latest and not self._has_warned:
            self._has_warned = True
            get_logger().error("clock ahead", days=(now - latest).days + _TRUST.days, note="old records are kept")
        return min(now, latest)

    async def _delete(self, table: Table, column: str, before: datetime) -> None:
        while await self._store.run(partial(_delete_batch, table, column, before)) == _BATCH_SIZE:
            pass


async def _newest(connection: AsyncConnection) -> datetime | None:
    """The latest time in any table; None if all are empty."""
    found = [await connection.scalar(select(func.max(table.c[column]))) for table, column in _TIMES]
    return max((moment for moment in found if moment is not None), default=None)


async def _delete_batch(table: Table, column: str, before: datetime, connection: AsyncConnection) -> int:
    keys = list(table.primary_key)
    old_rows = select(*keys).where(table.c[column] < before).limit(_BATCH_SIZE)
    statement = delete(table).where(tuple_(*keys).in_(old_rows))
    return (await connection.execute(statement)).rowcount
