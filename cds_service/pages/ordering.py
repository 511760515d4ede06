"""The order of the small EHR on /try: from the fields of its form to a FHIR order, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from cds_service.fhir.json import Resource, at, codings, names, number, text
from cds_service.fhir.quantities import UCUM, format_number
from cds_service.fhir.systems import ICD10CM, RXNORM, SNOMED
from cds_service.fhir.versions.elements import doses_of, drugs_of, instructions_of
from cds_service.fhir.versions.writing import daily_timing, draft_medication_order

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
    """A draft order. What is not filled in is not in it."""
    drug, reason, route = (_chosen(name, fields) for name in ("drug", "reason", "route"))
    name = fields["written"] if drug.value == BY_NAME else drug.label
    why = _concept(reason, fields["words"] if reason.value == "words" else reason.label)
    dosage: Resource = {"timing": daily_timing(int(fields["frequency"]))}
    if route.code:
        dosage["route"] = _concept(route, route.label)
    value = _decimal(fields["dose"])
    dose = {"value": value, "unit": fields["unit"], "system": UCUM, "code": fields["unit"]} if value else None
    return draft_medication_order(
        _concept(drug, name), None if reason.value == "none" else why, dosage, dose, patient, today
    )


def _concept(choice: Choice, words: str) -> dict[str, Any]:
    coding = [{"system": choice.system, "code": choice.code, "display": choice.label}] if choice.code else []
    return {name: value for name, value in (("coding", coding), ("text", words.strip())) if value}


def _decimal(written: str) -> Decimal | None:
    try:
        value = Decimal(written.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 < value < 10**9 else None


def fields_of(order: Resource, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields as an order that a suggestion changed now has them: its dose, frequency and route."""
    changed: dict[str, str] = {}
    for instruction in instructions_of(order):
        dose = next(iter(doses_of(instruction)), None)
        changed["dose"] = str(at(dose, "value") or "")
        changed["unit"] = text(at(dose, "code"))
        changed["frequency"] = str(at(instruction, "timing", "repeat", "frequency") or "")
        codes = [one.code for one in codings(instruction.get("route"))]
        changed["route"] = next((one.value for one in ROUTES if one.code and one.code in codes), "none")
    return read_fields({**fields, **changed})


def say_draft(resource: Resource) -> str:
    """One line about a draft: what it is, and how much of it."""
    said = next((name for one in [*drugs_of(resource), resource.get("code")] for name in names(one)), "an order")
    for instruction in instructions_of(resource):
        dose, often = next(iter(doses_of(instruction)), None), at(instruction, "timing", "repeat", "frequency")
        value = number(at(dose, "value"))
        said += f": {format_number(value)} {text(at(dose, 'unit'))}" if value is not None else ": no dose"
        said += f", {often} × a day"
    due = text(resource.get("occurrenceDateTime"))
    return f"{said}, due {due}" if due else said
