"""Clients that speak CDS Hooks 1.0 get what 1.0 defines and nothing else; nothing that was offered is lost."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from cds_service.hooks.cards import Action, Card, Coding, Link, Response, Source, Suggestion, to_json
from cds_service.hooks.v1_0 import as_1_0
from tests.signing import ISSUER, JKU, P384, SERVICE, Trusting, bearer, client_toml, good_token, key_toml
from tests.support import Body, Json, bundle_of, request_for, to_bytes, walk

CARD = {"summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "links"}
SOURCE = {"label", "url", "icon"}
SUGGESTION = {"label", "uuid", "actions"}
ACTION = {"type", "description", "resource"}
LINK = {"label", "url", "type", "appContext"}
ALLERGIC = "ines-allergic"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Trusting, Trusting]]:
    """A service for a client of 1.0, and one for the same client of 2.0."""
    made = []
    for version in ("1.0", "2.0"):
        clients = client_toml("hospital", ISSUER, key_toml(P384, "ec"), jku=JKU, cds_hooks=version)
        made.append(Trusting(tmp_path_factory.mktemp("clients"), clients))
    yield made[0], made[1]


def answers(services: tuple[Trusting, Trusting], body: Body) -> tuple[list[Body], list[Body]]:
    """The cards of both versions."""
    old, new = (one.client.post(SERVICE, content=to_bytes(body), headers=bearer(good_token())) for one in services)
    assert (old.status_code, new.status_code) == (200, 200)
    assert old.json().keys() == {"cards"}
    return old.json()["cards"], new.json()["cards"]


def two_orders() -> Body:
    """An allergic patient with two orders: each may be removed, so the card offers two suggestions."""
    body = request_for(ALLERGIC)
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    body["context"]["draftOrders"] = bundle_of([order, {**order, "id": "second"}])
    return body


BODIES = {
    "an allergy": request_for(ALLERGIC),
    "two orders": two_orders(),
    "high glutamate": request_for("alma-glutamate-high", "oral-capsule-twice-daily"),
    "a dose above those studied": request_for("alma-glutamate-high", "oral-1800-twice-daily"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_only_members_of_1_0_are_sent(services: tuple[Trusting, Trusting], body: Body) -> None:
    cards, _ = answers(services, body)
    assert cards
    for card in cards:
        assert card.keys() <= CARD
        assert card["source"].keys() <= SOURCE
        assert ("suggestions" in card) == (card.get("selectionBehavior") == "at-most-one")
        assert all(link.keys() <= LINK for link in card.get("links", []))
        for suggestion in card.get("suggestions", []):
            assert suggestion.keys() <= SUGGESTION
            assert all(action.keys() <= ACTION for action in suggestion["actions"])


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_card_and_every_suggestion_of_2_0_is_there(services: tuple[Trusting, Trusting], body: Body) -> None:
    old, new = answers(services, body)
    assert [(one["summary"], one["detail"], one["indicator"]) for one in old] == [
        (one["summary"], one["detail"], one["indicator"]) for one in new for _ in one.get("suggestions", [one])
    ]
    assert offered(old) == offered(new)


def offered(cards: list[Body]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Every suggestion with what it does to what."""
    return [
        (one["label"], [done(action) for action in one["actions"]])
        for card in cards
        for one in card.get("suggestions", [])
    ]


def done(action: Body) -> tuple[str, str]:
    named: Json = action.get("resourceId", action.get("resource"))
    return action["type"], named if isinstance(named, str) else named.get("id", named["resourceType"])


def test_the_bodies_above_hold_every_kind_of_suggestion(services: tuple[Trusting, Trusting]) -> None:
    cards = [card for body in BODIES.values() for card in answers(services, body)[1]]
    kinds = {value for card in cards for path, value in walk(card) if path.endswith(".type")}
    assert {"create", "update", "delete"} <= kinds
    assert {len(card.get("suggestions", [])) for card in cards} >= {0, 1, 2}


def test_a_deleted_order_is_named_in_resource(services: tuple[Trusting, Trusting]) -> None:
    body = two_orders()
    old, new = answers(services, body)
    named = [f"MedicationRequest/{entry['resource']['id']}" for entry in body["context"]["draftOrders"]["entry"]]
    assert [action["resource"] for action in deletions(old)] == named
    assert [action["resourceId"] for action in deletions(new)] == named


def deletions(cards: list[Body]) -> list[Body]:
    actions = [value for card in cards for path, value in walk(card) if re.search(r"\.actions\[\d+\]$", path)]
    return [action for action in actions if action["type"] == "delete"]


def test_a_drug_that_is_not_ours_is_answered_alike(services: tuple[Trusting, Trusting]) -> None:
    body = request_for(ALLERGIC)
    body["context"]["draftOrders"] = bundle_of([])
    assert answers(services, body) == ([], [])


# ---------------------------------------------------------------- the function itself


def card(**more: Any) -> Card:
    return Card(
        uuid="1",
        summary="A summary",
        detail="Some detail",
        indicator="info",
        source=Source(label="Somebody", topic=Coding(system="urn:cards", code="a-card")),
        **more,
    )


def suggestion(number: int, **action: Any) -> Suggestion:
    made = Action(
        **{"type": "delete", "description": "Remove it", "resourceId": f"MedicationRequest/{number}", **action}
    )
    return Suggestion(label=f"Remove {number}", uuid=str(number), actions=(made,))


def test_a_card_without_suggestions_keeps_the_rest() -> None:
    link = Link(label="Source", url="https://example.org/", type="absolute")
    reason = Coding(system="urn:reasons", code="known", display="Known")
    made = as_1_0(Response(cards=(card(links=(link,), overrideReasons=(reason,)),)))
    assert json.loads(to_json(made)) == {
        "cards": [
            {
                "summary": "A summary",
                "detail": "Some detail",
                "indicator": "info",
                "source": {"label": "Somebody"},
                "links": [{"label": "Source", "url": "https://example.org/", "type": "absolute"}],
            }
        ]
    }


def test_suggestions_that_may_all_be_taken_become_a_card_each() -> None:
    both = card(suggestions=(suggestion(1), suggestion(2)), selectionBehavior="any")
    made = as_1_0(Response(cards=(card(), both, card())))["cards"]
    assert [[one["label"] for one in each.get("suggestions", [])] for each in made] == [
        [],
        ["Remove 1"],
        ["Remove 2"],
        [],
    ]
    assert {each.get("selectionBehavior") for each in made} == {None, "at-most-one"}


def test_numbers_stay_exact() -> None:
    dose = {"resourceType": "MedicationRequest", "dose": Decimal("0.10")}
    update = suggestion(1, type="update", resource=dose, resourceId=None)
    one = card(suggestions=(update,), selectionBehavior="any")
    assert b'"dose":0.10}' in to_json(as_1_0(Response(cards=(one,))))


def test_the_answer_is_left_as_it_was() -> None:
    answer = Response(cards=(card(suggestions=(suggestion(1),), selectionBehavior="any"),))
    before = to_json(answer)
    as_1_0(answer)
    assert to_json(answer) == before
