"""The dose per day and the single dose of an order: each way of writing it, and each that cannot be told.

Each row of a table is the order as it was written, what it comes to in mg per day or the reason why that is not
known, and in its id why.
"""

from decimal import Decimal
from itertools import product

import pytest

from cds_service.clinical.orders.counts import is_count
from cds_service.clinical.orders.dose import Dose, read_dose
from cds_service.clinical.orders.recognise import read_order
from cds_service.clinical.orders.strengths import Strength
from cds_service.fhir.quantities import ACCEPTED, Measure, Refusal, read_measure
from tests import builders
from tests.builders import RXNORM, UCUM
from tests.support import VOCABULARY, Json

NO_NUMBER = "its dose is not a plain positive number"
NO_DOSE = "it states no dose"
NO_INSTRUCTION = "one of its dosage instructions cannot be read"
TEXT_ONLY = "its dose is written as text only"
NO_RATE = "it does not say how often"
NO_SUCH_RATE = "its frequency and period cannot be read"
NO_SUCH_TIMING = "its timing is not one that can be read"
CONTRADICTION = "the parts of its timing contradict each other"
NO_STRENGTH = "the strength of one tablet or capsule is not known"
NO_CONCENTRATION = "the strength of the solution is not known"
NO_WEIGHT = "it is ordered per kg and no weight is known"
NO_SUCH_DOSE = "its dose per day is too large or too small to be one"
LONGER = "its maximum is stated for more than a day"
NO_UNIT = "no unit"
UNREADABLE = "any reason"  # the contract wants it unknown; which words say so is the code's own choice


def quantity(value: Json, unit: str = "mg", **members: Json) -> Json:
    """A Quantity, in mg unless the unit says otherwise."""
    return builders.quantity(value, unit, **members)


def rate(frequency: Json, period: Json = 1, unit: str = "d", **members: Json) -> Json:
    """A timing of so many times in so long."""
    return {"repeat": {"frequency": frequency, "period": period, "periodUnit": unit, **members}}


def code(written: str) -> Json:
    """A timing with a code."""
    return {"code": {"coding": [{"code": written}]}}


BID = rate(2)


def r4(dose: Json, timing: Json = BID, **members: Json) -> Json:
    """An instruction of R4 or R5 with one dose quantity."""
    found = {"doseAndRate": [{"doseQuantity": dose}], **members}
    return found if timing is None else {**found, "timing": timing}


def mg(value: Json, timing: Json = BID, **members: Json) -> Json:
    """An instruction of R4 with a dose in mg."""
    return r4(quantity(value), timing, **members)


def between(low: Json, high: Json, timing: Json = BID) -> Json:
    """An instruction of R4 with a dose range."""
    return {"doseAndRate": [{"doseRange": {"low": low, "high": high}}], "timing": timing}


def per(amount: Json, length: Json, unit: str = "d") -> Json:
    """A Ratio: at most so much in so long."""
    return {"numerator": amount, "denominator": quantity(length, unit)}


def needed(value: Json, maximum: Json, timing: Json = None, **members: Json) -> Json:
    """An R4 instruction as needed, with its maximum."""
    return mg(value, timing, asNeededBoolean=True, maxDosePerPeriod=maximum, **members)


def drug(written: str, rxnorm: str = "") -> Json:
    """A medication concept with a text and, where given, an RxNorm code."""
    coding = [{"system": RXNORM, "code": rxnorm}] if rxnorm else []
    return {"text": written, "coding": coding}


def order_of(*instructions: Json, name: str = "acetylcysteine", rxnorm: str = "") -> Json:
    """An R4 order for acetylcysteine with these instructions."""
    return {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "medicationCodeableConcept": drug(name, rxnorm),
        "dosageInstruction": list(instructions),
    }


def dose_of(resource: Json, weight_kg: Decimal | None = None) -> Dose:
    """The dose of an order that must be recognised as acetylcysteine."""
    order = read_order(resource, {}, VOCABULARY)
    assert order is not None, "not recognised as acetylcysteine"
    return read_dose(order, weight_kg, VOCABULARY)


def says(dose: Dose, expected: str) -> None:
    """The dose per day is this number of mg, or this is why it is not known."""
    if expected == UNREADABLE:
        assert isinstance(dose.per_day, Refusal)
        assert dose.per_day.reason
    elif expected[0].isdigit():
        assert dose.per_day == Decimal(expected)
    else:
        assert dose.per_day == Refusal(expected)


