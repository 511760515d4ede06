"""The readers of FHIR JSON: odd input gives nothing, never a guess and never an exception."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.json import (
    MAX_DEPTH,
    Coding,
    TooDeep,
    at,
    code_or_concept,
    codings,
    decode,
    depth,
    items,
    member,
    names,
    number,
    objects,
    parse_decimal,
    read_concept,
    references,
    relative_part,
    relative_reference,
    shorten,
    text,
)
from cds_service.fhir.versions.elements import is_about
from tests.support import Json, nested

ODD: list[Any] = [None, True, 0, 1.5, Decimal("2"), "", "text", [], [None], [[]], {}, {"coding": "x"}, [{"coding": 3}]]
LOINC = "http://loinc.org"


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        pytest.param({"a": 1}, "a", 1, id="there"),
        pytest.param({"a": 1}, "b", None, id="no-such-member"),
        pytest.param(["a"], "a", None, id="a-list-has-no-members"),
        pytest.param("a", "a", None, id="nor-has-a-string"),
        pytest.param(None, "a", None, id="nor-null"),
    ],
)
def test_a_member_is_read_only_from_an_object(value: Any, name: str, expected: Any) -> None:
    assert member(value, name) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(("a", "b"), 1, id="whole-path"),
        pytest.param(("a",), {"b": 1}, id="part-of-the-path"),
        pytest.param((), {"a": {"b": 1}}, id="no-path"),
        pytest.param(("a", "c"), None, id="missing-at-the-end"),
        pytest.param(("x", "b"), None, id="missing-at-the-start"),
        pytest.param(("a", "b", "c"), None, id="through-a-number"),
    ],
)
def test_a_path_ends_in_a_value_or_in_nothing(path: tuple[str, ...], expected: Any) -> None:
    assert at({"a": {"b": 1}}, *path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, [], id="null"),
        pytest.param([1, 2], [1, 2], id="list"),
        pytest.param({"a": 1}, [{"a": 1}], id="one-object-for-a-list"),
        pytest.param("a", ["a"], id="one-string-for-a-list"),
        pytest.param(0, [0], id="zero-is-a-value"),
        pytest.param(False, [False], id="false-is-a-value"),
    ],
)
def test_one_value_where_a_list_belongs_is_a_list_of_one(value: Any, expected: list[Any]) -> None:
    assert items(value) == expected


def test_only_objects_are_kept_among_the_items() -> None:
    assert objects([{"a": 1}, None, "x", 3, [{"b": 1}], {}]) == [{"a": 1}, {}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("  final ", "final", id="space-around-it-goes"),
        pytest.param("not done", "not done", id="space-inside-stays"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="null"),
        pytest.param(1, "", id="number"),
        pytest.param(True, "", id="boolean"),
        pytest.param(["final"], "", id="list"),
        pytest.param({"value": "final"}, "", id="object"),
    ],
)
def test_text_is_a_string_without_surrounding_space(value: Any, expected: str) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(600, Decimal(600), id="integer"),
        pytest.param(0, Decimal(0), id="zero"),
        pytest.param(-3, Decimal(-3), id="negative"),
        pytest.param(Decimal("0.10"), Decimal("0.10"), id="decimal"),
        pytest.param(0.1, Decimal("0.1"), id="float-as-it-is-written"),
        pytest.param(1.1, Decimal("1.1"), id="float-that-is-not-exact-in-binary"),
        pytest.param(999_999_999_999, Decimal(999_999_999_999), id="twelve-digits"),
        pytest.param(Decimal("1E-12"), Decimal("1E-12"), id="as-small-as-may-be"),
        pytest.param(Decimal("1E+12"), Decimal("1E+12"), id="as-large-as-may-be"),
    ],
)
def test_a_number_is_exact(value: Any, expected: Decimal) -> None:
    assert number(value) == expected
    assert str(number(value)) == str(expected)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("600", id="string"),
        pytest.param(True, id="true-is-not-one"),
        pytest.param(False, id="false-is-not-zero"),
        pytest.param(None, id="null"),
        pytest.param([600], id="list"),
        pytest.param({"value": 600}, id="object"),
        pytest.param(float("nan"), id="float-nan"),
        pytest.param(float("inf"), id="float-infinity"),
        pytest.param(Decimal("NaN"), id="decimal-nan"),
        pytest.param(Decimal("-Infinity"), id="decimal-infinity"),
        pytest.param(1_000_000_000_001, id="thirteen-digits"),
        pytest.param(10**5000, id="an-integer-too-long-to-print"),
        pytest.param(-(10**5000), id="a-negative-one"),
        pytest.param(Decimal("1E+13"), id="too-large"),
        pytest.param(Decimal("1E-13"), id="too-small"),
        pytest.param(Decimal("1E+999999"), id="an-exponent-that-would-fill-the-memory"),
        pytest.param(10**12, id="whole-number-of-thirteen-digits"),
        pytest.param(Decimal("1234567890123.0"), id="the-same-with-a-point"),
    ],
)
def test_what_is_not_a_sensible_number_is_nothing_and_not_zero(value: Any) -> None:
    assert number(value) is None


@pytest.mark.parametrize(
    ("concept", "expected"),
    [
        pytest.param({"coding": [{"system": "s", "code": "c", "display": "d"}]}, [("s", "c")], id="as-specified"),
        pytest.param({"coding": {"system": "s", "code": "c"}}, [("s", "c")], id="coding-as-one-object"),
        pytest.param({"coding": [{"code": " c "}]}, [("", "c")], id="no-system"),
        pytest.param({"coding": [{"system": "s", "display": "d"}]}, [], id="no-code"),
        pytest.param({"coding": [{"system": "s", "code": 7}]}, [], id="code-as-number"),
        pytest.param(
            [{"coding": [{"code": "a"}]}, {"coding": [{"code": "b"}]}],
            [("", "a"), ("", "b")],
            id="a-list-of-concepts",
        ),
        pytest.param({"concept": {"coding": [{"code": "c"}]}}, [("", "c")], id="R5-codeable-reference"),
        pytest.param({"concept": "c"}, [], id="R5-concept-of-the-wrong-type"),
        pytest.param({"text": "glutamate"}, [], id="text-is-no-code"),
    ],
)
def test_the_codings_of_a_concept_in_each_version_are_found(concept: Any, expected: list[Any]) -> None:
    assert list(codings(concept)) == [Coding(*one) for one in expected]


@pytest.mark.parametrize(
    ("concept", "expected"),
    [
        pytest.param({"text": "a", "coding": [{"display": "b"}]}, ["a", "b"], id="text-then-display"),
        pytest.param({"reference": "Condition/1", "display": "a"}, ["a"], id="display-of-a-reference"),
        pytest.param({"concept": {"text": "a"}}, ["a"], id="R5-codeable-reference"),
        pytest.param([{"text": "a"}, {"text": "b"}], ["a", "b"], id="a-list-of-concepts"),
        pytest.param({"text": "  ", "coding": [{"code": "c"}]}, [], id="blank-text"),
        pytest.param("a", [], id="a-bare-string"),
    ],
)
def test_the_names_of_a_concept_are_its_texts_and_displays(concept: Any, expected: list[str]) -> None:
    assert list(names(concept)) == expected


def test_a_concept_is_read_with_all_its_codings_and_each_name_once() -> None:
    coded = [{"system": "s", "code": "1", "display": "a"}, {"system": "s", "code": "1", "display": "b"}]
    read = read_concept({"text": "b", "coding": coded})
    assert (read.codings, read.names) == ([Coding("s", "1"), Coding("s", "1")], ["b", "a"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Active ", {"active"}, id="a-code-of-DSTU2"),
        pytest.param({"coding": [{"code": "Active"}]}, {"active"}, id="a-concept-of-R4"),
        pytest.param({"coding": [{"code": "a"}, {"code": "b"}]}, {"a", "b"}, id="two-codes"),
        pytest.param({"text": "active"}, set(), id="text-only"),
        pytest.param(None, set(), id="nothing"),
    ],
)
def test_a_status_is_read_as_code_and_as_concept(value: Any, expected: set[str]) -> None:
    assert code_or_concept(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"reference": "Medication/1"}, ["Medication/1"], id="reference"),
        pytest.param([{"reference": "a/1"}, {"reference": "b/2"}], ["a/1", "b/2"], id="list"),
        pytest.param({"reference": {"reference": "Medication/1"}}, ["Medication/1"], id="R5-codeable-reference"),
        pytest.param({"display": "only words"}, [], id="display-only"),
        pytest.param({"reference": 5}, [], id="number"),
        pytest.param("Medication/1", [], id="bare-string"),
    ],
)
def test_the_references_of_each_version_are_found(value: Any, expected: list[str]) -> None:
    assert references(value) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param({"resourceType": "Observation", "id": "1"}, "Observation/1", id="type-and-id"),
        pytest.param({"resourceType": "Observation"}, "Observation", id="no-id"),
        pytest.param({"id": "1"}, "resource/1", id="no-type"),
        pytest.param({"resourceType": 1, "id": 2}, "resource", id="neither-is-a-string"),
    ],
)
def test_a_resource_has_a_name_for_the_trace(resource: dict[str, Any], expected: str) -> None:
    assert relative_reference(resource) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param({"subject": {"reference": "Patient/p1"}}, True, id="this-patient"),
        pytest.param({"subject": {"reference": "Patient/p2"}}, False, id="another-patient"),
        pytest.param({"patient": {"reference": "Patient/p2"}}, False, id="another-patient-in-patient"),
        pytest.param({"subject": {"reference": "https://ehr.example/r4/Patient/p1"}}, True, id="absolute"),
        pytest.param({"subject": {"reference": "https://ehr.example/r4/Patient/p2"}}, False, id="absolute-another"),
        pytest.param({"subject": {"reference": "Patient/p1/_history/3"}}, True, id="with-a-version"),
        pytest.param({"subject": {"reference": "Patient/p2/_history/p1"}}, False, id="the-version-is-not-the-id"),
        pytest.param({"subject": {"reference": "Patient/p10"}}, False, id="an-id-that-begins-alike"),
        pytest.param({"subject": {"reference": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"}}, True, id="urn"),
        pytest.param({"subject": {"reference": "Patient"}}, True, id="a-type-without-an-id"),
        pytest.param({"subject": {"reference": "Patient/p1?_format=json"}}, True, id="with-a-question-mark"),
        pytest.param({"subject": {"reference": "Patient?identifier=x"}}, True, id="a-search-names-no-id"),
        pytest.param({}, True, id="no-subject"),
        pytest.param(
            {"subject": {"reference": "Patient/p1"}, "patient": {"reference": "Patient/p2"}},
            False,
            id="two-that-differ",
        ),
    ],
)
def test_a_resource_that_names_another_patient_is_not_about_this_one(resource: dict[str, Any], expected: bool) -> None:
    assert is_about(resource, "p1") is expected


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_odd_input_has_no_codes_names_or_references_and_raises_nothing(value: Any) -> None:
    assert list(codings(value)) == []
    assert list(names(value)) == []
    assert references(value) == []
    assert at(value, "coding", "code") is None
    assert is_about({"subject": value, "patient": value}, "p1")


def test_noise_of_floating_point_is_rounded_away() -> None:
    assert number(Decimal("64.10000000000001")) == Decimal("64.1")
    assert number(Decimal("4.1000000000000005")) == Decimal("4.1")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("x" * 119, "x" * 119, id="under-the-limit"),
        pytest.param("x" * 120, "x" * 120, id="on-the-limit"),
        pytest.param("x" * 121, "x" * 119 + "…", id="over-the-limit"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_words_of_the_ehr_are_cut_to_120_characters(written: str, expected: str) -> None:
    assert shorten(written) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param("Condition/c1", "Condition/c1", id="relative"),
        pytest.param("https://ehr.example/fhir/Condition/c1", "Condition/c1", id="absolute"),
        pytest.param("Condition/c1/_history/2", "Condition/c1", id="with-a-version"),
        pytest.param("https://ehr.example/fhir/Condition/c1/_history/2", "Condition/c1", id="absolute-with-a-version"),
        pytest.param("Condition/c1/_history/2/_history/3", "Condition/c1", id="two-versions"),
        pytest.param("#c1", "#c1", id="contained"),
        pytest.param("urn:uuid:53fefa32", "urn:uuid:53fefa32", id="urn"),
    ],
)
def test_a_reference_points_at_a_type_and_an_id(reference: str, expected: str) -> None:
    assert relative_part(reference) == expected


def test_a_whole_number_of_twelve_digits_is_read_and_one_of_thirteen_is_not() -> None:
    assert number(100_000_000_000) == 100_000_000_000
    assert number(999_999_999_999) == number(Decimal("999999999999")) == 999_999_999_999
    assert number(10**12) is None


# --- decoding


def measured(value: Json) -> int:
    """The depth of a value, found the slow and plain way."""
    if isinstance(value, dict):
        return 1 + max(map(measured, value.values()), default=0)
    return 1 + max(map(measured, value), default=0) if isinstance(value, list) else 0


TRICKY = st.text(st.sampled_from('[]{}"\\ab,:\n'), max_size=8)
ANY_JSON = st.recursive(
    st.none() | st.integers() | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
    max_leaves=30,
)


@given(value=ANY_JSON, indent=st.sampled_from([None, 2]))
def test_the_depth_that_is_found_without_parsing_is_that_of_the_parsed_value(value: Json, indent: int | None) -> None:
    assert depth(json.dumps(value, indent=indent).encode()) == measured(value)


@pytest.mark.parametrize("levels", [0, 1, 2, 3, 4, 5, 6, 7, 50, MAX_DEPTH, 2000])
def test_depth_is_counted_exactly(levels: int) -> None:
    assert depth(nested(levels).encode()) == levels


def test_a_value_of_the_greatest_depth_is_read_and_one_deeper_is_not() -> None:
    assert measured(decode(nested(MAX_DEPTH).encode())) == MAX_DEPTH
    with pytest.raises(TooDeep):
        decode(nested(MAX_DEPTH + 1).encode())


@pytest.mark.parametrize("written", ["1.10", "1e-3", "-0.5"])
def test_a_number_is_decoded_exactly(written: str) -> None:
    assert str(decode(f"[{written}]".encode())[0]) == str(Decimal(written))


def test_a_number_that_no_decimal_can_hold_is_not_a_number() -> None:
    assert parse_decimal("1e99999999999999999999").is_nan()
