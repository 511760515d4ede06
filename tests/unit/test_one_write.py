"""What is written during one turn of the event loop leaves in one write."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.serving.transports import GatheringTransport


class Wire(asyncio.Transport):
    """Keeps every write apart, and what else was asked of it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.asked: list[str] = []

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.asked.append("close")

    def abort(self) -> None:
        self.asked.append("abort")

    def write_eof(self) -> None:
        self.asked.append("write_eof")

    def get_write_buffer_size(self) -> int:
        return 10


def wire_after(act: Callable[[GatheringTransport], None]) -> Wire:
    wire = Wire()

    async def run() -> None:
        transport = GatheringTransport(wire, asyncio.get_running_loop())
        act(transport)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(run())
    return wire


def write_twice(transport: GatheringTransport) -> None:
    transport.write(b"head")
    transport.write(b"body")


def test_a_head_and_a_body_leave_together() -> None:
    assert wire_after(write_twice).writes == [b"headbody"]


def test_writes_of_two_turns_leave_apart() -> None:
    def act(transport: GatheringTransport) -> None:
        transport.write(b"one")
        asyncio.get_running_loop().call_soon(transport.write, b"two")

    assert wire_after(act).writes == [b"one", b"two"]


@pytest.mark.parametrize(("end", "written"), [("close", [b"headbody"]), ("write_eof", [b"headbody"]), ("abort", [])])
def test_an_end_writes_what_is_kept_and_an_abort_does_not(end: str, written: list[bytes]) -> None:
    def act(transport: GatheringTransport) -> None:
        write_twice(transport)
        getattr(transport, end)()

    wire = wire_after(act)
    assert wire.writes == written
    assert wire.asked == [end]


def test_what_waits_is_counted_once_everything_is_written() -> None:
    sizes: list[int] = []

    def act(transport: GatheringTransport) -> None:
        write_twice(transport)
        sizes.append(transport.get_write_buffer_size())

    assert wire_after(act).writes == [b"headbody"]
    assert sizes == [10]
