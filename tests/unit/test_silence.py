"""Why a call got no card: one sentence, and never the same for two reasons."""

import pytest

from cds_service.content.silence import explain_silence
from cds_service.hooks.requests import read_request
from tests.support import CONTENT, NOW, VOCABULARY, Body, answer_now, prefetch_for, request_for, to_bytes


def silence(body: Body) -> str:
    request = read_request(to_bytes(body), body["hook"])
    return explain_silence(request, answer_now(request, CONTENT, NOW, lambda: "id"), VOCABULARY)


def drafts(body: Body) -> list[Body]:
    return [entry["resource"] for entry in body["context"]["draftOrders"]["entry"]]


def changed(**members: object) -> Body:
    """A call for one order by mouth, with other members of the order."""
    body = request_for("bruno-glutamate-normal")
    drafts(body)[0].update(members)
    return body


def test_a_call_with_a_card_has_none() -> None:
    assert silence(request_for("bruno-glutamate-normal")) == ""


@pytest.mark.parametrize(
    ("orders", "count"), [(("amoxicillin",), "1 order"), (("amoxicillin", "carbocisteine"), "2 orders")]
)
def test_no_acetylcysteine_among_the_orders(orders: tuple[str, ...], count: str) -> None:
    assert silence(request_for("bruno-glutamate-normal", *orders)) == f"No acetylcysteine order among {count}."


def test_an_empty_call() -> None:
    body = request_for("bruno-glutamate-normal")
    body["context"]["draftOrders"]["entry"] = []
    assert silence(body) == "No acetylcysteine order among 0 orders."


@pytest.mark.parametrize("status", ["stopped", "cancelled", "completed", "ended", "entered-in-error"])
def test_an_order_that_is_over(status: str) -> None:
    assert silence(changed(status=status)) == f"The acetylcysteine order is {status}."


def test_an_order_that_is_not_to_be_performed() -> None:
    assert silence(changed(doNotPerform=True)) == "The acetylcysteine order says that it is not to be performed."


def test_an_order_that_was_not_selected() -> None:
    body = request_for("bruno-glutamate-normal", "oral-600-twice-daily", "amoxicillin", hook="order-select")
    body["context"]["selections"] = [f"MedicationRequest/{drafts(body)[1]['id']}"]
    assert silence(body) == "The acetylcysteine order is not among those that were selected."


def test_an_antidote() -> None:
    assert silence(request_for("jonas-poisoned")).startswith("Treated as an antidote: ")


def test_eye_drops() -> None:
    assert silence(request_for("bruno-glutamate-normal", "eye-drops")).startswith("Ophthalmic use: ")


def test_a_use_in_which_no_card_applies() -> None:
    prefetch = prefetch_for("bruno-glutamate-normal")
    body = request_for("bruno-glutamate-normal", "inhaled-3ml", prefetch=prefetch)
    assert silence(body).startswith("No card applies: use inhaled (")
