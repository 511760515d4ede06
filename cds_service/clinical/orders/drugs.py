"""What all medication orders have in common: whether they count, and what names their drug."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeGuard

from cds_service.clinical.chart import Chart
from cds_service.fhir import queries
from cds_service.fhir.code_shapes import SUPPORTED_SYSTEMS
from cds_service.fhir.json import Concept, Json, Resource, member, objects, read_concept, relative_part, text
from cds_service.fhir.versions.elements import (
    drug_references,
    drugs_of,
    ingredients_of,
    is_not_taken,
    resource_type,
)

OVER = (
    "stopped",
    "cancelled",
    "completed",
    "ended",
    "entered-in-error",
)  # statuses of an order that is not to be given
MEDICATION_LISTS = (queries.MEDICATIONS, queries.STATEMENTS)
Medications = Mapping[str, Resource]  # `Medication/id` or fullUrl -> the resource


def is_medication_order(resource: Json) -> TypeGuard[Resource]:
    """True for an order to give a drug, neither cancelled nor entered in error."""
    if text(member(resource, "status")) in OVER:
        return False
    return resource_type(resource) == "MedicationRequest" and member(resource, "doNotPerform") is not True


def is_ended_order(resource: Json) -> TypeGuard[Resource]:
    """True for an order that is stopped, cancelled, over or entered in error."""
    return text(member(resource, "status")) in OVER and resource_type(resource) == "MedicationRequest"


_NOT_ACTIVE = frozenset(
    ("on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "ended", "intended", "not-taken")
)


def may_be_active(resource: Resource) -> bool:
    """False for an order or a statement of a medication that, as it says, is not being taken.

    A status that is missing or not recognised does not say so.
    """
    if text(resource.get("status")) in _NOT_ACTIVE or resource.get("doNotPerform") is True:
        return False
    return not is_not_taken(resource)


def is_active_medication(resource: Resource) -> bool:
    """True for an order or a statement of a medication that is being taken; statements of R5 are only *recorded*."""
    is_stated = text(resource.get("status")) in ("active", "recorded") and resource.get("doNotPerform") is not True
    return is_stated and not is_not_taken(resource)


def index_medications(entries: Iterable[Json]) -> dict[str, Resource]:
    """Every Medication among Bundle entries, by `Medication/id` and by its fullUrl."""
    medications: dict[str, Resource] = {}
    for entry in entries:
        resource = member(entry, "resource")
        if isinstance(resource, dict) and resource.get("resourceType") == "Medication":
            medications[f"Medication/{text(resource.get('id'))}"] = resource
            medications[text(entry.get("fullUrl"))] = resource
    medications.pop("", None)
    return medications


def medications_on_record(chart: Chart) -> Iterator[Resource]:
    """The orders and statements of both lists, without the Medications that came with them."""
    for key in MEDICATION_LISTS:
        yield from (resource for resource in chart.get(key).resources if resource_type(resource) != "Medication")


def index_medications_on_record(chart: Chart) -> dict[str, Resource]:
    """Every Medication that was sent with either list."""
    resources = (resource for key in MEDICATION_LISTS for resource in chart.get(key).resources)
    return index_medications(
        {"resource": resource} for resource in resources if resource.get("resourceType") == "Medication"
    )


def drug_concepts(order: Resource, medications: Medications) -> list[Json]:
    """Each concept that may name the drug of an order: its own, and those of the Medications that it references."""
    concepts = drugs_of(order)
    for medication in referenced_medications(order, medications):
        concepts += [medication.get("code"), *ingredients_of(medication)]
    return concepts


def referenced_medications(order: Resource, medications: Medications) -> list[Resource]:
    """The Medications that an order references, each once, as far as they are at hand."""
    references = drug_references(order)
    if not references:
        return []
    contained = {f"#{text(resource.get('id'))}": resource for resource in objects(order.get("contained"))}
    referenced: dict[int, Resource] = {}
    for reference in references:
        medication = contained.get(reference) or medications.get(reference) or medications.get(relative_part(reference))
        if medication is not None:
            referenced[id(medication)] = medication
    return list(referenced.values())


def drug_of(resource: Resource, medications: Medications) -> Concept:
    """Everything that may name the drug, as one concept."""
    concepts = list(map(read_concept, drug_concepts(resource, medications)))
    codings = [coding for concept in concepts for coding in concept.codings]
    return Concept(codings, [name for concept in concepts for name in concept.names])


def has_unresolved_drug(order: Resource, medications: Medications) -> bool:
    """True for an order that references Medications, none of which is there."""
    return bool(drug_references(order)) and not referenced_medications(order, medications)


def has_unknown_drug(order: Resource, medications: Medications) -> bool:
    """True if the drug may be any: nothing names it, and its reference does not resolve or no code is of a supported
    system."""
    concepts = list(map(read_concept, drug_concepts(order, medications)))
    if any(concept.names for concept in concepts):
        return False
    systems = {coding.system for concept in concepts for coding in concept.codings}
    return has_unresolved_drug(order, medications) or bool(systems and not systems & SUPPORTED_SYSTEMS)
