"""The routes of the pages. Each gathers what its template shows, and nothing else."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.routing import Match
from starlette.staticfiles import StaticFiles

from cds_service import __version__
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.content.review import first_shown, people, run_examples, sections
from cds_service.guidance.model import Card, Content
from cds_service.hooks.discovery import SERVICES
from cds_service.pages import attributes, trying_routes
from cds_service.pages.markup import Pages, link_hosts

_SEEN = "As the clinician sees it"
_DOORS = (
    ("/cds-services", "Discovery: the services as an EHR reads them"),
    ("/health/ready", "Health: whether the service and its parts are well"),
    ("/demo/fhir/metadata", "The demo FHIR server"),
)

router = APIRouter(include_in_schema=False)


def set_up(app: FastAPI) -> None:
    """Puts the pages on the app, and what they need that is made once."""
    content, demo = app.state.content, app.state.settings.demo
    hosts = link_hosts(source.url for source in content.sources.values())
    app.state.reviews = {}
    app.state.pages = Pages(hosts, about=content.about, version=__version__, demo=demo)
    app.include_router(router)
    if demo:
        app.include_router(trying_routes.router)
    app.mount("/static", StaticFiles(packages=[("cds_service.pages", "static")]))


def base_of(request: Request) -> str:
    """The address under which this service is called: the public one, else the one that was called just now."""
    return request.app.state.public_url or str(request.base_url).rstrip("/")


@router.get("/")
async def home(request: Request) -> Response:
    """What this is, and the doors to everything."""
    services = [(hook, f"{base_of(request)}/cds-services/{identity}") for identity, hook in SERVICES.items()]
    doors = [(path, words) for path, words in _DOORS if _is_there(request, path)]
    return _page(request, "home.html", services=services, doors=doors, base=base_of(request))


def _is_there(request: Request, path: str) -> bool:
    """Whether this service has such an address: not every part of it is always on."""
    asked = {**request.scope, "path": path, "method": "GET"}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)


@router.get("/guidance")
async def guidance(request: Request) -> Response:
    """All cards."""
    return _page(request, "guidance.html", cards=_content(request).cards)


@router.get("/guidance/decision-table")
async def decision_table(request: Request) -> Response:
    """All facts and all conditions of all cards on one page."""
    content = _content(request)
    used = {name: [card for card in content.cards if name in _facts_of(card)] for name in CATALOGUE}
    return _page(request, "decision-table.html", content=content, facts=CATALOGUE.values(), used=used)


def _facts_of(card: Card) -> set[str]:
    conditions = (*card.conditions(), *card.other_conditions())
    return {one.fact for one in conditions} | {one.fact for one in card.screens}


@router.get("/guidance/{identity}")
async def one_card(identity: str, request: Request) -> Response:
    """The review page of one card."""
    card = next((one for one in _content(request).cards if one.id == identity), None)
    if card is None:
        return _page(request, "nothing.html", 404)
    return _page(request, "card.html", card=card, **_reviewed(request, card))


@router.get("/guidance/{identity}/code-lists")
async def code_lists(identity: str, request: Request) -> Response:
    """The code lists behind one card: long, so they have a page of their own."""
    card = next((one for one in _content(request).cards if one.id == identity), None)
    if card is None:
        return _page(request, "nothing.html", 404)
    return _page(request, "code-lists.html", card=card, **_reviewed(request, card))


def _reviewed(request: Request, card: Card) -> dict[str, Any]:
    """What is shown of a card. Kept: content and fixtures do not change while the service runs."""
    kept: dict[str, dict[str, Any]] = request.app.state.reviews
    if card.id not in kept:
        kept[card.id] = _review(request, card)
    return kept[card.id]


def _review(request: Request, card: Card) -> dict[str, Any]:
    content, fixtures = _content(request), request.app.state.settings.fixtures
    ran = run_examples(card, content, fixtures) if (fixtures / "patients").is_dir() else []
    parts = sections(card, content, ran)
    parts.pop(_SEEN, None)
    lists = parts.pop("Code lists", "")
    shown = first_shown(ran) if ran else None
    return {"people": "\n".join(people(card)), "parts": parts, "lists": lists, "shown": shown}


@router.get("/source-attributes")
async def source_attributes(request: Request) -> Response:
    """The thirteen source attributes."""
    found = attributes.source_attributes(_content(request))
    return _page(
        request, "source-attributes.html", attributes=found, rule=attributes.RULE, checked=attributes.CHECKED_AGAINST
    )


@router.get("/source-attributes.json")
async def source_attributes_json(request: Request) -> dict[str, Any]:
    """The same for machines."""
    return dict(attributes.as_json(_content(request)))


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The OpenAPI document as a plain page: FastAPI's own would load its parts from another host."""
    return _page(request, "docs.html", api=request.app.openapi())


def _content(request: Request) -> Content:
    return request.app.state.content


def _page(request: Request, template: str, status: int = 200, **data: Any) -> Response:
    return request.app.state.pages.page(template, status, path=request.url.path, **data)
