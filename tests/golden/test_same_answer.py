"""The same answer either way: what a client does not prefetch is fetched from its FHIR server; the reply is the same.

Everything runs over real sockets: the service, and a FHIR server that holds the people of the fixtures.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cds_service.app import create_app
from cds_service.fhir.queries import FOR_ORDERS
from tests.golden.asking import counted_ids
from tests.golden.rewrite import text_of
from tests.golden.stories import FIXTURES, STORIES, Story, reply_of, request_of
from tests.loopback import serving
from tests.support import CONTENT, NOW, PATIENTS, every_service, prefetch_for

WHOLE = [story for story in STORIES if not story.not_sent]
REDUCED = [story for story in STORIES if story.not_sent]
UNUSUAL = [
    path
    for path in sorted((FIXTURES / "unusual").glob("*.json"))
    if json.loads(path.read_bytes())["context"]["patientId"] in PATIENTS
]
BUSY_MACHINE_MS = 120_000  # nothing here is about time
_MADE_ID = re.compile(r"00000000-0000-4000-8000-\d{12}")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The service with the demo FHIR server, its clock at the moment of the story, so that no date moves."""
    settings = every_service(demo=True, fhir_deadline_ms=BUSY_MACHINE_MS, fhir_timeout_ms=BUSY_MACHINE_MS)
    with serving(create_app(settings, CONTENT, now=lambda: NOW, new_id=counted_ids())) as url:
        yield url


@pytest.fixture(scope="module")
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False, timeout=BUSY_MACHINE_MS / 1000) as client:
        yield client


def ask(http: httpx.Client, body: dict[str, Any], prefetch: dict[str, Any] | None) -> tuple[int, Any]:
    """Status and reply to a body with this prefetch, and with the FHIR server named."""
    rest = {name: value for name, value in body.items() if name != "prefetch"}
    sent = {**rest, "fhirServer": str(http.base_url.join("/demo/fhir"))} | (
        {} if prefetch is None else {"prefetch": prefetch}
    )
    reply = http.post(f"/cds-services/acetylcysteine-{body['hook']}", content=text_of(sent))
    return reply.status_code, renumbered(reply.json())


def renumbered(reply: Any) -> Any:
    """The reply with the ids that the service made counted from 1, in the order in which they appear."""
    seen: dict[str, str] = {}
    text = json.dumps(reply)
    return json.loads(_MADE_ID.sub(lambda found: seen.setdefault(found[0], f"made-{len(seen) + 1}"), text))


def golden(story: Story) -> Any:
    reply = reply_of(Path(f"{story.name}.json")).read_text(encoding="utf-8")
    return renumbered(json.loads(reply))


@pytest.mark.parametrize("story", WHOLE, ids=lambda story: story.name)
def test_without_any_prefetch_the_reply_is_the_golden_one(http: httpx.Client, story: Story) -> None:
    assert ask(http, request_of(story, CONTENT), None) == (200, golden(story))


@pytest.mark.parametrize("key", FOR_ORDERS)
@pytest.mark.parametrize("story", WHOLE, ids=lambda story: story.name)
def test_without_one_key_the_reply_is_the_golden_one(http: httpx.Client, story: Story, key: str) -> None:
    body = request_of(story, CONTENT)
    prefetch = {name: value for name, value in body["prefetch"].items() if name != key}

    assert ask(http, body, prefetch) == (200, golden(story))


@pytest.mark.parametrize("story", REDUCED, ids=lambda story: story.name)
def test_keys_that_were_left_out_on_purpose_are_fetched_too(http: httpx.Client, story: Story) -> None:
    body = request_of(story, CONTENT)
    complete = ask(http, request_of(replace(story, not_sent=()), CONTENT), prefetch_for(story.patient))

    assert ask(http, body, body["prefetch"]) == ask(http, body, None) == complete
    assert complete != (200, golden(story)), "what was left out makes no difference: this test could not fail"


@pytest.mark.parametrize("path", UNUSUAL, ids=lambda path: path.stem)
def test_an_unusual_request_without_prefetch_gets_the_complete_answer(http: httpx.Client, path: Path) -> None:
    body = json.loads(path.read_bytes())
    patient = body["context"]["patientId"]

    assert ask(http, body, None) == ask(http, body, prefetch_for(patient))


def test_a_key_that_came_as_an_error_is_not_asked_for_again(http: httpx.Client) -> None:
    body = json.loads((FIXTURES / "unusual" / "prefetch-errors.json").read_bytes())
    expected = json.loads(reply_of(Path("prefetch-errors.json")).read_bytes())

    assert ask(http, body, body["prefetch"])[1] == renumbered(expected)


def test_without_the_server_the_reply_would_be_another(http: httpx.Client) -> None:
    """So that the tests above can fail: their answers did come from the FHIR server."""
    body = {name: value for name, value in request_of(WHOLE[0], CONTENT).items() if name != "prefetch"}

    assert http.post(f"/cds-services/acetylcysteine-{body['hook']}", content=text_of(body)).status_code == 412


def test_there_are_requests_enough() -> None:
    assert len(WHOLE) > 30
    assert REDUCED
    assert len(UNUSUAL) > 8
