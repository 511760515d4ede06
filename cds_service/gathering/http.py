"""The HTTP client for FHIR servers and key sets: it resolves a name once, checks the address, and connects to it.

Whoever controls the DNS of a listed name can point it anywhere. So the name is resolved here, addresses that no FHIR
server has are refused, and the connection goes to the address that was checked: it cannot change in between.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from cds_service.errors import CannotStart
from cds_service.gathering.allowed_servers import is_loopback

# Metadata services of clouds. 169.254.169.254 is not listed: it is link-local.
_METADATA = frozenset(("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))

Resolve = Callable[[str, int], Awaitable[list[str]]]


class ForbiddenAddress(httpx.ConnectError):
    """The name resolves to an address that may not be called."""


class ResolvedTransport(httpx.AsyncBaseTransport):
    """Resolves the host, checks its addresses, and passes the request on with the address in place of the name."""

    def __init__(self, inner: httpx.AsyncBaseTransport, resolve: Resolve) -> None:
        self.inner, self.resolve = inner, resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response. The Host header and the check of the certificate keep the name."""
        name = request.url.host
        address = _checked(name, await self.resolve(name, request.url.port or 443))
        if address != name:
            request.extensions = {**request.extensions, "sni_hostname": name}
            request.url = request.url.copy_with(host=address)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.inner.aclose()


async def resolve_name(name: str, port: int) -> list[str]:
    """The addresses of a name, by the resolver of this machine."""
    try:
        results = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpx.ConnectError("the name cannot be resolved") from None
    return [str(socket_address[0]) for *_, socket_address in results]


def _checked(name: str, addresses: list[str]) -> str:
    """The first address. Raises `ForbiddenAddress` if there is none, or if any of them is forbidden."""
    loopback_allowed = name == "localhost" or is_loopback(name)
    if not addresses or any(is_forbidden(address, loopback_allowed) for address in addresses):
        raise ForbiddenAddress("the name leads to an address that may not be called")
    return addresses[0]


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


def _load_authorities(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError:  # missing, not readable, or not PEM
        raise CannotStart("CDS_FHIR_CA_FILE cannot be read, or is no PEM file of certificates") from None


def new_http_client(
    ca_file: Path | None = None, connections: int = 100, resolve: Resolve = resolve_name
) -> httpx.AsyncClient:
    """A pooled client that follows no redirects, uses no proxy of the environment, and keeps no cookies."""
    verify = _load_authorities(ca_file) if ca_file else True
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    transport = httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False)
    resolved, no_cookies = ResolvedTransport(transport, resolve), CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return httpx.AsyncClient(transport=resolved, follow_redirects=False, trust_env=False, cookies=no_cookies)
