"""From the orders of a patient to the calls that would have been made: what was signed together, and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cds_service.clinical.orders.drugs import Medications
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.datetimes import end_of_day, read_moment
from cds_service.fhir.json import Resource, relative_part, text
from cds_service.fhir.systems import ATC, ATC_GERMAN, RXNORM, SNOMED, UNII
from cds_service.fhir.versions.elements import encounter_of, record_dates, with_status
from cds_service.hooks.requests import MAX_ORDERS
from cds_service.replay.counting import FOUND_BY, NOT_REBUILT, PASSED_OVER, Counts

ORDERED = frozenset(("active", "completed", "stopped", "on-hold", "cancelled", "ended"))
_KNOWN_STATUSES = frozenset(("draft", "entered-in-error", "unknown"))
_SYSTEMS = {RXNORM: "RxNorm", SNOMED: "SNOMED CT", ATC: "ATC", ATC_GERMAN: "ATC (German)", UNII: "UNII"}


@dataclass(frozen=True)
class Period:
    """The days from which orders are replayed, both included; None is an open end."""

    first: date | None = None
    last: date | None = None

    def holds(self, moment: datetime) -> bool:
        """True for a moment within the period."""
        day = moment.date()
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


EVERY_DAY = Period()


@dataclass(frozen=True)
class PastCall:
    """Orders that were signed together: as drafts, with those of other drugs beside them, at a moment.

    `written` are the resources as the export has them; the first `own` of them are for acetylcysteine.
    """

    moment: datetime
    drafts: tuple[Resource, ...]
    written: tuple[Resource, ...]
    own: int


def moment_of(order: Resource) -> datetime | None:
    """When an order was written, in UTC; of a day without a time its last second. None if no date can be read."""
    stated = next((moment for value in record_dates(order) if (moment := read_moment(value)) is not None), None)
    if stated is None:
        return None
    if stated.earliest == stated.latest:
        return stated.earliest.astimezone(UTC)
    return end_of_day(stated.day)


def calls_of(
    orders: Sequence[Resource],
    medications: Medications,
    vocabularies: Sequence[Vocabulary],
    period: Period,
    counts: Counts,
) -> list[PastCall]:
    """The calls of a patient, the earliest first. An order that counts in none of them is counted with the reason."""
    groups: dict[str, list[tuple[datetime, Resource]]] = {}
    ours: set[int] = set()
    for order in orders:
        recognised = [read_order(order, medications, vocabulary) for vocabulary in vocabularies]
        if not any(recognised):
            continue
        ours.add(id(order))
        moment = moment_of(order)
        reason = _why_passed_over(order, moment, period)
        if reason or moment is None:
            counts.add(PASSED_OVER, reason)
            continue
        if recognised[0] is not None:
            counts.add(FOUND_BY, _found_by(recognised[0]))
        groups.setdefault(_key(order, moment), []).append((moment, order))
    others = [order for order in orders if id(order) not in ours]
    calls = [_call(group, others, counts) for group in groups.values()]
    return sorted((call for call in calls if call is not None), key=lambda call: call.moment)


def _why_passed_over(order: Resource, moment: datetime | None, period: Period) -> str:
    status = text(order.get("status"))
    if status not in ORDERED:
        return f"an order whose status is {status if status in _KNOWN_STATUSES else 'none that is read'}"
    if order.get("doNotPerform") is True:
        return "an order that says that it is not to be performed"
    if moment is None:
        return "an order without the day on which it was written"
    return "" if period.holds(moment) else "an order outside the period asked for"


def _found_by(order: Order) -> str:
    """How an order was recognised: by a code of which system, or by its name."""
    if not order.products:
        return "name"
    return f"code of {_SYSTEMS.get(order.products[0].system, 'another system')}"


def _key(order: Resource, moment: datetime) -> str:
    """The encounter of an order; without one, the minute in which it was written."""
    return relative_part(encounter_of(order)) or _minute(moment)


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _call(group: Sequence[tuple[datetime, Resource]], others: Iterable[Resource], counts: Counts) -> PastCall | None:
    """The call of a group, at the moment of its last order, with the orders of other drugs of the same minutes."""
    moment = max(written for written, _ in group)
    if moment.date() != min(written for written, _ in group).date():
        counts.add(NOT_REBUILT, "encounters whose orders were written on several days, taken as one call")
    minutes = {_minute(written) for written, _ in group}
    written = [*(order for _, order in group), *(order for order in others if _is_beside(order, minutes))]
    if len(written) > MAX_ORDERS:
        counts.add(PASSED_OVER, f"an order in a call of more than {MAX_ORDERS} orders", len(group))
        return None
    return PastCall(moment, tuple(with_status(order, "draft") for order in written), tuple(written), len(group))


def _is_beside(order: Resource, minutes: Iterable[str]) -> bool:
    moment = moment_of(order)
    return moment is not None and text(order.get("status")) in ORDERED and _minute(moment) in minutes
