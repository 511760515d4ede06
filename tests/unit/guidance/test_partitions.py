"""Which combinations of facts can be read at all: the proofs pass over the others."""

from decimal import Decimal

import pytest

from cds_service.clinical.facts import Facts, absent, known, unknown
from cds_service.content.partitions import Partitions, is_possible
from tests.support import CONTENT

DAYS, NO_START = known(Decimal(56)), unknown("no start")
OPEN, NONE, HIGH = unknown("not sent"), absent("none"), known("high")
NEW, DUE, MEASURED = known("present"), known("not measured"), known("measured")

POSSIBLE: dict[str, tuple[Facts, bool]] = {
    "a start, and a risk": ({"treatment_days": DAYS, "new_hypersensitivity": NEW}, True),
    "a start, and no risk": ({"treatment_days": DAYS, "new_hypersensitivity": NONE}, True),
    "no start, and a risk": ({"treatment_days": NO_START, "new_hypersensitivity": NEW}, False),
    "no start, and no risk": ({"treatment_days": NO_START, "new_hypersensitivity": NONE}, False),
    "no start, and a risk that is open": ({"treatment_days": NO_START, "new_hypersensitivity": OPEN}, True),
    "no start, and a risk by way of another fact": ({"treatment_days": NO_START, "new_glutamine_risk": NONE}, False),
    "no start, and a baseline": ({"treatment_days": NO_START, "baseline_glutamate": HIGH}, False),
    "no start, and a result since": ({"treatment_days": NO_START, "measured_since": MEASURED}, False),
    "no start, and orders of the laboratory": ({"treatment_days": NO_START, "amino_acids_pending": NONE}, True),
    "no start, and what does not rest on it": ({"treatment_days": NO_START, "glutamate": HIGH}, True),
    "a risk, whatever the start": ({"new_hypersensitivity": NEW}, True),
    "a result that was measured": ({"follow_up_glutamate": HIGH, "measured_since": MEASURED}, True),
    "a result that was not measured": ({"follow_up_glutamate": HIGH, "measured_since": DUE}, False),
    "no result, and measured": ({"follow_up_glutamate": NONE, "measured_since": MEASURED}, False),
    "no result, not measured": ({"follow_up_glutamate": NONE, "measured_since": DUE}, True),
    "a result without an age": ({"follow_up_glutamate": HIGH, "follow_up_age": NONE}, False),
    "a result of which nothing is known, with an age": (
        {"follow_up_glutamate": OPEN, "follow_up_age": known(Decimal(3))},
        False,
    ),
    "nothing known of a result": (
        {"follow_up_glutamate": OPEN, "follow_up_age": OPEN, "measured_since": OPEN},
        True,
    ),
}


@pytest.mark.parametrize(("facts", "expected"), POSSIBLE.values(), ids=POSSIBLE)
def test_what_rests_on_a_start_or_on_a_result_is_known_with_it(facts: Facts, expected: bool) -> None:
    assert is_possible(facts) is expected


def test_the_days_of_the_contract_are_told_apart() -> None:
    partitions = Partitions(CONTENT)
    days = {facts["treatment_days"].value for facts in partitions.combinations(["treatment_days"])}
    assert {Decimal(55), Decimal(56), Decimal(57)} <= days
    ages = {facts["follow_up_age"].value for facts in partitions.combinations(["follow_up_age"])}
    assert {Decimal(29), Decimal(30), Decimal(31), None} == ages


def test_every_combination_that_is_listed_is_possible() -> None:
    names = ["treatment_days", "follow_up_glutamate", "measured_since", "new_pregnancy"]
    listed = list(Partitions(CONTENT).combinations(names))
    assert all(map(is_possible, listed))
    assert {facts["treatment_days"].state for facts in listed} == {DAYS.state, NO_START.state}
