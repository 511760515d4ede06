"""Invented charts over time: acetylcysteine that is being taken, and what was measured or recorded since.

Each is a golden request as its chart is opened now. `write_table` says what an opening would have shown on other days.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from cds_service.answering import answer
from cds_service.fhir.queries import FOR_TREATMENTS, QUERIES
from cds_service.fhir.searching import prefetch_from
from cds_service.guidance.model import Content
from cds_service.hooks.cards import to_json
from cds_service.hooks.requests import read_request
from cds_service.replay.as_of import CodeIndex, answers_at, sort_record
from tests.golden.converting import converted_request

Body = dict[str, Any]
RXNORM, UCUM, LOINC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://unitsofmeasure.org", "http://loinc.org"
SNOMED, TERMS = "http://snomed.info/sct", "http://terminology.hl7.org/CodeSystem"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
TABLE = "by-day.md"
TODAY = date(2026, 11, 23)
HOOK = "patient-view"
TYPES = frozenset(query.resource_type for query in QUERIES.values())
DAYS = (0, 1, 28, 29, 55, 56, 57, 84, 85, 112)  # of treatment


@dataclass(frozen=True)
class TreatedPatient:
    """A person by name, what the case is, when treatment was started, and all that is on record."""

    name: str
    case: str
    started: date
    resources: tuple[Body, ...]


def ago(days: int) -> date:
    """The day so many days before today."""
    return TODAY - timedelta(days=days)


def concept(system: str, code: str, name: str) -> Body:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code, "display": name}], "text": name}


CAPSULE = concept(RXNORM, "606971", "Acetylcysteine 600 MG Oral Capsule")
BY_MOUTH = concept(SNOMED, "26643006", "Oral route")


def instruction(route: Body = BY_MOUTH, dose: int = 600, **repeat: Any) -> list[Body]:
    """One scheduled instruction, twice daily."""
    return [
        {
            "timing": {"repeat": {**repeat, "frequency": 2, "period": 1, "periodUnit": "d"}},
            "route": route,
            "doseAndRate": [{"doseQuantity": {"value": dose, "unit": "mg", "system": UCUM, "code": "mg"}}],
        }
    ]


def prescribed(on: date, drug: Body = CAPSULE, status: str = "active", **members: Any) -> Body:
    """An order of a drug, written on a day."""
    return {
        "resourceType": "MedicationRequest",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": drug,
        "authoredOn": on.isoformat(),
        "dosageInstruction": instruction(),
        **members,
    }


def glutamate(on: date, value: int, unit: str = "umol/L", **members: Any) -> Body:
    """A final plasma glutamate with its range."""
    quantity = {"unit": unit, "system": UCUM, "code": unit}
    ends = {"low": {"value": 10, **quantity}, "high": {"value": 120, **quantity}}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "20642-5", "Glutamate [Moles/volume] in Serum or Plasma"),
        "effectiveDateTime": f"{on.isoformat()}T08:00:00+00:00",
        "valueQuantity": {"value": value, **quantity},
        "referenceRange": [ends],
        **members,
    }


def cystine(on: date, value: int) -> Body:
    """A final plasma cystine with its range."""
    quantity = {"unit": "umol/L", "system": UCUM, "code": "umol/L"}
    return {
        **glutamate(on, value),
        "code": concept(LOINC, "22672-0", "Cystine [Moles/volume] in Serum or Plasma"),
        "referenceRange": [{"low": {"value": 10, **quantity}, "high": {"value": 50, **quantity}}],
    }


def creatinine(on: date, value: float) -> Body:
    """A final creatinine in mg/dL."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "2160-0", "Creatinine [Mass/volume] in Serum or Plasma"),
        "effectiveDateTime": f"{on.isoformat()}T08:00:00+00:00",
        "valueQuantity": {"value": value, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"},
    }


