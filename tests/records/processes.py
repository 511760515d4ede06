"""The service as a process of its own, and a load of hooks and feedback that remembers what was acknowledged."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from tests.support import ROOT, request_for, to_bytes

PATIENCE = 30.0  # seconds for a process to start or to end on a busy machine
HOOK = "/cds-services/acetylcysteine-order-sign"
BODY = request_for("ines-allergic")


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass
class Service:
    """`cds-service serve`, which may be killed and started again on the same port."""

    database: str
    port: int = field(default_factory=free_port)
    process: Any = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        words = [sys.executable, "-m", "cds_service", "serve", "--port", str(self.port)]
        environment = {**os.environ, "CDS_DATABASE_URL": self.database, "CDS_LOG_LEVEL": "warning"}
        self.process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        patience = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, "the service ended"
            assert time.monotonic() < patience, "the service does not answer"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(f"{self.address}/cds-services", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def end(self, how: signal.Signals) -> int:
        """Sends a signal and waits for the end; the exit status."""
        self.process.send_signal(how)
        return int(self.process.wait(PATIENCE))


@contextmanager
def service_at(database: str) -> Iterator[Service]:
    """A running service; killed at the end unless it has ended."""
    service = Service(database)
    try:
        service.start()
        yield service
    finally:
        if service.process and service.process.poll() is None:
            service.end(signal.SIGKILL)


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
        response = await self._post(client, address + HOOK, {**BODY, "hookInstance": str(uuid4())}, "hook")
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
            response = await self._post(client, f"{address}{HOOK}/feedback", body, "feedback")
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

    def until(self, holds: Any) -> None:
        """Waits until the load has come so far."""
        patience = time.monotonic() + PATIENCE
        while not holds(self):
            assert time.monotonic() < patience, self.statuses
            time.sleep(0.01)

    def more(self, count: int) -> None:
        """Waits until so many more items of feedback are acknowledged."""
        goal = len(self.acknowledged) + count
        self.until(lambda load: len(load.acknowledged) >= goal)