TIMINGS = [
    *(
        pytest.param(r4({"value": 600, "unit": unit}), "1200", id=f"600-{unit}")
        for unit in ("milligram", "milligrams", "Milligramm")
    ),
    *(pytest.param(r4({"value": 2, "unit": unit}), "4000", id=f"2-{unit}") for unit in ("gram", "grams", "Gramm")),
    pytest.param(mg(600), "1200", id="twice-a-day"),
    pytest.param(mg(600, rate(1, 8, "h")), "1800", id="every-8-hours"),
    pytest.param(mg(600, rate(1, 6, "h")), "2400", id="every-6-hours"),
    pytest.param(mg(600, rate(4, 24, "h")), "2400", id="four-times-in-24-hours"),
    pytest.param(mg(600, rate(1, 480, "min")), "1800", id="every-480-minutes"),
    pytest.param(mg(600, rate(14, 1, "wk")), "1200", id="fourteen-times-a-week"),
    pytest.param(mg(600, rate(1, 2, "d")), "600", id="every-second-day"),
    pytest.param(mg(3600, rate(1, 48, "h")), "3600", id="every-48-hours-is-the-dose-of-one-day"),
    pytest.param(mg(600, {"repeat": {"period": 1, "periodUnit": "d"}}), "600", id="a-period-alone"),
    pytest.param(mg(600, rate(1, 1, "d", frequencyMax=4)), "2400", id="frequencyMax-is-the-upper-end"),
    pytest.param(mg(600, rate(1, 6, "h", periodMax=8)), "2400", id="the-shorter-period-is-the-upper-end"),
    pytest.param(mg(600, code("QD")), "600", id="QD"),
    pytest.param(mg(600, code("BID")), "1200", id="BID"),
    pytest.param(mg(600, code("TID")), "1800", id="TID"),
    pytest.param(mg(600, code("QID")), "2400", id="QID"),
    pytest.param(mg(600, code("Q4H")), "3600", id="Q4H"),
    pytest.param(mg(600, code("Q6H")), "2400", id="Q6H"),
    pytest.param(mg(600, code("Q8H")), "1800", id="Q8H"),
    pytest.param(mg(600, code("Q12H")), "1200", id="Q12H"),
    pytest.param(mg(600, code("Q24H")), "600", id="Q24H"),
    pytest.param(mg(600, code("q8h")), "1800", id="q8h-in-small-letters"),
    pytest.param(mg(600, {"code": {"text": "TID"}}), "1800", id="TID-as-text"),
    pytest.param(mg(600, {"code": {"text": "tid"}}), "1800", id="tid-as-text-in-small-letters"),
    pytest.param(mg(600, {"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}}), "1200", id="two-times-of-day"),
    pytest.param(mg(600, {"repeat": {"when": ["ACM", "ACV"]}}), "1200", id="before-breakfast-and-dinner"),
    pytest.param(mg(600, {"repeat": {"count": 1}}), "600", id="once"),
    pytest.param(mg(600, {"event": ["2026-11-23"]}), "600", id="on-one-date"),
    pytest.param(mg(600, {**code("TID"), **rate(2)}), CONTRADICTION, id="twice-a-day-coded-TID"),
    pytest.param(mg(600, rate(1, 1, "mo")), "600", id="once-a-month"),
    pytest.param(mg(600, rate("2")), NO_SUCH_RATE, id="a-frequency-in-quotes"),
    pytest.param(mg(600, {"code": {"text": "twice daily"}}), NO_SUCH_TIMING, id="a-timing-in-words"),
    pytest.param(mg(600, None), NO_RATE, id="no-timing"),
]

AMOUNTS = [
    pytest.param(r4(quantity(Decimal("0.6"), "g")), "1200", id="grams"),
    pytest.param(r4(quantity(600_000, "ug")), "1200", id="micrograms"),
    pytest.param(r4({"value": 600_000, "unit": "\u00b5g"}), "1200", id="micrograms-with-the-micro-sign"),
    pytest.param(r4({"value": 600, "unit": "mg"}), "1200", id="a-unit-without-a-code"),
    pytest.param(r4({"value": 600, "code": "mg"}), "1200", id="a-code-without-a-unit"),
    pytest.param(r4(quantity(600.0)), "1200", id="a-float"),
    pytest.param(mg(Decimal("600.5")), "1201", id="a-decimal"),
    pytest.param(mg(0), NO_NUMBER, id="zero"),
    pytest.param(mg(-600), NO_NUMBER, id="negative"),
    pytest.param(mg("600"), NO_NUMBER, id="a-number-in-quotes"),
    pytest.param(mg(True), NO_NUMBER, id="true"),
    pytest.param(mg(None), NO_NUMBER, id="no-number"),
    pytest.param(r4(quantity(600, comparator="<")), NO_NUMBER, id="less-than"),
    pytest.param(r4(quantity(600, comparator=">=")), NO_NUMBER, id="at-least"),
    pytest.param(r4({"value": 600}), NO_UNIT, id="no-unit"),
    pytest.param(r4(quantity(600, "MG")), "unit MG not accepted", id="MG-is-not-mg"),
    pytest.param(r4(quantity(600, "mcg")), "unit mcg not accepted", id="mcg"),
    pytest.param(r4(quantity(2, "sachet")), NO_STRENGTH, id="a-count-of-unknown-strength"),
    pytest.param(r4(quantity(2, "puff")), "unit puff not accepted", id="an-unknown-unit"),
    pytest.param(
        r4({"value": 2, "unit": "puff", "code": "415215001", "system": "http://snomed.info/sct"}),
        "unit puff not accepted",
        id="an-unknown-unit-by-its-words",
    ),
    pytest.param(
        r4({"value": 2, "unit": "tablet", "code": "mg", "system": UCUM}),
        "its unit contradicts itself",
        id="a-tablet-in-mg",
    ),
    pytest.param(r4(quantity(10, "mg/kg/d")), "unit mg/kg/d not accepted", id="a-dose-per-weight-and-day"),
    pytest.param(r4(quantity(600, unit="g", code="mg")), "units mg and g contradict each other", id="mg-and-g"),
    pytest.param(r4({"value": 600, "unit": "g", "code": "mg"}), UNREADABLE, id="mg-and-g-without-a-system"),
    pytest.param(between(quantity(600), quantity(1200)), "2400", id="the-upper-end-of-a-range"),
    pytest.param(between(quantity(600), {"value": 1200}), NO_UNIT, id="an-upper-end-without-a-unit"),
    pytest.param(between(quantity(600), None), NO_NUMBER, id="a-range-without-an-upper-end"),
    pytest.param(between(None, quantity(1200)), "2400", id="a-range-without-a-lower-end"),
    pytest.param(
        {"doseAndRate": [{"doseQuantity": quantity(600)}, {"doseQuantity": quantity(900)}], "timing": BID},
        "1800",
        id="ordered-and-calculated-the-larger-counts",
    ),
    pytest.param(
        {"doseAndRate": [{"doseQuantity": quantity(600)}, {"doseQuantity": quantity(9, "MG")}], "timing": BID},
        "unit MG not accepted",
        id="one-of-two-amounts-cannot-be-read",
    ),
    pytest.param({"doseAndRate": {"doseQuantity": quantity(600)}, "timing": BID}, "1200", id="doseAndRate-no-list"),
    pytest.param({"doseAndRate": [{"rateQuantity": quantity(5, "mL/h")}], "timing": BID}, NO_DOSE, id="only-a-rate"),
    pytest.param({"doseAndRate": [], "timing": BID}, NO_DOSE, id="an-empty-doseAndRate"),
    pytest.param({"timing": BID}, NO_DOSE, id="only-a-timing"),
    pytest.param({}, NO_DOSE, id="an-empty-instruction"),
    pytest.param({"text": "600 mg twice daily"}, TEXT_ONLY, id="text-only"),
    pytest.param({"text": "600 mg twice daily", "timing": BID}, TEXT_ONLY, id="text-and-timing"),
    pytest.param({"patientInstruction": "one in the morning"}, TEXT_ONLY, id="words-for-the-patient-only"),
    pytest.param({"text": " "}, NO_DOSE, id="blank-text"),
    pytest.param({"doseQuantity": quantity(600), "timing": BID}, "1200", id="STU3-doseQuantity"),
    pytest.param({"doseSimpleQuantity": quantity(600), "timing": BID}, "1200", id="STU3-doseSimpleQuantity"),
    pytest.param(
        {"doseRange": {"low": quantity(600), "high": quantity(1200)}, "timing": BID}, "2400", id="STU3-doseRange"
    ),
]

MAXIMA = [
    pytest.param(needed(600, per(quantity(2400), 1)), "2400", id="a-maximum-per-day"),
    pytest.param(needed(600, per(quantity(2400), 24, "h")), "2400", id="a-maximum-per-24-hours"),
    pytest.param(needed(600, per(quantity(1200), 12, "h")), "2400", id="a-maximum-per-12-hours"),
    pytest.param(needed(600, per(quantity(7), 1, "wk")), LONGER, id="a-maximum-per-week"),
    pytest.param(needed(600, per(quantity(7000), 1, "wk"), rate(2)), "1200", id="a-rate-beside-a-maximum-per-week"),
    pytest.param(needed(600, per(quantity(Decimal("2.4"), "g"), 1)), "2400", id="a-maximum-in-grams"),
    pytest.param(needed(600, [per(quantity(2400), 1)]), "2400", id="a-list-of-maxima-in-R5"),
    pytest.param(
        needed(600, [per(quantity(2400), 1), per(quantity(1000), 12, "h"), per(quantity(8400), 1, "wk")]),
        "2000",
        id="the-smallest-of-several-maxima-of-a-day",
    ),
    pytest.param(needed(600, per(quantity(2400), 1), rate(2)), "1200", id="the-rate-below-its-maximum"),
    pytest.param(needed(600, per(quantity(2400), 1), rate(6)), "2400", id="the-maximum-below-its-rate"),
    pytest.param(
        mg(600, None, asNeededCodeableConcept={"text": "cough"}, maxDosePerPeriod=per(quantity(2400), 1)),
        "2400",
        id="as-needed-for-a-reason",
    ),
    pytest.param(
        mg(600, rate(2), asNeededCodeableConcept={"text": "cough"}, maxDosePerPeriod=per(quantity(2400), 1)),
        "1200",
        id="as-needed-for-a-reason-beside-a-rate",
    ),
    pytest.param(mg(600, rate(6), asNeeded=True, maxDosePerPeriod=[per(quantity(2400), 1)]), "2400", id="R5-asNeeded"),
    pytest.param(
        mg(600, rate(6), asNeededFor=[{"text": "cough"}], maxDosePerPeriod=[per(quantity(2400), 1)]),
        "2400",
        id="R5-asNeededFor",
    ),
    pytest.param(
        {"asNeededBoolean": True, "maxDosePerPeriod": per(quantity(2400), 1)}, "2400", id="a-maximum-and-no-dose"
    ),
    pytest.param(mg(600, rate(3), asNeededBoolean=True), "1800", id="as-needed-without-a-maximum-counts-in-full"),
    pytest.param(mg(600, None, asNeededBoolean=True), NO_RATE, id="as-needed-without-maximum-or-rate"),
    pytest.param(
        mg(600, rate(3), asNeededBoolean=False, maxDosePerPeriod=per(quantity(2400), 1)),
        "1800",
        id="not-as-needed-below-its-maximum",
    ),
    pytest.param(mg(600, None, maxDosePerPeriod=per(quantity(2400), 1)), NO_RATE, id="a-maximum-is-no-rate"),
    pytest.param(mg(1200, rate(3), maxDosePerPeriod=per(quantity(2400), 1)), "3600", id="scheduled-above-its-maximum"),
    pytest.param(
        mg(600, {"code": {"text": "as told"}}, maxDosePerPeriod=per(quantity(2400), 1)),
        NO_SUCH_TIMING,
        id="a-maximum-is-no-timing",
    ),
    pytest.param(mg("600", rate(2), maxDosePerPeriod=per(quantity(2400), 1)), NO_NUMBER, id="a-maximum-is-no-dose"),
    pytest.param(needed(600, per(quantity(2400), 1, "mo")), LONGER, id="a-maximum-per-month"),
    pytest.param(needed("600", per(quantity(2400), 1), rate(2)), "2400", id="as-needed-an-unread-dose-has-its-maximum"),
    pytest.param(needed(600, per(quantity(2400, "MG"), 1)), NO_RATE, id="a-maximum-in-an-unknown-unit"),
    pytest.param(needed(600, per(quantity("2400"), 1)), NO_RATE, id="a-maximum-in-quotes"),
    pytest.param(needed(600, per(quantity(2400), 0)), NO_RATE, id="a-maximum-per-no-time"),
    pytest.param(needed(600, per(quantity(2400), -1)), NO_RATE, id="a-maximum-per-negative-time"),
    pytest.param(needed(600, per(quantity(2400), "1")), NO_RATE, id="a-maximum-per-a-time-in-quotes"),
    pytest.param(needed(600, {"numerator": quantity(2400)}), NO_RATE, id="a-maximum-without-a-time"),
    pytest.param(needed(600, "2400 mg per day"), NO_RATE, id="a-maximum-in-words"),
    pytest.param(
        needed(600, {"numerator": quantity(2400), "denominator": {"value": 1, "unit": "d", "code": "wk"}}),
        NO_RATE,
        id="a-maximum-per-day-and-per-week-at-once",
    ),
    pytest.param(
        needed(600, [per(quantity(2400), 1), per(quantity(600, "MG"), 1)]), NO_RATE, id="one-of-two-maxima-unreadable"
    ),
]


@pytest.mark.parametrize(("instruction", "expected"), [*TIMINGS, *AMOUNTS, *MAXIMA])
def test_one_instruction_gives_a_dose_per_day_or_says_why_not(instruction: Json, expected: str) -> None:
    says(dose_of(order_of(instruction)), expected)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        pytest.param([mg(600, rate(1)), mg(1200, rate(1))], "1800", id="two-are-added"),
        pytest.param([mg(600, {"repeat": {"when": [w]}}) for w in ("MORN", "NOON", "EVE")], "1800", id="three-events"),
        pytest.param([mg(600), r4(quantity(600, "MG"))], "unit MG not accepted", id="one-unit-cannot-be-read"),
        pytest.param([r4(quantity(600, "MG")), mg(600)], "unit MG not accepted", id="nor-in-the-other-order"),
        pytest.param([mg(600), mg(600, None)], NO_RATE, id="one-has-no-rate"),
        pytest.param([mg(600), {"text": "and one at night"}], TEXT_ONLY, id="one-is-text-only"),
        pytest.param([mg(600), mg(0)], NO_NUMBER, id="one-is-zero"),
        pytest.param([mg(600), {}], NO_DOSE, id="one-is-empty"),
        pytest.param([mg(600), "and 600 mg at night"], NO_INSTRUCTION, id="one-is-a-bare-string"),
        pytest.param(["600 mg twice daily"], NO_INSTRUCTION, id="the-only-one-is-a-bare-string"),
        pytest.param([mg(600, rate(1)), needed(600, per(quantity(1200), 1))], "1800", id="regular-and-as-needed"),
    ],
)
def test_several_instructions_are_added_and_one_that_cannot_be_read_makes_the_whole_unknown(
    instructions: list[Json], expected: str
) -> None:
    says(dose_of(order_of(*instructions)), expected)


@pytest.mark.parametrize(
    ("instruction", "rxnorm", "expected"),
    [
        pytest.param(r4(quantity(2, "{pill}")), "199650", "2000", id="two-pills-of-500-mg"),
        pytest.param(r4(quantity(1, "TAB")), "199650", "1000", id="TAB-of-500-mg"),
        pytest.param(r4({"value": 2, "unit": "tablets"}), "199650", "2000", id="tablets-of-500-mg"),
        pytest.param(r4({"value": 2, "unit": "capsule", "code": "{capsule}"}), "606971", "2400", id="600-mg-capsule"),
        pytest.param(r4({"value": 1, "unit": "capsules"}), "487181", "1000", id="extended-release-capsule"),
        pytest.param(r4({"value": 1, "unit": "tablet"}), "1145027", "1200", id="the-share-of-a-combination-tablet"),
        pytest.param(r4(quantity(Decimal("0.5"), "{tbl}")), "199650", "500", id="half-a-tablet"),
        pytest.param(r4({"value": 2, "code": "1"}), "606971", "2400", id="a-plain-count"),
        pytest.param(needed(600, per(quantity(4, "{pill}"), 1)), "606971", "2400", id="a-maximum-counted-in-capsules"),
        pytest.param(r4({"value": 1, "unit": "tablet"}), "197", NO_STRENGTH, id="the-ingredient-has-no-strength"),
        pytest.param(r4(quantity(1, "TAB")), "465377", NO_STRENGTH, id="a-solution-counted-in-tablets"),
        pytest.param(r4(quantity(3, "mL")), "465377", "1200", id="3-mL-of-200-mg-per-mL"),
        pytest.param(r4(quantity(3, "ml")), "582119", "1200", id="ml-in-small-letters"),
        pytest.param(r4(quantity(Decimal("0.003"), "L")), "465377", "1200", id="litres"),
        pytest.param(needed(600, per(quantity(12, "mL"), 1)), "465377", "2400", id="a-maximum-as-volume"),
        pytest.param(r4(quantity(3, "mL")), "307718", NO_CONCENTRATION, id="a-solution-of-unknown-strength"),
        pytest.param(r4(quantity(3, "mL")), "199650", NO_CONCENTRATION, id="a-tablet-by-volume"),
        pytest.param(mg(600), "199650", "1200", id="a-mass-needs-no-strength"),
    ],
)
def test_a_count_or_a_volume_needs_the_strength_of_the_code_list(instruction: Json, rxnorm: str, expected: str) -> None:
    says(dose_of(order_of(instruction, name="acetylcysteine", rxnorm=rxnorm)), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Acetylcysteine 600 MG Oral Capsule", "1200", id="as-RxNorm-writes-it"),
        pytest.param("NAC 0.5 g tablet", "1000", id="in-grams"),
        pytest.param("acetylcysteine 600mg capsules", "1200", id="without-a-space"),
        pytest.param("Acetylcysteine Tablet, 200 mg", "400", id="the-form-before-the-strength"),
        pytest.param("ACETYLCYSTEINE 600 MG TABLET", "1200", id="in-capitals"),
        pytest.param("acetylcysteine 600 mg capsule (600 mg)", "1200", id="twice-the-same-strength"),
        pytest.param("Acetylcysteine 12 HR 600 MG Extended Release Oral Tablet", "1200", id="hours-are-no-strength"),
        pytest.param("acetylcysteine 600 mg/5 mL", NO_STRENGTH, id="a-concentration"),
        pytest.param("acetylcysteine 600 mg/5 mL tablet", NO_STRENGTH, id="a-concentration-of-a-tablet"),
        pytest.param("acetylcysteine 600 mg / 5 mL capsule", NO_STRENGTH, id="a-concentration-with-spaces"),
        pytest.param("acetylcysteine 600 mg / mecobalamin 2 mg tablet", NO_STRENGTH, id="a-combination-with-a-slash"),
        pytest.param("acetylcysteine 600 mg + zinc tablet", NO_STRENGTH, id="a-combination-with-a-plus"),
        pytest.param("acetylcysteine and carnitine 600-100 MG tablet", NO_STRENGTH, id="a-combination-with-a-hyphen"),
        pytest.param("Acetylcysteine 1,200 MG Oral Tablet", NO_STRENGTH, id="a-comma-for-thousands"),
        pytest.param("Acetylcysteine 0,5 g tablet", "1000", id="a-comma-for-a-decimal-point"),
        pytest.param("Acetylcystein 2,5 g Brausetablette", "5000", id="a-comma-and-one-figure"),
        pytest.param("Acetylcysteine 0.600 g tablet", "1200", id="three-figures-after-a-nought"),
        pytest.param("Acetylcysteine 0,600 g tablet", "1200", id="three-figures-after-a-nought-and-a-comma"),
        pytest.param("Acetylcysteine 600.00 mg tablet", "1200", id="two-figures-after-a-point"),
        pytest.param("Acetylcystein 1.200 mg Tablette", NO_STRENGTH, id="a-point-that-may-be-either"),
        pytest.param("Acetylcystein 2,500 mg Tablette", NO_STRENGTH, id="a-comma-that-may-be-either"),
        pytest.param("Acetylcystein 1.200 mg (600 mg) Tablette", NO_STRENGTH, id="one-clear-and-one-not"),
        pytest.param("Acetylcystein 1 200 mg (600 mg) Tablette", NO_STRENGTH, id="one-clear-and-one-with-a-blank"),
        pytest.param("Acetylcysteine 1 200 mg tablet", NO_STRENGTH, id="a-space-for-thousands"),
        pytest.param("Acetylcysteine 1\u202f200 mg tablet", NO_STRENGTH, id="a-narrow-space-for-thousands"),
        pytest.param("Acetylcysteine 1'200 mg tablet", NO_STRENGTH, id="an-apostrophe-for-thousands"),
        pytest.param("Acetylcysteine 1.200.000 mg tablet", NO_STRENGTH, id="two-points"),
        pytest.param("acetylcysteine 600 mg, cysteine 100 mg tablet", NO_STRENGTH, id="two-strengths"),
        pytest.param("acetylcysteine 600 mg sachet", "1200", id="a-sachet"),
        pytest.param("ACETYLCYSTEINE 600 MG PO CAPS", "1200", id="caps"),
        pytest.param("Acetylcystein 600 mg Brausetabletten", "1200", id="inside-a-compound"),
        pytest.param("Acetylcysteine 600mg effervescent tablets sugar free", "1200", id="effervescent"),
        pytest.param("acetylcysteine 600 mg powder", NO_STRENGTH, id="no-form-that-is-counted"),
        pytest.param("acetylcysteine 600 mgs tablet", NO_STRENGTH, id="a-longer-word-than-mg"),
        pytest.param("acetylcysteine 600 mcg tablet", NO_STRENGTH, id="micrograms"),
        pytest.param("acetylcysteine tablet", NO_STRENGTH, id="no-strength"),
        pytest.param("acetylcysteine 600 tablet", NO_STRENGTH, id="a-number-without-a-unit"),
        pytest.param("acetylcysteine 0 mg tablet", UNREADABLE, id="a-strength-of-zero"),
    ],
)
def test_the_strength_of_a_tablet_is_taken_from_a_name_that_states_just_one(name: str, expected: str) -> None:
    says(dose_of(order_of(r4({"value": 1, "unit": "tablet"}), name=name)), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("acetylcysteine 100 MG/ML Inhalation Solution", "600", id="as-RxNorm-writes-it"),
        pytest.param("acetylcysteine 200 mg / mL solution", "1200", id="with-spaces"),
        pytest.param("acetylcysteine 600 mg/5 mL", NO_CONCENTRATION, id="per-5-mL"),
        pytest.param("acetylcysteine 2.500 mg/mL", NO_CONCENTRATION, id="a-point-that-may-be-either"),
        pytest.param("acetylcysteine 12,5 % solution", "750", id="percent-with-a-comma"),
        pytest.param("acetylcysteine 12.500 % solution", NO_CONCENTRATION, id="percent-that-may-be-either"),
        pytest.param("acetylcysteine 1,200 mg/mL", NO_CONCENTRATION, id="a-comma-for-thousands"),
        pytest.param("acetylcysteine 1 200 mg/mL", NO_CONCENTRATION, id="a-space-for-thousands"),
        pytest.param("acetylcysteine 100 mg/mL, mesna 200 mg/mL", NO_CONCENTRATION, id="two-concentrations"),
        pytest.param("acetylcysteine 20 % solution", "1200", id="percent"),
        pytest.param("acetylcysteine 10% inhalation", "600", id="percent-without-a-space"),
        pytest.param("acetylcysteine 200 mg/mL (20 %) solution", "1200", id="one-strength-in-two-ways"),
        pytest.param("acetylcysteine 10 % or 20 % solution", NO_CONCENTRATION, id="two-percentages"),
        pytest.param("acetylcysteine 0 % solution", NO_CONCENTRATION, id="nothing-in-it"),
        pytest.param("acetylcysteine 600 mg tablet", NO_CONCENTRATION, id="a-tablet"),
    ],
)
def test_the_strength_of_a_solution_is_taken_from_a_name_that_states_just_one(name: str, expected: str) -> None:
    says(dose_of(order_of(r4(quantity(3, "mL")), name=name)), expected)


