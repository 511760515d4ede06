"""Doses that count tablets and the like: by the closed list of words, by listed codes, and never against either."""

from typing import Any

import pytest

from cds_service.clinical.orders.counts import counts_otherwise, is_count
from cds_service.fhir.quantities import ACCEPTED
from cds_service.fhir.systems import SNOMED, UCUM
from tests.support import VOCABULARY

FORM = "http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm"
KBV = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BMP_DOSIEREINHEIT"
WORDS = VOCABULARY.name_lists["count-unit-words"]
CODES = VOCABULARY.code_lists["count-units"]


def quantity(**members: Any) -> dict[str, Any]:
    """A FHIR Quantity of two."""
    return {"value": 2, **members}


@pytest.mark.parametrize("word", [row.name for row in WORDS.rows if row.included])
def test_each_word_of_the_list_counts_in_any_case_and_beside_any_code_that_is_no_measure(word: str) -> None:
    for unit in (word, word.upper(), f" {word} "):
        assert is_count(quantity(unit=unit), VOCABULARY)
        assert is_count(quantity(unit=unit, code="x", system="urn:other"), VOCABULARY)
        assert not is_count(quantity(unit=unit, code="mg", system=UCUM), VOCABULARY)


@pytest.mark.parametrize("word", [row.name for row in WORDS.rows if not row.included])
def test_a_refused_word_is_no_count_whatever_its_code(word: str) -> None:
    assert not is_count(quantity(unit=word), VOCABULARY)
    assert not is_count(quantity(unit=word, code="{tbl}", system=UCUM), VOCABULARY)
    assert counts_otherwise(quantity(unit=word, code="mg", system=UCUM), VOCABULARY)


@pytest.mark.parametrize("row", CODES.rows, ids=lambda row: row.code)
def test_each_code_of_the_list_counts_alone_and_in_its_system_only(row: Any) -> None:
    assert is_count(quantity(code=row.code, system=row.system), VOCABULARY)
    assert not is_count(quantity(code=row.code, system="urn:other"), VOCABULARY)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param({"unit": "caps", "code": "{Capsule}", "system": UCUM}, True, id="a-word-beside-a-ucum-annotation"),
        pytest.param({"unit": "tablet", "code": "428673006", "system": SNOMED}, True, id="tablet-in-snomed-ct"),
        pytest.param({"unit": "Stück", "code": "1", "system": KBV}, True, id="a-piece-of-the-german-table"),
        pytest.param({"unit": "TAB", "code": "TAB", "system": FORM}, True, id="a-form-of-hl7"),
        pytest.param({"unit": "TAB", "code": "TAB", "system": UCUM}, True, id="words-sent-as-ucum"),
        pytest.param({"code": "tablet"}, True, id="a-word-sent-as-a-code"),
        pytest.param({"code": "1"}, True, id="a-bare-number"),
        pytest.param({"unit": "1", "code": "1", "system": UCUM}, True, id="one-in-words-too"),
        pytest.param({"unit": "gelatine capsule", "code": "{capsule}", "system": UCUM}, True, id="other-words-for-it"),
        pytest.param({"unit": "measure", "code": "1", "system": UCUM}, False, id="pieces-of-something"),
        pytest.param({"unit": "mg", "code": "1", "system": UCUM}, False, id="one-in-mg"),
        pytest.param({"unit": "mg", "code": "{capsule}", "system": UCUM}, False, id="a-capsule-in-mg"),
        pytest.param({"unit": "half tablet"}, False, id="a-part-of-one"),
        pytest.param({"unit": "mg/tablet"}, False, id="a-strength"),
        pytest.param({"code": "TAB", "system": FORM}, False, id="a-code-of-a-system-that-is-not-read"),
        pytest.param({"code": "mg", "system": UCUM}, False, id="a-mass"),
        pytest.param({"unit": "mL"}, False, id="a-volume"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_a_count_is_told_by_its_word_and_its_code(sent: dict[str, Any], expected: bool) -> None:
    assert is_count(quantity(**sent), VOCABULARY) is expected


def test_nothing_that_is_no_object_counts() -> None:
    assert not is_count("two tablets", VOCABULARY)


def test_no_word_of_a_count_is_an_accepted_unit() -> None:
    assert not {row.name for row in WORDS.rows} & {unit for units in ACCEPTED.values() for unit in units}
