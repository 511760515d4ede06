"""The screen of the allergy list."""

import pytest

from cds_service.clinical.facts import Fact, State
from tests.builders import ATC, ICD10CM, RXNORM, SNOMED, UNII, bundle, concept, condition, status
from tests.support import Body, Json
from tests.unit.clinical.screens.entries import ACETYLCYSTEINE, entry, facts, hypersensitivity

IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"

# --- hypersensitivity: what it is to ----------------------------------------------------------------------------------

LATEX = {"text": "latex"}
ALLERGENS = {
    "code, SNOMED": {"code": ACETYLCYSTEINE},
    "code, RxNorm": {"code": concept("197", "http://www.nlm.nih.gov/research/umls/rxnorm")},
    "code, UNII": {"code": concept("WYQ7N0BPYC", "http://fdasis.nlm.nih.gov")},
    "code by name": {"code": {"text": "N-acetylcysteine"}},
    "code by name, NAC alone": {"code": {"text": "NAC 600 mg"}},
    "code by brand": {"code": {"text": "Solmucol"}},
    "code by a brand that is verified in part": {"code": {"text": "Mucomyst"}},
    "a past reaction by name": {"code": {"text": "history of rash after acetylcysteine"}},
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
def test_an_allergy_to_acetylcysteine_is_found_wherever_a_fhir_version_puts_it(members: Body) -> None:
    fact = hypersensitivity(entry(**members))
    assert (fact.state, fact.value) == (State.KNOWN, "present")
    assert fact.origins[0].resource == "AllergyIntolerance/a1"


def test_what_is_on_record_is_said_in_its_own_words() -> None:
    assert hypersensitivity(entry()).texts["term"] == "acetylcysteine (substance)"
    assert hypersensitivity(entry(code={"text": "hives after Mucomyst"})).texts["term"] == (
        "“hives after Mucomyst”, by name"
    )


OTHERS = {
    "latex": {"code": LATEX},
    "carbocisteine": {"code": {"text": "carbocisteine"}},
    "carbocisteine by code": {"code": concept("R05CB03", "http://www.whocc.no/atc")},
    "sodium chloride": {"code": {"text": "NaCl 0.9 %"}},
    "manifestation": {"code": LATEX, "reaction": [{"manifestation": [{"text": "acetylcysteine"}]}]},
    "an odd code": {"code": "acetylcysteine"},
    "odd reaction": {"code": LATEX, "reaction": ["acetylcysteine", None, {"substance": "acetylcysteine"}]},
    "of another patient": {"patient": {"reference": "Patient/q"}},
}


@pytest.mark.parametrize("members", OTHERS.values(), ids=OTHERS)
def test_an_allergy_to_something_else_is_not_found(members: Body) -> None:
    assert hypersensitivity(entry(**members)).state is not State.KNOWN


UNREADABLE = "an entry of the allergy list has neither a name nor a code that this service can read"


def quoted(text: str) -> str:
    return f"an entry of the allergy list reads “{text}”, which leaves open whether it counts"


IN_DOUBT = {
    "no code and no name": ({"code": {}}, UNREADABLE),
    "SNOMED CT that is not listed": ({"code": concept("91936005", SNOMED)}, UNREADABLE),
    "RxNorm that is not listed": ({"code": concept("7980", RXNORM)}, UNREADABLE),
    "UNII that is not listed": ({"code": concept("Q42T66VG0C", UNII)}, UNREADABLE),
    "an ATC group that acetylcysteine belongs to": ({"code": concept("R05CB", ATC)}, UNREADABLE),
    "a name in another alphabet": ({"code": {"text": "青霉素"}}, UNREADABLE),
    "a name without a letter": ({"code": {"text": "--"}}, UNREADABLE),
    "one of several substances": (
        {"code": LATEX, "reaction": [{"substance": concept("91936005", SNOMED)}]},
        UNREADABLE,
    ),
    "no information, IPS": (
        {"code": concept("no-allergy-info", IPS)},
        "an entry of the allergy list says that there is no information",
    ),
    **{
        text: ({"code": {"text": text}}, quoted(text))
        for text in (
            "No information about allergies",
            "Unable to assess",
            "Not on file",
            "Allergy status unknown",
            "Unknown",
            "Patient denies allergy to acetylcysteine",
            "tolerates acetylcysteine well",
            "acetylcysteine: no reaction",
            "not allergic to N-acetylcysteine",
            "keine Allergie gegen Acetylcystein",
            "Acetylcystein nicht allergisch",
            "acetylcysteine?",
            "suspected acetylcysteine allergy",
            "family history of acetylcysteine allergy",
            "rash after NAC infusion 2019",
            "Fluimucil Complex",
            "Rinofluimucil",
        )
    },
}


@pytest.mark.parametrize(("members", "note"), IN_DOUBT.values(), ids=IN_DOUBT)
def test_an_allergy_that_may_be_to_acetylcysteine_cannot_be_told(members: Body, note: str) -> None:
    fact = hypersensitivity(entry(**members))
    assert (fact.state, fact.note) == (State.UNKNOWN, note)
    assert fact.origins[0].resource == "AllergyIntolerance/a1"


NONE = {
    "no known allergies, IPS": {"code": concept("no-known-allergies", IPS)},
    "no known medication allergies, IPS": {"code": concept("no-known-medication-allergies", IPS)},
    "no known allergy, SNOMED CT": {"code": concept("716186003", SNOMED)},
    "NKA": {"code": {"text": "NKA"}},
    "NKDA": {"code": {"text": "NKDA"}},
    "No known drug allergies": {"code": {"text": "No known drug allergies"}},
    "another drug by ATC": {"code": concept("J01CA04", ATC)},
    "another drug by a code that is listed elsewhere": {"code": concept("4917", RXNORM)},
    "another allergen by name": {"code": {"text": "Penicillin", "coding": [{"system": SNOMED, "code": "91936005"}]}},
    "another drug that the patient is not allergic to": {"code": {"text": "no allergy to penicillin"}},
}


@pytest.mark.parametrize("members", NONE.values(), ids=NONE)
def test_none_known_and_an_allergy_to_something_that_can_be_read_are_none(members: Body) -> None:
    fact = hypersensitivity(entry(**members))
    assert (fact.state, fact.note) == (State.ABSENT, "none on the allergy list")


def test_a_code_counts_whatever_the_text_beside_it_says() -> None:
    assert hypersensitivity(entry(code={**ACETYLCYSTEINE, "text": "tolerated once"})).value == "present"


def test_an_allergy_that_is_found_is_not_hidden_by_one_in_doubt() -> None:
    assert hypersensitivity(entry(id="a0", code={}), entry()).value == "present"


# --- on the problem list ----------------------------------------------------------------------------------------------

ON_PROBLEM_LIST = {
    "allergy": ({"text": "Allergy to acetylcysteine"}, "present"),
    "hypersensitivity": ({"text": "Acetylcysteine hypersensitivity"}, "present"),
    "anaphylaxis": ({"text": "Anaphylaxis due to N-acetyl cysteine"}, "present"),
    "a code that is not listed beside the name": (
        concept("294520007", SNOMED, text="Acetylcysteine allergy"),
        "present",
    ),
    "history": ({"text": "History of anaphylaxis to acetylcysteine"}, "present"),
    "brand": ({"text": "Allergic reaction to Parvolex"}, "present"),
    "German": ({"text": "Allergie gegen Acetylcystein"}, "present"),
    "substance and name": (concept("387440002", SNOMED, text="allergy"), "present"),
    "denied": ({"text": "Denies allergy to acetylcysteine"}, None),
    "of the family": ({"text": "Mother: anaphylaxis to acetylcysteine"}, None),
    "another word for a reaction": ({"text": "Adverse reaction to acetylcysteine"}, None),
    "NAC among other words": ({"text": "Anaphylaxis to NAC infusion"}, None),
    "an unlisted code without a name": (concept("294520007", SNOMED), None),
    "no information": (concept("no-problem-info", IPS), None),
    "a use of it": ({"text": "Long-term use of acetylcysteine"}, "none"),
    "another allergy": ({"text": "Allergy to penicillin"}, "none"),
    "an allergy, and NAC is chemotherapy": ({"text": "Breast cancer, after NAC"}, "none"),
    "any code of ICD-10": (concept("I10", ICD10CM), "none"),
    "a code that is listed elsewhere": (concept("195967001", SNOMED), "none"),
}


@pytest.mark.parametrize(("code", "expected"), ON_PROBLEM_LIST.values(), ids=ON_PROBLEM_LIST)
def test_an_allergy_on_the_problem_list_counts(code: Body, expected: str | None) -> None:
    fact = hypersensitivity(problemList=bundle(condition(code)))
    states = {"present": State.KNOWN, None: State.UNKNOWN, "none": State.ABSENT}
    assert fact.state is states[expected]
    assert expected != "present" or fact.value == "present"


def test_an_allergy_on_the_problem_list_that_is_over_does_not_count() -> None:
    resolved = condition({"text": "Allergy to acetylcysteine"}, clinicalStatus=status("resolved"))
    assert hypersensitivity(problemList=bundle(resolved)).state is State.ABSENT


# --- intolerance ------------------------------------------------------------------------------------------------------


def intolerance(*manifestations: str, **members: Json) -> Body:
    reaction = [{"manifestation": [{"text": text} for text in manifestations]}]
    return entry(**{"type": "intolerance", "reaction": reaction, **members})


INTOLERANCES = {
    "nausea": intolerance("nausea"),
    "several, in one": intolerance("Nausea and vomiting (disorder)"),
    "several": intolerance("Diarrhea", "mild abdominal pain", "heartburn", "dyspepsia"),
    "low criticality": intolerance("nausea", criticality="low"),
    "low criticality, DSTU2": intolerance("nausea", criticality="CRITL"),
    "described": intolerance("nausea", reaction=[{"manifestation": {"text": "nausea"}, "description": "vomiting"}]),
    "type of R5": intolerance("nausea", type={"coding": [{"code": "intolerance"}]}),
    "manifestation of R5": intolerance(reaction=[{"manifestation": [{"concept": {"text": "nausea"}}]}]),
    "by name": intolerance("nausea", code={"text": "acetylcysteine"}),
}
MORE_THAN_THAT = {
    "another manifestation": intolerance("rash"),
    "one more manifestation": intolerance("nausea", "urticaria"),
    "one more in the same words": intolerance("nausea and rash"),
    "a code alone": intolerance(reaction=[{"manifestation": [concept("422587007", SNOMED)]}]),
    "no manifestation": intolerance(reaction=[{}]),
    "no reaction": intolerance(reaction=[]),
    "one reaction of two without one": intolerance(reaction=[{"manifestation": [{"text": "nausea"}]}, {}]),
    "described as more": intolerance(reaction=[{"manifestation": [{"text": "nausea"}], "description": "hives"}]),
    "high criticality": intolerance("nausea", criticality="high"),
    "criticality that could not be assessed": intolerance("nausea", criticality="unable-to-assess"),
    "an allergy by its type": intolerance("nausea", type="allergy"),
    "no type": intolerance("nausea", type=None),
    "an allergy by its name": intolerance("nausea", code={"text": "acetylcysteine allergy"}),
}


@pytest.mark.parametrize("entry", INTOLERANCES.values(), ids=INTOLERANCES)
def test_an_intolerance_with_gastrointestinal_manifestations_alone_is_less(entry: Body) -> None:
    fact = hypersensitivity(entry)
    assert (fact.state, fact.value) == (State.KNOWN, "intolerance")
    assert "acetylcysteine" in fact.texts["term"]
    assert fact.origins[0].resource == "AllergyIntolerance/a1"


@pytest.mark.parametrize("entry", MORE_THAN_THAT.values(), ids=MORE_THAN_THAT)
def test_anything_more_is_hypersensitivity(entry: Body) -> None:
    assert hypersensitivity(entry).value == "present"


def test_hypersensitivity_comes_before_an_intolerance() -> None:
    assert hypersensitivity(intolerance("nausea"), entry(id="a2")).value == "present"


BESIDE = {
    "an entry that cannot be read": hypersensitivity(intolerance("nausea"), entry(id="a2", code={})),
    "a problem list that did not come": facts(allergyList=bundle(intolerance("nausea")))["hypersensitivity"],
}


@pytest.mark.parametrize("fact", BESIDE.values(), ids=BESIDE)
def test_an_intolerance_beside_what_was_not_read_is_no_mere_intolerance(fact: Fact) -> None:
    assert fact.state is State.UNKNOWN
    assert fact.note.startswith("an intolerance is on record; beside it, ")
    assert fact.origins[0].resource == "AllergyIntolerance/a1"


def test_an_intolerance_to_something_else_is_none() -> None:
    assert hypersensitivity(intolerance("nausea", code=LATEX)).state is State.ABSENT


def test_an_intolerance_to_what_cannot_be_read_cannot_be_told() -> None:
    assert hypersensitivity(intolerance("nausea", code=concept("91936005", SNOMED))).state is State.UNKNOWN


def test_an_allergy_among_others_is_found() -> None:
    assert hypersensitivity(entry(id="a0", code=LATEX), entry()).value == "present"


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
def test_an_allergy_counts_unless_its_status_says_otherwise(members: Body) -> None:
    assert hypersensitivity(entry(**members)).value == "present"


@pytest.mark.parametrize("members", DOES_NOT_COUNT.values(), ids=DOES_NOT_COUNT)
def test_an_allergy_that_is_over_refuted_or_entered_in_error_does_not_count(members: Body) -> None:
    fact = hypersensitivity(entry(**members))
    assert (fact.state, fact.note) == (State.ABSENT, "none on the allergy list")


def test_a_refuted_allergy_does_not_hide_a_live_one() -> None:
    refuted = entry(id="a0", verificationStatus=status("refuted"))
    assert hypersensitivity(refuted, entry()).origins[0].resource == "AllergyIntolerance/a1"
