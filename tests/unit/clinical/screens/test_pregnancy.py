"""Pregnancy and breast-feeding, of women of 12 to 55 years."""

from typing import Any

import pytest

from cds_service.clinical.facts import Fact, State
from tests.builders import ICD10CM, SNOMED, bundle, concept, condition
from tests.unit.clinical.screens.entries import facts

ICD10GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"


def pregnancy(code: Any, born: str = "1990-05-04", gender: str = "female", **prefetch: Any) -> Fact:
    patient = {"resourceType": "Patient", "id": "p", "gender": gender, "birthDate": born}
    problems = bundle(*([] if code is None else [condition(code)]))
    fact: Fact = facts(**{"patient": patient, "problemList": problems, **prefetch})["pregnancy"]
    return fact


PREGNANT = {
    "Z33.1": concept("Z33.1", ICD10CM),
    "Z34.00": concept("Z34.00", ICD10CM),
    "O09.9": concept("O09.9", ICD10CM),
    "O24.4 of Germany": concept("O24.4", ICD10GM),
    "SNOMED CT": concept("77386006", SNOMED),
    **{
        text: {"text": text}
        for text in ("Pregnant", "early pregnancy", "Schwangerschaft", "enceinte", "embarazada", "incinta")
    },
}
BREAST_FEEDING = {
    "Z39.1": concept("Z39.1", ICD10CM),
    **{text: {"text": text} for text in ("breast-feeding", "Breast feeding", "breastfeeding", "lactating", "stillend")},
}


@pytest.mark.parametrize("code", PREGNANT.values(), ids=PREGNANT)
def test_pregnancy_by_code_and_name(code: Any) -> None:
    fact = pregnancy(code)
    assert (fact.state, fact.value) == (State.KNOWN, "pregnant")
    assert fact.texts["term"]
    assert fact.origins[0].resource == "Condition/c1"


@pytest.mark.parametrize("code", BREAST_FEEDING.values(), ids=BREAST_FEEDING)
def test_breast_feeding_by_code_and_name(code: Any) -> None:
    assert pregnancy(code).value == "breast-feeding"


@pytest.mark.parametrize("text", ["Not pregnant", "Pregnancy test negative", "blutstillend", "Hay fever"])
def test_what_says_the_opposite_is_none(text: str) -> None:
    assert pregnancy({"text": text}).state is State.ABSENT


@pytest.mark.parametrize("code", [{"text": "History of pregnancy"}, {"text": "Pregnancy?"}, concept("99", SNOMED)])
def test_what_is_in_doubt_cannot_be_told(code: Any) -> None:
    assert pregnancy(code).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("born", "gender", "looked_for"),
    [
        ("2014-11-23", "female", True),
        ("2014-11-24", "female", False),
        ("1970-11-24", "female", True),
        ("1970-11-23", "female", False),
        ("1990-05-04", "male", False),
        ("1990-05-04", "other", True),
        ("1990-05-04", "", True),
        ("90", "female", True),
        ("2014", "female", True),
        ("2015", "female", False),
        ("1970", "female", True),
        ("1969", "female", False),
    ],
    ids=[
        *("12", "11", "55", "56", "a man", "neither", "sex not known", "age not known"),
        *("11 or 12", "10 or 11", "55 or 56", "56 or 57"),
    ],
)
def test_it_is_looked_for_in_women_of_12_to_55_years(born: str, gender: str, looked_for: bool) -> None:
    fact = pregnancy({"text": "pregnant"}, born, gender)
    assert fact.state is (State.KNOWN if looked_for else State.ABSENT)
    assert looked_for or fact.note == "looked for in women of 12 to 55 years only"


def test_a_problem_list_that_did_not_come_leaves_it_open() -> None:
    assert pregnancy(None).state is State.ABSENT
    failed = {"resourceType": "OperationOutcome"}
    assert pregnancy(None, problemList=failed).state is State.UNKNOWN
