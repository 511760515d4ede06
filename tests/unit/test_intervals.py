"""A site's own intervals: read strictly, used only for results without a range."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cds_service.clinical.facts import Fact
from cds_service.clinical.labs.amino_acids import read_analyte, read_level
from cds_service.clinical.patient import Patient
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.content.examples import read_json
from cds_service.errors import ContentError
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from cds_service.hooks.discovery import HOOKS
from cds_service.site.opening import open_site
from tests.support import CONTENT, NOW, ROOT

USUAL = """
[[interval]]
analyte = "glutamate"
low = 24
high = 80.5
unit = "umol/L"
source = "laboratory handbook 2026"
"""


def vocabulary_with(file: Path | None) -> Vocabulary:
    return open_site(file, CONTENT, HOOKS, ()).content.vocabulary


def glutamate(text: str, patient: str, folder: Path, person: Patient) -> Fact:
    file = folder / "intervals.toml"
    file.write_text(text, encoding="utf-8")
    vocabulary = vocabulary_with(file)
    bundle = read_json(ROOT / "fixtures" / "patients" / f"{patient}.json")
    chart = build_chart(patient, prefetch_from(bundle, patient, vocabulary.code_lists))
    return read_level(
        read_analyte("glutamate", chart, vocabulary, NOW), chart, person, vocabulary.site_intervals.get("glutamate", ())
    )


MAN_OF_33 = Patient(date(1993, 1, 1), "male")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(USUAL, "high", id="no limits"),
        pytest.param(USUAL.replace("80.5", "88"), "normal", id="88 is not above 88"),
        pytest.param(USUAL + 'sex = "male"', "high", id="his sex"),
        pytest.param(USUAL + 'sex = "female"', "unclassified", id="not his sex"),
        pytest.param(USUAL + "from_years = 18", "high", id="his age"),
        pytest.param(USUAL + "to_years = 18", "unclassified", id="not his age"),
        pytest.param(USUAL + USUAL.replace("80.5", "200"), "unclassified", id="two that fit"),
        pytest.param(USUAL.replace("glutamate", "cystine"), "unclassified", id="another analyte"),
    ],
)
def test_it_classes_a_result_that_came_without_a_range(text: str, expected: str, tmp_path: Path) -> None:
    fact = glutamate(text, "felix-unclassified", tmp_path, MAN_OF_33)

    assert fact.value == expected
    assert ("this site's own interval" in str(fact.texts["range"])) == (expected != "unclassified")


def test_it_never_overrides_the_range_of_the_result(tmp_path: Path) -> None:
    assert glutamate(USUAL.replace("80.5", "200"), "alma-glutamate-high", tmp_path, MAN_OF_33).value == "high"


def test_an_age_that_is_not_known_fits_no_limit(tmp_path: Path) -> None:
    assert (
        glutamate(USUAL + "from_years = 18", "felix-unclassified", tmp_path, Patient(None, "")).value == "unclassified"
    )


def test_without_a_file_nothing_is_built_in() -> None:
    assert vocabulary_with(None).site_intervals == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (USUAL.replace("umol/L", "mg/dL"), "intervals.toml:6: interval.0.unit"),
        (USUAL.replace("24", "90"), "is not above low"),
        (USUAL.replace("24", "90").replace('source = "laboratory handbook 2026"', ""), "is not above low"),
        (USUAL.replace("24", "-1"), "interval.0.low"),
        (USUAL.replace("glutamate", "glutamine"), "interval.0.analyte"),
        (USUAL + 'sexx = "male"', "interval.0.sexx"),
        (USUAL.replace('source = "laboratory handbook 2026"', ""), "interval.0.source"),
        (USUAL + "from_years = 20\nto_years = 10", "10 is below from_years"),
        ("[[interval]", "intervals.toml:1: not TOML"),
        ("interval = 1", "interval is not a list of tables"),
    ],
)
def test_a_mistake_in_the_file_stops_the_start(text: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "intervals.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ContentError) as refused:
        vocabulary_with(file)

    assert problem in str(refused.value)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ContentError):
        vocabulary_with(tmp_path / "none.toml")


def test_values_stay_exact(tmp_path: Path) -> None:
    (tmp_path / "i.toml").write_text(USUAL, encoding="utf-8")

    assert vocabulary_with(tmp_path / "i.toml").site_intervals["glutamate"][0].high == Decimal("80.5")
