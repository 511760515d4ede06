"""What the package declares and where it finds its data; `installing.py` installs it for real."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cds_service import __version__
from cds_service.api.openapi import EXAMPLES
from cds_service.settings import CARDS, FIXTURES, find_data
from tests.command import run_command
from tests.support import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, BUILD = PYPROJECT["project"], PYPROJECT["tool"]["hatch"]["build"]
DECLARED = {"run": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
REQUIREMENTS = [Requirement(line) for line in chain(*DECLARED.values())]


def names_of(lines: list[str]) -> list[str]:
    return [line for line in lines if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_locked_is_what_the_package_declares(name: str) -> None:
    lines = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()

    assert names_of(lines) == DECLARED[name]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_every_dependency_has_an_oldest_and_a_first_untested_release(requirement: Requirement) -> None:
    operators = {bound.operator for bound in requirement.specifier}

    assert operators == ({">="} if requirement.name == "structlog" else {">=", "<"})  # structlog's versions are dates


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_the_locked_release_is_within_its_bounds(requirement: Requirement) -> None:
    locks = "".join((ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8") for name in DECLARED)
    (version,) = set(re.findall(rf"^{canonicalize_name(requirement.name)}==(\S+)", locks, re.MULTILINE))

    assert version in requirement.specifier


def test_every_distribution_that_is_imported_is_declared() -> None:
    distributions = packages_distributions()
    imported = set(chain(*(imports_of(path) for path in (ROOT / "cds_service").rglob("*.py"))))
    foreign = imported - {"cds_service"} - sys.stdlib_module_names
    declared = {canonicalize_name(requirement.name) for requirement in REQUIREMENTS}

    assert len(foreign) > 10
    assert [
        name for name in foreign if not {canonicalize_name(one) for one in distributions.get(name, [name])} & declared
    ] == []


def imports_of(path: Path) -> set[str]:
    """The top-level modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = chain(*(node.names for node in nodes if isinstance(node, ast.Import)))
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in (*(alias.name for alias in plain), *modules)}


# ---------------------------------------------------------------- data


def test_in_the_repository_the_data_are_beside_the_package() -> None:
    assert (CARDS, FIXTURES) == (ROOT / "cards", ROOT / "fixtures")


def test_where_the_package_is_installed_the_data_are_in_it(tmp_path: Path) -> None:
    for folder in (tmp_path / "package" / "cards", tmp_path / "cards"):
        folder.mkdir(parents=True)

    assert find_data("cards", tmp_path / "package") == tmp_path / "package" / "cards"


def test_the_package_has_the_requests_and_replies_that_the_openapi_document_shows() -> None:
    included = BUILD["only-include"]

    for folder in ("requests", "responses"):
        shown = {f"fixtures/{folder}/{name}.json" for name in EXAMPLES.values()}
        assert {path for path in included if path.startswith(f"fixtures/{folder}")} == shown
    assert [path for path in included if not (ROOT / path).exists()] == []


def test_the_command_prints_its_version() -> None:
    done = run_command("--version")

    assert (done.exit_code, done.stdout) == (0, f"cds-service {__version__}\n")
