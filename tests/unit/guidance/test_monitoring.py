"""Deciding about treatment: its own cards, and what the cards on glutamine make of a new risk."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.facts import Fact, State, absent, known, unknown
from cds_service.guidance.deciding import ADVISE, CANNOT_TELL, SILENT, Decision, Outcome, indicator_of
from cds_service.guidance.monitoring import decide_treatment, glutamine_risk
from cds_service.hooks.discovery import HOOKS
from tests.support import CONTENT, Body

GLUTAMINE = {card.id: card for card in CONTENT.order_cards if card.family == "glutamine"}
NEW = known("present", term="L-glutamine", day="2 Nov 2026")
NOT_NEW, OPEN = absent("none"), unknown("problem list not sent")


def facts(**changed: Fact) -> dict[str, Fact]:
    """An adult on acetylcysteine for eight weeks, with nothing else to say of her."""
    usual = {
        "use": known("other"),
        "age": known(Decimal(46)),
        "treatment_days": known(Decimal(56), since="28 September 2026", since_day="28 Sep 2026", weeks="8 weeks"),
        "measured_since": known("not measured"),
    }
    return {**{name: absent("none") for name in CATALOGUE}, **usual, **changed}


def decided(**outcomes: Outcome) -> list[Decision]:
    """What the cards on glutamine came to: each by the last word of its id."""
    found = []
    for identity, card in GLUTAMINE.items():
        outcome = outcomes.get(identity.rpartition("-")[2], SILENT)
        indicator = indicator_of(card, facts()) if outcome is ADVISE else None
        found.append(Decision(card, outcome, facts(clearance=OPEN, parenteral_glutamine=NEW), indicator))
    return found


RISKS: dict[str, tuple[Fact, Sequence[Decision], State, str | None]] = {
    "new, and contraindicated": (NEW, decided(contraindicated=ADVISE), State.KNOWN, "contraindicated"),
    "new, beside an injury": (NEW, decided(injury=ADVISE), State.KNOWN, "caution"),
    "new, beside a disease": (NEW, decided(disease=ADVISE), State.KNOWN, "caution"),
    "new, a caution and perhaps more": (
        NEW,
        decided(injury=ADVISE, contraindicated=CANNOT_TELL),
        State.KNOWN,
        "caution",
    ),
    "new, beside kidneys of which nothing is known": (NEW, decided(contraindicated=CANNOT_TELL), State.UNKNOWN, None),
    "new, beside sound kidneys": (NEW, decided(), State.ABSENT, None),
    "not new, and contraindicated": (NOT_NEW, decided(contraindicated=ADVISE), State.ABSENT, None),
    "not new, beside kidneys of which nothing is known": (
        NOT_NEW,
        decided(contraindicated=CANNOT_TELL),
        State.ABSENT,
        None,
    ),
    "perhaps new, and contraindicated": (OPEN, decided(contraindicated=ADVISE), State.UNKNOWN, None),
    "perhaps new, beside sound kidneys": (OPEN, decided(), State.UNKNOWN, None),
}


@pytest.mark.parametrize(("new", "decisions", "state", "value"), RISKS.values(), ids=RISKS)
def test_new_glutamine_is_what_its_own_cards_make_of_it(
    new: Fact, decisions: Sequence[Decision], state: State, value: str | None
) -> None:
    risk = glutamine_risk({"new_glutamine": new, "clearance": OPEN}, decisions)
    assert (risk.state, risk.value) == (state, value)
    if state is State.KNOWN:
        assert risk.texts == NEW.texts


def test_where_it_cannot_be_told_the_reason_is_that_of_the_kidney() -> None:
    risk = glutamine_risk({"new_glutamine": NEW, "clearance": OPEN}, decided(contraindicated=CANNOT_TELL))
    assert risk.note == OPEN.note


def test_every_card_about_treatment_is_decided_and_no_other() -> None:
    assert [decision.card for decision in decide_treatment(facts(), CONTENT)] == list(CONTENT.treatment_cards)


URGENCY = {
    "dialysis": ({"dialysis": known("present", summary="dialysis")}, ADVISE, "warning"),
    "an injury": ({"kidney_injury": known("present", summary="acute kidney injury")}, ADVISE, "info"),
    "nothing on record of the kidneys": (
        {"clearance": OPEN, "dialysis": OPEN, "kidney_disease": OPEN, "kidney_injury": OPEN},
        CANNOT_TELL,
        None,
    ),
    "sound kidneys": ({}, SILENT, None),
}


@pytest.mark.parametrize(("kidney", "outcome", "level"), URGENCY.values(), ids=URGENCY)
def test_new_glutamine_is_decided_from_the_facts_as_beside_an_order(
    kidney: Body, outcome: Outcome, level: str | None
) -> None:
    given = facts(parenteral_glutamine=known("present", term="L-glutamine"), new_glutamine=NEW, **kidney)
    (decision,) = [one for one in decide_treatment(given, CONTENT) if one.card.id == "new-risk"]
    assert decision.outcome is outcome
    assert (decision.indicator.level if decision.indicator else None) == level


@pytest.mark.parametrize("use", ("antidote", "inhaled", "ophthalmic", "elsewhere", "somatic"))
def test_no_card_about_treatment_speaks_of_another_use(use: str) -> None:
    given = facts(use=known(use), new_hypersensitivity=NEW, baseline_glutamate=known("high"))
    assert {decision.outcome for decision in decide_treatment(given, CONTENT)} == {SILENT}


# --- which cards are asked where --------------------------------------------------------------------------------------


def test_every_card_is_asked_either_about_orders_or_as_a_chart_is_opened() -> None:
    about_orders, about_treatment = (
        {card.id for card in cards} for cards in (CONTENT.order_cards, CONTENT.treatment_cards)
    )
    assert about_orders | about_treatment == {card.id for card in CONTENT.cards}
    assert not about_orders & about_treatment
    assert about_treatment == {"follow-up-due", "response", "new-risk"}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_asks_its_own_cards(hook: str) -> None:
    expected = CONTENT.treatment_cards if hook == "patient-view" else CONTENT.order_cards
    assert CONTENT.cards_at(hook) == expected
