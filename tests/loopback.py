"""Real servers on loopback, in threads: the service itself, and FHIR servers that behave as told."""

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvicorn


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]


def read_head(head: str) -> Asked:
    """A request's first line and headers."""
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    return Asked(method, target, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)})


Behave = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Loopback:
    """A server that counts connections, keeps what it was asked, and answers as `behave` says."""

    behave: Behave
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def base(self) -> str:
        """Its address as the base of a FHIR server."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/fhir"

    @property
    def tokens(self) -> set[str]:
        """Every Authorization header that reached it."""
        return {one.headers["authorization"] for one in self.asked if "authorization" in one.headers}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it is closed. A client that goes away is no error."""
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                    self.asked.append(read_head(head))
                    await self.behave(self.asked[-1], writer)
                    await writer.drain()
        finally:
            writer.transport.abort()


@contextmanager
def running(server: Loopback) -> Iterator[Loopback]:
    """The server, listening on a free port until the block ends."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", server.port, ssl=server.tls)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # what was closed is let go of

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The service on a free port of loopback, over real sockets; its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def http_answer(body: bytes, status: int = 200, kind: str = "application/fhir+json", **headers: str) -> bytes:
    """An answer on the wire, whole."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body
