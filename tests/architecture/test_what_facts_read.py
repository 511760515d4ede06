"""The catalogue says by which lists and thresholds each fact is read: what signatures of cards rest on."""

import pytest

from cds_service.clinical.catalogue import CATALOGUE, with_grounds
from cds_service.clinical.vocabulary import CODE_LISTS, NAME_LISTS, THRESHOLDS
from cds_service.fhir.queries import QUERIES
from tests.architecture.reading_of_facts import FACT, NUMBERS, read_by

READ_BY = read_by()
BY_NUMBER = {"none-known", "family-history"}  # read by their numbers alone: an entry with one is something else


def declared(fact: str) -> set[str]:
    """What a fact is read by, as the catalogue has it, with all that it rests on."""
    grounds = with_grounds([fact])
    names = {name for ground in grounds for name in (*ground.lists, *ground.thresholds)}
    queried = {name for ground in grounds for key in ground.queries for name in QUERIES[key].code_lists}
    return names | queried | ({NUMBERS} if any(ground.numbers for ground in grounds) else set())


def read(fact: str) -> set[str]:
    """What the code reads a fact by, with all that it rests on."""
    grounds = {ground.name for ground in with_grounds([fact])}
    return {name for ground in grounds for name in READ_BY.get(ground, set()) if not name.startswith(FACT)}


@pytest.mark.parametrize("fact", CATALOGUE)
def test_a_fact_is_read_by_nothing_that_the_catalogue_does_not_say(fact: str) -> None:
    assert read(fact) - declared(fact) == set()


@pytest.mark.parametrize("fact", CATALOGUE)
def test_the_catalogue_says_nothing_that_a_fact_is_not_read_by(fact: str) -> None:
    """But for the other lists of a query: they share its limit of results."""
    queried = {name for key in _queries(fact) for name in QUERIES[key].code_lists}
    assert declared(fact) - read(fact) - queried - BY_NUMBER == set()


def _queries(fact: str) -> set[str]:
    return {key for ground in with_grounds([fact]) for key in ground.queries}


@pytest.mark.parametrize("fact", CATALOGUE)
def test_a_fact_that_is_worked_out_from_others_rests_on_them(fact: str) -> None:
    taken = {name.removeprefix(FACT) for name in READ_BY.get(fact, set()) if name.startswith(FACT)}
    assert taken <= {ground.name for ground in with_grounds([fact])}


def test_every_list_and_threshold_is_read_by_some_fact() -> None:
    assert {*CODE_LISTS, *NAME_LISTS, *THRESHOLDS} - {name for fact in CATALOGUE for name in declared(fact)} == set()


def test_what_the_code_reads_is_found_at_all_so_that_the_tests_above_can_fail() -> None:
    assert "bronchospasm-risk-words" in READ_BY["bronchospasm_risk"]  # an argument
    assert {"dialysis-words", "creatinine-lowest"} <= READ_BY["kidney"]  # names that are put together
    assert {"antidote-single-dose", "somatic-words"} <= READ_BY["use"]  # far down, and through a variable
    assert NUMBERS in READ_BY["nitroglycerin"]
    assert f"{FACT}clearance" in READ_BY["glutamine_kidney"]
