"""CORS: which web pages may call from a browser. What a page elsewhere tries is logged and counted.

Only a browser heeds this: it keeps pages of other origins from reading answers. It authenticates nobody.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from cds_service.settings import PUBLIC_SANDBOX, Settings
from cds_service.telemetry.logs import get_logger

_LOOPBACK = r"http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?"  # a sandbox on this machine, on any port
_MAX_ORIGIN = 300  # characters; a host name has at most 253
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")
_UNREADABLE = "not a host"


class Cors(CORSMiddleware):
    """Permits the origins of the settings; in demo mode also the public sandbox and pages of this machine."""

    def __init__(self, app: ASGIApp, settings: Settings, count_refused: Callable[[], None]) -> None:
        super().__init__(
            app,
            allow_origins=(PUBLIC_SANDBOX, *settings.cors_origins) if settings.demo else settings.cors_origins,
            allow_origin_regex=_LOOPBACK if settings.demo else None,
            allow_methods=["GET", "POST", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type"],
            allow_private_network=settings.demo,  # the public sandbox, a page of the internet, calls this machine
        )
        self._public_url, self._count_refused = settings.public_url or "", count_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Notes an origin that is not permitted; the answer to it lacks what the browser looks for."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is not None and not self.is_allowed_origin(origin) and not self._is_own(origin, headers):
            get_logger().info("origin refused", host=host_of(origin))
            self._count_refused()
        await super().__call__(scope, receive, send)

    def _is_own(self, origin: str, headers: Headers) -> bool:
        """Whether a page of this service sent the request: browsers name the origin of every form that is posted."""
        return origin.partition("://")[2] in (headers.get("host"), urlsplit(self._public_url).netloc)


def host_of(origin: str) -> str:
    """The host of an origin, for the log: without port, path or user, and only if it looks like one."""
    try:
        host = urlsplit(origin).hostname if len(origin) <= _MAX_ORIGIN else None
    except ValueError:
        return _UNREADABLE
    return host if host and _HOST.fullmatch(host) else _UNREADABLE
