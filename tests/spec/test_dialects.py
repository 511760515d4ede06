"""Clients that depart from the specification, as their entries say: what each option changes in an answer, and no more.

The calls have the shape that Epic's documentation gives its own: fixtures of our making, with invented people.
"""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cds_service.auth.clients import load_clients
from cds_service.hooks.cards import Action, Card, Coding, Response, Source, Suggestion
from cds_service.hooks.dialects import DIALECTS, STANDARD, Dialect, Writer, camel_case
from tests.builders import bundle, concept, quantity
from tests.signing import ISSUER, JKU, RSA, SERVICE, Trusting, bearer, client_toml, good_claims, key_toml, sign
from tests.support import CONTENT, NOW, Body, Json, bundle_of, request_for, to_bytes

EPIC_KID = "d3bmo5HzW61TUgikHZH+A8Tx4UOXz2iOs4KvVU4eLY0="
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PREFERENCE_LIST = "urn:com.epic.cdshooks.action.code.system.preference-list-item"


def epic_dose(kind: str, value: Json, unit: str) -> Body:
    return {
        "type": concept(kind, "http://epic.com/CodeSystem/dose-rate-type"),
        "doseQuantity": quantity(Decimal(value), unit),
    }


def epic_request(patient: str) -> Body:
    """A call as Epic sends it: the drug as a Medication beside the order, the dose three times, its own extensions."""
    body = request_for(patient)
    order = body["context"]["draftOrders"]["entry"][0]["resource"]
    drug = {"resourceType": "Medication", "id": "med", "code": concept("197", RXNORM, text="acetylcysteine 600 mg")}
    named = {name: value for name, value in order.items() if not name.startswith("medication")}
    instruction = {name: value for name, value in order["dosageInstruction"][0].items() if name != "doseAndRate"}
    doses = [epic_dose("calculated", 600, "mg"), epic_dose("admin-amount", 600, "mg"), epic_dose("ordered", 600, "mg")]
    named |= {"medicationReference": {"reference": "Medication/med", "display": "acetylcysteine"}}
    named |= {"dosageInstruction": [{**instruction, "doseAndRate": doses}]}
    warning = {"severity": "warning", "code": "processing", "diagnostics": "No results"}
    outcome = {"resourceType": "OperationOutcome", "issue": [warning]}
    body["context"]["draftOrders"] = bundle_of([named, drug])
    body["prefetch"]["acetaminophenLevels"] = bundle(outcome, total=0)
    body["extension"] = {
        "com.epic.cdshooks.request.bpa-trigger-action": "23",
        "com.epic.cdshooks.request.criteria-id": "1126",
        "com.epic.cdshooks.request.fhir-version": "R4",
    }
    return body


def epic_token() -> str:
    """A token as Epic makes it: RS384, a `kid` in base64, `nbf` five minutes ago, and 15 minutes to live."""
    now = int(NOW.timestamp())
    header = {"alg": "RS384", "kid": EPIC_KID, "typ": "JWT", "jku": JKU}
    return sign(header, good_claims(iat=now, nbf=now - 300, exp=now + 900, sub="12345678-ce08"), RSA)


def answered(folder: Path, body: Body, **options: Json) -> Json:
    """The answer to a client whose entry has these options."""
    entry = client_toml("hospital", ISSUER, key_toml(RSA, EPIC_KID), jku=JKU, **options)
    client = Trusting(folder, entry).client
    reply = client.post(SERVICE, content=to_bytes(body), headers=bearer(epic_token()))
    assert reply.status_code == 200, reply.text
    return reply.json()["cards"]


def test_a_call_of_epics_shape_is_read_as_any_other(tmp_path: Path) -> None:
    plain = answered(tmp_path, request_for("bruno-glutamate-normal"))
    epic = answered(tmp_path, epic_request("bruno-glutamate-normal"))
    assert [card["source"] for card in epic] == [card["source"] for card in plain]
    assert [card["summary"] for card in epic] == [card["summary"] for card in plain]


def actions_of(cards: list[Body]) -> Iterator[tuple[str, Body]]:
    for card in cards:
        for suggestion in card.get("suggestions", []):
            assert card["selectionBehavior"] == "any"
            yield from ((suggestion["label"], action) for action in suggestion["actions"])


def kinds(cards: list[Body]) -> list[str]:
    return [action["type"] for _, action in actions_of(cards)]


def topics(cards: list[Body]) -> list[str]:
    return [card["source"]["topic"]["code"] for card in cards]


def order_codes(cards: list[Body]) -> list[Json]:
    created = [action["resource"] for _, action in actions_of(cards) if action["type"] == "create"]
    return [order["code"].get("coding", [{}])[0].get("code", order["code"]["text"]) for order in created]


# What one answer has of each, for the options of an entry: docs/integrating.md has the same table.
BODY = request_for("alma-glutamate-high", "oral-capsule-twice-daily")
AMINO_ACIDS = "Plasma amino acids"
TABLE: dict[str, tuple[dict[str, Json], list[str], list[str], list[str]]] = {
    "none": ({}, ["glutamate-high"], ["update", "create"], [AMINO_ACIDS]),
    "the dialect epic": ({"dialect": "epic"}, ["glutamateHigh"], [], []),
    "topic codes": (
        {"topic_code": "camel"},
        ["glutamateHigh"],
        ["update", "create"],
        [AMINO_ACIDS],
    ),
    "no updates": (
        {"update_suggestions": False},
        ["glutamate-high"],
        ["create"],
        [AMINO_ACIDS],
    ),
    "a code system, and no code": (
        {"order_code_system": "urn:x"},
        ["glutamate-high"],
        ["update"],
        [],
    ),
    "the code of an order": (
        {"dialect": "epic", "amino_acids_order_code": "AA1"},
        ["glutamateHigh"],
        ["create"],
        ["AA1"],
    ),
    "one option against its dialect": (
        {"dialect": "epic", "topic_code": "id", "order_code_system": ""},
        ["glutamate-high"],
        ["create"],
        [AMINO_ACIDS],
    ),
    "CDS Hooks 3.0": (
        {"cds_hooks": "3.0"},
        ["glutamate-high"],
        ["update", "create"],
        [AMINO_ACIDS],
    ),
}


