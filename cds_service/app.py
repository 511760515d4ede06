"""Puts everything together: the only file that knows everything, reads the clock and makes ids."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from cds_service import __version__
from cds_service.api import problems, routes
from cds_service.api.admitting import Gate
from cds_service.api.bodies import Bodies
from cds_service.api.direct import Direct, Service
from cds_service.api.health import Part
from cds_service.auth.authenticating import Authenticator
from cds_service.auth.clients import load_clients
from cds_service.auth.key_sets import KeySetLimits, KeySets
from cds_service.auth.replay import SeenTokens, TokensOfThisProcess, TokenStore
from cds_service.auth.tokens import Rules
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.content.intervals import with_site_intervals
from cds_service.content.loading import load_content
from cds_service.demo import server as demo
from cds_service.errors import CdsServiceError, NotAuthenticated
from cds_service.feedback.records import Records
from cds_service.gathering.http import new_http_client
from cds_service.gathering.server import Limits
from cds_service.guidance.model import Content
from cds_service.hooks.discovery import SERVICES
from cds_service.pages import routes as pages
from cds_service.settings import Settings, metrics_folder
from cds_service.telemetry.counting import Counting
from cds_service.telemetry.metrics import Metrics
from cds_service.telemetry.tracing import start_tracing

# The framework's own would export addresses and the messages of errors; ours (`tracing`) holds neither.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
# Its pages would load from other hosts; ours stand at /docs. Its redirect of an address with a slash at the end would
# lead to http behind a proxy that ends TLS, and a client that follows would send the call again for all to read.
_OURS_INSTEAD: dict[str, Any] = {
    "docs_url": None,
    "redoc_url": None,
    "redirect_slashes": False,
    "telemetry": _NO_TELEMETRY,
}

TITLE = "Acetylcysteine CDS Hooks service"


def the_time() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def an_id() -> str:
    """A new lower-case UUID."""
    return str(uuid4())


def create_app(
    settings: Settings,
    content: Content | None = None,
    now: Callable[[], datetime] = the_time,
    new_id: Callable[[], str] = an_id,
    http: httpx.AsyncClient | None = None,
    clock: Callable[[], float] = monotonic,
    token_store: TokenStore | None = None,
    authentication_failed: Callable[[str], None] | None = None,
    records: Records | None = None,
) -> FastAPI:
    """The service. Content is loaded here, so that a mistake in it stops the start; tests pass the rest in."""
    app = Service(title=TITLE, version=__version__, lifespan=_running, **_OURS_INSTEAD)
    app.state.settings = settings
    app.state.content = with_site_intervals(content or load_content(settings.cards), settings.site_intervals)
    app.state.public_url = _url_of_pages(settings)
    app.state.now, app.state.new_id = now, new_id
    app.state.metrics = _new_metrics(app.state.content)
    app.state.records = records or _records(settings, app.state.content, now, app.state.metrics)
    app.state.http = http or new_http_client(settings.fhir_ca_file)
    app.state.fhir_limits = _limits(settings)
    app.state.tracing = start_tracing(settings.traces_to)
    app.state.key_sets = KeySets(app.state.http, _key_set_limits(settings), clock)
    seen = SeenTokens(TokensOfThisProcess(now), token_store or app.state.records)
    failed = authentication_failed or app.state.metrics.authentication_failed
    app.state.authenticator = _authenticator(settings, app.state.key_sets, seen, now, failed)
    app.state.bodies, app.state.gate = Bodies(settings), Gate(settings.max_calls)
    app.state.parts = _parts(app)
    app.state.direct = Direct(SERVICES, app.state.metrics)
    _guard(app)
    routes.set_up(app)
    if settings.demo:
        demo.set_up(app)
    pages.set_up(app)
    return app


def _new_metrics(content: Content) -> Metrics:
    return Metrics(SERVICES, [card.id for card in content.cards], CATALOGUE, metrics_folder())


def _guard(app: FastAPI) -> None:
    """What stands around the routes: errors become answers, browsers may read them, and all is counted."""
    app.add_exception_handler(CdsServiceError, problems.on_known)
    app.add_exception_handler(NotAuthenticated, problems.on_not_authenticated)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_middleware(problems.BugShield)  # inside the one for browsers, so that they can read its answer
    app.add_middleware(
        CORSMiddleware,
        allow_origins=app.state.settings.cors_origins,
        allow_methods=["GET", "POST", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type"],
        allow_private_network=app.state.settings.demo,  # a page of the internet, the sandbox, calls this machine
    )
    app.add_middleware(Counting, metrics=app.state.metrics)  # outside: what the others refuse is counted too


def _parts(app: FastAPI) -> dict[str, Part]:
    """What the service needs beside its content, each with the question whether it is up."""

    async def database() -> bool:
        return bool(app.state.records.is_up)

    parts: dict[str, Part] = {"database": database}
    if (authenticator := app.state.authenticator) is not None:
        parts["key sets"] = partial(app.state.key_sets.are_held, authenticator.clients)
    return parts


def _url_of_pages(settings: Settings) -> str:
    """Where cards link to. An address of this machine leads nowhere from another one: it is for demo mode only."""
    url = settings.public_url or ""
    return url if settings.demo or url.startswith("https:") else ""


def _limits(settings: Settings) -> Limits:
    return Limits(
        deadline=settings.fhir_deadline_ms / 1000,
        timeout=settings.fhir_timeout_ms / 1000,
        max_bytes=settings.fhir_max_bytes,
        max_pages=settings.fhir_max_pages,
    )


def _key_set_limits(settings: Settings) -> KeySetLimits:
    return KeySetLimits(
        interval=settings.key_set_interval_seconds,
        max_age=settings.key_set_max_age_seconds,
        timeout=settings.key_set_timeout_ms / 1000,
    )


def _authenticator(
    settings: Settings,
    key_sets: KeySets,
    seen: SeenTokens,
    now: Callable[[], datetime],
    failed: Callable[[str], None],
) -> Authenticator | None:
    """What knows the clients; None without a list of them."""
    if settings.clients is None:
        return None
    if settings.public_url is None or settings.auth == "off":  # `serve` says it in more words
        raise ValueError("a list of clients needs CDS_PUBLIC_URL, which tokens are for, and no CDS_AUTH=off")
    rules = Rules(settings.token_algorithms, settings.token_skew_seconds, settings.token_max_age_seconds)
    return Authenticator(load_clients(settings.clients), settings.public_url, rules, key_sets, seen, now, failed)


def _records(settings: Settings, content: Content, now: Callable[[], datetime], metrics: Metrics) -> Records:
    """Not opened yet: nothing is written by making an app."""
    return Records(
        settings.database_url,
        content.about.version,
        now,
        retention_days=settings.retention_days,
        keep_comments=settings.keep_comments,
        counting=metrics,
    )


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    """What is opened before the first call and closed after the last, in the opposite order."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(to_thread, app.state.tracing.close)
        stack.push_async_callback(app.state.http.aclose)
        stack.push_async_callback(app.state.key_sets.aclose)
        await stack.enter_async_context(app.state.records)
        yield
