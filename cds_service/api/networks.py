"""What is for operators alone: addresses of networks that a setting names, and a 404 for all others."""

import ipaddress

from fastapi import Request
from starlette.exceptions import HTTPException

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def require_network(request: Request, networks: Networks) -> None:
    """Raises a 404 unless the request comes from one of these networks."""
    if not _is_in(request.client.host if request.client else "", networks):
        raise HTTPException(404)


def _is_in(host: str, networks: Networks) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)
