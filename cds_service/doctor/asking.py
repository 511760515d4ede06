"""Asks a FHIR server every query as the service would, all at once; then each by itself, with patience, to measure it.

It uses the service's own client for FHIR servers, with its guard, its limits and its pages. Nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from cds_service.clinical.chart import Data
from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import objects, text
from cds_service.fhir.queries import BODY, FOR_ORDERS, QUERIES, fhir_query
from cds_service.fhir.versions import R4
from cds_service.gathering.allowed_servers import BaseUrl
from cds_service.gathering.failures import TOO_LATE
from cds_service.gathering.fetching import Fetcher, Limits
from cds_service.gathering.prefetch import build_chart, read_answer
from cds_service.gathering.server import FhirServer
from cds_service.gathering.upstreams import FhirAccess, Upstream

_PATIENCE = 10.0  # seconds for a query that is asked by itself
_MOST_OBSERVATIONS = 200


@dataclass(frozen=True)
class FhirTarget:
    """The server to examine, how it is asked, and the patient. Neither token nor patient is ever printed."""

    http: httpx.AsyncClient = field(repr=False)
    base: BaseUrl
    token: str = field(repr=False)
    patient_id: str = field(repr=False)
    code_lists: Mapping[str, CodeList] = field(repr=False)
    limits: Limits
    access: FhirAccess = field(default_factory=FhirAccess)
    version: str = R4
    keys: Sequence[str] = FOR_ORDERS  # of the queries that the site needs


@dataclass(frozen=True)
class QueryResult:
    """What one query came to: its data, the seconds that it took by itself, its requests, and whether it came in time
    when all were asked at once."""

    key: str
    data: Data
    seconds: float
    requests: int
    was_in_time: bool


@dataclass(frozen=True)
class Examination:
    """Everything that the server said."""

    results: tuple[QueryResult, ...]
    capabilities: Mapping[str, Any] | None  # the CapabilityStatement; None where there is none
    observations: Data  # the newest results whatever their code: what the queries do not ask for
    deadline: float


async def examine(target: FhirTarget) -> Examination:
    """Asks everything. What the server does not answer is a failure in the result, never an error here."""
    async with _server(target, target.limits) as server:
        together = await server.complete_prefetch({}, target.patient_id, target.version, target.keys)
    results = [await _measure(target, key, together) for key in target.keys]
    statement = await _fetcher(target).get(f"{target.base.url}/metadata")
    is_statement = isinstance(statement, dict) and statement.get("resourceType") == "CapabilityStatement"
    return Examination(
        tuple(results), statement if is_statement else None, await _observations(target), target.limits.deadline
    )


def search_parameters(target: FhirTarget, key: str) -> list[str]:
    """The search parameters that a query needs; none for a read."""
    search = fhir_query(QUERIES[key], "x", target.code_lists, target.version).partition("?")[2]
    names = [parameter.partition("=")[0] for parameter in search.split("&") if parameter]
    return [name for name in names if not name.startswith("_")]


def listed_searches(capabilities: Mapping[str, Any], resource_type: str) -> set[str] | None:
    """The search parameters that a CapabilityStatement lists for a type; None where it does not list the type."""
    listed = [
        resource
        for rest in objects(capabilities.get("rest"))
        for resource in objects(rest.get("resource"))
        if text(resource.get("type")) == resource_type
    ]
    if not listed:
        return None
    return {text(parameter.get("name")) for resource in listed for parameter in objects(resource.get("searchParam"))}


def _server(target: FhirTarget, limits: Limits, seconds: list[float] | None = None) -> FhirServer:
    observe = (lambda _outcome, taken: seconds.append(taken)) if seconds is not None else (lambda *_: None)
    upstream = Upstream(access=target.access)
    return FhirServer(target.http, target.base, target.token, target.code_lists, limits, observe, upstream=upstream)


def _patient_limits(limits: Limits) -> Limits:
    return Limits(_PATIENCE, _PATIENCE, limits.max_bytes, limits.max_pages, limits.max_call_bytes)


def _fetcher(target: FhirTarget) -> Fetcher:
    return Fetcher(target.http, Upstream().pool, target.token, _patient_limits(target.limits))


async def _measure(target: FhirTarget, key: str, together: Mapping[str, Any]) -> QueryResult:
    """Asks one query by itself. Its data is what the service would have; what came too late is taken from here."""
    seconds: list[float] = []
    others = {other: None for other in target.keys if other != key}
    server = _server(target, _patient_limits(target.limits), seconds)
    async with server:
        answers = await server.complete_prefetch(others, target.patient_id, target.version, target.keys)
    was_in_time = together.get(key) is not TOO_LATE
    data = build_chart(target.patient_id, together if was_in_time else answers, keys=target.keys).get(key)
    return QueryResult(key, data, sum(seconds), len(seconds), was_in_time)


async def _observations(target: FhirTarget) -> Data:
    """The newest results of the patient, whatever their code."""
    search = f"Observation?patient={quote(target.patient_id, safe='')}&_sort=-date&_count={_MOST_OBSERVATIONS}"
    answer = await _fetcher(target).get(f"{target.base.url}/{search}")
    return read_answer(QUERIES[BODY], answer, target.patient_id)
