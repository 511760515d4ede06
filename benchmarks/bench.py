"""`make bench`: measures the service, the floor and a peer in one run, prints the table and writes it into README.md.
A target that is missed is marked as missed.

Each row is a ratio of medians. The servers take turns, because the speed of a machine varies over time.
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
from benchmarks.charts import bodies
from benchmarks.documents import BENCH, README, replace_between, write_size
from benchmarks.growth import plot
from benchmarks.load import LoadResult, Process, started, wrk

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PEER = ROOT / ".peer-venv" / "bin" / "python"
SERVICE, MONITORING = "acetylcysteine-order-sign", "acetylcysteine-monitoring"
CHARTS = 10_000
SITE = """
[[card]]
card = "{card}"
mode = "on"
because = "It is measured."
decided_by = "the benchmark"
decided_on = 2026-11-29
"""
HEADER = "| workload | target | measured | details |\n| --- | --- | --- | --- |"


@dataclass(frozen=True)
class Options:
    """Seconds of each run, number of runs, requests of the memory row, and whether README and plot are written."""

    seconds: int
    runs: int
    requests: int
    write: bool


@dataclass(frozen=True)
class Servers:
    """The servers that are compared, each in its own process."""

    floor: Process
    service: Process
    peer: Process


@dataclass(frozen=True)
class RateComparison:
    """Median requests per second of two servers, and the ratio with its spread."""

    measured: float
    reference: float
    ratio: float
    spread: str


def uvicorn_command(python: Path | str, app: str, port: int) -> list[str]:
    return [str(python), "-m", "uvicorn", app, "--port", str(port), "--log-level", "error", "--no-access-log"]


def service_command(port: int, workers: int = 1) -> list[str]:
    options = ["--workers", str(workers)] if workers > 1 else []
    return [str(BIN / "cds-service"), "serve", "--port", str(port), *options]


def service_url(port: int, base: str = "") -> str:
    """URL of the order-sign service."""
    return f"http://127.0.0.1:{port}{base}/cds-services/{SERVICE}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, str]:
    """The ratio of the medians, and the lowest and highest ratio of single runs."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    return statistics.median(ours) / statistics.median(theirs), f"{min(ratios):.2f} to {max(ratios):.2f}"


def measured(value: str, is_met: bool) -> str:
    """A cell of the table: a value, marked where its target is missed."""
    return f"**{value}**" if is_met else f"**{value}, missed**"


def in_turns(loads: Sequence[Callable[[], LoadResult]], runs: int) -> list[list[LoadResult]]:
    """The results of each load. The loads take turns, so that whatever slows the machine slows all of them."""
    results: list[list[LoadResult]] = [[] for _ in loads]
    for _ in range(runs):
        for load_results, load in zip(results, loads, strict=True):
            load_results.append(load())
    failed = sum(result.failed for load_results in results for result in load_results)
    if failed:
        raise SystemExit(f"{failed} responses were not 2xx")
    return results


def compare_rates(
    measured: Process, reference: Process, sent: bytes, options: Options, service: str = SERVICE
) -> RateComparison:
    """Puts load on both servers in turns: the same body, or, at the opening of charts, many in turn."""
    script = "rotate.lua" if service == MONITORING else "post.lua"
    urls = [server.url.replace(SERVICE, service) for server in (reference, measured)]
    loads = [lambda url=url: wrk(url, sent, options.seconds, script=script) for url in urls]
    theirs, ours = ([result.rate for result in results] for results in in_turns(loads, options.runs))
    return RateComparison(statistics.median(ours), statistics.median(theirs), *ratio(ours, theirs))


def rate_row(name: str, target: float, sent: bytes, servers: Servers, options: Options) -> str:
    """Requests per second, compared with the floor's for the same body."""
    rates = compare_rates(servers.service, servers.floor, sent, options)
    details = f"{rates.measured:,.0f} vs {rates.reference:,.0f} requests/s"
    value = measured(f"{rates.ratio:.2f}", rates.ratio >= target)
    return f"| {name} | at least {target:g} × floor | {value} ({rates.spread}) | {details} |"


def charts_row(servers: Servers, options: Options) -> str:
    """Requests per second as charts without acetylcysteine are opened, compared with the floor's for the same."""
    charts = list(bodies(CHARTS))
    rates = compare_rates(servers.service, servers.floor, b"\n".join(charts), options, MONITORING)
    size = sum(map(len, charts)) / len(charts) / 1000
    name = f"patient-view for {CHARTS:,} charts without acetylcysteine, {size:.0f} KB: cost against the floor"
    value = measured(f"{rates.ratio:.2f}", rates.ratio >= 0.7)
    details = f"{rates.measured:,.0f} vs {rates.reference:,.0f} requests/s"
    return f"| {name} | at least 0.7 × floor | {value} ({rates.spread}) | {details} |"


def latency_row(servers: Servers, options: Options) -> str:
    """The 99th percentile with a single connection, as a multiple of the floor's median."""
    sent = body("acetylcysteine")
    loads = [
        lambda: wrk(servers.floor.url, sent, options.seconds, connections=1),
        lambda: wrk(servers.service.url, sent, options.seconds, connections=1),
    ]
    floor, ours = in_turns(loads, options.runs)
    value, spread = ratio([result.p99 for result in ours], [result.median for result in floor])
    p99_ms = statistics.median(result.p99 for result in ours) * 1000
    name = "acetylcysteine, p99 with one connection"
    return f"| {name} | under 10 × floor median | {measured(f'{value:.1f}', value < 10)} ({spread}) | {p99_ms:.2f} ms |"


