"""The screen of the allergy list."""

import pytest

from cds_service.clinical.facts import State
from tests.unit.clinical.screens.entries import ACETYLCYSTEINE, allergy, concept, hypersensitivity, status

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
