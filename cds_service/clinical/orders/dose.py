"""The dose per day and the single dose of an order in mg, exact, or the reason why they are not known.

A range counts with its upper end, an `as needed` dose with its maximum, and several instructions are added up.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.timing import round_rate, times_per_day
from cds_service.fhir.json import Json, Resource, at, items, member, number, text
from cds_service.fhir.quantities import ACCEPTED, Measure, Refusal, is_count, read_measure
from cds_service.fhir.versions.elements import doses_of, has_unread_instruction, instructions_of, is_as_needed

_NUMBER = r"(?<![\d.,/])(?<!\d[\s'’])(\d+(?:\.\d+)?)"  # not the last digits of 1,200 or of 1 200
_STRENGTH = re.compile(_NUMBER + r"\s*(mg|g)\b(?!\s*/)", re.IGNORECASE)
_CONCENTRATION = re.compile(_NUMBER + r"\s*mg\s*/\s*ml\b", re.IGNORECASE)
_COMBINATION = re.compile(r"[/+&]|\d\s*-\s*\d|\band\b", re.IGNORECASE)
_SOLID = re.compile(r"\b(tablet|capsule)s?\b", re.IGNORECASE)

Amount = Decimal | Refusal


@dataclass(frozen=True, slots=True)
class Dose:
    """Dose per day in mg (None: the order states none), and the largest single dose in mg and in mg/kg, where known."""

    per_day: Amount | None
    single: Decimal | None = None
    single_per_kg: Decimal | None = None


class _SingleDose(NamedTuple):
    """A single dose in mg, and in mg/kg if it is ordered so."""

    amount: Amount
    per_kg: Decimal | None = None


def read_dose(order: Order, weight_kg: Decimal | None) -> Dose:
    """The dose of an order. A dose that is ordered per kg is known only with `weight_kg`."""
    instructions = instructions_of(order.resource)
    if has_unread_instruction(order.resource):
        return Dose(Refusal("one of its dosage instructions cannot be read"))
    if not instructions:
        return Dose(None)
    daily: list[Amount] = []
    single: list[Decimal] = []
    per_kg: list[Decimal] = []
    for instruction in instructions:
        doses = [_read_single(quantity, order, weight_kg) for quantity in doses_of(instruction)]
        per_kg += [dose.per_kg for dose in doses if dose.per_kg is not None]
        largest = _largest(instruction, doses)
        if isinstance(largest, Decimal):
            single.append(largest)
        daily.append(_per_day(instruction, largest, order))
    return Dose(_sum(daily), max(single, default=None), max(per_kg, default=None))


def _sum(daily: list[Amount]) -> Amount:
    refused = next((amount for amount in daily if isinstance(amount, Refusal)), None)
    return refused or sum((amount for amount in daily if isinstance(amount, Decimal)), Decimal(0))


def _per_day(instruction: Resource, single: Amount, order: Order) -> Amount:
    limit = _maximum_per_day(instruction, order)
    if limit is not None and is_as_needed(instruction):
        return limit
    times = times_per_day(instruction)
    if isinstance(single, Refusal):
        return single if limit is None else limit
    if isinstance(times, Decimal):
        return round_rate(single * times) or Refusal("its dose per day is too large or too small to be one")
    if limit is not None:
        return limit
    return times or Refusal("it does not say how often")


def _largest(instruction: Resource, doses: list[_SingleDose]) -> Amount:
    if not doses:
        written = text(instruction.get("text")) or text(instruction.get("patientInstruction"))
        return Refusal("its dose is written as text only" if written else "it states no dose")
    refused = next((dose.amount for dose in doses if isinstance(dose.amount, Refusal)), None)
    return refused or max(dose.amount for dose in doses if isinstance(dose.amount, Decimal))


def _read_single(quantity: Json, order: Order, weight_kg: Decimal | None) -> _SingleDose:
    """A Quantity as a dose: a mass, a number of tablets or a volume of known strength, or a mass per kg.

    Their units are distinct, so the order of the attempts makes no difference but to speed: most doses are masses.
    """
    value = number(member(quantity, "value"))
    if value is None or value <= 0 or text(member(quantity, "comparator")):
        return _SingleDose(Refusal("its dose is not a plain positive number"), _per_weight(quantity))
    mass = read_measure("dose", quantity)
    if isinstance(mass, Measure):
        return _SingleDose(mass.value)
    if is_count(quantity):
        return _SingleDose(
            _times(value, _strength(order, "unit"), "the strength of one tablet or capsule is not known")
        )
    volume = read_measure("volume", quantity)
    if isinstance(volume, Measure):
        return _SingleDose(_times(volume.value, _strength(order, "mL"), "the strength of the solution is not known"))
    per_kg = _per_weight(quantity)
    if per_kg is not None:
        return _SingleDose(_times(per_kg, weight_kg, "it is ordered per kg and no weight is known"), per_kg)
    return _SingleDose(mass)


def _times(value: Decimal, strength: Decimal | None, otherwise: str) -> Amount:
    return Refusal(otherwise) if strength is None else value * strength


def _per_weight(quantity: Json) -> Decimal | None:
    measure = read_measure("dose per weight", quantity)
    return None if isinstance(measure, Refusal) else measure.value


def _strength(order: Order, per: str) -> Decimal | None:
    """Mg per tablet or per mL: by the code list, else by the product's names if they state just one strength."""
    rows = [row.extra for row in order.products if row.extra.get("strength_per") == per]
    listed = {extra["strength_mg"] for extra in rows if extra.get("strength_mg")}
    if listed:
        return Decimal(listed.pop()) if len(listed) == 1 else None
    named = {strength for name in order.names for strength in _strengths_in(name, per)}
    return named.pop() if len(named) == 1 else None


def _strengths_in(name: str, per: str) -> set[Decimal]:
    if per == "mL":
        return {Decimal(value) for value in _CONCENTRATION.findall(name)}
    if not _SOLID.search(name) or _COMBINATION.search(name):  # of a combination, it may be the other's
        return set()
    strengths = {Decimal(value) * ACCEPTED["dose"][unit.lower()] for value, unit in _STRENGTH.findall(name)}
    return {strength for strength in strengths if strength > 0}


def _maximum_per_day(instruction: Resource, order: Order) -> Decimal | None:
    """`maxDosePerPeriod` (a Ratio, in R5 a list of them) in mg per day: the smallest; None unless each can be read."""
    ratios = [_ratio_per_day(ratio, order) for ratio in items(instruction.get("maxDosePerPeriod"))]
    read = [per_day for per_day in ratios if per_day is not None]
    return min(read, default=None) if len(read) == len(ratios) else None


def _ratio_per_day(ratio: Json, order: Order) -> Decimal | None:
    dose = _read_single(at(ratio, "numerator"), order, None).amount
    days = read_measure("duration", at(ratio, "denominator"))
    if isinstance(dose, Refusal) or isinstance(days, Refusal) or days.value <= 0 or days.comparator:
        return None
    return round_rate(dose / days.value)
