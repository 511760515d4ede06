"""Used tokens, at the rates of busy hospitals: each is new exactly once, whoever asks, however many at a time."""

import asyncio
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cds_service.errors import StoreDown
from cds_service.feedback.records import Records

PROCESSES, TOKENS, TIMES = 3, 400, 4
UNTIL = datetime.now(UTC) + timedelta(hours=1)


def new_records(url: str) -> Records:
    return Records(url, "1", lambda: datetime.now(UTC))


def test_each_token_is_new_once_for_all_who_share_a_database(database: str) -> None:
    async def scene() -> dict[str, int]:
        async with AsyncExitStack() as stack:
            records = [await stack.enter_async_context(new_records(database)) for _ in range(PROCESSES)]
            asked = [(one, f"token-{number}") for number in range(TOKENS) for one in records for _ in range(TIMES)]
            answers = await asyncio.gather(*(one.is_new_token("hospital", jti, UNTIL) for one, jti in asked))
        counts = dict.fromkeys((jti for _, jti in asked), 0)
        for (_, jti), is_new in zip(asked, answers, strict=True):
            counts[jti] += is_new
        return counts

    assert set(asyncio.run(scene()).values()) == {1}


def test_what_a_caller_did_not_wait_for_is_remembered_all_the_same(database: str) -> None:
    async def scene() -> bool:
        async with new_records(database) as records:
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await records.is_new_token("hospital", "one", UNTIL)
            return await records.is_new_token("hospital", "one", UNTIL)

    assert not asyncio.run(scene())


def test_every_caller_of_a_database_that_is_down_is_told(tmp_path: Path) -> None:
    async def scene() -> list[type[BaseException] | bool]:
        async with new_records(f"sqlite:///{tmp_path}") as records:  # a folder is no database
            asked = [records.is_new_token("hospital", str(number), UNTIL) for number in range(5)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            return [answer if isinstance(answer, bool) else type(answer) for answer in answers]

    assert asyncio.run(scene()) == [StoreDown] * 5
