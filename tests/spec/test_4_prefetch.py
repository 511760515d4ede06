"""CDS Hooks 2.0, Prefetch: what arrives under each key, in each shape, and what the cards say of it.

What was not obtained is named on `screening-incomplete`, with its reason; "none found" is an answer, and is never
named there. Where nothing at all was obtained, the answer is a 412 that names every key.
"""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.fhir.queries import FOR_ORDERS, QUERIES
from tests.support import Body, Json, cards_of, id_of, ids_of, not_done, post, prefetch_for, request_for, resources_of

ALMA = "alma-glutamate-high"  # she has a result, no kidney finding, nothing on any list
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
ABSENT = object()

# The words with which `screening-incomplete` names what could not be told without the answer to a query.
SCREENS = {
    "patient": ["age"],
    "aminoAcids": ["plasma glutamate", "plasma cystine", "time of the glutamate sample"],
    "acetaminophenLevels": ["acetaminophen poisoning"],
    "problemList": ["asthma, bronchospasm or COPD", "acetaminophen poisoning"],
    "allergyList": ["allergy to acetylcysteine"],
    "activeMedications": ["time of the glutamate sample"],
    "medicationStatements": [],  # may be left out
    "kidneyResults": [],  # named on the baseline card, see below
    "bodyMeasures": [],
}


