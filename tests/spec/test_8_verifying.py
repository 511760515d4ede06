"""The hook `medication-verify`, 0.1.0: the pharmacist's look at one signed order, where a site has switched it on."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.content.examples import order_for
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.requests import MAX_ORDERS
from tests.support import (
    FIXTURES,
    HOOKS,
    ORDERS,
    PATIENT_VIEW,
    PATIENTS,
    VERIFY,
    Body,
    Json,
    bundle_of,
    cards_of,
    every_service,
    field_of,
    ids_of,
    new_client,
    post,
    replaced,
    request_for,
    runtime_behind,
    without,
)

BRUNO, HIGH, USUAL = "bruno-glutamate-normal", "oral-1800-twice-daily", "oral-600-twice-daily"
BOTH, NORMAL = ["dose-above-studied", "glutamate-normal"], ["glutamate-normal"]
SERVICE = "acetylcysteine-medication-verify"
UNKNOWN = "acetylcysteine-unknown"
BODY = request_for(BRUNO, HIGH, hook=VERIFY)
ORDER: Body = BODY["context"]["medication"]


def signed(name: str, patient: str = BRUNO) -> Body:
    """An order of the fixtures, signed."""
    return {**order_for(FIXTURES, name, patient), "status": "active"}


def asking(**context: Json) -> Body:
    """A call with these members of the context beside the patient."""
    return {**BODY, "context": {"userId": "PractitionerRole/123", "patientId": BRUNO, **context}}


# ---------------------------------------------------------------- on and off


def hooks_of(client: TestClient) -> list[str]:
    return [service["hook"] for service in client.get("/cds-services").json()["services"]]


def test_discovery_lists_the_service_only_where_it_is_switched_on() -> None:
    assert hooks_of(new_client()) == list(HOOKS)
    assert hooks_of(new_client(every_service())) == [*HOOKS, VERIFY, PATIENT_VIEW]


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://sandbox.cds-hooks.org"}], ids=["an EHR", "a browser"])
@pytest.mark.parametrize("path", ["", "/feedback"])
def test_a_service_that_is_off_is_answered_as_one_that_does_not_exist(path: str, origin: dict[str, str]) -> None:
    client = new_client()
    off, unknown = (
        client.post(f"/cds-services/{service}{path}", json={"feedback": []}, headers=origin)
        for service in (SERVICE, UNKNOWN)
    )
    assert (off.status_code, off.json()) == (unknown.status_code, unknown.json())
    assert off.status_code == 404


def test_the_home_page_names_the_services_that_are_on() -> None:
    assert SERVICE not in new_client().get("/").text
    assert SERVICE in new_client(every_service()).get("/").text


def test_its_calls_are_counted_and_a_service_that_is_off_has_no_metric() -> None:
    on, off = new_client(every_service()), new_client()
    for client in (on, off):
        post(client, BODY)
    exposed = [runtime_behind(client).metrics.exposition().decode() for client in (on, off)]
    assert [SERVICE in metrics for metrics in exposed] == [True, False]


def test_feedback_on_its_cards_is_taken(client: TestClient) -> None:
    assert client.post(f"/cds-services/{SERVICE}/feedback", json={"feedback": []}).status_code == 200


def test_the_other_services_do_not_answer_the_hook(client: TestClient) -> None:
    for service_id in SERVICES:
        response = post(client, BODY, service_id)
        assert (response.status_code == 200) == (service_id == SERVICE)


# ---------------------------------------------------------------- the order, however it comes

ALONE: dict[str, Callable[[Body], Json]] = {
    "a resource": lambda order: order,
    "an object that holds it": lambda order: {"resource": order},
    "a Bundle": lambda order: bundle_of([order]),
    "a Bundle without a resourceType": lambda order: {"entry": [{"resource": order}]},
    "a list": lambda order: [order],
    "a list of entries": lambda order: [{"fullUrl": "urn:uuid:1", "resource": order}],
}


@pytest.mark.parametrize("shape", ALONE.values(), ids=ALONE)
@pytest.mark.parametrize("member", ["medication", "order"])
def test_the_order_stands_under_either_member(client: TestClient, member: str, shape: Callable[[Body], Json]) -> None:
    assert ids_of(cards_of(client, asking(**{member: shape(ORDER)}))) == BOTH


@pytest.mark.parametrize("others", [{}, {"encounterId": "89284"}, {"userId": None}, {"draftOrders": 5}])
def test_what_else_stands_in_the_context_changes_nothing(client: TestClient, others: Body) -> None:
    assert ids_of(cards_of(client, asking(medication=ORDER, **others))) == BOTH


def test_a_member_that_is_null_is_as_if_it_were_not_there(client: TestClient) -> None:
    assert ids_of(cards_of(client, asking(medication=None, order=ORDER))) == BOTH
    assert ids_of(cards_of(client, asking(medication=ORDER, order=None))) == BOTH


USUAL_ORDER = signed(USUAL)
TWO: dict[str, tuple[Json, Json, str]] = {
    "the same order": (USUAL_ORDER, USUAL_ORDER, "1200 mg"),
    "the same order, held and alone": (USUAL_ORDER, {"resource": USUAL_ORDER}, "1200 mg"),
    "the same order without an id": (without(USUAL_ORDER, "id"), [without(USUAL_ORDER, "id")], "1200 mg"),
    "the same id": (USUAL_ORDER, {**ORDER, "id": USUAL_ORDER["id"]}, "1200 mg"),
    "another order": (USUAL_ORDER, signed(HIGH), "4800 mg"),
    "another order, of which one has no id": (without(USUAL_ORDER, "id"), signed(HIGH), "4800 mg"),
}


@pytest.mark.parametrize(("medication", "order", "a_day"), TWO.values(), ids=TWO)
def test_of_both_members_the_same_order_counts_once_and_two_orders_count_both(
    client: TestClient, medication: Json, order: Json, a_day: str
) -> None:
    cards = cards_of(client, asking(medication=medication, order=order))
    assert ids_of(cards) == (NORMAL if a_day == "1200 mg" else BOTH)
    assert a_day.replace("1200", "1,200").replace("4800", "4,800") in cards[0]["detail"]


def test_the_drug_may_stand_in_the_other_member(client: TestClient) -> None:
    order = without(ORDER, "medicationCodeableConcept")
    drug = {"resourceType": "Medication", "id": "drug", "code": ORDER["medicationCodeableConcept"]}
    pointing = {**order, "medicationReference": {"reference": "Medication/drug"}}
    assert ids_of(cards_of(client, asking(medication=drug, order=pointing))) == BOTH


def test_another_drug_is_answered_with_no_cards(client: TestClient) -> None:
    assert cards_of(client, asking(medication=signed("amoxicillin"))) == []


@pytest.mark.parametrize("status", ["stopped", "cancelled", "completed", "entered-in-error"])
def test_an_order_that_is_over_is_not_in_question(client: TestClient, status: str) -> None:
    assert cards_of(client, asking(medication={**ORDER, "status": status})) == []


# ---------------------------------------------------------------- what is no order

REFERENCE = {"reference": "MedicationRequest/smart-MedicationRequest-103"}
PATIENT = {"resourceType": "Patient", "id": BRUNO}
REFUSED: dict[str, tuple[Body, str, int]] = {
    "neither member": ({}, "context.medication", 400),
    "both null": ({"medication": None, "order": None}, "context.medication", 400),
    "drafts only": ({"draftOrders": bundle_of([ORDER])}, "context.medication", 400),
    "a reference": ({"medication": REFERENCE}, "context.medication", 400),
    "a reference under the other member": ({"order": REFERENCE}, "context.order", 400),
    "a reference as text": ({"medication": REFERENCE["reference"]}, "context.medication", 400),
    "a reference beside the order": ({"medication": REFERENCE, "order": ORDER}, "context.medication", 400),
    "an order beside a reference": ({"medication": ORDER, "order": REFERENCE}, "context.order", 400),
    "a list of references": ({"medication": [REFERENCE]}, "context.medication", 400),
    "a list with a text": ({"medication": [ORDER, "MedicationRequest/1"]}, "context.medication", 400),
    "an empty list": ({"medication": []}, "context.medication", 400),
    "an empty object": ({"medication": {}}, "context.medication", 400),
    "an empty Bundle": ({"order": bundle_of([])}, "context.order", 400),
    "a Bundle of nothing": ({"order": {"resourceType": "Bundle", "entry": [{}]}}, "context.order", 400),
    "entries that are no list": ({"order": {"entry": ORDER}}, "context.order.entry", 400),
    "a number": ({"medication": 5}, "context.medication", 400),
    "true": ({"order": True}, "context.order", 400),
    "an order without a resourceType": ({"medication": without(ORDER, "resourceType")}, "context.medication", 400),
    "held by a text": ({"medication": {"resource": "MedicationRequest/1"}}, "context.medication", 400),
    "another resource": ({"medication": PATIENT}, "context.medication", 400),
    "the drug alone": ({"medication": {"resourceType": "Medication", "id": "drug"}}, "context.medication", 400),
    "too many orders": ({"medication": [ORDER] * (MAX_ORDERS + 1)}, "context.medication", 413),
}


@pytest.mark.parametrize(("context", "field", "status"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_order_is_refused_and_the_member_named(
    client: TestClient, context: Body, field: str, status: int
) -> None:
    response = post(client, asking(**context))
    assert (response.status_code, field_of(response)) == (status, field)
    assert "MedicationRequest/" not in response.text


def test_a_refused_reference_is_told_what_is_expected(client: TestClient) -> None:
    text = post(client, asking(medication=REFERENCE)).json()["issue"][0]["details"]["text"]
    assert "a MedicationRequest" in text
    assert "no reference" in text


@pytest.mark.parametrize("path", [("hook",), ("hookInstance",), ("context",), ("context", "patientId")], ids=".".join)
def test_a_request_without_a_required_member_is_refused(client: TestClient, path: tuple[str, ...]) -> None:
    response = post(client, without(BODY, *path), SERVICE)
    assert (response.status_code, field_of(response)) == (400, ".".join(path))


# ---------------------------------------------------------------- the cards of signing


def said(cards: list[Body]) -> list[Body]:
    """The cards without the ids that are made for each answer."""
    return [_without_ids(card) for card in cards]


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_ids(inner) for name, inner in value.items() if name != "uuid"}
    return [_without_ids(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("patient", PATIENTS)
def test_the_cards_are_those_of_signing_the_same_active_order(client: TestClient, patient: str) -> None:
    """Also for an order that is being taken: it began before the patient's results."""
    verified = request_for(patient, hook=VERIFY)
    signing = request_for(patient, hook="order-sign", prefetch=verified["prefetch"])
    for name in ORDERS:
        for change in ({}, {"authoredOn": "2026-01-05"}):
            order = {**signed(name, patient), **change}
            at_signing = post(client, replaced(signing, ["context", "draftOrders"], bundle_of([order])))
            at_verifying = post(client, replaced(verified, ["context", "medication"], order))
            assert at_verifying.status_code == at_signing.status_code
            if at_signing.status_code == 200:
                assert said(at_verifying.json()["cards"]) == said(at_signing.json()["cards"])


