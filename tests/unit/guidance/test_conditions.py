"""Conditions: yes, no or cannot tell for each test and each state; what they say; what cannot be written at all."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from cds_service.clinical.facts import Fact, State, absent, known, unknown
from cds_service.guidance.conditions import AnyOf, Condition, Truth, all_of, any_of
from tests.support import Body, Json

YES, NO = Truth.YES, Truth.NO
BECAUSE = "a reason that is long enough"
ABSENT, UNKNOWN = absent("none"), unknown("not sent")


def condition(fact: str = "age", because: str = BECAUSE, **members: Json) -> Condition:
    return Condition.model_validate({"fact": fact, "because": because, **members})


def refusal(**members: Json) -> str:
    with pytest.raises(ValidationError) as caught:
        condition(**members)
    return "; ".join(error["msg"] for error in caught.value.errors())


def number(value: int | str) -> Fact:
    return known(Decimal(value))


# --- check ------------------------------------------------------------------------------------------------------------

IS_HIGH = {"fact": "glutamate", "is": "high"}
IS_LOW_OR_HIGH = {"fact": "glutamate", "is_one_of": ["low", "high"]}
CHECKS = {
    "is, the value": (IS_HIGH, known("high"), YES),
    "is, another value": (IS_HIGH, known("low"), NO),
    "is, absent": (IS_HIGH, ABSENT, NO),
    "is, unknown": (IS_HIGH, UNKNOWN, Truth.UNKNOWN),
    "is one of, the first": (IS_LOW_OR_HIGH, known("low"), YES),
    "is one of, the last": (IS_LOW_OR_HIGH, known("high"), YES),
    "is one of, none of them": (IS_LOW_OR_HIGH, known("normal"), NO),
    "is one of, absent": (IS_LOW_OR_HIGH, ABSENT, NO),
    "is one of, unknown": (IS_LOW_OR_HIGH, UNKNOWN, Truth.UNKNOWN),
    "below, under": ({"below": "18 a"}, number(17), YES),
    "below, on": ({"below": "18 a"}, number(18), NO),
    "below, over": ({"below": "18 a"}, number(19), NO),
    "below, unknown": ({"below": "18 a"}, UNKNOWN, Truth.UNKNOWN),
    "above, under": ({"above": "18 a"}, number(17), NO),
    "above, on": ({"above": "18 a"}, number(18), NO),
    "above, over": ({"above": "18 a"}, number(19), YES),
    "above, by a fraction": ({"above": "18 a"}, number("18.0001"), YES),
    "above, unknown": ({"above": "18 a"}, UNKNOWN, Truth.UNKNOWN),
    "at least, under": ({"at_least": "18 a"}, number(17), NO),
    "at least, on": ({"at_least": "18 a"}, number(18), YES),
    "at least, over": ({"at_least": "18 a"}, number(19), YES),
    "at least, unknown": ({"at_least": "18 a"}, UNKNOWN, Truth.UNKNOWN),
    "at most, under": ({"at_most": "18 a"}, number(17), YES),
    "at most, on": ({"at_most": "18 a"}, number(18), YES),
    "at most, over": ({"at_most": "18 a"}, number(19), NO),
    "at most, unknown": ({"at_most": "18 a"}, UNKNOWN, Truth.UNKNOWN),
    "a number of the same size written otherwise": ({"at_least": "18.0 a"}, number("18"), YES),
    "a dose, absent": ({"fact": "dose_per_day", "above": "2400 mg/d"}, ABSENT, NO),
    "state known, known": ({"fact": "glutamate", "state": ["known"]}, known("low"), YES),
    "state known, absent": ({"fact": "glutamate", "state": ["known"]}, ABSENT, NO),
    "state known, unknown": ({"fact": "glutamate", "state": ["known"]}, UNKNOWN, NO),
    "state absent, known": ({"fact": "glutamate", "state": ["absent"]}, known("low"), NO),
    "state absent, absent": ({"fact": "glutamate", "state": ["absent"]}, ABSENT, YES),
    "state absent, unknown": ({"fact": "glutamate", "state": ["absent"]}, UNKNOWN, NO),
    "state unknown, unknown": ({"fact": "glutamate", "state": ["unknown"]}, UNKNOWN, YES),
    "state unknown, absent": ({"fact": "glutamate", "state": ["unknown"]}, ABSENT, NO),
    "two states, the second": ({"fact": "glutamate", "state": ["absent", "unknown"]}, UNKNOWN, YES),
    "two states, neither": ({"fact": "glutamate", "state": ["absent", "unknown"]}, known("low"), NO),
    "also absent, absent": ({**IS_HIGH, "also_when": ["absent"]}, ABSENT, YES),
    "also absent, unknown": ({**IS_HIGH, "also_when": ["absent"]}, UNKNOWN, Truth.UNKNOWN),
    "also absent, another value": ({**IS_HIGH, "also_when": ["absent"]}, known("low"), NO),
    "also unknown, unknown": ({**IS_HIGH, "also_when": ["unknown"]}, UNKNOWN, YES),
    "also unknown, absent": ({**IS_HIGH, "also_when": ["unknown"]}, ABSENT, NO),
    "also both, absent": ({**IS_HIGH, "also_when": ["absent", "unknown"]}, ABSENT, YES),
    "also both, unknown": ({**IS_HIGH, "also_when": ["absent", "unknown"]}, UNKNOWN, YES),
    "also both, the value": ({**IS_HIGH, "also_when": ["absent", "unknown"]}, known("high"), YES),
    "also unknown, a number": ({"at_least": "18 a", "also_when": ["unknown"]}, UNKNOWN, YES),
    "also unknown, a number that is under": ({"at_least": "18 a", "also_when": ["unknown"]}, number(17), NO),
}


@pytest.mark.parametrize(("members", "fact", "expected"), CHECKS.values(), ids=CHECKS)
def test_a_condition_says_yes_no_or_cannot_tell(members: Body, fact: Fact, expected: Truth) -> None:
    row = condition(**members)
    assert row.check({row.fact: fact}) is expected


ALL = {
    "all yes": ([YES, YES], YES),
    "none": ([], YES),
    "one no": ([YES, NO], NO),
    "one that cannot be told": ([YES, Truth.UNKNOWN], Truth.UNKNOWN),
    "no before cannot tell": ([NO, Truth.UNKNOWN], NO),
    "no after cannot tell": ([Truth.UNKNOWN, NO, YES], NO),
}


SCREENS = ("bronchospasm_risk", "bleeding_risk", "hypersensitivity")
FACT_FOR = {YES: known("present"), NO: ABSENT, Truth.UNKNOWN: UNKNOWN}


def rows_that_say(answers: list[Truth]) -> Json:
    """A row for each answer, and the facts to which they say it."""
    facts = {name: FACT_FOR[answer] for name, answer in zip(SCREENS, answers, strict=False)}
    return [condition(name, **{"is": "present"}) for name in facts], facts


def checks_that_say(answers: list[Truth]) -> Json:
    rows, facts = rows_that_say(answers)
    return [row.check for row in rows], facts


@pytest.mark.parametrize(("answers", "expected"), ALL.values(), ids=ALL)
def test_several_answers_make_one(answers: list[Truth], expected: Truth) -> None:
    checks, facts = checks_that_say(answers)
    assert all_of(checks)(facts) is expected


ANY = {
    "all no": ([NO, NO], NO),
    "one yes": ([NO, YES], YES),
    "one that cannot be told": ([NO, Truth.UNKNOWN], Truth.UNKNOWN),
    "yes before cannot tell": ([YES, Truth.UNKNOWN], YES),
    "yes after cannot tell": ([Truth.UNKNOWN, YES, NO], YES),
}


@pytest.mark.parametrize(("answers", "expected"), ANY.values(), ids=ANY)
def test_of_several_answers_one_yes_is_enough(answers: list[Truth], expected: Truth) -> None:
    checks, facts = checks_that_say(answers)
    assert any_of(checks)(facts) is expected


@pytest.mark.parametrize(("answers", "expected"), ANY.values(), ids=ANY)
def test_rows_of_which_one_is_enough_are_checked_together(answers: list[Truth], expected: Truth) -> None:
    rows, facts = rows_that_say(answers)
    assert AnyOf(any_of=rows, because=BECAUSE).check(facts) is expected


# --- say --------------------------------------------------------------------------------------------------------------

SAID = {
    "is": (IS_HIGH, "plasma glutamate is high"),
    "is one of": (IS_LOW_OR_HIGH, "plasma glutamate is low or high"),
    "below": ({"below": "18 a"}, "age is under 18 years"),
    "above": ({"fact": "dose_per_day", "above": "2400 mg/d"}, "dose per day is above 2,400 mg per day"),
    "at least": ({"at_least": "18 a"}, "age is 18 years or older"),
    "over an age": ({"above": "18 a"}, "age is over 18 years"),
    "at most an age": ({"at_most": "18 a"}, "age is 18 years at most"),
    "a unit as it is": ({"fact": "clearance", "below": "25 mL/min"}, "creatinine clearance is below 25 mL/min"),
    "at most": ({"fact": "duration", "at_most": "56 d"}, "duration is at most 56 days"),
    "state": ({"fact": "cystine", "state": ["absent"]}, "plasma cystine is absent"),
    "two states": ({"fact": "cystine", "state": ["absent", "unknown"]}, "plasma cystine is absent or unknown"),
    "also one": ({"at_least": "18 a", "also_when": ["unknown"]}, "age is 18 years or older (or unknown)"),
    "also two": ({**IS_HIGH, "also_when": ["absent", "unknown"]}, "plasma glutamate is high (or absent or unknown)"),
}


@pytest.mark.parametrize(("members", "expected"), SAID.values(), ids=SAID)
def test_a_condition_says_itself_in_words(members: Body, expected: str) -> None:
    assert condition(**members).say() == expected


def test_rows_of_which_one_is_enough_say_each_of_them() -> None:
    rows = AnyOf(any_of=[condition(**IS_HIGH), condition(at_least="18 a")], because=BECAUSE)
    assert rows.say() == "plasma glutamate is high, or age is 18 years or older"
    assert list(rows.conditions()) == rows.any_of


def test_a_condition_knows_its_threshold_exactly() -> None:
    assert condition(below="18.50 a").threshold == Decimal("18.5")
    assert condition(**IS_HIGH).threshold is None


# --- what cannot be written -------------------------------------------------------------------------------------------

MISTAKES = {
    "a fact that nobody knows": ({"fact": "glutamat", "is": "high"}, "no fact is called glutamat"),
    "no test": ({}, "exactly one of"),
    "two tests": ({"below": "18 a", "above": "2 a"}, "exactly one of"),
    "a value and a list": ({**IS_HIGH, "is_one_of": ["low"]}, "exactly one of"),
    "a value and a state": ({**IS_HIGH, "state": ["known"]}, "exactly one of"),
    "a value that never is": (
        {"fact": "glutamate", "is": "raised"},
        "glutamate is never raised; it is one of: low, normal, high, unclassified",
    ),
    "a value in a list that never is": ({"fact": "glutamate", "is_one_of": ["low", "raised"]}, "never raised"),
    "a value for a number": ({"is": "old"}, "age is never old"),
    "a bound for a category": ({"fact": "glutamate", "below": "10 umol/L"}, "not compared in umol/L"),
    "another unit": ({"below": "18 mo"}, "age is not compared in mo; its unit: a"),
    "a dose without its day": ({"fact": "dose_per_day", "above": "2400 mg"}, "not compared in mg"),
    "no unit": ({"below": "18"}, "not compared in a bare number"),
    "two spaces": ({"below": "18  a"}, "not compared in"),
    "a number in words": ({"below": "eighteen a"}, "eighteen is not a number"),
    "a comma in a number": ({"fact": "dose_per_day", "above": "2,400 mg/d"}, "2,400 is not a number"),
    "no number": ({"below": " a"}, "is not a number"),
    "a number that is none": ({"below": "NaN a"}, "NaN is not a number"),
    "a number without an end": ({"below": "Infinity a"}, "Infinity is not a number"),
    "a bound that is no text": ({"below": 18}, "string"),
    "a state that never is": ({"state": ["absent"]}, "age is never absent"),
    "a state of use": ({"fact": "use", "state": ["unknown"]}, "use is never unknown"),
    "a state that is none": ({"state": ["missing"]}, "Input should be 'known'"),
    "also a state that never is": ({"below": "18 a", "also_when": ["absent"]}, "age is never absent"),
    "also known": ({**IS_HIGH, "also_when": ["known"]}, "Input should be 'absent'"),
    "a key that is misspelt": ({**IS_HIGH, "also_wen": ["absent"]}, "Extra inputs are not permitted"),
    "the name of the attribute": ({"fact": "glutamate", "is_": "high"}, "Extra inputs are not permitted"),
    "a reason that is too short": ({**IS_HIGH, "because": "why not"}, "at least 10 characters"),
    "a text for a list": ({"fact": "glutamate", "is_one_of": "low"}, "valid list"),
    "an empty list of values": ({"fact": "glutamate", "is_one_of": []}, ""),
    "an empty list of states": ({"fact": "glutamate", "state": []}, ""),
}


@pytest.mark.parametrize(("members", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_condition_that_makes_no_sense_cannot_be_written(members: Body, said: str) -> None:
    assert said in refusal(**members)


def test_a_condition_without_a_reason_cannot_be_written() -> None:
    with pytest.raises(ValidationError, match="because"):
        Condition.model_validate({"fact": "age", "below": "18 a"})


def test_a_state_with_also_when_is_refused_since_it_would_say_more_than_it_checks() -> None:
    refusal(fact="glutamate", state=["known"], also_when=["absent"])


def test_a_condition_never_changes() -> None:
    row = condition(**IS_HIGH)
    with pytest.raises(ValidationError):
        setattr(row, "fact", "cystine")  # noqa: B010  # as a type checker would not let it be written


# --- numbers that are given as "less than" or "more than" ------------------------------------------------------------


@pytest.mark.parametrize(
    ("comparator", "value", "test", "expected"),
    [
        ("<", 15, {"below": "25 mL/min"}, Truth.YES),
        ("<", 25, {"below": "25 mL/min"}, Truth.YES),
        ("<", 26, {"below": "25 mL/min"}, Truth.UNKNOWN),
        ("<=", 25, {"below": "25 mL/min"}, Truth.UNKNOWN),
        ("<=", 24, {"below": "25 mL/min"}, Truth.YES),
        (">", 25, {"below": "25 mL/min"}, Truth.NO),
        (">=", 25, {"below": "25 mL/min"}, Truth.NO),
        (">", 24, {"below": "25 mL/min"}, Truth.UNKNOWN),
        ("<", 25, {"at_least": "25 mL/min"}, Truth.NO),
        ("<", 30, {"at_least": "25 mL/min"}, Truth.UNKNOWN),
        (">=", 25, {"at_least": "25 mL/min"}, Truth.YES),
        (">", 60, {"at_least": "25 mL/min"}, Truth.YES),
        (">", 25, {"above": "25 mL/min"}, Truth.YES),
        (">=", 25, {"above": "25 mL/min"}, Truth.UNKNOWN),
        ("<=", 25, {"above": "25 mL/min"}, Truth.NO),
        ("<", 25, {"at_most": "25 mL/min"}, Truth.YES),
        (">", 25, {"at_most": "25 mL/min"}, Truth.NO),
        (">=", 25, {"at_most": "25 mL/min"}, Truth.UNKNOWN),
    ],
)
def test_a_comparator_answers_only_where_every_number_beyond_it_agrees(
    comparator: str, value: int, test: Body, expected: Truth
) -> None:
    condition = Condition.model_validate({"fact": "clearance", "because": "for the test", **test})
    fact = Fact(State.KNOWN, Decimal(value), comparator=comparator)
    assert condition.check({"clearance": fact}) is expected