def problem(on: date, code: str, name: str) -> Body:
    """An active condition, recorded on a day."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": f"{TERMS}/condition-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{TERMS}/condition-ver-status", "code": "confirmed"}]},
        "code": concept(ICD10, code, name),
        "recordedDate": on.isoformat(),
    }


def allergy(on: date) -> Body:
    """An allergy to acetylcysteine, recorded on a day."""
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": f"{TERMS}/allergyintolerance-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{TERMS}/allergyintolerance-verification", "code": "confirmed"}]},
        "type": "allergy",
        "code": concept(RXNORM, "197", "acetylcysteine"),
        "recordedDate": on.isoformat(),
    }


def laboratory_order(on: date) -> Body:
    """An active order for plasma amino acids."""
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "Plasma amino acids"},
        "authoredOn": on.isoformat(),
    }


NITROGLYCERIN = concept(RXNORM, "4917", "nitroglycerin")
GLUTAMINE = {"text": "Dipeptiven (alanyl-glutamine) infusion"}
INTRAVENOUS = concept(SNOMED, "47625008", "Intravenous route")
INJECTION = concept(RXNORM, "465377", "acetylcysteine 200 MG/ML Injectable Solution")
INHALATION = concept(RXNORM, "307719", "acetylcysteine 200 MG/ML Inhalation Solution")


def _case(name: str, case: str, days: int, *resources: Body, **patient: str) -> TreatedPatient:
    """A chart on which treatment began so many days ago. Every resource gets the person, and an id of its own."""
    names = [{"family": "Invented", "given": [name.title()]}]
    person = {
        "resourceType": "Patient",
        "id": name,
        "name": names,
        "gender": "male",
        "birthDate": "1980-04-17",
        **patient,
    }
    people = {"AllergyIntolerance": "patient"}
    own = [
        {
            **resource,
            "id": f"{name}-{index}",
            people.get(resource["resourceType"], "subject"): {"reference": f"Patient/{name}"},
        }
        for index, resource in enumerate(resources, 1)
    ]
    return TreatedPatient(name, case, ago(days), (person, *own))


def _ended(started: int, ended: int, **members: Any) -> Body:
    """An order that is active by its status and over by its own period."""
    period = {"start": ago(started).isoformat(), "end": ago(ended).isoformat()}
    return prescribed(ago(started), dosageInstruction=instruction(boundsPeriod=period), **members)


TREATED = (
    _case("due", "56 days, measured before, not since", 56, glutamate(ago(60), 134), prescribed(ago(56))),
    _case("not-due-yet", "55 days, measured before", 55, glutamate(ago(60), 134), prescribed(ago(55))),
    _case("due-unmeasured", "84 days, never measured", 84, prescribed(ago(84))),
    _case(
        "due-ordered",
        "84 days, amino acids ordered already",
        84,
        *(glutamate(ago(90), 134), prescribed(ago(84)), laboratory_order(ago(2))),
    ),
    _case(
        "measured-at-week-4",
        "measured before and on day 28, 56 days ago",
        84,
        *(glutamate(ago(90), 64), prescribed(ago(84)), glutamate(ago(56), 71)),
    ),
    _case(
        "measured-at-week-8",
        "measured before and on day 56, two weeks ago",
        70,
        *(glutamate(ago(72), 152), prescribed(ago(70)), glutamate(ago(14), 118)),
    ),
    _case(
        "low-with-low-cystine",
        "both low before, measured on day 50, six days ago",
        56,
        *(glutamate(ago(60), 7), cystine(ago(60), 6), prescribed(ago(56)), glutamate(ago(6), 12), cystine(ago(6), 21)),
    ),
    _case(
        "measured-only-since",
        "measured on treatment and never before",
        40,
        *(prescribed(ago(40)), glutamate(ago(10), 96)),
    ),
    _case(
        "measured-unreadably",
        "measured since in a unit that is not read",
        84,
        *(glutamate(ago(90), 134), prescribed(ago(84)), glutamate(ago(20), 96, "mg")),
    ),
    _case(
        "new-allergy",
        "an allergy recorded on day 28",
        35,
        *(glutamate(ago(40), 64), prescribed(ago(35)), allergy(ago(7))),
    ),
    _case(
        "due-with-new-allergy",
        "84 days, not measured since; an allergy recorded on day 77",
        84,
        *(glutamate(ago(90), 64), prescribed(ago(84)), allergy(ago(7))),
    ),
    _case(
        "allergy-of-the-first-day",
        "an allergy recorded on the day of the start",
        35,
        *(glutamate(ago(40), 64), prescribed(ago(35)), allergy(ago(35))),
    ),
    _case(
        "new-nitroglycerin", "nitroglycerin since day 20", 30, prescribed(ago(30)), prescribed(ago(10), NITROGLYCERIN)
    ),
    _case(
        "new-glutamine",
        "kidney disease of stage 5 before, parenteral glutamine since day 20",
        30,
        problem(ago(400), "N18.5", "Chronic kidney disease, stage 5"),
        creatinine(ago(20), 6.1),
        prescribed(ago(30)),
        prescribed(ago(10), GLUTAMINE, dosageInstruction=instruction(INTRAVENOUS)),
    ),
    _case(
        "new-kidney-disease",
        "parenteral glutamine before, kidney disease of stage 5 since day 20",
        30,
        *(
            prescribed(ago(30)),
            prescribed(ago(40), GLUTAMINE, dosageInstruction=instruction(INTRAVENOUS, 20_000)),
            problem(ago(10), "N18.5", "Chronic kidney disease, stage 5"),
        ),
    ),
    _case(
        "measured-below-a-limit",
        "measured before, and in week 8 as below a limit",
        70,
        *(glutamate(ago(72), 152), prescribed(ago(70))),
        {
            **glutamate(ago(14), 10),
            "valueQuantity": {"value": 10, "comparator": "<", "unit": "umol/L", "system": UCUM, "code": "umol/L"},
        },
    ),
    _case(
        "new-varices",
        "oesophageal varices recorded on day 20",
        30,
        prescribed(ago(30)),
        problem(ago(10), "I85.00", "Esophageal varices without bleeding"),
    ),
    _case(
        "new-pregnancy",
        "a pregnancy recorded on day 20",
        30,
        prescribed(ago(30)),
        problem(ago(10), "Z33.1", "Pregnant state, incidental"),
        gender="female",
        birthDate="1994-02-08",
    ),
    _case(
        "course-ended",
        "a course that was over two weeks ago, its status still active",
        98,
        *(glutamate(ago(100), 134), _ended(98, 14), allergy(ago(7))),
    ),
    _case(
        "two-courses",
        "a course in spring, measured between, a second one for 63 days",
        63,
        *(prescribed(ago(240), status="completed"), glutamate(ago(70), 141), prescribed(ago(63))),
    ),
    _case(
        "inhaled",
        "inhaled for 84 days, measured before",
        84,
        *(
            glutamate(ago(90), 134),
            prescribed(
                ago(84),
                INHALATION,
                dosageInstruction=instruction(concept(SNOMED, "18679011000001101", "Inhalation route")),
            ),
        ),
    ),
    _case(
        "eye-drops",
        "eye drops for 84 days, measured before",
        84,
        glutamate(ago(90), 134),
        prescribed(ago(84), concept("http://www.whocc.no/atc", "S01XA08", "acetylcysteine eye drops")),
    ),
    _case(
        "antidote-last-month",
        "an infusion last month that nobody closed, and capsules for 70 days",
        70,
        glutamate(ago(80), 134),
        prescribed(ago(70)),
        prescribed(ago(30), INJECTION, dosageInstruction=instruction(INTRAVENOUS, 10_500)),
    ),
    _case(
        "antidote-over",
        "an infusion last month that is over by its dates, and capsules for 70 days",
        70,
        glutamate(ago(80), 134),
        prescribed(ago(70)),
        {
            **_ended(30, 28, drug=INJECTION),
            "dosageInstruction": instruction(
                INTRAVENOUS, 10_500, boundsPeriod={"start": ago(30).isoformat(), "end": ago(28).isoformat()}
            ),
        },
    ),
    _case(
        "for-bronchitis",
        "capsules for bronchitis for 84 days, measured before",
        84,
        glutamate(ago(90), 134),
        prescribed(ago(84), reasonCode=[concept(ICD10, "J42", "Unspecified chronic bronchitis")]),
    ),
    _case(
        "child",
        "a child of 12 years on it for 84 days, measured before",
        84,
        *(glutamate(ago(90), 134), prescribed(ago(84))),
        birthDate="2014-01-11",
    ),
    _case(
        "no-start",
        "active, and nobody wrote down since when",
        84,
        glutamate(ago(90), 134),
        {name: value for name, value in prescribed(ago(84)).items() if name != "authoredOn"},
    ),
)
VERSIONED = tuple(
    (patient, version)
    for patient in TREATED
    if patient.name in ("due", "measured-at-week-8")
    for version in ("DSTU2", "STU3", "R5")
)


def opening_of(patient: TreatedPatient, content: Content) -> Body:
    """The body of a call as the chart is opened."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in patient.resources]}
    return _body(patient, prefetch_from(bundle, patient.name, content.vocabulary.code_lists, FOR_TREATMENTS))


