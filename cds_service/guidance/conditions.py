"""Conditions: the closed set of tests that content may use. Each can be checked against facts and put in words."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import cached_property, partial
from operator import ge, gt, le, lt
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from cds_service.clinical.catalogue import CATALOGUE, FactType
from cds_service.clinical.facts import ABSENT, KNOWN, Fact, Facts, State, Value
from cds_service.fhir.quantities import format_number

_EPSILON = Decimal("1E-9")  # smaller than any step between two results
_NUMBER = re.compile(r"\d+(\.\d+)?")
_COMPARE: Mapping[str, Callable[[Decimal, Decimal], bool]] = {"below": lt, "above": gt, "at_least": ge, "at_most": le}
Choice = TypeVar("Choice")
Check = Callable[[Facts], "Truth"]
BOUNDS = {"below": "below", "above": "above", "at_least": "at least", "at_most": "at most"}
_AGES = {
    "below": "under {} years",
    "above": "over {} years",
    "at_least": "{} years or older",
    "at_most": "{} years at most",
}
_UNITS = {"d": "days", "mg/d": "mg per day", "mL/min/1.73m2": "mL/min/1.73 m²"}


class Truth(Enum):
    """A truth value of three-valued (Kleene) logic. *Unknown* is never taken for no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot tell"


YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


def all_of(checks: Sequence[Check]) -> Check:
    """Conjunction: yes if all are yes, no if any is no, else unknown. Stops at the first no."""
    if len(checks) == 1:
        return checks[0]

    def check(facts: Facts) -> Truth:
        so_far = YES
        for operand in checks:
            truth = operand(facts)
            if truth is NO:
                return NO
            if truth is UNKNOWN:
                so_far = UNKNOWN
        return so_far

    return check


def any_of(checks: Sequence[Check]) -> Check:
    """Disjunction: yes if any is yes, no if all are no, else unknown."""

    def check(facts: Facts) -> Truth:
        truths = [operand(facts) for operand in checks]
        if YES in truths:
            return YES
        return UNKNOWN if UNKNOWN in truths else NO

    return check


def first_of(choices: Iterable[tuple[Check, Choice]], facts: Facts) -> Choice | None:
    """The first choice whose check is yes; None if there is none."""
    for check, choice in choices:
        if check(facts) is YES:
            return choice
    return None


def _compare(holds: Callable[[Decimal, Decimal], bool], threshold: Decimal, fact: Fact) -> Truth:
    """Yes or no, if that is so for every number that the fact may be."""
    assert isinstance(fact.value, Decimal)  # a bound can be written for a number only
    if not fact.comparator:
        return YES if holds(fact.value, threshold) else NO
    possible = {holds(end, threshold) for end in _ends(fact.value, fact.comparator, threshold)}
    if len(possible) > 1:
        return UNKNOWN
    return YES if possible.pop() else NO


def _ends(value: Decimal, comparator: str, threshold: Decimal) -> tuple[Decimal, Decimal]:
    """Of a number that is only known to lie beyond a value: the nearest it can be, and one beyond the threshold."""
    furthest, step = (min, -_EPSILON) if comparator.startswith("<") else (max, _EPSILON)
    nearest = value if comparator.endswith("=") else value + step
    return nearest, furthest(nearest, threshold + step)


def _number_check(name: str, compare: Callable[[Fact], Truth], if_absent: Truth, if_unknown: Truth) -> Check:
    def check(facts: Facts) -> Truth:
        fact = facts[name]
        if fact.state is KNOWN:
            return compare(fact)
        return if_absent if fact.state is ABSENT else if_unknown

    return check


def _value_check(name: str, yes: frozenset[Value], otherwise: Truth, if_absent: Truth, if_unknown: Truth) -> Check:
    def check(facts: Facts) -> Truth:
        fact = facts[name]
        if fact.state is KNOWN:
            return YES if fact.value in yes else otherwise
        return if_absent if fact.state is ABSENT else if_unknown

    return check


