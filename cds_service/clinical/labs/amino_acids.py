"""Plasma glutamate and cystine: the class of the newest result, and how it relates to treatment and to handling."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.labs.ranges import UNCLASSIFIED, classify
from cds_service.clinical.labs.results import AnalyteResults, Result, read_results, result_criteria
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.labs.treatment import Treatment, earliest_start
from cds_service.clinical.orders.drugs import MEDICATION_LISTS
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day, format_short_day
from cds_service.fhir.quantities import format_number, round_significant

KIND = "amino acid"
UNIT = "µmol/L"
_ANALYTES = ("glutamate", "cystine", "glutamine", "glutamate-lookalikes")
_CLASS_WORDS = {UNCLASSIFIED: "no class"}
BASELINE, ON_TREATMENT, MEASURED = "baseline", "on treatment", "measured"


def read_analyte(codes: str, chart: Chart, vocabulary: Vocabulary, now: datetime) -> AnalyteResults:
    """All results of an analyte, by the name of its code list; the usable ones newest first."""
    days = int(vocabulary.thresholds["result-age"])
    others = tuple(vocabulary.code_lists[name] for name in _ANALYTES if name != codes)
    criteria = result_criteria(vocabulary, codes, KIND, days, others)
    if codes == "glutamine":  # runs far higher than the other two, and is only compared with glutamate
        criteria = msgspec.structs.replace(criteria, highest=None)
    return read_results(chart.get(queries.AMINO_ACIDS), criteria, chart.patient_id, now)


def read_level(results: AnalyteResults, chart: Chart, patient: Patient, site: Sequence[SiteInterval] = ()) -> Fact:
    """The class of the newest result; absent if there is none; unknown if results may be missing."""
    newest = results.newest
    if newest is None:
        return chart.gap(queries.AMINO_ACIDS) or absent("no result that can be used")
    at_once = [result for result in results.usable if result.moment == newest.moment]
    demographics = patient.demographics_on(newest.moment.day)
    classified, *others = [classify(result, KIND, demographics, site) for result in at_once]
    name, why = classified.name, classified.why
    if any(other.name != name for other in others):
        name, why = UNCLASSIFIED, "two results of the same time differ"
    return known(
        name,
        (newest.origin,),
        note=why,
        range=classified.range or "none that can be used",
        why=why,
        **_describe(newest),
        **{"class": _CLASS_WORDS.get(name, name)},
    )


def _describe(result: Result) -> dict[str, str]:
    converted = f"{format_number(round_significant(result.measure.value))} {UNIT}"
    shown = f"{result.measure.comparator}{converted}"
    sent, day = result.measure.sent, result.moment.day
    return {
        "result": sent if sent == shown else f"{sent} ({shown})",
        "amount": shown,
        "date": format_day(day),
        "day": format_short_day(day),
    }


def read_sample_timing(
    results: AnalyteResults, treatments: list[Treatment], chart: Chart, vocabulary: Vocabulary
) -> Fact:
    """Whether the newest glutamate is a baseline or was taken on treatment."""
    newest = results.newest
    if newest is None:
        return chart.gap(queries.AMINO_ACIDS) or absent("no result")
    treatment = earliest_start(results, treatments, int(vocabulary.thresholds["days-of-intravenous-treatment"]))
    if treatment is not None and treatment.began is not None:
        since, day = format_day(treatment.began.day), format_short_day(treatment.began.day)
        return known(ON_TREATMENT, (Origin(treatment.reference, f"began {since}"),), since=since, since_day=day)
    return treatments_unread(treatments, chart) or known(BASELINE, (newest.origin,))


def treatments_unread(treatments: Iterable[Treatment], chart: Chart) -> Fact | None:
    """The fact *unknown* where a treatment may be missing, or its start cannot be read; None where neither is so."""
    unread = next((treatment for treatment in treatments if treatment.began is None), None)
    if unread is not None:
        what = "acetylcysteine medication has no start date" if unread.is_named else "medication has no name"
        return unknown(f"an active {what} that can be read")
    return next(filter(None, map(chart.gap, MEDICATION_LISTS)), None)


def read_level_before_treatment(results: AnalyteResults, treatments: list[Treatment], vocabulary: Vocabulary) -> Fact:
    """The last value before the treatment began, and the change since then."""
    treatment = earliest_start(results, treatments, int(vocabulary.thresholds["days-of-intravenous-treatment"]))
    newest, began = results.newest, treatment.began if treatment else None
    earlier = [result for result in results.usable if began and result.moment.day < began.day]
    if newest is None or not earlier:
        return absent("no result from before the treatment")
    return known(MEASURED, (earlier[0].origin,), change=describe_change(earlier[0], newest), **_describe(earlier[0]))


def read_mix_up(results: AnalyteResults, vocabulary: Vocabulary) -> Fact:
    """A glutamate so high that it may be a glutamine: it is used, and the card asks to check."""
    newest = results.newest
    limit = vocabulary.thresholds["glutamate-mix-up"]
    if newest is None or newest.measure.value <= limit:
        return absent("none")
    return known("possible", (newest.origin,), limit=f"{format_number(limit)} {UNIT}")


def describe_change(before: Result, now: Result) -> str:
    """The difference, also in percent unless the earlier value is zero. Values with a comparator have none."""
    if before.measure.comparator or now.measure.comparator:
        return "not computed, a value has < or >"
    difference = now.measure.value - before.measure.value
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    amount = f"{sign}{format_number(round_significant(abs(difference)))} {UNIT}"
    percent = round_significant(abs(difference) * 100 / before.measure.value, 2)
    return f"{amount} ({sign}{format_number(percent)} %)"


def read_sample_handling(glutamates: AnalyteResults, glutamines: AnalyteResults, vocabulary: Vocabulary) -> Fact:
    """Glutamate divided by glutamine of the same sample: above a threshold, handling may have raised glutamate."""
    glutamate = glutamates.newest
    glutamine = next((result for result in glutamines.usable if glutamate and _same_sample(glutamate, result)), None)
    if glutamate is None or glutamine is None or not _can_divide(glutamate, glutamine):
        return absent("no glutamine result of the same sample")
    ratio = glutamate.measure.value / glutamine.measure.value
    high = ratio > vocabulary.thresholds["handling-ratio"]
    return known(
        "doubtful" if high else "consistent", (glutamine.origin,), ratio=format_number(round_significant(ratio, 2))
    )


def _can_divide(numerator: Result, denominator: Result) -> bool:
    comparators = numerator.measure.comparator + denominator.measure.comparator
    return denominator.measure.value != 0 and not comparators


def _same_sample(result: Result, other: Result) -> bool:
    if result.specimen and other.specimen:
        return result.specimen == other.specimen
    return result.moment == other.moment
