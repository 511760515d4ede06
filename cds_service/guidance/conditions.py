"""Conditions: the closed set of tests that content may use. Each can check itself and say itself."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import cached_property, partial
from operator import ge, gt, le, lt
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from cds_service.clinical.catalogue import CATALOGUE, FactType
from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, Fact, Facts, State, Value

_A_LITTLE = Decimal("1E-9")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_COMPARE: Mapping[str, Callable[[Decimal, Decimal], bool]] = {"below": lt, "above": gt, "at_least": ge, "at_most": le}
Choice = TypeVar("Choice")
Check = Callable[[Facts], "Answer"]
BOUNDS = {"below": "below", "above": "above", "at_least": "at least", "at_most": "at most"}


class Answer(Enum):
    """What a condition says of the facts. *Unknown* is never folded into no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot tell"


YES, NO, CANNOT_TELL = Answer.YES, Answer.NO, Answer.UNKNOWN


def all_of(checks: Sequence[Check]) -> Check:
    """Asks each in turn. Yes if all say yes, no if any says no, else cannot tell. The first no ends it."""
    if len(checks) == 1:
        return checks[0]

    def check(facts: Facts) -> Answer:
        so_far = YES
        for one in checks:
            answer = one(facts)
            if answer is NO:
                return NO
            if answer is CANNOT_TELL:
                so_far = CANNOT_TELL
        return so_far

    return check


def any_of(checks: Sequence[Check]) -> Check:
    """Asks all of them. Yes if any says yes, no if all say no, else cannot tell."""

    def check(facts: Facts) -> Answer:
        answers = [one(facts) for one in checks]
        if YES in answers:
            return YES
        return CANNOT_TELL if CANNOT_TELL in answers else NO

    return check


def first_of(choices: Iterable[tuple[Check, Choice]], facts: Facts) -> Choice | None:
    """What stands beside the first check that says yes; None if there is none."""
    for check, choice in choices:
        if check(facts) is YES:
            return choice
    return None


def _ends_of(value: Decimal, comparator: str, threshold: Decimal) -> tuple[Decimal, Decimal]:
    """Of a number that is only known to lie beyond a value: the nearest it can be, and one beyond the threshold."""
    furthest, step = (min, -_A_LITTLE) if comparator.startswith("<") else (max, _A_LITTLE)
    nearest = value if comparator.endswith("=") else value + step
    return nearest, furthest(nearest, threshold + step)


def _compare(holds: Callable[[Decimal, Decimal], bool], threshold: Decimal, fact: Fact) -> Answer:
    """Yes or no, where every number that the fact may be says the same."""
    assert isinstance(fact.value, Decimal)  # a bound can be written for a number only
    if not fact.comparator:
        return YES if holds(fact.value, threshold) else NO
    possible = {holds(one, threshold) for one in _ends_of(fact.value, fact.comparator, threshold)}
    if len(possible) > 1:
        return CANNOT_TELL
    return YES if possible.pop() else NO


def _asking_number(name: str, compare: Callable[[Fact], Answer], if_absent: Answer, if_unknown: Answer) -> Check:
    def check(facts: Facts) -> Answer:
        fact = facts[name]
        if fact.state is KNOWN:
            return compare(fact)
        return if_absent if fact.state is ABSENT else if_unknown

    return check


def _asking_value(name: str, yes: frozenset[Value], otherwise: Answer, if_absent: Answer, if_unknown: Answer) -> Check:
    """By the value of what is known: yes for some, the same for all others. That is nearly every condition."""

    def check(facts: Facts) -> Answer:
        fact = facts[name]
        if fact.state is KNOWN:
            return YES if fact.value in yes else otherwise
        return if_absent if fact.state is ABSENT else if_unknown

    return check


