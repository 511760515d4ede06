"""Class of a result: from its own range and interpretation, and unclassified wherever they leave it open."""

from datetime import date
from decimal import Decimal

import pytest

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.labs.amino_acids import read_analyte, read_level
from cds_service.clinical.labs.ranges import Classification, Interval, classify, interval_of
from cds_service.clinical.labs.results import read_results, result_criteria
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.patient import Demographics, Patient
from cds_service.fhir import queries
from tests import builders
from tests.builders import LOINC, concept, quantity
from tests.support import NOW, VOCABULARY, Json

V3 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"

WOMAN, MAN, NOBODY = (
    Demographics(45, 45 * 12, "female"),
    Demographics(45, 45 * 12, "male"),
    Demographics(None, None, ""),
)
NO_RANGE = "no reference range was sent with it"
NONE_FITS = "none of its reference ranges is known to fit this patient"
THEY_DIFFER = "several reference ranges were sent with it and they differ"
UNREADABLE = "its reference range cannot be read"
NO_NUMBERS = "its reference range has no numbers"
SELF_CONTRADICTION = "its reference range contradicts itself"
FLAGS_CONTRADICT = "its interpretations contradict each other"


def umol(value: Json, unit: str = "umol/L", **members: Json) -> Json:
    """A Quantity in umol/L, or in another unit."""
    return quantity(value, unit, **members)


def span(low: Json = 10, high: Json = 120, **members: Json) -> Json:
    """A reference range; an end that is None is not sent."""
    ends = {name: umol(end) for name, end in (("low", low), ("high", high)) if end is not None}
    return {**ends, **members}


def flagged(*codes: str) -> Json:
    """Interpretations, as R4 sends them."""
    return [{"coding": [{"system": V3, "code": code}]} for code in codes]


def for_age(low: Json = None, high: Json = None, unit: str = "a") -> Json:
    """The age that a range is for."""
    return {name: umol(end, unit) for name, end in (("low", low), ("high", high)) if end is not None}


def for_group(*groups: str) -> Json:
    """The groups that a range is for."""
    return [{"coding": [{"code": group}]} for group in groups]


def observation(value: Json = 87, ranges: Json = None, comparator: str = "", flags: Json = None) -> Json:
    """A glutamate result."""
    sent = {"referenceRange": ranges, "interpretation": flags, "effectiveDateTime": "2026-11-03"}
    measured = umol(value, comparator=comparator or None)
    return builders.observation(concept("20642-5", LOINC), valueQuantity=measured, **sent)


def classed(person: Demographics = WOMAN, **sent: Json) -> Classification:
    """The class of a result that may be used."""
    wanted = result_criteria(VOCABULARY, "glutamate", "amino acid")
    newest = read_results(Data(Arrival.GIVEN, (observation(**sent),)), wanted, "p", NOW).newest
    assert newest is not None
    return classify(newest, "amino acid", person)


def open_class(why: str, range_sent: str = "") -> Classification:
    """Unclassified, for this reason."""
    return Classification("unclassified", range_sent, why)


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        pytest.param(87, 10, 120, "normal", id="between"),
        pytest.param(10, 10, 120, "normal", id="on-the-lower-end"),
        pytest.param(Decimal("9.999"), 10, 120, "low", id="just-under-the-lower-end"),
        pytest.param(Decimal("10.001"), 10, 120, "normal", id="just-over-the-lower-end"),
        pytest.param(120, 10, 120, "normal", id="on-the-upper-end"),
        pytest.param(Decimal("119.999"), 10, 120, "normal", id="just-under-the-upper-end"),
        pytest.param(Decimal("120.001"), 10, 120, "high", id="just-over-the-upper-end"),
        pytest.param(10, 10, 10, "normal", id="a-range-of-one-number"),
        pytest.param(10, None, 120, "normal", id="no-lower-end"),
        pytest.param(1, None, 120, "normal", id="never-low-without-a-lower-end"),
        pytest.param(120, None, 120, "normal", id="on-the-upper-end-alone"),
        pytest.param(121, None, 120, "high", id="over-the-upper-end-alone"),
        pytest.param(10, 10, None, "normal", id="on-the-lower-end-alone"),
        pytest.param(9, 10, None, "low", id="under-the-lower-end-alone"),
        pytest.param(999, 10, None, "normal", id="never-high-without-an-upper-end"),
        pytest.param(1, 0, 120, "normal", id="a-lower-end-of-zero"),
        pytest.param(1, 0, 0, "high", id="an-upper-end-of-zero"),
    ],
)
def test_a_number_is_placed_against_its_own_range(value: Json, low: Json, high: Json, expected: str) -> None:
    assert classed(value=value, ranges=[span(low, high)]).name == expected


