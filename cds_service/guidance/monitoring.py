"""Deciding about treatment that is under way, when a chart is opened."""

from collections.abc import Sequence

import msgspec

from cds_service.clinical.facts import KNOWN, UNKNOWN, Fact, Facts, absent, unknown
from cds_service.guidance.deciding import ADVISE, Decision, decide, undecided
from cds_service.guidance.model import Content

CONTRAINDICATED, CAUTION = "contraindicated", "caution"


def decide_treatment(facts: Facts, content: Content) -> list[Decision]:
    """A decision for every card about treatment.

    What parenteral glutamine comes to is for its own cards to say: they are decided first, as beside an order.
    """
    glutamine = [card for card in content.order_cards if card.family == "glutamine"]
    facts = {**facts, "new_glutamine_risk": glutamine_risk(facts, decide(facts, glutamine, content.phrases))}
    return decide(facts, content.treatment_cards, content.phrases)


def glutamine_risk(facts: Facts, decisions: Sequence[Decision]) -> Fact:
    """Whether parenteral glutamine is new, and what its cards make of it beside the kidney."""
    new = facts["new_glutamine"]
    advising = [decision for decision in decisions if decision.outcome is ADVISE]
    if new.state is KNOWN and advising:
        levels = {decision.indicator.level for decision in advising if decision.indicator}
        return msgspec.structs.replace(new, value=CONTRAINDICATED if "critical" in levels else CAUTION)
    untold = undecided(decisions)
    if new.state is not KNOWN or not untold:
        return new if new.state is UNKNOWN else absent("no new parenteral glutamine beside a kidney that limits it")
    return unknown(facts[untold[0]].note, new.origins)
