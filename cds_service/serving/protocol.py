"""Limits on the head of a request: it has to arrive complete within a time and a size. And the end of keep-alive.

uvicorn by itself waits for ever for the end of a head and keeps all of it, and reads on and on what is left of a body
after the response. It has no setting for that, so its protocol class is extended here. This is the one file that leans
on more of uvicorn than its documented interface; `tests/unit/test_uvicorn.py` lists what, and pyproject.toml pins the
versions that it holds for.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cds_service.api.problems import outcome

_SEPARATORS = len(b": \r\n")
_TOO_LARGE = "the head is too large"


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which gives up on a head that is too slow or too large. One instance per connection."""

    head_timeout = 10.0  # seconds
    max_head_bytes = 32 * 1024  # many times what a URL and a token need

    _in_head = True  # between two requests too
    _bytes_of_head = 0  # as received, while the head is incomplete
    _bytes_of_fields = 0  # as parsed: the whole head may arrive at once
    _timer: asyncio.TimerHandle | None = None
    _responses_due = 0
    _keeps_alive = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for the first head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses what arrived. An incomplete head starts the timer; one that is too large is refused."""
        if self._in_head:
            self._bytes_of_head += len(data)
        super().data_received(data)
        if self._in_head and self._bytes_of_head:  # nearly every head arrives at once, and needs no timer
            self._start_timer()
            if self._bytes_of_head > self.max_head_bytes:
                self._refuse_large()

    def on_url(self, url: bytes) -> None:
        """Part of the URL."""
        self._bytes_of_fields += len(url)
        if self._bytes_of_fields > self.max_head_bytes:
            raise ValueError(_TOO_LARGE)  # stops the parser, and uvicorn calls `send_400_response`
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer of a chunked body."""
        self._bytes_of_fields += len(name) + len(value) + _SEPARATORS
        if self._bytes_of_fields > self.max_head_bytes:
            raise ValueError(_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._in_head = False
        self._stop_timer()
        self._responses_due += 1
        super().on_headers_complete()
        if not self._keeps_alive:
            self.shutdown()

    def on_message_complete(self) -> None:
        """The body is complete, and the next head may follow."""
        self._in_head, self._bytes_of_head, self._bytes_of_fields = True, 0, 0
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Reads what is left of the body, so that its sender sees the response; but not for ever."""
        self._responses_due -= 1
        super().on_response_complete()
        if not self._in_head:
            self._start_timer()

    def end_keep_alive(self) -> None:
        """The response to the request in progress, or else to the next one, says `Connection: close`.

        That is what uvicorn's `shutdown` does during a request. Between two it would close the connection at once.
        """
        self._keeps_alive = False
        if self._responses_due:
            self.shutdown()

    def send_400_response(self, msg: str) -> None:
        """400 OperationOutcome for malformed HTTP; 431 if the parser was stopped by a large head."""
        if self._bytes_of_fields > self.max_head_bytes:
            self._refuse_large()
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "structure", "this is not an HTTP request")

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_timeout, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timeout(self) -> None:
        if self._in_head and self._bytes_of_head:
            text = f"the header was not complete within {self.head_timeout:g} seconds"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "timeout", text)
        else:
            self.transport.close()

    def _refuse_large(self) -> None:
        text = f"the header is larger than {self.max_head_bytes} bytes"
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too-long", text)

    def _refuse(self, status: HTTPStatus, code: str, text: str) -> None:
        if self.transport.is_closing():
            return
        body = msgspec.json.encode(outcome(code, text))
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


# Arguments of `uvicorn.Config`. What uvicorn logs goes where everything else is logged.
CONFIG: dict[str, Any] = {
    "http": GuardedProtocol,
    "ws": "none",
    "log_config": None,
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
}
