"""The command: what it writes, whom it names, and how it goes on after it was ended."""

import csv
import html
import json
import stat
from pathlib import Path

import pytest

from benchmarks.make_export import make_export
from cds_service import __version__
from cds_service.auth.clients import client_names
from cds_service.replay.engines.local import LocalMapper
from cds_service.replay.export import find_files
from cds_service.replay.running import Replay
from cds_service.replay.tasks import Setup
from cds_service.replay.work import Work, fingerprint_of
from tests.builders import concept
from tests.replay.exports import PATIENT, glutamate, past_order, report_of, run_replay, write_export
from tests.support import CARDS, CONTENT, FIXTURES

PATIENTS, SEED = 160, 3


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "export"
    make_export(folder, PATIENTS, SEED, observations=20, share=0.5)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_number_and_seed_make_the_same_export(export: Path, tmp_path: Path) -> None:
    make_export(tmp_path / "again", PATIENTS, SEED, observations=20, share=0.5)
    make_export(tmp_path / "other", PATIENTS, SEED + 1, observations=20, share=0.5)

    assert files_of(tmp_path / "again") == files_of(export)
    assert files_of(tmp_path / "other") != files_of(export)


def test_the_report_adds_up(export: Path, tmp_path: Path) -> None:
    report = report_of(export, tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "decisions.csv").read_text(encoding="utf-8").splitlines()))

    assert report["orders"] == len(rows) == sum(report["found_by"].values()) > 50
    assert report["orders"] == sum(report["orders_by_week"].values()) == sum(report["orders_by_use"].values())
    assert sum(report["silent"].values()) == sum(1 for row in rows if not row["cards"])
    assert {card for row in rows for card in row["cards"].split()} == set(report["cards"])
    for card, number in report["cards"].items():
        assert sum(report["by_week"][card].values()) == sum(report["by_use"][card].values()) == number
    assert {"an order whose status is draft", "an order whose status is entered-in-error"} <= set(report["passed_over"])
    assert report["data_quality"]["codes_not_read"][0]["code"] == "L900"


def test_no_identifier_is_in_what_may_be_shared(export: Path, tmp_path: Path) -> None:
    report_of(export, tmp_path / "out")
    shared = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir())
    orders = [json.loads(line) for line in (export / "MedicationRequest.ndjson").read_text().splitlines()]

    assert {path.name for path in (tmp_path / "out").iterdir()} == {"decisions.csv", "report.html", "report.json"}
    for order in orders:
        assert order["subject"]["reference"].removeprefix("Patient/") not in shared
        assert order.get("authoredOn", "a day without a date")[:10] not in shared


def test_identifiers_and_samples_are_files_that_the_owner_alone_can_read(export: Path, tmp_path: Path) -> None:
    report = report_of(export, tmp_path / "out", "--keep-ids", "--sample", "12")
    rows = list(csv.DictReader((tmp_path / "out" / "identifiers.csv").read_text(encoding="utf-8").splitlines()))
    sample = (tmp_path / "out" / "sample.html").read_text(encoding="utf-8")

    assert len(rows) == report["orders"]
    for name in ("identifiers.csv", "sample.html"):
        assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == 0o600
    assert sample.count('class="call"') == 12
    assert sum(f"Patient {row['patient']}, {row['moment']}" in sample for row in rows) >= 12


