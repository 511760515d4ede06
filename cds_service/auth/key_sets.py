"""The key sets of clients: fetched from the address in clients.toml, kept, and fetched again when that makes sense.

A key set is fetched when it is first needed, when it has grown old, and when a token names a key that is not in it; but
never twice within a short while, so that invented key ids cost the client's server nothing. Whatever goes wrong, the
last good set stays in use.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx

from cds_service.auth.clients import Client
from cds_service.auth.keys import Key, UnusableKey, read_key
from cds_service.fhir.json import UNREADABLE, decode, member, objects
from cds_service.telemetry.logs import get_logger

_ASK_FOR = {"Accept": "application/jwk-set+json, application/json;q=0.9", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class KeySetLimits:
    """Seconds between two fetches, until a set is old, and for one fetch; and bytes for one set."""

    interval: float = 10
    max_age: float = 3600
    timeout: float = 2
    max_bytes: int = 256 * 1024


class NotFetched(Exception):
    """Why a key set was not obtained, in fixed words."""


@dataclass
class _Kept:
    keys: tuple[Key, ...] = ()
    fetched: float | None = None
    tried: float | None = None
    under_way: asyncio.Task[None] | None = field(default=None, repr=False)


class KeySets:
    """The keys of every client. `clock` is monotonic."""

    def __init__(self, http: httpx.AsyncClient, limits: KeySetLimits, clock: Callable[[], float]) -> None:
        self._http, self._limits, self._clock = http, limits, clock
        self._kept: dict[str, _Kept] = {}

    async def keys_with(self, client: Client, kid: str) -> list[Key]:
        """The keys of a client that have this id; none if there are none, or if its key set cannot be had."""
        if client.keys:
            return _with(client.keys, kid)
        kept = self._kept.setdefault(client.jku, _Kept())
        found = _with(kept.keys, kid)
        if found and not self._is_past(kept.fetched, self._limits.max_age):
            return found
        fetch = self._fetch_if_due(client, kept)
        if found or fetch is None:
            return found  # an old set is used on while a new one is fetched
        await asyncio.shield(fetch)  # others wait for the same fetch: it goes on if this caller leaves
        return _with(kept.keys, kid)

    async def are_held(self, clients: Iterable[Client]) -> bool:
        """Whether keys of every client are at hand; a set that never came is asked for now."""
        return all(await asyncio.gather(*(self._is_held(one) for one in clients if not one.keys)))

    async def _is_held(self, client: Client) -> bool:
        kept = self._kept.setdefault(client.jku, _Kept())
        if not kept.keys and (fetch := self._fetch_if_due(client, kept)) is not None:
            await asyncio.shield(fetch)
        return bool(kept.keys)

    def _is_past(self, since: float | None, seconds: float) -> bool:
        return since is None or self._clock() - since >= seconds

    def _fetch_if_due(self, client: Client, kept: _Kept) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one; None if the last was only just now."""
        if kept.under_way is not None and not kept.under_way.done():
            return kept.under_way
        if not self._is_past(kept.tried, self._limits.interval):
            return None
        kept.tried = self._clock()
        kept.under_way = asyncio.create_task(self._renew(client, kept))
        return kept.under_way

    async def _renew(self, client: Client, kept: _Kept) -> None:
        try:
            async with asyncio.timeout(self._limits.timeout):
                kept.keys = _read(await self._fetch(client.jku))
            kept.fetched = self._clock()
        except (TimeoutError, httpx.TimeoutException):
            _say_why(client, "no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL):
            _say_why(client, "not reached")
        except NotFetched as error:
            _say_why(client, str(error))

    async def _fetch(self, jku: str) -> bytes:
        async with self._http.stream("GET", jku, headers=_ASK_FOR) as got:
            if got.status_code != 200:
                raise NotFetched(f"status {got.status_code}")
            parts, size = [], 0
            async for part in got.aiter_raw():
                size += len(part)
                if size > self._limits.max_bytes:
                    raise NotFetched("too large")
                parts.append(part)
            return b"".join(parts)

    async def aclose(self) -> None:
        """Gives up what is under way."""
        tasks = [one.under_way for one in self._kept.values() if one.under_way is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _with(keys: Iterable[Key], kid: str) -> list[Key]:
    return [key for key in keys if key.kid == kid]


def _read(written: bytes) -> tuple[Key, ...]:
    """The usable keys of a key set. One that cannot be used costs only itself, an empty set is one without keys."""
    try:
        listed = member(decode(written), "keys")
    except UNREADABLE:
        raise NotFetched("not a key set") from None
    if not isinstance(listed, list):
        raise NotFetched("not a key set")
    keys: list[Key] = []
    for one in objects(listed):
        try:
            keys.append(read_key(one))
        except UnusableKey:
            continue
    return tuple(keys)


def _say_why(client: Client, reason: str) -> None:
    get_logger().warning("key set not fetched", client=client.name, reason=reason)
