"""Used tokens, remembered for all replicas. Those that arrive while a transaction runs share the next one.

So the rate does not depend on how long the database takes for a commit: an SQLite file that several processes write to
takes tens of them a second.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cds_service.feedback import tables
from cds_service.feedback.store import Store

_MAX_BATCH = 1000  # tokens
_MAX_WAITING = 10_000  # tokens, while the database hangs; beyond it the oldest is not remembered


@dataclass(frozen=True)
class _Waiting:
    row: Mapping[str, Any]
    is_new: asyncio.Future[bool]


class SeenTokens:
    """The table of used tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[_Waiting] = deque(maxlen=_MAX_WAITING)
        self._writing: asyncio.Task[None] | None = None

    async def is_new(self, row: Mapping[str, Any]) -> bool:
        """Whether no replica has written this row before. It is there from now on. Raises `StoreDown`."""
        waiting = _Waiting(row, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await waiting.is_new

    async def _write_all(self) -> None:
        """Transaction after transaction, until nothing waits."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_MAX_BATCH, len(self._waiting)))]
            await self._write(batch)  # also for callers that wait no longer: what they accepted is used

    async def _write(self, batch: list[_Waiting]) -> None:
        rows = {_key(waiting.row): waiting.row for waiting in batch}
        sorted_rows = [rows[key] for key in sorted(rows)]  # in one order, so that two replicas cannot deadlock
        writing = partial(tables.insert_and_tell_new, tables.seen_tokens, sorted_rows)
        try:
            new = await self._store.run(writing, durable=False)
        except Exception as error:  # of any kind: each caller has to see it
            for waiting in batch:
                _fail(waiting.is_new, error)
            return
        for waiting in batch:
            key = _key(waiting.row)
            if not waiting.is_new.done():
                waiting.is_new.set_result(key in new)
            new.discard(key)  # of two callers with one token the first has it


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["client"], row["token"]


def _fail(future: asyncio.Future[bool], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