def searchset(*resources: Json, **members: Any) -> Body:
    """A Bundle as a search returns it."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one} for one in resources],
        **members,
    }


def as_bundle(key: str, value: Json) -> Body:
    """What was prefetched, as a Bundle with at least one entry of the right type."""
    kind = QUERIES[key].resource_type
    if isinstance(value, dict) and value.get("entry"):
        return value
    given = value if isinstance(value, dict) and value.get("resourceType") == kind else None
    something = {"text": "something"}
    filler = {"resourceType": kind, "id": "filler", "code": something, "medicationCodeableConcept": something}
    return searchset(given or {**filler, "subject": {"reference": f"Patient/{ALMA}"}})


def of_another(key: str, value: Json) -> Body:
    kind = QUERIES[key].resource_type
    if kind == "Patient":
        return {"resourceType": "Patient", "id": "somebody-else", "birthDate": "1970-01-01"}
    return searchset(
        {"resourceType": kind, "id": "other", "subject": {"reference": "Patient/somebody-else"}}
        | ({"patient": {"reference": "Patient/somebody-else"}} if kind == "AllergyIntolerance" else {})
    )


Make = Callable[[str, Json], Json]
NEXT = {"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}
NOT_OBTAINED: dict[str, Make] = {
    "absent": lambda key, value: ABSENT,
    "an empty object": lambda key, value: {},
    "a text": lambda key, value: "text",
    "an empty text": lambda key, value: "",
    "an empty list": lambda key, value: [],
    "a list of resources": lambda key, value: [value],
    "a number": lambda key, value: 5,
    "zero": lambda key, value: 0,
    "true": lambda key, value: True,
    "false": lambda key, value: False,
    "an OperationOutcome": lambda key, value: ERROR,
    "an OperationOutcome without issues": lambda key, value: {"resourceType": "OperationOutcome"},
    "an OperationOutcome that only warns": lambda key, value: WARNING,
    "a Bundle with only an OperationOutcome": lambda key, value: searchset(ERROR),
    "a Bundle with only an OperationOutcome without issues": lambda key, value: searchset(
        {"resourceType": "OperationOutcome"}
    ),
    "a Bundle with an entry whose type is no text": lambda key, value: searchset({"resourceType": ["Patient"]}),
    "a Bundle with data and an OperationOutcome": lambda key, value: searchset(
        *(entry["resource"] for entry in as_bundle(key, value)["entry"]), ERROR
    ),
    "a paged Bundle": lambda key, value: {**as_bundle(key, value), **NEXT},
    "a paged Bundle without entries": lambda key, value: {**searchset(), **NEXT},
    "a Bundle with fewer entries than its total": lambda key, value: {**as_bundle(key, value), "total": 999},
    "a Bundle of another patient's data": of_another,
    "a Bundle whose entries are an object": lambda key, value: {"resourceType": "Bundle", "entry": {"resource": value}},
    "a Bundle whose entries are a text": lambda key, value: {"resourceType": "Bundle", "entry": "none"},
    "a Bundle with an entry that is null": lambda key, value: {**searchset(), "entry": [None]},
    "a Bundle with an entry without a resource": lambda key, value: {**searchset(), "entry": [{"fullUrl": "urn:x"}]},
    "a Bundle of another kind of resource": lambda key, value: searchset({"resourceType": "Appointment", "id": "a"}),
    "another kind of resource": lambda key, value: {"resourceType": "Appointment", "id": "a"},
    "a resource whose type is no text": lambda key, value: {"resourceType": ["Bundle"]},
}
NONE_FOUND: dict[str, Make] = {
    "null": lambda key, value: None,
    "an empty Bundle": lambda key, value: searchset(),
    "an empty Bundle with its total": lambda key, value: searchset(total=0),
    "a Bundle without entries": lambda key, value: {"resourceType": "Bundle", "type": "searchset"},
    "a Bundle whose entries are null": lambda key, value: {"resourceType": "Bundle", "entry": None},
    "a Bundle with only a warning": lambda key, value: searchset(WARNING),
}
each_odd_value = pytest.mark.parametrize("make", NOT_OBTAINED.values(), ids=NOT_OBTAINED)

# With these a result or a record is there after all: a first page holds the newest result, since they are sorted.
TOLD_ANYWAY = {
    "patient": {
        "a Bundle with data and an OperationOutcome",
        "a paged Bundle",
        "a Bundle with fewer entries than its total",
    },
    "aminoAcids": {
        "a Bundle with data and an OperationOutcome",  # has tests of its own below
        "a paged Bundle",
        "a Bundle with fewer entries than its total",
    },
}
CASES = [
    pytest.param(key, make, id=f"{key}: {name}")
    for key in SCREENS
    for name, make in NOT_OBTAINED.items()
    if name not in TOLD_ANYWAY.get(key, ())
]
EMPTY_CASES = [
    pytest.param(key, make, id=f"{key}: {name}")
    for key in SCREENS
    for name, make in NONE_FOUND.items()
    if key != "patient"
]


def asked(key: str, make: Make, patient: str = ALMA, order: str = "oral-600-twice-daily") -> Body:
    """A call in which one key of the prefetch has another value."""
    prefetch = prefetch_for(patient)
    value = make(key, prefetch[key])
    others = {name: sent for name, sent in prefetch.items() if name != key}
    return request_for(patient, order, prefetch=others if value is ABSENT else {**others, key: value})


def named(cards: list[Body]) -> list[str]:
    """The screens that are named as not done, without their reasons."""
    return [screen for line in not_done(cards) for screen in line.partition(": ")[0].split(", ")]


def test_everything_sent_leaves_no_screen_undone(client: TestClient) -> None:
    assert ids_of(cards_of(client, request_for(ALMA))) == ["glutamate-high"]


def test_every_query_is_in_the_table_of_screens() -> None:
    assert set(SCREENS) == set(FOR_ORDERS)


# ---------------------------------------------------------------- not obtained


@pytest.mark.parametrize(("key", "make"), CASES)
def test_3_3_what_was_not_obtained_is_named_as_not_done(client: TestClient, key: str, make: Make) -> None:
    said = ", ".join(named(cards_of(client, asked(key, make))))
    assert [screen for screen in SCREENS[key] if screen not in said] == []


@pytest.mark.parametrize(("key", "make"), CASES)
def test_3_3_what_was_not_obtained_is_all_that_is_named(client: TestClient, key: str, make: Make) -> None:
    said = not_done(cards_of(client, asked(key, make)))
    follows = "no eGFR can be computed" if key == "patient" else QUERIES[key].label  # without age and sex
    assert [line for line in said if QUERIES[key].label not in line and follows not in line] == []


REASONS = {
    "absent": "allergy list not sent",
    "an OperationOutcome": "allergy list could not be read (the EHR reports an error)",
    "a paged Bundle": "allergy list incomplete (not all its pages came)",
    "a Bundle with fewer entries than its total": "allergy list incomplete (it has fewer entries than its total)",
    "a Bundle of another patient's data": "allergy list could not be read (it holds data of another patient)",
    "a Bundle with an entry that is null": "allergy list could not be read (some entries cannot be read)",
    "a Bundle whose entries are a text": "allergy list could not be read (its entries are not a list)",
}


@pytest.mark.parametrize(("name", "reason"), REASONS.items(), ids=REASONS)
def test_the_reason_why_a_screen_was_not_done_is_said(client: TestClient, name: str, reason: str) -> None:
    lines = not_done(cards_of(client, asked("allergyList", NOT_OBTAINED[name])))
    assert [line.replace("\\", "") for line in lines] == [f"allergy to acetylcysteine: {reason}"]


@pytest.mark.parametrize("name", ["a text", "a list of resources", "an OperationOutcome"])
@pytest.mark.parametrize("key", ["kidneyResults", "bodyMeasures"])
def test_3_3_kidney_results_and_weight_of_the_wrong_kind_are_named_too(client: TestClient, key: str, name: str) -> None:
    lines = not_done(cards_of(client, asked(key, NOT_OBTAINED[name])))
    assert any(QUERIES[key].label in line for line in lines)


@each_odd_value
def test_kidney_results_that_were_not_obtained_leave_the_kidney_not_fully_checked(
    client: TestClient, make: Make
) -> None:
    (baseline,) = (one for one in cards_of(client, asked("kidneyResults", make)) if id_of(one) == "glutamate-high")
    assert "**Not checked**: kidney function." in baseline["detail"]


@each_odd_value
def test_weight_that_was_not_obtained_takes_no_card_away(client: TestClient, make: Make) -> None:
    assert "glutamate-high" in ids_of(cards_of(client, asked("bodyMeasures", make)))


def beside(extra: Json) -> Make:
    return lambda key, value: {**value, "entry": [*value["entry"], extra]}


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"resource": ERROR}, id="an error"),
        pytest.param({"resource": None}, id="an entry that is null"),
        pytest.param({"resource": {"id": "no type"}}, id="an entry without a type"),
    ],
)
def test_3_3_a_glutamate_result_beside_what_could_not_be_read_is_not_passed_off_as_the_newest(
    client: TestClient, extra: Json
) -> None:
    cards = cards_of(client, asked("aminoAcids", beside(extra)))
    assert "amino acid results" in " ".join(not_done(cards))


@pytest.mark.parametrize("members", [NEXT, {"total": 99}], ids=["paged", "fewer than its total"])
def test_3_3_a_first_page_without_glutamate_does_not_say_that_it_was_not_measured(
    client: TestClient, members: Body
) -> None:
    cystine = [one for one in resources_of(ALMA) if at(one, "code", "coding", 0, "code") == "22672-0"]
    assert len(cystine) == 1
    cards = cards_of(client, asked("aminoAcids", lambda key, value: searchset(*cystine, **members)))
    assert ids_of(cards) == ["screening-incomplete"]
    assert "plasma glutamate" in named(cards)
    assert "plasma cystine" not in named(cards)


def at(value: Json, *path: Any) -> Json:
    """The value at a path, None where there is none."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def test_data_of_another_patient_beside_the_patients_own_are_not_used_and_are_named(client: TestClient) -> None:
    foreign = {
        "resourceType": "AllergyIntolerance",
        "id": "other",
        "patient": {"reference": "Patient/somebody-else"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "387440002"}]},
    }
    cards = cards_of(client, asked("allergyList", lambda key, value: searchset(foreign)))
    assert "acetylcysteine-hypersensitivity" not in ids_of(cards)
    assert named(cards) == ["allergy to acetylcysteine"]


