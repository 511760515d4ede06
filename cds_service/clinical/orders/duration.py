"""For how many days an order is to last: by the bounds of its timing, else its period, else the supply ordered."""

from decimal import Decimal

from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.orders.recognise import Order
from cds_service.fhir.datetimes import Moment, read_moment
from cds_service.fhir.json import Json, Resource, at, number
from cds_service.fhir.quantities import Measure, format_number, read_measure, round_significant
from cds_service.fhir.versions.elements import bounds_length_of, instructions_of, treatment_period

Days = Decimal | None  # None: a duration is stated that cannot be read


def read_duration(order: Order) -> Fact:
    """Days of treatment, of several instructions the longest; absent if open-ended."""
    bounds = [days for instruction in instructions_of(order.resource) for days in _bounds(instruction)]
    stated = bounds or _period(treatment_period(order.resource)) or _supply(order)
    origin = (Origin(order.reference, "duration"),)
    if not stated:
        return absent("open-ended", origin)
    durations = [days for days in stated if days is not None and days > 0]
    if len(durations) < len(stated):
        return unknown("its duration cannot be read", origin)
    return known(max(durations), origin, amount=_format_days(max(durations)))


def _bounds(instruction: Resource) -> list[Days]:
    """The days that one instruction states; empty if it states none."""
    repeat = at(instruction, "timing", "repeat")
    length = bounds_length_of(repeat)
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
    return measure.value if isinstance(measure, Measure) and not measure.comparator else None


def _days_between(start: Moment | None, end: Moment | None) -> Days:
    """Both days included."""
    if start is None or end is None or end.day < start.day:
        return None
    return Decimal((end.day - start.day).days + 1)


def _format_days(days: Decimal) -> str:
    return f"{format_number(round_significant(days, 3))} day{'' if days == 1 else 's'}"