def test_an_order_that_began_before_the_result_is_treatment(client: TestClient) -> None:
    order = {**signed(USUAL), "authoredOn": "2026-01-05"}
    assert ids_of(cards_of(client, asking(medication=order))) == ["glutamate-on-treatment"]


def test_the_order_itself_among_the_active_medications_counts_once(client: TestClient) -> None:
    taken = {**USUAL_ORDER, "authoredOn": "2026-11-23"}
    on_record = replaced(asking(medication=taken), ["prefetch", "activeMedications"], bundle_of([taken]))
    assert said(cards_of(client, on_record)) == said(cards_of(client, asking(medication=taken)))


def actions_of(cards: list[Body]) -> list[str]:
    return [
        action["type"]
        for card in cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
    ]


@pytest.mark.parametrize("patient", PATIENTS)
def test_no_card_offers_to_remove_a_signed_order(client: TestClient, patient: str) -> None:
    response = post(client, request_for(patient, USUAL, hook=VERIFY))
    assert "delete" not in actions_of(response.json()["cards"])


def test_a_draft_of_an_allergic_patient_would_be_offered_its_removal(client: TestClient) -> None:
    """So that the test above can fail."""
    assert "delete" in actions_of(cards_of(client, request_for("ines-allergic")))


def test_a_laboratory_order_is_offered_to_the_pharmacist_too(client: TestClient) -> None:
    assert "create" in actions_of(cards_of(client, request_for("edith-not-measured", USUAL, hook=VERIFY)))