class Strict(BaseModel):
    """The base of all content: unknown keys are errors, values are not converted, and instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Condition(Strict):
    """One row of a decision table: a fact, one test, and `because`, the reason for the test.

    `is` and `is_one_of` test a category; `below`, `above`, `at_least` and `at_most` a number with its unit; `state`
    how the fact is known. `also_when` names the states that count as yes; without it an absent fact is a no, and
    an unknown one leaves the condition unknown.
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
            raise ValueError("state names every state itself; it is not combined with also_when")
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
        """The categories for which the condition is yes."""
        return [self.is_] if self.is_ is not None else self.is_one_of or []

    @cached_property
    def bound_name(self) -> str:
        """Which of `BOUNDS` is tested; empty if the test is not of a number."""
        return next((name for name in BOUNDS if getattr(self, name) is not None), "")

    @cached_property
    def bound(self) -> str | None:
        """The bound as it is written, with its unit."""
        return getattr(self, self.bound_name) if self.bound_name else None

    @cached_property
    def threshold(self) -> Decimal | None:
        """The bound as a number, in the unit of the fact."""
        return None if self.bound is None else Decimal(self.bound.partition(" ")[0])

    @cached_property
    def check(self) -> Check:
        """The function that tests facts. Built once, so that only what depends on the facts is left to each call."""
        if_not = self._in_state(ABSENT, NO), self._in_state(State.UNKNOWN, UNKNOWN)
        if self.threshold is not None:
            return _number_check(self.fact, partial(_compare, _COMPARE[self.bound_name], self.threshold), *if_not)
        otherwise = NO if self.state is None else self._in_state(KNOWN, NO)
        return _value_check(self.fact, frozenset(self.values), otherwise, *if_not)

    def _in_state(self, state: State, otherwise: Truth) -> Truth:
        if self.state is not None:
            return YES if state.value in self.state else NO
        return YES if state.value in self.also_when else otherwise

    def say(self) -> str:
        """The condition in words, made from its test."""
        said = f"{self.type.label} {self._say_test()}"
        return f"{said} (or {' or '.join(self.also_when)})" if self.also_when else said

    def _say_test(self) -> str:
        if self.state is not None:
            return f"is {' or '.join(self.state)}"
        if self.bound is not None:
            return self._say_bound(*self.bound.split(" ", 1))
        return f"is {' or '.join(self.values)}"

    def _say_bound(self, number: str, unit: str) -> str:
        """A bound as clinicians say it: 18 years or older, below 2,400 mg per day."""
        if unit == "a":
            return f"is {_AGES[self.bound_name].format(number)}"
        return f"is {BOUNDS[self.bound_name]} {format_number(Decimal(number))} {_UNITS.get(unit, unit)}"

    def conditions(self) -> Iterator["Condition"]:
        """Itself, so that every row can be asked for its conditions."""
        yield self


class AnyOf(Strict):
    """A row that holds if one of its conditions does."""

    any_of: list[Condition] = Field(min_length=2)
    because: str = Field(min_length=10)

    @cached_property
    def check(self) -> Check:
        """The disjunction of its conditions."""
        return any_of([condition.check for condition in self.any_of])

    def say(self) -> str:
        """The conditions in words."""
        return ", or ".join(condition.say() for condition in self.any_of)

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it."""
        yield from self.any_of


def _kind(row: object) -> str:
    has_rows = "any_of" in row if isinstance(row, dict) else isinstance(row, AnyOf)
    return "any" if has_rows else "row"


When = Annotated[Annotated[Condition, Tag("row")] | Annotated[AnyOf, Tag("any")], Discriminator(_kind)]
TAGS = ("row", "any")


class Conditional(Strict):
    """A part of a card that applies only where all its conditions hold; without conditions it always applies."""

    when: list[When] = []

    @cached_property
    def check(self) -> Check:
        """The conjunction of its conditions."""
        return all_of([row.check for row in self.when])

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it."""
        for row in self.when:
            yield from row.conditions()
