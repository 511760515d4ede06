"""From facts and cards to decisions: advise, stay silent, or cannot tell, each with its reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import UNKNOWN, Fact, Facts, absent, known
from cds_service.guidance.conditions import NO, YES, Answer, When, first_of
from cds_service.guidance.model import Alternative, Card, Indicator, Phrase, SuggestionRow


class Outcome(Enum):
    """Three answers, never two."""

    ADVISE = "advise"
    SILENT = "stay silent"
    CANNOT_TELL = "cannot tell"


ADVISE, SILENT, CANNOT_TELL = Outcome.ADVISE, Outcome.SILENT, Outcome.CANNOT_TELL


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of a card's table, and what it said of the facts."""

    row: When
    answer: Answer


class Decision(msgspec.Struct, frozen=True):
    """What a card says to the facts of one order, and why."""

    card: Card
    outcome: Outcome
    facts: Facts

    @property
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
    answer = card.check(facts)
    return Decision(card, SILENT if answer is NO else ADVISE if answer is YES else CANNOT_TELL, facts)


_ALL_DONE = absent("every screen was done")


def screens_not_done(facts: Facts, decisions: Sequence[Decision], card: Card) -> Fact:
    """Each fact that kept a card from being told, with its reason; and those that the card always names."""
    undone, use = undecided(decisions), facts["use"].value
    undone += [one.fact for one in card.screens if use in one.uses and facts[one.fact].state is UNKNOWN]
    if not undone:
        return _ALL_DONE
    by_note: dict[str, list[str]] = {}
    for name in dict.fromkeys(undone):
        by_note.setdefault(facts[name].note, []).append(CATALOGUE[name].label)
    return known("some", list=tuple(f"{', '.join(labels)}: {note}" for note, labels in by_note.items()))


def undecided(decisions: Iterable[Decision]) -> list[str]:
    """The facts that left a card unable to tell, for each condition that could not."""
    untold = [one for one in decisions if one.outcome is CANNOT_TELL]
    return [fact for one in untold for row in one.card.when for fact in _untold(row, one.facts)]


def _untold(row: When, facts: Facts) -> list[str]:
    if row.check(facts) is not Answer.UNKNOWN:
        return []
    return [one.fact for one in row.conditions() if one.check(facts) is Answer.UNKNOWN]


def indicator_of(card: Card, facts: Facts) -> Indicator:
    """The level of the first indicator row that holds; the last always does."""
    return next(row.level for row in card.indicator if row.check(facts) is YES)


def suggestions_of(card: Card, facts: Facts) -> list[SuggestionRow]:
    """The suggestions whose conditions all hold."""
    return [row for row in card.suggestion if row.check(facts) is YES]


def wording_of(phrase: Phrase, facts: Facts) -> Alternative | None:
    """The first alternative that holds, None if there is none (a mistake that `check` finds)."""
    return first_of(((one.check, one) for one in phrase.says), facts)