@pytest.mark.parametrize(
    ("comparator", "value", "low", "high", "expected"),
    [
        pytest.param("<", 10, 10, 120, "low", id="less-than-the-lower-end"),
        pytest.param("<=", 10, 10, 120, None, id="at-most-the-lower-end-may-be-on-it"),
        pytest.param("<=", Decimal("9.9"), 10, 120, "low", id="at-most-something-below-it"),
        pytest.param("<", Decimal("9.9"), 10, 120, "low", id="less-than-something-below-it"),
        pytest.param("<", Decimal("10.1"), 10, 120, None, id="less-than-something-above-it"),
        pytest.param("<", 120, 10, 120, None, id="less-than-the-upper-end-may-be-low"),
        pytest.param("<", 120, None, 120, "normal", id="less-than-the-only-end"),
        pytest.param("<=", 120, None, 120, "normal", id="at-most-the-only-end"),
        pytest.param("<", 121, None, 120, None, id="less-than-something-above-the-only-end"),
        pytest.param("<=", Decimal("120.1"), None, 120, None, id="at-most-something-above-the-only-end"),
        pytest.param("<", 5, 10, None, "low", id="less-than-a-lower-end-alone"),
        pytest.param("<", 10, 10, None, "low", id="less-than-exactly-a-lower-end-alone"),
        pytest.param("<=", 10, 10, None, None, id="at-most-a-lower-end-alone"),
        pytest.param("<", 20, 10, None, None, id="less-than-something-above-a-lower-end-alone"),
        pytest.param(">", 120, 10, 120, "high", id="more-than-the-upper-end"),
        pytest.param(">=", 120, 10, 120, None, id="at-least-the-upper-end-may-be-on-it"),
        pytest.param(">=", Decimal("120.1"), 10, 120, "high", id="at-least-something-above-it"),
        pytest.param(">", Decimal("120.1"), 10, 120, "high", id="more-than-something-above-it"),
        pytest.param(">", Decimal("119.9"), 10, 120, None, id="more-than-something-below-it"),
        pytest.param(">", 10, 10, 120, None, id="more-than-the-lower-end-may-be-high"),
        pytest.param(">", 10, 10, None, "normal", id="more-than-the-only-end"),
        pytest.param(">=", 10, 10, None, "normal", id="at-least-the-only-end"),
        pytest.param(">", 9, 10, None, None, id="more-than-something-below-the-only-end"),
        pytest.param(">=", Decimal("9.9"), 10, None, None, id="at-least-something-below-the-only-end"),
        pytest.param(">", 120, None, 120, "high", id="more-than-exactly-an-upper-end-alone"),
        pytest.param(">=", 120, None, 120, None, id="at-least-an-upper-end-alone"),
        pytest.param(">=", 121, None, 120, "high", id="at-least-something-above-an-upper-end-alone"),
        pytest.param(">", 100, None, 120, None, id="more-than-something-below-an-upper-end-alone"),
    ],
)
def test_a_comparator_is_used_only_where_the_class_cannot_change(
    comparator: str, value: Json, low: Json, high: Json, expected: str | None
) -> None:
    found = classed(value=value, comparator=comparator, ranges=[span(low, high)])
    assert found.name == (expected or "unclassified")
    assert found.why == ("" if expected else f"“{comparator}” leaves its class open")
    assert found.range


