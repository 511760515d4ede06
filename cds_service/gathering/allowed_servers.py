"""Which FHIR servers may be called: those listed for the client, or, without any list, one on this machine's loopback.

Addresses are compared as normalised parts, never as text, and what is spelt in an unusual way is refused: there is no
honest reason for it.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")
# Some servers drop what follows a semicolon, and take `..;` for a step up.
_ODD_PATH = re.compile(r"//|(^|/)\.{1,2}(/|$)|[^\w.~!$&'()*+,=:@/-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Base:
    """The base of a FHIR server, normalised: no default port left out, no slash at the end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The base as an address, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Loopback by its plain address or as `localhost`; no other spelling of an address counts."""
        return self.host == "localhost" or is_loopback(self.host)

    def covers(self, other: "Base") -> bool:
        """True if the other address is this base or lies below it."""
        same = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        return same and (other.path == self.path or other.path.startswith(f"{self.path}/"))

    def resolve(self, link: str) -> str | None:
        """The address of a link in an answer of this server; None if it leads anywhere but below this base."""
        target, _, query = urljoin(f"{self.url}/", link.strip(" ")).partition("?")
        found = read_base(target)
        if found is None or not self.covers(found) or not query.isprintable() or "#" in query or " " in query:
            return None
        return f"{found.url}?{query}" if query else found.url


def read_base(url: str) -> Base | None:
    """An http or https address in its parts; None if it holds anything else: a user, a query, an odd spelling."""
    url = url.strip(" ")
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or "@" in parts.netloc or "?" in url or "#" in url:
        return None
    if not _is_host(host) or port == 0 or _ODD_PATH.search(parts.path):
        return None
    return Base(parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/"))


def _is_host(host: str) -> bool:
    """A name or a plain address. A name whose last part is a number is an address in disguise."""
    if not _HOST.fullmatch(host):
        return False
    if re.fullmatch(r"0x[0-9a-f]*|\d+", host.rpartition(".")[2]) or ":" in host:
        return _is_address(host)
    return True


def _is_address(host: str) -> bool:
    try:
        return getattr(ipaddress.ip_address(host), "ipv4_mapped", None) is None
    except ValueError:
        return False


def is_loopback(address: str) -> bool:
    """True for a plain IPv4 or IPv6 address of this machine's loopback."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def allowed(fhir_server: str, listed: Iterable[str] | None) -> Base | None:
    """The base of a FHIR server that may be called, None if it may not.

    `listed` are the bases of the client's entry; None where there is no list of clients: then only loopback may be.
    """
    base = read_base(fhir_server)
    if base is None:
        return None
    if listed is None:
        return base if base.is_loopback else None
    bases = (read_base(one) for one in listed)
    return base if any(one.covers(base) for one in bases if one) else None
