"""Results that were seen and not used: refused, retracted, or only named like glutamate or cystine."""

from typing import Any

import pytest

from cds_service.clinical.facts import Origin, State
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests import builders
from tests.builders import LOINC, bundle
from tests.support import NOW, VOCABULARY, draft_orders_of


def observation(code: Any, number: int = 1, **members: Any) -> dict[str, Any]:
    usual = {"id": f"o{number}", "valueQuantity": {"value": 64, "unit": "umol/L"}}
    return builders.observation(code, **{**usual, **members})


def facts(*resources: dict[str, Any], **prefetch: Any) -> Any:
    chart = build_chart("p", {"aminoAcids": bundle(*resources), **prefetch})
    return read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)


def said(*resources: dict[str, Any]) -> tuple[str, ...]:
    listed = facts(*resources)["results_unused"].texts.get("list", ())
    assert isinstance(listed, tuple)
    return listed


def coded(code: str, display: str, system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            coded("14749-6", "Glutamate [Mass/volume] in Serum"),
            "“Glutamate [Mass/volume] in Serum”, 20 November 2026: its code means glucose",
            id="glucose labelled glutamate, seen in the wild",
        ),
        pytest.param(
            {"text": "Glutamic acid, plasma"},
            "“Glutamic acid, plasma”, 20 November 2026: it has no code that this service reads",
            id="a name without a code",
        ),
        pytest.param(
            coded("X1", "Cystine", "http://lab.example"),
            "“Cystine”, 20 November 2026: it has no code that this service reads",
            id="a laboratory's own code",
        ),
        pytest.param(
            coded("2369-7", "Glutamate dehydrogenase"),
            "“Glutamate dehydrogenase”, 20 November 2026: its code means",
            id="an enzyme",
        ),
    ],
)
def test_what_is_only_named_like_an_amino_acid_is_named_and_not_used(code: Any, expected: str) -> None:
    (line,) = said(observation(code))

    assert line.startswith(expected)
    assert facts(observation(code))["glutamate"].state is State.ABSENT


@pytest.mark.parametrize(
    "code",
    [
        coded("2345-7", "Glucose [Mass/volume] in Serum or Plasma"),
        coded("14749-6", "Glucose [Moles/volume] in Serum or Plasma"),
        coded("20643-3", "Glutamine [Moles/volume] in Serum or Plasma"),
        coded("20642-5", "Glutamate [Moles/volume] in Serum or Plasma"),
        {"text": "alanine"},
        None,
    ],
    ids=str,
)
def test_what_is_neither_coded_nor_named_so_is_not_mentioned(code: Any) -> None:
    assert said(observation(code)) == ()


def test_a_member_of_a_panel_that_was_entered_in_error_is_not_used() -> None:
    glutamate = observation(coded("20642-5", "Glutamate"))
    panel = {
        "resourceType": "Observation",
        "id": "panel",
        "status": "entered-in-error",
        "code": coded("35083-5", "Amino acids panel"),
        "hasMember": [{"reference": "Observation/o1"}],
    }

    assert facts(glutamate, panel)["glutamate"].state is State.ABSENT
    assert "its panel was entered in error or cancelled" in said(glutamate, panel)[0]
    assert facts(glutamate, {**panel, "status": "final"})["glutamate"].state is State.KNOWN


def test_a_result_of_a_cancelled_report_is_not_used() -> None:
    glutamate = observation(coded("20642-5", "Glutamate"))
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "cancelled",
        "result": [{"reference": "https://ehr.example/fhir/Observation/o1"}],
    }

    assert facts(glutamate, report)["glutamate"].state is State.ABSENT


def test_an_active_medication_without_a_name_leaves_the_time_of_the_sample_unknown() -> None:
    nameless = {"resourceType": "MedicationRequest", "id": "m", "status": "active"}
    nameless["medicationReference"] = {"reference": "Medication/1"}  # type: ignore[assignment]
    medications = {"resourceType": "Bundle", "entry": [{"resource": nameless}]}

    fact = facts(observation(coded("20642-5", "Glutamate")), activeMedications=medications)["glutamate_sample"]

    assert (fact.state, fact.note) == (State.UNKNOWN, "an active medication has no name that can be read")


def test_a_component_that_is_only_named_like_an_amino_acid_is_named_with_the_panel_and_its_date() -> None:
    parts = [
        {"code": coded("20642-5", "Glutamate")},
        {"code": {"text": "Glycine"}},
        {"code": {"text": "Cystine, urine"}},
    ]
    panel = observation(coded("35083-5", "Amino acids panel"), component=parts, valueQuantity=None)
    fact = facts(panel)["results_unused"]
    line = "“Cystine, urine”, 20 November 2026: it has no code that this service reads"
    assert line in fact.texts["list"]
    assert Origin("Observation/o1", "it has no code that this service reads") in fact.origins
