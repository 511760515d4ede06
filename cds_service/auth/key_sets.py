"""The cache of clients' key sets, fetched from the `jku` in clients.toml.

A key set is fetched when it is first needed, when it comes near `max_age`, and when a token names a key that is not
in it; but never twice within `interval`, so that made-up key ids cause no load on the client's server. If a fetch
fails, the last set that was fetched stays in use.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx

from cds_service.auth.clients import Client
from cds_service.auth.keys import Key, UnusableKey, read_key
from cds_service.fhir.json import UNREADABLE, decode, member, objects
from cds_service.gathering.pools import Pool
from cds_service.telemetry.logs import get_logger

_YOUNG = 0.8  # of the greatest age; from then on a new set is fetched while the old one is in use
_HEADERS = {"Accept": "application/jwk-set+json, application/json;q=0.9", "Accept-Encoding": "identity"}
_CONNECTIONS = 2  # of which one is used, and one may still be closing


@dataclass(frozen=True, slots=True)
class KeySetLimits:
    """Limits in seconds: between two fetches, the age of a set, and for one fetch. And the size of a set, in bytes."""

    interval: float = 10
    max_age: float = 3600
    timeout: float = 2
    max_bytes: int = 256 * 1024


class NotFetched(Exception):
    """The key set was not obtained; the message is one of a few fixed texts."""


@dataclass
class _Cached:
    keys: tuple[Key, ...] = ()
    fetched_at: float | None = None
    tried_at: float | None = None
    fetch: asyncio.Task[None] | None = field(default=None, repr=False)


class KeySets:
    """The keys of clients, by `jku`. `clock` is monotonic and gives seconds."""

    def __init__(self, http: httpx.AsyncClient, limits: KeySetLimits, clock: Callable[[], float]) -> None:
        self._http, self._limits, self._clock = http, limits, clock
        self._cache: dict[str, _Cached] = {}

    async def keys_with(self, client: Client, kid: str) -> list[Key]:
        """The keys of a client with this id; none if it has no such key, or if its key set cannot be fetched."""
        if client.keys:
            return _with_id(client.keys, kid)
        cached = self._cache.setdefault(client.jku, _Cached())
        keys = _with_id(cached.keys, kid)
        if keys and not self._has_passed(self._limits.max_age * _YOUNG, cached.fetched_at):
            return keys
        fetch = self._start_fetch(client, cached)
        is_old = self._has_passed(self._limits.max_age, cached.fetched_at)
        if fetch is None or (keys and not is_old):
            return keys  # a set stays in use while its successor is fetched, unless a key in it may be long revoked
        await asyncio.shield(fetch)  # other calls wait for the same fetch, even if this one is cancelled
        return _with_id(cached.keys, kid)

    async def are_available(self, clients: Iterable[Client]) -> bool:
        """The health check: whether there are keys for every client. Fetches the sets that were never fetched."""
        return all(await asyncio.gather(*(self._is_available(client) for client in clients if not client.keys)))

    async def _is_available(self, client: Client) -> bool:
        cached = self._cache.setdefault(client.jku, _Cached())
        if not cached.keys and (fetch := self._start_fetch(client, cached)) is not None:
            await asyncio.shield(fetch)
        return bool(cached.keys)

    def _has_passed(self, seconds: float, since: float | None) -> bool:
        return since is None or self._clock() - since >= seconds

    def _start_fetch(self, client: Client, cached: _Cached) -> asyncio.Task[None] | None:
        """The fetch in progress, or a new one; None if the last one began less than `interval` ago."""
        if cached.fetch is not None and not cached.fetch.done():
            return cached.fetch
        if not self._has_passed(self._limits.interval, cached.tried_at):
            return None
        cached.tried_at = self._clock()
        cached.fetch = asyncio.create_task(self._refresh(client, cached))
        return cached.fetch

    async def _refresh(self, client: Client, cached: _Cached) -> None:
        try:
            async with asyncio.timeout(self._limits.timeout):
                cached.keys = _read_key_set(await self._fetch(client))
            cached.fetched_at = self._clock()
        except (TimeoutError, httpx.TimeoutException):
            _log_failure(client, "no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL):
            _log_failure(client, "not reached")
        except NotFetched as error:
            _log_failure(client, str(error))

    async def _fetch(self, client: Client) -> bytes:
        pool = Pool(client.name, _CONNECTIONS, _CONNECTIONS, purpose="key set")
        async with self._http.stream("GET", client.jku, headers=_HEADERS, extensions={"pool": pool}) as response:
            if response.status_code != 200:
                raise NotFetched(f"status {response.status_code}")
            chunks, size = [], 0
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > self._limits.max_bytes:
                    raise NotFetched("too large")
                chunks.append(chunk)
            return b"".join(chunks)

    async def aclose(self) -> None:
        """Cancels the fetches in progress."""
        tasks = [cached.fetch for cached in self._cache.values() if cached.fetch is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _with_id(keys: Iterable[Key], kid: str) -> list[Key]:
    return [key for key in keys if key.kid == kid]


def _read_key_set(written: bytes) -> tuple[Key, ...]:
    """The usable keys of a JWK Set; the others are skipped. Raises `NotFetched` if it is no JWK Set."""
    try:
        listed = member(decode(written), "keys")
    except UNREADABLE:
        raise NotFetched("not a key set") from None
    if not isinstance(listed, list):
        raise NotFetched("not a key set")
    keys: list[Key] = []
    for jwk in objects(listed):
        try:
            keys.append(read_key(jwk))
        except UnusableKey:
            continue
    return tuple(keys)


def _log_failure(client: Client, reason: str) -> None:
    get_logger().warning("key set not fetched", client=client.name, reason=reason)