def test_a_patient_record_of_somebody_else_makes_nobody_a_child(client: TestClient) -> None:
    child = {"resourceType": "Patient", "id": "somebody-else", "birthDate": "2020-01-01"}
    cards = cards_of(client, asked("patient", lambda key, value: child))
    assert ids_of(cards) == ["screening-incomplete", "glutamate-high"]


# ---------------------------------------------------------------- asked, and none found


@pytest.mark.parametrize(("key", "make"), EMPTY_CASES)
def test_3_3_none_found_is_an_answer_and_no_screen_is_named(client: TestClient, key: str, make: Make) -> None:
    assert not_done(cards_of(client, asked(key, make))) == []
    assert "screening-incomplete" not in ids_of(cards_of(client, asked(key, make)))


@pytest.mark.parametrize("make", NONE_FOUND.values(), ids=NONE_FOUND)
def test_3_3_no_patient_record_leaves_the_age_unknown_and_says_that_it_was_asked_for(
    client: TestClient, make: Make
) -> None:
    line, kidney = sorted(not_done(cards_of(client, asked("patient", make))))
    assert line.startswith("age: ")
    assert "no eGFR can be computed" in kidney
    assert "not sent" not in line
    assert "could not be read" not in line


@pytest.mark.parametrize("make", NONE_FOUND.values(), ids=NONE_FOUND)
def test_3_3_no_amino_acid_result_is_glutamate_not_measured(client: TestClient, make: Make) -> None:
    assert ids_of(cards_of(client, asked("aminoAcids", make))) == ["glutamate-not-measured"]


@each_odd_value
def test_3_3_amino_acids_that_were_not_obtained_are_never_glutamate_not_measured(
    client: TestClient, make: Make
) -> None:
    assert "glutamate-not-measured" not in ids_of(cards_of(client, asked("aminoAcids", make)))


# ---------------------------------------------------------------- the prefetch as a whole

