"""Kidney function: reported eGFR, or CKD-EPI 2021 or bedside Schwartz from creatinine; dialysis, AKI, CKD.

Pre- and post-dialysis creatinine feeds no equation; its presence means dialysis. Race-specific eGFR is never used.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from cds_service.clinical import queries
from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, State, absent, known, unknown
from cds_service.clinical.moments import completed_years, say_day
from cds_service.clinical.quantities import rounded, say_number
from cds_service.clinical.results import Result, Wanted, has_code, read_results
from cds_service.clinical.screens import condition_screen, missing
from cds_service.clinical.vocabulary import Vocabulary

DIALYSIS, INJURY, DISEASE, IMPAIRMENT, NONE = "dialysis", "injury", "disease", "impairment", "none"
ADULT = 18
_UMOL_PER_MG_DL = Decimal("88.4")
_EGFR_UNIT = "mL/min/1.73 m²"


@dataclass(frozen=True, slots=True)
class Patient:
    """What the equations need to know of the person; None or empty where it is not known."""

    born: date | None
    sex: str

    def age_on(self, day: date) -> int | None:
        """Completed years on a day, None if the date of birth is not known or lies after it."""
        if self.born is None or self.born > day:
            return None
        return completed_years(self.born, day)


@dataclass(frozen=True, slots=True)
class Egfr:
    """An eGFR in mL/min/1.73 m², how it was come by, and the result it rests on."""

    value: Decimal
    method: str
    result: Result

    def say(self) -> str:
        """In words: eGFR 51 mL/min/1.73 m² (reported) of 3 November 2026."""
        shown = say_number(rounded(self.value, 3) if self.method != "reported" else self.value)
        beyond = self.result.measure.comparator if self.method == "reported" else ""
        return f"eGFR {beyond}{shown} {_EGFR_UNIT} ({self.method}) of {say_day(self.result.moment.day)}"


def ckd_epi_2021(creatinine_mg_dl: Decimal, age: int, sex: str) -> Decimal:
    """eGFR of an adult in mL/min/1.73 m²; sex is `male` or `female`. Inker 2021, facts §5.1."""
    female = sex == "female"
    kappa, alpha = (Decimal("0.7"), Decimal("-0.241")) if female else (Decimal("0.9"), Decimal("-0.302"))
    ratio = creatinine_mg_dl / kappa
    estimate = 142 * min(ratio, Decimal(1)) ** alpha * max(ratio, Decimal(1)) ** Decimal("-1.200")
    return estimate * Decimal("0.9938") ** age * (Decimal("1.012") if female else 1)


def bedside_schwartz(creatinine_mg_dl: Decimal, height_cm: Decimal) -> Decimal:
    """eGFR of a child of 1 to 17 years in mL/min/1.73 m². Facts §5.2."""
    return Decimal("0.413") * height_cm / creatinine_mg_dl


def read_egfr(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Egfr | None:
    """The newest reported eGFR that fits the age, else one computed from the newest creatinine."""
    age = patient.age_on(now.date())
    return _reported(chart, vocabulary, age, now) or _computed(chart, vocabulary, patient, now)


def _read(chart: Chart, key: str, codes: str, kind: str, vocabulary: Vocabulary, now: datetime) -> list[Result]:
    wanted = Wanted(vocabulary.code_lists[codes], kind)
    results = read_results(chart.get(key), wanted, chart.patient_id, now).usable
    return [one for one in results if one.measure.value > 0]


def _reported(chart: Chart, vocabulary: Vocabulary, age: int | None, now: datetime) -> Egfr | None:
    """Schwartz for children and never for others; at one time the 2021 equations before the others."""
    child = age is not None and age < ADULT
    results = _read(chart, queries.KIDNEY, "egfr", "eGFR", vocabulary, now)
    fitting = [one for one in results if (one.row.extra.get("rank") == "child") == child]
    best = max(fitting, key=lambda one: (one.moment.latest, -int(_rank(one)), one.name), default=None)
    return Egfr(best.measure.value, "reported", best) if best else None


def _rank(result: Result) -> str:
    rank = result.row.extra.get("rank", "")
    return rank if rank.isdigit() else "9"


def _computed(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Egfr | None:
    results = _read(chart, queries.KIDNEY, "creatinine", "creatinine", vocabulary, now)
    result = next((one for one in results if not one.measure.comparator), None)
    age = patient.age_on(result.moment.day) if result else None
    if result is None or age is None:
        return None
    mg_dl = result.measure.value / _UMOL_PER_MG_DL
    if age >= ADULT and patient.sex in ("male", "female"):
        return Egfr(ckd_epi_2021(mg_dl, age, patient.sex), "CKD-EPI 2021 from creatinine", result)
    height = next(iter(_read(chart, queries.BODY, "body-height", "height", vocabulary, now)), None)
    if 1 <= age < ADULT and height is not None and not height.measure.comparator:
        return Egfr(bedside_schwartz(mg_dl, height.measure.value), "bedside Schwartz", result)
    return None


def kidney(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Fact:
    """The gravest finding: dialysis, AKI, CKD, impairment on the latest result; none; or cannot tell."""
    egfr = read_egfr(chart, vocabulary, patient, now)
    found = _dialysis(chart, vocabulary) or _on_problem_list(chart, vocabulary) or _impairment(egfr, vocabulary)
    if found is not None:
        return _with_egfr(found, egfr)
    gap = missing(queries.PROBLEMS, chart.get(queries.PROBLEMS)) or missing(queries.KIDNEY, chart.get(queries.KIDNEY))
    if gap is not None:
        return unknown(gap.note, summary=egfr.say() if egfr else "")
    if egfr is None:
        return absent("no eGFR, and no creatinine from which it can be computed")
    if _is_open(egfr, vocabulary):
        return unknown("the comparator of the eGFR leaves its class open", summary=egfr.say())
    return known(NONE, (egfr.result.origin,), summary=egfr.say())


def _with_egfr(found: Fact, egfr: Egfr | None) -> Fact:
    if egfr is None or found.value == IMPAIRMENT:
        return found
    return known(found.value, found.origins, summary=f"{found.texts['summary']}; {egfr.say()}")


def _dialysis(chart: Chart, vocabulary: Vocabulary) -> Fact | None:
    fact = condition_screen(chart, vocabulary, "dialysis")
    if fact.state is State.KNOWN:
        return known(DIALYSIS, fact.origins, summary="dialysis on the problem list")
    for resource in chart.get(queries.KIDNEY).resources:
        if has_code(resource, vocabulary.code_lists["dialysis-creatinine"]):
            origin = Origin(f"Observation/{resource.get('id', '')}", "creatinine before or after dialysis")
            return known(DIALYSIS, (origin,), summary="creatinine taken before or after dialysis on record")
    return None


def _on_problem_list(chart: Chart, vocabulary: Vocabulary) -> Fact | None:
    for codes, value, words in (
        ("kidney-injury", INJURY, "acute kidney injury"),
        ("kidney-disease", DISEASE, "chronic kidney disease"),
    ):
        fact = condition_screen(chart, vocabulary, codes)
        if fact.state is State.KNOWN:
            return known(value, fact.origins, summary=f"{words} on the problem list")
    return None


def _is_open(egfr: Egfr, vocabulary: Vocabulary) -> bool:
    """`>45` may be below 60 or above it."""
    return ">" in egfr.result.measure.comparator and egfr.value < vocabulary.thresholds["egfr-impairment"]


def _impairment(egfr: Egfr | None, vocabulary: Vocabulary) -> Fact | None:
    if egfr is None or egfr.value >= vocabulary.thresholds["egfr-impairment"] or _is_open(egfr, vocabulary):
        return None
    return known(IMPAIRMENT, (egfr.result.origin,), summary=egfr.say())
