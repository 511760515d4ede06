"""The package as somebody else installs it: a wheel in an environment of its own, run in an empty folder.

Needs pip's way to its packages. Named so that `make test` leaves it alone; `make deploy-check` runs it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service import __version__
from tests.processes import BODY, PATIENCE, SERVICE, Service, free_port, wait_until_ready
from tests.support import ROOT

REQUEST = ROOT / "fixtures" / "requests" / "ines-allergic.oral-600-twice-daily.order-sign.json"
NO_SETTINGS = {name: value for name, value in os.environ.items() if not name.startswith(("CDS_", "PYTHON"))}
COMMANDS = {
    "--version": f"cds-service {__version__}",
    "--help": "review-pages",
    "check": "The content is sound.",
    f"explain {REQUEST}": "acetylcysteine-hypersensitivity",
    "migrate": "The schema of the database is at revision ",
    "review-pages": "",
    "settings --markdown": "| `CDS_CARDS` | cards/ of the package |",
}


def run(*words: str | Path) -> None:
    subprocess.run(words, check=True, cwd=ROOT)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in a new environment, installed from the wheel that the source distribution makes."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder)
    (source,) = folder.glob("*.tar.gz")
    run(sys.executable, "-m", "pip", "-qq", "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "venv")
    run(python, "-m", "pip", "-qq", "install", "--no-deps", "--require-hashes", "-r", "requirements/run.lock")
    run(python, "-m", "pip", "-qq", "install", "--no-deps", wheel)
    run(python, "-m", "pip", "check")
    return python.with_name("cds-service")


@pytest.fixture
def demo(installed: Path, tmp_path: Path) -> Iterator[Service]:
    """The service in demo mode, run in an empty folder."""
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [installed, "serve", "--port", str(port)],
            cwd=tmp_path,
            env={**NO_SETTINGS, "CDS_DEMO": "on"},
            stdout=written,
            stderr=written,
        )
    service = Service(process, port, log)
    try:
        wait_until_ready(service)
        yield service
    finally:
        service.stop()


def run_in(folder: Path, installed: Path, words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed, *words.split()],
        cwd=folder,
        env=NO_SETTINGS,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(("words", "printed"), COMMANDS.items(), ids=[words.split()[0] for words in COMMANDS])
def test_a_command_works_in_an_empty_folder(installed: Path, tmp_path: Path, words: str, printed: str) -> None:
    done = run_in(tmp_path, installed, words)

    assert done.returncode == 0, done.stdout + done.stderr
    assert printed in done.stdout


def test_the_report_is_of_a_database_that_is_there(installed: Path, tmp_path: Path) -> None:
    assert run_in(tmp_path, installed, "report").returncode == 1
    run_in(tmp_path, installed, "migrate")
    done = run_in(tmp_path, installed, "report")

    assert (done.returncode, "All cards" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_package_brings_its_types_and_its_licence(installed: Path) -> None:
    (site,) = (installed.parent.parent / "lib").glob("python*/site-packages")

    assert (site / "cds_service" / "py.typed").is_file()
    assert (site / f"acetylcysteine_cds-{__version__}.dist-info" / "licenses" / "LICENSE").is_file()


def test_the_service_answers_with_a_card(demo: Service) -> None:
    status, body = demo.ask(SERVICE, BODY)

    assert status == 200
    assert json.loads(body)["cards"][0]["summary"] == "Allergy to acetylcysteine on record"


PATHS = (
    "/",
    "/try",
    "/guidance",
    "/guides/operating",
    "/guides/decisions",
    "/guides/growth.svg",
    "/docs/swagger",
    "/static/pages.css",
    "/static/swagger-ui/swagger-ui.css",
    "/demo/fhir/Patient/ines-allergic",
)


@pytest.mark.parametrize("path", PATHS)
def test_pages_their_static_files_and_the_invented_patients_are_there(demo: Service, path: str) -> None:
    assert demo.ask(path)[0] == 200


def test_the_openapi_document_has_its_examples(demo: Service) -> None:
    status, body = demo.ask("/openapi.json")

    assert status == 200
    assert json.loads(body)["paths"]["/cds-services/{service_id}"]["post"]["requestBody"]["content"][
        "application/json"
    ]["examples"]
