"""What the two paths cost, in calls of functions: the same number in every run on any machine, unlike time.

A bound is about half as much again as was counted (docs/performance.md): room for a feature, none for a mistake such as
parsing the prefetch of every order.
"""

import asyncio
import cProfile
import pstats

import pytest

from benchmarks.bodies import body
from tests.security.calling import all_at_once, call
from tests.support import NOW, new_client

SERVICE = "/cds-services/acetylcysteine-order-sign"
BOUNDS = {  # drug, orders, results -> calls of functions in one answer
    ("other", 1, 10): 650,
    ("other", 1, 1000): 650,  # the prefetch is never parsed
    ("other", 10, 10): 2_070,
    ("acetylcysteine", 1, 10): 7_000,
    ("acetylcysteine", 1, 100): 32_000,
}


def calls(sent: bytes) -> int:
    """Calls of functions for one answer, when everything is warm."""
    app = new_client().app
    for _ in range(3):
        assert asyncio.run(call(app, SERVICE, all_at_once(sent))).status == 200
    profile = cProfile.Profile()

    async def profiled() -> None:
        profile.enable()
        await call(app, SERVICE, all_at_once(sent))
        profile.disable()

    asyncio.run(profiled())
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("shape", "most"), BOUNDS.items(), ids=[" ".join(map(str, one)) for one in BOUNDS])
def test_an_answer_takes_no_more_calls_than(shape: tuple[str, int, int], most: int) -> None:
    drug, orders, results = shape
    assert calls(body(drug, orders, results, NOW)) <= most


def test_the_prefetch_of_another_drug_costs_nothing() -> None:
    assert calls(body(results=1000, now=NOW)) <= calls(body(results=10, now=NOW)) + 5
