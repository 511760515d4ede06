"""How replay grows with the size of an export, per engine, beside a plain `json.loads` pass over the same files.

    python -m benchmarks.replay --patients 1000 10000 --engines local duckdb dask --plot docs/replay.svg

Every run is a process of its own. Its processor time is the sum over all its processes, its peak memory the largest sum
that a look at /proc found, so that memory which processes share counts in each. On a machine that others use, ratios of
processor time say more than seconds do. 100,000 patients need 16 GB of disk and most of an hour for all engines.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path

from benchmarks.make_export import make_export
from cds_service.replay.counting import Counts
from cds_service.replay.engines.local import LocalMapper
from cds_service.replay.export import find_files
from cds_service.replay.replaying import answer_call, find_calls
from cds_service.replay.running import Replay, Replayed
from cds_service.replay.scanning import read_segments
from cds_service.replay.tasks import Setup, contents_of, resources_by_patient, rules_of
from cds_service.replay.work import Work
from cds_service.settings import CARDS

FLOOR = """
import json, sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            json.loads(line)
"""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 300, 60, 40
_COLOURS = {"json.loads": "#777", "local": "#b40", "local, 1 process": "#0a6", "duckdb": "#06b", "dask": "#a0a"}


@dataclass(frozen=True)
class Run:
    """One run: its name, how many patients, its seconds by the clock and of processors, its peak memory in MB."""

    name: str
    patients: int
    seconds: float
    processor: float
    memory: float
    digest: str = ""


def main() -> None:
    """Runs what the command line asks for, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--engines", nargs="+", default=["local", "duckdb", "dask"])
    parser.add_argument("--folder", type=Path, help="where exports are made; a temporary folder by default")
    parser.add_argument("--plot", type=Path, help="write a plot of processor time and memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        runs = [run for patients in options.patients for run in measure(Path(folder), patients, options.engines)]
    print_table(runs)
    if options.plot:
        options.plot.write_text(plot(runs) + "\n", encoding="utf-8")


def measure(folder: Path, patients: int, engines: Sequence[str]) -> Iterator[Run]:
    """The floor and each engine on one export, which is removed afterwards."""
    export = folder / f"export-{patients}"
    resources = make_export(export, patients, seed=1)
    size = sum(path.stat().st_size for path in export.iterdir())
    print(f"{patients:,} patients, {resources:,} resources, {size / 1e6:,.0f} MB", flush=True)
    files = [str(path) for path in sorted(export.iterdir())]
    yield _say(_run("json.loads", patients, [sys.executable, "-c", FLOOR, *files]))
    commands = {"local, 1 process": ["--processes", "1"]} if "local" in engines else {}
    commands |= {engine: ["--engine", engine] for engine in engines}
    for name, arguments in commands.items():
        out = folder / "out"
        command = [sys.executable, "-m", "cds_service", "replay", str(export), "--out", str(out), *arguments]
        run = _run(name, patients, command)
        digest = json.loads((out / "report.json").read_text(encoding="utf-8"))["decisions_digest"]
        yield _say(Run(run.name, patients, run.seconds, run.processor, run.memory, digest[:12]))
    measure_deciding(export, folder / "deciding")
    for path in export.iterdir():
        path.unlink()


def _say(run: Run) -> Run:
    print(f"  {run.name}: {run.seconds:.1f} s, processor {run.processor:.1f} s, {run.memory:.0f} MB", flush=True)
    return run


def _run(name: str, patients: int, command: Sequence[str]) -> Run:
    """Runs a command, and looks at the memory of its processes ten times a second."""
    began, peak = time.monotonic(), 0
    before = os.times()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, sum(_memory(pid) for pid in _descendants(process.pid)))
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{name} ended with {process.returncode}")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(name, patients, time.monotonic() - began, used, peak / 1e6)


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from _descendants(int(child))


def _memory(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def measure_deciding(export: Path, out: Path) -> None:
    """Processor time of one call on one core, and the share of it that each step takes; no file is read meanwhile."""
    setup = Setup(str(CARDS))
    out.mkdir(exist_ok=True)
    replayed = Replay(find_files(export), setup, Work(out, "", False), LocalMapper(1), lambda *_: None).run()
    times, calls = _steps(replayed, setup)
    whole = sum(times.values())
    shares = ", ".join(f"{step} {100 * spent / whole:.0f} %" for step, spent in times.items())
    print(f"  deciding on one core: {calls:,} calls, {calls / whole:,.0f} a second of processor time ({shares})")


def _steps(replayed: Replayed, setup: Setup) -> tuple[dict[str, float], int]:
    contents, rules = contents_of(setup), rules_of(setup, replayed.types)
    began = time.process_time()
    lines = [line for segments in replayed.segments.values() for line in read_segments(segments)]
    patients = list(resources_by_patient(lines, Counts()))
    decoded = time.process_time()
    found = [find_calls(patient, resources, contents, rules, Counts()) for patient, resources in patients]
    sorted_out = time.process_time()
    for record, calls in found:
        for call in calls:
            answer_call(record, call, contents.deciding, rules)
    answered = time.process_time()
    times = {"decoding": decoded - began, "finding calls": sorted_out - decoded, "answering": answered - sorted_out}
    return times, sum(len(calls) for _, calls in found)


def print_table(runs: Sequence[Run]) -> None:
    """A row for each run, its processor time as a ratio to that of `json.loads` over the same files."""
    floors = {run.patients: run.processor for run in runs if run.name == "json.loads"}
    print("\n| patients | run | seconds | processor seconds | to `json.loads` | peak memory | decisions |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for run in runs:
        ratio = run.processor / floors[run.patients]
        print(
            f"| {run.patients:,} | {run.name} | {run.seconds:.1f} | {run.processor:.1f} | {ratio:.2f} "
            f"| {run.memory:.0f} MB | {run.digest} |"
        )


def plot(runs: Sequence[Run]) -> str:
    """Processor seconds against patients, both axes logarithmic."""
    sizes = sorted({run.patients for run in runs})
    most, least = max(run.processor for run in runs), min(run.processor for run in runs)

    def x(patients: int) -> float:
        return _LEFT + (_WIDTH - 2 * _LEFT) * sizes.index(patients) / max(len(sizes) - 1, 1)

    def y(seconds: float) -> float:
        return 40 + (_HEIGHT - 40 - _BOTTOM) * log10(most / seconds) / max(log10(most / least), 0.1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_LEFT}" y="18">Seconds of processor time by patients; both axes are logarithmic</text>',
    ]
    parts += [f'<text x="{x(size):.0f}" y="{_HEIGHT - 12}" text-anchor="middle">{size:,}</text>' for size in sizes]
    for row, name in enumerate(dict.fromkeys(run.name for run in runs)):
        points = [(x(run.patients), y(run.processor), run.processor) for run in runs if run.name == name]
        colour = _COLOURS.get(name, "#333")
        line = " ".join(f"{left:.0f},{top:.0f}" for left, top, _ in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{_LEFT + 8}" y="{54 + 15 * row}" fill="{colour}">{name}</text>')
        left, top, seconds = points[-1]
        parts.append(f'<text x="{left + 4:.0f}" y="{top + 4:.0f}" fill="{colour}">{seconds:.0f} s</text>')
    return "\n".join([*parts, "</svg>"])


if __name__ == "__main__":
    main()
