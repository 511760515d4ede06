"""Each element is read under every name that a FHIR version gives it, with the same result."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pytest

from cds_service.clinical.labs.treatment import find_treatments
from cds_service.clinical.orders.dose import read_dose
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.orders.recognise import read_order
from cds_service.clinical.reading import read_patient_facts
from cds_service.fhir.json import Resource, codings, names
from cds_service.fhir.versions import DSTU2, R4, R5, STU3, elements
from cds_service.gathering.prefetch import build_chart
from tests.builders import quantity
from tests.support import NOW, VOCABULARY, Json, draft_orders_of

EVERY = (DSTU2, STU3, R4, R5)

CONCEPT = {"coding": [{"system": "s", "code": "c", "display": "d"}]}
POINTER = {"reference": "Condition/1"}


def codes_in(concepts: Iterable[Json]) -> set[str]:
    return {coding.code for concept in concepts for coding in codings(concept)}


DRUGS = {
    "concept, DSTU2 to R4": {"medicationCodeableConcept": CONCEPT},
    "concept, R5": {"medication": {"concept": CONCEPT}},
}
DRUG_REFERENCES = {
    "DSTU2 to R4": {"medicationReference": POINTER},
    "R5": {"medication": {"reference": POINTER}},
}
INGREDIENTS = {
    "DSTU2": {"product": {"ingredient": [{"item": {"display": "d"}}]}},
    "STU3 and R4, a concept": {"ingredient": [{"itemCodeableConcept": CONCEPT}]},
    "STU3 and R4, a reference": {"ingredient": [{"itemReference": {"display": "d"}}]},
    "R5, a concept": {"ingredient": [{"item": {"concept": CONCEPT}}]},
    "R5, a reference": {"ingredient": [{"item": {"reference": {"display": "d"}}}]},
}
REASONS = {
    "DSTU2": {"reasonCodeableConcept": CONCEPT},
    "STU3 and R4": {"reasonCode": [CONCEPT]},
    "R5": {"reason": [{"concept": CONCEPT}]},
}
REASON_REFERENCES = {
    "DSTU2": {"reasonReference": POINTER},
    "STU3 and R4": {"reasonReference": [POINTER]},
    "R5": {"reason": [{"reference": POINTER}]},
}


@pytest.mark.parametrize("order", DRUGS.values(), ids=DRUGS)
def test_the_drug(order: Json) -> None:
    assert codes_in(elements.drugs_of(order)) == {"c"}


@pytest.mark.parametrize("order", DRUG_REFERENCES.values(), ids=DRUG_REFERENCES)
def test_the_reference_to_the_drug(order: Json) -> None:
    assert elements.drug_references(order) == ["Condition/1"]


def test_an_order_that_points_twice_points_to_both() -> None:
    order = {"medicationReference": {"reference": "Medication/1"}, "medication": {"reference": {"reference": "#2"}}}
    assert elements.drug_references(order) == ["Medication/1", "#2"]


@pytest.mark.parametrize("medication", INGREDIENTS.values(), ids=INGREDIENTS)
def test_the_ingredients(medication: Json) -> None:
    assert [name for one in elements.ingredients_of(medication) for name in names(one)] == ["d"]


@pytest.mark.parametrize("order", REASONS.values(), ids=REASONS)
def test_the_reason(order: Json) -> None:
    assert codes_in(elements.reasons_of(order)) == {"c"}


@pytest.mark.parametrize("order", REASON_REFERENCES.values(), ids=REASON_REFERENCES)
def test_the_reference_to_the_reason(order: Json) -> None:
    assert elements.reason_references(order) == ["Condition/1"]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ({"resourceType": "MedicationOrder"}, "MedicationRequest"),
        ({"resourceType": "MedicationRequest"}, "MedicationRequest"),
        ({"resourceType": "Condition"}, "Condition"),
        ({"resourceType": 3}, ""),
        ({}, ""),
        (None, ""),
        ("MedicationOrder", ""),
    ],
)
def test_the_kind_of_a_resource(resource: Json, kind: str) -> None:
    assert elements.resource_type(resource) == kind


@pytest.mark.parametrize(
    ("order", "notes"),
    [
        pytest.param({"note": "for overdose"}, ["for overdose"], id="DSTU2-one-string"),
        pytest.param({"note": [{"text": "one"}, {"text": "two"}]}, ["one", "two"], id="annotations"),
        pytest.param({"note": {"text": "one"}}, ["one"], id="an-object-for-the-list"),
        pytest.param({"renderedDosageInstruction": "as an antidote"}, ["as an antidote"], id="R5-rendered"),
        pytest.param({"note": [3, None, {"text": 3}]}, [], id="odd"),
        pytest.param({}, [], id="none"),
    ],
)
def test_the_notes(order: Json, notes: list[str]) -> None:
    assert [note for note in elements.notes_of(order) if note] == notes


@pytest.mark.parametrize(
    "instruction",
    [
        pytest.param({"additionalInstructions": {"text": "with water"}}, id="DSTU2"),
        pytest.param({"additionalInstruction": [{"text": "with water"}]}, id="since-STU3"),
        pytest.param({"text": "with water"}, id="text"),
        pytest.param({"patientInstruction": "with water"}, id="for-the-patient"),
    ],
)
def test_the_words_of_an_instruction(instruction: Json) -> None:
    assert [said for said in elements.texts_of(instruction) if said] == ["with water"]


@pytest.mark.parametrize(
    "instruction",
    [
        pytest.param({"asNeededCodeableConcept": {"text": "cough"}}, id="until-R4"),
        pytest.param({"asNeededFor": [{"text": "cough"}]}, id="R5"),
    ],
)
def test_why_a_dose_is_taken_as_needed(instruction: Json) -> None:
    assert elements.as_needed_reasons(instruction) == ["cough"]
    assert elements.as_needed_reasons({"asNeededBoolean": True}) == []


def test_the_named_parts_of_an_instruction() -> None:
    instruction = {"route": CONCEPT, "method": CONCEPT, "site": CONCEPT, "timing": {"code": CONCEPT}}
    assert elements.named_parts(instruction) == [CONCEPT] * 4
    assert elements.named_parts({"timing": "twice"}) == [None] * 4


def test_the_kind_of_a_dose_is_read_from_its_code_or_its_words() -> None:
    kinds = [{"coding": [{"code": "Ordered"}]}, {"text": "calculated"}, {"text": "admin-amount"}, None]
    instruction = {"doseAndRate": [{"type": kind, "doseQuantity": {"value": 1}} for kind in kinds]}
    assert [kind for kind, _ in elements.doses_by_kind(instruction)] == ["ordered", "calculated", "", ""]
    assert elements.doses_of(instruction) == [{"value": 1}] * 4


def test_the_place_of_an_instruction_and_the_order_that_is_replaced() -> None:
    assert [elements.sequence_of({"sequence": place}) for place in (2, "2", None)] == [2, None, None]
    assert elements.prior_references({"priorPrescription": {"reference": "MedicationRequest/1"}}) == [
        "MedicationRequest/1"
    ]


@pytest.mark.parametrize(
    ("order", "start"),
    [
        pytest.param({"effectiveDosePeriod": {"start": "2026-09-01"}}, "2026-09-01", id="R5-order"),
        pytest.param({"effectivePeriod": {"start": "2026-09-01"}}, "2026-09-01", id="statement"),
    ],
)
def test_the_period_of_treatment(order: Json, start: str) -> None:
    assert elements.treatment_period(order) == {"start": start}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param({"wasNotTaken": True}, True, id="DSTU2"),
        pytest.param({"wasNotTaken": False}, False, id="DSTU2-taken"),
        pytest.param({"taken": "n"}, True, id="STU3"),
        pytest.param({"taken": "y"}, False, id="STU3-taken"),
        pytest.param({"taken": "unk"}, False, id="STU3-unknown"),
        pytest.param({"adherence": {"code": {"coding": [{"code": "not-taking"}]}}}, True, id="R5"),
        pytest.param({"adherence": {"code": {"coding": [{"code": "taking-as-directed"}]}}}, False, id="R5-taken"),
        pytest.param({"adherence": {"code": {"text": "stopped"}}}, False, id="R5-without-a-code"),
        pytest.param({}, False, id="nothing-said"),
    ],
)
def test_whether_a_statement_says_that_the_drug_is_not_taken(statement: Json, expected: bool) -> None:
    assert elements.is_not_taken(statement) is expected


@pytest.mark.parametrize("name", ["effectiveDateTime", "authoredOn", "dateWritten", "dateAsserted"])
def test_the_day_an_order_was_written(name: str) -> None:
    assert [one for one in elements.dates_written({name: "2026-09-01"}) if one] == ["2026-09-01"]


@pytest.mark.parametrize(
    "panel",
    [
        pytest.param({"related": [{"type": "has-member", "target": {"reference": "Observation/1"}}]}, id="until-STU3"),
        pytest.param({"hasMember": [{"reference": "Observation/1"}]}, id="since-R4"),
        pytest.param({"result": [{"reference": "Observation/1"}]}, id="a-report"),
    ],
)
def test_the_members_of_a_panel(panel: Json) -> None:
    assert elements.members_of(panel) == ["Observation/1"]


@pytest.mark.parametrize("kind", ["derived-from", "replaces", None])
def test_a_related_result_that_is_no_member(kind: Json) -> None:
    assert elements.members_of({"related": [{"type": kind, "target": {"reference": "Observation/1"}}]}) == []


@pytest.mark.parametrize("name", ["dosageInstruction", "dosage"])
def test_an_instruction_that_is_no_object_is_not_read(name: str) -> None:
    assert elements.has_unread_instruction({name: ["600 mg twice daily"]})
    assert not elements.has_unread_instruction({name: [{"text": "600 mg twice daily"}]})


@pytest.mark.parametrize("name", ["type", "meaning"])
def test_what_a_range_is_for(name: str) -> None:
    assert elements.range_type_of({name: CONCEPT}) == CONCEPT


@pytest.mark.parametrize(
    "allergy",
    [
        pytest.param({"substance": CONCEPT}, id="DSTU2"),
        pytest.param({"code": CONCEPT}, id="since-STU3"),
        pytest.param({"reaction": [{"substance": CONCEPT}]}, id="of-the-reaction"),
    ],
)
def test_the_allergens(allergy: Json) -> None:
    assert codes_in(elements.allergens_of(allergy)) == {"c"}


@pytest.mark.parametrize(
    "allergy",
    [
        pytest.param({"status": "refuted"}, id="DSTU2"),
        pytest.param({"verificationStatus": "refuted"}, id="STU3"),
        pytest.param({"verificationStatus": {"coding": [{"code": "refuted"}]}}, id="since-R4"),
    ],
)
def test_whether_an_allergy_is_confirmed(allergy: Json) -> None:
    assert elements.allergy_verification_of(allergy) == {"refuted"}


# --- doses: (what is ordered, mg per day) in every version ----------------------------------------------------------


def order_in(version: str, dose: Json, repeat: Json, **members: Json) -> Json:
    """The order of one dose and timing under the names of a version; `repeat` and members are those of R4."""
    drug = {"text": "acetylcysteine"}
    held = dose if version in (DSTU2, STU3) else {"doseAndRate": [dose]}
    if version == DSTU2:
        renamed = {"periodUnit": "periodUnits", "boundsDuration": "boundsQuantity"}
        repeat = {renamed.get(name, name): value for name, value in repeat.items()}
    if version == R5:
        renamed = {"asNeededBoolean": "asNeeded", "asNeededCodeableConcept": "asNeededFor"}
        members = {renamed.get(name, name): value for name, value in members.items()}
        if "maxDosePerPeriod" in members:
            members["maxDosePerPeriod"] = [members["maxDosePerPeriod"]]
        if "asNeededFor" in members:
            members["asNeededFor"] = [members["asNeededFor"]]
    return {
        "resourceType": "MedicationOrder" if version == DSTU2 else "MedicationRequest",
        "id": "o",
        **({"medication": {"concept": drug}} if version == R5 else {"medicationCodeableConcept": drug}),
        "dosageInstruction": [{**held, "timing": {"repeat": repeat}, **members}],
    }


TWICE = {"frequency": 2, "period": 1, "periodUnit": "d"}
MAXIMUM = {"numerator": quantity(2400, "mg"), "denominator": quantity(1, "d")}
DOSES: dict[str, tuple[Json, Json, Json, str]] = {
    "600 mg twice a day": ({"doseQuantity": quantity(600, "mg")}, TWICE, {}, "1200"),
    "0.6 g twice a day": ({"doseQuantity": quantity(Decimal("0.6"), "g")}, TWICE, {}, "1200"),
    "600 mg every 8 hours": (
        {"doseQuantity": quantity(600, "mg")},
        {"frequency": 1, "period": 8, "periodUnit": "h"},
        {},
        "1800",
    ),
    "up to 4 times": ({"doseQuantity": quantity(600, "mg")}, {**TWICE, "frequencyMax": 4}, {}, "2400"),
    "600 to 1,200 mg, the upper end": (
        {"doseRange": {"low": quantity(600, "mg"), "high": quantity(1200, "mg")}},
        TWICE,
        {},
        "2400",
    ),
    "at breakfast, one code": ({"doseQuantity": quantity(600, "mg")}, {"when": "ACM"}, {}, "600"),
    "as needed, at most 2,400 mg": (
        {"doseQuantity": quantity(600, "mg")},
        {**TWICE, "frequency": 6},
        {"asNeededBoolean": True, "maxDosePerPeriod": MAXIMUM},
        "2400",
    ),
    "as needed for a cough, at most 2,400 mg": (
        {"doseQuantity": quantity(600, "mg")},
        {**TWICE, "frequency": 6},
        {"asNeededCodeableConcept": {"text": "cough"}, "maxDosePerPeriod": MAXIMUM},
        "2400",
    ),
    "not as needed, a maximum beside it": (
        {"doseQuantity": quantity(600, "mg")},
        TWICE,
        {"asNeededBoolean": False, "maxDosePerPeriod": MAXIMUM},
        "1200",
    ),
}


@pytest.mark.parametrize("version", EVERY)
@pytest.mark.parametrize(("dose", "repeat", "members", "expected"), DOSES.values(), ids=DOSES)
def test_the_same_dose_in_every_version(version: str, dose: Json, repeat: Json, members: Json, expected: str) -> None:
    order = read_order(order_in(version, dose, repeat, **members), {}, VOCABULARY)

    assert order is not None
    assert read_dose(order, None, VOCABULARY).per_day == Decimal(expected)


BOUNDS = {
    "boundsDuration": ({"boundsDuration": quantity(56, "d")}, {}),
    "boundsRange, the upper end": ({"boundsRange": {"low": quantity(4, "wk"), "high": quantity(8, "wk")}}, {}),
    "boundsPeriod": ({"boundsPeriod": {"start": "2026-11-23", "end": "2027-01-17"}}, {}),
    "a supply": ({}, {"dispenseRequest": {"expectedSupplyDuration": quantity(56, "d")}}),
    "a supply and its repeat": (
        {},
        {"dispenseRequest": {"expectedSupplyDuration": quantity(28, "d"), "numberOfRepeatsAllowed": 1}},
    ),
}


def order_facts(resource: Json) -> Json:
    orders, chart = draft_orders_of(resource), build_chart("p", {})
    return read_order_facts(orders, read_patient_facts(orders, chart, VOCABULARY, NOW), chart, VOCABULARY, NOW)[0]


def duration_of(resource: Json) -> Json:
    return order_facts(resource)["duration"].value


@pytest.mark.parametrize("version", EVERY)
@pytest.mark.parametrize(("repeat", "members"), BOUNDS.values(), ids=BOUNDS)
def test_the_same_duration_in_every_version(version: str, repeat: Json, members: Json) -> None:
    order = {**order_in(version, {"doseQuantity": quantity(600, "mg")}, {**TWICE, **repeat}), **members}

    assert duration_of(order) == 56


def test_the_whole_period_of_r5_is_a_duration_unless_the_timing_has_one() -> None:
    period = {"effectiveDosePeriod": {"start": "2026-11-23", "end": "2027-01-17"}}
    week = {"boundsDuration": quantity(7, "d")}

    assert duration_of({**order_in(R5, {"doseQuantity": quantity(600, "mg")}, TWICE), **period}) == 56
    assert duration_of({**order_in(R5, {"doseQuantity": quantity(600, "mg")}, {**TWICE, **week}), **period}) == 7


NOTES = {
    "DSTU2": (DSTU2, {"note": "loading dose, IV"}),
    "STU3": (STU3, {"note": [{"text": "loading dose, IV"}]}),
    "R4": (R4, {"note": [{"text": "loading dose, IV"}]}),
    "R5": (R5, {"note": [{"text": "loading dose, IV"}]}),
    "R5, its dosage as shown": (R5, {"renderedDosageInstruction": "600 mg IV"}),
}


@pytest.mark.parametrize(("version", "members"), NOTES.values(), ids=NOTES)
def test_words_of_an_antidote_count_in_every_version(version: str, members: Json) -> None:
    plain = order_in(version, {"doseQuantity": quantity(600, "mg")}, TWICE)

    assert use_of(plain) == "other"
    assert use_of({**plain, **members}) == "antidote"


def use_of(resource: Json) -> Json:
    return order_facts(resource)["use"].value


STARTS = {
    "DSTU2": (DSTU2, {"dateWritten": "2026-09-01"}),
    "STU3": (STU3, {"authoredOn": "2026-09-01"}),
    "R4": (R4, {"authoredOn": "2026-09-01"}),
    "R5": (R5, {"authoredOn": "2026-09-01"}),
    "R5, a period": (R5, {"authoredOn": "2026-11-01", "effectiveDosePeriod": {"start": "2026-09-01"}}),
}


@pytest.mark.parametrize(("version", "members"), STARTS.values(), ids=STARTS)
def test_a_treatment_begins_on_the_same_day_in_every_version(version: str, members: Json) -> None:
    order = {**order_in(version, {"doseQuantity": quantity(600, "mg")}, TWICE), "status": "active", **members}
    entries = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": order}]}
    (treatment,) = find_treatments(build_chart("p", {"activeMedications": entries}), VOCABULARY, [])

    assert treatment.began is not None
    assert treatment.began.day == date(2026, 9, 1)


# ---------------------------------------------------------------- when something was known

ISSUED, TAKEN = "2026-03-02T10:00:00Z", "2026-03-01T08:00:00Z"
RECORDED: list[tuple[Resource, list[str]]] = [
    ({"resourceType": "Observation", "issued": ISSUED, "effectiveDateTime": TAKEN}, [ISSUED, TAKEN]),
    ({"resourceType": "Observation", "effectiveInstant": TAKEN}, [TAKEN]),
    ({"resourceType": "Observation", "effectivePeriod": {"start": TAKEN}}, [TAKEN]),
    ({"resourceType": "MedicationRequest", "authoredOn": TAKEN}, [TAKEN]),
    ({"resourceType": "MedicationOrder", "dateWritten": TAKEN}, [TAKEN]),
    ({"resourceType": "MedicationStatement", "dateAsserted": ISSUED, "effectiveDateTime": TAKEN}, [ISSUED, TAKEN]),
    ({"resourceType": "MedicationStatement", "effectivePeriod": {"start": TAKEN}}, [TAKEN]),
    ({"resourceType": "Condition", "recordedDate": ISSUED, "onsetDateTime": TAKEN}, [ISSUED]),
    ({"resourceType": "Condition", "assertedDate": ISSUED}, [ISSUED]),
    ({"resourceType": "Condition", "dateRecorded": ISSUED}, [ISSUED]),
    ({"resourceType": "AllergyIntolerance"}, []),
]


@pytest.mark.parametrize(("resource", "dates"), RECORDED)
def test_an_entry_came_on_record_when_it_says_so(resource: Resource, dates: list[str]) -> None:
    assert [date for date in elements.record_dates(resource) if date is not None] == dates


def test_a_copy_with_another_status_keeps_no_reason_for_the_old_one() -> None:
    order = {"status": "stopped", "statusReason": {"text": "rash"}, "id": "1"}
    assert elements.with_status(order, "draft") == {"status": "draft", "id": "1"}
    assert order["status"] == "stopped"


@pytest.mark.parametrize(
    ("order", "encounter"),
    [
        ({"encounter": {"reference": "Encounter/e1"}}, "Encounter/e1"),
        ({"context": {"reference": "Encounter/e2"}}, "Encounter/e2"),
        ({}, ""),
    ],
)
def test_an_order_names_its_encounter(order: Resource, encounter: str) -> None:
    assert elements.encounter_of(order) == encounter


def test_a_condition_ended_when_it_says_so() -> None:
    ended = {"abatementDateTime": TAKEN, "abatementPeriod": {"start": ISSUED, "end": ISSUED}}
    assert elements.abatement_dates(ended) == [TAKEN, ISSUED]
    assert elements.abatement_dates({"abatementBoolean": True}) == [None, None]
