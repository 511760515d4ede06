"""KDIGO acute kidney injury by creatinine: the boundary list of the facts, in exact decimals."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import Origin
from cds_service.clinical.kidney.creatinine import creatinine_results
from cds_service.clinical.kidney.injury import kdigo, read_kidney_injury
from cds_service.clinical.patient import Patient
from cds_service.fhir.queries import KIDNEY
from tests.builders import LOINC, concept, observation
from tests.support import NOW, VOCABULARY
from tests.unit.clinical.kidney.charts import chart, finding
from tests.unit.clinical.kidney.charts import creatinine as sent_creatinine


def creatinine(number: int, value: str, when: str, unit: str = "mg/dL") -> dict[str, Any]:
    measured = {"value": Decimal(value), "unit": unit}
    return observation(concept("2160-0", LOINC), id=f"c{number}", effectiveDateTime=when, valueQuantity=measured)


def stage(*values: tuple[str, float], unit: str = "mg/dL") -> int | None:
    """The stage for creatinine values with the hours before now at which they were taken."""
    listed = [
        creatinine(number, value, (NOW - timedelta(hours=hours)).isoformat(), unit)
        for number, (value, hours) in enumerate(values)
    ]
    chart = Chart("p", {KIDNEY: Data(Arrival.GIVEN, tuple(listed))})
    found = kdigo(creatinine_results(chart, VOCABULARY, NOW), NOW)
    return found.stage if found else None


def test_of_several_injuries_the_gravest_counts_and_of_equal_ones_the_latest() -> None:
    def shown(*values: str) -> tuple[int, str, str]:
        days = [(NOW - timedelta(days=len(values) - number)).isoformat() for number in range(len(values))]
        listed = [creatinine(number, value, day) for number, (value, day) in enumerate(zip(values, days, strict=True))]
        chart = Chart("p", {KIDNEY: Data(Arrival.GIVEN, tuple(listed))})
        found = kdigo(creatinine_results(chart, VOCABULARY, NOW), NOW)
        assert found is not None
        return found.stage, found.before.reference, found.after.reference

    assert shown("1.0", "1.6", "3.2") == (3, "Observation/c0", "Observation/c2")
    assert shown("1.0", "3.2", "1.6") == (3, "Observation/c0", "Observation/c1")
    assert shown("1.0", "1.6", "1.7") == (1, "Observation/c0", "Observation/c2")
    assert shown("1.0", "1.7", "1.6") == (1, "Observation/c0", "Observation/c2")


def test_two_values_of_one_instant_are_no_rise() -> None:
    assert stage(("0.8", 5), ("1.6", 5)) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([("0.8", 47), ("1.1", 0)], 1, id="0.3 mg/dL within 47 hours"),
        pytest.param([("0.8", 48), ("1.1", 0)], 1, id="0.3 mg/dL within just 48 hours"),
        pytest.param([("0.8", 49), ("1.1", 0)], None, id="0.3 mg/dL in 49 hours, ratio 1.375"),
        pytest.param([("1.0", 47), ("1.3", 0)], 1, id="1.3 - 1.0, a float trap"),
        pytest.param([("0.9", 47), ("1.2", 0)], 1, id="1.2 - 0.9, the float trap that falls short"),
        pytest.param([("0.6", 47), ("0.9", 0)], 1, id="0.9 - 0.6"),
        pytest.param([("1.2", 47), ("1.5", 0)], 1, id="1.5 - 1.2"),
        pytest.param([("0.8", 47), ("1.09", 0)], None, id="0.29 mg/dL"),
        pytest.param([("1.0", 6 * 24), ("1.5", 0)], 1, id="1.5 times in 6 days"),
        pytest.param([("1.0", 6 * 24), ("1.49", 0)], None, id="1.49 times in 6 days"),
        pytest.param([("1.0", 7 * 24), ("1.5", 0)], 1, id="1.5 times in just 7 days"),
        pytest.param([("1.0", 7 * 24 + 1), ("1.5", 0)], None, id="1.5 times in more than 7 days"),
        pytest.param([("1.0", 6 * 24), ("1.95", 0)], 1, id="1.95 times is below 2.0"),
        pytest.param([("1.0", 6 * 24), ("2.0", 0)], 2, id="2.0 times"),
        pytest.param([("1.0", 6 * 24), ("2.99", 0)], 2, id="2.99 times"),
        pytest.param([("1.0", 6 * 24), ("3.0", 0)], 3, id="3.0 times"),
        pytest.param([("3.7", 47), ("4.0", 0)], 3, id="4.0 mg/dL after meeting the definition"),
        pytest.param([("3.6", 47), ("3.9", 0)], 1, id="3.9 mg/dL is below stage 3"),
        pytest.param([("3.9", 30 * 24), ("4.1", 0)], None, id="3.9 to 4.1 over 30 days is chronic"),
        pytest.param([("2.0", 40), ("1.0", 0)], None, id="a fall is no rise"),
        pytest.param([("1.0", 40)], None, id="one value"),
        pytest.param([("1.0", 40), ("1.0", 0)], None, id="no change"),
        pytest.param([("1.0", 90), ("1.6", 60), ("1.1", 0)], 1, id="a rise that has come down again"),
        pytest.param([("1.4", 100), ("1.0", 90), ("1.5", 0)], 1, id="from the lowest of the 7 days"),
        pytest.param([], None, id="no creatinine"),
    ],
)
def test_the_boundary_list(values: list[tuple[str, float]], expected: int | None) -> None:
    assert stage(*values) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("70", "96", None), ("70", "97", 1), ("70.5", "97", 1), ("71", "97", None)],
)
def test_in_micromoles_the_rise_is_at_least_26_5(before: str, after: str, expected: int | None) -> None:
    assert stage((before, 40), (after, 0), unit="umol/L") == expected


def test_days_without_hours_count_as_within_48_hours_if_they_can_be() -> None:
    listed = (creatinine(1, "0.8", "2026-11-20"), creatinine(2, "1.1", "2026-11-23"))
    chart = Chart("p", {KIDNEY: Data(Arrival.GIVEN, listed)})

    found = kdigo(creatinine_results(chart, VOCABULARY, NOW), NOW)

    assert found is not None
    assert found.stage == 1


def test_values_with_a_comparator_show_no_injury() -> None:
    listed = [creatinine(1, "0.8", "2026-11-22T08:00:00Z"), creatinine(2, "3.0", "2026-11-23T08:00:00Z")]
    listed[1]["valueQuantity"]["comparator"] = "<"
    chart = Chart("p", {KIDNEY: Data(Arrival.GIVEN, tuple(listed))})

    assert kdigo(creatinine_results(chart, VOCABULARY, NOW), NOW) is None


def rise(*measured: tuple[str, int]) -> str | None:
    """The finding for creatinine in mg/dL, each so many hours before now."""
    results = [
        sent_creatinine(Decimal(mg_dl), day=(NOW - timedelta(hours=hours)).isoformat(), id=f"o{hours}")
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
        sent_creatinine(Decimal(value), day=day, id=day) for value, day in (("2.4", "2026-11-22"), ("1", "2026-11-18"))
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
