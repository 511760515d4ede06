"""Kidney function: the equations, which eGFR is taken, and the gravest finding on record."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cds_service.clinical.chart import NOT_SENT, Arrival, Chart, Data
from cds_service.clinical.facts import Fact, Origin, State, unknown
from cds_service.clinical.kidney.disease import read_dialysis, read_kidney_disease, summarise_kidney
from cds_service.clinical.kidney.egfr import Egfr, bedside_schwartz, ckd_epi_2021, read_egfr, undetermined_egfr
from cds_service.clinical.kidney.injury import read_kidney_injury
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.loading import load_content
from cds_service.fhir import queries

VOCABULARY = load_content(Path(__file__).parents[4] / "cards").vocabulary
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
EGFR_UNIT, MG_DL, UMOL_L = "mL/min/{1.73_m2}", "mg/dL", "umol/L"
EMPTY, FAILED = Data(Arrival.EMPTY), Data(Arrival.FAILED, gap="timed out")
Json = Any

MAN, WOMAN = Patient(date(1961, 3, 1), "male"), Patient(date(1961, 3, 1), "female")  # 65 years on each day in use
CHILD = Patient(date(2016, 3, 1), "female")  # 10 years


def kidney(chart: Chart, vocabulary: Vocabulary, patient: Patient, now: datetime) -> Fact:
    """The line about the kidney, from the facts behind it."""
    egfr = read_egfr(chart, vocabulary, patient, now)
    dialysis = read_dialysis(chart, vocabulary)
    injury = read_kidney_injury(chart, vocabulary, now)
    return summarise_kidney(dialysis, injury, read_kidney_disease(chart, vocabulary, egfr, now), egfr)


def result(code: str, value: Json, unit: str = EGFR_UNIT, day: str = "2026-11-03", **members: Json) -> Json:
    """A final result; its id is its code and day."""
    quantity = {"value": value, "unit": unit, "code": unit, "system": UCUM}
    if "comparator" in members:
        quantity["comparator"] = members.pop("comparator")
    display = members.pop("display", "")
    return {
        "resourceType": "Observation",
        "id": f"{code}.{day}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code, "display": display}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": day,
        "valueQuantity": quantity,
        **members,
    }


def creatinine(value: Json, unit: str = MG_DL, day: str = "2026-11-03", **members: Json) -> Json:
    """A serum creatinine."""
    return result("2160-0" if unit == MG_DL else "14682-9", value, unit, day, **members)


def height(cm: Json, unit: str = "cm", **members: Json) -> Json:
    """A body height."""
    return result("8302-2", cm, unit, **members)


def condition(code: str, system: str = ICD10CM, **members: Json) -> Json:
    """An entry of the problem list, active and confirmed unless the members say otherwise."""
    usual = {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"coding": [{"system": system, "code": code}]},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
    }
    return {name: value for name, value in {**usual, **members}.items() if value is not None}


def data(*resources: Json) -> Data:
    """A whole answer with these resources."""
    return Data(Arrival.GIVEN, resources) if resources else EMPTY


def chart(*results: Json, problems: Data = EMPTY, body: Data = EMPTY, results_data: Data | None = None) -> Chart:
    """A chart with these kidney results."""
    kidney_results = data(*results) if results_data is None else results_data
    return Chart("p1", {queries.KIDNEY: kidney_results, queries.PROBLEMS: problems, queries.BODY: body})


def egfr(*results: Json, patient: Patient = MAN, body: Data = EMPTY) -> Egfr | None:
    """The eGFR that is taken."""
    return read_egfr(chart(*results, body=body), VOCABULARY, patient, NOW)


def two_decimals(value: Decimal) -> Decimal:
    """As the vectors of the contract are given."""
    return value.quantize(Decimal("0.01"))


def test_the_age_of_a_newborn_is_nothing_and_before_the_birth_there_is_none() -> None:
    child = Patient(date(2026, 11, 3), "female")
    ages = [(child.age_on(day), child.months_on(day)) for day in (date(2026, 11, 2), date(2026, 11, 3))]
    assert ages == [(None, None), (0, 0)]
    assert Patient(None, "").months_on(date(2026, 11, 3)) is None


# ------------------------------------------------------------------------------------------------ the equations


@pytest.mark.parametrize(
    ("scr", "age", "sex", "expected"),
    [
        pytest.param("1.0", 50, "female", "68.63", id="woman-of-50"),
        pytest.param("1.0", 50, "male", "91.69", id="man-of-50"),
        pytest.param("0.7", 40, "female", "112.05", id="woman-at-the-knot"),
        pytest.param("0.9", 40, "male", "110.73", id="man-at-the-knot"),
        pytest.param("0.5", 30, "female", "129.32", id="woman-under-the-knot"),
        pytest.param("0.6", 25, "male", "137.39", id="man-under-the-knot"),
        pytest.param("1.5", 65, "male", "51.35", id="man-of-65"),
        pytest.param("1.5", 65, "female", "38.43", id="woman-of-65"),
        pytest.param("2.3", 72, "female", "22.03", id="woman-of-72"),
        pytest.param("4.0", 60, "male", "16.32", id="man-of-60"),
    ],
)
def test_ckd_epi_2021_gives_the_values_of_the_contract(scr: str, age: int, sex: str, expected: str) -> None:
    assert two_decimals(ckd_epi_2021(Decimal(scr), age, sex)) == Decimal(expected)


def as_written(scr: Decimal, age: int, kappa: Decimal, alpha: Decimal) -> Decimal:
    """The equation for a man or a woman without her factor, as it is printed, by the library's own powers."""
    ratio = scr / kappa
    estimate = 142 * min(ratio, Decimal(1)) ** alpha * max(ratio, Decimal(1)) ** Decimal("-1.200")
    return estimate * Decimal("0.9938") ** age