def test_other_content_is_compared_card_by_card_with_examples(export: Path, tmp_path: Path) -> None:
    other = tmp_path / "cards"
    for path in CARDS.rglob("*"):
        if path.is_file():
            (other / path.relative_to(CARDS)).parent.mkdir(parents=True, exist_ok=True)
            (other / path.relative_to(CARDS)).write_bytes(path.read_bytes())
    thresholds = (other / "thresholds.toml").read_text(encoding="utf-8")
    (other / "thresholds.toml").write_text(thresholds.replace("value = 365\n", "value = 3\n"), encoding="utf-8")

    report = report_of(export, tmp_path / "out", "--compare-cards", str(other))
    compared = report["compared_with"]
    rows = list(csv.DictReader((tmp_path / "out" / "decisions.csv").read_text(encoding="utf-8").splitlines()))

    assert compared["gained"]["glutamate-not-measured"] > 0
    assert compared["lost"]["glutamate-normal"] > 0
    assert compared["calls_with_the_same_answer"] < report["calls"]
    assert any("gained:glutamate-not-measured" in row["difference"] for row in rows)
    assert (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8").count('class="call"') > 5


SITE = """
[[card]]
card = "glutamate-normal"
mode = "silent"
because = "to be looked at first"
decided_by = "the committee"
decided_on = 2026-11-01
"""


def test_a_site_file_keeps_a_card_silent_as_it_does_live(export: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE, encoding="utf-8")
    before = report_of(export, tmp_path / "before", "--compare", str(site))
    after = report_of(export, tmp_path / "after", "--site", str(site))
    number = before["cards"]["glutamate-normal"]

    assert after["kept_silent_by_the_site_file"] == {"glutamate-normal": number}
    assert after["cards"] == {card: fired for card, fired in before["cards"].items() if card != "glutamate-normal"}
    assert before["compared_with"]["lost"] == {"glutamate-normal": number}
    assert before["compared_with"]["with"] == "site.toml"
    assert any("site file" in reason for reason in after["silent"])

    page = (tmp_path / "after" / "report.html").read_text(encoding="utf-8")
    title = next(card.title for card in CONTENT.cards if card.id == "glutamate-normal")
    (never,) = (line for line in page.splitlines() if line.startswith("<p>Never"))
    counts = f'<td class="number">0</td><td class="number">{number:,}</td><td class="number">0</td>'
    assert f'<td>{title}<br><code class="soft">glutamate-normal</code></td>{counts}' in page
    assert title not in never
    assert "kept silent" not in (tmp_path / "before" / "report.html").read_text(encoding="utf-8")


def test_the_rows_of_the_report_can_be_pasted_into_the_site_file(tmp_path: Path) -> None:
    local = concept("GLU-P", "urn:example:laboratory", text="Glutamate, plasma")
    folder = write_export(tmp_path / "export", [PATIENT, past_order(), glutamate("2026-11-20", code=local)])
    before = report_of(folder, tmp_path / "before")
    page = (tmp_path / "before" / "report.html").read_text(encoding="utf-8")
    pasted = html.unescape(page.partition("<pre>")[2].partition("</pre>")[0])
    (tmp_path / "site.toml").write_text(pasted, encoding="utf-8")
    after = report_of(folder, tmp_path / "after", "--site", str(tmp_path / "site.toml"))

    assert [row["code"] for row in before["data_quality"]["codes_not_read"]] == ["GLU-P"]
    assert after["data_quality"]["codes_not_read"] == []
    assert ("glutamate-not-measured" in before["cards"], "glutamate-high" in before["cards"]) == (True, False)
    assert ("glutamate-not-measured" in after["cards"], "glutamate-high" in after["cards"]) == (False, True)


def test_a_site_file_with_a_mistake_ends_with_its_line(export: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE.replace("glutamate-normal", "glutamate-usual"), encoding="utf-8")
    code, said = run_replay(export, tmp_path / "out", "--site", str(site))

    assert code == 1
    assert "site.toml:3" in said
    assert "there is no card glutamate-usual" in said


def test_the_same_content_changes_nothing(export: Path, tmp_path: Path) -> None:
    report = report_of(export, tmp_path / "out", "--compare-cards", str(CARDS))

    assert report["compared_with"]["calls_with_the_same_answer"] == report["calls"]


def end_at(stage: str, export: Path, out: Path) -> None:
    """Runs a replay, as the command does, until half of a stage is done, and ends it there as Ctrl-C does."""

    def end(at: str, done: int, total: int) -> None:
        if at == stage and 2 * done >= total:
            raise KeyboardInterrupt

    files, setup = find_files(export), Setup(str(CARDS), str(FIXTURES), clients=client_names(None))
    out.mkdir()
    work = Work(out, fingerprint_of(files, setup, "local", __version__), resume=False)
    with pytest.raises(KeyboardInterrupt):
        Replay(files, setup, work, LocalMapper(1), end).run()


@pytest.mark.parametrize("stage", ["finding orders", "collecting", "deciding"])
def test_a_run_that_was_ended_is_resumed_to_the_same_report(export: Path, tmp_path: Path, stage: str) -> None:
    whole = report_of(export, tmp_path / "whole")
    out = tmp_path / "out"
    end_at(stage, export, out)

    assert not (out / "report.json").exists()
    assert stat.S_IMODE((out / "work").stat().st_mode) == 0o700
    code, said = run_replay(export, out, "--resume")

    assert code == 0, said
    assert (out / "report.json").read_bytes() == (tmp_path / "whole" / "report.json").read_bytes()
    assert whole["orders"] > 0
    assert (out / "decisions.csv").read_bytes() == (tmp_path / "whole" / "decisions.csv").read_bytes()
    assert not (out / "work").exists()


def test_what_was_done_is_not_done_again(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    end_at("deciding", export, out)
    done = {path: path.stat().st_mtime_ns for path in (out / "work").glob("*/*.json")}
    end_resumed: dict[Path, int] = {}

    def look(stage: str, done_now: int, total: int) -> None:
        end_resumed.update({path: path.stat().st_mtime_ns for path in done})

    files, setup = find_files(export), Setup(str(CARDS), str(FIXTURES), clients=client_names(None))
    work = Work(out, fingerprint_of(files, setup, "local", __version__), resume=True)
    Replay(files, setup, work, LocalMapper(1), look).run()

    assert any(path.parent.name == "deciding" for path in done)
    assert end_resumed == done


def test_there_must_be_something_to_resume(export: Path, tmp_path: Path) -> None:
    code, said = run_replay(export, tmp_path / "out", "--resume")

    assert code == 2
    assert "nothing to resume" in said


def test_another_choice_of_options_is_not_resumed(export: Path, tmp_path: Path) -> None:
    end_at("deciding", export, tmp_path / "out")
    code, said = run_replay(export, tmp_path / "out", "--resume", "--undated", "unknown")

    assert code == 2
    assert "another export, content or choice of options" in said


def test_a_scheduler_goes_with_dask_alone(export: Path, tmp_path: Path) -> None:
    code, said = run_replay(export, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:8786")

    assert code == 2
    assert said == "--scheduler goes with --engine dask.\n"


def test_two_processes_decide_as_one_does(export: Path, tmp_path: Path) -> None:
    one = report_of(export, tmp_path / "one")
    two = report_of(export, tmp_path / "two", "--processes", "2")

    assert two == one
