"""What FHIR versions call differently is read and written under each name; the version is told by the shape."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4b_model
from fhir.resources.STU3 import get_fhir_model_class as stu3_model

from cds_service.clinical.labs.amino_acids import treatment_starts
from cds_service.clinical.orders.dose import read_dose
from cds_service.clinical.orders.recognise import read_order
from cds_service.clinical.reading import read_order_facts, read_patient_facts
from cds_service.content.loading import load_content
from cds_service.fhir import versions
from cds_service.fhir.json import codings, names
from cds_service.fhir.versions import DSTU2, R4, R5, STU3, likely_versions, version_of
from cds_service.gathering.prefetch import gather
from tests.golden.dstu2 import ELEMENTS
from tests.support import NOW, draft_orders_of

VOCABULARY = load_content(Path(__file__).parents[3] / "cards").vocabulary
EVERY = (DSTU2, STU3, R4, R5)
Json = Any

CONCEPT = {"coding": [{"system": "s", "code": "c", "display": "d"}]}
POINTER = {"reference": "Condition/1"}


def codes_in(concepts: Iterable[Json]) -> set[str]:
    return {coding.code for concept in concepts for coding in codings(concept)}


# --- under each name ------------------------------------------------------------------------------------------------

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
    assert codes_in(versions.drugs_of(order)) == {"c"}


@pytest.mark.parametrize("order", DRUG_REFERENCES.values(), ids=DRUG_REFERENCES)
def test_the_reference_to_the_drug(order: Json) -> None:
    assert versions.drug_pointers(order) == ["Condition/1"]


def test_an_order_that_points_twice_points_to_both() -> None:
    order = {"medicationReference": {"reference": "Medication/1"}, "medication": {"reference": {"reference": "#2"}}}
    assert versions.drug_pointers(order) == ["Medication/1", "#2"]


@pytest.mark.parametrize("medication", INGREDIENTS.values(), ids=INGREDIENTS)
def test_the_ingredients(medication: Json) -> None:
    assert [name for one in versions.ingredients_of(medication) for name in names(one)] == ["d"]


@pytest.mark.parametrize("order", REASONS.values(), ids=REASONS)
def test_the_reason(order: Json) -> None:
    assert codes_in(versions.reasons_of(order)) == {"c"}


@pytest.mark.parametrize("order", REASON_REFERENCES.values(), ids=REASON_REFERENCES)
def test_the_reference_to_the_reason(order: Json) -> None:
    assert versions.reason_references(order) == ["Condition/1"]


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
    assert versions.kind_of(resource) == kind


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
    assert versions.search_in(version, search) == expected


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
    assert [note for note in versions.notes_of(order) if note] == notes


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
    assert [said for said in versions.words_of(instruction) if said] == ["with water"]


@pytest.mark.parametrize(
    ("order", "start"),
    [
        pytest.param({"effectiveDosePeriod": {"start": "2026-09-01"}}, "2026-09-01", id="R5-order"),
        pytest.param({"effectivePeriod": {"start": "2026-09-01"}}, "2026-09-01", id="statement"),
    ],
)
def test_the_period_of_treatment(order: Json, start: str) -> None:
    assert versions.treatment_period(order) == {"start": start}


@pytest.mark.parametrize("name", ["effectiveDateTime", "authoredOn", "dateWritten", "dateAsserted"])
def test_the_day_an_order_was_written(name: str) -> None:
    assert [one for one in versions.written_on({name: "2026-09-01"}) if one] == ["2026-09-01"]


@pytest.mark.parametrize(
    "panel",
    [
        pytest.param({"related": [{"type": "has-member", "target": {"reference": "Observation/1"}}]}, id="until-STU3"),
        pytest.param({"hasMember": [{"reference": "Observation/1"}]}, id="since-R4"),
        pytest.param({"result": [{"reference": "Observation/1"}]}, id="a-report"),
    ],
)
def test_the_members_of_a_panel(panel: Json) -> None:
    assert versions.members_of(panel) == ["Observation/1"]


@pytest.mark.parametrize("kind", ["derived-from", "replaces", None])
def test_a_related_result_that_is_no_member(kind: Json) -> None:
    assert versions.members_of({"related": [{"type": kind, "target": {"reference": "Observation/1"}}]}) == []


@pytest.mark.parametrize("name", ["dosageInstruction", "dosage"])
def test_an_instruction_that_is_no_object_is_not_read(name: str) -> None:
    assert versions.has_unread_instruction({name: ["600 mg twice daily"]})
    assert not versions.has_unread_instruction({name: [{"text": "600 mg twice daily"}]})


@pytest.mark.parametrize("name", ["type", "meaning"])
def test_what_a_range_is_for(name: str) -> None:
    assert versions.range_kind_of({name: CONCEPT}) == CONCEPT


@pytest.mark.parametrize(
    "allergy",
    [
        pytest.param({"substance": CONCEPT}, id="DSTU2"),
        pytest.param({"code": CONCEPT}, id="since-STU3"),
        pytest.param({"reaction": [{"substance": CONCEPT}]}, id="of-the-reaction"),
    ],
)
def test_the_allergens(allergy: Json) -> None:
    assert codes_in(versions.allergens_of(allergy)) == {"c"}


@pytest.mark.parametrize(
    "allergy",
    [
        pytest.param({"status": "refuted"}, id="DSTU2"),
        pytest.param({"verificationStatus": "refuted"}, id="STU3"),
        pytest.param({"verificationStatus": {"coding": [{"code": "refuted"}]}}, id="since-R4"),
    ],
)
def test_whether_an_allergy_is_confirmed(allergy: Json) -> None:
    assert versions.allergy_verification_of(allergy) == {"refuted"}


# --- doses: (what is ordered, mg per day) in every version ----------------------------------------------------------


def quantity(value: Json, unit: str = "mg") -> Json:
    return {"value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org"}


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
MAXIMUM = {"numerator": quantity(2400), "denominator": quantity(1, "d")}
DOSES: dict[str, tuple[Json, Json, Json, str]] = {
    "600 mg twice a day": ({"doseQuantity": quantity(600)}, TWICE, {}, "1200"),
    "0.6 g twice a day": ({"doseQuantity": quantity(Decimal("0.6"), "g")}, TWICE, {}, "1200"),
    "600 mg every 8 hours": (
        {"doseQuantity": quantity(600)},
        {"frequency": 1, "period": 8, "periodUnit": "h"},
        {},
        "1800",
    ),
    "up to 4 times": ({"doseQuantity": quantity(600)}, {**TWICE, "frequencyMax": 4}, {}, "2400"),
    "600 to 1,200 mg, the upper end": (
        {"doseRange": {"low": quantity(600), "high": quantity(1200)}},
        TWICE,
        {},
        "2400",
    ),
    "at breakfast, one code": ({"doseQuantity": quantity(600)}, {"when": "ACM"}, {}, "600"),
    "as needed, at most 2,400 mg": (
        {"doseQuantity": quantity(600)},
        TWICE,
        {"asNeededBoolean": True, "maxDosePerPeriod": MAXIMUM},
        "2400",
    ),
    "as needed for a cough, at most 2,400 mg": (
        {"doseQuantity": quantity(600)},
        TWICE,
        {"asNeededCodeableConcept": {"text": "cough"}, "maxDosePerPeriod": MAXIMUM},
        "2400",
    ),
    "not as needed, a maximum beside it": (
        {"doseQuantity": quantity(600)},
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
    assert read_dose(order, None).per_day == Decimal(expected)


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
    orders, chart = draft_orders_of(resource), gather("p", {})
    return read_order_facts(orders, read_patient_facts(orders, chart, VOCABULARY, NOW), chart, VOCABULARY, NOW)[0]


def duration_of(resource: Json) -> Json:
    return order_facts(resource)["duration"].value


@pytest.mark.parametrize("version", EVERY)
@pytest.mark.parametrize(("repeat", "members"), BOUNDS.values(), ids=BOUNDS)
def test_the_same_duration_in_every_version(version: str, repeat: Json, members: Json) -> None:
    order = {**order_in(version, {"doseQuantity": quantity(600)}, {**TWICE, **repeat}), **members}

    assert duration_of(order) == 56


def test_the_whole_period_of_r5_is_a_duration_unless_the_timing_has_one() -> None:
    period = {"effectiveDosePeriod": {"start": "2026-11-23", "end": "2027-01-17"}}
    week = {"boundsDuration": quantity(7, "d")}

    assert duration_of({**order_in(R5, {"doseQuantity": quantity(600)}, TWICE), **period}) == 56
    assert duration_of({**order_in(R5, {"doseQuantity": quantity(600)}, {**TWICE, **week}), **period}) == 7


NOTES = {
    "DSTU2": (DSTU2, {"note": "loading dose, IV"}),
    "STU3": (STU3, {"note": [{"text": "loading dose, IV"}]}),
    "R4": (R4, {"note": [{"text": "loading dose, IV"}]}),
    "R5": (R5, {"note": [{"text": "loading dose, IV"}]}),
    "R5, its dosage as shown": (R5, {"renderedDosageInstruction": "600 mg IV"}),
}


@pytest.mark.parametrize(("version", "members"), NOTES.values(), ids=NOTES)
def test_words_of_an_antidote_count_in_every_version(version: str, members: Json) -> None:
    plain = order_in(version, {"doseQuantity": quantity(600)}, TWICE)

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
    order = {**order_in(version, {"doseQuantity": quantity(600)}, TWICE), "status": "active", **members}
    entries = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": order}]}
    (start,) = treatment_starts(gather("p", {"activeMedications": entries}), VOCABULARY, [])

    assert start.moment is not None
    assert start.moment.day == date(2026, 9, 1)


# --- telling the version --------------------------------------------------------------------------------------------

MODELS = {STU3: stu3_model, R4: r4b_model, R5: r5_model}
DSTU2_ONLY = {"comments"}  # not among the elements of the fixtures


def has(version: str, kind: str, element: str) -> bool:
    if version == DSTU2:
        return element in {*ELEMENTS.get(kind, {}), *DSTU2_ONLY}
    return any(field.alias == element for field in MODELS[version](kind).model_fields.values())


TABLE = [(kind, name, found_in) for kind, elements in versions.FOUND_IN.items() for name, found_in in elements.items()]


@pytest.mark.parametrize(("kind", "element", "found_in"), TABLE, ids=[f"{kind}.{name}" for kind, name, _ in TABLE])
def test_the_table_of_elements_is_that_of_the_published_versions(
    kind: str, element: str, found_in: Iterable[str]
) -> None:
    assert set(found_in) == {version for version in EVERY if has(version, kind, element)}


ORDER: Mapping[str, Json] = {"resourceType": "MedicationRequest"}


def result_of(category: str) -> Json:
    return {"resourceType": "Observation", "category": [{"coding": [{"system": category, "code": "laboratory"}]}]}


AROUND = {
    "an allergy of STU3": ({"resourceType": "AllergyIntolerance", "clinicalStatus": "active"}, STU3),
    "an allergy of R4": ({"resourceType": "AllergyIntolerance", "clinicalStatus": {"coding": []}}, R4),
    "a condition of STU3": ({"resourceType": "Condition", "context": {}, "subject": {}}, STU3),
    "a result of STU3": ({"resourceType": "Observation", "comment": "haemolysed"}, STU3),
    "a category of STU3": (result_of("http://hl7.org/fhir/observation-category"), STU3),
    "a category of R4": (result_of("http://terminology.hl7.org/CodeSystem/observation-category"), R4),
    "a category of a profile": (result_of("http://hl7.org/fhir/us/core/CodeSystem/condition-category"), R4),
    "another order of STU3": ({**ORDER, "requester": {"agent": {}}}, STU3),
    "another order of R5": ({**ORDER, "medication": {"concept": {}}}, R5),
    "a dose on the instruction itself": ({**ORDER, "dosageInstruction": [{"doseQuantity": {}}]}, STU3),
    "a range of doses there": ({**ORDER, "dosageInstruction": [{"doseRange": {}}]}, STU3),
    "an instruction in words": ({**ORDER, "dosageInstruction": [{"text": "twice a day"}]}, R4),
    "a dose there, and a sign of R4": (
        {**ORDER, "dosageInstruction": [{"doseQuantity": {}}], "requester": {"reference": "Practitioner/1"}},
        R4,
    ),
    "nothing that tells": ({"resourceType": "Patient", "birthDate": "1980-01-01"}, R4),
    "a type that is not known": ({"resourceType": "Basic", "context": {}}, R4),
    "no type": ({}, R4),
}


@pytest.mark.parametrize(("resource", "expected"), AROUND.values(), ids=AROUND)
def test_an_order_that_shows_nothing_is_taken_by_what_is_around_it(resource: Json, expected: str) -> None:
    assert version_of(dict(ORDER), likely_versions("order-sign", [resource])) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"dosageInstruction": [{"doseAndRate": []}]}, R4, id="doseAndRate"),
        pytest.param({"requester": {"reference": "Practitioner/1"}}, R4, id="a-requester-that-is-a-reference"),
        pytest.param({"requester": {"agent": {}, "reference": "odd"}}, STU3, id="a-requester-with-an-agent"),
        pytest.param({"requester": {"display": "A. Tester"}}, STU3, id="a-requester-in-words"),
        pytest.param({"category": {"coding": [{"system": "urn:own", "code": "a"}]}}, STU3, id="a-category-of-its-own"),
    ],
)
def test_an_order_at_medication_prescribe_is_of_stu3_unless_it_shows_more(members: Json, expected: str) -> None:
    assert version_of({**ORDER, **members}, likely_versions("medication-prescribe", [])) == expected


def test_what_is_around_decides_for_medication_prescribe_too() -> None:
    allergy = AROUND["an allergy of R4"][0]

    assert version_of(dict(ORDER), likely_versions("medication-prescribe", [])) == STU3
    assert version_of(dict(ORDER), likely_versions("medication-prescribe", [allergy])) == R4


def test_the_order_itself_is_surer_than_what_is_around_it() -> None:
    likely = likely_versions("order-sign", [AROUND["an allergy of STU3"][0]])

    assert version_of({**ORDER, "encounter": {}}, likely) == R4
    assert version_of({"resourceType": "MedicationOrder"}, likely) == DSTU2


def test_a_sign_that_contradicts_those_before_it_is_passed_over() -> None:
    contradicting = [AROUND[name][0] for name in ("an allergy of STU3", "an allergy of R4")]

    assert version_of(dict(ORDER), likely_versions("order-sign", contradicting)) == STU3
    assert version_of({**ORDER, "medication": {"concept": {}}, "context": {}}, likely_versions("order-sign", [])) == R5


def test_a_medication_request_is_never_of_dstu2() -> None:
    condition = {"resourceType": "Condition", "patient": {}}

    assert likely_versions("order-sign", [condition])[0] == DSTU2
    assert version_of(dict(ORDER), likely_versions("order-sign", [condition])) == R4


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-select", "order-sign"])
def test_every_version_stays_possible(hook: str) -> None:
    assert sorted(likely_versions(hook, [])) == sorted(EVERY)


# --- writing --------------------------------------------------------------------------------------------------------

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

    assert versions.with_instruction(order, version, "once a day", DAILY, ROUTE) == {
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

    (instruction,) = versions.with_instruction(order, R4, "", DAILY, ROUTE)["dosageInstruction"]
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
    assert versions.draft_order(version, {"text": "a test"}, "p", "2026-11-23") == {
        "resourceType": kind,
        "status": "draft",
        "intent": "order",
        "code": code,
        "subject": {"reference": "Patient/p"},
        "occurrenceDateTime": "2026-11-23",
    }


def test_no_draft_order_is_written_for_dstu2() -> None:
    assert versions.draft_order(DSTU2, {"text": "a test"}, "p", "2026-11-23") is None


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"resourceType": "MedicationOrder"}, True),
        ({"resourceType": "MedicationRequest", "medication": {"concept": CONCEPT}}, True),
        ({"resourceType": "MedicationRequest"}, False),
    ],
    ids=["DSTU2 by its type", "R5 by its drug", "no sign"],
)
def test_an_order_whose_shape_allows_one_version_only_shows_it(order: Json, expected: bool) -> None:
    assert versions.shows_version(order) is expected


@pytest.mark.parametrize("reason", [{"text": "a reason"}, None])
@pytest.mark.parametrize("dose", [{"value": 600, "unit": "mg"}, None])
def test_a_draft_of_a_medication_is_an_order_of_r4(reason: Json, dose: Json) -> None:
    draft = versions.draft_medication(
        {"text": "a drug"}, reason, {"timing": versions.times_a_day(2)}, dose, "p", "2026-11-23"
    )

    assert r4b_model("MedicationRequest").model_validate(draft).subject.reference == "Patient/p"
    assert versions.reasons_of(draft) == ([[reason]] if reason else [])
    assert [one for step in versions.instructions_of(draft) for one in versions.doses_of(step)] == (
        [dose] if dose else []
    )
    assert draft["dosageInstruction"][0]["timing"]["repeat"] == {"frequency": 2, "period": 1, "periodUnit": "d"}


def test_a_draft_of_a_medication_holds_what_it_is_given_and_no_more() -> None:
    drug, timing = {"text": "a drug"}, {"timing": versions.times_a_day(1)}
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
    assert versions.draft_medication(drug, None, timing, None, "p", "2026-11-23") == bare
    assert versions.draft_medication(drug, reason, timing, dose, "p", "2026-11-23") == {**bare, **whole}
