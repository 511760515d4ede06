"""Deciding: advise, stay silent or cannot tell, each with its reasons; and which screens were not done."""

from datetime import date
from decimal import Decimal

import pytest

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact, State, absent, known, unknown
from cds_service.guidance.conditions import AnyOf, Condition, Truth
from cds_service.guidance.deciding import Outcome, decide, indicator_of, screens_not_done, wording_of
from cds_service.guidance.model import Card, Phrase
from tests.support import CONTENT, Body, Json

BECAUSE = "a reason that is long enough"
NOT_SENT, FAILED = "problem list not sent", "allergy list could not be read"
BASELINE = [card.id for card in CONTENT.cards if card.family == "baseline"]


def row(fact: str, **members: Json) -> Condition:
    return Condition.model_validate({"fact": fact, "because": BECAUSE, **members})


RISK = row("bronchospasm_risk", **{"is": "present"})
ALLERGY = row("hypersensitivity", **{"is": "present"})
OTHER_USE = row("use", **{"is": "other"})
NOT_DONE = row("screens_not_done", **{"is": "some"})


def card(identity: str, *when: Json, **members: Json) -> Card:
    return Card.model_validate(
        {
            "id": identity,
            "title": "Title",
            "scope": "patient",
            "sources": [],
            "review": {"written_by": "somebody", "written_on": date(2026, 11, 23)},
            "when": list(when),
            "indicator": [{"level": "info"}],
            "text": {"summary": "Summary", "fold": "", "detail": "Detail"},
            **members,
        }
    )


def facts(**changed: Json) -> Body:
    everything = {
        "use": known("other"),
        "age": known(Decimal(44)),
        "dose_per_day": known(Decimal(1200)),
        "glutamate": known("high"),
        "glutamate_sample": known("baseline"),
        "glutamate_before": absent("none"),
        "cystine": known("normal"),
        "kidney": absent("none"),
        "poisoning": absent("none"),
        "hypersensitivity": absent("none"),
        "bronchospasm_risk": absent("none"),
    }
    others = {name: absent("none") for name in CATALOGUE if name not in {*everything, "screens_not_done"}}
    return {**others, **everything, **changed}


def outcomes(found: Body, *cards: Card) -> Body:
    return {one.card.id: one.outcome for one in decide(found, cards, {})}


# --- three outcomes ---------------------------------------------------------------------------------------------------

PRESENT, NONE, UNKNOWN = known("present"), absent("none"), unknown(NOT_SENT)
OUTCOMES = {
    "both yes": (PRESENT, PRESENT, Outcome.ADVISE),
    "one no": (PRESENT, NONE, Outcome.SILENT),
    "both no": (NONE, NONE, Outcome.SILENT),
    "one cannot be told": (PRESENT, UNKNOWN, Outcome.CANNOT_TELL),
    "both cannot be told": (UNKNOWN, UNKNOWN, Outcome.CANNOT_TELL),
    "a no outweighs what cannot be told": (UNKNOWN, NONE, Outcome.SILENT),
}


