"""The pages: what this service is, its guidance card by card, where its data come from, and its API."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.routing import Match
from starlette.staticfiles import StaticFiles

from cds_service import __version__
from cds_service.api.runtime import Runtime
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.content.review import first_shown, people, run_examples, sections
from cds_service.fhir.json import Resource
from cds_service.guidance.model import Card
from cds_service.hooks.discovery import SERVICES
from cds_service.pages import attributes, trying_routes
from cds_service.pages.markup import Pages, link_hosts

_SEEN = "As the clinician sees it"
_DOORS = (
    ("/cds-services", "Discovery: the services as an EHR reads them"),
    ("/health/ready", "Health: whether the service and its parts are well"),
    ("/demo/fhir/metadata", "The demo FHIR server"),
)


def add_pages(app: FastAPI, runtime: Runtime, people: Sequence[Resource]) -> None:
    """Adds the pages and their static files; in demo mode also the small EHR, with these people as its patients."""
    content, demo = runtime.content, runtime.settings.demo
    hosts = link_hosts(source.url for source in content.sources.values())
    pages = Pages(hosts, about=content.about, version=__version__, demo=demo)
    app.include_router(_ServicePages(runtime, pages).router())
    app.include_router(_GuidancePages(runtime, pages).router())
    if demo:
        app.include_router(trying_routes.make_router(runtime, pages, people))
    app.mount("/static", StaticFiles(packages=[("cds_service.pages", "static")]))


class _ServicePages:
    """The pages about the service itself."""

    def __init__(self, runtime: Runtime, pages: Pages) -> None:
        self._runtime, self._page = runtime, pages.page

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", self.home)
        router.add_api_route("/docs", self.docs)
        router.add_api_route("/source-attributes", self.source_attributes)
        router.add_api_route("/source-attributes.json", self.source_attributes_json)
        return router

    async def home(self, request: Request) -> Response:
        """What this is, and links to everything."""
        base = self._runtime.pages_url or str(request.base_url).rstrip("/")
        services = [(hook, f"{base}/cds-services/{service_id}") for service_id, hook in SERVICES.items()]
        doors = [(path, words) for path, words in _DOORS if _has_route(request, path)]
        return self._page("home.html", path="/", services=services, doors=doors, base=base)

    async def docs(self, request: Request) -> Response:
        """The OpenAPI document as a plain page: FastAPI's own loads scripts from another host."""
        return self._page("docs.html", path="/docs", api=request.app.openapi())

    async def source_attributes(self) -> Response:
        """The thirteen source attributes that the HTI-1 rule asks for."""
        return self._page(
            "source-attributes.html",
            path="/source-attributes",
            attributes=attributes.source_attributes(self._runtime.content),
            rule=attributes.RULE,
            checked=attributes.CHECKED_AGAINST,
        )

    async def source_attributes_json(self) -> dict[str, Any]:
        """The same for machines."""
        return dict(attributes.as_json(self._runtime.content))


def _has_route(request: Request, path: str) -> bool:
    """Whether GET of a path leads somewhere: the demo server is not always there."""
    scope = {**request.scope, "path": path, "method": "GET"}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


class _GuidancePages:
    """The pages about the cards, and a cache of what is worked out for each."""

    def __init__(self, runtime: Runtime, pages: Pages) -> None:
        self._content, self._fixtures = runtime.content, runtime.settings.fixtures
        self._page = pages.page
        self._reviews: dict[str, Mapping[str, Any]] = {}  # neither content nor fixtures change while the service runs

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/guidance", self.guidance)
        router.add_api_route("/guidance/decision-table", self.decision_table)
        router.add_api_route("/guidance/{card_id}", self.card)
        router.add_api_route("/guidance/{card_id}/code-lists", self.code_lists)
        return router

    async def guidance(self) -> Response:
        """All cards."""
        return self._page("guidance.html", path="/guidance", cards=self._content.cards)

    async def decision_table(self) -> Response:
        """All facts and all conditions of all cards on one page."""
        content = self._content
        used = {name: [card for card in content.cards if name in _facts_of(card)] for name in CATALOGUE}
        path, facts = "/guidance/decision-table", CATALOGUE.values()
        return self._page("decision-table.html", path=path, content=content, facts=facts, used=used)

    async def card(self, card_id: str, request: Request) -> Response:
        """The review page of one card."""
        return self._of_card("card.html", card_id, request)

    async def code_lists(self, card_id: str, request: Request) -> Response:
        """The code lists behind one card: long, so they have a page of their own."""
        return self._of_card("code-lists.html", card_id, request)

    def _of_card(self, template: str, card_id: str, request: Request) -> Response:
        path = request.url.path
        card = next((card for card in self._content.cards if card.id == card_id), None)
        if card is None:
            return self._page("nothing.html", 404, path=path)
        if card_id not in self._reviews:
            self._reviews[card_id] = self._review(card)
        return self._page(template, path=path, card=card, **self._reviews[card_id])

    def _review(self, card: Card) -> Mapping[str, Any]:
        """What both pages of a card show. Its examples are run, where the fixtures are there."""
        has_fixtures = (self._fixtures / "patients").is_dir()
        examples = run_examples(card, self._content, self._fixtures) if has_fixtures else []
        parts = sections(card, self._content, examples)
        parts.pop(_SEEN, None)
        lists = parts.pop("Code lists", "")
        shown = first_shown(examples) if examples else None
        return {"people": "\n".join(people(card)), "parts": parts, "lists": lists, "shown": shown}


def _facts_of(card: Card) -> set[str]:
    conditions = (*card.conditions(), *card.other_conditions())
    return {condition.fact for condition in conditions} | {screen.fact for screen in card.screens}