def test_there_is_no_built_in_range() -> None:
    for value in (1, 5, 87, 500, 1000):
        assert classed(value=value) == open_class(NO_RANGE)


@pytest.mark.parametrize(
    ("ranges", "value", "expected"),
    [
        pytest.param(span(), 121, "high", id="one-object-for-a-list"),
        pytest.param([span(), span()], 121, "high", id="the-same-range-twice"),
        pytest.param(
            [span(), {"low": umol(Decimal("0.01"), "mmol/L"), "high": umol(Decimal("0.12"), "mmol/L")}],
            121,
            "high",
            id="the-same-range-in-another-unit",
        ),
        pytest.param([{"low": umol(1, "umol/dL"), "high": umol(12, "umol/dL")}], 121, "high", id="another-unit"),
        pytest.param([span(10, 120, type={"coding": [{"code": "normal"}]})], 121, "high", id="of-type-normal"),
        pytest.param([span(10, 120, type={"coding": [{"code": "Normal"}]})], 121, "high", id="with-a-capital-letter"),
        pytest.param(
            [span(10, 120), span(1, 500, type={"coding": [{"code": "critical"}]})],
            121,
            "high",
            id="a-critical-range-beside-it",
        ),
    ],
)
def test_a_range_is_read_in_each_form_in_which_it_comes(ranges: Json, value: Json, expected: str) -> None:
    assert classed(value=value, ranges=ranges).name == expected


@pytest.mark.parametrize(
    ("ranges", "why"),
    [
        pytest.param([], NO_RANGE, id="an-empty-list"),
        pytest.param("10-120", NO_RANGE, id="a-string"),
        pytest.param([{}], NO_NUMBERS, id="an-empty-range"),
        pytest.param([{"text": "10 - 120 umol/L"}], NO_NUMBERS, id="a-range-in-words"),
        pytest.param([{"low": {"value": 10}, "high": umol(120)}], f"{UNREADABLE} (no unit)", id="no-unit"),
        pytest.param(
            [{"low": umol(10), "high": umol(120, "mg/dL")}], f"{UNREADABLE} (unit mg/dL not accepted)", id="mass"
        ),
        pytest.param(
            [{"low": umol(10, "umol/g{creat}")}], f"{UNREADABLE} (unit umol/g{{creat}} not accepted)", id="a-ratio"
        ),
        pytest.param([span("10", 120)], f"{UNREADABLE} (no number)", id="a-number-in-quotes"),
        pytest.param([{"low": 10, "high": 120}], f"{UNREADABLE} (no number)", id="plain-numbers"),
        pytest.param([{"high": umol(120, comparator="<")}], UNREADABLE, id="an-end-with-a-comparator"),
        pytest.param([span(120, 10)], SELF_CONTRADICTION, id="low-above-high"),
        pytest.param([span(10, 120), span(10, 190)], THEY_DIFFER, id="two-that-differ-at-the-upper-end"),
        pytest.param([span(10, 120), span(20, 120)], THEY_DIFFER, id="two-that-differ-at-the-lower-end"),
        pytest.param([span(10, 120), span(10, None)], THEY_DIFFER, id="one-of-two-is-open"),
        pytest.param([span(), {"text": "see comment"}], NO_NUMBERS, id="one-of-two-cannot-be-read"),
        pytest.param([span(type={"coding": [{"code": "critical"}]})], NONE_FITS, id="only-a-critical-range"),
        pytest.param([span(type={"coding": [{"code": "therapeutic"}]})], NONE_FITS, id="only-a-therapeutic-range"),
        pytest.param([span(type={"text": "critical"})], NONE_FITS, id="a-critical-range-in-words"),
        pytest.param(
            [span(meaning={"coding": [{"code": "therapeutic"}]})], NONE_FITS, id="a-therapeutic-range-of-DSTU2"
        ),
    ],
)
def test_without_a_range_that_can_be_read_a_result_is_unclassified_and_says_why(ranges: Json, why: str) -> None:
    assert classed(ranges=ranges) == open_class(why)


