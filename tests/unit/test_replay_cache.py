"""The replay cache of one process: limited in size, and by time."""

import asyncio
from datetime import datetime, timedelta

import pytest

from cds_service.auth.replay import LocalReplayCache, ReplayCache, Use
from cds_service.errors import StoreDown
from tests.support import NOW

LATER = NOW + timedelta(minutes=5)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def new(cache: LocalReplayCache, jti: str, client: str = "hospital", until: datetime = LATER) -> bool:
    return asyncio.run(cache.is_new_token(client, jti, until))


def test_a_token_is_new_once_for_each_client() -> None:
    cache = LocalReplayCache(Clock())
    assert [new(cache, "a"), new(cache, "a"), new(cache, "b"), new(cache, "a", "clinic")] == [True, False, True, True]


def test_a_name_cannot_run_into_a_nonce() -> None:
    cache = LocalReplayCache(Clock())
    assert [new(cache, "b", "a"), new(cache, "", "ab"), new(cache, "ab", "")] == [True, True, True]


def test_what_has_run_out_is_forgotten() -> None:
    clock = Clock()
    cache = LocalReplayCache(clock)
    assert new(cache, "a")
    clock.now = LATER - timedelta(seconds=1)
    assert not new(cache, "a")
    clock.now = LATER
    assert new(cache, "a", until=LATER + timedelta(minutes=5))


def test_beyond_the_limit_the_oldest_is_forgotten() -> None:
    cache = LocalReplayCache(Clock(), max_tokens=3)
    assert all(new(cache, jti) for jti in "abcd")
    assert [new(cache, jti) for jti in "dcb"] == [False, False, False]
    assert new(cache, "a")


def used(cache: ReplayCache, jti: str) -> Use:
    return asyncio.run(cache.use("hospital", jti, LATER))


class Store:
    """A shared store of which a test says what it answers."""

    def __init__(self, answer: bool | None) -> None:
        self.answer = answer

    async def is_new_token(self, *_: object) -> bool:
        if self.answer is None:
            raise StoreDown
        return self.answer


def test_without_a_store_the_process_remembers_alone() -> None:
    cache = ReplayCache(LocalReplayCache(Clock()))
    assert [used(cache, "a"), used(cache, "a")] == [Use.FIRST, Use.REPEATED]


@pytest.mark.parametrize(("answer", "use"), [(True, Use.FIRST), (False, Use.REPEATED), (None, Use.UNSURE)])
def test_the_store_decides_and_where_it_does_not_only_this_process_has_not_seen_it(
    answer: bool | None, use: Use
) -> None:
    cache = ReplayCache(LocalReplayCache(Clock()), Store(answer))
    assert [used(cache, "a"), used(cache, "a")] == [use, Use.REPEATED]
