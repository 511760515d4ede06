"""The acetylcysteine that a patient is taking as the chart is opened, and since when."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, known, unknown
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.orders.drugs import index_medications_on_record, may_be_active, medications_on_record
from cds_service.clinical.orders.duration import end_of, start_of
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.datetimes import Moment, format_day, format_short_day
from cds_service.fhir.json import Resource
from cds_service.fhir.versions.elements import is_about

DAYS_OF_A_WEEK = 7
UNCLEAR_STATUS = unknown("acetylcysteine is on record with a status that does not say whether it is active")
NO_START = unknown("an active acetylcysteine medication has no start date that can be read")


def read_treatments(chart: Chart, vocabulary: Vocabulary, now: datetime) -> DraftOrders:
    """The active acetylcysteine of this patient, in the place of the orders that a hook asks about.

    One that is over by its own dates is not active, whatever its status, nor is one that has not begun. One whose
    status does not say whether it is active is among them: it may be an antidote.
    """
    medications = index_medications_on_record(chart)
    orders = [
        order
        for resource in medications_on_record(chart)
        if may_be_active(resource)
        if (order := read_order(resource, medications, vocabulary)) is not None
        and is_about(resource, chart.patient_id)
        and _is_under_way(resource, now)
    ]
    resources = tuple(order.resource for order in orders)
    return DraftOrders(chart.patient_id, (), resources, (), tuple(orders), (), ())


def _is_under_way(resource: Resource, now: datetime) -> bool:
    end, start = end_of(resource), start_of(resource)
    return (end is None or end >= now.date()) and (start is None or not start.is_after(now))


def first_start(treatments: Iterable[Order]) -> Moment | None:
    """When the earliest of these treatments began; None where the start of one of them cannot be read."""
    starts = [start_of(order.resource) for order in treatments]
    readable = [start for start in starts if start is not None]
    return min(readable, key=lambda start: start.day) if readable and len(readable) == len(starts) else None


def read_treatment_days(treatments: Sequence[Order], began: Moment | None, now: datetime, earlier: Fact | None) -> Fact:
    """For how many days acetylcysteine has been taken; unknown where a start, or whether any is active, cannot be read.

    Where it may have begun earlier, it is that many days at the least; `earlier` says why.
    """
    if began is None:
        origins = tuple(Origin(order.reference, "active") for order in treatments)
        return msgspec.structs.replace(NO_START if treatments else UNCLEAR_STATUS, origins=origins)
    starts = [(order.reference, start) for order in treatments if (start := start_of(order.resource)) is not None]
    origins = tuple(Origin(reference, f"began {format_day(start.day)}") for reference, start in starts)
    days = began.days_before(now)
    since = {"since": format_day(began.day), "since_day": format_short_day(began.day)}
    fact = known(Decimal(days), origins, weeks=_in_weeks(days), **since)
    if earlier is None:
        return fact
    return msgspec.structs.replace(fact, comparator=">=", note=f"it may have begun earlier: {earlier.note}")


def _in_weeks(days: int) -> str:
    """The weeks in words, and the days beside them."""
    counted = zip(divmod(days, DAYS_OF_A_WEEK), ("week", "day"), strict=True)
    said = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in counted if number]
    return " and ".join(said) or "0 days"
