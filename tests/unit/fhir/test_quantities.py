"""Units: each accepted one compared with an independent reader of UCUM, everything else refused."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from ucumvert import PintUcumRegistry

from cds_service.fhir import quantities
from cds_service.fhir.quantities import (
    ACCEPTED,
    Measure,
    Refusal,
    conversion_factor,
    format_number,
    format_unit,
    normalise_unit,
    read_measure,
    round_significant,
    unit_of,
)

REGISTRY = PintUcumRegistry()


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Units are looked up anew in each test, whatever was looked up before it."""
    quantities._accepted_unit.cache_clear()


UCUM = "http://unitsofmeasure.org"

# What the numbers of each kind are in, as UCUM writes it.
BASE = {
    "amino acid": "umol/L",
    "creatinine": "umol/L",
    "eGFR": "mL/min/{1.73_m2}",
    "weight": "kg",
    "height": "cm",
    "dose": "mg",
    "dose per weight": "mg/kg",
    "volume": "mL",
    "duration": "d",
    "age in years": "a",
    "age in months": "mo",
}

# Spellings that are no UCUM, so that no library can confirm them: each with the UCUM that it stands for.
NOT_UCUM = {
    "micromol/L": "umol/L",
    "micromole/L": "umol/L",
    "mL/min/1.73m2": "mL/min/{1.73_m2}",
    "mL/min/1.73_m2": "mL/min/{1.73_m2}",
    "ml/min/1.73m2": "mL/min/{1.73_m2}",
    "ml/min/1.73_m2": "mL/min/{1.73_m2}",
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), "[lb_av]"),
    **dict.fromkeys(("milligram", "milligrams", "Milligramm"), "mg"),
    **dict.fromkeys(("gram", "grams", "Gramm"), "g"),
    "day": "d",
    "days": "d",
    "week": "wk",
    "weeks": "wk",
    "year": "a",
    "years": "a",
    "yr": "a",
    "month": "mo",
    "months": "mo",
}
MASS_OF_CREATININE = {"mg/dL", "mg/dl", "mg/L", "mg/l"}  # these need its molecular weight, 113.12 g/mol
SPELLINGS = [(kind, unit) for kind, units in ACCEPTED.items() for unit in units]


def quantity(value: Any = 1, **members: Any) -> dict[str, Any]:
    """A FHIR Quantity."""
    return {"value": value, **members}


def coded(value: Any, code: str) -> dict[str, Any]:
    """A Quantity with a UCUM code and the same unit, as most laboratories send it."""
    return quantity(value, unit=code, code=code, system=UCUM)


def measured(kind: str, sent: dict[str, Any]) -> Measure:
    """The measure of a Quantity that must be accepted."""
    found = read_measure(kind, sent)
    assert isinstance(found, Measure), found
    return found


def reason(kind: str, sent: Any) -> str:
    """Why a Quantity that must be refused is refused."""
    found = read_measure(kind, sent)
    assert isinstance(found, Refusal), found
    return found.reason


@pytest.mark.parametrize(("kind", "unit"), [pytest.param(kind, unit, id=f"{kind}-{unit}") for kind, unit in SPELLINGS])
def test_each_accepted_unit_is_worth_what_an_independent_reader_of_ucum_says(kind: str, unit: str) -> None:
    sent = REGISTRY.from_ucum(NOT_UCUM.get(unit, unit))
    if kind == "creatinine" and unit in MASS_OF_CREATININE:
        sent = sent / (REGISTRY.from_ucum("g/mol") * 113.12)
    expected = sent.to(REGISTRY.from_ucum(BASE[kind]).units).magnitude
    exact = kind != "creatinine" or unit not in MASS_OF_CREATININE  # 88.4 is 88.402 to three digits
    assert float(ACCEPTED[kind][unit]) == pytest.approx(expected, rel=1e-12 if exact else 5e-5)


@pytest.mark.parametrize("unit", NOT_UCUM)
def test_each_spelling_that_is_listed_as_no_ucum_is_none(unit: str) -> None:
    with pytest.raises(Exception, match="not a valid UCUM unit"):
        REGISTRY.from_ucum(unit)


