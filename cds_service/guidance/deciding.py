"""From facts and cards to decisions: advise, stay silent, or cannot tell, each with its reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import UNKNOWN, Fact, Facts, absent, known
from cds_service.clinical.orders.recognise import Order
from cds_service.guidance.conditions import NO, YES, Truth, When, first_of
from cds_service.guidance.model import Card, IndicatorRow, Phrase, SuggestionRow, Wording


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
    truth: Truth


class Decision(msgspec.Struct, frozen=True):
    """What a card says to the facts of one order, and why.

    One that advises has an indicator, the suggestions whose conditions hold, and for each phrase of the card the
    wording that fits.
    """

    card: Card
    outcome: Outcome
    facts: Facts
    indicator: IndicatorRow | None = None
    suggestions: tuple[SuggestionRow, ...] = ()
    wordings: Mapping[str, str] = {}

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every row of the card, and what it said: worked out only where somebody asks why."""
        return tuple(Reason(row, row.check(self.facts)) for row in self.card.when)


class OrderDecision(msgspec.Struct, frozen=True):
    """A decision, with the order that it is about."""

    order: Order
    decision: Decision


class OrderSuggestion(msgspec.Struct, frozen=True):
    """A suggestion, with the order that it would change and the facts of that order."""

    order: Order
    row: SuggestionRow
    facts: Facts


class Advice(msgspec.Struct, frozen=True):
    """One card to be shown: the decisions that it speaks for, one for each order, and the suggestions it offers."""

    card: Card
    decisions: tuple[OrderDecision, ...]
    indicator: IndicatorRow
    suggestions: tuple[OrderSuggestion, ...]


def decide(facts: Facts, cards: Iterable[Card], phrases: Mapping[str, Phrase]) -> list[Decision]:
    """A decision for every card. Cards that come after the others see which screens those could not do."""
    cards = list(cards)
    first = [_decide(facts, card, phrases) for card in cards if not card.after_others]
    last = [card for card in cards if card.after_others]
    return first + [
        _decide({**facts, "screens_not_done": screens_not_done(facts, first, card)}, card, phrases) for card in last
    ]


def _decide(facts: Facts, card: Card, phrases: Mapping[str, Phrase]) -> Decision:
    truth = card.check(facts)
    if truth is not YES:
        return Decision(card, SILENT if truth is NO else CANNOT_TELL, facts)
    return Decision(
        card, ADVISE, facts, indicator_of(card, facts), suggestions_of(card, facts), wordings_of(card, facts, phrases)
    )


def group_advice(decisions: Iterable[OrderDecision]) -> list[Advice]:
    """The decisions that advise, grouped into cards: one for each order, or one for the patient."""
    groups: dict[tuple[str, int], list[OrderDecision]] = {}
    for index, decided in enumerate(decisions):
        if decided.decision.outcome is ADVISE:
            card = decided.decision.card
            groups.setdefault((card.id, -1 if card.scope == "patient" else index), []).append(decided)
    return [_advice(group) for group in groups.values()]


def _advice(group: Sequence[OrderDecision]) -> Advice:
    """One laboratory order is enough for several orders; a dose set on each of them would add up."""
    suggestions = []
    for index, decided in enumerate(group):
        for row in decided.decision.suggestions:
            once_for_all = row.does == "order-amino-acids"
            if not (once_for_all and index > 0) and not (row.does == "set-dose" and len(group) > 1):
                suggestions.append(OrderSuggestion(decided.order, row, decided.decision.facts))
    first = group[0].decision
    return Advice(first.card, tuple(group), first.indicator or first.card.indicator[-1], tuple(suggestions))


MAX_NAMES = 95  # characters of the summary that are left for the names of screens
_ALL_DONE = absent("every screen was done")
_DOSES = {"dose_per_day", "dose_together"}


def screens_not_done(facts: Facts, decisions: Sequence[Decision], card: Card) -> Fact:
    """Each fact that kept a card from being told, with its reason; and those that the card always names.

    A dose that cannot be read is told with the dosing, and is alone no reason for the card.
    """
    undone, use = undecided(decisions), facts["use"].value
    families = {decision.card.family for decision in decisions if decision.outcome is ADVISE} - {None}
    undone += [
        screen.fact
        for screen in card.screens
        if use in screen.uses and facts[screen.fact].state is UNKNOWN and screen.unless_family not in families
    ]
    if set(undone) <= _DOSES:
        return _ALL_DONE
    by_note: dict[str, list[str]] = {}
    for name in dict.fromkeys(undone):
        by_note.setdefault(facts[name].note, []).append(CATALOGUE[name].label)
    return known(
        "some",
        names=_shortened([label for labels in by_note.values() for label in labels]),
        list=tuple(f"{', '.join(labels)}: {note}" for note, labels in by_note.items()),
    )


def _shortened(labels: Sequence[str]) -> str:
    """As many labels as a summary has room for, and how many there are beside them."""
    kept = list(labels)
    while len(", ".join(kept)) > MAX_NAMES and len(kept) > 1:
        kept.pop()
    more = len(labels) - len(kept)
    return ", ".join(kept) + (f" and {more} more" if more else "")


def undecided(decisions: Iterable[Decision]) -> list[str]:
    """The facts that left a card unable to tell, for each condition that could not."""
    untold = [decision for decision in decisions if decision.outcome is CANNOT_TELL]
    return [fact for decision in untold for row in decision.card.when for fact in _untold(row, decision.facts)]


def _untold(row: When, facts: Facts) -> list[str]:
    if row.check(facts) is not Truth.UNKNOWN:
        return []
    return [condition.fact for condition in row.conditions() if condition.check(facts) is Truth.UNKNOWN]


def indicator_of(card: Card, facts: Facts) -> IndicatorRow:
    """The first indicator row that holds; the last always does."""
    return next(row for row in card.indicator if row.check(facts) is YES)


def suggestions_of(card: Card, facts: Facts) -> tuple[SuggestionRow, ...]:
    """The suggestions whose conditions all hold."""
    return tuple(row for row in card.suggestion if row.check(facts) is YES)


def wordings_of(card: Card, facts: Facts, phrases: Mapping[str, Phrase]) -> dict[str, str]:
    """For each phrase of the card's texts the first wording that holds. `check` proves that there always is one."""
    return {name: write_wording(phrases[name], facts) for name in card.text.holes if name in phrases}


def write_wording(phrase: Phrase, facts: Facts) -> str:
    """The first wording that holds, or the list of the items that hold. Raises `LookupError` where none does."""
    if phrase.items:
        items = [item.text for item in phrase.items if item.check(facts) is YES]
        return f"{phrase.lead}{', '.join(items)}." if items else ""
    wording = wording_of(phrase, facts)
    if wording is None:
        raise LookupError(f"the phrase {phrase.id} has no wording for these facts")
    return wording.text


def wording_of(phrase: Phrase, facts: Facts) -> Wording | None:
    """The first alternative that holds, None if there is none (a mistake that `check` finds)."""
    return first_of(((wording.check, wording) for wording in phrase.says), facts)
