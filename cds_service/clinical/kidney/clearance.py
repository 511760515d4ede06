"""Creatinine clearance by Cockcroft and Gault, or eGFR where it cannot be computed."""

from decimal import Decimal

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.kidney.creatinine import UMOL_PER_MG_DL
from cds_service.clinical.kidney.egfr import ADULT_AGE, KidneyResults
from cds_service.clinical.labs.results import Result
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.patient import Patient
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day
from cds_service.fhir.quantities import format_number, round_significant


def cockcroft_gault(creatinine_mg_dl: Decimal, age: int, weight_kg: Decimal, sex: str) -> Decimal:
    """Creatinine clearance of an adult in mL/min; sex is `male` or `female`. Cockcroft and Gault 1976."""
    clearance = (140 - age) * weight_kg / (72 * creatinine_mg_dl)
    return clearance * Decimal("0.85") if sex == "female" else clearance


def read_clearance(results: KidneyResults, chart: Chart, patient: Patient, weight: Weight | None) -> Fact:
    """Clearance in mL/min, or eGFR in its place: where none can be computed, and where its sample is newer.

    `results` are those that are recent enough. Absent if there are none; unknown where the newest cannot be read.
    """
    if results.unread:
        return unknown(results.unread)
    creatinine, egfr = results.creatinine, results.egfr
    is_replaced = egfr and creatinine and egfr.result.moment.is_later_than(creatinine.moment)
    computed = None if is_replaced or creatinine is None else _computed(creatinine, patient, weight)
    if computed is not None:
        return computed
    if egfr is None:
        return chart.gap(queries.KIDNEY) or absent("no kidney result that is recent enough")
    why = "its sample is newer than the creatinine" if is_replaced else "no creatinine clearance can be computed"
    fact = known(egfr.value, (egfr.result.origin,), amount=f"{egfr.describe()}, since {why}")
    return msgspec.structs.replace(fact, comparator=egfr.result.measure.comparator)


def _computed(creatinine: Result, patient: Patient, weight: Weight | None) -> Fact | None:
    age = patient.age_beside(ADULT_AGE, creatinine.moment.day)
    if age is None or age < ADULT_AGE or patient.sex not in ("male", "female"):
        return None
    if weight is None or not weight.recent:
        return None
    value = cockcroft_gault(creatinine.measure.value / UMOL_PER_MG_DL, age, weight.kg, patient.sex)
    number = f"creatinine clearance {format_number(round_significant(value, 3))} mL/min (Cockcroft–Gault)"
    origins = (creatinine.origin, Origin(weight.reference, f"{format_number(weight.kg)} kg"))
    return known(value, origins, amount=f"{number} of {format_day(creatinine.moment.day)}")
