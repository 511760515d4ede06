"""The doses of an antidote: the label's oral table kilogram by kilogram, and each threshold on both sides.

`silent` means antidote use: no card but the one on hypersensitivity.
"""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.facts import Facts, absent
from cds_service.clinical.labs.weight import Weight
from cds_service.clinical.orders.antidote import Person, antidote_sign
from cds_service.clinical.orders.dose import read_dose
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.orders.indication import read_ordered
from cds_service.clinical.orders.recognise import read_order
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, VOCABULARY, draft_orders_of

Json = Any
RXNORM, UCUM = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://unitsofmeasure.org"
ORAL = {"text": "Oral"}
KEYS = ("patient", "aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels")
EMPTY = dict.fromkeys((*KEYS, "problemList", "allergyList", "activeMedications"))
EVERY_4_HOURS, ONCE = {"repeat": {"frequency": 1, "period": 4, "periodUnit": "h"}}, {"repeat": {"count": 1}}
ONCE_DAILY = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
CAPSULE, VIAL, POWDER = ("606971", ""), ("307719", ""), ("", "acetylcysteine powder")


def quantity(value: Json, unit: str = "mg") -> Json:
    """A Quantity in a UCUM unit."""
    return {"value": value, "unit": unit, "code": unit, "system": UCUM}


def order(
    dose: Json = None, timing: Json = ONCE_DAILY, product: tuple[str, str] = POWDER, route: Json = ORAL, **members: Json
) -> Json:
    """An order with one instruction: a Quantity, or words for a dose."""
    code, name = product
    drug = {"text": name, "coding": [{"system": RXNORM, "code": code}] if code else []}
    instruction = {"timing": timing, "route": route}
    if isinstance(dose, str):
        instruction["text"] = dose
    elif dose:
        instruction["doseAndRate"] = [{"doseQuantity": dose}]
    found = {"resourceType": "MedicationRequest", "id": "d", "medicationCodeableConcept": drug}
    return {**found, "dosageInstruction": [{k: v for k, v in instruction.items() if v is not None}], **members}


def person(years: int | None, kg: Json = None, days_ago: int = 10, **more: Json) -> Json:
    """What was prefetched of a person of an age and a weight."""
    chart: Json = {**EMPTY, **more}
    if years is not None:
        chart["patient"] = {"resourceType": "Patient", "id": "p", "birthDate": f"{2026 - years}-01-01"}
    if kg is not None:
        taken = NOW.date().toordinal() - days_ago
        weight = {
            "resourceType": "Observation",
            "id": "w",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "effectiveDateTime": NOW.date().fromordinal(taken).isoformat(),
            "valueQuantity": quantity(kg, "kg"),
        }
        chart["bodyMeasures"] = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": weight}]}
    return chart


def facts_of(resource: Json, prefetch: Json) -> Facts:
    """The facts of an order for a person."""
    chart, orders = build_chart("p", prefetch), draft_orders_of(resource)
    patient = read_patient_facts(orders, chart, VOCABULARY, NOW)
    return read_order_facts(orders, patient, chart, VOCABULARY, NOW)[0]


def use(resource: Json, prefetch: Json) -> object:
    """The use of an order for a person."""
    return facts_of(resource, prefetch)["use"].value


NOBODY = build_chart("p", EMPTY)


def is_antidote(resource: Json, years: int, kg: int | None) -> bool:
    """The same by reading only what a dose is told by, for the thousands of rows of the table."""
    weight = None if kg is None else Weight(Decimal(kg), recent=True)
    recognised = read_order(resource, {}, VOCABULARY)
    assert recognised is not None
    dose = read_dose(recognised, weight.kg if weight else None, VOCABULARY)
    ordered = read_ordered(recognised, dose, NOBODY, VOCABULARY)
    return bool(antidote_sign(ordered, Person(Decimal(years), weight, absent("none")), VOCABULARY))


# --- the label's oral antidote table (facts, second part 1) -----------------------------------------------------------

