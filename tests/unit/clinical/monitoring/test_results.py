"""Glutamate before a treatment and since it began: what counts on which side, and what leaves that open."""

from decimal import Decimal

import pytest

from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, State
from cds_service.clinical.monitoring.facts import read_treatment_facts
from cds_service.clinical.monitoring.treatments import read_treatments
from tests.builders import LOINC, bundle, concept, quantity
from tests.support import NOW, VOCABULARY, Body, Json
from tests.unit.clinical.monitoring.treated import (
    BASELINE,
    DAY_AFTER,
    GAPS,
    NOT_SENT,
    START,
    chart,
    decisions,
    dosing,
    fact,
    facts,
    glutamate,
    outcome,
    speaking,
    statement,
    treatment,
)

EVE = "2026-09-27"


def since(*results: Json) -> Json:
    """The results of a person with a baseline."""
    return bundle(BASELINE, *results)


# --- the boundaries of the contract -----------------------------------------------------------------------------------

DUE = {"2026-09-29": "stay silent", "2026-09-28": "advise", "2026-09-27": "advise"}


@pytest.mark.parametrize(("began", "expected"), DUE.items(), ids=("55 days", "56 days", "57 days"))
def test_a_follow_up_is_due_from_the_56th_day_on(began: str, expected: str) -> None:
    assert outcome("follow-up-due", activeMedications=bundle(treatment(authoredOn=began))) == expected


FRESH = {"2026-10-25": "advise", "2026-10-24": "advise", "2026-10-23": "stay silent"}


@pytest.mark.parametrize(("taken", "expected"), FRESH.items(), ids=("29 days", "30 days", "31 days"))
def test_a_result_on_treatment_is_shown_for_30_days(taken: str, expected: str) -> None:
    decided = decisions(aminoAcids=since(glutamate(taken)))
    assert decided["response"].outcome.value == expected
    assert decided["follow-up-due"].outcome.value == "stay silent"


SIDES = {EVE: "before", START: "since", DAY_AFTER: "since"}


@pytest.mark.parametrize(("taken", "expected"), SIDES.items(), ids=("the day before", "the day", "the day after"))
def test_a_sample_of_the_day_of_the_start_is_one_on_treatment(taken: str, expected: str) -> None:
    read = facts(aminoAcids=bundle(glutamate(taken)))
    assert (read["baseline_glutamate"].state is KNOWN) is (expected == "before")
    assert (read["follow_up_glutamate"].state is KNOWN) is (expected == "since")
    assert read["measured_since"].value == ("measured" if expected == "since" else "not measured")


ZONES = {
    "2026-09-27T23:30:00-08:00": "not measured",  # the 28th in UTC
    "2026-09-28T00:30:00+13:00": "measured",  # the 27th in UTC
}


@pytest.mark.parametrize(("taken", "expected"), ZONES.items())
def test_the_day_of_a_sample_is_the_day_as_it_is_written(taken: str, expected: str) -> None:
    assert fact("measured_since", aminoAcids=bundle(glutamate(taken))).value == expected


# --- the baseline -----------------------------------------------------------------------------------------------------

IV_CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]}
INHALED_CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "447694001"}]}


def intravenous(began: str) -> Body:
    """Under way beside the capsules; where only results are read, its use does not matter."""
    return statement(effectiveDateTime=began, dosage=[{"route": IV_CODE}])


OTHER_TREATMENTS = {
    "for a cough": (statement(effectiveDateTime="2026-09-01", reasonCode=[{"text": "cough"}]), ABSENT),
    "for a cough, since the sample": (
        statement(effectiveDateTime="2026-09-21", reasonCode=[{"text": "cough"}]),
        KNOWN,
    ),
    "intravenous, 7 days before the sample": (intravenous("2026-09-13"), ABSENT),
    "intravenous, 8 days before the sample": (intravenous("2026-09-12"), KNOWN),
    "inhaled": (statement(effectiveDateTime="2026-09-01", dosage=[{"route": INHALED_CODE}]), KNOWN),
    "that cannot be dated": (statement(effectiveDateTime="2026-09", reasonCode=[{"text": "cough"}]), UNKNOWN),
}


@pytest.mark.parametrize(("other", "expected"), OTHER_TREATMENTS.values(), ids=OTHER_TREATMENTS)
def test_a_baseline_is_from_before_any_other_acetylcysteine(other: Body, expected: State) -> None:
    on_record = chart(medicationStatements=bundle(other))
    treatments = read_treatments(on_record, VOCABULARY, NOW)
    capsules = [order for order in treatments.acetylcysteine_orders if order.resource == treatment()]
    read = read_treatment_facts(capsules, treatments, on_record, VOCABULARY, NOW)
    assert read["baseline_glutamate"].state is expected


