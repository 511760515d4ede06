"""What one running service consists of: made once by `app.py`, typed, and passed to everything that answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx
from fastapi import FastAPI

from cds_service.api.admitting import Gate
from cds_service.api.bodies import Bodies
from cds_service.api.repeating import ShownBefore
from cds_service.auth.authenticating import Authenticator
from cds_service.auth.key_sets import KeySets
from cds_service.content.manifest import Manifest
from cds_service.feedback.records import Records
from cds_service.gathering.upstreams import Upstreams
from cds_service.guidance.model import Content
from cds_service.hooks.dialects import Writer
from cds_service.settings import Settings
from cds_service.site.opening import Site
from cds_service.telemetry.metrics import Metrics
from cds_service.telemetry.tracing import NoTracing, Tracing

HealthCheck = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of a service. What changes while it runs (counters, queues, caches) is inside an object of its own."""

    settings: Settings
    site: Site
    manifest: Manifest | None  # None: the content was not read from files
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    http: httpx.AsyncClient
    upstreams: Upstreams
    records: Records
    metrics: Metrics
    tracing: Tracing | NoTracing
    authenticator: Authenticator | None  # None: no clients are listed, and no token is asked for
    key_sets: KeySets
    bodies: Bodies
    gate: Gate
    shown: ShownBefore
    writers: Mapping[str, Writer]  # by the name of the client
    discovery: Mapping[str, bytes]  # the discovery document as JSON, by the name of the client
    pages_url: str  # where cards link to; empty where the pages have no address that clinicians can open
    health_checks: Mapping[str, HealthCheck]  # by component
    demo_records: Records | None = None  # of what is clicked on /try; None outside demo mode

    @property
    def services(self) -> Mapping[str, str]:
        """The services that are switched on, as id -> hook."""
        return self.site.services

    @property
    def content(self) -> Content:
        """The content, with what the site adds to it."""
        return self.site.content


def runtime_of(app: FastAPI) -> Runtime:
    """The runtime of an app: for tests, and for the command that starts it. Routes are given it when they are made."""
    runtime: Runtime = app.state.runtime
    return runtime
