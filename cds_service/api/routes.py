"""The routes: discovery, the call, and feedback. Each hands over at once."""

from time import perf_counter
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.datastructures import State

from cds_service.answering import Answer, answer
from cds_service.api import health
from cds_service.api.bodies import read_body
from cds_service.auth.authenticating import authenticate
from cds_service.auth.clients import Client
from cds_service.errors import UnknownService
from cds_service.gathering.allowed_servers import find_allowed_base
from cds_service.gathering.server import NO_SERVER, DataSource, FhirServer, NoServer, read_bearer_token
from cds_service.guidance.prefetch import prefetch_templates
from cds_service.hooks.cards import to_json
from cds_service.hooks.discovery import SERVICES, discover
from cds_service.hooks.feedback import read_feedback
from cds_service.hooks.requests import HookRequest, read_request
from cds_service.hooks.v1_0 import as_1_0
from cds_service.telemetry.logs import get_logger, safe_instance

router = APIRouter(dependencies=[Depends(authenticate)])
_REFUSED: dict[int | str, dict[str, Any]] = {"4XX": {"description": "Refused: an OperationOutcome says what and where"}}
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.get("/cds-services", summary="Discovery: the services and the prefetch that each can use")
async def discovery(request: Request) -> Response:
    """The services of this host, as CDS Hooks 2.0 has them."""
    return Response(request.app.state.discovery, media_type="application/json")


@router.post(
    "/cds-services/{service_id}",
    summary="Call a service: a hook in, cards out",
    openapi_extra=_BODY,
    responses=_REFUSED,
)
async def call(service_id: str, request: Request) -> Response:
    """The cards for one hook call."""
    request.state.outcome, body = await called(service_id, request, request.state.client)
    return Response(body, media_type="application/json")


async def called(service_id: str, request: Request, client: Client | None) -> tuple[str, bytes]:
    """What is counted, and the body of the answer to one hook call."""
    started = perf_counter()
    hook = _hook_of(service_id)
    state = request.app.state
    asked = read_request(await read_body(request, state.settings.max_body_bytes), hook)
    with state.gate, state.tracing.call(request) as span:
        server, source = _fhir_server(state, asked, client)
        answered = await answer(
            asked, state.content, state.now(), state.new_id, source, state.tracing.span, state.public_url
        )
        body = _written(answered, client)
        span.note(service=service_id, cards=answered.card_ids, fhir_server=server)
    if answered.decisions:
        state.metrics.shown(answered.card_ids)
        state.metrics.cannot_tell(answered.facts_lacking)
        cards = zip(answered.card_ids, answered.response.cards, strict=True)
        state.records.shown(service_id, hook, asked.hook_instance, _name(client), cards)
    _log(service_id, asked, answered, client, server, perf_counter() - started)
    return "cards" if answered.card_ids else "no cards", body


@router.post(
    "/cds-services/{service_id}/feedback",
    summary="Feedback: what became of cards that were shown",
    openapi_extra=_BODY,
    responses=_REFUSED,
)
async def feedback(service_id: str, request: Request) -> Response:
    """Answers once the feedback is committed to the database."""
    _hook_of(service_id)
    items = read_feedback(await read_body(request, request.app.state.settings.max_body_bytes))
    client = _name(request.state.client)
    await request.app.state.records.keep(service_id, client, items)
    get_logger().info("feedback", service=service_id, client=client, items=len(items))
    return Response(b"{}", media_type="application/json")


def _hook_of(service_id: str) -> str:
    hook = SERVICES.get(service_id)
    if hook is None:
        raise UnknownService("there is no service with this id")
    return hook


def _name(client: Client | None) -> str:
    """The client's name in logs and records."""
    return client.name if client else "open"


def _written(answered: Answer, client: Client | None) -> bytes:
    """The answer in the version of CDS Hooks that the client speaks."""
    if client is not None and client.cds_hooks == "1.0":
        return to_json(as_1_0(answered.response))
    return to_json(answered.response)


def _fhir_server(state: State, asked: HookRequest, client: Client | None) -> tuple[str, DataSource]:
    """What may be asked for what the prefetch lacks, and for the log whether the server that was named may be."""
    if not asked.fhir_server:
        return "none", NO_SERVER
    without_list = None if state.settings.fhir_loopback else ()
    base = find_allowed_base(asked.fhir_server, client.fhir_servers if client else without_list)
    if base is None:
        return "refused", NoServer("its FHIR server is not one that this service may call")
    token = read_bearer_token(asked.fhir_authorization)
    if token is None:
        return "no usable token", NoServer("its fhirAuthorization cannot be used")
    code_lists, observe, span = state.content.vocabulary.code_lists, state.metrics.fetched, state.tracing.span
    return "allowed", FhirServer(state.http, base, token, code_lists, state.fhir_limits, observe, span)


def _log(
    service_id: str, asked: HookRequest, answered: Answer, client: Client | None, fhir_server: str, seconds: float
) -> None:
    get_logger().info(
        "answered",
        service=service_id,
        client=_name(client),
        hook=asked.hook,
        hookInstance=safe_instance(asked.hook_instance),
        cards=answered.card_ids,
        unread_orders=answered.unresolved_orders,
        fhir_server=fhir_server,
        milliseconds=round(seconds * 1000, 1),
    )


def set_up(app: FastAPI) -> None:
    """Puts the routes on the app, and what they need that is made once."""
    content = app.state.content
    prefetch = prefetch_templates(content, app.state.settings.prefetch)
    app.state.discovery = to_json(discover(prefetch, content.about.version, content.about.status))
    app.include_router(router)
    app.include_router(health.router)
