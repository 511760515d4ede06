"""Which of the orders are for acetylcysteine: by a code of the product list, else by name as a whole word."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import READ_SYSTEMS, Row
from cds_service.fhir.json import (
    Concept,
    Json,
    Resource,
    member,
    name_in,
    names,
    objects,
    read_concept,
    resource_name,
    shortened,
    text,
)
from cds_service.fhir.versions import R4, drug_pointers, drugs_of, ingredients_of, kind_of

Medications = Mapping[str, Resource]  # `Medication/id` and full URLs -> the resource


@dataclass(frozen=True)
class Order:
    """An order for acetylcysteine: the resource as it came, the product rows it was found by, its names.

    `fhir_version` is the version that it is written in, known once everything of the call is gathered.
    """

    resource: Resource
    products: tuple[Row, ...]
    names: tuple[str, ...]
    fhir_version: str = R4

    @property
    def reference(self) -> str:
        """`Type/id`, as a suggestion must name it."""
        return resource_name(self.resource)

    @property
    def name(self) -> str:
        """What the clinician sees in the order list: the first text or display; plain if there is none."""
        return shortened(next(iter(self.names), "acetylcysteine"))


def index_medications(entries: Iterable[Json]) -> dict[str, Resource]:
    """Every Medication among Bundle entries, by `Medication/id` and by its full URL."""
    found: dict[str, Resource] = {}
    for entry in entries:
        resource = member(entry, "resource")
        if member(resource, "resourceType") == "Medication":
            found[f"Medication/{text(resource.get('id'))}"] = resource
            found[text(entry.get("fullUrl"))] = resource
    found.pop("", None)
    return found


def drug_concepts(order: Resource, medications: Medications) -> list[Json]:
    """Each concept that may name the drug of an order or a medication entry."""
    concepts = drugs_of(order)
    for resource in _medications_behind(order, medications):
        concepts += [resource.get("code"), *ingredients_of(resource)]
    return concepts


def _medications_behind(order: Resource, medications: Medications) -> list[Resource]:
    pointers = drug_pointers(order)
    if not pointers:
        return []
    contained = {f"#{text(one.get('id'))}": one for one in objects(order.get("contained"))}
    found = []
    for pointer in pointers:
        resource = contained.get(pointer) or medications.get(pointer) or medications.get(name_in(pointer))
        if resource is not None:
            found.append(resource)
    return found


def has_unread_drug(order: Resource, medications: Medications) -> bool:
    """True for an order whose drug stands behind a reference that nothing at hand resolves."""
    return bool(drug_pointers(order)) and not _medications_behind(order, medications)


def is_nameless(resource: Resource, medications: Medications) -> bool:
    """True where nothing names the drug, and it stands behind such a reference or has only codes of systems that are
    not read: it may be anything."""
    return says_nothing(resource, list(map(read_concept, drug_concepts(resource, medications))), medications)


def says_nothing(resource: Resource, concepts: Iterable[Concept], medications: Medications) -> bool:
    """The same, where the concepts of the drug are read already."""
    if any(one.names for one in concepts):
        return False
    systems = {coding.system for one in concepts for coding in one.codings}
    return has_unread_drug(resource, medications) or bool(systems and not systems & READ_SYSTEMS)


def is_order(resource: Json) -> TypeGuard[Resource]:
    """True for a medication order that asks for the drug to be given."""
    if text(member(resource, "status")) in ("cancelled", "entered-in-error"):
        return False
    return kind_of(resource) == "MedicationRequest" and member(resource, "doNotPerform") is not True


def read_order(order: Resource, medications: Medications, vocabulary: Vocabulary) -> Order | None:
    """The order if it is for acetylcysteine, None if it is for anything else or for no drug at all."""
    concepts = drug_concepts(order, medications)
    products, named = recognise(concepts, vocabulary)
    if not products and not named:
        return None
    return Order(order, products, tuple(dict.fromkeys(name for concept in concepts for name in names(concept))))


def recognise(concepts: list[Json], vocabulary: Vocabulary) -> tuple[tuple[Row, ...], bool]:
    """The included acetylcysteine rows among the concepts' codes, and whether a name says acetylcysteine."""
    products, listed = vocabulary.code_lists["acetylcysteine"], vocabulary.name_lists["acetylcysteine-names"]
    rows = [row for concept in concepts for row in products.rows_in(concept) if row.included]
    return tuple(rows), not rows and any(map(listed.included_in, concepts))
