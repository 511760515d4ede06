"""Shown cards on their way to the database: a bounded queue, written in groups, so that no answer waits for a disk."""

import asyncio
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any

from cds_service.errors import StoreDown
from cds_service.feedback.store import OUR_FAULT, Counting, Store, ping
from cds_service.feedback.tables import insert_new, shown_cards
from cds_service.telemetry.logs import get_logger, where_it_broke

Row = Mapping[str, Any]
GATHERING = 0.01  # seconds that a group is gathered; with its commit, at most 50 ms are lost if the process is killed
_GROUP = 500  # rows
_LOOK = 5.0  # seconds between looks at an idle database
_PAUSE = 1.0  # seconds until a database that is away is tried again


class Recorder:
    """Holds what is not written yet. A full queue gives up its oldest card: what follows will be asked about sooner."""

    def __init__(self, store: Store, size: int, counting: Counting) -> None:
        self._store = store
        self._waiting: deque[Row] = deque(maxlen=size)
        self._group: list[Row] = []
        self._arrived = asyncio.Event()
        self._counting = counting

    def __len__(self) -> int:
        return len(self._waiting) + len(self._group)

    def put(self, row: Row) -> None:
        """Takes a row, at once."""
        if len(self._waiting) == self._waiting.maxlen:
            self._counting.queue_full()
        self._waiting.append(row)
        self._counting.queue(len(self))
        self._arrived.set()

    async def run(self) -> None:
        """Writes group after group, until it is cancelled. While the database is away it is tried once a second."""
        while True:
            try:
                await self._wait()
                await self.flush()
            except StoreDown:
                await asyncio.sleep(_PAUSE)
            except Exception as error:  # whatever it is, the cards after it are still to be written
                get_logger().error("bug", error=type(error).__name__, where=where_it_broke(error))
                await asyncio.sleep(_PAUSE)

    async def _wait(self) -> None:
        """Until there is something to write, and a little longer. An idle database is looked at from time to time."""
        if self._group:  # what could not be written is tried again
            return
        try:
            async with asyncio.timeout(_LOOK):  # `wait_for` of Python 3.11 may lose that the task was cancelled
                await self._arrived.wait()
            await asyncio.sleep(GATHERING)
        except TimeoutError:
            await self._store.run(ping)

    async def flush(self) -> None:
        """Writes everything that waits by now: what comes meanwhile is gathered first, or one transaction would follow
        another all the time. Raises `StoreDown`; then nothing is lost, and nothing is written twice."""
        self._arrived.clear()
        left = len(self)
        while left > 0 and (group := self._next_group()):
            left -= len(group)
            try:
                await self._store.run(partial(insert_new, shown_cards, group))
            except OUR_FAULT as error:
                get_logger().error("bug", error=type(error).__name__, lost_cards=len(group))
            self._group = []
            self._counting.queue(len(self))

    def _next_group(self) -> list[Row]:
        """The group that could not be written, or else the next that leaves the queue."""
        if not self._group:
            count = min(_GROUP, len(self._waiting))
            self._group = [self._waiting.popleft() for _ in range(count)]
        return self._group
