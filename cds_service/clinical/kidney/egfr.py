"""Kidney function: reported eGFR, or CKD-EPI 2021 or bedside Schwartz from creatinine; dialysis, AKI, CKD.

Pre- and post-dialysis creatinine feeds no equation; its presence means dialysis. Race-specific eGFR is never used.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart, is_valid
from cds_service.clinical.facts import Fact, Origin, State, absent, known, unknown
from cds_service.clinical.kidney.injury import Injury, kdigo
from cds_service.clinical.labs.results import Result, Wanted, read_results
from cds_service.clinical.screens.conditions import PRESENT, condition_screen, missing
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import completed_months, completed_years, say_day
from cds_service.fhir.json import Resource
from cds_service.fhir.quantities import power, rounded, say_number
from cds_service.fhir.versions import is_about

DIALYSIS, INJURY, DISEASE, IMPAIRMENT, NONE = "dialysis", "injury", "disease", "impairment", "none"
ADULT = 18
UMOL_PER_MG_DL = Decimal("88.4")
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

    def months_on(self, day: date) -> int | None:
        """Completed months on a day, None as for years."""
        if self.born is None or self.born > day:
            return None
        return completed_months(self.born, day)


@dataclass(frozen=True, slots=True)
class Egfr:
    """An eGFR in mL/min/1.73 m², how it was come by, and the result it rests on."""

    value: Decimal
    method: str
    result: Result

    def say(self) -> str:
        """In words: eGFR 51 mL/min/1.73 m² (reported) of 3 November 2026."""
        shown = say_number(rounded(self.value, 3) if self.method != "reported" else self.value)
        number = f"{self.result.measure.comparator}{shown}"
        return f"eGFR {number} {_EGFR_UNIT} ({self.method}) of {say_day(self.result.moment.day)}"


def ckd_epi_2021(creatinine_mg_dl: Decimal, age: int, sex: str) -> Decimal:
    """eGFR of an adult in mL/min/1.73 m²; sex is `male` or `female`. Inker 2021, facts §5.1."""
    female = sex == "female"
    kappa, alpha = (Decimal("0.7"), Decimal("-0.241")) if female else (Decimal("0.9"), Decimal("-0.302"))
    ratio = creatinine_mg_dl / kappa
    estimate = 142 * power(ratio, alpha if ratio < 1 else Decimal("-1.200"))
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
    best = max(fitting, key=lambda one: (one.moment.latest, one.row.extra.get("rank") == "1", one.name), default=None)
    return Egfr(best.measure.value, "reported", best) if best else None


def plain_creatinine(chart: Chart, vocabulary: Vocabulary, now: datetime) -> list[Result]:
    """Creatinine results in µmol/L, newest first, without those that carry a comparator."""
    results = _read(chart, queries.KIDNEY, "creatinine", "creatinine", vocabulary, now)
    return [one for one in results if not one.measure.comparator]


def _computed(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Egfr | None:
    result = next(iter(plain_creatinine(chart, vocabulary, now)), None)
    age = patient.age_on(result.moment.day) if result else None
    if result is None or age is None:
        return None
    mg_dl = result.measure.value / UMOL_PER_MG_DL
    if age >= ADULT and patient.sex in ("male", "female"):
        return Egfr(ckd_epi_2021(mg_dl, age, patient.sex), "CKD-EPI 2021 from creatinine", result)
    height = next(iter(_read(chart, queries.BODY, "body-height", "height", vocabulary, now)), None)
    if 1 <= age < ADULT and height is not None and not height.measure.comparator:
        return Egfr(bedside_schwartz(mg_dl, height.measure.value), "bedside Schwartz", result)
    return None


def dialysis(chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Dialysis on the problem list, or a creatinine that was taken before or after it."""
    for part in chart.get(queries.KIDNEY).parts_with(vocabulary.code_lists["dialysis-creatinine"]):
        if _counts(part.whole, chart):
            origin = Origin(part.name, "creatinine before or after dialysis")
            return known(PRESENT, (origin,), summary="creatinine taken before or after dialysis on record")
    listed = _on_problem_list(chart, vocabulary, "dialysis", "dialysis")
    return listed if listed.state is not State.ABSENT else _results_gap(chart) or listed


def _counts(resource: Resource, chart: Chart) -> bool:
    return is_valid(resource) and is_about(resource, chart.patient_id)


