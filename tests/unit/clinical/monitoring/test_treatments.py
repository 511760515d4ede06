"""Which acetylcysteine counts as taken while a chart is opened, and since when."""

from decimal import Decimal

import pytest

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import KNOWN, UNKNOWN
from cds_service.clinical.monitoring.treatments import read_treatments
from tests.builders import RXNORM, SNOMED, bundle, concept, quantity
from tests.support import NOW, VOCABULARY, Body, Json
from tests.unit.clinical.monitoring.treated import (
    GAPS,
    ORAL_CAPSULE,
    START,
    chart,
    decisions,
    dosing,
    fact,
    outcome,
    speaking,
    statement,
    treatment,
)


def counts(*medications: Json, key: str = "activeMedications") -> bool:
    on_record = chart(**{"activeMedications": None, key: bundle(*medications)})
    return bool(read_treatments(on_record, VOCABULARY, NOW).acetylcysteine_orders)


def days(count: int) -> Json:
    return quantity(count, "d")


def stages(*lengths: Json) -> Json:
    """Instructions one after another, each for so many days; None: open-ended."""
    bounds = [{} if length is None else {"boundsDuration": days(length)} for length in lengths]
    return [{"sequence": place, "timing": {"repeat": repeat}} for place, repeat in enumerate(bounds, start=1)]


