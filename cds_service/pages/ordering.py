"""The order of the small EHR on /try: from the fields of its form to a FHIR order, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from cds_service.clinical.codes import ICD10CM, RXNORM, SNOMED
from cds_service.clinical.elements import Resource, at, objects, text
from cds_service.clinical.quantities import UCUM, say_number

BY_NAME = "by-name"
LONGEST = 200  # characters of what is typed


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list of the form: what it says, and its code where it has one."""

    value: str
    label: str
    system: str = ""
    code: str = ""


DRUGS = (
    Choice("capsule-600", "Acetylcysteine 600 mg oral capsule", RXNORM, "606971"),
    Choice("tablet-500", "Acetylcysteine 500 mg oral tablet", RXNORM, "199650"),
    Choice("inhalation", "Acetylcysteine inhalation solution", RXNORM, "307719"),
    Choice("injection", "Acetylcysteine 200 mg/mL injection", RXNORM, "465377"),
    Choice("amoxicillin", "Amoxicillin / clavulanate oral suspension (another drug)", RXNORM, "617993"),
    Choice(BY_NAME, "By name only, as written below"),
)
UNITS = (Choice("mg", "mg"), Choice("g", "g"), Choice("mL", "mL"))
ROUTES = (
    Choice("oral", "by mouth", SNOMED, "26643006"),
    Choice("inhalation", "inhaled", SNOMED, "447694001"),
    Choice("intravenous", "intravenous", SNOMED, "47625008"),
    Choice("none", "not stated"),
)
FREQUENCIES = (
    Choice("1", "once a day"),
    Choice("2", "twice a day"),
    Choice("3", "three times a day"),
    Choice("4", "four times a day"),
)
REASONS = (
    Choice("none", "not stated"),
    Choice("bronchitis", "Chronic bronchitis", ICD10CM, "J42"),
    Choice("overdose", "Paracetamol overdose"),
    Choice("words", "In words, as written below"),
)
LISTS: Mapping[str, Sequence[Choice]] = {
    "drug": DRUGS,
    "unit": UNITS,
    "frequency": FREQUENCIES,
    "route": ROUTES,
    "reason": REASONS,
}
DEFAULTS: Mapping[str, str] = {
    "drug": "capsule-600",
    "written": "",
    "dose": "600",
    "unit": "mg",
    "frequency": "2",
    "route": "oral",
    "reason": "none",
    "words": "",
}


def read_fields(form: Mapping[str, str]) -> dict[str, str]:
    """The fields of the order as they came, cut to a length; a choice that the form does not have is the default."""
    fields = {name: form.get(name, default)[:LONGEST] for name, default in DEFAULTS.items()}
    return {name: value if _is_choice(name, value) else DEFAULTS[name] for name, value in fields.items()}


def _is_choice(name: str, value: str) -> bool:
    return name not in LISTS or any(one.value == value for one in LISTS[name])


def _chosen(name: str, fields: Mapping[str, str]) -> Choice:
    return next(one for one in LISTS[name] if one.value == fields[name])


def order_from(fields: Mapping[str, str], patient: str, today: str) -> Resource:
    """A draft MedicationRequest. What is not filled in is not in it."""
    drug, reason = _chosen("drug", fields), _chosen("reason", fields)
    name = fields["written"] if drug.value == BY_NAME else drug.label
    order: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": _concept(drug, name),
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": today,
    }
    if reason.value != "none":
        order["reasonCode"] = [_concept(reason, fields["words"] if reason.value == "words" else reason.label)]
    return {**order, "dosageInstruction": [_dosage(fields)]}


def _concept(choice: Choice, words: str) -> dict[str, Any]:
    coding = [{"system": choice.system, "code": choice.code, "display": choice.label}] if choice.code else []
    return {name: value for name, value in (("coding", coding), ("text", words.strip())) if value}


def _dosage(fields: Mapping[str, str]) -> dict[str, Any]:
    route = _chosen("route", fields)
    instruction: dict[str, Any] = {
        "timing": {"repeat": {"frequency": int(fields["frequency"]), "period": 1, "periodUnit": "d"}}
    }
    if route.code:
        instruction["route"] = _concept(route, route.label)
    dose = _decimal(fields["dose"])
    if dose is not None:
        quantity = {"value": dose, "unit": fields["unit"], "system": UCUM, "code": fields["unit"]}
        instruction["doseAndRate"] = [{"doseQuantity": quantity}]
    return instruction


def _decimal(written: str) -> Decimal | None:
    try:
        value = Decimal(written.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 < value < 10**9 else None


def fields_of(order: Resource, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields as an order that a suggestion changed now has them: its dose, frequency and route."""
    changed: dict[str, str] = {}
    for instruction in objects(order.get("dosageInstruction")):
        quantity = at(next(iter(objects(instruction.get("doseAndRate"))), {}), "doseQuantity")
        changed["dose"] = str(at(quantity, "value") or "")
        changed["unit"] = text(at(quantity, "code"))
        changed["frequency"] = str(at(instruction, "timing", "repeat", "frequency") or "")
        codes = [text(one.get("code")) for one in objects(at(instruction, "route", "coding"))]
        changed["route"] = next((one.value for one in ROUTES if one.code and one.code in codes), "none")
    return read_fields({**fields, **changed})


def say_draft(resource: Resource) -> str:
    """One line about a draft: what it is, and how much of it."""
    concept = resource.get("medicationCodeableConcept") or resource.get("code")
    name = text(at(concept, "text")) or "an order"
    for instruction in objects(resource.get("dosageInstruction")):
        quantity = at(next(iter(objects(instruction.get("doseAndRate"))), {}), "doseQuantity")
        value, often = at(quantity, "value"), at(instruction, "timing", "repeat", "frequency")
        amount = f"{say_number(Decimal(str(value)))} {text(at(quantity, 'unit'))}" if value is not None else "no dose"
        name += f": {amount}, {often} × a day"
    due = text(resource.get("occurrenceDateTime"))
    return f"{name}, due {due}" if due else name
