"""Entries of the allergy list and the problem list, and the facts that are read from them."""

from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, VOCABULARY, draft_orders_of

SNOMED, ICD10CM = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
ABOUT = {"reference": "Patient/p"}


def concept(code, system=SNOMED, **more):
    return {"coding": [{"system": system, "code": code}], **more}


ACETYLCYSTEINE = concept("387440002")


def status(code):
    return {"coding": [{"code": code}]}


def allergy(**members):
    return {"resourceType": "AllergyIntolerance", "id": "a1", "patient": ABOUT, "code": ACETYLCYSTEINE, **members}


def condition(code, **members):
    active = {"clinicalStatus": status("active"), "verificationStatus": status("confirmed")}
    return {"resourceType": "Condition", "id": "c1", "subject": ABOUT, "code": code, **active, **members}


def bundle(*resources, **members):
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **members}


def facts(**prefetch):
    return read_patient_facts(draft_orders_of(), build_chart("p", prefetch), VOCABULARY, NOW)


def hypersensitivity(*allergies, **prefetch):
    return facts(allergyList=bundle(*allergies), **{"problemList": None, **prefetch})["hypersensitivity"]


def bleeding(*conditions):
    return facts(problemList=bundle(*conditions))["bleeding_risk"]


def bronchospasm(*conditions):
    return facts(problemList=bundle(*conditions))["bronchospasm_risk"]