def _body(patient: TreatedPatient, prefetch: Mapping[str, Any]) -> Body:
    return {
        "hook": HOOK,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/example", "patientId": patient.name},
        "prefetch": {key: prefetch[key] for key in FOR_TREATMENTS},
    }


def name_of(patient: TreatedPatient, version: str = "") -> str:
    """The name of its file."""
    return f"treated.{patient.name}{version and f'.{version}'}.{HOOK}.json"


def opening_in(patient: TreatedPatient, version: str, content: Content) -> Body:
    """The same in another FHIR version."""
    return converted_request(opening_of(patient, content), version)


def cards_on(patient: TreatedPatient, day: date, content: Content) -> Sequence[str]:
    """The cards of an opening on a day, by what was on record then."""
    moment = datetime.combine(day, time(9), UTC)
    record = sort_record(patient.name, patient.resources, CodeIndex([content.vocabulary]))
    body = _body(patient, answers_at(record, moment, TYPES, "known", frozenset()))
    request = read_request(to_json(body), HOOK)
    return asyncio.run(answer(request, content, moment, lambda: "")).card_ids


def write_table(content: Content) -> str:
    """What an opening shows, by day of treatment; nothing after today."""
    head = ["chart", *(f"day {days}" for days in DAYS), "today"]
    rows = [head, ["---"] * len(head)]
    for patient in TREATED:
        days = [patient.started + timedelta(days=days) for days in DAYS]
        shown = [" + ".join(cards_on(patient, day, content)) or "–" if day <= TODAY else "" for day in (*days, TODAY)]
        rows.append([f"{patient.name}: {patient.case}", *shown])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"