def test_each_accepted_kind_is_in_the_unit_that_its_factors_say() -> None:
    assert set(BASE) == set(ACCEPTED)
    assert {kind: ACCEPTED[kind][unit] for kind, unit in BASE.items()} == dict.fromkeys(BASE, Decimal(1))


def test_no_spelling_is_listed_as_no_ucum_that_is_not_accepted_at_all() -> None:
    assert set(NOT_UCUM) <= {unit for _, unit in SPELLINGS}


@pytest.mark.parametrize(
    ("kind", "sent", "expected"),
    [
        pytest.param("amino acid", coded(87, "umol/L"), "87", id="umol/L"),
        pytest.param("amino acid", coded(Decimal("8.7"), "umol/dL"), "87", id="umol/dL-is-ten-times"),
        pytest.param("amino acid", coded(Decimal("0.087"), "mmol/L"), "87", id="mmol/L-is-a-thousand-times"),
        pytest.param("amino acid", coded(Decimal("0.000087"), "mol/L"), "87", id="mol/L-is-a-million-times"),
        pytest.param("amino acid", coded(87, "nmol/mL"), "87", id="nmol/mL-is-the-same"),
        pytest.param("amino acid", quantity(87, unit="\u00b5mol/L"), "87", id="micro-sign"),
        pytest.param("amino acid", quantity(87, unit="\u03bcmol/L"), "87", id="greek-mu"),
        pytest.param("amino acid", quantity(87, unit="\u00b5mol/L", code="umol/L"), "87", id="micro-sign-beside-u"),
        pytest.param("amino acid", quantity(87, unit="\u00b5mol / L"), "87", id="space-inside"),
        pytest.param("amino acid", quantity(87, unit=" umol/L "), "87", id="space-around"),
        pytest.param("amino acid", quantity(87, unit="\u00b5mol\u00a0/\u00a0L"), "87", id="no-break-space"),
        pytest.param(
            "amino acid", quantity(87, unit="micromoles per litre", code="umol/L"), "87", id="friendly-unit-beside-code"
        ),
        pytest.param(
            "amino acid", quantity(87, unit="umol/L", code="UML", system="http://lab.example"), "87", id="house-code"
        ),
        pytest.param("amino acid", coded(0, "umol/L"), "0", id="zero"),
        pytest.param("amino acid", coded(-1, "umol/L"), "-1", id="a-negative-number-is-left-to-the-caller"),
        pytest.param("creatinine", coded(Decimal("1.5"), "mg/dL"), "132.6", id="creatinine-by-mass"),
        pytest.param("creatinine", coded(15, "mg/L"), "132.6", id="creatinine-in-mg/L"),
        pytest.param("creatinine", coded(Decimal("132.6"), "umol/L"), "132.6", id="creatinine-by-moles"),
        pytest.param("eGFR", quantity(51, unit="mL/min/1.73m2"), "51", id="egfr-without-brackets"),
        pytest.param("eGFR", quantity(51, unit="ML/MIN/1.73M2"), "51", id="egfr-in-capitals"),
        pytest.param("eGFR", quantity(51, unit="ml/Min/1.73 M\u00b2"), "51", id="egfr-in-mixed-case"),
        pytest.param("weight", coded(Decimal("154.3"), "[lb_av]"), "69.989302691", id="pounds"),
        pytest.param("height", coded(50, "[in_i]"), "127", id="inches"),
        pytest.param("dose", coded(Decimal("0.6"), "g"), "600", id="grams"),
        pytest.param("dose", coded(600_000, "ug"), "600", id="micrograms"),
        pytest.param("duration", coded(8, "wk"), "56", id="weeks"),
        pytest.param("age in years", quantity(18, unit="years", code="a"), "18", id="years"),
    ],
)
def test_a_quantity_is_converted_exactly(kind: str, sent: dict[str, Any], expected: str) -> None:
    assert measured(kind, sent).value == Decimal(expected)


