"""A real process: nothing of a call in anything that it writes, and good calls answered while it is attacked."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from cds_service.content.examples import order_for
from cds_service.hooks.requests import MAX_ORDERS
from tests.faults.fhir_servers import answer_with, drips, never, raw, sound
from tests.loopback import Asked, Behave, Loopback, running
from tests.processes import PATIENCE, Service, serving
from tests.support import (
    CONTENT,
    FIXTURES,
    HOOKS,
    VERIFY,
    Body,
    Json,
    ids_of,
    replaced,
    request_for,
    to_bytes,
    walk,
    without,
)

SECRET = "S3CR3T-never-to-be-written"
TOKEN = f"token-{SECRET}"
PATH = "/cds-services/acetylcysteine-order-sign"
REQUESTS = [path for folder in ("requests", "unusual") for path in sorted((FIXTURES / folder).glob("*.json"))]
CALLED = (*HOOKS, VERIFY)
PUBLIC = {*CALLED, *(f"acetylcysteine-{hook}" for hook in CALLED), *(card.id for card in CONTENT.cards)}


# ---------------------------------------------------------------- what it writes


async def _hangs_up(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def _elsewhere(asked: Asked) -> Json:
    return {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"http://{SECRET}.example/{asked.target}"}]}


FHIR_SERVERS: dict[str, Behave] = {
    "answers": answer_with(sound),
    "never answers": never,
    "drips": drips,
    "hangs up": _hangs_up,
    "speaks no HTTP": raw(f"{SECRET}\r\n\r\n".encode()),
    "redirects": raw(f"HTTP/1.1 302 Found\r\nLocation: http://{SECRET}.example/\r\n\r\n".encode()),
    "refuses": raw(f"HTTP/1.1 401 {SECRET}\r\nContent-Length: 26\r\n\r\n{SECRET}".encode()),
    "sends no JSON": raw(f"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{SECRET}".encode()),
    "breaks its encoding": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + SECRET.encode()),
    "links elsewhere": answer_with(_elsewhere),
}
FAULTS: dict[str, bytes] = {
    "cut off": to_bytes(request_for("bruno-glutamate-normal"))[:-1],
    "a text": json.dumps(SECRET).encode(),
    "a secret hook": to_bytes({**request_for("bruno-glutamate-normal"), "hook": SECRET}),
    "a path for an id": to_bytes(
        replaced(request_for("bruno-glutamate-normal"), ["context", "patientId"], f"Patient/{SECRET}")
    ),
    "invalid UTF-8": SECRET.encode() + b"\xff",
    "nothing": b"",
}


def identifiers_in(value: Json) -> set[str]:
    """Every text of a request that is long enough to be told from the words of a log line."""
    kinds = {inner.lower() for path, inner in walk(value) if path.endswith(".resourceType")}
    texts = {inner.lower() for _, inner in walk(value) if isinstance(inner, str)} - kinds
    return {text for text in texts if len(text) >= 6} - PUBLIC - {text.lower() for text in PUBLIC}


def without_own_words(written: str) -> str:
    """What was written, without the timestamps and the names that a log line may hold."""
    written = re.sub(r'"timestamp": ?"[^"]*"', "", written)
    for word in sorted(PUBLIC, key=len, reverse=True):
        written = written.replace(word, "")
    return written.lower()


@pytest.mark.parametrize("level", ["debug", "error"])
def test_nothing_of_any_request_and_of_any_fault_is_written_by_the_process(tmp_path: Path, level: str) -> None:
    forbidden = {SECRET.lower(), TOKEN.lower(), "/fhir/", "patient=", "observation?"}
    headers = {"User-Agent": SECRET, "Authorization": TOKEN}
    times = {"CDS_FHIR_DEADLINE_MS": "600", "CDS_FHIR_TIMEOUT_MS": "500"}  # some of the servers never answer
    everything = {"CDS_LOG_LEVEL": level, "CDS_MEDICATION_VERIFY": "true", **times}
    with serving(tmp_path, settings=everything) as service:
        with httpx.Client(base_url=service.address, headers=headers, timeout=PATIENCE) as client:
            errors = [_send(client, path, forbidden) for path in REQUESTS]
            errors += [_refused(client, body) for body in FAULTS.values()]
            errors += [client.get(f"/{SECRET}?{SECRET}").text, client.put(PATH, content=SECRET).text]
            for behave in FHIR_SERVERS.values():
                errors += _with_fhir_server(client, behave)
        lines = service.written()
    log = without_own_words(lines)
    assert [text for text in sorted(forbidden - {_instance(path) for path in REQUESTS}) if text in log] == []
    assert [text for text in errors if SECRET in text or TOKEN in text] == []
    assert (lines.count('"event":"answered"') > 30) == (level == "debug")
    assert '"event":"bug"' not in lines


def _instance(path: Path) -> str:
    return str(json.loads(path.read_bytes()).get("hookInstance")).lower()


def _send(client: httpx.Client, path: Path, forbidden: set[str]) -> str:
    body = json.loads(path.read_bytes())
    forbidden |= identifiers_in(body)
    response = client.post(f"/cds-services/acetylcysteine-{body['hook']}", content=path.read_bytes())
    assert response.status_code < 500
    return "" if response.status_code == 200 else response.text


def _refused(client: httpx.Client, body: bytes) -> str:
    response = client.post(PATH, content=body)
    assert response.status_code == 400
    return response.text


def _with_fhir_server(client: httpx.Client, behave: Behave) -> list[str]:
    with running(Loopback(behave)) as server:
        body = request_for("wanda-nitroglycerin", prefetch={})
        authorization = {"access_token": TOKEN, "token_type": "Bearer"}
        body = {**body, "fhirServer": server.base, "fhirAuthorization": authorization}
        responses = [client.post(PATH, content=to_bytes(body)) for _ in range(2)]
        assert server.connections > 0
    return [response.text for response in responses]


# ---------------------------------------------------------------- under attack

GOOD = to_bytes(request_for("wanda-nitroglycerin"))
HEAD = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" % PATH.encode()
LARGE = 50_000_000


async def exchange(port: int, *parts: bytes, pause: float = 0) -> str:
    """Sends the parts, with a pause between them, and gives the status line, or what happened instead of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        line = await reader.readline()
        return line.decode().split(" ")[1] if line else "closed"
    except ConnectionError:
        return "closed"
    finally:
        writer.close()


