"""Demo mode as a user starts it: a process of its own, asked over sockets, that asks itself for what is missing."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.processes import PATIENCE, serving
from tests.support import ROOT, ids_of, post, request_for

ALMA, INES = "alma-glutamate-high", "ines-allergic"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("demo"), settings={"CDS_DEMO": "on"}) as service:
        yield service.address


def cards(address: str, patient: str, base: str) -> list[str]:
    body = request_for(patient, prefetch={})
    del body["prefetch"]
    with httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE) as client:
        reply = post(client, {**body, "fhirServer": base})
    assert reply.status_code == 200, reply.text
    return ids_of(reply.json()["cards"])


@pytest.mark.parametrize(("patient", "card"), [(ALMA, "glutamate-high"), (INES, "acetylcysteine-hypersensitivity")])
@pytest.mark.parametrize("slash", ["", "/"])
def test_cards_come_without_any_prefetch(address: str, patient: str, card: str, slash: str) -> None:
    shown = cards(address, patient, f"{address}/demo/fhir{slash}")

    assert card in shown
    assert "screening-incomplete" not in shown


def test_without_its_people_the_demo_does_not_start_and_says_why(tmp_path: Path) -> None:
    with serving(tmp_path, wait=False, settings={"CDS_DEMO": "on", "CDS_FIXTURES": str(tmp_path)}) as service:
        assert service.process.wait(PATIENCE) == 2

    assert "CDS_FIXTURES" in service.written()
    assert "Traceback" not in service.written()


def test_make_run_is_in_demo_mode() -> None:
    done = subprocess.run(["make", "--dry-run", "run"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "CDS_DEMO=on" in done.stdout


def prefetched(http: httpx.Client, template: str, patient: str) -> httpx.Response:
    """As the sandbox asks: a read as it stands, a search by POST to `_search`."""
    kind, _, query = template.replace("{{context.patientId}}", patient).partition("?")
    headers = {"Accept": "application/json+fhir"}
    if not query:
        return http.get(f"/demo/fhir/{kind}", headers=headers)
    return http.post(f"/demo/fhir/{kind}/_search", data=dict(parse_qsl(query)), headers=headers)


def test_the_sandbox_gets_cards_for_the_order_that_it_writes(address: str) -> None:
    captured = (ROOT / "fixtures" / "unusual" / "sandbox-order-sign.json").read_text(encoding="utf-8")
    body = json.loads(captured.replace("pt-1", INES))
    with httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE) as http:
        services = http.get("/cds-services", headers={"Authorization": "Bearer of.the.sandbox"}).json()["services"]
        service = next(one for one in services if one["hook"] == "order-sign")
        answers = {key: prefetched(http, template, INES) for key, template in service["prefetch"].items()}
        assert {answer.status_code for answer in answers.values()} == {200}
        prefetch = {key: answer.json() for key, answer in answers.items()}
        reply = post(http, {**body, "fhirServer": f"{address}/demo/fhir", "prefetch": prefetch})

    assert "acetylcysteine-hypersensitivity" in ids_of(reply.json()["cards"])
    assert "screening-incomplete" not in ids_of(reply.json()["cards"])