def test_the_code_list_comes_before_the_name() -> None:
    says(dose_of(order_of(r4(quantity(1, "TAB")), name="acetylcysteine 600 mg tablet", rxnorm="199650")), "1000")


def test_two_codes_of_different_strength_give_none_and_the_name_does_not_decide() -> None:
    order = order_of(r4(quantity(1, "TAB")), name="acetylcysteine 600 mg tablet")
    order["medicationCodeableConcept"]["coding"] = [{"system": RXNORM, "code": code} for code in ("199650", "606971")]
    says(dose_of(order), NO_STRENGTH)


def test_two_codes_of_one_strength_give_it() -> None:
    order = order_of(r4(quantity(1, "TAB")))
    order["medicationCodeableConcept"]["coding"] = [{"system": RXNORM, "code": code} for code in ("199650", "487181")]
    says(dose_of(order), "1000")


def test_two_names_of_different_strength_give_none() -> None:
    order = order_of(r4(quantity(1, "TAB")), name="acetylcysteine 600 mg tablet")
    order["medicationCodeableConcept"]["coding"] = [{"code": "x", "display": "acetylcysteine 500 mg tablet"}]
    says(dose_of(order), NO_STRENGTH)


@pytest.mark.parametrize(
    ("dose", "weight", "expected"),
    [
        pytest.param(quantity(10, "mg/kg"), "60", "1200", id="10-mg-per-kg-at-60-kg"),
        pytest.param(quantity(Decimal("0.01"), "g/kg"), "60", "1200", id="in-grams-per-kg"),
        pytest.param(quantity(10, "mg/kg"), None, NO_WEIGHT, id="no-weight"),
        pytest.param(quantity(10, "MG/KG"), "60", "unit MG/KG not accepted", id="in-capitals"),
        pytest.param(quantity("10", "mg/kg"), "60", NO_NUMBER, id="a-number-in-quotes"),
        pytest.param(quantity(600), "60", "1200", id="a-plain-dose-needs-no-weight"),
    ],
)
def test_a_dose_per_kg_needs_a_weight(dose: Json, weight: str | None, expected: str) -> None:
    says(dose_of(order_of(r4(dose)), Decimal(weight) if weight else None), expected)