def test_exact_numbers_stay_exact_where_binary_ones_would_not() -> None:
    rise = measured("creatinine", coded(1.1, "mg/dL")).value - measured("creatinine", coded(0.8, "mg/dL")).value
    assert Fraction(rise) == Fraction("26.52")


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        pytest.param("amino acid", "mg/dL", id="mass-of-an-amino-acid"),
        pytest.param("amino acid", "mg/L", id="mass-per-litre"),
        pytest.param("amino acid", "ug/mL", id="mass-per-mL"),
        pytest.param("amino acid", "mmol/mol{creat}", id="mmol-per-mol-creatinine"),
        pytest.param("amino acid", "umol/mmol{creat}", id="umol-per-mmol-creatinine"),
        pytest.param("amino acid", "umol/g{creat}", id="umol-per-g-creatinine"),
        pytest.param("amino acid", "umol/mol{creat}", id="umol-per-mol-creatinine"),
        pytest.param("amino acid", "mmol/mol", id="a-ratio"),
        pytest.param("amino acid", "uMol/gCr", id="a-house-spelling-of-a-ratio"),
        pytest.param("amino acid", "umol/(24.h)", id="per-day"),
        pytest.param("amino acid", "umol/g", id="per-gram"),
        pytest.param("amino acid", "nmol{1/2cys}/mg{protein}", id="white-cell-cystine"),
        pytest.param("amino acid", "mmol/kg", id="spectroscopy"),
        pytest.param("amino acid", "%", id="percent"),
        pytest.param("amino acid", "1", id="one"),
        pytest.param("amino acid", "umol", id="an-amount"),
        pytest.param("amino acid", "UMOL/L", id="capitals"),
        pytest.param("amino acid", "mMol/L", id="a-capital-M"),
        pytest.param("amino acid", "\u00b5g/L", id="micrograms-with-micro-sign"),
        pytest.param("creatinine", "mg", id="creatinine-as-mass"),
        pytest.param("creatinine", "mol/L", id="creatinine-in-mol/L"),
        pytest.param("creatinine", "mmol/(24.h)", id="creatinine-per-day"),
        pytest.param("eGFR", "mL/min", id="clearance-not-scaled-to-the-body-surface"),
        pytest.param("eGFR", "mL/s/{1.73_m2}", id="per-second"),
        pytest.param("eGFR", "ML/MIN", id="clearance-in-capitals"),
        pytest.param("amino acid", "UMOL/L", id="capitals-of-another-kind"),
        pytest.param("dose", "MG", id="MG-is-megagauss"),
        pytest.param("dose", "Mg", id="Mg-is-megagram"),
        pytest.param("dose", "G", id="G-is-gauss"),
        pytest.param("dose", "mcg", id="mcg-is-no-ucum"),
        pytest.param("dose", "kg", id="kilograms"),
        pytest.param("dose", "mg/kg", id="a-dose-per-weight-is-no-dose"),
        pytest.param("dose", "[iU]", id="international-units"),
        pytest.param("dose", "mg/d", id="a-rate"),
        pytest.param("dose per weight", "mg", id="a-dose-is-no-dose-per-weight"),
        pytest.param("weight", "KG", id="KG"),
        pytest.param("weight", "[oz_av]", id="ounces"),
        pytest.param("height", "[ft_i]", id="feet"),
        pytest.param("height", "mm", id="millimetres"),
        pytest.param("volume", "[tsp_us]", id="teaspoons"),
        pytest.param("duration", "min", id="minutes"),
        pytest.param("age in years", "d", id="age-in-days"),
    ],
)
def test_a_unit_that_is_not_in_the_table_is_refused_and_named(kind: str, unit: str) -> None:
    refused = f"unit {unit} not accepted"
    assert reason(kind, coded(10, unit)) == refused
    assert reason(kind, quantity(10, unit=unit)) == refused
    assert conversion_factor(kind, unit) is None


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        pytest.param(quantity(87), "no unit", id="no-unit"),
        pytest.param(quantity(87, unit="", code=" "), "no unit", id="blank-unit"),
        pytest.param(quantity(87, unit=5), "no unit", id="a-number-for-a-unit"),
        pytest.param(quantity(87, system=UCUM), "no unit", id="only-a-system"),
        pytest.param({"unit": "umol/L"}, "no number", id="no-number"),
        pytest.param(quantity("87", unit="umol/L"), "no number", id="a-number-in-quotes"),
        pytest.param(quantity(True, unit="umol/L"), "no number", id="true"),
        pytest.param(quantity(10**20, unit="umol/L"), "no number", id="an-absurd-number"),
        pytest.param(None, "no number", id="null"),
        pytest.param([coded(87, "umol/L")], "no number", id="a-list"),
        pytest.param("87 umol/L", "no number", id="a-string"),
        pytest.param(
            quantity(87, unit="mmol/L", code="umol/L", system=UCUM),
            "units umol/L and mmol/L contradict each other",
            id="code-and-unit-differ-by-a-thousand",
        ),
        pytest.param(
            quantity(87, unit="umol/dL", code="umol/L"),
            "units umol/L and umol/dL contradict each other",
            id="code-and-unit-differ-by-ten",
        ),
        pytest.param(
            quantity(87, unit="umol/L", code="mg/dL", system=UCUM), "unit mg/dL not accepted", id="refused-ucum-code"
        ),
        pytest.param(
            quantity(87, unit="umol/L", code="mg/dL"), "unit mg/dL not accepted", id="refused-code-without-a-system"
        ),
        pytest.param(
            quantity(87, unit="umol/L", code="mmol/mol{creat}", system=UCUM),
            "unit mmol/mol{creat} not accepted",
            id="a-ratio-by-code",
        ),
        pytest.param(
            quantity(87, unit="umol/L", comparator="ad"),
            "a comparator that is not understood",
            id="sufficient-to-achieve",
        ),
        pytest.param(quantity(87, unit="umol/L", comparator="~"), "a comparator that is not understood", id="about"),
    ],
)
def test_a_quantity_that_cannot_be_read_is_refused_with_the_reason(sent: Any, why: str) -> None:
    assert reason("amino acid", sent) == why


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param("mg/dL", id="mass"),
        pytest.param("mmol/mol{creat}", id="ratio"),
        pytest.param("umol/g{creat}", id="ratio-to-mass"),
    ],
)
def test_a_ucum_unit_of_something_else_beside_an_accepted_code_is_a_contradiction(unit: str) -> None:
    assert unit in reason("amino acid", quantity(87, unit=unit, code="umol/L", system=UCUM))


