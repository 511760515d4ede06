"""Invented charts for calls at patient-view: as many different ones as wanted, none with acetylcysteine.

Each has 0 to 12 active medications of a formulary of 152 products (`formulary.csv`: real names and ATC codes; all other
codes are made up), in the shapes of US Core, of the UK and of Germany, and something in every other list. The same seed
makes the same charts.
"""

import csv
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FORMULARY = Path(__file__).parent / "formulary.csv"
MOST_MEDICATIONS = 12
_RXNORM, _SNOMED = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
_PZN, _ATC = "http://fhir.de/CodeSystem/ifa/pzn", "http://fhir.de/CodeSystem/bfarm/atc"
_LOINC, _UCUM = "http://loinc.org", "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_KIDNEY = (("14682-9", "Creatinine", 80, "umol/L"), ("33914-3", "Glomerular filtration rate", 84, "mL/min/{1.73_m2}"))
_BODY = (("29463-7", "Body weight", 72, "kg"), ("8302-2", "Body height", 171, "cm"))
_PROBLEMS = (
    ("38341003", "Hypertensive disorder"),
    ("44054006", "Diabetes mellitus type 2"),
    ("396275006", "Osteoarthritis"),
    ("35489007", "Depressive disorder"),
    ("84757009", "Epilepsy"),
    ("40930008", "Hypothyroidism"),
)
_ALLERGIES = (("91936005", "Allergy to penicillin"), ("91935009", "Allergy to peanut"), ("300916003", "Latex allergy"))


@dataclass(frozen=True)
class Product:
    """One product of the formulary: what it is called in English and in German, its ATC code, and a number of it."""

    name: str
    german: str
    atc: str
    number: int


