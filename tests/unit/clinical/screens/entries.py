"""Entries of the allergy list and the problem list, and the facts that are read from them."""

from typing import Any

from cds_service.clinical.facts import Fact, Facts
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, VOCABULARY, draft_orders_of

Json = Any
SNOMED, ICD10CM = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
ABOUT = {"reference": "Patient/p"}


def concept(code: str, system: str = SNOMED, **more: Json) -> dict[str, Json]:
    return {"coding": [{"system": system, "code": code}], **more}


ACETYLCYSTEINE = concept("387440002")


def status(code: str) -> Json:
    return {"coding": [{"code": code}]}


def allergy(**members: Json) -> dict[str, Json]:
    return {"resourceType": "AllergyIntolerance", "id": "a1", "patient": ABOUT, "code": ACETYLCYSTEINE, **members}


def condition(code: Json, **members: Json) -> dict[str, Json]:
    active = {"clinicalStatus": status("active"), "verificationStatus": status("confirmed")}
    return {"resourceType": "Condition", "id": "c1", "subject": ABOUT, "code": code, **active, **members}


def bundle(*resources: Json, **members: Json) -> dict[str, Json]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **members}


def facts(**prefetch: Json) -> Facts:
    return read_patient_facts(draft_orders_of(), build_chart("p", prefetch), VOCABULARY, NOW)


def hypersensitivity(*allergies: Json, **prefetch: Json) -> Fact:
    return facts(allergyList=bundle(*allergies), **{"problemList": None, **prefetch})["hypersensitivity"]


def bleeding(*conditions: Json) -> Fact:
    return facts(problemList=bundle(*conditions))["bleeding_risk"]


def bronchospasm(*conditions: Json) -> Fact:
    return facts(problemList=bundle(*conditions))["bronchospasm_risk"]
