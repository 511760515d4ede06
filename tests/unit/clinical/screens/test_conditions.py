"""Screens of the problem list."""

import pytest

from cds_service.clinical.facts import State
from cds_service.clinical.screens.conditions import screen_conditions
from cds_service.gathering.prefetch import build_chart
from tests.support import VOCABULARY
from tests.unit.clinical.screens.entries import ICD10CM, SNOMED, bronchospasm, bundle, concept, condition, status

# --- bronchospasm risk: codes -----------------------------------------------------------------------------------------

RISKS = {
    **{
        code: concept(code, ICD10CM)
        for code in ("J45", "J45.20", "J4520", "j45.909", "J45.990", "J45.998", "J82.83", "J8283", "J98.01", "J9801")
    },
    **{code: concept(code, ICD10CM) for code in ("J44", "J44.0", "J44.1", "J44.9", "J449", "J43.9", "J41.0", "J42")},
    **{code: concept(code) for code in ("195967001", "281239006", "4386001", "13645005")},
}


@pytest.mark.parametrize("code", RISKS.values(), ids=RISKS)
def test_each_code_of_asthma_bronchospasm_and_copd_is_a_risk(code):
    fact = bronchospasm(condition(code))
    assert (fact.state, fact.value) == (State.KNOWN, "present")
    assert fact.texts["term"]


@pytest.mark.parametrize("code", ["J46.0", "J82.81", "J98.09", "J40", "J47.9", "J30.1", "G10"])
def test_another_code_is_no_risk(code):
    assert bronchospasm(condition(concept(code, ICD10CM))).state is State.ABSENT


def test_a_code_of_the_list_counts_only_in_its_own_system():
    assert bronchospasm(condition(concept("J45.20", SNOMED))).state is State.ABSENT


STATUSES = {
    "active": ({"clinicalStatus": status("active")}, True),
    "recurrence": ({"clinicalStatus": status("recurrence")}, True),
    "relapse": ({"clinicalStatus": status("relapse")}, True),
    "plain code active": ({"clinicalStatus": "active"}, True),
    "plain code in capitals": ({"clinicalStatus": "Active"}, True),
    "missing": ({"clinicalStatus": None}, True),
    "blank": ({"clinicalStatus": ""}, True),
    "text only": ({"clinicalStatus": {"text": "Active"}}, True),
    "inactive": ({"clinicalStatus": status("inactive")}, False),
    "remission": ({"clinicalStatus": status("remission")}, False),
    "resolved": ({"clinicalStatus": status("resolved")}, False),
    "plain code resolved": ({"clinicalStatus": "resolved"}, False),
    "verification missing": ({"verificationStatus": None}, True),
    "provisional": ({"verificationStatus": status("provisional")}, True),
    "unconfirmed": ({"verificationStatus": status("unconfirmed")}, True),
    "differential": ({"verificationStatus": status("differential")}, True),
    "refuted": ({"verificationStatus": status("refuted")}, False),
    "plain code refuted": ({"verificationStatus": "refuted"}, False),
    "entered in error": ({"verificationStatus": status("entered-in-error")}, False),
    "of another patient": ({"subject": {"reference": "Patient/q"}}, False),
    "of another patient, DSTU2": ({"subject": None, "patient": {"reference": "Patient/q"}}, False),
}


@pytest.mark.parametrize(("members", "counts"), STATUSES.values(), ids=STATUSES)
def test_a_condition_counts_while_active_and_not_refuted(members, counts):
    fact = bronchospasm(condition(concept("195967001"), **members))
    assert (fact.state is State.KNOWN) is counts


# --- bronchospasm risk: words -----------------------------------------------------------------------------------------

WORDS = ["Asthma", "asthma, mild", "Allergic ASTHMA", "bronchospasm", "COPD", "Chronic obstructive pulmonary disease"]


@pytest.mark.parametrize("written", WORDS)
def test_a_name_without_a_code_is_unknown_and_not_present(written):
    fact = bronchospasm(condition({"text": written}))
    assert fact.state is State.UNKNOWN
    assert "no code that this service is sure of" in fact.note
    assert fact.origins[0].resource == "Condition/c1"


def test_a_name_beside_a_code_of_an_unread_system_is_unknown():
    coding = [{"system": "urn:local", "code": "A1", "display": "Asthma"}]
    assert bronchospasm(condition({"coding": coding})).state is State.UNKNOWN


def test_a_name_of_a_condition_that_is_over_says_nothing():
    assert bronchospasm(condition({"text": "Asthma"}, clinicalStatus=status("resolved"))).state is State.ABSENT


def test_another_name_says_nothing():
    assert bronchospasm(condition({"text": "Hay fever"})).state is State.ABSENT


def test_a_code_after_a_mere_name_makes_the_finding_positive():
    found = bronchospasm(condition({"text": "Asthma"}, id="c0"), condition(concept("195967001")))
    assert (found.value, found.origins[0].resource) == ("present", "Condition/c1")


def test_the_note_names_what_was_found_by_name():
    assert bronchospasm(condition({"text": "Asthma"})).note.startswith("an entry named “asthma” has no code")


def test_a_refused_code_answers_for_the_name_beside_it():
    noncompliance = condition(concept("Z91.15", ICD10CM, text="asthma"))
    chart = build_chart("p", {"problemList": bundle(noncompliance)})
    assert screen_conditions(chart, VOCABULARY, "dialysis", "bronchospasm-risk-words").state is State.ABSENT


def test_an_unsure_code_cannot_be_told():
    chart = build_chart("p", {"problemList": bundle(condition(concept("K26.0", ICD10CM)))})
    assert screen_conditions(chart, VOCABULARY, "bleeding-risk", "bleeding-risk-words").state is State.UNKNOWN