class Strict(BaseModel):
    """The base of all content: unknown keys are refused, nothing is converted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Condition(Strict):
    """One row of a decision table: a fact, one test, and `because`: the reason for the test.

    `is` / `is_one_of` test a category, `below` / `above` / `at_least` / `at_most` a number with its unit,
    `state` how the fact is known. `also_when` names states that count as yes; without it an absent fact is a no
    and an unknown one cannot be told.
    """

    fact: str
    is_: str | None = Field(None, alias="is")
    is_one_of: list[str] | None = Field(None, min_length=1)
    below: str | None = None
    above: str | None = None
    at_least: str | None = None
    at_most: str | None = None
    state: list[Literal["known", "absent", "unknown"]] | None = Field(None, min_length=1)
    also_when: list[Literal["absent", "unknown"]] = []
    because: str = Field(min_length=10)

    @field_validator("fact")
    @classmethod
    def _is_in_catalogue(cls, fact: str) -> str:
        if fact not in CATALOGUE:
            raise ValueError(f"no fact is called {fact}")
        return fact

    @model_validator(mode="after")
    def _has_one_test_that_fits(self) -> "Condition":
        tests = [self.is_, self.is_one_of, self.below, self.above, self.at_least, self.at_most, self.state]
        if sum(test is not None for test in tests) != 1:
            raise ValueError("a condition has exactly one of is, is_one_of, below, above, at_least, at_most, state")
        if self.state is not None and self.also_when:
            raise ValueError("a test of the state names every state itself; also_when says nothing beside it")
        self._check_values()
        self._check_states()
        if self.bound is not None:
            self._check_bound(self.bound)
        return self

    def _check_values(self) -> None:
        for value in self.values:
            if value not in self.type.values:
                raise ValueError(f"{self.fact} is never {value}; it is one of: {', '.join(self.type.values)}")

    def _check_states(self) -> None:
        possible = {state.value for state in self.type.states}
        for state in [*(self.state or []), *self.also_when]:
            if state not in possible:
                raise ValueError(f"{self.fact} is never {state}")

    def _check_bound(self, bound: str) -> None:
        number, _, unit = bound.partition(" ")
        if not self.type.is_number or unit != self.type.unit:
            raise ValueError(f"{self.fact} is not compared in {unit or 'a bare number'}; its unit: {self.type.unit}")
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"{number} is not a number")

    @cached_property
    def type(self) -> FactType:
        """The catalogue entry of the fact."""
        return CATALOGUE[self.fact]

    @cached_property
    def values(self) -> list[str]:
        """The categories that are a yes."""
        return [self.is_] if self.is_ is not None else self.is_one_of or []

    @cached_property
    def bound_name(self) -> str:
        """Which way the number is compared; empty for a test of something else."""
        return next((name for name in BOUNDS if getattr(self, name) is not None), "")

    @cached_property
    def bound(self) -> str | None:
        """The bound as written, with its unit."""
        return getattr(self, self.bound_name) if self.bound_name else None

    @cached_property
    def threshold(self) -> Decimal | None:
        """The bound as a number, in the unit of the fact."""
        return None if self.bound is None else Decimal(self.bound.partition(" ")[0])

    @cached_property
    def check(self) -> Check:
        """Asks the facts: yes, no, or cannot tell. Made once, with all settled that does not depend on them."""
        if_not = self._in_state(ABSENT, NO), self._in_state(UNKNOWN, CANNOT_TELL)
        if self.threshold is not None:
            return _asking_number(self.fact, partial(_compare, _COMPARE[self.bound_name], self.threshold), *if_not)
        otherwise = NO if self.state is None else self._in_state(KNOWN, NO)
        return _asking_value(self.fact, frozenset(self.values), otherwise, *if_not)

    def _in_state(self, state: State, otherwise: Answer) -> Answer:
        if self.state is not None:
            return YES if state.value in self.state else NO
        return YES if state.value in self.also_when else otherwise

    def say(self) -> str:
        """The condition in words, made from what it checks."""
        said = f"{self.type.label} {self._say_test()}"
        return f"{said} (or {' or '.join(self.also_when)})" if self.also_when else said

    def _say_test(self) -> str:
        if self.state is not None:
            return f"is {' or '.join(self.state)}"
        if self.bound is not None:
            return f"is {BOUNDS[self.bound_name]} {self.bound}"
        return f"is {' or '.join(self.values)}"

    def conditions(self) -> Iterator["Condition"]:
        """Itself: a row of its own."""
        yield self


class AnyOf(Strict):
    """Rows of which one is enough."""

    any_of: list[Condition] = Field(min_length=2)
    because: str = Field(min_length=10)

    @cached_property
    def check(self) -> Check:
        """Asks the facts: yes if one row says yes, no if all say no."""
        return any_of([row.check for row in self.any_of])

    def say(self) -> str:
        """The rows in words."""
        return ", or ".join(row.say() for row in self.any_of)

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it."""
        yield from self.any_of


def _kind(row: object) -> str:
    has_rows = "any_of" in row if isinstance(row, dict) else isinstance(row, AnyOf)
    return "any" if has_rows else "row"


When = Annotated[Annotated[Condition, Tag("row")] | Annotated[AnyOf, Tag("any")], Discriminator(_kind)]
TAGS = ("row", "any")


class Conditional(Strict):
    """What is so only where every one of its conditions holds; without any it always is."""

    when: list[Condition] = []

    @cached_property
    def check(self) -> Check:
        """Asks the facts: yes if all conditions say yes, no if any says no."""
        return all_of([row.check for row in self.when])
