"""Fetching: what the prefetch lacks, from the EHR's own FHIR server. The only place that talks to another server.

All is asked for at once and given up at one deadline. What arrived is used; what did not is a `Failure`, whose words
go to the card. No words hold an address, or anything that the server said.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import UNREADABLE, Resource, decode, member, objects, text
from cds_service.fhir.queries import PATIENT, QUERIES, fhir_query
from cds_service.gathering.allowed_servers import Base
from cds_service.telemetry.tracing import Spans, untraced

_WORD = r"[A-Za-z0-9\-.]{1,64}"
_ID = re.compile(rf"(?!\.+$){_WORD}")  # dots alone would be a step up the path
_MEDICATION = re.compile(rf"([^?#]*/)?Medication/(?!\.+(/|$)){_WORD}(/_history/{_WORD})?")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_ACCEPT = {
    "Accept": "application/fhir+json, application/json;q=0.9, application/json+fhir;q=0.8",
    "Accept-Encoding": "identity",  # what is not compressed cannot swell
}
_MOST_MEDICATIONS = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an answer did not come: in words for a card, and the kind of failure for whoever counts them."""

    reason: str
    kind: str = "not asked"
    status: int = 0  # that of the answer, where it was not 200


TOO_LATE = Failure("the FHIR server did not answer in time", "late")
UNREACHABLE = Failure("the FHIR server could not be reached", "unreachable")
NO_SUCH_PATIENT = Failure("the FHIR server does not know the patient")
NOT_A_FHIR_ID = Failure("the id of the patient is not one that a FHIR server can have")
Observe = Callable[[str, float], None]  # what became of one request, and the seconds it took


