"""Acute kidney injury: on the problem list, or by creatinine as KDIGO defines it. Urine output is not read.

A rise of at least 26.5 µmol/L within 48 hours, or to at least 1.5 times the lowest value of the last 7 days. Values
are compared as exact decimals in µmol/L: 1.1 - 0.8 mg/dL is 26.52 µmol/L, and no floating point makes it less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import ABSENT, KNOWN, Fact, absent, known
from cds_service.clinical.kidney.creatinine import WINDOW, creatinine_results
from cds_service.clinical.labs.results import Result
from cds_service.clinical.screens.conditions import on_problem_list, onset_of
from cds_service.clinical.screens.screening import PRESENT
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import format_day
from cds_service.fhir.json import Resource

RISE, RATIO = Decimal("26.5"), Decimal("1.5")
STAGE_2, STAGE_3, STAGE_3_LEVEL = Decimal(2), Decimal(3), Decimal("353.6")
_RISE_WINDOW = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Injury:
    """Acute kidney injury by creatinine: its KDIGO stage, and the two results that show it."""

    stage: int
    before: Result
    after: Result

    def describe(self) -> str:
        """The two results in words: 80 µmol/L of 20 November 2026, 130 µmol/L of 22 November 2026."""
        return ", ".join(
            f"{result.measure.sent} of {format_day(result.moment.day)}" for result in (self.before, self.after)
        )


def read_kidney_injury(chart: Chart, vocabulary: Vocabulary, now: datetime) -> Fact:
    """Acute kidney injury: an active condition of the last 90 days, or KDIGO by the creatinine of the last 7 days.

    An older condition is named in the note and the summary, and does not count. One without a date counts.
    """
    days = vocabulary.thresholds["kidney-injury-age"]

    def is_recent(condition: Resource) -> bool:
        onset = onset_of(condition)
        return onset is None or (now.date() - onset).days <= days

    problem = on_problem_list(chart, vocabulary, "kidney-injury", "acute kidney injury", is_recent)
    injury = kdigo(creatinine_results(chart, vocabulary, now), now)
    if problem.state is KNOWN or injury is None:
        return (
            problem if problem.state is not ABSENT else chart.gap(queries.KIDNEY) or _none(chart, vocabulary, problem)
        )
    summary = f"acute kidney injury by creatinine, KDIGO stage {injury.stage} ({injury.describe()})"
    return known(PRESENT, (injury.before.origin, injury.after.origin), summary=summary)


def _none(chart: Chart, vocabulary: Vocabulary, problem: Fact) -> Fact:
    """No injury of today; an older one is said."""
    older = on_problem_list(chart, vocabulary, "kidney-injury", "acute kidney injury")
    days = vocabulary.thresholds["kidney-injury-age"]
    if older.state is not KNOWN:
        return problem
    return absent(f"an acute kidney injury of more than {days} days ago is listed", older.origins)


def kdigo(results: Sequence[Result], now: datetime) -> Injury | None:
    """The gravest injury that two creatinine results of the last 7 days show; None if they show none.

    `results` are plain values above zero in µmol/L, without comparators. Two that are exact to the day only count as
    within 48 hours if they can be.
    """
    recent = [result for result in results if result.moment.latest >= now - WINDOW]
    pairs = [(before, after) for before in recent for after in recent if _may_precede(before, after)]
    injuries = [Injury(_stage(before, after), before, after) for before, after in pairs if _is_injury(before, after)]
    return max(injuries, key=_gravity, default=None)


def _gravity(injury: Injury) -> tuple[int, datetime, str]:
    """The stage first, then the newest result."""
    return injury.stage, injury.after.moment.latest, injury.after.reference


def _may_precede(before: Result, after: Result) -> bool:
    """By the day, and by the time of one day: a creatinine that falls is no injury."""
    first, second = before.moment, after.moment
    return before is not after and first.earliest < second.latest and not first.is_later_than(second)


def _is_injury(before: Result, after: Result) -> bool:
    low, high = before.measure.value, after.measure.value
    within_48_hours = after.moment.earliest - before.moment.latest <= _RISE_WINDOW
    return high >= RATIO * low or (within_48_hours and high - low >= RISE)


def _stage(before: Result, after: Result) -> int:
    low, high = before.measure.value, after.measure.value
    if high >= STAGE_3 * low or high >= STAGE_3_LEVEL:
        return 3
    return 2 if high >= STAGE_2 * low else 1
