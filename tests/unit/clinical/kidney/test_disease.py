"""The gravest kidney finding on record, and how it is stated."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.chart import NOT_SENT, Arrival, Data
from cds_service.clinical.facts import State, unknown
from cds_service.clinical.kidney.disease import read_kidney_disease
from cds_service.clinical.kidney.egfr import undetermined_egfr
from tests.support import NOW, VOCABULARY
from tests.unit.clinical.kidney.charts import (
    CHILD,
    FAILED,
    ICD10CM,
    LOINC,
    MAN,
    MG_DL,
    SNOMED,
    UMOL_L,
    chart,
    condition,
    creatinine,
    data,
    egfr,
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
    fact = kidney(chart(result("98979-8", value, comparator=comparator)), VOCABULARY, MAN, NOW)
    assert fact.state is State.UNKNOWN
    assert fact.note == "the comparator of the eGFR leaves its class open"
    assert f"eGFR {comparator}" in fact.texts["summary"]


def test_impairment_and_none_name_the_result_they_rest_on() -> None:
    for value in (51, 90):
        fact = kidney(chart(result("98979-8", value)), VOCABULARY, MAN, NOW)
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
    fact = kidney(chart(problems=data(condition(code, system))), VOCABULARY, MAN, NOW)
    assert fact.value == expected
    assert [one.resource for one in fact.origins] == ["Condition/c1"]


@pytest.mark.parametrize(
    ("code", "system"),
    [
        pytest.param("N18", ICD10CM, id="a-parent-code"),
        pytest.param("N20.0", ICD10CM, id="a-stone"),
        pytest.param("709044004", ICD10CM, id="a-snomed-number-in-icd"),
        pytest.param("Z91.15", ICD10CM, id="dialysis-not-taken"),
    ],
)
def test_another_code_is_no_finding(code: str, system: str) -> None:
    assert finding(result("98979-8", 90), problems=data(condition(code, system))) == "none"


def test_a_code_of_another_edition_without_a_name_may_be_any_finding() -> None:
    problems = data(condition("N18.3", "http://hl7.org/fhir/sid/icd-10"))
    assert kidney(chart(result("98979-8", 90), problems=problems), VOCABULARY, MAN, NOW).state is State.UNKNOWN


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
    fact = kidney(chart(sent), VOCABULARY, MAN, NOW)
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


def test_an_egfr_below_one_is_a_result_and_one_of_nothing_is_not() -> None:
    assert finding(result("98979-8", Decimal("0.8"))) == "impairment"
    assert egfr(result("98979-8", 0)) is None


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
    assert kidney(chart(problems=problems), VOCABULARY, MAN, NOW).texts["summary"] == words
    both = kidney(chart(result("98979-8", 51), problems=problems), VOCABULARY, MAN, NOW)
    assert both.texts["summary"] == f"{words}; eGFR 51 mL/min/1.73 m² (reported) of 3 November 2026"
    assert [one.resource for one in both.origins] == ["Condition/c1"]


def test_with_nothing_on_record_it_is_absent() -> None:
    fact = kidney(chart(), VOCABULARY, MAN, NOW)
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
    fact = kidney(chart(**given), VOCABULARY, MAN, NOW)
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
    "an eGFR of another patient": (
        [result("98979-8", 51, subject={"reference": "Patient/q"})],
        "a result cannot be used (eGFR by creatinine, CKD-EPI 2021, 3 November 2026: it is about another patient)",
    ),
    "a creatinine in words": (
        [creatinine("high")],
        "a result cannot be used (creatinine in serum or plasma, mass per volume, 3 November 2026: no number)",
    ),
    "an eGFR of children": ([result("50384-7", 51)], "no eGFR can be computed from the results on record"),
    "a creatinine with a comparator": (
        [creatinine(1, comparator="<")],
        "no eGFR can be computed from the results on record",
    ),
}


@pytest.mark.parametrize(("results", "note"), UNDETERMINED.values(), ids=UNDETERMINED)
def test_results_that_give_no_egfr_leave_the_disease_undetermined_and_say_why(results: list[Json], note: str) -> None:
    fact = read_kidney_disease(chart(*results), VOCABULARY, egfr(*results), NOW)
    assert fact == unknown(note)


def test_a_refused_code_leaves_nothing_undetermined() -> None:
    results = [result("48642-3", 51)]
    assert undetermined_egfr(chart(*results), VOCABULARY, NOW) is None


def test_a_normal_egfr_beside_a_gap_is_shown_and_still_unknown() -> None:
    fact = kidney(chart(result("98979-8", 90), problems=FAILED), VOCABULARY, MAN, NOW)
    assert fact.state is State.UNKNOWN
    assert fact.texts["summary"] == "eGFR 90 mL/min/1.73 m² (reported) of 3 November 2026"


def test_a_finding_stands_whatever_else_is_missing() -> None:
    assert finding(result("98979-8", 30), problems=FAILED) == "impairment"
    assert kidney(chart(problems=data(condition("N18.3")), results_data=FAILED), VOCABULARY, MAN, NOW).value == (
        "disease"
    )
