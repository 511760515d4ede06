"""Builds order-sign requests with a given number of draft orders and prefetched results."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

PATIENT = "bench"
_SUBJECT = {"reference": f"Patient/{PATIENT}"}
_UCUM = "http://unitsofmeasure.org"
DRUGS = {"other": ("308191", "Amoxicillin 500 MG Oral Capsule"), "acetylcysteine": ("197", "acetylcysteine")}
_RESULTS = (
    ("20642-5", "Glutamate", 64, (10, 120)),
    ("22672-0", "Cystine", 35, (7, 70)),
    ("14682-9", "Creatinine", 80, (45, 90)),
)


def body(drug: str = "other", orders: int = 1, results: int = 10, now: datetime | None = None) -> bytes:
    """The JSON of a request as an EHR sends it. The first order is for `drug`, any further ones for another drug."""
    drafts = [_order(drug if number == 0 else "other", number) for number in range(orders)]
    return json.dumps(
        {
            "hook": "order-sign",
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {
                "userId": "Practitioner/bench",
                "patientId": PATIENT,
                "draftOrders": _bundle("collection", drafts),
            },
            "prefetch": _prefetch(results, now or datetime.now(UTC)),
        },
        separators=(",", ":"),
    ).encode()


def _bundle(bundle_type: str, resources: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": bundle_type, "entry": entries}


def _order(drug: str, number: int) -> dict[str, Any]:
    code, name = DRUGS[drug]
    dose = {"value": 600, "unit": "mg", "system": _UCUM, "code": "mg"}
    timing = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
    return {
        "resourceType": "MedicationRequest",
        "id": f"draft-{number}",
        "status": "draft",
        "intent": "order",
        "subject": _SUBJECT,
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code, "display": name}]
        },
        "dosageInstruction": [{"timing": timing, "doseAndRate": [{"doseQuantity": dose}]}],
    }


def _prefetch(results: int, now: datetime) -> dict[str, Any]:
    """One result a day, glutamate, cystine and creatinine in turn; every other search is empty."""
    empty = {"resourceType": "Bundle", "type": "searchset"}
    observations = [_result(number, now) for number in range(results)]
    creatinine = [result for result in observations if result["code"]["coding"][0]["code"] == "14682-9"]
    return {
        "patient": {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1980-05-01"},
        **dict.fromkeys(
            ("problemList", "allergyList", "activeMedications", "bodyMeasures", "acetaminophenLevels"), empty
        ),
        "kidneyResults": _bundle("searchset", creatinine),
        "aminoAcids": _bundle("searchset", [result for result in observations if result not in creatinine]),
    }


def _result(number: int, now: datetime) -> dict[str, Any]:
    code, name, value, (low, high) = _RESULTS[number % 3]
    unit = {"unit": "umol/L", "system": _UCUM, "code": "umol/L"}
    return {
        "resourceType": "Observation",
        "id": f"result-{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
        "subject": _SUBJECT,
        "effectiveDateTime": (now - timedelta(days=number + 1)).isoformat(timespec="seconds"),
        "valueQuantity": {"value": value, **unit},
        "referenceRange": [{"low": {"value": low, "unit": "umol/L"}, "high": {"value": high, "unit": "umol/L"}}],
    }


if __name__ == "__main__":
    for order_count, result_count in ((1, 10), (1, 100), (1, 1000), (10, 10), (100, 10)):
        print((order_count, result_count), len(body(orders=order_count, results=result_count)))
