"""The strength of a product: milligrams in one tablet or capsule, and in one millilitre."""

import re
from decimal import Decimal
from typing import NamedTuple

from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.words import read_written_dose
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import MAX_NAME, NameList
from cds_service.fhir.quantities import ACCEPTED

_NUMBER = r"(?<![\d.,/])(\d[\d.,'’\s]{0,15})"  # whole: never the end of 1,200 or of 1 200
_PLAIN_NUMBER = re.compile(r"\d{1,9}(?:[.,]\d{1,9})?\Z")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}\Z")  # 2.500 is 2,500 in some countries
_STRENGTH = re.compile(_NUMBER + r"\s*(mg|g)\b(?!\s*/)", re.IGNORECASE)
_CONCENTRATION = re.compile(_NUMBER + r"\s*mg\s*/\s*ml\b", re.IGNORECASE)
_PERCENT = re.compile(_NUMBER + r"\s*%")
_COMBINATION = re.compile(r"[/+&]|\d\s*-\s*\d|\band\b", re.IGNORECASE)


_NOTHING = Decimal(0)


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


def highest_strength(order: Order, vocabulary: Vocabulary) -> Strength:
    """The strength where it is known; else the most that one piece can hold by any reading of the product's names."""
    strength = read_strength(order, vocabulary)
    return (
        strength if strength.per_piece else strength._replace(per_piece=read_written_dose(order.names, vocabulary).mg)
    )


def _strengths_in(name: str, per: str, forms: NameList) -> set[Decimal | None]:
    """What a name states; None for a number that may be read in more than one way."""
    if per == "mL":
        by_volume = [(value, 1) for value in _CONCENTRATION.findall(name)]
        percentages = [(value, 10) for value in _PERCENT.findall(name)]  # 20 % of a solution is 200 mg in one mL
        return {_amount(value, Decimal(factor)) for value, factor in by_volume + percentages} - {_NOTHING}
    if forms.find(name) is None or _COMBINATION.search(name):  # whose strength would it be?
        return set()
    return {_amount(value, ACCEPTED["dose"][unit.lower()]) for value, unit in _STRENGTH.findall(name)} - {_NOTHING}


def _amount(written: str, factor: Decimal) -> Decimal | None:
    """A number times a factor; None where it is not clear which sign stands before thousands."""
    plain = written.strip()
    if not _PLAIN_NUMBER.match(plain) or _AMBIGUOUS.match(plain):
        return None
    return Decimal(plain.replace(",", ".")) * factor
