"""Load by wrk, and the processes that it is put on."""

import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Measured:
    """One run of wrk: requests a second, latencies in seconds, and how many answers were no 2xx."""

    rate: float
    median: float
    p99: float
    requests: int
    failed: int


def wrk(url: str, body: bytes, seconds: int, connections: int = 8) -> Measured:
    """Sends one body over and over, over kept-alive connections, from one thread."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / "post.lua"), url]
        said = subprocess.run([*command, "--", file.name], capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: (.*)", said)
    return Measured(
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", said)[1]),
        median=_seconds(_found(r"50%\s+([\d.]+)(us|ms|s)", said)),
        p99=_seconds(_found(r"99%\s+([\d.]+)(us|ms|s)", said)),
        requests=int(_found(r"(\d+) requests in", said)[1]),
        failed=int(failed[1]) if failed else sum(map(int, re.findall(r"\d+", errors[1]))) if errors else 0,
    )


def _found(pattern: str, said: str) -> re.Match[str]:
    match = re.search(pattern, said)
    if match is None:
        raise ValueError(f"wrk did not say {pattern}: {said}")
    return match


def _seconds(match: re.Match[str]) -> float:
    return float(match[1]) * _UNITS[match[2]]


@dataclass
class Process:
    """A server that was started for a measurement."""

    pid: int
    url: str
    seconds_to_first_answer: float

    @property
    def memory_mb(self) -> float:
        """Resident memory of it and its children, in MB."""
        return sum(_resident_kb(pid) for pid in _family(self.pid)) / 1024


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(_found(r"VmRSS:\s+(\d+) kB", status)[1])


@contextmanager
def started(command: Sequence[str], url: str, first: bytes, **environment: str) -> Iterator[Process]:
    """The server of a command, from its first answer on; ended by its process id."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for_answer(process, url, first)
        yield Process(process.pid, url, time.perf_counter() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_answer(process: "subprocess.Popen[bytes]", url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError):
            opener.open(request, timeout=5).read()
            return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args} gave no answer at {url}")