@pytest.mark.parametrize("comparator", [["<"], {"value": "<"}, 1], ids=["list", "object", "number"])
def test_a_comparator_that_is_no_string_is_not_passed_over(comparator: Any) -> None:
    assert reason("amino acid", quantity(87, unit="umol/L", comparator=comparator))


@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">="])
def test_a_comparator_is_kept_and_shown(comparator: str) -> None:
    found = measured("amino acid", quantity(Decimal("0.05"), unit="mmol/L", comparator=comparator))
    assert found == Measure(Decimal(50), f"{comparator}0.05 mmol/L", comparator)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(quantity(87, unit="umol/L"), "87 µmol/L", id="u-is-shown-as-micro"),
        pytest.param(quantity(87, unit="\u03bcmol/L"), "87 µmol/L", id="greek-mu-is-shown-as-micro"),
        pytest.param(quantity(Decimal("8.70"), unit="umol/dL"), "8.7 µmol/dL", id="as-sent-not-as-converted"),
        pytest.param(quantity(1200, unit="nmol/mL"), "1,200 nmol/mL", id="thousands"),
        pytest.param(quantity(87, unit="micromoles", code="umol/L"), "87 µmol/L", id="the-unit-that-was-understood"),
    ],
)
def test_a_measure_is_shown_as_it_was_sent(sent: dict[str, Any], expected: str) -> None:
    assert measured("amino acid", sent).sent == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(quantity(1, unit=" a b ", code="c", system="s"), ("c", "a b", "s"), id="all-three"),
        pytest.param(quantity(1, unit="mg"), ("", "mg", ""), id="words-only"),
        pytest.param(quantity(1), ("", "", ""), id="none"),
        pytest.param(quantity(1, unit="x" * 1000), ("", "x" * 100, ""), id="no-more-than-a-unit-can-be-long"),
        pytest.param("mg", ("", "", ""), id="no-object"),
    ],
)
def test_the_unit_of_a_quantity_is_its_code_its_words_and_its_system(sent: Any, expected: tuple[str, str, str]) -> None:
    assert unit_of(sent) == expected


