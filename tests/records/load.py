"""The service on a database, and a load of hooks and feedback that remembers what was acknowledged."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from signal import SIGKILL
from typing import Any
from uuid import uuid4

import httpx

from tests.processes import PATIENCE, SERVICE, Service, serving, wait_until
from tests.support import request_for, to_bytes

BODY = request_for("ines-allergic")


@contextmanager
def service_at(database: str, port: int | None = None) -> Iterator[Service]:
    """A service on a database; killed when the block ends, unless it has ended by then."""
    settings = {"CDS_DATABASE_URL": database, "CDS_LOG_LEVEL": "warning"}
    with serving(None, port=port, settings=settings) as service:
        try:
            yield service
        finally:
            if service.process.poll() is None:
                service.end(SIGKILL)


@dataclass
class Load:
    """Clinicians who order, and act on the first card they are shown; feedback is sent until it is acknowledged."""

    addresses: list[str]
    workers: int = 4
    pause: float = 0  # seconds between an action and the next order
    calls: int = 0  # hooks that were sent
    cards: dict[str, float] = field(default_factory=dict)  # cards that came, and when
    sent: set[str] = field(default_factory=set)  # cards that feedback was sent about
    acknowledged: dict[str, float] = field(default_factory=dict)  # cards whose feedback was, and when
    statuses: dict[str, int] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)  # of each hook that was answered
    ends: bool = False

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """The load, in a thread, until the block ends and every worker has finished what it began."""
        thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ends = True
            thread.join(PATIENCE)
            assert not thread.is_alive()

    async def _run(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            await asyncio.gather(*(self._work(client, number) for number in range(self.workers)))

    async def _work(self, client: httpx.AsyncClient, number: int) -> None:
        address = self.addresses[number % len(self.addresses)]
        while not self.ends:
            cards = await self._call(client, address)
            if cards:
                await self._act(client, address, cards[0]["uuid"])
            await asyncio.sleep(self.pause)

    async def _call(self, client: httpx.AsyncClient, address: str) -> list[Any]:
        self.calls += 1
        started = time.monotonic()
        response = await self._post(client, address + SERVICE, {**BODY, "hookInstance": str(uuid4())}, "hook")
        if response is None or response.status_code != 200:
            return []
        self.milliseconds.append((time.monotonic() - started) * 1000)
        cards: list[Any] = response.json()["cards"]
        self.cards.update(dict.fromkeys((card["uuid"] for card in cards), time.monotonic()))
        return cards

    async def _act(self, client: httpx.AsyncClient, address: str, card: str) -> None:
        moment = datetime.now(UTC).isoformat()
        body = {"feedback": [{"card": card, "outcome": "overridden", "outcomeTimestamp": moment}]}
        self.sent.add(card)
        while not self.ends:
            response = await self._post(client, f"{address}{SERVICE}/feedback", body, "feedback")
            if response is not None and response.status_code == 200:
                self.acknowledged[card] = time.monotonic()
                return

    async def _post(self, client: httpx.AsyncClient, url: str, body: Any, kind: str) -> httpx.Response | None:
        """The response; None where the service is not there."""
        try:
            response = await client.post(url, content=to_bytes(body))
        except httpx.TransportError:
            self._count(f"{kind} lost")
            await asyncio.sleep(0.02)
            return None
        self._count(f"{kind} {response.status_code}")
        return response

    def _count(self, what: str) -> None:
        self.statuses[what] = self.statuses.get(what, 0) + 1

    def wait_until(self, holds: Callable[["Load"], bool]) -> None:
        """Waits until the load has come so far."""
        wait_until(lambda: holds(self), lambda: self.statuses)

    def wait_for(self, count: int) -> None:
        """Waits until so many more items of feedback are acknowledged."""
        goal = len(self.acknowledged) + count
        self.wait_until(lambda load: len(load.acknowledged) >= goal)
