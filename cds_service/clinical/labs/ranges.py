"""Whether a result is low, normal or high, by its reference range and its interpretation.

No interval is built in. A result is *unclassified*, with the reason, where it has neither, where the two disagree, or
where a comparator leaves the class open.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from cds_service.clinical.labs.results import Result
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.patient import Demographics
from cds_service.fhir.json import Json, Resource, codings, items, member, names, objects
from cds_service.fhir.quantities import Measure, Refusal, format_number, read_measure
from cds_service.fhir.versions.elements import range_type_of

LOW, NORMAL, HIGH, UNCLASSIFIED = "low", "normal", "high", "unclassified"
_LOW_FLAGS, _HIGH_FLAGS = ("L", "LL", "LU", "LX", "L<"), ("H", "HH", "HU", "HX", "H>")
_FLAGS = {"N": NORMAL, **dict.fromkeys(_LOW_FLAGS, LOW), **dict.fromkeys(_HIGH_FLAGS, HIGH)}
_ABNORMAL = frozenset(("A", "AA"))
_MALE, _FEMALE = frozenset(("male", "m")), frozenset(("female", "f"))


class Interval(msgspec.Struct, frozen=True):
    """A reference interval in the unit of the result, and as it was sent; None is an open end."""

    low: Decimal | None
    high: Decimal | None
    sent: str


class Classification(msgspec.Struct, frozen=True):
    """The class of a result, the range that it rests on as it was sent, and the reason why it is *unclassified*."""

    name: str
    range: str = ""
    why: str = ""


def classify(
    result: Result, kind: str, demographics: Demographics, site: Sequence[SiteInterval] = ()
) -> Classification:
    """The class of a result by its interpretation and its range, or the site's interval if it has no range.

    `kind` is the kind of measure in the table of units; `demographics` are of the day of the sample.
    """
    flag = _flag(result.element)
    interval = _interval(result.element, kind, demographics)
    if not objects(result.element.get("referenceRange")):
        interval = _site_interval(site, demographics) or interval
    if isinstance(flag, Refusal):
        return Classification(UNCLASSIFIED, _sent(interval), flag.reason)
    if isinstance(interval, Refusal):
        return Classification(flag) if flag else Classification(UNCLASSIFIED, "", interval.reason)
    by_range = _place(result.measure.value, result.measure.comparator, interval)
    if by_range is None:
        return Classification(UNCLASSIFIED, interval.sent, f"“{result.measure.comparator}” leaves its class open")
    if flag is None and by_range == NORMAL and _codes(result.element) & _ABNORMAL:
        flag = "abnormal"
    if flag and flag != by_range:
        return Classification(
            UNCLASSIFIED, interval.sent, f"its interpretation says {flag} and its range says {by_range}"
        )
    return Classification(by_range, interval.sent)


def interval_of(
    result: Result, kind: str, demographics: Demographics, site: Sequence[SiteInterval] = ()
) -> Interval | None:
    """The interval that a result is compared with: its own, or the site's if it has no range; None if neither fits."""
    if not objects(result.element.get("referenceRange")):
        return _site_interval(site, demographics)
    interval = _interval(result.element, kind, demographics)
    return interval if isinstance(interval, Interval) else None


def _sent(interval: Interval | Refusal) -> str:
    return interval.sent if isinstance(interval, Interval) else ""


def _codes(element: Resource) -> set[str]:
    return {coding.code.upper() for coding in codings(items(element.get("interpretation")))}


def _flag(element: Resource) -> str | Refusal | None:
    """The class that the interpretation states; None if it states none."""
    codes = _codes(element)
    classes = {_FLAGS[code] for code in codes if code in _FLAGS}
    if len(classes) > 1 or (classes == {NORMAL} and codes & _ABNORMAL):
        return Refusal("its interpretations contradict each other")
    return next(iter(classes), None)


def _place(value: Decimal, comparator: str, interval: Interval) -> str | None:
    """Low, normal or high; None where the comparator leaves it open."""
    if comparator:
        return _place_beyond(value, comparator, interval)
    if interval.low is not None and value < interval.low:
        return LOW
    return HIGH if interval.high is not None and value > interval.high else NORMAL