OF_DSTU2 = {
    "resourceType": "MedicationOrder",
    "id": "t",
    "status": "active",
    "patient": {"reference": "Patient/p"},
    "dateWritten": START,
    "medicationCodeableConcept": ORAL_CAPSULE,
}
BY_REFERENCE: Json = {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/drug"}}
DRUG = {"resourceType": "Medication", "id": "drug", "code": ORAL_CAPSULE}
CONTAINED: Json = {**BY_REFERENCE, "medicationReference": {"reference": "#drug"}, "contained": [DRUG]}
ORDERS = {
    "active": (treatment(), True),
    "of DSTU2": (OF_DSTU2, True),
    "of R5": (treatment(medicationCodeableConcept=None, medication={"concept": ORAL_CAPSULE}), True),
    "its drug contained": (treatment(**CONTAINED), True),
    "its drug nowhere": (treatment(**BY_REFERENCE), False),
    "another drug": (treatment(medicationCodeableConcept={"text": "carbocisteine"}), False),
    "completed": (treatment(status="completed"), False),
    "stopped": (treatment(status="stopped"), False),
    "on hold": (treatment(status="on-hold"), False),
    "draft": (treatment(status="draft"), False),
    "entered in error": (treatment(status="entered-in-error"), False),
    "no status": (treatment(status=None), True),  # it may be active
    "a status that says nothing": (treatment(status="unknown"), True),
    "not to be given": (treatment(doNotPerform=True), False),
    "ends today": (treatment(dosageInstruction=dosing(boundsPeriod={"end": "2026-11-23"})), True),
    "ended yesterday": (treatment(dosageInstruction=dosing(boundsPeriod={"end": "2026-11-22"})), False),
    "ends this month": (treatment(dosageInstruction=dosing(boundsPeriod={"end": "2026-11"})), True),
    "ended last month": (treatment(dosageInstruction=dosing(boundsPeriod={"end": "2026-10"})), False),
    "its end cannot be read": (treatment(dosageInstruction=dosing(boundsPeriod={"end": "soon"})), True),
    "the period of R5 ends today": (treatment(effectiveDosePeriod={"start": START, "end": "2026-11-23"}), True),
    "the period of R5 ended": (treatment(effectiveDosePeriod={"start": START, "end": "2026-11-22"}), False),
    "for 57 days": (treatment(dosageInstruction=dosing(boundsDuration=days(57))), True),
    "for 56 days": (treatment(dosageInstruction=dosing(boundsDuration=days(56))), False),
    "for 8.01 weeks": (treatment(dosageInstruction=dosing(boundsDuration=quantity(Decimal("8.01"), "wk"))), True),
    "for a day, today": (treatment(authoredOn="2026-11-23", dosageInstruction=dosing(boundsDuration=days(1))), True),
    "for a day, yesterday": (
        treatment(authoredOn="2026-11-22", dosageInstruction=dosing(boundsDuration=days(1))),
        False,
    ),
    "for some time": (treatment(dosageInstruction=dosing(boundsDuration={"unit": "d"})), True),
    "28 and 29 days, one after another": (treatment(dosageInstruction=stages(28, 29)), True),
    "28 and 28 days, one after another": (treatment(dosageInstruction=stages(28, 28)), False),
    "28 days and then open-ended": (treatment(dosageInstruction=stages(28, None)), True),
    "for 14 days from a start in October": (
        treatment(dosageInstruction=[*dosing(boundsPeriod={"start": "2026-10-01", "end": "2026-10-14"})]),
        False,
    ),
    "one period over, another open-ended": (
        treatment(dosageInstruction=[*dosing(boundsPeriod={"end": "2026-10-14"}), *dosing(frequency=1)]),
        True,
    ),
    "for a while, since nobody knows when": (
        treatment(authoredOn=None, dosageInstruction=dosing(boundsDuration=days(7))),
        True,
    ),
    "begins today": (treatment(dosageInstruction=dosing(boundsPeriod={"start": "2026-11-23"})), True),
    "begins tomorrow": (treatment(dosageInstruction=dosing(boundsPeriod={"start": "2026-11-24"})), False),
    "began this instant": (treatment(authoredOn="2026-11-23T20:00:00+11:00"), True),
    "begins in a second": (treatment(authoredOn="2026-11-23T09:00:01Z"), False),
    "its start cannot be read": (treatment(authoredOn="2026-09"), True),
}


@pytest.mark.parametrize(("order", "expected"), ORDERS.values(), ids=ORDERS)
def test_an_order_counts_while_it_is_active_and_under_way(order: Body, expected: bool) -> None:
    assert counts(order) is expected


def test_an_order_counts_whose_drug_came_with_the_list() -> None:
    assert counts(treatment(**BY_REFERENCE), DRUG)


PERIOD = {"start": START, "end": "2026-11-22"}
STATEMENTS = {
    "active": (statement(), True),
    "recorded, in R5": (statement(status="recorded"), True),
    "taken, in R5": (statement(status="recorded", adherence={"code": concept("taking", "urn:adherence")}), True),
    "stopped, in R5": (statement(status="recorded", adherence={"code": concept("stopped", "urn:adherence")}), False),
    "not taken, in DSTU2": (statement(wasNotTaken=True), False),
    "not taken, in STU3": (statement(taken="n"), False),
    "completed": (statement(status="completed"), False),
    "intended": (statement(status="intended"), False),
    "its period over": (statement(effectiveDateTime=None, effectivePeriod=PERIOD), False),
    "its period not over": (statement(effectiveDateTime=None, effectivePeriod={"start": START}), True),
    "asserted today, taken for a month from March": (
        statement(
            **{"effectiveDateTime": None, "effectivePeriod": {"start": "2026-03-01"}, "dateAsserted": "2026-11-23"},
            dosage=dosing(boundsDuration=days(30)),
        ),
        False,
    ),
}


@pytest.mark.parametrize(("stated", "expected"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_counts_while_the_drug_is_taken(stated: Body, expected: bool) -> None:
    assert counts(stated, key="medicationStatements") is expected


def test_the_order_of_another_patient_does_not_count() -> None:
    for subject, expected in (("Patient/p", 1), ("Patient/q", 0), ("Group/p", 0)):
        data = Data(Arrival.GIVEN, (treatment(subject={"reference": subject}),))
        found = read_treatments(Chart("p", {"activeMedications": data}), VOCABULARY, NOW)
        assert len(found.acetylcysteine_orders) == expected


# --- since when -------------------------------------------------------------------------------------------------------

STARTS = {
    "55 days": (treatment(authoredOn="2026-09-29"), 55),
    "56 days": (treatment(authoredOn="2026-09-28"), 56),
    "57 days": (treatment(authoredOn="2026-09-27"), 57),
    "today": (treatment(authoredOn="2026-11-23"), 0),
    "late in the evening, west of here": (treatment(authoredOn="2026-09-28T23:30:00-05:00"), 56),
    "early in the morning, east of here": (treatment(authoredOn="2026-09-28T00:30:00+13:00"), 56),
    "without a time zone": (treatment(authoredOn="2026-09-28T12:00:00"), 56),
    "dosing, rather than written": (treatment(dosageInstruction=dosing(boundsPeriod={"start": "2026-09-27"})), 57),
    "the period of R5, rather than written": (treatment(effectiveDosePeriod={"start": "2026-09-27"}), 57),
    "the period, later than written": (
        treatment(authoredOn="2026-09-01", effectiveDosePeriod={"start": "2026-09-28"}),
        56,
    ),
    "the first of two instructions": (
        treatment(
            dosageInstruction=[
                *dosing(boundsPeriod={"start": "2026-10-27"}),
                *dosing(boundsPeriod={"start": "2026-09-27"}),
            ]
        ),
        57,
    ),
    "written in DSTU2": (OF_DSTU2, 56),
}


@pytest.mark.parametrize(("order", "expected"), STARTS.values(), ids=STARTS)
def test_the_days_are_counted_from_the_start_on(order: Body, expected: int) -> None:
    read = fact("treatment_days", activeMedications=bundle(order))
    assert (read.state, read.value, read.comparator) == (KNOWN, Decimal(expected), "")


def test_a_statement_says_since_when_too() -> None:
    stated = statement(effectiveDateTime=None, effectivePeriod={"start": "2026-09-27"}, dateAsserted="2026-11-20")
    read = fact("treatment_days", activeMedications=None, medicationStatements=bundle(stated))
    assert read.value == 57
    assert (read.texts["since_day"], read.texts["since"]) == ("27 Sep 2026", "27 September 2026")


WEEKS = {
    "2026-11-23": "0 days",
    "2026-11-22": "1 day",
    "2026-11-16": "1 week",
    "2026-09-29": "7 weeks and 6 days",
    START: "8 weeks",
    "2026-09-27": "8 weeks and 1 day",
}


@pytest.mark.parametrize(("began", "expected"), WEEKS.items())
def test_the_weeks_are_said_and_the_days_beside_them(began: str, expected: str) -> None:
    assert fact("treatment_days", activeMedications=bundle(treatment(authoredOn=began))).texts["weeks"] == expected


UNREADABLE = {
    "missing": treatment(authoredOn=None),
    "exact to the month": treatment(authoredOn="2026-09"),
    "exact to the year": treatment(authoredOn="2026"),
    "in words": treatment(authoredOn="in September"),
    "no day that there is": treatment(authoredOn="2026-09-31"),
    "a number": treatment(authoredOn=20260928),
    "of dosing, beside the day of writing": treatment(dosageInstruction=dosing(boundsPeriod={"start": "2026-09"})),
    "of one of two instructions": treatment(
        dosageInstruction=[*dosing(boundsPeriod={"start": START}), *dosing(boundsPeriod={"start": "2026-08"})]
    ),
    "of the period, beside the day of writing": treatment(effectiveDosePeriod={"start": "2026-09"}),
}


@pytest.mark.parametrize("order", UNREADABLE.values(), ids=UNREADABLE)
def test_where_a_start_cannot_be_read_nothing_that_rests_on_it_is_told(order: Body) -> None:
    decided = decisions(activeMedications=bundle(order))
    assert {decision.outcome.value for decision in decided.values()} == {"cannot tell"}
    read = decided["new-risk"].facts
    told = [name for name in read if name.startswith(("treatment_", "new_", "baseline_", "follow_up", "measured"))]
    assert {read[name].state for name in told} == {UNKNOWN}
    note = "an active acetylcysteine medication has no start date that can be read"
    assert {read[name].note for name in told} == {note}


def test_of_two_courses_the_earliest_start_counts() -> None:
    orders = bundle(treatment(id="t1", authoredOn="2026-11-01"), treatment(id="t2"))
    assert fact("treatment_days", activeMedications=orders).value == 56
    assert fact("treatment_days", medicationStatements=bundle(statement(effectiveDateTime="2026-09-01"))).value == 83


def test_a_course_that_is_over_is_no_start() -> None:
    over = treatment(id="t1", authoredOn="2026-07-01", dosageInstruction=dosing(boundsDuration=days(14)))
    assert fact("treatment_days", activeMedications=bundle(over, treatment())).value == 56


def test_of_two_courses_one_without_a_start_leaves_the_earliest_open() -> None:
    orders = bundle(treatment(id="t1", authoredOn=None), treatment(id="t2"))
    assert fact("treatment_days", activeMedications=orders).state is UNKNOWN


@pytest.mark.parametrize("gap", ("failed", "of three nothing came"))
def test_where_a_list_of_medications_has_a_gap_it_is_that_long_at_the_least(gap: str) -> None:
    short = statement(effectiveDateTime="2026-10-28")
    read = fact("treatment_days", activeMedications=GAPS[gap], medicationStatements=bundle(short))
    assert (read.value, read.comparator) == (Decimal(26), ">=")
    assert read.note.startswith("it may have begun earlier: list of active medications could not be read")
    for began in ("2026-10-28", START):
        stated = bundle(statement(effectiveDateTime=began))
        assert outcome("follow-up-due", activeMedications=GAPS[gap], medicationStatements=stated) == "cannot tell"


def test_a_medication_without_a_name_may_be_an_earlier_course() -> None:
    orders = bundle(treatment(), treatment(id="t2", **BY_REFERENCE))
    assert fact("treatment_days", activeMedications=orders).comparator == ">="


# --- by what route, and for what --------------------------------------------------------------------------------------

IV, EYE, INHALED = (concept(code, SNOMED) for code in ("47625008", "54485002", "447694001"))
SOLUTION = concept("307719", RXNORM)
COUGH = {"text": "productive cough"}
OF_ANOTHER_USE = {
    "eye drops": treatment(id="x", dosageInstruction=[{"route": EYE}]),
    "inhaled": treatment(id="x", medicationCodeableConcept=SOLUTION, dosageInstruction=[{"route": INHALED}]),
    "for a cough": treatment(id="x", reasonCode=[COUGH]),
}
ANTIDOTES = {
    "intravenous": treatment(id="x", dosageInstruction=[{"route": IV}]),
    "for poisoning": treatment(id="x", reasonCode=[{"text": "paracetamol overdose"}]),
}


@pytest.mark.parametrize("order", (OF_ANOTHER_USE | ANTIDOTES).values(), ids=OF_ANOTHER_USE | ANTIDOTES)
def test_no_card_speaks_of_another_use_alone(order: Body) -> None:
    decided = decisions(activeMedications=bundle(order))
    assert {decision.outcome.value for decision in decided.values()} == {"stay silent"}


@pytest.mark.parametrize("order", OF_ANOTHER_USE.values(), ids=OF_ANOTHER_USE)
@pytest.mark.parametrize("is_first", (True, False))
def test_another_use_beside_capsules_is_no_treatment_and_no_obstacle(order: Body, is_first: bool) -> None:
    later = {**order, "authoredOn": "2026-11-01"}
    orders = bundle(later, treatment()) if is_first else bundle(treatment(), later)
    assert speaking(activeMedications=orders) == {"follow-up-due"}
    assert decisions(activeMedications=orders)["follow-up-due"].facts["treatment_days"].value == 56


@pytest.mark.parametrize("order", ANTIDOTES.values(), ids=ANTIDOTES)
@pytest.mark.parametrize("is_first", (True, False))
def test_beside_an_antidote_no_card_speaks(order: Body, is_first: bool) -> None:
    orders = bundle(order, treatment()) if is_first else bundle(treatment(), order)
    assert speaking(activeMedications=orders) == set()


def test_where_poisoning_is_on_the_problem_list_no_card_speaks() -> None:
    poisoned = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}}
    listed = {**poisoned, "code": concept("295124009", SNOMED), "recordedDate": "2026-11-20"}
    assert speaking(problemList=bundle(listed)) == set()


UNCLEAR = [None, "unknown", "on-going"]


@pytest.mark.parametrize("status", UNCLEAR)
def test_of_a_status_that_does_not_say_whether_it_is_active_nothing_is_told(status: Json) -> None:
    decided = decisions(activeMedications=bundle(treatment(status=status)))
    assert {decision.outcome.value for decision in decided.values()} == {"cannot tell"}
    facts = decided["new-risk"].facts
    note = "acetylcysteine is on record with a status that does not say whether it is active"
    assert {facts[name].note for name in ("treatment_days", "baseline_glutamate", "new_pregnancy")} == {note}


@pytest.mark.parametrize("status", UNCLEAR)
def test_an_infusion_that_may_be_running_silences_as_one_that_is(status: Json) -> None:
    infusion = treatment(id="iv", status=status, authoredOn="2026-11-22", dosageInstruction=[{"route": IV}])
    decided = decisions(activeMedications=bundle(treatment(), infusion))
    assert {decision.outcome.value for decision in decided.values()} == {"stay silent"}


@pytest.mark.parametrize("status", UNCLEAR)
def test_beside_one_that_is_active_one_that_may_be_changes_nothing(status: Json) -> None:
    other = treatment(id="other", status=status, authoredOn="2026-09-29")
    assert outcome("follow-up-due", activeMedications=bundle(treatment(), other)) == "advise"
