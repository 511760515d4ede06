"""Error responses: one table of statuses, and an OperationOutcome that says what is wrong and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds_service.errors import (
    BodyTooLarge,
    BodyTooSlow,
    Busy,
    CdsServiceError,
    DataNotObtained,
    InvalidRequest,
    NotAuthenticated,
    NotJson,
    StoreDown,
    TooManyOrders,
    TooMuchText,
    UnknownService,
)
from cds_service.telemetry.logs import get_logger, where_it_broke

STATUSES: dict[type[CdsServiceError], tuple[int, str]] = {
    InvalidRequest: (400, "invalid"),
    UnknownService: (404, "not-found"),
    BodyTooSlow: (408, "timeout"),
    DataNotObtained: (412, "processing"),
    BodyTooLarge: (413, "too-long"),
    TooManyOrders: (413, "too-costly"),
    TooMuchText: (413, "too-costly"),
    NotJson: (415, "not-supported"),
    Busy: (503, "throttled"),
    StoreDown: (503, "transient"),
}
_HEADERS: dict[type[CdsServiceError], dict[str, str]] = {
    BodyTooSlow: {"Connection": "close"},
    NotJson: {"Accept-Encoding": "identity"},
    Busy: {"Retry-After": "1"},
    StoreDown: {"Retry-After": str(StoreDown.retry_after)},
}
BUG = "the service failed; no guidance was given"
_TEXTS = {404: "there is nothing at this address", 405: "this method is not allowed here"}


def outcome(code: str, words: str, expression: str = "", diagnostics: str = "") -> dict[str, Any]:
    """An OperationOutcome with one error. `expression` is the path of the wrong member in the request."""
    issue: dict[str, Any] = {"severity": "error", "code": code, "details": {"text": words}}
    if expression:
        issue["expression"] = [expression]
    if diagnostics:
        issue["diagnostics"] = diagnostics
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error is answered with: the status, the OperationOutcome, and headers beside the usual ones."""

    status: int
    outcome: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def describe(error: CdsServiceError) -> Problem:
    """The answer to an error of `cds_service.errors`, whose messages name fields and never contain values."""
    if isinstance(error, NotAuthenticated):
        return Problem(401, outcome("login", str(error)), {"WWW-Authenticate": "Bearer"})
    status, code = next((row for kind, row in STATUSES.items() if isinstance(error, kind)), (500, "exception"))
    expression = error.field if isinstance(error, InvalidRequest | TooManyOrders | TooMuchText) else ""
    missing = error.missing if isinstance(error, DataNotObtained) else {}
    diagnostics = "; ".join(f"{key}: {reason}" for key, reason in missing.items())
    return Problem(status, outcome(code, str(error), expression, diagnostics), _HEADERS.get(type(error), {}))


def answer(status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def refusal(error: CdsServiceError) -> Response:
    """The response to an error of `cds_service.errors`; logs why."""
    problem = describe(error)
    if isinstance(error, NotAuthenticated):
        get_logger().info("not authenticated", reason=error.reason, client=error.client)
    else:
        field_at_fault = getattr(error, "field", None)
        get_logger().info("refused", status=problem.status, error=type(error).__name__, field=field_at_fault)
    return answer(problem.status, problem.outcome, problem.headers)


async def on_refused(_request: Request, error: Exception) -> Response:
    """`refusal`, as a handler of FastAPI."""
    return refusal(error) if isinstance(error, CdsServiceError) else on_bug(error)


async def on_http(_request: Request, error: Exception) -> Response:
    """The response to what FastAPI itself refuses: an unknown path (404) or method (405)."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    code = "not-found" if status == 404 else "not-supported"
    return answer(status, outcome(code, _TEXTS.get(status, "this request cannot be answered")), headers)


def on_bug(error: Exception) -> Response:
    """500 for an unexpected error. Its message may contain patient data: only its type and place are logged."""
    get_logger().error("bug", error=type(error).__name__, where=where_it_broke(error))
    return answer(500, outcome("exception", BUG))


class BugShield:
    """Middleware that catches unexpected errors, so that the server does not log their messages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the app. An error that it raises becomes a 500, unless part of another response is sent."""
        if scope["type"] != "http":  # an error of the lifespan stops the start, and the server has to see it
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # of any kind
            reply = on_bug(error)
            if not started:
                await reply(scope, receive, send)
