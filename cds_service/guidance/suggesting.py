"""The actions behind suggestions: whole resources, in the FHIR version of the order that they belong to."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cds_service.clinical.facts import Facts, Value
from cds_service.clinical.orders.changing import is_twice_daily
from cds_service.clinical.orders.recognise import Order
from cds_service.fhir.json import Coding, Resource, text
from cds_service.fhir.systems import SNOMED
from cds_service.fhir.versions.elements import instructions_of
from cds_service.fhir.versions.writing import draft_service_order, with_dose_twice_daily
from cds_service.guidance.model import SuggestionRow
from cds_service.hooks.cards import Action

NO_CODES: Mapping[Coding, str] = {}
_SIGNED = {"active", "on-hold"}


def action_for(
    row: SuggestionRow,
    order: Order,
    patient_id: str,
    day: date,
    facts: Facts,
    description: str,
    order_codes: Mapping[Coding, str] = NO_CODES,
) -> Action | None:
    """The action of a suggestion, with its description; None where it cannot be offered.

    `order_codes` are the codes of the site for plasma amino acids, each with its name.

    That is an order without id, the removal of an order that is signed already, and a version without drafts.
    """
    if row.does == "order-amino-acids":
        lab_order = draft_lab_order(order.fhir_version, patient_id, day, order_codes)
        return Action(type="create", description=description, resource=lab_order) if lab_order else None
    if not text(order.resource.get("id")):
        return None
    if row.does == "remove-order":
        if text(order.resource.get("status")) in _SIGNED:
            return None
        return Action(type="delete", description=description, resourceId=order.reference)
    changed = with_dose(order.resource, order.fhir_version, facts["single_dose"].value, row.dose_mg or 0)
    return Action(type="update", description=description, resource=changed) if changed else None


def with_dose(order: Resource, version: str, single_mg: Value, dose_mg: int) -> Resource | None:
    """The whole order as it came, its single dose of `single_mg` changed to `dose_mg` twice daily by mouth.

    The dose keeps its unit: two capsules for one. None where the dose that stands there is not known.
    """
    if not isinstance(single_mg, Decimal):
        return None
    twice = all(is_twice_daily(instruction) for instruction in instructions_of(order))
    return with_dose_twice_daily(order, version, Decimal(dose_mg) / single_mg, _by_mouth(), keeps_timing=twice)


def _by_mouth() -> dict[str, Any]:
    return {"coding": [{"system": SNOMED, "code": "26643006", "display": "Oral route"}], "text": "oral"}


def draft_lab_order(
    version: str, patient_id: str, day: date, order_codes: Mapping[Coding, str] = NO_CODES
) -> Resource | None:
    """A draft order for plasma amino acids; None for a version in which it is not offered.

    It is named in words, and by the codes of the site. No LOINC code is among them: of none that is listed is it
    verified that it means plasma.
    """
    coding = [
        {"system": code.system, "code": code.code, **({"display": name} if name else {})}
        for code, name in order_codes.items()
    ]
    words = {"text": "Plasma amino acids"}
    return draft_service_order(version, {"coding": coding, **words} if coding else words, patient_id, day.isoformat())
