"""Converts the order form of /try to a FHIR order, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from cds_service.fhir.json import Resource, at, codings, names, number, text
from cds_service.fhir.quantities import format_number
from cds_service.fhir.systems import ICD10CM, RXNORM, SNOMED, UCUM
from cds_service.fhir.versions.elements import doses_of, drugs_of, instructions_of
from cds_service.fhir.versions.writing import daily_timing, draft_medication_order

BY_NAME = "by-name"
MAX_LENGTH = 200  # characters of a field


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a select field, and its code if it has one."""

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
CHOICES: Mapping[str, Sequence[Choice]] = {
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
    """The fields of the order, cut to a maximum length; an invalid choice becomes the default."""
    fields = {name: form.get(name, default)[:MAX_LENGTH] for name, default in DEFAULTS.items()}
    return {name: value if _is_choice(name, value) else DEFAULTS[name] for name, value in fields.items()}


def _is_choice(name: str, value: str) -> bool:
    return name not in CHOICES or any(choice.value == value for choice in CHOICES[name])


def _chosen(name: str, fields: Mapping[str, str]) -> Choice:
    return next(choice for choice in CHOICES[name] if choice.value == fields[name])


def build_order(fields: Mapping[str, str], patient_id: str, today: str) -> Resource:
    """A draft order, without elements for empty fields."""
    drug, reason, route = (_chosen(name, fields) for name in ("drug", "reason", "route"))
    drug_name = fields["written"] if drug.value == BY_NAME else drug.label
    indication = _concept(reason, fields["words"] if reason.value == "words" else reason.label)
    dosage: Resource = {"timing": daily_timing(int(fields["frequency"]))}
    if route.code:
        dosage["route"] = _concept(route, route.label)
    value = _decimal(fields["dose"])
    dose = {"value": value, "unit": fields["unit"], "system": UCUM, "code": fields["unit"]} if value else None
    return draft_medication_order(
        _concept(drug, drug_name), None if reason.value == "none" else indication, dosage, dose, patient_id, today
    )


def _concept(choice: Choice, written: str) -> dict[str, Any]:
    coding = [{"system": choice.system, "code": choice.code, "display": choice.label}] if choice.code else []
    return {name: value for name, value in (("coding", coding), ("text", written.strip())) if value}


def _decimal(written: str) -> Decimal | None:
    try:
        value = Decimal(written.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 < value < 10**9 else None


def update_fields(fields: Mapping[str, str], order: Resource) -> dict[str, str]:
    """The fields with the dose, frequency and route of an order that a suggestion has changed."""
    changed: dict[str, str] = {}
    for instruction in instructions_of(order):
        dose = next(iter(doses_of(instruction)), None)
        changed["dose"] = str(at(dose, "value") or "")
        changed["unit"] = text(at(dose, "code"))
        changed["frequency"] = str(at(instruction, "timing", "repeat", "frequency") or "")
        codes = [coding.code for coding in codings(instruction.get("route"))]
        changed["route"] = next((route.value for route in ROUTES if route.code and route.code in codes), "none")
    return read_fields({**fields, **changed})


def describe_draft(resource: Resource) -> str:
    """A draft order in one line: name, dose and frequency, or the date when it is due."""
    concepts = [*drugs_of(resource), resource.get("code")]
    line = next((name for concept in concepts for name in names(concept)), "an order")
    for instruction in instructions_of(resource):
        dose, frequency = next(iter(doses_of(instruction)), None), at(instruction, "timing", "repeat", "frequency")
        value = number(at(dose, "value"))
        line += f": {format_number(value)} {text(at(dose, 'unit'))}" if value is not None else ": no dose"
        line += f", {frequency} × a day"
    due = text(resource.get("occurrenceDateTime"))
    return f"{line}, due {due}" if due else line
