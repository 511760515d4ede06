"""The demo FHIR server: what the CDS Hooks sandbox and the service's own queries ask of it, and what it refuses."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.fhir.queries import QUERIES, fhir_query
from cds_service.fhir.searching import prefetch_from
from cds_service.fhir.versions import R4
from cds_service.settings import Settings
from tests.support import CONTENT, NOW, PATIENTS, Body, bundle_of, counted_ids, resources_of

BASE = "/demo/fhir"
SANDBOX = "https://sandbox.cds-hooks.org"
AS_THE_SANDBOX = {"Accept": "application/json+fhir", "Origin": SANDBOX}
CODE_LISTS = CONTENT.vocabulary.code_lists
BRUNO = "bruno-glutamate-normal"


def demo_client(now: Any = NOW, **settings: Any) -> TestClient:
    app = create_app(Settings(**{"demo": True, **settings}), CONTENT, now=lambda: now, new_id=counted_ids())
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def demo() -> Iterator[TestClient]:
    with demo_client() as client:
        yield client


def got(reply: httpx.Response) -> Body:
    """The resource of a good answer, which must be valid FHIR R4."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/fhir+json"
    body: Body = reply.json()
    get_fhir_model_class(body["resourceType"]).model_validate(json.loads(reply.text))
    return body


def ids(bundle: Body) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", [])]


def links(bundle: Body) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


# --- as the sandbox asks ----------------------------------------------------------------------------------------------


def test_metadata_says_a_version_that_the_sandbox_can_compare(demo: TestClient) -> None:
    statement = got(demo.get(f"{BASE}/metadata", headers={"Accept": "application/json", "Origin": SANDBOX}))

    assert statement["resourceType"] == "CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == f"http://testserver{BASE}"
    types = {one["type"] for one in statement["rest"][0]["resource"]}
    assert types >= {query.resource_type for query in QUERIES.values()}


def test_the_list_of_patients_is_one_page(demo: TestClient) -> None:
    bundle = got(demo.get(f"{BASE}/Patient", headers=AS_THE_SANDBOX))

    assert ids(bundle) == PATIENTS
    assert bundle["total"] == len(PATIENTS)
    assert list(links(bundle)) == ["self"]
    assert bundle["entry"][0]["fullUrl"] == f"http://testserver{BASE}/Patient/{PATIENTS[0]}"


def test_the_first_patient_alone(demo: TestClient) -> None:
    assert ids(got(demo.get(f"{BASE}/Patient?_count=1", headers=AS_THE_SANDBOX))) == PATIENTS[:1]


def test_one_patient_and_their_conditions(demo: TestClient) -> None:
    assert got(demo.get(f"{BASE}/Patient/{BRUNO}", headers=AS_THE_SANDBOX))["id"] == BRUNO
    conditions = got(demo.get(f"{BASE}/Condition?patient={BRUNO}", headers=AS_THE_SANDBOX))
    assert conditions["total"] > 0
    assert all(entry["resource"]["code"]["coding"][0]["code"] for entry in conditions["entry"])


@pytest.mark.parametrize("key", [key for key, query in QUERIES.items() if query.key != "patient"])
@pytest.mark.parametrize("patient", PATIENTS)
def test_each_search_gives_what_a_client_would_prefetch_by_post_and_by_get(
    demo: TestClient, patient: str, key: str
) -> None:
    kind, _, asked = fhir_query(QUERIES[key], patient, CODE_LISTS, R4).partition("?")
    form = {**AS_THE_SANDBOX, "content-type": "application/x-www-form-urlencoded"}
    by_post = got(demo.post(f"{BASE}/{kind}/_search", content=asked, headers=form))
    by_get = got(demo.get(f"{BASE}/{kind}?{asked}", headers=AS_THE_SANDBOX))

    expected = prefetch_from(bundle_of(resources_of(patient)), patient, CODE_LISTS, [key])[key]
    assert by_post == by_get
    assert by_get["total"] == expected["total"]
    assert ids(by_get) == ids(expected)


def test_parameters_of_body_and_address_count_together(demo: TestClient) -> None:
    both = demo.post(f"{BASE}/Observation/_search?patient={BRUNO}", content="code=20642-5")

    assert ids(got(both)) == ids(got(demo.get(f"{BASE}/Observation?patient={BRUNO}&code=20642-5"))) != []


def test_a_browser_may_read_the_answer_and_the_refusal(demo: TestClient) -> None:
    for address in ("metadata", "Patient", "Patient/nobody", "Colour"):
        reply = demo.get(f"{BASE}/{address}", headers=AS_THE_SANDBOX)
        assert reply.headers["access-control-allow-origin"] == SANDBOX


PREFLIGHTS = {
    "discovery": ("/cds-services", "GET"),
    "a call": ("/cds-services/acetylcysteine-order-sign", "POST"),
    "a read": (f"{BASE}/Patient/{BRUNO}", "GET"),
    "a search": (f"{BASE}/Observation/_search", "POST"),
}


