"""Plasma glutamate and cystine: the newest result and its class, whether it is a baseline, its handling."""

from datetime import date
from decimal import Decimal

import pytest

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import State
from cds_service.clinical.labs.amino_acids import read_analyte, read_level
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.labs.treatment import Treatment, find_treatments
from cds_service.clinical.patient import Patient
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.builders import LOINC, RXNORM, bundle, concept, medication_request, observation, quantity
from tests.support import NOW, VOCABULARY, Body, Json, draft_orders_of

GLUTAMATE, CYSTINE, GLUTAMINE, URINE = "20642-5", "22672-0", "20643-3", "22711-6"
MORNING = "2026-11-18T08:00:00+00:00"
FAILED = {"resourceType": "OperationOutcome"}


def umol(value: Decimal | int) -> Body:
    return quantity(value, "umol/L")


def result(
    value: Decimal | int,
    identity: str = "g1",
    taken: str | None = MORNING,
    code: str = GLUTAMATE,
    interval: tuple[int, int] | None = (10, 120),
    **members: Json,
) -> Body:
    ranges = [{"low": umol(interval[0]), "high": umol(interval[1])}] if interval else None
    usual = {"id": identity, "effectiveDateTime": taken, "valueQuantity": umol(value), "referenceRange": ranges}
    return observation(concept(code, LOINC), **{**usual, **members})


def less_than(value: int, identity: str = "g1", **members: Json) -> Body:
    return result(value, identity, **{"valueQuantity": {**umol(value), "comparator": "<"}, **members})


def flag(code: str) -> Body:
    return {"interpretation": [{"coding": [{"code": code}]}]}


def treatment(identity: str = "m1", status: str = "active", **members: Json) -> Body:
    return medication_request(concept("606971", RXNORM), **{"id": identity, "status": status, **members})


def begins(day: str | None) -> Body:
    return {"timing": {"repeat": {"boundsPeriod": {"start": day}}}}


def facts(*results: Body, medications: Body | None = None, drafts: Json = (), **prefetch: Json) -> Body:
    sent = {"aminoAcids": bundle(*results), "activeMedications": medications, "patient": None, **prefetch}
    return read_patient_facts(draft_orders_of(*drafts), build_chart("p", sent), VOCABULARY, NOW)


# --- the newest result ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "other"), [("glutamate", GLUTAMATE, CYSTINE), ("cystine", CYSTINE, GLUTAMINE)]
)
def test_a_result_that_is_coded_as_two_analytes_is_none_of_them(name: str, code: str, other: str) -> None:
    both = {"coding": [{"system": LOINC, "code": one} for one in (code, other)]}
    assert facts({**result(64, code=code), "code": both})[name].state is State.ABSENT
    assert facts(result(64, code=code))[name].state is State.KNOWN


def test_the_newest_result_is_taken_whatever_the_order_of_the_entries() -> None:
    older, newer = result(64, "a", "2026-03-01"), result(150, "b", "2026-11-01")
    for results in ((older, newer), (newer, older)):
        fact = facts(*results)["glutamate"]
        assert (fact.value, fact.texts["result"], fact.texts["date"]) == ("high", "150 µmol/L", "1 November 2026")


NEWER = {
    "two instants": ("2026-11-18T08:00:00Z", "2026-11-18T08:00:01Z"),
    "two days": ("2026-11-17", "2026-11-18"),
    "a day and an instant of a later day": ("2026-11-18", "2026-11-19T08:00:00Z"),
    "an instant without a zone and one of the next day": ("2026-11-18T20:00:00", "2026-11-19T08:00:00Z"),
    "an instant and a later day": ("2026-11-18T20:00:00Z", "2026-11-19"),
    "instants of two time zones": ("2026-11-18T09:00:00+02:00", "2026-11-18T08:00:00Z"),
}


@pytest.mark.parametrize(("earlier", "later"), NEWER.values(), ids=NEWER)
def test_of_two_results_the_later_one_is_the_newest(earlier: str, later: str) -> None:
    for identities in (("a", "b"), ("b", "a")):
        fact = facts(result(64, identities[0], earlier), result(150, identities[1], later))["glutamate"]
        assert fact.texts["result"] == "150 µmol/L"


