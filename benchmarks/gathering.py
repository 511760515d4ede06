"""What gathering from a FHIR server costs, and what it costs others: `python -m benchmarks.gathering [PART ...]`.

The service has one worker; the FHIR servers are processes of their own. Callers send their next call when the last is
answered. Times stand beside a floor of the same run: nine queries sent straight to the same FHIR server.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.fhir_server import DATA, PATIENT
from benchmarks.load import Process, started
from cds_service.fhir.queries import QUERIES, fhir_query
from cds_service.fhir.versions import R4
from tests.faults.fhir_servers import key_of
from tests.loopback import Asked
from tests.processes import free_port
from tests.signing import ALL_KEYS, ISSUER, JKU, client_toml, good_claims, sign
from tests.support import CONTENT, Body, request_for, to_bytes

PATH = "/cds-services/acetylcysteine-order-sign"
DELAYS = (5, 50, 200)  # ms of one query
PARALLEL = (1, 4, 8, 16, 32, 64, 128)
_TICKS = os.sysconf("SC_CLK_TCK")
Group = tuple[int, bytes]  # how many callers, and what each sends


def post(body: Body, token: str = "") -> bytes:
    """The HTTP request of a call."""
    content = to_bytes(body)
    trust = f"authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {PATH} HTTP/1.1\r\nhost: cds\r\n{trust}content-type: application/json\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


FIRST_BODY = to_bytes(request_for(PATIENT))
PREFETCHED = post(request_for(PATIENT))
OTHER_DRUG = post(request_for(PATIENT, "amoxicillin"))


def call_naming(port: int, token: str = "") -> bytes:
    """A call without prefetch that names the FHIR server on a port."""
    return post({**request_for(PATIENT, prefetch={}), "fhirServer": f"http://127.0.0.1:{port}/fhir"}, token)


# ---------------------------------------------------------------- callers


@dataclass
class Calls:
    """What became of the calls of some callers: how each was answered, and after how many seconds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many calls were answered."""
        return sum(self.outcomes.values())

    def add(self, other: "Calls") -> None:
        """Adds the calls of another measurement."""
        self.outcomes += other.outcomes
        self.seconds += other.seconds

    def share(self, outcome: str) -> str:
        """The share of an outcome, in percent."""
        return f"{100 * self.outcomes[outcome] / max(self.total, 1):.0f} %"

    def quantile(self, part: float) -> float:
        """A quantile of the times, in ms."""
        ordered = sorted(self.seconds) or [float("nan")]
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000


def outcome_of(status: int, body: bytes) -> str:
    """`whole` for cards with all screens done; otherwise why not."""
    if status == 503 or b"service was busy" in body:
        return "busy"
    if status != 200:
        return str(status)
    return "lost" if b"screening-incomplete" in body else "whole"


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(size)


async def _call_until(end: float, port: int, requests: Sequence[bytes], calls: Calls) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    for request in cycle(requests):
        if time.monotonic() >= end:
            break
        started_at = time.perf_counter()
        status, body = await ask(reader, writer, request)
        calls.seconds.append(time.perf_counter() - started_at)
        calls.outcomes[outcome_of(status, body)] += 1
    writer.close()


def _load(port: int, seconds: float, number: int, *requests: bytes) -> Calls:
    async def scene() -> Calls:
        calls, end = Calls(), time.monotonic() + seconds
        await asyncio.gather(*(_call_until(end, port, requests, calls) for _ in range(number)))
        return calls

    return asyncio.run(scene())


def load(port: int, seconds: float, *groups: Any) -> list[Calls]:
    """Puts load on the service by groups of callers at once, each group a process, and says what became of their calls.

    A group is a number of callers, and the requests that each of them sends in turn.

    So one group's answers do not keep another waiting on the callers' side.
    """
    with ProcessPoolExecutor(len(groups), get_context("fork")) as pool:
        running = [pool.submit(_load, port, seconds, *group) for group in groups]
        return [group.result() for group in running]


def processor_seconds(pid: int) -> float:
    """The processor time of a process so far."""
    times = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / _TICKS


# ---------------------------------------------------------------- servers


@contextmanager
def fhir_server(delay_ms: float) -> Iterator[int]:
    """A FHIR server in a process of its own; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.fhir_server", str(port), str(delay_ms)])
    try:
        asyncio.run(_wait_for(port))
        yield port
    finally:
        process.terminate()
        process.wait()


async def _wait_for(port: int) -> None:
    while True:
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
            return
        except OSError:
            await asyncio.sleep(0.05)


