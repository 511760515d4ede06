"""What operators ask: is it alive, is it ready, what has it counted. No client's token is needed, and none is told."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from cds_service.api.problems import answer
from cds_service.telemetry.logs import get_logger

router = APIRouter(include_in_schema=False)
Part = Callable[[], Awaitable[bool]]
_SECONDS_TO_ANSWER = 2.0  # a part that takes longer to say whether it is up, is not


@router.get("/health/live")
async def live() -> Response:
    """200 as long as this process answers at all."""
    return answer(200, {"status": "live"})


@router.get("/health/ready")
async def ready(request: Request) -> Response:
    """200 if every part is up, else 503; each part by name."""
    up = await _look(request)
    is_ready = all(up.values())
    parts = {name: "up" if is_up else "down" for name, is_up in up.items()}
    content = request.app.state.content.about.version
    body = {"status": "ready" if is_ready else "not ready", "parts": parts, "contentVersion": content}
    return answer(200 if is_ready else 503, body)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The counters, for those who may read them; to anybody else, an address at which there is nothing."""
    if not _may_read(request.client.host if request.client else "", request.app.state.settings.metrics_from):
        raise HTTPException(404)
    await _look(request)
    return Response(request.app.state.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def _look(request: Request) -> Mapping[str, bool]:
    """Whether each part is up, asked now, and counted."""
    parts: Mapping[str, Part] = request.app.state.parts
    found = await asyncio.gather(*(_is_up(name, part) for name, part in parts.items()))
    up = {"content": True, **dict(zip(parts, found, strict=True))}  # without content there is no app to ask
    for name, is_up in up.items():
        request.app.state.metrics.part_up(name, is_up)
    return up


async def _is_up(name: str, part: Part) -> bool:
    try:
        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            return await part()
    except Exception as error:  # whatever it is, the part cannot be used, and the others are still asked
        get_logger().warning("part down", part=name, error=type(error).__name__)
        return False


def _may_read(host: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)
