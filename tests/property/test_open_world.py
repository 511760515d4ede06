"""What is not recognised is never taken for none: whatever an entry is replaced by, as long as it cannot be read."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clinical.facts import Facts, State
from cds_service.clinical.reading import read_patient_facts
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from tests.support import FIXTURES, NOW, VOCABULARY, draft_orders_of

Json = Any
LISTS = ("problemList", "allergyList", "activeMedications", "medicationStatements")
SCREENS = (
    "hypersensitivity",
    "bronchospasm_risk",
    "bleeding_risk",
    "pregnancy",
    "poisoning",
    "dialysis",
    "kidney_injury",
    "kidney_disease",
    "kidney",
    "nitroglycerin",
    "parenteral_glutamine",
    "glutamate_sample",
)
SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"


def facts_of(prefetch: Json, patient: str) -> Facts:
    return read_patient_facts(draft_orders_of(patient=patient), build_chart(patient, prefetch), VOCABULARY, NOW)


def prefetch_of(folder: str, patient: str) -> Json:
    bundle = json.loads((FIXTURES / folder / f"{patient}.json").read_text(encoding="utf-8"))
    return prefetch_from(bundle, patient, VOCABULARY.code_lists)


PEOPLE = [
    (folder, path.stem) for folder in ("patients", "charts") for path in sorted((FIXTURES / folder).glob("*.json"))
]
PREFETCHES = {patient: prefetch_of(folder, patient) for folder, patient in PEOPLE}
FACTS = {patient: facts_of(prefetch, patient) for patient, prefetch in PREFETCHES.items()}
ENTRIES = [
    (patient, key, index)
    for patient, prefetch in PREFETCHES.items()
    for key in LISTS
    for index, _ in enumerate(prefetch[key].get("entry", []))
]
numbers = st.integers(10**12, 10**15).map(str)  # no list has one as long
codes = st.builds(
    lambda system, code: {"coding": [{"system": system, "code": code}]},
    st.sampled_from([SNOMED, RXNORM, "urn:local", "", "http://hl7.org/fhir/sid/ndc"]),
    numbers,
)
said = st.sampled_from(
    ["No information", "Unable to assess", "Not on file", "Unknown", "not asked", "—", "123", "哮喘", "астма"]
).map(lambda text: {"text": text})
unreadable: st.SearchStrategy[Json] = (
    codes | said | st.sampled_from([None, {}, "asthma", 5, [], {"coding": []}, {"coding": [{"code": ""}]}])
)
absences = st.sampled_from([("no-allergy-info"), ("no-problem-info"), ("no-medication-info")]).map(
    lambda code: {"coding": [{"system": IPS, "code": code}]}
)


def with_code(resource: Json, code: Json) -> Json:
    kept = {name: value for name, value in resource.items() if name not in ("medicationReference", "contained")}
    kept.pop("reaction", None)
    name = "medicationCodeableConcept" if resource["resourceType"].startswith("Medication") else "code"
    return {**kept, name: code}


def with_status(resource: Json, status: Json) -> Json:
    name = "status" if resource["resourceType"].startswith("Medication") else "clinicalStatus"
    return {**resource, name: status}


def replaced(patient: str, key: str, index: int, resource: Json) -> Facts:
    prefetch = deepcopy(PREFETCHES[patient])
    prefetch[key]["entry"][index]["resource"] = resource
    return facts_of(prefetch, patient)


def became_none(patient: str, after: Facts) -> list[str]:
    return [
        name for name in SCREENS if FACTS[patient][name].state is not State.ABSENT and after[name].state is State.ABSENT
    ]


@settings(max_examples=300)
@given(st.sampled_from(ENTRIES), unreadable | absences)
def test_an_entry_that_cannot_be_read_never_becomes_none(entry: tuple[str, str, int], code: Json) -> None:
    patient, key, index = entry
    resource = PREFETCHES[patient][key]["entry"][index]["resource"]
    assert became_none(patient, replaced(patient, key, index, with_code(resource, code))) == []


@settings(max_examples=200)
@given(
    st.sampled_from(ENTRIES),
    st.sampled_from(["unknown", "", "aktiv", 5, None, {"text": "chronic"}, {"coding": [{"code": "A"}]}]),
)
def test_a_status_that_cannot_be_read_never_makes_an_entry_none(entry: tuple[str, str, int], status: Json) -> None:
    patient, key, index = entry
    resource = PREFETCHES[patient][key]["entry"][index]["resource"]
    assert became_none(patient, replaced(patient, key, index, with_status(resource, status))) == []


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(PREFETCHES)),
    st.sampled_from(LISTS),
    unreadable | absences,
)
def test_one_more_entry_that_cannot_be_read_leaves_no_screen_of_its_list_at_none(
    patient: str, key: str, code: Json
) -> None:
    kinds = {"problemList": "Condition", "allergyList": "AllergyIntolerance", "activeMedications": "MedicationRequest"}
    kind = kinds.get(key, "MedicationStatement")
    status = {"status": "active"} if kind.startswith("Medication") else {}
    prefetch = deepcopy(PREFETCHES[patient])
    added = {"resource": with_code({"resourceType": kind, "id": "added", **status}, code)}
    prefetch[key]["entry"] = [*prefetch[key].get("entry", []), added]
    prefetch[key].pop("total", None)
    after = facts_of(prefetch, patient)

    of_list = {
        "problemList": ["hypersensitivity", "bronchospasm_risk", "bleeding_risk", "poisoning", "dialysis", "kidney"],
        "allergyList": ["hypersensitivity"],
    }
    for name in of_list.get(key, ["nitroglycerin", "parenteral_glutamine"]):
        assert after[name].state is not State.ABSENT, name
