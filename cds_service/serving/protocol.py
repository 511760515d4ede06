"""Limits on a connection: on the head of a request, on what is left of a body, and on an answer that nobody reads.

uvicorn by itself waits for ever for the end of a head and keeps all of it, closes a connection before its sender has
seen why a body was refused, and keeps an answer for ever. It has no setting for that, so its protocol class is extended
here. This is the one file that leans on more of uvicorn than its documented interface; `tests/unit/test_uvicorn.py`
lists what, and pyproject.toml pins the versions that it holds for.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cds_service.api.problems import outcome
from cds_service.serving.parsing import Parser
from cds_service.serving.transports import Descriptors, GatheringTransport, LingeringTransport, SlowReaders

_SEPARATORS = len(b": \r\n")
_TOO_LARGE = "the head is too large"
_Refusal = tuple[HTTPStatus, str, str]  # status, code of the issue, text


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits. One instance per connection."""

    head_timeout = 10.0  # seconds; also for the rest of a body after its answer, and for reading an answer
    max_head_bytes = 32 * 1024  # many times what a URL and a token need
    max_rest_bytes = 128 * 1024 * 1024  # of a body after its answer
    last_words = 1.0  # seconds for the same while the server stops
    slow_readers = SlowReaders()
    descriptors: Descriptors | None = None

    is_repeating = False  # while the parser reports again what it reported before
    _in_head = True  # between two requests too
    _bytes_of_head = 0  # as received, while the head is incomplete
    _bytes_of_fields = 0  # as parsed: the whole head may arrive at once
    _bytes_of_rest = 0
    _timer: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _responses_due = 0
    _keeps_alive = True
    _sent_all = False  # the client has closed its side
    _is_refused = False
    _refusal: _Refusal | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for the first head."""
        self.parser = cast(Any, Parser(self))
        self._socket = cast(asyncio.Transport, GatheringTransport(transport, self.loop))
        lingering = cast(asyncio.Transport, LingeringTransport(self._socket, self._linger))
        super().connection_made(lingering)
        if self.descriptors:
            self.descriptors.note(transport.get_extra_info("socket").fileno())
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting."""
        self._stop_timer()
        self._on_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses what arrived. An incomplete head starts the timer; one that is too large is refused."""
        if self.transport.is_closing() or self._is_answered_early():
            self._bytes_of_rest += len(data)
            if self._bytes_of_rest > self.max_rest_bytes:
                self._socket.close()
                return
        if self._in_head:
            self._bytes_of_head += len(data)
        if not self._is_refused:
            super().data_received(data)
        if self._in_head and self._bytes_of_head:  # nearly every head arrives at once, and needs no timer
            self._start_timer()
            if self._bytes_of_head > self.max_head_bytes:
                self._refuse_large()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client has closed its side. Whoever has sent a whole request is still answered."""
        self._sent_all = True
        is_owed = bool(self._responses_due) and self._in_head and not self.transport.is_closing()
        if not is_owed:
            self._socket.close()  # the event loop would, without what is kept
        return is_owed

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self.is_repeating:
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of the URL."""
        if self.is_repeating:
            return
        self._bytes_of_fields += len(url)
        if self._bytes_of_fields > self.max_head_bytes:
            raise ValueError(_TOO_LARGE)  # stops the parser, and uvicorn calls `send_400_response`
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; or a trailer of a chunked body, which is none: nobody may authenticate by it."""
        if self.is_repeating:
            return
        self._bytes_of_fields += len(name) + len(value) + _SEPARATORS
        if self._bytes_of_fields > self.max_head_bytes:
            raise ValueError(_TOO_LARGE)
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if self.is_repeating:
            return
        self._in_head = False
        self._stop_timer()
        if self.transport.is_closing():  # whatever follows the last request of a connection
            return
        self._responses_due += 1
        super().on_headers_complete()
        if not self._keeps_alive:
            self.shutdown()

    def on_message_complete(self) -> None:
        """The body is complete, and the next head may follow."""
        if cast(Parser, self.parser).offers_upgrade() and not self.is_repeating and not self._in_head:
            return  # it is still to come
        self._in_head, self._bytes_of_head, self._bytes_of_fields, self._bytes_of_rest = True, 0, 0, 0
        self._stop_timer()
        if self.transport.is_closing():
            self._socket.close()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Reads what is left of the body, so that its sender sees the response; but not for ever."""
        self._responses_due -= 1
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if not self._in_head:
            self._start_timer()
        if not self._responses_due and self._refusal:
            self._refuse(*self._refusal)
        elif not self._responses_due and self._sent_all:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read its answer."""
        self._await_reading()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._on_read()
        super().resume_writing()

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

    def _is_answered_early(self) -> bool:
        return not self._in_head and not self._responses_due

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_timeout, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timeout(self) -> None:
        if self._in_head and self._bytes_of_head and not self._is_refused:
            text = f"the header was not complete within {self.head_timeout:g} seconds"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "timeout", text)
        else:
            self._socket.close()

    def _linger(self) -> bool:
        """Called when the connection is to be closed. True where the rest of a body is to be read first."""
        if self._socket.get_write_buffer_size():
            self._await_reading()
        if self._sent_all or (self._in_head and not self._is_refused):
            return False
        self._stop_timer()
        seconds = self.head_timeout if self._keeps_alive else self.last_words
        self._timer = self.loop.call_later(seconds, self._on_timeout)
        self._socket.write_eof()
        self._socket.resume_reading()
        return True

    def _await_reading(self) -> None:
        """The answer has to be read within a time, and what all such answers hold is limited."""
        if self._reading is None:
            self._reading = self.loop.call_later(self.head_timeout, self.slow_readers.close, self._socket)
            self.slow_readers.add(self._socket)

    def _on_read(self) -> None:
        self.slow_readers.discard(self._socket)
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _refuse_large(self) -> None:
        text = f"the header is larger than {self.max_head_bytes} bytes"
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too-long", text)

    def _refuse(self, status: HTTPStatus, code: str, text: str) -> None:
        """Answers, and closes. Requests that came before are answered first."""
        self._is_refused = True
        if self._responses_due:
            self._refusal = (status, code, text)
            return
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
    "timeout_keep_alive": 75,  # seconds; longer than proxies and EHRs keep theirs, or calls meet a closing connection
}
