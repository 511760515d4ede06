"""Calls the app by the bare ASGI interface, which lets a body come as slowly, or stop as suddenly, as a test needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

Receive = Callable[[], Awaitable[Any]]
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return msgspec.json.decode(self.body)


def all_at_once(body: bytes) -> Receive:
    """A body that is there."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    return receive


async def call(app: Any, path: str, receive: Receive, headers: Mapping[str, str] = JSON) -> Reply:
    """The answer to one POST. What the app raises is raised here."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "POST",
    }
    scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "query_string": b""}
    raw_headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await app(scope | {"headers": raw_headers, "server": ("test", 80), "client": ("test", 1)}, receive, send)
    start, *rest = sent
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], answered, b"".join(message.get("body", b"") for message in rest))
