"""Screens of lists that are empty, incomplete, failed or not sent: none of these stands for another."""

import pytest

from cds_service.clinical.facts import State
from tests.builders import ICD10CM, SNOMED, bundle, concept, condition
from tests.support import Body
from tests.unit.clinical.screens.entries import entry, facts

LATEX = {"text": "latex"}
BOTH = {"allergyList": None, "problemList": None}  # an allergy may stand on either list
# --- gaps -------------------------------------------------------------------------------------------------------------

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
NEXT = {"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}
SCREENS = {
    "hypersensitivity": ("allergyList", "allergy list", entry(id="x", code=LATEX), entry()),
    "bronchospasm_risk": (
        "problemList",
        "problem list",
        condition(concept("G10", ICD10CM), id="x"),
        condition(concept("195967001", SNOMED)),
    ),
}
EVERY_SCREEN = pytest.mark.parametrize(
    ("name", "key", "label", "harmless", "positive"),
    [(name, *rest) for name, rest in SCREENS.items()],
    ids=list(SCREENS),
)
INCOMPLETE = {
    "paged": (NEXT, "incomplete (not all its pages came)"),
    "fewer than its total": ({"total": 9}, "incomplete (it has fewer entries than its total)"),
}


@EVERY_SCREEN
def test_an_empty_list_is_absent(name: str, key: str, label: str, harmless: Body, positive: Body) -> None:
    for nothing in (None, bundle()):
        fact = facts(**BOTH | {key: nothing})[name]
        assert (fact.state, fact.note) == (State.ABSENT, f"{label} empty")


@EVERY_SCREEN
def test_a_list_of_other_things_is_absent(name: str, key: str, label: str, harmless: Body, positive: Body) -> None:
    fact = facts(**BOTH | {key: bundle(harmless)})[name]
    assert (fact.state, fact.note) == (State.ABSENT, f"none on the {label}")


@EVERY_SCREEN
def test_a_list_that_was_not_sent_is_unknown(name: str, key: str, label: str, harmless: Body, positive: Body) -> None:
    others = {other: None for other in BOTH if other != key}
    fact = facts(**others)[name]
    assert (fact.state, fact.note) == (State.UNKNOWN, f"{label} not sent")


@EVERY_SCREEN
def test_a_list_that_failed_is_unknown(name: str, key: str, label: str, harmless: Body, positive: Body) -> None:
    fact = facts(**BOTH | {key: OUTCOME})[name]
    assert fact.state is State.UNKNOWN
    assert fact.note == f"{label} could not be read (the EHR reports an error)"


@EVERY_SCREEN
@pytest.mark.parametrize(("members", "said"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_incomplete_list_turns_none_into_unknown(
    name: str, key: str, label: str, harmless: Body, positive: Body, members: Body, said: str
) -> None:
    fact = facts(**BOTH | {key: bundle(harmless, **members)})[name]
    assert (fact.state, fact.note) == (State.UNKNOWN, f"{label} {said}")


@EVERY_SCREEN
@pytest.mark.parametrize(("members", "said"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_positive_finding_stays_positive_in_an_incomplete_list(
    name: str, key: str, label: str, harmless: Body, positive: Body, members: Body, said: str
) -> None:
    assert facts(**BOTH | {key: bundle(harmless, positive, **members)})[name].value == "present"


@EVERY_SCREEN
def test_an_error_among_the_entries_turns_none_into_unknown_and_leaves_a_finding(
    name: str, key: str, label: str, harmless: Body, positive: Body
) -> None:
    assert facts(**BOTH | {key: bundle(harmless, OUTCOME)})[name].state is State.UNKNOWN
    assert facts(**BOTH | {key: bundle(positive, OUTCOME)})[name].value == "present"


@EVERY_SCREEN
def test_data_of_another_patient_turn_none_into_unknown(
    name: str, key: str, label: str, harmless: Body, positive: Body
) -> None:
    stranger = {"reference": "Patient/q"}
    others = {**positive, "id": "q1", "patient": stranger, "subject": stranger}
    fact = facts(**BOTH | {key: bundle(harmless, others)})[name]
    assert fact.state is State.UNKNOWN
    assert "another patient" in fact.note


def test_one_list_never_answers_for_the_other() -> None:
    allergic = facts(allergyList=bundle(entry()))
    assert (allergic["hypersensitivity"].value, allergic["bronchospasm_risk"].state) == ("present", State.UNKNOWN)
    asthmatic = facts(problemList=bundle(condition(concept("195967001", SNOMED))))
    assert (asthmatic["bronchospasm_risk"].value, asthmatic["hypersensitivity"].state) == ("present", State.UNKNOWN)


def test_no_allergy_is_none_on_record_only_where_both_lists_were_read() -> None:
    assert facts(allergyList=None, problemList=None)["hypersensitivity"].note == "allergy list empty"
    assert facts(allergyList=None)["hypersensitivity"].note == "problem list not sent"
    assert facts(problemList=None)["hypersensitivity"].note == "allergy list not sent"
