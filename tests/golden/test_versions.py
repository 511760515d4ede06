"""The same story in every FHIR version gives the same cards; what is suggested is in the client's version."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import respx
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4b_model
from fhir.resources.STU3 import get_fhir_model_class as stu3_model
from pydantic import ValidationError
from starlette.testclient import TestClient

from cds_service.fhir.queries import FOR_ORDERS, QUERIES, fhir_query
from cds_service.settings import Settings
from tests.golden.converting import DSTU2, R4, R5, STU3, converted, converted_request
from tests.golden.dstu2 import not_of_dstu2
from tests.golden.rewrite import text_of
from tests.golden.stories import FIXTURES, STORIES, VERSIONED, Story, request_of, versioned_name, versioned_request
from tests.golden.treatments import VERSIONED as VERSIONED_OPENINGS
from tests.golden.treatments import name_of
from tests.support import CONTENT, HOOKS, ROOT, VERIFY, as_read, cards_of, id_of, new_client

BUSY_MACHINE_MS = 120_000  # nothing here is about time
MODELS = {STU3: stu3_model, R4: r4b_model, R5: r5_model}  # R4B is R4 for these resources
ORDER_TYPES = {DSTU2: "MedicationOrder", STU3: "MedicationRequest", R4: "MedicationRequest", R5: "MedicationRequest"}
LAB_ORDER_TYPES = {STU3: "ProcedureRequest", R4: "ServiceRequest", R5: "ServiceRequest"}
Body = dict[str, Any]

SERVER = "http://127.0.0.1:8080/fhir"
GUIDE = (ROOT / "docs" / "integrating.md").read_text(encoding="utf-8")
OFFERED = {version: {"update", "delete", "create"} for version in (STU3, R4, R5)} | {DSTU2: {"update", "delete"}}
VERIFIED = (DSTU2, STU3, R4, R5)
CALLS = [(version, hook) for version in (DSTU2, STU3, R5) for hook in HOOKS]


def check(resource: Body, version: str) -> None:
    """The resource is one of this version."""
    if version == DSTU2:
        resources = [one["resource"] for one in resource["entry"]] if "entry" in resource else [resource]
        assert [path for one in resources if one["resourceType"] != "Bundle" for path in not_of_dstu2(one)] == []
    else:
        MODELS[version](resource["resourceType"]).model_validate(resource)


def request_in(version: str, story: Story, hook: str) -> Body:
    request = converted_request(request_of(replace(story, hook=hook), CONTENT), version)
    return as_read(request)


def resources_in(request: Body) -> Iterator[Body]:
    context = request["context"]
    yield next(value for value in context.values() if isinstance(value, dict))
    yield from (value for value in request["prefetch"].values() if value)


def suggested(cards: list[Body]) -> list[Body]:
    return [action for card in cards for one in card.get("suggestions", []) for action in one["actions"]]


def told(cards: list[Body], version: str) -> list[Body]:
    """What a clinician sees: without the ids and resources; DSTU2 is offered no laboratory order."""
    return [_told(card, version) for card in cards]


def _told(card: Body, version: str) -> Body:
    offers = [
        (one["label"], [(action["type"], action["description"]) for action in one["actions"]])
        for one in card.get("suggestions", [])
        if version != DSTU2 or one["actions"][0]["type"] != "create"
    ]
    left_out = ("uuid", "suggestions", *(["selectionBehavior"] if version == DSTU2 else []))
    return {**{name: value for name, value in card.items() if name not in left_out}, "offers": offers}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize(("version", "hook"), CALLS, ids=[".".join(call) for call in CALLS])
def test_the_same_story_gives_the_same_cards(story: Story, version: str, hook: str, client: TestClient) -> None:
    cards = cards_of(client, request_in(version, story, hook))
    in_r4 = cards_of(client, request_in(R4, story, hook))

    assert told(cards, version) == told(in_r4, version)


@pytest.mark.parametrize("story", [one for one in STORIES if len(one.orders) == 1], ids=lambda story: story.name)
@pytest.mark.parametrize("version", VERIFIED)
def test_an_order_to_verify_gets_the_same_cards_in_every_version(
    story: Story, version: str, client: TestClient
) -> None:
    cards = cards_of(client, request_in(version, story, VERIFY))
    in_r4 = cards_of(client, request_in(R4, story, VERIFY))

    assert told(cards, version) == told(in_r4, version)
    for action in suggested(cards):
        check(action["resource"], version)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize(("version", "hook"), [*CALLS, (R4, "order-sign")], ids=lambda value: value)
def test_what_is_suggested_is_in_the_version_of_the_client(
    story: Story, version: str, hook: str, client: TestClient
) -> None:
    actions = suggested(cards_of(client, request_in(version, story, hook)))

    for action in actions:
        if action["type"] == "delete":
            assert action["resourceId"].split("/")[0] == ORDER_TYPES[version]
        else:
            expected = ORDER_TYPES if action["type"] == "update" else LAB_ORDER_TYPES
            assert action["resource"]["resourceType"] == expected[version]
            check(action["resource"], version)


@pytest.mark.parametrize("version", [DSTU2, STU3, R4, R5])
def test_every_card_and_every_kind_of_suggestion_is_among_them(version: str, client: TestClient) -> None:
    cards = [card for story in STORIES for card in cards_of(client, request_in(version, story, story.hook))]

    assert {id_of(card) for card in cards} == {card.id for card in CONTENT.order_cards}
    assert {action["type"] for action in suggested(cards)} == OFFERED[version]


@pytest.mark.parametrize("patient", ["greta-on-treatment", "wanda-nitroglycerin"])  # what counts is a MedicationOrder
def test_a_dstu2_server_is_asked_in_its_own_words_and_gives_the_same_cards(patient: str) -> None:
    server = respx.Router()
    http = httpx.AsyncClient(transport=httpx.MockTransport(server.async_handler))
    client = new_client(Settings(fhir_deadline_ms=BUSY_MACHINE_MS, fhir_timeout_ms=BUSY_MACHINE_MS), http=http)
    request = request_in(DSTU2, next(story for story in STORIES if story.patient == patient), "medication-prescribe")
    expected = cards_of(client, request)
    held = request.pop("prefetch")
    for key in FOR_ORDERS:
        path = fhir_query(QUERIES[key], patient, CONTENT.vocabulary.code_lists, DSTU2)
        server.get(f"{SERVER}/{path}").respond(json=held[key])

    cards = cards_of(client, {**request, "fhirServer": SERVER})

    assert told(cards, DSTU2) == told(expected, DSTU2)
    asked = [call.request.url for call in server.calls]
    kinds = ["/fhir/MedicationOrder", "/fhir/MedicationStatement"]
    assert [url.path for url in asked if "Medication" in url.path] == kinds
    assert {url.params.get("_sort:desc") for url in asked if url.path == "/fhir/Observation"} == {"date"}


@pytest.mark.parametrize(
    ("row", "versions"),
    [
        ("requests of `medication-prescribe`, `order-select`, `order-sign`", {R4, *(version for version, _ in CALLS)}),
        (
            "requests of `medication-verify` and `patient-view`",
            set(VERIFIED) & {R4, *(version for _, version in VERSIONED_OPENINGS)},
        ),
        (
            "suggestions that change or remove an order",
            {version for version in OFFERED if {"update", "delete"} <= OFFERED[version]},
        ),
        (
            "suggestions that create a laboratory order",
            {version for version in OFFERED if "create" in OFFERED[version]},
        ),
    ],
)
def test_the_table_of_the_guide_has_its_ticks_from_these_tests(row: str, versions: set[str]) -> None:
    ticks = ["✓" if version in versions else "–" for version in (DSTU2, STU3, R4, R5)]

    assert f"| {row} | {' | '.join(ticks)} |" in GUIDE


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("version", [DSTU2, STU3, R5])
def test_a_converted_story_is_valid_in_its_version(story: Story, version: str) -> None:
    for resource in resources_in(request_in(version, story, story.hook)):
        check(resource, version)


def test_a_story_of_another_version_is_not_valid() -> None:
    order = next(resources_in(request_in(R4, STORIES[0], "order-sign")))["entry"][0]["resource"]

    with pytest.raises(ValidationError):
        check(order, STU3)
    with pytest.raises(ValidationError):
        check(order, R5)
    assert not_of_dstu2({**order, "resourceType": "MedicationOrder"}) != []
    assert not_of_dstu2(converted(order, DSTU2)) == []


@pytest.mark.parametrize(("story", "version", "hook"), VERSIONED, ids=lambda value: getattr(value, "name", value))
def test_the_committed_request_is_what_the_story_makes(story: Story, version: str, hook: str) -> None:
    written = (FIXTURES / "versions" / versioned_name(story, version, hook)).read_text(encoding="utf-8")

    assert written == text_of(versioned_request(story, version, hook, CONTENT))


def test_no_committed_request_is_left_over() -> None:
    written = {path.name for path in (FIXTURES / "versions").glob("*.json")}

    assert written == {versioned_name(*one) for one in VERSIONED} | {name_of(*one) for one in VERSIONED_OPENINGS}