@contextmanager
def service(**settings: str) -> Iterator[Process]:
    """The service with one worker, logging to nowhere."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "cds-service"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        environment = {"CDS_DATABASE_URL": f"sqlite:///{folder}/cards.sqlite3", **settings}
        with started(command, f"http://127.0.0.1:{port}{PATH}", FIRST_BODY, **environment) as process:
            yield process


def port_of(process: Process) -> int:
    """The port of the service."""
    return int(process.url.split(":")[2].split("/")[0])


def floor_ms(port: int, rounds: int = 20) -> float:
    """The median time of the nine queries sent straight to a FHIR server over connections of their own, in ms."""
    paths = [fhir_query(query, PATIENT, CONTENT.vocabulary.code_lists, R4) for query in QUERIES.values()]
    requests = [f"GET /fhir/{path} HTTP/1.1\r\nhost: fhir\r\n\r\n".encode() for path in paths]

    async def scene() -> float:
        connections = [await asyncio.open_connection("127.0.0.1", port, limit=2**20) for _ in requests]
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            await asyncio.gather(
                *(ask(*connection, request) for connection, request in zip(connections, requests, strict=True))
            )
            times.append(time.perf_counter() - began)
        for _, writer in connections:
            writer.close()
        return statistics.median(times) * 1000

    return asyncio.run(scene())


class _Small(BaseHTTPRequestHandler):
    """Answers each query at once, with threads and a short listen backlog as simple servers have them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = to_bytes(DATA[key_of(Asked("GET", self.path, {}))])
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class _Closing(_Small):
    """The same by HTTP/1.0: a connection for each request."""

    protocol_version = "HTTP/1.0"