@pytest.mark.parametrize(
    ("person", "ranges", "expected"),
    [
        pytest.param(WOMAN, [span(high=100, appliesTo=for_group("female"))], "normal", id="for-women"),
        pytest.param(WOMAN, [span(high=100, appliesTo=for_group("F"))], "normal", id="for-F"),
        pytest.param(WOMAN, [span(high=100, appliesTo=[{"text": "Female"}])], "normal", id="for-women-in-words"),
        pytest.param(WOMAN, [span(high=100, appliesTo=for_group("female")[0])], "normal", id="appliesTo-no-list"),
        pytest.param(MAN, [span(high=100, appliesTo=for_group("M"))], "normal", id="for-M"),
        pytest.param(MAN, [span(high=100, appliesTo=for_group("male"))], "normal", id="for-men"),
        pytest.param(MAN, [span(high=100, appliesTo=for_group("female"))], None, id="for-women-not-for-a-man"),
        pytest.param(WOMAN, [span(high=100, appliesTo=for_group("male"))], None, id="for-men-not-for-a-woman"),
        pytest.param(WOMAN, [span(high=100, appliesTo=[{"text": "male"}])], None, id="male-is-a-part-of-female"),
        pytest.param(NOBODY, [span(high=100, appliesTo=for_group("female"))], None, id="sex-not-known"),
        pytest.param(
            Demographics(45, 45 * 12, "other"), [span(high=100, appliesTo=for_group("male"))], None, id="sex-other"
        ),
        pytest.param(WOMAN, [span(high=100, appliesTo=for_group("248152002"))], None, id="a-group-not-known-here"),
        pytest.param(WOMAN, [span(high=100, appliesTo=[{"text": "pregnant women"}])], None, id="pregnant"),
        pytest.param(MAN, [span(high=100, appliesTo=[{"text": "smokers"}])], None, id="smokers"),
        pytest.param(WOMAN, [span(high=100, appliesTo=for_group("female", "pregnant"))], None, id="women-and-pregnant"),
        pytest.param(WOMAN, [span(high=100, appliesTo=for_group("female", "male"))], None, id="women-and-men"),
        pytest.param(
            WOMAN,
            [span(high=100, appliesTo=[{"coding": [{"code": "female"}, {"code": "male"}]}])],
            None,
            id="one-group-of-both",
        ),
        pytest.param(
            MAN,
            [span(high=100, appliesTo=[{"coding": [{"code": "female"}, {"code": "male"}]}])],
            None,
            id="one-group-of-both-for-a-man",
        ),
        pytest.param(WOMAN, [span(high=100, appliesTo=["female"])], None, id="a-bare-string"),
        pytest.param(WOMAN, [span(high=100, appliesTo=[])], "normal", id="for-no-group-in-particular"),
        pytest.param(
            WOMAN,
            [span(high=100, appliesTo=for_group("female")), span(high=50, appliesTo=for_group("male"))],
            "normal",
            id="the-one-for-women-of-two",
        ),
        pytest.param(
            MAN,
            [span(high=100, appliesTo=for_group("female")), span(high=50, appliesTo=for_group("male"))],
            "high",
            id="the-one-for-men-of-two",
        ),
    ],
)
def test_a_range_for_a_group_counts_only_for_somebody_known_to_be_of_it(
    person: Demographics, ranges: Json, expected: str | None
) -> None:
    found = classed(person, ranges=ranges)
    assert found.name == (expected or "unclassified")
    assert found.why == ("" if expected else NONE_FITS)


