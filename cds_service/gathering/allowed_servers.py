"""Which FHIR servers may be called: those listed for the client, or loopback where there is no list.

Base URLs are compared by their normalised parts, never as text. Unusual spellings are refused: an EHR has no reason
to send one, and parsers disagree about them.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

_MAX_LENGTH = 2000  # characters
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")
# Some servers drop what follows a semicolon, and take `..;` for a step up.
_IN_BRACKETS = re.compile(r"\[[0-9a-fA-F:.]+\](:\d*)?", re.ASCII)
_ODD_PATH = re.compile(r"//|(^|/)\.{1,2}(/|$)|[^\w.~!$&'()*+,=:@/-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """The service base URL of a FHIR server, normalised: the port always there, no slash at the end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The URL as text."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """True for `localhost` and plain loopback addresses; no other name counts, whatever it resolves to."""
        return self.host == "localhost" or is_loopback(self.host)

    def covers(self, other: "BaseUrl") -> bool:
        """True if the other URL is this base or below it."""
        same_server = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        return same_server and (other.path == self.path or other.path.startswith(f"{self.path}/"))

    def resolve(self, link: str) -> str | None:
        """The absolute URL of a link in an answer of this server; None if it is not below this base."""
        target, _, query = urljoin(f"{self.url}/", link.strip(" ")).partition("?")
        resolved = parse_base_url(target)
        if resolved is None or not self.covers(resolved) or not query.isprintable() or "#" in query or " " in query:
            return None
        return f"{resolved.url}?{query}" if query else resolved.url


def parse_base_url(url: str) -> BaseUrl | None:
    """An http or https URL in its parts; None if it has a user, a query, a fragment or an unusual spelling."""
    return _parse(url) if len(url) <= _MAX_LENGTH else None


@lru_cache(maxsize=1024)  # nearly every call names one of a few servers
def _parse(url: str) -> BaseUrl | None:
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
    if "[" in parts.netloc and not _IN_BRACKETS.fullmatch(parts.netloc):  # urlsplit takes [::1]x for [::1]
        return None
    if not _is_host(host) or port == 0 or _ODD_PATH.search(parts.path):
        return None
    return BaseUrl(parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/"))


def _is_host(host: str) -> bool:
    """True for a name or an address in its usual form. A name that ends in a number is an address in disguise."""
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
    """True for an IPv4 or IPv6 loopback address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def find_allowed_base(fhir_server: str, listed: Iterable[str] | None) -> BaseUrl | None:
    """The base URL of a FHIR server that may be called; None if it may not.

    `listed` are the base URLs in the client's entry. None means that there is no list of clients: then only a
    server on this machine's loopback may be called.
    """
    base = parse_base_url(fhir_server)
    if base is None:
        return None
    if listed is None:
        return base if base.is_loopback else None
    allowed_bases = (parse_base_url(url) for url in listed)
    return base if any(allowed.covers(base) for allowed in allowed_bases if allowed) else None
