"""Places, bulkheads and breakers: who waits, who is refused, who rests. No test waits for time to pass."""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from cds_service.answering import answer
from cds_service.errors import Busy, DataNotObtained
from cds_service.gathering.allowed_servers import BaseUrl
from cds_service.gathering.failures import BUSY, RESTING
from cds_service.gathering.fetching import Limits
from cds_service.gathering.server import FhirServer
from cds_service.gathering.upstreams import Bulkhead, CircuitBreaker, FhirAccess, Pacer, Upstream, Upstreams
from cds_service.gathering.waiting import Places
from cds_service.hooks.cards import to_json
from cds_service.hooks.requests import read_request
from tests.support import CONTENT, NOW, counted_ids, not_done, prefetch_for, request_for, to_bytes

PATIENT = "bruno-glutamate-normal"
LONG = 3600.0


def run(scene: Coroutine[Any, Any, Any]) -> Any:
    """What a scene comes to."""
    return asyncio.run(scene)


# ---------------------------------------------------------------- places


def test_whoever_waited_longest_is_next() -> None:
    async def scene() -> list[int]:
        places, order = Places(lambda: places.taken < 1), list[int]()

        async def visit(number: int) -> None:
            await places.take(LONG)
            order.append(number)
            await asyncio.sleep(0)
            places.give_back()

        await asyncio.gather(*(visit(number) for number in range(5)))
        return order

    assert run(scene()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(20))