def test_of_two_courses_the_baseline_is_from_before_the_first() -> None:
    orders = bundle(treatment(), treatment(id="t2", authoredOn="2026-11-01"))
    results = bundle(glutamate("2026-10-15", 99), BASELINE)
    read = facts(activeMedications=orders, aminoAcids=results)
    assert read["baseline_glutamate"].texts["amount"] == "150 µmol/L"
    assert read["follow_up_glutamate"].texts["amount"] == "99 µmol/L"


def test_the_last_of_several_results_before_the_start_is_the_baseline() -> None:
    results = bundle(glutamate("2026-09-01", 90), glutamate("2026-09-25", 140), BASELINE)
    baseline = fact("baseline_glutamate", aminoAcids=results)
    assert (baseline.value, baseline.texts["amount"], baseline.texts["day"]) == ("high", "140 µmol/L", "25 Sep 2026")


AGES = {"2025-11-23": KNOWN, "2025-11-22": ABSENT}  # 365 and 366 days


@pytest.mark.parametrize(("taken", "expected"), AGES.items())
def test_a_baseline_is_a_year_old_at_most(taken: str, expected: State) -> None:
    assert fact("baseline_glutamate", aminoAcids=bundle(glutamate(taken))).state is expected


UNUSED = {
    "a unit that cannot be read": (glutamate(EVE, valueQuantity=quantity(150, "furlongs")), UNKNOWN),
    "preliminary": (glutamate(EVE, status="preliminary"), UNKNOWN),
    "implausible": (glutamate(EVE, 1001), UNKNOWN),
    "a month that is over": (glutamate("2026-08"), UNKNOWN),
    "a year ago": (glutamate("2025-11-23", 1001), UNKNOWN),
    "more than a year ago": (glutamate("2025-11-22", 1001), ABSENT),
    "entered in error": (glutamate(EVE, status="entered-in-error"), ABSENT),
    "in urine": (glutamate(EVE, code=concept("22711-6", LOINC)), ABSENT),
    "since the start": (glutamate(START, 1001), ABSENT),
}


@pytest.mark.parametrize(("result", "expected"), UNUSED.values(), ids=UNUSED)
def test_a_result_that_cannot_be_used_leaves_open_whether_there_is_a_baseline(result: Body, expected: State) -> None:
    read = fact("baseline_glutamate", aminoAcids=bundle(result))
    assert read.state is expected
    assert read.note.endswith(", and nothing else before the start") is (expected is UNKNOWN)


def test_one_that_cannot_be_used_from_an_earlier_treatment_leaves_nothing_open() -> None:
    cough = bundle(statement(effectiveDateTime="2026-09-01", reasonCode=[{"text": "cough"}]))
    decided = decisions(aminoAcids=bundle(glutamate(EVE, 1001)), medicationStatements=cough)
    assert decided["response"].facts["baseline_glutamate"].state is ABSENT


def test_cystine_has_a_baseline_of_its_own() -> None:
    cystine = glutamate("2026-09-20", 5, id="cys", code=concept("22672-0", LOINC))
    read = facts(aminoAcids=bundle(cystine))
    assert (read["baseline_cystine"].value, read["baseline_glutamate"].state) == ("low", ABSENT)


def test_without_a_baseline_no_follow_up_is_due() -> None:
    assert speaking(aminoAcids=None) == set()
    assert outcome("follow-up-due", aminoAcids=None) == "stay silent"


# --- since the start --------------------------------------------------------------------------------------------------

CHANGES = {
    "lower": (120, "−30 µmol/L (−20 %)"),
    "higher": (180, "+30 µmol/L (+20 %)"),
    "the same": (150, "±0 µmol/L (±0 %)"),
}


@pytest.mark.parametrize(("value", "expected"), CHANGES.values(), ids=CHANGES)
def test_the_change_since_the_baseline_is_said(value: int, expected: str) -> None:
    assert fact("follow_up_glutamate", aminoAcids=since(glutamate("2026-11-01", value))).texts["change"] == expected


def test_without_a_baseline_there_is_no_change_to_say() -> None:
    read = facts(aminoAcids=bundle(glutamate("2026-11-01")))
    assert read["follow_up_glutamate"].texts["change"] == "no value to compare with"
    assert outcome("response", aminoAcids=bundle(glutamate("2026-11-01"))) == "advise"


def test_the_newest_result_since_the_start_counts() -> None:
    read = facts(aminoAcids=since(glutamate("2026-11-01", 90), glutamate("2026-11-10", 130)))
    assert (read["follow_up_glutamate"].value, read["follow_up_age"].value) == ("high", Decimal(13))


