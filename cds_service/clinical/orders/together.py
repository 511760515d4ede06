"""The doses of all acetylcysteine by mouth added up: the drafts of the call, and what is active and not replaced."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.orders.dose import format_mg, read_dose
from cds_service.clinical.orders.drugs import index_medications_on_record, is_active_medication, medications_on_record
from cds_service.clinical.orders.indication import is_by_mouth, read_ordered
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import MAX_NAME
from cds_service.fhir.json import Resource, codings, relative_part, relative_reference
from cds_service.fhir.versions.elements import drugs_of, is_about, prior_references

_ONE = absent("one order, and no other acetylcysteine by mouth is active")


def read_dose_together(drafts: Iterable[Fact], active: Sequence[Order], chart: Chart, vocabulary: Vocabulary) -> Fact:
    """The sum of the doses per day of the drafts, as facts, and of the active orders beside them.

    Absent where there is nothing to add; unknown where one of several doses is not known.
    """
    doses = list(drafts)
    beside = [(order, read_dose(order, None, vocabulary)) for order in active if _is_by_mouth(order, chart, vocabulary)]
    if not doses or len(doses) + len(beside) < 2:
        return _ONE
    unread = [dose for dose in doses if not isinstance(dose.value, Decimal)]
    origins = tuple(origin for dose in doses for origin in dose.origins)
    origins += tuple(Origin(order.reference, "active") for order, _ in beside)
    if unread:
        why = "the dose of one of the orders is not known"
        return unknown(why, origins, why=why)
    amounts = [dose.per_day for _, dose in beside if isinstance(dose.per_day, Decimal)]
    if len(amounts) < len(beside):
        why = "the dose of acetylcysteine that is active already cannot be read"
        return unknown(why, origins, why=why)
    total = sum((dose.value for dose in doses if isinstance(dose.value, Decimal)), sum(amounts, Decimal(0)))
    words = [dose.words or f"{format_mg(amount)} per day" for amount, (_, dose) in zip(amounts, beside, strict=True)]
    return known(total, origins, amount=format_mg(total), active=_beside(words))


def _beside(words: Sequence[str]) -> str:
    """What is active beside the orders, for a sentence; empty if nothing is."""
    return f" with the active {' and '.join(words)}" if words else ""


def _is_by_mouth(order: Order, chart: Chart, vocabulary: Vocabulary) -> bool:
    return is_by_mouth(read_ordered(order, read_dose(order, None, vocabulary), chart, vocabulary))


def find_active_orders(
    drafts: Sequence[Order], ended: Iterable[Resource], chart: Chart, vocabulary: Vocabulary
) -> list[Order]:
    """Active acetylcysteine that no draft replaces: not the same order, none that it follows, not the same product.

    An order that the call has `ended` is not active either. A product that is active twice counts once.
    """
    resources = [*ended, *(order.resource for order in drafts)]
    replaced = {relative_reference(resource) for resource in resources}
    replaced |= {relative_part(reference) for resource in resources for reference in prior_references(resource)}
    products = [_product_of(order) for order in drafts]
    found: list[Order] = []
    for order in _active_acetylcysteine(chart, vocabulary):
        product = _product_of(order)
        if order.reference not in replaced and not any(product & other for other in products):
            found.append(order)
            products.append(product)
    return found


def _active_acetylcysteine(chart: Chart, vocabulary: Vocabulary) -> Iterator[Order]:
    medications = index_medications_on_record(chart)
    for resource in medications_on_record(chart):
        if is_active_medication(resource) and is_about(resource, chart.patient_id):
            order = read_order(resource, medications, vocabulary)
            if order is not None:
                yield order


def _product_of(order: Order) -> set[str]:
    """What tells that two orders are for the same product: a code that they share, or a name."""
    coded = {f"{coding.system}|{coding.code}" for drug in drugs_of(order.resource) for coding in codings(drug)}
    return coded | {name[:MAX_NAME].casefold() for name in order.names}