MAINTENANCE = {20: 2000, 30: 3000, 40: 3500, 50: 4000, 60: 5000, 70: 5500, 80: 6500, 90: 7000, 100: 7500}
LOADING = {20: 4000, 30: 6000, 40: 7000, 50: 8000, 60: 10000, 70: 11000, 80: 13000, 90: 14000, 100: 15000}
KILOGRAMS = range(5, 151)


def doses(kg: int) -> set[tuple[int, bool]]:
    """The doses in mg of one weight, by calculation and by the table, and whether it is the loading dose."""
    step = min(kg, 100) // 10 * 10  # heavier people get the dose of 100 kg
    by_table = {(LOADING[step], True), (MAINTENANCE[step], False)} if kg >= 20 else set()
    return {(140 * kg, True), (70 * kg, False), *by_table}


def ages(kg: int) -> list[int]:
    """Ages at which a person may have this weight: adults from 25 kg on, children up to 100 kg."""
    possible = {1: kg <= 15, 8: kg <= 60, 15: 25 <= kg <= 100, 50: kg >= 25}
    return [years for years, is_possible in possible.items() if is_possible]


ROWS = [(kg, years, mg, loading) for kg in KILOGRAMS for years in ages(kg) for mg, loading in sorted(doses(kg))]


def written(kg: int, mg: int, loading: bool) -> dict[str, Json]:
    """One dose in every way of writing it: in mg, in mL of either solution, and in words."""
    timing = ONCE if loading else EVERY_4_HOURS
    how_often = "once" if loading else "every 4 hours"
    solutions = {percent: ("", f"Acetylcysteine {percent} % solution") for percent in (10, 20)}
    volumes = {percent: Decimal(mg) / (percent * 10) for percent in solutions}
    return {
        "in mg": order(quantity(mg), timing),
        "in g": order(quantity(Decimal(mg) / 1000, "g"), timing),
        "per kg": order(quantity(Decimal(mg) / kg, "mg/kg"), timing),
        **{f"in mL of {p} %": order(quantity(volumes[p], "mL"), timing, solutions[p]) for p in solutions},
        **{f"in mL of {p} %, strength unknown": order(quantity(volumes[p], "mL"), timing, VIAL) for p in solutions},
        "in words, mg": order(f"{mg:,} mg by mouth {how_often}", None),
        "in words, mL": order(f"{volumes[20]} mL of 20 % solution by mouth {how_often}", None, VIAL),
        "in words, per kg": order(f"{140 if loading else 70} mg / kg by mouth {how_often}", None),
    }


def test_every_row_of_the_label_is_silent_with_a_weight() -> None:
    open_rows = [
        (kg, years, way)
        for kg, years, mg, loading in ROWS
        for way, resource in written(kg, mg, loading).items()
        if not is_antidote(resource, years, kg)
    ]
    assert open_rows == []


def test_without_a_weight_only_the_smallest_doses_of_children_are_not_silent() -> None:
    open_rows = {
        (kg, mg, way)
        for kg, years, mg, loading in ROWS
        for way, resource in written(kg, mg, loading).items()
        if way != "per kg" and not is_antidote(resource, years, None)
    }
    assert {mg for _, mg, _ in open_rows} == {350, 420, 490, 560}  # 70 mg/kg at 5 to 8 kg: no more than 600 mg
    assert {kg for kg, _, _ in open_rows} == {5, 6, 7, 8}


def test_a_month_of_the_doses_of_adults_is_no_antidote_and_more_than_was_studied() -> None:
    bounds = {"boundsDuration": quantity(30, "d")}
    for kg in range(25, 151, 5):
        for mg, _ in doses(kg):
            timing = {"repeat": {**EVERY_4_HOURS["repeat"], **bounds}}
            facts = facts_of(order(quantity(mg), timing), person(50, kg))
            assert facts["use"].value == "other"
            assert facts["dose_per_day"].value == 6 * mg > 2400


# --- each threshold, on both sides ------------------------------------------------------------------------------------


def every(period: int, unit: str) -> Json:
    """A timing once in so long."""
    return {"repeat": {"period": period, "periodUnit": unit}}


