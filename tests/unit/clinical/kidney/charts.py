"""Charts with kidney results and conditions, and what is read from them."""

from datetime import date, datetime
from typing import Any

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import Fact
from cds_service.clinical.kidney.disease import read_dialysis, read_kidney_disease, summarise_kidney
from cds_service.clinical.kidney.egfr import Egfr, read_egfr
from cds_service.clinical.kidney.injury import read_kidney_injury
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from tests.support import NOW, VOCABULARY

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
EGFR_UNIT, MG_DL, UMOL_L = "mL/min/{1.73_m2}", "mg/dL", "umol/L"
EMPTY, FAILED = Data(Arrival.EMPTY), Data(Arrival.FAILED, gap="timed out")
Json = Any


MAN, WOMAN = Patient(date(1961, 3, 1), "male"), Patient(date(1961, 3, 1), "female")  # 65 years on each day in use
CHILD = Patient(date(2016, 3, 1), "female")  # 10 years


def kidney(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Fact:
    """The line about the kidney, from the facts behind it."""
    egfr = read_egfr(chart, vocabulary, patient, now)
    dialysis = read_dialysis(chart, vocabulary)
    injury = read_kidney_injury(chart, vocabulary, now)
    return summarise_kidney(dialysis, injury, read_kidney_disease(chart, vocabulary, egfr, now), egfr)


def result(code: str, value: Json, unit: str = EGFR_UNIT, day: str = "2026-11-03", **members: Json) -> Json:
    """A final result; its id is its code and day."""
    quantity = {"value": value, "unit": unit, "code": unit, "system": UCUM}
    if "comparator" in members:
        quantity["comparator"] = members.pop("comparator")
    display = members.pop("display", "")
    return {
        "resourceType": "Observation",
        "id": f"{code}.{day}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code, "display": display}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": day,
        "valueQuantity": quantity,
        **members,
    }


def creatinine(value: Json, unit: str = MG_DL, day: str = "2026-11-03", **members: Json) -> Json:
    """A serum creatinine."""
    return result("2160-0" if unit == MG_DL else "14682-9", value, unit, day, **members)


def height(cm: Json, unit: str = "cm", **members: Json) -> Json:
    """A body height."""
    return result("8302-2", cm, unit, **members)


def condition(code: str, system: str = ICD10CM, **members: Json) -> Json:
    """An entry of the problem list, active and confirmed unless the members say otherwise."""
    usual = {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"coding": [{"system": system, "code": code}]},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
    }
    return {name: value for name, value in {**usual, **members}.items() if value is not None}


def data(*resources: Json) -> Data:
    """A whole answer with these resources."""
    return Data(Arrival.GIVEN, resources) if resources else EMPTY


def chart(*results: Json, problems: Data = EMPTY, body: Data = EMPTY, results_data: Data | None = None) -> Chart:
    """A chart with these kidney results."""
    kidney_results = data(*results) if results_data is None else results_data
    return Chart("p1", {queries.KIDNEY: kidney_results, queries.PROBLEMS: problems, queries.BODY: body})


def egfr(*results: Json, patient: Patient = MAN, body: Data = EMPTY) -> Egfr | None:
    """The eGFR that is taken."""
    return read_egfr(chart(*results, body=body), VOCABULARY, patient, NOW)


def finding(*results: Json, problems: Data = EMPTY, patient: Patient = MAN) -> str | None:
    """The value of the kidney fact; None if it is absent or unknown."""
    value = kidney(chart(*results, problems=problems), VOCABULARY, patient, NOW).value
    assert value is None or isinstance(value, str)
    return value
