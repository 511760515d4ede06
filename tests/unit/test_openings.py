"""How many openings show a card is counted on invented patients: the same each time, and silent where they must be."""

import pytest

from benchmarks.openings import NEW_RISKS, USES, WORST, Opening, longest_run, open_charts, without_repeated, write_table
from tests.support import CONTENT

FEW = 120
SILENT = {"inhaled", "antidote", "eye drops", "mucolytic, with its reason"}
CARDS = {"follow-up-due", "response", "new-risk"}


@pytest.fixture(scope="module")
def openings() -> list[Opening]:
    return open_charts(USES, CONTENT, FEW)


def test_the_shares_of_the_uses_are_shares() -> None:
    assert sum(use.share for use in USES) == pytest.approx(1)
    assert all(0 < share < 0.05 for share, _ in NEW_RISKS.values())


def test_the_same_seed_makes_the_same_patients_and_another_one_others(openings: list[Opening]) -> None:
    assert open_charts(USES, CONTENT, FEW) == openings
    assert open_charts(USES, CONTENT, FEW, seed=2) != openings


def test_only_use_that_is_monitored_shows_a_card(openings: list[Opening]) -> None:
    assert {opening.use for opening in openings} >= SILENT
    assert not [opening for opening in openings if opening.use in SILENT and opening.cards]
    assert {name for opening in openings for name, _ in opening.cards} <= CARDS


def test_all_three_cards_are_counted_where_everybody_has_a_baseline() -> None:
    shown = {name for opening in open_charts(WORST, CONTENT, FEW) for name, _ in opening.cards}
    assert shown == CARDS


def test_a_card_is_counted_once_a_visit_where_it_is_not_repeated() -> None:
    due, other = ("follow-up-due", "8 weeks"), ("new-risk", "nitroglycerin")
    rows = [(0, (due,)), (0, (due, other)), (1, (due,)), (1, ()), (1, (due,))]
    openings = [Opening("other", 1, visit, cards) for visit, cards in rows]
    assert [opening.cards for opening in without_repeated(openings)] == [(due,), (other,), (due,), (), ()]
    assert [longest_run(openings, name) for name in ("follow-up-due", "new-risk", "response")] == [3, 1, 0]


def test_a_run_ends_with_the_chart() -> None:
    due = (("follow-up-due", "8 weeks"),)
    assert longest_run([Opening("other", patient, 0, due) for patient in (1, 1, 2)], "follow-up-due") == 2


def test_the_table_counts_patients_openings_and_cards() -> None:
    due, silent = Opening("a", 1, 0, (("follow-up-due", "said"),)), Opening("b", 2, 0, ())
    table = write_table([due, silent, silent, silent])
    assert "| a | 1 | 1 | 1 (100.0%) | 1 (100.0%) |" in table
    assert "| b | 1 | 3 | 0 | 0 |" in table
    assert "| all | 2 | 4 | 1 (25.0%) | 1 (25.0%) |" in table
