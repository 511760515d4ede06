"""Class of a result, low, normal or high: from the range that came with it and its interpretation, or neither.

No interval is built in. Where range and interpretation disagree, or the comparator leaves the class open, the
result stays unclassified and says why.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from cds_service.clinical.labs.results import Result
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.fhir.json import Json, Resource, codings, items, member, names, objects
from cds_service.fhir.quantities import Measure, Refusal, read_measure, say_number
from cds_service.fhir.versions import range_kind_of

LOW, NORMAL, HIGH, UNCLASSIFIED = "low", "normal", "high", "unclassified"
_LOW_FLAGS, _HIGH_FLAGS = ("L", "LL", "LU", "LX", "L<"), ("H", "HH", "HU", "HX", "H>")
_FLAGS = {"N": NORMAL, **dict.fromkeys(_LOW_FLAGS, LOW), **dict.fromkeys(_HIGH_FLAGS, HIGH)}
_ABNORMAL = frozenset(("A", "AA"))
_MALE, _FEMALE = frozenset(("male", "m")), frozenset(("female", "f"))


class Person(msgspec.Struct, frozen=True):
    """What a range may depend on: age at the time of the sample, completed, and administrative sex, where known."""

    years: int | None
    months: int | None
    sex: str


class Interval(msgspec.Struct, frozen=True):
    """A reference interval in the unit of the result; an end that was not sent is open."""

    low: Decimal | None
    high: Decimal | None
    sent: str


class Classed(msgspec.Struct, frozen=True):
    """The class, the range it rests on as it was sent, and for *unclassified* the reason."""

    name: str
    range: str = ""
    why: str = ""


def classify(result: Result, kind: str, person: Person, site: Sequence[SiteInterval] = ()) -> Classed:
    """The class of a result by its own range, or a site's where it came without any, and by its interpretation."""
    flag = _flag(result.element)
    interval = _interval(result.element, kind, person)
    if not objects(result.element.get("referenceRange")):
        interval = _site_interval(site, person) or interval
    if isinstance(flag, Refusal):
        return Classed(UNCLASSIFIED, _sent(interval), flag.reason)
    if isinstance(interval, Refusal):
        return Classed(flag) if flag else Classed(UNCLASSIFIED, "", interval.reason)
    by_range = _place(result.measure.value, result.measure.comparator, interval)
    if by_range is None:
        return Classed(UNCLASSIFIED, interval.sent, f"“{result.measure.comparator}” leaves its class open")
    if flag is None and by_range == NORMAL and _codes(result.element) & _ABNORMAL:
        flag = "abnormal"
    if flag and flag != by_range:
        return Classed(UNCLASSIFIED, interval.sent, f"its interpretation says {flag} and its range says {by_range}")
    return Classed(by_range, interval.sent)


def interval_of(result: Result, kind: str, person: Person, site: Sequence[SiteInterval] = ()) -> Interval | None:
    """The interval that a result is held against: its own, or a site's where it came without any; None if neither."""
    if not objects(result.element.get("referenceRange")):
        return _site_interval(site, person)
    interval = _interval(result.element, kind, person)
    return interval if isinstance(interval, Interval) else None


def _sent(interval: Interval | Refusal) -> str:
    return interval.sent if isinstance(interval, Interval) else ""


def _codes(element: Resource) -> set[str]:
    return {coding.code.upper() for coding in codings(items(element.get("interpretation")))}


def _flag(element: Resource) -> str | Refusal | None:
    codes = _codes(element)
    classes = {_FLAGS[code] for code in codes if code in _FLAGS}
    if len(classes) > 1 or (classes == {NORMAL} and codes & _ABNORMAL):
        return Refusal("its interpretations contradict each other")
    return next(iter(classes), None)


def _place(value: Decimal, comparator: str, interval: Interval) -> str | None:
    """Low, normal or high; None where a comparator leaves it open."""
    if comparator:
        return _place_beyond(value, comparator, interval)
    if interval.low is not None and value < interval.low:
        return LOW
    return HIGH if interval.high is not None and value > interval.high else NORMAL


