"""eGFR: the equations, and which result is taken."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.facts import State
from cds_service.clinical.kidney.egfr import bedside_schwartz, ckd_epi_2021
from cds_service.clinical.patient import Patient
from tests.unit.clinical.kidney.charts import (
    CHILD,
    MAN,
    MG_DL,
    UMOL_L,
    WOMAN,
    chart,
    creatinine,
    data,
    egfr,
    height,
    kidney,
    result,
)

Json = Any


def two_decimals(value: Decimal) -> Decimal:
    """As the vectors of the contract are given."""
    return value.quantize(Decimal("0.01"))


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
    assert (found.value, found.method) == (Decimal(51), "reported")


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
    fact = kidney(chart(race_specific))
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


def test_a_year_of_birth_counts_as_the_oldest_age_unless_it_leaves_the_equation_open() -> None:
    born_1960 = Patient(date(1960, 12, 31), "male", earliest=date(1960, 1, 1))  # 65 or 66 years
    exact = Patient(date(1960, 1, 1), "male")
    assert egfr(creatinine(1), patient=born_1960) == egfr(creatinine(1), patient=exact)
    assert egfr(creatinine(1), patient=Patient(date(2008, 12, 31), "male", earliest=date(2008, 1, 1))) is None