@pytest.mark.parametrize("age", [18, 46, 105])
def test_ckd_epi_2021_is_the_equation_as_written_to_the_last_digit(age: int) -> None:
    for scr in (Decimal(tenths) / 10 for tenths in range(1, 130)):
        man = as_written(scr, age, Decimal("0.9"), Decimal("-0.302"))
        woman = as_written(scr, age, Decimal("0.7"), Decimal("-0.241")) * Decimal("1.012")
        assert str(ckd_epi_2021(scr, age, "male")) == str(man * 1)
        assert str(ckd_epi_2021(scr, age, "female")) == str(woman)


def with_exponent(exponent: str, scr: str, age: int) -> Decimal:
    """The equation of 2021 for a woman above the knot, with another exponent: the error seen in the wild."""
    return 142 * (Decimal(scr) / Decimal("0.7")) ** Decimal(exponent) * Decimal("0.9938") ** age * Decimal("1.012")


def test_the_exponent_is_that_of_2021_and_not_that_of_2009() -> None:
    ours = two_decimals(ckd_epi_2021(Decimal("2.3"), 72, "female"))
    assert ours == two_decimals(with_exponent("-1.200", "2.3", 72))
    assert ours != two_decimals(with_exponent("-1.209", "2.3", 72))


@pytest.mark.parametrize(
    ("height_cm", "scr", "expected"),
    [
        pytest.param("120", "0.5", "99.12", id="120-cm"),
        pytest.param("100", "0.4", "103.25", id="100-cm"),
        pytest.param("140", "0.8", "72.275", id="140-cm"),
        pytest.param("150", "1.2", "51.625", id="150-cm"),
    ],
)
def test_bedside_schwartz_gives_the_values_of_the_contract(height_cm: str, scr: str, expected: str) -> None:
    assert bedside_schwartz(Decimal(scr), Decimal(height_cm)) == Decimal(expected)


# ------------------------------------------------------------------------------------- an eGFR from creatinine


