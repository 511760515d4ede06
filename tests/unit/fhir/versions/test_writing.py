"""Orders and searches are written under the names of the version that is asked for."""

from collections.abc import Iterable
from decimal import Decimal
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


ROUTE = {"text": "oral"}
UNIT = {DSTU2: "periodUnits", STU3: "periodUnit", R4: "periodUnit", R5: "periodUnit"}


def dosage(value: Json) -> dict[str, Json]:
    """A dose under the names of each version."""
    quantity = {"doseQuantity": {"value": value, "unit": "mg"}}
    kept = {"doseAndRate": [{"type": {"text": "ordered"}, **quantity}]}
    return {DSTU2: quantity, STU3: quantity, R4: kept, R5: kept}


def doubled(order: Json, version: str = R4, *, keeps_timing: bool = False) -> Json:
    return writing.with_dose_twice_daily(order, version, Decimal(2), ROUTE, keeps_timing=keeps_timing)


@pytest.mark.parametrize("version", EVERY)
def test_a_dose_is_written_under_the_names_of_the_version(version: str) -> None:
    before = {
        **dosage(600)[version],
        "timing": {"repeat": {"frequency": 1, "period": 1}},
        "patientInstruction": "slowly",
    }
    order = {"id": "o", "text": {"div": "old"}, "renderedDosageInstruction": "old", "dosageInstruction": [before]}

    assert doubled(order, version) == {
        "id": "o",
        "dosageInstruction": [
            {
                **dosage(1200)[version],
                "timing": {"repeat": {"frequency": 2, "period": 1, UNIT[version]: "d"}},
                "patientInstruction": "slowly",
                "route": ROUTE,
            }
        ],
    }


@pytest.mark.parametrize("name", ["boundsDuration", "boundsPeriod", "boundsQuantity", "boundsRange"])
def test_the_bounds_of_the_old_dosage_are_kept(name: str) -> None:
    order = {"dosageInstruction": [{"timing": {"repeat": {name: {"value": 28}, "frequency": 3}}}]}

    (instruction,) = doubled(order)["dosageInstruction"]
    assert instruction["timing"]["repeat"] == {name: {"value": 28}, "frequency": 2, "period": 1, "periodUnit": "d"}


@pytest.mark.parametrize("timing", [{"code": {"text": "BID"}}, None])
def test_a_timing_and_a_route_that_are_right_stay(timing: Json) -> None:
    route = {"text": "by mouth"}
    order = {"dosageInstruction": [{"timing": timing, "route": route, "doseQuantity": {"value": Decimal("0.25")}}]}

    (instruction,) = doubled(order, keeps_timing=True)["dosageInstruction"]
    assert instruction == {"timing": timing, "route": route, "doseQuantity": {"value": Decimal("0.5")}}


@pytest.mark.parametrize("odd", [None, "odd", {"repeat": "odd"}])
def test_a_timing_that_is_none_becomes_twice_daily(odd: Json) -> None:
    (instruction,) = doubled({"dosageInstruction": [{"timing": odd}]})["dosageInstruction"]

    assert instruction["timing"] == {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}


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
