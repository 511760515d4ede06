"""The hot route without the framework's machinery in between: nearly every call is about another drug.

The framework documents the route and serves browsers, whose calls need headers of their own. A call by an EHR takes the
same function directly: matching routes and solving dependencies cost more than everything that such a call needs.
"""

from collections.abc import Iterable
from time import perf_counter
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service.api import problems
from cds_service.api.routes import called
from cds_service.auth.authenticating import client_of
from cds_service.errors import CdsServiceError, NotAuthenticated
from cds_service.telemetry.counting import outcome_of
from cds_service.telemetry.metrics import Metrics

_PREFIX = "/cds-services/"


class Direct:
    """Answers a call of a service that no browser sent."""

    def __init__(self, services: Iterable[str], metrics: Metrics) -> None:
        self._metrics = metrics
        self._services = {f"{_PREFIX}{identity}": identity for identity in services}

    def takes(self, scope: Scope) -> bool:
        """By method, path, and whether an Origin is named."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._services:
            return False
        for name, _ in scope["headers"]:  # noqa: SIM110  # a generator costs more than all of the loop
            if name == b"origin":
                return False
        return True

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counted as its answer is ready to go, or once that failed; a bug is answered for."""
        started, outcome = perf_counter(), outcome_of(500)
        identity = self._services[scope["path"]]
        try:
            outcome, response = await _answer(identity, Request(scope, receive, send))
        except Exception as error:  # the last place that can keep its message from being written
            response = problems.on_bug(error)
        finally:
            self._metrics.request("call", identity, outcome, perf_counter() - started)
        try:
            await response(scope, receive, send)
        except Exception as error:  # it went out in part, and nothing can be added to it
            problems.on_bug(error)


class Service(FastAPI):
    """The framework's app, where calls of EHRs pass all of the framework by."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.state = _Parts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One or the other."""
        if self.state.direct.takes(scope):
            scope["app"] = self
            await self.state.direct.answer(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Parts(State):
    """The app's state with plain attributes: every call looks up a dozen of them."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)


class _Json:
    """A successful answer, without what else a response of the framework can be."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        size = b"%d" % len(self._body)
        headers = [(b"content-length", size), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


async def _answer(identity: str, request: Request) -> tuple[str, ASGIApp]:
    """What is counted, and the answer."""
    try:
        outcome, body = await called(identity, request, await client_of(request))
        return outcome, _Json(body)
    except NotAuthenticated as error:
        response = await problems.on_not_authenticated(request, error)
    except CdsServiceError as error:
        response = await problems.on_known(request, error)
    return outcome_of(response.status_code), response
