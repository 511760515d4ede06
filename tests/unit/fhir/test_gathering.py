"""Prefetch semantics, checklist §3.3: each answer is given, empty, failed or not sent, and none becomes another."""

import pytest

from cds_service.clinical.chart import Arrival, Data
from cds_service.clinical.facts import Fact, State
from cds_service.clinical.reading import read_patient_facts
from cds_service.fhir.queries import FOR_ORDERS, QUERIES
from cds_service.gathering.prefetch import build_chart, read_answer
from tests import builders
from tests.builders import bundle
from tests.support import NOW, VOCABULARY, Body, Json, draft_orders_of

GIVEN, EMPTY, FAILED, NOT_SENT = Arrival.GIVEN, Arrival.EMPTY, Arrival.FAILED, Arrival.NOT_SENT
ALLERGIES, PATIENT = QUERIES["allergyList"], QUERIES["patient"]
STATEMENTS = "list of medication statements"
NEXT = {"link": [{"relation": "self", "url": "x"}, {"relation": "next", "url": "y"}]}


def allergy(identity: str = "a1", patient: str = "p") -> Body:
    return builders.allergy({"text": "latex"}, id=identity, patient={"reference": f"Patient/{patient}"})


def outcome(*severities: str) -> Body:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": one, "code": "x"} for one in severities]}


def answer(value: Json) -> Data:
    return read_answer(ALLERGIES, value, "p")


def hypersensitivity(prefetch: Body, **more: Json) -> Fact:
    chart = build_chart("p", {"problemList": None, **prefetch}, **more)
    return read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)["hypersensitivity"]


ERROR = "the EHR reports an error"
NOT_ONE = "not an AllergyIntolerance or a Bundle of them"
PAGED, FEWER = "not all its pages came", "it has fewer entries than its total"
UNREADABLE, STRANGER = "some entries cannot be read", "it holds data of another patient"
LATEX = allergy()

