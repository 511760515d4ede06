"""The strength of a product: milligrams in one tablet or capsule, and in one millilitre."""

import re
from decimal import Decimal
from typing import NamedTuple

from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import MAX_NAME, NameList
from cds_service.fhir.quantities import ACCEPTED

_NUMBER = r"(?<![\d.,/])(?<!\d[\s'’])(\d{1,9}(?:\.\d{1,9})?)"  # whole: not the end of 1,200 or of 1 200
_STRENGTH = re.compile(_NUMBER + r"\s*(mg|g)\b(?!\s*/)", re.IGNORECASE)
_CONCENTRATION = re.compile(_NUMBER + r"\s*mg\s*/\s*ml\b", re.IGNORECASE)
_PERCENT = re.compile(_NUMBER + r"\s*%")
_COMBINATION = re.compile(r"[/+&]|\d\s*-\s*\d|\band\b", re.IGNORECASE)


class Strength(NamedTuple):
    """Milligrams in one piece and in one millilitre; None where it is not known."""

    per_piece: Decimal | None = None
    per_ml: Decimal | None = None


def read_strength(order: Order, vocabulary: Vocabulary) -> Strength:
    """From the code list, else from the names of the product if they state just one."""
    forms = vocabulary.name_lists["dose-forms"]
    return Strength(_strength(order, "unit", forms), _strength(order, "mL", forms))


def _strength(order: Order, per: str, forms: NameList) -> Decimal | None:
    listed = {row.extra["strength_mg"] for row in order.products if row.extra.get("strength_per") == per
              and row.extra.get("strength_mg")}  # fmt: skip
    if listed:
        return Decimal(listed.pop()) if len(listed) == 1 else None
    named = {strength for name in order.names for strength in _strengths_in(name[:MAX_NAME], per, forms)}
    return named.pop() if len(named) == 1 else None


def _strengths_in(name: str, per: str, forms: NameList) -> set[Decimal]:
    if per == "mL":
        by_volume = {Decimal(value) for value in _CONCENTRATION.findall(name)}
        return {strength for strength in by_volume | _percentages(name) if strength > 0}
    if forms.find(name) is None or _COMBINATION.search(name):  # whose strength would it be?
        return set()
    found = {Decimal(value) * ACCEPTED["dose"][unit.lower()] for value, unit in _STRENGTH.findall(name)}
    return {strength for strength in found if strength > 0}


def _percentages(name: str) -> set[Decimal]:
    """20 % of a solution is 200 mg in one mL."""
    return {Decimal(value) * 10 for value in _PERCENT.findall(name)}
