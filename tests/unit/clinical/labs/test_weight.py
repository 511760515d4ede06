"""Body weight: the newest plausible one at the patient's age, and what is not used and why."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.facts import State
from cds_service.clinical.labs.weight import Weight, read_weight
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, VOCABULARY, draft_orders_of

UCUM = "http://unitsofmeasure.org"
Json = Any


def weighed(value: Json, taken: str, unit: str = "kg", **members: Json) -> Json:
    """A body weight that was measured on a day."""
    return {
        "resourceType": "Observation",
        "id": f"w-{taken}",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "effectiveDateTime": taken,
        "valueQuantity": {"value": value, "unit": unit, "code": unit, "system": UCUM},
        **members,
    }


def bundle(*observations: Json) -> Json:
    """The answer to the query for body measures."""
    entries = [{"resource": observation} for observation in observations]
    return {"bodyMeasures": {"resourceType": "Bundle", "type": "searchset", "entry": entries}}


def weight(*observations: Json, years: int | None = 50) -> tuple[Decimal, bool] | None:
    """The weight in kg and whether it is recent."""
    found = read_weight(build_chart("p", bundle(*observations)), VOCABULARY, years, NOW).weight
    return (found.kg, found.recent) if found else None


USED = {
    "none": ((), None),
    "one": ((weighed(70, "2026-11-01"),), (70, True)),
    "the newest of two": ((weighed(80, "2026-01-01"), weighed(70, "2026-11-01")), (70, True)),
    "365 days old": ((weighed(70, "2025-11-23"),), (70, True)),
    "366 days old": ((weighed(70, "2025-11-22"),), (70, False)),
    "in grams": ((weighed(35000, "2026-11-01", "g"),), (35, True)),
    "in pounds": ((weighed(100, "2026-11-01", "[lb_av]"),), (Decimal("45.359237"), True)),
    **{
        f"in {unit}": (
            (weighed(100, "2026-11-01", valueQuantity={"value": 100, "unit": unit}),),
            (Decimal("45.359237"), True),
        )
        for unit in ("lb", "lbs", "pound", "pounds")
    },
    "in stones": ((weighed(11, "2026-11-01", "[stone_av]"),), None),
    "zero": ((weighed(0, "2026-11-01"),), None),
    "an older one beside one that is not plausible": (
        (weighed(0, "2026-11-01"), weighed(70, "2026-10-01")),
        (70, False),
    ),
    "an older one that is not plausible": ((weighed(70, "2026-11-01"), weighed(0, "2026-10-01")), (70, True)),
    "an older one beside one that is not read": (
        (weighed(11, "2026-11-01", "[stone_av]"), weighed(70, "2026-10-01")),
        (70, False),
    ),
    "in the future": ((weighed(70, "2026-12-01"),), None),
}


@pytest.mark.parametrize(("observations", "expected"), USED.values(), ids=USED)
def test_the_newest_plausible_weight_is_taken_and_its_age_kept(
    observations: tuple[Json, ...], expected: tuple[Decimal, bool] | None
) -> None:
    assert weight(*observations) == expected


@pytest.mark.parametrize(
    ("years", "kg", "plausible"),
    [
        (18, "24.9", False),
        (18, "25", True),
        (18, "350", True),
        (18, "350.1", False),
        (17, "1.9", False),
        (17, "2", True),
        (17, "150", True),
        (17, "150.1", False),
        (None, "2", True),
        (None, "1.9", False),
        (None, "350", True),
        (None, "350.1", False),
    ],
)
def test_a_weight_is_plausible_by_the_age(years: int | None, kg: str, plausible: bool) -> None:
    assert (weight(weighed(Decimal(kg), "2026-11-01"), years=years) is not None) is plausible


UNUSED = {
    "not plausible": (
        (weighed(400, "2026-11-01"),),
        "weight of 1 November 2026: 400 kg is not plausible, 25 to 350 kg are",
    ),
    "with a comparator": (
        (weighed(0, "2026-11-01", valueQuantity={"value": 150, "unit": "kg", "comparator": ">"}),),
        "weight of 1 November 2026: it is given with < or >",
    ),
    "not read": (
        (weighed(70, "2026-10-01"), weighed(11, "2026-11-01", "[stone_av]")),
        "body weight, 1 November 2026: unit [stone_av] not accepted",
    ),
    "an older one that is not read": ((weighed(70, "2026-11-01"), weighed(11, "2026-10-01", "[stone_av]")), ""),
    "of another patient": ((weighed(11, "2026-11-01", subject={"reference": "Patient/q"}),), ""),
    "without a date": ((weighed(70, "yesterday"),), ""),
    "plausible": ((weighed(70, "2026-11-01"),), ""),
}


@pytest.mark.parametrize(("observations", "unused"), UNUSED.values(), ids=UNUSED)
def test_a_newest_weight_that_is_not_used_is_named(observations: tuple[Json, ...], unused: str) -> None:
    assert read_weight(build_chart("p", bundle(*observations)), VOCABULARY, 50, NOW).unused == unused


def test_the_fact_is_unknown_where_the_newest_weight_is_not_used() -> None:
    empty = dict.fromkeys(("patient", "problemList", "activeMedications"))
    chart = build_chart("p", {**empty, **bundle(weighed(400, "2026-11-01"), weighed(70, "2026-10-01"))})
    fact = read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)["weight"]
    assert (fact.state, fact.note[:25]) == (State.UNKNOWN, "weight of 1 November 2026")
    assert read_weight(chart, VOCABULARY, None, NOW).weight == Weight(Decimal(70), False, "Observation/w-2026-10-01")