@pytest.mark.parametrize(
    ("age", "wanted", "fits"),
    [
        pytest.param(18, for_age(18, None), True, id="on-the-lower-age"),
        pytest.param(17, for_age(18, None), False, id="under-it"),
        pytest.param(65, for_age(None, 65), True, id="on-the-upper-age"),
        pytest.param(66, for_age(None, 65), False, id="over-it"),
        pytest.param(45, for_age(18, 65), True, id="between"),
        pytest.param(45, for_age(18, 65, "years"), True, id="in-words"),
        pytest.param(45, for_age(216, 780, "mo"), True, id="in-months"),
        pytest.param(17, for_age(216, None, "mo"), False, id="under-it-in-months"),
        pytest.param(18, for_age(216, None, "mo"), True, id="on-the-lower-age-in-months"),
        pytest.param(2, for_age(None, 24, "mo"), True, id="on-the-upper-age-in-months"),
        pytest.param(3, for_age(None, 24, "mo"), False, id="over-it-in-months"),
        pytest.param(45, for_age(1, 99999, "d"), False, id="in-days"),
        pytest.param(45, for_age("18", None), False, id="an-age-in-quotes"),
        pytest.param(45, {"low": {"value": 18}}, False, id="without-a-unit"),
        pytest.param(45, {"low": umol(18, "a"), "high": {"value": 65}}, False, id="one-end-cannot-be-read"),
        pytest.param(45, {}, False, id="no-ends"),
        pytest.param(45, "adults", False, id="in-words-only"),
        pytest.param(None, for_age(18, 65), False, id="age-not-known"),
        pytest.param(None, None, True, id="for-every-age"),
    ],
)
def test_a_range_for_an_age_counts_only_for_somebody_known_to_be_of_it(
    age: int | None, wanted: Json, fits: bool
) -> None:
    person = Demographics(age, None if age is None else age * 12, "female")
    members = {} if wanted is None else {"age": wanted}
    expected = Classification("normal", "10–120 µmol/L") if fits else open_class(NONE_FITS)
    assert classed(person, ranges=[span(**members)]) == expected


def test_of_ranges_for_several_ages_and_sexes_the_one_that_fits_is_used() -> None:
    ranges = [
        span(high=190, age=for_age(None, 17)),
        span(high=80, age=for_age(18, None), appliesTo=for_group("female")),
        span(high=120, age=for_age(18, None), appliesTo=for_group("male")),
    ]
    assert classed(WOMAN, ranges=ranges) == Classification("high", "10–80 µmol/L")
    assert classed(MAN, ranges=ranges) == Classification("normal", "10–120 µmol/L")
    assert classed(Demographics(12, 12 * 12, "male"), value=150, ranges=ranges) == Classification(
        "normal", "10–190 µmol/L"
    )
    assert classed(Demographics(45, 45 * 12, ""), ranges=ranges) == open_class(NONE_FITS)


def test_a_range_for_everybody_beside_a_different_one_for_women_leaves_it_open() -> None:
    ranges = [span(high=120), span(high=80, appliesTo=for_group("female"))]
    assert classed(WOMAN, ranges=ranges) == open_class(THEY_DIFFER)
    assert classed(MAN, ranges=ranges) == Classification("normal", "10–120 µmol/L")


def test_an_unreadable_range_for_somebody_else_does_no_harm() -> None:
    ranges = [span(), {"text": "see comment", "appliesTo": for_group("male")}]
    assert classed(WOMAN, ranges=ranges) == Classification("normal", "10–120 µmol/L")


