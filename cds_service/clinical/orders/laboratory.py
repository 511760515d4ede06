"""Laboratory orders of the call: whether plasma amino acids are ordered already."""

from collections.abc import Iterable

from cds_service.clinical.chart import Arrival, Chart
from cds_service.clinical.facts import Fact, Origin, absent, known, unknown
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.json import Json, Resource, codings, names, relative_reference
from cds_service.fhir.versions.elements import is_about, is_laboratory_order, specimens_of, what_is_ordered


def read_amino_acids_ordered(orders: DraftOrders, vocabulary: Vocabulary) -> Fact:
    """Whether a draft of the call orders plasma amino acids for this patient, by a code or by name."""
    ordered = _find_ordered(orders.laboratory_orders, orders.patient_id, vocabulary)
    return ordered or absent("no draft order for amino acids")


def read_amino_acids_pending(chart: Chart, vocabulary: Vocabulary) -> Fact:
    """Whether a laboratory order on record, still to be done, is for plasma amino acids; unknown where none came."""
    data = chart.get(queries.LABORATORY_ORDERS)
    pending = _find_ordered(filter(is_laboratory_order, data.resources), chart.patient_id, vocabulary)
    if pending is None and data.arrival is Arrival.NOT_SENT:
        return unknown("list of laboratory orders not sent")
    return pending or chart.gap(queries.LABORATORY_ORDERS) or absent("no laboratory order for amino acids on record")


def _find_ordered(orders: Iterable[Resource], patient_id: str, vocabulary: Vocabulary) -> Fact | None:
    for order in orders:
        if is_about(order, patient_id) and _is_plasma_amino_acids(order, vocabulary):
            return known("present", (Origin(relative_reference(order), "amino acids"),))
    return None


def _is_plasma_amino_acids(order: Resource, vocabulary: Vocabulary) -> bool:
    """By a code of the result or the panel, or by name with a word for blood; never of another specimen."""
    ordered, specimens = what_is_ordered(order), specimens_of(order)
    others, codes = vocabulary.name_lists["other-specimens"], vocabulary.code_lists["other-specimen-codes"]
    if any(others.included_in(concept) or codes.included_in(concept) for concept in (*ordered, *specimens)):
        return False
    is_blood = any(vocabulary.name_lists["blood-words"].included_in(specimen) for specimen in specimens)
    return any(_is_amino_acids(concept, is_blood, vocabulary) for concept in ordered)


def _is_amino_acids(concept: Json, is_blood: bool, vocabulary: Vocabulary) -> bool:
    lists = (vocabulary.code_lists[name] for name in ("amino-acid-panels", "glutamate"))
    if any(listed.included_in(concept) for listed in lists):
        return True
    if any(coding in vocabulary.order_codes for coding in codings(concept)):
        return True
    words, blood = vocabulary.name_lists["amino-acid-order-words"], vocabulary.name_lists["blood-words"]
    return any(words.find(name) and (is_blood or blood.find(name)) for name in names(concept))
