"""The OpenAPI document: what the routes of `api/routes.py` take and send.

Written here and not derived from the routes: those read bodies themselves, with limits of their own, so the framework
knows nothing of them (docs/decisions/0021). Its examples are requests of the fixtures and their golden replies.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from cds_service import __version__
from cds_service.api.problems import BUG, Problem, describe, outcome
from cds_service.api.runtime import Runtime
from cds_service.api.schemas import PLACE, Schema, all_schemas, ref, request_name
from cds_service.auth.clients import OPEN
from cds_service.clinical.text_limits import MAX_TEXT
from cds_service.errors import (
    BodyTooLarge,
    BodyTooSlow,
    Busy,
    CdsServiceError,
    DataNotObtained,
    InvalidRequest,
    NotAuthenticated,
    NotJson,
    StoreDown,
    TooManyOrders,
    TooMuchText,
    UnknownService,
)
from cds_service.hooks.requests import MAX_ORDERS

EXAMPLES: Mapping[str, str] = {  # hook -> a request of the fixtures; the package carries these and their replies
    "order-sign": "ines-allergic.oral-600-twice-daily.order-sign",  # first, like the example of a service id
    "order-select": "edith-not-measured.by-reference-contained.order-select",
    "medication-prescribe": "chiara-glutamate-low.oral-1200-twice-daily.medication-prescribe",
    "medication-verify": "alma-glutamate-high.oral-600-twice-daily.medication-verify",
}
_ABOUT = (
    "Clinical decision support for orders of acetylcysteine, by CDS Hooks 2.0 and 1.0. The guide for connecting an EHR "
    "is at /guides/integrating."
)
_TOKEN = "A JWT of a listed client, as CDS Hooks specifies; each call needs a new one."  # noqa: S105  # says what it is
_WHEN = {
    400: "The body cannot be used; the OperationOutcome names the member that is wrong",
    401: "No valid token of a listed client",
    404: "There is no service with this id",
    408: "The body did not arrive in time",
    412: "The order is or may be for acetylcysteine, and no data about the patient could be obtained",
    413: "The body is too large, or holds too many orders or too much text",
    415: "The body is not JSON, or is compressed",
    431: "The request head is too large",
    500: "A bug; no guidance was given",
    503: "At capacity, or the database is unavailable; send it again later",
}
_ON_EVERYTHING = (401, 431, 500)
_ON_BODIES = (*_ON_EVERYTHING, 400, 404, 408, 413, 415, 503)
_OF_CALLS = (*_ON_BODIES, 412)
_HEADERS = {
    "WWW-Authenticate": "How to authenticate.",
    "Retry-After": "Seconds to wait.",
    "Accept-Encoding": "The encodings that are read.",
    "Connection": "The connection is closed.",
}


def document(runtime: Runtime, title: str) -> dict[str, Any]:
    """The document of a service. Without its fixtures it has no examples of requests and cards."""
    hooks = list(runtime.services.values())
    examples = _read_examples(runtime.settings.fixtures, hooks)
    refused = _refusals(runtime.settings.max_body_bytes)
    paths = {
        "/cds-services": {"get": _discovery(runtime, refused)},
        "/cds-services/{service_id}": {"parameters": [_service_id(runtime)], "post": _call(runtime, refused, examples)},
        "/cds-services/{service_id}/feedback": {
            "parameters": [_service_id(runtime)],
            "post": _feedback(runtime, refused, examples),
        },
    }
    info = {"title": title, "version": __version__, "description": _ABOUT}
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": _TOKEN}
    return {
        "openapi": "3.1.0",
        "info": {**info, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": all_schemas(hooks), "securitySchemes": {"client": token}},
    }


# ---------------------------------------------------------------- operations


def _discovery(runtime: Runtime, refused: Mapping[int, Schema]) -> Schema:
    known = json.loads(runtime.discovery[OPEN])
    return {
        "operationId": "discover",
        "tags": ["CDS Hooks"],
        "summary": "Discovery: the services and the prefetch that each can use",
        "security": _security(runtime, is_optional=runtime.settings.open_discovery),
        "responses": {"200": _json("The services", ref("Discovery"), {"now": known}), **_pick(refused, _ON_EVERYTHING)},
    }


def _call(runtime: Runtime, refused: Mapping[int, Schema], examples: "Examples") -> Schema:
    names = {hook: request_name(hook) for hook in runtime.services.values()}
    by_hook = {"propertyName": "hook", "mapping": {hook: f"{PLACE}{name}" for hook, name in names.items()}}
    request = {"oneOf": [ref(name) for name in names.values()], "discriminator": by_hook}
    cards = {"anyOf": [ref("Response"), ref("Response1_0")]}
    return {
        "operationId": "call",
        "tags": ["CDS Hooks"],
        "summary": "Call a service: a hook in, cards out",
        "description": "The hook of the body is that of the service. No cards does not mean safe.",
        "security": _security(runtime),
        "requestBody": {"required": True, **_content(request, {hook: asked for hook, (asked, _) in examples.items()})},
        "responses": {
            "200": _json("The cards", cards, {hook: reply for hook, (_, reply) in examples.items()}),
            **_pick(refused, _OF_CALLS),
        },
    }


def _feedback(runtime: Runtime, refused: Mapping[int, Schema], examples: "Examples") -> Schema:
    sent = {name: example for _, reply in examples.values() for name, example in _feedback_on(reply["cards"]).items()}
    return {
        "operationId": "feedback",
        "tags": ["CDS Hooks"],
        "summary": "Feedback: what became of cards that were shown",
        "description": "Answered once everything is committed to the database. Sending it again is safe.",
        "security": _security(runtime),
        "requestBody": {"required": True, **_content(ref("Feedback"), sent)},
        "responses": {
            "200": _json("Everything is stored", ref("FeedbackStored"), {"stored": {}}),
            **_pick(refused, _ON_BODIES),
        },
    }


def _service_id(runtime: Runtime) -> Schema:
    schema = {"type": "string", "enum": list(runtime.services)}
    example = next(service_id for service_id, hook in runtime.services.items() if hook == next(iter(EXAMPLES)))
    return {"name": "service_id", "in": "path", "required": True, "schema": schema, "example": example}


def _security(runtime: Runtime, *, is_optional: bool = False) -> list[Schema]:
    if runtime.authenticator is None:
        return []
    return [{}, {"client": []}] if is_optional else [{"client": []}]


# ---------------------------------------------------------------- refusals


def _refusals(max_body_bytes: int) -> dict[int, Schema]:
    """The response for each status, with examples made of the errors themselves."""
    examples: dict[int, dict[str, Problem]] = {}
    for error in _errors(max_body_bytes):
        problem = describe(error)
        examples.setdefault(problem.status, {})[type(error).__name__] = problem
    examples[431] = {"HeadTooLarge": Problem(431, outcome("too-long", "the header is larger than 32768 bytes"))}
    examples[500] = {"Bug": Problem(500, outcome("exception", BUG))}
    return {status: _refusal(_WHEN[status], problems) for status, problems in sorted(examples.items())}


def _errors(max_body_bytes: int) -> Sequence[CdsServiceError]:
    orders = "context.draftOrders"
    return (
        InvalidRequest("context.patientId", "is missing"),
        NotAuthenticated("no token", ""),
        UnknownService("there is no service with this id"),
        BodyTooSlow(10),
        DataNotObtained({"aminoAcids": "its FHIR server did not answer in time"}),
        BodyTooLarge(max_body_bytes),
        TooManyOrders(orders, MAX_ORDERS),
        TooMuchText(orders, MAX_TEXT),
        NotJson("the Content-Type is not application/json"),
        Busy(),
        StoreDown(),
    )


def _refusal(when: str, problems: Mapping[str, Problem]) -> Schema:
    names = sorted({name for problem in problems.values() for name in problem.headers})
    headers = {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}
    examples = {name: problem.outcome for name, problem in problems.items()}
    return {**_json(when, ref("OperationOutcome"), examples), **({"headers": headers} if headers else {})}


def _pick(refused: Mapping[int, Schema], statuses: Sequence[int]) -> dict[str, Schema]:
    """The responses for these statuses, and for what is refused before an operation is found."""
    other = _json("Anything else that is refused, such as another method (405)", ref("OperationOutcome"), {})
    return {**{str(status): refused[status] for status in sorted(statuses)}, "default": other}


# ---------------------------------------------------------------- examples

Examples = Mapping[str, tuple[Any, Any]]  # hook -> a request, and its reply


def _read_examples(fixtures: Path, hooks: Collection[str]) -> Examples:
    """Requests and replies as they are in the fixtures; none where those are not there."""
    return {
        hook: (_read(fixtures / "requests" / f"{name}.json"), _read(fixtures / "responses" / f"{name}.json"))
        for hook, name in EXAMPLES.items()
        if hook in hooks and all((fixtures / folder / f"{name}.json").is_file() for folder in ("requests", "responses"))
    }


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _feedback_on(cards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Feedback on cards of a reply: one that was overridden, and one of which a suggestion was accepted."""
    at, examples = {"outcomeTimestamp": "2026-11-23T09:05:00Z"}, {}
    for card in cards:
        if reasons := card.get("overrideReasons"):
            item = {"card": card["uuid"], "outcome": "overridden", "overrideReason": {"reason": reasons[0]}, **at}
            examples["overridden"] = {"feedback": [item]}
        if suggestions := card.get("suggestions"):
            accepted = [{"id": suggestions[0]["uuid"]}]
            item = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": accepted, **at}
            examples["accepted"] = {"feedback": [item]}
    return examples


def _json(says: str, schema: Schema, examples: Mapping[str, Any]) -> Schema:
    return {"description": says, **_content(schema, examples)}


def _content(schema: Schema, examples: Mapping[str, Any]) -> Schema:
    shown = {"examples": {name: {"value": value} for name, value in examples.items()}} if examples else {}
    return {"content": {"application/json": {"schema": schema, **shown}}}
