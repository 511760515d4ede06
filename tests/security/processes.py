"""The service as it is really run: a process of its own, of which everything is kept that it writes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support import ROOT

_STARTING = 60.0  # seconds after which a start counts as failed


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def address(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def peak_memory(self) -> float:
        """The most memory that it has held at once, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def written(self) -> str:
        """Standard output and standard error so far."""
        return self.output.read_text(encoding="utf-8")


@contextmanager
def service(folder: Path, **settings: str) -> Iterator[Service]:
    """A service on a free port of loopback, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = folder / "output"
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
    with output.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, stdout=out, stderr=out)
    one = Service(process, port, output)
    try:
        _wait(one)
        yield one
    finally:
        process.terminate()
        process.wait(30)


def _wait(one: Service) -> None:
    until = time.monotonic() + _STARTING
    while time.monotonic() < until:
        assert one.process.poll() is None, one.written()
        try:
            if httpx.get(f"{one.address}/cds-services").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the service did not start: {one.written()}")
