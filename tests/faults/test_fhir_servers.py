"""The EHR's FHIR server over real sockets: what is asked, what is used, and every way in which it can fail.

However it fails, the clinician gets an answer that says what was not obtained; the service neither hangs nor passes a
failure off as "none found", and the token reaches no other server.
"""

import asyncio
import json
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from cds_service.app import create_app
from cds_service.fhir.queries import FOR_ORDERS
from cds_service.settings import Settings
from tests.faults.fhir_servers import (
    DATA,
    FAULTS,
    NO_ANSWERS,
    OTHER,
    PATIENT,
    TOKEN,
    answer_with,
    drips,
    key_of,
    never,
    next_elsewhere,
    raw,
    sound,
)
from tests.loopback import Asked, Behave, Loopback, http_answer, running, serving
from tests.processes import PATIENCE, free_port
from tests.support import CONTENT, NOW, Body, id_of, ids_of, not_done, prefetch_for, request_for, to_bytes

BRUNO = "bruno-glutamate-normal"
ALL_KEYS = set(FOR_ORDERS)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The service with time enough, so that a slow machine is no failure of a server."""
    with serving(create_app(Settings(), CONTENT, now=lambda: NOW)) as address:
        yield address


@pytest.fixture(scope="module")
def imservice() -> Iterator[str]:
    """The service for servers that never answer: the shorter its deadline, the shorter the test."""
    settings = Settings(fhir_deadline_ms=400, fhir_timeout_ms=350)
    with serving(create_app(settings, CONTENT, now=lambda: NOW)) as address:
        yield address


def body_for(server: Loopback, *orders: str, patient: str = PATIENT, **members: Any) -> Body:
    """A call without prefetch that names a FHIR server and brings a token for it."""
    body = request_for(patient, *(orders or ("oral-600-twice-daily",)), prefetch={})
    authorization = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 30, "scope": "user/*.read"}
    return {**body, "fhirServer": server.base, "fhirAuthorization": {**authorization, "subject": "cds"}, **members}


def bruno(asked: Asked) -> Any:
    """What a sound server holds of a patient with nothing on any list."""
    return prefetch_for(BRUNO)[key_of(asked)]


def called(service: str, body: Body) -> httpx.Response:
    address = f"{service}/cds-services/acetylcysteine-{body['hook']}"
    return httpx.post(address, content=to_bytes(body), timeout=PATIENCE)


def cards(response: httpx.Response) -> list[Body]:
    assert response.status_code == 200, response.text
    found: list[Body] = response.json()["cards"]
    return found


def diagnostics(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 412, response.text
    return dict(one.split(": ", 1) for one in response.json()["issue"][0]["diagnostics"].split("; "))


# ---------------------------------------------------------------- a sound server


def test_all_that_the_prefetch_lacks_is_fetched_with_the_token_and_used(service: str) -> None:
    with running(Loopback(answer_with(sound))) as server:
        fetched = cards(called(service, body_for(server)))
    assert ids_of(fetched) == ["nitroglycerin-interaction", "glutamate-normal"]
    assert {key_of(one) for one in server.asked} == ALL_KEYS
    assert len(server.asked) == len(ALL_KEYS)
    assert server.tokens == {f"Bearer {TOKEN}"}


def test_without_a_token_the_server_is_asked_without_one(service: str) -> None:
    with running(Loopback(answer_with(sound))) as server:
        body = body_for(server)
        del body["fhirAuthorization"]
        assert ids_of(cards(called(service, body))) == ["nitroglycerin-interaction", "glutamate-normal"]
    assert (server.tokens, len(server.asked)) == (set(), len(ALL_KEYS))


def test_what_was_prefetched_is_not_asked_for_again_an_error_or_nothing_included(service: str) -> None:
    error = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    prefetch = {"patient": DATA["patient"], "allergyList": None, "problemList": error}
    with running(Loopback(answer_with(sound))) as server:
        answer = cards(called(service, body_for(server, prefetch=prefetch)))
    assert {key_of(one) for one in server.asked} == ALL_KEYS - set(prefetch)
    assert any("problem list could not be read" in line for line in not_done(answer))
    assert not any("allergy list" in line for line in not_done(answer))


@pytest.mark.parametrize("order", ["amoxicillin", "carbocisteine"])
def test_for_another_drug_nothing_is_fetched(service: str, order: str) -> None:
    with running(Loopback(answer_with(sound))) as server:
        assert cards(called(service, body_for(server, order))) == []
    assert server.connections == 0


def test_all_queries_run_at_once(service: str) -> None:
    waiting: set[str] = set()
    together = asyncio.Event()

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        """Answers none until all have been asked: one after the other would wait for ever."""
        waiting.add(key_of(asked))
        if waiting == ALL_KEYS:
            together.set()
        await together.wait()
        writer.write(http_answer(json.dumps(sound(asked), default=float).encode()))

    with running(Loopback(behave)) as server:
        assert ids_of(cards(called(service, body_for(server))))[0] == "nitroglycerin-interaction"


def test_a_dstu2_order_is_asked_about_as_a_dstu2_server_reads_it(service: str) -> None:
    with running(Loopback(answer_with(lambda asked: {"resourceType": "Bundle"}))) as server:
        order = {"resourceType": "MedicationOrder", "id": "d", "medicationCodeableConcept": {"text": "acetylcysteine"}}
        body = body_for(server)
        body["context"]["draftOrders"]["entry"] = [{"resource": order}]
        called(service, body)
    targets = [one.target for one in server.asked]
    assert sum("/MedicationOrder?" in one for one in targets) == 1
    assert not any("MedicationRequest" in one or "_sort=-date" in one for one in targets)
    assert sum("_sort:desc=date" in one for one in targets) == 4


# ---------------------------------------------------------------- pages


def pages(number: int) -> Behave:
    """Glutamate on the last of some pages; the links are relative, absolute and to the base itself."""

    def make(asked: Asked) -> Any:
        if "page=" not in asked.target and key_of(asked) != "aminoAcids":
            return sound(asked)
        page = int(asked.target.rpartition("page=")[2]) if "page=" in asked.target else 1
        entries = DATA["aminoAcids"]["entry"] if page == number else []
        link = [{"relation": "next", "url": f"{asked.headers['x-base']}?page={page + 1}"}] if page < number else []
        return {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": link}

    return answer_with(make)


@pytest.mark.parametrize(
    ("number", "card"), [(1, "glutamate-normal"), (5, "glutamate-normal"), (6, "screening-incomplete")]
)
def test_next_links_are_followed_below_the_same_base_up_to_a_limit(service: str, number: int, card: str) -> None:
    with running(Loopback(pages(number))) as server:
        keep = server.behave

        async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
            asked.headers["x-base"] = server.base
            await keep(asked, writer)

        server.behave = behave
        answer = cards(called(service, body_for(server)))
    assert card in ids_of(answer)
    assert sum("page=" in one.target for one in server.asked) == min(number, 5) - 1


def test_a_prefetch_that_came_in_pages_is_read_on(service: str) -> None:
    first = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    with running(Loopback(answer_with(lambda asked: DATA["aminoAcids"]))) as server:
        link = [{"relation": "next", "url": f"{server.base}?page=2"}]
        prefetch = {**DATA, "aminoAcids": {**first, "link": link}}
        answer = cards(called(service, body_for(server, prefetch=prefetch)))
    assert ids_of(answer) == ["nitroglycerin-interaction", "glutamate-normal"]
    assert [one.target for one in server.asked] == ["/fhir?page=2"]


# ---------------------------------------------------------------- Medications behind references


def by_reference(reference: str, **members: Any) -> Body:
    kind = {"resourceType": "MedicationRequest", "id": "r", "status": "draft", **members}
    return {**kind, "medicationReference": {"reference": reference}}


MEDICATIONS: dict[str, Body] = {
    "/fhir/Medication/nac": {
        "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "197"}]}
    },
    "/fhir/Medication/other": {"code": {"text": "amoxicillin"}},
    "/fhir/Medication/glyceryl": {"code": {"text": "nitroglycerin"}},
}


def with_medications(asked: Asked) -> Any:
    if asked.target in MEDICATIONS:
        return {"resourceType": "Medication", "id": asked.target.rpartition("/")[2], **MEDICATIONS[asked.target]}
    return prefetch_for("bruno-glutamate-normal")[key_of(asked)]


def ordered(server: Loopback, *orders: Body) -> Body:
    body = body_for(server, patient="bruno-glutamate-normal")
    body["context"]["draftOrders"]["entry"] = [{"resource": one} for one in orders]
    return body


@pytest.mark.parametrize("reference", ["Medication/nac", "{base}/Medication/nac", "Medication/nac/_history/1"])
def test_a_drug_behind_a_reference_is_read_from_the_server(service: str, reference: str) -> None:
    def make(asked: Asked) -> Any:
        return with_medications(Asked("GET", asked.target.removesuffix("/_history/1"), {}))

    with running(Loopback(answer_with(make))) as server:
        order = by_reference(reference.format(base=server.base))
        assert "glutamate-normal" in ids_of(cards(called(service, ordered(server, order))))


def test_another_drug_behind_a_reference_costs_one_read_and_no_more(service: str) -> None:
    with running(Loopback(answer_with(with_medications))) as server:
        assert cards(called(service, ordered(server, by_reference("Medication/other")))) == []
    assert [one.target for one in server.asked] == ["/fhir/Medication/other"]


def test_a_draft_beside_ours_is_named_by_its_reference_too(service: str) -> None:
    ours = {"resourceType": "MedicationRequest", "id": "o", "medicationCodeableConcept": {"text": "acetylcysteine"}}
    with running(Loopback(answer_with(with_medications))) as server:
        answer = cards(called(service, ordered(server, ours, by_reference("Medication/glyceryl"))))
    assert "nitroglycerin-interaction" in ids_of(answer)


@pytest.mark.parametrize(
    "reference",
    [
        "{other}/Medication/nac",
        "http://user@127.0.0.1:{port}/fhir/Medication/nac",
        "Medication/../../Medication/nac",
        "Medication/%2e%2e/nac",
        "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
        "Medication/nac?_format=xml",
        "Patient/nac",
        "",
    ],
)
def test_a_reference_that_leads_elsewhere_is_not_followed(service: str, reference: str) -> None:
    with running(Loopback(answer_with(with_medications))) as server, running(Loopback(answer_with(sound))) as other:
        order = by_reference(reference.format(other=other.base, port=server.port) or "Medication/")
        assert list(diagnostics(called(service, ordered(server, order)))) == ["Medication"]
    assert (server.connections, other.connections) == (0, 0)


# ---------------------------------------------------------------- faults

SLOW = "did not answer in time"
SAID = {
    **dict.fromkeys(NO_ANSWERS, "is not the result of a search"),
    "accepts and never answers": SLOW,
    "one byte a second": SLOW,
    "status 401": "answered with status 401",
    "status 403": "answered with status 403",
    "status 404": "answered with status 404",
    "status 429": "answered with status 429",
    "status 500": "answered with status 500",
    "HTML instead of JSON": "is not JSON that can be read",
    "truncated JSON": "is not JSON that can be read",
    "fewer bytes than announced": "could not be reached",
    "not HTTP": "could not be reached",
    "closes at once": "could not be reached",
    "a 200 MB Bundle": "is too large",
    "an endless chain of next": "not all its pages came",
    "wrong resource types": "it holds something other than",
    "another patient's data": "it holds data of another patient",
    "a gzip bomb": "is compressed",
    "a redirect": "answered with status 307",
}


def test_every_fault_has_its_words() -> None:
    assert set(SAID) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_on_a_card_and_never_looks_like_none_found(service: str, imservice: str, fault: str) -> None:
    with running(Loopback(FAULTS[fault])) as server:
        answer = cards(
            called(
                imservice if SAID[fault] == SLOW else service,
                body_for(server, prefetch={"patient": DATA["patient"]}),
            )
        )
    assert ids_of(answer) == ["screening-incomplete"]
    said = " ".join(not_done(answer)).replace("\\", "")
    for label in ("allergy list", "problem list", "list of active medications", "amino acid results"):
        assert label in said
    assert SAID[fault] in said


@pytest.mark.parametrize("fault", FAULTS)
def test_where_a_fault_leaves_nothing_at_all_the_answer_is_a_412_that_names_every_key(
    service: str, imservice: str, fault: str
) -> None:
    with running(Loopback(FAULTS[fault])) as server:
        response = called(imservice if SAID[fault] == SLOW else service, body_for(server))
    assert set(diagnostics(response)) == ALL_KEYS


def without_the_patient(others: Behave) -> Behave:
    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await (FAULTS["status 404"] if key_of(asked) == "patient" else others)(asked, writer)

    return behave


def test_nothing_found_of_a_patient_whom_the_server_does_not_know_is_not_none_on_record(service: str) -> None:
    nothing = answer_with(lambda _: {"resourceType": "Bundle", "type": "searchset", "total": 0})
    with running(Loopback(without_the_patient(nothing))) as server:
        said = diagnostics(called(service, body_for(server)))
    assert said.pop("patient") == "the FHIR server answered with status 404"
    assert said == dict.fromkeys(ALL_KEYS - {"patient"}, "the FHIR server does not know the patient")


def test_what_is_found_of_a_patient_whom_the_server_does_not_know_is_used(service: str) -> None:
    with running(Loopback(without_the_patient(answer_with(sound)))) as server:
        answer = cards(called(service, body_for(server)))
    assert "nitroglycerin-interaction" in ids_of(answer)
    assert any("allergy to acetylcysteine" in one and "does not know the patient" in one for one in not_done(answer))


REFUSED = [(status, False) for status in (400, 401, 403, 404, 405)] + [(status, True) for status in (408, 429, 500)]


@pytest.mark.parametrize(("status", "named"), REFUSED)
def test_a_server_without_medication_statements_leaves_no_screen_undone_and_one_that_fails_does(
    service: str, status: int, named: bool
) -> None:
    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        refuse = key_of(asked) == "medicationStatements"
        await (raw(http_answer(b"no", status)) if refuse else answer_with(bruno))(asked, writer)

    with running(Loopback(behave)) as server:
        answer = cards(called(service, body_for(server, patient=BRUNO)))
    said = [line for line in not_done(answer) if "list of medication statements" in line]
    assert bool(said) is named
    assert ids_of(answer) == [*(["screening-incomplete"] if named else []), "glutamate-normal"]


def test_a_server_that_is_not_there(service: str) -> None:
    gone = Loopback(never, port=free_port())
    assert set(diagnostics(called(service, body_for(gone))).values()) == {"the FHIR server could not be reached"}


def test_what_came_by_the_deadline_is_used_and_the_rest_is_named() -> None:
    """Two answers come at once; one comes a byte a second, and the others never do."""
    behaviours = {"patient": answer_with(sound), "activeMedications": answer_with(sound), "problemList": drips}

    async def partly(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await behaviours.get(key_of(asked), never)(asked, writer)

    settings = Settings(fhir_deadline_ms=3000, fhir_timeout_ms=3000)
    with serving(create_app(settings, CONTENT, now=lambda: NOW)) as address, running(Loopback(partly)) as server:
        answer = cards(called(address, body_for(server)))
    assert ids_of(answer) == ["nitroglycerin-interaction", "screening-incomplete"]
    said = " ".join(not_done(answer)).replace("\\", "")
    for label in ("allergy list", "problem list"):
        assert f"{label} could not be read (the FHIR server {SLOW})" in said


def test_a_connection_that_breaks_is_tried_once_more(service: str) -> None:
    seen: set[str] = set()

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        first_time = key_of(asked) not in seen
        seen.add(key_of(asked))
        await (raw(b"") if first_time else answer_with(sound))(asked, writer)

    with running(Loopback(behave)) as server:
        assert ids_of(cards(called(service, body_for(server)))) == [
            "nitroglycerin-interaction",
            "glutamate-normal",
        ]
    assert len(server.asked) == 2 * len(ALL_KEYS)


def test_data_of_another_patient_are_not_used(service: str) -> None:
    with running(Loopback(FAULTS["another patient's data"])) as server:
        answer = cards(called(service, body_for(server, prefetch={"patient": DATA["patient"]})))
    assert "acetylcysteine-hypersensitivity" not in ids_of(answer)
    assert OTHER not in json.dumps(answer)


def test_neither_a_next_link_nor_a_redirect_takes_the_token_elsewhere(service: str) -> None:
    with running(Loopback(answer_with(sound))) as other:
        away = raw(http_answer(b"", 302, location=f"{other.base}/Patient/{PATIENT}"))
        for behave in (answer_with(next_elsewhere(f"{other.base}?page=2")), away):
            with running(Loopback(behave)) as server:
                called(service, body_for(server))
            assert server.tokens == {f"Bearer {TOKEN}"}
        assert other.connections == 0


def test_an_order_for_another_drug_is_answered_while_ten_faults_are_waited_for(imservice: str) -> None:
    with running(Loopback(never)) as stuck, running(Loopback(drips)) as slow, ThreadPoolExecutor(20) as pool:
        faulty = [body_for(server) for server in (stuck, slow) for _ in range(5)]
        waiting = [pool.submit(called, imservice, body) for body in faulty]
        others = [pool.submit(called, imservice, body_for(stuck, "amoxicillin")) for _ in range(50)]
        assert {one.result().status_code for one in others} == {200}
        assert {one.result().status_code for one in waiting} == {412}
        assert cards(called(imservice, {**body_for(stuck), "prefetch": DATA}))


# ---------------------------------------------------------------- certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def ca_file(authority: trustme.CA, folder: Path) -> Path:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def test_a_certificate_of_an_unknown_authority_is_refused(service: str, authority: trustme.CA) -> None:
    with running(Loopback(answer_with(sound), secured(authority))) as server:
        assert set(diagnostics(called(service, body_for(server))).values()) == {"the FHIR server could not be reached"}
    assert server.asked == []


@pytest.mark.parametrize(("name", "status"), [("127.0.0.1", 200), ("ehr.example.org", 412)])
def test_a_certificate_counts_by_the_sites_own_authority_and_by_its_name(
    authority: trustme.CA, tmp_path: Path, name: str, status: int
) -> None:
    settings = Settings(fhir_ca_file=ca_file(authority, tmp_path))
    with (
        serving(create_app(settings, CONTENT, now=lambda: NOW)) as address,
        running(Loopback(answer_with(sound), secured(authority, name))) as server,
    ):
        assert called(address, body_for(server)).status_code == status
    assert bool(server.asked) == (status == 200)


def test_a_name_is_checked_in_the_certificate_although_its_address_is_called(
    authority: trustme.CA, tmp_path: Path
) -> None:
    settings = Settings(fhir_ca_file=ca_file(authority, tmp_path))
    with (
        serving(create_app(settings, CONTENT, now=lambda: NOW)) as address,
        running(Loopback(answer_with(sound), secured(authority, "localhost"))) as server,
    ):
        body = body_for(server, fhirServer=server.base.replace("127.0.0.1", "localhost"))
        answer = cards(called(address, body))
    assert id_of(answer[0]) == "nitroglycerin-interaction"
    assert {one.headers["host"] for one in server.asked} == {f"localhost:{server.port}"}
