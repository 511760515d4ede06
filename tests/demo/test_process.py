"""Demo mode as a user starts it: a process of its own, asked over sockets, that asks itself for what is missing."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.support import ROOT, ids_of, post, request_for

ALMA, INES = "alma-glutamate-high", "ines-allergic"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def start(port: int, **settings: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")} | settings
    env["CDS_DATABASE_URL"] = "sqlite:///:memory:"
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    port = free_port()
    process = start(port, CDS_DEMO="on", CDS_FHIR_DEADLINE_MS="60000", CDS_FHIR_TIMEOUT_MS="60000")
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        try:
            httpx.get(f"{url}/cds-services", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the service did not start: {process.communicate()[0]}")


def cards(address: str, patient: str, base: str) -> list[str]:
    body = request_for(patient, prefetch={})
    del body["prefetch"]
    with httpx.Client(base_url=address, trust_env=False, timeout=90) as client:
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
    process = start(free_port(), CDS_DEMO="on", CDS_FIXTURES=str(tmp_path))
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "CDS_FIXTURES" in said
    assert "Traceback" not in said


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
    with httpx.Client(base_url=address, trust_env=False, timeout=90) as http:
        services = http.get("/cds-services", headers={"Authorization": "Bearer of.the.sandbox"}).json()["services"]
        service = next(one for one in services if one["hook"] == "order-sign")
        answers = {key: prefetched(http, template, INES) for key, template in service["prefetch"].items()}
        assert {answer.status_code for answer in answers.values()} == {200}
        prefetch = {key: answer.json() for key, answer in answers.items()}
        reply = post(http, {**body, "fhirServer": f"{address}/demo/fhir", "prefetch": prefetch})

    assert "acetylcysteine-hypersensitivity" in ids_of(reply.json()["cards"])
    assert "screening-incomplete" not in ids_of(reply.json()["cards"])
