"""The facts of each acetylcysteine order of a call: its use, route, dose and duration, and the doses together."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Facts, OrderFacts, Origin, PatientFacts, absent, known, unknown
from cds_service.clinical.labs.weight import Weight, read_weight
from cds_service.clinical.orders.antidote import Ordered, Person
from cds_service.clinical.orders.changing import read_plain_instruction, read_stated_amounts, read_whole_units
from cds_service.clinical.orders.dose import format_mg, read_dose
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.orders.duration import read_duration
from cds_service.clinical.orders.indication import (
    ANTIDOTE,
    BY_MOUTH,
    read_neuropsychiatric_reason,
    read_ordered,
    read_route,
    read_use,
    share_antidote,
)
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.clinical.orders.together import find_active_orders, read_dose_together
from cds_service.clinical.patient import read_patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.json import relative_reference, text
from cds_service.fhir.quantities import Refusal
from cds_service.fhir.versions.elements import is_about


def read_order_facts(
    orders: DraftOrders, patient_facts: PatientFacts, chart: Chart, vocabulary: Vocabulary, now: datetime
) -> list[OrderFacts]:
    """The facts of each acetylcysteine order that the hook asks about, in their order.

    Orders that are drafted beside them count for what all orders of the call come to: an antidote, and the sum.
    """
    person = _person(patient_facts, chart, vocabulary, now)
    selected = orders.acetylcysteine_orders
    drafts = [*selected, *_background_orders(orders, vocabulary)]
    ordered = [_ordered(order, person.weight, chart, vocabulary) for order in drafts]
    uses = share_antidote([read_use(order, person, chart, vocabulary) for order in ordered])
    doses = [_dose_per_day(order) for order in ordered]
    by_mouth = [dose for dose, use in zip(doses, uses, strict=True) if use.value in BY_MOUTH]
    active = find_active_orders(drafts, orders.ended_orders, chart, vocabulary) if by_mouth else []
    together = read_dose_together(by_mouth, active, chart, vocabulary)
    facts = [
        _order_facts(order, use, dose, chart, vocabulary) for order, use, dose in zip(ordered, uses, doses, strict=True)
    ]
    of_all = {"dose_together": together, "one_order": _one_order(drafts)}
    return [OrderFacts({**of_order, **of_all}) for of_order in facts[: len(selected)]]


def is_antidote_drafted(
    orders: DraftOrders, patient_facts: PatientFacts, chart: Chart, vocabulary: Vocabulary, now: datetime
) -> bool:
    """True if an order of this patient that is drafted beside those that the hook asks about is an antidote."""
    person = _person(patient_facts, chart, vocabulary, now)
    drafts = (_ordered(order, person.weight, chart, vocabulary) for order in _background_orders(orders, vocabulary))
    return any(read_use(ordered, person, chart, vocabulary).value == ANTIDOTE for ordered in drafts)


def _person(patient_facts: PatientFacts, chart: Chart, vocabulary: Vocabulary, now: datetime) -> Person:
    """What an antidote's dose is told by; of an age that is not exact the youngest: in doubt, antidote."""
    patient = read_patient(chart, int(vocabulary.thresholds["oldest-age"]), now.date())
    youngest = patient.age_on(now.date())
    certain = patient.age_beside(int(vocabulary.thresholds["adult-age"]), now.date())
    on_record = read_weight(chart, vocabulary, certain, now)
    return Person(None if youngest is None else Decimal(youngest), on_record.weight, patient_facts["poisoning"])


def _background_orders(orders: DraftOrders, vocabulary: Vocabulary) -> Iterator[Order]:
    """The acetylcysteine orders of this patient that are drafted beside those that the hook asks about."""
    asked_about = {id(resource) for resource in orders.selected_orders}
    for resource in orders.draft_orders:
        if id(resource) not in asked_about and is_about(resource, orders.patient_id):
            order = read_order(resource, orders.medications, vocabulary)
            if order is not None:
                yield order


def _ordered(order: Order, weight: Weight | None, chart: Chart, vocabulary: Vocabulary) -> Ordered:
    dose = read_dose(order, weight.kg if weight and weight.recent else None, vocabulary)
    return read_ordered(order, dose, chart, vocabulary)


def _order_facts(ordered: Ordered, use: Fact, dose: Fact, chart: Chart, vocabulary: Vocabulary) -> Facts:
    return {
        "use": use,
        "route": read_route(ordered, vocabulary),
        "neuropsychiatric_reason": read_neuropsychiatric_reason(ordered, vocabulary),
        "signed": _signed(ordered.order, chart),
        "dose_per_day": dose,
        "single_dose": _single_dose(ordered),
        "dose_maximum": _dose_maximum(ordered),
        "duration": read_duration(ordered.order),
        "whole_units": read_whole_units(ordered.order, vocabulary),
        "instruction": read_plain_instruction(ordered.order, vocabulary),
        "stated_amounts": read_stated_amounts(ordered.order, vocabulary),
    }


def _one_order(drafts: Sequence[Order]) -> Fact:
    """Whether the call holds one order for acetylcysteine and no more."""
    return known("one") if len(drafts) == 1 else absent("several orders for acetylcysteine")


def _signed(order: Order, chart: Chart) -> Fact:
    """Whether the order is in force already: it is active or on hold, or stands among the active medications."""
    active = map(relative_reference, chart.get(queries.MEDICATIONS).resources)
    if text(order.resource.get("status")) in ("active", "on-hold") or order.reference in active:
        return known("signed", (Origin(order.reference, "status"),))
    return absent("it is a draft")


def _dose_per_day(ordered: Ordered) -> Fact:
    dose, origin = ordered.dose, (Origin(ordered.order.reference, "dosageInstruction"),)
    if dose.per_day is None:
        return absent("the order states no dose yet", origin)
    if isinstance(dose.per_day, Refusal):
        return unknown(dose.per_day.reason, origin, why=dose.per_day.reason)
    return known(dose.per_day, origin, amount=format_mg(dose.per_day))


def _single_dose(ordered: Ordered) -> Fact:
    single, origin = ordered.dose.single, (Origin(ordered.order.reference, "dosageInstruction"),)
    return absent("no single dose is known") if single is None else known(single, origin)


def _dose_maximum(ordered: Ordered) -> Fact:
    """A stated maximum that is less than the scheduled dose."""
    ceiling, origin = ordered.dose.ceiling, (Origin(ordered.order.reference, "maxDosePerPeriod"),)
    return known("less", origin, words=ceiling) if ceiling else absent("no stated maximum is less than the dose")
