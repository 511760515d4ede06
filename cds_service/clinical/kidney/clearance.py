"""Creatinine clearance by Cockcroft and Gault, or eGFR where it cannot be computed."""

from datetime import datetime
from decimal import Decimal

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known
from cds_service.clinical.kidney.creatinine import UMOL_PER_MG_DL, creatinine_results
from cds_service.clinical.kidney.egfr import ADULT_AGE, Egfr, undetermined_egfr
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day
from cds_service.fhir.quantities import format_number, round_significant


def cockcroft_gault(creatinine_mg_dl: Decimal, age: int, weight_kg: Decimal, sex: str) -> Decimal:
    """Creatinine clearance of an adult in mL/min; sex is `male` or `female`. Cockcroft and Gault 1976."""
    clearance = (140 - age) * weight_kg / (72 * creatinine_mg_dl)
    return clearance * Decimal("0.85") if sex == "female" else clearance


def read_clearance(
    chart: Chart, vocabulary: Vocabulary, patient: Patient, weight: Weight | None, egfr: Egfr | None, now: datetime
) -> Fact:
    """Clearance in mL/min, or eGFR in its place, as its text says; absent if there is neither.

    Unknown if kidney results may be missing, or give no eGFR.
    """
    computed = _computed(chart, vocabulary, patient, weight, now)
    if computed is not None:
        return computed
    if egfr is not None:
        amount = f"{egfr.describe()}, since no creatinine clearance can be computed"
        fact = known(egfr.value, (egfr.result.origin,), amount=amount)
        return msgspec.structs.replace(fact, comparator=egfr.result.measure.comparator)
    gap = chart.gap(queries.KIDNEY) or undetermined_egfr(chart, vocabulary, now)
    return gap or absent("neither clearance nor eGFR can be told")


def _computed(
    chart: Chart, vocabulary: Vocabulary, patient: Patient, weight: Weight | None, now: datetime
) -> Fact | None:
    creatinine = next(iter(creatinine_results(chart, vocabulary, now)), None)
    age = patient.age_on(creatinine.moment.day) if creatinine else None
    if creatinine is None or age is None or age < ADULT_AGE or patient.sex not in ("male", "female"):
        return None
    if weight is None or not weight.recent:
        return None
    value = cockcroft_gault(creatinine.measure.value / UMOL_PER_MG_DL, age, weight.kg, patient.sex)
    number = f"creatinine clearance {format_number(round_significant(value, 3))} mL/min (Cockcroft–Gault)"
    origins = (creatinine.origin, Origin(weight.reference, f"{format_number(weight.kg)} kg"))
    return known(value, origins, amount=f"{number} of {format_day(creatinine.moment.day)}")
