"""The endpoints of CDS Hooks: discovery, the call of a service, and feedback. `api/openapi.py` describes them."""

from fastapi import APIRouter, Depends, Request, Response

from cds_service.api.calls import answer_call, hook_of
from cds_service.api.runtime import Runtime
from cds_service.auth.authenticating import client_of
from cds_service.auth.clients import Client, name_of
from cds_service.hooks.dialects import STANDARD
from cds_service.hooks.feedback import read_feedback
from cds_service.telemetry.logs import get_logger


def make_router(runtime: Runtime) -> APIRouter:
    """The routes. Whatever is added here authenticates too: the dependency is the router's."""

    async def authenticate(request: Request) -> Client | None:
        return await client_of(request.scope, runtime.authenticator)

    router = APIRouter(dependencies=[Depends(authenticate)])

    @router.get("/cds-services")
    async def discovery(client: Client | None = Depends(authenticate)) -> Response:
        """The services of this host, as the client's version of CDS Hooks has them."""
        return Response(runtime.discovery[name_of(client)], media_type="application/json")

    @router.post("/cds-services/{service_id}")
    async def call(service_id: str, request: Request, client: Client | None = Depends(authenticate)) -> Response:
        """The cards for one hook call."""
        request.state.outcome, body = await answer_call(runtime, service_id, client, request.scope, request.receive)
        return Response(body, media_type="application/json")

    @router.post("/cds-services/{service_id}/feedback")
    async def feedback(service_id: str, request: Request, client: Client | None = Depends(authenticate)) -> Response:
        """Answers once the feedback is committed to the database."""
        hook_of(runtime, service_id)
        name, dialect = name_of(client), client.dialect if client else STANDARD
        batch = read_feedback(await runtime.bodies.read_json(request.scope, request.receive), dialect.feedback_reasons)
        await runtime.records.save_feedback(service_id, name, batch.feedback)
        runtime.metrics.count_unread_reasons(name, batch.unread)
        unread = {"unread_reasons": dict(batch.unread)} if batch.unread else {}
        get_logger().info("feedback", service=service_id, client=name, items=batch.items, **unread)
        return Response(b"{}", media_type="application/json")

    return router
