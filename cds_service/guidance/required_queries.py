"""Which FHIR queries the facts behind the content need: what discovery asks clients to prefetch."""

from typing import Literal

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.fhir.queries import PATIENT, QUERIES, prefetch_template
from cds_service.guidance.model import Content

Extent = Literal["full", "patient", "none"]


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
    return {key: prefetch_template(QUERIES[key], content.vocabulary.code_lists) for key in keys}
