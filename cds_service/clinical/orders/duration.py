"""How the instructions of an order follow one another, and for how many days it is to last.

Dates decide first: of two periods that do not overlap one follows the other. Without dates, instructions with different
sequence numbers follow one another if all but the last state how long they last. All others are in force together.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from math import ceil
from typing import NamedTuple

from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.orders.recognise import Order
from cds_service.fhir.datetimes import Moment, last_day, read_moment
from cds_service.fhir.json import Json, Resource, at, number
from cds_service.fhir.quantities import Measure, format_number, read_measure, round_significant
from cds_service.fhir.versions.elements import (
    bounds_length_of,
    dates_written,
    instructions_of,
    least_bounds_length_of,
    sequence_of,
    treatment_period,
)

Days = Decimal | None  # None: a duration is stated that cannot be read
_LONGEST = 36_500  # days: a longer course says nothing of when it ends


class _Span(NamedTuple):
    """The days on which an instruction is in force, both included; None where it does not say since when, or till when.

    Instructions that state no date have none.
    """

    start: date | None
    end: date | None

    def covers(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


def concurrent_instructions(instructions: list[Resource]) -> list[list[Resource]]:
    """The instructions that are in force together, stage by stage; an instruction may be in several stages."""
    spans = [span for instruction in instructions if (span := _span(instruction))]
    if len(spans) < len(instructions):
        return _by_sequence(instructions) or [instructions]
    starts = sorted({span.start or date.min for span in spans})
    pairs = list(zip(instructions, spans, strict=True))
    return [[instruction for instruction, span in pairs if span.covers(day)] for day in starts]


def _span(instruction: Resource) -> _Span | None:
    period = at(instruction, "timing", "repeat", "boundsPeriod")
    start, end = read_moment(at(period, "start")), read_moment(at(period, "end"))
    if not (start or end) or (start and end and end.day < start.day):
        return None  # a period that ends before it starts says nothing of when the instruction is in force
    return _Span(start.day if start else None, end.day if end else None)


def _by_sequence(instructions: list[Resource]) -> list[list[Resource]]:
    """Stages by sequence number; none if one has no number, or if a stage before the last does not say how long."""
    numbered = [(place, instruction) for instruction in instructions if (place := sequence_of(instruction)) is not None]
    if len(numbered) < len(instructions):
        return []
    ordered = sorted(numbered, key=lambda pair: pair[0])
    stages = [[instruction for _, instruction in pairs] for _, pairs in groupby(ordered, key=lambda pair: pair[0])]
    return stages if all(_longest(stage) for stage in stages[:-1]) else []


def read_duration(order: Order) -> Fact:
    """Days of treatment, of stages one after another the sum; absent if open-ended."""
    stated = _bounds(instructions_of(order.resource)) or _period(treatment_period(order.resource)) or _supply(order)
    origin = (Origin(order.reference, "duration"),)
    if not stated:
        return absent("open-ended", origin)
    days = stated[0]
    if days is None or days <= 0:
        return unknown("its duration cannot be read", origin)
    return known(days, origin, amount=_format_days(days))


def stated_starts(medication: Resource) -> list[Json]:
    """Every date from which a medication is said to be given: of its dosing, of its period, and of its writing."""
    starts = (*_dosing_starts(medication), at(treatment_period(medication), "start"), *dates_written(medication))
    return [start for start in starts if start is not None]


def start_of(medication: Resource) -> Moment | None:
    """The start of its dosing, else of its period, else the day it was written.

    None where it states none of them, and where the one that counts cannot be read: a later one is no stand-in for it.
    """
    starts = [read_moment(start) for start in _dosing_starts(medication) or stated_starts(medication)[:1]]
    readable = [start for start in starts if start is not None]
    return min(readable, key=lambda start: start.day) if readable and len(readable) == len(starts) else None


def _dosing_starts(medication: Resource) -> list[Json]:
    repeats = (at(instruction, "timing", "repeat") for instruction in instructions_of(medication))
    return [start for repeat in repeats if (start := at(repeat, "boundsPeriod", "start")) is not None]


def end_of(medication: Resource) -> date | None:
    """The last day of a medication by its own period, or by its instructions; None where it is open-ended.

    It is open-ended where one of its instructions is, and where an end cannot be read.
    """
    days = (last_day(at(treatment_period(medication), "end")), _end_of_instructions(medication))
    return max((day for day in days if day is not None), default=None)


def _end_of_instructions(medication: Resource) -> date | None:
    """The last of their ends if each states one, else their days together from the start on."""
    instructions = instructions_of(medication)
    ends = [last_day(at(instruction, "timing", "repeat", "boundsPeriod", "end")) for instruction in instructions]
    stated = [end for end in ends if end is not None]
    if stated and len(stated) == len(ends):
        return max(stated)
    start, days = start_of(medication), next(iter(_bounds(instructions)), None)
    if start is None or days is None or not 1 <= days < _LONGEST:
        return None
    return start.day + timedelta(days=ceil(days) - 1)


def least_course_days(order: Order) -> Decimal:
    """The days of treatment that the bounds of its instructions state at the least; 0 if they state none."""
    instructions = instructions_of(order.resource)
    spans = [span for instruction in instructions if (span := _span(instruction)) and span.start and span.end]
    by_stage = [_longest(stage, least_bounds_length_of) for stage in concurrent_instructions(instructions)]
    return _union(spans) if len(spans) == len(instructions) else sum(by_stage, Decimal(0))


def supply_days(order: Order) -> Decimal:
    """The days of the supply that is ordered; 0 if it is not stated or cannot be read."""
    return next((days for days in _supply(order) if days is not None), Decimal(0))


def _bounds(instructions: list[Resource]) -> list[Days]:
    """The days that the instructions state together, in a list of one; empty if one of them states none."""
    stated = [_stated_days(instruction) for instruction in instructions]
    if not stated or any(not days for days in stated):
        return []
    if any(days[0] is None for days in stated):
        return [None]
    spans = [span for instruction in instructions if (span := _span(instruction))]
    if len(spans) == len(instructions):
        return [_union(spans)]
    return [sum((_longest(stage) for stage in concurrent_instructions(instructions)), Decimal(0))]


def _longest(stage: list[Resource], length_of: Callable[[Json], Json] = bounds_length_of) -> Decimal:
    """The days that the longest of these instructions states; 0 if none states any that can be read."""
    stated = [days for instruction in stage for days in _stated_days(instruction, length_of) if days is not None]
    return max(stated, default=Decimal(0))


def _union(spans: list[_Span]) -> Decimal:
    """The days that the spans cover together, each once."""
    days, covered_to = 0, date.min
    for start, end in sorted((span.start, span.end) for span in spans if span.start and span.end):
        first = max(start.toordinal(), covered_to.toordinal() + 1)
        days += max(0, end.toordinal() - first + 1)
        covered_to = max(covered_to, end)
    return Decimal(days)


def _stated_days(instruction: Resource, length_of: Callable[[Json], Json] = bounds_length_of) -> list[Days]:
    """The days that one instruction states, in a list of one; empty if it states none."""
    repeat = at(instruction, "timing", "repeat")
    length = length_of(repeat)
    return _period(at(repeat, "boundsPeriod")) if length is None else [_days(length)]


def _period(period: Json) -> list[Days]:
    if at(period, "end") is None:
        return []
    return [_days_between(read_moment(at(period, "start")), read_moment(at(period, "end")))]


def _supply(order: Order) -> list[Days]:
    """The days of the supply ordered, times the number of dispenses."""
    request = at(order.resource, "dispenseRequest")
    supply, repeats_allowed = at(request, "expectedSupplyDuration"), at(request, "numberOfRepeatsAllowed")
    if supply is None:
        return []
    days, repeats = _days(supply), Decimal(0) if repeats_allowed is None else number(repeats_allowed)
    return [None if days is None or repeats is None or repeats < 0 else days * (repeats + 1)]


def _days(length: Json) -> Days:
    measure = read_measure("duration", length)
    return measure.value if isinstance(measure, Measure) and not measure.comparator and measure.value > 0 else None


def _days_between(start: Moment | None, end: Moment | None) -> Days:
    """Both days included."""
    if start is None or end is None or end.day < start.day:
        return None
    return Decimal((end.day - start.day).days + 1)


def _format_days(days: Decimal) -> str:
    return f"{format_number(round_significant(days, 3))} day{'' if days == 1 else 's'}"
