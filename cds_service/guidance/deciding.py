"""From facts and cards to decisions: advise, stay silent, or cannot tell, each with its reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact, Facts, State, absent, known
from cds_service.guidance.conditions import Answer, Condition, When, all_of
from cds_service.guidance.model import Alternative, Card, Indicator, Phrase, SuggestionRow


class Outcome(Enum):
    """Three answers, never two."""

    ADVISE = "advise"
    SILENT = "stay silent"
    CANNOT_TELL = "cannot tell"


_OUTCOMES = {Answer.YES: Outcome.ADVISE, Answer.NO: Outcome.SILENT, Answer.UNKNOWN: Outcome.CANNOT_TELL}


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of a card's table, and what it said of the facts."""

    row: When
    answer: Answer


@dataclass(frozen=True)
class Decision:
    """What a card says to the facts of one order, and why."""

    card: Card
    outcome: Outcome
    facts: Facts

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Every row of the card, and what it said: looked at only where somebody asks why."""
        return tuple(Reason(row, row.check(self.facts)) for row in self.card.when)


def decide(facts: Facts, cards: Iterable[Card]) -> list[Decision]:
    """A decision for every card. Cards that come after the others see which screens those could not do."""
    cards = list(cards)
    first = [_decide(facts, card) for card in cards if not card.after_others]
    last = [card for card in cards if card.after_others]
    return first + [_decide({**facts, "screens_not_done": screens_not_done(facts, first, card)}, card) for card in last]


def _decide(facts: Facts, card: Card) -> Decision:
    return Decision(card, _OUTCOMES[all_of(row.check(facts) for row in card.when)], facts)


def screens_not_done(facts: Facts, decisions: Sequence[Decision], card: Card) -> Fact:
    """Each fact that kept a card from being told, with its reason; and those that the card always names."""
    undone = [condition.fact for decision in decisions for condition in undecided(decision)]
    use = facts["use"].value
    undone += [one.fact for one in card.screens if use in one.uses and facts[one.fact].state is State.UNKNOWN]
    if not undone:
        return absent("every screen was done")
    by_note: dict[str, list[str]] = {}
    for name in dict.fromkeys(undone):
        by_note.setdefault(facts[name].note, []).append(CATALOGUE[name].label)
    return known("some", list=tuple(f"{', '.join(labels)}: {note}" for note, labels in by_note.items()))


def undecided(decision: Decision) -> list[Condition]:
    """The conditions that left a card unable to tell; none if it could."""
    if decision.outcome is not Outcome.CANNOT_TELL:
        return []
    untold = [reason.row for reason in decision.reasons if reason.answer is Answer.UNKNOWN]
    return [one for row in untold for one in row.conditions() if one.check(decision.facts) is Answer.UNKNOWN]


def _all_hold(conditions: Iterable[Condition], facts: Facts) -> bool:
    return all(condition.check(facts) is Answer.YES for condition in conditions)


def indicator_of(card: Card, facts: Facts) -> Indicator:
    """The level of the first indicator row that holds; the last always does."""
    return next(row.level for row in card.indicator if _all_hold(row.when, facts))


def suggestions_of(card: Card, facts: Facts) -> list[SuggestionRow]:
    """The suggestions whose conditions all hold."""
    return [row for row in card.suggestion if _all_hold(row.when, facts)]


def wording_of(phrase: Phrase, facts: Facts) -> Alternative | None:
    """The first alternative that holds, None if there is none (a mistake that `check` finds)."""
    return next((one for one in phrase.says if _all_hold(one.when, facts)), None)
