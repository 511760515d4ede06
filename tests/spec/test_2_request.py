"""CDS Hooks 2.0, Calling a CDS Service: what must be in a request, what may be, and what is read from it."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.content.examples import order_for
from tests.support import (
    BUNDLE_OF,
    FIXTURES,
    HOOKS,
    Body,
    bundle_of,
    cards_of,
    counted_ids,
    field_of,
    ids_of,
    post,
    replaced,
    request_for,
    to_bytes,
    without,
)

BRUNO, HIGH = "bruno-glutamate-normal", "oral-1800-twice-daily"
BOTH = ["dose-above-studied", "glutamate-normal"]
each_hook = pytest.mark.parametrize("hook", HOOKS)


@each_hook
@pytest.mark.parametrize(
    "path",
    [("hook",), ("hookInstance",), ("context",), ("context", "patientId")],
    ids=".".join,
)
def test_3_1_a_request_without_a_required_member_is_refused_and_the_member_named(
    client: TestClient, hook: str, path: tuple[str, ...]
) -> None:
    response = post(client, without(request_for(BRUNO, hook=hook), *path), f"acetylcysteine-{hook}")
    assert response.status_code == 400
    assert field_of(response) == ".".join(path)
    assert response.json()["issue"][0]["details"]["text"] == f"{'.'.join(path)}: is missing"


@each_hook
def test_7_a_request_without_its_orders_is_refused_and_the_member_named(client: TestClient, hook: str) -> None:
    response = post(client, without(request_for(BRUNO, hook=hook), "context", BUNDLE_OF[hook]))
    assert (response.status_code, field_of(response)) == (400, f"context.{BUNDLE_OF[hook]}")


def test_7_1_medication_prescribe_reads_medications_and_not_draft_orders(client: TestClient) -> None:
    body = request_for(BRUNO, hook="medication-prescribe")
    moved = replaced(body, ["context"], {"patientId": BRUNO, "draftOrders": body["context"]["medications"]})
    assert field_of(post(client, moved)) == "context.medications"


@each_hook
def test_a_refusal_is_one_error_in_an_operation_outcome(client: TestClient, hook: str) -> None:
    body = post(client, without(request_for(BRUNO, hook=hook), "hookInstance")).json()
    assert body == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "invalid",
                "details": {"text": "hookInstance: is missing"},
                "expression": ["hookInstance"],
            }
        ],
    }


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("service", HOOKS)
def test_3_6_a_hook_is_answered_only_by_the_service_for_it(client: TestClient, hook: str, service: str) -> None:
    response = post(client, request_for(BRUNO, hook=hook), f"acetylcysteine-{service}")
    if hook == service:
        assert response.status_code == 200
    else:
        assert (response.status_code, field_of(response)) == (400, "hook")


@pytest.mark.parametrize(
    "service",
    ["unknown", "acetylcysteine", "ACETYLCYSTEINE-ORDER-SIGN", "acetylcysteine-order-sign ", "...", "order-sign"],
)
def test_3_6_an_unknown_service_is_a_404(client: TestClient, service: str) -> None:
    response = post(client, request_for(BRUNO), service)
    assert response.status_code == 404
    assert response.json()["issue"][0]["code"] == "not-found"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_3_6_a_service_refuses_every_method_but_post_and_says_which_it_takes(client: TestClient, method: str) -> None:
    response = client.request(method, "/cds-services/acetylcysteine-order-sign")
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]
    assert response.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_3_6_discovery_refuses_every_method_but_get_and_says_which_it_takes(client: TestClient, method: str) -> None:
    response = client.request(method, "/cds-services")
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]
    assert response.json()["issue"][0]["code"] == "not-supported"


def status_400(client: TestClient, origin: dict[str, str]) -> Any:
    return client.post("/cds-services/acetylcysteine-order-sign", content=b"{", headers=origin)


def status_404(client: TestClient, origin: dict[str, str]) -> Any:
    return client.post("/cds-services/unknown", content=b"{}", headers=origin)


def status_405(client: TestClient, origin: dict[str, str]) -> Any:
    return client.get("/cds-services/acetylcysteine-order-sign", headers=origin)


@pytest.mark.parametrize("refusal", [status_400, status_404, status_405], ids=lambda one: one.__name__)
def test_cors_a_refusal_can_be_read_by_a_browser_too(client: TestClient, refusal: Callable[..., Any]) -> None:
    response = refusal(client, {"Origin": "https://sandbox.cds-hooks.org"})
    assert response.status_code == int(refusal.__name__[-3:])
    assert response.headers["access-control-allow-origin"] == "https://sandbox.cds-hooks.org"


# ---------------------------------------------------------------- what may be there, and changes nothing

OPTIONAL: dict[str, Callable[[Body], Body]] = {
    "no userId": lambda body: without(body, "context", "userId"),
    "no encounterId": lambda body: without(body, "context", "encounterId"),
    "an encounterId that is null": lambda body: replaced(body, ["context", "encounterId"], None),
    "a userId that is a PractitionerRole": lambda body: replaced(body, ["context", "userId"], "PractitionerRole/7"),
    "an unknown member": lambda body: {**body, "org_example_unknown": {"deep": [1, None, ""]}},
    "an unknown member of the context": lambda body: replaced(body, ["context", "org_example"], {"a": []}),
    "an unknown member of the prefetch": lambda body: replaced(body, ["prefetch", "notAsked"], {"a": 1}),
    "an unknown member of the Bundle": lambda body: replaced(body, ["context", "draftOrders", "x"], {"a": 1}),
    "an extension": lambda body: {**body, "extension": {"org.example": {"a": 1}}},
    "a null extension": lambda body: {**body, "extension": None},
    "a Bundle without a type": lambda body: without(body, "context", "draftOrders", "type"),
    "a Bundle without a resourceType": lambda body: without(body, "context", "draftOrders", "resourceType"),
    "a fhirServer": lambda body: {**body, "fhirServer": "https://ehr.example.org/fhir"},
    "a fhirServer that is no string": lambda body: {**body, "fhirServer": 5},
    "a fhirServer that is no address": lambda body: {**body, "fhirServer": "http://[::bad"},
    "a null fhirServer": lambda body: {**body, "fhirServer": None},
    "a fhirAuthorization": lambda body: {
        **body,
        "fhirServer": "https://ehr.example.org/fhir",
        "fhirAuthorization": {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read"},
    },
    "a fhirAuthorization of a wrong type": lambda body: {**body, "fhirAuthorization": "Bearer"},
    "a hookInstance that is no UUID": lambda body: {**body, "hookInstance": "123b2va"},
    "a hookInstance in capitals": lambda body: {**body, "hookInstance": body["hookInstance"].upper()},
    "selections of another order": lambda body: replaced(body, ["context", "selections"], ["MedicationRequest/none"]),
    "selections that are no list": lambda body: replaced(body, ["context", "selections"], 5),
    "medications in order-sign": lambda body: replaced(body, ["context", "medications"], 5),
}


@pytest.mark.parametrize("change", OPTIONAL.values(), ids=OPTIONAL)
def test_3_1_what_is_optional_or_unknown_changes_no_card(client: TestClient, change: Callable[[Body], Body]) -> None:
    assert ids_of(cards_of(client, change(request_for(BRUNO, HIGH)))) == BOTH


def test_3_2_the_same_request_twice_gets_the_same_guidance(client: TestClient) -> None:
    first, again = (cards_of(client, request_for(BRUNO, HIGH)) for _ in range(2))
    for cards in (first, again):
        for card in cards:
            del card["uuid"]
            for suggestion in card.get("suggestions", []):
                del suggestion["uuid"]
    assert first == again


def test_the_counted_ids_of_the_tests_are_all_different() -> None:
    new_id = counted_ids()
    assert len({new_id() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": "application/fhir+json"},
        {},
    ],
    ids=lambda one: one.get("Content-Type", "none"),
)
def test_3_1_no_rule_names_a_content_type_so_any_json_type_is_taken(
    client: TestClient, headers: dict[str, str]
) -> None:
    content = to_bytes(request_for(BRUNO))
    response = client.post("/cds-services/acetylcysteine-order-sign", content=content, headers=headers)
    assert ids_of(response.json()["cards"]) == ["glutamate-normal"]


# ---------------------------------------------------------------- which orders


def drafts(*names: str) -> list[Body]:
    return [order_for(FIXTURES, name, BRUNO) for name in names]


def with_drafts(hook: str, orders: list[Body], **context: Any) -> Body:
    body = request_for(BRUNO, hook=hook)
    return replaced(body, ["context"], {"patientId": BRUNO, BUNDLE_OF[hook]: bundle_of(orders), **context})


@each_hook
def test_no_acetylcysteine_order_is_answered_with_no_cards(client: TestClient, hook: str) -> None:
    assert cards_of(client, with_drafts(hook, drafts("amoxicillin", "carbocisteine"))) == []


@each_hook
def test_an_order_without_any_drug_is_answered_with_no_cards(client: TestClient, hook: str) -> None:
    order = {"resourceType": "MedicationRequest", "id": "draft-nothing", "status": "draft"}
    assert cards_of(client, with_drafts(hook, [order])) == []


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-sign"])
def test_7_1_and_7_3_every_order_of_the_bundle_is_in_question(client: TestClient, hook: str) -> None:
    both = with_drafts(hook, drafts("amoxicillin", HIGH, "oral-1201-twice-daily"))
    assert ids_of(cards_of(client, both)) == BOTH


SELECTIONS = {
    "the order that is above the doses studied": (["MedicationRequest/draft-oral-1800-twice-daily"], BOTH),
    "an order by its bare id": (["draft-oral-600-twice-daily"], BOTH),
    "the other order": (["MedicationRequest/draft-oral-600-twice-daily"], BOTH),
    "an order for another drug": (["MedicationRequest/draft-amoxicillin"], []),
    "both": (
        ["MedicationRequest/draft-oral-600-twice-daily", "MedicationRequest/draft-oral-1800-twice-daily"],
        BOTH,
    ),
    "nothing": ([], BOTH),
    "what is not in the Bundle": (["MedicationRequest/elsewhere"], BOTH),
    "the id under another type": (["ServiceRequest/draft-oral-600-twice-daily"], BOTH),
    "something that is no string": ([5, None, {}], BOTH),
    "no list": ("MedicationRequest/draft-oral-600-twice-daily", BOTH),
    "null": (None, BOTH),
}


@pytest.mark.parametrize(("selections", "cards"), SELECTIONS.values(), ids=SELECTIONS)
def test_7_2_order_select_is_about_the_selected_orders_or_about_all_if_none_is_named(
    client: TestClient, selections: object, cards: list[str]
) -> None:
    orders = drafts("oral-600-twice-daily", HIGH, "amoxicillin")
    assert ids_of(cards_of(client, with_drafts("order-select", orders, selections=selections))) == cards


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-sign"])
def test_7_1_and_7_3_selections_mean_nothing_to_the_other_hooks(client: TestClient, hook: str) -> None:
    orders = drafts("oral-600-twice-daily", HIGH)
    body = with_drafts(hook, orders, selections=["MedicationRequest/draft-oral-600-twice-daily"])
    assert ids_of(cards_of(client, body)) == BOTH


def test_7_2_order_select_without_selections_is_about_every_draft(client: TestClient) -> None:
    assert ids_of(cards_of(client, with_drafts("order-select", drafts("oral-600-twice-daily", HIGH)))) == BOTH


def test_7_8_a_plain_list_of_orders_is_read_as_their_bundle(client: TestClient) -> None:
    body = with_drafts("order-sign", [])
    assert ids_of(cards_of(client, replaced(body, ["context", "draftOrders"], drafts(HIGH)))) == BOTH


def test_7_8_a_medication_order_of_dstu2_is_read(client: TestClient) -> None:
    order = {**drafts(HIGH)[0], "resourceType": "MedicationOrder"}
    order["dosageInstruction"] = [
        {
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnits": "d"}},
            "doseQuantity": {"value": 1800, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
        }
    ]
    assert ids_of(cards_of(client, with_drafts("medication-prescribe", [order]))) == BOTH


def test_7_an_order_that_forbids_the_drug_is_not_in_question(client: TestClient) -> None:
    assert cards_of(client, with_drafts("order-sign", [{**drafts(HIGH)[0], "doNotPerform": True}])) == []


def test_an_order_that_points_to_a_medication_in_the_same_bundle_is_read(client: TestClient) -> None:
    order = without(drafts(HIGH)[0], "medicationCodeableConcept")
    medication = {
        "resourceType": "Medication",
        "id": "med-1",
        "code": drafts(HIGH)[0]["medicationCodeableConcept"],
    }
    pointing = {**order, "medicationReference": {"reference": "Medication/med-1"}}
    assert ids_of(cards_of(client, with_drafts("order-sign", [pointing, medication]))) == BOTH
