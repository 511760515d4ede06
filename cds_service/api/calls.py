"""One hook call: read the request, answer it, count, record and log what was answered."""

from time import perf_counter

from starlette.types import Receive, Scope

from cds_service.answering import Answer, answer
from cds_service.api.repeating import without_repeated
from cds_service.api.runtime import Runtime
from cds_service.auth.clients import Client, name_of
from cds_service.errors import UnknownService
from cds_service.gathering.allowed_servers import find_allowed_base
from cds_service.gathering.server import NO_SERVER, DataSource, FhirServer, NoServer, read_bearer_token
from cds_service.gathering.upstreams import FhirAccess
from cds_service.hooks.requests import PATIENT_VIEW, HookRequest, read_request
from cds_service.telemetry.logs import get_logger, safe_instance


async def answer_call(
    runtime: Runtime, service_id: str, client: Client | None, scope: Scope, receive: Receive
) -> tuple[str, bytes]:
    """The outcome that is counted, and the response as JSON. Raises a `CdsServiceError` where there is no answer."""
    started = perf_counter()
    hook = hook_of(runtime, service_id)
    asked = read_request(await runtime.bodies.read_json(scope, receive), hook)
    with_state = client is not None and client.tracestate
    with runtime.gate, runtime.tracing.call(scope, with_state=with_state) as span:
        server, source = _fhir_server(runtime, asked, client)
        modes = runtime.site.modes_for(hook, name_of(client))
        span_of, pages_url = runtime.tracing.span, runtime.pages_url
        content, new_id = runtime.content, runtime.new_id
        answered = await answer(asked, content, runtime.now(), new_id, source, span_of, pages_url, modes)
        answered, left_out = without_repeated(asked, client, answered, runtime.shown)
        body = runtime.writers[name_of(client)].write(answered.response)
        span.note(service=service_id, cards=answered.card_ids, fhir_server=server)
    runtime.metrics.count_not_repeated(left_out)
    if answered.decisions:
        _count_and_record(runtime, service_id, asked, answered, client)
    _log(service_id, asked, answered, client, server, perf_counter() - started, left_out)
    return "cards" if answered.card_ids else "no cards", body


def _count_and_record(
    runtime: Runtime, service_id: str, asked: HookRequest, answered: Answer, client: Client | None
) -> None:
    runtime.metrics.count_cards(answered.card_ids)
    runtime.metrics.count_missing_facts(answered.facts_lacking)
    burden = answered.burden
    runtime.metrics.count_orders(burden.orders)
    call = (service_id, asked.hook, asked.hook_instance, name_of(client))
    runtime.records.add_answer(*call, runtime.new_id(), burden._asdict())
    runtime.records.add_cards(*call, zip(answered.card_ids, answered.response.cards, strict=True))
    if answered.silent_cards:
        runtime.metrics.count_silent_cards(card.id for card in answered.silent_cards)
        runtime.records.add_cards(*call, answered.silent_cards, "silent")


def hook_of(runtime: Runtime, service_id: str) -> str:
    """The hook of a service that is switched on. Raises `UnknownService`."""
    hook = runtime.services.get(service_id)
    if hook is None:
        raise UnknownService("there is no service with this id")
    return hook


def _fhir_server(runtime: Runtime, asked: HookRequest, client: Client | None) -> tuple[str, DataSource]:
    """Whether the named FHIR server may be asked, as a word for the log, and what then answers for it."""
    if not asked.fhir_server:
        return "none", NO_SERVER
    without_list = None if runtime.settings.fhir_loopback else ()
    base = find_allowed_base(asked.fhir_server, client.fhir_servers if client else without_list)
    if base is None:
        return "refused", NoServer("its FHIR server is not one that this service may call")
    token = read_bearer_token(asked.fhir_authorization)
    if token is None:
        return "no usable token", NoServer("its fhirAuthorization cannot be used")
    code_lists, limits = runtime.content.vocabulary.code_lists, runtime.upstreams.limits
    observe, span = runtime.metrics.observe_fetch, runtime.tracing.span
    upstream = runtime.upstreams.find(name_of(client), client.fhir_access if client else FhirAccess(), base)
    return "allowed", FhirServer(runtime.http, base, token, code_lists, limits, observe, span, upstream)


def _log(
    service_id: str,
    asked: HookRequest,
    answered: Answer,
    client: Client | None,
    fhir_server: str,
    seconds: float,
    left_out: list[str],
) -> None:
    not_repeated = {"not_repeated": left_out} if left_out else {}
    untold = {"cards_untold": answered.cards_untold} if asked.hook == PATIENT_VIEW and answered.decisions else {}
    get_logger().info(
        "answered",
        service=service_id,
        client=name_of(client),
        hook=asked.hook,
        hookInstance=safe_instance(asked.hook_instance),
        cards=answered.card_ids,
        silent_cards=len(answered.silent_cards),
        unread_orders=answered.unresolved_orders,
        fhir_server=fhir_server,
        milliseconds=round(seconds * 1000, 1),
        **untold,
        **not_repeated,
    )
