"""The plots of glutamate and cystine: every result on record is shown, usable or rejected, with the reason."""

from datetime import timedelta

import pytest

from cds_service.gathering.prefetch import build_chart
from cds_service.pages.plotting import HEIGHT, WIDTH, Plot, make_plots
from tests.support import CONTENT, NOW, PATIENTS, prefetch_for


def drawn(patient: str, days: int = 0) -> dict[str, Plot]:
    chart = build_chart(patient, prefetch_for(patient))
    return {plot.analyte: plot for plot in make_plots(chart, CONTENT.vocabulary, NOW + timedelta(days=days))}


def test_a_result_stands_in_the_band_of_its_interval_or_outside() -> None:
    high, normal = (
        drawn("alma-glutamate-high")["glutamate"].points[0],
        drawn("bruno-glutamate-normal")["glutamate"].points[0],
    )

    assert high.band and normal.band
    assert (high.value, high.class_name, high.reference_range) == ("168 µmol/L", "high", "10–120 µmol/L")
    assert high.y < high.band[1]
    assert normal.band[1] < normal.y < normal.band[3]


def test_cystine_has_a_chart_of_its_own() -> None:
    assert drawn("alma-glutamate-high")["cystine"].points[0].value == "41 µmol/L"


def test_the_treatment_is_shaded_from_its_start_to_today() -> None:
    glutamate = drawn("greta-on-treatment")["glutamate"]
    before, on = glutamate.points

    assert glutamate.treated_since == "1 September 2026"
    assert glutamate.treatment
    assert before.x < glutamate.treatment[0] < on.x < glutamate.treatment[1]
    assert before.value == "131 µmol/L"


@pytest.mark.parametrize("days", [0, 300])
@pytest.mark.parametrize("patient", PATIENTS)
def test_the_time_axis_ends_today(patient: str, days: int) -> None:
    for plot in drawn(patient, days).values():
        assert plot.x_ticks[-1] == (WIDTH - 12, "today")


def test_nobody_is_treated_without_a_medication() -> None:
    assert drawn("alma-glutamate-high")["glutamate"].treatment is None


def test_a_result_that_is_not_used_is_marked_with_the_reason() -> None:
    glutamate = drawn("liam-old-result")["glutamate"]

    assert glutamate.points == ()
    assert {(result.term, result.reason) for result in glutamate.rejected} == {
        ("glutamate in plasma or serum", "it is more than 365 days old"),
        ("glutamate in urine, ratio to creatinine", "a different specimen or measure"),
    }


@pytest.mark.parametrize(
    ("named", "shown_with"), [("Glutamic acid, urine", "glutamate"), ("Cystine, urine", "cystine")]
)
def test_a_result_that_is_only_named_alike_is_shown_once(named: str, shown_with: str) -> None:
    prefetch = prefetch_for("edith-not-measured")
    alike = {
        "resourceType": "Observation",
        "id": "alike",
        "status": "final",
        "code": {"text": named},
        "effectiveDateTime": "2026-11-20",
        "valueQuantity": {"value": 1, "unit": "mg"},
    }
    prefetch["aminoAcids"] = {"resourceType": "Bundle", "entry": [{"resource": alike}]}
    (only,) = make_plots(build_chart("edith-not-measured", prefetch), CONTENT.vocabulary, NOW)

    assert only.analyte == shown_with
    assert [(result.term, result.day) for result in only.rejected] == [(f"“{named}”", "20 November 2026")]


def test_a_result_without_a_range_has_no_band() -> None:
    (point,) = drawn("felix-unclassified")["glutamate"].points

    assert (point.band, point.reference_range, point.class_name) == (None, "", "unclassified")


def test_without_results_there_is_no_chart() -> None:
    assert drawn("edith-not-measured") == {}


@pytest.mark.parametrize("days", [0, 300, 4000])
@pytest.mark.parametrize("patient", PATIENTS)
def test_everything_lies_inside_the_drawing(patient: str, days: int) -> None:
    for plot in drawn(patient, days).values():
        across = [point.x for point in plot.points] + [result.x for result in plot.rejected if result.x is not None]
        across += [x for x, _ in plot.x_ticks] + list(plot.treatment or ())
        up = [point.y for point in plot.points] + [y for y, _ in plot.y_ticks] + [plot.rejected_y]
        bands = [point.band for point in plot.points if point.band]
        assert all(0 <= x <= WIDTH for x in [*across, *(edge for band in bands for edge in (band[0], band[2]))])
        assert all(0 <= y <= HEIGHT for y in [*up, *(edge for band in bands for edge in (band[1], band[3]))])
        assert all(band[0] < band[2] and band[1] < band[3] for band in bands)
