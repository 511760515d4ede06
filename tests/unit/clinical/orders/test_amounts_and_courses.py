"""Amounts as people and computers write them, and the least that a course is stated to last."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.orders.duration import least_course_days
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.orders.words import read_written_dose
from cds_service.clinical.reading import read_patient_facts
from cds_service.fhir.systems import UCUM
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, VOCABULARY, draft_orders_of


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


def unit(words: str, code: str = "", system: str = "") -> dict[str, Any]:
    return {name: value for name, value in (("unit", words), ("code", code), ("system", system)) if value}


def use_of(name: str, dose: dict[str, Any], frequency: int = 1) -> Any:
    timing = {"repeat": {"frequency": frequency, "period": 1, "periodUnit": "d"}}
    order = {
        "resourceType": "MedicationRequest",
        "id": "draft",
        "medicationCodeableConcept": {"text": name},
        "dosageInstruction": [{"timing": timing, "doseAndRate": [{"doseQuantity": dose}]}],
    }
    chart, drafts = build_chart("p", {}), draft_orders_of(order)
    patient_facts = read_patient_facts(drafts, chart, VOCABULARY, NOW)
    return read_order_facts(drafts, patient_facts, chart, VOCABULARY, NOW)[0]["use"].value


KBV = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_BMP_DOSIEREINHEIT"
UNREAD_UNITS = {
    "grams": (10, unit("grams"), 1, "antidote"),
    "gram": (10, unit("gram"), 1, "antidote"),
    "Gramm": (10, unit("Gramm"), 1, "antidote"),
    "G": (10, unit("G"), 1, "antidote"),
    "G as a code": (10, unit("G", "G", UCUM), 1, "antidote"),
    "few grams": (1, unit("grams"), 2, "other"),
    "grams, often": (2, unit("grams"), 5, "antidote"),
    "grams, less often": (2, unit("grams"), 4, "other"),
    "MG": (9800, unit("MG"), 1, "antidote"),
    "MG, not large": (600, unit("MG"), 2, "other"),
    "Mg is never a megagram": (600, unit("Mg", "Mg", UCUM), 2, "other"),
    "milligrams": (9800, unit("milligrams"), 1, "antidote"),
    "milligrams, just under": (3499, unit("milligrams"), 1, "other"),
    "milligrams, just as large": (3500, unit("milligrams"), 1, "antidote"),
    "thousandths of a gram": (Decimal("1.125"), unit("grams"), 1, "other"),
    "per kg and dose": (70, unit("mg/kg/dose"), 1, "antidote"),
    "per kg and dose by code": (140, unit("mg/kg/dose", "mg/kg{dose}", UCUM), 1, "antidote"),
    "MG/KG": (140, unit("MG/KG"), 1, "antidote"),
    "mg per kg": (140, unit("mg per kg"), 1, "antidote"),
    "g as a code for a single dose": (10, unit("Einzeldosis", "g", KBV), 1, "other"),
    "g twice as a code of another list": (10, unit("g", "g", KBV), 1, "other"),
    "puffs": (10, unit("puffs"), 1, "other"),
}


@pytest.mark.parametrize(("value", "written", "frequency", "use"), UNREAD_UNITS.values(), ids=UNREAD_UNITS)
def test_a_unit_that_is_not_read_may_silence_as_its_words_in_a_text_would(
    value: int, written: dict[str, Any], frequency: int, use: str
) -> None:
    assert use_of("acetylcysteine", {"value": value, **written}, frequency) == use


STRENGTHS = {
    "a point that may be either": ("acetylcysteine 2.500 mg Brausetablette", 4, "antidote"),
    "a comma that may be either": ("acetylcysteine 2,500 mg Brausetablette", 4, "antidote"),
    "grams with a decimal comma": ("acetylcysteine 2,5 g Brausetablette", 4, "antidote"),
    "a blank": ("acetylcysteine 2 500 mg Brausetablette", 4, "antidote"),
    "one of them": ("acetylcysteine 2.500 mg Brausetablette", 1, "other"),
    "two of 1.200": ("acetylcysteine 1.200 mg Tablette", 2, "other"),
    "three of 1.200": ("acetylcysteine 1.200 mg Tablette", 3, "antidote"),
    "no strength": ("acetylcysteine Tablette", 4, "other"),
}


@pytest.mark.parametrize(("name", "tablets", "use"), STRENGTHS.values(), ids=STRENGTHS)
def test_a_strength_that_may_be_read_in_two_ways_counts_as_the_larger(name: str, tablets: int, use: str) -> None:
    assert use_of(name, {"value": tablets, "unit": "tablet"}) == use
