"""One answer: every engine decides the same export alike, whatever cannot be read in it. Run by `make engine-test`."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.make_export import make_export
from tests.processes import free_port
from tests.replay.exports import past_order, report_of, run_replay
from tests.support import Body, to_bytes


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with everything that can be wrong in one, beside what is right."""
    folder = tmp_path_factory.mktemp("made") / "export"
    make_export(folder, 130, 5, observations=30, share=0.5)
    orders, results = folder / "MedicationRequest.ndjson", folder / "Observation.ndjson"
    lines = results.read_bytes().splitlines(keepends=True)
    compressed = gzip.compress(b"".join(lines[::2]), compresslevel=1)
    (folder / "Observation.2.ndjson.gz").write_bytes(compressed[: len(compressed) // 2])
    results.write_bytes(b"".join(lines[1::2]) + b'{"resourceType": "Observation", "code":\n[1]\n"\xff"\n\n')
    with orders.open("ab") as file:
        for order in UNUSUAL:
            file.write(to_bytes(order) + b"\n")
    (folder / "mixed.ndjson").write_bytes(b"".join(to_bytes(one) + b"\n" for one in MIXED))
    return folder


def about(reference: str) -> Body:
    return {"subject": {"reference": reference}}


UNUSUAL = [
    past_order("u1", **about("https://ehr.example/fhir/Patient/p0000001/_history/3")),
    past_order("u2", **about("urn:uuid:a-b-c")),
    past_order("u3", **about("Group/g")),
    past_order("u4", subject=None),
    past_order("u5", **about(" Patient/p0000002 ")),
    past_order("u6", medicationCodeableConcept=None, medicationReference={"reference": "Medication/drug-9"}),
    past_order(
        "u7",
        medicationCodeableConcept=None,
        medicationReference={"reference": "#m"},
        contained=[{"resourceType": "Medication", "id": "m", "code": {"text": "acetylcysteine 600 mg"}}],
    ),
    past_order("u8", medicationCodeableConcept=None, medication={"concept": {"text": "Acetylcysteine"}}),
    past_order("u9", medicationCodeableConcept={"text": 'NAC 600 “é” \\ " \n'}),
]
MIXED: list[Body] = [
    {**past_order("m1"), "resourceType": "MedicationOrder", "subject": None, "patient": {"reference": "Patient/p"}},
    {"resourceType": "Patient", "id": "p", "birthDate": "1980-01-01"},
    {"resourceType": "Medication", "id": "other", "code": {"text": "something else"}},
]


@contextmanager
def scheduler_with_workers(number: int) -> Iterator[str]:
    """A Dask scheduler and workers, each a process of its own."""
    address = f"tcp://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    commands = [["scheduler", "--port", port, *here]]
    commands += [["worker", address, "--nthreads", "1", "--no-nanny", *here]] * number
    with ExitStack() as running:
        for command in commands:
            process = subprocess.Popen([sys.executable, "-m", f"distributed.cli.dask_{command[0]}", *command[1:]])
            running.enter_context(process)
            running.callback(process.terminate)
        yield address


@pytest.fixture(scope="module")
def local(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Body:
    return report_of(export, tmp_path_factory.mktemp("local") / "out")


def test_the_export_is_one_in_which_much_is_wrong(local: Body) -> None:
    assert local["orders"] > 60
    assert set(local["passed_over"]) >= {
        "a line that is no resource",
        "an order without a patient",
        "the end of a file that was cut off",
        "an order whose status is draft",
    }


def test_duckdb_decides_as_the_local_engine_does(export: Path, local: Body, tmp_path: Path) -> None:
    assert report_of(export, tmp_path / "out", "--engine", "duckdb") == local


def test_dask_decides_as_the_local_engine_does(export: Path, local: Body, tmp_path: Path) -> None:
    assert report_of(export, tmp_path / "out", "--engine", "dask") == local


def test_three_workers_of_a_scheduler_decide_as_the_local_engine_does(
    export: Path, local: Body, tmp_path: Path
) -> None:
    with scheduler_with_workers(3) as address:
        report = report_of(export, tmp_path / "out", "--engine", "dask", "--scheduler", address)

    assert report == local
    assert len(json.dumps(report)) > 1000


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no address"])
def test_a_scheduler_that_does_not_answer_ends_with_a_sentence(export: Path, tmp_path: Path, address: str) -> None:
    code, said = run_replay(export, tmp_path / "out", "--engine", "dask", "--scheduler", address)

    assert (code, said) == (2, f"No Dask scheduler answers at {address}.\n")
