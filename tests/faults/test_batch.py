"""One FHIR batch in place of single requests, where the client's entry says so: the same answers, whatever fails."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from cds_service.fhir.queries import FOR_ORDERS
from tests.faults.fhir_servers import NO_ANSWERS, key_of
from tests.loopback import Asked
from tests.signing import ALL_KEYS, ISSUER, Trusting, bearer, client_toml, good_header, sign
from tests.support import PATIENTS, post, prefetch_for, request_for, to_bytes

BASE = "https://fhir.example.org/fhir"
PATIENT = "ines-allergic"
Answers = Mapping[str, tuple[int, Any]]  # status and resource by key


class Server:
    """A FHIR server that answers single requests and batches from the same data."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.asked = answers, list[httpx.Request]()
        self.batch: Callable[[Any], httpx.Response] = lambda answered: respond(200, answered)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, of either kind."""
        self.asked.append(request)
        if request.method == "GET":
            return respond(*self.answers[key_at(str(request.url.raw_path, "ascii"))])
        asked = json.loads(request.content)
        assert (str(request.url), asked["resourceType"], asked["type"]) == (BASE, "Bundle", "batch")
        return self.batch(self.answer_batch(asked))

    def answer_batch(self, asked: Any) -> Any:
        """The batch-response, in the order of the requests."""
        assert {entry["request"]["method"] for entry in asked["entry"]} == {"GET"}
        found = [self.answers[key_at(f"/fhir/{entry['request']['url']}")] for entry in asked["entry"]]
        entries = [{"response": {"status": f"{status} Status"}, "resource": resource} for status, resource in found]
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}


def key_at(target: str) -> str:
    return key_of(Asked("GET", target, {}))


def respond(status: int, answer: Any) -> httpx.Response:
    return httpx.Response(status, content=to_bytes(answer))


def held(patient: str) -> Answers:
    """What a sound server has of a patient."""
    return {key: (200, answer) for key, answer in prefetch_for(patient).items()}


def call(folder: Path, server: Server, batch: bool, patient: str = PATIENT) -> tuple[int, Any]:
    """The status and the cards of a call without prefetch, by single requests or by a batch."""
    clients = client_toml("hospital", ISSUER, *ALL_KEYS, fhir_servers=[BASE], fhir_batch=batch)
    http = httpx.AsyncClient(transport=httpx.MockTransport(server.handle))
    service = Trusting(folder, clients, http=http, fhir_deadline_ms=60_000, fhir_timeout_ms=60_000)
    with service.client:
        service.client.headers = bearer(sign(good_header(jku=...)))
        answer = post(service.client, {**request_for(patient, prefetch={}), "fhirServer": BASE})
    assert server.asked, answer.text
    return answer.status_code, answer.json()


@pytest.mark.parametrize("patient", PATIENTS)
def test_a_batch_gives_the_answer_of_single_requests(tmp_path: Path, patient: str) -> None:
    single, batched = Server(held(patient)), Server(held(patient))
    assert call(tmp_path, batched, True, patient) == call(tmp_path, single, False, patient)
    assert [request.method for request in batched.asked] == ["POST"]
    assert len(single.asked) == len(FOR_ORDERS)


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
FAULTS: dict[str, tuple[int, Any]] = {
    **{f"status {status}": (status, OUTCOME) for status in (400, 401, 403, 404, 410, 429, 500, 503)},
    **{name: (200, answer) for name, answer in NO_ANSWERS.items()},
    "an OperationOutcome": (200, OUTCOME),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_fails_in_a_batch_fails_alone_as_in_single_requests(tmp_path: Path, fault: str) -> None:
    for key in FOR_ORDERS:
        answers = {**held(PATIENT), key: FAULTS[fault]}
        assert call(tmp_path, Server(answers), True) == call(tmp_path, Server(answers), False), key


WHOLE: dict[str, Callable[[Any], httpx.Response]] = {
    "status 500": lambda _: respond(500, OUTCOME),
    "status 405": lambda _: respond(405, OUTCOME),
    "null": lambda _: respond(200, None),
    "an OperationOutcome": lambda _: respond(200, OUTCOME),
    "a searchset": lambda answered: respond(200, {**answered, "type": "searchset"}),
    "an entry too few": lambda answered: respond(200, {**answered, "entry": answered["entry"][:-1]}),
    "entries without a status": lambda answered: respond(
        200, {**answered, "entry": [{"resource": entry["resource"]} for entry in answered["entry"]]}
    ),
}


@pytest.mark.parametrize("fault", WHOLE)
def test_a_batch_that_fails_as_a_whole_leaves_every_query_failed_and_named(tmp_path: Path, fault: str) -> None:
    server = Server(held(PATIENT))
    server.batch = WHOLE[fault]
    status, answer = call(tmp_path, server, True)
    named = {reason.split(": ")[0] for reason in answer["issue"][0]["diagnostics"].split("; ")}
    assert (status, named) == (412, set(FOR_ORDERS))
    assert len(server.asked) == 1


def test_further_pages_of_a_batch_are_read_one_by_one(tmp_path: Path) -> None:
    held_by_server = dict(held(PATIENT))
    status, allergies = held_by_server["allergyList"]
    link = [{"relation": "next", "url": f"{BASE}/AllergyIntolerance?page=2"}]
    first_page = {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": []}
    server = Server({**held_by_server, "allergyList": (status, first_page)})
    pages = {"page=2": respond(status, allergies)}

    def handle(request: httpx.Request) -> httpx.Response:
        return pages.get(urlsplit(str(request.url)).query) or Server.handle(server, request)

    server.handle = handle  # type: ignore[method-assign]
    assert call(tmp_path, server, True) == call(tmp_path, Server(held_by_server), False)
