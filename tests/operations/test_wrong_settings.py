"""A setting that is wrong is named in one line, without its value, and nothing starts."""

import re
import subprocess
from pathlib import Path

import pytest

from cds_service.settings import describe
from tests.command import NO_PORT, run_command
from tests.processes import PATIENCE, command, environment
from tests.support import ROOT

COMMANDS = (["serve", "--port", NO_PORT], ["check"], ["report"], ["migrate"], ["review-pages", "--check"])
WRONG = {
    "CDS_PUBLIC_URL": ("foo-bar", "an https address"),
    "CDS_MAX_CALLS": ("many-calls", "integer"),
    "CDS_LOG_LEVEL": ("loud-and-clear", "'warning'"),
    "CDS_TOKEN_ALGORITHMS": ('["HS256"]', "'ES384'"),
    "CDS_METRICS_FROM": ("10.0.0.0/8", "is not JSON"),
    "CDS_CORS_ORIGINS": ("https://ehr.example.org", "is not JSON"),
    "CDS_TRACES_TO": ("collector:4318", "https?://"),
    "CDS_DEMO": ("perhaps-so", "boolean"),
    "CDS_DEMO_DATABASE_URL": ("postgresql://demo", "sqlite:///"),
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_named(command: list[str], name: str) -> None:
    value, says = WRONG[name]
    done = run_command(*command, settings={name: value})
    assert done.exit_code == 2
    assert done.output.startswith(f"{name}: ")
    assert says in done.output
    assert value not in done.output


def test_the_database_of_the_demo_is_not_that_of_the_site() -> None:
    address = "sqlite:///records.sqlite3"
    settings = {"CDS_DEMO": "on", "CDS_DATABASE_URL": address, "CDS_DEMO_DATABASE_URL": address}
    done = run_command("check", settings=settings)
    assert done.exit_code == 2
    assert done.output == "CDS_DEMO_DATABASE_URL: must be another database than CDS_DATABASE_URL\n"


def test_the_report_reads_the_database_of_the_demo(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'demo.sqlite3'}"
    done = run_command("report", settings={"CDS_DATABASE_URL": address, "CDS_DEMO_DATABASE_URL": address})
    assert done.exit_code != 2
    assert "CDS_DEMO_DATABASE_URL" not in done.output


def test_all_wrong_settings_are_named_at_once() -> None:
    done = run_command("check", settings={"CDS_MAX_CALLS": "0", "CDS_AUTH": "maybe"})
    assert [line.partition(":")[0] for line in done.output.splitlines()] == ["CDS_MAX_CALLS", "CDS_AUTH"]


@pytest.mark.parametrize("written", [None, "no certificate"])
def test_a_file_of_authorities_that_is_none_stops_the_start(tmp_path: Path, written: str | None) -> None:
    file = tmp_path / "authorities.pem"
    if written is not None:
        file.write_text(written, encoding="utf-8")
    done = run_command("serve", "--port", NO_PORT, settings={"CDS_FHIR_CA_FILE": str(file)})
    assert done.exit_code == 2
    assert "CDS_FHIR_CA_FILE cannot be read" in done.output


def test_a_missing_folder_of_the_content_is_one_mistake(tmp_path: Path) -> None:
    done = run_command("check", "--cards", str(tmp_path / "nowhere"))
    assert done.exit_code == 1
    assert done.output == "nowhere:1: the folder of the content is missing\n1 mistake.\n"


@pytest.mark.parametrize("command", [["serve", "--port", NO_PORT], ["site"]], ids=["serve", "site"])
def test_a_missing_site_file_is_named_without_the_path(command: list[str], tmp_path: Path) -> None:
    done = run_command(*command, settings={"CDS_SITE": str(tmp_path / "site.toml")})
    assert done.exit_code == 1
    assert "site.toml:1: cannot be read: No such file or directory\n1 mistake.\n" in done.output


def test_intervals_in_a_file_of_their_own_are_refused_with_the_rows_to_paste(tmp_path: Path) -> None:
    rows = '# of our laboratory\n[[interval]]\nanalyte = "glutamate"\nlow = 24'
    (tmp_path / "intervals.toml").write_text(f"{rows}\n", encoding="utf-8")
    done = run_command("serve", "--port", NO_PORT, settings={"CDS_SITE_INTERVALS": str(tmp_path / "intervals.toml")})
    assert done.exit_code == 2
    assert done.output.startswith("CDS_SITE_INTERVALS: is no longer read")
    assert done.output.endswith(f"Paste these into it:\n{rows}\n")


@pytest.mark.parametrize("written", [None, "no rows", "[[interval", "other = 1"])
def test_intervals_that_cannot_be_read_are_refused_too(written: str | None, tmp_path: Path) -> None:
    file = tmp_path / "intervals.toml"
    if written is not None:
        file.write_text(written, encoding="utf-8")
    done = run_command("check", settings={"CDS_SITE_INTERVALS": str(file)})
    assert done.exit_code == 2
    assert done.output.endswith("Its own file cannot be read\n")


def test_a_retention_that_no_calendar_has_is_refused() -> None:
    done = run_command("check", settings={"CDS_RETENTION_DAYS": "999999"})
    assert done.exit_code == 2
    assert "CDS_RETENTION_DAYS" in done.output


@pytest.mark.parametrize(
    ("written", "meant"),
    [("CDS_CLIENT", "CDS_CLIENTS"), ("CDS_DATABASE", "CDS_DATABASE_URL"), ("CDS_LOGLEVEL", "CDS_LOG_LEVEL")],
)
def test_a_mistyped_setting_is_named_with_the_one_that_was_meant(written: str, meant: str) -> None:
    done = run_command("check", settings={written: "S3CR3T"})
    assert (done.exit_code, done.output) == (2, f"{written} is no setting: did you mean {meant}?\n")


def test_a_setting_that_resembles_none_is_named_with_the_others_that_are_wrong() -> None:
    done = run_command("check", settings={"CDS_COLOUR": "red", "CDS_MAX_CALLS": "0"})
    assert done.exit_code == 2
    assert [line.partition(" ")[0].rstrip(":") for line in done.output.splitlines()] == ["CDS_COLOUR", "CDS_MAX_CALLS"]
    assert "`cds-service settings` lists them" in done.output


def test_variables_that_kubernetes_makes_for_a_service_are_no_mistake_there_alone() -> None:
    made = {"CDS_SERVICE_HOST": "10.0.0.1", "CDS_PORT": "tcp://10.0.0.1:80", "CDS_PORT_80_TCP_ADDR": "10.0.0.1"}
    assert run_command("report", settings=made).exit_code == 2
    inside = {**made, "KUBERNETES_SERVICE_HOST": "10.0.0.2", "CDS_DATABASE_URL": "sqlite:///nowhere"}
    assert run_command("report", settings=inside).exit_code == 1


def test_several_workers_without_a_temporary_folder_are_refused_in_one_line() -> None:
    """No file may have a byte here, as where the root is read-only: neither TMPDIR nor what Python tries instead."""
    nothing_can_be_written = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")
    done = subprocess.run(
        [*nothing_can_be_written, *command("--port", "0", "--workers", "2")],
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert done.returncode == 2
    assert (done.stdout + done.stderr).count("\n") == 1
    assert "tmpfs" in done.stdout + done.stderr


def test_every_setting_that_is_deployed_exists() -> None:
    files = [ROOT / "compose.yaml", ROOT / "Dockerfile", ROOT / "Makefile", *(ROOT / "deploy").rglob("*.*")]
    named = {name for file in files if file.is_file() for name in re.findall(r"\bCDS_[A-Z_]+", _text(file))}
    assert {"CDS_PUBLIC_URL", "CDS_DATABASE_URL", "CDS_DEMO"} <= named <= {name for name, _, _ in describe()}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