def test_a_maximum_per_kg_is_not_worked_out() -> None:
    says(dose_of(order_of(needed(600, per(quantity(40, "mg/kg"), 1))), Decimal(60)), NO_RATE)


def dstu2() -> Json:
    """An order of DSTU2: another resource type, the dose on the instruction, `periodUnits`."""
    return {
        "resourceType": "MedicationOrder",
        "id": "draft-1",
        "medicationCodeableConcept": drug("acetylcysteine"),
        "dosageInstruction": [
            {
                "doseQuantity": quantity(600),
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnits": "d"}},
                "asNeededBoolean": False,
            }
        ],
    }


def stu3() -> Json:
    """An order of STU3: the dose on the instruction."""
    return order_of({"doseQuantity": quantity(600), "timing": rate(2)})


def sandbox() -> Json:
    """An order as the public sandbox sends it: one object where the specification has a list."""
    return {**order_of(), "dosageInstruction": {"doseAndRate": {"doseQuantity": quantity(600)}, "timing": rate(2)}}


def r5() -> Json:
    """An order of R5: the drug in `medication.concept`, a list of maxima, `asNeeded`."""
    instruction = mg(300, rate(6), asNeeded=True, maxDosePerPeriod=[per(quantity(1200), 1)])
    return {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "medication": {"concept": drug("acetylcysteine")},
        "dosageInstruction": [instruction],
    }


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(dstu2(), id="DSTU2"),
        pytest.param(stu3(), id="STU3"),
        pytest.param(order_of(mg(600)), id="R4"),
        pytest.param(sandbox(), id="R4-with-objects-for-lists"),
        pytest.param(r5(), id="R5"),
    ],
)
def test_one_order_has_one_dose_in_every_fhir_version(order: Json) -> None:
    says(dose_of(order), "1200")


