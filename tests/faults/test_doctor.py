"""The doctor against a sound server, one that lacks searches, one that is slow, and one with codes of its own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.cli.terminal import console
from cds_service.fhir.queries import FOR_ORDERS
from cds_service.settings import Settings
from tests.builders import bundle, concept, observation, quantity
from tests.command import run_command
from tests.faults.fhir_servers import PATIENT, TOKEN, answer_with, key_of, sound
from tests.loopback import Asked, Loopback, running, serving
from tests.signing import client_toml
from tests.support import Json, new_client

PATIENCE = {"CDS_FHIR_DEADLINE_MS": "60000", "CDS_FHIR_TIMEOUT_MS": "60000"}
HURRY = {**PATIENCE, "CDS_FHIR_DEADLINE_MS": "50", "CDS_FHIR_TIMEOUT_MS": "50"}
SECRET = "Mueller"
LAB = "urn:oid:1.2.3"


@pytest.fixture(autouse=True)
def wide_terminal() -> Iterator[None]:
    """A terminal of 200 columns: the command takes its width when it is imported."""
    before, console.width = console.width, 200
    yield
    console.width = before


def about(code: Json, **members: Json) -> Json:
    """A result of the patient, with words that nobody may print."""
    more = {"subject": {"reference": f"Patient/{PATIENT}"}, "note": [{"text": SECRET}], **members}
    return observation(code, effectiveDateTime="2026-11-20", **more)


def searchset(*resources: Json) -> Json:
    return bundle(*resources, type="searchset")


def observations(asked: Asked) -> Json:
    """Every result of the patient: two with local codes, one of them of urine, and one of another test."""
    named = about(concept("GLUP", LAB, text=f"Glutamate of {SECRET}"), id="1", valueQuantity=quantity(90, "umol/L"))
    urine = about(concept("GLUU", LAB, text="Glutamate, urine"), id="2", valueQuantity=quantity(9, "umol/L"))
    other = about(concept("HB", LAB, text="Haemoglobin"), id="3", valueQuantity=quantity(9, "mmol/L"))
    return searchset(named, urine, other)


def statement(*types: str) -> Json:
    parameters = [{"name": name, "type": "token"} for name in ("patient", "status", "_id")]
    listed = [{"type": kind, "searchParam": parameters} for kind in types]
    return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": listed}]}


def with_everything(asked: Asked) -> Json:
    """The sound server, with a CapabilityStatement that lacks `code`, and results of other tests."""
    if "/metadata" in asked.target:
        return statement("Patient", "Observation", "Condition", "AllergyIntolerance", "MedicationRequest")
    return sound(asked) if "Patient/" in asked.target or "code=" in asked.target else by_type(asked)


def by_type(asked: Asked) -> Json:
    return observations(asked) if "/Observation?" in asked.target else sound(asked)


def examined(make: Callable[[Asked], Json], *arguments: str, delay: float = 0, **settings: str) -> tuple[int, str]:
    """The exit status and the output of the doctor against a server; the server saw only GETs."""
    with running(Loopback(answer_with(make, delay))) as server:
        done = run_command(
            "doctor", "--fhir", server.base, "--patient", PATIENT, *arguments, settings={**PATIENCE, **settings}
        )
        assert {asked.method for asked in server.asked} == {"GET"}
        assert not arguments or server.tokens <= {f"Bearer {TOKEN}"}
    return done.exit_code, done.output


def rows(output: str) -> dict[str, list[str]]:
    """The cells of the table by query."""
    split = ([cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line)
    return {cells[0]: cells[1:] for cells in split if cells[0]}


def test_what_a_sound_server_has_is_listed(tmp_path: Path) -> None:
    status, output = examined(
        lambda asked: (
            searchset() if "code=" not in asked.target and "Observation" in asked.target else with_everything(asked)
        )
    )
    found = rows(output)
    assert (status, found["patient"][0], found["allergyList"][0]) == (0, "data", "none on record")
    assert {cells[2] for cells in found.values()} == {"in time"}
    assert found["aminoAcids"][-1] == "does not list code"
    assert found["medicationStatements"][-1] == "does not list MedicationStatement"
    assert found["problemList"][-1] == "lists it"
    assert "Verdict: everything that the guidance needs arrives in time and can be read." in output


def test_the_demo_server_needs_no_doctor() -> None:
    app = new_client(Settings(demo=True)).app
    with serving(app) as address:
        arguments = ("--fhir", f"{address}/demo/fhir", "--patient", "alma-glutamate-high")
        done = run_command("doctor", *arguments, settings=PATIENCE)
    assert (done.exit_code, {cells[-1] for cells in rows(done.output).values()}) == (0, {"lists it"})


def test_a_patient_whom_the_server_does_not_know_is_a_problem() -> None:
    app = new_client(Settings(demo=True)).app
    with serving(app) as address:
        arguments = ("--fhir", f"{address}/demo/fhir", "--patient", "nobody")
        done = run_command("doctor", *arguments, settings=PATIENCE)
    assert (done.exit_code, done.output) == (
        1,
        "Verdict: nothing could be read: the FHIR server does not know the patient.\n",
    )


def test_a_server_that_is_down_takes_one_line() -> None:
    with running(Loopback(answer_with(sound))) as server:
        base = server.base
    done = run_command("doctor", "--fhir", base, "--patient", PATIENT, settings=PATIENCE)
    assert (done.exit_code, done.output) == (
        1,
        "Verdict: nothing could be read: the FHIR server could not be reached.\n",
    )


def test_80_columns_have_the_whole_name_of_every_query() -> None:
    console.width = 80
    _, output = examined(with_everything)
    assert set(FOR_ORDERS) <= rows(output).keys()
    assert "…" not in output


def test_codes_of_other_tests_alone_are_no_finding() -> None:
    def only_others(asked: Asked) -> Json:
        other = about(concept("HB", LAB, text="Haemoglobin"), id="3", valueQuantity=quantity(9, "mmol/L"))
        is_any = "/Observation?" in asked.target and "code=" not in asked.target
        return searchset(other) if is_any else with_everything(asked)

    status, output = examined(only_others)
    assert status == 0
    assert "None has the name of glutamate or cystine.\nCodes without such a name" in output


def test_a_server_that_lacks_searches_is_told_which() -> None:
    async def behave(asked: Asked, writer: Any) -> None:
        lacks = "/Condition?" in asked.target or "/MedicationStatement?" in asked.target
        body = b"{}" if lacks else json.dumps(with_everything(asked), default=float).encode()
        head = f"HTTP/1.1 {404 if lacks else 200} Status\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    with running(Loopback(behave)) as server:
        done = run_command("doctor", "--fhir", server.base, "--patient", PATIENT, settings=PATIENCE)
    found = rows(done.output)
    assert done.exit_code == 1
    assert found["problemList"][0] == "failed: the FHIR server answered with status 404"
    assert found["problemList"][2] == "failed"
    assert found["medicationStatements"][0] == "not offered; may be left out"
    assert "The problem list could not be read: the FHIR server answered with status 404." in done.output
    assert "medication statements could not" not in done.output


def test_a_slow_server_is_measured_beyond_the_deadline() -> None:
    status, output = examined(with_everything, delay=0.3, **HURRY)
    found = rows(output)
    assert status == 1
    assert {cells[2] for cells in found.values()} == {"too late"}
    assert found["patient"][0] == "data"
    assert "The problem list did not arrive in time beside the others" in output


def test_local_codes_of_an_analyte_come_with_the_row_that_would_read_them() -> None:
    status, output = examined(with_everything)
    assert status == 1
    row = f'[[code]]\nsystem = "{LAB}"\ncode = "GLUP"\nunit = "umol/L"\nmeans = "glutamate"'
    assert f"1 × a code with the name of glutamate:\n{row}" in output
    assert "Codes without such a name, which are for other tests: 2" in output
    assert "GLUU" not in output


def with_other_units(asked: Asked) -> Json:
    if "/Observation?" in asked.target and "code=" in asked.target and key_of(asked) == "aminoAcids":
        glutamate = concept("20642-5", "http://loinc.org")
        return searchset(about(glutamate, id="4", valueQuantity=quantity(3, "furlong")))
    return with_everything(asked)


def test_units_that_are_not_read_are_named() -> None:
    status, output = examined(with_other_units)
    assert status == 1
    assert "1 × glutamate: unit furlong not accepted" in output


def test_no_patient_data_is_printed_unless_it_is_asked_for(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="utf-8")
    _, output = examined(with_everything, "--token-file", str(token))
    assert SECRET not in output
    assert PATIENT not in output
    assert TOKEN not in output
    _, shown = examined(with_everything, "--token-file", str(token), "--show-values")
    assert f"named “Glutamate of {SECRET}”" in shown
    assert "named “Haemoglobin”" in shown
    assert TOKEN not in shown


def odd_codes(asked: Asked) -> Json:
    named = about(concept('G"\x1b[31m\\', f"{LAB}\n", text="Cystine"), id="1", valueQuantity=quantity(9, "[red]"))
    return searchset(named) if "code=" not in asked.target and "Observation" in asked.target else with_everything(asked)


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    _, output = examined(odd_codes)
    assert "\x1b[31m" not in output
    assert 'code = "G\\"\ufffd[31m\\\\"' in output
    assert 'unit = "[red]"' in output


NOT_ALLOWED = "The FHIR server is not one that the service may call"
REFUSED: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "an address beyond loopback": ({}, ("--fhir", "https://fhir.example.org", "--patient", "x"), NOT_ALLOWED),
    "loopback that a setting forbids": (
        {"CDS_FHIR_LOOPBACK": "off"},
        ("--fhir", "http://127.0.0.1:9/fhir", "--patient", "x"),
        NOT_ALLOWED,
    ),
    "no address": ({}, ("--fhir", "file:///etc/passwd", "--patient", "x"), NOT_ALLOWED),
    "no id": ({}, ("--fhir", "http://127.0.0.1:9/fhir", "--patient", "../x"), "not an id that a FHIR server can have"),
}


@pytest.mark.parametrize(("settings", "arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_what_the_service_would_not_ask_is_not_asked(
    settings: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    done = run_command("doctor", *arguments, settings={**PATIENCE, **settings})
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_with_a_list_of_clients_only_its_servers_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    with running(Loopback(answer_with(with_everything))) as server:
        entry = client_toml("hospital", "urn:x", jku="https://ehr.example.org/jwks", fhir_servers=[server.base])
        file.write_text(entry, encoding="utf-8")
        settings = {**PATIENCE, "CDS_CLIENTS": str(file)}
        listed = run_command("doctor", "--fhir", server.base, "--patient", PATIENT, settings=settings)
        asked = len(server.asked)
        other = f"http://127.0.0.1:{server.port}/other"
        refused = run_command("doctor", "--fhir", other, "--patient", PATIENT, settings=settings)
        assert (listed.exit_code, refused.exit_code, len(server.asked)) == (1, 2, asked)
    assert "CDS_CLIENTS lists it for no client" in refused.output


def test_a_token_that_cannot_be_one_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("two words", encoding="utf-8")
    arguments = ("--fhir", "http://127.0.0.1:9/fhir", "--patient", "x", "--token-file", str(file))
    done = run_command("doctor", *arguments, settings=PATIENCE)
    assert (done.exit_code, "words" in done.output) == (2, False)
