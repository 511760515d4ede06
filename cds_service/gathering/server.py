"""Fetches what the prefetch lacks from the EHR's own FHIR server.

All requests start at once and end at one deadline. An answer that did not come is a `Failure`, whose reason goes to
the card; a reason never holds an address or anything that the server sent.
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
from cds_service.gathering.allowed_servers import BaseUrl
from cds_service.telemetry.tracing import Spans, untraced

_ID_CHARACTERS = r"[A-Za-z0-9\-.]{1,64}"
_ID = re.compile(rf"(?!\.+$){_ID_CHARACTERS}")  # dots alone would be a step up the path
_MEDICATION = re.compile(rf"([^?#]*/)?Medication/(?!\.+(/|$)){_ID_CHARACTERS}(/_history/{_ID_CHARACTERS})?")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_HEADERS = {
    "Accept": "application/fhir+json, application/json;q=0.9, application/json+fhir;q=0.8",
    "Accept-Encoding": "identity",  # no decompression bombs
}
_MAX_MEDICATIONS = 20
_RETRIABLE = frozenset((408, 425, 429))  # refusals that are about this moment, not about what may be asked


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a query has no answer: the reason in words for a card, the kind for metrics, and the HTTP status if any."""

    reason: str
    kind: str = "not asked"
    status: int = 0


TOO_LATE = Failure("the FHIR server did not answer in time", "late")
UNREACHABLE = Failure("the FHIR server could not be reached", "unreachable")
NO_SUCH_PATIENT = Failure("the FHIR server does not know the patient")
NOT_A_FHIR_ID = Failure("the id of the patient is not one that a FHIR server can have")
ObserveFetch = Callable[[str, float], None]  # the outcome of one request, and its seconds


def _unobserved(_outcome: str, _seconds: float) -> None:
    """Observes nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for all requests of a call (`deadline`) and for each one (`timeout`); bytes and pages of each answer."""

    deadline: float = 0.4
    timeout: float = 0.35
    max_bytes: int = 4 * 1024 * 1024
    max_pages: int = 5


