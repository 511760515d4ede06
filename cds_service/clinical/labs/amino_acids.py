"""Plasma glutamate and cystine: newest eligible result, its class, whether it is a baseline, its handling."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.kidney.egfr import Patient
from cds_service.clinical.labs.ranges import UNCLASSIFIED, Person, classify
from cds_service.clinical.labs.results import Readings, Result, Wanted, read_results
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.orders.recognise import drug_concepts, is_nameless, recognise
from cds_service.clinical.orders.route import is_current
from cds_service.clinical.screens.conditions import medications_index, missing
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import Moment, read_moment, say_day
from cds_service.fhir.json import Resource, at, resource_name
from cds_service.fhir.quantities import rounded, say_number
from cds_service.fhir.versions import instructions_of, is_about, treatment_period, written_on

KIND = "amino acid"
UNIT = "µmol/L"
_ANALYTES = ("glutamate", "cystine", "glutamine", "glutamate-lookalikes")
BASELINE, ON_TREATMENT, MEASURED = "baseline", "on treatment", "measured"


@dataclass(frozen=True, slots=True)
class Start:
    """An active acetylcysteine medication: where it stands and when it began (None: that cannot be read).

    `named` is False for one whose drug cannot be read: it may be acetylcysteine.
    """

    name: str
    moment: Moment | None
    named: bool = True


def read_analyte(codes: str, chart: Chart, vocabulary: Vocabulary, now: datetime) -> Readings:
    """All results of glutamate, cystine or glutamine, the usable ones newest first."""
    days = int(vocabulary.thresholds["result-age"])
    others = tuple(vocabulary.code_lists[name] for name in _ANALYTES if name != codes)
    wanted = Wanted(vocabulary.code_lists[codes], KIND, days, others)
    return read_results(chart.get(queries.AMINO_ACIDS), wanted, chart.patient_id, now)


def level(readings: Readings, chart: Chart, patient: Patient, site: Sequence[SiteInterval] = ()) -> Fact:
    """The class of the newest result; absent if there is none; unknown if the results could not be read."""
    newest = readings.newest
    if newest is None:
        data = chart.get(queries.AMINO_ACIDS)
        return missing(queries.AMINO_ACIDS, data) or absent("no result that can be used")
    at_once = [one for one in readings.usable if one.moment == newest.moment]
    classed, *others = [classify(one, KIND, _person(patient, one), site) for one in at_once]
    name, why = classed.name, classed.why
    if any(other.name != name for other in others):
        name, why = UNCLASSIFIED, "two results of the same time differ"
    return known(
        name,
        (newest.origin,),
        note=why,
        range=classed.range or "none that can be used",
        why=why,
        **_say(newest),
    )


def _person(patient: Patient, result: Result) -> Person:
    day = result.moment.day
    return Person(patient.age_on(day), patient.months_on(day), patient.sex)


def _say(result: Result) -> dict[str, str]:
    converted = f"{say_number(rounded(result.measure.value))} {UNIT}"
    shown = f"{result.measure.comparator}{converted}"
    sent = result.measure.sent
    return {"result": sent if sent == shown else f"{sent} ({shown})", "date": say_day(result.moment.day)}


def treatment_starts(chart: Chart, vocabulary: Vocabulary, drafts: Sequence[Resource]) -> list[Start]:
    """Each active medication that is acetylcysteine, or may be, and that is not one of the drafts."""
    medications, drafted = medications_index(chart), {resource_name(one) for one in drafts}
    starts = []
    for resource in chart.get(queries.MEDICATIONS).resources:
        name = resource_name(resource)
        if name in drafted or not is_current(resource) or not is_about(resource, chart.patient_id):
            continue
        rows, named = recognise(drug_concepts(resource, medications), vocabulary)
        if rows or named:
            starts.append(Start(name, _began(resource)))
        elif is_nameless(resource, medications):
            starts.append(Start(name, None, named=False))
    return starts


def _began(resource: Resource) -> Moment | None:
    """The start of its dosing, else of its period, else the day it was written."""
    bounds = [at(one, "timing", "repeat", "boundsPeriod", "start") for one in instructions_of(resource)]
    starts = [start for value in bounds if (start := read_moment(value)) is not None]
    if starts:
        return min(starts, key=lambda start: start.day)
    written = (at(treatment_period(resource), "start"), *written_on(resource))
    return next((moment for value in written if (moment := read_moment(value)) is not None), None)


def sample(readings: Readings, starts: list[Start], chart: Chart) -> Fact:
    """Whether the newest glutamate is a baseline or was taken on treatment."""
    newest = readings.newest
    if newest is None:
        return missing(queries.AMINO_ACIDS, chart.get(queries.AMINO_ACIDS)) or absent("no result")
    begun = [(one.moment.day, one.name) for one in starts if one.moment and _began_by(one.moment, newest.moment)]
    if begun:
        day, name = min(begun)
        return known(ON_TREATMENT, (Origin(name, f"began {say_day(day)}"),), since=say_day(day))
    unread = next((start for start in starts if start.moment is None), None)
    if unread is not None:
        what = "acetylcysteine medication has no start date" if unread.named else "medication has no name"
        return unknown(f"an active {what} that can be read")
    return missing(queries.MEDICATIONS, chart.get(queries.MEDICATIONS)) or known(BASELINE, (newest.origin,))


def _began_by(start: Moment, taken: Moment) -> bool:
    """On or before the sample: by the day, since most starts are exact to the day only."""
    return start.day <= taken.day


def before_treatment(readings: Readings, starts: list[Start]) -> Fact:
    """The last value before the treatment began, and the change since then."""
    days = [start.moment.day for start in starts if start.moment is not None]
    newest = readings.newest
    earlier = [one for one in readings.usable if days and one.moment.day < min(days)]
    if newest is None or not earlier or not days or newest in earlier:
        return absent("no result from before the treatment")
    return known(MEASURED, (earlier[0].origin,), change=_change(earlier[0], newest), **_say(earlier[0]))


def _change(before: Result, now: Result) -> str:
    """The difference, and in percent where that has a meaning; not computed from a `<` or `>`."""
    if before.measure.comparator or now.measure.comparator:
        return "not computed, a value is given with < or >"
    difference = now.measure.value - before.measure.value
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    said = f"{sign}{say_number(rounded(abs(difference)))} {UNIT}"
    if before.measure.value == 0:
        return said
    percent = rounded(abs(difference) * 100 / before.measure.value, 2)
    return f"{said} ({sign}{say_number(percent)} %)"


def handling(readings: Readings, glutamine: Readings, vocabulary: Vocabulary) -> Fact:
    """Glutamate ÷ glutamine of one sample: above the ratio, handling may have raised glutamate."""
    newest = readings.newest
    same = [one for one in glutamine.usable if newest and _same_sample(newest, one)]
    if (
        newest is None
        or not same
        or same[0].measure.value == 0
        or newest.measure.comparator + same[0].measure.comparator
    ):
        return absent("no glutamine result of the same sample")
    ratio = newest.measure.value / same[0].measure.value
    high = ratio > vocabulary.thresholds["handling-ratio"]
    return known("doubtful" if high else "consistent", (same[0].origin,), ratio=say_number(rounded(ratio, 2)))


def _same_sample(one: Result, other: Result) -> bool:
    if one.specimen and other.specimen:
        return one.specimen == other.specimen
    return one.moment == other.moment
