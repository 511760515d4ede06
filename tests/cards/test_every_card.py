"""What every card of the content must be, whatever it says."""

import re
from decimal import Decimal
from functools import cache
from itertools import chain, combinations
from typing import NamedTuple

import pytest

from cds_service.answering import decide_orders
from cds_service.clinical.catalogue import CATALOGUE, with_grounds
from cds_service.clinical.facts import State
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.content.checking import check_content
from cds_service.content.examples import ExampleRun, order_for, run_example
from cds_service.fhir.quantities import format_number
from cds_service.fhir.queries import FOR_ORDERS, QUERIES
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.conditions import Condition, Truth
from cds_service.guidance.deciding import Decision, Outcome
from cds_service.guidance.model import Card
from tests.support import CARDS, CONTENT, FIXTURES, NOW, ORDERS, PATIENTS, Body, draft_orders_of, prefetch_for

each_card = pytest.mark.parametrize("card", CONTENT.cards, ids=lambda card: card.id)
SCREENED_USES = {"inhaled", "somatic", "other"}
SILENT_USES = {"antidote", "ophthalmic"}
BASELINE = {card.id for card in CONTENT.cards if card.family == "baseline"}


def conditions_of(card: Card) -> list[Condition]:
    """Every condition of a card: those of its table and those of its indicator."""
    return [*card.conditions(), *(row for level in card.indicator for row in level.conditions())]


ALL_CONDITIONS = [
    *(pytest.param(row, id=f"{card.id}, {row.fact}") for card in CONTENT.cards for row in conditions_of(card)),
    *(pytest.param(row, id=f"{p.id}, {row.fact}") for p in CONTENT.phrases.values() for row in p.conditions()),
]


# ---------------------------------------------------------------- what stands in the files


def test_the_ids_of_the_cards_are_the_names_of_their_folders() -> None:
    assert sorted(card.id for card in CONTENT.cards) == sorted(path.parent.name for path in CARDS.glob("*/card.toml"))


def test_no_two_cards_have_the_same_id_or_title() -> None:
    assert len({card.id for card in CONTENT.cards}) == len({card.title for card in CONTENT.cards}) == len(CONTENT.cards)


def test_every_card_has_examples() -> None:
    assert {card.id for card in CONTENT.cards if not CONTENT.examples[card.id]} == set()


@each_card
def test_the_card_says_the_status_and_version_of_the_content(card: Card) -> None:
    assert "version_line" in card.text.holes
    assert {"content.version", "card.status_note"} <= set(CONTENT.phrases["version_line"].says[0].holes)


@each_card
def test_the_sources_of_a_card_exist(card: Card) -> None:
    assert [name for name in card.all_sources if name not in CONTENT.sources] == []


@each_card
def test_a_card_that_makes_a_statement_names_a_source(card: Card) -> None:
    assert card.all_sources or card.after_others


@each_card
def test_a_study_that_a_card_names_in_its_text_is_among_its_sources(card: Card) -> None:
    sources = [CONTENT.sources[name] for name in card.all_sources]
    firsts = [(re.search(r"[A-Z][a-z]+", one.authors or ""), one.year) for one in sources]
    known = {f"{first[0]} {year}" for first, year in firsts if first}
    assert set(re.findall(r"\b[A-Z][a-z]+ (?:19|20)\d\d\b", card.text.detail)) <= known


@each_card
def test_summary_and_title_have_fewer_than_140_characters(card: Card) -> None:
    assert 0 < len(card.text.summary) < 140
    assert 0 < len(card.title) < 140


@each_card
def test_only_a_card_with_critical_or_warning_has_override_reasons(card: Card) -> None:
    assert bool(card.override_reasons) is any(row.level != "info" for row in card.indicator)


@each_card
def test_critical_stands_only_for_a_labelled_contraindication(card: Card) -> None:
    levels = {row.level for row in card.indicator}
    assert ("critical" in levels) is (card.id in ("acetylcysteine-hypersensitivity", "glutamine-contraindicated"))


@each_card
def test_a_baseline_card_is_information_about_the_patient(card: Card) -> None:
    if card.family == "baseline":
        assert ([row.level for row in card.indicator], card.scope) == (["info"], "patient")
    else:
        assert "glutamate" not in {row.fact for row in card.conditions()}


@pytest.mark.parametrize("condition", ALL_CONDITIONS)
def test_every_condition_says_itself_and_why(condition: Condition) -> None:
    said = condition.say()
    bound = [] if condition.threshold is None else [format_number(condition.threshold)]
    tested = [*condition.values, *(condition.state or []), *condition.also_when, *bound]
    assert said.startswith(f"{CATALOGUE[condition.fact].label} is ")
    assert [word for word in tested if word not in said] == []
    assert len(condition.because) >= 10


