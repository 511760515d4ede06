"""Connections: the head of a request has to come whole, within a time and a size. Its body has limits of its own.

The server by itself would wait for ever for a head that never ends, keep all of it, and read on and on what is left of
a body that was refused.
"""

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cds_service.api.problems import outcome

_BETWEEN = len(b": \r\n")
_TOO_LARGE = "the head is too large"


class GuardedProtocol(HttpToolsProtocol):
    """The server's own protocol, which gives up on a head that is too slow or too large."""

    seconds = 10.0
    most_bytes = 32 * 1024  # many times what an address and a token take

    _in_head = True  # between two requests too
    _head_bytes = 0  # as they came, while the head is not whole
    _field_bytes = 0  # of its lines: all of it may have come at once
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A head has to come from now on."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is waited for."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes in what came, unless it makes a head that is too large."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes:  # nearly every head comes at once, and needs no timer
            self._start_timer()
            if self._head_bytes > self.most_bytes:
                self._refuse_large()

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._field_bytes += len(url)
        if self._field_bytes > self.most_bytes:
            raise ValueError(_TOO_LARGE)  # the parser stops, and `send_400_response` is called
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head, or one that follows the last piece of a body."""
        self._field_bytes += len(name) + len(value) + _BETWEEN
        if self._field_bytes > self.most_bytes:
            raise ValueError(_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole, and another head may follow."""
        self._in_head, self._head_bytes, self._field_bytes = True, 0, 0
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """What is left of a body that was refused is read, so that its sender sees the answer, but not for ever."""
        super().on_response_complete()
        if not self._in_head:
            self._start_timer()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused as everything else is."""
        if self._field_bytes > self.most_bytes:
            self._refuse_large()
        else:
            self._refuse(400, "structure", "this is not an HTTP request")

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self._in_head and self._head_bytes:
            self._refuse(408, "timeout", f"the header was not complete within {self.seconds:g} seconds")
        else:
            self.transport.close()

    def _refuse_large(self) -> None:
        self._refuse(431, "too-long", f"the header is larger than {self.most_bytes} bytes")

    def _refuse(self, status: int, code: str, words: str) -> None:
        if self.transport.is_closing():
            return
        body = msgspec.json.encode(outcome(code, words))
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


# How the server is run, beside its address. What it logs goes where everything else is logged.
SERVER: dict[str, Any] = {
    "http": GuardedProtocol,
    "ws": "none",
    "log_config": None,
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
}
