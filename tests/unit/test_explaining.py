"""Why the service said that: every decision with its reasons, and the same in lines for the command."""

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
        assert {card.card for card in order.cards} == {card.id for card in CONTENT.cards}
        assert {card.outcome for card in order.cards} <= {one.value for one in Outcome}


def test_what_was_found_is_there_as_it_came_and_as_it_is_shown() -> None:
    (order,) = explained("alma-glutamate-high")
    card = next(one for one in order.cards if one.card == "glutamate-high")
    row = next(one for one in card.rows if one.condition == "plasma glutamate is high")

    (found,) = row.found
    assert (row.answer, found.state, found.value) == ("yes", "known", "high")
    assert dict(found.shown)["result"] == "168 µmol/L"
    assert found.origins[0].sent == "168 µmol/L on 2026-11-18"


def test_what_is_missing_is_said_with_the_reason() -> None:
    (order,) = explained("alma-glutamate-high", prefetch={"problemList": None})
    card = next(one for one in order.cards if one.card == "glutamate-high")
    row = next(one for one in card.rows if one.condition == "plasma glutamate is high")

    assert (row.answer, row.found[0].state) == ("cannot tell", "unknown")
    assert row.found[0].note == "amino acid results not sent"


def test_the_lines_hold_what_the_structure_holds() -> None:
    lines = "\n".join(explain_request(to_bytes(request_for("alma-glutamate-high")), CONTENT, NOW))
    (order,) = explained("alma-glutamate-high")

    for card in order.cards:
        assert f"{card.card}: {card.outcome}" in lines
        for row in card.rows:
            assert row.condition in lines
            assert all(found.say() in lines for found in row.found)


def test_another_drug_has_nothing_to_explain() -> None:
    assert explained("alma-glutamate-high", "amoxicillin") == ()
