"""Which FHIR queries the facts behind the content need: what discovery asks clients to prefetch."""

from typing import Literal

from cds_service.clinical.catalogue import with_grounds
from cds_service.fhir.queries import MEDICATIONS, PATIENT, QUERIES, STATEMENTS, prefetch_template
from cds_service.guidance.model import PATIENT_VIEW, Content

Extent = Literal["full", "patient", "none"]


def needed_queries(content: Content, hook: str) -> list[str]:
    """The keys of the queries behind every fact that a card at this hook or its phrases use, in catalogue order."""
    cards = content.cards_at(hook)
    phrases = {hole for card in cards for hole in card.text.holes} & content.phrases.keys()
    facts = {condition.fact for card in cards for condition in (*card.conditions(), *card.other_conditions())}
    facts |= {condition.fact for name in phrases for condition in content.phrases[name].conditions()}
    facts |= {screen.fact for card in cards for screen in card.screens}
    keys = {key for fact in with_grounds(facts) for key in fact.queries}
    return [key for key in QUERIES if key in keys]


def prefetch_templates(content: Content, hook: str, extent: Extent = "full") -> dict[str, str]:
    """Prefetch key -> FHIR query, for the queries that are needed; fewer where an EHR is to be spared work.

    As a chart is opened, that is the lists of medications, since they say whether anything else is needed.
    """
    if extent == "none":
        return {}
    least = [MEDICATIONS, STATEMENTS] if hook == PATIENT_VIEW else [PATIENT]
    keys = needed_queries(content, hook) if extent == "full" else least
    return {key: prefetch_template(QUERIES[key], content.vocabulary.code_lists) for key in keys}
