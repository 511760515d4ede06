"""The work of one call, in bytecode instructions and in memory: independent of the machine and of its load.

The bounds are about one and a half times what was counted: room for a feature and for another version of Python, none
for a mistake such as parsing the prefetch of every order. A function more or less makes no difference to them.
"""

import asyncio
import sys
import tracemalloc
from itertools import islice
from types import FrameType
from typing import Any

import pytest

from benchmarks.bodies import body
from benchmarks.charts import bodies
from cds_service.settings import Settings
from tests.security.calling import all_at_once, call
from tests.support import NOW, new_client, request_for, to_bytes

SERVICE = "/cds-services/acetylcysteine-order-sign"
MONITORING = "/cds-services/acetylcysteine-monitoring"
BOUNDS = {  # drug, orders, results -> instructions
    ("other", 1, 10): 7_000,
    ("other", 1, 1000): 7_000,  # the prefetch is never parsed
    ("other", 10, 10): 20_000,
    ("acetylcysteine", 1, 10): 115_000,
    ("acetylcysteine", 1, 100): 440_000,
}
OPENED = {0: 10_000, 6: 17_000, 12: 24_000}  # active medications of a chart without acetylcysteine -> instructions
WORST_SIGN = "\ufdfa"  # stands for eighteen characters
HOSTILE = {  # where the worst of texts stands, as many times as fits -> instructions
    "order": 120_000,
    "problemList": 5_000_000,
    "activeMedications": 5_000_000,
}
MAX_BYTES = 60_000  # of memory, for a call about another drug


def hostile(place: str) -> bytes:
    """A call of 3 MB or more that is filled with the worst of texts in one place."""
    call_body = request_for("bruno-glutamate-normal")
    texts = [{"text": WORST_SIGN * 1000} for _ in range(1000)]
    if place == "order":
        call_body["context"]["draftOrders"]["entry"][0]["resource"]["note"] = texts
    else:
        kind, name = LISTED[place]
        entries = [{"resource": {"resourceType": kind, "status": "active", name: text}} for text in texts]
        call_body["prefetch"][place] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    return to_bytes(call_body)


LISTED = {"problemList": ("Condition", "code"), "activeMedications": ("MedicationRequest", "medicationCodeableConcept")}


class Instructions:
    """Counts the bytecode instructions that are executed inside a `with` block."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> "Instructions":
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.count += event == "opcode"
        return self._trace


class PeakMemory:
    """The most bytes that are allocated at once inside a `with` block."""

    def __enter__(self) -> "PeakMemory":
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.count = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def measure(meter: Any, sent: bytes, service: str = SERVICE) -> int:
    """What a meter counts for one answer of a service that has answered before."""
    app = new_client(Settings(demo=True)).app
    for _ in range(3):
        assert asyncio.run(call(app, service, all_at_once(sent))).status == 200

    async def measured() -> int:
        with meter:
            await call(app, service, all_at_once(sent))
        return int(meter.count)

    return asyncio.run(measured())


@pytest.mark.parametrize(("shape", "bound"), BOUNDS.items(), ids=[" ".join(map(str, shape)) for shape in BOUNDS])
def test_a_call_takes_no_more_instructions_than(shape: tuple[str, int, int], bound: int) -> None:
    drug, orders, results = shape
    assert measure(Instructions(), body(drug, orders, results, NOW)) <= bound


@pytest.mark.parametrize(("medications", "bound"), OPENED.items())
def test_opening_a_chart_without_acetylcysteine_takes_no_more_instructions_than(medications: int, bound: int) -> None:
    charts = (chart for chart in bodies(1000, now=NOW) if chart.count(b'"MedicationRequest"') == medications)
    counted = [measure(Instructions(), chart, MONITORING) for chart in islice(charts, 3)]
    assert len(counted) == 3
    assert max(counted) <= bound, counted


def test_a_call_about_another_drug_takes_little_memory_however_large_its_prefetch() -> None:
    sent = body(results=1000, now=NOW)
    assert len(sent) > 400_000
    assert measure(PeakMemory(), sent) <= MAX_BYTES


def test_a_call_about_acetylcysteine_takes_more_so_that_the_test_above_can_fail() -> None:
    assert measure(PeakMemory(), body("acetylcysteine", 1, 1000, NOW)) > MAX_BYTES


@pytest.mark.parametrize(("place", "bound"), HOSTILE.items(), ids=list(HOSTILE))
def test_the_worst_of_texts_costs_no_more_instructions_than(place: str, bound: int) -> None:
    sent, app, instructions = hostile(place), new_client().app, Instructions()
    assert 3_000_000 < len(sent) < 4_000_000

    async def measured() -> int:
        with instructions:
            return (await call(app, SERVICE, all_at_once(sent))).status

    assert asyncio.run(measured()) == (413 if place == "order" else 200)
    assert instructions.count <= bound, instructions.count
