"""The units this service accepts, and exact conversions between them. Anything else is refused.

A closed table on purpose: a general parser would read `MG` as megagauss and convert `mmol/mol{creat}`, a ratio,
as if it were a number without a unit. Sources of the factors: molecular weight of creatinine 113.12 g/mol, so
that 1 mg/dL = 88.4 umol/L; the amino acid codes in use are all [Moles/volume], so only molar units are taken.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

import msgspec

from cds_service.fhir.json import Coding, Json, Resource, member, number, objects, text
from cds_service.fhir.systems import UCUM

MAX_UNIT = 100  # characters of a unit or its code that are looked at

_ONE = Decimal(1)
_MOLAR = {
    "umol/L": _ONE,
    "umol/l": _ONE,
    "micromol/L": _ONE,
    "micromole/L": _ONE,
    "nmol/mL": _ONE,
    "nmol/ml": _ONE,
    "umol/dL": Decimal(10),
    "umol/dl": Decimal(10),
    "mmol/L": Decimal(1000),
    "mmol/l": Decimal(1000),
    "mol/L": Decimal(1_000_000),
    "mol/l": Decimal(1_000_000),
}
_CREATININE_MG_DL = Decimal("88.4")
_EGFR_SPELLINGS = [
    f"{volume}/min/{area}" for volume in ("mL", "ml") for area in ("{1.73_m2}", "1.73m2", "{1.73m2}", "1.73_m2")
]

# what is measured -> spelling -> factor to the unit that the rest of the code uses
ACCEPTED: dict[str, dict[str, Decimal]] = {
    "amino acid": _MOLAR,  # umol/L
    "creatinine": {  # umol/L
        **{spelling: factor for spelling, factor in _MOLAR.items() if not spelling.startswith("mol")},
        "mg/dL": _CREATININE_MG_DL,
        "mg/dl": _CREATININE_MG_DL,
        "mg/L": _CREATININE_MG_DL / 10,
        "mg/l": _CREATININE_MG_DL / 10,
    },
    "eGFR": dict.fromkeys(_EGFR_SPELLINGS, _ONE),  # mL/min/{1.73_m2}
    "weight": {
        "kg": _ONE,
        "g": Decimal("0.001"),
        **dict.fromkeys(("[lb_av]", "lb", "lbs", "pound", "pounds"), Decimal("0.45359237")),
    },  # kg
    "height": {"cm": _ONE, "m": Decimal(100), "[in_i]": Decimal("2.54")},  # cm
    "dose": {  # mg
        **dict.fromkeys(("mg", "milligram", "milligrams", "Milligramm"), _ONE),
        **dict.fromkeys(("g", "gram", "grams", "Gramm"), Decimal(1000)),
        "ug": Decimal("0.001"),
    },
    "dose per weight": {"mg/kg": _ONE, "g/kg": Decimal(1000)},  # mg/kg
    "volume": {"mL": _ONE, "ml": _ONE, "L": Decimal(1000), "l": Decimal(1000)},  # mL
    "duration": {  # days
        "d": _ONE,
        "day": _ONE,
        "days": _ONE,
        "wk": Decimal(7),
        "week": Decimal(7),
        "weeks": Decimal(7),
        "h": _ONE / 24,
        "mo": Decimal("30.4375"),
        "month": Decimal("30.4375"),
        "months": Decimal("30.4375"),
        "a": Decimal("365.25"),
    },
    "age in years": {"a": _ONE, "year": _ONE, "years": _ONE, "yr": _ONE},
    "age in months": {"mo": _ONE, "month": _ONE, "months": _ONE},
}
UNITS = {"amino acid": "µmol/L", "creatinine": "µmol/L", "eGFR": "mL/min/1.73 m²", "weight": "kg", "height": "cm"}
_SPACE = re.compile(r"\s+|\^(?=2)")  # and the sign before a raised two
_PLAIN = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u00b2": "2"})


class Measure(msgspec.Struct, frozen=True):
    """A number in the unit of its kind, how it was sent, and its comparator (`<`, `<=`, `>`, `>=` or empty)."""

    value: Decimal
    sent: str
    comparator: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """Why something cannot be used, in words for the reader."""

    reason: str


def normalise_unit(unit: str) -> str:
    """A unit without space, with `u` for both signs of micro (U+00B5 and U+03BC) and `2` for a raised two."""
    return _SPACE.sub("", unit).translate(_PLAIN)


def conversion_factor(kind: str, unit: str) -> Decimal | None:
    """The factor from a unit to the unit of this kind, or None if the unit is not accepted for it."""
    spelling = normalise_unit(unit)
    return ACCEPTED[kind].get(spelling.lower() if kind == "eGFR" else spelling)


def read_measure(kind: str, quantity: Json) -> Measure | Refusal:
    """A Quantity in the unit of its kind.

    Refused without a number or unit, and where the unit is not accepted or the code and the unit differ. A code counts
    only as UCUM: of another code system only the unit in words is read.
    """
    value = number(member(quantity, "value"))
    if value is None:
        return Refusal("no number")
    accepted = _accepted_unit(kind, *unit_of(quantity))
    if isinstance(accepted, Refusal):
        return accepted
    sent = quantity.get("comparator")
    comparator = "" if sent is None else text(sent) or "?"
    if comparator not in ("", "<", "<=", ">", ">="):
        return Refusal("a comparator that is not understood")
    return Measure(value * accepted.factor, f"{comparator}{format_number(value)} {accepted.printed}", comparator)


class LocalUnits:
    """The codes of a site's own units, and the UCUM units that they mean."""

    def __init__(self, meanings: Mapping[Coding, str]) -> None:
        self._meanings = meanings

    def translate(self, quantity: Json, default: str = "") -> Json:
        """A Quantity in the UCUM unit that its code means; one that states no unit in the default, if there is one."""
        if not self._meanings and not default:
            return quantity
        code, words, system = unit_of(quantity)
        meaning = self._meanings.get(Coding(system, code)) if code or words else default
        if not meaning or not isinstance(quantity, dict):
            return quantity
        kept = {name: value for name, value in quantity.items() if name != "unit"}
        return {**kept, "system": UCUM, "code": meaning}

    def translate_result(self, element: Resource, default: str = "") -> Resource:
        """The element of a result, with its value and its reference ranges in UCUM units."""
        if not self._meanings and not default:
            return element
        translated = dict(element)
        if "valueQuantity" in element:
            translated["valueQuantity"] = self.translate(element["valueQuantity"], default)
        if "referenceRange" in element:
            ranges = objects(element["referenceRange"])
            translated["referenceRange"] = [
                self._translate_range(reference_range, default) for reference_range in ranges
            ]
        return translated

    def _translate_range(self, interval: Resource, default: str) -> Resource:
        ends: Resource = {end: self.translate(interval[end], default) for end in ("low", "high") if end in interval}
        age = interval.get("age")
        if isinstance(age, dict):
            ends["age"] = self._translate_range(age, "")
        return {**interval, **ends}