def test_the_strength_of_a_capsule_in_medication_concept_is_found() -> None:
    order = {**r5(), "medication": {"concept": drug("acetylcysteine", "606971")}}
    order["dosageInstruction"] = [r4({"value": 2, "unit": "capsule"})]
    says(dose_of(order), "2400")


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(order_of(), id="an-empty-list"),
        pytest.param({**order_of(), "dosageInstruction": None}, id="null"),
        pytest.param({k: v for k, v in order_of().items() if k != "dosageInstruction"}, id="no-member"),
    ],
)
def test_an_order_without_dosage_states_no_dose(order: Json) -> None:
    assert dose_of(order) == Dose(None)


def test_a_dosage_that_is_a_bare_string_is_unknown_and_not_absent() -> None:
    says(dose_of({**order_of(), "dosageInstruction": "600 mg twice daily"}), NO_INSTRUCTION)


@pytest.mark.parametrize(
    ("instructions", "weight", "single", "per_kg"),
    [
        pytest.param([mg(600)], None, "600", None, id="one"),
        pytest.param([mg(600), mg(8400)], None, "8400", None, id="the-largest-of-several"),
        pytest.param([mg(8400, None)], None, "8400", None, id="known-without-a-rate"),
        pytest.param([mg(8400), r4(quantity(1, "MG"))], None, "8400", None, id="known-beside-an-unreadable-one"),
        pytest.param([between(quantity(600), quantity(1200))], None, "1200", None, id="the-upper-end-of-a-range"),
        pytest.param([r4(quantity(140, "mg/kg"))], None, None, "140", id="per-kg-without-a-weight"),
        pytest.param([r4(quantity(140, "mg/kg"))], "60", "8400", "140", id="per-kg-with-a-weight"),
        pytest.param(
            [r4(quantity(140, "mg/kg")), r4(quantity(70, "mg/kg"))], "60", "8400", "140", id="the-largest-per-kg"
        ),
        pytest.param(
            [between(quantity(70, "mg/kg"), quantity(140, "mg/kg"))], None, None, "140", id="the-upper-end-per-kg"
        ),
        pytest.param(
            [{"doseAndRate": [{"doseQuantity": quantity(n, "mg/kg")} for n in (70, 140, 100)]}],
            None,
            None,
            "140",
            id="the-largest-per-kg-of-one-instruction",
        ),
        pytest.param([{"text": "140 mg/kg"}], "60", None, None, id="text-only"),
    ],
)
def test_the_single_dose_is_the_largest_that_can_be_read(
    instructions: list[Json], weight: str | None, single: str | None, per_kg: str | None
) -> None:
    found = dose_of(order_of(*instructions), Decimal(weight) if weight else None)
    assert found.single == (Decimal(single) if single else None)
    assert found.single_per_kg == (Decimal(per_kg) if per_kg else None)


