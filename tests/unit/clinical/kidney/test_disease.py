"""The gravest kidney finding on record, and how it is stated."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.chart import NOT_SENT, Arrival, Data
from cds_service.clinical.facts import State, absent, known, unknown
from cds_service.clinical.kidney.disease import read_glutamine_kidney
from cds_service.fhir.systems import ICD10, ICD10GM
from tests import builders
from tests.builders import ICD10CM, LOINC, SNOMED, concept
from tests.unit.clinical.kidney.charts import (
    CHILD,
    EMPTY,
    FAILED,
    MG_DL,
    UMOL_L,
    chart,
    condition,
    creatinine,
    data,
    egfr,
    facts,
    finding,
    height,
    kidney,
    result,
)

Json = Any


@pytest.mark.parametrize(
    ("value", "comparator", "expected"),
    [
        pytest.param(60, "", "none", id="on-60"),
        pytest.param(Decimal("59.9"), "", "impairment", id="just-under-60"),
        pytest.param(Decimal("60.1"), "", "none", id="just-over-60"),
        pytest.param(15, "<", "impairment", id="less-than-15"),
        pytest.param(59, "<=", "impairment", id="at-most-59"),
        pytest.param(60, "<", "impairment", id="less-than-60-is-below-60"),
        pytest.param(60, ">", "none", id="more-than-60"),
        pytest.param(90, ">", "none", id="more-than-90"),
        pytest.param(60, ">=", "none", id="at-least-60"),
    ],
)
def test_an_egfr_below_60_is_impairment_on_the_latest_result(value: Json, comparator: str, expected: str) -> None:
    members = {"comparator": comparator} if comparator else {}
    assert finding(result("98979-8", value, **members)) == expected


@pytest.mark.parametrize(
    ("value", "comparator"),
    [
        pytest.param(45, ">", id="more-than-45"),
        pytest.param(45, ">=", id="at-least-45"),
        pytest.param(Decimal("59.9"), ">", id="more-than-just-under-60"),
        pytest.param(60, "<=", id="at-most-60"),
        pytest.param(90, "<", id="less-than-90"),
        pytest.param(120, "<=", id="at-most-120"),
    ],
)
def test_a_comparator_that_leaves_it_open_makes_it_unknown(value: Json, comparator: str) -> None:
    fact = kidney(chart(result("98979-8", value, comparator=comparator)))
    assert fact.state is State.UNKNOWN
    assert fact.note == "the comparator of the eGFR leaves its class open"
    assert f"eGFR {comparator}" in fact.texts["summary"]


def test_impairment_and_none_name_the_result_they_rest_on() -> None:
    for value in (51, 90):
        fact = kidney(chart(result("98979-8", value)))
        assert fact.texts["summary"] == f"eGFR {value} mL/min/1.73 m² (reported) of 3 November 2026"
        assert [one.resource for one in fact.origins] == ["Observation/98979-8.2026-11-03"]


CONDITIONS = [
    pytest.param("Z99.2", ICD10CM, "dialysis", id="dependence-on-dialysis"),
    pytest.param("Z992", ICD10CM, "dialysis", id="dependence-on-dialysis-without-its-dot"),
    pytest.param("236435004", SNOMED, "dialysis", id="end-stage-on-dialysis"),
    pytest.param("302497006", SNOMED, "dialysis", id="haemodialysis"),
    pytest.param("71192002", SNOMED, "dialysis", id="peritoneal-dialysis"),
    pytest.param("N17.9", ICD10CM, "injury", id="acute-failure"),
    pytest.param("N179", ICD10CM, "injury", id="acute-failure-without-its-dot"),
    pytest.param("n17.0", ICD10CM, "injury", id="tubular-necrosis-in-small-letters"),
    pytest.param("14669001", SNOMED, "injury", id="acute-renal-failure-syndrome"),
    pytest.param("N18.3", ICD10CM, "disease", id="stage-3"),
    pytest.param("N183", ICD10CM, "disease", id="stage-3-without-its-dot"),
    pytest.param("N18.32", ICD10CM, "disease", id="stage-3b"),
    pytest.param("N1832", ICD10CM, "disease", id="stage-3b-without-its-dot"),
    pytest.param("I12.9", ICD10CM, "disease", id="hypertensive"),
    pytest.param("709044004", SNOMED, "disease", id="chronic-kidney-disease"),
]


@pytest.mark.parametrize(("code", "system", "expected"), CONDITIONS)
def test_an_active_condition_is_the_finding(code: str, system: str, expected: str) -> None:
    fact = kidney(chart(problems=data(condition(code, system))))
    assert fact.value == expected
    assert [one.resource for one in fact.origins] == ["Condition/c1"]


@pytest.mark.parametrize(
    ("code", "system"),
    [
        pytest.param("N20.0", ICD10CM, id="a-stone"),
        pytest.param("Z91.15", ICD10CM, id="dialysis-not-taken"),
    ],
)
def test_another_code_is_no_finding(code: str, system: str) -> None:
    assert finding(result("98979-8", 90), problems=data(condition(code, system))) == "none"


@pytest.mark.parametrize(
    ("code", "system"),
    [
        pytest.param("N18", ICD10CM, id="a-parent-code"),
        pytest.param("709044004", ICD10CM, id="a-snomed-number-in-icd"),
        pytest.param("44054006", SNOMED, id="a-snomed-number-that-is-not-listed"),
        *(
            pytest.param(code, system, id=f"{code}-{system.rpartition('-')[2]}")
            for system in (ICD10CM, ICD10, ICD10GM)
            for code in ("N18.8", "N18.80", "n18.89", "N04", "N04.9", "N08.3*", "E11.2", "E11.20", "E1121", "N17.91")
        ),
        *(
            pytest.param(code, ICD10, id=code)
            for code in ("I12.0", "I13.2", "N16.8", "N28.9", "Q61.2", "Z94.0", "Z49.1")
        ),
    ],
)
def test_a_code_without_a_name_that_may_be_one_of_them_leaves_it_open(code: str, system: str) -> None:
    assert finding(result("98979-8", 90), problems=data(condition(code, system))) is None


@pytest.mark.parametrize("code", ["N04.9", "E11.20", "N28.1", "Z94.0"])
def test_a_name_beside_such_a_code_says_what_it_is(code: str) -> None:
    named = builders.condition(concept(code, ICD10, text="Nierenzyste"))
    assert finding(result("98979-8", 90), problems=data(named)) == "none"


@pytest.mark.parametrize("code", ["N18.80", "N17.91"])
def test_a_code_of_the_category_of_chronic_or_acute_failure_leaves_it_open_whatever_its_name(code: str) -> None:
    named = builders.condition(concept(code, ICD10, text="nierfalen"))
    assert finding(result("98979-8", 90), problems=data(named)) is None


@pytest.mark.parametrize("form", ["http://hl7.org/fhir/sid/icd-10", "http://fhir.de/CodeSystem/bfarm/icd-10-gm"])
@pytest.mark.parametrize("code", ["N18.4", "N18.5", "N19", "N17.9", "Z99.2"])
def test_a_code_counts_in_each_form_of_icd_10(code: str, form: str) -> None:
    assert finding(problems=data(condition(code, form))) == finding(problems=data(condition(code)))


STAGES = {
    "stage 5": (["N18.5"], [], "stage 5"),
    "end-stage disease": (["N18.6"], [], "stage 5"),
    "stage 5 in SNOMED CT": (["433146000"], [], "stage 5"),
    "end-stage disease in SNOMED CT": (["46177005"], [], "stage 5"),
    "stage 4 without a number": (["N18.4"], [], "stage 4"),
    "stage 4 in SNOMED CT without a number": (["431857002"], [], "stage 4"),
    "stage 4 beside an eGFR of 90 days": (["N18.4"], [("98979-8", 27, "2026-08-25")], "disease"),
    "stage 4 beside an eGFR of 91 days": (["N18.4"], [("98979-8", 27, "2026-08-24")], "stage 4"),
    "failure without a number": (["N19"], [], "failure"),
    "failure beside an eGFR of 60": (["N19"], [("98979-8", 60, "2026-11-01")], "disease"),
    "failure beside an eGFR of 59.9": (["N19"], [("98979-8", Decimal("59.9"), "2026-11-01")], "failure"),
    "failure beside an eGFR of 91 days": (["N19"], [("98979-8", 90, "2026-08-24")], "failure"),
    "stage 5 comes before stage 4": (["N18.4", "N18.5"], [], "stage 5"),
    "stage 3": (["N18.3"], [], "disease"),
    "an eGFR below 60 of 90 days": ([], [("98979-8", Decimal("59.9"), "2026-08-25")], "impairment"),
    "an eGFR below 60 of 91 days": ([], [("98979-8", Decimal("59.9"), "2026-08-24")], None),
}


@pytest.mark.parametrize(("codes", "results", "expected"), STAGES.values(), ids=STAGES)
def test_the_stage_of_the_disease(codes: list[str], results: list[Any], expected: str | None) -> None:
    systems = [SNOMED if code.isdigit() else ICD10CM for code in codes]
    problems = [condition(code, system, id=code) for code, system in zip(codes, systems, strict=True)]
    sent = [result(code, value, day=day) for code, value, day in results]
    read = facts(chart(*sent, problems=data(*problems) if problems else EMPTY))
    assert read["kidney_disease"].value == expected


def test_stage_5_comes_before_an_acute_injury_in_the_line() -> None:
    problems = data(condition("N17.9"), condition("N18.5", id="c2"))
    assert finding(problems=problems) == "stage 5"


NEWER = {
    "a creatinine of yesterday against an old eGFR": (
        [creatinine(Decimal("4.2"), day="2026-11-22"), result("98979-8", 80, day="2021-11-01")],
        "CKD-EPI 2021 from creatinine",
    ),
    "an eGFR of yesterday against an old creatinine": (
        [creatinine(Decimal("4.2"), day="2025-12-01"), result("98979-8", 80, day="2026-11-22")],
        "reported",
    ),
    "both of one sample": (
        [creatinine(Decimal("4.2"), day="2026-11-22"), result("98979-8", 80, day="2026-11-22")],
        "reported",
    ),
}


@pytest.mark.parametrize(("results", "method"), NEWER.values(), ids=NEWER)
def test_the_newer_sample_counts(results: list[Json], method: str) -> None:
    for sent in (results, results[::-1]):
        assert method in str(facts(chart(*sent))["egfr"].texts["amount"])


@pytest.mark.parametrize(
    "newest",
    [
        result("98979-8", None, day="2026-11-22", valueQuantity=None, valueString="SEE COMMENTS"),
        result("98979-8", 80, "furlongs", day="2026-11-22"),
        result("98979-8", 80, day="2026-11-22", status="preliminary"),
        result("98979-8", 80, effectiveDateTime=None),
    ],
    ids=["in words", "another unit", "preliminary", "without a date"],
)
def test_nothing_older_reassures_beside_a_newer_result_that_cannot_be_used(newest: Json) -> None:
    read = facts(chart(newest, result("98979-8", 90, day="2026-11-01")))
    for name in ("kidney", "egfr", "clearance", "kidney_disease"):
        assert read[name].state is State.UNKNOWN, name
        assert "cannot be used (eGFR by creatinine, CKD-EPI 2021" in read[name].note


@pytest.mark.parametrize(
    "newest",
    [
        result("98979-8", 80, day="2026-11-22", status="entered-in-error"),
        result("98979-8", None, day="2026-11-22", status="registered", valueQuantity=None),
        result("98979-8", "x", day="2026-11-22", subject={"reference": "Patient/other"}),
        result("48642-3", 80, day="2026-11-22"),
        result("98979-8", "x", day="2026-10-31"),
    ],
    ids=["entered in error", "registered", "another patient", "race-specific", "older"],
)
def test_what_is_no_newer_result_hides_nothing(newest: Json) -> None:
    assert facts(chart(newest, result("98979-8", 90, day="2026-11-01")))["egfr"].value == 90


KIDNEY_LINE_AGES = [("2025-11-23", State.KNOWN), ("2025-11-22", State.ABSENT)]


@pytest.mark.parametrize(("day", "state"), KIDNEY_LINE_AGES)
def test_results_of_365_days_count_for_the_kidney_line(day: str, state: State) -> None:
    assert kidney(chart(result("98979-8", 90, day=day))).state is state


@pytest.mark.parametrize(("day", "state"), [("2026-08-25", State.KNOWN), ("2026-08-24", State.ABSENT)])
@pytest.mark.parametrize("code", ["98979-8", "14682-9"])
def test_results_of_90_days_count_for_the_clearance(code: str, day: str, state: State) -> None:
    sent = creatinine(80, UMOL_L, day=day) if code == "14682-9" else result(code, 90, day=day)
    assert facts(chart(sent))["clearance"].state is state


PRINTED_UNITS = ["mL/min/1.73m²", "mL/min/1.73 m²", "ml/min/1.73m2", "mL/min/1.73m^2", "ml/min/{1.73_m2}"]


@pytest.mark.parametrize("unit", PRINTED_UNITS)
def test_printed_units_of_egfr_count(unit: str) -> None:
    printed = {"value": 18, "unit": unit}
    assert facts(chart(result("98979-8", 18, valueQuantity=printed)))["egfr"].value == 18


def fall(before: str, after: str, day: str = "2026-11-18") -> Json:
    results = (creatinine(Decimal(before), UMOL_L, day=day), creatinine(Decimal(after), UMOL_L, day="2026-11-22"))
    return facts(chart(*results))


def test_a_fall_by_a_third_within_7_days_is_said_and_is_no_injury() -> None:
    read = fall("300", "200")
    assert read["falling_creatinine"].texts["summary"] == (
        "creatinine fell within 7 days, from 300 µmol/L of 18 November 2026 to 200 µmol/L of 22 November 2026"
    )
    assert read["kidney_injury"].state is State.ABSENT
    assert fall("300", "200.1")["falling_creatinine"].state is State.ABSENT
    assert fall("300", "200", day="2026-11-10")["falling_creatinine"].state is State.ABSENT
    assert facts(chart())["falling_creatinine"].state is State.ABSENT
    assert facts(chart(results_data=FAILED))["falling_creatinine"].state is State.UNKNOWN


AGES_OF_INJURY = {
    "of 90 days": ({"onsetDateTime": "2026-08-25"}, State.KNOWN),
    "of 91 days": ({"onsetDateTime": "2026-08-24"}, State.ABSENT),
    "recorded 91 days ago": ({"recordedDate": "2026-08-24"}, State.ABSENT),
    "old, recorded lately": ({"onsetDateTime": "2020-01-01", "recordedDate": "2026-11-01"}, State.ABSENT),
    "since a day": ({"onsetPeriod": {"start": "2026-11-01"}}, State.KNOWN),
    "of STU3": ({"assertedDate": "2026-08-24"}, State.ABSENT),
    "of DSTU2": ({"dateRecorded": "2026-08-24"}, State.ABSENT),
    "without a date": ({}, State.KNOWN),
    "with a date that cannot be read": ({"onsetDateTime": "last year"}, State.KNOWN),
}


@pytest.mark.parametrize(("members", "state"), AGES_OF_INJURY.values(), ids=AGES_OF_INJURY)
def test_an_acute_injury_counts_for_90_days(members: Json, state: State) -> None:
    read = facts(chart(problems=data(condition("N17.9", **members))))["kidney_injury"]
    assert read.state is state
    if state is State.ABSENT:
        assert read.note == "an acute kidney injury of more than 90 days ago is listed"


@pytest.mark.parametrize("code", ["Z99.2", "N17.9", "N18.3"])
@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"clinicalStatus": {"coding": [{"code": "inactive"}]}}, id="inactive"),
        pytest.param({"clinicalStatus": {"coding": [{"code": "remission"}]}}, id="remission"),
        pytest.param({"clinicalStatus": {"coding": [{"code": "resolved"}]}}, id="resolved"),
        pytest.param({"clinicalStatus": "resolved"}, id="resolved-as-a-plain-code"),
        pytest.param({"verificationStatus": {"coding": [{"code": "refuted"}]}}, id="refuted"),
        pytest.param({"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}, id="entered-in-error"),
        pytest.param({"verificationStatus": "entered-in-error"}, id="entered-in-error-as-a-plain-code"),
        pytest.param({"clinicalStatus": None, "verificationStatus": "refuted"}, id="refuted-without-clinical-status"),
    ],
)
def test_a_condition_that_is_over_or_not_true_is_no_finding(code: str, members: Json) -> None:
    assert finding(result("98979-8", 90), problems=data(condition(code, **members))) == "none"


@pytest.mark.parametrize("code", ["Z99.2", "N17.9", "N18.3"])
@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"clinicalStatus": {"coding": [{"code": "recurrence"}]}}, id="recurrence"),
        pytest.param({"clinicalStatus": {"coding": [{"code": "relapse"}]}}, id="relapse"),
        pytest.param({"clinicalStatus": "active"}, id="active-as-a-plain-code"),
        pytest.param({"clinicalStatus": None}, id="no-clinical-status"),
        pytest.param({"verificationStatus": None}, id="no-verification-status"),
        pytest.param({"verificationStatus": {"coding": [{"code": "provisional"}]}}, id="provisional"),
    ],
)
def test_a_condition_that_may_be_true_is_a_finding(code: str, members: Json) -> None:
    assert finding(result("98979-8", 90), problems=data(condition(code, **members))) not in (None, "none")


@pytest.mark.parametrize("code", ["11041-1", "11042-9", "51620-3", "51619-5"])
def test_a_creatinine_before_or_after_dialysis_means_dialysis_and_feeds_no_egfr(code: str) -> None:
    unit = MG_DL if code.startswith("11") else UMOL_L
    sent = result(code, Decimal("1.5") if unit == MG_DL else 133, unit)
    assert egfr(sent) is None
    assert egfr(sent, patient=CHILD, body=data(height(140))) is None
    fact = kidney(chart(sent))
    assert fact.value == "dialysis"
    assert [one.resource for one in fact.origins] == [f"Observation/{sent['id']}"]


def test_a_creatinine_about_dialysis_means_dialysis_even_if_it_is_also_coded_as_an_ordinary_one() -> None:
    both = creatinine(Decimal("1.5"))
    both["code"]["coding"].append({"system": LOINC, "code": "11042-9"})
    assert egfr(both) is None
    assert finding(both) == "dialysis"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"status": "entered-in-error"}, id="entered-in-error"),
        pytest.param({"status": "cancelled"}, id="cancelled"),
        pytest.param({"subject": {"reference": "Patient/p2"}}, id="of-another-patient"),
    ],
)
def test_a_creatinine_about_dialysis_that_never_was_of_this_patient_means_nothing(members: Json) -> None:
    assert finding(result("11042-9", 5, MG_DL, **members), result("98979-8", 90)) == "none"


IMPLAUSIBLE = {
    "an eGFR below 1": (result("98979-8", Decimal("0.9")), "below 1 mL/min/1.73 m²"),
    "an eGFR above 200": (result("98979-8", 201), "above 200 mL/min/1.73 m²"),
    "a creatinine below 9": (creatinine(Decimal("8.9"), UMOL_L), "below 9 µmol/L"),
    "a creatinine above 3,000": (creatinine(3001, UMOL_L), "above 3,000 µmol/L"),
}


@pytest.mark.parametrize(("implausible", "bound"), IMPLAUSIBLE.values(), ids=IMPLAUSIBLE)
def test_an_implausible_result_is_named_with_its_bound_and_nothing_older_reassures(
    implausible: Json, bound: str
) -> None:
    read = facts(chart(implausible, result("98979-8", 90, day="2026-11-01")))
    for name in ("kidney", "egfr", "clearance", "kidney_disease"):
        assert read[name].state is State.UNKNOWN, name
        assert f"its value is implausible: {bound}" in read[name].note


@pytest.mark.parametrize(
    "plausible",
    [
        result("98979-8", 1),
        result("98979-8", 200),
        creatinine(9, UMOL_L),
        creatinine(3000, UMOL_L),
    ],
    ids=["eGFR 1", "eGFR 200", "creatinine 9", "creatinine 3,000"],
)
def test_a_result_on_a_bound_is_used(plausible: Json) -> None:
    assert facts(chart(plausible))["egfr"].state is State.KNOWN


def test_the_gravest_finding_comes_first() -> None:
    dialysis, injury = condition("Z99.2"), condition("N17.9", id="c2")
    disease, low = condition("N18.3", id="c3"), result("98979-8", 30)
    assert finding(low, problems=data(disease, injury, dialysis)) == "dialysis"
    assert finding(low, result("11042-9", 5, MG_DL), problems=data(disease, injury)) == "dialysis"
    assert finding(low, problems=data(disease, injury)) == "injury"
    assert finding(low, problems=data(disease)) == "disease"
    assert finding(low) == "impairment"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("Z99.2", "dialysis on the problem list", id="dialysis"),
        pytest.param("N17.9", "acute kidney injury on the problem list", id="injury"),
        pytest.param("N18.3", "chronic kidney disease on the problem list", id="disease"),
    ],
)
def test_a_finding_says_where_it_stands_and_the_egfr_beside_it(code: str, words: str) -> None:
    problems = data(condition(code))
    assert kidney(chart(problems=problems)).texts["summary"] == words
    both = kidney(chart(result("98979-8", 51), problems=problems))
    assert both.texts["summary"] == f"{words}; eGFR 51 mL/min/1.73 m² (reported) of 3 November 2026"
    assert [one.resource for one in both.origins] == ["Condition/c1"]


def test_with_nothing_on_record_it_is_absent() -> None:
    fact = kidney(chart())
    assert fact.state is State.ABSENT
    assert fact.note == "no eGFR, and no creatinine from which it can be computed"


@pytest.mark.parametrize(
    ("given", "note"),
    [
        pytest.param({"problems": FAILED}, "problem list could not be read (timed out)", id="problems-failed"),
        pytest.param({"problems": NOT_SENT}, "problem list not sent", id="problems-not-sent"),
        pytest.param({"results_data": FAILED}, "kidney results could not be read (timed out)", id="results-failed"),
        pytest.param({"results_data": NOT_SENT}, "kidney results not sent", id="results-not-sent"),
        pytest.param(
            {"results_data": Data(Arrival.GIVEN, (result("98979-8", 90),), gap="more pages")},
            "kidney results incomplete (more pages)",
            id="results-incomplete",
        ),
    ],
)
def test_a_gap_in_the_data_is_unknown_and_never_none(given: Json, note: str) -> None:
    fact = kidney(chart(**given))
    assert fact.state is State.UNKNOWN
    assert fact.note == note


UNDETERMINED = {
    "an eGFR in a unit that is not read": (
        [result("98979-8", 51, "mL/s")],
        "a result cannot be used (eGFR by creatinine, CKD-EPI 2021, 3 November 2026: unit mL/s not accepted)",
    ),
    "an eGFR without a number": (
        [result("98979-8", "51")],
        "a result cannot be used (eGFR by creatinine, CKD-EPI 2021, 3 November 2026: no number)",
    ),
    "a creatinine in words": (
        [creatinine("high")],
        "a result cannot be used (creatinine in serum or plasma, mass per volume, 3 November 2026: no number)",
    ),
    "an eGFR of children": ([result("50384-7", 51)], "no eGFR can be computed from the newest results on record"),
    "a creatinine with a comparator": (
        [creatinine(1, comparator="<")],
        "no eGFR can be computed from the newest results on record",
    ),
}


@pytest.mark.parametrize(("results", "note"), UNDETERMINED.values(), ids=UNDETERMINED)
def test_results_that_give_no_egfr_leave_the_disease_undetermined_and_say_why(results: list[Json], note: str) -> None:
    assert facts(chart(*results))["kidney_disease"] == unknown(note)


def test_a_refused_code_leaves_nothing_undetermined() -> None:
    assert facts(chart(result("48642-3", 51)))["egfr"].state is State.ABSENT


def test_a_normal_egfr_beside_a_gap_is_shown_and_still_unknown() -> None:
    fact = kidney(chart(result("98979-8", 90), problems=FAILED))
    assert fact.state is State.UNKNOWN
    assert fact.texts["summary"] == "eGFR 90 mL/min/1.73 m² (reported) of 3 November 2026"


def test_a_finding_stands_whatever_else_is_missing() -> None:
    assert finding(result("98979-8", 30), problems=FAILED) == "impairment"
    assert kidney(chart(problems=data(condition("N18.3")), results_data=FAILED)).value == ("disease")


def test_a_failure_beside_a_normal_egfr_is_a_disease_that_says_both_and_where_it_stands() -> None:
    fact = facts(chart(result("98979-8", 60), problems=data(condition("N19"))))["kidney_disease"]
    assert fact.texts["summary"] == (
        "kidney failure, acute or chronic not stated, on the problem list, "
        "beside eGFR 60 mL/min/1.73 m² (reported) of 3 November 2026"
    )
    assert [one.resource for one in fact.origins] == ["Condition/c1"]


def test_a_finding_says_beside_it_what_could_not_be_read() -> None:
    fact = kidney(chart(result("98979-8", "SEE COMMENTS"), problems=data(condition("N18.3"))))
    assert fact.texts["summary"] == (
        "chronic kidney disease on the problem list; a result cannot be used "
        "(eGFR by creatinine, CKD-EPI 2021, 3 November 2026: no number)"
    )


def test_a_creatinine_that_fell_judges_no_parenteral_glutamine() -> None:
    fell = known("fell", summary="creatinine fell by a third")
    read = {"parenteral_glutamine": known("present"), "falling_creatinine": fell, "clearance": known(Decimal(90))}
    assert read_glutamine_kidney(read) == unknown("creatinine fell by a third: no clearance computed from it reassures")


def test_parenteral_glutamine_without_a_kidney_result_is_not_judged() -> None:
    none = absent("none")
    read = {"parenteral_glutamine": known("present"), "falling_creatinine": none, "clearance": none}
    assert read_glutamine_kidney(read) == unknown("no kidney result of the last 90 days that can be used")
