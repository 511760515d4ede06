"""Cockcroft and Gault, and what stands in where it cannot be computed."""

from decimal import Decimal

import pytest

from cds_service.clinical.facts import Fact, State
from cds_service.clinical.kidney.clearance import cockcroft_gault
from cds_service.clinical.kidney.facts import read_kidney_facts
from cds_service.clinical.labs.weight import read_weight
from cds_service.clinical.patient import read_patient
from cds_service.content.examples import read_json
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, ROOT, VOCABULARY


@pytest.mark.parametrize(
    ("creatinine", "age", "weight", "sex", "expected"),
    [
        ("1.2", 60, "80", "male", "74.07"),
        ("0.9", 45, "65", "female", "81.00"),
        ("1.4", 65, "70", "male", "52.08"),
        ("0.9", 45, "60", "female", "74.77"),
        ("3.2", 60, "72", "male", "25.00"),
        ("3.2", 60, "72", "female", "21.25"),
    ],
)
def test_known_answers(creatinine: str, age: int, weight: str, sex: str, expected: str) -> None:
    found = cockcroft_gault(Decimal(creatinine), age, Decimal(weight), sex)

    assert found.quantize(Decimal("0.01")) == Decimal(expected)


def fact_of(patient: str = "ulf-clearance-25", **changes: str) -> Fact:
    """The clearance of a fixture patient; a change is a member of the Patient, or `weight_on`: the weight's date."""
    prefetch = prefetch_from(
        read_json(ROOT / "fixtures" / "patients" / f"{patient}.json"), patient, VOCABULARY.code_lists
    )
    weight_on = changes.pop("weight_on", "")
    if weight_on:
        prefetch["bodyMeasures"]["entry"][0]["resource"]["effectiveDateTime"] = weight_on
    for key in changes.pop("without", "").split():
        del prefetch[key]
    if prefetch.get("patient"):
        prefetch["patient"].update(changes)
    chart = build_chart(patient, prefetch)
    person = read_patient(chart, 120, NOW.date())
    weight = read_weight(chart, VOCABULARY, person.age_on(NOW.date()), NOW).weight
    return read_kidney_facts(chart, VOCABULARY, person, weight, NOW)["clearance"]


def test_it_is_computed_exactly() -> None:
    fact = fact_of()

    assert fact.value == 25
    assert "25 mL/min (Cockcroft–Gault)" in fact.texts["amount"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"without": "bodyMeasures"}, id="no weight"),
        pytest.param({"weight_on": "2025-11-22"}, id="a weight older than 365 days"),
    ],
)
def test_egfr_stands_in_and_says_so(changes: dict[str, str]) -> None:
    fact = fact_of(**changes)

    assert "since no creatinine clearance can be computed" in fact.texts["amount"]
    assert isinstance(fact.value, Decimal)
    assert fact.value < 25  # by CKD-EPI 2021, 21.4


def test_a_weight_of_just_365_days_is_relied_on() -> None:
    assert fact_of(weight_on="2025-11-23").value == 25


@pytest.mark.parametrize(
    "changes", [{"gender": "other"}, {"gender": "unknown"}, {"birthDate": "66"}, {"birthDate": "2008"}]
)
def test_without_sex_or_age_neither_can_be_told(changes: dict[str, str]) -> None:
    assert fact_of(**changes).state is State.UNKNOWN


def test_kidney_results_that_were_not_sent_are_unknown() -> None:
    assert fact_of(without="kidneyResults").state is State.UNKNOWN


def test_a_childs_clearance_is_its_egfr() -> None:
    fact = fact_of("hugo-child")

    assert "bedside Schwartz" in fact.texts["amount"]
    assert fact.value == Decimal("0.413") * 140 / Decimal("0.8")
