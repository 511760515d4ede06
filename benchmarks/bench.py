"""`make bench`: the service beside the floor and a peer, in one run; prints the table and writes it into README.md.

Every row is a ratio of medians over repetitions that take turns, since a machine is never equally fast twice.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bodies import body
from benchmarks.growth import plot
from benchmarks.load import Measured, Process, started, wrk

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PEER = ROOT / ".peer-venv" / "bin" / "python"
SERVICE = "acetylcysteine-order-sign"
MARK = "<!-- bench -->"
HEAD = "| work | reach | measured | of which |\n| --- | --- | --- | --- |"


@dataclass(frozen=True)
class Options:
    """How long: seconds of one run, repetitions, and requests of the memory row; and whether the results are kept."""

    seconds: int
    repeat: int
    requests: int
    keep: bool


@dataclass(frozen=True)
class Servers:
    """What is measured, each in a process of its own."""

    floor: Process
    service: Process
    peer: Process


def uvicorn(python: Path | str, app: str, port: int) -> list[str]:
    """The command of a bare ASGI app."""
    return [str(python), "-m", "uvicorn", app, "--port", str(port), "--log-level", "error", "--no-access-log"]


def serve(port: int, workers: int = 1) -> list[str]:
    """The command of the service."""
    more = ["--workers", str(workers)] if workers > 1 else []
    return [str(BIN / "cds-service"), "serve", "--port", str(port), *more]


def address(port: int, base: str = "") -> str:
    """Where the order-sign service is."""
    return f"http://127.0.0.1:{port}{base}/cds-services/{SERVICE}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, str]:
    """The ratio of the medians, and its spread over the repetitions."""
    each = [one / other for one, other in zip(ours, theirs, strict=True)]
    return statistics.median(ours) / statistics.median(theirs), f"{min(each):.2f} to {max(each):.2f}"


def alternating(measures: Sequence[Callable[[], Measured]], repeat: int) -> list[list[Measured]]:
    """Each measure once, then again, as often as said: what slows the machine slows all."""
    found: list[list[Measured]] = [[] for _ in measures]
    for _ in range(repeat):
        for results, measure in zip(found, measures, strict=True):
            results.append(measure())
    for one in (measured for results in found for measured in results):
        if one.failed:
            raise SystemExit(f"{one.failed} answers were no success")
    return found


def rate_row(name: str, reach: float, sent: bytes, servers: Servers, options: Options) -> str:
    """Requests a second against the floor's with the same body."""
    to = (servers.floor, servers.service)
    floor, ours = alternating([lambda one=one: wrk(one.url, sent, options.seconds) for one in to], options.repeat)
    value, spread = ratio([one.rate for one in ours], [one.rate for one in floor])
    median = statistics.median
    rates = f"{median(one.rate for one in ours):,.0f} against {median(one.rate for one in floor):,.0f} a second"
    return f"| {name} | at least {reach:g} of the floor | **{value:.2f}** ({spread}) | {rates} |"


def latency_row(servers: Servers, options: Options) -> str:
    """The slowest of a hundred, alone on a connection, in medians of the floor."""
    sent = body("acetylcysteine")
    measures = [
        lambda: wrk(servers.floor.url, sent, options.seconds, connections=1),
        lambda: wrk(servers.service.url, sent, options.seconds, connections=1),
    ]
    floor, ours = alternating(measures, options.repeat)
    value, spread = ratio([one.p99 for one in ours], [one.median for one in floor])
    slowest = statistics.median(one.p99 for one in ours) * 1000
    name = "acetylcysteine, p99 alone on a connection"
    return f"| {name} | under 10 floor medians | **{value:.1f}** ({spread}) | {slowest:.2f} ms |"


def peer_row(servers: Servers, options: Options) -> str:
    """HealthChain with the same body, beside us."""
    sent = body()
    measures = [lambda one=one: wrk(one.url, sent, options.seconds) for one in (servers.peer, servers.service)]
    theirs, ours = alternating(measures, options.repeat)
    value, spread = ratio([one.rate for one in ours], [one.rate for one in theirs])
    rate = f"HealthChain: {statistics.median(one.rate for one in theirs):,.0f} a second"
    return f"| other drug, 5 KB, against HealthChain {peer_version()} | – | **{value:.2f}** ({spread}) | {rate} |"


