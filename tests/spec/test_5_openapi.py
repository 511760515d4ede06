"""The OpenAPI document is true: what is sent and answered fits it, and nothing is left out."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi.openapi.utils import get_openapi
from jsonschema_rs import meta
from starlette.testclient import TestClient

from cds_service.api.openapi import EXAMPLES
from cds_service.api.problems import STATUSES
from cds_service.api.schemas import ref, request_name
from cds_service.app import create_app
from cds_service.errors import NotAuthenticated
from cds_service.hooks.cards import Response
from cds_service.hooks.discovery import SERVICES
from cds_service.hooks.v1_0 import as_1_0
from cds_service.settings import Settings
from tests.openapi import CALL, DISCOVERY, DOCUMENT, FEEDBACK, misfits, schema_in
from tests.support import (
    CONTENT,
    FIXTURES,
    HOOKS,
    SERVICE_OF,
    Body,
    every_service,
    new_client,
    post,
    request_for,
    to_bytes,
    without,
)

REQUESTS = [
    path for folder in ("requests", "unusual", "versions") for path in sorted((FIXTURES / folder).glob("*.json"))
]
REPLIES = sorted((FIXTURES / "responses").glob("*.json"))
TOLERATED = {"prefetch-of-the-wrong-kind"}
OPERATIONS = {"call": CALL, "feedback": FEEDBACK, "discover": DISCOVERY}
EVERY_REQUEST = schema_in(CALL["requestBody"])
CALLED = "/cds-services/acetylcysteine-order-sign"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


@pytest.mark.parametrize("file", REQUESTS, ids=lambda path: path.stem)
def test_a_request_that_is_answered_fits_unless_it_is_there_to_be_tolerated(file: Path) -> None:
    assert (misfits(EVERY_REQUEST, read(file)) == []) == (file.stem not in TOLERATED)


@pytest.mark.parametrize("file", REPLIES, ids=lambda path: path.stem)
def test_a_golden_reply_fits(file: Path) -> None:
    reply = read(file)
    status = "200" if "cards" in reply else "412"

    assert misfits(schema_in(CALL["responses"][status]), reply) == []
    if status == "200":
        assert misfits(ref("Response"), reply) == []


def test_a_reply_in_the_format_of_1_0_fits_its_own_schema_and_not_that_of_2_0() -> None:
    for file in (path for path in REPLIES if read(path).get("cards")):
        reply = json.loads(msgspec.json.encode(as_1_0(msgspec.convert(read(file), Response))))
        assert misfits(ref("Response1_0"), reply) == []
        assert misfits(ref("Response"), reply) != []


def test_discovery_fits(client: TestClient) -> None:
    assert misfits(schema_in(DISCOVERY["responses"]["200"]), client.get("/cds-services").json()) == []


# ---------------------------------------------------------------- refusals

VALID = request_for("ines-allergic")
MANY = {**VALID["context"], "draftOrders": {"resourceType": "Bundle", "entry": [{}] * 301}}
REFUSED: dict[str, tuple[int, str, bytes, dict[str, str]]] = {
    "a member is missing": (400, CALLED, to_bytes(without(VALID, "hookInstance")), {}),
    "an unknown service": (404, "/cds-services/unknown", to_bytes(VALID), {}),
    "no data": (412, CALLED, to_bytes({**VALID, "prefetch": {}}), {}),
    "too many orders": (413, CALLED, to_bytes({**VALID, "context": MANY}), {}),
    "no JSON": (415, CALLED, b"{}", {"Content-Type": "text/plain"}),
    "feedback without its card": (400, f"{CALLED}/feedback", b'{"feedback":[{}]}', {}),
}


@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED)
def test_a_refusal_fits_and_its_status_is_documented(client: TestClient, row: tuple[int, str, bytes, Any]) -> None:
    status, path, body, headers = row
    response = client.post(path, content=body, headers=headers)
    documented = (FEEDBACK if path.endswith("feedback") else CALL)["responses"]

    assert response.status_code == status
    assert misfits(schema_in(documented[str(status)]), response.json()) == []


def test_every_error_that_a_request_can_end_with_has_an_example() -> None:
    contents = [response["content"]["application/json"] for response in CALL["responses"].values()]
    named = {name for content in contents for name in content.get("examples", {})}

    assert {kind.__name__ for kind in (*STATUSES, NotAuthenticated)} <= named


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_example_fits_what_it_is_an_example_of(operation: Body) -> None:
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for place in [*bodies, *operation["responses"].values()]:
        for example in place["content"]["application/json"].get("examples", {}).values():
            assert misfits(schema_in(place), example["value"]) == []


@pytest.mark.parametrize("hook", EXAMPLES)
def test_the_example_of_a_hook_is_answered_with_the_reply_beside_it(hook: str) -> None:
    asked, replies = CALL["requestBody"], CALL["responses"]["200"]
    example, reply = (place["content"]["application/json"]["examples"][hook]["value"] for place in (asked, replies))
    response = post(new_client(every_service()), example)

    assert response.status_code == 200
    assert [card["source"] for card in response.json()["cards"]] == [card["source"] for card in reply["cards"]]


def test_the_examples_of_feedback_are_stored(tmp_path: Path) -> None:
    examples = FEEDBACK["requestBody"]["content"]["application/json"]["examples"]
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'records.sqlite3'}")

    assert set(examples) == {"accepted", "overridden"}
    with TestClient(create_app(settings, CONTENT)) as client:
        for example in examples.values():
            response = client.post(f"{CALLED}/feedback", json=example["value"])
            assert (response.status_code, response.json()) == (200, {})


def test_without_the_fixtures_there_are_no_examples_of_calls(tmp_path: Path) -> None:
    document = create_app(every_service(fixtures=tmp_path), CONTENT).openapi()

    call = document["paths"]["/cds-services/{service_id}"]["post"]
    assert "examples" not in call["requestBody"]["content"]["application/json"]
    assert schema_in(call["requestBody"]) == EVERY_REQUEST


# ---------------------------------------------------------------- nothing is left out


def test_every_route_of_the_interface_is_documented_and_nothing_else() -> None:
    app = create_app(Settings(), CONTENT)
    derived = get_openapi(title="", version="", routes=app.routes)["paths"]
    offered = {(path, method) for path, methods in derived.items() for method in methods}
    documented = {
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods if method != "parameters"
    }

    assert documented == offered


def test_every_hook_has_a_schema_and_every_service_is_named() -> None:
    (parameter,) = DOCUMENT["paths"]["/cds-services/{service_id}"]["parameters"]

    assert parameter["schema"]["enum"] == list(SERVICES)
    assert EVERY_REQUEST["discriminator"]["mapping"].keys() == set(SERVICES.values())
    assert {request_name(hook) for hook in SERVICES.values()} <= DOCUMENT["components"]["schemas"].keys()


def test_a_service_that_is_off_is_not_documented() -> None:
    document = create_app(Settings(), CONTENT).openapi()
    (parameter,) = document["paths"]["/cds-services/{service_id}"]["parameters"]

    assert parameter["schema"]["enum"] == [SERVICE_OF[hook] for hook in HOOKS]
    assert "verify" not in json.dumps(document)


def test_every_reference_leads_to_a_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    text = json.dumps(DOCUMENT)
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}

    assert named <= set(schemas)
    assert set(schemas) - named == set()
