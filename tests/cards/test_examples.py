"""Each example of the cards is one test, named by its card and its sentence."""

from datetime import date
from decimal import Decimal

import pytest

from cds_service.content.examples import run_example
from cds_service.guidance.model import Card, Example
from tests.support import CONTENT, FIXTURES

CARD = {card.id: card for card in CONTENT.cards}
EXAMPLES = [
    pytest.param(CARD[card], example, id=f"{card}: {example.name}")
    for card, examples in CONTENT.examples.items()
    for example in examples
]
INES = next(one for one in CONTENT.examples["acetylcysteine-hypersensitivity"] if one.expect == "advise")
ALLERGY = CARD["acetylcysteine-hypersensitivity"]


@pytest.mark.parametrize(("card", "example"), EXAMPLES)
def test_the_card_answers_as_the_example_expects(card: Card, example: Example) -> None:
    assert run_example(example, card, CONTENT, FIXTURES).failure == ""


def changed(**members: object) -> Example:
    return INES.model_copy(update=members)


@pytest.mark.parametrize("expect", ["silent", "cannot tell"])
def test_an_example_that_expects_another_answer_fails_and_says_what_decided(expect: str) -> None:
    failure = run_example(changed(expect=expect), ALLERGY, CONTENT, FIXTURES).failure
    assert failure.startswith(f"expected {expect}, got advise (")
    assert "allergy to acetylcysteine is present or intolerance: yes" in failure


def test_an_example_whose_words_the_card_does_not_say_fails_and_names_them() -> None:
    failure = run_example(changed(says=["critical", "never said"]), ALLERGY, CONTENT, FIXTURES).failure
    assert failure == "the card does not say: never said"


def test_the_words_of_an_example_may_stand_in_indicator_summary_or_detail() -> None:
    says = ["critical\n", "llergy to acetylcysteine", "On record"]
    assert run_example(changed(says=says), ALLERGY, CONTENT, FIXTURES).failure == ""


def test_a_silent_card_says_no_words() -> None:
    petra = changed(patient="petra-refuted", expect="silent", says=["Allergy"])
    assert run_example(petra, ALLERGY, CONTENT, FIXTURES).failure == "the card does not say: Allergy"


def test_an_example_for_another_drug_is_an_error() -> None:
    with pytest.raises(ValueError, match="the order amoxicillin is not for acetylcysteine"):
        run_example(changed(order="amoxicillin"), ALLERGY, CONTENT, FIXTURES)


@pytest.mark.parametrize("missing", [{"patient": "nobody"}, {"order": "nothing"}], ids=["patient", "order"])
def test_an_example_about_a_person_or_order_that_does_not_exist_is_an_error(missing: dict[str, str]) -> None:
    with pytest.raises(FileNotFoundError):
        run_example(changed(**missing), ALLERGY, CONTENT, FIXTURES)


def test_an_answer_that_is_not_sent_must_be_one_that_is_asked_for() -> None:
    with pytest.raises(KeyError, match="allergies"):
        run_example(changed(not_sent=["allergies"]), ALLERGY, CONTENT, FIXTURES)


def test_born_changes_the_birthday_of_this_example_only() -> None:
    child = changed(born=date(2015, 1, 1), says=[])
    ages = [run_example(one, ALLERGY, CONTENT, FIXTURES).facts["age"].value for one in (child, INES)]
    assert ages[0] == 11
    assert isinstance(ages[1], Decimal)
    assert ages[1] > 18


def test_the_moment_of_an_example_is_its_own() -> None:
    later = changed(now=INES.now.replace(year=2030), says=[])
    assert run_example(later, ALLERGY, CONTENT, FIXTURES).facts["glutamate"].state.value == "absent"


def test_the_decision_of_an_example_is_that_of_its_card() -> None:
    for card in CONTENT.order_cards:
        ran = run_example(changed(says=[]), card, CONTENT, FIXTURES)
        assert ran.decision.card.id == card.id
