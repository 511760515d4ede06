"""The stand-in for a FHIR server: it answers our queries from one Bundle as a server would."""

import json
from urllib.parse import parse_qsl

import pytest

from cds_service.clinical.chart import Arrival
from cds_service.fhir.queries import FOR_ORDERS, FOR_TREATMENTS, QUERIES
from cds_service.fhir.searching import find, prefetch_from, search, searchset
from cds_service.gathering.prefetch import build_chart
from tests.builders import LOINC, bundle, concept, observation
from tests.support import ROOT, VOCABULARY, Body, Json

CODE_LISTS = VOCABULARY.code_lists
STORIES = sorted(path.stem for path in (ROOT / "fixtures" / "patients").glob("*.json"))


def story(name: str) -> Json:
    return json.loads((ROOT / "fixtures" / "patients" / f"{name}.json").read_text(encoding="utf-8"))


def result(
    identity: str, code: str = "20642-5", taken: str = "2026-11-01", patient: str = "p", system: str = LOINC
) -> Body:
    about = {"reference": f"Patient/{patient}"}
    return observation(concept(code, system), id=identity, effectiveDateTime=taken, subject=about)


def searched(key: str, held: Body) -> Body:
    answer = search(QUERIES[key], held, "p", CODE_LISTS)
    assert answer is not None
    return answer


def found(key: str, *resources: Body) -> list[str]:
    answer = searched(key, bundle(*resources))
    return [entry["resource"]["id"] for entry in answer.get("entry", [])]


# --- one query --------------------------------------------------------------------------------------------------------


def test_the_read_gives_the_patient_itself() -> None:
    patient = {"resourceType": "Patient", "id": "p"}
    assert (
        search(QUERIES["patient"], bundle({"resourceType": "Patient", "id": "q"}, patient), "p", CODE_LISTS) == patient
    )


def test_the_read_of_a_patient_who_is_not_there_gives_null() -> None:
    assert search(QUERIES["patient"], bundle({"resourceType": "Patient", "id": "q"}), "p", CODE_LISTS) is None


def test_a_search_gives_a_searchset_with_its_total() -> None:
    answer = searched("aminoAcids", bundle(result("a"), result("b")))
    assert (answer["resourceType"], answer["type"], answer["total"]) == ("Bundle", "searchset", 2)
    assert {entry["search"]["mode"] for entry in answer["entry"]} == {"match"}


def test_a_search_without_a_match_has_no_entry_rather_than_an_empty_one() -> None:
    answer = searched("aminoAcids", bundle())
    assert answer == {"resourceType": "Bundle", "type": "searchset", "total": 0}


CODES = {
    "glutamate": ("aminoAcids", "20642-5", True),
    "cystine": ("aminoAcids", "22672-0", True),
    "glutamine": ("aminoAcids", "20643-3", True),
    "panel": ("aminoAcids", "35083-5", True),
    "glutamate in urine, to be named": ("aminoAcids", "22711-6", True),
    "cysteine, refused and not named": ("aminoAcids", "20641-7", False),
    "creatinine": ("kidneyResults", "2160-0", True),
    "creatinine among amino acids": ("aminoAcids", "2160-0", False),
    "weight": ("bodyMeasures", "29463-7", True),
    "height": ("bodyMeasures", "8302-2", True),
    "acetaminophen": ("acetaminophenLevels", "3298-7", True),
    "a longer code": ("aminoAcids", "20642-51", False),
}


@pytest.mark.parametrize(("key", "code", "expected"), CODES.values(), ids=CODES)
def test_a_result_is_found_by_the_codes_of_its_query(key: str, code: str, expected: bool) -> None:
    assert (found(key, result("a", code)) == ["a"]) is expected


def test_a_code_of_another_system_is_not_found() -> None:
    assert found("aminoAcids", result("a", system="urn:local")) == []


def test_any_of_several_codings_is_enough() -> None:
    one = result("a", "local")
    one["code"]["coding"].append({"system": LOINC, "code": "20642-5"})
    assert found("aminoAcids", one) == ["a"]


def test_results_come_newest_first_and_undated_last() -> None:
    undated = {**result("d"), "effectiveDateTime": None}
    results = [result("a", taken="2026-01-01"), undated, result("c", taken="2026-11-01")]
    assert found("aminoAcids", *results, result("b", taken="2026-06-01")) == ["c", "b", "a", "d"]


