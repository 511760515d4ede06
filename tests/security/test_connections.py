"""Requests whose head is slow, endless or no HTTP at all, over real sockets: each is ended, and others are answered."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
import uvicorn

from cds_service.app import create_app
from cds_service.serving.protocol import CONFIG, GuardedProtocol
from cds_service.serving.transports import SlowReaders
from cds_service.settings import Settings
from tests.support import CONTENT, request_for, to_bytes

LARGE = 4096
PATIENCE = 30
UNREAD = 50  # their answers are more than what the system holds between two who leave little room
BODY = to_bytes(request_for("bruno-glutamate-normal"))
POST = b"POST /cds-services/acetylcysteine-order-sign HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /cds-services HTTP/1.1\r\nHost: x\r\n\r\n"
CALL = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


class Hasty(GuardedProtocol):
    """The same, with little patience and room, so that tests are quick."""

    head_timeout = 0.1
    max_head_bytes = LARGE


class Patient(GuardedProtocol):
    """The same, with a patience that no test exhausts."""

    head_timeout = 600.0
    max_head_bytes = LARGE


class Connection:
    """One connection to the server, as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Sends bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def response(self) -> tuple[int, dict[str, str], bytes]:
        """Reads one response."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body

    async def ends(self) -> bool:
        """True if the server has closed, and said nothing more."""
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


Connect = Callable[..., Awaitable[Connection]]


@asynccontextmanager
async def serving(protocol: type[GuardedProtocol], **settings: Any) -> AsyncIterator[Connect]:
    """A server on a free port of loopback, and how to connect to it."""
    app = create_app(Settings(**settings), CONTENT)
    options = {**CONFIG, "http": protocol, "timeout_keep_alive": PATIENCE}
    config = uvicorn.Config(app, host="127.0.0.1", port=0, **options)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    opened: list[Connection] = []
    await server.startup()
    server.server_state.default_headers = [(b"date", b"today")]
    port = server.servers[0].sockets[0].getsockname()[1]

    async def connect(room: int | None = None) -> Connection:
        client = socket.socket()
        client.setblocking(False)
        if room is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        opened.append(Connection(*await asyncio.open_connection(sock=client, limit=room or 2**16)))
        return opened[-1]

    try:
        yield connect
    finally:
        for one in opened:
            one.writer.close()
        await server.shutdown()


async def exchange(data: bytes, protocol: type[GuardedProtocol] = Hasty) -> tuple[int, dict[str, str], bytes, bool]:
    """What is answered to these bytes, and whether the connection then ends."""
    async with serving(protocol) as connect:
        connection = await connect()
        await connection.send(data)
        return *await connection.response(), await connection.ends()


REFUSED = {
    "a head that stops": (POST, 408, "timeout"),
    "an address that stops": (POST[:20], 408, "timeout"),
    "one letter": (b"P", 408, "timeout"),
    "a line that is large": (POST + b"X-Large: " + b"x" * LARGE + b"\r\n\r\n", 431, "too-long"),
    "many lines": (POST + b"X-Line: 1\r\n" * (LARGE // 8) + b"\r\n", 431, "too-long"),
    "an address that is large": (b"GET /" + b"x" * LARGE + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "too-long"),
    "a large line that never ends": (POST + b"X-Endless: " + b"x" * (2 * LARGE), 431, "too-long"),
    "an address that never ends": (b"GET /" + b"x" * (2 * LARGE), 431, "too-long"),
    "no HTTP": (b"hello\r\n\r\n", 400, "structure"),
    "the beginning of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "structure"),
    "a length that is no number": (POST + b"Content-Length: many\r\n\r\n", 400, "structure"),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400, "structure"),
    "a length and chunks": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "structure",
    ),
}


@pytest.mark.parametrize(("data", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_head_that_cannot_be_taken_is_refused_and_the_connection_ends(data: bytes, status: int, code: str) -> None:
    answered, headers, body, ended = asyncio.run(exchange(data))
    outcome = msgspec.json.decode(body)
    assert (answered, outcome["resourceType"], outcome["issue"][0]["code"]) == (status, "OperationOutcome", code)
    assert (headers["connection"], headers["content-type"], ended) == ("close", "application/json", True)


def test_a_large_head_is_refused_without_waiting_for_its_end() -> None:
    status, *_ = asyncio.run(exchange(POST + b"X-Endless: " + b"x" * (2 * LARGE), Patient))
    assert status == 431


def test_a_large_head_that_comes_in_small_pieces_is_refused() -> None:
    async def scene() -> int:
        async with serving(Patient) as connect:
            connection = await connect()
            await connection.send(POST)
            small = b"X-Small: " + b"x" * 64 + b"\r\n"
            for _ in range((LARGE - len(POST)) // len(small) + 1):  # the last one is too much
                await connection.send(small)
                await asyncio.sleep(0)
            return (await connection.response())[0]

    assert asyncio.run(scene()) == 431


def test_a_head_of_the_greatest_size_is_taken() -> None:
    async def scene() -> int:
        async with serving(Patient) as connect:
            connection = await connect()
            room = LARGE - len(CALL) + len(BODY) - 40
            await connection.send(CALL.replace(b"Host: x\r\n", b"Host: x\r\nX-Large: " + b"x" * room + b"\r\n"))
            return (await connection.response())[0]

    assert asyncio.run(scene()) == 200


def test_a_head_that_comes_letter_by_letter_in_time_is_taken_and_the_body_does_not_count() -> None:
    async def scene() -> int:
        async with serving(Patient) as connect:
            connection = await connect()
            for at in range(len(CALL)):
                await connection.send(CALL[at : at + 1])
                await asyncio.sleep(0)
            return (await connection.response())[0]

    assert len(CALL) > LARGE
    assert asyncio.run(scene()) == 200


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word() -> None:
    async def scene() -> bool:
        async with serving(Hasty) as connect:
            return await (await connect()).ends()

    assert asyncio.run(scene())


@pytest.mark.parametrize("after", [b"\r\n", b"GET", GET[:-2]], ids=["an empty line", "a word", "a head but its end"])
def test_a_connection_that_was_answered_is_not_kept_by_a_second_head_that_never_ends(after: bytes) -> None:
    async def scene() -> tuple[int, bytes]:
        async with serving(Hasty) as connect:
            connection = await connect()
            await connection.send(GET)
            first = (await connection.response())[0]
            await connection.send(after)
            return first, await connection.reader.read()

    first, rest = asyncio.run(scene())
    assert first == 200
    assert rest.startswith(b"HTTP/1.1 408")


def test_many_calls_on_one_connection_are_answered() -> None:
    async def scene() -> list[int]:
        async with serving(Patient) as connect:
            connection, statuses = await connect(), []
            for data in [GET, CALL] * 10:
                await connection.send(data)
                statuses.append((await connection.response())[0])
            await connection.send(GET + CALL + GET)  # without waiting
            return [*statuses, *[(await connection.response())[0] for _ in range(3)]]

    assert asyncio.run(scene()) == [200] * 23


def test_the_rest_of_a_body_that_was_refused_is_not_waited_for_for_ever() -> None:
    async def scene() -> tuple[int, bool]:
        async with serving(Hasty, max_body_bytes=1000) as connect:
            connection = await connect()
            await connection.send(POST + b"Content-Length: 1000000\r\n\r\n{")
            status = (await connection.response())[0]
            return status, await connection.ends()

    assert asyncio.run(scene()) == (413, True)


def test_a_body_that_is_too_large_is_refused_while_it_is_sent_and_the_sender_hears_it() -> None:
    async def scene() -> tuple[int, int]:
        async with serving(Patient, max_body_bytes=1000) as connect:
            connection = await connect()
            await connection.send(POST + b"Content-Length: 3000000\r\n\r\n" + b" " * 3_000_000)
            refused = (await connection.response())[0]
            await connection.send(GET)
            return refused, (await connection.response())[0]

    assert asyncio.run(scene()) == (413, 200)


def test_a_body_that_stops_is_a_408_and_the_connection_ends() -> None:
    async def scene() -> tuple[int, bool]:
        async with serving(Patient, body_timeout_ms=50) as connect:
            connection = await connect()
            await connection.send(CALL[:-1])
            return (await connection.response())[0], await connection.ends()

    assert asyncio.run(scene()) == (408, True)


def test_while_many_connections_dawdle_another_is_answered() -> None:
    async def scene() -> list[int]:
        async with serving(Patient) as connect:
            for number in range(100):
                await (await connect()).send(CALL[: number * 5])
            good = await connect()
            await good.send(CALL + GET)
            return [(await good.response())[0] for _ in range(2)]

    assert asyncio.run(scene()) == [200, 200]


OTHER = to_bytes(request_for("bruno-glutamate-normal", "amoxicillin"))
CALL_OF_OTHER = POST + b"Content-Length: %d\r\n\r\n" % len(OTHER) + OTHER


@pytest.mark.parametrize("call", [CALL, CALL_OF_OTHER], ids=["with cards", "without"])
@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
def test_the_fast_path_and_fastapi_send_the_same_response(call: bytes, more: bytes) -> None:
    async def scene() -> list[tuple[int, dict[str, str], bytes]]:
        async with serving(Patient) as connect:
            answers = []
            for origin in (b"", b"Origin: http://example.org\r\n"):
                connection = await connect()
                await connection.send(call.replace(b"Host: x\r\n", b"Host: x\r\n" + more + origin))
                answers.append(await connection.response())
                assert not more or await connection.ends()
            return answers

    answers = asyncio.run(scene())
    answers[1][1].pop("vary", None)  # for browsers
    (status, headers, body), (_, same_headers, same_body) = answers
    assert (status, headers["date"], headers) == (200, "today", same_headers)
    assert without_ids(body) == without_ids(same_body)
    assert headers.get("connection") == ("close" if more else None)


class Ending(Patient):
    """The same, of a server that is stopping."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Nothing is kept alive."""
        super().connection_made(transport)
        self.end_keep_alive()