@pytest.mark.parametrize(("address", "method"), PREFLIGHTS.values(), ids=PREFLIGHTS)
def test_a_page_of_the_internet_may_call_this_machine_in_demo_mode_alone(
    demo: TestClient, address: str, method: str
) -> None:
    asks = {
        "Origin": SANDBOX,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    allowed, refused = demo.options(address, headers=asks), demo_client(demo=False).options(address, headers=asks)

    assert (allowed.status_code, refused.status_code) == (200, 400)
    assert allowed.headers["access-control-allow-private-network"] == "true"
    assert "access-control-allow-private-network" not in refused.headers


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 30, 31, 32])
def test_pages_are_followed_to_the_end_and_hold_everybody_once(demo: TestClient, count: int) -> None:
    found, address = [], f"{BASE}/Patient?_count={count}"
    while address:
        page = got(demo.get(address))
        assert page["total"] == len(PATIENTS)
        assert 0 < len(page["entry"]) <= count
        found += ids(page)
        address = links(page).get("next", "")
        assert not address or address.startswith(f"http://testserver{BASE}/Patient?")

    assert found == PATIENTS


def test_a_page_of_none_says_how_many_there_are(demo: TestClient) -> None:
    page = got(demo.get(f"{BASE}/Patient?_count=0"))

    assert (page["total"], ids(page), list(links(page))) == (len(PATIENTS), [], ["self"])


def test_a_page_beyond_the_last_is_empty(demo: TestClient) -> None:
    assert ids(got(demo.get(f"{BASE}/Patient?_offset=500"))) == []


@pytest.mark.parametrize("offset", ["-1", "x", "1.5", "9" * 5000, "²"])
def test_an_offset_that_is_none_begins_at_the_first(demo: TestClient, offset: str) -> None:
    assert ids(got(demo.get(f"{BASE}/Patient", params={"_offset": offset}))) == PATIENTS


@pytest.mark.parametrize("count", ["-1", "x", "1.5", "9" * 5000, "²"])
def test_an_odd_count_gives_them_all(demo: TestClient, count: str) -> None:
    assert ids(got(demo.get(f"{BASE}/Patient", params={"_count": count}))) == PATIENTS


def test_the_link_to_itself_names_what_was_understood(demo: TestClient) -> None:
    asked = f"{BASE}/Observation?patient={BRUNO}&colour=blue&_summary=true&_format=json&_sort=-date"

    assert links(got(demo.get(asked)))["self"] == f"http://testserver{BASE}/Observation?patient={BRUNO}&_sort=-date"


# --- refusals ---------------------------------------------------------------------------------------------------------


NOT_THERE = ["Patient/nobody", "Colour", "Colour/1", "Practitioner/1", "patient", "Patient/_search", "", "a/b/c"]


@pytest.mark.parametrize("address", NOT_THERE)
def test_what_is_not_there_is_a_404_with_an_outcome(demo: TestClient, address: str) -> None:
    reply = demo.get(f"{BASE}/{address}")

    assert reply.status_code == 404
    assert reply.json()["resourceType"] == "OperationOutcome"
    assert reply.json()["issue"][0]["code"] == "not-found"


def test_a_search_for_an_unknown_type_by_post_is_a_404(demo: TestClient) -> None:
    assert demo.post(f"{BASE}/Colour/_search", content="patient=x").status_code == 404


WRITES = [
    ("POST", "Patient"),
    ("PUT", f"Patient/{BRUNO}"),
    ("PATCH", f"Patient/{BRUNO}"),
    ("DELETE", f"Patient/{BRUNO}"),
    ("DELETE", "Patient"),
    ("PUT", "metadata"),
]


@pytest.mark.parametrize(("method", "address"), WRITES)
def test_nothing_can_be_written(demo: TestClient, method: str, address: str) -> None:
    reply = demo.request(method, f"{BASE}/{address}", json={"resourceType": "Patient"})

    assert reply.status_code == 405
    assert reply.json()["resourceType"] == "OperationOutcome"
    assert got(demo.get(f"{BASE}/Patient/{BRUNO}"))["birthDate"] == "1974-06-02"


def test_a_large_body_is_refused(demo: TestClient) -> None:
    with demo_client(max_body_bytes=100) as small:
        assert small.post(f"{BASE}/Patient/_search", content="x" * 101).status_code == 413


def test_a_body_that_is_no_text_finds_everybody(demo: TestClient) -> None:
    assert ids(got(demo.post(f"{BASE}/Patient/_search", content=b"\xff\xfe=\xff"))) == PATIENTS


def test_without_demo_mode_nothing_is_there() -> None:
    with demo_client(demo=False) as client:
        for address in ("metadata", "Patient", f"Patient/{BRUNO}"):
            assert client.get(f"{BASE}/{address}").status_code == 404


# --- time -------------------------------------------------------------------------------------------------------------


def test_dates_move_with_the_clock() -> None:
    with demo_client(NOW + timedelta(days=467)) as later:
        patient = got(later.get(f"{BASE}/Patient/mona-birthday"))
        bundle = got(later.get(f"{BASE}/Observation?patient={BRUNO}&code=20642-5"))
    original = next(one for one in resources_of(BRUNO) if one["id"] == ids(bundle)[0])

    assert patient["birthDate"] == "2010-03-04"
    moved = bundle["entry"][0]["resource"]["effectiveDateTime"]
    assert moved != original["effectiveDateTime"]
    assert moved[10:] == original["effectiveDateTime"][10:]


def test_numbers_stay_as_they_were_written(demo: TestClient) -> None:
    for patient in PATIENTS:
        served = demo.get(f"{BASE}/Observation?patient={patient}").text
        for one in resources_of(patient):
            if "valueQuantity" in one:
                assert f'"value":{one["valueQuantity"]["value"]},' in served