@pytest.mark.parametrize(
    ("tablets", "expected"),
    [pytest.param(n, str(n * 600 * 3), id=f"{n}-capsules-three-times-a-day") for n in range(1, 5)],
)
def test_counts_and_rates_multiply_exactly(tablets: int, expected: str) -> None:
    says(dose_of(order_of(r4(quantity(tablets, "{cap}"), rate(1, 8, "h")), rxnorm="606971")), expected)


@pytest.mark.parametrize(
    ("instruction", "why"),
    [
        pytest.param(
            needed(600, per(quantity(Decimal("1E+12"), "g"), Decimal("1E-12"))), NO_RATE, id="an-absurd-maximum"
        ),
        pytest.param(mg(600, rate(Decimal("1E+12"), Decimal("1E-12"))), NO_SUCH_RATE, id="an-absurd-rate"),
        pytest.param(mg(Decimal("1E+12"), rate(10)), NO_SUCH_DOSE, id="too-large-a-dose"),
        pytest.param(mg(Decimal("1E-10"), rate(1)), NO_SUCH_DOSE, id="too-small-a-dose"),
    ],
)
def test_absurd_numbers_are_refused_and_raise_nothing(instruction: Json, why: str) -> None:
    says(dose_of(order_of(instruction)), why)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Acetylcysteine 1 MG Oral Tablet", Decimal(1), id="one-mg"),
        pytest.param("Acetylcysteine 0.6 G Oral Tablet", Decimal(600), id="in-grams"),
        pytest.param("Acetylcysteine 0 MG Oral Tablet", Refusal(NO_STRENGTH), id="no-strength-is-nothing"),
        pytest.param("Acetylcysteine 500 MG / 600 MG Oral Tablet", Refusal(NO_STRENGTH), id="two-drugs"),
        pytest.param("Acetylcysteine 600 MG or 200 MG Oral Tablet", Refusal(NO_STRENGTH), id="two-strengths"),
    ],
)
def test_the_strength_in_the_name_of_a_product_is_used_if_there_is_just_one(
    name: str, expected: Decimal | Refusal
) -> None:
    assert dose_of(order_of(r4(quantity(1, "{tbl}"), rate(1)), name=name)).per_day == expected