WHOLES: dict[str, Json] = {
    "null": None,
    "an empty object": {},
    "a text": "text",
    "a list": [],
    "a list of resources": [{"resourceType": "Patient"}],
    "a number": 5,
    "true": True,
    "only keys that nobody asked for": {"user": {"resourceType": "Practitioner"}, "item": 5},
}
WHOLES["every key failed"] = dict.fromkeys(QUERIES, ERROR)
ALL_SCREENS = [
    "allergy to acetylcysteine",
    "asthma, bronchospasm or COPD",
    "acetaminophen poisoning",
    "plasma glutamate",
    "plasma cystine",
    "time of the glutamate sample",
]
ONLY_THE_PATIENT = {"patient": prefetch_for(ALMA)["patient"]}


def refused(client: TestClient, body: Body) -> dict[str, str]:
    """Why each key was not obtained, as a 412 says it."""
    response = post(client, body)
    assert response.status_code == 412, response.text
    (issue,) = response.json()["issue"]
    assert (issue["severity"], issue["code"]) == ("error", "processing")
    return dict(said.split(": ", 1) for said in issue["diagnostics"].split("; "))


@pytest.mark.parametrize("value", WHOLES.values(), ids=WHOLES)
def test_3_3_412_names_every_key_where_nothing_at_all_was_obtained(client: TestClient, value: Json) -> None:
    assert set(refused(client, request_for(ALMA, prefetch=value))) == set(FOR_ORDERS)


def test_3_3_412_for_a_request_without_prefetch(client: TestClient) -> None:
    body = request_for(ALMA)
    del body["prefetch"]
    assert set(refused(client, body).values()) == {"not sent"}


@pytest.mark.parametrize("key", FOR_ORDERS)
def test_3_3_one_key_that_was_obtained_is_enough_for_a_200(client: TestClient, key: str) -> None:
    assert "screening-incomplete" in ids_of(cards_of(client, request_for(ALMA, prefetch={key: None})))


def test_3_3_the_patient_alone_leaves_every_other_screen_not_done(client: TestClient) -> None:
    cards = cards_of(client, request_for(ALMA, prefetch=ONLY_THE_PATIENT))
    assert ids_of(cards) == ["screening-incomplete"]
    assert [screen for screen in ALL_SCREENS if screen not in ", ".join(named(cards))] == []


def test_a_warning_that_needs_no_data_is_not_lost_to_a_412(client: TestClient) -> None:
    cards = cards_of(client, request_for(ALMA, "oral-2401-once-daily", prefetch={}))
    assert ids_of(cards) == ["dose-above-studied", "screening-incomplete"]


def test_a_fhir_server_that_may_not_be_called_is_given_as_the_reason(client: TestClient) -> None:
    body = {**request_for(ALMA, prefetch={}), "fhirServer": "https://ehr.example.org/fhir"}
    assert set(refused(client, body).values()) == {"its FHIR server is not one that this service may call"}
    lines = not_done(cards_of(client, {**body, "prefetch": ONLY_THE_PATIENT}))
    assert lines and all("FHIR server" in line for line in lines)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "", 7, {}], ids=repr)
def test_a_token_that_no_header_can_hold_is_given_as_the_reason(client: TestClient, token: Json) -> None:
    server = {"fhirServer": "http://127.0.0.1:9/fhir", "fhirAuthorization": {"access_token": token}}
    body = {**request_for(ALMA, prefetch={}), **server}
    assert set(refused(client, body).values()) == {"its fhirAuthorization cannot be used"}


@pytest.mark.parametrize("value", [dict.fromkeys(QUERIES, ERROR), {}], ids=["all failed", "nothing sent"])
@pytest.mark.parametrize("order", ["intravenous", "eye-drops", "oral-overdose-reason", "oral-5000-once"])
def test_guidance_1_an_antidote_and_eye_drops_have_no_screens_to_name(
    client: TestClient, order: str, value: Json
) -> None:
    assert cards_of(client, request_for(ALMA, order, prefetch=value)) == []


@pytest.mark.parametrize("order", ["inhaled-3ml", "oral-for-bronchitis", "oral-600-twice-daily"])
def test_guidance_4_every_other_use_names_the_allergy_screen(client: TestClient, order: str) -> None:
    assert "allergy to acetylcysteine" in named(cards_of(client, request_for(ALMA, order, prefetch=ONLY_THE_PATIENT)))


def test_the_words_of_the_reasons_are_good_english(client: TestClient) -> None:
    for key in SCREENS:
        for line in not_done(cards_of(client, asked(key, NOT_OBTAINED["a text"]))):
            assert " a O" not in line
            assert " a A" not in line
