"""From error to answer: the one table of statuses, each with an OperationOutcome that names what is wrong."""

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
    NotJson,
    StoreDown,
    TooManyOrders,
    UnknownService,
)
from cds_service.telemetry.logs import get_logger, where_it_broke

_STATUS: dict[type[CdsServiceError], tuple[int, str]] = {
    InvalidRequest: (400, "invalid"),
    UnknownService: (404, "not-found"),
    BodyTooSlow: (408, "timeout"),
    DataNotObtained: (412, "processing"),
    BodyTooLarge: (413, "too-long"),
    TooManyOrders: (413, "too-costly"),
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
_WORDS = {404: "there is nothing at this address", 405: "this method is not allowed here"}


def outcome(code: str, words: str, expression: str = "", diagnostics: str = "") -> dict[str, Any]:
    """An OperationOutcome with one error; `expression` is the path of the member that is wrong."""
    issue: dict[str, Any] = {"severity": "error", "code": code, "details": {"text": words}}
    if expression:
        issue["expression"] = [expression]
    if diagnostics:
        issue["diagnostics"] = diagnostics
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


async def on_known(_request: Request, error: Exception) -> Response:
    """An error of this service's own tree. Its message names fields, never values."""
    status, code = next((row for kind, row in _STATUS.items() if isinstance(error, kind)), (500, "exception"))
    get_logger().info("refused", status=status, error=type(error).__name__, field=getattr(error, "field", None))
    expression = error.field if isinstance(error, InvalidRequest | TooManyOrders) else ""
    missing = error.missing if isinstance(error, DataNotObtained) else {}
    diagnostics = "; ".join(f"{key}: {why}" for key, why in missing.items())
    headers = _HEADERS.get(type(error))  # type: ignore[arg-type]  # an error without an entry has no headers
    return answer(status, outcome(code, str(error), expression, diagnostics), headers)


async def on_not_authenticated(_request: Request, error: Exception) -> Response:
    """The same answer whatever the reason, which goes to the log."""
    reason, client = getattr(error, "reason", ""), getattr(error, "client", "")
    get_logger().info("not authenticated", reason=reason, client=client)
    return answer(401, outcome("login", "the request is not authenticated"), {"WWW-Authenticate": "Bearer"})


async def on_http(_request: Request, error: Exception) -> Response:
    """What the framework refuses: an address or a method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    code = "not-found" if status == 404 else "not-supported"
    return answer(status, outcome(code, _WORDS.get(status, "this request cannot be answered")), headers)


def on_bug(error: Exception) -> Response:
    """The place is logged, and nothing of it is told, not even its message: that may hold data."""
    get_logger().error("bug", error=type(error).__name__, where=where_it_broke(error))
    return answer(500, outcome("exception", "the service failed; no guidance was given"))


class BugShield:
    """Answers for a bug in place of the server, which would log its message, and that may hold data.

    The place is logged, nothing of it is told, and the client sees that it failed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on; an error that nothing else caught becomes a 500 with an OperationOutcome."""
        if scope["type"] != "http":  # what stops the start is for the server to tell
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # the last place that can keep its message from being written
            reply = on_bug(error)
            if not started:
                await reply(scope, receive, send)