def peer_row(servers: Servers, options: Options) -> str:
    """Requests per second, compared with HealthChain's for the same body."""
    rates = compare_rates(servers.service, servers.peer, body(), options)
    name = f"other drug, 5 KB, compared with HealthChain {peer_version()}"
    return f"| {name} | – | **{rates.ratio:.2f}** ({rates.spread}) | HealthChain: {rates.reference:,.0f} requests/s |"


def peer_version() -> str:
    code = "import importlib.metadata as m; print(m.version('healthchain'))"
    return subprocess.run([PEER, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def memory_row(environment: dict[str, str], options: Options) -> str:
    """Memory after ten seconds of load and at the end; one tenth of the time, the orders are for acetylcysteine."""
    with started(service_command(8120), service_url(8120), body(), **environment) as process:
        sent, first_mb = 0, 0.0
        while sent < options.requests:
            sent += wrk(process.url, body(), 9).requests + wrk(process.url, body("acetylcysteine"), 1).requests
            first_mb = first_mb or process.memory_mb
        last_mb = process.memory_mb
    target = f"grows by at most 10 % over {options.requests:,} requests; under 120 MB"
    growth = last_mb / first_mb - 1
    value = measured(f"{last_mb:.0f} MB", last_mb < 120 and growth <= 0.1)
    details = f"{first_mb:.0f} MB at first; {sent:,} requests sent"
    return f"| memory per worker | {target} | {value} ({growth:+.0%}) | {details} |"


def start_row(environment: dict[str, str], runs: int) -> str:
    """Seconds from running the command to the first response."""
    times = []
    for _ in range(runs):
        with started(service_command(8121), service_url(8121), body(), **environment) as process:
            times.append(process.seconds_to_first_response)
    median, spread = statistics.median(times), f"{min(times):.2f} to {max(times):.2f}"
    return f"| start to first response | under 1.5 s | {measured(f'{median:.2f} s', median < 1.5)} | {spread} |"


def workers_row(environment: dict[str, str], options: Options) -> str:
    """Two workers compared with one. On a machine with two cores they share one of them with the load generator."""
    with ExitStack() as stack:
        single = stack.enter_context(started(service_command(8122), service_url(8122), body(), **environment))
        double = stack.enter_context(
            started(service_command(8123, workers=2), service_url(8123), body(), **environment)
        )
        rates = compare_rates(double, single, body("acetylcysteine"), options)
    name = "two workers compared with one, acetylcysteine"
    value = measured(f"{rates.ratio:.2f}", rates.ratio >= 1.7)
    return f"| {name} | at least 1.7 on two idle cores | {value} ({rates.spread}) | |"


def rows(options: Options, environment: dict[str, str]) -> Iterator[str]:
    """The rows of the table, as they are measured."""
    floor_app, peer_app = "benchmarks.floor:app", "benchmarks.peer:app"
    with ExitStack() as stack:
        floor = stack.enter_context(
            started(uvicorn_command(sys.executable, floor_app, 8110), service_url(8110), body())
        )
        service = stack.enter_context(started(service_command(8111), service_url(8111), body(), **environment))
        peer = stack.enter_context(started(uvicorn_command(PEER, peer_app, 8112), service_url(8112, "/cds"), body()))
        servers = Servers(floor, service, peer)
        yield rate_row("other drug, 5 KB (10 results)", 0.7, body(), servers, options)
        yield rate_row("other drug, 50 KB (100 results)", 2.0, body(results=100), servers, options)
        yield rate_row("other drug, 500 KB (1,000 results)", 4.0, body(results=1000), servers, options)
        yield rate_row("acetylcysteine, 5 KB, recording on", 0.25, body("acetylcysteine"), servers, options)
        yield charts_row(servers, options)
        yield latency_row(servers, options)
        yield peer_row(servers, options)
        if options.write:
            plot(servers.floor.url, servers.service.url, ROOT / "docs" / "growth.svg", options.seconds)
    yield memory_row(environment, options)
    yield start_row(environment, options.runs)
    yield workers_row(environment, options)


def main() -> None:
    """Runs every benchmark and prints the table; `--quick` is a short run that writes no file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one short run of each benchmark; writes no file")
    quick = parser.parse_args().quick
    options = Options(1, 1, 20_000, False) if quick else Options(2, 3, 1_000_000, True)
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site.toml"
        site.write_text("".join(SITE.format(card=card) for card in ("follow-up-due", "response", "new-risk")))
        database = f"sqlite+aiosqlite:///{folder}/records.sqlite3"
        environment = {"CDS_DATABASE_URL": database, "CDS_SITE": str(site)}
        lines = [HEADER]
        print(HEADER)
        for row in rows(options, environment):
            print(row, flush=True)
            lines.append(row)
    if options.write:
        replace_between(README, BENCH, "\n".join(lines))
        write_size()


if __name__ == "__main__":
    main()
