"""A short run of the fuzzer, and proof that it would notice. The long run is `make fuzz`."""

import asyncio
from datetime import datetime

import pytest

from tests.security.fuzzing import MARK, Fuzzed, Fuzzer, problem_of

BODIES = 2_000


def test_no_body_breaks_the_service_or_comes_back_in_a_refusal() -> None:
    fuzzed = Fuzzed(seed=2026)
    asyncio.run(fuzzed.send(BODIES))
    assert fuzzed.failures == []
    assert fuzzed.statuses.total() == BODIES


def test_many_of_the_bodies_get_through_to_the_guidance() -> None:
    """Otherwise only the reading of the envelope would be tried."""
    fuzzed = Fuzzed(seed=1)
    asyncio.run(fuzzed.send(400))
    assert fuzzed.statuses[200] > 80
    assert fuzzed.statuses[400] > 80
    assert fuzzed.statuses[412] > 8
    assert fuzzed.server.asked > 100


def test_a_seed_gives_the_same_bodies_again() -> None:
    first, again, other = Fuzzer(7), Fuzzer(7), Fuzzer(8)
    bodies = [first.body() for _ in range(50)]
    assert bodies == [again.body() for _ in range(50)]
    assert bodies != [other.body() for _ in range(50)]


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (500, b"{}", "status 500"),
        (204, b"", "status 204"),
        (200, b"<html>", "the answer is no JSON"),
        (200, b'{"cards":[{"summary":"%b"}]}' % (b"x" * 140), "a card with a long summary"),
        (400, b'{"resourceType":"Patient"}', "a refusal that is no OperationOutcome, or repeats the body"),
        (
            400,
            b'{"resourceType":"OperationOutcome","id":"%b"}' % MARK.encode(),
            "a refusal that is no OperationOutcome",
        ),
    ],
)
def test_the_fuzzer_notices(status: int, body: bytes, problem: str) -> None:
    assert problem in problem_of(status, body)


def test_the_fuzzer_notices_a_bug_of_the_service() -> None:
    def broken_clock() -> datetime:
        raise LookupError

    fuzzed = Fuzzed(seed=1, now=broken_clock)
    asyncio.run(fuzzed.send(100))
    assert any(failure.startswith("status 500") for failure in fuzzed.failures)
