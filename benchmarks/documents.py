"""The figures of the documents. The table of README.md is the one place that has them, and those of
docs/performance.md for what is gathered; docs/operating.md takes its own from there. `python -m benchmarks.documents`
writes them anew.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
OPERATING = ROOT / "docs" / "operating.md"
PERFORMANCE = ROOT / "docs" / "performance.md"
BENCH = ("<!-- bench -->", "<!-- bench -->")
SIZE = ("<!-- size -->", "<!-- /size -->")
QUICK_FHIR_SERVER = "50 ms"  # of one query; a usual one


@dataclass(frozen=True)
class Figures:
    """What one worker does on a quiet machine: calls a second, ms of processor time, and MB of memory."""

    other_drug: float
    acetylcysteine: float
    gathered: float
    gathered_ms: float
    memory_mb: float


def read_figures(readme: str, performance: str) -> Figures:
    """The figures of the two documents. Raises `ValueError` where one is missing."""
    table = between(readme, BENCH)
    return Figures(
        other_drug=_number(r"^\| other drug, 5 KB \(.*\| ([\d,]+) vs ", table),
        acetylcysteine=_number(r"^\| acetylcysteine, 5 KB.*\| ([\d,]+) vs ", table),
        gathered=_number(rf"^\| {QUICK_FHIR_SERVER} .*\n\| \| 8 \| ([\d,]+) \|", performance),
        gathered_ms=_number(r"^\| acetylcysteine, all gathered .*\| ([\d.]+) ms \|$", performance),
        memory_mb=_number(r"^\| memory per worker .*?\*\*(\d+) MB(?:, missed)?\*\*", table),
    )


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"no document has the figure {pattern}")
    return float(found[1].replace(",", ""))


def size_table(figures: Figures) -> str:
    """The table of docs/operating.md."""
    rows = [
        ("about another drug, 5 KB", figures.other_drug, 1000 / figures.other_drug),
        ("about acetylcysteine, all prefetched, with recording", figures.acetylcysteine, 1000 / figures.acetylcysteine),
        (
            f"about acetylcysteine, all gathered from a FHIR server that takes {QUICK_FHIR_SERVER} a query",
            figures.gathered,
            figures.gathered_ms,
        ),
    ]
    lines = [f"| {calls} | {rate:,.0f} | {milliseconds:.2g} ms |" for calls, rate, milliseconds in rows]
    head = "| calls | a second | processor time of each |\n| --- | --- | --- |"
    return "\n".join([head, *lines, "", f"A worker holds {figures.memory_mb:.0f} MB after a million calls."])


def between(document: str, marks: tuple[str, str]) -> str:
    """What stands between two marks."""
    return document.partition(f"{marks[0]}\n")[2].partition(f"\n{marks[1]}")[0]


def replace_between(path: Path, marks: tuple[str, str], text: str) -> None:
    """Writes a text between two marks of a document. Raises `ValueError` where one is missing."""
    before, first, rest = path.read_text(encoding="utf-8").partition(f"{marks[0]}\n")
    _, second, after = rest.partition(f"\n{marks[1]}")
    if not (first and second):
        raise ValueError(f"{path.name} lacks {marks[0]} or {marks[1]}")
    path.write_text(f"{before}{first}{text}{second}{after}", encoding="utf-8")


def write_size() -> None:
    """Writes the figures into docs/operating.md."""
    figures = read_figures(README.read_text(encoding="utf-8"), PERFORMANCE.read_text(encoding="utf-8"))
    replace_between(OPERATING, SIZE, size_table(figures))


if __name__ == "__main__":
    write_size()
