"""The actions behind suggestions: whole resources, in the FHIR version of the order that they belong to."""

from datetime import date
from decimal import Decimal
from typing import Any

from cds_service.clinical.orders.recognise import Order
from cds_service.fhir.json import Resource, text
from cds_service.fhir.quantities import format_number
from cds_service.fhir.systems import SNOMED, UCUM
from cds_service.fhir.versions.writing import draft_service_order, replace_dosage
from cds_service.guidance.model import SuggestionRow
from cds_service.hooks.cards import Action

_SIGNED = {"active", "on-hold"}


def action_for(row: SuggestionRow, order: Order, patient_id: str, day: date) -> Action | None:
    """The action of a suggestion; None where it cannot be offered.

    That is an order without id, the removal of an order that is signed already, and a version without drafts.
    """
    if row.does == "order-amino-acids":
        lab_order = draft_lab_order(order.fhir_version, patient_id, day)
        return Action(type="create", description=row.description, resource=lab_order) if lab_order else None
    if not text(order.resource.get("id")):
        return None
    if row.does == "remove-order":
        if text(order.resource.get("status")) in _SIGNED:
            return None
        return Action(type="delete", description=row.description, resourceId=order.reference)
    changed = with_daily_dose(order.resource, order.fhir_version, row.daily_mg or 0)
    return Action(type="update", description=row.description, resource=changed)


def with_daily_dose(order: Resource, version: str, daily_mg: int) -> Resource:
    """The whole order as it came, only its dosage changed."""
    dose = {"value": Decimal(daily_mg), "unit": "mg", "system": UCUM, "code": "mg"}
    words = f"{format_number(Decimal(daily_mg))} mg per day by mouth"
    return replace_dosage(order, version, words, dose, _by_mouth())


def _by_mouth() -> dict[str, Any]:
    return {"coding": [{"system": SNOMED, "code": "26643006", "display": "Oral route"}], "text": "oral"}


def draft_lab_order(version: str, patient_id: str, day: date) -> Resource | None:
    """A draft order for plasma amino acids, named in words; None for a version in which it is not offered."""
    return draft_service_order(version, {"text": "Plasma amino acids"}, patient_id, day.isoformat())
