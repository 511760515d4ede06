"""Converts the order form of /try to a FHIR order, and back; says beside a field why it cannot be used.

A number is never guessed: a comma may separate thousands or decimals, so a dose with one is refused, with the reason.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cds_service.fhir.datetimes import format_day, read_moment
from cds_service.fhir.json import Resource, at, codings, names, number, text
from cds_service.fhir.quantities import format_number
from cds_service.fhir.systems import ICD10CM, RXNORM, SNOMED, UCUM
from cds_service.fhir.versions.elements import doses_of, drugs_of, instructions_of
from cds_service.fhir.versions.writing import daily_timing, draft_medication_order

BY_NAME = "by-name"
IN_WORDS = "words"
MAX_LENGTH = 200  # characters of a typed field
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DOSE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?")


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
    Choice(IN_WORDS, "In words, as written below"),
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
    """The fields of the order, cut to a maximum length; an invalid choice becomes the default.

    A drug or a reason that is typed takes the place of the one that is chosen.
    """
    fields = {name: form.get(name, default)[:MAX_LENGTH] for name, default in DEFAULTS.items()}
    fields = {name: value if _is_choice(name, value) else DEFAULTS[name] for name, value in fields.items()}
    typed = {
        "drug": BY_NAME if fields["written"].strip() else "",
        "reason": IN_WORDS if fields["words"].strip() else "",
    }
    return {**fields, **{name: value for name, value in typed.items() if value}}


def problems_of(form: Mapping[str, str]) -> dict[str, str]:
    """Why an order cannot be written, by field, in words for whoever typed; empty for an order that can."""
    fields = read_fields(form)
    too_long = f"Longer than {MAX_LENGTH} characters, which is all that is read here."
    problems = {name: too_long for name in _TYPED if len(form.get(name, "")) > MAX_LENGTH}
    if fields["drug"] == BY_NAME and not fields["written"].strip():
        problems["written"] = "Write the name of the drug, or choose one above."
    if fields["reason"] == IN_WORDS and not fields["words"].strip():
        problems["words"] = "Write the reason, or choose one above."
    if "dose" not in problems and (problem := _dose_problem(fields["dose"].strip())):
        problems["dose"] = problem
    return problems


_TYPED = ("written", "dose", "words")


def _dose_problem(written: str) -> str:
    """Why a dose cannot be used; empty for a number above zero, and for no dose at all."""
    if not written or (_DOSE.fullmatch(written) and Decimal(written) > 0):
        return ""
    if "," in written:
        return "A comma can separate thousands or decimals: write 1200 without one, and 600.5 with a point."
    if not _NUMBER.fullmatch(written):
        return "Not a number. Write digits, such as 600 or 0.5, and choose the unit beside it."
    if Decimal(written) <= 0:
        return "A dose is above zero. Leave it empty for an order without a dose."
    return "Too many digits: up to seven before the point and three after it."


def _is_choice(name: str, value: str) -> bool:
    return name not in CHOICES or any(choice.value == value for choice in CHOICES[name])


def _chosen(name: str, fields: Mapping[str, str]) -> Choice:
    return next(choice for choice in CHOICES[name] if choice.value == fields[name])


def build_order(fields: Mapping[str, str], patient_id: str, today: str) -> Resource:
    """A draft order, without elements for empty fields. The fields have no problem."""
    drug, reason, route = (_chosen(name, fields) for name in ("drug", "reason", "route"))
    drug_name = fields["written"] if drug.value == BY_NAME else drug.label
    indication = _concept(reason, fields["words"] if reason.value == IN_WORDS else reason.label)
    dosage: Resource = {"timing": daily_timing(int(fields["frequency"]))}
    if route.code:
        dosage["route"] = _concept(route, route.label)
    value = fields["dose"].strip()
    dose = {"value": Decimal(value), "unit": fields["unit"], "system": UCUM, "code": fields["unit"]} if value else None
    return draft_medication_order(
        _concept(drug, drug_name), None if reason.value == "none" else indication, dosage, dose, patient_id, today
    )


def _concept(choice: Choice, written: str) -> dict[str, Any]:
    coding = [{"system": choice.system, "code": choice.code, "display": choice.label}] if choice.code else []
    return {name: value for name, value in (("coding", coding), ("text", written.strip())) if value}


def update_fields(fields: Mapping[str, str], order: Resource) -> dict[str, str]:
    """The fields with the dose, frequency and route of an order that a suggestion has changed."""
    changed: dict[str, str] = {}
    for instruction in instructions_of(order):
        dose = next(iter(doses_of(instruction)), None)
        value = number(at(dose, "value"))
        changed["dose"] = "" if value is None else f"{value:f}"
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
    due = read_moment(resource.get("occurrenceDateTime"))
    return f"{line}, due {format_day(due.day)}" if due else line
