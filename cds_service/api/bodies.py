"""Request bodies: limited in size, in time, and in how many bytes of all of them one process holds."""

import asyncio
import re
from collections.abc import Coroutine, Generator, Mapping
from functools import lru_cache
from types import coroutine
from typing import Any

from starlette.types import Receive, Scope

from cds_service.errors import BodyTooLarge, BodyTooSlow, Busy, InvalidRequest, NotJson
from cds_service.settings import Settings

_JSON = re.compile(r"application/json|text/json|[\w.-]+/[\w.-]+\+json", re.ASCII)


class Bodies:
    """Reads the bodies of one process, and counts the bytes of those that are still incomplete."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.body_timeout_ms / 1000
        self._max_bytes = settings.max_body_bytes
        self._max_held = settings.max_held_bytes
        self._held = 0

    def read(self, scope: Scope, receive: Receive) -> Coroutine[Any, Any, bytes]:
        """The whole body. Raises `BodyTooLarge`, `BodyTooSlow`, `Busy`, or `InvalidRequest` if it is cut short."""
        return self._read(dict(scope["headers"]), receive)

    def read_json(self, scope: Scope, receive: Receive) -> Coroutine[Any, Any, bytes]:
        """As `read`; raises `NotJson` before reading if the headers say that the body is something else."""
        headers = dict(scope["headers"])
        _require_json(headers)
        return self._read(headers, receive)

    async def _read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise BodyTooLarge(self._max_bytes)
        reading = self._collect(receive)
        try:
            awaited = reading.send(None)
        except StopIteration as complete:  # nearly every body arrives with its head, and needs no timer
            return bytes(complete.value)
        try:
            async with asyncio.timeout(self._timeout):
                return await _continue(reading, awaited)
        except TimeoutError:
            raise BodyTooSlow(self._timeout) from None

    async def _collect(self, receive: Receive) -> bytes:
        chunks, size = [], 0
        try:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise InvalidRequest("body", "ended before it was complete")
                chunk, more = message.get("body", b""), message.get("more_body", False)
                size += len(chunk)
                self._held += len(chunk)
                if size > self._max_bytes:
                    raise BodyTooLarge(self._max_bytes)
                if self._held > self._max_held:
                    raise Busy
                chunks.append(chunk)
        finally:
            self._held -= size
        return b"".join(chunks)


@coroutine
def _continue(started: Coroutine[Any, Any, bytes], awaited: Any) -> Generator[Any, Any, bytes]:
    """Awaits the rest of a coroutine that was started with `send(None)` and yielded `awaited`."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # a timeout or a cancellation, which the coroutine has to see
                awaited = started.throw(error)
            else:
                awaited = started.send(sent)
    except StopIteration as complete:
        return bytes(complete.value)


@lru_cache(maxsize=64)
def _is_json(content_type: bytes) -> bool:
    kind = content_type.decode("latin-1").partition(";")[0].strip().lower()
    return not kind or _JSON.fullmatch(kind) is not None


def _require_json(headers: Mapping[bytes, bytes]) -> None:
    """A missing Content-Type counts as JSON: whether the body is any shows when it is parsed."""
    if not _is_json(headers.get(b"content-type", b"")):
        raise NotJson("the Content-Type is not application/json")
    if headers.get(b"content-encoding", b"").strip().lower() not in (b"", b"identity"):
        raise NotJson("the body is compressed; send it as it is")
