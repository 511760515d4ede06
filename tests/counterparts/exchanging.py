"""The service with a FHIR server that somebody else wrote, over sockets: sekmet-fhir, of the package index.

Its store, search, paging and tokens are its own. So what the service gathers from it has to make the same cards as the
same data sent as prefetch. Named so that `make test` leaves it alone; `make counterparts` runs it in an environment of
its own.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import Result

from cds_service.fhir.queries import FOR_ORDERS, QUERIES
from tests.command import run_command
from tests.processes import PATIENCE, SERVICE, Service, free_port, serving, wait_until
from tests.support import PATIENTS, ROOT, Body, as_read, ids_of, prefetch_for, request_for, resources_of

PYTHON = ROOT / ".counterparts-venv" / "bin" / "python"
LARGE, SMALL = 1000, 1
# The most entries of one page are a constant of the server. A small one makes it page what would fit on one.
START = """
import sys
from sekmet.cli import app
from sekmet.fhir import search
search.MAX_COUNT = int(sys.argv.pop(1))
app()
"""
SECRET = "of the loader and of the EHR"
OBSERVATIONS_ALONE = "system/Patient.read system/Observation.read"


@dataclass
class Counterpart:
    """A running FHIR server. Its log has a line for each request."""

    base: str
    log: Path
    page_size: int

    def token(self, scope: str = "system/*.*") -> str:
        """A token from the server's own token endpoint."""
        form = {"grant_type": "client_credentials", "client_id": "ehr", "client_secret": SECRET, "scope": scope}
        reply = httpx.post(
            f"{self.base.removesuffix('/fhir')}/auth/token", data=form, trust_env=False, timeout=PATIENCE
        )
        return str(reply.raise_for_status().json()["access_token"])

    def load(self, patients: list[str]) -> None:
        """Puts everything of these people into the store."""
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/fhir+json"}
        with httpx.Client(headers=headers, trust_env=False, timeout=PATIENCE) as client:
            for resource in (resource for patient in patients for resource in resources_of(patient)):
                address = f"{self.base}/{resource['resourceType']}/{resource['id']}"
                reply = client.put(address, content=json.dumps(as_read(resource)))
                assert reply.status_code in (200, 201), reply.text

    def asked(self) -> list[str]:
        """What was asked for so far, in its order: each path with its query."""
        return re.findall(r'"GET /fhir/(\S+) HTTP', self.log.read_text(encoding="utf-8"))


@contextmanager
def running(folder: Path, page_size: int) -> Iterator[Counterpart]:
    """The FHIR server in an empty folder, with everybody of the fixtures."""
    port = free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    settings = {
        "base_url": base,
        "server_auth": {
            "types": ["smart"],
            "smart_clients": [{"client_id": "ehr", "client_secret": SECRET, "scopes": "system/*.*"}],
        },
        "simulator": {"enabled": False},
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    words = ["serve", "--config", "settings.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, "-c", START, str(page_size), *words],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdout=log,
            stderr=log,
        )
    counterpart = Counterpart(base, folder / "log", page_size)
    server = Service(process, port, folder / "log")
    try:
        wait_until(lambda: process.poll() is not None or server.answers("/fhir/metadata"), server.written)
        counterpart.load(PATIENTS)
        yield counterpart
    finally:
        server.stop()


@pytest.fixture(scope="module", params=[LARGE, SMALL], ids=["one page", "pages of one entry"])
def counterpart(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counterpart]:
    with running(tmp_path_factory.mktemp("counterpart"), request.param) as server:
        yield server


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service"), settings={"CDS_FHIR_MAX_PAGES": "100"}) as running_service:
        yield running_service


def answer(service: Service, body: Body) -> tuple[int, Any]:
    status, reply = service.ask(SERVICE, json.dumps(as_read(body)).encode(), {"Content-Type": "application/json"})
    return status, json.loads(reply)


def to_be_gathered(patient: str, counterpart: Counterpart, token: str) -> Body:
    """A call without prefetch, with the address of the server and a token for it."""
    authorization = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "", "subject": "cds"}
    return {
        **request_for(patient, prefetch={}),
        "fhirServer": counterpart.base,
        "fhirAuthorization": authorization,
    }


