"""Puts the service together. The only file that reads the clock and makes ids."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from secrets import token_bytes
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from cds_service import __version__
from cds_service.api import health, problems, routes
from cds_service.api.admitting import Gate
from cds_service.api.bodies import Bodies
from cds_service.api.cors import Cors
from cds_service.api.direct import Service
from cds_service.api.repeating import ShownBefore
from cds_service.api.runtime import HealthCheck, Runtime, runtime_of
from cds_service.auth.authenticating import Authenticator
from cds_service.auth.clients import OPEN, Client, client_names, load_clients
from cds_service.auth.key_sets import KeySetLimits, KeySets
from cds_service.auth.replay import LocalReplayCache, ReplayCache, TokenStore
from cds_service.auth.tokens import Rules
from cds_service.clinical.catalogue import CATALOGUE
from cds_service.content.manifest import Manifest, prove_manifest
from cds_service.demo import server as demo
from cds_service.demo.patients import load_patients
from cds_service.errors import CdsServiceError
from cds_service.feedback.records import Records
from cds_service.gathering.fetching import Limits
from cds_service.gathering.http import new_http_client
from cds_service.gathering.upstreams import Upstreams
from cds_service.guidance.model import Content
from cds_service.guidance.override_reasons import CATEGORIES, CATEGORY_SYSTEM
from cds_service.guidance.required_queries import prefetch_templates
from cds_service.hooks.cards import Coding, to_json
from cds_service.hooks.dialects import CdsHooks, Writer
from cds_service.hooks.discovery import HOOKS, discover
from cds_service.hooks.feedback import UNREAD_PATHS
from cds_service.pages import routes as pages
from cds_service.settings import Settings, metrics_folder
from cds_service.site.opening import Site, open_site, read_content
from cds_service.telemetry.counting import Counting
from cds_service.telemetry.logs import get_logger
from cds_service.telemetry.metrics import Metrics
from cds_service.telemetry.tracing import Tracing, start_tracing

# FastAPI's own telemetry would export URLs and the messages of errors; ours (`telemetry`) contains neither.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
# FastAPI's API pages load scripts from other hosts; `pages` has one that does not. Behind a proxy that terminates TLS,
# a redirect of a path with a trailing slash would lead to http, and the call would be sent again in clear text.
_FASTAPI: dict[str, Any] = {
    "docs_url": None,
    "redoc_url": None,
    "redirect_slashes": False,
    "telemetry": _NO_TELEMETRY,
}

_CLOSING = 0.3  # of the time for stopping, for the records; `serving` gives most of it to calls
TITLE = "Acetylcysteine CDS Hooks service"


def utc_now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


def new_uuid() -> str:
    """A new lower-case UUID."""
    return str(uuid4())


def create_app(
    settings: Settings,
    content: Content | None = None,
    now: Callable[[], datetime] = utc_now,
    new_id: Callable[[], str] = new_uuid,
    http: httpx.AsyncClient | None = None,
    clock: Callable[[], float] = monotonic,
    token_store: TokenStore | None = None,
    authentication_failed: Callable[[str], None] | None = None,
    records: Records | None = None,
    tracing: Tracing | None = None,
) -> FastAPI:
    """The service. Raises `ContentError` where the content has mistakes. `clock` is monotonic, in seconds."""
    clients, site, manifest = _read_files(settings, content)
    metrics = _new_metrics(site, client_names(clients))
    http = http or new_http_client(settings.fhir_ca_file, observe=metrics.set_connections)
    records = records or _new_records(settings.database_url, settings, site.content, now, metrics)
    key_sets, seen_tokens = KeySets(http, _key_set_limits(settings), clock), token_store or records
    runtime = Runtime(
        settings=settings,
        site=site,
        manifest=manifest,
        now=now,
        new_id=new_id,
        http=http,
        upstreams=_new_upstreams(settings, metrics),
        records=records,
        metrics=metrics,
        tracing=tracing or start_tracing(settings.traces_to),
        authenticator=_new_authenticator(settings, clients, key_sets, seen_tokens, now, metrics, authentication_failed),
        key_sets=key_sets,
        bodies=Bodies(settings),
        gate=Gate(settings.max_calls),
        shown=ShownBefore(token_bytes(32), clock),
        writers=_writers(clients, site.content),
        discovery=_discoveries(settings, site, clients),
        pages_url=_pages_url(settings),
        health_checks=_health_checks(records, key_sets, clients),
    )
    return _build(runtime)


def _read_files(settings: Settings, given: Content | None) -> tuple[tuple[Client, ...] | None, Site, Manifest | None]:
    """The clients, the content and the site. Content that is not given is read, and agrees with its manifest.

    It is as signed as its signatures say.
    """
    clients = _listed_clients(settings)
    content = given or _read_content(settings)
    manifest = None if given else prove_manifest(settings.cards)
    site = open_site(settings.site, content, HOOKS, client_names(clients), is_demo=settings.demo)
    return clients, site.with_services(verifying=settings.medication_verify), manifest


def _read_content(settings: Settings) -> Content:
    """The content with the signatures that hold; those that are void are logged."""
    content, void = read_content(settings.cards, settings.fixtures, settings.site)
    for signature in void:
        by = signature.signature
        who = {"name": by.name, "role": by.role, "on": by.on.isoformat()}
        get_logger().warning("signature void", card=signature.card, **who, changes=signature.changes)
    return content


def _build(runtime: Runtime) -> FastAPI:
    runtime = replace(runtime, demo_records=_demo_records(runtime))
    app = Service(runtime, title=TITLE, version=__version__, lifespan=_lifespan, **_FASTAPI)
    _add_middleware(app, runtime)
    app.include_router(routes.make_router(runtime))
    app.include_router(health.make_router(runtime))
    demo_resources = load_patients(runtime.settings.fixtures) if runtime.settings.demo else ()
    if runtime.settings.demo:
        app.include_router(demo.make_router(runtime, demo_resources))
    pages.add_pages(app, runtime, demo_resources, _demo_service(runtime))
    return app


def _demo_service(runtime: Runtime) -> FastAPI | None:
    """What /try calls: the same service with the records of the demo, for pages that have no token; None without demo.

    Nothing outside this process reaches it, and it answers for invented patients only.
    """
    if runtime.demo_records is None:
        return None
    runtime = replace(runtime, records=runtime.demo_records, authenticator=None)
    app = Service(runtime, title=TITLE, version=__version__, **_FASTAPI)
    _add_middleware(app, runtime)
    app.include_router(routes.make_router(runtime))
    return app


def _add_middleware(app: FastAPI, runtime: Runtime) -> None:
    """Errors become answers. What is added last is the outermost."""
    app.add_exception_handler(CdsServiceError, problems.on_refused)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_middleware(problems.BugShield)  # inside CORS, so that browsers can read its answer
    app.add_middleware(Cors, settings=runtime.settings, count_refused=runtime.metrics.count_refused_origin)
    app.add_middleware(Counting, metrics=runtime.metrics)  # outermost: counts what the others refuse too


def _health_checks(records: Records, key_sets: KeySets, clients: Sequence[Client] | None) -> Mapping[str, HealthCheck]:
    async def database() -> bool:
        return records.is_up

    checks: dict[str, HealthCheck] = {"database": database}
    if clients is not None:
        checks["key sets"] = partial(key_sets.are_available, clients)
    return checks


def _discoveries(settings: Settings, site: Site, clients: tuple[Client, ...] | None) -> dict[str, bytes]:
    """The response to discovery, by the name of the client: the services at which some card may be decided for it.

    Without a token it is what all clients get, if that is one thing, and otherwise that of CDS Hooks 2.0 with every
    service that any of them has.
    """
    content, on = site.content, [hook for hook in site.services.values() if site.decides_any(hook)]
    prefetch = {hook: prefetch_templates(content, hook, settings.prefetch) for hook in on}

    def written(hooks: Sequence[str], cds_hooks: CdsHooks = "2.0", with_options: bool = False) -> bytes:
        return to_json(discover(prefetch, content.version, content.status, cds_hooks, with_options, hooks=hooks))

    by_client = {}
    for client in clients or ():
        hooks = [hook for hook in on if site.modes_for(hook, client.name).decides_any]
        by_client[client.name] = written(hooks, client.cds_hooks, client.repeat != "always")
    same = set(by_client.values())
    return {OPEN: same.pop() if len(same) == 1 else written(on), **by_client}


def _writers(clients: tuple[Client, ...] | None, content: Content) -> dict[str, Writer]:
    """Who writes the answers, by the name of the client."""
    published = {
        reason.code: Coding(system=CATEGORY_SYSTEM, code=reason.category, display=CATEGORIES[reason.category])
        for reason in content.override_reasons.values()
        if reason.category
    }
    return {OPEN: Writer()} | {
        client.name: Writer(client.cds_hooks, client.dialect, published) for client in clients or ()
    }


def _pages_url(settings: Settings) -> str:
    """Where cards link to. A loopback address leads nowhere from a clinician's machine: it is for demo mode only."""
    url = settings.public_url or ""
    return url if settings.demo or url.startswith("https:") else ""