FOREIGN = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BMP_DOSIEREINHEIT"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param({"code": "g", "unit": "Einzeldosis"}, "unit Einzeldosis not accepted", id="g-is-a-single-dose"),
        pytest.param({"code": "l", "unit": "Mio E"}, "unit Mio E not accepted", id="l-is-a-million-units"),
        pytest.param({"code": "g", "unit": "g"}, "its unit has no name that can be read", id="a-letter-twice"),
        pytest.param({"code": "mg"}, "its unit has no name that can be read", id="no-words"),
        pytest.param({"code": "v", "unit": "mg"}, Decimal(2), id="words-of-the-table"),
        pytest.param({"code": "mg", "unit": "mg"}, Decimal(2), id="words-like-the-code"),
        pytest.param({"code": "258684004", "unit": "mg"}, Decimal(2), id="words-beside-a-number"),
    ],
)
def test_of_another_code_system_only_the_words_of_a_unit_are_read(sent: Any, expected: str | Decimal) -> None:
    found = read_measure("dose", quantity(2, system=FOREIGN, **sent))
    assert (found.reason if isinstance(found, Refusal) else found.value) == expected


@pytest.mark.parametrize("unit", ["puffs of it", "Hub"])
def test_a_unit_that_is_not_read_is_named_by_its_words(unit: str) -> None:
    assert reason("dose", quantity(2, unit=unit, code="x", system=UCUM)) == f"unit {unit} not accepted"


def test_both_signs_of_micro_are_one_spelling() -> None:
    assert normalise_unit("\u00b5mol/L") == normalise_unit("\u03bcmol/L") == normalise_unit("umol / L") == "umol/L"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        pytest.param("umol/L", "µmol/L", id="umol"),
        pytest.param("\u03bcmol/dL", "µmol/dL", id="greek-mu"),
        pytest.param("ug", "ug", id="only-umol-is-rewritten"),
        pytest.param("mg/dL", "mg/dL", id="anything-else-as-it-came"),
    ],
)
def test_a_unit_is_printed_for_a_clinician(unit: str, expected: str) -> None:
    assert format_unit(unit) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2400", "2,400", id="thousands"),
        pytest.param("1234567", "1,234,567", id="millions"),
        pytest.param("2.4E+3", "2,400", id="no-exponent"),
        pytest.param("0.90", "0.9", id="no-trailing-zero"),
        pytest.param("0.000001", "0.000001", id="small"),
        pytest.param("0", "0", id="zero"),
        pytest.param("-0.0", "0", id="no-minus-before-zero"),
        pytest.param("-1.5", "-1.5", id="negative"),
    ],
)
def test_a_number_is_printed_plainly(value: str, expected: str) -> None:
    assert format_number(Decimal(value)) == expected


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        pytest.param("51.3468", 3, "51.3", id="three-digits"),
        pytest.param("123456", 4, "123500", id="before-the-point"),
        pytest.param("0.0123456", 4, "0.01235", id="after-zeros"),
        pytest.param("99.996", 4, "100.00", id="carried-over"),
        pytest.param("7", 4, "7", id="fewer-than-asked-for"),
        pytest.param("0", 4, "0", id="zero"),
    ],
)
def test_a_computed_number_is_rounded_to_significant_digits(value: str, digits: int, expected: str) -> None:
    assert round_significant(Decimal(value), digits) == Decimal(expected)


def test_a_number_is_rounded_to_four_digits_unless_told_otherwise() -> None:
    assert round_significant(Decimal("1.23456")) == Decimal("1.235")
