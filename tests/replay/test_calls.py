"""Which orders form one call, and what is said of those that form none."""

from datetime import date

import pytest

from cds_service.replay.calls import Period
from cds_service.replay.counting import FOUND_BY, NOT_REBUILT, PASSED_OVER, Counts
from tests.builders import RXNORM, concept, medication_request
from tests.replay.exports import card_ids, past_order, replayed
from tests.support import Body

VISIT = {"encounter": {"reference": "Encounter/visit"}}
OTHER_VISIT = {"encounter": {"reference": "Encounter/other"}}
CASES: dict[str, tuple[Body, Body, int]] = {
    "one encounter": (VISIT, VISIT, 1),
    "two encounters at the same minute": (VISIT, OTHER_VISIT, 2),
    "no encounter, the same minute": (
        {"authoredOn": "2026-11-23T09:00:02Z"},
        {"authoredOn": "2026-11-23T09:00:58Z"},
        1,
    ),
    "no encounter, another minute": ({"authoredOn": "2026-11-23T09:00:58Z"}, {"authoredOn": "2026-11-23T09:01:02Z"}, 2),
    "the same minute in two time zones": (
        {"authoredOn": "2026-11-23T09:00:02Z"},
        {"authoredOn": "2026-11-23T10:00:02+01:00"},
        1,
    ),
}


@pytest.mark.parametrize(("first", "second", "number"), CASES.values(), ids=CASES)
def test_orders_that_were_signed_together_form_one_call(first: Body, second: Body, number: int) -> None:
    calls = replayed(past_order("a", **first), past_order("b", **second))

    assert len(calls) == number
    assert sorted(order.id for call in calls for order in call.orders) == ["a", "b"]


def test_a_call_of_several_days_is_at_the_moment_of_its_last_order_and_is_counted() -> None:
    counts = Counts()
    first = past_order("a", authoredOn="2026-11-20T10:00:00Z", **VISIT)
    (call,) = replayed(first, past_order("b", authoredOn="2026-11-22T10:00:00Z", **VISIT), counts=counts)

    assert call.moment == "2026-11-22T10:00:00+00:00"
    assert counts.of(NOT_REBUILT)["encounters whose orders were written on several days, taken as one call"] == 1


def test_an_order_of_another_drug_of_the_same_minute_stands_beside() -> None:
    drug = concept("4917", RXNORM, text="Nitroglycerin 0.4 MG Sublingual Tablet")
    beside = medication_request(drug, status="stopped", authoredOn="2026-11-23T09:00:30Z")
    (call,) = replayed(past_order(authoredOn="2026-11-23T09:00:10Z"), beside)

    assert "nitroglycerin-interaction" in card_ids(call)
    assert [order.id for order in call.orders] == ["o1"]


@pytest.mark.parametrize(
    ("period", "number"),
    [
        (Period(date(2026, 11, 23), date(2026, 11, 23)), 1),
        (Period(date(2026, 11, 24), None), 0),
        (Period(None, date(2026, 11, 22)), 0),
        (Period(), 1),
    ],
)
def test_the_period_is_of_whole_days_both_included(period: Period, number: int) -> None:
    counts = Counts()

    assert len(replayed(past_order(), counts=counts, period=period)) == number
    assert counts.of(PASSED_OVER) == ({} if number else {"an order outside the period asked for": 1})


def test_an_order_is_found_by_code_by_name_and_by_the_medication_that_it_points_to() -> None:
    counts = Counts()
    drug = {"resourceType": "Medication", "id": "d", "code": concept("606971", RXNORM)}
    by_reference = past_order(
        "c", medicationCodeableConcept=None, medicationReference={"reference": "Medication/d"}, **VISIT
    )
    by_name = past_order("b", medicationCodeableConcept={"text": "Acetylcysteine"}, **VISIT)
    (call,) = replayed(past_order("a", **VISIT), by_name, by_reference, drug, counts=counts)

    assert len(call.orders) == 3
    assert counts.of(FOUND_BY) == {"code of RxNorm": 2, "name": 1}


def test_a_resource_that_came_twice_counts_once_as_it_was_updated_last() -> None:
    counts = Counts()
    newer = past_order(status="entered-in-error", meta={"lastUpdated": "2026-11-25T00:00:00Z"})
    older = past_order(meta={"lastUpdated": "2026-11-24T00:00:00Z"})

    assert replayed(newer, older, counts=counts) == replayed(older, newer) == []
    assert counts.of(PASSED_OVER)["a resource whose type and id came before"] == 1


def test_a_call_that_the_service_refuses_is_silent_with_the_reason() -> None:
    (call,) = replayed(past_order(note=[{"text": "words " * 30_000}]))

    assert call.cards == ()
    assert [order.silent for order in call.orders] == ["not answered: the orders have more text than is read"]


def test_an_antidote_gets_no_card() -> None:
    (call,) = replayed(past_order(reasonCode=[{"text": "paracetamol overdose"}]))

    assert [(order.use, order.silent) for order in call.orders] == [("antidote", "use antidote: no card applies")]