STATES = {
    # value, state, gap, how many resources
    "null": (None, EMPTY, "", 0),
    "empty Bundle": ({"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}, EMPTY, "", 0),
    "Bundle without entry": ({"resourceType": "Bundle", "type": "searchset", "total": 0}, EMPTY, "", 0),
    "Bundle with nothing at all": ({"resourceType": "Bundle"}, EMPTY, "", 0),
    "Bundle whose entry is null": ({"resourceType": "Bundle", "entry": None}, EMPTY, "", 0),
    "Bundle": (bundle(LATEX), GIVEN, "", 1),
    "Bundle of two": (bundle(LATEX, allergy("a2")), GIVEN, "", 2),
    "Bundle without a type": ({"resourceType": "Bundle", "entry": [{"resource": LATEX}]}, GIVEN, "", 1),
    "Bundle with its total": (bundle(LATEX, total=1), GIVEN, "", 1),
    "Bundle with a total below its entries": (bundle(LATEX, allergy("a2"), total=1), GIVEN, "", 2),
    "Bundle whose total is no number": (bundle(LATEX, total="9"), GIVEN, "", 1),
    "a resource by itself": (LATEX, GIVEN, "", 1),
    "OperationOutcome": (outcome("error"), FAILED, ERROR, 0),
    "OperationOutcome without an issue": ({"resourceType": "OperationOutcome"}, FAILED, ERROR, 0),
    "OperationOutcome with information only": (outcome("information"), FAILED, ERROR, 0),
    "Bundle with an error": (bundle(outcome("error")), FAILED, ERROR, 0),
    "Bundle with a fatal error": (bundle(outcome("fatal")), FAILED, ERROR, 0),
    "Bundle with an error and data": (bundle(LATEX, outcome("error")), GIVEN, ERROR, 1),
    "Bundle with a warning and an error": (bundle(LATEX, outcome("warning", "error")), GIVEN, ERROR, 1),
    "Bundle with an outcome without an issue": (bundle(LATEX, outcome()), GIVEN, ERROR, 1),
    "Bundle with information only": (bundle(outcome("information")), EMPTY, "", 0),
    "Bundle with a warning only": (bundle(outcome("warning")), EMPTY, "", 0),
    "Bundle with information and data": (bundle(LATEX, outcome("information")), GIVEN, "", 1),
    "next link": (bundle(LATEX, **NEXT), GIVEN, PAGED, 1),
    "next link sent as an object": (bundle(LATEX, link={"relation": "next"}), GIVEN, PAGED, 1),
    "next link without entries": (bundle(**NEXT), FAILED, PAGED, 0),
    "self link only": (bundle(LATEX, link=[{"relation": "self", "url": "x"}]), GIVEN, "", 1),
    "next link and a larger total, said once": (bundle(LATEX, total=9, **NEXT), GIVEN, PAGED, 1),
    "total larger than the entries": (bundle(LATEX, total=2), GIVEN, FEWER, 1),
    "total without entries": (bundle(total=2), FAILED, FEWER, 0),
    "information does not make up the total": (bundle(LATEX, outcome("information"), total=2), GIVEN, FEWER, 1),
    "wrong type": ({"resourceType": "Condition", "id": "c"}, FAILED, NOT_ONE, 0),
    "Bundle of the wrong type": (
        bundle({"resourceType": "Condition"}),
        FAILED,
        "it holds something other than AllergyIntolerance",
        0,
    ),
    "Bundle with one of the wrong type": (
        bundle(LATEX, {"resourceType": "Condition"}),
        GIVEN,
        "it holds something other than AllergyIntolerance",
        1,
    ),
    "Provenance comes along": (bundle(LATEX, {"resourceType": "Provenance"}), GIVEN, "", 1),
    "string": ("none", FAILED, NOT_ONE, 0),
    "empty string": ("", FAILED, NOT_ONE, 0),
    "list": ([], FAILED, NOT_ONE, 0),
    "list of resources": ([LATEX], FAILED, NOT_ONE, 0),
    "number": (0, FAILED, NOT_ONE, 0),
    "true": (True, FAILED, NOT_ONE, 0),
    "false": (False, FAILED, NOT_ONE, 0),
    "empty object": ({}, FAILED, NOT_ONE, 0),
    "response and resource": ({"response": {"status": "200"}, "resource": LATEX}, FAILED, NOT_ONE, 0),
    "resourceType a list": ({"resourceType": ["Bundle"]}, FAILED, NOT_ONE, 0),
    "entry an object": (
        {"resourceType": "Bundle", "entry": {"resource": LATEX}},
        FAILED,
        "its entries are not a list",
        0,
    ),
    "entry a string": ({"resourceType": "Bundle", "entry": "x"}, FAILED, "its entries are not a list", 0),
    "one entry null": (bundle(LATEX, None), GIVEN, UNREADABLE, 1),
    "one entry without a resource": (
        {"resourceType": "Bundle", "entry": [{"resource": LATEX}, {"fullUrl": "x"}]},
        GIVEN,
        UNREADABLE,
        1,
    ),
    "one resource without a type": (bundle(LATEX, {"id": "x"}), GIVEN, UNREADABLE, 1),
    "no entry that can be read": (bundle(None, "x", 7), FAILED, UNREADABLE, 0),
    "two gaps": (bundle(LATEX, None, **NEXT), GIVEN, f"{UNREADABLE}; {PAGED}", 1),
}


@pytest.mark.parametrize(("value", "arrival", "gap", "count"), STATES.values(), ids=STATES)
def test_each_value_of_a_key_has_one_state(value: Json, arrival: Arrival, gap: str, count: int) -> None:
    data = answer(value)
    assert (data.arrival, data.gap, len(data.resources)) == (arrival, gap, count)
    assert data.is_whole is (arrival in (GIVEN, EMPTY) and not gap)


def test_a_key_that_is_absent_was_not_sent() -> None:
    chart = build_chart("p", {})
    assert {chart.get(key).arrival for key in QUERIES} == {NOT_SENT}
    assert not chart.get("allergyList").is_whole


def test_a_key_that_nobody_advertised_is_ignored() -> None:
    chart = build_chart("p", {"allergies": bundle(LATEX)})
    assert set(chart.data) == set(FOR_ORDERS)
    assert chart.get("allergies").arrival is NOT_SENT


def test_each_key_has_its_own_state() -> None:
    sent = {"patient": None, "allergyList": bundle(LATEX), "problemList": outcome("error")}
    chart = build_chart("p", sent)
    found = {key: chart.get(key).arrival for key in ("patient", "allergyList", "problemList", "bodyMeasures")}
    assert found == {"patient": EMPTY, "allergyList": GIVEN, "problemList": FAILED, "bodyMeasures": NOT_SENT}


# --- whose data -------------------------------------------------------------------------------------------------------

OWN = {
    "relative": "Patient/p",
    "absolute": "https://ehr.example.org/fhir/Patient/p",
    "of a version": "Patient/p/_history/2",
    "no reference": None,
    "urn": "urn:uuid:0b5e0d02",
}


@pytest.mark.parametrize("reference", OWN.values(), ids=OWN)
def test_what_is_about_the_patient_or_names_none_is_kept(reference: str | None) -> None:
    data = answer(bundle({**allergy(), "patient": {"reference": reference}}))
    assert (data.arrival, data.gap, len(data.resources)) == (GIVEN, "", 1)


STRANGERS = {
    "relative": "Patient/q",
    "absolute": "https://ehr.example.org/fhir/Patient/q",
    "of a version": "Patient/q/_history/2",
    "a longer id": "Patient/p1",
    "no id": "Patient/",
    "the server has the name": "https://p.example.org/Patient/q",
}


@pytest.mark.parametrize("reference", STRANGERS.values(), ids=STRANGERS)
def test_data_of_another_patient_are_dropped_and_leave_a_gap(reference: str) -> None:
    other = {**allergy("a2"), "patient": {"reference": reference}}
    beside = answer(bundle(LATEX, other))
    assert (beside.arrival, beside.gap, [one["id"] for one in beside.resources]) == (GIVEN, STRANGER, ["a1"])
    alone = answer(bundle(other))
    assert (alone.arrival, alone.gap, alone.resources) == (FAILED, STRANGER, ())
    by_itself = answer(other)
    assert (by_itself.arrival, by_itself.gap) == (FAILED, STRANGER)


def test_a_subject_counts_as_well_as_a_patient() -> None:
    other = {"resourceType": "Condition", "subject": {"reference": "Patient/q"}}
    assert read_answer(QUERIES["problemList"], bundle(other), "p").arrival is FAILED


def test_another_gap_is_named_beside_that_of_another_patient() -> None:
    assert answer(bundle(LATEX, allergy("a2", "q"), total=9)).gap == f"{FEWER}; {STRANGER}"


READS = {
    "the patient": ({"resourceType": "Patient", "id": "p"}, GIVEN, ""),
    "without an id": ({"resourceType": "Patient"}, GIVEN, ""),
    "in a Bundle": (bundle({"resourceType": "Patient", "id": "p"}), GIVEN, ""),
    "another id": ({"resourceType": "Patient", "id": "q"}, FAILED, STRANGER),
    "a longer id": ({"resourceType": "Patient", "id": "p1"}, FAILED, STRANGER),
    "another id in a Bundle": (bundle({"resourceType": "Patient", "id": "q"}), FAILED, STRANGER),
    "null": (None, EMPTY, ""),
    "another resource": ({"resourceType": "Person", "id": "p"}, FAILED, "not a Patient or a Bundle of them"),
}


@pytest.mark.parametrize(("value", "arrival", "gap"), READS.values(), ids=READS)
def test_the_read_of_the_patient_is_used_only_for_that_patient(value: Body | None, arrival: Arrival, gap: str) -> None:
    data = read_answer(PATIENT, value, "p")
    assert (data.arrival, data.gap, len(data.resources)) == (arrival, gap, 1 if arrival is GIVEN else 0)


def test_the_medications_of_an_answer_come_along_with_it() -> None:
    order = {"resourceType": "MedicationRequest", "id": "m", "subject": {"reference": "Patient/p"}}
    medication = {"resourceType": "Medication", "id": "x"}
    data = read_answer(QUERIES["activeMedications"], bundle(medication, order), "p")
    assert (data.gap, [one["id"] for one in data.resources]) == ("", ["m", "x"])


# --- a list that may be left out --------------------------------------------------------------------------------------


def issues(*codes: str) -> Body:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code} for code in codes]}


