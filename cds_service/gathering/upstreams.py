"""Keeps FHIR servers apart from each other, and from the calls that need none: bulkheads, and a breaker for each.

An upstream is a FHIR server as one client's entry names it. It has its own connections, its own bound on calls that
gather from it, and its own breaker, so that a server that hangs costs only the calls that name it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import SystemRandom

from cds_service.gathering.allowed_servers import BaseUrl
from cds_service.gathering.failures import BUSY, RESTING, Failure
from cds_service.gathering.fetching import Limits
from cds_service.gathering.pools import Pool
from cds_service.gathering.waiting import Places

_REQUESTS = 8  # of a call without prefetch, about
_SMOOTHING = 0.2  # weight of the newest duration in the typical one
_LOWERED = 0.7  # of a bound, after a call that was late
_MOST_UPSTREAMS = 200  # without a list of clients a caller may name any port of loopback

_LIMITS = Limits()

CountRefused = Callable[[str, str], None]  # by client, and by the kind of the failure


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """How a client's FHIR servers are asked: by one batch or by single requests, and over how many connections."""

    batch: bool = False
    connections: int = 128
    opening: int = 4

    @property
    def calls(self) -> int:
        """How many calls may gather at a time, so that each has a connection for each of its requests."""
        return max(self.connections // (1 if self.batch else _REQUESTS), 1)


class Bulkhead:
    """A bound on the calls that gather at a time. One that would wait too long to gather in time is refused at once.

    The bound is lower while calls are late, whoever is to blame, and rises again with those that are not: each that is
    under way and late takes from those that could be in time.
    """

    def __init__(self, calls: int) -> None:
        self._most, self._bound = calls, float(calls)
        self._places = Places(lambda: self._places.taken < int(self._bound))
        self._typical = 0.0  # seconds that gathering takes
        self._lowered_at = float("-inf")

    @property
    def is_idle(self) -> bool:
        """Whether nobody is in it."""
        return self._places.taken == 0

    async def enter(self, seconds: float) -> None:
        """Enters, at once or after a wait. Raises `TimeoutError` if the rest of these seconds would be too short."""
        if self._places.taken >= int(self._bound):
            rounds = 1 + self._places.waiting // int(self._bound)
            if self._typical * (rounds + 1) > seconds:
                raise TimeoutError
        await self._places.take(max(seconds - self._typical, 0))

    def leave(self, began: float, now: float, was_late: bool) -> None:
        """Leaves, having gathered since a time. `was_late`: something had no answer in time."""
        self._typical += _SMOOTHING * (now - began - self._typical)
        if not was_late:
            self._bound = min(self._bound + 1 / self._bound, self._most)
        elif began >= self._lowered_at:  # of those that were under way together, the first that is late counts
            self._bound, self._lowered_at = max(self._bound * _LOWERED, 1), now
        self.give_up()

    def give_up(self) -> None:
        """Leaves, having gathered nothing."""
        self._places.give_back()


class CircuitBreaker:
    """Lets a server rest after failures in a row; then one call probes it, and a failure makes the next rest longer."""

    def __init__(self, failures: int = 5, rest: float = 1.0, longest_rest: float = 16.0) -> None:
        self._limit, self._rest, self._longest_rest = failures, rest, longest_rest
        self._failures, self._rests_until, self._is_probed = 0, 0.0, False

    @property
    def is_open(self) -> bool:
        """Whether the server rests, or is being probed after that."""
        return self._failures >= self._limit

    def may_ask(self, now: float) -> bool:
        """Whether a call may go ahead."""
        return not self.is_open or (now >= self._rests_until and not self._is_probed)

    def begin(self) -> bool:
        """A call goes ahead; whether it is a probe."""
        self._is_probed = self.is_open
        return self._is_probed

    def end(self, is_probe: bool, worked: bool | None, now: float) -> None:
        """The call is over. `worked` is None if it told nothing about the server."""
        if is_probe:
            self._is_probed = False
        if worked:
            self._failures = 0
        elif worked is False and (is_probe or not self.is_open):  # of calls that began before the rest nothing is new
            self._failures += 1
            if self.is_open:
                rest = self._rest * 2 ** (self._failures - self._limit)
                self._rests_until = now + min(rest, self._longest_rest) * SystemRandom().uniform(0.5, 1.5)


class Pacer:
    """Bounds the share of the process that goes to answers without data, which those who send them again at once could
    take from all other calls: nothing else holds them up."""

    def __init__(self, share: float = 0.03) -> None:
        self._share, self._cost, self._next = share, 0.0, 0.0

    async def wait(self, until: float) -> bool:
        """Waits for the turn of one such answer, or until a time of the loop's clock; whether its turn came."""
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now)
        if turn < until:
            self._next = turn + self._cost / self._share
        await asyncio.sleep(min(turn, until) - now)
        return turn < until

    def note(self, seconds: float) -> None:
        """What one of them took."""
        self._cost += _SMOOTHING * (seconds - self._cost)