def test_a_list_without_codes_keeps_its_order() -> None:
    conditions = [
        {
            "resourceType": "Condition",
            "id": identity,
            "effectiveDateTime": day,
            "subject": {"reference": "Patient/p"},
        }
        for identity, day in (("x", "2026-01-01"), ("y", "2026-11-01"))
    ]
    assert found("problemList", *conditions) == ["x", "y"]


def test_another_type_and_another_patient_are_not_found() -> None:
    others = [result("q", patient="q"), {**result("r"), "resourceType": "DiagnosticReport"}]
    assert found("aminoAcids", *others) == []


STATUSES = {"active": True, "completed": False, "stopped": False, "draft": False, None: False}


@pytest.mark.parametrize(("status", "expected"), STATUSES.items(), ids=str)
def test_only_active_medications_are_found(status: str | None, expected: bool) -> None:
    order = {"resourceType": "MedicationRequest", "id": "m", "status": status, "subject": {"reference": "Patient/p"}}
    assert (found("activeMedications", order) == ["m"]) is expected


def test_a_status_is_asked_only_of_medications() -> None:
    condition = {"resourceType": "Condition", "id": "c", "status": "completed", "subject": {"reference": "Patient/p"}}
    assert found("problemList", condition) == ["c"]


def test_no_more_than_the_count_come_and_the_total_says_how_many_there_are() -> None:
    results = [result(f"a{n:02}", taken=f"2026-01-{n + 1:02}") for n in range(11)]
    levels = [{**one, "code": {"coding": [{"system": LOINC, "code": "3298-7"}]}} for one in results]
    answer = searched("acetaminophenLevels", bundle(*levels))
    assert (len(answer["entry"]), answer["total"]) == (10, 11)
    assert "a00" not in [entry["resource"]["id"] for entry in answer["entry"]]


@pytest.mark.parametrize("entry", [None, [], {}, {"resource": None}, {"resource": "x"}, {"resource": {}}], ids=str)
def test_an_odd_entry_is_passed_over(entry: Json) -> None:
    odd = {"resourceType": "Bundle", "entry": [entry, {"resource": result("a")}]}
    assert searched("aminoAcids", odd)["total"] == 1


# --- the matcher ------------------------------------------------------------------------------------------------------

P = {"reference": "Patient/p"}
RESULT = {**result("a"), "category": [{"coding": [{"system": "urn:c", "code": "laboratory"}]}]}
ALLERGY = {"resourceType": "AllergyIntolerance", "id": "g", "patient": P}
WITHOUT_SYSTEM = {**result("b"), "code": {"coding": [{"code": "20642-5"}]}}
FITTING = {
    "nothing asked": ("", True),
    "a code of a system": (f"code={LOINC}|20642-5", True),
    "a code of any system": ("code=20642-5", True),
    "a code of another system": ("code=urn:x|20642-5", False),
    "a code without a system": ("code=|20642-5", False),
    "any code of a system": (f"code={LOINC}|", True),
    "any code of another system": ("code=urn:x|", False),
    "one of several codes": (f"code=x,{LOINC}|20642-5", True),
    "none of several codes": ("code=x,y", False),
    "part of a code": ("code=20642", False),
    "a status": ("status=final", True),
    "another status": ("status=amended", False),
    "one of several statuses": ("status=amended,final", True),
    "a category": ("category=laboratory", True),
    "another category": ("category=vital-signs", False),
    "an id": ("_id=a", True),
    "one of several ids": ("_id=b,a", True),
    "another id": ("_id=b", False),
    "a patient": ("patient=p", True),
    "a patient by type": ("patient=Patient/p", True),
    "a patient by address": ("patient=http://127.0.0.1/fhir/Patient/p", True),
    "a subject": ("subject=Patient/p", True),
    "another patient": ("patient=q", False),
    "both of two parameters": ("patient=p&status=final", True),
    "one of two parameters": ("patient=p&status=amended", False),
    "the same parameter twice, both fit": (f"code=20642-5&code={LOINC}|", True),
    "the same parameter twice, one fits": ("code=20642-5&code=x", False),
    "a parameter that nobody knows": ("colour=blue", True),
    "how many are wanted": ("_count=5", True),
    "a sort that nobody knows": ("_sort=colour", True),
    "a summary": ("_summary=true&_format=json", True),
}


