"""The core stays a core: it loads no framework, and its functions and files stay small."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.support import ROOT

CORE = ["cds_service.clinical.reading", "cds_service.guidance.deciding", "cds_service.guidance.rendering"]
FRAMEWORKS = {"fastapi", "starlette", "httpx", "uvicorn", "sqlalchemy", "alembic", "aiosqlite", "psycopg"}
EDGE = "cds_service.app"
FILES = sorted((ROOT / "cds_service").rglob("*.py"))
LONGEST_FUNCTION, MEDIAN_FUNCTION, LONGEST_FILE = 40, 10, 400


def loaded_by(module: str) -> set[str]:
    """The top-level modules that are loaded once a module has been imported, in an interpreter of its own."""
    script = f"import json, sys; import {module}; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", CORE)
def test_the_core_loads_no_framework(module: str) -> None:
    loaded = loaded_by(module)
    assert "cds_service" in loaded
    assert loaded & FRAMEWORKS == set()


def test_the_edge_does_load_the_frameworks_so_that_the_test_above_can_fail() -> None:
    assert {"fastapi", "starlette", "sqlalchemy", "alembic"} <= loaded_by(EDGE)


def functions_in(source: str) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function, its decorators left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def lengths() -> dict[str, int]:
    return {
        f"{path.relative_to(ROOT)}: {name}": length
        for path in FILES
        for name, length in functions_in(path.read_text(encoding="utf-8"))
    }


def test_no_function_is_longer_than_40_lines() -> None:
    assert {name: length for name, length in lengths().items() if length > LONGEST_FUNCTION} == {}


def test_the_median_function_has_fewer_than_10_lines() -> None:
    assert len(lengths()) > 200
    assert median(lengths().values()) < MEDIAN_FUNCTION


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_has_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST_FILE


SOURCES: dict[str, tuple[str, dict[str, int]]] = {
    "one line": ("def a(): pass\n", {"a": 1}),
    "a body": ("def a():\n    b = 1\n    return b\n", {"a": 3}),
    "a decorator does not count": ("@cache\ndef a():\n    return 1\n", {"a": 2}),
    "a method": ("class C:\n    def a(self):\n        return 1\n", {"a": 2}),
    "an inner function counts in both": ("def a():\n    def b():\n        return 1\n    return b\n", {"a": 4, "b": 2}),
    "an async function": ("async def a():\n    return 1\n", {"a": 2}),
}


@pytest.mark.parametrize(("source", "found"), SOURCES.values(), ids=SOURCES)
def test_functions_are_measured_from_def_to_their_last_line(source: str, found: dict[str, int]) -> None:
    assert dict(functions_in(source)) == found


def imports_of(path: Path) -> set[str]:
    """The top-level modules that a file imports, inside functions too."""
    found: set[Any] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


PURE = [path for path in FILES if path.relative_to(ROOT / "cds_service").parts[0] in ("fhir", "clinical", "guidance")]
IMPURE = {"os", "pathlib", "logging", "socket", "random", "time", "uuid", "structlog", "tomllib", "csv", "io"}


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_the_core_imports_nothing_that_does_io_reads_the_clock_or_makes_ids(path: Path) -> None:
    assert imports_of(path) & (IMPURE | FRAMEWORKS) == set()


def test_the_files_of_the_core_are_all_there() -> None:
    assert len(PURE) > 30
    assert {"reading.py", "deciding.py", "rendering.py"} <= {path.name for path in PURE}


def calls_of(path: Path) -> set[str]:
    """Every `name.attribute` that a file mentions."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {
        f"{node.value.id}.{node.attr}"
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_app_reads_the_clock(path: Path) -> None:
    clock = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    reads = bool(calls_of(path) & clock)
    assert reads is (path.name == "app.py")
