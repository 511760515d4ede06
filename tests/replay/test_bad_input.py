"""What cannot be read costs itself alone, or ends with a clear sentence; the report counts what was passed over."""

import gzip
import json
from pathlib import Path

import pytest

from cds_service.replay.counting import PASSED_OVER, Counts
from cds_service.replay.export import MAX_LINE, Block, find_files, read_lines, split_files
from tests.replay.exports import PATIENT, glutamate, past_order, report_of, run_replay, write_export
from tests.support import Body, to_bytes

RESOURCES = [PATIENT, past_order(), glutamate("2026-11-20")]
USUAL = {"glutamate-high": 1, "screening-incomplete": 1}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export", RESOURCES)


def append(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line + b"\n")


LINES: dict[str, tuple[str, bytes, str]] = {
    "a broken line": (
        "MedicationRequest",
        b'{"resourceType": "MedicationRequest", "id":',
        "a line that is no resource",
    ),
    "a broken line of a result": ("Observation", b'{"resourceType"', "a line that is no resource"),
    "a list": ("MedicationRequest", b"[1, 2]", "a line that is no resource"),
    "bytes that are no text": ("Observation", b'{"resourceType": "\xff\xfe"}', "a line that is no resource"),
    "a resource of 20 MB": (
        "Observation",
        b'{"resourceType": "Observation", "note": "' + b"x" * 20_000_000 + b'"}',
        f"a line of more than {MAX_LINE:,} bytes",
    ),
    "an order without a patient": (
        "MedicationRequest",
        to_bytes(past_order("o2", subject=None)),
        "an order without a patient",
    ),
    "an order that came before": (
        "MedicationRequest",
        to_bytes(past_order()),
        "a resource whose type and id came before",
    ),
}


@pytest.mark.parametrize(("kind", "line", "reason"), LINES.values(), ids=LINES)
def test_a_line_costs_itself_alone(export: Path, tmp_path: Path, kind: str, line: bytes, reason: str) -> None:
    append(export / f"{kind}.ndjson", line)
    append(export / f"{kind}.ndjson", b"")

    report = report_of(export, tmp_path / "out")

    assert (report["orders"], report["cards"]) == (1, USUAL)
    assert report["passed_over"] == {reason: 1}


def test_a_compressed_file_that_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", RESOURCES, compress=True)
    many = b"".join(to_bytes(glutamate("2026-11-20", id=f"g{number}")) + b"\n" for number in range(2000))
    whole = gzip.compress(many, compresslevel=0)
    (export / "Observation.ndjson.gz").write_bytes(whole[: len(whole) // 2])

    report = report_of(export, tmp_path / "out")

    assert report["passed_over"] == {"the end of a file that was cut off": 1}
    assert report["cards"] == USUAL


def test_a_file_that_is_not_what_its_name_says_is_counted(export: Path, tmp_path: Path) -> None:
    (export / "Observation.2.ndjson.gz").write_bytes(b"not compressed")

    report = report_of(export, tmp_path / "out")

    assert report["cards"] == USUAL
    assert report["passed_over"] == {"a file that cannot be read": 1}


def test_resources_of_other_fhir_versions_are_read(tmp_path: Path) -> None:
    dstu2: Body = past_order(resourceType="MedicationOrder", authoredOn=None, subject=None)
    dstu2 |= {"patient": {"reference": "Patient/p"}, "dateWritten": "2026-11-23"}
    r5 = past_order("o5", medicationCodeableConcept=None, authoredOn="2026-11-22T09:00:00Z")
    r5 |= {"medication": {"concept": past_order()["medicationCodeableConcept"]}}

    report = report_of(write_export(tmp_path / "export", [PATIENT, dstu2, r5]), tmp_path / "out")

    assert report["fhir_versions"] == {"DSTU2": 1, "R5": 1}


def test_a_patient_without_any_other_resource_is_replayed(tmp_path: Path) -> None:
    report = report_of(write_export(tmp_path / "export", [past_order(), PATIENT | {"id": "q"}]), tmp_path / "out")

    assert report["orders"] == 1


@pytest.mark.parametrize("bytes_a_block", [1, 50, 700, 10**9])
def test_blocks_hold_each_line_once(export: Path, bytes_a_block: int) -> None:
    for number in range(20):
        append(export / "Observation.ndjson", to_bytes(glutamate("2026-11-20", id=f"g{number}")))
    files = find_files(export)
    read = [line for block in split_files(files, bytes_a_block) for line in read_lines(block, Counts())]

    assert read == [line + b"\n" for file in files for line in file.path.read_bytes().split(b"\n") if line]


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_the_line_after_one_that_is_too_long_is_read(tmp_path: Path, ending: bytes) -> None:
    path = tmp_path / "lines.ndjson"
    path.write_bytes(b"1\n" + b"x" * (MAX_LINE + 1) + b"\n2" + ending)
    counts = Counts()

    assert [line.strip() for line in read_lines(Block(str(path), "", 0, path.stat().st_size), counts)] == [b"1", b"2"]
    assert counts.of(PASSED_OVER) == {f"a line of more than {MAX_LINE:,} bytes": 1}


# ---------------------------------------------------------------- the whole export


def test_an_empty_folder_ends_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    code, said = run_replay(tmp_path / "empty", tmp_path / "out")

    assert code == 2
    assert "holds no file that ends in .ndjson" in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there_ends_with_a_sentence(tmp_path: Path) -> None:
    assert run_replay(tmp_path / "nothing", tmp_path / "out") == (2, f"{tmp_path / 'nothing'} does not exist.\n")


def test_a_folder_without_orders_gets_a_report_that_says_so(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", [PATIENT, glutamate("2026-11-20")])
    code, said = run_replay(export, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))

    assert code == 0
    assert "no order for acetylcysteine" in said
    assert (report["orders"], report["cards"], report["silent"], report["passed_over"]) == (0, {}, {}, {})
    assert "no order for acetylcysteine" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_manifest_names_the_files_beside_it(export: Path, tmp_path: Path) -> None:
    outputs = [
        {"type": path.stem, "url": f"https://ehr.example/bulk/{path.name}?token=1"} for path in export.glob("*.ndjson")
    ]
    manifest = export / "manifest.json"
    manifest.write_text(json.dumps({"output": outputs}), encoding="utf-8")

    assert report_of(manifest, tmp_path / "out")["cards"] == USUAL


@pytest.mark.parametrize("written", ["{}", "no JSON", '{"output": [{"url": "https://ehr.example/gone.ndjson"}]}'])
def test_a_manifest_that_cannot_be_used_ends_with_a_sentence(export: Path, tmp_path: Path, written: str) -> None:
    manifest = export / "manifest.json"
    manifest.write_text(written, encoding="utf-8")
    code, said = run_replay(manifest, tmp_path / "out")

    assert code == 2
    assert said.startswith(str(manifest))


def test_a_folder_that_cannot_be_written_ends_with_a_sentence(export: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")

    code, said = run_replay(export, tmp_path / "out")

    assert code == 4
    assert "cannot be written" in said


@pytest.mark.parametrize("name", ["decisions.csv", "report.json", "report.html"])
def test_a_full_disk_ends_with_a_sentence_and_the_run_can_be_resumed(export: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).symlink_to("/dev/full")

    code, said = run_replay(export, out)
    assert code == 4
    assert f"The disk of {out} is full." in said
    assert (out / "work").is_dir()

    (out / name).unlink()
    assert report_of(export, out, "--resume")["cards"] == USUAL
    assert not (out / "work").exists()