def _place_beyond(value: Decimal, comparator: str, interval: Interval) -> str | None:
    if comparator.startswith("<"):
        if interval.low is not None and interval.low <= 0:  # no result lies below zero
            interval = msgspec.structs.replace(interval, low=None)
        below_low = interval.low is not None and (value < interval.low or (value == interval.low and comparator == "<"))
        below_high = interval.low is None and interval.high is not None and value <= interval.high
        return LOW if below_low else NORMAL if below_high else None
    above_high = interval.high is not None and (value > interval.high or (value == interval.high and comparator == ">"))
    above_low = interval.high is None and interval.low is not None and value >= interval.low
    return HIGH if above_high else NORMAL if above_low else None


def _interval(element: Resource, kind: str, demographics: Demographics) -> Interval | Refusal:
    """The range that fits the patient; refused if none fits, or if several fit and differ."""
    ranges = objects(element.get("referenceRange"))
    if not ranges:
        return Refusal("no reference range was sent with it")
    fitting = [reference_range for reference_range in ranges if _fits(reference_range, demographics)]
    if not fitting:
        return Refusal("none of its reference ranges is known to fit this patient")
    read = [_read_interval(reference_range, kind) for reference_range in fitting]
    refused = next((refusal for refusal in read if isinstance(refusal, Refusal)), None)
    intervals = [interval for interval in read if isinstance(interval, Interval)]
    if refused or len({(interval.low, interval.high) for interval in intervals}) > 1:
        return refused or Refusal("several reference ranges were sent with it and they differ")
    return intervals[0]


def _site_interval(site: Sequence[SiteInterval], demographics: Demographics) -> Interval | None:
    """The site's interval for this patient; None unless exactly one fits."""
    fitting = [interval for interval in site if interval.fits(demographics.years, demographics.sex)]
    if len(fitting) != 1:
        return None
    low, high = fitting[0].low, fitting[0].high
    return Interval(low, high, f"{format_number(low)}–{format_number(high)} µmol/L, this site's own interval")


def _fits(reference_range: Resource, demographics: Demographics) -> bool:
    range_type = _words_of(range_type_of(reference_range))
    if range_type and not range_type & {"normal", "n"}:
        return False
    return _fits_age(reference_range.get("age"), demographics) and all(
        _fits_group(group, demographics) for group in items(reference_range.get("appliesTo"))
    )


def _words_of(concept: Json) -> set[str]:
    """The codes and names of a concept in lower case."""
    return {coding.code.lower() for coding in codings(concept)} | {name.lower() for name in names(concept)}


def _fits_group(group: Json, demographics: Demographics) -> bool:
    """Sex alone can be checked: a range for any other group is not known to fit."""
    words = _words_of(group)
    if words & _MALE and not words & _FEMALE:
        return demographics.sex == "male"
    return bool(words & _FEMALE and not words & _MALE) and demographics.sex == "female"


def _fits_age(age_range: Json, demographics: Demographics) -> bool:
    """Ends in years are compared with completed years, ends in months with completed months; no other unit is known."""
    if age_range is None:
        return True
    ends = [(name, member(age_range, name)) for name in ("low", "high") if member(age_range, name) is not None]
    beyond = {name: _beyond(end, demographics) for name, end in ends}
    low, high = beyond.get("low", Decimal(0)), beyond.get("high", Decimal(0))
    return bool(ends) and low is not None and high is not None and low >= 0 >= high


def _beyond(end: Json, demographics: Demographics) -> Decimal | None:
    """How far the patient's age lies beyond an end of an age range; None if that is not known."""
    for kind, age in (("age in years", demographics.years), ("age in months", demographics.months)):
        measure = read_measure(kind, end)
        if isinstance(measure, Measure) and not measure.comparator:
            return None if age is None else age - measure.value
    return None


def _read_interval(reference_range: Resource, kind: str) -> Interval | Refusal:
    quantities = (reference_range.get("low"), reference_range.get("high"))
    ends = [None if quantity is None else read_measure(kind, quantity) for quantity in quantities]
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
    return Interval(low, high, _format_interval([end for end in ends if isinstance(end, Measure)], low is None))


def _format_interval(ends: list[Measure], is_upper: bool) -> str:
    """As it was sent: 10–120 µmol/L, or one end with its direction."""
    if len(ends) == 1:
        return f"{'up to' if is_upper else 'at least'} {ends[0].sent}"
    (low, unit), (high, other) = (end.sent.split() for end in ends)
    return f"{low}–{high} {unit}" if unit == other else f"{low} {unit} to {high} {other}"
