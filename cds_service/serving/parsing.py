"""An HTTP parser that ignores offers to speak another protocol.

A client may offer HTTP/2 or anything else with `Upgrade`, and a server that does not take the offer answers as if there
were none (RFC 9110, 7.8). httptools reads no body after such a head, so that the body is given to a second parser.
"""

from typing import Protocol

import httptools

_FRAMING = (b"content-length", b"transfer-encoding", b"connection")


class Receiver(Protocol):
    """What a parser reports to: httptools looks up its further methods by name."""

    headers: list[tuple[bytes, bytes]]  # of the request whose head was parsed last
    is_repeating: bool  # True while the head that is reported was reported before


class Parser:
    """httptools' parser of requests, as far as uvicorn uses it."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parser = self._new_parser()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self._receiver)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
        return parser

    def feed_data(self, data: bytes) -> None:
        """Parses what arrived. Raises `httptools.HttpParserError`."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            self._repeat_head()
            self.feed_data(rest)

    def _repeat_head(self) -> None:
        """Gives the head, without the offer, to a new parser: whether a body follows, and how long it is."""
        method, version = self._parser.get_method(), self._parser.get_http_version()
        lines = [name + b": " + value for name, value in self._receiver.headers if name in _FRAMING]
        lines = [line for line in lines if b"upgrade" not in line.lower()]
        request_line = (b"GET" if method == b"CONNECT" else method) + b" / HTTP/" + version.encode()
        self._parser = self._new_parser()
        self._receiver.is_repeating = True
        try:
            self._parser.feed_data(b"\r\n".join([request_line, *lines, b"", b""]))
        finally:
            self._receiver.is_repeating = False

    def get_http_version(self) -> str:
        """The version of the request, such as 1.1."""
        return str(self._parser.get_http_version())

    def get_method(self) -> bytes:
        """The method of the request."""
        return bytes(self._parser.get_method())

    def should_keep_alive(self) -> bool:
        """Whether the client lets the connection be used again."""
        return bool(self._parser.should_keep_alive())

    def offers_upgrade(self) -> bool:
        """Whether the head that was parsed last offers another protocol: then its body is still to come."""
        return bool(self._parser.should_upgrade())

    def should_upgrade(self) -> bool:
        """Never."""
        return False