def test_no_place_is_lost_or_made_by_those_who_give_up(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311

    async def scene() -> tuple[int, int, int]:
        places, most = Places(lambda: places.taken < 3), 0

        async def visit() -> None:
            nonlocal most
            await places.take(LONG)
            most = max(most, places.taken)
            try:
                for _ in range(choose.randrange(3)):
                    await asyncio.sleep(0)
            finally:
                places.give_back()

        tasks = [asyncio.ensure_future(visit()) for _ in range(60)]
        while not all(task.done() for task in tasks):
            choose.choice(tasks).cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        return places.taken, places.waiting, most

    taken, waiting, most = run(scene())
    assert (taken, waiting) == (0, 0)
    assert most <= 3


def test_who_waits_in_vain_is_told() -> None:
    async def scene() -> int:
        places = Places(lambda: False)
        with pytest.raises(TimeoutError):
            await places.take(0)
        return places.waiting

    assert run(scene()) == 0


# ---------------------------------------------------------------- bulkhead


def test_a_call_that_would_come_too_late_is_refused_at_once_and_one_that_finds_a_place_is_not() -> None:
    async def scene() -> None:
        bulkhead = Bulkhead(1)
        for _ in range(50):
            await bulkhead.enter(1)
            bulkhead.leave(0, 1, was_late=False)  # it typically takes a second
        await bulkhead.enter(0.5)  # there is a place: nobody is refused for what earlier calls took
        with pytest.raises(TimeoutError):
            await bulkhead.enter(1.5)  # a second to wait, and a second to gather

    run(scene())


def places_in(bulkhead: Bulkhead) -> int:
    """How many calls are admitted at a time, found by trying."""

    async def scene() -> int:
        count = 0
        while True:
            try:
                await bulkhead.enter(0)
            except TimeoutError:
                break
            count += 1
        for _ in range(count):
            bulkhead.give_up()
        return count

    count: int = run(scene())
    return count


def test_the_bound_is_lower_while_calls_are_late_and_rises_again() -> None:
    bulkhead = Bulkhead(16)

    def leave(began: float, now: float, was_late: bool) -> int:
        run(bulkhead.enter(1))
        bulkhead.leave(began, now, was_late)
        return places_in(bulkhead)

    assert leave(0, 1, True) == 11
    assert leave(0, 1, True) == 11  # it was under way at the same time
    bounds = [leave(time, time + 1, True) for time in range(1, 20)]
    assert bounds[-1] == 1  # never none: somebody has to find out that it is over
    bounds = [leave(time, time + 1, False) for time in range(20, 400)]
    assert (bounds[-1], bounds == sorted(bounds)) == (16, True)


# ---------------------------------------------------------------- breaker


def failed(breaker: CircuitBreaker, now: float, times: int = 1) -> None:
    for _ in range(times):
        breaker.end(breaker.begin(), False, now)


def test_a_server_rests_after_failures_in_a_row_and_not_after_others() -> None:
    breaker = CircuitBreaker(failures=3)
    for _ in range(5):
        failed(breaker, 0, 2)
        breaker.end(breaker.begin(), True, 0)
        breaker.end(breaker.begin(), None, 0)
    assert breaker.may_ask(0)
    failed(breaker, 0, 3)
    assert not breaker.may_ask(0)


def rest_of(breaker: CircuitBreaker, since: float) -> float:
    """How long it rests, in tenths of a second."""
    return next(tenths / 10 for tenths in range(10_000) if breaker.may_ask(since + tenths / 10))


def test_the_rest_is_jittered_and_grows_up_to_a_bound_until_a_probe_finds_it_well() -> None:
    rests = []
    for _ in range(30):
        breaker, now = CircuitBreaker(failures=1, rest=10, longest_rest=40), 0.0
        failed(breaker, now)
        rests.append([rest_of(breaker, now)])
        for _ in range(4):
            now += rests[-1][-1]
            failed(breaker, now)
            rests[-1].append(rest_of(breaker, now))
        breaker.end(breaker.begin(), True, now)
        assert not breaker.is_open
    for expected, found in zip((10, 20, 40, 40, 40), zip(*rests, strict=True), strict=True):
        assert all(0.5 * expected <= rest <= 1.5 * expected + 0.1 for rest in found)
        assert len(set(found)) > 1


@pytest.mark.parametrize(("worked", "is_open"), [(True, False), (False, True), (None, True)])
def test_one_call_at_a_time_probes_it(worked: bool | None, is_open: bool) -> None:
    breaker = CircuitBreaker(failures=1, rest=1)
    failed(breaker, 0)
    assert breaker.may_ask(2)
    assert breaker.begin() is True
    assert not breaker.may_ask(2)
    breaker.end(True, worked, 2)
    assert breaker.is_open is is_open
    assert breaker.may_ask(2) is (worked is not False)  # one that told nothing leaves the probe to the next


def test_calls_that_began_before_the_rest_do_not_make_it_longer() -> None:
    breaker = CircuitBreaker(failures=2, rest=10, longest_rest=1000)
    probes = [breaker.begin() for _ in range(20)]
    for is_probe in probes:
        breaker.end(is_probe, False, 0)
    assert rest_of(breaker, 0) <= 15.1


# ---------------------------------------------------------------- pacer


def test_answers_without_data_take_turns_by_what_they_cost_and_none_waits_beyond_its_time() -> None:
    async def scene() -> list[bool]:
        pacer, now = Pacer(share=0.5), asyncio.get_running_loop().time()
        for _ in range(100):
            pacer.note(1000)
        return [await pacer.wait(now + until) for until in (500, 0.001, 0.001)]

    assert run(scene()) == [True, False, False]


def test_while_they_cost_nothing_nobody_waits() -> None:
    async def scene() -> list[bool]:
        pacer, now = Pacer(), asyncio.get_running_loop().time()
        return [await pacer.wait(now + LONG) for _ in range(1000)]

    assert run(scene()) == [True] * 1000


# ---------------------------------------------------------------- upstreams


def test_each_client_and_each_server_has_an_upstream_of_its_own() -> None:
    upstreams, access = Upstreams(), FhirAccess()
    bases = [BaseUrl("https", host, port, "/r4") for host in ("a.org", "b.org") for port in (443, 8443)]
    found = [upstreams.find(client, access, base) for client in ("one", "two") for base in bases]
    assert len({id(upstream) for upstream in found}) == 8
    assert upstreams.find("one", access, BaseUrl("https", "a.org", 443, "/another/path")) is found[0]


def test_without_a_list_of_clients_no_caller_makes_it_keep_more_and_more() -> None:
    upstreams = Upstreams()
    for port in range(5000):
        upstreams.find("open", FhirAccess(), BaseUrl("http", "127.0.0.1", port, ""))
    assert len(upstreams) <= 200


def test_all_upstreams_together_have_one_bound() -> None:
    async def scene() -> list[Any]:
        upstreams = Upstreams(calls=1)
        one, other = (
            upstreams.find(client, FhirAccess(), BaseUrl("https", "a.org", 443, "")) for client in ("one", "other")
        )
        first, second = await one.begin_visit(LONG), await other.begin_visit(0)
        first.end(worked=True, was_late=False)
        return [first.failure, second.failure, (await other.begin_visit(0)).failure]

    assert run(scene()) == [None, BUSY, None]


async def full_or_resting(kind: str) -> Upstream:
    """An upstream that admits nobody."""
    upstream = Upstream(access=FhirAccess(connections=1))
    if kind == "busy":
        await upstream.begin_visit(LONG)
    else:
        failed(upstream.breaker, asyncio.get_running_loop().time(), 5)
    return upstream


async def answered(upstream: Upstream, prefetch: Any) -> Any:
    """The cards of a call that names it."""

    def refuse(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing may be asked")

    body = {**request_for(PATIENT, prefetch=prefetch), "fhirServer": "http://127.0.0.1/fhir"}
    base, lists = BaseUrl("http", "127.0.0.1", 80, "/fhir"), CONTENT.vocabulary.code_lists
    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as http:
        source = FhirServer(http, base, "", lists, Limits(deadline=0.05), upstream=upstream)
        result = await answer(read_request(to_bytes(body), "order-sign"), CONTENT, NOW, counted_ids(), source)
    return httpx.Response(200, content=to_json(result.response)).json()["cards"]


@pytest.mark.parametrize(("kind", "failure"), [("busy", BUSY), ("resting", RESTING)])
def test_screens_that_were_not_done_are_named_with_the_reason(kind: str, failure: Any) -> None:
    async def scene() -> Any:
        prefetch = {"patient": prefetch_for(PATIENT)["patient"]}
        return await answered(await full_or_resting(kind), prefetch)

    lines = not_done(run(scene()))
    assert lines
    assert all(failure.reason in line for line in lines if "could not be read" in line)
    for label in ("allergy list", "problem list", "list of active medications", "amino acid results"):
        assert any(label in line for line in lines), label


@pytest.mark.parametrize(("kind", "error"), [("busy", Busy), ("resting", DataNotObtained)])
def test_where_nothing_can_be_said_the_client_may_ask_again_if_the_fault_is_ours(
    kind: str, error: type[Exception]
) -> None:
    async def scene() -> None:
        with pytest.raises(error):
            await answered(await full_or_resting(kind), {})

    run(scene())


@pytest.mark.parametrize("batch", [False, True])
def test_a_client_s_connections_bound_its_calls(batch: bool) -> None:
    assert FhirAccess(batch, connections=64).calls == (64 if batch else 8)
    assert FhirAccess(batch, connections=1).calls == 1