@pytest.mark.parametrize("data", [GET, CALL_OF_OTHER, CALL])
def test_a_stopping_server_says_that_the_connection_closes_and_closes_it(data: bytes) -> None:
    status, headers, _, ended = asyncio.run(asyncio.wait_for(exchange(data, Ending), PATIENCE / 2))
    assert (status, headers["connection"], ended) == (200, "close", True)


class EndingMeanwhile(Patient):
    """The same, where keep-alive ends while requests are in progress."""

    def data_received(self, data: bytes) -> None:
        """The requests have arrived, and none is answered yet."""
        super().data_received(data)
        self.end_keep_alive()


@pytest.mark.parametrize("requests", [1, 3])
def test_requests_in_progress_are_answered_and_the_last_response_says_that_the_connection_closes(requests: int) -> None:
    async def scene() -> tuple[list[str | None], bool]:
        async with serving(EndingMeanwhile) as connect:
            connection = await connect()
            await connection.send(GET * requests)
            answers = [await connection.response() for _ in range(requests)]
            return [headers.get("connection") for _, headers, _ in answers], await connection.ends()

    said, ended = asyncio.run(asyncio.wait_for(scene(), PATIENCE / 2))
    assert said == [None] * (requests - 1) + ["close"]
    assert ended


def without_ids(body: bytes) -> bytes:
    """An answer without what is new in each."""
    return re.sub(rb'"uuid":"[0-9a-f-]{36}"', b"", body)


