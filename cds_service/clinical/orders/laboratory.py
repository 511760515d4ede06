"""Laboratory orders of the call: whether plasma amino acids are ordered already."""

from cds_service.clinical.facts import Fact, Origin, absent, known
from cds_service.clinical.orders.drafts import DraftOrders
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Json, relative_reference
from cds_service.fhir.versions.elements import what_is_ordered


def read_amino_acids_ordered(orders: DraftOrders, vocabulary: Vocabulary) -> Fact:
    """Whether a draft of the call orders plasma amino acids, by a code of the result or the panel, or by name."""
    for order in orders.laboratory_orders:
        if any(_is_amino_acids(concept, vocabulary) for concept in what_is_ordered(order)):
            return known("present", (Origin(relative_reference(order), "amino acids"),))
    return absent("no draft order for amino acids")


def _is_amino_acids(concept: Json, vocabulary: Vocabulary) -> bool:
    lists = (vocabulary.code_lists[name] for name in ("amino-acid-panels", "glutamate"))
    by_code = any(listed.included_in(concept) for listed in lists)
    return by_code or vocabulary.name_lists["amino-acid-order-words"].included_in(concept) is not None