def fhir_limits(settings: Settings) -> Limits:
    """The limits within which FHIR servers are asked."""
    return Limits(
        deadline=settings.fhir_deadline_ms / 1000,
        timeout=settings.fhir_timeout_ms / 1000,
        max_bytes=settings.fhir_max_bytes,
        max_pages=settings.fhir_max_pages,
        max_call_bytes=settings.fhir_max_call_bytes,
    )


def _new_upstreams(settings: Settings, metrics: Metrics) -> Upstreams:
    return Upstreams(fhir_limits(settings), settings.fhir_max_calls, metrics.count_not_gathered, metrics.set_resting)


def _key_set_limits(settings: Settings) -> KeySetLimits:
    return KeySetLimits(
        interval=settings.key_set_interval_seconds,
        max_age=settings.key_set_max_age_seconds,
        timeout=settings.key_set_timeout_ms / 1000,
    )


def _listed_clients(settings: Settings) -> tuple[Client, ...] | None:
    """None where no clients are listed."""
    if settings.clients is None:
        return None
    if settings.public_url is None or settings.auth == "off":  # `serve` refuses this with a longer message
        raise ValueError("a list of clients needs CDS_PUBLIC_URL, which tokens are for, and no CDS_AUTH=off")
    return load_clients(settings.clients)


