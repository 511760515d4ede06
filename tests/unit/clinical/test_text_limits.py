"""How much text of a call is looked at, and what becomes of the rest."""

from typing import Any

import pytest

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.orders.drafts import read_orders
from cds_service.clinical.text_limits import MAX_TEXT, NOT_READ, is_too_much, limit_texts, text_size
from tests.support import VOCABULARY

Json = Any
HALF = "x" * (MAX_TEXT // 2 + 1)


def order(**members: Json) -> Json:
    return {"resourceType": "MedicationRequest", "id": "draft", "medicationCodeableConcept": {"text": "a"}, **members}


def medication(text: str) -> Json:
    return {"resourceType": "Medication", "id": "drug", "code": {"text": text}}


def chart_of(**data: Data) -> Chart:
    return Chart("p", data)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("four", 4),
        ({"text": "ab", "coding": [{"display": "cd", "system": "not counted", "code": "nor this"}]}, 4),
        ({"text": {"div": "a narrative"}, "code": {"text": "abc"}}, 3),
        ([{"unheard-of": ["ab", 1, None, True, {"deeper": "c"}]}], 3),
    ],
)
def test_every_string_counts_that_may_be_a_name_or_free_text(value: Json, size: int) -> None:
    assert text_size(value) == size


@pytest.mark.parametrize(
    ("orders", "entries", "problems"),
    [
        ([order(note=[{"text": HALF}, {"text": HALF}])], [], []),
        ([order(note=[{"text": HALF}]), order(note=[{"text": HALF}])], [], []),
        (
            [order(medicationReference={"reference": "Medication/drug"})] * 2,
            [{"resource": medication(HALF)}],
            [],
        ),
        (
            [order(reasonReference=[{"reference": "Condition/why"}], note=[{"text": HALF}])],
            [],
            [{"resourceType": "Condition", "id": "why", "code": {"text": HALF}}],
        ),
    ],
    ids=["one order", "two orders", "one Medication twice", "a reason on record"],
)
def test_orders_with_too_much_text_are_not_read(orders: list[Json], entries: list[Json], problems: list[Json]) -> None:
    chart = chart_of(problemList=Data(Arrival.GIVEN, tuple(problems)))
    assert is_too_much(orders, entries, chart)
    assert not is_too_much(orders[:1], [], None) or len(orders) == 1


def test_none_of_the_orders_is_recognised_where_there_is_too_much_text() -> None:
    drafts = [order(medicationCodeableConcept={"text": "acetylcysteine"}), order(note=[{"text": HALF * 2}])]
    read = read_orders("p", drafts, drafts, [], VOCABULARY)
    assert (read.too_much_text, read.acetylcysteine_orders) == (True, ())
    assert not read_orders("p", drafts[:1], drafts[:1], [], VOCABULARY).too_much_text


@pytest.mark.parametrize("key", ["problemList", "allergyList", "aminoAcids"])
def test_a_list_keeps_what_comes_before_the_limit_and_says_what_is_missing(key: str) -> None:
    entries = tuple({"resourceType": "Condition", "code": {"text": HALF}, "id": str(index)} for index in range(3))
    limited = limit_texts(chart_of(**{key: Data(Arrival.GIVEN, entries, "not all its pages came")})).get(key)
    assert limited.resources == entries[:1]
    assert (limited.arrival, limited.gap) == (Arrival.GIVEN, f"not all its pages came; {NOT_READ}")


def test_a_list_of_which_nothing_is_read_has_failed() -> None:
    entry = {"resourceType": "Condition", "code": {"text": HALF * 2}}
    limited = limit_texts(chart_of(problemList=Data(Arrival.GIVEN, (entry,)))).get("problemList")
    assert limited == Data(Arrival.FAILED, (), NOT_READ)


def test_a_medication_counts_for_each_entry_that_references_it() -> None:
    entries = tuple(order(medicationReference={"reference": "Medication/drug"}, id=str(index)) for index in range(300))
    of_drug = medication("x" * 1000)
    limited = limit_texts(chart_of(activeMedications=Data(Arrival.GIVEN, (*entries, of_drug)))).get("activeMedications")
    assert limited.gap == NOT_READ
    assert 50 < len(limited.resources) < 100


def test_a_long_list_of_ordinary_names_is_whole() -> None:
    entries = tuple({"code": {"text": "hypertension", "coding": [{"code": "1" * 500}]}} for _ in range(1000))
    whole = Data(Arrival.GIVEN, entries)
    assert limit_texts(chart_of(problemList=whole)).get("problemList") is whole
