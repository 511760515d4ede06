"""The demo FHIR server at `/demo/fhir`: metadata, read and search over invented people. It is read-only.

Its data are invented, so it asks for no token.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from cds_service import __version__
from cds_service.api.runtime import Runtime
from cds_service.demo.people import days_since_story, moved
from cds_service.fhir.json import Resource
from cds_service.fhir.queries import QUERIES
from cds_service.fhir.searching import TOKENS, Parameters, SearchResult, find, read, searchset, whole_number
from cds_service.fhir.versions.elements import SUBJECTS

PATH = "/demo/fhir"
PAGE, LARGEST_PAGE = 100, 1000
_OFFSET = "_offset"  # of this server's own `next` links
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def make_router(runtime: Runtime, resources: Sequence[Resource]) -> APIRouter:
    """The FHIR server of these resources, whose dates move with the calendar."""
    router = APIRouter(prefix=PATH, include_in_schema=False)
    types = sorted(
        {resource["resourceType"] for resource in resources} | {query.resource_type for query in QUERIES.values()}
    )

    def answer(resource: Resource) -> Response:
        days = days_since_story(runtime.now())
        return _json(moved(resource, days) if days else resource)

    def search(kind: str, parameters: Parameters, request: Request) -> Response:
        if kind not in types:
            raise HTTPException(404)
        found = find(resources, kind, parameters)
        return answer(_page(found, _offset(parameters), f"{_base(request)}/{kind}"))

    @router.get("/metadata")
    async def metadata(request: Request) -> Response:
        return _json(capability_statement(_base(request), runtime.now().date().isoformat(), types))

    @router.get("/{kind}")
    async def search_by_get(kind: str, request: Request) -> Response:
        return search(kind, parse_qsl(request.url.query), request)

    @router.post("/{kind}/_search")
    async def search_by_post(kind: str, request: Request) -> Response:
        body = await runtime.bodies.read(request)
        return search(kind, [*parse_qsl(request.url.query), *parse_qsl(body.decode(errors="replace"))], request)

    @router.get("/{kind}/{identity}")
    async def read_one(kind: str, identity: str) -> Response:
        if (resource := read(resources, kind, identity)) is None:
            raise HTTPException(404)
        return answer(resource)

    return router


def _page(found: SearchResult, start: int, address: str) -> Resource:
    """One page of a search. Its `self` link names the parameters that were understood."""
    count = min(found.count(PAGE), LARGEST_PAGE)
    links = [_link("self", address, found.used)]
    if count and start + count < len(found.matches):
        links.append(_link("next", address, [*found.used, (_OFFSET, str(start + count))]))
    entries = [
        {"fullUrl": f"{address}/{resource['id']}", "resource": resource, "search": {"mode": "match"}}
        for resource in found.matches[start : start + count]
    ]
    return searchset(entries, len(found.matches), links)


def _link(relation: str, address: str, parameters: Parameters) -> Resource:
    return {"relation": relation, "url": f"{address}?{urlencode(parameters)}" if parameters else address}


def _offset(parameters: Parameters) -> int:
    return whole_number(dict(parameters).get(_OFFSET, "")) or 0


def capability_statement(base: str, today: str, types: Sequence[str]) -> Resource:
    """The CapabilityStatement. Clients read its `fhirVersion` to know how to write an order."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": today,
        "kind": "instance",
        "software": {"name": "Acetylcysteine CDS Hooks service, demo FHIR server", "version": __version__},
        "implementation": {"description": "Invented people only, for trying the service out", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [_capability(kind) for kind in types]}],
    }


def _capability(kind: str) -> Resource:
    tokens = ["_id"] if kind == "Patient" else ["_id", *TOKENS]
    patients = () if kind == "Patient" else SUBJECTS
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            *({"name": name, "type": "token"} for name in tokens),
            *({"name": name, "type": "reference"} for name in patients),
        ],
    }


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{PATH}"


def _json(body: Any) -> Response:
    return Response(_ENCODER.encode(body), media_type="application/fhir+json")