@pytest.mark.parametrize(
    ("value", "flags", "expected"),
    [
        pytest.param(9, ["L"], "low", id="low-and-L"),
        pytest.param(9, ["LL"], "low", id="low-and-LL"),
        pytest.param(87, ["N"], "normal", id="normal-and-N"),
        pytest.param(121, ["H"], "high", id="high-and-H"),
        pytest.param(121, ["HH"], "high", id="high-and-HH"),
        pytest.param(121, ["H", "HH"], "high", id="two-that-say-the-same"),
        pytest.param(121, ["H", "A"], "high", id="high-and-abnormal"),
        pytest.param(121, ["h"], "high", id="in-small-letters"),
        pytest.param(121, ["A"], "high", id="abnormal-says-no-direction"),
        pytest.param(9, ["AA"], "low", id="very-abnormal-says-no-direction"),
        pytest.param(87, ["IND"], "normal", id="a-flag-that-says-nothing-here"),
        pytest.param(87, [], "normal", id="no-flag"),
    ],
)
def test_range_and_interpretation_that_agree_give_the_class(value: Json, flags: list[str], expected: str) -> None:
    assert classed(value=value, ranges=[span()], flags=flagged(*flags)) == Classification(expected, "10–120 µmol/L")


@pytest.mark.parametrize(
    ("value", "flag", "said"),
    [
        pytest.param(87, "H", "its interpretation says high and its range says normal", id="normal-but-H"),
        pytest.param(87, "L", "its interpretation says low and its range says normal", id="normal-but-L"),
        pytest.param(87, "HH", "its interpretation says high and its range says normal", id="normal-but-HH"),
        pytest.param(121, "N", "its interpretation says normal and its range says high", id="high-but-N"),
        pytest.param(9, "H", "its interpretation says high and its range says low", id="low-but-H"),
        pytest.param(9, "N", "its interpretation says normal and its range says low", id="low-but-N"),
    ],
)
def test_range_and_interpretation_that_disagree_leave_it_unclassified(value: Json, flag: str, said: str) -> None:
    assert classed(value=value, ranges=[span()], flags=flagged(flag)) == open_class(said, "10–120 µmol/L")


def test_an_abnormal_flag_beside_a_normal_number_is_named() -> None:
    said = "its interpretation says abnormal and its range says normal"
    assert classed(ranges=[span()], flags=flagged("A")) == open_class(said, "10–120 µmol/L")


@pytest.mark.parametrize("flag", ["A", "AA", "HU", "LU", "HX", "LX", "H>", "L<"])
def test_a_normal_number_with_a_flag_for_an_abnormal_one_is_unclassified(flag: str) -> None:
    assert classed(ranges=[span()], flags=flagged(flag)).name == "unclassified"


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(flagged("H", "L"), id="H-and-L"),
        pytest.param(flagged("H", "N"), id="H-and-N"),
        pytest.param(flagged("N", "A"), id="N-and-A"),
        pytest.param(flagged("AA", "N"), id="AA-and-N"),
        pytest.param([{"coding": [{"code": "H"}, {"code": "N"}]}], id="in-one-concept"),
    ],
)
def test_interpretations_that_contradict_each_other_leave_it_unclassified(flags: Json) -> None:
    assert classed(ranges=[span()], flags=flags) == open_class(FLAGS_CONTRADICT, "10–120 µmol/L")
    assert classed(flags=flags) == open_class(FLAGS_CONTRADICT)


@pytest.mark.parametrize(
    ("flag", "expected"),
    [("L", "low"), ("LL", "low"), ("N", "normal"), ("H", "high"), ("HH", "high")],
)
def test_the_interpretation_of_the_laboratory_counts_where_no_range_came(flag: str, expected: str) -> None:
    assert classed(flags=flagged(flag)) == Classification(expected)
    assert classed(flags=flagged(flag)[0]) == Classification(expected)


def test_the_interpretation_counts_beside_a_range_that_cannot_be_used() -> None:
    assert classed(ranges=[span(120, 10)], flags=flagged("H")) == Classification("high")
    assert classed(NOBODY, ranges=[span(age=for_age(18))], flags=flagged("L")) == Classification("low")


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(flagged("A"), id="abnormal-without-direction"),
        pytest.param(flagged("X"), id="an-unknown-flag"),
        pytest.param([{"text": "H"}], id="only-words"),
        pytest.param("H", id="a-bare-string"),
    ],
)
def test_a_flag_that_names_no_class_gives_none(flags: Json) -> None:
    assert classed(flags=flags) == open_class(NO_RANGE)


