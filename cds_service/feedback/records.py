"""What the service remembers, for all its replicas: shown cards, feedback, tokens that were seen."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from cds_service.errors import DatabaseRefused, StoreDown
from cds_service.feedback import tables
from cds_service.feedback.pruning import prune
from cds_service.feedback.recording import Recorder, Row
from cds_service.feedback.store import Counting, Store, Uncounted
from cds_service.hooks.cards import Card
from cds_service.hooks.feedback import Feedback
from cds_service.telemetry.logs import get_logger
from cds_service.telemetry.logs import safe_instance as only_uuid

QUEUE = 10_000  # shown cards that wait while the database is away
_CLOSING = 5.0  # seconds for writing what waits at the end
_PRUNING = 3600.0  # seconds between two prunings


class Records:
    """Writes cards without being waited for; feedback and tokens are committed when a call of theirs returns."""

    def __init__(
        self,
        address: str,
        content_version: str,
        now: Callable[[], datetime],
        *,
        retention_days: int = 365,
        keep_comments: bool = False,
        counting: Counting | None = None,
        queue: int = QUEUE,
    ) -> None:
        counting = counting or Uncounted()
        self._store = Store(address, counting)
        self._recorder = Recorder(self._store, queue, counting)
        self._content_version, self._now = content_version, now
        self._retention = timedelta(days=retention_days)
        self._keep_comments = keep_comments
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_up(self) -> bool:
        """Whether the database answered when it was last asked; an idle one is asked every few seconds."""
        return self._store.is_up

    async def __aenter__(self) -> "Records":
        """Raises `DatabaseRefused`; a database that is away is waited for in the background."""
        try:
            await self._store.open()
        except DatabaseRefused:
            await self._store.close()
            raise
        self._tasks = [asyncio.create_task(self._recorder.run()), asyncio.create_task(self._prune_hourly())]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Writes what waits, in bounded time, and closes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await asyncio.wait_for(self._recorder.flush(), _CLOSING)
        except (StoreDown, TimeoutError):
            get_logger().error("records lost", cards=len(self._recorder))
        await self._store.close()

    def shown(
        self, service: str, hook: str, hook_instance: str, client: str, cards: Iterable[tuple[str, Card]]
    ) -> None:
        """Notes that cards were shown, each with its id. Returns at once, whatever the database does."""
        for card_id, card in cards:
            self._recorder.put(self._as_row(service, hook, only_uuid(hook_instance), client, card_id, card))

    def _as_row(self, service: str, hook: str, hook_instance: str, client: str, card_id: str, card: Card) -> Row:
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
        }

    async def keep(self, service: str, client: str, items: Sequence[Feedback]) -> None:
        """Keeps a batch of feedback, all or nothing; what is there already stays one row. Raises `StoreDown`."""
        rows = {row["id"]: row for row in (self._kept(service, client, item) for item in items)}
        in_order = [rows[key] for key in sorted(rows)]  # two batches never wait for each other in a circle
        if in_order:
            await self._store.run(partial(tables.insert_new, tables.feedback, in_order))

    def _kept(self, service: str, client: str, item: Feedback) -> dict[str, Any]:
        comment = item.comment if self._keep_comments else ""
        sent = [service, client, item.card.lower(), item.outcome, item.at.isoformat(), *item.suggestions]
        return {
            "id": _digest(*sent, "", item.reason_system, item.reason_code, comment),
            "card_uuid": only_uuid(item.card),
            "service": service,
            "client": client,
            "outcome": item.outcome,
            "suggestions": " ".join(only_uuid(one) for one in item.suggestions),
            "reason_system": item.reason_system,
            "reason_code": item.reason_code,
            "comment": comment,
            "outcome_at": item.at,
            "received_at": self._now(),
        }

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """Whether no replica has seen this token; from now on it is seen. Raises `StoreDown`."""
        row = {"client": client, "token": _digest(jti), "until": until}
        return await self._store.run(partial(tables.is_inserted, tables.seen_tokens, row))

    async def _prune_hourly(self) -> None:
        while True:
            try:
                now = self._now()
                await prune(self._store, now=now, kept_since=now - self._retention)
            except StoreDown:
                pass  # the store has said so; the next hour will do
            await asyncio.sleep(_PRUNING)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
