"""Adds up what became of every call: how often each card fired, for whom, and when nothing was said."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from cds_service.replay.records import CallRecord, ShownCard

Value = TypeVar("Value")
MOST_EXAMPLES = 20
GAINED, LOST, CHANGED = "gained", "lost", "changed"


def _of_each_kind(value: Callable[[], Value]) -> Callable[[], dict[str, Value]]:
    return lambda: {kind: value() for kind in (GAINED, LOST, CHANGED)}


@dataclass
class Comparison:
    """What another content or site file would have said instead: how often, by card, and some calls to look at."""

    numbers: dict[str, Counter[str]] = field(default_factory=_of_each_kind(Counter))
    examples: dict[str, list[str]] = field(default_factory=_of_each_kind(list))
    same: int = 0

    def add(self, call: CallRecord) -> None:
        """Adds a call, if it was answered twice."""
        if call.other_cards is None:
            return
        differences = list(compare(call.cards, call.other_cards))
        self.same += not differences
        for kind, card_id in differences:
            self.numbers[kind][card_id] += 1
        for kind in dict(differences):
            self.examples[kind].append(call.key)
            self.examples[kind] = sorted(self.examples[kind])[:MOST_EXAMPLES]


def compare(cards: Iterable[ShownCard], others: Iterable[ShownCard]) -> Iterable[tuple[str, str]]:
    """Each card that the other answer gained, lost, or says in other words."""
    before, after = Counter(card.id for card in cards), Counter(card.id for card in others)
    yield from ((GAINED, card_id) for card_id in (after - before).elements())
    yield from ((LOST, card_id) for card_id in (before - after).elements())
    said = {card.id: card.digest for card in cards}
    said_after = {card.id: card.digest for card in others}
    yield from ((CHANGED, card) for card in said if card in said_after and said[card] != said_after[card])


@dataclass
class Sample:
    """Calls to be reviewed, some of each card and some without any: those with the smallest keys, thus by chance."""

    size: int
    keys: dict[str, list[str]] = field(default_factory=dict)

    def add(self, call: CallRecord) -> None:
        """Adds a call to each of its strata."""
        for stratum in {card.id for card in call.cards} or {"no card"}:
            kept = self.keys.setdefault(stratum, [])
            kept.append(call.key)
            if len(kept) > 2 * self.size:
                self.keys[stratum] = sorted(kept)[: self.size]

    def chosen(self) -> list[str]:
        """As many calls as were asked for: of each stratum in turn, each call once."""
        strata = [sorted(self.keys[name])[: self.size] for name in sorted(self.keys)]
        turns = [stratum[turn] for turn in range(self.size) for stratum in strata if turn < len(stratum)]
        return list(dict.fromkeys(turns))[: self.size]


@dataclass
class Tally:
    """Numbers over all calls."""

    calls: int = 0
    orders: int = 0
    orders_without_card: int = 0
    calls_without_card: int = 0
    cards: Counter[str] = field(default_factory=Counter)
    by_indicator: Counter[str] = field(default_factory=Counter)
    by_week: dict[str, Counter[str]] = field(default_factory=dict)
    by_use: dict[str, Counter[str]] = field(default_factory=dict)
    orders_by_week: Counter[str] = field(default_factory=Counter)
    orders_by_use: Counter[str] = field(default_factory=Counter)
    kept_silent: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    not_done: Counter[str] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    comparison: Comparison = field(default_factory=Comparison)

    def add(self, call: CallRecord) -> None:
        """Adds a call."""
        self.calls += 1
        self.orders += len(call.orders)
        self.orders_by_week[call.week] += len(call.orders)
        self.calls_without_card += not call.cards
        self.not_done.update(call.not_done)
        self.kept_silent.update(call.kept_silent)
        if call.cards:
            self.words[call.words] += 1
        self._add_cards(call)
        for order in call.orders:
            self.orders_by_use[order.use or "not answered"] += 1
            if order.silent:
                self.orders_without_card += 1
                self.silent[order.silent] += 1
        self.comparison.add(call)

    def _add_cards(self, call: CallRecord) -> None:
        """A card for several orders was shown once. Its use is that of the first order that it is about."""
        for card in call.cards:
            self.cards[card.id] += 1
            self.by_indicator[card.indicator] += 1
            self.by_week.setdefault(card.id, Counter())[call.week] += 1
            use = next((order.use for order in call.orders if card.id in order.cards), "")
            self.by_use.setdefault(card.id, Counter())[use] += 1

    def words_at(self, share: float) -> int:
        """The words that this share of the answers with a card does not exceed; 0 where there is none."""
        total, seen = sum(self.words.values()), 0
        for words in sorted(self.words):
            seen += self.words[words]
            if seen >= share * total:
                return words
        return 0
