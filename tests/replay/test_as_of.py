"""What was known at a moment: a table of entries, dates and statuses."""

from typing import Any

import pytest

from cds_service.replay.counting import NOT_REBUILT, PASSED_OVER, UNDATED, Counts
from cds_service.replay.quality import plain_reason
from tests.builders import RXNORM, SNOMED, allergy, concept, condition, medication_request, status
from tests.replay.exports import EVERYTHING, MOMENT, card_ids, glutamate, past_order, replayed
from tests.support import Body

BEFORE, AFTER = "2026-11-20", "2026-11-24"
LATER_THAT_DAY, EARLIER_THAT_DAY = "2026-11-23T09:00:01+00:00", "2026-11-23T08:59:59+00:00"

RESULTS = {  # issued, sample taken -> whether the result is used
    "issued before": (BEFORE, BEFORE, True),
    "issued a second before": (EARLIER_THAT_DAY, BEFORE, True),
    "issued a second after, although its sample was taken before": (LATER_THAT_DAY, BEFORE, False),
    "issued before, in another time zone": ("2026-11-23T11:59:00+03:00", BEFORE, True),
    "never issued, its sample taken before": (None, BEFORE, True),
    "never issued, its sample taken after": (None, AFTER, False),
    "never issued, its sample taken on that day": (None, "2026-11-23", True),
}


@pytest.mark.parametrize(("issued", "taken", "is_used"), RESULTS.values(), ids=RESULTS)
def test_a_result_counts_from_when_it_was_issued(issued: str | None, taken: str, is_used: bool) -> None:
    (call,) = replayed(past_order(), glutamate(taken, issued=issued))

    assert ("glutamate-high" in card_ids(call)) is is_used
    assert ("glutamate-not-measured" in card_ids(call)) is not is_used


STATUSES = {
    **dict.fromkeys(("active", "completed", "stopped", "on-hold", "cancelled"), True),
    **dict.fromkeys(("draft", "entered-in-error", "unknown"), False),
}


@pytest.mark.parametrize(("order_status", "is_replayed"), STATUSES.items())
def test_an_order_counts_by_what_became_of_it(order_status: str, is_replayed: bool) -> None:
    counts = Counts()
    calls = replayed(past_order(status=order_status), counts=counts)

    assert len(calls) == is_replayed
    expected = {} if is_replayed else {f"an order whose status is {order_status}": 1}
    assert counts.of(PASSED_OVER) == expected


@pytest.mark.parametrize("members", [{"authoredOn": None}, {"authoredOn": "2026"}, {"authoredOn": "soon"}], ids=str)
def test_an_order_without_its_day_is_passed_over(members: Body) -> None:
    counts = Counts()

    assert replayed(past_order(**members), counts=counts) == []
    assert counts.of(PASSED_OVER) == {"an order without the day on which it was written": 1}


def test_an_order_that_must_not_be_performed_is_passed_over() -> None:
    counts = Counts()

    assert replayed(past_order(doNotPerform=True), counts=counts) == []
    assert counts.of(PASSED_OVER) == {"an order that says that it is not to be performed": 1}