def test_no_two_conditions_of_a_card_say_the_same() -> None:
    for card in CONTENT.cards:
        said = [row.say() for row in card.conditions()]
        assert len(set(said)) == len(said), card.id


FACTS_IN_USE = sorted(
    {row.values[0].fact for row in ALL_CONDITIONS if isinstance(row.values[0], Condition)}
    | {name.partition(".")[0] for card in CONTENT.cards for name in card.text.holes} & set(CATALOGUE)
)


@pytest.mark.parametrize("fact", FACTS_IN_USE)
def test_every_fact_in_use_is_read_from_a_query_or_is_about_the_order(fact: str) -> None:
    assert CATALOGUE[fact].scope == "order" or any(ground.queries for ground in with_grounds([fact]))


@pytest.mark.parametrize("fact", CATALOGUE)
def test_every_query_of_a_fact_exists_and_none_is_named_twice(fact: str) -> None:
    queries = CATALOGUE[fact].queries
    assert set(queries) <= set(QUERIES)
    assert len(set(queries)) == len(queries)


def test_the_check_of_the_content_finds_no_mistake() -> None:
    assert check_content(CONTENT, CARDS, FIXTURES).mistakes == []


# ---------------------------------------------------------------- the examples


@cache
def ran(card: str) -> list[ExampleRun]:
    """Every example of a card, run."""
    found = next(one for one in CONTENT.cards if one.id == card)
    return [run_example(example, found, CONTENT, FIXTURES) for example in CONTENT.examples[card]]


UNTELLABLE = [
    pytest.param(card, row, id=f"{card.id}, {row.fact}")
    for card in CONTENT.cards
    for row in card.conditions()
    if State.UNKNOWN in CATALOGUE[row.fact].states and row.state is None and "unknown" not in row.also_when
]


@pytest.mark.parametrize(("card", "row"), UNTELLABLE)
def test_for_each_fact_that_may_be_unknown_an_example_cannot_tell(card: Card, row: Condition) -> None:
    untold = [one for one in ran(card.id) if one.decision.outcome is Outcome.CANNOT_TELL]
    assert any(one.facts[row.fact].state is State.UNKNOWN for one in untold)


THRESHOLDS = [
    pytest.param(card, row, id=f"{card.id}, {row.say()}")
    for card in CONTENT.cards
    for row in card.conditions()
    if row.threshold is not None
]


@pytest.mark.parametrize(("card", "row"), THRESHOLDS)
def test_for_each_threshold_an_example_lies_on_it_just_under_it_and_just_over_it(card: Card, row: Condition) -> None:
    step, threshold = CATALOGUE[row.fact].step, row.threshold
    assert threshold is not None
    values = {run.facts[row.fact].value for run in ran(card.id) if decides_alone(run, row)}
    numbers = [value for value in values if isinstance(value, int | Decimal)]
    assert threshold in numbers
    assert any(threshold - step <= number < threshold for number in numbers)
    assert any(threshold < number <= threshold + step for number in numbers)


def decides_alone(run: ExampleRun, row: Condition) -> bool:
    """Whether every other row holds, so that this one decides."""
    return all(reason.truth is Truth.YES for reason in run.decision.reasons if row not in reason.row.conditions())


@each_card
@pytest.mark.parametrize("expect", ["advise", "silent"])
def test_every_card_has_an_example_in_which_it_speaks_and_one_in_which_it_does_not(card: Card, expect: str) -> None:
    assert expect in {example.expect for example in CONTENT.examples[card.id]}


@each_card
def test_no_two_examples_of_a_card_have_the_same_sentence(card: Card) -> None:
    names = [example.name for example in CONTENT.examples[card.id]]
    assert len(set(names)) == len(names)


# ---------------------------------------------------------------- over every person, order and missing answer

NEVER_ACETYLCYSTEINE = {
    "amoxicillin",
    "carbocisteine",
    "glutamine-intravenous",
    "glutamine-no-route",
    "glutamine-oral",
    "nitroglycerin",
}


@cache
def orders_for(patient: str) -> tuple[Order, ...]:
    """Every order of the fixtures that is for acetylcysteine, made out to a person."""
    read = [read_order(order_for(FIXTURES, name, patient), {}, CONTENT.vocabulary) for name in ORDERS]
    return tuple(order for order in read if order is not None)


class Seen(NamedTuple):
    """What was decided for one order: its use, the cards that speak, those that cannot tell, the state of glutamate."""

    order: str
    use: object
    speaking: frozenset[str]
    untold: frozenset[str]
    glutamate: State


@cache
def decided(patient: str, missing: tuple[str, ...] = ()) -> tuple[Seen, ...]:
    """What every card decides for each order of a person, without some of the answers to our queries."""
    prefetch = {key: value for key, value in prefetch_for(patient).items() if key not in missing}
    return decided_from(patient, prefetch)


