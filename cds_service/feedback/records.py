"""Records shared by all replicas: shown cards, feedback, and used tokens."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from cds_service.errors import DatabaseRefused, StoreDown
from cds_service.feedback import tables
from cds_service.feedback.pruning import Pruner
from cds_service.feedback.recording import Recorder, Row
from cds_service.feedback.seen_tokens import SeenTokens
from cds_service.feedback.store import NoMetrics, RecordMetrics, Store, T, Work
from cds_service.hooks.cards import Card
from cds_service.hooks.feedback import Feedback
from cds_service.telemetry.logs import get_logger, where_it_broke
from cds_service.telemetry.logs import safe_instance as only_uuid

QUEUE_SIZE = 10_000  # shown cards that may wait while the database is down
_CLOSE_SECONDS = 5.0  # for writing the queue and closing at the end, however the database hangs
_PRUNE_INTERVAL = 3600.0  # seconds


class Records:
    """Stores cards in the background; feedback and tokens are committed when their methods return."""

    def __init__(
        self,
        database_url: str,
        content_version: str,
        now: Callable[[], datetime],
        *,
        retention_days: int = 365,
        keep_comments: bool = False,
        metrics: RecordMetrics | None = None,
        queue_size: int = QUEUE_SIZE,
        close_seconds: float = _CLOSE_SECONDS,
    ) -> None:
        metrics = metrics or NoMetrics()
        self._store = Store(database_url, metrics)
        self._seen_tokens = SeenTokens(self._store)
        self._recorder = Recorder(self._store, queue_size, metrics)
        self._content_version, self._now = content_version, now
        self._pruner = Pruner(self._store, timedelta(days=retention_days))
        self._keep_comments = keep_comments
        self._close_seconds = close_seconds
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_up(self) -> bool:
        """Whether the last transaction succeeded; an idle database is pinged every few seconds."""
        return self._store.is_up

    async def __aenter__(self) -> "Records":
        """Raises `DatabaseRefused`. If the database is down, it is retried in the background."""
        try:
            await self._store.open()
        except DatabaseRefused:
            await self._store.close()
            raise
        self._tasks = [asyncio.create_task(self._recorder.run()), asyncio.create_task(self._prune_hourly())]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Writes the queue, within a time limit, and closes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await asyncio.wait_for(self._recorder.flush(), self._close_seconds / 2)
        except (StoreDown, TimeoutError):
            get_logger().error("records lost", cards=len(self._recorder))
        await self._store.close(self._close_seconds / 2)

    def add_cards(
        self,
        service: str,
        hook: str,
        hook_instance: str,
        client: str,
        cards: Iterable[tuple[str, Card]],
        mode: tables.Mode = "shown",
    ) -> None:
        """Queues cards, each with its id, for writing. Never blocks, whatever the state of the database."""
        for card_id, card in cards:
            row = self._card_row(service, hook, only_uuid(hook_instance), client, card_id, card, mode)
            self._recorder.put(tables.shown_cards, row)

    def add_answer(
        self, service: str, hook: str, hook_instance: str, client: str, answer_id: str, burden: Mapping[str, int]
    ) -> None:
        """Queues what an answer asks of its reader: its orders, those without a card, its cards and its words."""
        row = {
            "id": answer_id,
            "content_version": self._content_version,
            "hook": hook,
            "service": service,
            "client": client,
            "hook_instance": only_uuid(hook_instance),
            "answered_at": self._now(),
            **burden,
        }
        self._recorder.put(tables.answered_calls, row)

    async def read(self, reading: Work[T]) -> T:
        """What a transaction reads. Raises `StoreDown`."""
        return await self._store.run(reading)

    def _card_row(
        self, service: str, hook: str, hook_instance: str, client: str, card_id: str, card: Card, mode: tables.Mode
    ) -> Row:
        return {
            "uuid": card.uuid,
            "card": card_id,
            "content_version": self._content_version,
            "indicator": card.indicator,
            "hook": hook,
            "service": service,
            "client": client,
            "hook_instance": hook_instance,
            "shown_at": self._now(),
            "mode": mode,
        }

    async def save_feedback(self, service: str, client: str, items: Sequence[Feedback]) -> None:
        """Stores a batch of feedback, all or nothing; repeated items stay one row. Raises `StoreDown`."""
        rows = {row["id"]: row for row in (self._feedback_row(service, client, item) for item in items)}
        sorted_rows = [rows[key] for key in sorted(rows)]  # a fixed order, so that two batches cannot deadlock
        if sorted_rows:
            await self._store.run(partial(tables.insert_new, tables.feedback, sorted_rows))

    def _feedback_row(self, service: str, client: str, item: Feedback) -> dict[str, Any]:
        comment = item.comment if self._keep_comments else ""
        identity = [service, client, item.card.lower(), item.outcome, item.at.isoformat(), *item.suggestions]
        return {
            "id": _digest(*identity, "", item.reason_system, item.reason_code, comment),
            "card_uuid": only_uuid(item.card),
            "service": service,
            "client": client,
            "outcome": item.outcome,
            "suggestions": " ".join(only_uuid(suggestion) for suggestion in item.suggestions),
            "reason_system": item.reason_system,
            "reason_code": item.reason_code,
            "comment": comment,
            "outcome_at": item.at,
            "received_at": self._now(),
        }

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """Whether no replica has seen this token before. It counts as seen from now on. Raises `StoreDown`."""
        row = {"client": client, "token": _digest(jti), "until": until}
        return await self._seen_tokens.is_new(row)

    async def _prune_hourly(self) -> None:
        while True:
            try:
                await self._pruner.prune(self._now())
            except StoreDown:
                pass  # the store has logged it; the next hour will do
            except Exception as error:  # later records must still be pruned
                get_logger().error("bug", error=type(error).__name__, where=where_it_broke(error))
            await asyncio.sleep(_PRUNE_INTERVAL)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
