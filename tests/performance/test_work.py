"""The work of one call, in bytecode instructions and in memory: independent of the machine and of its load.

The bounds are about one and a half times what was counted: room for a feature and for another version of Python, none
for a mistake such as parsing the prefetch of every order. A function more or less makes no difference to them.
"""

import asyncio
import sys
import tracemalloc
from types import FrameType
from typing import Any

import pytest

from benchmarks.bodies import body
from tests.security.calling import all_at_once, call
from tests.support import NOW, new_client

SERVICE = "/cds-services/acetylcysteine-order-sign"
BOUNDS = {  # drug, orders, results -> instructions
    ("other", 1, 10): 7_000,
    ("other", 1, 1000): 7_000,  # the prefetch is never parsed
    ("other", 10, 10): 20_000,
    ("acetylcysteine", 1, 10): 75_000,
    ("acetylcysteine", 1, 100): 300_000,
}
MAX_BYTES = 60_000  # of memory, for a call about another drug


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


def measure(meter: Any, sent: bytes) -> int:
    """What a meter counts for one answer of a service that has answered before."""
    app = new_client().app
    for _ in range(3):
        assert asyncio.run(call(app, SERVICE, all_at_once(sent))).status == 200

    async def measured() -> int:
        with meter:
            await call(app, SERVICE, all_at_once(sent))
        return int(meter.count)

    return asyncio.run(measured())


@pytest.mark.parametrize(("shape", "bound"), BOUNDS.items(), ids=[" ".join(map(str, shape)) for shape in BOUNDS])
def test_a_call_takes_no_more_instructions_than(shape: tuple[str, int, int], bound: int) -> None:
    drug, orders, results = shape
    assert measure(Instructions(), body(drug, orders, results, NOW)) <= bound


def test_a_call_about_another_drug_takes_little_memory_however_large_its_prefetch() -> None:
    sent = body(results=1000, now=NOW)
    assert len(sent) > 400_000
    assert measure(PeakMemory(), sent) <= MAX_BYTES


def test_a_call_about_acetylcysteine_takes_more_so_that_the_test_above_can_fail() -> None:
    assert measure(PeakMemory(), body("acetylcysteine", 1, 1000, NOW)) > MAX_BYTES
