"""One package knows the FHIR versions: a name that not every version has stands in no other module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

ONE_PLACE = sorted((ROOT / "cds_service" / "fhir" / "versions").glob("*.py"))
EDGE = {*(ROOT / "cds_service" / "cli").glob("*.py"), *(ROOT / "cds_service").glob("*/logs.py")} | {
    ROOT / "cds_service" / name for name in ("app.py", "settings.py")
}  # they read no resource
FILES = sorted({*(ROOT / "cds_service").rglob("*.py")} - {*ONE_PLACE} - EDGE)
NAMES = {
    "MedicationOrder",
    "ProcedureRequest",
    "ServiceRequest",
    "additionalInstruction",
    "additionalInstructions",
    "asNeeded",
    "asNeededBoolean",
    "asNeededCodeableConcept",
    "asNeededFor",
    "authoredOn",
    "boundsDuration",
    "boundsQuantity",
    "boundsRange",
    "dateAsserted",
    "dateWritten",
    "doseAndRate",
    "doseQuantity",
    "doseRange",
    "doseSimpleQuantity",
    "dosage",
    "effectiveDosePeriod",
    "hasMember",
    "ingredient",
    "item",
    "itemCodeableConcept",
    "itemReference",
    "meaning",
    "medication",
    "medicationCodeableConcept",
    "medicationReference",
    "note",
    "periodUnit",
    "periodUnits",
    "reasonCode",
    "reasonCodeableConcept",
    "reasonReference",
    "related",
    "renderedDosageInstruction",
    "subject",
    "substance",
}
OF_A_CONTEXT = {"cds_service/hooks/requests.py": {"medication"}}  # a member of the context of medication-verify
VERSIONS = {"DSTU2", "STU3", "R4", "R4B", "R5"}


def strings_in(source: str) -> Iterator[str]:
    """Every string that a module holds, but for its docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_knows_the_versions(path: Path) -> None:
    found = set(strings_in(path.read_text(encoding="utf-8"))) & (NAMES | VERSIONS)
    assert found == OF_A_CONTEXT.get(str(path.relative_to(ROOT)), set())


def test_the_one_place_knows_every_name() -> None:
    strings = {string for path in ONE_PLACE for string in strings_in(path.read_text(encoding="utf-8"))}
    assert (NAMES | VERSIONS - {"R4B"}) <= strings


def test_a_name_is_found_in_code_and_not_in_a_docstring() -> None:
    source = '"""hasMember"""\ndef read(one):\n    """hasMember"""\n    return one.get("periodUnits")\n'

    assert set(strings_in(source)) == {"periodUnits"}