def _new_metrics(site: Site, clients: Sequence[str]) -> Metrics:
    cards = [card.id for card in site.content.cards]
    return Metrics(site.services, cards, CATALOGUE, metrics_folder(), clients, UNREAD_PATHS)


def _new_authenticator(
    settings: Settings,
    clients: tuple[Client, ...] | None,
    key_sets: KeySets,
    seen_tokens: TokenStore,
    now: Callable[[], datetime],
    metrics: Metrics,
    refused: Callable[[str], None] | None,
) -> Authenticator | None:
    """None where no clients are listed."""
    if clients is None or settings.public_url is None:
        return None
    replay_cache = ReplayCache(LocalReplayCache(now), seen_tokens, settings.token_store_timeout_ms / 1000)
    rules = Rules(settings.token_algorithms, settings.token_skew_seconds, settings.token_max_age_seconds)
    return Authenticator(
        clients=clients,
        public_url=settings.public_url,
        open_discovery=settings.open_discovery,
        rules=rules,
        key_sets=key_sets,
        replay_cache=replay_cache,
        now=now,
        refused=refused or metrics.count_authentication_failure,
        unsure=metrics.count_unsure_token,
    )


def _new_records(
    database_url: str, settings: Settings, content: Content, now: Callable[[], datetime], metrics: Metrics | None
) -> Records:
    """Not opened yet: making an app writes nothing."""
    return Records(
        database_url,
        content.about.version,
        now,
        retention_days=settings.retention_days,
        keep_comments=settings.keep_comments,
        metrics=metrics,
        close_seconds=settings.shutdown_seconds * _CLOSING,
    )


def _demo_records(runtime: Runtime) -> Records | None:
    """The records of what is clicked on /try, which no metric of the site's database counts; None without demo."""
    settings = runtime.settings
    return (
        _new_records(settings.demo_database_url, settings, runtime.content, runtime.now, None)
        if settings.demo
        else None
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Opens the records before the first call; closes everything after the last, in the opposite order."""
    runtime = runtime_of(app)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(to_thread, runtime.tracing.close)
        stack.push_async_callback(runtime.http.aclose)
        stack.push_async_callback(runtime.key_sets.aclose)
        await stack.enter_async_context(runtime.records)
        if runtime.demo_records is not None:
            await stack.enter_async_context(runtime.demo_records)
        yield
