"""The hot route without the framework's machinery in between: nearly every call is about another drug.

The framework documents the route and serves browsers, whose calls need headers of their own. A call by an EHR takes the
same function directly: matching routes and solving dependencies cost more than everything that such a call needs.
"""

from collections.abc import Iterable
from types import SimpleNamespace

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service.api import problems
from cds_service.api.authenticating import authenticate
from cds_service.api.counting import Counting
from cds_service.api.routes import call
from cds_service.errors import CdsServiceError, NotAuthenticated
from cds_service.metrics import Metrics

_PREFIX = "/cds-services/"
_ROUTE = SimpleNamespace(path="/cds-services/{service_id}")  # what the framework would have found, for who counts


class Direct:
    """Answers a call of a service that no browser sent; everything else goes on to the app."""

    def __init__(self, app: ASGIApp, services: Iterable[str], metrics: Metrics) -> None:
        self.app = app
        self._services = {f"{_PREFIX}{identity}": identity for identity in services}
        self._call = Counting(problems.BugShield(self._answer), metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One or the other, by method, path, and whether an Origin is named."""
        await (self._call if self._is_ours(scope) else self.app)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._services:
            return False
        return not any(name == b"origin" for name, _ in scope["headers"])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity = self._services[scope["path"]]
        scope["route"], scope["path_params"] = _ROUTE, {"service_id": identity}
        request = Request(scope, receive, send)
        try:
            await authenticate(request)
            response = await call(identity, request)
        except NotAuthenticated as error:
            response = await problems.on_not_authenticated(request, error)
        except CdsServiceError as error:
            response = await problems.on_known(request, error)
        await response(scope, receive, send)