@contextmanager
def small_server(backlog: int, handler: type[_Small]) -> Iterator[int]:
    """A server with threads in this process; its port."""
    kind = type("Server", (ThreadingHTTPServer,), {"request_queue_size": backlog})
    server: ThreadingHTTPServer = kind(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


# ---------------------------------------------------------------- tables


def table(*header: str) -> None:
    """Prints the head of a table."""
    print(f"\n| {' | '.join(header)} |\n|{' --- |' * len(header)}")


def row(*cells: object) -> None:
    """Prints a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def cost(seconds: float) -> None:
    """The processor time of calls, one after the other."""
    table("call", "processor time, ms", "median, ms", "floor of its queries, ms")
    with service() as process, fhir_server(0) as fast:
        for name, body, floor in (
            ("another drug", OTHER_DRUG, "–"),
            ("acetylcysteine, all prefetched", PREFETCHED, "–"),
            ("acetylcysteine, all gathered", call_naming(fast), f"{floor_ms(fast):.1f}"),
        ):
            load(port_of(process), 1, (1, body))
            before = processor_seconds(process.pid)
            (calls,) = load(port_of(process), seconds, (1, body))
            spent = (processor_seconds(process.pid) - before) / calls.total * 1000
            row(name, f"{spent:.2f}", f"{calls.quantile(0.5):.1f}", floor)


def rates(seconds: float) -> None:
    """Gathering calls by the number in parallel and the time of a query."""
    table("a query takes", "in parallel", "calls a second", "all screens done", "busy", "p50, ms", "p99, ms")
    for delay in DELAYS:
        with fhir_server(delay) as fhir:
            floor = floor_ms(fhir)
            for parallel in PARALLEL:
                with service() as process:
                    load(port_of(process), 1, (min(parallel, 8), call_naming(fhir)))
                    (calls,) = load(port_of(process), seconds, (parallel, call_naming(fhir)))
                row(
                    f"{delay} ms (floor {floor:.0f} ms)",
                    parallel,
                    f"{calls.total / seconds:.0f}",
                    calls.share("whole"),
                    calls.share("busy"),
                    f"{calls.quantile(0.5):.0f}",
                    f"{calls.quantile(0.99):.0f}",
                )


def isolation(seconds: float) -> None:
    """Calls beside 128 callers at a FHIR server that hangs, as a share of what they are alone.

    The control has the 128 callers at a service of its own: what they cost by the machine alone.
    """
    table("calls", "in parallel", "alone, a second", "beside", "beside, control", "p99 alone, ms", "beside", "control")
    with fhir_server(-1) as hanging, fhir_server(20) as good:
        stuck = (128, call_naming(hanging))
        for name, parallel, body in (
            ("all prefetched", 8, PREFETCHED),
            ("another drug", 8, OTHER_DRUG),
            ("gathered from a good server", 4, call_naming(good)),
        ):
            with service() as process, service() as control:
                _isolation_row(name, seconds, port_of(process), port_of(control), (parallel, body), stuck)
        _cost_of_hanging(seconds, stuck)


def _isolation_row(name: str, seconds: float, port: int, control: int, group: Group, stuck: Group) -> None:
    load(port, 1, group)
    alone, beside, apart = Calls(), Calls(), Calls()
    for _ in range(4):  # in turns: the speed of a machine varies
        alone.add(*load(port, seconds / 4, group))
        beside.add(load(port, seconds / 4, group, stuck)[0])
        with ProcessPoolExecutor(1, get_context("fork")) as pool:
            elsewhere = pool.submit(_load, control, seconds / 4, *stuck)
            apart.add(*load(port, seconds / 4, group))
            elsewhere.result()
    shares = [f"{calls.total / alone.total:.2f}" for calls in (beside, apart)]
    p99 = [f"{calls.quantile(0.99):.1f}" for calls in (alone, beside, apart)]
    row(name, group[0], f"{alone.total / seconds:.0f}", *shares, *p99)


def _cost_of_hanging(seconds: float, stuck: Group) -> None:
    table("128 callers at a server that hangs", "calls a second", "answers", "p50, ms", "p99, ms", "processor time")
    with service() as process:
        load(port_of(process), 1, (8, PREFETCHED))
        before = processor_seconds(process.pid)
        (calls,) = load(port_of(process), seconds, stuck)
        spent = (processor_seconds(process.pid) - before) / seconds
    times = f"{calls.quantile(0.5):.0f}", f"{calls.quantile(0.99):.0f}"
    row("", f"{calls.total / seconds:.0f}", dict(calls.outcomes), *times, f"{100 * spent:.0f} % of a core")


def backlogs(seconds: float) -> None:
    """A simple server with threads and a short listen backlog, by how many connections are opened to it at a time."""
    table(
        "listen backlog", "connections kept", "opened at a time", "in parallel", "calls", "whole", "busy", "not whole"
    )
    for backlog, opening, handler in (
        (1, 4, _Small),
        (1, 1, _Small),
        (5, 4, _Small),
        (1, 1, _Closing),
        (5, 4, _Closing),
    ):
        for parallel in (1, 4, 8):
            with small_server(backlog, handler) as fhir, trusting(fhir, opening) as (process, token):
                (calls,) = load(port_of(process), seconds, (parallel, call_naming(fhir, token)))
            kept = "yes" if handler is _Small else "no"
            shares = calls.share("whole"), calls.share("busy"), calls.total - calls.outcomes["whole"]
            row(backlog, kept, opening, parallel, calls.total, *shares)


@contextmanager
def trusting(fhir: int, opening: int) -> Iterator[tuple[Process, str]]:
    """The service that knows one client, for whose FHIR server it opens so many connections at a time; its token."""
    claims = good_claims(aud="http://127.0.0.1" + PATH, iat=int(time.time()), exp=int(time.time()) + 3000)
    entry = client_toml(
        "small",
        ISSUER,
        *ALL_KEYS,
        jku=JKU,
        fhir_servers=[f"http://127.0.0.1:{fhir}/fhir"],
        fhir_opening=opening,
        token_reuse="allow",  # noqa: S106  # no password
    )
    with tempfile.TemporaryDirectory() as folder:
        clients = Path(folder, "clients.toml")
        clients.write_text(entry, encoding="utf-8")
        with service(CDS_CLIENTS=str(clients), CDS_PUBLIC_URL="http://127.0.0.1") as process:
            yield process, sign(claims=claims)


def memory(seconds: float) -> None:
    """Resident memory over mixed calls, a tenth of them gathering: one row for each tenth of 100 times the seconds."""
    table("calls", "all screens done", "memory, MB", "open connections to the FHIR server")
    with service() as process, fhir_server(5) as fhir:
        bodies = [call_naming(fhir), *[OTHER_DRUG] * 7, *[PREFETCHED] * 2]
        total = Calls()
        for _ in range(10):
            total.add(*load(port_of(process), seconds * 10, (8, *bodies)))
            connections = _connections_to(fhir)
            row(f"{total.total:,}", total.share("whole"), f"{process.memory_mb:.0f}", connections)


def _connections_to(port: int) -> int:
    """How many established connections lead to a port of loopback, by the kernel's own count."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(line.split()[2].endswith(f":{port:04X}") and line.split()[3] == "01" for line in lines)


PARTS: dict[str, Callable[[float], None]] = {
    "cost": cost,
    "rates": rates,
    "isolation": isolation,
    "backlogs": backlogs,
    "memory": memory,
}
_BY_DEFAULT = ("cost", "rates", "isolation", "backlogs")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which tables; by default all but memory")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement")
    options = parser.parse_args(arguments)
    for part in options.parts or _BY_DEFAULT:
        PARTS[part](options.seconds)


if __name__ == "__main__":
    main()
