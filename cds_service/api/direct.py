"""The fast path for hook calls: a dictionary of paths in front of FastAPI.

Nearly every call is about another drug, and FastAPI's middleware, routing and dependencies would take longer than all
the rest of its answer. So `Service` looks the path of a POST up in a dictionary, and a match goes to `answer_call` at
once. Everything else goes to FastAPI, which has the same route (`api/routes.py`) for browsers, whose calls have an
`Origin` header and need those of CORS in the answer. Both ways give the same answers (docs/decisions/0021).
"""

from time import perf_counter
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service.api import openapi, problems
from cds_service.api.calls import answer_call
from cds_service.api.runtime import Runtime
from cds_service.auth.authenticating import client_of
from cds_service.errors import CdsServiceError
from cds_service.telemetry.counting import outcome_of


class Service(FastAPI):
    """The ASGI app of the service."""

    def __init__(self, runtime: Runtime, **options: Any) -> None:
        super().__init__(**options)
        self.state.runtime = runtime
        self._hook_calls = HookCalls(runtime)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once; FastAPI serves it at `/openapi.json`."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi.document(self.state.runtime, self.title)
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hook calls on the fast path; everything else by FastAPI."""
        if self._hook_calls.takes(scope):
            await self._hook_calls(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class HookCalls:
    """Authenticates, answers and counts hook calls, as FastAPI's route does with its middleware and error handlers."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._service_ids = {f"/cds-services/{service_id}": service_id for service_id in runtime.services}

    def takes(self, scope: Scope) -> bool:
        """Whether a request is the call of a service that no browser sent."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._service_ids:
            return False
        for name, _ in scope["headers"]:  # noqa: SIM110  # a generator costs more than all of the loop
            if name == b"origin":
                return False
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Counted when the answer is ready to be sent, or has failed."""
        started, outcome = perf_counter(), outcome_of(500)
        service_id = self._service_ids[scope["path"]]
        try:
            outcome, response = await self._answer(service_id, scope, receive)
        except Exception as error:  # the server would log its message, which may contain patient data
            response = problems.on_bug(error)
        finally:
            self._runtime.metrics.count_request("call", service_id, outcome, perf_counter() - started)
        try:
            await response(scope, receive, send)
        except Exception as error:  # too late for another answer: part of this one is sent
            problems.on_bug(error)

    async def _answer(self, service_id: str, scope: Scope, receive: Receive) -> tuple[str, ASGIApp]:
        runtime = self._runtime
        try:
            client = await client_of(scope, runtime.authenticator)
            outcome, body = await answer_call(runtime, service_id, client, scope, receive)
        except CdsServiceError as error:
            response = problems.refusal(error)
            return outcome_of(response.status_code), response
        return outcome, _JsonResponse(body)


class _JsonResponse:
    """A 200 with JSON; Starlette's `Response` takes 5 µs more to make."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        size = b"%d" % len(self._body)
        headers = [(b"content-length", size), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
