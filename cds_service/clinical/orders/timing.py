"""How often an instruction gives its dose, from every form of FHIR timing that states it.

What counts is the largest number of doses on a day of treatment: once every other day is once, not half a time.
"""

import re
from decimal import ROUND_CEILING, Decimal

import msgspec

from cds_service.fhir.json import MAX_DIGITS, Json, Resource, at, codings, items, member, number, text
from cds_service.fhir.quantities import Refusal
from cds_service.fhir.versions.elements import period_unit_of

_ONE = Decimal(1)
_DAYS = {"h": _ONE / 24, "min": _ONE / 1440, "d": _ONE, "wk": Decimal(7), "mo": Decimal("30.4375")}
_CODES = {
    **{"QD": _ONE, "BID": Decimal(2), "TID": Decimal(3), "QID": Decimal(4)},
    **{"AM": _ONE, "PM": _ONE, "BED": _ONE},
    **{"QOD": _ONE / 2, "WK": _ONE / 7, "MO": _ONE / _DAYS["mo"]},
}
_NINE_PLACES = Decimal("0.000000001")
_EVERY_HOURS = re.compile(r"Q(\d{1,2})H\Z")
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_EVENT = frozenset(
    [
        "MORN",
        "MORN.early",
        "MORN.late",
        "NOON",
        "AFT",
        "EVE",
        "NIGHT",
        "HS",
        "WAKE",
        "CM",
        "CD",
        "CV",
        "ACM",
        "ACD",
        "ACV",
        "PCM",
        "PCD",
        "PCV",
    ]
)


class Schedule(msgspec.Struct, frozen=True):
    """How many doses fall on the largest day of treatment, and how many on a day in the mean (None: not stated).

    `seldom` says that doses are more than 24 hours apart.
    """

    on_a_day: Decimal
    mean: Decimal | None = None
    seldom: bool = False


Timing = Schedule | Refusal | None  # None: the instruction states no timing at all


def read_schedule(instruction: Resource) -> Timing:
    """The schedule of an instruction, at the upper end of its ranges; a dose that is given once counts as one."""
    timing = instruction.get("timing")
    if timing is None:
        return None
    repeat = member(timing, "repeat")
    by_frequency, by_code = _by_frequency(repeat), _by_code(member(timing, "code"))
    counted = by_frequency or by_code
    stated = [by_frequency, by_code, _by_clock(repeat, counted), _by_event(timing, counted)]
    refused = next((found for found in stated if isinstance(found, Refusal)), None)
    schedules = [found for found in stated if isinstance(found, Schedule)]
    if refused or _contradict(schedules):
        return refused or Refusal("the parts of its timing contradict each other")
    return schedules[0] if schedules else _on_days_or_once(timing, repeat)


def _contradict(schedules: list[Schedule]) -> bool:
    means = {schedule.mean for schedule in schedules} - {None}
    return len(means) > 1 or len({schedule.on_a_day for schedule in schedules}) > 1


def _on_days_or_once(timing: Json, repeat: Json) -> Schedule | Refusal:
    if days := _days_of_week(repeat):
        return Schedule(_ONE, None, _are_apart(days))
    dates = [text(event) for event in items(at(timing, "event"))]
    if number(member(repeat, "count")) == 1 or (len(dates) == 1 and dates[0]):
        return Schedule(_ONE)
    return Refusal("its timing is not one that can be read")


def _by_frequency(repeat: Json) -> Timing:
    """A period without a frequency is once per period; a period of weeks may name the days on which it falls."""
    frequency = member(repeat, "frequencyMax")
    frequency = member(repeat, "frequency") if frequency is None else frequency
    period = member(repeat, "period")
    if frequency is None and period is None:
        return None
    times = _ONE if frequency is None else number(frequency)
    length, days = number(period), _DAYS.get(period_unit_of(repeat))
    if times is None or length is None or days is None or times <= 0 or length <= 0:
        return Refusal("its frequency and period cannot be read")
    mean, named_days = round_rate(times / (length * days)), _days_of_week(repeat)
    if mean is None:
        return Refusal("its frequency and period cannot be read")
    if not named_days:
        return _schedule(mean)
    on_each = times / (length * len(named_days)) if days == _DAYS["wk"] else mean
    return Schedule(_whole(on_each), mean, _are_apart(named_days) and on_each <= 1)


def _schedule(mean: Decimal) -> Schedule:
    return Schedule(_whole(mean), mean, mean < 1)


def _whole(times: Decimal) -> Decimal:
    """Whole doses: every 7 hours may be 4 times on a day, and every other day is once."""
    return times.to_integral_value(ROUND_CEILING)


def _days_of_week(repeat: Json) -> list[int]:
    named = {text(day).lower() for day in items(member(repeat, "dayOfWeek"))}
    return [index for index, day in enumerate(_WEEK) if day in named]


def falls_on(instruction: Resource) -> frozenset[int]:
    """The days of the week on which it is given, Monday is 0; all of them where it names none or one is not read."""
    named = {text(day).lower() for day in items(at(instruction, "timing", "repeat", "dayOfWeek"))}
    chosen = named if named and named <= set(_WEEK) else set(_WEEK)
    return frozenset(index for index, day in enumerate(_WEEK) if day in chosen)


def _are_apart(days: list[int]) -> bool:
    """True if no two of the days follow each other: doses on them are more than 24 hours apart."""
    return not any((day + 1) % 7 in days for day in days)


def round_rate(rate: Decimal) -> Decimal | None:
    """1/24 of a day is not exact in decimals: 4 per 24 h is 4, not 3.999. None for what no rate or dose can be."""
    if rate.adjusted() > MAX_DIGITS:
        return None
    return rate.quantize(_NINE_PLACES).normalize() or None


def _by_code(code: Json) -> Timing:
    if code is None:
        return None
    written = [coding.code for coding in codings(code)] + [text(member(code, "text"))]
    rates = {rate for abbreviation in written if (rate := _rate_of_code(abbreviation.upper()))}
    if len(rates) > 1:
        return Refusal("the codes of its timing contradict each other")
    return next(map(_schedule, rates), None)


def _rate_of_code(code: str) -> Decimal | None:
    every = _EVERY_HOURS.match(code)
    if every and int(every[1]) > 0:
        return round_rate(Decimal(24) / int(every[1]))
    rate = _CODES.get(code)
    return None if rate is None else round_rate(rate)


def _by_clock(repeat: Json, counted: Timing) -> Timing:
    """`timeOfDay` and `when`: each is a dose of the day, unless a frequency already counts them."""
    clock = {text(time) for time in items(member(repeat, "timeOfDay"))}
    events = {text(event) for event in items(member(repeat, "when"))}
    if "" in clock or events - _ONE_EVENT:
        return None if counted is not None else Refusal("its times of day cannot be read")
    count, days = len(clock) + len(events), _days_of_week(repeat)
    return Schedule(Decimal(count), None, count == 1 and bool(days) and _are_apart(days)) if count else None


def _by_event(timing: Json, counted: Timing) -> Timing:
    """A list of dates is a schedule that is not worked out here, unless a rate is stated beside it."""
    if len(items(member(timing, "event"))) < 2 or counted is not None:
        return None
    return Refusal("its timing is a list of dates")