def test_a_client_of_http_1_0_is_answered_and_the_connection_ends() -> None:
    status, headers, body, ended = asyncio.run(exchange(CALL_OF_OTHER.replace(b"HTTP/1.1", b"HTTP/1.0"), Patient))
    assert (status, headers["connection"], body, ended) == (200, "close", b'{"cards":[]}', True)


class Narrow(Patient):
    """The same, for which each answer that is not yet taken in is one too many."""

    held_up = asyncio.Event()
    most_waiting = 0  # bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The system takes in little, and what it does not take in is noticed."""
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        transport.set_write_buffer_limits(high=1)
        super().connection_made(transport)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self.held_up.set()
        super().pause_writing()

    def on_response_complete(self) -> None:
        """An answer has been given to the system, or waits for it."""
        type(self).most_waiting = max(self.most_waiting, self.transport.get_write_buffer_size())
        super().on_response_complete()


def test_a_client_that_reads_too_slowly_is_waited_for_and_gets_every_answer() -> None:
    async def scene() -> list[tuple[int, dict[str, str], bytes]]:
        async with serving(Narrow) as connect:
            connection = await connect(2048)
            sending = asyncio.create_task(connection.send(CALL * UNREAD))
            await Narrow.held_up.wait()
            answers = [await connection.response() for _ in range(UNREAD)]
            await sending
            return answers

    answers = asyncio.run(scene())
    assert [status for status, _, _ in answers] == [200] * UNREAD
    assert Narrow.most_waiting < 2 * len(answers[0][2])  # one at a time


