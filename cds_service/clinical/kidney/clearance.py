"""Creatinine clearance by Cockcroft and Gault; where it cannot be computed, eGFR, and the fact says so."""

from datetime import datetime
from decimal import Decimal

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known
from cds_service.clinical.kidney.egfr import ADULT, UMOL_PER_MG_DL, Egfr, Patient, plain_creatinine, untold
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.screens.conditions import missing
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import say_day
from cds_service.fhir.quantities import rounded, say_number


def cockcroft_gault(creatinine_mg_dl: Decimal, age: int, weight_kg: Decimal, sex: str) -> Decimal:
    """Creatinine clearance of an adult in mL/min; sex is `male` or `female`. Cockcroft and Gault 1976."""
    clearance = (140 - age) * weight_kg / (72 * creatinine_mg_dl)
    return clearance * Decimal("0.85") if sex == "female" else clearance


def clearance(
    chart: Chart, vocabulary: Vocabulary, patient: Patient, weight: Weight | None, egfr: Egfr | None, now: datetime
) -> Fact:
    """Clearance in mL/min, or eGFR in its place; absent if there is neither; unknown if results could not be read."""
    computed = _computed(chart, vocabulary, patient, weight, now)
    if computed is not None:
        return computed
    if egfr is not None:
        said = f"{egfr.say()}, since no creatinine clearance can be computed"
        fact = known(egfr.value, (egfr.result.origin,), amount=said)
        return msgspec.structs.replace(fact, comparator=egfr.result.measure.comparator)
    gap = missing(queries.KIDNEY, chart.get(queries.KIDNEY)) or untold(chart, vocabulary, None, now)
    return gap or absent("neither clearance nor eGFR can be told")


def _computed(
    chart: Chart, vocabulary: Vocabulary, patient: Patient, weight: Weight | None, now: datetime
) -> Fact | None:
    result = next(iter(plain_creatinine(chart, vocabulary, now)), None)
    age = patient.age_on(result.moment.day) if result else None
    if result is None or age is None or age < ADULT or patient.sex not in ("male", "female"):
        return None
    if weight is None or not weight.recent:
        return None
    value = cockcroft_gault(result.measure.value / UMOL_PER_MG_DL, age, weight.kg, patient.sex)
    shown = f"creatinine clearance {say_number(rounded(value, 3))} mL/min (Cockcroft–Gault)"
    origins = (result.origin, Origin(weight.name, f"{say_number(weight.kg)} kg"))
    return known(value, origins, amount=f"{shown} of {say_day(result.moment.day)}")