def test_of_several_maxima_the_smallest_counts_and_one_that_cannot_be_read_makes_them_none() -> None:
    limits = [per(quantity(2400), 1), per(quantity(1000), 1)]
    assert dose_of(order_of(needed(600, limits))).per_day == 1000
    assert dose_of(order_of(needed(600, [*limits, per(quantity(1, "mL"), 1)]))).per_day == Refusal(NO_RATE)
    assert dose_of(order_of(needed(600, [per(quantity(2400), 0)]))).per_day == Refusal(NO_RATE)


# --- several doses in one instruction, and several instructions -------------------------------------------------------

CAPSULES = {"value": 3, "unit": "capsule", "code": "{capsule}", "system": UCUM}


def doses(*stated: tuple[str, Json]) -> Json:
    """An R4 instruction with several doses, each of a kind."""
    return {
        "timing": BID,
        "doseAndRate": [{"type": {"text": kind} if kind else None, "doseQuantity": dose} for kind, dose in stated],
    }


@pytest.mark.parametrize(
    ("instruction", "name", "expected"),
    [
        pytest.param(
            doses(("calculated", quantity(1750)), ("admin-amount", CAPSULES), ("ordered", quantity(1800))),
            "acetylcysteine",
            "3600",
            id="ordered-comes-first",
        ),
        pytest.param(
            doses(("calculated", quantity(1750)), ("", quantity(9000))), "acetylcysteine", "3500", id="then-calculated"
        ),
        pytest.param(
            doses(("ordered", CAPSULES), ("calculated", quantity(1800))),
            "acetylcysteine",
            "3600",
            id="calculated-where-ordered-lacks-a-strength",
        ),
        pytest.param(doses(("", CAPSULES), ("", quantity(1800))), "acetylcysteine", "3600", id="one-dose-in-two-units"),
        pytest.param(
            doses(("", CAPSULES), ("", quantity(1800))),
            "acetylcysteine 600 mg capsule",
            "3600",
            id="one-dose-in-two-units-that-both-are-read",
        ),
        pytest.param(
            doses(("ordered", quantity(1, "MG")), ("", quantity(2, "MG"))),
            "acetylcysteine",
            "unit MG not accepted",
            id="none-can-be-read",
        ),
        pytest.param(
            {
                "timing": BID,
                "doseAndRate": [
                    {"type": {"coding": [{"code": "calculated"}]}, "doseQuantity": quantity(1)},
                    {"type": {"coding": [{"code": "ordered"}]}, "doseQuantity": quantity(2)},
                ],
            },
            "acetylcysteine",
            "4",
            id="a-kind-by-code",
        ),
    ],
)
def test_of_several_doses_of_an_instruction_the_ordered_one_counts(instruction: Json, name: str, expected: str) -> None:
    says(dose_of(order_of(instruction, name=name)), expected)


def during(start: str, end: str) -> Json:
    """A timing twice a day within a period."""
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    return rate(2, boundsPeriod=period)


def lasting(days: int) -> Json:
    """A timing twice a day for some days."""
    return rate(2, boundsDuration={"value": days, "unit": "d", "code": "d", "system": UCUM})


def on_days(*days: str) -> Json:
    """A timing once on each of these days of the week."""
    return {"repeat": {"dayOfWeek": list(days)}}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(on_days("mon"), on_days("tue"), "2400", id="different-days"),
        pytest.param(on_days("mon", "wed"), on_days("tue", "thu"), "2400", id="several-different-days"),
        pytest.param(on_days("mon", "wed"), on_days("wed"), "4800", id="a-day-in-common"),
        pytest.param(on_days("mon"), rate(1), "4800", id="a-day-and-every-day"),
        pytest.param(on_days("mon"), on_days("tue", "someday"), "4800", id="a-day-that-is-not-read"),
    ],
)
def test_only_what_falls_on_the_same_day_of_the_week_is_added(first: Json, second: Json, expected: str) -> None:
    says(dose_of(order_of(mg(2400, first), mg(2400, second))), expected)


NOVEMBER, DECEMBER = during("2026-11-01", "2026-11-30"), during("2026-12-01", "2026-12-31")


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        pytest.param([mg(1200, NOVEMBER), mg(600, DECEMBER)], "2400", id="periods-that-follow-each-other"),
        pytest.param(
            [mg(1200, NOVEMBER), mg(600, during("2026-11-30", "2026-12-31"))], "3600", id="periods-that-share-a-day"
        ),
        pytest.param([mg(1200, during("", "2026-11-30")), mg(600, DECEMBER)], "2400", id="a-period-without-a-start"),
        pytest.param([mg(1200, NOVEMBER), mg(600, during("2026-12-01", ""))], "2400", id="a-period-without-an-end"),
        pytest.param([mg(600, during("2026-11-02", "")), mg(1200, NOVEMBER)], "3600", id="one-goes-on-during-another"),
        pytest.param(
            [mg(1200, NOVEMBER, sequence=1), mg(600, NOVEMBER, sequence=2)], "3600", id="dates-before-numbers"
        ),
        pytest.param([mg(1200, NOVEMBER), mg(600)], "3600", id="only-one-has-dates"),
        pytest.param([mg(1200, during("2026-11", "2026-11")), mg(600, DECEMBER)], "3600", id="months-are-no-days"),
        pytest.param(
            [mg(1200, lasting(7), sequence=1), mg(600, lasting(21), sequence=2)], "2400", id="numbers-in-order"
        ),
        pytest.param(
            [mg(600, sequence=2), mg(1200, lasting(7), sequence=1)], "2400", id="the-last-need-not-say-how-long"
        ),
        pytest.param([mg(1200, sequence=1), mg(600, sequence=2)], "3600", id="none-says-how-long"),
        pytest.param([mg(1200, lasting(7), sequence=1), mg(600, lasting(7))], "3600", id="one-has-no-number"),
        pytest.param([mg(1200, lasting(7), sequence=1), mg(600, lasting(7), sequence=1)], "3600", id="equal-numbers"),
        pytest.param(
            [mg(600, lasting(7), sequence=1), mg(600, lasting(7), sequence=1), mg(900, sequence=2)],
            "2400",
            id="two-together-before-another",
        ),
        pytest.param([mg(1200, lasting(7)), mg(600, lasting(21))], "3600", id="lengths-alone"),
        pytest.param(
            [mg(1200, lasting(7), sequence=1), r4(quantity(1, "MG"), sequence=2)],
            "unit MG not accepted",
            id="a-stage-cannot-be-read",
        ),
    ],
)
def test_of_instructions_that_follow_each_other_the_largest_day_counts(instructions: list[Json], expected: str) -> None:
    says(dose_of(order_of(*instructions)), expected)