LEFT_OUT = {
    "not sent": ({}, NOT_SENT, None),
    "not supported": ({"medicationStatements": issues("not-supported")}, NOT_SENT, None),
    "not allowed": ({"medicationStatements": issues("forbidden", "security")}, NOT_SENT, None),
    "nothing found": ({"medicationStatements": None}, EMPTY, None),
    "failed": ({"medicationStatements": issues("timeout")}, FAILED, f"{STATEMENTS} could not be read ({ERROR})"),
    "not supported, and failed": (
        {"medicationStatements": issues("not-supported", "timeout")},
        FAILED,
        f"{STATEMENTS} could not be read ({ERROR})",
    ),
    "an error without a code": (
        {"medicationStatements": issues()},
        FAILED,
        f"{STATEMENTS} could not be read ({ERROR})",
    ),
    "a page": (
        {"medicationStatements": bundle({"resourceType": "MedicationStatement"}, **NEXT)},
        GIVEN,
        f"{STATEMENTS} incomplete ({PAGED})",
    ),
}


@pytest.mark.parametrize(("prefetch", "arrival", "note"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_list_that_many_servers_lack_may_be_left_out_and_a_failed_one_is_a_gap(
    prefetch: Body, arrival: Arrival, note: str | None
) -> None:
    chart = build_chart("p", prefetch)
    gap = chart.gap("medicationStatements")
    assert (chart.get("medicationStatements").arrival, gap and gap.note) == (arrival, note)


def test_any_other_list_that_is_not_supported_has_failed() -> None:
    assert build_chart("p", {"activeMedications": issues("not-supported")}).get("activeMedications").arrival is FAILED


# --- all the way to the fact ------------------------------------------------------------------------------------------

NOTES = {
    "given": ({"allergyList": bundle(LATEX)}, State.ABSENT, "none on the allergy list"),
    "empty": ({"allergyList": None}, State.ABSENT, "allergy list empty"),
    "failed": ({"allergyList": outcome("error")}, State.UNKNOWN, f"allergy list could not be read ({ERROR})"),
    "not sent": ({}, State.UNKNOWN, "allergy list not sent"),
    "given with a gap": ({"allergyList": bundle(LATEX, **NEXT)}, State.UNKNOWN, f"allergy list incomplete ({PAGED})"),
}


@pytest.mark.parametrize(("prefetch", "state", "note"), NOTES.values(), ids=NOTES)
def test_the_states_are_kept_apart_to_the_note_of_the_fact(prefetch: Body, state: State, note: str) -> None:
    fact = hypersensitivity(prefetch)
    assert (fact.state, fact.note) == (state, note)


def test_why_nothing_was_asked_for_is_said_of_what_was_not_sent_and_of_nothing_else() -> None:
    assert hypersensitivity({}, not_asked="no server").note == "allergy list not sent (no server)"
    assert hypersensitivity({"allergyList": None}, not_asked="no server").note == "allergy list empty"