class Visit:
    """One call's use of an upstream, from the first request to the end of the answer.

    `failure` says why it may ask nothing. `has_turn` is then False if so many are in that place that its time is up.
    """

    def __init__(self, upstream: "Upstream", failure: Failure | None, has_turn: bool = True) -> None:
        self._upstream, self.failure, self.has_turn = upstream, failure, has_turn
        self._is_probe = failure is None and upstream.breaker.begin()
        self._began = asyncio.get_running_loop().time()

    def end(self, worked: bool | None, was_late: bool) -> None:
        """Ends it. `worked`: whether the server did; None if nothing shows. `was_late`: not all came in time."""
        now = asyncio.get_running_loop().time()
        if self.failure is None:
            self._upstream.breaker.end(self._is_probe, worked, now)
            self._upstream.leave(self._began, now, was_late)
        elif self.has_turn:
            self._upstream.pacer.note(now - self._began)


class Upstream:
    """One FHIR server for one client."""

    def __init__(
        self, client: str = "open", access: FhirAccess | None = None, every: "Upstreams | None" = None
    ) -> None:
        self.client, self.access = client, access or FhirAccess()
        self._every = Upstreams() if every is None else every
        self.pool = Pool(client, self.access.connections, self.access.opening)
        self.breaker = CircuitBreaker()
        self._bulkhead = Bulkhead(self.access.calls)

    @property
    def is_idle(self) -> bool:
        """Whether no call uses it, and nothing would be forgotten with it."""
        return self._bulkhead.is_idle and not self.breaker.is_open

    @property
    def pacer(self) -> Pacer:
        """The pacer of the process."""
        return self._every.pacer

    async def begin_visit(self, seconds: float) -> Visit:
        """The visit of one call that has so many seconds left."""
        until = asyncio.get_running_loop().time() + seconds
        failure = await self._enter(until)
        if failure is None:
            return Visit(self, None)
        self._every.count_refused(self.client, failure.kind)
        return Visit(self, failure, await self.pacer.wait(until))

    async def _enter(self, until: float) -> Failure | None:
        """Enters both bulkheads, or says why not."""
        clock = asyncio.get_running_loop().time
        if not self.breaker.may_ask(clock()):
            return RESTING
        try:
            async with AsyncExitStack() as entered:
                for bulkhead in (self._bulkhead, self._every.bulkhead):
                    await bulkhead.enter(until - clock())
                    entered.callback(bulkhead.give_up)
                if not self.breaker.may_ask(clock()):  # it may have opened meanwhile
                    return RESTING
                entered.pop_all()
                return None
        except TimeoutError:
            return BUSY

    def leave(self, began: float, now: float, was_late: bool) -> None:
        """Ends the visit of a call that was admitted."""
        self._every.bulkhead.leave(began, now, was_late=False)  # by one server that is late no other is bounded
        self._bulkhead.leave(began, now, was_late)
        self._every.set_resting(self.client, self._every.resting()[self.client])


class Upstreams:
    """Every FHIR server that is asked, and the bound on calls that gather from any of them."""

    def __init__(
        self,
        limits: Limits = _LIMITS,
        calls: int = 32,
        count_refused: CountRefused = lambda _client, _kind: None,
        set_resting: Callable[[str, int], None] = lambda _client, _servers: None,
    ) -> None:
        self.limits, self.bulkhead, self.pacer = limits, Bulkhead(calls), Pacer()
        self.count_refused, self.set_resting = count_refused, set_resting
        self._known: dict[tuple[str, str, str, int], Upstream] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, client: str, access: FhirAccess, base: BaseUrl) -> Upstream:
        """The upstream for a server that may be called for this client."""
        key = (client, base.scheme, base.host, base.port)
        if key not in self._known:
            if len(self._known) >= _MOST_UPSTREAMS:
                self._known = {key: upstream for key, upstream in self._known.items() if not upstream.is_idle}
            self._known[key] = Upstream(client, access, self)
        return self._known[key]

    def resting(self) -> Counter[str]:
        """How many FHIR servers rest, by the client whose they are."""
        return Counter(upstream.client for upstream in self._known.values() if upstream.breaker.is_open)
