"""The small EHR at /try: builds hook calls like an EHR, and carries out what the user clicks.

It is stateless: the form carries the drafts and the last response.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.demo.patients import days_since_fixtures, shift_dates
from cds_service.errors import InvalidRequest
from cds_service.fhir.datetimes import completed_years, format_day, read_moment
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
from cds_service.fhir.queries import FOR_ORDERS, FOR_TREATMENTS, QUERIES
from cds_service.fhir.searching import prefetch_from, read, resources_in, search
from cds_service.fhir.versions.elements import is_about
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.model import Content
from cds_service.hooks import cards as wire
from cds_service.hooks.requests import ORDER_MEMBERS, PATIENT_VIEW, HookRequest, read_request
from cds_service.pages.ordering import MAX_LENGTH, build_order, problems_of, read_fields, update_fields
from cds_service.replay.rewinding import prefetch_at

MAX_FORM = 2_000_000  # bytes of a submitted form: the drafts and the last response are most of it
_MAX_STATE = 300_000  # characters of the drafts or of the last response
_RESPONSE = msgspec.json.Decoder(wire.Response, float_hook=parse_decimal)
_DRAFTS = msgspec.json.Decoder(list[dict[str, Any]], float_hook=parse_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class HookChoice:
    """A hook: its name, when an EHR calls it, and what the clinician does then."""

    name: str
    moment: str
    action: str


HOOKS = (  # of those who order; who verifies an order has another page in their EHR
    HookChoice("order-sign", "on signing", "Sign the order"),
    HookChoice("order-select", "while ordering", "Select the order"),
    HookChoice("medication-prescribe", "while prescribing", "Prescribe"),
)


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """An invented patient, as shown in the list of patients; `born` is in words, `sentence` may be empty."""

    id: str
    name: str
    born: str
    age: str
    sex: str
    sentence: str


@dataclass(frozen=True)
class Visit:
    """The state of the form: patient, hook, order fields and what is wrong with them, drafts, the last response."""

    patient_id: str
    hook: str
    fields: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)
    drafts: tuple[Resource, ...] = ()
    response: wire.Response | None = None
    hook_instance: str = ""

    @property
    def drafts_json(self) -> str:
        return _ENCODER.encode(self.drafts).decode()


class Demo:
    """The invented patients, with dates relative to a given time; `sentences` says something of each."""

    def __init__(
        self, resources: Sequence[Resource], sentences: Mapping[str, str], content: Content, now: datetime
    ) -> None:
        days = days_since_fixtures(now)
        self._bundle = {"entry": [{"resource": shift_dates(resource, days)} for resource in resources]}
        self._sentences, self._content, self.now = sentences, content, now
        self._records: dict[str, dict[str, Any]] = {}  # what the queries find of a patient, whatever its status

    @property
    def patients(self) -> list[PatientSummary]:
        """All patients, sorted by name."""
        resources = resources_in(self._bundle)
        today = self.now.date()
        patients = [self._summarise(resource, today) for resource in resources if resource["resourceType"] == "Patient"]
        return sorted(patients, key=lambda patient: (patient.name, patient.id))

    def patient(self, patient_id: str, on: date) -> PatientSummary:
        """One of them, as old as on a day."""
        resources = resources_in(self._bundle)
        return self._summarise(read(resources, "Patient", patient_id) or {}, on)

    def _summarise(self, patient: Resource, on: date) -> PatientSummary:
        identity, born = text(patient.get("id")), read_moment(patient.get("birthDate"))
        years = completed_years(born.day, on) if born else 0
        return PatientSummary(
            identity,
            _full_name(patient),
            format_day(born.day) if born else "",
            f"{years} year{'' if years == 1 else 's'}" if born else "",
            text(patient.get("gender")),
            self._sentences.get(identity, ""),
        )

    def chart(self, patient_id: str) -> Chart:
        """The chart with everything that the service asks for."""
        return build_chart(patient_id, self._prefetch(patient_id))

    def _prefetch(self, patient_id: str, keys: Iterable[str] = FOR_ORDERS) -> dict[str, Any]:
        return prefetch_from(self._bundle, patient_id, self._content.vocabulary.code_lists, keys)

    def record(self, patient_id: str) -> list[Resource]:
        """Everything on record of a patient, whatever its status."""
        return [resource for resource in resources_in(self._bundle) if is_about(resource, patient_id)]

    def chart_at(self, patient_id: str, moment: datetime) -> Chart:
        """The chart as it stood at a moment."""
        return build_chart(patient_id, self._prefetch_at(patient_id, moment))

    def _prefetch_at(self, patient_id: str, moment: datetime) -> dict[str, Any]:
        """What the queries would have found at a moment. What has ended since is on record, and was active then."""
        if patient_id not in self._records:
            code_lists = self._content.vocabulary.code_lists
            every = {key: replace(query, filter="") for key, query in QUERIES.items()}
            self._records[patient_id] = {
                key: search(query, self._bundle, patient_id, code_lists) for key, query in every.items()
            }
        return prefetch_at(self._records[patient_id], moment)

    def open_chart(self, patient_id: str, moment: datetime | None) -> HookRequest:
        """The call that an EHR makes as a chart is opened: at a moment of the past, or now."""
        prefetch = self._prefetch_at(patient_id, moment) if moment else self._prefetch(patient_id, FOR_TREATMENTS)
        context = {"userId": "Practitioner/demo", "patientId": patient_id}
        body = {"hook": PATIENT_VIEW, "hookInstance": "demo", "context": context, "prefetch": prefetch}
        return read_request(_ENCODER.encode(body), PATIENT_VIEW)

    def read_visit(self, form: Mapping[str, str]) -> Visit:
        """The state of a submitted form. Raises `InvalidRequest` for values that the page never sends."""
        patient_id, hook = form.get("patient", ""), form.get("hook") or HOOKS[0].name
        if patient_id not in {patient.id for patient in self.patients}:
            raise InvalidRequest("patient", "is not one of the people of the demo")
        if hook not in {choice.name for choice in HOOKS}:
            raise InvalidRequest("hook", "is not one of the hooks of this service")
        drafts = tuple(_decode(_DRAFTS, "drafts", form["drafts"])) if form.get("drafts") else ()
        response = _decode(_RESPONSE, "response", form["response"]) if form.get("response") else None
        instance = form.get("instance", "")[:MAX_LENGTH]
        return Visit(patient_id, hook, read_fields(form), problems_of(form), drafts, response, instance)

    def place_order(self, visit: Visit) -> Visit:
        """The visit with the order that its fields describe, and no response."""
        order = build_order(visit.fields, visit.patient_id, self.now.date().isoformat())
        return replace(visit, drafts=(order,), response=None)

    def build_request(self, visit: Visit, hook_instance: str) -> bytes:
        """The hook call for the drafts of a visit, with the full prefetch."""
        entries = [{"resource": draft} for draft in visit.drafts]
        (orders,) = ORDER_MEMBERS[visit.hook]
        context: dict[str, Any] = {
            "userId": "Practitioner/demo",
            "patientId": visit.patient_id,
            orders: {"resourceType": "Bundle", "type": "collection", "entry": entries},
        }
        if visit.hook == "order-select":
            context["selections"] = [relative_reference(draft) for draft in visit.drafts]
        request = {"hook": visit.hook, "hookInstance": hook_instance, "context": context}
        return _ENCODER.encode({**request, "prefetch": self._prefetch(visit.patient_id)})


def _full_name(patient: Resource) -> str:
    name = next(iter(objects(patient.get("name"))), {})
    given_names = [given for given in items(name.get("given")) if isinstance(given, str)]
    return text(name.get("text")) or " ".join([*given_names, text(name.get("family"))]).strip() or "no name"


def _decode(decoder: msgspec.json.Decoder[Any], name: str, value: str) -> Any:
    if len(value) > _MAX_STATE:
        raise InvalidRequest(name, f"is longer than {_MAX_STATE} characters")
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InvalidRequest(name, "is not what this page sends") from None


def apply_suggestion(visit: Visit, card_index: int, suggestion_index: int, new_id: Callable[[], str]) -> Visit:
    """The visit after a suggestion was accepted: its actions applied to the drafts, and the fields updated."""
    drafts = list(visit.drafts)
    card = _pick(_cards(visit), card_index, "card")
    for action in _pick(card.suggestions, suggestion_index, "suggestion").actions:
        drafts = _apply(action, drafts, new_id)
    order = next((draft for draft in drafts if draft.get("resourceType") == "MedicationRequest"), None)
    fields = update_fields(visit.fields, order) if order else dict(visit.fields)
    return replace(visit, drafts=tuple(drafts), fields=fields, problems=problems_of(fields))


def _apply(action: wire.Action, drafts: Sequence[Resource], new_id: Callable[[], str]) -> list[Resource]:
    if action.type == "delete":
        return [draft for draft in drafts if relative_reference(draft) != action.resourceId]
    resource = action.resource or {}
    if action.type == "create":
        return [*drafts, {**resource, "id": f"draft-{new_id()}"}]
    return [resource if relative_reference(draft) == relative_reference(resource) else draft for draft in drafts]


def _cards(visit: Visit) -> Sequence[wire.Card]:
    return visit.response.cards if visit.response else ()


def _pick(options: Sequence[Any], index: int, name: str) -> Any:
    if not 0 <= index < len(options):
        raise InvalidRequest(name, "is not one that was shown")
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
