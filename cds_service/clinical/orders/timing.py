"""How many times a day an instruction gives its dose, by any form of FHIR Timing that states it."""

import re
from decimal import Decimal

from cds_service.fhir.json import MAX_DIGITS, Json, Resource, at, codings, items, member, number, text
from cds_service.fhir.quantities import Refusal
from cds_service.fhir.versions.elements import period_unit_of

_DAYS = {"h": Decimal(1) / 24, "min": Decimal(1) / 1440, "d": Decimal(1), "wk": Decimal(7)}
_CODES = {"QD": Decimal(1), "BID": Decimal(2), "TID": Decimal(3), "QID": Decimal(4)}
_NINE_PLACES = Decimal("0.000000001")
_EVERY_HOURS = re.compile(r"Q(\d{1,2})H\Z")
_ONCE_A_DAY = frozenset(  # codes of EventTiming that happen once a day
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

TimesPerDay = Decimal | Refusal | None  # None: not stated


def times_per_day(instruction: Resource) -> TimesPerDay:
    """Doses on a day of treatment, of a range the upper end; a single dose counts as one a day."""
    timing = instruction.get("timing")
    if timing is None:
        return None
    repeat = member(timing, "repeat")
    rate = _by_frequency(repeat)
    forms = (rate, _by_code(member(timing, "code")), _by_time_of_day(repeat, rate), _by_events(timing, rate))
    refused = next((form for form in forms if isinstance(form, Refusal)), None)
    rates = {form for form in forms if isinstance(form, Decimal)}
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
    """A rate or dose per day to nine decimal places; None if it is zero then, or too large to be real.

    An hour is not an exact decimal of a day, so that 4 per 24 h would come to 3.999… per day.
    """
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


def _by_time_of_day(repeat: Json, rate: TimesPerDay) -> TimesPerDay:
    """`timeOfDay` and `when`: each is a dose of the day."""
    times = {text(time) for time in items(member(repeat, "timeOfDay"))}
    events = {text(event) for event in items(member(repeat, "when"))}
    if "" in times or events - _ONCE_A_DAY:
        return None if rate is not None else Refusal("its times of day cannot be read")
    count = len(times) + len(events)
    return Decimal(count) if count else None


def _by_events(timing: Json, rate: TimesPerDay) -> TimesPerDay:
    """Several dates are refused, as no rate is worked out from dates, unless a frequency is stated with them."""
    if len(items(member(timing, "event"))) < 2 or rate is not None:
        return None
    return Refusal("its timing is a list of dates")
