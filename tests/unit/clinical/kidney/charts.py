"""Charts with kidney results and conditions, and what is read from them."""

from datetime import date

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import Fact
from cds_service.clinical.kidney.egfr import Egfr, read_kidney_results
from cds_service.clinical.kidney.facts import read_kidney_facts
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.patient import Patient
from cds_service.fhir import queries
from tests import builders
from tests.builders import ICD10CM, LOINC, concept, observation, quantity
from tests.support import NOW, VOCABULARY, Json

EGFR_UNIT, MG_DL, UMOL_L = "mL/min/{1.73_m2}", "mg/dL", "umol/L"
EMPTY, FAILED = Data(Arrival.EMPTY), Data(Arrival.FAILED, gap="timed out")


MAN, WOMAN = Patient(date(1961, 3, 1), "male"), Patient(date(1961, 3, 1), "female")  # 65 years on each day in use
CHILD = Patient(date(2016, 3, 1), "female")  # 10 years


def facts(chart: Chart, patient: Patient = MAN, weight: Weight | None = None) -> dict[str, Fact]:
    """Every kidney fact."""
    return read_kidney_facts(chart, VOCABULARY, patient, weight, NOW)


def kidney(chart: Chart, patient: Patient = MAN) -> Fact:
    """The line about the kidney."""
    return facts(chart, patient)["kidney"]


def result(code: str, value: Json, unit: str = EGFR_UNIT, day: str = "2026-11-03", **members: Json) -> Json:
    """A final result; its id is its code and day."""
    coded = {"coding": [{"system": LOINC, "code": code, "display": members.pop("display", "")}]}
    measured = quantity(value, unit, comparator=members.pop("comparator", None))
    usual = {"id": f"{code}.{day}", "effectiveDateTime": day, "valueQuantity": measured}
    return observation(coded, **{**usual, **members})


def creatinine(value: Json, unit: str = MG_DL, day: str = "2026-11-03", **members: Json) -> Json:
    """A serum creatinine."""
    return result("2160-0" if unit == MG_DL else "14682-9", value, unit, day, **members)


def height(cm: Json, unit: str = "cm", **members: Json) -> Json:
    """A body height."""
    return result("8302-2", cm, unit, **members)


def condition(code: str, system: str = ICD10CM, **members: Json) -> Json:
    """An entry of the problem list, active and confirmed unless the members say otherwise."""
    return builders.condition(concept(code, system), **members)


def data(*resources: Json) -> Data:
    """A whole answer with these resources."""
    return Data(Arrival.GIVEN, resources) if resources else EMPTY


def chart(*results: Json, problems: Data = EMPTY, body: Data = EMPTY, results_data: Data | None = None) -> Chart:
    """A chart with these kidney results."""
    kidney_results = data(*results) if results_data is None else results_data
    return Chart("p", {queries.KIDNEY: kidney_results, queries.PROBLEMS: problems, queries.BODY: body})


def egfr(*results: Json, patient: Patient = MAN, body: Data = EMPTY) -> Egfr | None:
    """The eGFR that is taken."""
    return read_kidney_results(chart(*results, body=body), VOCABULARY, patient, NOW).egfr


def finding(*results: Json, problems: Data = EMPTY, patient: Patient = MAN) -> str | None:
    """The value of the kidney fact; None if it is absent or unknown."""
    value = kidney(chart(*results, problems=problems), patient).value
    assert value is None or isinstance(value, str)
    return value
