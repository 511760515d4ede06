"""The service as a process of its own, as an operator starts it."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import FIXTURES, ROOT

PATIENCE = 120.0  # seconds after which what should have happened counts as failed, on however busy a machine
BODY = (FIXTURES / "requests" / "ines-allergic.oral-600-twice-daily.order-sign.json").read_bytes()
SERVICE = "/cds-services/acetylcysteine-order-sign"
# No file is written that a test did not name, and nothing is late on a slow machine.
SETTINGS = {
    "CDS_DATABASE_URL": "sqlite:///:memory:",
    "CDS_DEMO_DATABASE_URL": "sqlite:///:memory:",
    "CDS_FHIR_DEADLINE_MS": "120000",
    "CDS_FHIR_TIMEOUT_MS": "120000",
    "CDS_SHUTDOWN_SECONDS": "100",
}
# How a container is run that drops all capabilities. Whoever is not root has none to drop.
NO_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()

_held_ports: list[socket.socket] = []


def free_port() -> int:
    """A port of loopback that nothing listens on, and that nobody else is given while the tests run.

    It is held by a socket that does not listen. A server can listen on it all the same, since servers allow an address
    to be used again.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _held_ports.append(held)
    return int(held.getsockname()[1])


def wait_until(holds: Callable[[], bool], otherwise: Callable[[], object] = lambda: "it did not happen") -> None:
    """Waits for what happens in its own time; fails if it never does, and says why."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.01)


def new_connection(port: int, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    """A connection to a port of loopback."""
    if tls:
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=tls)
    return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)


@dataclass
class Service:
    """A service that was started. What it writes goes to a file, which can be read after its end too."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of the response to a GET, or to a POST of a body."""
        connection = new_connection(self.port, self.tls)
        try:
            connection.request("POST" if body else "GET", path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def answers(self, path: str = "/cds-services") -> bool:
        """Whether it answers a GET with 200."""
        try:
            return self.ask(path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def written(self) -> str:
        """Standard output and standard error so far."""
        return self.log.read_text(encoding="utf-8")

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Sends a signal and waits for the end; the exit status."""
        self.send(number)
        return self.process.wait(PATIENCE)

    def stop(self) -> int:
        """Asks it to stop and waits for the end; the exit status."""
        return self.end(signal.SIGTERM)

    def children(self) -> list[int]:
        """The process ids of its workers."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split() if b"spawn_main" in _command_of(pid)]

    @property
    def peak_memory(self) -> float:
        """The most memory that it has held at once, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


def _command_of(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def command(*arguments: str) -> list[str]:
    """The words that start the service."""
    return [sys.executable, "-m", "cds_service", "serve", *arguments]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service with these settings and none of whoever runs the tests."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    return {**others, **SETTINGS, **settings}


@contextmanager
def serving(
    folder: Path | None,
    *arguments: str,
    port: int | None = None,
    wait: bool = True,
    by: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """A service on a port of loopback, ready unless it is not to be waited for; stopped when the block ends.

    Its log is written to a new file in the folder; without a folder it is not kept. `by` is a command that runs it.
    """
    port = port or free_port()
    log = folder / f"service-{time.monotonic_ns()}.log" if folder else Path(os.devnull)
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*by, *command("--port", str(port), *arguments)],
            cwd=ROOT,
            env=environment(settings or {}),
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    service = Service(process, port, log)
    try:
        if wait:
            wait_until_ready(service)
        yield service
    finally:
        if process.poll() is None:
            service.stop()


def wait_until_ready(service: Service, path: str = "/health/ready") -> None:
    """Waits until the service answers; fails with what it wrote if it ends or never does."""
    wait_until(
        lambda: service.process.poll() is not None or service.answers(path),
        lambda: f"the service did not become ready; it wrote: {service.written()}",
    )
    assert service.process.poll() is None, f"the service ended; it wrote: {service.written()}"
