"""The pages about the service, its guidance, its sources and its API."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from cds_service import __version__
from cds_service.api import problems
from cds_service.api.runtime import Runtime
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.content.evidence import all_suggestions, offered_by, uses_of_sources
from cds_service.content.review import (
    code_list_table,
    code_lists_of,
    first_shown,
    people,
    run_examples,
    sections,
    strength_of,
)
from cds_service.fhir.json import Resource
from cds_service.guidance.model import Card
from cds_service.pages import attributes, guides, reporting, setup, trying_routes
from cds_service.pages.markup import SWAGGER_POLICY, Pages, link_hosts

_SHOWN_SECTION = "As the clinician sees it"  # rendered from the card instead
_LINKS = (
    ("/cds-services", "Discovery, as read by an EHR"),
    ("/health/ready", "Health of the service and its components"),
    ("/demo/fhir/metadata", "The demo FHIR server"),
)


def add_pages(app: FastAPI, runtime: Runtime, demo_resources: Sequence[Resource], demo_service: ASGIApp | None) -> None:
    """Adds the pages and their static files; in demo mode also the small EHR, which calls `demo_service`."""
    pages = new_pages(runtime)
    app.include_router(_ServicePages(runtime, pages).router())
    app.include_router(_GuidancePages(runtime, pages).router())
    app.include_router(guides.make_router(pages, runtime.settings.guides))
    app.include_router(setup.make_router(runtime, pages))
    app.include_router(reporting.make_router(runtime, pages))
    if demo_service is not None:
        app.include_router(trying_routes.make_router(runtime, pages, demo_resources, demo_service))
    app.mount("/static/swagger-ui", StaticFiles(packages=[("fastapi_standalone_docs", "static/swagger")]))
    app.mount("/static", StaticFiles(packages=[("cds_service.pages", "static")]))
    app.add_exception_handler(HTTPException, _wrong_address(pages))


def new_pages(runtime: Runtime) -> Pages:
    """The pages of a service. They link to the hosts of the content's sources alone."""
    content = runtime.content
    hosts = link_hosts(source.url for source in content.sources.values())
    return Pages(hosts, content=content, version=__version__, demo=runtime.settings.demo)