@pytest.mark.parametrize(
    ("patient", "sent", "expected"),
    [
        pytest.param(MAN, creatinine(Decimal("1.5")), "51.35", id="man"),
        pytest.param(WOMAN, creatinine(Decimal("1.5")), "38.43", id="woman"),
        pytest.param(WOMAN, creatinine(Decimal("132.6"), UMOL_L), "38.43", id="in-umol/L"),
        pytest.param(WOMAN, creatinine(Decimal("0.1326"), "mmol/L"), "38.43", id="in-mmol/L"),
        pytest.param(WOMAN, creatinine(15, "mg/L"), "38.43", id="in-mg/L"),
    ],
)
def test_without_a_reported_egfr_that_of_an_adult_is_computed(patient: Patient, sent: Json, expected: str) -> None:
    found = egfr(sent, patient=patient)
    assert found is not None
    assert two_decimals(found.value) == Decimal(expected)
    assert found.method == "CKD-EPI 2021 from creatinine"


def test_the_newest_creatinine_counts() -> None:
    found = egfr(creatinine(4, day="2026-01-03"), creatinine(Decimal("1.5"), day="2026-11-03"))
    assert found is not None
    assert two_decimals(found.value) == Decimal("51.35")


def test_the_age_is_that_on_the_day_of_the_sample() -> None:
    nineteen_then = Patient(date(2006, 11, 10), "male")  # 19 on 3 November, 20 now
    found = egfr(creatinine(1), patient=nineteen_then)
    assert found is not None
    assert found.value == ckd_epi_2021(Decimal(1), 19, "male")


@pytest.mark.parametrize("sex", ["other", "unknown", "", "Male", "f"])
def test_for_a_sex_other_than_male_or_female_nothing_is_computed(sex: str) -> None:
    patient = Patient(date(1961, 3, 1), sex)
    assert egfr(creatinine(Decimal("1.5")), patient=patient, body=data(height(150))) is None


@pytest.mark.parametrize(
    "born", [pytest.param(None, id="not-known"), pytest.param(date(2026, 11, 4), id="after-the-sample")]
)
def test_without_a_date_of_birth_nothing_is_computed(born: date | None) -> None:
    assert egfr(creatinine(1), patient=Patient(born, "male"), body=data(height(150))) is None


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(creatinine(1, comparator="<"), id="a-comparator"),
        pytest.param(creatinine(0), id="zero"),
        pytest.param(creatinine(-1), id="negative"),
        pytest.param(creatinine(1, "mmol/d"), id="a-unit-per-day"),
        pytest.param(creatinine(1, status="preliminary"), id="preliminary"),
        pytest.param(creatinine(1, day="2026-11-25"), id="in-the-future"),
        pytest.param(creatinine(1, subject={"reference": "Patient/p2"}), id="of-another-patient"),
        pytest.param(result("2161-8", 100, MG_DL), id="in-urine"),
        pytest.param(result("14683-7", 9, "mmol/L"), id="in-urine-by-moles"),
        pytest.param(result("35203-9", 1, MG_DL), id="in-another-fluid"),
    ],
)
def test_a_creatinine_that_may_not_be_used_gives_no_egfr(sent: Json) -> None:
    assert egfr(sent) is None


def test_an_older_exact_creatinine_stands_in_for_a_newer_one_with_a_comparator() -> None:
    found = egfr(creatinine(Decimal("0.3"), comparator="<"), creatinine(Decimal("1.5"), day="2026-11-01"))
    assert found is not None
    assert two_decimals(found.value) == Decimal("51.35")


def test_a_child_has_an_egfr_by_bedside_schwartz() -> None:
    found = egfr(creatinine(Decimal("0.8")), patient=CHILD, body=data(height(140)))
    assert found is not None
    assert (found.value, found.method) == (Decimal("72.275"), "bedside Schwartz")


def test_at_eighteen_the_equation_for_children_is_no_longer_used() -> None:
    grown = Patient(date(2008, 11, 3), "")
    assert egfr(creatinine(Decimal("0.5")), patient=grown, body=data(height(170))) is None


