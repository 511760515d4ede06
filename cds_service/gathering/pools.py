"""Connections to one host for one owner: kept, bounded, and opened only a few at a time.

Connections are told apart by scheme, host *name* and port, never by address, and no two owners share one. So what is
sent to one host reaches no other that stands behind the same address.
"""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from cds_service.gathering.waiting import Places

_KEPT_SECONDS = 15.0  # shorter than what servers usually allow, so that they are seldom the first to close


@dataclass(frozen=True, slots=True)
class Pool:
    """Whose connections, and the bounds for each host: how many there may be, and how many may be opening at once."""

    owner: str = ""
    connections: int = 100
    opening: int = 4
    purpose: str = "FHIR"


class Use:
    """The use of a connection by one request, from its place in the queue to the end of the answer."""

    def __init__(self, connections: "Connections") -> None:
        self._connections, self._is_opening, self._is_over = connections, False, False

    def begin_opening(self) -> None:
        """No connection was free."""
        self._is_opening = True
        self._connections.opening += 1

    def end_opening(self) -> None:
        """The connection is there, its TLS handshake done; or it has failed."""
        if self._is_opening:
            self._is_opening = False
            self._connections.opening -= 1
            self._connections.places.admit()

    def end(self) -> None:
        """The answer is read, or given up. May be called more than once."""
        if not self._is_over:
            self._is_over = True
            self.end_opening()
            self._connections.places.give_back()
            self._connections.changed()


class Connections:
    """The open connections of one pool to one host."""

    def __init__(
        self,
        pool: Pool,
        authorities: ssl.SSLContext,
        resolver: AbstractResolver,
        may_call: Callable[[str], bool],
        changed: Callable[[], None],
    ) -> None:
        self._pool, self._may_call, self.changed = pool, may_call, changed
        self._sockets: list[socket.socket] = []
        self.opening = 0
        self.places = Places(self._has_room)
        connector = aiohttp.TCPConnector(
            limit=0,  # `places` bounds them
            ssl=authorities,
            resolver=resolver,
            keepalive_timeout=_KEPT_SECONDS,
            socket_factory=self._new_socket,
        )
        self.session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[_tracing()],
            trust_env=False,  # no proxy and no password of the environment
        )

    @property
    def is_full(self) -> bool:
        """Whether every connection is in use; if not, who waits does so until one can be opened."""
        return self.places.taken >= self._pool.connections

    @property
    def is_unused(self) -> bool:
        """Whether no request uses or awaits a connection."""
        return self.places.taken + self.places.waiting == 0

    @property
    def count(self) -> int:
        """How many connections are open or opening."""
        self._sockets = [opened for opened in self._sockets if opened.fileno() >= 0]
        return len(self._sockets)

    async def use(self, seconds: float | None) -> Use:
        """A place for one request. Raises `TimeoutError` if there is none in so many seconds."""
        await self.places.take(seconds)
        return Use(self)

    def _has_room(self) -> bool:
        """Whether a request would find a free connection, or may open one.

        Requests under way never exceed the connections that are there by more than those that may be opening, so one
        that waits gets the first connection that becomes free, and does not wait for one that cannot be opened.
        """
        taken = self.places.taken
        if self.is_full:
            return False
        return taken < self._pool.opening or taken < self.count - self.opening + self._pool.opening

    def _new_socket(self, address_info: Any) -> socket.socket:
        """The socket for a connection, to this very address. Raises `OSError` for one that may not be called."""
        family, kind, protocol, _, address = address_info
        if not self._may_call(address[0]):
            raise PermissionError("the address may not be called")
        new = socket.socket(family, kind, protocol)
        self._sockets.append(new)
        return new


def _tracing() -> aiohttp.TraceConfig:
    """Tells the `Use` that a request carries when its connection begins to open, and when it is there."""

    async def begin(_session: aiohttp.ClientSession, context: SimpleNamespace, _: Any) -> None:
        context.trace_request_ctx.begin_opening()

    async def end(_session: aiohttp.ClientSession, context: SimpleNamespace, _: Any) -> None:
        context.trace_request_ctx.end_opening()

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_start.append(begin)
    tracing.on_connection_create_end.append(end)
    return tracing