def kidney_injury(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Fact:
    """Acute kidney injury: an active condition, or KDIGO by the creatinine of the last 7 days."""
    listed = _on_problem_list(chart, vocabulary, "kidney-injury", "acute kidney injury")
    injury = kdigo(plain_creatinine(chart, vocabulary, now), now)
    if listed.state is State.KNOWN or injury is None:
        return listed if listed.state is not State.ABSENT else _results_gap(chart) or listed
    said = f"acute kidney injury by creatinine, KDIGO stage {injury.stage} ({_step(injury)})"
    return known(PRESENT, (injury.before.origin, injury.after.origin), summary=said)


def kidney_disease(chart: Chart, vocabulary: Vocabulary, egfr: Egfr | None, now: datetime) -> Fact:
    """Chronic kidney disease on the problem list; else impairment on the latest result, which is not the same."""
    listed = _on_problem_list(chart, vocabulary, "kidney-disease", "chronic kidney disease")
    if listed.state is State.KNOWN:
        return known(DISEASE, listed.origins, summary=str(listed.texts["summary"]))
    impaired = egfr is not None and _is_impaired(egfr, vocabulary.thresholds["egfr-impairment"])
    if egfr is not None and impaired is None:
        return unknown("the comparator of the eGFR leaves its class open", (egfr.result.origin,))
    if egfr is not None and impaired:
        return known(IMPAIRMENT, (egfr.result.origin,), summary=egfr.say())
    if listed.state is not State.ABSENT:
        return listed
    return _results_gap(chart) or untold(chart, vocabulary, egfr, now) or listed


def _is_impaired(egfr: Egfr, limit: Decimal) -> bool | None:
    """Below the limit or not; None where "less than" or "more than" leaves it open."""
    comparator = egfr.result.measure.comparator
    if comparator == "<":
        return True if egfr.value <= limit else None
    if comparator == "<=":
        return True if egfr.value < limit else None
    if comparator:
        return False if egfr.value >= limit else None
    return egfr.value < limit


def _on_problem_list(chart: Chart, vocabulary: Vocabulary, codes: str, words: str) -> Fact:
    fact = condition_screen(chart, vocabulary, codes, f"{codes}-words")
    if fact.state is not State.KNOWN:
        return fact
    return known(PRESENT, fact.origins, summary=f"{words} on the problem list")


def _results_gap(chart: Chart) -> Fact | None:
    return missing(queries.KIDNEY, chart.get(queries.KIDNEY))


def untold(chart: Chart, vocabulary: Vocabulary, egfr: Egfr | None, now: datetime) -> Fact | None:
    """Unknown, where kidney results came and none of them gives an eGFR: that is not "none on record"."""
    if egfr is not None:
        return None
    for codes, kind in (("egfr", "eGFR"), ("creatinine", "creatinine")):
        wanted = Wanted(vocabulary.code_lists[codes], kind)
        readings = read_results(chart.get(queries.KIDNEY), wanted, chart.patient_id, now)
        unused = next((one for one in readings.unused if not one.refused), None)
        if readings.usable:
            return unknown("no eGFR can be computed from the results on record")
        if unused is not None:
            return unknown(f"a result cannot be used ({unused.say()})")
    return None


def _step(injury: Injury) -> str:
    days = (injury.before.moment.day, injury.after.moment.day)
    sent = (injury.before.measure.sent, injury.after.measure.sent)
    return f"{sent[0]} of {say_day(days[0])}, {sent[1]} of {say_day(days[1])}"


def kidney(on_dialysis: Fact, injury: Fact, disease: Fact, egfr: Egfr | None) -> Fact:
    """For the line on a card: the gravest of the three, none of them, or cannot tell."""
    graded = ((DIALYSIS, on_dialysis), (INJURY, injury), (str(disease.value), disease))
    for value, fact in graded:
        if fact.state is State.KNOWN:
            return _with_egfr(value, fact, egfr)
    gap = next((fact for _, fact in graded if fact.state is State.UNKNOWN), None)
    if gap is not None:
        return unknown(gap.note, gap.origins, summary=egfr.say() if egfr else "")
    if egfr is None:
        return absent("no eGFR, and no creatinine from which it can be computed")
    return known(NONE, (egfr.result.origin,), summary=egfr.say())


def _with_egfr(value: str, found: Fact, egfr: Egfr | None) -> Fact:
    summary = str(found.texts["summary"])
    if egfr is not None and value != IMPAIRMENT:
        summary = f"{summary}; {egfr.say()}"
    return known(value, found.origins, summary=summary)
