"""The units this service accepts, and exact conversions between them. Anything else is refused.

A closed table on purpose: a general parser would read `MG` as megagauss and convert `mmol/mol{creat}`, a ratio,
as if it were a number without a unit. Sources of the factors: molecular weight of creatinine 113.12 g/mol, so
that 1 mg/dL = 88.4 umol/L; the amino acid codes in use are all [Moles/volume], so only molar units are taken.
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
UNITS = {"amino acid": "µmol/L", "creatinine": "µmol/L", "eGFR": "mL/min/1.73 m²", "weight": "kg", "height": "cm"}
COUNTS = frozenset({"1", "{pill}", "{tbl}", "{tablet}", "{capsule}", "{cap}", "pill", "pills"}) | frozenset(
    {"tablet", "tablets", "tab", "capsule", "capsules", "cap"}
)
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
    return ACCEPTED[kind].get(normalise_unit(unit))


def units_of(quantity: Json) -> list[str]:
    """The unit spellings of a Quantity: its code and its unit, whichever are there."""
    given = (text(member(quantity, "code")), text(member(quantity, "unit")))
    return [normalise_unit(unit) for unit in given if unit]


def read_measure(kind: str, quantity: Json) -> Measure | Refusal:
    """A Quantity in the unit of its kind. Refused: no number, no unit, a unit not in the table, two that differ."""
    value = number(member(quantity, "value"))
    if value is None:
        return Refusal("no number")
    code, unit, system = text(quantity.get("code")), text(quantity.get("unit")), text(quantity.get("system"))
    found = _unit_of(kind, code, unit, system)
    if isinstance(found, Refusal):
        return found
    sent = quantity.get("comparator")
    comparator = "" if sent is None else text(sent) or "?"
    if comparator not in ("", "<", "<=", ">", ">="):
        return Refusal("a comparator that is not understood")
    return Measure(value * found.factor, f"{comparator}{format_number(value)} {found.printed}", comparator)


class _Unit(msgspec.Struct, frozen=True):
    """A unit that is accepted: its factor, and how it is printed."""

    factor: Decimal
    printed: str


@lru_cache(maxsize=1024)  # a laboratory has few units, and each result brings one
def _unit_of(kind: str, code: str, unit: str, system: str) -> _Unit | Refusal:
    units = [normalise_unit(one) for one in (code, unit) if one]
    if not units:
        return Refusal("no unit")
    known = {conversion_factor(kind, one) for one in units} - {None}
    if code and system in ("", UCUM) and conversion_factor(kind, code) is None:
        known = set()  # the code is the unit; a friendly display beside it does not repair it
    if known and any(_is_other_unit(one) for one in units if conversion_factor(kind, one) is None):
        return Refusal(f"units {' and '.join(units)} contradict each other")
    if not known:
        return Refusal(f"unit {units[0]} not accepted")
    if len(known) > 1:
        return Refusal(f"units {' and '.join(units)} contradict each other")
    return next(_Unit(found, format_unit(one)) for one in units if (found := conversion_factor(kind, one)) is not None)


def _is_other_unit(unit: str) -> bool:
    """True for a unit of something else, and not merely other words for the unit in the code."""
    return "{" in unit or any(unit in table for table in ACCEPTED.values())


def is_count(quantity: Json) -> bool:
    """True for a Quantity that counts tablets or capsules."""
    units = units_of(quantity)
    return bool(units) and all(unit.lower() in COUNTS for unit in units)


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
