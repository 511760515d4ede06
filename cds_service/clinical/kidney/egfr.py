"""eGFR: as reported, or by CKD-EPI 2021 or bedside Schwartz from creatinine. Race-specific eGFR is never used."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, unknown
from cds_service.clinical.kidney.creatinine import UMOL_PER_MG_DL, creatinine_results
from cds_service.clinical.labs.results import Result, ResultCriteria, read_results
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day
from cds_service.fhir.quantities import format_number, round_significant

ADULT_AGE = 18
_UNIT = "mL/min/1.73 m²"


@dataclass(frozen=True, slots=True)
class Egfr:
    """An eGFR in mL/min/1.73 m², the method behind it, and the result that it rests on."""

    value: Decimal
    method: str
    result: Result

    def describe(self) -> str:
        """In words: eGFR 51 mL/min/1.73 m² (reported) of 3 November 2026."""
        value = self.value if self.method == "reported" else round_significant(self.value, 3)
        number = f"{self.result.measure.comparator}{format_number(value)}"
        return f"eGFR {number} {_UNIT} ({self.method}) of {format_day(self.result.moment.day)}"


def ckd_epi_2021(creatinine_mg_dl: Decimal, age: int, sex: str) -> Decimal:
    """eGFR of an adult in mL/min/1.73 m²; sex is `male` or `female`. Inker 2021, facts §5.1."""
    female = sex == "female"
    kappa, alpha = (Decimal("0.7"), Decimal("-0.241")) if female else (Decimal("0.9"), Decimal("-0.302"))
    ratio = creatinine_mg_dl / kappa
    estimate = 142 * ratio ** (alpha if ratio < 1 else Decimal("-1.200"))
    return estimate * Decimal("0.9938") ** age * (Decimal("1.012") if female else 1)


def bedside_schwartz(creatinine_mg_dl: Decimal, height_cm: Decimal) -> Decimal:
    """eGFR of a child of 1 to 17 years in mL/min/1.73 m². Facts §5.2."""
    return Decimal("0.413") * height_cm / creatinine_mg_dl


def read_egfr(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Egfr | None:
    """The newest reported eGFR that fits the age, else one computed from the newest creatinine."""
    age = patient.age_on(now.date())
    return _reported(chart, vocabulary, age, now) or _computed(chart, vocabulary, patient, now)


def _reported(chart: Chart, vocabulary: Vocabulary, age: int | None, now: datetime) -> Egfr | None:
    """Schwartz for children only; of results of the same time, the 2021 equations before others."""
    is_child = age is not None and age < ADULT_AGE
    criteria = ResultCriteria(vocabulary.code_lists["egfr"], "eGFR")
    usable = read_results(chart.get(queries.KIDNEY), criteria, chart.patient_id, now).usable
    fitting = [
        result
        for result in usable
        if result.measure.value > 0 and (result.row.extra.get("rank") == "child") == is_child
    ]
    best = max(fitting, key=_preference, default=None)
    return Egfr(best.measure.value, "reported", best) if best else None


def _preference(result: Result) -> tuple[datetime, bool, str]:
    return result.moment.latest, result.row.extra.get("rank") == "1", result.reference


def _computed(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Egfr | None:
    creatinine = next(iter(creatinine_results(chart, vocabulary, now)), None)
    age = patient.age_on(creatinine.moment.day) if creatinine else None
    if creatinine is None or age is None:
        return None
    mg_dl = creatinine.measure.value / UMOL_PER_MG_DL
    if age >= ADULT_AGE and patient.sex in ("male", "female"):
        return Egfr(ckd_epi_2021(mg_dl, age, patient.sex), "CKD-EPI 2021 from creatinine", creatinine)
    height_cm = _newest_height(chart, vocabulary, now)
    if 1 <= age < ADULT_AGE and height_cm is not None:
        return Egfr(bedside_schwartz(mg_dl, height_cm), "bedside Schwartz", creatinine)
    return None


def _newest_height(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Decimal | None:
    """The newest height in cm; None also where the newest has a comparator."""
    criteria = ResultCriteria(vocabulary.code_lists["body-height"], "height")
    usable = read_results(chart.get(queries.BODY), criteria, chart.patient_id, now).usable
    measure = next((result.measure for result in usable if result.measure.value > 0), None)
    return measure.value if measure and not measure.comparator else None


def undetermined_egfr(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Fact | None:
    """The fact *unknown* where kidney results are on record and none gives an eGFR: that is not "none on record"."""
    for codes, kind in (("egfr", "eGFR"), ("creatinine", "creatinine")):
        criteria = ResultCriteria(vocabulary.code_lists[codes], kind)
        results = read_results(chart.get(queries.KIDNEY), criteria, chart.patient_id, now)
        if results.usable:
            return unknown("no eGFR can be computed from the results on record")
        rejected = next((result for result in results.rejected if not result.is_other_analyte), None)
        if rejected is not None:
            return unknown(f"a result cannot be used ({rejected.describe()})")
    return None
