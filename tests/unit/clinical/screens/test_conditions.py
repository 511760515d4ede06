"""Screens of the problem list."""

import pytest

from cds_service.clinical.facts import State
from cds_service.clinical.screens.conditions import screen_conditions
from cds_service.fhir.systems import ICD10, ICD10AM, ICD10GM
from cds_service.gathering.prefetch import build_chart
from tests.builders import ICD10CM, SNOMED, bundle, concept, condition, status
from tests.support import VOCABULARY, Body, Json
from tests.unit.clinical.screens.entries import bleeding, bronchospasm

# --- bronchospasm risk: codes -----------------------------------------------------------------------------------------

RISKS = {
    **{
        code: concept(code, ICD10CM)
        for code in ("J45", "J45.20", "J4520", "j45.909", "J45.990", "J45.998", "J82.83", "J8283", "J98.01", "J9801")
    },
    **{code: concept(code, ICD10CM) for code in ("J44", "J44.0", "J44.1", "J44.9", "J449", "J43.9", "J41.0", "J42")},
    **{f"{code} of the WHO": concept(code, ICD10) for code in ("J41", "J42", "J43.1", "J44.8", "J45.9", "J46")},
    "J45.9 of Germany": concept("J45.9", ICD10GM),
    "J44.19 of Germany": concept("J44.19", ICD10GM),
    "J46 of Australia": concept("J46", ICD10AM),
    **{code: concept(code, SNOMED) for code in ("195967001", "281239006", "4386001", "13645005")},
}


@pytest.mark.parametrize("code", RISKS.values(), ids=RISKS)
def test_each_code_of_asthma_bronchospasm_and_copd_is_a_risk(code: Body) -> None:
    fact = bronchospasm(condition(code))
    assert (fact.state, fact.value) == (State.KNOWN, "present")
    assert fact.texts["term"]


@pytest.mark.parametrize("code", ["J82.81", "J98.09", "J40", "J47.9", "J30.1", "G10"])
def test_another_code_is_no_risk(code: str) -> None:
    assert bronchospasm(condition(concept(code, ICD10CM))).state is State.ABSENT


def test_a_code_of_the_list_counts_only_in_its_own_system() -> None:
    assert bronchospasm(condition(concept("J45.20", SNOMED, text="something else"))).state is State.ABSENT


ULCERS = {
    **{code: concept(code, ICD10CM) for code in ("I85", "I85.00", "I85.11", "K25", "K25.2", "K26.9", "K27.0", "K28.3")},
    **{f"{code} of Germany": concept(code, ICD10GM) for code in ("I85.9", "K25.9", "K26.0")},
    **{code: concept(code, SNOMED) for code in ("28670008", "13200003")},
}


@pytest.mark.parametrize("code", ULCERS.values(), ids=ULCERS)
def test_each_code_of_varices_and_ulcer_is_a_risk(code: Body) -> None:
    assert bleeding(condition(code)).value == "present"


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
    "text only, resolved": ({"clinicalStatus": {"text": "Resolved"}}, False),
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
def test_a_condition_counts_while_active_and_not_refuted(members: Body, counts: bool) -> None:
    fact = bronchospasm(condition(concept("195967001", SNOMED), **members))
    assert (fact.state is State.KNOWN) is counts


@pytest.mark.parametrize("unread", [status("unknown"), status("aktiv"), "A", {"text": "chronic"}])
def test_a_clinical_status_that_is_not_known_leaves_a_condition_in_doubt(unread: Json) -> None:
    fact = bronchospasm(condition(concept("195967001", SNOMED), clinicalStatus=unread))
    assert (fact.state, fact.note) == (
        State.UNKNOWN,
        "an entry of the problem list has a clinical status that this service cannot read",
    )
    assert bronchospasm(condition({"text": "Hay fever"}, clinicalStatus=unread)).state is State.ABSENT


# --- names ------------------------------------------------------------------------------------------------------------