def read_formulary(path: Path = FORMULARY) -> list[Product]:
    """Every strength of every drug as a product of its own."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row, strength) for row in csv.DictReader(file) for strength in row["strengths"].split("|")]
    return [
        Product(
            f"{row['name']} {strength} {row['form']}", f"{row['german']} {strength}", row["atc"], 2_900_000 + number
        )
        for number, (row, strength) in enumerate(rows)
    ]


def bodies(count: int, seed: int = 1, now: datetime | None = None) -> Iterator[bytes]:
    """Calls at patient-view, each for another patient, with everything prefetched."""
    made = random.Random(seed)
    formulary, moment = read_formulary(), now or datetime.now(UTC)
    for number in range(count):
        yield _Chart(f"bench-{number}", made, formulary, moment).body()


class _Chart:
    """One patient with all lists."""

    def __init__(self, patient: str, made: random.Random, formulary: list[Product], now: datetime) -> None:
        self._patient, self._made, self._formulary, self._now = patient, made, formulary, now
        self._subject = {"reference": f"Patient/{patient}"}

    def body(self) -> bytes:
        """The JSON of the call as an EHR sends it."""
        context = {"userId": "Practitioner/bench", "patientId": self._patient, "encounterId": "bench"}
        call = {"hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}
        return json.dumps({**call, "prefetch": self._prefetch()}, separators=(",", ":"), ensure_ascii=False).encode()

    def _prefetch(self) -> Mapping[str, Json]:
        made = self._made
        kidney, body = made.choice((1, 2, 5, 20, 50)), made.choice((2, 5, 20))
        problems, allergies = made.randint(1, 12), made.randint(1, 3)
        return {
            "patient": {"resourceType": "Patient", "id": self._patient, "gender": "female", "birthDate": "1980-05-01"},
            "aminoAcids": _bundle([]),
            "kidneyResults": _bundle([self._result(*_KIDNEY[number % 2]) for number in range(kidney)]),
            "bodyMeasures": _bundle([self._result(*_BODY[number % 2]) for number in range(body)]),
            "acetaminophenLevels": _bundle([]),
            "problemList": _bundle([self._problem() for _ in range(problems)]),
            "allergyList": _bundle([self._allergy() for _ in range(allergies)]),
            "activeMedications": self._medications(made.randint(0, MOST_MEDICATIONS)),
            "medicationStatements": _bundle([self._statement() for _ in range(made.randint(0, 2))]),
            "laboratoryOrders": _bundle([self._laboratory_order()]),
        }

    def _date(self) -> str:
        return (self._now - timedelta(days=self._made.randint(1, 900))).isoformat(timespec="seconds")

    def _medications(self, count: int) -> Json:
        orders: list[Json] = []
        included: list[Json] = []
        for number, product in enumerate(self._made.sample(self._formulary, count)):
            shape = self._made.choice((_us_core, _us_core_by_reference, _uk, _german))
            drug, medications = shape(product)
            orders.append(self._order(f"order-{number}", drug))
            included += medications
        return _bundle([*orders, *included])

    def _order(self, identity: str, drug: Json) -> Json:
        dose = {"value": 1, "unit": "tablet", "system": _UCUM, "code": "{tbl}"}
        timing = {"repeat": {"frequency": self._made.randint(1, 4), "period": 1, "periodUnit": "d"}}
        return {
            "resourceType": "MedicationRequest",
            "id": identity,
            "status": "active",
            "intent": "order",
            "category": [{"coding": [{"system": f"{_TERMINOLOGY}/medicationrequest-category", "code": "outpatient"}]}],
            **drug,
            "subject": self._subject,
            "encounter": {"reference": "Encounter/bench"},
            "authoredOn": self._date(),
            "requester": {"reference": "Practitioner/bench", "display": "Bench, B."},
            "dosageInstruction": [{"text": "1 by mouth", "timing": timing, "doseAndRate": [{"doseQuantity": dose}]}],
        }

    def _statement(self) -> Json:
        drug, _ = _us_core(self._made.choice(self._formulary))
        stated = {"resourceType": "MedicationStatement", "id": f"taken-{self._made.randint(1, 99)}", "status": "active"}
        return {**stated, **drug, "subject": self._subject, "dateAsserted": self._date()}

    def _result(self, code: str, name: str, value: int, unit: str) -> Json:
        return {
            "resourceType": "Observation",
            "id": f"result-{self._made.randint(1, 99999)}",
            "status": "final",
            "category": [{"coding": [{"system": f"{_TERMINOLOGY}/observation-category", "code": "laboratory"}]}],
            "code": {"coding": [{"system": _LOINC, "code": code, "display": name}], "text": name},
            "subject": self._subject,
            "effectiveDateTime": self._date(),
            "valueQuantity": {
                "value": value + self._made.randint(-9, 9),
                "unit": unit,
                "system": _UCUM,
                "code": unit,
            },
        }

    def _problem(self) -> Json:
        code, name = self._made.choice(_PROBLEMS)
        return {
            "resourceType": "Condition",
            "id": f"problem-{code}",
            "clinicalStatus": {"coding": [{"system": f"{_TERMINOLOGY}/condition-clinical", "code": "active"}]},
            "code": {"coding": [{"system": _SNOMED, "code": code, "display": name}], "text": name},
            "subject": self._subject,
            "recordedDate": self._date(),
        }

    def _allergy(self) -> Json:
        code, name = self._made.choice(_ALLERGIES)
        return {
            "resourceType": "AllergyIntolerance",
            "id": f"allergy-{code}",
            "code": {"coding": [{"system": _SNOMED, "code": code, "display": name}], "text": name},
            "patient": self._subject,
            "recordedDate": self._date(),
        }

    def _laboratory_order(self) -> Json:
        code = {"coding": [{"system": _LOINC, "code": "24323-8", "display": "Comprehensive metabolic panel"}]}
        ordered = {"resourceType": "ServiceRequest", "id": "ordered", "status": "active", "intent": "order"}
        return {**ordered, "code": code, "subject": self._subject, "authoredOn": self._date()}


def _us_core(product: Product) -> tuple[Json, list[Json]]:
    coding = {"system": _RXNORM, "code": str(product.number), "display": product.name}
    return {"medicationCodeableConcept": {"coding": [coding], "text": product.name.upper()}}, []


def _us_core_by_reference(product: Product) -> tuple[Json, list[Json]]:
    return {"medicationReference": {"reference": f"Medication/{product.number}", "display": product.name}}, []


def _uk(product: Product) -> tuple[Json, list[Json]]:
    coding = {"system": _SNOMED, "code": f"{product.number}1000001107", "display": product.name.capitalize()}
    return {"medicationCodeableConcept": {"coding": [coding]}}, []


def _german(product: Product) -> tuple[Json, list[Json]]:
    codings = [
        {"system": _PZN, "code": f"0{product.number}"},
        {"system": _ATC, "code": product.atc, "display": product.german.split()[0]},
    ]
    medication = {
        "resourceType": "Medication",
        "id": f"pzn-{product.number}",
        "code": {"coding": codings, "text": f"{product.german} AL"},
    }
    return {"medicationReference": {"reference": f"Medication/{medication['id']}"}}, [medication]


def _bundle(resources: list[Json]) -> Json:
    entries = [{"fullUrl": f"https://ehr.example/{entry.get('id')}", "resource": entry} for entry in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
