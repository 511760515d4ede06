"""Reading a request body: up to a size, in time, not more of all bodies together than fits in memory; only JSON."""

import asyncio
import re
from collections.abc import Coroutine, Generator, Mapping
from functools import lru_cache
from types import coroutine
from typing import Any

from starlette.requests import Request
from starlette.types import Receive

from cds_service.errors import BodyTooLarge, BodyTooSlow, Busy, InvalidRequest, NotJson
from cds_service.settings import Settings

_JSON = re.compile(r"application/json|text/json|[\w.-]+/[\w.-]+\+json", re.ASCII)


class Bodies:
    """Reads the bodies of one process."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.body_timeout_ms / 1000
        self._most_held = settings.max_held_bytes
        self._held = 0

    async def read(self, request: Request, limit: int) -> bytes:
        """The whole body, in bytes; a `CdsServiceError` says why it is not taken."""
        return await self.receive(request.receive, dict(request.scope["headers"]), limit)

    async def receive(self, receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
        """What `read` does, where the headers are already at hand."""
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            raise BodyTooLarge(limit)
        reading = self._read(receive, limit)
        try:
            awaited = reading.send(None)
        except StopIteration as whole:  # nearly every body comes with its head, and a timer costs as much as reading it
            return bytes(whole.value)
        try:
            async with asyncio.timeout(self._seconds):
                return await _rest(reading, awaited)
        except TimeoutError:
            raise BodyTooSlow(self._seconds) from None

    async def _read(self, receive: Receive, limit: int) -> bytes:
        parts, size = [], 0
        try:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise InvalidRequest("body", "ended before it was complete")
                part, more = message.get("body", b""), message.get("more_body", False)
                size += len(part)
                self._held += len(part)
                if size > limit:
                    raise BodyTooLarge(limit)
                if self._held > self._most_held:
                    raise Busy
                parts.append(part)
        finally:
            self._held -= size
        return b"".join(parts)


@coroutine
def _rest(begun: Coroutine[Any, Any, bytes], awaited: Any) -> Generator[Any, Any, bytes]:
    """Goes on with a coroutine that has begun by hand and stopped to wait."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # the time is over, or the server stops: the coroutine is to know
                awaited = begun.throw(error)
            else:
                awaited = begun.send(sent)
    except StopIteration as whole:
        return bytes(whole.value)


@lru_cache(maxsize=64)
def _is_json(content_type: bytes) -> bool:
    kind = content_type.decode("latin-1").partition(";")[0].strip().lower()
    return not kind or _JSON.fullmatch(kind) is not None


def _refuse_other_than_json(headers: Mapping[bytes, bytes]) -> None:
    """No Content-Type is taken for JSON: what it is shows when it is read, and nothing is lost by trying."""
    if not _is_json(headers.get(b"content-type", b"")):
        raise NotJson("the Content-Type is not application/json")
    if headers.get(b"content-encoding", b"").strip().lower() not in (b"", b"identity"):
        raise NotJson("the body is compressed; send it as it is")


def read_body(request: Request, limit: int) -> Coroutine[Any, Any, bytes]:
    """The body of a request of CDS Hooks to this app: JSON, or refused before it is read."""
    headers = dict(request.scope["headers"])
    _refuse_other_than_json(headers)
    bodies: Bodies = request.app.state.bodies
    return bodies.receive(request.receive, headers, limit)
