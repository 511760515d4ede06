"""The memory of used tokens in one process: of limited size, and by time."""

import asyncio
from datetime import datetime, timedelta

from cds_service.auth.replay import SeenTokens, TokensOfThisProcess
from tests.support import NOW

LATER = NOW + timedelta(minutes=5)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def new(seen: TokensOfThisProcess | SeenTokens, jti: str, client: str = "hospital", until: datetime = LATER) -> bool:
    return asyncio.run(seen.is_new_token(client, jti, until))


def test_a_token_is_new_once_for_each_client() -> None:
    seen = TokensOfThisProcess(Clock())
    assert [new(seen, "a"), new(seen, "a"), new(seen, "b"), new(seen, "a", "clinic")] == [True, False, True, True]


def test_a_name_cannot_run_into_a_nonce() -> None:
    seen = TokensOfThisProcess(Clock())
    assert [new(seen, "b", "a"), new(seen, "", "ab"), new(seen, "ab", "")] == [True, True, True]


def test_what_has_run_out_is_forgotten() -> None:
    clock = Clock()
    seen = TokensOfThisProcess(clock)
    assert new(seen, "a")
    clock.now = LATER - timedelta(seconds=1)
    assert not new(seen, "a")
    clock.now = LATER
    assert new(seen, "a", until=LATER + timedelta(minutes=5))


def test_beyond_the_limit_the_oldest_is_forgotten() -> None:
    seen = TokensOfThisProcess(Clock(), most=3)
    assert all(new(seen, jti) for jti in "abcd")
    assert [new(seen, jti) for jti in "dcb"] == [False, False, False]
    assert new(seen, "a")


def test_without_a_store_the_process_remembers_alone() -> None:
    seen = SeenTokens(TokensOfThisProcess(Clock()))
    assert [new(seen, "a"), new(seen, "a")] == [True, False]