def test_a_newer_result_that_cannot_be_used_is_passed_over() -> None:
    fact = facts(result(64, "a", "2026-11-01"), result(150, "b", "2026-11-20", status="preliminary"))["glutamate"]
    assert fact.texts["result"] == "64 µmol/L"


def test_a_result_of_365_days_ago_is_used_and_one_of_366_is_not() -> None:
    assert facts(result(64, taken="2025-11-23"))["glutamate"].value == "normal"
    assert facts(result(64, taken="2025-11-22"))["glutamate"].state is State.ABSENT


def test_a_converted_result_is_shown_as_sent_and_converted() -> None:
    nmol = {"value": Decimal("0.15"), "unit": "mmol/L", "code": "mmol/L"}
    assert facts(result(0, valueQuantity=nmol))["glutamate"].texts["result"] == "0.15 mmol/L (150 µmol/L)"


def test_the_range_is_shown_as_sent_and_its_lack_is_said() -> None:
    assert facts(result(64))["glutamate"].texts["range"] == "10–120 µmol/L"
    without = facts(result(64, interval=None))["glutamate"]
    assert (without.value, without.texts["range"]) == ("unclassified", "none that can be used")
    assert without.note == without.texts["why"] == "no reference range was sent with it"


def test_cystine_is_read_by_its_own_code() -> None:
    found = facts(result(4, code=CYSTINE, interval=(20, 60)))
    assert (found["cystine"].value, found["glutamate"].state) == ("low", State.ABSENT)


@pytest.mark.parametrize("name", ["glutamate", "glutamate_sample", "cystine"])
def test_no_result_is_absent_only_if_the_results_are_whole(name: str) -> None:
    assert facts()[name].state is State.ABSENT
    assert facts(aminoAcids=None)[name].state is State.ABSENT
    failed = facts(aminoAcids=FAILED)[name]
    assert (failed.state, failed.note) == (
        State.UNKNOWN,
        "amino acid results could not be read (the EHR reports an error)",
    )
    paged = facts(aminoAcids=bundle(result(5, code=URINE), link=[{"relation": "next"}]))[name]
    assert (paged.state, paged.note) == (State.UNKNOWN, "amino acid results incomplete (not all its pages came)")


def test_a_range_by_sex_is_used_for_that_sex() -> None:
    sexes = [
        {"low": umol(10), "high": umol(high), "appliesTo": [{"text": sex}]}
        for sex, high in (("male", 200), ("female", 120))
    ]
    for sex, expected in (("male", "normal"), ("female", "high")):
        patient = {"resourceType": "Patient", "id": "p", "gender": sex, "birthDate": "1980-01-01"}
        assert facts(result(150, referenceRange=sexes), patient=patient)["glutamate"].value == expected


# --- ties -------------------------------------------------------------------------------------------------------------

TIES = {
    "one class": ((result(64, "a"), result(70, "b")), "normal"),
    "two classes": ((result(64, "a"), result(150, "b")), "unclassified"),
    "two classes by their ranges": ((result(64, "a"), result(65, "b", interval=(10, 60))), "unclassified"),
    "one number, two ranges": ((result(64, "a"), result(64, "b", interval=(10, 60))), "unclassified"),
    "one number, two interpretations": (
        (result(64, "a", interval=None, **flag("N")), result(64, "b", interval=None, **flag("H"))),
        "unclassified",
    ),
    "one number, once with <": ((result(10, "a"), less_than(10, "b")), "unclassified"),
    "a class and none": ((result(64, "a"), result(70, "b", interval=None)), "unclassified"),
    "one result twice": ((result(64, "a"), result(64, "a")), "normal"),
    "one number, one class": ((result(64, "a"), result(64, "b")), "normal"),
    "two classes at different times": (
        (result(64, "a", "2026-11-18T08:00:00Z"), result(150, "b", "2026-11-18T09:00:00Z")),
        "high",
    ),
    "two classes, the other not usable": (
        (result(64, "a"), result(150, "b", status="entered-in-error")),
        "normal",
    ),
}


