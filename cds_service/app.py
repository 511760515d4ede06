"""Puts everything together: the only file that knows everything, reads the clock and makes ids."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from cds_service import __version__
from cds_service.api import problems, routes
from cds_service.content import load_content
from cds_service.demo import server as demo
from cds_service.errors import CdsServiceError
from cds_service.fhir.connecting import new_http_client
from cds_service.fhir.fetching import Limits
from cds_service.guidance.model import Content
from cds_service.intervals import with_site_intervals
from cds_service.settings import Settings


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
) -> FastAPI:
    """The service. Content is loaded here, so that a mistake in it stops the start; tests pass the rest in."""
    app = FastAPI(title="Acetylcysteine CDS Hooks service", version=__version__, redoc_url=None, lifespan=_running)
    app.state.settings = settings
    app.state.content = with_site_intervals(content or load_content(settings.cards), settings.site_intervals)
    app.state.now, app.state.new_id = now, new_id
    app.state.http = http or new_http_client(settings.fhir_ca_file)
    app.state.fhir_limits = _limits(settings)
    app.add_exception_handler(CdsServiceError, problems.on_known)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_middleware(problems.BugShield)  # inside the one for browsers, so that they can read its answer
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type"],
        allow_private_network=settings.demo,  # a page of the internet, the sandbox, calls this machine
    )
    routes.set_up(app)
    if settings.demo:
        demo.set_up(app)
    return app


def _limits(settings: Settings) -> Limits:
    return Limits(
        deadline=settings.fhir_deadline_ms / 1000,
        timeout=settings.fhir_timeout_ms / 1000,
        max_bytes=settings.fhir_max_bytes,
        max_pages=settings.fhir_max_pages,
    )


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    """What is opened before the first call and closed after the last."""
    yield
    await app.state.http.aclose()
