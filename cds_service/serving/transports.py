"""How an answer leaves: in one write. How a connection ends: not before its sender has seen the answer, and not long
after it has stopped reading.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class Descriptors:
    """Notices when a process runs out of file descriptors: then connections are reset, and nothing else would say so.

    The number of a new connection's descriptor is the lowest that is free. `warn` is called once until there is room
    again.
    """

    def __init__(self, limit: int, warn: Callable[[], None]) -> None:
        self._enough, self._warn = limit * 9 // 10, warn
        self._is_scarce = False

    def note(self, number: int) -> None:
        """The descriptor of a new connection."""
        is_scarce = number >= self._enough
        if is_scarce and not self._is_scarce:
            self._warn()
        self._is_scarce = is_scarce


class SlowReaders:
    """The connections of one process whose answers wait to be read, those that have waited longest first.

    What they hold together is limited. `closed` is called for each that is closed because of that, or because it took
    too long.
    """

    def __init__(self, max_bytes: int = 64 * 1024 * 1024, closed: Callable[[], None] = lambda: None) -> None:
        self._max_bytes, self._closed = max_bytes, closed
        self._waiting: dict[Any, int] = {}  # transport -> bytes

    def add(self, transport: asyncio.Transport) -> None:
        """A connection whose answer waits. Where all hold too much, the one that has waited longest is closed."""
        self._waiting[transport] = transport.get_write_buffer_size()
        while sum(self._waiting.values()) > self._max_bytes:
            self.close(next(iter(self._waiting)))

    def discard(self, transport: asyncio.Transport) -> None:
        """A connection whose answer was read, or that is gone."""
        self._waiting.pop(transport, None)

    def close(self, transport: asyncio.Transport) -> None:
        """Closes a connection, and gives up what it was to be told."""
        self._waiting.pop(transport, None)
        self._closed()
        transport.abort()


class LingeringTransport:
    """A transport that is closed only once `may_close` says so; until then no more is written.

    A connection that is closed with bytes unread is reset, and its sender loses the answer that says why. uvicorn
    closes its transports at once.
    """

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], bool]) -> None:
        self._transport, self._linger = transport, linger
        self._is_closing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Closes when everything has been said, or lets the rest of a body come first."""
        if self._is_closing:
            return
        self._is_closing = True
        if not self._linger():
            self._transport.close()

    def is_closing(self) -> bool:
        """Whether no more may be said."""
        return self._is_closing or self._transport.is_closing()


class GatheringTransport:
    """A transport that writes at once what comes during one turn of the event loop.

    uvicorn writes the head and the body of a response apart, and each write is a system call and a packet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._kept: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keeps data until the end of the turn."""
        if not self._kept:
            self._loop.call_soon(self._flush)
        self._kept.append(data)

    def _flush(self) -> None:
        kept, self._kept = self._kept, []
        if kept:
            self._transport.write(b"".join(kept))

    def write_eof(self) -> None:
        """Writes what is kept, and then no more."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Writes what is kept, and closes."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Closes at once; what is kept is lost."""
        self._kept = []
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """The bytes that the client has not taken yet, once what is kept is written."""
        self._flush()
        return self._transport.get_write_buffer_size()
