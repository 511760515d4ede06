"""For how many days several instructions last together, and what they state of a course at the least."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.facts import State
from cds_service.clinical.orders.duration import concurrent_instructions, least_course_days, read_duration, supply_days
from cds_service.clinical.orders.recognise import Order

Json = Any
UCUM = "http://unitsofmeasure.org"


def lasting(days: Json, unit: str = "d", **members: Json) -> Json:
    """An instruction for so long."""
    bounds = {"value": days, "unit": unit, "code": unit, "system": UCUM}
    return {"timing": {"repeat": {"boundsDuration": bounds}}, **members}


def during(start: str, end: str = "", **members: Json) -> Json:
    """An instruction within a period; an empty day is not stated."""
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    return {"timing": {"repeat": {"boundsPeriod": period}}, **members}


def order(*instructions: Json, **members: Json) -> Order:
    """An order with these instructions."""
    return Order({"id": "d", "dosageInstruction": list(instructions), **members}, (), ("acetylcysteine",))


OPEN, UNREAD = "open-ended", "its duration cannot be read"
NOVEMBER = during("2026-11-01", "2026-11-30")
SUPPLY = {"dispenseRequest": {"expectedSupplyDuration": {"value": 28, "unit": "d", "code": "d"}}}
DURATIONS = {
    "one": (order(lasting(7)), 7, 7),
    "none": (order(), OPEN, 0),
    "one without bounds": (order({}), OPEN, 0),
    "two together": (order(lasting(7), lasting(21)), 21, 21),
    "two together, one without bounds": (order(lasting(7), {}), OPEN, 7),
    "two together, one without bounds, and a supply": (order(lasting(7), {}, **SUPPLY), 28, 7),
    "one after another": (order(lasting(7, sequence=1), lasting(21, sequence=2)), 28, 28),
    "in weeks": (order(lasting(1, "wk", sequence=1), lasting(3, "wk", sequence=2)), 28, 28),
    "one after another, the last without end": (order(lasting(8, sequence=1), {"sequence": 2}), OPEN, 8),
    "two together and one after": (
        order(lasting(7, sequence=1), lasting(3, sequence=1), lasting(4, sequence=2)),
        11,
        11,
    ),
    "equal numbers": (order(lasting(7, sequence=1), lasting(21, sequence=1)), 21, 21),
    "one cannot be read": (order(lasting(7, sequence=1), lasting(7, "x", sequence=2)), UNREAD, 7),
    "the first cannot be read": (order(lasting(7, "x", sequence=1), lasting(7, sequence=2)), UNREAD, 7),
    "zero days": (order(lasting(0)), UNREAD, 0),
    "periods that follow each other": (order(NOVEMBER, during("2026-12-01", "2026-12-10")), 40, 40),
    "periods with a gap": (order(NOVEMBER, during("2026-12-08", "2026-12-10")), 33, 33),
    "periods that overlap": (order(NOVEMBER, during("2026-11-21", "2026-12-10")), 40, 40),
    "a period within another": (order(NOVEMBER, during("2026-11-08", "2026-11-10")), 30, 30),
    "a period without an end": (order(NOVEMBER, during("2026-12-01")), OPEN, 30),
    "a period without a start": (order(during("", "2026-11-30"), during("2026-12-01", "2026-12-10")), UNREAD, 10),
    "a period and a length": (order(NOVEMBER, lasting(7)), 30, 30),
    "the whole period": (order({}, effectiveDosePeriod={"start": "2026-11-01", "end": "2026-11-10"}), 10, 0),
    "the bounds before the whole period": (
        order(lasting(7), effectiveDosePeriod={"start": "2026-11-01", "end": "2026-11-10"}),
        7,
        7,
    ),
    "a supply": (order(**SUPPLY), 28, 0),
}


@pytest.mark.parametrize(("ordered", "days", "least"), DURATIONS.values(), ids=DURATIONS)
def test_what_follows_one_another_adds_and_what_is_together_lasts_as_long_as_its_longest(
    ordered: Order, days: int | str, least: int
) -> None:
    fact = read_duration(ordered)
    assert (fact.note if isinstance(days, str) else fact.value) == days
    assert (fact.state is State.KNOWN) is isinstance(days, int)
    assert least_course_days(ordered) == least


@pytest.mark.parametrize(
    ("request_", "days"),
    [
        pytest.param({"expectedSupplyDuration": {"value": 28, "unit": "d"}}, 28, id="a-supply"),
        pytest.param(
            {"expectedSupplyDuration": {"value": 28, "unit": "d"}, "numberOfRepeatsAllowed": 2}, 84, id="repeats"
        ),
        pytest.param({"expectedSupplyDuration": {"value": 28, "unit": "x"}}, 0, id="a-unit-that-is-not-read"),
        pytest.param({}, 0, id="none"),
    ],
)
def test_a_supply_lasts_as_long_as_its_dispenses_together(request_: Json, days: int) -> None:
    assert supply_days(order(dispenseRequest=request_)) == Decimal(days)


def test_each_stage_holds_what_is_in_force_together() -> None:
    first, second, third = lasting(1, sequence=2), lasting(1, sequence=1), lasting(1, sequence=2)
    assert concurrent_instructions([first, second, third]) == [[second], [first, third]]
    assert concurrent_instructions([]) == []
    assert concurrent_instructions([{}, {}]) == [[{}, {}]]
