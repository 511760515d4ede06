"""Parenteral glutamine and a kidney disease beside it, of which one came on record after a treatment began."""

import pytest

from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, State
from tests.builders import ICD10CM, concept
from tests.support import Json
from tests.unit.clinical.monitoring.treated import (
    GAPS,
    NAMELESS,
    STAGE_3,
    STAGE_5,
    decisions,
    fact,
    glutamine,
    medications,
    on_glutamine,
    outcome,
    problems,
)

OLD, NEW = "2026-01-01", "2026-11-02"
TOGETHER = {
    "new glutamine, old kidney disease": (NEW, OLD, KNOWN),
    "old glutamine, new kidney disease": (OLD, NEW, KNOWN),
    "both new": (NEW, NEW, KNOWN),
    "both old": (OLD, OLD, ABSENT),
    "old glutamine, kidney disease without a date": (OLD, None, ABSENT),
    "old glutamine, kidney disease with an unreadable date": (OLD, "lately", UNKNOWN),
}


@pytest.mark.parametrize(("drugged", "diseased", "expected"), TOGETHER.values(), ids=TOGETHER)
def test_glutamine_or_the_kidney_disease_beside_it_is_new(drugged: str, diseased: Json, expected: State) -> None:
    prefetch = on_glutamine(drugged, STAGE_5, since=diseased)
    assert fact("new_glutamine", **prefetch).state is expected
    told = {KNOWN: "advise", UNKNOWN: "cannot tell", ABSENT: "stay silent"}
    assert outcome("new-risk", **prefetch) == told[expected]


NAMED = {
    "new glutamine": (NEW, OLD, "“L-glutamine”, by name"),
    "a new kidney disease": (OLD, NEW, "chronic kidney disease stage 5"),
    "both new": (NEW, NEW, "“L-glutamine”, by name"),
}


@pytest.mark.parametrize(("drugged", "diseased", "term"), NAMED.values(), ids=NAMED)
def test_the_new_one_of_the_two_is_named_with_its_day(drugged: str, diseased: str, term: str) -> None:
    read = fact("new_glutamine", **on_glutamine(drugged, STAGE_5, since=diseased))
    assert (read.texts["day"], read.texts["term"]) == ("2 Nov 2026", term)


def test_a_new_kidney_disease_without_glutamine_is_none_of_its_risks() -> None:
    assert fact("new_glutamine", **problems(STAGE_5)).state is ABSENT


def test_a_new_kidney_disease_beside_what_may_be_glutamine_leaves_it_open() -> None:
    may_be = {"activeMedications": medications(glutamine(OLD, dosageInstruction=None))}
    assert fact("new_glutamine", **may_be, **problems(STAGE_5)).state is UNKNOWN
    assert fact("new_glutamine", **may_be, **problems(STAGE_5, recorded=OLD)).state is ABSENT


def test_old_glutamine_beside_problems_that_did_not_come_leaves_it_open() -> None:
    old = {"activeMedications": medications(glutamine(OLD))}
    assert fact("new_glutamine", **old, problemList=GAPS["failed"]).state is UNKNOWN
    assert fact("new_glutamine", **old, **problems(NAMELESS)).state is UNKNOWN


LEVELS = {
    "dialysis": (concept("Z99.2", ICD10CM), "warning", "contraindicated"),
    "stage 5": (STAGE_5, "warning", "contraindicated"),
    "stage 4": (concept("N18.4", ICD10CM), "info", "caution"),
    "stage 3": (STAGE_3, "info", "caution"),
}


@pytest.mark.parametrize(("kidney", "level", "expected"), LEVELS.values(), ids=LEVELS)
def test_what_its_own_cards_make_of_it_decides_how_urgent_it_is(kidney: Json, level: str, expected: str) -> None:
    decided = decisions(**on_glutamine(NEW, kidney))["new-risk"]
    assert decided.facts["new_glutamine_risk"].value == expected
    assert decided.indicator is not None
    assert decided.indicator.level == level


def test_new_glutamine_beside_kidneys_of_which_nothing_came_cannot_be_told() -> None:
    assert outcome("new-risk", **on_glutamine(NEW), kidneyResults=GAPS["failed"]) == "cannot tell"