PRESENT, DOUBT, NONE = State.KNOWN, State.UNKNOWN, State.ABSENT
LUNGS = {
    PRESENT: (
        "Asthma",
        "asthma, mild",
        "Allergic ASTHMA",
        "Belastungsasthma",
        "Asma bronquial",
        "asmático",
        "Asthme allergique",
        "Inspanningsastma",
        "status asthmaticus",
        "bronchospasm",
        "Bronchospasmus",
        "Emphysema of lung",
        "COPD",
        "copd gold III",
        "COLD",
        "COLD Stadium II",
        "BPCO",
        "EPOC",
        "Chronic simple bronchitis",
        "Chronic obstructive pulmonary disease, unspecified",
        "chronisch obstruktive Lungenkrankheit",
        "Asthma, not well controlled",
        "Asthma without status asthmaticus",
        "Asthma with history of intubation",
        "Asthma, no COPD",
        "Common cold, and asthma",
        "Chronic obstructive lung disease (reactive airways)",
    ),
    DOUBT: (
        "No asthma",
        "Asthma: no",
        "Asthma - denied",
        "does not have asthma",
        "doesn't have asthma",
        "denies asthma or COPD",
        "kein Asthma",
        "Asthma ausgeschlossen",
        "Family history of asthma",
        "FH: Asthma",
        "Mother: asthma",
        "Maternal asthma",
        "History of asthma",
        "H/O: asthma",
        "Asthma in the past",
        "Z.n. Asthma",
        "Rule out COPD",
        "R/O asthma",
        "Suspected asthma",
        "Asthma, suspected",
        "Asthma?",
        "? COPD",
        "V.a. COPD",
        "Verdacht auf Asthma",
        "At risk of asthma",
        "Reactive airways disease",
        "Lungenemphysem",
        "COLD WEATHER RASH",
        "No information about problems",
        "not on file",
        "Unknown",
        "哮喘",
        "233604007",
    ),
    NONE: (
        "Hay fever",
        "Common cold",
        "COMMON COLD",
        "cold intolerance",
        "Acute bronchitis",
        "Subcutaneous emphysema",
        "Mycoplasma pneumonia",
        "Optic chiasma lesion",
        "Melasma",
        "Adverse effect of antiasthmatics",
        "Cardiac asthma",
        "Chronic obstructive pyelonephritis",
        "No known problems",
        "Family history of diabetes",
        "Pneumonia, cause unknown",
        "? viral rash",
    ),
}
STOMACH = {
    PRESENT: (
        "Peptic ulcer",
        "Peptic ulcers",
        "Chronic gastric ulcer without hemorrhage AND without perforation",
        "Duodenal ulcer disease",
        "Ulcer of stomach",
        "Ulcus ventriculi",
        "Ulcus duodeni",
        "History of peptic ulcer",
        "Personal history of peptic ulcer disease",
        "Oesophageal varices",
        "Esophageal varices without bleeding",
        "Gastro-oesophageal varices",
        "Varices of esophagus",
        "Ösophagusvarizen",
        "Blutende Ösophagusvarizen",
        "Ösophagusvarizenblutung",
    ),
    DOUBT: (
        "No peptic ulcer",
        "No history of peptic ulcer",
        "Family history of peptic ulcer",
        "Gastric ulcer ruled out",
        "History of esophageal varices",
        "PUD",
        "Magengeschwür",
        "Úlcera gástrica",
    ),
    NONE: ("Pressure ulcer of sacrum", "Aphthous ulcer", "Ulcerative colitis", "Varices of legs", "Gastritis"),
}


def by_name(names: Json) -> list[tuple[str, State]]:
    return [(text, state) for state, texts in names.items() for text in texts]


@pytest.mark.parametrize(("text", "state"), by_name(LUNGS))
def test_asthma_bronchospasm_and_copd_by_name(text: str, state: State) -> None:
    assert bronchospasm(condition({"text": text})).state is state
    unread = {"coding": [{"system": "urn:local", "code": "A1", "display": text}]}
    assert bronchospasm(condition(unread)).state is state
    assert bronchospasm(condition({"coding": [{"system": SNOMED, "code": "99", "display": text}]})).state is state


@pytest.mark.parametrize(("text", "state"), by_name(STOMACH))
def test_varices_and_ulcer_by_name(text: str, state: State) -> None:
    assert bleeding(condition({"text": text})).state is state


def test_a_finding_by_name_says_so() -> None:
    fact = bronchospasm(condition({"text": "Asthma since childhood"}))
    assert fact.texts["term"] == "“Asthma since childhood”, by name"
    assert fact.origins[0].resource == "Condition/c1"


def test_a_name_in_doubt_is_quoted() -> None:
    note = "an entry of the problem list reads “Family history of asthma”, which leaves open whether it counts"
    assert bronchospasm(condition({"text": "Family history of asthma"})).note == note


def test_a_very_long_name_that_was_not_read_to_its_end_is_in_doubt() -> None:
    fact = bronchospasm(condition({"text": "dust " * 300 + "asthma"}))
    assert fact.state is State.UNKNOWN
    assert len(fact.note) < 250
    assert bronchospasm(condition({"text": "asthma " + "dust " * 300})).value == "present"


def test_a_name_that_is_taken_back_by_another_of_the_same_entry_is_in_doubt() -> None:
    both = {"text": "No asthma", "coding": [{"system": "urn:local", "code": "1", "display": "Asthma"}]}
    assert bronchospasm(condition(both)).state is State.UNKNOWN


def test_a_name_that_is_sure_comes_before_one_that_is_not() -> None:
    both = {"text": "reactive airways", "coding": [{"system": "urn:local", "code": "1", "display": "Asthma"}]}
    assert bronchospasm(condition(both)).value == "present"