ADULT = person(50, 70)
NO_WEIGHT = person(50)
BOUNDARIES = {
    "3,499 mg": (order(quantity(3499)), NO_WEIGHT, "other"),
    "3,500 mg": (order(quantity(3500)), NO_WEIGHT, "antidote"),
    "3.5 g": (order(quantity(Decimal("3.5"), "g")), NO_WEIGHT, "antidote"),
    "3,500 mg of a heavy person": (order(quantity(3500)), person(50, 200), "antidote"),
    "3,500 mg every other day": (order(quantity(3500), every(2, "d")), NO_WEIGHT, "other"),
    "3,500 mg every 25 hours": (order(quantity(3500), every(25, "h")), NO_WEIGHT, "other"),
    "3,500 mg every 24 hours": (order(quantity(3500), every(24, "h")), NO_WEIGHT, "antidote"),
    "3,500 mg without a timing": (order(quantity(3500), None), NO_WEIGHT, "antidote"),
    "9,999 mg per day": (order(quantity(Decimal("3333")), {"code": {"text": "TID"}}), person(50, 70), "other"),
    "10,000 mg per day": (order(quantity(2500), {"code": {"text": "QID"}}), person(50, 70), "antidote"),
    "10,000 mg every other day in parts": (
        order(quantity(2500), {"repeat": {"frequency": 8, "period": 2, "periodUnit": "d"}}),
        NO_WEIGHT,
        "antidote",
    ),
    "69.9 mg/kg": (order(quantity(3000)), person(50, Decimal("42.92")), "other"),
    "70 mg/kg": (order(quantity(3000)), person(50, Decimal("42.85")), "antidote"),
    "2,400 mg and more than 70 mg/kg": (order(quantity(2400)), person(50, 34), "other"),
    "2,401 mg and more than 70 mg/kg": (order(quantity(2401)), person(50, 34), "antidote"),
    "ordered per kg, 69.9 mg/kg": (order(quantity(Decimal("69.9"), "mg/kg")), person(50, 45), "other"),
    "ordered per kg, 70 mg/kg": (order(quantity(70, "mg/kg")), NO_WEIGHT, "antidote"),
    "ordered per kg, at least 70 mg/kg": (order({**quantity(70, "mg/kg"), "comparator": ">="}), NO_WEIGHT, "antidote"),
    "ordered per kg, 60 mg/kg of an adult": (order(quantity(60, "mg/kg")), person(50, 40), "other"),
    "ordered per kg, 60 mg/kg of a child": (order(quantity(60, "mg/kg")), person(8), "antidote"),
    "59.9 mg/kg at 17": (order(quantity(1198)), person(17, 20), "other"),
    "60 mg/kg at 17": (order(quantity(1200)), person(17, 20), "antidote"),
    "60 mg/kg at 18": (order(quantity(2400)), person(18, 40), "other"),
    "60 mg/kg at an unknown age": (order(quantity(2400)), person(None, 40), "other"),
    "60 mg/kg at an unknown age and 24 kg": (order(quantity(1440)), person(None, 24), "antidote"),
    "600 mg at 11 without a weight": (order(quantity(600)), person(11), "other"),
    "601 mg at 11 without a weight": (order(quantity(601)), person(11), "antidote"),
    "601 mg at 12 without a weight": (order(quantity(601)), person(12), "other"),
    "601 mg at 11 with a weight": (order(quantity(601)), person(11, 40), "other"),
    "601 mg at 11 with a weight of 365 days": (order(quantity(601)), person(11, 40, days_ago=365), "other"),
    "601 mg at 11 with a weight of 366 days": (order(quantity(601)), person(11, 40, days_ago=366), "antidote"),
    "601 mg at 11 with a weight that is not plausible": (order(quantity(601)), person(11, 151), "antidote"),
    "601 mg at an unknown age": (order(quantity(601)), person(None), "other"),
    "70 mg/kg by an old weight": (order(quantity(2900)), person(50, 41, days_ago=366), "antidote"),
    "70 mg/kg by a weight of 24.9 kg, no adult's": (order(quantity(2900)), person(50, Decimal("24.9")), "other"),
    "the largest of several doses": (
        order(dosageInstruction=[{"doseQuantity": quantity(mg)} for mg in (600, 3500)]),
        NO_WEIGHT,
        "antidote",
    ),
    "the larger end of a range": (
        order(dosageInstruction=[{"doseRange": {"low": quantity(600), "high": quantity(3500)}}]),
        NO_WEIGHT,
        "antidote",
    ),
    "a dose beside one that cannot be read": (
        order(dosageInstruction=[{"doseQuantity": quantity(1, "x")}, {"doseQuantity": quantity(3500)}]),
        NO_WEIGHT,
        "antidote",
    ),
    "no dose": (order(), NO_WEIGHT, "other"),
}