def test_what_can_be_read_of_a_day_is_known_beside_what_cannot() -> None:
    dose = dose_of(order_of(mg(600), r4(quantity(1, "MG"))))
    assert dose.per_day == Refusal("unit MG not accepted")
    assert dose.per_day_read == 1200


@pytest.mark.parametrize(
    ("timing", "single", "frequent"),
    [
        pytest.param(rate(1, 24, "h"), Decimal(3600), Decimal(3600), id="daily"),
        pytest.param(rate(1, 25, "h"), Decimal(3600), None, id="more-than-a-day-apart"),
        pytest.param(None, Decimal(3600), Decimal(3600), id="not-said"),
    ],
)
def test_a_dose_that_is_more_than_a_day_apart_is_no_frequent_one(
    timing: Json, single: Decimal, frequent: Decimal | None
) -> None:
    dose = dose_of(order_of(mg(single, timing)))
    assert dose.single == single
    assert dose.frequent_single == frequent


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        pytest.param(
            mg(1200, rate(3), maxDosePerPeriod=per(quantity(2400), 1)),
            "its stated maximum of 2,400 mg per day is less",
            id="less-than-scheduled",
        ),
        pytest.param(mg(1200, rate(2), maxDosePerPeriod=per(quantity(2400), 1)), "", id="as-much-as-scheduled"),
        pytest.param(needed(1200, per(quantity(2400), 1), rate(3)), "", id="as-needed"),
        pytest.param(mg(1200, rate(3), maxDosePerPeriod=per(quantity(2400), 1, "wk")), "", id="for-a-week"),
        pytest.param(mg(1200, None, maxDosePerPeriod=per(quantity(2400), 1)), "", id="no-rate"),
    ],
)
def test_a_maximum_below_what_is_scheduled_is_named(instruction: Json, expected: str) -> None:
    assert dose_of(order_of(instruction)).ceiling == expected


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        pytest.param([mg(600)], "600 mg twice daily", id="twice"),
        pytest.param([mg(1200, rate(1))], "1,200 mg once daily", id="once"),
        pytest.param([mg(600, rate(6))], "", id="too-often-for-a-word"),
        pytest.param([mg(600, rate(1, 2))], "", id="every-other-day"),
        pytest.param([mg(600, None)], "", id="no-rate"),
        pytest.param([r4(quantity(1, "MG"))], "", id="no-dose"),
        pytest.param([mg(600), mg(600)], "", id="two-instructions"),
    ],
)
def test_a_plain_dose_is_said_as_clinicians_say_it(instructions: list[Json], expected: str) -> None:
    assert dose_of(order_of(*instructions)).words == expected


@pytest.mark.parametrize(
    ("instructions", "rxnorm", "expected"),
    [
        pytest.param([r4({"value": 2, "unit": "capsule"})], "606971", True, id="capsules"),
        pytest.param([r4({"value": 2, "unit": "capsule"})], "", True, id="of-unknown-strength"),
        pytest.param([r4({"value": 2, "unit": "capsule"}), mg(600)], "606971", False, id="one-of-two"),
        pytest.param([mg(600)], "606971", False, id="a-mass"),
        pytest.param([r4(quantity(3, "mL"))], "465377", False, id="a-volume"),
        pytest.param([r4(quantity(10, "mg/kg"))], "606971", False, id="per-kg"),
        pytest.param([{"text": "two capsules"}], "606971", False, id="words"),
    ],
)
def test_a_dose_is_counted_if_all_of_it_is(instructions: list[Json], rxnorm: str, expected: bool) -> None:
    assert dose_of(order_of(*instructions, rxnorm=rxnorm), Decimal(60)).is_counted is expected


def test_a_strength_may_stand_in_for_one_that_is_not_known() -> None:
    order = read_order(order_of(r4(quantity(3, "mL")), rxnorm="307718"), {}, VOCABULARY)
    assert order is not None
    assert read_dose(order, None, VOCABULARY).single is None
    assert read_dose(order, None, VOCABULARY, Strength(None, Decimal(200))).single == 600
    assert read_dose(order, None, VOCABULARY).volume == 3


# --- no Quantity is two kinds of dose: the order in which the kinds are looked for says nothing -----------------------

KINDS = ("dose", "volume", "dose per weight")
COUNTS = {row.name for row in VOCABULARY.name_lists["count-unit-words"].rows if row.included} | {
    row.code for row in VOCABULARY.code_lists["count-units"].rows
}
UNITS = sorted({*COUNTS, "", "{dose}", "puff"} | {unit for kind in KINDS for unit in ACCEPTED[kind]})


@pytest.mark.parametrize("system", ["", UCUM, "urn:other"])
def test_no_quantity_can_be_read_as_two_kinds_of_dose(system: str) -> None:
    for written in product(UNITS, UNITS):
        sent = {"value": 1, "code": written[0], "unit": written[1], "system": system}
        measures = [kind for kind in KINDS if isinstance(read_measure(kind, sent), Measure)]
        assert len(measures) + is_count(sent, VOCABULARY) < 2, written