def _place_beyond(value: Decimal, comparator: str, interval: Interval) -> str | None:
    if comparator.startswith("<"):
        if interval.low is not None and interval.low <= 0:  # no result is below zero
            interval = msgspec.structs.replace(interval, low=None)
        below_low = interval.low is not None and (value < interval.low or (value == interval.low and comparator == "<"))
        below_high = interval.low is None and interval.high is not None and value <= interval.high
        return LOW if below_low else NORMAL if below_high else None
    above_high = interval.high is not None and (value > interval.high or (value == interval.high and comparator == ">"))
    above_low = interval.high is None and interval.low is not None and value >= interval.low
    return HIGH if above_high else NORMAL if above_low else None


def _interval(element: Resource, kind: str, person: Person) -> Interval | Refusal:
    """The one range that fits the person; refused if there is none, or if several that differ do."""
    ranges = objects(element.get("referenceRange"))
    if not ranges:
        return Refusal("no reference range was sent with it")
    fitting = [one for one in ranges if _fits(one, person)]
    if not fitting:
        return Refusal("none of its reference ranges is known to fit this patient")
    read = [_read_interval(one, kind) for one in fitting]
    refused = next((one for one in read if isinstance(one, Refusal)), None)
    ends = {(one.low, one.high) for one in read if isinstance(one, Interval)}
    if refused or len(ends) > 1:
        return refused or Refusal("several reference ranges were sent with it and they differ")
    return next(one for one in read if isinstance(one, Interval))


def _site_interval(site: Sequence[SiteInterval], person: Person) -> Interval | None:
    """The site's interval for this person, if just one fits."""
    fitting = [one for one in site if one.fits(person.years, person.sex)]
    if len(fitting) != 1:
        return None
    low, high = fitting[0].low, fitting[0].high
    return Interval(low, high, f"{say_number(low)}–{say_number(high)} µmol/L, this site's own interval")


def _fits(one: Resource, person: Person) -> bool:
    kind = range_kind_of(one)
    said = {coding.code.lower() for coding in codings(kind)} | {word.lower() for word in names(kind)}
    if said and not said & {"normal", "n"}:
        return False
    return _fits_age(one.get("age"), person) and all(
        _fits_group(group, person) for group in items(one.get("appliesTo"))
    )


def _fits_group(group: Json, person: Person) -> bool:
    """Only sex can be checked; a range for any other group is not known to fit."""
    words = {word.lower() for word in names(group)} | {coding.code.lower() for coding in codings(group)}
    if words & _MALE and not words & _FEMALE:
        return person.sex == "male"
    return bool(words & _FEMALE and not words & _MALE) and person.sex == "female"


def _fits_age(age_range: Json, person: Person) -> bool:
    """Completed years for ends in years, completed months for ends in months; any other unit is not known to fit."""
    if age_range is None:
        return True
    ends = [(name, member(age_range, name)) for name in ("low", "high") if member(age_range, name) is not None]
    beyond = {name: _beyond(end, person) for name, end in ends}
    low, high = beyond.get("low", Decimal(0)), beyond.get("high", Decimal(0))
    return bool(ends) and low is not None and high is not None and low >= 0 >= high


def _beyond(end: Json, person: Person) -> Decimal | None:
    """How far the person's age lies beyond an end of an age range; None if that cannot be told."""
    for kind, age in (("age in years", person.years), ("age in months", person.months)):
        measure = read_measure(kind, end)
        if isinstance(measure, Measure) and not measure.comparator:
            return None if age is None else age - measure.value
    return None


def _read_interval(one: Resource, kind: str) -> Interval | Refusal:
    ends = [None if one.get(name) is None else read_measure(kind, one[name]) for name in ("low", "high")]
    refused = next((end for end in ends if isinstance(end, Refusal)), None)
    if any(isinstance(end, Measure) and end.comparator for end in ends):
        return Refusal("its reference range cannot be read")
    if refused:
        return Refusal(f"its reference range cannot be read ({refused.reason})")
    low, high = (None if end is None or isinstance(end, Refusal) else end.value for end in ends)
    if low is None and high is None:
        return Refusal("its reference range has no numbers")
    if low is not None and high is not None and low > high:
        return Refusal("its reference range contradicts itself")
    return Interval(low, high, _say_interval([end for end in ends if isinstance(end, Measure)], low is None))


def _say_interval(ends: list[Measure], is_upper: bool) -> str:
    """As it was sent: 10–120 µmol/L, or one end with its direction."""
    if len(ends) == 1:
        return f"{'up to' if is_upper else 'at least'} {ends[0].sent}"
    (low, unit), (high, other) = (end.sent.split() for end in ends)
    return f"{low}–{high} {unit}" if unit == other else f"{low} {unit} to {high} {other}"
