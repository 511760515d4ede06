"""For operators: is it alive, is it ready, what has it counted. No token is asked for, and no setting is told."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from cds_service.api.networks import require_network
from cds_service.api.problems import answer
from cds_service.api.runtime import HealthCheck, Runtime
from cds_service.telemetry.logs import get_logger

_TIMEOUT = 2.0  # seconds; a component that takes longer to answer its check is down


def make_router(runtime: Runtime) -> APIRouter:
    """`/health/live`, `/health/ready` and `/metrics`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> Response:
        """200 as long as this process answers at all."""
        return answer(200, {"status": "live"})

    @router.get("/health/ready")
    async def ready() -> Response:
        """200 if every component is up, else 503; each component by name."""
        up = await _check_health(runtime)
        is_ready = all(up.values())
        parts = {name: "up" if is_up else "down" for name, is_up in up.items()}
        status = "ready" if is_ready else "not ready"
        body: dict[str, Any] = {"status": status, "parts": parts, **_describe_content(runtime)}
        if resting := runtime.upstreams.resting():  # the EHR's fault: this service is ready all the same
            body["fhirServers"] = dict.fromkeys(sorted(resting), "resting")
        return answer(200 if is_ready else 503, body)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """The metrics, for addresses that may read them; 404 for all others."""
        require_network(request, runtime.settings.metrics_from)
        await _check_health(runtime)
        return Response(runtime.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    return router


def _describe_content(runtime: Runtime) -> Mapping[str, object]:
    """The version of the content, and what it consists of, by which replicas can be compared."""
    version = {"contentVersion": runtime.content.about.version}
    manifest = runtime.manifest
    if manifest is None:
        return version
    consists_of = {"cards": len(manifest.cards), "codeListRows": sum(manifest.rows.values()), "digest": manifest.digest}
    return {**version, "content": consists_of}


async def _check_health(runtime: Runtime) -> Mapping[str, bool]:
    """Runs every health check at once, and keeps the results as metrics too."""
    checks = runtime.health_checks
    results = await asyncio.gather(*(_is_up(name, check) for name, check in checks.items()))
    up = {"content": True, **dict(zip(checks, results, strict=True))}  # without content there would be no app
    for name, is_up in up.items():
        runtime.metrics.set_part_up(name, is_up)
    return up


async def _is_up(name: str, check: HealthCheck) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await check()
    except Exception as error:  # whatever it is, the component is of no use, and the others are still to be checked
        get_logger().warning("part down", part=name, error=type(error).__name__)
        return False
