"""The small EHR on /try: builds hook calls as an EHR does, and does what a clinician clicks.

It keeps nothing: what it needs to know of the last answer comes back with the form.
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
from cds_service.pages.ordering import fields_of, order_from, read_fields

HOOKS = ("order-sign", "order-select", "medication-prescribe")
_RESPONSE = msgspec.json.Decoder(wire.Response, float_hook=parse_decimal)
_DRAFTS = msgspec.json.Decoder(list[dict[str, Any]], float_hook=parse_decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Person:
    """One of the invented people, as a list shows them."""

    id: str
    name: str
    born: str
    sex: str


@dataclass(frozen=True)
class Visit:
    """What the form holds: who, at which hook, the fields of the order, the drafts, and the last answer."""

    patient: str
    hook: str
    fields: Mapping[str, str]
    drafts: tuple[Resource, ...] = ()
    response: wire.Response | None = None
    instance: str = ""

    @property
    def drafts_json(self) -> str:
        """The drafts for the form."""
        return _ENCODER.encode(self.drafts).decode()


class Demo:
    """The invented people, as of one moment."""

    def __init__(self, resources: Sequence[Resource], content: Content, now: datetime) -> None:
        days = days_since_fixtures(now)
        self._bundle = {"entry": [{"resource": shift_dates(one, days)} for one in resources]}
        self._content, self.now = content, now

    @property
    def people(self) -> list[Person]:
        """Everybody, by name."""
        found = [entry["resource"] for entry in self._bundle["entry"]]
        return sorted(
            (_person(one) for one in found if one["resourceType"] == "Patient"), key=lambda one: (one.name, one.id)
        )

    def chart(self, patient: str) -> Chart:
        """The whole chart of somebody, as far as the service asks for it."""
        return build_chart(patient, self._prefetch(patient))

    def _prefetch(self, patient: str) -> dict[str, Any]:
        return prefetch_from(self._bundle, patient, self._content.vocabulary.code_lists)

    def read_visit(self, form: Mapping[str, str]) -> Visit:
        """A visit as the form holds it. Raises `InvalidRequest` for what the page itself never sends."""
        known = [one.id for one in self.people]
        patient = form.get("patient") or known[0]
        if patient not in known:
            raise InvalidRequest("patient", "is not one of the people of the demo")
        hook = form.get("hook") or HOOKS[0]
        if hook not in HOOKS:
            raise InvalidRequest("hook", "is not one of the hooks of this service")
        drafts = tuple(_read(_DRAFTS, "drafts", form.get("drafts", ""))) if form.get("drafts") else ()
        response = _read(_RESPONSE, "response", form["response"]) if form.get("response") else None
        return Visit(patient, hook, read_fields(form), drafts, response, form.get("instance", ""))

    def with_new_order(self, visit: Visit) -> Visit:
        """The visit with the order that its fields describe, and no answer yet."""
        order = order_from(visit.fields, visit.patient, self.now.date().isoformat())
        return replace(visit, drafts=(order,), response=None)

    def request(self, visit: Visit, instance: str) -> bytes:
        """The hook call for the drafts of a visit, with everything prefetched."""
        entries = [{"resource": one} for one in visit.drafts]
        context: dict[str, Any] = {
            "userId": "Practitioner/demo",
            "patientId": visit.patient,
            ORDERS_MEMBER[visit.hook]: {"resourceType": "Bundle", "type": "collection", "entry": entries},
        }
        if visit.hook == "order-select":
            context["selections"] = [relative_reference(one) for one in visit.drafts]
        body = {"hook": visit.hook, "hookInstance": instance, "context": context}
        return _ENCODER.encode({**body, "prefetch": self._prefetch(visit.patient)})


def _person(patient: Resource) -> Person:
    name = next(iter(objects(patient.get("name"))), {})
    given = [one for one in items(name.get("given")) if isinstance(one, str)]
    said = text(name.get("text")) or " ".join([*given, text(name.get("family"))]).strip()
    return Person(
        text(patient.get("id")), said or "no name", text(patient.get("birthDate")), text(patient.get("gender"))
    )


def _read(decoder: msgspec.json.Decoder[Any], field: str, written: str) -> Any:
    try:
        return decoder.decode(written)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise InvalidRequest(field, "is not what this page sends") from None


def taken(visit: Visit, card: int, suggestion: int, new_id: Callable[[], str]) -> Visit:
    """The visit after a suggestion was clicked: its actions done to the drafts, and the fields as the order now is."""
    drafts = list(visit.drafts)
    for action in _pick(_pick(_cards(visit), card, "card").suggestions, suggestion, "suggestion").actions:
        drafts = _done(action, drafts, new_id)
    order = next((one for one in drafts if one.get("resourceType") == "MedicationRequest"), None)
    fields = fields_of(order, visit.fields) if order else visit.fields
    return replace(visit, drafts=tuple(drafts), fields=fields)


def _done(action: wire.Action, drafts: Sequence[Resource], new_id: Callable[[], str]) -> list[Resource]:
    if action.type == "delete":
        return [one for one in drafts if relative_reference(one) != action.resourceId]
    resource = action.resource or {}
    if action.type == "create":
        return [*drafts, {**resource, "id": f"draft-{new_id()}"}]
    return [resource if relative_reference(one) == relative_reference(resource) else one for one in drafts]


def _cards(visit: Visit) -> Sequence[wire.Card]:
    return visit.response.cards if visit.response else ()


def _pick(listed: Sequence[Any], index: int, field: str) -> Any:
    if not 0 <= index < len(listed):
        raise InvalidRequest(field, "is not one that was shown")
    return listed[index]


def accepted(visit: Visit, card: int, suggestion: int, now: datetime) -> bytes:
    """The feedback of a client whose user took a suggestion."""
    shown = _pick(_cards(visit), card, "card")
    offered = _pick(shown.suggestions, suggestion, "suggestion")
    return _feedback(shown, now, {"outcome": "accepted", "acceptedSuggestions": [{"id": offered.uuid}]})


def overridden(visit: Visit, card: int, reason: str, now: datetime) -> bytes:
    """The feedback of a client whose user set a card aside, with the reason where one was chosen."""
    shown = _pick(_cards(visit), card, "card")
    chosen = next((one for one in shown.overrideReasons if one.code == reason), None)
    why = {"overrideReason": {"reason": {"system": chosen.system, "code": chosen.code}}} if chosen else {}
    return _feedback(shown, now, {"outcome": "overridden", **why})


def _feedback(card: wire.Card, now: datetime, more: Mapping[str, Any]) -> bytes:
    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _ENCODER.encode({"feedback": [{"card": card.uuid, **more, "outcomeTimestamp": stamp}]})


def summary_of(chart: Chart) -> dict[str, int]:
    """How many resources the chart holds behind each query, in the words of clinicians."""
    return {query.label: len(chart.get(query.key).resources) for query in QUERIES.values() if query.key != PATIENT}


def read_response(body: bytes) -> wire.Response:
    """The answer of the service."""
    return _RESPONSE.decode(body)


def outcome_text(body: bytes) -> str:
    """What an OperationOutcome says."""
    try:
        issue = next(iter(objects(at(decode(body), "issue"))), {})
    except UNREADABLE:
        issue = {}
    said = [text(at(issue, "details", "text")), text(issue.get("diagnostics"))]
    return ". ".join(one for one in said if one) or "it said nothing that can be read"