@pytest.mark.parametrize(("results", "expected"), TIES.values(), ids=TIES)
def test_results_of_one_time_that_differ_in_class_have_none(results: tuple[Body, Body], expected: str) -> None:
    for ordered in (results, results[::-1]):
        assert facts(*ordered)["glutamate"].value == expected


def test_a_tie_says_why_there_is_no_class() -> None:
    fact = facts(result(64, "a"), result(150, "b"))["glutamate"]
    assert fact.texts["why"] == "two results of the same time differ"


def classes_at_once(*results: Body, site: Json = ()) -> tuple[Json, str]:
    """The class and the reason for results of one time, for a woman of 45."""
    chart = Chart("p", {"aminoAcids": Data(Arrival.GIVEN, results)})
    fact = read_level(
        read_analyte("glutamate", chart, VOCABULARY, NOW), chart, Patient(date(1981, 1, 1), "female"), site
    )
    return fact.value, fact.note


def test_results_of_one_time_are_each_placed_in_the_range_for_the_patient() -> None:
    ranges = [
        {"low": umol(10), "high": umol(80), "appliesTo": [{"text": "female"}]},
        {"low": umol(10), "high": umol(120), "appliesTo": [{"text": "male"}]},
    ]
    results = [result(value, f"g{value}", referenceRange=ranges) for value in (64, 100)]
    assert classes_at_once(*results) == ("unclassified", "two results of the same time differ")
    assert classes_at_once(results[1], {**results[1], "id": "again"}) == ("high", "")


def test_results_of_one_time_are_each_placed_in_the_interval_of_the_site() -> None:
    site = (SiteInterval(Decimal(10), Decimal(80), "female", 18), SiteInterval(Decimal(10), Decimal(120), "male", 18))
    results = [result(value, f"g{value}", interval=None) for value in (64, 100)]
    assert classes_at_once(*results, site=site) == ("unclassified", "two results of the same time differ")
    assert classes_at_once(results[0], result(100, "old", "2026-11-01", interval=None), site=site) == ("normal", "")
    assert classes_at_once(result(9, interval=None), site=site) == ("low", "")


# --- on treatment -----------------------------------------------------------------------------------------------------

STARTS = {
    "no medication": ((), "baseline"),
    "began before": ((treatment(dosageInstruction=[begins("2026-09-01")]),), "on treatment"),
    "began the day before": ((treatment(dosageInstruction=[begins("2026-11-17")]),), "on treatment"),
    "began the same day": ((treatment(dosageInstruction=[begins("2026-11-18")]),), "on treatment"),
    "began the same day, later": ((treatment(authoredOn="2026-11-18T17:00:00+00:00"),), "on treatment"),
    "began the day after": ((treatment(dosageInstruction=[begins("2026-11-19")]),), "baseline"),
    "written before": ((treatment(authoredOn="2026-09-01"),), "on treatment"),
    "written before, begins after": (
        (treatment(authoredOn="2026-09-01", dosageInstruction=[begins("2026-11-20")]),),
        "baseline",
    ),
    "written, its period has no start": (
        (treatment(authoredOn="2026-09-01", dosageInstruction=[begins(None)]),),
        "on treatment",
    ),
    "the second of two instructions began before": (
        (treatment(dosageInstruction=[begins("2026-11-20"), begins("2026-09-01")]),),
        "on treatment",
    ),
    "one of two began before": (
        (treatment(authoredOn="2026-11-20"), treatment("m2", authoredOn="2026-09-01")),
        "on treatment",
    ),
    "stopped": ((treatment(status="stopped", authoredOn="2026-09-01"),), "baseline"),
    "completed": ((treatment(status="completed", authoredOn="2026-09-01"),), "baseline"),
    "draft": ((treatment(status="draft", authoredOn="2026-09-01"),), "baseline"),
    "entered in error": ((treatment(status="entered-in-error", authoredOn="2026-09-01"),), "baseline"),
    "not to be given": ((treatment(doNotPerform=True, authoredOn="2026-09-01"),), "baseline"),
    "another drug": (
        (treatment(authoredOn="2026-09-01", medicationCodeableConcept={"text": "carbocisteine"}),),
        "baseline",
    ),
    "by name": (
        (treatment(authoredOn="2026-09-01", medicationCodeableConcept={"text": "NAC"}),),
        "on treatment",
    ),
    "behind a reference in the answer": (
        (
            treatment(
                authoredOn="2026-09-01",
                medicationCodeableConcept=None,
                medicationReference={"reference": "Medication/x"},
            ),
            {"resourceType": "Medication", "id": "x", "code": {"text": "acetylcysteine"}},
        ),
        "on treatment",
    ),
}