@pytest.mark.parametrize(("resource", "prefetch", "expected"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_a_dose_as_large_as_an_antidotes_is_one(resource: Json, prefetch: Json, expected: str) -> None:
    assert use(resource, prefetch) == expected


NEBULISED = {"text": "NEB"}
SOLUTIONS = {
    "2,400 mg by mouth": (order(quantity(12, "mL"), product=("", "Acetylcysteine 20 % solution")), "other"),
    "2,401 mg by mouth": (order(quantity(2401), product=VIAL), "antidote"),
    "2,400 mg by mouth in mg": (order(quantity(2400), product=VIAL), "other"),
    "12 mL of unknown strength": (order(quantity(12, "mL"), product=VIAL), "other"),
    "12.1 mL of unknown strength": (order(quantity(Decimal("12.1"), "mL"), product=VIAL), "antidote"),
    "24 mL of 10 %, which are 2,400 mg": (order(quantity(24, "mL"), product=("", "NAC 10 % solution")), "other"),
    "25 mL of a syrup of 20 mg/mL": (order(quantity(25, "mL"), product=("", "acetylcysteine 20 mg/mL syrup")), "other"),
    "13 mL of anything": (order(quantity(13, "mL")), "antidote"),
    "by tube": (order(quantity(3000), product=VIAL, route={"text": "nasogastric tube"}), "antidote"),
    "no route": (order(quantity(3000), product=VIAL, route=None), "antidote"),
    "a route that is not read": (order(quantity(3000), product=VIAL, route={"text": "per pump"}), "antidote"),
    "no dose, by mouth": (order(product=VIAL), "antidote"),
    "no dose, no route": (order(product=VIAL, route=None), "antidote"),
    "words only, by mouth": (order("as directed", product=VIAL), "antidote"),
    "3 mL without a route": (order(quantity(3, "mL"), product=VIAL, route=None), "inhaled"),
    "by name, no dose": (order(product=("", "Acetylcysteine 20% inhalation solution"), route=None), "antidote"),
    "nebulised": (order(quantity(3, "mL"), product=VIAL, route=NEBULISED), "inhaled"),
    "nebulised without a dose": (order(product=VIAL, route=NEBULISED), "inhaled"),
    "a day's worth nebulised": (
        order(quantity(10, "mL"), every(2, "h"), ("", "NAC 20 % solution"), NEBULISED),
        "inhaled",
    ),
    "words of a day's worth nebulised": (order("2 g every 2 hours", None, VIAL, NEBULISED), "inhaled"),
    "much at once, nebulised": (order(quantity(3500), product=VIAL, route=NEBULISED), "antidote"),
    "a capsule in mL": (order(quantity(13, "mL"), product=CAPSULE), "other"),
    "in the eye": (order(quantity(13, "mL"), product=VIAL, route={"text": "eye"}), "ophthalmic"),
    "in the eye, with a word of an antidote": (
        order("paracetamol overdose", product=("", "acetylcysteine"), route={"text": "eye"}),
        "ophthalmic",
    ),
}


@pytest.mark.parametrize(("resource", "expected"), SOLUTIONS.values(), ids=SOLUTIONS)
def test_the_inhalation_solution_is_an_antidote_unless_its_dose_is_small_or_inhaled(
    resource: Json, expected: str
) -> None:
    assert use(resource, ADULT) == expected


def test_a_nebulised_dose_of_a_small_child_stays_inhaled() -> None:
    assert use(order(quantity(600), product=VIAL, route=NEBULISED), person(1, 8)) == "inhaled"
    assert use(order(quantity(600), product=VIAL, route=NEBULISED), person(1)) == "inhaled"
    assert use(order(quantity(700), product=VIAL, route=NEBULISED), person(1)) == "inhaled"


WORDS = {
    "70 mg per kg": "antidote",
    "70 mg/kg": "antidote",
    "140 mg  /  kg once": "antidote",
    "140mg/kg": "antidote",
    "5 mg/kg twice daily": "antidote",
    "load with 4 vials": "antidote",
    "a loading amount, then half": "antidote",
    "one sachet every 4 hours x 17": "antidote",
    "x17": "antidote",
    "3,500 mg": "antidote",
    "3500mg daily": "antidote",
    "3.500 mg": "antidote",
    "3'500 mg": "antidote",
    "3.5 g": "antidote",
    "3,5 g": "antidote",
    "3,500 g": "antidote",
    "3.5 grams": "antidote",
    "3,499 mg": "other",
    "3.49 g": "other",
    "0.350 g": "other",
    "600 mg twice daily": "other",
    "take 4 600 mg capsules": "antidote",
    "10 mL of 4000 mg/10 mL": "other",
    "payload": "other",
    "2,500 mg every 6 hours": "antidote",
    "2,500 mg q6h": "antidote",
    "2,499 mg every 6 hours": "other",
    "1,000 mg every 0 hours": "other",
    "twice daily": "other",
    "1.2.3 mg": "other",
}


@pytest.mark.parametrize(("words", "expected"), WORDS.items(), ids=WORDS)
def test_a_dose_in_words_counts_as_one_in_numbers(words: str, expected: str) -> None:
    assert use(order(words, None), ADULT) == expected


def test_a_dose_in_words_is_weighed_like_one_in_numbers() -> None:
    assert use(order("601 mg daily", None), person(11)) == "antidote"
    assert use(order("600 mg daily", None), person(11)) == "other"
    assert use(order("3,000 mg daily", None), person(50, 42)) == "antidote"


def beside_words(words: str) -> Json:
    """An order for 600 mg with these words in its instruction."""
    return order(dosageInstruction=[{"doseQuantity": quantity(600), "route": ORAL, "text": words}])


IN_NUMBERS = {
    "words beside a dose in numbers": (beside_words("about 5 mg/kg"), "other"),
    "words of an instruction without numbers": (
        order(dosageInstruction=[{"doseQuantity": quantity(600)}, {"text": "then 70 mg/kg"}]),
        "antidote",
    ),
    "words beside a number that cannot be read": (
        order(dosageInstruction=[{"doseQuantity": quantity(1, "dose"), "text": "70 mg/kg"}]),
        "antidote",
    ),
    "a note of an order without a dose": (order(dosageInstruction=[], note=[{"text": "70 mg/kg"}]), "antidote"),
    "a note beside a dose in numbers": (order(quantity(600), note=[{"text": "not 69 mg/kg"}]), "other"),
    "a large dose per kg beside one in numbers": (beside_words("140 mg/kg, then 70 mg/kg"), "antidote"),
    "a large dose per kg in a note": (order(quantity(600), note=[{"text": "0.07 g / kg"}]), "antidote"),
}


@pytest.mark.parametrize(("resource", "expected"), IN_NUMBERS.values(), ids=IN_NUMBERS)
def test_words_count_as_a_dose_only_where_no_number_does(resource: Json, expected: str) -> None:
    assert use(resource, ADULT) == expected


# --- a course that no antidote has ------------------------------------------------------------------------------------


def course(days: Json, mg: int = 3000, **members: Json) -> Json:
    """An order for 12,000 mg per day in four parts, for some days."""
    timing = {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d", "boundsDuration": quantity(days, "d")}}
    return order(quantity(mg), timing, **members)


def supplied(days: Json, dose: Json, product: tuple[str, str] = CAPSULE) -> Json:
    """An order with a supply for some days, of 12,000 mg per day in four parts."""
    supply = {"expectedSupplyDuration": quantity(days, "d")}
    return order(dose, {"code": {"text": "QID"}}, product, dispenseRequest=supply)


def until(end: str) -> Json:
    """A timing four times a day from the day of the call until another, which is not said if it is empty."""
    period = {"start": "2026-11-23", **({"end": end} if end else {})}
    return {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d", "boundsPeriod": period}}


POISONED: Json = {
    "problemList": {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Condition", "id": "c", "code": {"text": "paracetamol overdose"}}}],
    }
}
SIX_DAYS_EACH = [
    {"sequence": n, "doseQuantity": quantity(3500), "timing": {"repeat": {"boundsDuration": quantity(6, "d")}}}
    for n in (1, 2)
]
FIVE_CAPSULES = {"value": 5, "unit": "capsule"}
COURSES = {
    "7 days": (course(7), ADULT, "antidote"),
    "8 days": (course(8), ADULT, "other"),
    "a week and an hour": (course(Decimal("7.05")), ADULT, "other"),
    "8 days of a period": (order(quantity(3000), until("2026-11-30")), ADULT, "other"),
    "7 days of a period": (order(quantity(3000), until("2026-11-29")), ADULT, "antidote"),
    "a period without an end": (order(quantity(3000), until("")), ADULT, "antidote"),
    "twice six days": (order(dosageInstruction=SIX_DAYS_EACH), ADULT, "other"),
    "six days": (order(dosageInstruction=SIX_DAYS_EACH[:1]), ADULT, "antidote"),
    "8 days of capsules": (course(8, product=CAPSULE, route=None), ADULT, "other"),
    "8 days without a route": (course(8, route=None), ADULT, "other"),
    "8 days by a route that is not read": (course(8, route={"text": "per pump"}), ADULT, "antidote"),
    "8 days of an inhalation product without a route": (course(8, product=VIAL, route=None), ADULT, "antidote"),
    "8 days of the inhalation solution by mouth": (course(8, product=VIAL), ADULT, "other"),
    "8 days by a vein": (course(8, route={"text": "IV"}), ADULT, "antidote"),
    "8 days of 70 mg/kg in words": (
        order("70 mg/kg", {"repeat": {"boundsDuration": quantity(8, "d")}}),
        ADULT,
        "other",
    ),
    "8 days, with its own reason": (course(8, reasonCode=[{"text": "paracetamol overdose"}]), ADULT, "antidote"),
    "8 days, with its own words": (course(8, note=[{"text": "Rumack"}]), ADULT, "antidote"),
    "8 days of a small dose, with a poisoning on record": (course(8, 300), person(50, 70, **POISONED), "other"),
    "8 days of a large dose, with a poisoning on record": (course(8), person(50, 70, **POISONED), "antidote"),
    "7 days of a small dose, with a poisoning on record": (course(7, 300), person(50, 70, **POISONED), "antidote"),
    "a supply of 8 days of capsules": (supplied(8, FIVE_CAPSULES), ADULT, "other"),
    "a supply of 7 days of capsules": (supplied(7, FIVE_CAPSULES), ADULT, "antidote"),
    "a supply of 8 days in mg": (supplied(8, quantity(3000)), ADULT, "antidote"),
    "a supply of 8 days of capsules without a code": (
        supplied(8, FIVE_CAPSULES, ("", "acetylcysteine 600 mg capsule")),
        ADULT,
        "antidote",
    ),
    "a supply that cannot be read": (supplied("long", FIVE_CAPSULES), ADULT, "antidote"),
}


@pytest.mark.parametrize(("resource", "prefetch", "expected"), COURSES.values(), ids=COURSES)
def test_an_order_by_mouth_for_more_than_a_week_is_no_antidote(resource: Json, prefetch: Json, expected: str) -> None:
    assert use(resource, prefetch) == expected


def test_both_signs_are_named_where_it_takes_both() -> None:
    note = facts_of(course(8), person(50, 70, **POISONED))["use"].note
    assert note == "a dose per day as large as an antidote's, and signs of acetaminophen poisoning on record"


@pytest.mark.parametrize(("born", "expected"), [("2014", "antidote"), ("2013", "other"), ("2008", "antidote")])
def test_of_a_year_of_birth_the_youngest_age_counts(born: str, expected: str) -> None:
    chart = person(None) if born != "2008" else person(None, 38)
    chart["patient"] = {"resourceType": "Patient", "id": "p", "birthDate": born}
    assert use(order(quantity(601 if born != "2008" else 2300)), chart) == expected
