"""Glutamate and cystine over time: what a chart shows, placed in a drawing. The template only draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from cds_service.clinical.chart import Chart
from cds_service.clinical.labs import amino_acids
from cds_service.clinical.labs.amino_acids import KIND, UNIT
from cds_service.clinical.labs.ranges import Interval, classify, interval_of
from cds_service.clinical.labs.rejected import list_rejected_results
from cds_service.clinical.labs.results import RejectedResult, Result
from cds_service.clinical.labs.treatment import find_treatments
from cds_service.clinical.patient import read_patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.datetimes import format_day
from cds_service.fhir.quantities import format_number, round_significant

ANALYTES = ("glutamate", "cystine")
WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM, _STRIP = 68, 12, 12, 30, 38  # the strip below the scale holds what was not used
_APART = 280  # what a written date and “today” need beside each other


@dataclass(frozen=True, slots=True)
class Point:
    """A result that is used, where it is drawn, and the band of its reference interval: left, top, right, bottom."""

    x: float
    y: float
    day: str
    value: str
    kind: str
    range: str
    band: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class Cross:
    """A result that was seen and not used, and why; x is None where its date cannot be read."""

    x: float | None
    term: str
    day: str
    reason: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """One analyte over time. `ticks` are the ends of the axes, `treated` where the treatment period is shaded."""

    analyte: str
    unit: str
    points: tuple[Point, ...]
    unused: tuple[Cross, ...]
    treated: tuple[float, float] | None
    treated_since: str
    days: tuple[tuple[float, str], ...]
    levels: tuple[tuple[float, str], ...]
    strip: float


def draw(chart: Chart, vocabulary: Vocabulary, now: datetime) -> list[Drawing]:
    """A drawing for each analyte that has any result, used or not."""
    made = [_draw(analyte, chart, vocabulary, now) for analyte in ANALYTES]
    return [one for one in made if one.points or one.unused]


def _draw(analyte: str, chart: Chart, vocabulary: Vocabulary, now: datetime) -> Drawing:
    readings = amino_acids.read_analyte(analyte, chart, vocabulary, now)
    listed = list_rejected_results([readings], chart, vocabulary)
    unused = [one for one in listed if one in readings.rejected or _analyte_of(one) == analyte]
    starts = [treatment.began.day for treatment in find_treatments(chart, vocabulary) if treatment.began]
    site, patient = (
        vocabulary.site_intervals.get(analyte, ()),
        read_patient(chart, int(vocabulary.thresholds["oldest-age"]), now.date()),
    )
    used = [
        (one, interval_of(one, KIND, patient.demographics_on(one.moment.day), site))
        for one in reversed(readings.usable)
    ]
    days = [one.moment.day for one in readings.usable] + [one.moment.day for one in unused if one.moment]
    across = _Days(min([*days, *starts, now.date()]), now.date())
    up = _Levels(used)
    return Drawing(
        analyte=analyte,
        unit=UNIT,
        points=tuple(
            _point(one, interval, classify(one, KIND, patient.demographics_on(one.moment.day), site).name, span, up)
            for (one, interval), span in zip(used, across.spans([one.moment.day for one, _ in used]), strict=True)
        ),
        unused=tuple(_cross(one, across) for one in unused),
        treated=(across.x(min(starts)), across.x(now.date())) if starts else None,
        treated_since=format_day(min(starts)) if starts else "",
        days=across.ticks(),
        levels=up.ticks(),
        strip=HEIGHT - _BOTTOM - _STRIP / 2,
    )


def _analyte_of(alike: RejectedResult) -> str:
    """Where a result is shown that is only named like one of the two: none is shown nowhere."""
    return "cystine" if "cyst" in alike.term.lower() else "glutamate"


def _point(one: Result, interval: Interval | None, kind: str, span: tuple[float, float, float], up: "_Levels") -> Point:
    left, x, right = span
    ends = (interval.low, interval.high) if interval else (None, None)
    low, high = ends[0] or Decimal(0), ends[1] if ends[1] is not None else up.top
    return Point(
        x=x,
        y=up.y(one.measure.value),
        day=format_day(one.moment.day),
        value=f"{one.measure.comparator}{format_number(round_significant(one.measure.value))} {UNIT}",
        kind=kind,
        range=interval.sent if interval else "",
        band=(left, up.y(high), right, up.y(low)) if interval else None,
    )


def _cross(one: RejectedResult, across: "_Days") -> Cross:
    day = one.moment.day if one.moment else None
    return Cross(across.x(day) if day else None, one.term, format_day(day) if day else "", one.reason)


class _Days:
    """From a day to a place across, with some room on both sides."""

    def __init__(self, first: date, last: date) -> None:
        room = timedelta(days=max(7, (last - first).days // 16))
        self._first, self._last = first - room, last + room
        self._shown = (first, last) if first < last else (last,)

    def x(self, day: date) -> float:
        whole = (self._last - self._first).days
        inside = min(max((day - self._first).days, 0), whole)
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * inside / whole, 1)

    def spans(self, days: Sequence[date]) -> list[tuple[float, float, float]]:
        """For each day, in their order: from half way to the one before, the day itself, half way to the next."""
        places = [self.x(day) for day in days]
        middles = [round((one + other) / 2, 1) for one, other in pairwise(places)]
        return list(zip([_LEFT, *middles], places, [*middles, WIDTH - _RIGHT], strict=False))

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """The first and the last day; the last alone where the two would lie on each other."""
        places = [(self.x(day), "today" if day == self._shown[-1] else format_day(day)) for day in self._shown]
        return tuple(places if places[-1][0] - places[0][0] >= _APART else places[-1:])


class _Levels:
    """From a level to a place up, from zero to above all results and the ends of their intervals."""

    def __init__(self, used: Sequence[tuple[Result, Interval | None]]) -> None:
        ends = [interval.high for _, interval in used if interval and interval.high is not None]
        values = [result.measure.value for result, _ in used]
        self.top = max([*values, *ends, Decimal(1)]) * Decimal("1.15")
        self._shown = sorted({Decimal(0), *ends, *(interval.low for _, interval in used if interval and interval.low)})

    def y(self, level: Decimal) -> float:
        height = HEIGHT - _TOP - _BOTTOM - _STRIP
        return round(_TOP + height * (1 - float(min(level, self.top) / self.top)), 1)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Zero and the ends of the intervals, without those that would lie on each other."""
        shown: list[tuple[float, str]] = []
        for level in self._shown:
            place = self.y(level)
            if not shown or shown[-1][0] - place >= 12:
                shown.append((place, format_number(round_significant(level))))
        return tuple(shown)
