"""Recognises orders for acetylcysteine: by a code of the product list, else by a name as a whole word."""

from dataclasses import dataclass

from cds_service.clinical.orders.drugs import Medications, drug_concepts
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import CodeRow
from cds_service.fhir.json import Json, Resource, names, relative_reference, shorten
from cds_service.fhir.versions import R4


@dataclass(frozen=True)
class Order:
    """An order for acetylcysteine: the resource as it was sent, the product rows that its codes match, its names.

    `fhir_version` is the version that it is written in, which is known once all data of the call are gathered.
    """

    resource: Resource
    products: tuple[CodeRow, ...]
    names: tuple[str, ...]
    fhir_version: str = R4

    @property
    def reference(self) -> str:
        """`Type/id`, as a suggestion must name it."""
        return relative_reference(self.resource)

    @property
    def name(self) -> str:
        """What the clinician sees in the order list: the first text or display of the drug."""
        return shorten(next(iter(self.names), "acetylcysteine"))


def read_order(order: Resource, medications: Medications, vocabulary: Vocabulary) -> Order | None:
    """The order if it is for acetylcysteine, None for any other."""
    concepts = drug_concepts(order, medications)
    products, named = recognise(concepts, vocabulary)
    if not products and not named:
        return None
    return Order(order, products, tuple(dict.fromkeys(name for concept in concepts for name in names(concept))))


def recognise(concepts: list[Json], vocabulary: Vocabulary) -> tuple[tuple[CodeRow, ...], bool]:
    """The acetylcysteine rows that match codes of the concepts, and, where none does, whether a name matches."""
    products, product_names = vocabulary.code_lists["acetylcysteine"], vocabulary.name_lists["acetylcysteine-names"]
    rows = [row for concept in concepts for row in products.rows_in(concept) if row.included]
    return tuple(rows), not rows and any(map(product_names.included_in, concepts))
