"""Which FHIR servers may be called. Without a list of clients: one on this machine's loopback, and no other."""

import ipaddress
from urllib.parse import urlsplit

_LOOPBACK_NAMES = frozenset(("localhost",))


def may_call(fhir_server: str, loopback: bool) -> bool:
    """True if this base URL may be called; `loopback` is the setting that permits servers on this machine."""
    fhir_server = fhir_server.strip(" ")
    if not loopback or any(c.isspace() or not c.isprintable() or c == "%" for c in fhir_server):
        return False
    try:
        parts = urlsplit(fhir_server)
        host, _ = parts.hostname, parts.port  # a bad port raises here
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or host is None or "@" in parts.netloc:
        return False
    return not parts.query and not parts.fragment and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    """Loopback by its plain address or as `localhost`; no other spelling of an address counts."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None