class NoServer:
    """Stands in where no FHIR server may be asked. `reason` says why, in words for a card."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason

    async def complete_prefetch(
        self, prefetch: Mapping[str, Any], _patient_id: str, _version: str
    ) -> Mapping[str, Any]:
        """The prefetch as it is."""
        return prefetch

    async def fetch_medications(self, _references: Iterable[str]) -> list[Resource]:
        """No entries."""
        return []


class FhirServer:
    """The FHIR server of one call, with the access token of that call. Its deadline starts when it is made."""

    reason = ""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base: BaseUrl,
        token: str,
        code_lists: Mapping[str, CodeList],
        limits: Limits,
        observe: ObserveFetch = _unobserved,
        span: Spans = untraced,
    ) -> None:
        self._observe, self._span = observe, span
        self._http, self._base, self._limits = http, base, limits
        self._code_lists = code_lists
        self._headers = {**_HEADERS, "Authorization": f"Bearer {token}"} if token else _HEADERS
        self._deadline = asyncio.get_running_loop().time() + limits.deadline

    async def complete_prefetch(self, prefetch: Mapping[str, Any], patient_id: str, version: str) -> dict[str, Any]:
        """The prefetch with its absent keys fetched, and with the further pages of those that came in pages."""
        answers: dict[str, Any] = dict(prefetch)
        requests: dict[str, Awaitable[None]] = {}
        for key, query in QUERIES.items():
            if key not in prefetch:
                answers[key] = TOO_LATE if _ID.fullmatch(patient_id) else NOT_A_FHIR_ID
                path = fhir_query(query, quote(patient_id, safe=""), self._code_lists, version)
                if answers[key] is TOO_LATE:
                    requests[key] = self._fetch(answers, key, f"{self._base.url}/{path}")
            elif (next_page := self._next_page(prefetch[key])) is not None:
                requests[key] = self._fetch_pages(answers, key, next_page)
        await self._run_until_deadline(requests.values())
        if PATIENT in requests and _is_not_found(answers[PATIENT]):
            answers |= {key: NO_SUCH_PATIENT for key in requests if _is_empty(answers[key])}
        not_offered = {key for key in requests if QUERIES[key].optional and _is_not_offered(answers[key])}
        return {key: answer for key, answer in answers.items() if key not in not_offered}

    async def fetch_medications(self, references: Iterable[str]) -> list[Resource]:
        """Bundle entries with the Medications behind references such as `Medication/1`: those that could be read."""
        urls = {reference: url for reference in references if (url := self._medication_url(reference))}
        answers: dict[str, Any] = {}
        requests = [self._fetch(answers, reference, url) for reference, url in list(urls.items())[:_MAX_MEDICATIONS]]
        await self._run_until_deadline(requests)
        return [
            {"fullUrl": reference, "resource": resource}
            for reference, resource in answers.items()
            if member(resource, "resourceType") == "Medication"
        ]

    def _medication_url(self, reference: str) -> str | None:
        return self._base.resolve(reference) if _MEDICATION.fullmatch(reference) else None

    async def _run_until_deadline(self, requests: Iterable[Awaitable[None]]) -> None:
        """Runs all at once; cancels those that are not done at the deadline."""
        tasks = [asyncio.ensure_future(request) for request in requests]
        if not tasks:
            return
        time_left = max(self._deadline - asyncio.get_running_loop().time(), 0)
        _, pending = await asyncio.wait(tasks, timeout=time_left)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _fetch(self, answers: dict[str, Any], key: str, url: str) -> None:
        """Stores each page as it comes, so that what came before the deadline is kept."""
        answers[key] = await self._get(url)
        next_page = self._next_page(answers[key])
        if next_page is not None:
            await self._fetch_pages(answers, key, next_page)

    async def _fetch_pages(self, answers: dict[str, Any], key: str, url: str) -> None:
        """Adds page after page. If one fails, the `next` link stays, which says that something is missing."""
        next_page: str | None = url
        for _ in range(self._limits.max_pages - 1):
            page = await self._get(next_page) if next_page else None
            if not isinstance(page, dict) or page.get("resourceType") != "Bundle":
                return
            bundle = answers[key]
            entries = [*objects(bundle.get("entry")), *objects(page.get("entry"))]
            answers[key] = {**bundle, "entry": entries, "link": page.get("link", [])}
            next_page = self._next_page(page)

    def _next_page(self, answer: Any) -> str | None:
        """The URL of the `next` link, if there is one and it is below the server's own base."""
        for link in objects(member(answer, "link")):
            if text(link.get("relation")) == "next":
                return self._base.resolve(text(link.get("url")))
        return None

    async def _get(self, url: str) -> Any:
        """The answer as JSON, or a Failure. Observed even if the deadline cancels it."""
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
        try:
            async with asyncio.timeout(self._limits.timeout):
                return await self._get_once(url, headers)
        except (TimeoutError, httpx.TimeoutException):
            return TOO_LATE
        except (httpx.HTTPError, httpx.InvalidURL):
            return UNREACHABLE

    async def _get_once(self, url: str, headers: Mapping[str, str]) -> Any:
        async with self._http.stream("GET", url, headers=headers) as response:
            return await self._read(response)

    async def _read(self, response: httpx.Response) -> Any:
        status = response.status_code
        if status != 200:
            return Failure(f"the FHIR server answered with status {status}", "status", status)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            return Failure("the answer of the FHIR server is compressed, which it was not asked for", "compressed")
        chunks, size = [], 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self._limits.max_bytes:
                return Failure("the answer of the FHIR server is too large", "too large")
            chunks.append(chunk)
        try:
            return decode(b"".join(chunks))
        except UNREADABLE:
            return Failure("the answer of the FHIR server is not JSON that can be read", "unreadable")


def _is_not_offered(answer: Any) -> bool:
    """True where the server refuses a search as such: it has no such list, or none that may be read."""
    return isinstance(answer, Failure) and 400 <= answer.status < 500 and answer.status not in _RETRIABLE


def _is_not_found(answer: Any) -> bool:
    return isinstance(answer, Failure) and answer.status in (404, 410)


def _is_empty(answer: Any) -> bool:
    """A search that found nothing. Of a patient whom the server does not know, that does not mean "none on record"."""
    types = (member(member(entry, "resource"), "resourceType") for entry in objects(member(answer, "entry")))
    return member(answer, "resourceType") == "Bundle" and all(kind == "OperationOutcome" for kind in types)


DataSource = FhirServer | NoServer
NO_SERVER = NoServer()


def read_bearer_token(authorization: object) -> str | None:
    """The access token of a `fhirAuthorization`: empty if there is none, None if it cannot be used."""
    token, token_type = member(authorization, "access_token"), member(authorization, "token_type")
    if token is None:
        return ""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(token_type or "Bearer").lower() != "bearer":
        return None
    return token
