"""Runs wrk, and starts and stops the servers that are measured."""

import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class LoadResult:
    """One run of wrk: requests per second, latencies in seconds, and the number of requests not answered with 2xx."""

    rate: float
    median: float
    p99: float
    requests: int
    failed: int


def wrk(url: str, body: bytes, seconds: int, connections: int = 8, script: str = "post.lua") -> LoadResult:
    """Sends the same body over and over, or by `rotate.lua` its lines in turn: from one thread, kept alive."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / script), url]
        output = subprocess.run([*command, "--", file.name], capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    errors = re.search(r"Socket errors: (.*)", output)
    return LoadResult(
        rate=float(_search(r"Requests/sec:\s+([\d.]+)", output)[1]),
        median=_seconds(_search(r"50%\s+([\d.]+)(us|ms|s)", output)),
        p99=_seconds(_search(r"99%\s+([\d.]+)(us|ms|s)", output)),
        requests=int(_search(r"(\d+) requests in", output)[1]),
        failed=int(failed[1]) if failed else sum(map(int, re.findall(r"\d+", errors[1]))) if errors else 0,
    )


def _search(pattern: str, output: str) -> re.Match[str]:
    match = re.search(pattern, output)
    if match is None:
        raise ValueError(f"{pattern} not found in the output of wrk: {output}")
    return match


def _seconds(match: re.Match[str]) -> float:
    return float(match[1]) * _UNITS[match[2]]


@dataclass
class Process:
    """A server started for a benchmark."""

    pid: int
    url: str
    seconds_to_first_response: float

    @property
    def memory_mb(self) -> float:
        """Resident memory of the process and its descendants, in MB."""
        return sum(_resident_kb(pid) for pid in _process_tree(self.pid)) / 1024


def _process_tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(descendant for child in children for descendant in _process_tree(int(child)))]


def _resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(_search(r"VmRSS:\s+(\d+) kB", status)[1])


@contextmanager
def started(command: Sequence[str], url: str, first_body: bytes, **environment: str) -> Iterator[Process]:
    """Starts a server, waits for its response to the first body, and terminates it at the end."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for_response(process, url, first_body)
        yield Process(process.pid, url, time.perf_counter() - start)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_response(process: "subprocess.Popen[bytes]", url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            opener.open(request, timeout=5).read()
            return
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code == 401:
                return  # the token of the measurement is made later
        time.sleep(0.01)
    raise RuntimeError(f"{process.args} did not respond at {url}")
