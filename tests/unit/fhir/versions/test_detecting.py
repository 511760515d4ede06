"""The FHIR version of an order is detected by its shape, then by the resources around it, then by the hook."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4b_model
from fhir.resources.STU3 import get_fhir_model_class as stu3_model

from cds_service.fhir.json import codings
from cds_service.fhir.versions import DSTU2, R4, R5, STU3, detecting
from cds_service.fhir.versions.detecting import likely_versions, version_of
from tests.golden.dstu2 import ELEMENTS

EVERY = (DSTU2, STU3, R4, R5)
Json = Any

CONCEPT = {"coding": [{"system": "s", "code": "c", "display": "d"}]}
POINTER = {"reference": "Condition/1"}


def codes_in(concepts: Iterable[Json]) -> set[str]:
    return {coding.code for concept in concepts for coding in codings(concept)}


MODELS = {STU3: stu3_model, R4: r4b_model, R5: r5_model}
DSTU2_ONLY = {"comments"}  # not among the elements of the fixtures


def has(version: str, kind: str, element: str) -> bool:
    if version == DSTU2:
        return element in {*ELEMENTS.get(kind, {}), *DSTU2_ONLY}
    return any(field.alias == element for field in MODELS[version](kind).model_fields.values())


TABLE = [(kind, name, found_in) for kind, elements in detecting.FOUND_IN.items() for name, found_in in elements.items()]


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
    assert detecting.shows_version(order) is expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"resourceType": "MedicationOrder"}, DSTU2),
        ({"resourceType": "MedicationRequest", "medication": {"concept": CONCEPT}}, R5),
        ({"resourceType": "MedicationRequest", "requester": {"agent": POINTER}}, STU3),
        ({"resourceType": "MedicationRequest"}, R4),
    ],
    ids=["DSTU2 by its type", "R5 by its drug", "STU3 by its requester", "no sign"],
)
def test_a_search_is_written_for_the_version_that_an_order_shows(order: Json, expected: str) -> None:
    assert detecting.search_version(order) == expected
