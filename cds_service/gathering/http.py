"""The HTTP client for FHIR servers and key sets: httpx over connections of aiohttp, with a guard at each of them.

Whoever controls the DNS of a listed name can point it anywhere. So each address is looked at when a connection to it is
opened, and the connection goes to the very address that was looked at. The URL keeps its name: it decides which
connections may be used, and which certificate is asked for (docs/decisions/0026).
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from cds_service.errors import CannotStart
from cds_service.gathering.allowed_servers import is_loopback
from cds_service.gathering.pools import Connections, Pool, Use

# Metadata services of clouds. 169.254.169.254 is not listed: it is link-local.
_METADATA = frozenset(("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))

_MOST_HOSTS = 400  # whose sessions are kept: without a list of clients a caller may name any port of loopback

Resolve = Callable[[str, int], Awaitable[list[str]]]
MayCall = Callable[[str, str], bool]
ObserveConnections = Callable[[str, int], None]  # the owner, and how many connections are open


class ForbiddenAddress(OSError):
    """The name leads to an address that may not be called, or to none."""


# ---------------------------------------------------------------- which addresses


async def resolve_name(name: str, port: int) -> list[str]:
    """The addresses of a name, by the resolver of this machine. Raises `OSError`."""
    try:
        results = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("the name cannot be resolved") from None
    return list(dict.fromkeys(str(socket_address[0]) for *_, socket_address in results))


class GuardedResolver(AbstractResolver):
    """Resolves names, and refuses one if any of its addresses may not be called."""

    def __init__(self, resolve: Resolve, may_call: MayCall) -> None:
        self._resolve, self._may_call = resolve, may_call

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises `OSError`."""
        addresses = await self._resolve(host, port)
        if not addresses or not all(self._may_call(host, address) for address in addresses):
            raise ForbiddenAddress("the name leads to an address that may not be called")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def may_call(host: str, address: str) -> bool:
    """Whether a connection for this host may go to this address. Loopback only by its own name or address."""
    return not is_forbidden(address, loopback_allowed=host == "localhost" or is_loopback(host))


def is_forbidden(address: str, loopback_allowed: bool) -> bool:
    """True for an address that may not be called: loopback, link-local, multicast, reserved, cloud metadata."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if parsed.is_loopback:
        return not loopback_allowed
    if getattr(parsed, "sixtofour", None) or getattr(parsed, "teredo", None):  # an IPv4 address in disguise
        return True
    special = parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified or parsed.is_reserved
    return special or str(parsed) in _METADATA


# ---------------------------------------------------------------- the transport


class PooledTransport(httpx.AsyncBaseTransport):
    """Sends requests over connections that are kept for each `Pool` and host. Redirects are not followed."""

    def __init__(
        self, authorities: ssl.SSLContext, resolve: Resolve, may_call: MayCall, observe: ObserveConnections
    ) -> None:
        self._authorities, self._may_call, self._observe = authorities, may_call, observe
        self._resolver = GuardedResolver(resolve, may_call)
        self._connections: dict[tuple[Pool, str, str, int | None], Connections] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response; its connection is free again when it is closed. Raises an `httpx.TransportError`.

        The request says in its extensions which pool it uses, and how long it may wait for a place in it.
        """
        connections = await self._connections_for(request)
        timeout: Mapping[str, float | None] = request.extensions.get("timeout", {})
        try:
            use = await connections.use(timeout.get("pool"))
        except TimeoutError:
            if connections.is_full:
                raise httpx.PoolTimeout("no connection became free in time") from None
            raise httpx.ConnectTimeout("no connection could be opened in time") from None
        try:
            with _errors_of_httpx():
                response = await connections.session.request(
                    request.method,
                    URL(str(request.url), encoded=True),  # as it is: a page's address is opaque
                    headers=request.headers.multi_items(),
                    data=await request.aread() or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeout.get("connect")),
                    trace_request_ctx=use,
                )
        except BaseException:
            use.end()
            raise
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response, use))

    async def _connections_for(self, request: httpx.Request) -> Connections:
        pool: Pool = request.extensions.get("pool", Pool())
        url = request.url
        key = (pool, url.scheme, url.host, url.port)
        if key not in self._connections and len(self._connections) >= _MOST_HOSTS:
            await self._close_unused()
        if key not in self._connections:
            permitted, changed = partial(self._may_call, url.host), partial(self._count, pool.owner)
            self._connections[key] = Connections(pool, self._authorities, self._resolver, permitted, changed)
        return self._connections[key]

    async def _close_unused(self) -> None:
        unused = [key for key, connections in self._connections.items() if connections.is_unused]
        for connections in [self._connections.pop(key) for key in unused]:
            await connections.session.close()

    def _count(self, owner: str) -> None:
        """Tells how many connections an owner has now."""
        owned = (connections for (pool, *_), connections in self._connections.items() if pool.owner == owner)
        self._observe(owner, sum(connections.count for connections in owned))

    async def aclose(self) -> None:
        """Closes the connections."""
        for connections in self._connections.values():
            await connections.session.close()


class _Body(httpx.AsyncByteStream):
    """The body of a response as it comes. Closing it before its end closes the connection."""

    def __init__(self, response: aiohttp.ClientResponse, use: Use) -> None:
        self._response, self._use = response, use

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx():
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        """Gives the connection back."""
        self._response.release()
        self._use.end()


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raises the errors of aiohttp as those of httpx. Their messages hold addresses, and are left out."""
    try:
        yield
    except aiohttp.ServerTimeoutError:
        raise httpx.ConnectTimeout("no connection in time") from None
    except aiohttp.ClientConnectorError:  # no address, a forbidden one, no connection, a wrong certificate
        raise httpx.ConnectError("no connection") from None
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        raise httpx.ReadError("the connection broke") from None
    except (aiohttp.ClientError, ValueError):
        raise httpx.RemoteProtocolError("the answer is no HTTP that can be read") from None


# ---------------------------------------------------------------- the client


def _load_authorities(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError:  # missing, not readable, or not PEM
        raise CannotStart("CDS_FHIR_CA_FILE cannot be read, or is no PEM file of certificates") from None


def new_http_client(
    ca_file: Path | None = None,
    resolve: Resolve = resolve_name,
    may_call: MayCall = may_call,
    observe: ObserveConnections = lambda _owner, _connections: None,
) -> httpx.AsyncClient:
    """A client that follows no redirects, uses no proxy of the environment, and keeps no cookies."""
    return httpx.AsyncClient(
        transport=PooledTransport(_load_authorities(ca_file), resolve, may_call, observe),
        follow_redirects=False,
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(None),  # whoever asks says how long it waits
    )
