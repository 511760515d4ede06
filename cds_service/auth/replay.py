"""Replay protection: a local cache of the tokens this process has seen, and a shared one for all replicas.

While the shared store is down or slow, it is known only whether this process has seen a token. What then happens is for
each client's entry to say: by default guidance does not stop because a database is down
(docs/decisions/0015-a-token-proves-the-client.md).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Protocol

from cds_service.errors import StoreDown
from cds_service.telemetry.logs import get_logger

_TIMEOUT = 0.2  # seconds
_MAX_TOKENS = 100_000


class TokenStore(Protocol):
    """Remembers tokens until they expire."""

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """True the first time this token of the client is seen. Remembers it until then. May raise `StoreDown`."""
        ...


class LocalReplayCache:
    """The tokens seen by this process, of which it keeps at most `max_tokens`."""

    def __init__(self, now: Callable[[], datetime], max_tokens: int = _MAX_TOKENS) -> None:
        self._now, self._max_tokens = now, max_tokens
        self._expiry: dict[bytes, datetime] = {}

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """True the first time. Where the cache is full, the oldest token is forgotten."""
        self._remove_expired()
        token = sha256(f"{client}\0{jti}".encode()).digest()
        if token in self._expiry:
            return False
        if len(self._expiry) >= self._max_tokens:  # after the look-up: replaying a token evicts nothing
            del self._expiry[next(iter(self._expiry))]
        self._expiry[token] = until
        return True

    def _remove_expired(self) -> None:
        now = self._now()
        while self._expiry and self._expiry[oldest := next(iter(self._expiry))] <= now:
            del self._expiry[oldest]


class Use(Enum):
    """Whether a token was used before, as far as is known."""

    FIRST = "first"
    REPEATED = "repeated"
    UNSURE = "unsure"  # not by this process; whether by another one, the shared store does not say in time


class ReplayCache:
    """The local and the shared replay cache. `shared` is None where no replica has to know of the other's tokens."""

    def __init__(self, local: TokenStore, shared: TokenStore | None = None, timeout: float = _TIMEOUT) -> None:
        self._local, self._shared, self._timeout = local, shared, timeout
        self._is_down = False

    async def use(self, client: str, jti: str, until: datetime) -> Use:
        """Remembers a token, and says whether it was used before. Waits for the shared store up to the timeout."""
        if not await self._local.is_new_token(client, jti, until):
            return Use.REPEATED
        if self._shared is None:
            return Use.FIRST
        try:
            async with asyncio.timeout(self._timeout):
                is_new = await self._shared.is_new_token(client, jti, until)
        except (StoreDown, TimeoutError):
            self._log_change(is_down=True)
            return Use.UNSURE
        self._log_change(is_down=False)
        return Use.FIRST if is_new else Use.REPEATED

    def _log_change(self, *, is_down: bool) -> None:
        """One line when the shared store goes down, and one when it is back."""
        if is_down and not self._is_down:
            get_logger().warning("token store down", note="each process refuses only the replays that it sees itself")
        elif self._is_down and not is_down:
            get_logger().info("token store back")
        self._is_down = is_down
