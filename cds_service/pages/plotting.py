"""Plots of glutamate and cystine over time: computes the coordinates, which the template only draws."""

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
_LEFT, _RIGHT, _TOP, _BOTTOM, _STRIP = 68, 12, 12, 30, 38  # the strip below the y axis shows rejected results
_MIN_TICK_DISTANCE = 300  # room for a date and a short one side by side


@dataclass(frozen=True, slots=True)
class Point:
    """A usable result, and the band of its reference interval as left, top, right, bottom."""

    x: float
    y: float
    day: str
    value: str
    class_name: str
    reference_range: str
    band: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class RejectedPoint:
    """A result that is not used, with the reason; `x` is None if its date cannot be read."""

    x: float | None
    term: str
    value: str
    day: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One analyte over time. Ticks are positions with labels; `treatment` is the x range to shade."""

    analyte: str
    unit: str
    points: tuple[Point, ...]
    rejected: tuple[RejectedPoint, ...]
    treatment: tuple[float, float] | None
    treated_since: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    rejected_y: float


def make_plots(chart: Chart, vocabulary: Vocabulary, now: datetime, day: str = "today") -> list[Plot]:
    """A plot for each analyte with any result, usable or rejected. `day` is what the last day is called."""
    plots = [_make_plot(analyte, chart, vocabulary, now, day) for analyte in ANALYTES]
    return [plot for plot in plots if plot.points or plot.rejected]


def _make_plot(analyte: str, chart: Chart, vocabulary: Vocabulary, now: datetime, day: str) -> Plot:
    readings = amino_acids.read_analyte(analyte, chart, vocabulary, now)
    rejected = [
        result
        for result in list_rejected_results([readings], chart, vocabulary)
        if result in readings.rejected or _likely_analyte(result) == analyte
    ]
    starts = [treatment.began.day for treatment in find_treatments(chart, vocabulary) if treatment.began]
    results = list(reversed(readings.usable))
    result_days = [result.moment.day for result in results]
    rejected_days = [result.moment.day for result in rejected if result.moment]
    x_axis = _XAxis(min([*result_days, *rejected_days, *starts, now.date()]), now.date(), day)
    intervals = _Intervals(analyte, chart, vocabulary, now.date())
    y_axis = _YAxis(results, [intervals.interval_of(result) for result in results])
    spans = x_axis.spans(result_days)
    return Plot(
        analyte=analyte,
        unit=UNIT,
        points=tuple(_point(result, intervals, span, y_axis) for result, span in zip(results, spans, strict=True)),
        rejected=tuple(_rejected_point(result, x_axis) for result in rejected),
        treatment=(x_axis.x(min(starts)), x_axis.x(now.date())) if starts else None,
        treated_since=format_day(min(starts)) if starts else "",
        x_ticks=x_axis.ticks(),
        y_ticks=y_axis.ticks(),
        rejected_y=HEIGHT - _BOTTOM - _STRIP / 2,
    )


def _likely_analyte(result: RejectedResult) -> str:
    """Decides in which plot a result is shown that only has a similar name."""
    return "cystine" if "cyst" in result.term.lower() else "glutamate"


class _Intervals:
    """The reference intervals of an analyte for one patient."""

    def __init__(self, analyte: str, chart: Chart, vocabulary: Vocabulary, today: date) -> None:
        self._patient = read_patient(chart, int(vocabulary.thresholds["oldest-age"]), today)
        self._site_intervals = vocabulary.site_intervals.get(analyte, ())

    def interval_of(self, result: Result) -> Interval | None:
        return interval_of(result, KIND, self._patient.demographics_on(result.moment.day), self._site_intervals)

    def class_of(self, result: Result) -> str:
        return classify(result, KIND, self._patient.demographics_on(result.moment.day), self._site_intervals).name


def _point(result: Result, intervals: _Intervals, span: tuple[float, float, float], y_axis: "_YAxis") -> Point:
    left, x, right = span
    interval = intervals.interval_of(result)
    low, high = (interval.low, interval.high) if interval else (None, None)
    top, bottom = y_axis.y(y_axis.top if high is None else high), y_axis.y(low or Decimal(0))
    return Point(
        x=x,
        y=y_axis.y(result.measure.value),
        day=format_day(result.moment.day),
        value=f"{result.measure.comparator}{format_number(round_significant(result.measure.value))} {UNIT}",
        class_name=intervals.class_of(result),
        reference_range=interval.sent if interval else "",
        band=(left, top, right, bottom) if interval else None,
    )


def _rejected_point(result: RejectedResult, x_axis: "_XAxis") -> RejectedPoint:
    day = result.moment.day if result.moment else None
    x, written_day = (x_axis.x(day), format_day(day)) if day else (None, "")
    return RejectedPoint(x, result.term, result.sent, written_day, result.reason)


class _XAxis:
    """Days, with a margin before the first; the axis ends on the last, which has a name."""

    def __init__(self, first: date, last: date, name: str) -> None:
        margin = timedelta(days=max(7, (last - first).days // 16))
        self._start, self._end, self._name = first - margin, last, name
        self._labelled = (first, last) if first < last else (last,)

    def x(self, day: date) -> float:
        length = (self._end - self._start).days
        offset = min(max((day - self._start).days, 0), length)
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * offset / length, 1)

    def spans(self, days: Sequence[date]) -> list[tuple[float, float, float]]:
        """For each of the sorted days: half way from the previous one, the day itself, half way to the next."""
        positions = [self.x(day) for day in days]
        middles = [round((left + right) / 2, 1) for left, right in pairwise(positions)]
        return list(zip([_LEFT, *middles], positions, [*middles, WIDTH - _RIGHT], strict=False))

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """The first and the last day; only the last if the labels would overlap."""
        ticks = [(self.x(day), self._name if day == self._labelled[-1] else format_day(day)) for day in self._labelled]
        return tuple(ticks if ticks[-1][0] - ticks[0][0] >= _MIN_TICK_DISTANCE else ticks[-1:])


class _YAxis:
    """Concentrations from zero to above all results and the limits of their intervals."""

    def __init__(self, results: Sequence[Result], intervals: Sequence[Interval | None]) -> None:
        upper_limits = [interval.high for interval in intervals if interval and interval.high is not None]
        lower_limits = [interval.low for interval in intervals if interval and interval.low]
        self.top = max([*(result.measure.value for result in results), *upper_limits, Decimal(1)]) * Decimal("1.15")
        self._labelled = sorted({Decimal(0), *upper_limits, *lower_limits})

    def y(self, value: Decimal) -> float:
        height = HEIGHT - _TOP - _BOTTOM - _STRIP
        return round(_TOP + height * (1 - float(min(value, self.top) / self.top)), 1)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Zero and the limits of the intervals, except labels that would overlap."""
        ticks: list[tuple[float, str]] = []
        for value in self._labelled:
            y = self.y(value)
            if not ticks or ticks[-1][0] - y >= 12:
                ticks.append((y, format_number(round_significant(value))))
        return tuple(ticks)
