"""What services there are, with the prefetch that the facts behind the cards need."""

from collections.abc import Mapping
from typing import Literal

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.queries import PATIENT, QUERIES, template
from cds_service.guidance.model import Content
from cds_service.hooks.responses import Discovery, Service

Extent = Literal["full", "patient", "none"]

SERVICES: Mapping[str, str] = {  # id -> hook; an id for each hook, since some clients keep one service per id
    "acetylcysteine-medication-prescribe": "medication-prescribe",
    "acetylcysteine-order-select": "order-select",
    "acetylcysteine-order-sign": "order-sign",
}
_WHEN = {
    "medication-prescribe": "when a prescription is written",
    "order-select": "when an order is selected",
    "order-sign": "when orders are signed",
}
_USAGE = (
    "Speaks only about acetylcysteine orders and answers every other order with no cards. What is not prefetched is "
    "asked for at the FHIR server; without both, its screens cannot be done, and a card names each one. A drug that "
    "an order names only by reference is recognised if its Medication is contained, in the same Bundle, in the "
    "prefetch or on the FHIR server."
)


def needed_queries(content: Content) -> list[str]:
    """The keys of the queries behind every fact that a card or a phrase uses, in catalogue order."""
    facts = {condition.fact for card in content.cards for condition in card.conditions()}
    facts |= {condition.fact for card in content.cards for condition in card.other_conditions()}
    facts |= {screen.fact for card in content.cards for screen in card.screens}
    facts |= {condition.fact for phrase in content.phrases.values() for condition in phrase.conditions()}
    keys = {key for fact in facts for key in CATALOGUE[fact].queries}
    return [key for key in QUERIES if key in keys]


def prefetch_templates(content: Content, extent: Extent = "full") -> dict[str, str]:
    """Prefetch key -> FHIR query, for the queries that are needed; fewer where an EHR is to be spared work."""
    if extent == "none":
        return {}
    keys = needed_queries(content) if extent == "full" else [PATIENT]
    return {key: template(QUERIES[key], content.vocabulary.code_lists) for key in keys}


def discover(content: Content, extent: Extent = "full") -> Discovery:
    """The discovery answer: one service for each hook."""
    prefetch = prefetch_templates(content, extent) or None
    return Discovery(
        services=tuple(
            Service(
                hook=hook,
                id=identity,
                title=f"Acetylcysteine guidance ({hook})",
                description=f"Guidance {_WHEN[hook]} for acetylcysteine (NAC): allergy and bronchospasm screens, dose "
                "against the doses studied, plasma glutamate and cystine, monitoring, and the evidence. "
                f"Content {content.about.version}, {content.about.status}.",
                usageRequirements=_USAGE,
                prefetch=prefetch,
            )
            for identity, hook in SERVICES.items()
        )
    )