NO_LOCAL_UNITS = LocalUnits({})


def unit_of(quantity: Json) -> tuple[str, str, str]:
    """The unit of a Quantity: its code, its words and the system of its code, each cut to `MAX_UNIT` characters."""
    code, words, system = member(quantity, "code"), member(quantity, "unit"), member(quantity, "system")
    return text(code)[:MAX_UNIT], text(words)[:MAX_UNIT], text(system)[:MAX_UNIT]


def written_units(quantity: Json) -> list[str]:
    """The unit of a Quantity as it is written: its code where that may be UCUM, and its words."""
    return _written_units(*unit_of(quantity))


def _written_units(code: str, words: str, system: str) -> list[str]:
    foreign = system not in ("", UCUM)
    if foreign and len(words) == 1 and words == code:  # a letter for a code: `g` is a single dose in one list
        return []
    return [written for written in ("" if foreign else code, words) if written]


class _AcceptedUnit(msgspec.Struct, frozen=True):
    factor: Decimal
    printed: str


@lru_cache(maxsize=1024)  # a laboratory has few units, and every result has one
def _accepted_unit(kind: str, code: str, words: str, system: str) -> _AcceptedUnit | Refusal:
    foreign = system not in ("", UCUM)
    spellings = [normalise_unit(written) for written in _written_units(code, words, system)]
    if not spellings:
        return Refusal("its unit has no name that can be read" if foreign else "no unit")
    factors = {spelling: conversion_factor(kind, spelling) for spelling in spellings}
    accepted = [_AcceptedUnit(factor, format_unit(spelling)) for spelling, factor in factors.items() if factor]
    if code and not foreign and factors[normalise_unit(code)] is None:
        accepted = []  # a UCUM code is the unit: the words beside it do not repair it
    if not accepted:
        is_understood = conversion_factor(kind, words) is not None
        return Refusal(f"unit {words if words and not is_understood else code} not accepted")
    differ = len({accepted_unit.factor for accepted_unit in accepted}) > 1
    if differ or any(factor is None and _is_other_unit(spelling) for spelling, factor in factors.items()):
        return Refusal(f"units {' and '.join(spellings)} contradict each other")
    return accepted[0]


def _is_other_unit(unit: str) -> bool:
    """True for a unit of another kind of measure, rather than other words for the unit in the code."""
    return "{" in unit or any(unit in table for table in ACCEPTED.values())


def format_unit(unit: str) -> str:
    """A unit as it is printed: umol/L as µmol/L; anything else as it came."""
    return f"µ{normalise_unit(unit)[1:]}" if normalise_unit(unit).startswith("umol") else unit


def format_number(value: Decimal) -> str:
    """A number without exponent or trailing zeros, thousands separated: 2,400 or 0.9."""
    plain = f"{value.normalize():,f}"
    return plain if plain != "-0" else "0"


def round_significant(value: Decimal, digits: int = 4) -> Decimal:
    """A computed number to so many significant digits, for print; comparisons use the exact one."""
    return round(value, digits - 1 - value.adjusted())
