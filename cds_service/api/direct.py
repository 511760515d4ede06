"""The hot route without the framework's machinery in between: nearly every call is about another drug.

The framework documents the route and serves browsers, whose calls need headers of their own. A call by an EHR takes the
same function directly: matching routes and solving dependencies cost more than everything that such a call needs.
"""

from collections.abc import Iterable
from time import perf_counter

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cds_service.api import problems
from cds_service.api.authenticating import authenticate
from cds_service.api.counting import outcome
from cds_service.api.routes import call
from cds_service.errors import CdsServiceError, NotAuthenticated
from cds_service.metrics import Metrics

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
        return not any(name == b"origin" for name, _ in scope["headers"])

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counted as its answer is ready to go, or once that failed; a bug is answered for."""
        started, status = perf_counter(), 500
        identity = self._services[scope["path"]]
        try:
            response = await _answer(identity, Request(scope, receive, send))
            status = response.status_code
        except Exception as error:  # the last place that can keep its message from being written
            response = problems.on_bug(error)
        finally:
            self._metrics.request("call", identity, outcome(scope, status), perf_counter() - started)
        try:
            await response(scope, receive, send)
        except Exception as error:  # it went out in part, and nothing can be added to it
            problems.on_bug(error)


class Service(FastAPI):
    """The framework's app, where calls of EHRs pass all of the framework by."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One or the other."""
        if self.state.direct.takes(scope):
            scope["app"] = self
            await self.state.direct.answer(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _answer(identity: str, request: Request) -> Response:
    try:
        await authenticate(request)
        return await call(identity, request)
    except NotAuthenticated as error:
        return await problems.on_not_authenticated(request, error)
    except CdsServiceError as error:
        return await problems.on_known(request, error)
