"""Which tokens were used before: remembered by this process, and by the store that replicas share, if there is one.

Where the store is down, the process goes by its own memory. So a replay at this replica is refused all the same, and
patients do not go without guidance because a database is down (docs/decisions/0015-a-token-proves-the-client.md).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from cds_service.errors import StoreDown
from cds_service.telemetry.logs import get_logger

_PATIENCE = 0.2  # seconds
_MOST = 100_000


class TokenStore(Protocol):
    """A memory of tokens."""

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """True the first time that a client's token is seen; it is remembered until then. May raise `StoreDown`."""
        ...


class TokensOfThisProcess:
    """A memory of limited size: what has run out is forgotten, and beyond the limit the oldest."""

    def __init__(self, now: Callable[[], datetime], most: int = _MOST) -> None:
        self._now, self._most = now, most
        self._seen: dict[bytes, datetime] = {}

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """True the first time."""
        self._forget()
        token = sha256(f"{client}\0{jti}".encode()).digest()
        if token in self._seen:
            return False
        if len(self._seen) >= self._most:  # only a new token puts out another: replaying one changes nothing
            del self._seen[next(iter(self._seen))]
        self._seen[token] = until
        return True

    def _forget(self) -> None:
        now = self._now()
        while self._seen and self._seen[oldest := next(iter(self._seen))] <= now:
            del self._seen[oldest]


class SeenTokens:
    """Both memories. `store` is None where there is a single process."""

    def __init__(self, here: TokenStore, store: TokenStore | None = None) -> None:
        self._here, self._store = here, store
        self._down = False

    async def is_new_token(self, client: str, jti: str, until: datetime) -> bool:
        """True the first time, as far as can be told; it never waits long and never raises."""
        if not await self._here.is_new_token(client, jti, until):
            return False
        if self._store is None:
            return True
        try:
            async with asyncio.timeout(_PATIENCE):
                new = await self._store.is_new_token(client, jti, until)
        except (StoreDown, TimeoutError):
            self._note(down=True)
            return True
        self._note(down=False)
        return new

    def _note(self, *, down: bool) -> None:
        """One line when it goes down, one when it is back."""
        if down and not self._down:
            get_logger().warning("token store down", note="replays are noticed by each process alone")
        elif self._down and not down:
            get_logger().info("token store back")
        self._down = down