@pytest.mark.parametrize(("asked", "fits"), FITTING.values(), ids=FITTING)
def test_a_result_fits_its_parameters(asked: str, fits: bool) -> None:
    assert find([RESULT], "Observation", parse_qsl(asked)).matches == ([RESULT] if fits else [])


def test_a_code_without_a_system_can_be_asked_for() -> None:
    assert find([RESULT, WITHOUT_SYSTEM], "Observation", [("code", "|20642-5")]).matches == [WITHOUT_SYSTEM]


def test_a_resource_whose_patient_has_another_name_is_found_by_either() -> None:
    assert find([ALLERGY], "AllergyIntolerance", [("patient", "p")]).matches == [ALLERGY]


def test_a_resource_about_nobody_is_found_for_nobody() -> None:
    nobody = {"resourceType": "Condition", "id": "c"}
    device = {"resourceType": "Condition", "id": "d", "subject": {"reference": "Device/p"}}
    assert find([nobody, device], "Condition", [("patient", "p")]).matches == []


def test_what_was_not_understood_is_not_among_what_was_used() -> None:
    asked = "patient=p&colour=blue&_count=many&_count=5&_sort=colour&_sort=-date&code=&_summary=true&status=final"
    used = [("patient", "p"), ("_count", "5"), ("_sort", "-date"), ("status", "final")]
    assert find([RESULT], "Observation", parse_qsl(asked, keep_blank_values=True)).used == used


ORDERED = {"date": ["a", "b", "c", "d"], "-date": ["c", "b", "a", "d"], "": ["d", "b", "c", "a"]}


@pytest.mark.parametrize(("sort", "expected"), ORDERED.items())
def test_results_come_in_the_order_asked_for_and_undated_last(sort: str, expected: list[str]) -> None:
    results = [
        {**result("d"), "effectiveDateTime": "2026"},
        result("b", taken="2026-06-01T23:30:00+02:00"),  # 21:30Z
        result("c", taken="2026-06-01T22:00:00Z"),
        result("a", taken="2026-06-01T09:00:00+12:00"),  # 21:00Z on the day before
    ]
    assert [one["id"] for one in find(results, "Observation", [("_sort", sort)]).matches] == expected


# --- all queries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORIES)
def test_every_story_is_answered_whole_for_every_query(name: str) -> None:
    prefetch = prefetch_from(story(name), name, CODE_LISTS, FOR_TREATMENTS)
    assert list(prefetch) == list(QUERIES)
    chart = build_chart(name, prefetch, keys=FOR_TREATMENTS)
    assert all(chart.get(key).is_whole for key in QUERIES)
    assert chart.get("patient").resources[0]["id"] == name


def test_a_story_without_a_kind_of_data_is_empty_and_not_failed() -> None:
    chart = build_chart(
        "alma-glutamate-high", prefetch_from(story("alma-glutamate-high"), "alma-glutamate-high", CODE_LISTS)
    )
    assert chart.get("allergyList").arrival is Arrival.EMPTY


def test_the_story_of_another_patient_answers_nothing() -> None:
    chart = build_chart("p", prefetch_from(story("alma-glutamate-high"), "p", CODE_LISTS))
    assert {chart.get(key).arrival for key in FOR_ORDERS} == {Arrival.EMPTY}


def test_laboratory_orders_are_asked_for_beside_a_treatment_only() -> None:
    prefetch = prefetch_from(story("alma-glutamate-high"), "alma-glutamate-high", CODE_LISTS)
    assert set(QUERIES) - set(prefetch) == {"laboratoryOrders"}
    assert build_chart("p", prefetch).get("laboratoryOrders").arrival is Arrival.NOT_SENT


def test_a_page_holds_as_many_as_are_asked_for_or_as_many_as_usual() -> None:
    resources = [result("o1"), result("o2")]
    assert find(resources, "Observation", [("_count", "1")]).count(50) == 1
    assert find(resources, "Observation", [("_count", "many")]).count(50) == 50


def test_a_searchset_has_links_and_entries_only_where_there_are_any() -> None:
    entries, links = [{"resource": result("o1")}], [{"relation": "next", "url": "https://ehr.example.org/2"}]
    assert searchset([], 0) == {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert searchset(entries, 3, links) == {**searchset([], 3), "link": links, "entry": entries}