def slow_heads(port: int) -> list[Coroutine[Any, Any, str]]:
    """Connections whose head comes a letter at a time."""
    endless = HEAD + b"X-Padding: " + b"x" * 2000
    return [exchange(port, *[endless[at : at + 1] for at in range(len(endless))], pause=0.05) for _ in range(150)]


def slow_bodies(port: int) -> list[Coroutine[Any, Any, str]]:
    """Connections whose body begins, and dawdles."""
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(GOOD)
    return [exchange(port, head, *[GOOD[at : at + 1] for at in range(400)], pause=0.05) for _ in range(50)]


def large_bodies(port: int) -> list[Coroutine[Any, Any, str]]:
    """Bodies of 50 MB, which say so, and which do not."""
    piece = b" " * 1_000_000
    declared = [HEAD + b"Content-Length: %d\r\n\r\n" % LARGE, *[piece] * (LARGE // len(piece))]
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    chunked = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * (LARGE // len(piece)), b"0\r\n\r\n"]
    return [exchange(port, *parts) for parts in (declared, chunked) * 3]


def heavy_bodies(port: int) -> list[Coroutine[Any, Any, str]]:
    """Bodies within the limit of size that are deep, or hold a great many things."""
    call = request_for("wanda-nitroglycerin")
    deep = to_bytes({**call, "prefetch": "HERE"}).replace(
        b'"HERE"', b'{"patient":' + b"[" * 1_500_000 + b"]" * 1_500_000 + b"}"
    )
    ladder = to_bytes({**call, "prefetch": "HERE"}).replace(b'"HERE"', b"[" + b"[" * 98 + b"]" * 98 + b"]")
    order = {"resource": order_for(FIXTURES, "oral-600-twice-daily", "wanda-nitroglycerin")}
    orders = to_bytes(replaced(call, ["context", "draftOrders", "entry"], [order] * (MAX_ORDERS * 10)))
    entries = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Condition"}}] * 50_000}
    many = to_bytes(replaced(call, ["prefetch", "problemList"], entries))
    bodies = [deep, ladder, orders, many] * 2
    return [exchange(port, HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body) for body in bodies]


async def good_calls(service: Service) -> list[list[str]]:
    """Good calls, one after another, each on a connection of its own."""
    shown = []
    for _ in range(30):
        async with httpx.AsyncClient(base_url=service.address, timeout=PATIENCE) as client:
            response = await client.post(PATH, content=GOOD)
        assert response.status_code == 200
        shown.append(ids_of(response.json()["cards"]))
    return shown


def test_while_the_service_is_attacked_good_calls_are_answered(tmp_path: Path) -> None:
    async def scene(service: Service) -> tuple[list[list[str]], Counter[str]]:
        port = service.port
        attacks = [*slow_heads(port), *slow_bodies(port), *large_bodies(port), *heavy_bodies(port)]
        under_way = [asyncio.create_task(attack) for attack in attacks]
        await asyncio.sleep(0.2)
        shown = await good_calls(service)
        return shown, Counter(await asyncio.gather(*under_way))

    with serving(tmp_path, settings={"CDS_BODY_TIMEOUT_MS": "6000"}) as service:
        shown, statuses = asyncio.run(scene(service))
        assert service.process.poll() is None
        assert service.peak_memory < 600
        assert '"event":"bug"' not in service.written()
    assert shown == [["nitroglycerin-interaction", "glutamate-normal"]] * 30
    assert set(statuses) <= {"200", "400", "408", "412", "413", "431", "503", "closed"}
    assert statuses["408"] + statuses["closed"] >= 200  # who dawdles is ended, whether or not it hears why


def test_a_good_call_that_is_sent_in_the_same_way_is_answered(tmp_path: Path) -> None:
    """Otherwise the attacks might be refused for another reason than their own."""
    small: Body = without(request_for("wanda-nitroglycerin"), "prefetch", "problemList")
    with serving(tmp_path) as service:
        for body in (GOOD, to_bytes(small)):
            assert asyncio.run(exchange(service.port, HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body)) == "200"
