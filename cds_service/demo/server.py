"""The demo FHIR server at `/demo/fhir`: metadata, read and search. It is read-only.

All patients are invented, so no token is required.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from cds_service import __version__
from cds_service.api.runtime import Runtime
from cds_service.demo.patients import days_since_fixtures, shift_dates
from cds_service.fhir.json import Resource
from cds_service.fhir.queries import QUERIES
from cds_service.fhir.searching import TOKENS, Parameters, SearchResult, find, read, searchset, whole_number
from cds_service.fhir.versions.elements import SUBJECTS

PATH = "/demo/fhir"
PAGE_SIZE, MAX_PAGE_SIZE = 100, 1000
_OFFSET = "_offset"  # a parameter of this server's `next` links
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def make_router(runtime: Runtime, resources: Sequence[Resource]) -> APIRouter:
    """A FHIR server for these resources, whose dates move with the calendar."""
    router = APIRouter(prefix=PATH, include_in_schema=False)
    types = sorted(
        {resource["resourceType"] for resource in resources} | {query.resource_type for query in QUERIES.values()}
    )

    def respond(resource: Resource) -> Response:
        days = days_since_fixtures(runtime.now())
        return _fhir_response(shift_dates(resource, days) if days else resource)

    def search(resource_type: str, parameters: Parameters, request: Request) -> Response:
        if resource_type not in types:
            raise HTTPException(404)
        result = find(resources, resource_type, parameters)
        return respond(_page(result, _offset(parameters), f"{_base_url(request)}/{resource_type}"))

    @router.get("/metadata")
    async def metadata(request: Request) -> Response:
        return _fhir_response(capability_statement(_base_url(request), runtime.now().date().isoformat(), types))

    @router.get("/{resource_type}")
    async def search_by_get(resource_type: str, request: Request) -> Response:
        return search(resource_type, parse_qsl(request.url.query), request)

    @router.post("/{resource_type}/_search")
    async def search_by_post(resource_type: str, request: Request) -> Response:
        form = (await runtime.bodies.read(request.scope, request.receive)).decode(errors="replace")
        return search(resource_type, [*parse_qsl(request.url.query), *parse_qsl(form)], request)

    @router.get("/{resource_type}/{resource_id}")
    async def read_by_id(resource_type: str, resource_id: str) -> Response:
        if (resource := read(resources, resource_type, resource_id)) is None:
            raise HTTPException(404)
        return respond(resource)

    return router


def _page(result: SearchResult, start: int, url: str) -> Resource:
    """One page of a search. Its `self` link contains the parameters that were applied."""
    count = min(result.count(PAGE_SIZE), MAX_PAGE_SIZE)
    links = [_link("self", url, result.used)]
    if count and start + count < len(result.matches):
        links.append(_link("next", url, [*result.used, (_OFFSET, str(start + count))]))
    entries = [
        {"fullUrl": f"{url}/{resource['id']}", "resource": resource, "search": {"mode": "match"}}
        for resource in result.matches[start : start + count]
    ]
    return searchset(entries, len(result.matches), links)


def _link(relation: str, url: str, parameters: Parameters) -> Resource:
    return {"relation": relation, "url": f"{url}?{urlencode(parameters)}" if parameters else url}


def _offset(parameters: Parameters) -> int:
    return whole_number(dict(parameters).get(_OFFSET, "")) or 0


def capability_statement(base_url: str, today: str, types: Sequence[str]) -> Resource:
    """The CapabilityStatement. Clients read its `fhirVersion` to learn which version to write orders in."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": today,
        "kind": "instance",
        "software": {"name": "Acetylcysteine CDS Hooks service, demo FHIR server", "version": __version__},
        "implementation": {"description": "Invented people only, for trying the service out", "url": base_url},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [_capability(resource_type) for resource_type in types]}],
    }


def _capability(resource_type: str) -> Resource:
    tokens = ["_id"] if resource_type == "Patient" else ["_id", *TOKENS]
    references = () if resource_type == "Patient" else SUBJECTS
    return {
        "type": resource_type,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            *({"name": name, "type": "token"} for name in tokens),
            *({"name": name, "type": "reference"} for name in references),
        ],
    }


def _base_url(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{PATH}"


def _fhir_response(body: Any) -> Response:
    return Response(_ENCODER.encode(body), media_type="application/fhir+json")
