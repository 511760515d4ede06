"""Plasma glutamate and cystine: the class of the newest result, and how it relates to treatment and to handling."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.labs.ranges import UNCLASSIFIED, classify
from cds_service.clinical.labs.results import AnalyteResults, Result, ResultCriteria, read_results
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.orders.drugs import (
    active_medications_index,
    drug_concepts,
    has_unknown_drug,
    is_active_medication,
)
from cds_service.clinical.orders.recognise import recognise
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import Moment, format_day, read_moment
from cds_service.fhir.json import Resource, at, relative_reference
from cds_service.fhir.quantities import format_number, round_significant
from cds_service.fhir.versions.elements import dates_written, instructions_of, is_about, treatment_period

KIND = "amino acid"
UNIT = "µmol/L"
_ANALYTES = ("glutamate", "cystine", "glutamine", "glutamate-lookalikes")
BASELINE, ON_TREATMENT, MEASURED = "baseline", "on treatment", "measured"


@dataclass(frozen=True, slots=True)
class TreatmentStart:
    """The reference of an active medication, and when it began (None: not known).

    It is acetylcysteine, or may be where `is_named` is False: its drug is not known.
    """

    reference: str
    moment: Moment | None
    is_named: bool = True


def read_analyte(codes: str, chart: Chart, vocabulary: Vocabulary, now: datetime) -> AnalyteResults:
    """All results of an analyte, by the name of its code list; the usable ones newest first."""
    days = int(vocabulary.thresholds["result-age"])
    others = tuple(vocabulary.code_lists[name] for name in _ANALYTES if name != codes)
    criteria = ResultCriteria(vocabulary.code_lists[codes], KIND, days, others)
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
    )


def _describe(result: Result) -> dict[str, str]:
    converted = f"{format_number(round_significant(result.measure.value))} {UNIT}"
    shown = f"{result.measure.comparator}{converted}"
    sent = result.measure.sent
    return {"result": sent if sent == shown else f"{sent} ({shown})", "date": format_day(result.moment.day)}


def find_treatment_starts(chart: Chart, vocabulary: Vocabulary, drafts: Sequence[Resource]) -> list[TreatmentStart]:
    """Each active medication that is or may be acetylcysteine, but for those that are drafts of this call."""
    medications, drafted = active_medications_index(chart), {relative_reference(draft) for draft in drafts}
    starts = []
    for resource in chart.get(queries.MEDICATIONS).resources:
        reference = relative_reference(resource)
        if reference in drafted or not is_active_medication(resource) or not is_about(resource, chart.patient_id):
            continue
        rows, named = recognise(drug_concepts(resource, medications), vocabulary)
        if rows or named:
            starts.append(TreatmentStart(reference, _began(resource)))
        elif has_unknown_drug(resource, medications):
            starts.append(TreatmentStart(reference, None, is_named=False))
    return starts


def _began(resource: Resource) -> Moment | None:
    """The start of its dosing, else of its period, else the day on which it was written."""
    bounds = [at(instruction, "timing", "repeat", "boundsPeriod", "start") for instruction in instructions_of(resource)]
    starts = [start for value in bounds if (start := read_moment(value)) is not None]
    if starts:
        return min(starts, key=lambda start: start.day)
    written = (at(treatment_period(resource), "start"), *dates_written(resource))
    return next((moment for value in written if (moment := read_moment(value)) is not None), None)


def read_sample_timing(results: AnalyteResults, starts: list[TreatmentStart], chart: Chart) -> Fact:
    """Whether the newest result is a baseline or was taken on treatment; unknown if a start is not known."""
    newest = results.newest
    if newest is None:
        return chart.gap(queries.AMINO_ACIDS) or absent("no result")
    begun = [
        (start.moment.day, start.reference)
        for start in starts
        if start.moment and start.moment.day <= newest.moment.day  # by the day: most starts are no more exact
    ]
    if begun:
        day, reference = min(begun)
        return known(ON_TREATMENT, (Origin(reference, f"began {format_day(day)}"),), since=format_day(day))
    unread = next((start for start in starts if start.moment is None), None)
    if unread is not None:
        what = "acetylcysteine medication has no start date" if unread.is_named else "medication has no name"
        return unknown(f"an active {what} that can be read")
    return chart.gap(queries.MEDICATIONS) or known(BASELINE, (newest.origin,))


def read_level_before_treatment(results: AnalyteResults, starts: list[TreatmentStart]) -> Fact:
    """The last result from before the treatment, and the change since then."""
    days = [start.moment.day for start in starts if start.moment is not None]
    newest = results.newest
    earlier = [result for result in results.usable if days and result.moment.day < min(days)]
    if newest is None or not earlier or not days or newest in earlier:
        return absent("no result from before the treatment")
    return known(MEASURED, (earlier[0].origin,), change=_change(earlier[0], newest), **_describe(earlier[0]))


def _change(before: Result, now: Result) -> str:
    """The difference, also in percent unless the earlier value is zero. Values with a comparator have none."""
    if before.measure.comparator or now.measure.comparator:
        return "not computed, a value is given with < or >"
    difference = now.measure.value - before.measure.value
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    amount = f"{sign}{format_number(round_significant(abs(difference)))} {UNIT}"
    if before.measure.value == 0:
        return amount
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
