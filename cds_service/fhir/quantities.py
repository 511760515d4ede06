"""Quantities in the units that this service accepts, converted exactly. Any other unit is refused.

The table is closed on purpose: a general parser would read `MG` as megagauss and convert `mmol/mol{creat}`, a ratio,
as if it were a number without a unit. Creatinine has a molecular weight of 113.12 g/mol, so 1 mg/dL is 88.4 umol/L. The
LOINC codes for amino acids in use are all [Moles/volume], so only molar units are accepted for them.
"""

import re
from decimal import Decimal
from functools import lru_cache

import msgspec

from cds_service.fhir.json import Json, member, number, text

UCUM = "http://unitsofmeasure.org"

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
_EGFR_SPELLINGS = ("mL/min/{1.73_m2}", "mL/min/1.73m2", "mL/min/1.73m^2", "mL/min/{1.73m2}", "mL/min/1.73_m2")

# kind of measure -> spelling of a unit -> factor to the unit in which the code reckons
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
        "[lb_av]": Decimal("0.45359237"),
        "lb": Decimal("0.45359237"),
    },  # kg
    "height": {"cm": _ONE, "m": Decimal(100), "[in_i]": Decimal("2.54")},  # cm
    "dose": {"mg": _ONE, "g": Decimal(1000), "ug": Decimal("0.001")},  # mg
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
    },
    "age in years": {"a": _ONE, "year": _ONE, "years": _ONE, "yr": _ONE},
    "age in months": {"mo": _ONE, "month": _ONE, "months": _ONE},
}
COUNTS = frozenset({"1", "{pill}", "{tbl}", "{tablet}", "{capsule}", "{cap}", "pill", "pills"}) | frozenset(
    {"tablet", "tablets", "tab", "capsule", "capsules", "cap"}
)
_SPACE = re.compile(r"\s+")


class Measure(msgspec.Struct, frozen=True):
    """A number in the unit of its kind, the quantity as sent, and its comparator (`<`, `<=`, `>`, `>=` or empty)."""

    value: Decimal
    sent: str
    comparator: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """Why something cannot be used, in words that a card may show."""

    reason: str


def normalise_unit(unit: str) -> str:
    """A unit without spaces and with `u` for both signs of micro (U+00B5 and U+03BC)."""
    return _SPACE.sub("", unit).replace("\u00b5", "u").replace("\u03bc", "u")


def conversion_factor(kind: str, unit: str) -> Decimal | None:
    """The factor from a unit to the unit of this kind, or None if the unit is not accepted for it."""
    return ACCEPTED[kind].get(normalise_unit(unit))


def units_of(quantity: Json) -> list[str]:
    """The unit spellings of a Quantity: its code and its unit, whichever are there."""
    given = (text(member(quantity, "code")), text(member(quantity, "unit")))
    return [normalise_unit(unit) for unit in given if unit]


def read_measure(kind: str, quantity: Json) -> Measure | Refusal:
    """A Quantity in the unit of its kind.

    Refused without a number or unit, and where the unit is not accepted or the code and the unit differ.
    """
    value = number(member(quantity, "value"))
    if value is None:
        return Refusal("no number")
    code, unit, system = text(quantity.get("code")), text(quantity.get("unit")), text(quantity.get("system"))
    accepted = _accepted_unit(kind, code, unit, system)
    if isinstance(accepted, Refusal):
        return accepted
    sent = quantity.get("comparator")
    comparator = "" if sent is None else text(sent) or "?"
    if comparator not in ("", "<", "<=", ">", ">="):
        return Refusal("a comparator that is not understood")
    return Measure(value * accepted.factor, f"{comparator}{format_number(value)} {accepted.printed}", comparator)


class _AcceptedUnit(msgspec.Struct, frozen=True):
    factor: Decimal
    printed: str


@lru_cache(maxsize=1024)  # a laboratory has few units, and every result has one
def _accepted_unit(kind: str, code: str, unit: str, system: str) -> _AcceptedUnit | Refusal:
    spellings = [normalise_unit(written) for written in (code, unit) if written]
    if not spellings:
        return Refusal("no unit")
    factors = {spelling: conversion_factor(kind, spelling) for spelling in spellings}
    accepted = [_AcceptedUnit(factor, format_unit(spelling)) for spelling, factor in factors.items() if factor]
    if code and system in ("", UCUM) and factors[normalise_unit(code)] is None:
        accepted = []  # a UCUM code is the unit: the words beside it do not repair it
    if not accepted:
        return Refusal(f"unit {spellings[0]} not accepted")
    differ = len({accepted_unit.factor for accepted_unit in accepted}) > 1
    if differ or any(factor is None and _is_other_unit(spelling) for spelling, factor in factors.items()):
        return Refusal(f"units {' and '.join(spellings)} contradict each other")
    return accepted[0]


def _is_other_unit(unit: str) -> bool:
    """True for a unit of another kind of measure, rather than other words for the unit in the code."""
    return "{" in unit or any(unit in table for table in ACCEPTED.values())


def is_count(quantity: Json) -> bool:
    """True for a Quantity that counts tablets or capsules."""
    units = units_of(quantity)
    return bool(units) and all(unit.lower() in COUNTS for unit in units)


def format_unit(unit: str) -> str:
    """A unit for print: umol/L as µmol/L, any other as it is."""
    return f"µ{normalise_unit(unit)[1:]}" if normalise_unit(unit).startswith("umol") else unit


def format_number(value: Decimal) -> str:
    """A number without exponent or trailing zeros and with a comma between thousands: 2,400 or 0.9."""
    plain = f"{value.normalize():,f}"
    return plain if plain != "-0" else "0"


def round_significant(value: Decimal, digits: int = 4) -> Decimal:
    """A computed number to so many significant digits, for print only: comparisons use the exact number."""
    return round(value, digits - 1 - value.adjusted())