@pytest.mark.parametrize(("options", "codes", "done", "ordered"), TABLE.values(), ids=TABLE)
def test_each_option_changes_what_it_names(
    tmp_path: Path, options: dict[str, Json], codes: list[str], done: list[str], ordered: list[str]
) -> None:
    cards = answered(tmp_path, BODY, **options)
    assert (topics(cards), kinds(cards), order_codes(cards)) == (codes, done, ordered)


@pytest.mark.parametrize("options", [row[0] for row in TABLE.values()], ids=TABLE)
def test_no_option_changes_what_is_said(tmp_path: Path, options: dict[str, Json]) -> None:
    said = ("summary", "detail", "indicator", "overrideReasons", "links")
    plain, written = (answered(tmp_path, BODY, **more) for more in ({}, options))
    assert [[card.get(name) for name in said] for card in written] == [
        [card.get(name) for name in said] for card in plain
    ]


def test_topic_codes_of_letters_and_digits_tell_all_cards_apart() -> None:
    codes = {card.id: camel_case(card.id) for card in CONTENT.cards}
    assert len(set(codes.values())) == len(codes)
    assert all(code.isascii() and code.isalnum() and len(code) <= 100 for code in codes.values())
    assert codes["dose-above-studied"] == "doseAboveStudied"  # stable: an acknowledgement hangs on it


def test_an_entry_has_the_options_of_its_dialect_and_its_own(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    own = {"update_suggestions": True, "feedback_reasons": ["org.example.reason"]}
    entries = [client_toml("a", "urn:a", jku=JKU), client_toml("b", "urn:b", jku=JKU, dialect="epic")]
    file.write_text("\n".join([*entries, client_toml("c", "urn:c", jku=JKU, dialect="epic", **own)]), encoding="utf-8")
    plain, epic, mixed = (client.dialect for client in load_clients(file))
    assert (plain, epic) == (STANDARD, DIALECTS["epic"])
    assert (mixed.update_suggestions, mixed.feedback_reasons, mixed.topic_code) == (
        True,
        ("org.example.reason",),
        "camel",
    )


# ---------------------------------------------------------------- the writer itself


def written(dialect: Dialect, *suggestions: Suggestion, **more: Any) -> Body:
    source = Source(label="Somebody", topic=Coding(system="urn:cards", code="a-card"))
    selection: Any = "any" if suggestions else None
    card = Card(
        uuid="1",
        summary="A summary",
        detail="Some detail",
        indicator="info",
        source=source,
        suggestions=suggestions,
        selectionBehavior=selection,
        overrideReasons=(
            Coding(system="urn:own", code="a", display="A"),
            Coding(system="urn:own", code="b", display="B"),
        ),
    )
    found: Body = json.loads(Writer(dialect=dialect, **more).write(Response(cards=(card,))))["cards"][0]
    return found


def suggestion(*actions: Action) -> Suggestion:
    return Suggestion(label="Do it", uuid="2", actions=actions)


REMOVE = Action(type="delete", description="Remove it", resourceId="MedicationRequest/1")


@pytest.mark.parametrize(("most", "expected"), [(0, 1), (2, 1), (1, 0)])
def test_a_suggestion_of_more_actions_than_the_client_takes_is_left_out_whole(most: int, expected: int) -> None:
    card = written(Dialect(actions_per_suggestion=most), suggestion(REMOVE, REMOVE))
    assert len(card.get("suggestions", [])) == expected
    assert ("selectionBehavior" in card) == bool(expected)


def create(code: Json) -> Action:
    return Action(type="create", description="Order it", resource={"resourceType": "ServiceRequest", "code": code})


IN_R4: Callable[[Body], Json] = lambda words: words  # noqa: E731
IN_R5: Callable[[Body], Json] = lambda words: {"concept": words}  # noqa: E731


@pytest.mark.parametrize("shape", [IN_R4, IN_R5], ids=["R4", "R5"])
def test_an_order_has_the_code_of_the_client_beside_its_words(shape: Callable[[Body], Json]) -> None:
    dialect = Dialect(order_code_system="urn:x", amino_acids_order_code="AA1")
    card = written(dialect, suggestion(create(shape({"text": "Plasma amino acids"}))))
    code = card["suggestions"][0]["actions"][0]["resource"]["code"]
    assert code == shape({"coding": [{"system": "urn:x", "code": "AA1"}], "text": "Plasma amino acids"})


PUBLISHED = {"a": Coding(system="urn:hl7", code="category", display="A category")}


def test_reasons_are_ours_or_those_of_the_published_categories_that_are_known() -> None:
    own = written(STANDARD, published=PUBLISHED)["overrideReasons"]
    published = written(Dialect(override_reasons="published"), published=PUBLISHED)["overrideReasons"]
    assert [reason["code"] for reason in own] == ["a", "b"]
    assert [(reason["system"], reason["code"]) for reason in published] == [("urn:hl7", "category"), ("urn:own", "b")]


def test_two_reasons_of_one_category_are_one() -> None:
    both = {**PUBLISHED, "b": PUBLISHED["a"]}
    reasons = written(Dialect(override_reasons="published"), published=both)["overrideReasons"]
    assert [reason["code"] for reason in reasons] == ["category"]
