"""The service as a real process, and clients that ask it without a pause."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import ROOT

BODY = (ROOT / "fixtures" / "requests" / "ines-allergic.oral-600-twice-daily.order-sign.json").read_bytes()
SERVICE = "/cds-services/acetylcysteine-order-sign"
_LONGEST_START = 30  # seconds; a failure, not a measure


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def new_connection(port: int, tls: ssl.SSLContext | None) -> http.client.HTTPConnection:
    if tls:
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=tls)
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


@dataclass
class Service:
    """One running service. What it writes goes to a file, which is there to read also after it has ended."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    tls: ssl.SSLContext | None = None

    def ask(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = new_connection(self.port, self.tls)
        try:
            connection.request("POST" if body else "GET", path, body, headers or {})
            got = connection.getresponse()
            return got.status, got.read()
        finally:
            connection.close()

    def stop(self) -> int:
        """Asks it to stop, and says how it ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def children(self) -> list[int]:
        """The process ids of its workers."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        names = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in task.read_text().split()}
        return [pid for pid, name in names.items() if b"spawn_main" in name]


# How a container is run that drops all capabilities. Whoever is not root has none to drop.
NO_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "cds_service", "serve", *more]


@contextmanager
def serving(
    folder: Path, *arguments: str, wait: bool = True, by: Sequence[str] = (), **environment: str
) -> Iterator[Service]:
    """A service on a free port of loopback, ready; stopped in the end, whatever happened. `by` is a command that runs
    it."""
    port, log = free_port(), folder / f"service-{time.monotonic_ns()}.log"
    given = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*by, *command("--port", str(port), *arguments)],
            cwd=ROOT,
            env={**given, **environment},
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


def wait_until_ready(service: Service) -> None:
    until = time.monotonic() + _LONGEST_START
    while service.process.poll() is None and time.monotonic() < until:
        try:
            if service.ask("/health/ready")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the service did not become ready; it wrote: {service.log.read_text()}")


@dataclass
class Load:
    """Clients that send one call after another. They try again only where a connection was refused."""

    ports: Sequence[int]
    keep_alive: bool
    tls: ssl.SSLContext | None = None
    statuses: Counter[int] = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)
    refused: int = 0
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, clients: int) -> None:
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in range(clients)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        """Until that many more were answered; fails if they never are."""
        enough, until = self.statuses.total() + answers, time.monotonic() + _LONGEST_START
        while self.statuses.total() < enough:
            assert time.monotonic() < until, f"{self.statuses} {self.dropped[:3]}"
            time.sleep(0.01)

    def end(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _run(self, number: int) -> None:
        connection, at = None, number
        while not self._end.is_set():
            if connection is None:
                connection, at = self._connect(at), at + 1
                continue
            try:
                connection.request("POST", SERVICE, BODY)
                got = connection.getresponse()
                got.read()
                self.statuses[got.status] += 1
                goes_on = self.keep_alive and not got.will_close
            except (OSError, http.client.HTTPException) as error:
                self.dropped.append(repr(error))
                goes_on = False
            if not goes_on:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _connect(self, at: int) -> http.client.HTTPConnection | None:
        connection = new_connection(self.ports[at % len(self.ports)], self.tls)
        try:
            connection.connect()
        except ConnectionRefusedError:
            self.refused += 1
            time.sleep(0.005)
            return None
        return connection