@pytest.mark.parametrize("sex", ["male", "other", ""])
def test_the_equation_for_children_needs_no_sex(sex: str) -> None:
    patient = Patient(CHILD.born, sex)
    assert egfr(creatinine(Decimal("0.8")), patient=patient, body=data(height(140))) is not None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param([height(Decimal("1.4"), "m")], "72.275", id="in-metres"),
        pytest.param([height(100, day="2025-01-01"), height(140)], "72.275", id="the-newest"),
        pytest.param([], None, id="none"),
        pytest.param([height(140, comparator=">")], None, id="with-a-comparator"),
        pytest.param([height(0)], None, id="zero"),
        pytest.param([height(140, "mm")], None, id="in-an-unknown-unit"),
        pytest.param([height(140, status="entered-in-error")], None, id="entered-in-error"),
    ],
)
def test_the_equation_for_children_needs_a_height(sent: list[Json], expected: str | None) -> None:
    found = egfr(creatinine(Decimal("0.8")), patient=CHILD, body=data(*sent))
    assert (found.value if found else None) == (Decimal(expected) if expected else None)


@pytest.mark.parametrize(
    ("born", "method"),
    [
        pytest.param(date(2025, 11, 4), None, id="the-day-before-the-first-birthday"),
        pytest.param(date(2025, 11, 3), "bedside Schwartz", id="one-year"),
        pytest.param(date(2008, 11, 4), "bedside Schwartz", id="seventeen"),
        pytest.param(date(2008, 11, 3), "CKD-EPI 2021 from creatinine", id="eighteen"),
    ],
)
def test_the_equation_goes_by_the_age_on_the_day_of_the_sample(born: date, method: str | None) -> None:
    found = egfr(creatinine(Decimal("0.8")), patient=Patient(born, "male"), body=data(height(140)))
    assert (found.method if found else None) == method


# ------------------------------------------------------------------------------------------ a reported eGFR


ADULT_CODES = ["98979-8", "98980-6", "62238-1", "94677-2", "50210-4", "77147-7", "33914-3", "69405-9", "70969-1"]
ADULT_CODES += ["50044-7"]


@pytest.mark.parametrize("code", ADULT_CODES)
def test_each_accepted_egfr_of_adults_is_taken_and_creatinine_is_not_asked(code: str) -> None:
    found = egfr(result(code, 51), creatinine(1))
    assert found is not None
    assert (found.value, found.method) == (51, "reported")


@pytest.mark.parametrize(
    ("code", "display"),
    [
        pytest.param("48642-3", "", id="MDRD-not-black"),
        pytest.param("48643-1", "", id="MDRD-black"),
        pytest.param("88294-4", "", id="CKD-EPI-not-black"),
        pytest.param("88293-6", "", id="CKD-EPI-black"),
        pytest.param("88293-6", "CKD-EPI 2021", id="CKD-EPI-black-mislabelled-as-2021"),
        pytest.param("88294-4", "GFR by cystatin C", id="CKD-EPI-not-black-mislabelled-as-cystatin-C"),
        pytest.param("102097-3", "CKD-EPI 2021", id="a-method-that-was-not-verified"),
        pytest.param("96591-3", "", id="another-one"),
    ],
)
def test_a_race_specific_or_unverified_egfr_is_never_used(code: str, display: str) -> None:
    race_specific = result(code, 30, display=display)
    assert egfr(race_specific) is None
    assert egfr(race_specific, patient=CHILD) is None
    found = egfr(race_specific, creatinine(Decimal("1.5")))
    assert found is not None
    assert found.method == "CKD-EPI 2021 from creatinine"
    fact = kidney(chart(race_specific), VOCABULARY, MAN, NOW)
    assert fact.state is State.ABSENT


def test_a_2009_result_mislabelled_as_2021_does_not_go_before_a_true_one() -> None:
    found = egfr(result("62238-1", 40, display="CKD-EPI 2021"), result("98979-8", 51, display="eGFR"))
    assert found is not None
    assert found.value == 51