def peer_version() -> str:
    """The version that was measured."""
    code = "import importlib.metadata as m; print(m.version('healthchain'))"
    return subprocess.run([PEER, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def memory_row(environment: dict[str, str], options: Options) -> str:
    """Memory after ten thousand requests and after very many, one in ten for acetylcysteine."""
    with started(serve(8120), address(8120), body(), **environment) as process:
        sent, early = 0, 0.0
        while sent < options.requests:
            sent += wrk(process.url, body(), 9).requests + wrk(process.url, body("acetylcysteine"), 1).requests
            early = early or process.memory_mb
        late = process.memory_mb
    reach = f"within 10 % after {options.requests:,} requests; under 120 MB"
    grown = f"**{late:.0f} MB** ({late / early - 1:+.0%})"
    return f"| memory of a worker | {reach} | {grown} | {early:.0f} MB early, {sent:,} sent |"


def start_row(environment: dict[str, str], repeat: int) -> str:
    """From the command to the first answer."""
    times = []
    for _ in range(repeat):
        with started(serve(8121), address(8121), body(), **environment) as process:
            times.append(process.seconds_to_first_answer)
    spread = f"{min(times):.2f} to {max(times):.2f}"
    return f"| start to first answer | under 1.5 s | **{statistics.median(times):.2f} s** | {spread} |"


def workers_row(environment: dict[str, str], options: Options) -> str:
    """Two workers against one. The load generator needs a core of its own, so that on two cores they share."""
    with ExitStack() as stack:
        one = stack.enter_context(started(serve(8122), address(8122), body(), **environment))
        two = stack.enter_context(started(serve(8123, workers=2), address(8123), body(), **environment))
        measures = [lambda to=to: wrk(to.url, body("acetylcysteine"), options.seconds) for to in (one, two)]
        single, double = alternating(measures, options.repeat)
    value, spread = ratio([one.rate for one in double], [one.rate for one in single])
    return f"| two workers against one, acetylcysteine | 1.7 where two cores are free | **{value:.2f}** ({spread}) | |"


def rows(options: Options, environment: dict[str, str]) -> Iterator[str]:
    """Every row of the table."""
    with ExitStack() as stack:
        floor = stack.enter_context(
            started(uvicorn(sys.executable, "benchmarks.floor:app", 8110), address(8110), body())
        )
        ours = stack.enter_context(started(serve(8111), address(8111), body(), **environment))
        peer = stack.enter_context(started(uvicorn(PEER, "benchmarks.peer:app", 8112), address(8112, "/cds"), body()))
        servers = Servers(floor, ours, peer)
        yield rate_row("other drug, 5 KB (10 results)", 0.8, body(), servers, options)
        yield rate_row("other drug, 50 KB (100 results)", 2.0, body(results=100), servers, options)
        yield rate_row("other drug, 500 KB (1,000 results)", 4.0, body(results=1000), servers, options)
        yield rate_row("acetylcysteine, 5 KB, recording on", 0.25, body("acetylcysteine"), servers, options)
        yield latency_row(servers, options)
        yield peer_row(servers, options)
        if options.keep:
            plot(servers.floor.url, servers.service.url, ROOT / "docs" / "growth.svg", options.seconds)
    yield memory_row(environment, options)
    yield start_row(environment, options.repeat)
    yield workers_row(environment, options)


def write_readme(table: str) -> None:
    """Puts the table between the markers of README.md."""
    path = ROOT / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(MARK)
    _, _, after = rest.partition(MARK)
    path.write_text(f"{before}{MARK}\n{table}\n{MARK}{after}", encoding="utf-8")


def main() -> None:
    """Measures and prints; `--quick` does little of everything and writes nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one short run of each; README.md stays as it is")
    quick = parser.parse_args().quick
    options = Options(1, 1, 20_000, False) if quick else Options(2, 3, 1_000_000, True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"CDS_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/records.sqlite3"}
        found = [HEAD]
        print(HEAD)
        for row in rows(options, environment):
            print(row, flush=True)
            found.append(row)
    if options.keep:
        write_readme("\n".join(found))


if __name__ == "__main__":
    main()