@pytest.mark.parametrize(("medications", "expected"), STARTS.values(), ids=STARTS)
def test_a_sample_is_on_treatment_if_an_active_order_began_by_its_day(medications: Json, expected: str) -> None:
    fact = facts(result(64), medications=bundle(*medications))["glutamate_sample"]
    assert (fact.state, fact.value) == (State.KNOWN, expected)


def timing(*draft_orders: Body, medications: Body | None = None) -> Json:
    return facts(result(64), medications=medications or bundle(), drafts=draft_orders)["glutamate_sample"].value


def test_an_order_that_is_signed_again_is_treatment() -> None:
    running = treatment("draft", authoredOn="2026-09-01")
    assert timing({**running, "status": "draft"}, medications=bundle(running)) == "on treatment"
    assert timing(running) == "on treatment"
    assert timing({**running, "status": "draft"}) == "baseline"
    assert timing({**running, "authoredOn": "2026-11-19"}) == "baseline"
    assert timing({**running, "authoredOn": "2026-11-18"}) == "on treatment"  # the day of the sample
    assert timing(treatment("draft")) == "baseline"  # signed without a date: nothing says that it runs already


UNREAD_STARTS = {
    "of its dosing": {"dosageInstruction": [begins("2026-11")]},
    "of its period": {"effectiveDosePeriod": {"start": "2026"}},
    "of one of two dosages": {"dosageInstruction": [begins("2026-11-20"), begins("in August")]},
}


@pytest.mark.parametrize("members", UNREAD_STARTS.values(), ids=UNREAD_STARTS)
def test_the_day_of_writing_is_no_stand_in_for_a_start_that_cannot_be_read(members: Body) -> None:
    order = treatment(authoredOn="2026-11-20", **members)
    assert facts(result(64), medications=bundle(order))["glutamate_sample"].state is State.UNKNOWN
    assert timing(order) is None  # signed again


def routed(word: str, began: str | None, **members: Json) -> Body:
    instruction = {"route": {"text": word}} if word else {}
    return treatment("m", authoredOn=began, dosageInstruction=[instruction], **members)


ROUTES = {
    "by mouth": (routed("oral", "2026-01-01"), "on treatment"),
    "no route": (routed("", "2026-01-01"), "on treatment"),
    "intravenous, 7 days before": (routed("intravenous", "2026-11-11"), "on treatment"),
    "intravenous, 8 days before": (routed("intravenous", "2026-11-10"), "baseline"),
    "inhaled": (routed("inhalation", "2026-11-01"), "baseline"),
    "in the eye": (routed("ophthalmic", "2026-11-01"), "baseline"),
    "eye drops by their code": (
        treatment(
            "m",
            authoredOn="2026-11-01",
            medicationCodeableConcept={"coding": [{"system": "http://www.whocc.no/atc", "code": "S01XA08"}]},
        ),
        "baseline",
    ),
    "eye drops without a date": (routed("ophthalmic", None), "baseline"),
}


@pytest.mark.parametrize(("medication", "expected"), ROUTES.values(), ids=ROUTES)
def test_the_route_says_whether_it_is_treatment(medication: Body, expected: str) -> None:
    assert timing(medications=bundle(medication)) == expected


def test_inhaled_acetylcysteine_is_said() -> None:
    inhaled = bundle(routed("inhalation", "2026-11-01"))
    fact = facts(result(64), medications=inhaled)["inhaled_acetylcysteine"]
    assert (fact.value, fact.texts) == ("present", {"since": "1 November 2026"})
    later = bundle(routed("inhalation", "2026-11-20"))
    for found in (facts(result(64), medications=later), facts(medications=inhaled), facts(result(64))):
        assert found["inhaled_acetylcysteine"].state is State.ABSENT


