"""The connection to a FHIR server: resolved once, looked at, and made to that very address.

A listed name may be made to point anywhere by whoever controls its DNS. So the name is resolved here, an address that
no FHIR server has is refused, and the connection is made to the address that was looked at: it cannot change between.
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

# Where clouds keep credentials, beside 169.254.169.254, which is link-local.
_METADATA = frozenset(("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))

Resolve = Callable[[str, int], Awaitable[list[str]]]


class ForbiddenAddress(httpx.ConnectError):
    """The name resolves to an address that is not to be called."""


class ResolvedTransport(httpx.AsyncBaseTransport):
    """Resolves a name, refuses what no FHIR server has, and hands on with the address in place of the name."""

    def __init__(self, inner: httpx.AsyncBaseTransport, resolve: Resolve) -> None:
        self.inner, self.resolve = inner, resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. The name stays in the Host header and in what the certificate is checked against."""
        name = request.url.host
        address = _checked(name, await self.resolve(name, request.url.port or 443))
        if address != name:
            request.extensions = {**request.extensions, "sni_hostname": name}
            request.url = request.url.copy_with(host=address)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.inner.aclose()


async def addresses_of(name: str, port: int) -> list[str]:
    """The addresses of a name, as this machine resolves it."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpx.ConnectError("the name cannot be resolved") from None
    return [str(entry[4][0]) for entry in found]


def _checked(name: str, addresses: list[str]) -> str:
    """The first address; an error if there is none, or if any of them is forbidden."""
    loopback = name == "localhost" or is_loopback(name)
    if not addresses or any(is_forbidden(one, loopback) for one in addresses):
        raise ForbiddenAddress("the name leads to an address that may not be called")
    return addresses[0]


def is_forbidden(address: str, loopback: bool) -> bool:
    """True for an address that is not to be called; `loopback` says that the base itself is written as loopback."""
    read = ipaddress.ip_address(address.partition("%")[0])
    read = getattr(read, "ipv4_mapped", None) or read
    if read.is_loopback:
        return not loopback
    if getattr(read, "sixtofour", None) or getattr(read, "teredo", None):  # an IPv4 address in disguise
        return True
    return read.is_link_local or read.is_multicast or read.is_unspecified or read.is_reserved or str(read) in _METADATA


def _authorities(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError:  # not there, not to be read, or not PEM
        raise CannotStart("CDS_FHIR_CA_FILE cannot be read, or is no PEM file of certificates") from None


def new_http_client(
    ca_file: Path | None = None, connections: int = 100, resolve: Resolve = addresses_of
) -> httpx.AsyncClient:
    """The one pooled client. It follows no redirect, no proxy of the environment, and keeps no cookies of answers."""
    verify = _authorities(ca_file) if ca_file else True
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    transport = httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False)
    resolved, no_cookies = ResolvedTransport(transport, resolve), CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return httpx.AsyncClient(transport=resolved, follow_redirects=False, trust_env=False, cookies=no_cookies)
