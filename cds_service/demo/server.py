"""The demo FHIR server at `/demo/fhir`: metadata, read and search over invented people. It only reads.

Its data are invented, so it asks for no token.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response

from cds_service import __version__
from cds_service.api.bodies import Bodies
from cds_service.demo.people import days_since_story, load_people, moved
from cds_service.fhir.json import Resource
from cds_service.fhir.queries import QUERIES
from cds_service.fhir.searching import TOKENS, Parameters, SearchResult, find, read, searchset, whole_number
from cds_service.fhir.versions.elements import SUBJECTS

PATH = "/demo/fhir"
PAGE, LARGEST_PAGE = 100, 1000
_OFFSET = "_offset"  # of this server's own `next` links
_ENCODER = msgspec.json.Encoder(decimal_format="number")

router = APIRouter(prefix=PATH, include_in_schema=False)


def set_up(app: FastAPI) -> None:
    """Puts the demo server on the app. Raises `DemoDataMissing` if there is nothing to serve."""
    app.state.demo = load_people(app.state.settings.fixtures)
    app.include_router(router)


@router.get("/metadata")
async def metadata(request: Request) -> Response:
    """What this server can do."""
    return _json(capability_statement(_base(request), request.app.state.now().date().isoformat(), _types(request.app)))


@router.get("/{kind}")
async def search_by_get(kind: str, request: Request) -> Response:
    """A search with its parameters in the address."""
    return _search(kind, parse_qsl(request.url.query), request)


@router.post("/{kind}/_search")
async def search_by_post(kind: str, request: Request) -> Response:
    """A search with its parameters in the body, the address, or both."""
    bodies: Bodies = request.app.state.bodies
    body = await bodies.read(request, request.app.state.settings.max_body_bytes)
    return _search(kind, [*parse_qsl(request.url.query), *parse_qsl(body.decode(errors="replace"))], request)


@router.get("/{kind}/{identity}")
async def read_one(kind: str, identity: str, request: Request) -> Response:
    """One resource."""
    found = read(request.app.state.demo, kind, identity)
    if found is None:
        raise HTTPException(404)
    return _json(_as_of_now(found, request.app))


def _search(kind: str, parameters: Parameters, request: Request) -> Response:
    if kind not in _types(request.app):
        raise HTTPException(404)
    found = find(request.app.state.demo, kind, parameters)
    return _json(_as_of_now(_page(found, _offset(parameters), f"{_base(request)}/{kind}"), request.app))


def _as_of_now(resource: Resource, app: FastAPI) -> Any:
    days = days_since_story(app.state.now())
    return moved(resource, days) if days else resource


def _page(found: SearchResult, start: int, address: str) -> Resource:
    """One page, with a link to itself that names the parameters that were understood, and one to the next page."""
    count = min(found.count(PAGE), LARGEST_PAGE)
    links = [_link("self", address, found.used)]
    if count and start + count < len(found.matches):
        links.append(_link("next", address, [*found.used, (_OFFSET, str(start + count))]))
    entries = [
        {"fullUrl": f"{address}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in found.matches[start : start + count]
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


def _types(app: FastAPI) -> list[str]:
    """The types that this server knows: those that there are, and those that the service asks for."""
    return sorted({one["resourceType"] for one in app.state.demo} | {query.resource_type for query in QUERIES.values()})


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{PATH}"


def _json(body: Any) -> Response:
    return Response(_ENCODER.encode(body), media_type="application/fhir+json")