def test_a_listed_code_counts_whatever_its_name_says() -> None:
    assert bronchospasm(condition(concept("195967001", SNOMED, text="History of asthma"))).value == "present"


def test_the_diseases_of_the_family_are_not_those_of_the_patient() -> None:
    for code in (concept("Z82.5", ICD10CM), concept("Z82.5", ICD10GM, text="Asthma in der Familie")):
        assert bronchospasm(condition(code)).state is State.ABSENT


def test_a_name_of_a_condition_that_is_over_says_nothing() -> None:
    assert bronchospasm(condition({"text": "Asthma"}, clinicalStatus=status("resolved"))).state is State.ABSENT


def test_an_entry_that_is_found_comes_before_one_in_doubt() -> None:
    found = bronchospasm(condition({"text": "Asthma?"}, id="c0"), condition(concept("195967001", SNOMED)))
    assert (found.value, found.origins[0].resource) == ("present", "Condition/c1")


# --- without a name ---------------------------------------------------------------------------------------------------

IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
NAMELESS = {
    "SNOMED CT that is not listed": (concept("44054006", SNOMED), DOUBT),
    "RxNorm": (concept("161", "http://www.nlm.nih.gov/research/umls/rxnorm"), DOUBT),
    "a system that is not read": (concept("17", "urn:local"), DOUBT),
    "ICD-9-CM": (concept("493.90", "http://hl7.org/fhir/sid/icd-9-cm"), DOUBT),
    "no system": ({"coding": [{"code": "J30.1"}]}, DOUBT),
    "nothing": ({}, DOUBT),
    "no concept": (None, DOUBT),
    "no object": ("Asthma", DOUBT),
    "a group of ICD-10 that holds a listed code": (concept("J98.0", ICD10CM), DOUBT),
    "no code of ICD-10": (concept("N/A", ICD10CM), DOUBT),
    "no information, IPS": (concept("no-problem-info", IPS), DOUBT),
    "no known problems, IPS": (concept("no-known-problems", IPS), NONE),
    "ICD-10-CM": (concept("I10", ICD10CM), NONE),
    "ICD-10-GM": (concept("I10.90", ICD10GM), NONE),
    "SNOMED CT beside ICD-10": (
        {"coding": [{"system": SNOMED, "code": "38341003"}, {"system": ICD10, "code": "I10"}]},
        NONE,
    ),
    "SNOMED CT that is listed for another screen": (concept("13200003", SNOMED), NONE),
}


@pytest.mark.parametrize(("code", "state"), NAMELESS.values(), ids=NAMELESS)
def test_a_code_that_is_not_known_and_has_no_name_may_be_anything(code: Json, state: State) -> None:
    assert bronchospasm(condition(code)).state is state


def test_a_code_that_is_listed_for_another_screen_is_no_ulcer() -> None:
    assert bleeding(condition(concept("195967001", SNOMED))).state is State.ABSENT


def test_a_refused_code_answers_for_the_name_beside_it() -> None:
    noncompliance = condition(concept("Z91.15", ICD10CM, text="asthma"))
    chart = build_chart("p", {"problemList": bundle(noncompliance)})
    assert screen_conditions(chart, VOCABULARY, "dialysis", "bronchospasm-risk-words").state is State.ABSENT


def test_an_unsure_code_cannot_be_told_and_its_name_can() -> None:
    assert bleeding(condition(concept("Z87.11", ICD10CM))).note == (
        "an entry of the problem list is for “history of peptic ulcer”, by a code that this service is not sure of"
    )
    assert bleeding(condition(concept("Z87.11", ICD10CM, text="Personal history of peptic ulcer"))).value == "present"


# --- a code that is not listed in full --------------------------------------------------------------------------------

LISTED = [
    (screen, row.code, row.system)
    for screen in (
        *("bleeding-risk", "bronchospasm-risk", "dialysis", "kidney-disease", "kidney-disease-stage-4"),
        *("kidney-disease-stage-5", "kidney-failure", "kidney-injury"),
    )
    for row in VOCABULARY.code_lists[screen].rows
    if row.system in (ICD10, ICD10CM) and (row.included or row.unsure or row.vague)
]


@pytest.mark.parametrize(("screen", "code", "system"), LISTED)
def test_a_code_broader_or_narrower_than_a_listed_one_is_never_none(screen: str, code: str, system: str) -> None:
    plain = code.rstrip("*")
    for written in {plain[:3], plain, f"{plain}{'' if '.' in plain else '.'}8"}:
        for form in {system, ICD10CM} | ({ICD10GM, ICD10AM} if system == ICD10 else set()):
            chart = build_chart("p", {"problemList": bundle(condition(concept(written, form)))})
            fact = screen_conditions(chart, VOCABULARY, screen, f"{screen}-words")
            assert fact.state is not State.ABSENT, (written, form)
