"""Why the service said that: every decision with its reasons, and the same in lines for the command."""

import json
from datetime import datetime

import pytest

from cds_service.content.explaining import Explanation, explain, explain_request, read_call
from cds_service.guidance.deciding import Outcome
from cds_service.hooks.requests import read_request
from tests.support import CONTENT, NOW, VERIFY, Body, answer_now, bundle_of, replaced, request_for, to_bytes


def explained(*args: str, **more: object):  # type: ignore[no-untyped-def]
    body = to_bytes(request_for(*args, **more))  # type: ignore[arg-type]
    return explain(answer_now(read_request(body, "order-sign"), CONTENT, NOW, lambda: "id"))


def explained_call(body: Body) -> Explanation:
    return explain_request(read_call(to_bytes(body)), CONTENT, NOW)


def test_every_card_is_explained_for_every_order() -> None:
    orders = explained("alma-glutamate-high", "oral-600-twice-daily", "oral-1200-twice-daily")

    assert len(orders) == 2
    for order in orders:
        assert {card.id for card in order.cards} == {card.id for card in CONTENT.order_cards}
        assert {card.outcome for card in order.cards} <= {outcome.value for outcome in Outcome}


def test_a_call_that_verifies_an_order_is_explained_as_its_signing() -> None:
    verifying = request_for("alma-glutamate-high", hook=VERIFY)
    signing = replaced(
        request_for("alma-glutamate-high"),
        ["context", "draftOrders"],
        bundle_of([verifying["context"]["medication"]]),
    )
    assert list(explained_call(verifying).lines()) == list(explained_call(signing).lines())


def test_what_was_found_is_there_as_it_came_and_as_it_is_shown() -> None:
    (order,) = explained("alma-glutamate-high")
    card = next(card for card in order.cards if card.id == "glutamate-high")
    condition = next(row for row in card.conditions if row.text == "plasma glutamate is high")

    (fact,) = condition.facts
    assert (condition.truth, fact.state, fact.value) == ("yes", "known", "high")
    assert dict(fact.shown)["result"] == "168 µmol/L"
    assert fact.origins[0].sent == "168 µmol/L on 2026-11-18"


def test_what_is_missing_is_said_with_the_reason() -> None:
    (order,) = explained("alma-glutamate-high", prefetch={"problemList": None})
    card = next(card for card in order.cards if card.id == "glutamate-high")
    condition = next(row for row in card.conditions if row.text == "plasma glutamate is high")

    assert (condition.truth, condition.facts[0].state) == ("cannot tell", "unknown")
    assert condition.facts[0].note == "amino acid results not sent"


def test_the_lines_hold_what_the_structure_holds() -> None:
    lines = "\n".join(explained_call(request_for("alma-glutamate-high")).lines())
    (order,) = explained("alma-glutamate-high")

    for card in order.cards:
        assert f"{card.id}: {card.outcome}" in lines
        for condition in card.conditions:
            assert condition.text in lines
            assert all(fact.say() in lines for fact in condition.facts)


def test_the_json_holds_what_the_lines_hold() -> None:
    explanation = explained_call(request_for("alma-glutamate-high"))
    written = json.loads(explanation.as_json())

    assert written["cards"] == list(explanation.cards)
    assert datetime.fromisoformat(written["as_of"]) == NOW
    (order,) = written["orders"]
    assert {card["id"]: card["outcome"] for card in order["cards"]} == {
        card.id: card.outcome for card in explanation.orders[0].cards
    }
    lines = "\n".join(explanation.lines())
    assert all(condition["text"] in lines for card in order["cards"] for condition in card["conditions"])


def test_another_drug_has_nothing_to_explain() -> None:
    assert explained("alma-glutamate-high", "amoxicillin") == ()


def local_call(code: str, name: str) -> Body:
    """A call whose only result is under a code of the laboratory's own."""
    body = request_for("alma-glutamate-high")
    result = {
        "resourceType": "Observation",
        "id": "local",
        "status": "final",
        "subject": {"reference": f"Patient/{body['context']['patientId']}"},
        "effectiveDateTime": "2026-11-18",
        "code": {"coding": [{"system": "urn:lab", "code": code, "display": name}]},
        "valueQuantity": {"value": 60, "unit": "umol/L"},
    }
    body["prefetch"]["aminoAcids"] = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": result}]}
    return body


def in_both_forms(body: Body) -> tuple[str, Body]:
    explanation = explained_call(body)
    return "\n".join(explanation.lines()), json.loads(explanation.as_json())


@pytest.mark.parametrize(("name", "means"), [("Glutamate plasma", "glutamate"), ("Cystine", "cystine")])
def test_a_result_under_a_code_that_is_not_read_is_named_with_a_row_for_the_site_file(name: str, means: str) -> None:
    lines, written = in_both_forms(local_call("GLUX", name))
    assert name in lines
    assert f'system = "urn:lab"\ncode = "GLUX"\nunit = "umol/L"\nmeans = "{means}"' in lines
    assert [(one["code"], one["means"]) for one in written["unread_codes"]] == [("GLUX", means)]


@pytest.mark.parametrize("name", ["Sodium", "Glutamate, urine"])
def test_a_result_of_another_test_is_not_named(name: str) -> None:
    lines, written = in_both_forms(local_call("GLUX", name))
    assert ("GLUX" in lines, written["unread_codes"]) == (False, [])


def test_what_is_read_is_not_named_as_unread() -> None:
    lines, written = in_both_forms(request_for("alma-glutamate-high"))
    assert (written["unread_orders"], written["unread_codes"]) == ([], [])
    assert "Not recognised" not in lines


@pytest.mark.parametrize("beside", [(), ("oral-600-twice-daily",)], ids=["alone", "beside ours"])
def test_an_order_that_is_not_recognised_is_named_with_its_codes(beside: tuple[str, ...]) -> None:
    body = request_for("alma-glutamate-high", "amoxicillin", *beside)
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    order["medicationCodeableConcept"] = {
        "coding": [{"system": "urn:drugs", "code": "NAC200", "display": "Mucosolv\x1b[31m 200"}]
    }
    lines, written = in_both_forms(body)
    assert f"{order['id']}: “Mucosolv\ufffd[31m 200”, urn:drugs|NAC200" in lines
    assert [one["codes"] for one in written["unread_orders"]] == [["urn:drugs|NAC200"]]
    assert len(written["orders"]) == len(beside)


def test_an_order_that_names_no_drug_is_named_all_the_same() -> None:
    body = request_for("alma-glutamate-high", "oral-600-twice-daily", "amoxicillin")
    del body["context"]["draftOrders"]["entry"][1]["resource"]["medicationCodeableConcept"]
    lines, _ = in_both_forms(body)
    assert "no name, no code" in lines


def test_an_order_whose_drug_the_prefetch_names_is_explained_and_not_called_unread() -> None:
    body = request_for("alma-glutamate-high")
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    drug = {"resourceType": "Medication", "id": "m", "code": order.pop("medicationCodeableConcept")}
    order["medicationReference"] = {"reference": "Medication/m"}
    body["prefetch"]["activeMedications"]["entry"] = [
        *body["prefetch"]["activeMedications"].get("entry", []),
        {"resource": drug, "search": {"mode": "include"}},
    ]
    _, written = in_both_forms(body)
    assert (len(written["orders"]), written["unread_orders"]) == (1, [])
