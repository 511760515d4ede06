"""Orders and searches are written under the names of the version that is asked for."""

from collections.abc import Iterable
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class as r4b_model

from cds_service.fhir.json import codings
from cds_service.fhir.versions import DSTU2, R4, R5, STU3, elements, writing

EVERY = (DSTU2, STU3, R4, R5)
Json = Any

CONCEPT = {"coding": [{"system": "s", "code": "c", "display": "d"}]}
POINTER = {"reference": "Condition/1"}


def codes_in(concepts: Iterable[Json]) -> set[str]:
    return {coding.code for concept in concepts for coding in codings(concept)}


@pytest.mark.parametrize(
    ("version", "search", "expected"),
    [
        (DSTU2, "MedicationRequest?patient=p&_count=200", "MedicationOrder?patient=p&_count=200"),
        (DSTU2, "Observation?patient=p&_sort=-date&_count=9", "Observation?patient=p&_sort:desc=date&_count=9"),
        (DSTU2, "Patient/MedicationRequest", "Patient/MedicationRequest"),
        (DSTU2, "MedicationRequest?patient=p&code=odd?", "MedicationOrder?patient=p&code=odd?"),
        (STU3, "MedicationRequest?patient=p&_sort=-date", "MedicationRequest?patient=p&_sort=-date"),
        (R4, "MedicationRequest?patient=p&_sort=-date", "MedicationRequest?patient=p&_sort=-date"),
        (R5, "MedicationRequest?patient=p&_sort=-date", "MedicationRequest?patient=p&_sort=-date"),
    ],
)
def test_a_search_as_the_servers_of_a_version_know_it(version: str, search: str, expected: str) -> None:
    assert writing.write_search(version, search) == expected


DAILY, ROUTE = {"value": 2400, "unit": "mg"}, {"text": "oral"}
UNIT = {DSTU2: "periodUnits", STU3: "periodUnit", R4: "periodUnit", R5: "periodUnit"}
DOSE: dict[str, Json] = {
    DSTU2: {"doseQuantity": DAILY},
    STU3: {"doseQuantity": DAILY},
    R4: {"doseAndRate": [{"doseQuantity": DAILY}]},
    R5: {"doseAndRate": [{"doseQuantity": DAILY}]},
}


@pytest.mark.parametrize("version", EVERY)
def test_a_dosage_is_written_under_the_names_of_the_version(version: str) -> None:
    order = {"id": "o", "text": {"div": "old"}, "renderedDosageInstruction": "old", "priority": "routine"}

    assert writing.replace_dosage(order, version, "once a day", DAILY, ROUTE) == {
        "id": "o",
        "priority": "routine",
        "dosageInstruction": [
            {
                "text": "once a day",
                "timing": {"repeat": {"frequency": 1, "period": 1, UNIT[version]: "d"}},
                "route": ROUTE,
                **DOSE[version],
            }
        ],
    }


@pytest.mark.parametrize("name", ["boundsDuration", "boundsPeriod", "boundsQuantity", "boundsRange"])
def test_the_first_bounds_of_the_old_dosage_are_kept(name: str) -> None:
    repeats: list[Json] = [None, "odd", {"frequency": 3}, {name: {"value": 28}, "count": 5}, {name: {"value": 1}}]
    order = {"dosageInstruction": [{"timing": {"repeat": repeat}} for repeat in repeats]}

    (instruction,) = writing.replace_dosage(order, R4, "", DAILY, ROUTE)["dosageInstruction"]
    assert instruction["timing"]["repeat"] == {name: {"value": 28}, "frequency": 1, "period": 1, "periodUnit": "d"}


@pytest.mark.parametrize(
    ("version", "kind", "code"),
    [
        (STU3, "ProcedureRequest", {"text": "a test"}),
        (R4, "ServiceRequest", {"text": "a test"}),
        (R5, "ServiceRequest", {"concept": {"text": "a test"}}),
    ],
)
def test_a_draft_order_is_written_under_the_names_of_the_version(version: str, kind: str, code: Json) -> None:
    assert writing.draft_service_order(version, {"text": "a test"}, "p", "2026-11-23") == {
        "resourceType": kind,
        "status": "draft",
        "intent": "order",
        "code": code,
        "subject": {"reference": "Patient/p"},
        "occurrenceDateTime": "2026-11-23",
    }


def test_no_draft_order_is_written_for_dstu2() -> None:
    assert writing.draft_service_order(DSTU2, {"text": "a test"}, "p", "2026-11-23") is None


@pytest.mark.parametrize("reason", [{"text": "a reason"}, None])
@pytest.mark.parametrize("dose", [{"value": 600, "unit": "mg"}, None])
def test_a_draft_of_a_medication_is_an_order_of_r4(reason: Json, dose: Json) -> None:
    draft = writing.draft_medication_order(
        {"text": "a drug"}, reason, {"timing": writing.daily_timing(2)}, dose, "p", "2026-11-23"
    )

    r4b_model("MedicationRequest").model_validate(draft)
    assert draft["subject"]["reference"] == "Patient/p"
    assert elements.reasons_of(draft) == ([[reason]] if reason else [])
    assert [one for step in elements.instructions_of(draft) for one in elements.doses_of(step)] == (
        [dose] if dose else []
    )
    assert draft["dosageInstruction"][0]["timing"]["repeat"] == {"frequency": 2, "period": 1, "periodUnit": "d"}


def test_a_draft_of_a_medication_holds_what_it_is_given_and_no_more() -> None:
    drug, timing = {"text": "a drug"}, {"timing": writing.daily_timing(1)}
    dose, reason = {"value": 600, "unit": "mg"}, {"text": "a reason"}
    bare = {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": drug,
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2026-11-23",
        "dosageInstruction": [timing],
    }
    whole = {"reasonCode": [reason], "dosageInstruction": [{**timing, "doseAndRate": [{"doseQuantity": dose}]}]}
    assert writing.draft_medication_order(drug, None, timing, None, "p", "2026-11-23") == bare
    assert writing.draft_medication_order(drug, reason, timing, dose, "p", "2026-11-23") == {**bare, **whole}
