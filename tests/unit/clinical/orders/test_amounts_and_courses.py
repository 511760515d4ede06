"""Amounts as people and computers write them, and the least that a course is stated to last."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cds_service.clinical.orders.duration import least_course_days
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.words import read_written_dose
from cds_service.content.loading import load_content

VOCABULARY = load_content(Path(__file__).parents[4] / "cards").vocabulary


def day_count(value: int) -> dict[str, Any]:
    return {"value": value, "unit": "d"}


def order_lasting(repeat: dict[str, Any]) -> Order:
    return Order({"resourceType": "MedicationRequest", "dosageInstruction": [{"timing": {"repeat": repeat}}]}, (), ())


AMOUNTS = {
    "a blank for thousands": ("9 800 mg at once", "9800"),
    "a no-break space": ("9\u00a0800 mg", "9800"),
    "a narrow no-break space": ("9\u202f800 mg", "9800"),
    "a thin space": ("9\u2009800 mg", "9800"),
    "an apostrophe": ("9'800 mg", "9800"),
    "a curly apostrophe": ("9’800 mg", "9800"),
    "a comma": ("9,800 mg", "9800"),
    "a point": ("9.800 mg", "9800"),
    "a blank, and decimals after a comma": ("1 200,5 mg", "1200.5"),
    "two blanks for thousands": ("1 234 567 mg", "1234567"),
    "a comma before decimals": ("2,5 g", "2500"),
    "less than one": ("0.600 g", "600"),
    "a year before": ("2026 600 mg", "600"),
    "four figures after a blank": ("1 6000 mg", "6000"),
    "a number on the line before": ("day 4\n600 mg", "600"),
    "hours before": ("every 8 h 600 mg", "600"),
    "a list number before": ("1. 600 mg", "600"),
}


@pytest.mark.parametrize(("written", "mg"), AMOUNTS.values(), ids=AMOUNTS)
def test_an_amount_in_words_is_read_with_any_sign_between_its_thousands(written: str, mg: str) -> None:
    assert read_written_dose([written], VOCABULARY).mg == Decimal(mg)


COURSES = {
    "a duration": ({"boundsDuration": day_count(30)}, 30),
    "a quantity of DSTU2": ({"boundsQuantity": day_count(30)}, 30),
    "a period": ({"boundsPeriod": {"start": "2026-11-01", "end": "2026-11-08"}}, 8),
    "a range, by its lower end": ({"boundsRange": {"low": day_count(3), "high": day_count(30)}}, 3),
    "a range of long courses": ({"boundsRange": {"low": day_count(14), "high": day_count(30)}}, 14),
    "a range without a lower end": ({"boundsRange": {"high": day_count(30)}}, 0),
    "nothing": ({}, 0),
}


@pytest.mark.parametrize(("repeat", "least"), COURSES.values(), ids=COURSES)
def test_the_least_that_a_course_lasts(repeat: dict[str, Any], least: int) -> None:
    assert least_course_days(order_lasting(repeat)) == least
