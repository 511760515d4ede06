"""eGFR: as reported, or by CKD-EPI 2021 or bedside Schwartz from creatinine. Race-specific eGFR is never used.

The newer sample counts. A newer result that cannot be read is named, and then no older one reassures.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, absent, known, unknown
from cds_service.clinical.kidney.creatinine import UMOL_PER_MG_DL, creatinine_results
from cds_service.clinical.labs.results import AnalyteResults, Result, read_results, result_criteria
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import Moment, format_day
from cds_service.fhir.quantities import UNITS, format_number, round_significant

ADULT_AGE = 18


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
        return f"eGFR {number} {UNITS['eGFR']} ({self.method}) of {format_day(self.result.moment.day)}"


@dataclass(frozen=True, slots=True)
class KidneyResults:
    """The newest creatinine without a comparator, the eGFR of the newest sample, and what keeps them from reassuring.

    `unread` says why the newest result cannot be used, or why the results on record give no eGFR; empty otherwise.
    """

    creatinine: Result | None
    egfr: Egfr | None
    unread: str = ""
    unread_moment: Moment | None = None

    def within(self, days: int, now: datetime) -> "KidneyResults":
        """Only what is at most so many days old. A result without a date may be that, too."""

        def is_recent(moment: Moment | None) -> bool:
            return moment is None or moment.days_before(now) <= days

        return KidneyResults(
            self.creatinine if self.creatinine and is_recent(self.creatinine.moment) else None,
            self.egfr if self.egfr and is_recent(self.egfr.result.moment) else None,
            self.unread if is_recent(self.unread_moment) else "",
            self.unread_moment,
        )


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


def read_kidney_results(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> KidneyResults:
    """The kidney results on record: of reported and computed eGFR the one of the newer sample."""
    creatinine = next(iter(creatinine_results(chart, vocabulary, now)), None)
    reported = _reported(chart, vocabulary, patient.age_beside(ADULT_AGE, now.date()), now)
    computed = _computed(creatinine, chart, vocabulary, patient, now) if creatinine else None
    egfr = _newer(reported, computed)
    return KidneyResults(creatinine, egfr, *_unread(chart, vocabulary, egfr, now))


def _newer(reported: Egfr | None, computed: Egfr | None) -> Egfr | None:
    """The eGFR of the newer sample; of one sample, or of one day without times, the reported one."""
    if reported is None or computed is None:
        return reported or computed
    return computed if computed.result.moment.is_later_than(reported.result.moment) else reported


def _reported(chart: Chart, vocabulary: Vocabulary, age: int | None, now: datetime) -> Egfr | None:
    """Schwartz for children only; of results of the same time, the 2021 equations before others."""
    is_child = age is not None and age < ADULT_AGE
    usable = _results("egfr", "eGFR", chart, vocabulary, now).usable
    fitting = [result for result in usable if (result.row.extra.get("rank") == "child") == is_child]
    best = max(fitting, key=_preference, default=None)
    return Egfr(best.measure.value, "reported", best) if best else None


def _results(codes: str, kind: str, chart: Chart, vocabulary: Vocabulary, now: datetime) -> AnalyteResults:
    criteria = result_criteria(vocabulary, codes, kind)
    return read_results(chart.get(queries.KIDNEY), criteria, chart.patient_id, now)


def _preference(result: Result) -> tuple[date, datetime, bool, str]:
    moment = result.moment
    return moment.day, moment.latest, result.row.extra.get("rank") == "1", result.reference


def _computed(creatinine: Result, chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Egfr | None:
    age = patient.age_beside(ADULT_AGE, creatinine.moment.day)
    if age is None:
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
    criteria = result_criteria(vocabulary, "body-height", "height")
    usable = read_results(chart.get(queries.BODY), criteria, chart.patient_id, now).usable
    measure = next((result.measure for result in usable), None)
    return measure.value if measure and not measure.comparator else None


def _unread(chart: Chart, vocabulary: Vocabulary, egfr: Egfr | None, now: datetime) -> tuple[str, Moment | None]:
    """Why the results on record do not tell today's function: the newest cannot be used, or gives no eGFR; its time."""
    read = [_results(*kind, chart, vocabulary, now) for kind in (("creatinine", "creatinine"), ("egfr", "eGFR"))]
    newest = max((result for results in read for result in results.usable), key=_preference, default=None)
    for rejected in (rejected for results in read for rejected in results.rejected if not rejected.is_void):
        moment = rejected.moment  # a result without a date that can be read may be the newest
        if newest is None or moment is None or moment.is_later_than(newest.moment):
            return f"a result cannot be used ({rejected.describe()})", moment
    if newest is not None and (egfr is None or newest.moment.is_later_than(egfr.result.moment)):
        return "no eGFR can be computed from the newest results on record", newest.moment
    return "", None


def read_egfr(results: KidneyResults, chart: Chart) -> Fact:
    """The eGFR of the newest sample in mL/min/1.73 m²; unknown where a newer result cannot be read."""
    if results.unread:
        return unknown(results.unread)
    if results.egfr is None:
        return chart.gap(queries.KIDNEY) or absent("no eGFR, and no creatinine from which it can be computed")
    fact = known(results.egfr.value, (results.egfr.result.origin,), amount=results.egfr.describe())
    return msgspec.structs.replace(fact, comparator=results.egfr.result.measure.comparator)