@pytest.mark.parametrize(("value", "expected"), [(350, None), (351, "possible"), (1000, "possible"), (1001, None)])
def test_a_glutamate_that_may_be_a_glutamine_is_used_and_named(value: int, expected: str | None) -> None:
    found = facts(result(value))
    assert found["glutamate_mix_up"].value == expected
    assert (found["glutamate"].state is State.KNOWN) is (value <= 1000)


@pytest.mark.parametrize("code", [GLUTAMATE, CYSTINE])
@pytest.mark.parametrize(
    ("value", "reason"),
    [(1001, "its value is implausible: above 1,000 µmol/L"), (0, "its value is not above zero"), (1000, None)],
)
def test_an_implausible_level_is_refused_with_its_bound(code: str, value: int, reason: str | None) -> None:
    level = "glutamate" if code == GLUTAMATE else "cystine"
    found = facts(result(value, code=code))
    assert (found[level].state is State.KNOWN) is (reason is None)
    assert reason is None or reason in found["results_unused"].texts["list"][0]


def test_a_glutamine_may_be_high() -> None:
    found = facts(result(64), result(1200, identity="n1", code=GLUTAMINE))
    assert found["sample_handling"].value == "consistent"


NAMES = ["Glutamat im Urin", "Glutamate, CSF", "Glutamat (Liquor)", "Glutamate urine", "GLUTAMATE DBS"]


@pytest.mark.parametrize("name", NAMES)
def test_a_code_of_plasma_with_a_name_of_another_specimen_is_refused_and_named(name: str) -> None:
    sent = result(64)
    sent["code"] = {**sent["code"], "text": name}
    found = facts(sent)
    assert found["glutamate"].state is State.ABSENT
    assert "contradict each other" in found["results_unused"].texts["list"][0]


def test_the_first_start_is_the_one_that_is_said() -> None:
    orders = [treatment("m1", authoredOn="2026-09-15"), treatment("m2", authoredOn="2026-09-01")]
    fact = facts(result(64), medications=bundle(*orders))["glutamate_sample"]
    assert fact.texts["since"] == "1 September 2026"
    assert fact.origins[0].resource == "MedicationRequest/m2"


STATEMENTS = {
    "from": {"effectivePeriod": {"start": "2026-09-01"}},
    "on": {"effectiveDateTime": "2026-09-01"},
    "asserted": {"dateAsserted": "2026-09-01"},
    "from, rather than asserted": {"effectivePeriod": {"start": "2026-09-01"}, "dateAsserted": "2026-11-22"},
    "on, rather than asserted": {"effectiveDateTime": "2026-09-01", "dateAsserted": "2026-11-22"},
}