REFUSED = {
    "a unit that cannot be read": glutamate("2026-11-01", valueQuantity=quantity(150, "furlongs")),
    "no value": glutamate("2026-11-01", valueQuantity=None),
    "preliminary": glutamate("2026-11-01", status="preliminary"),
    "no status": glutamate("2026-11-01", status=None),
    "implausible": glutamate("2026-11-01", 1001),
    "no date": glutamate(None, id="g"),
    "exact to the month": glutamate("2026-11"),
    "in the future": glutamate("2026-12-01"),
    "of the first day": glutamate(START, 1001),
}


@pytest.mark.parametrize("result", REFUSED.values(), ids=REFUSED)
def test_a_result_that_cannot_be_used_leaves_open_whether_one_was_measured_since(result: Body) -> None:
    read = facts(aminoAcids=since(result))
    states = {read[name].state for name in ("follow_up_glutamate", "measured_since", "follow_up_age")}
    assert states == {UNKNOWN}
    assert read["measured_since"].note.endswith(", and nothing else since the start")
    decided = decisions(aminoAcids=since(result))
    assert {decided[card].outcome.value for card in ("follow-up-due", "response")} == {"cannot tell"}


def test_of_a_long_treatment_a_result_that_is_too_old_is_none() -> None:
    orders = bundle(treatment(authoredOn="2025-01-01"))
    assert (
        fact("follow_up_glutamate", activeMedications=orders, aminoAcids=bundle(glutamate("2025-11-22"))).state
        is ABSENT
    )
    assert (
        fact("follow_up_glutamate", activeMedications=orders, aminoAcids=bundle(glutamate("2025-11-23"))).state is KNOWN
    )


@pytest.mark.parametrize("result", REFUSED.values(), ids=REFUSED)
def test_beside_one_that_can_be_used_it_is_no_obstacle(result: Body) -> None:
    assert speaking(aminoAcids=since(glutamate("2026-11-02"), result)) == {"response"}


BESIDE_THE_POINT = {
    "entered in error": glutamate("2026-11-01", status="entered-in-error"),
    "cancelled": glutamate("2026-11-01", status="cancelled"),
    "only registered": glutamate("2026-11-01", status="registered", valueQuantity=None),
    "in urine": glutamate("2026-11-01", code=concept("22711-6", LOINC)),
    "glutamine": glutamate("2026-11-01", code=concept("20643-3", LOINC)),
    "unreadable, but from before the start": glutamate(EVE, valueQuantity=quantity(1, "furlongs")),
}


@pytest.mark.parametrize("result", BESIDE_THE_POINT.values(), ids=BESIDE_THE_POINT)
def test_what_is_no_result_since_the_start_leaves_a_follow_up_due(result: Body) -> None:
    read = facts(aminoAcids=since(result))
    assert read["measured_since"].value == "not measured"
    assert (read["follow_up_glutamate"].state, read["follow_up_age"].state) == (ABSENT, ABSENT)
    assert speaking(aminoAcids=since(result)) == {"follow-up-due"}


# --- what did not come ------------------------------------------------------------------------------------------------

OF_RESULTS = ("follow_up_glutamate", "measured_since", "follow_up_age")


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_without_all_amino_acids_nothing_is_known_of_them(gap: Json) -> None:
    read = facts(aminoAcids=gap)
    assert {read[name].state for name in (*OF_RESULTS, "baseline_glutamate", "baseline_cystine")} == {UNKNOWN}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_without_all_medications_no_result_is_sure_to_be_a_baseline(gap: Json) -> None:
    read = facts(activeMedications=gap, medicationStatements=bundle(statement()))
    assert read["baseline_glutamate"].state is UNKNOWN
    assert read["baseline_glutamate"].note.startswith("list of active medications ")


@pytest.mark.parametrize("gap", ("failed", "of three nothing came"))
def test_without_all_statements_no_result_is_sure_to_be_a_baseline(gap: str) -> None:
    assert fact("baseline_glutamate", medicationStatements=GAPS[gap]).state is UNKNOWN


def test_that_there_is_no_list_of_statements_is_no_gap() -> None:
    assert fact("baseline_glutamate", medicationStatements=NOT_SENT).state is KNOWN


def test_part_of_the_amino_acids_with_a_result_on_treatment_is_enough_for_it() -> None:
    part = {**since(glutamate("2026-11-01")), "total": 9}
    assert speaking(aminoAcids=part) == {"response"}


def test_part_of_the_amino_acids_without_one_leaves_open_whether_it_was_measured() -> None:
    assert outcome("follow-up-due", aminoAcids={**since(), "total": 9}) == "cannot tell"


def test_an_entry_of_the_intravenous_drug_beside_capsules_is_read_by_its_route() -> None:
    """An antidote keeps every card silent, whatever is known of the results."""
    assert speaking(medicationStatements=bundle(intravenous("2026-09-12"))) == set()
    instructed = treatment(dosageInstruction=dosing(boundsPeriod={"start": START}))
    assert speaking(activeMedications=bundle(instructed)) == {"follow-up-due"}
