"""Amino acids before a treatment and since it began: the baseline, and what was measured on acetylcysteine."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import KNOWN, UNKNOWN, Fact, known, unknown
from cds_service.clinical.labs.amino_acids import describe_change, read_level, treatments_unread
from cds_service.clinical.labs.results import AnalyteResults, RejectedResult
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.labs.treatment import Treatment
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.datetimes import Moment


def before_treatment(
    results: AnalyteResults, began: Moment, treatments: Sequence[Treatment], vocabulary: Vocabulary, now: datetime
) -> AnalyteResults:
    """The results from before the day on which it began, without those that were taken on an earlier treatment.

    Of the rejected ones those that may be from then.
    """
    days = int(vocabulary.thresholds["days-of-intravenous-treatment"])

    def is_before(moment: Moment) -> bool:
        return moment.day < began.day and not any(treatment.had_begun_by(moment, days) for treatment in treatments)

    usable = [result for result in results.usable if is_before(result.moment)]
    refused = _refused(results, vocabulary, now)
    return AnalyteResults(usable, [result for result in refused if result.moment is None or is_before(result.moment)])


def since_treatment(results: AnalyteResults, began: Moment, vocabulary: Vocabulary, now: datetime) -> AnalyteResults:
    """The results from the day on which it began on; of the rejected ones those that may be from then."""
    usable = [result for result in results.usable if result.moment.day >= began.day]
    refused = _refused(results, vocabulary, now)
    return AnalyteResults(
        usable, [result for result in refused if result.moment is None or result.moment.day >= began.day]
    )


def _refused(results: AnalyteResults, vocabulary: Vocabulary, now: datetime) -> list[RejectedResult]:
    """The rejected results that may be what is looked for: none that is void, of another measure, or too old."""
    days = vocabulary.thresholds["result-age"]
    may_count = [result for result in results.rejected if not result.is_void]
    return [result for result in may_count if result.moment is None or result.moment.days_before(now) <= days]


def _none_but_refused(results: AnalyteResults, when: str) -> Fact | None:
    """The fact *unknown* where there is no result that can be used, and one that cannot; None where it is not so."""
    refused = None if results.usable else next(iter(results.rejected), None)
    return unknown(f"{refused.describe()}, and nothing else {when}") if refused else None


def read_baseline(
    before: AnalyteResults,
    chart: Chart,
    patient: Patient,
    treatments: Sequence[Treatment],
    site: Sequence[SiteInterval],
) -> Fact:
    """The class of the last result before treatment.

    Unknown where it may have been taken on treatment, and where there is none that can be used, and one that cannot.
    """
    level = read_level(before, chart, patient, site)
    if level.state is KNOWN:
        return treatments_unread(treatments, chart) or level
    return _none_but_refused(before, "before the start") or level


def read_follow_up(
    since: AnalyteResults, before: AnalyteResults, chart: Chart, patient: Patient, site: Sequence[SiteInterval]
) -> Fact:
    """The class of the newest result since the start, and the change from the last one before it.

    Unknown where there is none that can be used, and one that cannot.
    """
    level = read_level(since, chart, patient, site)
    if since.newest is None:
        return _none_but_refused(since, "since the start") or level
    change = describe_change(before.newest, since.newest) if before.newest else "no value to compare with"
    return msgspec.structs.replace(level, texts={**level.texts, "change": change})


def read_measured_since(follow_up: Fact) -> Fact:
    """Whether anything was measured since the start; unknown where that cannot be told."""
    if follow_up.state is UNKNOWN:
        return unknown(follow_up.note, follow_up.origins)
    return known("measured", follow_up.origins) if follow_up.state is KNOWN else known("not measured")


def read_follow_up_age(since: AnalyteResults, follow_up: Fact, now: datetime) -> Fact:
    """How many days ago the newest sample since the start was taken."""
    if since.newest is None:
        return msgspec.structs.replace(follow_up, texts={}, value=None)
    return known(Decimal(since.newest.moment.days_before(now)), (since.newest.origin,))