# ---------------------------------------------------------------- answers before the body has come

LONG = b"x" * 5_000_000
LAST = b"Connection: close\r\n"
EARLY = {
    "too large": (b"POST /cds-services/acetylcysteine-order-sign HTTP/1.1\r\n", b"", 413),
    "not there": (b"POST /nothing HTTP/1.1\r\n", b"", 404),
    "not JSON": (b"POST /cds-services/acetylcysteine-order-sign HTTP/1.1\r\n", b"Content-Type: text/plain\r\n", 415),
    "not allowed": (b"POST /cds-services HTTP/1.1\r\n", b"", 405),
    "HTTP/1.0": (b"POST /nothing HTTP/1.0\r\n", b"", 404),
}


@pytest.mark.parametrize(("line", "more", "status"), EARLY.values(), ids=EARLY)
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
def test_who_sends_all_of_a_refused_body_sees_the_answer_and_then_the_end(
    line: bytes, more: bytes, status: int, chunked: bool
) -> None:
    framing = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: %d\r\n" % len(LONG)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(LONG), LONG) if chunked else LONG

    async def scene() -> tuple[int, bool]:
        async with serving(Patient) as connect:
            connection = await connect()
            await connection.send(line + b"Host: x\r\n" + LAST + more + framing + b"\r\n" + body)
            return (await connection.response())[0], await connection.ends()

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE)) == (status, True)


class Brief(Patient):
    """The same, which reads little of what is left of a body."""

    max_rest_bytes = 1000


@pytest.mark.parametrize("more", [b"", LAST], ids=["kept", "closed"])
def test_what_is_left_of_a_body_is_read_up_to_a_size(more: bytes) -> None:
    async def scene() -> tuple[int, bool]:
        async with serving(Brief) as connect:
            connection = await connect()
            await connection.send(b"POST /nothing HTTP/1.1\r\nHost: x\r\n" + more + b"Content-Length: 9000\r\n\r\n")
            status = (await connection.response())[0]
            await connection.send(b"x" * 2000)
            return status, await connection.ends()

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE)) == (404, True)


def test_what_is_left_of_a_body_is_waited_for_up_to_a_time() -> None:
    async def scene() -> tuple[int, bool]:
        async with serving(Hasty) as connect:
            connection = await connect()
            await connection.send(b"POST /nothing HTTP/1.1\r\nHost: x\r\n" + LAST + b"Content-Length: 9000\r\n\r\nx")
            return (await connection.response())[0], await connection.ends()

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE)) == (404, True)