def _unobserved(_outcome: str, _seconds: float) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much: seconds for the whole gathering and for one answer, bytes and pages for one query."""

    deadline: float = 0.4
    timeout: float = 0.35
    max_bytes: int = 4 * 1024 * 1024
    max_pages: int = 5


class NoServer:
    """Where there is no FHIR server to ask: `why` is for the reader of a card."""

    def __init__(self, why: str = "") -> None:
        self.why = why

    async def complete(self, prefetch: Mapping[str, Any], _patient_id: str, _version: str) -> Mapping[str, Any]:
        """The prefetch as it came."""
        return prefetch

    async def medications(self, _references: Iterable[str]) -> list[Resource]:
        """Nothing."""
        return []


class FhirServer:
    """The FHIR server of one call: its base, the token that came for it, and a deadline that has begun."""

    why = ""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base: Base,
        token: str,
        code_lists: Mapping[str, CodeList],
        limits: Limits,
        observe: Observe = _unobserved,
        span: Spans = untraced,
    ) -> None:
        self._observe, self._span = observe, span
        self._http, self._base, self._limits = http, base, limits
        self._code_lists = code_lists
        self._headers = {**_ACCEPT, "Authorization": f"Bearer {token}"} if token else _ACCEPT
        self._until = asyncio.get_running_loop().time() + limits.deadline

    async def complete(self, prefetch: Mapping[str, Any], patient_id: str, version: str) -> dict[str, Any]:
        """The prefetch, with each key that is absent asked for, and each that came in pages read on."""
        answers: dict[str, Any] = dict(prefetch)
        asked: dict[str, Awaitable[None]] = {}
        for key, query in QUERIES.items():
            if key not in prefetch:
                answers[key] = TOO_LATE if _ID.fullmatch(patient_id) else NOT_A_FHIR_ID
                path = fhir_query(query, quote(patient_id, safe=""), self._code_lists, version)
                if answers[key] is TOO_LATE:
                    asked[key] = self._ask(answers, key, f"{self._base.url}/{path}")
            elif (following := self._next(prefetch[key])) is not None:
                asked[key] = self._read_on(answers, key, following)
        await self._all(asked.values())
        if PATIENT in asked and _is_not_there(answers[PATIENT]):
            answers |= {key: NO_SUCH_PATIENT for key in asked if _is_empty(answers[key])}
        return answers

    async def medications(self, references: Iterable[str]) -> list[Resource]:
        """The Medication resources behind references such as `Medication/1`, those that could be read."""
        wanted = {one: address for one in references if (address := self._medication(one))}
        answers: dict[str, Any] = {}
        chosen = list(wanted.items())[:_MOST_MEDICATIONS]
        await self._all([self._ask(answers, reference, address) for reference, address in chosen])
        return [
            {"fullUrl": reference, "resource": resource}
            for reference, resource in answers.items()
            if member(resource, "resourceType") == "Medication"
        ]

    def _medication(self, reference: str) -> str | None:
        if not _MEDICATION.fullmatch(reference):
            return None
        return self._base.resolve(reference)

    async def _all(self, asked: Iterable[Awaitable[None]]) -> None:
        """Waits for all, until the deadline; what is not there by then is given up."""
        tasks = [asyncio.ensure_future(one) for one in asked]
        if not tasks:
            return
        left = max(self._until - asyncio.get_running_loop().time(), 0)
        _, late = await asyncio.wait(tasks, timeout=left)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _ask(self, answers: dict[str, Any], key: str, url: str) -> None:
        """Puts the answer in its place as soon as it is there, so that the deadline finds what came in time."""
        answers[key] = await self._get(url)
        following = self._next(answers[key])
        if following is not None:
            await self._read_on(answers, key, following)

    async def _read_on(self, answers: dict[str, Any], key: str, url: str) -> None:
        """Adds page after page. A page that fails leaves the `next` link, which says that something is missing."""
        following: str | None = url
        for _ in range(self._limits.max_pages - 1):
            page = await self._get(following) if following else None
            if not isinstance(page, dict) or page.get("resourceType") != "Bundle":
                return
            whole = answers[key]
            entries = [*objects(whole.get("entry")), *objects(page.get("entry"))]
            answers[key] = {**whole, "entry": entries, "link": page.get("link", [])}
            following = self._next(page)

    def _next(self, answer: Any) -> str | None:
        """The address of the next page, if there is one and it lies under the same base."""
        for link in objects(member(answer, "link")):
            if text(link.get("relation")) == "next":
                return self._base.resolve(text(link.get("url")))
        return None

    async def _get(self, url: str) -> Any:
        """What the server answers, as JSON, or a Failure; observed also where the deadline cancels it."""
        clock = asyncio.get_running_loop().time
        started, outcome = clock(), "other"
        with self._span("fetch") as span:
            try:
                answer = await self._get_in_time(url, {**self._headers, **span.headers})
                outcome = answer.kind if isinstance(answer, Failure) else "ok"
                return answer
            except asyncio.CancelledError:
                outcome = TOO_LATE.kind
                raise
            finally:
                span.note(outcome=outcome)
                self._observe(outcome, clock() - started)

    async def _get_in_time(self, url: str, headers: Mapping[str, str]) -> Any:
        """A connection that breaks is tried once more."""
        try:
            async with asyncio.timeout(self._limits.timeout):
                try:
                    return await self._get_once(url, headers)
                except (httpx.NetworkError, httpx.RemoteProtocolError):  # such as one that was kept open too long
                    return await self._get_once(url, headers)
        except (TimeoutError, httpx.TimeoutException):
            return TOO_LATE
        except (httpx.HTTPError, httpx.InvalidURL):
            return UNREACHABLE

    async def _get_once(self, url: str, headers: Mapping[str, str]) -> Any:
        async with self._http.stream("GET", url, headers=headers) as got:
            return await self._read(got)

    async def _read(self, got: httpx.Response) -> Any:
        if got.status_code != 200:
            return Failure(f"the FHIR server answered with status {got.status_code}", "status", got.status_code)
        if got.headers.get("content-encoding", "identity").lower() != "identity":
            return Failure("the answer of the FHIR server is compressed, which it was not asked for", "compressed")
        parts, size = [], 0
        async for part in got.aiter_raw():
            size += len(part)
            if size > self._limits.max_bytes:
                return Failure("the answer of the FHIR server is too large", "too large")
            parts.append(part)
        try:
            return decode(b"".join(parts))
        except UNREADABLE:
            return Failure("the answer of the FHIR server is not JSON that can be read", "unreadable")


def _is_not_there(answer: Any) -> bool:
    return isinstance(answer, Failure) and answer.status in (404, 410)


def _is_empty(answer: Any) -> bool:
    """A search that found nothing. About a patient whom the server does not know that is no "none on record"."""
    found = (member(member(entry, "resource"), "resourceType") for entry in objects(member(answer, "entry")))
    return member(answer, "resourceType") == "Bundle" and all(kind == "OperationOutcome" for kind in found)


Source = FhirServer | NoServer
NO_SERVER = NoServer()


def bearer(authorization: object) -> str | None:
    """The token of a `fhirAuthorization`; empty if there is none, None if there is one that cannot be used."""
    token, kind = member(authorization, "access_token"), member(authorization, "token_type")
    if token is None:
        return ""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind or "Bearer").lower() != "bearer":
        return None
    return token
