"""Counts the words above the fold: for every card the most that any combination of facts can make.

The fold of a card is a row of phrases. Phrases that share a fact are counted together, in every combination of those
facts; those that share none are independent of each other, so that the most words of each may be added.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact
from cds_service.content.partitions import Partitions, is_possible
from cds_service.guidance.conditions import Condition, Truth
from cds_service.guidance.deciding import wording_of, write_wording
from cds_service.guidance.model import Card, Content, Phrase
from cds_service.guidance.templates import parse_template


def count_words(text: str) -> int:
    """The words of a text: what stands between blanks and holds a letter or a digit."""
    return sum(any(character.isalnum() for character in word) for word in text.split())


def most_words(card: Card, content: Content, partitions: Partitions) -> int:
    """The most words that the fold of a card can have, over every combination of facts in which the card speaks."""
    template = parse_template(card.text.fold)
    phrases = [content.phrases[hole] for hole in template.holes if hole in content.phrases]
    of_facts = sum(_words_of(hole) for hole in template.holes if hole not in content.phrases)
    groups = _sharing_facts(phrases)
    return count_words(" ".join(template.words)) + of_facts + sum(_most(card, group, partitions) for group in groups)


def _words_of(hole: str) -> int:
    """The most words that a text of a fact has above the fold."""
    fact, _, text = hole.partition(".")
    return CATALOGUE[fact].most_words(text) if fact in CATALOGUE else 1


def _sharing_facts(phrases: Iterable[Phrase]) -> list[list[Phrase]]:
    """The phrases in groups; no fact is asked about in two of them."""
    groups: list[list[Phrase]] = []
    for phrase in phrases:
        facts = _facts_of([phrase])
        linked = [group for group in groups if facts & _facts_of(group)]
        groups = [group for group in groups if group not in linked]
        groups.append([*(member for group in linked for member in group), phrase])
    return groups


def _facts_of(phrases: Iterable[Phrase]) -> set[str]:
    return {condition.fact for phrase in phrases for condition in phrase.conditions()}


def _most(card: Card, phrases: Sequence[Phrase], partitions: Partitions) -> int:
    counts = [_counter(phrase) for phrase in phrases]
    combinations = _combinations(card, phrases, partitions)
    return max((sum(count(facts) for count in counts) for facts in combinations), default=0)


def _counter(phrase: Phrase) -> Callable[[Mapping[str, Fact]], int]:
    """Counts the words of a phrase: once for each combination of its own facts, which recurs with those of others."""
    names = sorted(_facts_of([phrase]))
    counted: dict[tuple[int, ...], int] = {}

    def count(facts: Mapping[str, Fact]) -> int:
        own = tuple(id(facts[name]) for name in names)  # the combinations are made of the same few objects
        if own not in counted:
            counted[own] = _count(phrase, facts)
        return counted[own]

    return count


def _count(phrase: Phrase, facts: Mapping[str, Fact]) -> int:
    if not phrase.items and not wording_of(phrase, facts):
        return 0  # a mistake, which is named elsewhere
    template = parse_template(write_wording(phrase, facts))
    return count_words(" ".join(template.words)) + sum(_words_of(hole) for hole in template.holes)


def _combinations(card: Card, phrases: Sequence[Phrase], partitions: Partitions) -> Iterator[dict[str, Fact]]:
    """Every combination of what the phrases can tell apart, in so far as the card speaks."""
    conditions = [condition for phrase in phrases for condition in phrase.conditions()]
    names = list(dict.fromkeys(condition.fact for condition in conditions))
    values = [_told_apart(name, card, conditions, partitions) for name in names]
    for combination in product(*values):
        facts = dict(zip(names, combination, strict=True))
        if is_possible(facts):
            yield facts


def _told_apart(name: str, card: Card, conditions: Iterable[Condition], partitions: Partitions) -> list[Fact]:
    """One value of a fact for each answer that the conditions give, of the values with which the card can speak."""
    asked = [condition for condition in conditions if condition.fact == name]
    rows = [row for row in card.when if {condition.fact for condition in row.conditions()} == {name}]
    values = (facts[name] for facts in partitions.combinations([name]))
    possible = [value for value in values if all(row.check({name: value}) is Truth.YES for row in rows)]
    return list({tuple(condition.check({name: value}) for condition in asked): value for value in possible}.values())
