"""A call as it would have been at a moment: its prefetch as it stood then, and everything else as it came."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from cds_service.content.explaining import explain_request, read_call
from cds_service.errors import DataNotObtained
from cds_service.fhir import queries
from cds_service.hooks.requests import HookRequest
from cds_service.replay.as_of import CodeIndex, answers_at, sort_record
from cds_service.replay.rewinding import prefetch_at, request_at
from tests.builders import RXNORM, SNOMED, allergy, bundle, concept, condition, medication_request, observation, status
from tests.command import run_command
from tests.golden.treatments import DAYS, TREATED, TreatedPatient, cards_on, laboratory_order, opening_of
from tests.replay.exports import EVERYTHING, glutamate
from tests.support import (
    CONTENT,
    FIXTURES,
    INSTANCE,
    NOW,
    PATIENTS,
    VOCABULARY,
    Body,
    Json,
    answer_now,
    prefetch_for,
    request_for,
    resources_of,
    to_bytes,
)

THEN = datetime(2026, 11, 10, 23, 59, 59, tzinfo=UTC)
BEFORE, AFTER = "2026-11-09", "2026-11-11"
NITROGLYCERIN = concept("4917", RXNORM, text="Nitroglycerin")
ASTHMA = concept("195967001", SNOMED, text="Asthma")
ALLERGY = concept("197", RXNORM, text="Acetylcysteine")
OVER = {"timing": {"repeat": {"boundsPeriod": {"start": "2026-10-01", "end": BEFORE}}}}

ENTRIES: dict[str, tuple[str, Body, bool]] = {  # query, entry -> whether it was there
    "a result of before": (queries.AMINO_ACIDS, glutamate(BEFORE), True),
    "a result of that day": (queries.AMINO_ACIDS, glutamate("2026-11-10"), True),
    "a result of after": (queries.AMINO_ACIDS, glutamate(AFTER), False),
    "a result whose sample was taken before it, and which was issued after": (
        queries.AMINO_ACIDS,
        glutamate(BEFORE, issued=f"{AFTER}T08:00:00Z"),
        False,
    ),
    "a result under a code that no list has": (
        queries.KIDNEY,
        observation(concept("X", "urn:lab"), effectiveDateTime=BEFORE),
        True,
    ),
    "a report of after": (
        queries.AMINO_ACIDS,
        {"resourceType": "DiagnosticReport", "issued": f"{AFTER}T08:00:00Z", "contained": [glutamate(BEFORE)]},
        False,
    ),
    "a problem recorded before": (queries.PROBLEMS, condition(ASTHMA, recordedDate=BEFORE), True),
    "a problem recorded after": (queries.PROBLEMS, condition(ASTHMA, recordedDate=AFTER), False),
    "a problem without a date": (queries.PROBLEMS, condition(ASTHMA), True),
    "an allergy recorded before": (queries.ALLERGIES, allergy(ALLERGY, recordedDate=BEFORE), True),
    "an allergy recorded after": (queries.ALLERGIES, allergy(ALLERGY, recordedDate=AFTER), False),
    "a medication ordered before": (queries.MEDICATIONS, medication_request(NITROGLYCERIN, authoredOn=BEFORE), True),
    "a medication ordered after": (queries.MEDICATIONS, medication_request(NITROGLYCERIN, authoredOn=AFTER), False),
    "a laboratory order of before": (queries.LABORATORY_ORDERS, laboratory_order(date(2026, 11, 9)), True),
    "a laboratory order of after": (queries.LABORATORY_ORDERS, laboratory_order(date(2026, 11, 11)), False),
    "a laboratory order of DSTU2 of after": (
        queries.LABORATORY_ORDERS,
        {"resourceType": "DiagnosticOrder", "event": [{"status": "requested", "dateTime": AFTER}]},
        False,
    ),
    "a medication that was over": (
        queries.MEDICATIONS,
        medication_request(NITROGLYCERIN, authoredOn="2026-10-01", status="completed", dosageInstruction=[OVER]),
        False,
    ),
}


@pytest.mark.parametrize(("key", "entry", "was_there"), ENTRIES.values(), ids=ENTRIES)
@pytest.mark.parametrize("total", [1, 2, None])
def test_an_entry_is_there_once_it_is_on_record(key: str, entry: Body, was_there: bool, total: int | None) -> None:
    then = prefetch_at({key: bundle(entry, total=total)}, THEN)

    assert then == {key: bundle(*[entry] * was_there, total=None if total is None else total - (not was_there))}


@pytest.mark.parametrize("was_there", [True, False])
def test_an_entry_that_came_without_a_bundle_is_there_once_it_is_on_record(was_there: bool) -> None:
    entry = allergy(ALLERGY, recordedDate=BEFORE if was_there else AFTER)

    assert prefetch_at({queries.ALLERGIES: entry}, THEN) == {queries.ALLERGIES: entry if was_there else None}


def test_what_has_changed_since_is_as_it_was() -> None:
    over = condition(ASTHMA, recordedDate=BEFORE, clinicalStatus=status("resolved"), abatementDateTime=AFTER)
    stopped = medication_request(NITROGLYCERIN, authoredOn=BEFORE, status="stopped")
    then = prefetch_at({queries.PROBLEMS: bundle(over), queries.MEDICATIONS: bundle(stopped)}, THEN)

    assert then[queries.PROBLEMS]["entry"][0]["resource"]["clinicalStatus"] == status("active")
    assert then[queries.MEDICATIONS]["entry"][0]["resource"]["status"] == "unknown"


UNTOUCHED: dict[str, Json] = {
    "empty": None,
    "a failure of the server": {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]},
    "a text": "not found",
    "a list": [glutamate(AFTER)],
    "a Bundle without entries": bundle(entry=None),
    "a Bundle whose entries are no list": {"resourceType": "Bundle", "entry": glutamate(AFTER)},
    "entries that are none of those asked for": bundle(
        {"resourceType": "Medication", "id": "drug"}, {"resourceType": "OperationOutcome"}, None, "text"
    ),
    "further pages": {**bundle(glutamate(BEFORE)), "link": [{"relation": "next", "url": "https://ehr.example.org"}]},
}


@pytest.mark.parametrize("answer", UNTOUCHED.values(), ids=UNTOUCHED)
def test_what_was_not_asked_or_failed_is_untouched(answer: Json) -> None:
    came = {queries.AMINO_ACIDS: answer, "unknown": bundle(glutamate(AFTER)), queries.PATIENT: {"birthDate": AFTER}}

    assert prefetch_at(came, THEN) == came


@pytest.mark.parametrize("prefetch", [{}, [], "text", None])
def test_a_call_without_a_prefetch_is_the_same_call(prefetch: Json) -> None:
    call = read_call(to_bytes(request_for("alma-glutamate-high", prefetch=prefetch)))

    assert request_at(call, THEN) is call


def test_what_is_asked_about_stays() -> None:
    call = read_call(to_bytes(request_for("alma-glutamate-high")))
    then = request_at(call, THEN)

    assert then.entries[0]["resource"]["authoredOn"] > THEN.date().isoformat()
    assert (then.entries, then.hook, then.patient_id) == (call.entries, call.hook, call.patient_id)


def test_numbers_stay_as_they_were_sent() -> None:
    sent = to_bytes(request_for("chiara-glutamate-low")).replace(b'"value":7,', b'"value":7.10,')
    then = request_at(read_call(sent), NOW)

    assert b'"value":7.10,' in bytes(then.raw_prefetch)


# ---------------------------------------------------------------- what the service says to it

CALLS = sorted((FIXTURES / "requests").glob("*.json")) + sorted((FIXTURES / "versions").glob("*.json"))


def said(call: HookRequest, moment: datetime) -> Json:
    """Every decision, or why there is none."""
    try:
        return json.loads(explain_request(call, CONTENT, moment).as_json())
    except DataNotObtained as error:
        return dict(error.missing)


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_as_of_now_the_service_says_what_it_says(path: Path) -> None:
    call = read_call(path.read_bytes())

    assert said(request_at(call, NOW), NOW) == said(call, NOW)


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_no_result_of_later_is_named(path: Path) -> None:
    words = json.dumps(said(request_at(read_call(path.read_bytes()), THEN), THEN))

    assert "future" not in words


VERSIONS = sorted((FIXTURES / "versions").glob("greta-on-treatment*.json"))


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("days", [10, 40, 80, 90, 120])
def test_the_past_is_the_same_in_every_version(path: Path, days: int) -> None:
    moment = NOW - timedelta(days=days)
    hook = read_call(path.read_bytes()).hook
    body = request_for("greta-on-treatment", hook=hook)
    explained = [
        explain_request(request_at(read_call(sent), moment), CONTENT, moment)
        for sent in (path.read_bytes(), to_bytes(body))
    ]

    assert explained[0].cards == explained[1].cards != ()


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("days", [0, 3, 21, 100, 300])
def test_a_call_of_the_past_is_answered_as_by_replay(patient: str, days: int) -> None:
    """A prefetch that holds all of a record says of a moment what the record says."""
    moment = NOW - timedelta(days=days)
    record = sort_record(patient, resources_of(patient), CodeIndex([VOCABULARY]))
    replayed = answers_at(record, moment, EVERYTHING, "known", frozenset())
    call = read_call(to_bytes(request_for(patient)))
    of_record = read_call(to_bytes(request_for(patient, prefetch=replayed)))

    rewound = answer_now(request_at(call, moment), CONTENT, moment, lambda: "")
    assert rewound.response == answer_now(of_record, CONTENT, moment, lambda: "").response


@pytest.mark.parametrize("patient", TREATED, ids=lambda patient: patient.name)
def test_the_opening_of_a_chart_is_answered_as_on_that_day(patient: TreatedPatient) -> None:
    """What the table of charts over time has from the whole record, the call of today says of each day."""
    call = read_call(to_bytes(opening_of(patient, CONTENT)))
    for day in (patient.started + timedelta(days=days) for days in DAYS):
        moment = datetime.combine(day, time(9), UTC)
        if moment <= NOW:
            rewound = answer_now(request_at(call, moment), CONTENT, moment, lambda: "")
            assert rewound.card_ids == cards_on(patient, day, CONTENT), day


# ---------------------------------------------------------------- the command


@pytest.fixture
def body(tmp_path: Path) -> str:
    """The file of a call whose glutamate was measured on 18 November 2026."""
    path = tmp_path / "body.json"
    path.write_bytes(to_bytes(request_for("alma-glutamate-high")))
    return str(path)


AT = {
    "2026-11-18": ("glutamate-high", "2026-11-18T23:59:59+00:00"),
    "2026-11-17": ("glutamate-not-measured", "2026-11-17T23:59:59+00:00"),
    "2026-11-18T09:00:00": ("glutamate-high", "2026-11-18T09:00:00+00:00"),
    "2026-11-18T03:00:00": ("glutamate-not-measured", "2026-11-18T03:00:00+00:00"),
    "2026-11-18T03:00:00-06:00": ("glutamate-high", "2026-11-18T09:00:00+00:00"),
}


@pytest.mark.parametrize("at", AT)
def test_explain_at_a_day_is_the_chart_and_the_clock_of_then(at: str, body: str) -> None:
    card, as_of = AT[at]
    done = run_command("explain", body, "--at", at)

    assert done.exit_code == 0
    assert f"Cards: {card}\nAs of: {as_of}\n" in done.stdout


def test_explain_with_another_clock_has_the_chart_as_it_came(body: str) -> None:
    done = run_command("explain", body, "--now", "2026-11-17T23:59:59", "--json")
    then = run_command("explain", body, "--at", "2026-11-17", "--json")

    assert "future" in done.output  # the result is there, and refused
    assert json.loads(done.stdout)["cards"] == ["screening-incomplete", "glutamate-not-measured"]
    assert "future" not in then.output
    assert json.loads(then.stdout)["cards"] == ["glutamate-not-measured"]
    assert "what was no longer on record when the call was made is not in it" in then.stderr


def test_explain_at_today_is_as_of_now(body: str) -> None:
    today = datetime.now(UTC)
    at, now = (run_command("explain", body, "--at", f"{today:%Y-%m-%d}"), run_command("explain", body))

    assert at.exit_code == 0
    assert at.stdout.splitlines()[0] == now.stdout.splitlines()[0]
    assert today.isoformat() <= next(line for line in at.stdout.splitlines() if line.startswith("As of: "))[7:]


MONITORED = {"2026-10-26": "none", "2026-10-27": "follow-up-due", "2026-10-28": "response"}


@pytest.mark.parametrize("at", MONITORED)
def test_the_opening_of_a_chart_is_explained_as_on_a_day(at: str, tmp_path: Path) -> None:
    """Acetylcysteine since 1 September 2026: 56 days later a glutamate is due, and a day later there is one."""
    context = {"userId": "Practitioner/example", "patientId": "greta-on-treatment"}
    call = {"hook": "patient-view", "hookInstance": INSTANCE, "context": context}
    (tmp_path / "body.json").write_bytes(to_bytes({**call, "prefetch": prefetch_for("greta-on-treatment")}))
    done = run_command("explain", str(tmp_path / "body.json"), "--at", at, settings={"CDS_DEMO": "on"})

    assert done.exit_code == 0
    assert done.stdout.startswith(f"Cards: {MONITORED[at]}\n")