@pytest.mark.parametrize("members", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_began_with_its_effective_time_else_when_it_was_made(members: Body) -> None:
    statement = {**treatment(), "resourceType": "MedicationStatement", **members}
    chart = Chart("p", {"medicationStatements": Data(Arrival.GIVEN, (statement,))})
    (found,) = find_treatments(chart, VOCABULARY)
    assert found.began is not None
    assert (found.reference, found.began.day.isoformat()) == ("MedicationStatement/m1", "2026-09-01")


@pytest.mark.parametrize("status", ["active", "recorded"])
def test_a_statement_makes_a_sample_one_of_treatment(status: str) -> None:
    statement = {**treatment(status=status), "resourceType": "MedicationStatement", "dateAsserted": "2026-09-01"}
    statements = {"medicationStatements": bundle(statement)}
    sample = facts(result(64), medications=bundle(), **statements)["glutamate_sample"]
    assert (sample.value, sample.texts["since"]) == ("on treatment", "1 September 2026")
    not_taken = bundle({**statement, "status": "not-taken"})
    assert (
        facts(result(64), medications=bundle(), medicationStatements=not_taken)["glutamate_sample"].value == "baseline"
    )


def test_statements_that_could_not_be_read_leave_it_open_and_none_sent_does_not() -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    sample = facts(result(64), medications=bundle(), medicationStatements=failed)["glutamate_sample"]
    assert sample.state is State.UNKNOWN
    assert facts(result(64), medications=bundle())["glutamate_sample"].value == "baseline"


def test_each_active_medication_that_is_or_may_be_acetylcysteine_is_a_start() -> None:
    nameless = {
        **treatment("m3"),
        "medicationCodeableConcept": None,
        "medicationReference": {"reference": "Medication/1"},
    }
    other = {**treatment("m2"), "medicationCodeableConcept": {"text": "ibuprofen"}}
    active = (treatment("m1", status="stopped"), other, nameless, treatment("m4"))
    chart = Chart("p", {"activeMedications": Data(Arrival.GIVEN, active)})
    drafts = [treatment("d1"), treatment("d2", status="draft", authoredOn="2026-06-01")]
    drafts.append(treatment("d3", authoredOn="2026-06-01"))
    found = find_treatments(chart, VOCABULARY, drafts)
    assert found[:2] == [
        Treatment("MedicationRequest/m3", None, is_named=False),
        Treatment("MedicationRequest/m4", None),
    ]
    assert [one.reference for one in found[2:]] == ["MedicationRequest/d3"]


def test_the_drug_of_an_active_order_may_have_come_with_the_call() -> None:
    drug = {"resourceType": "Medication", "code": treatment("d1")["medicationCodeableConcept"]}
    order = {**treatment("d1", authoredOn="2026-06-01"), "medicationReference": {"reference": "Medication/drug"}}
    del order["medicationCodeableConcept"]
    chart = Chart("p", {})
    assert [one.is_named for one in find_treatments(chart, VOCABULARY, [order])] == [False]
    (found,) = find_treatments(chart, VOCABULARY, [order], {"Medication/drug": drug})
    assert (found.is_named, found.began is None) == (True, False)


UNDATED = {
    "no date": {},
    "month only": {"authoredOn": "2026-09"},
    "not a date": {"authoredOn": "in September"},
}


@pytest.mark.parametrize("members", UNDATED.values(), ids=UNDATED)
def test_a_start_that_cannot_be_read_leaves_it_unknown(members: Body) -> None:
    fact = facts(result(64), medications=bundle(treatment(**members)))["glutamate_sample"]
    assert (fact.state, fact.note) == (
        State.UNKNOWN,
        "an active acetylcysteine medication has no start date that can be read",
    )


def test_a_start_that_can_be_read_decides_beside_one_that_cannot() -> None:
    orders = [treatment("m1"), treatment("m2", authoredOn="2026-09-01")]
    assert facts(result(64), medications=bundle(*orders))["glutamate_sample"].value == "on treatment"


@pytest.mark.parametrize(
    ("medications", "note"),
    [
        (FAILED, "list of active medications could not be read (the EHR reports an error)"),
        (bundle(treatment(status="stopped"), total=9), "list of active medications incomplete (it has fewer entries"),
    ],
    ids=["failed", "incomplete"],
)
def test_medications_that_are_not_whole_leave_it_unknown(medications: Body, note: str) -> None:
    fact = facts(result(64), medications=medications)["glutamate_sample"]
    assert fact.state is State.UNKNOWN
    assert fact.note.startswith(note)


def test_medications_that_were_not_sent_leave_it_unknown() -> None:
    chart = build_chart("p", {"aminoAcids": bundle(result(64))})
    fact = read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)["glutamate_sample"]
    assert (fact.state, fact.note) == (State.UNKNOWN, "list of active medications not sent")


def test_treatment_that_is_found_counts_in_an_incomplete_list() -> None:
    medications = bundle(treatment(authoredOn="2026-09-01"), total=9)
    assert facts(result(64), medications=medications)["glutamate_sample"].value == "on treatment"


# --- the change from before -------------------------------------------------------------------------------------------

SINCE_SEPTEMBER = {"medications": bundle(treatment(authoredOn="2026-09-01"))}
CHANGES = {
    "a small rise": (96, Decimal("96.5"), "+0.5 µmol/L (+0.52 %)"),
    "a fall": (131, 96, "−35 µmol/L (−27 %)"),
    "a rise": (96, 131, "+35 µmol/L (+36 %)"),
    "none": (96, 96, "±0 µmol/L (±0 %)"),
    "doubled": (48, 96, "+48 µmol/L (+100 %)"),
}