# ---------------------------------------------------------------- offers of other protocols, trailers, ends

OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
CHUNKED_CALL = POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize("call", [CALL, CHUNKED_CALL, GET], ids=["with a length", "in chunks", "without a body"])
@pytest.mark.parametrize("pieces", [1, 7], ids=["at once", "in pieces"])
@pytest.mark.parametrize("times", [1, 3])
def test_an_offer_to_speak_another_protocol_is_ignored(call: bytes, pieces: int, times: int) -> None:
    sent = call.replace(b"Host: x\r\n", b"Host: x\r\n" + OFFER) * times

    async def scene() -> list[int]:
        async with serving(Patient) as connect:
            connection = await connect()
            size = len(sent) // pieces + 1
            for start in range(0, len(sent), size):
                await connection.send(sent[start : start + size])
                await asyncio.sleep(0)
            statuses = [(await connection.response())[0] for _ in range(times)]
            await connection.send(GET)
            return [*statuses, (await connection.response())[0]]

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE)) == [200] * (times + 1)


@pytest.mark.parametrize(
    "trailer", [b"Content-Type: text/plain", b"Content-Encoding: gzip", b"Origin: http://x.example"]
)
def test_a_trailer_is_no_header(trailer: bytes) -> None:
    sent = CHUNKED_CALL.removesuffix(b"\r\n") + trailer + b"\r\n\r\n"
    status, headers, _, _ = asyncio.run(exchange(sent.replace(b"Host: x\r\n", b"Host: x\r\n" + LAST)))
    assert status == 200
    assert "vary" not in headers


def test_a_request_is_answered_before_what_follows_it_is_refused() -> None:
    async def scene() -> tuple[list[int], bool]:
        async with serving(Patient) as connect:
            connection = await connect()
            await connection.send(CALL + b"garbage\r\n\r\n")
            return [(await connection.response())[0] for _ in range(2)], await connection.ends()

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE)) == ([200, 400], True)


@pytest.mark.parametrize("request_bytes", [CALL, GET, CALL * 3])
def test_who_has_closed_its_side_is_answered_all_the_same(request_bytes: bytes) -> None:
    async def scene() -> tuple[set[int], bool]:
        async with serving(Patient) as connect:
            connection = await connect()
            await connection.send(request_bytes)
            connection.writer.write_eof()
            count = request_bytes.count(b"HTTP/1.1")
            return {(await connection.response())[0] for _ in range(count)}, await connection.ends()

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE)) == ({200}, True)


def test_half_a_request_whose_client_has_closed_its_side_is_given_up() -> None:
    async def scene() -> bool:
        async with serving(Patient) as connect:
            connection = await connect()
            await connection.send(CALL[:-10])
            connection.writer.write_eof()
            return await connection.ends()

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE))


# ---------------------------------------------------------------- answers that nobody reads


class Unread(Narrow):
    """The same, whose clients do not read."""

    head_timeout = 0.2
    closed = asyncio.Event()

    @staticmethod
    def count() -> None:
        """Called for each connection that is closed."""
        Unread.closed.set()


class InTime(Unread):
    """Closes who takes too long."""

    slow_readers = SlowReaders(closed=Unread.count)


class InAll(Unread):
    """Closes who has waited longest where all hold too much."""

    head_timeout = 600.0
    slow_readers = SlowReaders(max_bytes=1, closed=Unread.count)


@pytest.mark.parametrize("protocol", [InTime, InAll])
def test_a_client_that_reads_nothing_is_closed_and_counted(protocol: type[Unread]) -> None:
    async def scene() -> None:
        Unread.closed = asyncio.Event()  # of this event loop
        async with serving(protocol) as connect:
            connection = await connect(2048)
            with suppress(ConnectionError):
                await connection.send(CALL * UNREAD)
            await Unread.closed.wait()

    asyncio.run(asyncio.wait_for(scene(), PATIENCE))
