"""Replay protection: a local cache of the tokens this process has seen, and a shared one for all replicas.

While the shared store is down, the local cache alone decides. A replay to the same process is still refused, and
guidance does not stop because a database is down (docs/decisions/0015-a-token-proves-the-client.md).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from cds_service.errors import StoreDown
from cds_service.telemetry.logs import get_logger

_TIMEOUT = 0.2  # seconds that a call waits for the shared store
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


class ReplayCache:
    """The local and the shared replay cache. `shared` is None where no replica has to know of the other's tokens."""

    def __init__(self, local: TokenStore, shared: TokenStore | None = None) -> None:
        self._local, self._shared = local, shared
        self._is_down = False

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """True the first time, as far as is known. Waits 0.2 s at most for the shared store, and never raises."""
        if not await self._local.is_new_token(client, jti, until):
            return False
        if self._shared is None:
            return True
        try:
            async with asyncio.timeout(_TIMEOUT):
                is_new = await self._shared.is_new_token(client, jti, until)
        except (StoreDown, TimeoutError):
            self._log_change(is_down=True)
            return True
        self._log_change(is_down=False)
        return is_new

    def _log_change(self, *, is_down: bool) -> None:
        """One line when the shared store goes down, and one when it is back."""
        if is_down and not self._is_down:
            get_logger().warning("token store down", note="each process refuses only the replays that it sees itself")
        elif self._is_down and not is_down:
            get_logger().info("token store back")
        self._is_down = is_down