@pytest.mark.parametrize(("before", "now", "expected"), CHANGES.values(), ids=CHANGES)
def test_the_change_from_before_treatment_is_shown(before: int, now: Decimal | int, expected: str) -> None:
    fact = facts(result(now), result(before, "old", "2026-08-20"), **SINCE_SEPTEMBER)["glutamate_before"]
    assert (fact.value, fact.texts["change"]) == ("measured", expected)
    assert (fact.texts["date"], fact.origins[0].resource) == ("20 August 2026", "Observation/old")


@pytest.mark.parametrize("results", [(less_than(5), 64), (64, less_than(5))], ids=["now", "before"])
def test_no_change_is_computed_from_a_comparator(results: Json) -> None:
    now, before = (result(one) if isinstance(one, int) else one for one in results)
    before = {**before, "id": "old", "effectiveDateTime": "2026-08-20"}
    change = facts(now, before, **SINCE_SEPTEMBER)["glutamate_before"].texts["change"]
    assert change == "not computed, a value has < or >"


def test_the_last_of_several_values_before_is_the_one_compared() -> None:
    old = [result(value, f"o{value}", f"2026-0{value}-01") for value in (6, 8, 7)]
    fact = facts(result(64), *old, **SINCE_SEPTEMBER)["glutamate_before"]
    assert fact.origins[0].resource == "Observation/o8"


NO_BEFORE = {
    "no earlier result": (result(64),),
    "a result of the first day": (result(64), result(90, "old", "2026-09-01")),
    "a result on treatment": (result(64), result(90, "old", "2026-10-01")),
    "a result that cannot be used": (result(64), result(90, "old", "2026-08-01", status="preliminary")),
    "only a result from before": (result(64, taken="2026-08-01"),),
    "no result": (),
}


@pytest.mark.parametrize("results", NO_BEFORE.values(), ids=NO_BEFORE)
def test_without_a_value_from_before_there_is_no_change(results: Json) -> None:
    assert facts(*results, **SINCE_SEPTEMBER)["glutamate_before"].state is State.ABSENT


def test_before_the_treatment_is_before_the_first_start() -> None:
    orders = bundle(treatment("m1", authoredOn="2026-09-01"), treatment("m2", authoredOn="2026-07-01"))
    found = facts(result(64), result(90, "old", "2026-08-01"), medications=orders)
    assert found["glutamate_before"].state is State.ABSENT


def test_without_treatment_nothing_is_from_before_it() -> None:
    assert facts(result(64), result(90, "old", "2026-08-01"))["glutamate_before"].state is State.ABSENT


# --- handling ---------------------------------------------------------------------------------------------------------


def glutamine(value: int, **members: Json) -> Body:
    return result(value, "n1", **{"code": GLUTAMINE, "interval": None, **members})


SPECIMEN: Json = {"specimen": {"reference": "Specimen/1"}}
OTHER_SPECIMEN: Json = {"specimen": {"reference": "Specimen/2"}}
HANDLINGS = {
    "exactly 0.23": (result(115), glutamine(500), "consistent", "0.23"),
    "just over": (result(Decimal("115.01")), glutamine(500), "doubtful", "0.23"),
    "over": (result(150), glutamine(410), "doubtful", "0.37"),
    "just under": (result(Decimal("114.99")), glutamine(500), "consistent", "0.23"),
    "under": (result(50), glutamine(500), "consistent", "0.1"),
    "one specimen at two times": (
        result(150, **SPECIMEN),
        glutamine(410, taken="2026-11-18T08:05:00Z", **SPECIMEN),
        "doubtful",
        "0.37",
    ),
    "one time, one of them without a specimen": (result(150, **SPECIMEN), glutamine(410), "doubtful", "0.37"),
}


