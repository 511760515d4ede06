"""Fetches what the prefetch lacks from the EHR's own FHIR server.

All requests start at once, or travel in one batch, and end at one deadline. An answer that did not come is a `Failure`,
whose reason goes to the card.
"""

import asyncio
import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from cds_service.errors import Busy
from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import Resource, member, objects, text
from cds_service.fhir.queries import FOR_ORDERS, PATIENT, QUERIES, fhir_query
from cds_service.gathering.allowed_servers import BaseUrl
from cds_service.gathering.failures import (
    BUSY,
    NO_SUCH_PATIENT,
    NOT_A_FHIR_ID,
    NOT_A_SEARCHSET,
    TOO_LATE,
    UNREACHABLE,
    Failure,
    failed_with,
)
from cds_service.gathering.fetching import Fetcher, Limits, ObserveFetch, unobserved
from cds_service.gathering.upstreams import Upstream, Visit
from cds_service.telemetry.tracing import Spans, untraced

_ID_CHARACTERS = r"[A-Za-z0-9\-.]{1,64}"
_ID = re.compile(rf"(?!\.+$){_ID_CHARACTERS}")  # dots alone would be a step up the path
_MEDICATION = re.compile(rf"([^?#]*/)?Medication/(?!\.+(/|$)){_ID_CHARACTERS}(/_history/{_ID_CHARACTERS})?")
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_STATUS = re.compile(r"\s*([1-5]\d\d)\b")
_MAX_MEDICATIONS = 20
_RETRIABLE = frozenset((408, 425, 429))  # refusals that are about this moment, not about what may be asked


class NoServer:
    """Stands in where no FHIR server may be asked. `reason` says why, in words for a card."""

    was_busy = False

    def __init__(self, reason: str = "") -> None:
        self.reason = reason

    async def __aenter__(self) -> "NoServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def complete_prefetch(
        self, prefetch: Mapping[str, Any], _patient_id: str, _version: str, _keys: Sequence[str] = FOR_ORDERS
    ) -> Mapping[str, Any]:
        """The prefetch as it is."""
        return prefetch

    async def fetch_medications(self, _references: Iterable[str]) -> list[Resource]:
        """No entries."""
        return []


