"""Resources and searches written in a given FHIR version."""

from cds_service.fhir.json import Resource, at
from cds_service.fhir.versions import DSTU2, R5, RENAMED_TYPES, STU3
from cds_service.fhir.versions.elements import instructions_of


def write_search(version: str, search: str) -> str:
    """A search as the servers of this version know it; `search` is written as in R4."""
    if version == R5 and search.startswith("MedicationStatement?"):
        return search.replace("status=active", "status=recorded")
    if version != DSTU2:
        return search
    name, mark, parameters = search.partition("?")
    earlier_names = {now: earlier for earlier, now in RENAMED_TYPES.items()}
    return earlier_names.get(name, name) + mark + parameters.replace("_sort=-", "_sort:desc=")


_RENDERED_DOSAGE = ("renderedDosageInstruction", "text")  # would still state the old dosage
_BOUNDS = ("boundsDuration", "boundsPeriod", "boundsQuantity", "boundsRange")


def replace_dosage(order: Resource, version: str, words: str, daily: Resource, route: Resource) -> Resource:
    """The whole order as it was sent, with a daily dose as its dosage, and without texts that state the old one.

    `words` is the text of the new instruction.
    """
    unit = "periodUnits" if version == DSTU2 else "periodUnit"
    dose = {"doseQuantity": daily}
    instruction = {
        "text": words,
        "timing": {"repeat": {**_bounds(order), "frequency": 1, "period": 1, unit: "d"}},
        "route": route,
        **(dose if version in (STU3, DSTU2) else {"doseAndRate": [dose]}),
    }
    kept = {name: value for name, value in order.items() if name not in _RENDERED_DOSAGE}
    return {**kept, "dosageInstruction": [instruction]}


def _bounds(order: Resource) -> Resource:
    """The bounds of the first instruction that states any, to be kept."""
    for instruction in instructions_of(order):
        repeat = at(instruction, "timing", "repeat")
        bounds = {name: repeat[name] for name in _BOUNDS if isinstance(repeat, dict) and name in repeat}
        if bounds:
            return bounds
    return {}


def draft_service_order(version: str, code: Resource, patient_id: str, day: str) -> Resource | None:
    """A draft order of a service, such as a laboratory test; None for DSTU2, where none is offered."""
    if version == DSTU2:
        return None
    return {
        "resourceType": "ProcedureRequest" if version == STU3 else "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": {"concept": code} if version == R5 else code,
        "subject": {"reference": f"Patient/{patient_id}"},
        "occurrenceDateTime": day,
    }


def draft_medication_order(
    drug: Resource, reason: Resource | None, dosage: Resource, dose: Resource | None, patient_id: str, day: str
) -> Resource:
    """A draft MedicationRequest of R4 with one dosage instruction, without what is None."""
    return {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": drug,
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": day,
        **({"reasonCode": [reason]} if reason else {}),
        "dosageInstruction": [{**dosage, **({"doseAndRate": [{"doseQuantity": dose}]} if dose else {})}],
    }


def daily_timing(frequency: int) -> Resource:
    """The Timing, in R4, of a dose that is given so many times a day."""
    return {"repeat": {"frequency": frequency, "period": 1, "periodUnit": "d"}}
