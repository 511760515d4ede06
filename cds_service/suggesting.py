"""The actions behind suggestions: whole resources, in the FHIR version of the order that they belong to."""

from datetime import date
from decimal import Decimal
from typing import Any

from cds_service.clinical.codes import SNOMED
from cds_service.clinical.elements import Resource, at, text
from cds_service.clinical.orders import Order
from cds_service.clinical.quantities import UCUM, say_number
from cds_service.clinical.timing import instructions_of
from cds_service.clinical.versions import DSTU2, R5, STU3, version_of
from cds_service.guidance.model import SuggestionRow
from cds_service.hooks.responses import Action

_SAYS_THE_OLD_DOSE = ("renderedDosageInstruction", "text")  # words about the dosage that is replaced
_BOUNDS = ("boundsDuration", "boundsPeriod", "boundsQuantity", "boundsRange")


def action_for(row: SuggestionRow, order: Order, hook: str, patient_id: str, today: date) -> Action | None:
    """The action of a suggestion; None where it cannot be offered: an order without id, a version without drafts."""
    if row.does == "order-amino-acids":
        lab_order = draft_lab_order(version_of(order.resource, hook), patient_id, today)
        return Action(type="create", description=row.description, resource=lab_order) if lab_order else None
    if not text(order.resource.get("id")):
        return None
    if row.does == "remove-order":
        return Action(type="delete", description=row.description, resourceId=order.reference)
    changed = with_daily_dose(order.resource, version_of(order.resource, hook), row.daily_mg or 0)
    return Action(type="update", description=row.description, resource=changed)


def with_daily_dose(order: Resource, version: str, daily_mg: int) -> Resource:
    """The whole order as it came, only its dosage changed, and the narrative that repeats it left out."""
    dose: dict[str, Any] = {"value": Decimal(daily_mg), "unit": "mg", "system": UCUM, "code": "mg"}
    unit = "periodUnits" if version == DSTU2 else "periodUnit"
    instruction: dict[str, Any] = {
        "text": f"{say_number(Decimal(daily_mg))} mg per day by mouth",
        "timing": {"repeat": {**_bounds(order), "frequency": 1, "period": 1, unit: "d"}},
        "route": _by_mouth(),
    }
    amount: dict[str, Any] = (
        {"doseQuantity": dose} if version in (DSTU2, STU3) else {"doseAndRate": [{"doseQuantity": dose}]}
    )
    kept = {name: value for name, value in order.items() if name not in _SAYS_THE_OLD_DOSE}
    return {**kept, "dosageInstruction": [{**instruction, **amount}]}


def _by_mouth() -> dict[str, Any]:
    return {"coding": [{"system": SNOMED, "code": "26643006", "display": "Oral route"}], "text": "oral"}


def _bounds(order: Resource) -> dict[str, Any]:
    """How long the order was to last, if its timing says so."""
    for instruction in instructions_of(order):
        repeat = at(instruction, "timing", "repeat")
        found = {name: repeat[name] for name in _BOUNDS if isinstance(repeat, dict) and name in repeat}
        if found:
            return found
    return {}


def draft_lab_order(version: str, patient_id: str, day: date) -> Resource | None:
    """A draft order for plasma amino acids, named in words; None for DSTU2, which has no such draft."""
    if version == DSTU2:
        return None
    code: dict[str, Any] = {"text": "Plasma amino acids"}
    return {
        "resourceType": "ProcedureRequest" if version == STU3 else "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": {"concept": code} if version == R5 else code,
        "subject": {"reference": f"Patient/{patient_id}"},
        "occurrenceDateTime": day.isoformat(),
    }
