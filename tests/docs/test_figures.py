"""The documents give one figure for one thing, and a missed target is called missed."""

import re
from pathlib import Path

import pytest

from benchmarks.bench import measured
from benchmarks.documents import (
    BENCH,
    OPERATING,
    PERFORMANCE,
    README,
    SIZE,
    between,
    read_figures,
    replace_between,
    size_table,
)
from tests.docs.blocks import DOCUMENTS

TABLE = between(README.read_text(encoding="utf-8"), BENCH)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()[2:]]


def test_operating_has_the_figures_of_the_readme() -> None:
    figures = read_figures(README.read_text(encoding="utf-8"), PERFORMANCE.read_text(encoding="utf-8"))
    written = between(OPERATING.read_text(encoding="utf-8"), SIZE)
    assert written == size_table(figures), "run python -m benchmarks.documents"


def test_no_other_document_says_how_much_memory_a_worker_holds() -> None:
    """The tables of earlier runs, and limits, do not say what a worker holds now."""
    said = {path: re.findall(r"worker holds[^.|]*?\d+ MB", path.read_text(encoding="utf-8")) for path in DOCUMENTS}
    assert {path.name for path, figures in said.items() if figures} == {OPERATING.name}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_missed_target_is_marked_as_missed(row: list[str]) -> None:
    _, target, cell, _ = row
    (value,) = re.findall(r"\*\*([\d.]+)", cell)
    bound = re.search(r"(at least|under) ([\d.]+)", target)
    if bound is None:
        assert target == "–"  # a comparison without a target
        return
    is_met = float(value) >= float(bound[2]) if bound[1] == "at least" else float(value) < float(bound[2])
    assert ("missed" in cell) is not is_met


def test_the_bench_marks_what_it_writes() -> None:
    assert measured("0.71", is_met=True) == "**0.71**"
    assert measured("0.08", is_met=False) == "**0.08, missed**"


def test_a_table_without_its_marks_is_not_written(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("no marks\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks"):
        replace_between(document, SIZE, "text")
    with pytest.raises(ValueError, match="no document has"):
        read_figures("", "")