def test_schwartz_mislabelled_as_an_adult_method_is_not_used_for_an_adult() -> None:
    assert egfr(result("50384-7", 40, display="CKD-EPI (black)")) is None
    assert egfr(result("50384-7", 40, display="CKD-EPI 2021")) is None


@pytest.mark.parametrize("preferred", ["98979-8", "98980-6"])
@pytest.mark.parametrize("other", [code for code in ADULT_CODES if code not in ("98979-8", "98980-6")])
def test_of_one_day_the_equations_of_2021_come_first(preferred: str, other: str) -> None:
    results = [result(preferred, 51, id="a"), result(other, 40, id="z")]
    for ordered in (results, results[::-1]):
        found = egfr(*ordered)
        assert found is not None
        assert found.value == 51


def test_a_newer_result_comes_before_a_preferred_older_one() -> None:
    found = egfr(result("98979-8", 51, day="2026-11-02"), result("33914-3", 40, day="2026-11-03"))
    assert found is not None
    assert found.value == 40


def test_of_two_equal_ones_of_one_day_the_choice_does_not_depend_on_their_order() -> None:
    results = [result("98979-8", 51), result("98980-6", 52)]
    taken = [egfr(*results), egfr(*results[::-1])]
    assert taken[0] == taken[1] is not None


def test_a_reported_egfr_is_taken_even_if_the_creatinine_is_newer() -> None:
    found = egfr(result("98979-8", 51, day="2026-01-03"), creatinine(4))
    assert found is not None
    assert found.method == "reported"


@pytest.mark.parametrize(
    ("patient", "code", "taken"),
    [
        pytest.param(CHILD, "50384-7", True, id="schwartz-for-a-child"),
        pytest.param(CHILD, "98979-8", False, id="adult-equation-for-a-child"),
        pytest.param(MAN, "50384-7", False, id="schwartz-for-an-adult"),
        pytest.param(Patient(None, "male"), "50384-7", False, id="schwartz-for-an-unknown-age"),
        pytest.param(Patient(None, "male"), "98979-8", True, id="adult-equation-for-an-unknown-age"),
        pytest.param(Patient(date(2008, 11, 24), "male"), "50384-7", True, id="schwartz-on-the-last-day-as-a-child"),
        pytest.param(Patient(date(2008, 11, 23), "male"), "50384-7", False, id="schwartz-on-the-first-day-as-an-adult"),
        pytest.param(Patient(date(2008, 11, 23), "male"), "98979-8", True, id="adult-equation-on-that-day"),
    ],
)
def test_schwartz_is_for_children_and_for_nobody_else(patient: Patient, code: str, taken: bool) -> None:
    found = egfr(result(code, 40), patient=patient)
    assert (found is not None) is taken


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(result("98979-8", 51, "mL/min"), id="not-scaled-to-the-body-surface"),
        pytest.param(result("98979-8", 0), id="zero"),
        pytest.param(result("98979-8", -5), id="negative"),
        pytest.param(result("98979-8", 51, status="preliminary"), id="preliminary"),
        pytest.param(result("98979-8", 51, day="2026-12-01"), id="in-the-future"),
        pytest.param(result("98979-8", 51, subject={"reference": "Patient/p2"}), id="of-another-patient"),
        pytest.param(result("98979-8", "51"), id="in-quotes"),
    ],
)
def test_an_egfr_that_may_not_be_used_is_not_used(sent: Json) -> None:
    assert egfr(sent) is None


# ------------------------------------------------------------------------------------------------ in words