def without_ids(reply: Any) -> Any:
    """The answer without the ids that are new in each."""
    return json.loads(re.sub(r'"uuid": "[0-9a-f-]+"', '"uuid": ""', json.dumps(reply)))


@pytest.mark.parametrize("patient", PATIENTS)
def test_what_is_gathered_makes_the_cards_of_the_prefetch(
    service: Service, counterpart: Counterpart, patient: str
) -> None:
    gathered = answer(service, to_be_gathered(patient, counterpart, counterpart.token()))

    assert without_ids(gathered) == without_ids(answer(service, request_for(patient)))
    assert gathered[0] == 200


def test_every_query_is_asked_and_every_next_link_followed(service: Service, counterpart: Counterpart) -> None:
    before = len(counterpart.asked())
    answer(service, to_be_gathered("bruno-glutamate-normal", counterpart, counterpart.token()))
    asked = counterpart.asked()[before:]

    first = [target.partition("?")[0].partition("/")[0] for target in asked if "_offset" not in target]
    lists = [bundle["entry"] for bundle in prefetch_for("bruno-glutamate-normal").values() if bundle.get("entry")]
    further = sorted(re.findall(r"_offset=(\d+)", " ".join(asked)))
    assert sorted(first) == sorted(QUERIES[key].resource_type for key in FOR_ORDERS)
    assert further == sorted(str(offset) for found in lists for offset in range(counterpart.page_size, len(found)))


def test_without_a_valid_token_nothing_is_obtained_and_that_is_said(service: Service, counterpart: Counterpart) -> None:
    status, reply = answer(service, to_be_gathered("ines-allergic", counterpart, "not-a-token-of-this-server"))

    assert status == 412
    assert "401" in reply["issue"][0]["diagnostics"]


def test_what_a_token_is_not_for_is_named_as_not_checked(service: Service, counterpart: Counterpart) -> None:
    token = counterpart.token(OBSERVATIONS_ALONE)
    status, reply = answer(service, to_be_gathered("bruno-glutamate-normal", counterpart, token))

    assert status == 200
    assert ids_of(reply["cards"])[0] == "screening-incomplete"
    assert "403" in json.dumps(reply["cards"])


def test_a_patient_that_the_server_does_not_know_is_not_none_on_record(
    service: Service, counterpart: Counterpart
) -> None:
    body = to_be_gathered("bruno-glutamate-normal", counterpart, counterpart.token())
    unknown = json.loads(json.dumps(as_read(body)).replace("bruno-glutamate-normal", "nobody"))
    status, reply = answer(service, unknown)

    assert status == 412, reply
    assert "404" in reply["issue"][0]["diagnostics"]


PATIENT_OF_THE_DOCTOR = "alma-glutamate-high"
UNHURRIED = {"CDS_FHIR_MAX_PAGES": "100", "CDS_FHIR_DEADLINE_MS": "60000", "CDS_FHIR_TIMEOUT_MS": "60000"}


def examined(counterpart: Counterpart, folder: Path, scope: str) -> Result:
    """What the doctor says of the server, with a token of this scope."""
    token = folder / "token"
    token.write_text(counterpart.token(scope), encoding="utf-8")
    arguments = ("--fhir", counterpart.base, "--patient", PATIENT_OF_THE_DOCTOR, "--token-file", str(token))
    return run_command("doctor", *arguments, settings={**UNHURRIED, "COLUMNS": "200"})


def test_the_doctor_finds_that_everything_arrives(counterpart: Counterpart, tmp_path: Path) -> None:
    done = examined(counterpart, tmp_path, "system/*.*")

    assert done.exit_code == 0, done.output
    assert done.output.count("lists it") == len(FOR_ORDERS)
    assert "Verdict: everything that the guidance needs arrives in time and can be read." in done.output


def test_the_doctor_names_the_lists_that_a_token_does_not_open(counterpart: Counterpart, tmp_path: Path) -> None:
    done = examined(counterpart, tmp_path, OBSERVATIONS_ALONE)

    assert done.exit_code == 1
    for label in ("problem list", "allergy list", "list of active medications"):
        assert f"The {label} could not be read: the FHIR server answered with status 403." in done.output
    assert "kidney results could not be read" not in done.output
