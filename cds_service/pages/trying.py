"""The small EHR at /try: builds hook calls like an EHR, and carries out what the user clicks.

It is stateless: the form carries the drafts and the last response.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.demo.patients import days_since_fixtures, shift_dates
from cds_service.errors import InvalidRequest
from cds_service.fhir.json import (
    UNREADABLE,
    Resource,
    at,
    decode,
    items,
    objects,
    parse_decimal,
    relative_reference,
    text,
)
from cds_service.fhir.queries import PATIENT, QUERIES
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.model import Content
from cds_service.hooks import cards as wire
from cds_service.hooks.requests import ORDERS_MEMBER
from cds_service.pages.ordering import build_order, read_fields, update_fields

HOOKS = ("order-sign", "order-select", "medication-prescribe")
_RESPONSE = msgspec.json.Decoder(wire.Response, float_hook=parse_decimal)
_DRAFTS = msgspec.json.Decoder(list[dict[str, Any]], float_hook=parse_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """An invented patient, as shown in the list of patients."""

    id: str
    name: str
    birth_date: str
    sex: str


@dataclass(frozen=True)
class Visit:
    """The state of the form: patient, hook, order fields, drafts, and the last response with its hookInstance."""

    patient_id: str
    hook: str
    fields: Mapping[str, str]
    drafts: tuple[Resource, ...] = ()
    response: wire.Response | None = None
    hook_instance: str = ""

    @property
    def drafts_json(self) -> str:
        return _ENCODER.encode(self.drafts).decode()


class Demo:
    """The invented patients, with dates relative to a given time."""

    def __init__(self, resources: Sequence[Resource], content: Content, now: datetime) -> None:
        days = days_since_fixtures(now)
        self._bundle = {"entry": [{"resource": shift_dates(resource, days)} for resource in resources]}
        self._content, self.now = content, now

    @property
    def patients(self) -> list[PatientSummary]:
        """All patients, sorted by name."""
        resources = [entry["resource"] for entry in self._bundle["entry"]]
        patients = [_summarise(resource) for resource in resources if resource["resourceType"] == "Patient"]
        return sorted(patients, key=lambda patient: (patient.name, patient.id))

    def chart(self, patient_id: str) -> Chart:
        """The chart with everything that the service asks for."""
        return build_chart(patient_id, self._prefetch(patient_id))

    def _prefetch(self, patient_id: str) -> dict[str, Any]:
        return prefetch_from(self._bundle, patient_id, self._content.vocabulary.code_lists)

    def read_visit(self, form: Mapping[str, str]) -> Visit:
        """The state of a submitted form. Raises `InvalidRequest` for values that the page never sends."""
        ids = [patient.id for patient in self.patients]
        patient_id = form.get("patient") or ids[0]
        if patient_id not in ids:
            raise InvalidRequest("patient", "is not one of the people of the demo")
        hook = form.get("hook") or HOOKS[0]
        if hook not in HOOKS:
            raise InvalidRequest("hook", "is not one of the hooks of this service")
        drafts = tuple(_decode(_DRAFTS, "drafts", form.get("drafts", ""))) if form.get("drafts") else ()
        response = _decode(_RESPONSE, "response", form["response"]) if form.get("response") else None
        return Visit(patient_id, hook, read_fields(form), drafts, response, form.get("instance", ""))

    def place_order(self, visit: Visit) -> Visit:
        """The visit with the order that its fields describe, and no response."""
        order = build_order(visit.fields, visit.patient_id, self.now.date().isoformat())
        return replace(visit, drafts=(order,), response=None)

    def build_request(self, visit: Visit, hook_instance: str) -> bytes:
        """The hook call for the drafts of a visit, with the full prefetch."""
        entries = [{"resource": draft} for draft in visit.drafts]
        context: dict[str, Any] = {
            "userId": "Practitioner/demo",
            "patientId": visit.patient_id,
            ORDERS_MEMBER[visit.hook]: {"resourceType": "Bundle", "type": "collection", "entry": entries},
        }
        if visit.hook == "order-select":
            context["selections"] = [relative_reference(draft) for draft in visit.drafts]
        request = {"hook": visit.hook, "hookInstance": hook_instance, "context": context}
        return _ENCODER.encode({**request, "prefetch": self._prefetch(visit.patient_id)})


def _summarise(patient: Resource) -> PatientSummary:
    name = next(iter(objects(patient.get("name"))), {})
    given_names = [given for given in items(name.get("given")) if isinstance(given, str)]
    full_name = text(name.get("text")) or " ".join([*given_names, text(name.get("family"))]).strip()
    return PatientSummary(
        text(patient.get("id")), full_name or "no name", text(patient.get("birthDate")), text(patient.get("gender"))
    )


def _decode(decoder: msgspec.json.Decoder[Any], field: str, value: str) -> Any:
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InvalidRequest(field, "is not what this page sends") from None


def apply_suggestion(visit: Visit, card_index: int, suggestion_index: int, new_id: Callable[[], str]) -> Visit:
    """The visit after a suggestion was accepted: its actions applied to the drafts, and the fields updated."""
    drafts = list(visit.drafts)
    card = _pick(_cards(visit), card_index, "card")
    for action in _pick(card.suggestions, suggestion_index, "suggestion").actions:
        drafts = _apply(action, drafts, new_id)
    order = next((draft for draft in drafts if draft.get("resourceType") == "MedicationRequest"), None)
    fields = update_fields(visit.fields, order) if order else visit.fields
    return replace(visit, drafts=tuple(drafts), fields=fields)


def _apply(action: wire.Action, drafts: Sequence[Resource], new_id: Callable[[], str]) -> list[Resource]:
    if action.type == "delete":
        return [draft for draft in drafts if relative_reference(draft) != action.resourceId]
    resource = action.resource or {}
    if action.type == "create":
        return [*drafts, {**resource, "id": f"draft-{new_id()}"}]
    return [resource if relative_reference(draft) == relative_reference(resource) else draft for draft in drafts]


def _cards(visit: Visit) -> Sequence[wire.Card]:
    return visit.response.cards if visit.response else ()


def _pick(options: Sequence[Any], index: int, field: str) -> Any:
    if not 0 <= index < len(options):
        raise InvalidRequest(field, "is not one that was shown")
    return options[index]


def accept_feedback(visit: Visit, card_index: int, suggestion_index: int, now: datetime) -> bytes:
    """Feedback for an accepted suggestion."""
    card = _pick(_cards(visit), card_index, "card")
    suggestion = _pick(card.suggestions, suggestion_index, "suggestion")
    return _feedback(card, now, {"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion.uuid}]})


def override_feedback(visit: Visit, card_index: int, reason_code: str, now: datetime) -> bytes:
    """Feedback for an overridden card, with the reason if one was chosen."""
    card = _pick(_cards(visit), card_index, "card")
    reason = next((reason for reason in card.overrideReasons if reason.code == reason_code), None)
    override_reason = {"overrideReason": {"reason": {"system": reason.system, "code": reason.code}}} if reason else {}
    return _feedback(card, now, {"outcome": "overridden", **override_reason})


def _feedback(card: wire.Card, now: datetime, members: Mapping[str, Any]) -> bytes:
    timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _ENCODER.encode({"feedback": [{"card": card.uuid, **members, "outcomeTimestamp": timestamp}]})


def count_resources(chart: Chart) -> dict[str, int]:
    """How many resources of each kind the chart has."""
    return {query.label: len(chart.get(query.key).resources) for query in QUERIES.values() if query.key != PATIENT}


def read_response(body: bytes) -> wire.Response:
    """Decodes a response of this service."""
    return _RESPONSE.decode(body)


def format_outcome(body: bytes) -> str:
    """The text of an OperationOutcome."""
    try:
        issue = next(iter(objects(at(decode(body), "issue"))), {})
    except UNREADABLE:
        issue = {}
    texts = [text(at(issue, "details", "text")), text(issue.get("diagnostics"))]
    return ". ".join(part for part in texts if part) or "the response has no readable text"
