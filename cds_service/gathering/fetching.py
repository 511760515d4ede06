"""The requests of one call to one FHIR server: each bounded in time and size, each a JSON value or a `Failure`."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from cds_service.fhir.json import UNREADABLE, decode
from cds_service.gathering.failures import (
    BUSY,
    COMPRESSED,
    NOT_JSON,
    TOO_LARGE,
    TOO_LARGE_IN_ALL,
    TOO_LATE,
    UNREACHABLE,
    Failure,
    failed_with,
)
from cds_service.gathering.pools import Pool
from cds_service.telemetry.tracing import Spans, untraced

_HEADERS = {
    "Accept": "application/fhir+json, application/json;q=0.9, application/json+fhir;q=0.8",
    "Accept-Encoding": "identity",  # no decompression bombs
}
_SENT = {"Content-Type": "application/fhir+json"}
_LAG = 0.05  # seconds by which this process may be late before a server is not blamed for it
_OVERLOADED = frozenset((408, 425, 429))  # statuses below 500 of a server that cannot answer now

ObserveFetch = Callable[[str, float], None]  # the outcome of one request, and its seconds


def unobserved(_outcome: str, _seconds: float) -> None:
    """Observes nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for all requests of a call (`deadline`) and for each one (`timeout`); bytes and pages of each answer.

    `max_call_bytes` bounds the answers to one call together.
    """

    deadline: float = 0.4
    timeout: float = 0.35
    max_bytes: int = 4 * 1024 * 1024
    max_pages: int = 5
    max_call_bytes: int = 16 * 1024 * 1024


class Fetcher:
    """Sends the requests of one call, with its access token. The deadline starts when it is made."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        pool: Pool,
        token: str,
        limits: Limits,
        observe: ObserveFetch = unobserved,
        span: Spans = untraced,
    ) -> None:
        self._http, self._pool, self._limits, self._observe, self._span = http, pool, limits, observe, span
        self._headers = {**_HEADERS, "Authorization": f"Bearer {token}"} if token else _HEADERS
        self._clock = asyncio.get_running_loop().time
        self._deadline = self._clock() + limits.deadline
        self._bytes_left = limits.max_call_bytes
        self._has_answered = self._has_failed = False
        self.was_busy = False  # whether something was given up for a reason of ours
        self.was_late = False  # whether something was given up because its time was over

    @property
    def seconds_left(self) -> float:
        """Until the deadline; negative beyond it."""
        return self._deadline - self._clock()

    @property
    def worked(self) -> bool | None:
        """Whether the server works: it has answered something. False if it only failed, None if nothing shows.

        Nothing shows either where this process came late to what it was waiting for: the answer may have been there.
        """
        if self._has_answered:
            return True
        return False if self._has_failed and self.seconds_left > -_LAG else None

    async def get(self, url: str) -> Any:
        """The answer as JSON, or a Failure."""
        return await self._observed("GET", url, b"")

    async def post(self, url: str, body: bytes) -> Any:
        """The answer to a request that changes nothing, as JSON, or a Failure."""
        return await self._observed("POST", url, body)

    async def _observed(self, method: str, url: str, body: bytes) -> Any:
        """Observed even if the deadline cancels it."""
        started, outcome, answer = self._clock(), "other", None
        with self._span("fetch") as span:
            try:
                answer = await self._send(method, url, body, {**self._headers, **span.headers})
                outcome = answer.kind if isinstance(answer, Failure) else "ok"
                return answer
            except asyncio.CancelledError:
                outcome = TOO_LATE.kind
                raise
            finally:
                self._note(outcome, answer)
                span.note(outcome=outcome)
                self._observe(outcome, self._clock() - started)

    def _note(self, outcome: str, answer: Any) -> None:
        """Tells what says that the server works from what says that it does not."""
        status = answer.status if isinstance(answer, Failure) else 0
        is_down = status >= 500 or status in _OVERLOADED
        self.was_late = self.was_late or outcome in {TOO_LATE.kind, BUSY.kind}
        if outcome in {TOO_LATE.kind, UNREACHABLE.kind} or is_down:
            self._has_failed = True
        elif outcome == BUSY.kind:
            self.was_busy = True
        elif outcome != "other":
            self._has_answered = True

    async def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        try:
            async with asyncio.timeout(self._limits.timeout):
                try:
                    return await self._send_once(method, url, body, headers)
                except httpx.NetworkError:  # a kept connection may have gone stale; a GET was sent again already
                    if not body:
                        raise
                    return await self._send_once(method, url, body, headers)
        except httpx.PoolTimeout:
            return BUSY
        except (TimeoutError, httpx.TimeoutException):
            return TOO_LATE
        except (httpx.HTTPError, httpx.InvalidURL):
            return UNREACHABLE

    async def _send_once(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        async with self._http.stream(
            method,
            url,
            content=body or None,
            headers={**headers, **_SENT} if body else headers,
            timeout=httpx.Timeout(None, pool=max(min(self.seconds_left, self._limits.timeout) - _LAG, 0)),
            extensions={"pool": self._pool},
        ) as response:
            return await self._read(response)

    async def _read(self, response: httpx.Response) -> Any:
        if response.status_code != 200:
            return failed_with(response.status_code)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            return COMPRESSED
        chunks, size = [], 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            self._bytes_left -= len(chunk)
            if size > self._limits.max_bytes:
                return TOO_LARGE
            if self._bytes_left < 0:
                return TOO_LARGE_IN_ALL
            chunks.append(chunk)
        try:
            return decode(b"".join(chunks))
        except UNREADABLE:
            return NOT_JSON