@pytest.mark.parametrize(("risk", "allergy", "expected"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_card_advises_stays_silent_or_cannot_tell(risk: Fact, allergy: Fact, expected: Outcome) -> None:
    found = facts(bronchospasm_risk=risk, hypersensitivity=allergy)
    assert outcomes(found, card("both", RISK, ALLERGY)) == {"both": expected}


def test_each_decision_keeps_every_row_with_its_answer_and_the_facts() -> None:
    found = facts(bronchospasm_risk=PRESENT, hypersensitivity=UNKNOWN)
    (decision,) = decide(found, [card("both", RISK, OTHER_USE, ALLERGY)], {})
    assert [(one.row, one.truth) for one in decision.reasons] == [
        (RISK, Truth.YES),
        (OTHER_USE, Truth.YES),
        (ALLERGY, Truth.UNKNOWN),
    ]
    assert decision.facts == found


def test_there_is_a_decision_for_every_card_and_those_after_the_others_come_last() -> None:
    cards = [card("late", NOT_DONE, after_others=True), card("risk", RISK), card("allergy", ALLERGY)]
    assert list(outcomes(facts(), *cards)) == ["risk", "allergy", "late"]


def test_cards_may_be_given_as_an_iterator() -> None:
    decisions = decide(facts(), iter([card("late", NOT_DONE, after_others=True), card("risk", RISK)]), {})
    assert [one.card.id for one in decisions] == ["risk", "late"]


# --- screens that were not done ---------------------------------------------------------------------------------------


def undone(found: Body, *cards: Card, also: list[str] | tuple[Json, ...] = ()) -> Fact:
    screens = [{"fact": one, "uses": ["other"], "because": "for the test"} for one in also]
    last = card("late", NOT_DONE, after_others=True, screens=screens)
    return screens_not_done(found, decide(found, cards, {}), last)


def test_where_every_card_could_be_told_every_screen_was_done() -> None:
    assert undone(facts(), card("risk", RISK), card("allergy", ALLERGY)) == absent("every screen was done")


def test_a_fact_that_kept_a_card_from_being_told_is_named_with_its_reason() -> None:
    fact = undone(facts(bronchospasm_risk=UNKNOWN), card("risk", RISK), card("allergy", ALLERGY))
    assert (fact.state, fact.value) == (State.KNOWN, "some")
    assert fact.texts["list"] == (f"asthma, bronchospasm or COPD: {NOT_SENT}",)


def test_facts_with_one_reason_share_a_line_and_others_have_their_own() -> None:
    found = facts(bronchospasm_risk=unknown(NOT_SENT), hypersensitivity=unknown(FAILED), cystine=unknown(NOT_SENT))
    low = row("cystine", **{"is": "low"})
    fact = undone(found, card("risk", RISK), card("allergy", ALLERGY), card("cystine", low))
    assert fact.texts["list"] == (
        f"asthma, bronchospasm or COPD, plasma cystine: {NOT_SENT}",
        f"allergy to acetylcysteine: {FAILED}",
    )


def test_a_fact_is_named_once_however_many_cards_need_it() -> None:
    found = facts(bronchospasm_risk=UNKNOWN)
    fact = undone(found, card("one", RISK), card("two", RISK, OTHER_USE))
    assert fact.texts["list"] == (f"asthma, bronchospasm or COPD: {NOT_SENT}",)


def test_of_a_card_that_cannot_be_told_only_the_unknown_rows_are_named() -> None:
    found = facts(bronchospasm_risk=UNKNOWN, hypersensitivity=PRESENT)
    fact = undone(found, card("both", ALLERGY, RISK))
    assert fact.texts["list"] == (f"asthma, bronchospasm or COPD: {NOT_SENT}",)


def test_an_unknown_fact_of_a_silent_card_is_not_named() -> None:
    found = facts(bronchospasm_risk=UNKNOWN, use=known("antidote"))
    assert undone(found, card("both", RISK, OTHER_USE)).state is State.ABSENT


def test_an_unknown_fact_that_also_counts_as_yes_is_not_named() -> None:
    adult = row("age", at_least="18 a", also_when=["unknown"])
    assert undone(facts(age=UNKNOWN), card("adult", adult)).state is State.ABSENT


def test_a_fact_that_the_card_always_names_is_named_only_while_unknown() -> None:
    assert undone(facts(), also=["poisoning"]).state is State.ABSENT
    assert undone(facts(poisoning=PRESENT), also=["poisoning"]).state is State.ABSENT
    fact = undone(facts(poisoning=UNKNOWN), also=["poisoning"])
    assert fact.texts["list"] == (f"acetaminophen poisoning: {NOT_SENT}",)


def test_a_card_after_the_others_sees_what_they_could_not_do() -> None:
    late = card("late", NOT_DONE, after_others=True)
    assert outcomes(facts(bronchospasm_risk=UNKNOWN), card("risk", RISK), late)["late"] is Outcome.ADVISE
    assert outcomes(facts(), card("risk", RISK), late)["late"] is Outcome.SILENT


ROWS = {
    "rows of a file": [{"any_of": [RISK.model_dump(by_alias=True, exclude_none=True), ALLERGY]}, RISK],
    "rows that are made already": [AnyOf(any_of=[RISK, ALLERGY], because=BECAUSE), RISK],
}


@pytest.mark.parametrize("when", ROWS.values(), ids=ROWS)
def test_a_card_may_have_rows_of_which_one_is_enough(when: list[Json]) -> None:
    when = [{**one, "because": BECAUSE} if isinstance(one, dict) else one for one in when]
    either, risk = card("either", *when).when
    assert (type(either), type(risk)) == (AnyOf, Condition)
    assert outcomes(facts(hypersensitivity=PRESENT), card("either", either)) == {"either": Outcome.ADVISE}


# --- indicator and wording --------------------------------------------------------------------------------------------

LEVELS = {"antidote": "warning", "other": "critical", "inhaled": "critical", "somatic": "critical"}


@pytest.mark.parametrize(("use", "level"), LEVELS.items(), ids=LEVELS)
def test_an_allergy_is_critical_but_in_antidote_use_a_warning(use: str, level: str) -> None:
    allergy = next(one for one in CONTENT.cards if one.id == "acetylcysteine-hypersensitivity")
    assert indicator_of(allergy, facts(use=known(use))).level == level


def test_the_first_indicator_that_holds_is_taken_and_unknown_does_not_hold() -> None:
    levels = [
        {"level": "critical", "when": [RISK, ALLERGY]},
        {"level": "warning", "when": [RISK]},
        {"level": "info"},
    ]
    one = card("levels", OTHER_USE, indicator=levels, override_reasons=["will-be-monitored"])
    expected = [(PRESENT, PRESENT, "critical"), (PRESENT, UNKNOWN, "warning"), (UNKNOWN, PRESENT, "info")]
    for risk, allergy, level in expected:
        assert indicator_of(one, facts(bronchospasm_risk=risk, hypersensitivity=allergy)).level == level


def phrase(*says: Body) -> Phrase:
    return Phrase.model_validate({"id": "line", "about": "A line.", "says": list(says)})


def test_the_first_wording_that_holds_is_taken() -> None:
    line = phrase({"when": [RISK], "text": "risk"}, {"when": [ALLERGY], "text": "allergy"}, {"text": "neither"})
    taken = [
        wording_of(line, facts(bronchospasm_risk=risk, hypersensitivity=allergy))
        for risk, allergy in ((PRESENT, PRESENT), (UNKNOWN, PRESENT), (UNKNOWN, UNKNOWN), (NONE, NONE))
    ]
    assert [wording and wording.text for wording in taken] == ["risk", "allergy", "neither", "neither"]


def test_where_no_wording_holds_there_is_none() -> None:
    assert wording_of(phrase({"when": [RISK], "text": "risk"}), facts()) is None


# --- the cards of this service: guidance §4 ---------------------------------------------------------------------------

BASELINES = {
    "high": (facts(), "glutamate-high"),
    "normal": (facts(glutamate=known("normal")), "glutamate-normal"),
    "low": (facts(glutamate=known("low")), "glutamate-low"),
    "low, cystine absent": (facts(glutamate=known("low"), cystine=NONE), "glutamate-low"),
    "low, cystine unknown": (facts(glutamate=known("low"), cystine=UNKNOWN), "glutamate-low"),
    "low, cystine low": (facts(glutamate=known("low"), cystine=known("low")), "glutamate-low-cystine-low"),
    "unclassified": (facts(glutamate=known("unclassified")), "glutamate-unclassified"),
    "absent": (facts(glutamate=NONE, glutamate_sample=NONE), "glutamate-not-measured"),
    "on treatment": (facts(glutamate_sample=known("on treatment")), "glutamate-on-treatment"),
    "sample unknown": (facts(glutamate_sample=UNKNOWN), "glutamate-high"),
    "a child": (facts(age=known(Decimal(17))), "no-paediatric-evidence"),
    "a child without a result": (facts(age=known(Decimal(17)), glutamate=NONE), "no-paediatric-evidence"),
    "eighteen": (facts(age=known(Decimal(18))), "glutamate-high"),
    "age unknown": (facts(age=UNKNOWN), "glutamate-high"),
}


@pytest.mark.parametrize(("found", "expected"), BASELINES.values(), ids=BASELINES)
def test_exactly_one_card_of_the_baseline_family_speaks(found: Body, expected: str) -> None:
    spoken = [one.card.id for one in decide(found, CONTENT.cards, CONTENT.phrases) if one.outcome is Outcome.ADVISE]
    assert [identity for identity in spoken if identity in BASELINE] == [expected]


@pytest.mark.parametrize("use", ["antidote", "inhaled", "ophthalmic", "somatic"])
def test_in_any_other_use_no_card_of_the_baseline_family_speaks_or_is_left_open(use: str) -> None:
    for found in (facts(use=known(use)), facts(use=known(use), glutamate=UNKNOWN, age=UNKNOWN)):
        decided = {one.card.id: one.outcome for one in decide(found, CONTENT.cards, CONTENT.phrases)}
        assert {decided[identity] for identity in BASELINE} == {Outcome.SILENT}


EVERYTHING_WRONG = {
    "hypersensitivity": PRESENT,
    "bronchospasm_risk": PRESENT,
    "dose_per_day": known(Decimal(2401)),
    "poisoning": UNKNOWN,
    "age": UNKNOWN,
}
SPEAKING = {
    "antidote": {"acetylcysteine-hypersensitivity"},
    "ophthalmic": set(),
    "inhaled": {"acetylcysteine-hypersensitivity", "bronchospasm-inhaled", "screening-incomplete"},
    "somatic": {
        "acetylcysteine-hypersensitivity",
        "bronchospasm-oral",
        "dose-above-studied",
        "screening-incomplete",
    },
}


@pytest.mark.parametrize(("use", "expected"), SPEAKING.items(), ids=SPEAKING)
def test_each_use_has_only_the_cards_that_the_contract_gives_it(use: str, expected: set[str]) -> None:
    decided = decide(facts(use=known(use), **EVERYTHING_WRONG), CONTENT.cards, CONTENT.phrases)
    assert {one.card.id for one in decided if one.outcome is Outcome.ADVISE} == expected


def test_where_glutamate_is_unknown_the_card_on_screening_stands_in_for_the_baseline() -> None:
    decided = decide(facts(glutamate=unknown("amino acid results not sent")), CONTENT.cards, CONTENT.phrases)
    assert [one.card.id for one in decided if one.outcome is Outcome.ADVISE] == ["screening-incomplete"]


def test_a_dose_of_2400_mg_is_not_above_the_dose_studied() -> None:
    for dose, expected in ((2400, Outcome.SILENT), (2401, Outcome.ADVISE)):
        decided = decide(facts(dose_per_day=known(Decimal(dose))), CONTENT.cards, CONTENT.phrases)
        assert next(one.outcome for one in decided if one.card.id == "dose-above-studied") is expected