class FhirServer:
    """The FHIR server of one call, with the access token of that call. Its deadline starts when it is made.

    To be entered for the time of gathering. Where the server may not be asked now, every query has the same Failure.
    """

    reason = ""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base: BaseUrl,
        token: str,
        code_lists: Mapping[str, CodeList],
        limits: Limits,
        observe: ObserveFetch = unobserved,
        span: Spans = untraced,
        upstream: Upstream | None = None,
    ) -> None:
        self._base, self._limits, self._code_lists = base, limits, code_lists
        self._upstream = upstream or Upstream()
        self._fetcher = Fetcher(http, self._upstream.pool, token, limits, observe, span)
        self._visit: Visit | None = None

    async def __aenter__(self) -> "FhirServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._visit is not None:
            self._visit.end(self._fetcher.worked, self._fetcher.was_late)

    @property
    def was_busy(self) -> bool:
        """Whether something was not asked because this process had too much to do."""
        refused = self._visit is not None and self._visit.failure is BUSY
        return refused or self._fetcher.was_busy

    async def complete_prefetch(
        self, prefetch: Mapping[str, Any], patient_id: str, version: str, keys: Sequence[str] = FOR_ORDERS
    ) -> dict[str, Any]:
        """The prefetch with those of these keys fetched that are absent, and with the further pages of the others.

        Raises `Busy` where nothing may be asked, nothing was sent, and many others are in the same place.
        """
        answers: dict[str, Any] = dict(prefetch)
        missing = [key for key in keys if key not in prefetch]
        if not is_fhir_id(patient_id):
            answers |= dict.fromkeys(missing, NOT_A_FHIR_ID)
            missing = []
        pages = {key: url for key in keys if key in prefetch and (url := self._next_page(prefetch[key]))}
        if (missing or pages) and (refusal := await self._refusal(is_bare=not prefetch)) is not None:
            return answers | dict.fromkeys(missing, refusal)
        queries = {key: self._query(key, patient_id, version) for key in missing}
        await self._ask(answers, queries, pages)
        if PATIENT in queries and _is_not_found(answers[PATIENT]):
            answers |= {key: NO_SUCH_PATIENT for key in queries if _is_empty(answers[key])}
        not_offered = {key for key in queries if QUERIES[key].optional and _is_not_offered(answers[key])}
        return {key: answer for key, answer in answers.items() if key not in not_offered}

    async def fetch_medications(self, references: Iterable[str]) -> list[Resource]:
        """Bundle entries with the Medications behind references such as `Medication/1`: those that could be read."""
        urls = {reference: url for reference in references if (url := self._medication_url(reference))}
        answers: dict[str, Any] = {}
        if not urls or await self._refusal() is not None:
            return []
        await self._ask(answers, dict(list(urls.items())[:_MAX_MEDICATIONS]), {})
        return [
            {"fullUrl": reference, "resource": resource}
            for reference, resource in answers.items()
            if member(resource, "resourceType") == "Medication"
        ]

    def _medication_url(self, reference: str) -> str | None:
        return self._base.resolve(reference) if _MEDICATION.fullmatch(reference) else None

    async def _refusal(self, is_bare: bool = False) -> Failure | None:
        """Why nothing may be asked now; None if it may. Found out once for a call, and may take until its deadline."""
        if self._visit is None:
            self._visit = await self._upstream.begin_visit(self._fetcher.seconds_left)
        if is_bare and not self._visit.has_turn:
            raise Busy
        return self._visit.failure

    def _query(self, key: str, patient_id: str, version: str) -> str:
        path = fhir_query(QUERIES[key], quote(patient_id, safe=""), self._code_lists, version)
        return f"{self._base.url}/{path}"

    async def _ask(self, answers: dict[str, Any], queries: Mapping[str, str], pages: Mapping[str, str]) -> None:
        """Answers each query, a URL below the base, and adds the pages to the answers that are there.

        Whatever has no answer at the deadline has a Failure.
        """
        requests = [self._fetch_pages(answers, key, url) for key, url in pages.items()]
        if self._upstream.access.batch and len(queries) > 1:
            requests.append(self._fetch_batch(answers, queries))
        else:
            requests += [self._fetch(answers, key, url) for key, url in queries.items()]
        if requests:
            await self._run_until_deadline(requests)
        answers |= {key: TOO_LATE for key in queries if key not in answers}

    async def _run_until_deadline(self, requests: Iterable[Awaitable[None]]) -> None:
        """Runs all at once; cancels those that are not done at the deadline."""
        tasks = [asyncio.ensure_future(request) for request in requests]
        _, pending = await asyncio.wait(tasks, timeout=max(self._fetcher.seconds_left, 0))
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _fetch(self, answers: dict[str, Any], key: str, url: str) -> None:
        """Stores each page as it comes, so that what came before the deadline is kept."""
        await self._store(answers, key, await self._fetcher.get(url))

    async def _fetch_batch(self, answers: dict[str, Any], queries: Mapping[str, str]) -> None:
        """All queries in one request. Each entry of the answer stands for itself; further pages are read one by one."""
        entries = [
            {"request": {"method": "GET", "url": url.removeprefix(f"{self._base.url}/")}} for url in queries.values()
        ]
        batch = msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": entries})
        answer = await self._fetcher.post(self._base.url, batch)
        found = _read_batch(answer, len(queries))
        await asyncio.gather(*(self._store(answers, key, one) for key, one in zip(queries, found, strict=True)))

    async def _store(self, answers: dict[str, Any], key: str, answer: Any) -> None:
        answers[key] = answer if key not in QUERIES or _is_answer(key, answer) else NOT_A_SEARCHSET
        next_page = self._next_page(answers[key])
        if next_page is not None:
            await self._fetch_pages(answers, key, next_page)

    async def _fetch_pages(self, answers: dict[str, Any], key: str, url: str) -> None:
        """Adds page after page. If one fails, the `next` link stays, which says that something is missing."""
        next_page: str | None = url
        for _ in range(self._limits.max_pages - 1):
            page = await self._fetcher.get(next_page) if next_page else None
            if not isinstance(page, dict) or not _is_searchset(page):
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


def is_fhir_id(identity: str) -> bool:
    """Whether this is an id that a resource of a FHIR server can have."""
    return _ID.fullmatch(identity) is not None


def _is_searchset(answer: Any) -> bool:
    """Whether an answer is what a server sends for a search. `null` or a Bundle of no type says nothing."""
    return member(answer, "resourceType") == "Bundle" and text(answer.get("type")) == "searchset"


def _is_answer(key: str, answer: Any) -> bool:
    """Whether a query can have this answer: a searchset, for a read the resource; or why there is none."""
    if isinstance(answer, Failure) or _is_searchset(answer):
        return True
    resource_type = member(answer, "resourceType")
    return resource_type == "OperationOutcome" or (key == PATIENT and resource_type == QUERIES[key].resource_type)


def _read_batch(answer: Any, asked: int) -> list[Any]:
    """The answers in a batch-response, in the order of the requests; the same Failure for each if it is none."""
    if isinstance(answer, Failure):
        return [answer] * asked
    entries = objects(member(answer, "entry"))
    is_batch = member(answer, "resourceType") == "Bundle" and text(answer.get("type")) == "batch-response"
    if not is_batch or len(entries) != asked:
        return [NOT_A_SEARCHSET] * asked
    return [_read_batch_entry(entry) for entry in entries]


def _read_batch_entry(entry: Resource) -> Any:
    status = _STATUS.match(str(member(entry.get("response"), "status")))
    if status is None:
        return UNREACHABLE
    return entry.get("resource") if status[1] == "200" else failed_with(int(status[1]))


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