def decided_from(patient: str, prefetch: Body) -> tuple[Seen, ...]:
    """Each order by itself: the reason of one order is about the patient of all orders of a call."""
    chart = build_chart(patient, prefetch)
    every = [
        (order, decide_orders(draft_orders_of(order.resource), chart, CONTENT, NOW)) for order in orders_for(patient)
    ]
    return tuple(_seen(order, [one.decision for one in decided]) for order, decided in every)


def _seen(order: Order, decisions: list[Decision]) -> Seen:
    facts = decisions[0].facts
    speaking, untold = (
        frozenset(one.card.id for one in decisions if one.outcome is outcome)
        for outcome in (Outcome.ADVISE, Outcome.CANNOT_TELL)
    )
    return Seen(order.reference, facts["use"].value, speaking, untold, facts["glutamate"].state)


def test_the_orders_of_the_fixtures_are_for_acetylcysteine_but_for_the_others() -> None:
    assert len(orders_for(PATIENTS[0])) == len(ORDERS) - len(NEVER_ACETYLCYSTEINE)


def test_the_orders_of_the_fixtures_are_of_every_use() -> None:
    assert {one.use for patient in PATIENTS for one in decided(patient)} == SCREENED_USES | SILENT_USES


def test_nothing_speaks_for_a_patient_about_whom_nothing_is_known_but_the_card_that_says_so() -> None:
    about_the_order = {"dose-above-studied"}
    for one in decided_from("nobody", {}):
        assert one.speaking - about_the_order == ({"screening-incomplete"} if one.use in SCREENED_USES else set()), one


def test_for_a_patient_without_any_data_the_baseline_card_says_that_nothing_was_measured() -> None:
    for one in decided_from("nobody", dict.fromkeys(FOR_ORDERS)):
        assert one.speaking & BASELINE == ({"glutamate-not-measured"} if one.use == "other" else set()), one


MISSING = [(), *((key,) for key in FOR_ORDERS), *combinations(FOR_ORDERS, 2)]
each_patient = pytest.mark.parametrize("patient", PATIENTS)


@each_patient
def test_whenever_a_card_cannot_tell_the_card_about_screens_not_done_advises(patient: str) -> None:
    every = [(one, missing) for missing in MISSING for one in decided(patient, missing)]
    dose = {"dose-above-studied"}  # a dose that cannot be read is told with the dosing
    untold = [(one, missing) for one, missing in every if one.untold - dose and one.use in SCREENED_USES]
    assert untold
    assert [(one, missing) for one, missing in untold if "screening-incomplete" not in one.speaking] == []


@each_patient
def test_in_antidote_and_ophthalmic_use_nothing_speaks_but_the_allergy_warning_of_an_antidote(patient: str) -> None:
    allowed = {"antidote": {"acetylcysteine-hypersensitivity"}, "ophthalmic": set()}
    silent = [one for missing in MISSING for one in decided(patient, missing) if one.use in SILENT_USES]
    assert silent
    assert [one for one in silent if one.speaking - allowed[str(one.use)]] == []


@each_patient
def test_exactly_one_baseline_card_speaks_in_other_use_unless_glutamate_is_unknown(patient: str) -> None:
    every = [one for missing in MISSING for one in decided(patient, missing)]
    other = [one for one in every if one.use == "other"]
    assert [one for one in every if one.use != "other" and one.speaking & BASELINE] == []
    assert [one for one in other if len(one.speaking & BASELINE) > 1] == []
    silenced = {"acetylcysteine-hypersensitivity"}  # beside a critical allergy there is nothing to dose
    stood_in = [one for one in other if not one.speaking & (BASELINE | silenced)]
    assert {one.glutamate for one in stood_in} <= {State.UNKNOWN}
    assert [one for one in stood_in if "screening-incomplete" not in one.speaking] == []


@each_patient
def test_data_that_are_missing_make_no_card_with_a_finding_speak(patient: str) -> None:
    """Only without the sign of an antidote, or without the weight that rules one out, is an order of another use."""
    honest = BASELINE | {card.id for card in CONTENT.cards if card.after_others}
    for key in FOR_ORDERS:
        for before, after in zip(decided(patient), decided(patient, (key,)), strict=True):
            if before.use == after.use:
                assert after.speaking - before.speaking <= honest, (after, key)
            else:
                assert "antidote" in (before.use, after.use), (before, after, key)


def test_each_answer_is_missing_alone_and_with_each_other() -> None:
    assert set(chain.from_iterable(MISSING)) == set(FOR_ORDERS)
    assert len(set(MISSING)) == 1 + len(FOR_ORDERS) + len(FOR_ORDERS) * (len(FOR_ORDERS) - 1) // 2