def _wrong_address(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The handler of unknown paths (404) and methods (405): a page for a browser, JSON for everything else."""

    async def respond(request: Request, error: Exception) -> Response:
        response = await problems.on_http(request, error)
        if "text/html" in request.headers.get("accept", ""):
            allowed = response.headers.get("allow")
            response = pages.page("nothing.html", response.status_code, path=request.url.path, allowed=allowed)
            response.headers.update({"Allow": allowed} if allowed else {})
        response.headers["Vary"] = "Accept"
        return response

    return respond


class _ServicePages:
    """The pages about the service itself."""

    def __init__(self, runtime: Runtime, pages: Pages) -> None:
        self._runtime, self._page = runtime, pages.page

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/", self.home)
        router.add_api_route("/docs", self.docs)
        router.add_api_route("/docs/swagger", self.swagger)
        router.add_api_route("/source-attributes", self.source_attributes)
        router.add_api_route("/source-attributes.json", self.source_attributes_json)
        return router

    async def home(self, request: Request) -> Response:
        """The home page, with links to everything."""
        base_url = self._runtime.pages_url or str(request.base_url).rstrip("/")
        services = [
            (hook, f"{base_url}/cds-services/{service_id}") for service_id, hook in self._runtime.services.items()
        ]
        links = [(path, label) for path, label in _LINKS if _has_route(request, path)]
        return self._page("home.html", path="/", services=services, links=links, base_url=base_url)

    async def docs(self, request: Request) -> Response:
        """The OpenAPI document as a plain page."""
        return self._page("docs.html", path="/docs", api=request.app.openapi())

    async def swagger(self) -> Response:
        """The OpenAPI document in Swagger UI, which FastAPI's own page would load from another host."""
        return self._page("swagger.html", path="/docs/swagger", policy=SWAGGER_POLICY)

    async def source_attributes(self) -> Response:
        """The thirteen source attributes required by the HTI-1 rule."""
        return self._page(
            "source-attributes.html",
            path="/source-attributes",
            attributes=attributes.source_attributes(self._runtime.content),
            rule=attributes.RULE,
            checked=attributes.CHECKED_AGAINST,
        )

    async def source_attributes_json(self) -> dict[str, Any]:
        """The source attributes as JSON."""
        return dict(attributes.as_json(self._runtime.content))


def _has_route(request: Request, path: str) -> bool:
    """Whether a path can be requested by GET; the demo server is not always there."""
    scope = {**request.scope, "path": path, "method": "GET"}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


class _GuidancePages:
    """The pages about the cards, with a cache of the review of each card."""

    def __init__(self, runtime: Runtime, pages: Pages) -> None:
        self._content, self._fixtures = runtime.content, runtime.settings.fixtures
        self._page = pages.page
        self._reviews: dict[str, Mapping[str, Any]] = {}  # content and fixtures never change at run time

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/guidance", self.guidance)
        router.add_api_route("/guidance/decision-table", self.decision_table)
        router.add_api_route("/guidance/evidence", self.evidence)
        router.add_api_route("/guidance/suggestions", self.suggestions)
        router.add_api_route("/guidance/code-lists/{name}", self.code_list)
        router.add_api_route("/guidance/{card_id}", self.card)
        return router

    async def guidance(self) -> Response:
        """All cards."""
        vocabulary = self._content.vocabulary
        code_lists = sorted({*vocabulary.code_lists, *vocabulary.name_lists})
        return self._page("guidance.html", path="/guidance", cards=self._content.cards, code_lists=code_lists)

    async def decision_table(self) -> Response:
        """All facts, and the conditions of all cards, on one page."""
        content = self._content
        used = {name: [card for card in content.cards if name in _facts_of(card)] for name in CATALOGUE}
        path, facts = "/guidance/decision-table", CATALOGUE.values()
        return self._page("decision-table.html", path=path, content=content, facts=facts, used=used)

    async def evidence(self) -> Response:
        """The evidence on both sides, and what became of each statement of the article."""
        path, uses = "/guidance/evidence", uses_of_sources(self._content)
        titles = {card.id: card.title for card in self._content.cards}
        return self._page("evidence.html", path=path, uses=uses, titles=titles, strength_of=strength_of)

    async def suggestions(self) -> Response:
        """What cards offer, and every gate that closes it."""
        rows = [(row, offered_by(row, self._content.cards)) for row in all_suggestions(self._content)]
        return self._page("suggestions.html", path="/guidance/suggestions", rows=rows)

    async def code_list(self, name: str) -> Response:
        """The codes or names of one list, on a page of their own because they are long."""
        vocabulary, path = self._content.vocabulary, f"/guidance/code-lists/{name}"
        if name not in vocabulary.name_lists and name not in vocabulary.code_lists:
            raise HTTPException(404)
        return self._page("code-list.html", path=path, name=name, table=code_list_table(name, vocabulary))

    async def card(self, card_id: str, request: Request) -> Response:
        """The review page of one card."""
        path = request.url.path
        card = next((card for card in self._content.cards if card.id == card_id), None)
        if card is None:
            raise HTTPException(404)
        if card_id not in self._reviews:
            self._reviews[card_id] = self._review(card)
        return self._page("card.html", path=path, card=card, **self._reviews[card_id])

    def _review(self, card: Card) -> Mapping[str, Any]:
        """The variables of the page of a card. Its examples are run if the fixtures are available."""
        has_fixtures = (self._fixtures / "patients").is_dir()
        examples = run_examples(card, self._content, self._fixtures) if has_fixtures else []
        card_sections = sections(card, self._content, examples)
        card_sections.pop(_SHOWN_SECTION, None)
        card_sections.pop("Code lists", None)  # linked here as pages
        shown = first_shown(examples) if examples else None
        authors = "\n".join(people(card, self._content))
        return {"authors": authors, "sections": card_sections, "code_lists": code_lists_of(card), "shown": shown}


def _facts_of(card: Card) -> set[str]:
    conditions = (*card.conditions(), *card.other_conditions())
    return {condition.fact for condition in conditions} | {screen.fact for screen in card.screens}