ALLERGY = concept("197", RXNORM, text="Acetylcysteine")
ASTHMA = concept("195967001", SNOMED, text="Asthma")
LISTS: dict[str, tuple[Body, str]] = {
    "allergy": (allergy(ALLERGY, clinicalStatus=status("active")), "acetylcysteine-hypersensitivity"),
    "condition": (condition(ASTHMA), "bronchospasm-oral"),
}
DATES: dict[str, tuple[Body, str, bool | None]] = {  # members, --undated -> found, not found, or None: cannot tell
    "recorded before": ({"recordedDate": BEFORE}, "known", True),
    "recorded after": ({"recordedDate": AFTER}, "known", False),
    "recorded in a year before": ({"recordedDate": "2025"}, "known", True),
    "recorded some time that year, known": ({"recordedDate": "2026"}, "known", True),
    "recorded some time that year, unknown": ({"recordedDate": "2026"}, "unknown", None),
    "not dated, known": ({}, "known", True),
    "not dated, unknown": ({}, "unknown", None),
    "recorded before, unknown": ({"recordedDate": BEFORE}, "unknown", True),
    "not dated, but begun after": ({"onsetDateTime": AFTER}, "known", False),
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize(("members", "undated", "found"), DATES.values(), ids=DATES)
def test_an_entry_of_a_list_counts_from_when_it_was_recorded(
    kind: str, members: Body, undated: Any, found: bool | None
) -> None:
    entry, card = LISTS[kind]
    (call,) = replayed(past_order(), entry | members, undated=undated)

    assert (card in card_ids(call)) is (found is True)
    assert any(kind in line or "problem" in line or "bronchospasm" in line for line in call.not_done) is (found is None)


def test_undated_entries_are_counted() -> None:
    counts = Counts()
    replayed(past_order(), condition(ASTHMA), allergy(ALLERGY, recordedDate=BEFORE), counts=counts)

    assert counts.of(UNDATED) == {"Condition": 1}


def test_a_condition_that_has_ended_since_was_active_then() -> None:
    over = {"clinicalStatus": status("resolved"), "recordedDate": BEFORE}
    (ended_after,) = replayed(past_order(), condition(ASTHMA, **over, abatementDateTime=AFTER))
    (ended_before,) = replayed(past_order(), condition(ASTHMA, **over, abatementDateTime=BEFORE))

    assert "bronchospasm-oral" in card_ids(ended_after)
    assert "bronchospasm-oral" not in card_ids(ended_before)


NITROGLYCERIN = concept("4917", RXNORM, text="Nitroglycerin 0.4 MG Sublingual Tablet")
PERIOD = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-11-01", "end": "2026-11-30"}}}}
OVER = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-11-01", "end": "2026-11-22"}}}}
LENGTH = {"timing": {"repeat": {"boundsDuration": {"value": 30, "unit": "d", "code": "d"}}}}
MEDICATIONS: dict[str, tuple[Body, bool | None]] = {
    "active since before": ({"status": "active", "authoredOn": BEFORE}, True),
    "active since after": ({"status": "active", "authoredOn": AFTER}, False),
    "completed, its period covers the moment": (
        {"status": "completed", "authoredOn": "2026-11-01", "dosageInstruction": [PERIOD]},
        True,
    ),
    "completed, its length covers the moment": (
        {"status": "completed", "authoredOn": "2026-11-01", "dosageInstruction": [LENGTH]},
        True,
    ),
    "completed, its period was over": (
        {"status": "completed", "authoredOn": "2026-11-01", "dosageInstruction": [OVER]},
        False,
    ),
    "completed, without an end": ({"status": "completed", "authoredOn": "2026-11-01"}, None),
    "stopped, without an end": ({"status": "stopped", "authoredOn": "2026-11-01"}, None),
    "cancelled": ({"status": "cancelled", "authoredOn": "2026-11-01"}, None),
    "entered in error": ({"status": "entered-in-error", "authoredOn": "2026-11-01"}, False),
    "a draft": ({"status": "draft", "authoredOn": "2026-11-01"}, False),
}


@pytest.mark.parametrize(("members", "found"), MEDICATIONS.values(), ids=MEDICATIONS)
def test_a_medication_counts_while_it_was_in_force(members: Body, found: bool | None) -> None:
    (call,) = replayed(past_order(), medication_request(NITROGLYCERIN, **members))

    assert ("nitroglycerin-interaction" in card_ids(call)) is (found is True)
    unsure = "nitroglycerin: a medication has ended since, at a time that it does not state"
    assert (unsure in call.not_done) is (found is None)


def test_a_medication_whose_end_is_not_stated_is_counted() -> None:
    counts = Counts()
    replayed(past_order(), medication_request(NITROGLYCERIN, status="stopped", authoredOn=BEFORE), counts=counts)

    assert "medications that have ended since, at a time that they do not state" in counts.of(NOT_REBUILT)


@pytest.mark.parametrize("missing", ["AllergyIntolerance", "Condition", "Observation"])
def test_a_type_that_was_not_exported_is_unknown_and_never_none(missing: str) -> None:
    (with_it,) = replayed(past_order(), glutamate(BEFORE))
    (without,) = replayed(past_order(), glutamate(BEFORE), types=EVERYTHING - {missing})

    assert [line for line in with_it.not_done if "not in the export" in line] == []
    assert [line for line in without.not_done if "not in the export" in line] != []


def test_an_order_of_a_day_without_a_time_counts_until_its_end() -> None:
    (call,) = replayed(past_order(authoredOn="2026-11-23"), glutamate("2026-11-22", issued=LATER_THAT_DAY))

    assert call.moment == "2026-11-23T23:59:59+00:00"
    assert "glutamate-high" in card_ids(call)


def test_acetylcysteine_that_ran_by_its_own_period_makes_the_sample_one_on_treatment() -> None:
    earlier = past_order("earlier", authoredOn="2026-11-01T08:00:00Z", dosageInstruction=[PERIOD])
    _, call = replayed(earlier, past_order(), glutamate(BEFORE))

    assert call.moment == MOMENT
    assert "glutamate-on-treatment" in card_ids(call)


REASONS = {
    "an entry reads “Zaphod B., ulcer?”, which leaves open whether it counts": "an entry reads “…”, which leaves open "
    "whether it counts",
    "an entry reads “a” Zaphod”, which leaves open whether it counts": "an entry reads “…”, which leaves open "
    "whether it counts",
    "born on a day that is not exact: 45 or 46 years": "born on a day that is not exact: # or # years",
    "recorded on 2026-11-23": "recorded on #",
    "problem list not sent": "problem list not sent",
}


@pytest.mark.parametrize(("note", "plain"), REASONS.items())
def test_a_reason_in_the_report_quotes_nothing_of_the_record(note: str, plain: str) -> None:
    assert plain_reason(note) == plain
