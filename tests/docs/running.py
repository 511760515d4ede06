"""Runs the command blocks of every document as a reader would paste them. `make docs-check` runs this file.

A block that needs more than this machine has is listed, with its reason, instead of run.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.blocks import COMMANDS, NEEDS, Block
from tests.processes import PATIENCE, Service, environment, free_port, wait_until_ready
from tests.support import ROOT

DOCUMENTS = sorted({block.document for block in COMMANDS})
LISTED = [block for block in COMMANDS if block.need]
DEMO = "CDS_DEMO=on .venv/bin/cds-service serve --host 127.0.0.1 --port 8000\n"


class Session:
    """A reader with a copy of the repository, who goes through a document from top to bottom."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._service: subprocess.Popen[bytes] | None = None
        variables = {name: text for name, text in environment({}).items() if not name.startswith("CDS_")}
        self._environment = {**variables, "PORT": str(self._port), "PYTHONPATH": str(folder), "NO_PROXY": "127.0.0.1"}

    def run(self, block: Block) -> None:
        """Runs a block; fails with what it wrote."""
        if block.tag == "starts=service":
            self._start(block.text)
            return
        if block.tag == "with=service" and self._service is None:
            self._start(DEMO)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._at_our_port(block.text)],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block.name} ended with status {done.returncode}:\n{done.stdout}"

    def _start(self, script: str) -> None:
        assert self._service is None, "the document starts the service twice"
        log = self._folder / "service.log"
        with log.open("wb") as written:
            self._service = service = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", self._at_our_port(script)],
                cwd=self._folder,
                env=self._environment,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that what it starts can be stopped with it
            )
        wait_until_ready(Service(service, self._port, log))

    def _at_our_port(self, script: str) -> str:
        """The documents say 8000, which may be taken here."""
        return re.sub(r"\b8000\b", str(self._port), script)

    def stop(self) -> None:
        """Stops the service, if the document has started it."""
        if self._service is not None:
            os.killpg(self._service.pid, signal.SIGTERM)
            self._service.wait(PATIENCE)


@contextmanager
def reading(folder: Path) -> Iterator[Session]:
    """A session in a fresh copy of the repository, with the environment that `make` has made in the original."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)  # with its time, so that make finds everything installed
    (folder / ".venv").symlink_to(ROOT / ".venv")
    session = Session(folder)
    try:
        yield session
    finally:
        session.stop()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_of_a_document_work_in_order(document: Path, tmp_path: Path) -> None:
    blocks = [block for block in COMMANDS if block.document == document and not block.need]
    with reading(tmp_path) as session:
        for block in blocks:
            session.run(block)


@pytest.mark.parametrize("block", LISTED, ids=lambda block: f"{block.name}: {NEEDS.get(block.need)}")
def test_is_listed_because_it_is_not_run(block: Block) -> None:
    parsed = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")
