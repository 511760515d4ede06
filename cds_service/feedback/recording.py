"""Writes cards and calls to the database in batches from a bounded queue, so that no response waits for the disk."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from cds_service.errors import StoreDown
from cds_service.feedback.store import INVALID_ROWS, RecordMetrics, Store, ping
from cds_service.feedback.tables import insert_new
from cds_service.telemetry.logs import get_logger, where_it_broke

Row = Mapping[str, Any]
Record = tuple[Table, Row]
BATCH_DELAY = 0.01  # seconds; with the commit, at most 50 ms of cards are lost if the process is killed
_BATCH_SIZE = 500  # rows
_PING_INTERVAL = 5.0  # seconds between pings of an idle database
_RETRY_INTERVAL = 1.0  # seconds until a database that is down is tried again


class Recorder:
    """A queue of rows to write. When full it drops its oldest row: feedback is still to come for the newest cards."""

    def __init__(self, store: Store, queue_size: int, metrics: RecordMetrics) -> None:
        self._store = store
        self._queue: deque[Record] = deque(maxlen=queue_size)
        self._batch: list[Record] = []
        self._arrived = asyncio.Event()
        self._metrics = metrics

    def __len__(self) -> int:
        return len(self._queue) + len(self._batch)

    def put(self, table: Table, row: Row) -> None:
        """Adds a row of a table to the queue without blocking."""
        if len(self._queue) == self._queue.maxlen:
            self._metrics.count_dropped_records()
        self._queue.append((table, row))
        self._metrics.set_queue_depth(len(self))
        self._arrived.set()

    async def run(self) -> None:
        """Writes batch after batch until it is cancelled. A database that is down is tried once a second."""
        while True:
            try:
                await self._wait()
                await self.flush()
            except StoreDown:
                await asyncio.sleep(_RETRY_INTERVAL)
            except Exception as error:  # later cards must still be written
                get_logger().error("bug", error=type(error).__name__, where=where_it_broke(error))
                await asyncio.sleep(_RETRY_INTERVAL)

    async def _wait(self) -> None:
        """Waits for a row, and a little longer for others. Pings an idle database."""
        if self._batch:  # it could not be written, and is tried again
            return
        try:
            async with asyncio.timeout(_PING_INTERVAL):  # `wait_for` in Python 3.11 may swallow a cancellation
                await self._arrived.wait()
            await asyncio.sleep(BATCH_DELAY)
        except TimeoutError:
            await self._store.run(ping)

    async def flush(self) -> None:
        """Writes the rows that are waiting now. Raises `StoreDown`; then no row is lost and none is written twice.

        Rows that arrive in the meantime wait for the next batch, so that transactions do not follow without a pause.
        """
        self._arrived.clear()
        remaining = len(self)
        while remaining > 0 and (batch := self._next_batch()):
            remaining -= len(batch)
            try:
                await self._store.run(partial(_insert, batch), durable=False)
            except INVALID_ROWS as error:
                get_logger().error("bug", error=type(error).__name__, lost_records=len(batch))
            self._batch = []
            self._metrics.set_queue_depth(len(self))

    def _next_batch(self) -> list[Record]:
        """The batch that could not be written, or else the next rows of the queue."""
        if not self._batch:
            count = min(_BATCH_SIZE, len(self._queue))
            self._batch = [self._queue.popleft() for _ in range(count)]
        return self._batch


async def _insert(batch: Sequence[Record], connection: AsyncConnection) -> None:
    """Inserts records, those of each table at once."""
    for table in dict.fromkeys(table for table, _ in batch):
        await insert_new(table, [row for of_table, row in batch if of_table is table], connection)
