"""Screens of the allergy list and the problem list: found, none found, or cannot tell, never one for another."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service.clinical.facts import State
from cds_service.clinical.reading import read_patient_facts
from cds_service.clinical.screens.conditions import screen_conditions
from cds_service.content.loading import load_content
from cds_service.gathering.prefetch import build_chart
from tests.support import draft_orders_of

VOCABULARY = load_content(Path(__file__).parents[4] / "cards").vocabulary
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SNOMED, ICD10CM = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
ABOUT = {"reference": "Patient/p"}


def concept(code, system=SNOMED, **more):
    return {"coding": [{"system": system, "code": code}], **more}


ACETYLCYSTEINE = concept("387440002")


def status(code):
    return {"coding": [{"code": code}]}


def allergy(**members):
    return {"resourceType": "AllergyIntolerance", "id": "a1", "patient": ABOUT, "code": ACETYLCYSTEINE, **members}


def condition(code, **members):
    active = {"clinicalStatus": status("active"), "verificationStatus": status("confirmed")}
    return {"resourceType": "Condition", "id": "c1", "subject": ABOUT, "code": code, **active, **members}


def bundle(*resources, **members):
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **members}


def facts(**prefetch):
    return read_patient_facts(draft_orders_of(), build_chart("p", prefetch), VOCABULARY, NOW)


def hypersensitivity(*allergies):
    return facts(allergyList=bundle(*allergies))["hypersensitivity"]


def bronchospasm(*conditions):
    return facts(problemList=bundle(*conditions))["bronchospasm_risk"]


# --- hypersensitivity: what it is to ----------------------------------------------------------------------------------

LATEX = {"text": "latex"}
ALLERGENS = {
    "code, SNOMED": {"code": ACETYLCYSTEINE},
    "code, RxNorm": {"code": concept("197", "http://www.nlm.nih.gov/research/umls/rxnorm")},
    "code, UNII": {"code": concept("WYQ7N0BPYC", "http://fdasis.nlm.nih.gov")},
    "code by name": {"code": {"text": "N-acetylcysteine"}},
    "code by name, free text": {"code": {"text": "rash after NAC infusion 2019"}},
    "code by display": {"code": {"coding": [{"system": "urn:x", "code": "1", "display": "Acetylcysteine"}]}},
    "substance of DSTU2": {"code": None, "substance": ACETYLCYSTEINE},
    "substance of DSTU2 by name": {"code": None, "substance": {"text": "acetylcystein"}},
    "reaction substance": {"code": LATEX, "reaction": [{"substance": ACETYLCYSTEINE}]},
    "reaction substance by name": {"code": LATEX, "reaction": [{"substance": {"text": "acetylcysteine"}}]},
    "second reaction": {"code": LATEX, "reaction": [{"substance": LATEX}, {"substance": ACETYLCYSTEINE}]},
    "reaction sent as an object": {"code": LATEX, "reaction": {"substance": ACETYLCYSTEINE}},
    "substances sent as a list": {"code": LATEX, "reaction": [{"substance": [LATEX, ACETYLCYSTEINE]}]},
}


@pytest.mark.parametrize("members", ALLERGENS.values(), ids=ALLERGENS)
def test_an_allergy_to_acetylcysteine_is_found_wherever_a_fhir_version_puts_it(members):
    fact = hypersensitivity(allergy(**members))
    assert (fact.state, fact.value) == (State.KNOWN, "present")
    assert "acetylcysteine" in fact.texts["term"].lower()
    assert fact.origins[0].resource == "AllergyIntolerance/a1"


OTHERS = {
    "latex": {"code": LATEX},
    "carbocisteine": {"code": {"text": "carbocisteine"}},
    "carbocisteine by code": {"code": concept("R05CB03", "http://www.whocc.no/atc")},
    "sodium chloride": {"code": {"text": "NaCl 0.9 %"}},
    "manifestation": {"code": LATEX, "reaction": [{"manifestation": [{"text": "acetylcysteine"}]}]},
    "odd code": {"code": "acetylcysteine"},
    "odd reaction": {"code": LATEX, "reaction": ["acetylcysteine", None, {"substance": "acetylcysteine"}]},
    "of another patient": {"patient": {"reference": "Patient/q"}},
}


@pytest.mark.parametrize("members", OTHERS.values(), ids=OTHERS)
def test_an_allergy_to_something_else_is_not_found(members):
    assert hypersensitivity(allergy(**members)).state is not State.KNOWN


def test_an_allergy_among_others_is_found():
    assert hypersensitivity(allergy(id="a0", code=LATEX), allergy()).value == "present"


# --- hypersensitivity: status, in each FHIR version -------------------------------------------------------------------

COUNTS = {
    "R4 active": {"clinicalStatus": status("active")},
    "R4 active and confirmed": {"clinicalStatus": status("active"), "verificationStatus": status("confirmed")},
    "R4 unconfirmed": {"verificationStatus": status("unconfirmed")},
    "R4 presumed": {"verificationStatus": status("presumed")},
    "no status at all": {},
    "STU3 active": {"clinicalStatus": "active", "verificationStatus": "confirmed"},
    "STU3 unconfirmed": {"clinicalStatus": "active", "verificationStatus": "unconfirmed"},
    "DSTU2 active": {"status": "active"},
    "DSTU2 confirmed": {"status": "confirmed"},
    "DSTU2 unconfirmed": {"status": "unconfirmed"},
}
DOES_NOT_COUNT = {
    "R4 inactive": {"clinicalStatus": status("inactive")},
    "R4 resolved": {"clinicalStatus": status("resolved")},
    "R4 refuted": {"clinicalStatus": status("active"), "verificationStatus": status("refuted")},
    "R4 entered in error": {"verificationStatus": status("entered-in-error")},
    "STU3 inactive": {"clinicalStatus": "inactive"},
    "STU3 resolved": {"clinicalStatus": "resolved"},
    "STU3 refuted": {"verificationStatus": "refuted"},
    "STU3 entered in error": {"verificationStatus": "entered-in-error"},
    "DSTU2 inactive": {"status": "inactive"},
    "DSTU2 resolved": {"status": "resolved"},
    "DSTU2 refuted": {"status": "refuted"},
    "DSTU2 entered in error": {"status": "entered-in-error"},
    "in capitals": {"verificationStatus": "REFUTED"},
}


@pytest.mark.parametrize("members", COUNTS.values(), ids=COUNTS)
def test_an_allergy_counts_unless_its_status_says_otherwise(members):
    assert hypersensitivity(allergy(**members)).value == "present"


@pytest.mark.parametrize("members", DOES_NOT_COUNT.values(), ids=DOES_NOT_COUNT)
def test_an_allergy_that_is_over_refuted_or_entered_in_error_does_not_count(members):
    fact = hypersensitivity(allergy(**members))
    assert (fact.state, fact.note) == (State.ABSENT, "none on the allergy list")


def test_a_refuted_allergy_does_not_hide_a_live_one():
    refuted = allergy(id="a0", verificationStatus=status("refuted"))
    assert hypersensitivity(refuted, allergy()).origins[0].resource == "AllergyIntolerance/a1"


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


# --- gaps -------------------------------------------------------------------------------------------------------------

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
NEXT = {"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}
SCREENS = {
    "hypersensitivity": ("allergyList", "allergy list", allergy(id="x", code=LATEX), allergy()),
    "bronchospasm_risk": (
        "problemList",
        "problem list",
        condition(concept("G10", ICD10CM), id="x"),
        condition(concept("195967001")),
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
def test_an_empty_list_is_absent(name, key, label, harmless, positive):
    for nothing in (None, bundle()):
        fact = facts(**{key: nothing})[name]
        assert (fact.state, fact.note) == (State.ABSENT, f"{label} empty")


@EVERY_SCREEN
def test_a_list_of_other_things_is_absent(name, key, label, harmless, positive):
    fact = facts(**{key: bundle(harmless)})[name]
    assert (fact.state, fact.note) == (State.ABSENT, f"none on the {label}")


@EVERY_SCREEN
def test_a_list_that_was_not_sent_is_unknown(name, key, label, harmless, positive):
    fact = facts()[name]
    assert (fact.state, fact.note) == (State.UNKNOWN, f"{label} not sent")


@EVERY_SCREEN
def test_a_list_that_failed_is_unknown(name, key, label, harmless, positive):
    fact = facts(**{key: OUTCOME})[name]
    assert fact.state is State.UNKNOWN
    assert fact.note == f"{label} could not be read (the EHR reports an error)"


@EVERY_SCREEN
@pytest.mark.parametrize(("members", "said"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_incomplete_list_turns_none_into_unknown(name, key, label, harmless, positive, members, said):
    fact = facts(**{key: bundle(harmless, **members)})[name]
    assert (fact.state, fact.note) == (State.UNKNOWN, f"{label} {said}")


@EVERY_SCREEN
@pytest.mark.parametrize(("members", "said"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_positive_finding_stays_positive_in_an_incomplete_list(name, key, label, harmless, positive, members, said):
    assert facts(**{key: bundle(harmless, positive, **members)})[name].value == "present"


@EVERY_SCREEN
def test_an_error_among_the_entries_turns_none_into_unknown_and_leaves_a_finding(name, key, label, harmless, positive):
    assert facts(**{key: bundle(harmless, OUTCOME)})[name].state is State.UNKNOWN
    assert facts(**{key: bundle(positive, OUTCOME)})[name].value == "present"


@EVERY_SCREEN
def test_data_of_another_patient_turn_none_into_unknown(name, key, label, harmless, positive):
    stranger = {"reference": "Patient/q"}
    others = {**positive, "id": "q1", "patient": stranger, "subject": stranger}
    fact = facts(**{key: bundle(harmless, others)})[name]
    assert fact.state is State.UNKNOWN
    assert "another patient" in fact.note


@EVERY_SCREEN
def test_one_list_never_answers_for_the_other(name, key, label, harmless, positive):
    other = next(one for one in SCREENS if one != name)
    found = facts(**{key: bundle(positive)})
    assert (found[name].value, found[other].state) == ("present", State.UNKNOWN)
