"""How many times a day an instruction gives its dose, from every form of FHIR timing that states it."""

import re
from decimal import Decimal

from cds_service.fhir.json import MAX_DIGITS, Json, Resource, at, codings, items, member, number, text
from cds_service.fhir.quantities import Refusal
from cds_service.fhir.versions.elements import period_unit_of

_DAYS = {"h": Decimal(1) / 24, "min": Decimal(1) / 1440, "d": Decimal(1), "wk": Decimal(7)}
_CODES = {"QD": Decimal(1), "BID": Decimal(2), "TID": Decimal(3), "QID": Decimal(4)}
_NINE_PLACES = Decimal("0.000000001")
_EVERY_HOURS = re.compile(r"Q(\d{1,2})H\Z")
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

TimesPerDay = Decimal | Refusal | None  # None: the instruction states no timing at all


def times_per_day(instruction: Resource) -> TimesPerDay:
    """Doses on a day of treatment, at the upper end; a dose that is given once counts as one that day."""
    timing = instruction.get("timing")
    if timing is None:
        return None
    repeat = member(timing, "repeat")
    rate = _by_frequency(repeat)
    ways = (rate, _by_code(member(timing, "code")), _by_clock(repeat, rate), _by_event(timing, rate))
    stated = [found for found in ways if found is not None]
    refused = next((found for found in stated if isinstance(found, Refusal)), None)
    rates = {found for found in stated if isinstance(found, Decimal)}
    if refused or len(rates) > 1:
        return refused or Refusal("the parts of its timing contradict each other")
    return next(iter(rates)) if rates else _once(timing)


def _once(timing: Json) -> Decimal | Refusal:
    dates = [text(event) for event in items(at(timing, "event"))]
    if number(at(timing, "repeat", "count")) == 1 or (len(dates) == 1 and dates[0]):
        return Decimal(1)
    return Refusal("its timing is not one that can be read")


def _by_frequency(repeat: Json) -> TimesPerDay:
    frequency = member(repeat, "frequencyMax")
    frequency = member(repeat, "frequency") if frequency is None else frequency
    period = member(repeat, "period")
    if frequency is None and period is None:
        return None
    times, length, days = number(frequency), number(period), _DAYS.get(period_unit_of(repeat))
    if times is None or length is None or days is None or times <= 0 or length <= 0:
        return Refusal("its frequency and period cannot be read")
    return round_rate(times / (length * days)) or Refusal("its frequency and period cannot be read")


def round_rate(rate: Decimal) -> Decimal | None:
    """1/24 of a day is not exact in decimals: 4 per 24 h is 4, not 3.999. None for what no rate or dose can be."""
    if rate.adjusted() > MAX_DIGITS:
        return None
    return rate.quantize(_NINE_PLACES).normalize() or None


def _by_code(code: Json) -> TimesPerDay:
    if code is None:
        return None
    written = [coding.code for coding in codings(code)] + [text(member(code, "text"))]
    rates = {rate for abbreviation in written if (rate := _rate_of_code(abbreviation.upper()))}
    if len(rates) > 1:
        return Refusal("the codes of its timing contradict each other")
    return next(iter(rates), None)


def _rate_of_code(code: str) -> Decimal | None:
    every = _EVERY_HOURS.match(code)
    if every and 4 <= int(every[1]) <= 24:
        return round_rate(Decimal(24) / int(every[1]))
    return _CODES.get(code)


def _by_clock(repeat: Json, rate: TimesPerDay) -> TimesPerDay:
    """`timeOfDay` and `when`: each is a dose of the day, unless a frequency already counts them."""
    clock = {text(time) for time in items(member(repeat, "timeOfDay"))}
    events = {text(event) for event in items(member(repeat, "when"))}
    if "" in clock or events - _ONE_EVENT:
        return None if rate is not None else Refusal("its times of day cannot be read")
    count = len(clock) + len(events)
    return Decimal(count) if count else None


def _by_event(timing: Json, rate: TimesPerDay) -> TimesPerDay:
    """A list of dates is a schedule that is not worked out here, unless a rate is stated beside it."""
    if len(items(member(timing, "event"))) < 2 or rate is not None:
        return None
    return Refusal("its timing is a list of dates")