@pytest.mark.parametrize(("glutamate", "other", "expected", "ratio"), HANDLINGS.values(), ids=HANDLINGS)
def test_the_handling_is_doubtful_above_a_ratio_of_0_23(
    glutamate: Body, other: Body, expected: str, ratio: str
) -> None:
    fact = facts(glutamate, other)["sample_handling"]
    assert (fact.value, fact.texts["ratio"]) == (expected, ratio)


NOT_COMPARED = {
    "no glutamine": (result(150),),
    "no glutamate": (glutamine(410),),
    "another time": (result(150), glutamine(410, taken="2026-11-18T08:05:00Z")),
    "another specimen": (result(150, **SPECIMEN), glutamine(410, **OTHER_SPECIMEN)),
    "glutamine zero": (result(150), glutamine(0)),
    "glutamine in urine": (result(150), glutamine(410, code="22720-7")),
    "glutamine preliminary": (result(150), glutamine(410, status="preliminary")),
    "glutamate with <": (less_than(150), glutamine(410)),
    "glutamine with >": (result(150), glutamine(410, valueQuantity={**umol(410), "comparator": ">"})),
    "glutamine of an older glutamate": (
        result(150),
        result(150, "g0", "2026-10-01"),
        glutamine(410, taken="2026-10-01"),
    ),
}


@pytest.mark.parametrize("results", NOT_COMPARED.values(), ids=NOT_COMPARED)
def test_without_a_glutamine_of_the_same_sample_nothing_is_said_of_handling(results: Json) -> None:
    assert facts(*results)["sample_handling"].state is State.ABSENT


# --- results that were not used ---------------------------------------------------------------------------------------

UNUSED = {
    "older than 365 days": (result(130, taken="2025-11-22"), "22 November 2025", "more than 365 days old"),
    "in the future": (result(130, taken="2026-11-30"), "30 November 2026", "in the future"),
    "preliminary": (result(130, status="preliminary"), "18 November 2026", "its status is preliminary"),
    "without a date": (result(130, taken=None), "", "its date is missing"),
    "in mg/dL": (
        result(1, valueQuantity={"value": 1, "unit": "mg/dL", "code": "mg/dL"}),
        "18 November 2026",
        "unit mg/dL not accepted",
    ),
    "in urine": (result(130, code=URINE), "18 November 2026", "glutamate in urine"),
    "of another code": (result(130, code="2364-8"), "18 November 2026", "specimen not verified"),
}


@pytest.mark.parametrize(("one", "day", "reason"), UNUSED.values(), ids=UNUSED)
def test_a_result_that_was_seen_and_not_used_is_named_with_its_day_and_reason(one: Body, day: str, reason: str) -> None:
    found = facts(one)
    assert found["glutamate"].state is State.ABSENT
    (said,) = found["results_unused"].texts["list"]
    assert said.startswith("glutamate")
    assert day in said
    assert reason in said


def test_the_three_newest_are_listed_and_the_rest_counted() -> None:
    results = [result(64, f"u{month}", f"2026-0{month}-03", status="preliminary") for month in (3, 5, 2, 4, 1)]
    listed = facts(*results)["results_unused"].texts["list"]
    assert len(listed) == 4
    assert all(day in said for day, said in zip(("3 May", "3 April", "3 March"), listed, strict=False))
    assert listed[-1] == "and 2 more"


@pytest.mark.parametrize("count", [1, 3])
def test_up_to_three_are_listed_without_a_count(count: int) -> None:
    results = [result(64, f"u{number}", status="preliminary") for number in range(count)]
    assert len(facts(*results)["results_unused"].texts["list"]) == count


def test_those_without_a_date_come_last() -> None:
    results = [result(64, f"u{n}", taken, status="preliminary") for n, taken in enumerate([None, "2026-01-03", None])]
    listed = facts(*results)["results_unused"].texts["list"]
    assert ["3 January 2026" in one for one in listed] == [True, False, False]


def test_every_result_that_was_not_used_is_traced() -> None:
    results = [result(64, f"u{n}", status="preliminary") for n in range(5)]
    origins = facts(*results)["results_unused"].origins
    assert {origin.resource for origin in origins} == {f"Observation/u{n}" for n in range(5)}


def test_where_all_were_used_none_is_listed() -> None:
    assert facts(result(64))["results_unused"].state is State.ABSENT
