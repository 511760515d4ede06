"""Why the service said that: every decision with its reasons, and the same in lines for the command."""

import json
from datetime import datetime

from cds_service.content.explaining import explain, explain_request
from cds_service.guidance.deciding import Outcome
from cds_service.hooks.requests import read_request
from tests.support import CONTENT, NOW, answer_now, request_for, to_bytes


def explained(*args: str, **more: object):  # type: ignore[no-untyped-def]
    body = to_bytes(request_for(*args, **more))  # type: ignore[arg-type]
    return explain(answer_now(read_request(body, "order-sign"), CONTENT, NOW, lambda: "id"))


def test_every_card_is_explained_for_every_order() -> None:
    orders = explained("alma-glutamate-high", "oral-600-twice-daily", "oral-1200-twice-daily")

    assert len(orders) == 2
    for order in orders:
        assert {card.id for card in order.cards} == {card.id for card in CONTENT.cards}
        assert {card.outcome for card in order.cards} <= {outcome.value for outcome in Outcome}


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
    lines = "\n".join(explain_request(to_bytes(request_for("alma-glutamate-high")), CONTENT, NOW).lines())
    (order,) = explained("alma-glutamate-high")

    for card in order.cards:
        assert f"{card.id}: {card.outcome}" in lines
        for condition in card.conditions:
            assert condition.text in lines
            assert all(fact.say() in lines for fact in condition.facts)


def test_the_json_holds_what_the_lines_hold() -> None:
    explanation = explain_request(to_bytes(request_for("alma-glutamate-high")), CONTENT, NOW)
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
