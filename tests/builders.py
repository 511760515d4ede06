"""FHIR resources for tests: whole and of patient `p`, so that a test states only the members that it is about.

Each builder takes further members by name. They replace those that it would have made; a member that is None is left
out.
"""

from tests.support import Body, Json

LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM, UNII = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://fdasis.nlm.nih.gov"
ATC, GERMAN_ATC = "http://www.whocc.no/atc", "http://fhir.de/CodeSystem/bfarm/atc"

ABOUT = {"reference": "Patient/p"}


def concept(code: str, system: str, /, **members: Json) -> Body:
    """A CodeableConcept with one coding."""
    return _with({"coding": [{"system": system, "code": code}]}, members)


def quantity(value: Json, unit: str, /, **members: Json) -> Body:
    """A Quantity as clients send it: unit and UCUM code alike."""
    return _with({"value": value, "unit": unit, "code": unit, "system": UCUM}, members)


def bundle(*resources: Json, **members: Json) -> Body:
    """A Bundle of resources, as the answer to a search."""
    entry = [{"resource": resource} for resource in resources]
    return _with({"resourceType": "Bundle", "type": "searchset", "entry": entry}, members)


def observation(code: Json, /, **members: Json) -> Body:
    """A final result of 20 November 2026, 8:00."""
    usual = {"id": "o1", "status": "final", "subject": ABOUT, "effectiveDateTime": "2026-11-20T08:00:00Z"}
    return _with({"resourceType": "Observation", **usual, "code": code}, members)


def condition(code: Json, /, **members: Json) -> Body:
    """An entry of the problem list, active and confirmed."""
    usual = {
        "id": "c1",
        "subject": ABOUT,
        "clinicalStatus": status("active"),
        "verificationStatus": status("confirmed"),
    }
    return _with({"resourceType": "Condition", **usual, "code": code}, members)


def allergy(code: Json, /, **members: Json) -> Body:
    """An entry of the allergy list."""
    return _with({"resourceType": "AllergyIntolerance", "id": "a1", "patient": ABOUT, "code": code}, members)


def medication_request(drug: Json, /, **members: Json) -> Body:
    """An active order for a drug, which is a CodeableConcept."""
    usual = {"id": "m1", "status": "active", "subject": ABOUT}
    return _with({"resourceType": "MedicationRequest", **usual, "medicationCodeableConcept": drug}, members)


def draft_order(drug: Json, /, **members: Json) -> Body:
    """An order for a drug that is being written."""
    return medication_request(drug, **{"id": "d", "status": "draft", **members})


def status(code: str) -> Body:
    """A status that is a CodeableConcept, which readers know by its code alone."""
    return {"coding": [{"code": code}]}


def _with(usual: Body, members: Body) -> Body:
    return {name: value for name, value in {**usual, **members}.items() if value is not None}
