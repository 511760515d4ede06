"""The partitions of the facts: for each fact the values that content can tell apart.

These are its categories, the numbers at, just below and just above each threshold, absent and unknown. There are
finitely many, so what holds for every combination of them is proved, not sampled.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import product

from cds_service.clinical.catalogue import CATALOGUE, FactType, with_grounds
from cds_service.clinical.facts import Fact, Facts, State
from cds_service.guidance.conditions import Condition
from cds_service.guidance.model import Content


class Partitions:
    """The values of each fact that the conditions of a content can tell apart."""

    def __init__(self, content: Content) -> None:
        conditions = [condition for card in content.cards for condition in card.conditions()]
        conditions += [condition for card in content.cards for condition in card.other_conditions()]
        conditions += [condition for phrase in content.phrases.values() for condition in phrase.conditions()]
        self._values = {name: _partition(fact_type, conditions) for name, fact_type in CATALOGUE.items()}

    def combinations(self, names: Iterable[str]) -> Iterator[Facts]:
        """Every possible combination of the values of these facts."""
        needed = set(names)
        listed = [name for name in CATALOGUE if name in needed]
        for values in product(*(self._values[name] for name in listed)):
            facts = dict(zip(listed, values, strict=True))
            if is_possible(facts):
                yield facts


def example_fact(fact_type: FactType, state: State, value: str | Decimal | None = None) -> Fact:
    """A fact in this state, with every text that the catalogue promises for it."""
    texts = {text: text for text, states in fact_type.texts.items() if state in states}
    return Fact(state, value, "for the proof", texts)


def _partition(fact_type: FactType, conditions: Sequence[Condition]) -> list[Fact]:
    facts = [example_fact(fact_type, State.KNOWN, value) for value in fact_type.values]
    thresholds = {
        condition.threshold
        for condition in conditions
        if condition.fact == fact_type.name and condition.threshold is not None
    }
    steps = (-fact_type.step, 0, fact_type.step)
    numbers = {threshold + step for threshold in thresholds for step in steps}
    if fact_type.is_number and not numbers:
        numbers = {Decimal(1)}
    facts += [example_fact(fact_type, State.KNOWN, number) for number in sorted(numbers)]
    return facts + [example_fact(fact_type, state) for state in fact_type.states if state is not State.KNOWN]


def is_possible(facts: Facts) -> bool:
    """False for what reading never produces.

    A sample time without a result, an eGFR beside no kidney finding, what rests on a start that cannot be read.
    """
    if not _is_possible_treatment(facts):
        return False
    kidney, egfr = facts.get("kidney"), facts.get("egfr")
    if kidney and egfr and kidney.state is State.ABSENT and egfr.state is State.KNOWN:
        return False
    if "glutamate" in facts and "glutamate_sample" in facts:
        result, sample = facts["glutamate"].state, facts["glutamate_sample"].state
        if result is not sample and (result is not State.KNOWN or sample is State.ABSENT):
            return False
    return True


_START = "treatment_days"
_REST_ON_START = [name for name in CATALOGUE if name != _START and CATALOGUE[_START] in with_grounds([name])]
_OF_FOLLOW_UP = ("follow_up_glutamate", "follow_up_age", "measured_since")


def _is_possible_treatment(facts: Facts) -> bool:
    start = facts.get(_START)
    if start and start.state is State.UNKNOWN:
        return all(facts[name].state is State.UNKNOWN for name in _REST_ON_START if name in facts)
    states = {_follow_up_state(facts[name]) for name in _OF_FOLLOW_UP if name in facts}
    return len(states) < 2


def _follow_up_state(fact: Fact) -> State:
    return State.ABSENT if fact.value == "not measured" else fact.state