def test_a_flag_does_not_close_what_a_comparator_leaves_open() -> None:
    found = classed(value=20, comparator="<", ranges=[span()], flags=flagged("N"))
    assert found == open_class("“<” leaves its class open", "10–120 µmol/L")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param(span(), "10–120 µmol/L", id="both-ends"),
        pytest.param(span(None, 120), "up to 120 µmol/L", id="upper-end-only"),
        pytest.param(span(10, None), "at least 10 µmol/L", id="lower-end-only"),
        pytest.param(
            {"low": umol(1, "umol/dL"), "high": umol(12, "umol/dL")}, "1–12 µmol/dL", id="in-the-unit-in-which-it-came"
        ),
        pytest.param(
            {"low": umol(10), "high": umol(Decimal("0.12"), "mmol/L")}, "10 µmol/L to 0.12 mmol/L", id="two-units"
        ),
        pytest.param(span(Decimal("10.50"), 1200), "10.5–1,200 µmol/L", id="decimals-and-thousands"),
    ],
)
def test_a_range_is_shown_as_it_was_sent(sent: Json, said: str) -> None:
    assert classed(ranges=[sent]).range == said


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        pytest.param(date(2026, 9, 3), "normal", id="two-months-old"),
        pytest.param(date(2026, 3, 3), "high", id="eight-months-old"),
    ],
)
def test_an_infant_is_placed_in_the_range_of_its_months(born: date, expected: str) -> None:
    ranges = [span(high=190, age=for_age(0, 5, "mo")), span(high=120, age=for_age(6, 11, "mo"))]
    data = Data(Arrival.GIVEN, (observation(value=150, ranges=ranges),))
    chart = Chart("p", {queries.AMINO_ACIDS: data})
    readings = read_analyte("glutamate", chart, VOCABULARY, NOW)
    assert read_level(readings, chart, Patient(born, "male")).value == expected


@pytest.mark.parametrize("said", ["type", "meaning"], ids=["R4", "DSTU2"])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param({"coding": [{"code": "normal"}]}, id="by-code"),
        pytest.param({"coding": [{"code": "N"}]}, id="by-the-code-of-an-interpretation"),
        pytest.param({"text": "Normal"}, id="in-words"),
    ],
)
def test_a_range_that_says_it_is_the_normal_one_is_used(said: str, kind: Json) -> None:
    assert classed(ranges=[span(**{said: kind})]) == Classification("normal", "10–120 µmol/L")


def test_less_than_a_number_below_a_range_from_one_is_low() -> None:
    assert classed(value=1, comparator="<", ranges=[span(low=1)]).name == "low"


def test_less_than_a_number_in_a_range_from_zero_is_normal() -> None:
    assert classed(value=5, comparator="<", ranges=[span(low=0)]).name == "normal"


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        pytest.param([span()], Interval(Decimal(10), Decimal(120), "10–120 µmol/L"), id="its-own"),
        pytest.param(
            None, Interval(Decimal(20), Decimal(80), "20–80 µmol/L, this site's own interval"), id="the-sites"
        ),
        pytest.param([span(), span(5)], None, id="two-that-differ"),
        pytest.param(
            [span(5, appliesTo=for_group("male")), span(appliesTo=for_group("female"))],
            Interval(Decimal(10), Decimal(120), "10–120 µmol/L"),
            id="the-persons",
        ),
    ],
)
def test_the_interval_of_a_result_is_its_own_or_the_sites(ranges: Json, expected: Interval | None) -> None:
    wanted = result_criteria(VOCABULARY, "glutamate", "amino acid")
    newest = read_results(Data(Arrival.GIVEN, (observation(ranges=ranges),)), wanted, "p", NOW).newest
    assert newest is not None

    assert interval_of(newest, "amino acid", WOMAN, [SiteInterval(Decimal(20), Decimal(80))]) == expected
