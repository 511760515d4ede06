"""The outermost middleware: counts each request by kind, service and outcome."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds_service.telemetry.metrics import Metrics

_KINDS = {
    "/cds-services": "discovery",
    "/cds-services/{service_id}": "call",
    "/cds-services/{service_id}/feedback": "feedback",
}
_NOT_COUNTED = ("/health/", "/metrics")  # polled every few seconds by machines
_OUTCOMES = {
    401: "unauthenticated",
    403: "unauthenticated",
    404: "not found",
    405: "not found",
    412: "data not obtained",
    413: "too large",
    429: "busy",
    503: "busy",
}
_OF_CLASS = {2: "done", 3: "done", 4: "invalid", 5: "failed"}


class Counting:
    """Counts a request when the end of its response is sent, or when that fails."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the app and notes the status that it sends."""
        if scope["type"] != "http" or scope["path"].startswith(_NOT_COUNTED):
            await self.app(scope, receive, send)
            return
        started, status, counted = perf_counter(), 500, False

        async def watched(message: Message) -> None:
            nonlocal status, counted
            status = message.get("status", status)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                counted = self._count(scope, status, perf_counter() - started)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            counted = counted or self._count(scope, status, perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> bool:
        kind = _KINDS.get(getattr(scope.get("route"), "path", ""), "other")
        service = scope.get("path_params", {}).get("service_id", "")
        of_call = scope.get("state", {}).get("outcome", "") if status == 200 else ""  # set by the route
        self.metrics.count_request(kind, service, of_call or outcome_of(status), seconds)
        return True


def outcome_of(status: int) -> str:
    """The outcome label for an HTTP status."""
    return _OUTCOMES.get(status) or _OF_CLASS.get(status // 100, "other")