@pytest.mark.parametrize(
    ("results", "said"),
    [
        pytest.param(
            [result("98979-8", 51)], "eGFR 51 mL/min/1.73 m² (reported) of 3 November 2026", id="reported"
        ),
        pytest.param(
            [result("98979-8", 60, comparator=">")],
            "eGFR >60 mL/min/1.73 m² (reported) of 3 November 2026",
            id="with-a-comparator",
        ),
        pytest.param(
            [result("98979-8", Decimal("51.347"))],
            "eGFR 51.347 mL/min/1.73 m² (reported) of 3 November 2026",
            id="as-it-was-reported",
        ),
        pytest.param(
            [creatinine(Decimal("1.5"))],
            "eGFR 51.3 mL/min/1.73 m² (CKD-EPI 2021 from creatinine) of 3 November 2026",
            id="computed-to-three-digits",
        ),
    ],
)  # fmt: skip
def test_an_egfr_says_how_it_was_come_by(results: list[Json], said: str) -> None:
    found = egfr(*results)
    assert found is not None
    assert found.describe() == said


# ------------------------------------------------------------------------------------------------ the finding


def finding(*results: Json, problems: Data = EMPTY, patient: Patient = MAN) -> str | None:
    """The value of the kidney fact; None if it is absent or unknown."""
    value = kidney(chart(*results, problems=problems), VOCABULARY, patient, NOW).value
    assert value is None or isinstance(value, str)
    return value


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


# KDIGO: contract §3, "AKI: KDIGO from creatinine of the last 7 days"; the boundary cases of facts §5.3.


def rise(*measured: tuple[str, int]) -> str | None:
    """The finding for creatinine in mg/dL, each so many hours before now."""
    results = [
        creatinine(Decimal(mg_dl), day=(NOW - timedelta(hours=hours)).isoformat(), id=f"o{hours}")
        for mg_dl, hours in measured
    ]
    return finding(*results, patient=Patient(date(1996, 3, 1), "male"))


@pytest.mark.parametrize(
    "measured",
    [
        pytest.param([("0.8", 48), ("1.1", 1)], id="0.3-in-47-hours"),
        pytest.param([("1.0", 145), ("1.5", 1)], id="one-and-a-half-times-in-6-days"),
        pytest.param([("1.0", 145), ("3.0", 1)], id="three-times-in-6-days"),
        pytest.param([("1.5", 160), ("1.0", 100), ("1.5", 1)], id="one-and-a-half-times-the-lowest-of-the-7-days"),
    ],
)
def test_a_rise_of_creatinine_as_kdigo_defines_it_is_acute_injury(measured: list[tuple[str, int]]) -> None:
    assert rise(*measured) == "injury"


def test_an_injury_by_creatinine_names_its_stage_and_both_results_in_their_order() -> None:
    results = [
        creatinine(Decimal(value), day=day, id=day) for value, day in (("2.4", "2026-11-22"), ("1", "2026-11-18"))
    ]
    fact = read_kidney_injury(chart(*results), VOCABULARY, NOW)
    assert fact.texts["summary"] == (
        "acute kidney injury by creatinine, KDIGO stage 2 (1 mg/dL of 18 November 2026, 2.4 mg/dL of 22 November 2026)"
    )
    assert fact.origins == (
        Origin("Observation/2026-11-18", "1 mg/dL on 2026-11-18"),
        Origin("Observation/2026-11-22", "2.4 mg/dL on 2026-11-22"),
    )


@pytest.mark.parametrize(
    "measured",
    [
        pytest.param([("0.8", 50), ("1.1", 1)], id="0.3-in-49-hours"),
        pytest.param([("0.8", 48), ("1.09", 1)], id="less-than-0.3-in-47-hours"),
        pytest.param([("1.0", 145), ("1.49", 1)], id="less-than-one-and-a-half-times"),
        pytest.param([("0.7", 24 * 30), ("1.3", 1)], id="over-30-days"),
        pytest.param([("1.1", 48), ("0.8", 1)], id="a-fall"),
        pytest.param([("1.1", 1)], id="one-value"),
    ],
)
def test_a_smaller_or_slower_rise_of_creatinine_is_no_acute_injury(measured: list[tuple[str, int]]) -> None:
    assert rise(*measured) == "none"
