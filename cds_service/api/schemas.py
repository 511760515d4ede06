"""JSON Schemas of what clients send and receive, for the OpenAPI document.

Requests are described by them, not checked: `hooks` reads requests, and tolerates more. A request that fits its schema
can be read, and whatever this service sends fits.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cds_service.fhir.queries import QUERIES
from cds_service.fhir.versions import RENAMED_TYPES
from cds_service.hooks.cards import SUMMARY_LIMIT, Discovery, Response
from cds_service.hooks.requests import MAX_ORDERS, ORDER_MEMBERS, VERIFY

Schema = dict[str, Any]
PLACE = "#/components/schemas/"
_NOT_BLANK = r"[^\s\u0000]"
_PATIENT_ID = r"^[^/\s]+$"


def ref(name: str) -> Schema:
    """A reference to one of the schemas."""
    return {"$ref": f"{PLACE}{name}"}


def request_name(hook: str) -> str:
    """The name of the schema of the requests of a hook."""
    return "".join(word.capitalize() for word in hook.split("-")) + "Request"


def all_schemas(hooks: Iterable[str]) -> dict[str, Schema]:
    """Every schema by name, with those of the requests of these hooks."""
    requests = {request_name(hook): _request(hook) for hook in hooks}
    return {**requests, **_PARTS_OF_REQUESTS, **_FEEDBACK, **_sent(), **_SENT_IN_1_0, "OperationOutcome": _OUTCOME}


def _object(description: str, required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    said = {"description": description} if description else {}
    return {"type": "object", **said, "required": list(required), "properties": properties}


def _closed(schema: Schema) -> Schema:
    """Without any other member: this service sends nothing else."""
    return {**schema, "additionalProperties": False}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _text(description: str = "", **more: Any) -> Schema:
    said = {"description": description} if description else {}
    return {"type": "string", **said, **more}


# ---------------------------------------------------------------- requests


def _request(hook: str) -> Schema:
    return _object(
        f"A call of the hook {hook}. Members that are not listed are ignored.",
        ("hook", "hookInstance", "context"),
        hook={"const": hook},
        hookInstance=_text("A UUID for this call; another text that is not blank is accepted.", pattern=_NOT_BLANK),
        fhirServer=_text("The base URL of the client's FHIR server.", format="uri"),
        fhirAuthorization=ref("FhirAuthorization"),
        context=_context(hook),
        prefetch=ref("Prefetch"),
    )


def _context(hook: str) -> Schema:
    members: dict[str, Schema] = {
        "userId": _text("The user's reference, such as Practitioner/example. Not read."),
        "patientId": _text("The bare id of the patient.", pattern=_PATIENT_ID),
        "encounterId": _text("The id of the encounter. Not read."),
        **dict.fromkeys(ORDER_MEMBERS[hook], _ORDER_TO_VERIFY if hook == VERIFY else ref("DraftOrders")),
    }
    if hook == "order-select":
        says = "References to the orders in question, such as MedicationRequest/1; without any, all drafts are."
        members["selections"] = _list(_text(), description=says)
    says, orders = "What the user is doing.", ORDER_MEMBERS[hook]
    if hook == VERIFY:
        return {**_object(says, ("patientId",), **members), "anyOf": [{"required": [member]} for member in orders]}
    return _object(says, ("patientId", *orders), **members)


def _prefetch() -> Schema:
    said = "Results of the templates of discovery, by their key. Other keys are ignored."
    return _object(said, **{key: {**_RESULT, "description": query.label} for key, query in QUERIES.items()})


_RESULT: Schema = {"anyOf": [ref("Resource"), {"type": "null"}]}
_ORDER = _object("", ("resourceType",), resourceType={"enum": ["MedicationRequest", *RENAMED_TYPES]})
_ORDER_TO_VERIFY: Schema = {
    "description": "The active order itself, or an object that holds it in `resource`.",
    "anyOf": [_ORDER, _object("", ("resource",), resource=_ORDER)],
}
_PARTS_OF_REQUESTS: dict[str, Schema] = {
    "Resource": _object(
        "A FHIR resource: DSTU2, STU3, R4, R4B or R5.",
        ("resourceType",),
        resourceType=_text("The type, such as MedicationRequest.", examples=["MedicationRequest"]),
    ),
    "DraftOrders": {
        "description": f"The unsigned orders: a Bundle of at most {MAX_ORDERS} entries; a plain list is accepted.",
        "anyOf": [
            _object(
                "A Bundle.",
                ("resourceType",),
                resourceType={"const": "Bundle"},
                entry=_list(_object("", resource=ref("Resource")), maxItems=MAX_ORDERS),
            ),
            _list(ref("Resource"), maxItems=MAX_ORDERS),
        ],
    },
    "Prefetch": _prefetch(),
    "FhirAuthorization": _object(
        "A token for the client's FHIR server.",
        ("access_token", "token_type"),
        access_token=_text("An OAuth 2.0 access token."),
        token_type={"const": "Bearer"},
        expires_in={"type": "integer", "description": "Seconds."},
        scope=_text("The scopes of the token."),
        subject=_text("The client id of this service at the authorisation server."),
    ),
}

# ---------------------------------------------------------------- feedback

_WHICH: dict[str, Schema] = {
    "card": _text("The uuid of the card.", pattern=_NOT_BLANK, maxLength=500),
    "outcomeTimestamp": _text("When, with the offset from UTC.", format="date-time"),
}
_ALWAYS = ("card", "outcome", "outcomeTimestamp")
_REASON = _object(
    "A reason of the card, or another.",
    ("code",),
    code=_text("Its code.", pattern=_NOT_BLANK, maxLength=500),
    system=_text("Its code system.", maxLength=500),
    display=_text("Not kept."),
)
_ACCEPTED_SUGGESTION = _object("", ("id",), id=_text("The uuid of a suggestion.", pattern=_NOT_BLANK, maxLength=500))
_FEEDBACK: dict[str, Schema] = {
    "Feedback": _object(
        "What became of cards that were shown.",
        ("feedback",),
        feedback=_list({"oneOf": [ref("AcceptedCard"), ref("OverriddenCard")]}),
    ),
    "AcceptedCard": _object(
        "A card of which suggestions were accepted.",
        (*_ALWAYS, "acceptedSuggestions"),
        outcome={"const": "accepted"},
        acceptedSuggestions=_list(_ACCEPTED_SUGGESTION, minItems=1),
        **_WHICH,
    ),
    "OverriddenCard": _object(
        "A card that was dismissed.",
        _ALWAYS,
        outcome={"const": "overridden"},
        overrideReason=ref("OverrideReason"),
        overrideReasons={"anyOf": [ref("OverrideReason"), _list(ref("OverrideReason"))]},
        **_WHICH,
    ),
    "OverrideReason": _object(
        "Why, if the user said it. A reason in another shape is not kept, and is counted.",
        reason=_REASON,
        userComment=_text("Kept only if the site keeps comments.", maxLength=10_000),
        extension=_object("Reasons of the client's own, by the names in its entry."),
    ),
    "FeedbackStored": _closed(_object("Nothing: everything is stored.")),
}

# ---------------------------------------------------------------- responses


def _sent() -> dict[str, Schema]:
    """From the types that are written to the wire. They leave members without a value out."""
    _, written = msgspec.json.schema_components((Response, Discovery), ref_template=f"{PLACE}{{name}}")
    schemas: dict[str, Schema] = {name: _closed(_without_null(schema)) for name, schema in written.items()}
    card = schemas["Card"]
    card["properties"]["summary"]["maxLength"] = SUMMARY_LIMIT - 1
    card["properties"]["detail"]["description"] = "GitHub-Flavored Markdown."
    card["dependentRequired"] = {"suggestions": ["selectionBehavior"], "selectionBehavior": ["suggestions"]}
    schemas["Action"]["properties"]["resource"] = ref("Resource")
    for name in ("Card", "Suggestion"):
        schemas[name]["properties"]["uuid"]["format"] = "uuid"
    return schemas


def _without_null(value: Any) -> Any:
    """The schema without the nulls and defaults of members that are left out instead."""
    if isinstance(value, list):
        return [_without_null(item) for item in value if item != {"type": "null"}]
    if not isinstance(value, Mapping):
        return value
    left = {name: _without_null(inner) for name, inner in value.items() if name != "default"}
    alternatives = left.pop("anyOf", [])
    return {**left, **alternatives[0]} if len(alternatives) == 1 else left


_CARD_1_0 = _object(
    "A card for a client of CDS Hooks 1.0.",
    ("summary", "detail", "indicator", "source"),
    summary=_text("One line.", maxLength=SUMMARY_LIMIT - 1),
    detail=_text("GitHub-Flavored Markdown."),
    indicator={"enum": ["info", "warning", "critical"]},
    source=_closed(_object("", ("label",), label=_text())),
    suggestions=_list(ref("Suggestion1_0"), minItems=1),
    selectionBehavior={"const": "at-most-one"},
    links=_list(ref("Link")),
)
_ACTION_1_0 = _object(
    "What a suggestion does. A delete has the resource's reference in `resource`.",
    ("type", "description"),
    type={"enum": ["create", "update", "delete"]},
    description=_text(),
    resource={"anyOf": [ref("Resource"), _text()]},
)
_SUGGESTION_1_0 = _object(
    "A change that the clinician may accept.",
    ("label", "uuid", "actions"),
    label=_text(),
    uuid=_text(format="uuid"),
    actions=_list(_closed(_ACTION_1_0)),
)
_RESPONSE_1_0 = _object(
    "The response to a client that is listed with CDS Hooks 1.0.", ("cards",), cards=_list(ref("Card1_0"))
)
_SENT_IN_1_0: dict[str, Schema] = {
    "Response1_0": _closed(_RESPONSE_1_0),
    "Card1_0": _closed(_CARD_1_0),
    "Suggestion1_0": _closed(_SUGGESTION_1_0),
}

# ---------------------------------------------------------------- refusals

_ISSUE = _object(
    "What is wrong.",
    ("severity", "code", "details"),
    severity={"const": "error"},
    code=_text("A code of FHIR's issue-type."),
    details=_closed(_object("", ("text",), text=_text("In words, without any value of the request."))),
    expression=_list(_text("The path of the member that is wrong."), maxItems=1),
    diagnostics=_text("For a 412: each prefetch key with the reason why its data was not obtained."),
)
_OUTCOME: Schema = _closed(
    _object(
        "A FHIR OperationOutcome.",
        ("resourceType", "issue"),
        resourceType={"const": "OperationOutcome"},
        issue=_list(_closed(_ISSUE), minItems=1, maxItems=1),
    )
)
