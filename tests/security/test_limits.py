"""How much one call, and all calls together, may ask of the service; and what is said when it is too much."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.clinical.text_limits import MAX_TEXT, NOT_READ
from cds_service.content.examples import order_for
from cds_service.fhir.json import MAX_DEPTH
from cds_service.gathering.prefetch import MAX_ENTRIES
from cds_service.hooks.requests import MAX_ORDERS
from cds_service.settings import Settings
from tests.security.calling import JSON, Reply, all_at_once, call
from tests.support import (
    CONTENT,
    HOOKS,
    NOW,
    ROOT,
    Json,
    as_read,
    cards_of,
    counted_ids,
    field_of,
    ids_of,
    nested,
    not_done,
    post,
    replaced,
    request_for,
    to_bytes,
    without,
)
from tests.support import FIXTURES as PEOPLE

ALMA = "alma-glutamate-high"
VALID = request_for(ALMA)
BODY = to_bytes(VALID)
PATH = "/cds-services/acetylcysteine-order-sign"


def new_app(http: httpx.AsyncClient | None = None, **settings: Any) -> Any:
    return create_app(Settings(**settings), CONTENT, now=lambda: NOW, new_id=counted_ids(), http=http)


def issue_of(reply: Reply) -> Json:
    body = reply.json()
    assert body["resourceType"] == "OperationOutcome"
    (issue,) = body["issue"]
    return issue


# ---------------------------------------------------------------- only JSON

TAKEN = {
    "JSON": {"Content-Type": "application/json"},
    "with a charset": {"Content-Type": "application/json; charset=utf-8"},
    "with a FHIR version": {"Content-Type": "application/fhir+json; fhirVersion=4.0"},
    "of another family": {"Content-Type": "application/vnd.example.v2+json"},
    "in capitals": {"Content-Type": "Application/JSON"},
    "as text": {"Content-Type": "text/json"},
    "not said": {},
    "empty": {"Content-Type": ""},
    "not compressed": {"Content-Type": "application/json", "Content-Encoding": "identity"},
    "with no coding": {"Content-Type": "application/json", "Content-Encoding": ""},
}
NOT_TAKEN = {
    "text": {"Content-Type": "text/plain"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "a form with files": {"Content-Type": "multipart/form-data; boundary=x"},
    "XML": {"Content-Type": "application/fhir+xml"},
    "lines of JSON": {"Content-Type": "application/x-ndjson"},
    "a patch": {"Content-Type": "application/json-patch"},
    "JSON and more": {"Content-Type": "application/json text/plain"},
    "JSON as a parameter": {"Content-Type": "text/plain; application/json"},
    "no type at all": {"Content-Type": "json"},
    "gzip": {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    "deflate": {"Content-Encoding": "deflate"},
    "brotli in capitals": {"Content-Encoding": "BR"},
    "two codings": {"Content-Encoding": "identity, gzip"},
}


@pytest.mark.parametrize("headers", TAKEN.values(), ids=TAKEN)
def test_json_is_taken_however_its_type_is_written(client: TestClient, headers: dict[str, str]) -> None:
    response = client.post(PATH, content=BODY, headers=headers)
    assert ids_of(response.json()["cards"]) == ["glutamate-high"]


@pytest.mark.parametrize("headers", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_what_is_not_json_or_is_compressed_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    response = client.post(PATH, content=BODY, headers=headers)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"
    (issue,) = response.json()["issue"]
    assert issue["code"] == "not-supported"
    assert not any(value in response.text for value in headers.values() if value not in ("json", *JSON.values()))


def test_a_type_that_is_refused_is_refused_before_the_body_is_read(client: TestClient) -> None:
    def never_read() -> Any:
        yield b"{"
        raise AssertionError("the body was read to its end")

    assert client.post(PATH, content=never_read(), headers={"Content-Type": "text/plain"}).status_code == 415


# ---------------------------------------------------------------- nesting


@pytest.mark.parametrize(("levels", "status"), [(MAX_DEPTH - 1, 200), (MAX_DEPTH, 400)], ids=["on", "over"])
@pytest.mark.parametrize("where", ["context", "prefetch"])
def test_the_context_and_the_prefetch_are_read_up_to_this_depth(
    client: TestClient, where: str, levels: int, status: int
) -> None:
    body = replaced(VALID, [where], {**VALID[where], "extension": json.loads(nested(levels))})
    response = post(client, body)
    assert response.status_code == status
    if status == 400:
        assert field_of(response) == where
        assert "too deeply" in response.text


def test_the_prefetch_of_an_order_for_something_else_is_not_even_measured(client: TestClient) -> None:
    body = request_for(ALMA, "amoxicillin", prefetch={"patient": json.loads(nested(MAX_DEPTH + 1))})
    assert cards_of(client, body) == []


# ---------------------------------------------------------------- how many


def with_orders(hook: str, count: int, name: str) -> Json:
    body = request_for(ALMA, hook=hook)
    orders = [{**order_for(PEOPLE, name, ALMA), "id": f"order-{number}"} for number in range(count)]
    member = "medications" if hook == "medication-prescribe" else "draftOrders"
    return replaced(body, ["context", member, "entry"], [{"resource": one} for one in orders])


@pytest.mark.parametrize("hook", HOOKS)
def test_as_many_orders_as_are_looked_at_are_answered(client: TestClient, hook: str) -> None:
    assert post(client, with_orders(hook, MAX_ORDERS, "amoxicillin")).json() == {"cards": []}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_call_with_more_orders_is_refused_as_a_whole_rather_than_answered_in_part(
    client: TestClient, hook: str
) -> None:
    response = post(client, with_orders(hook, MAX_ORDERS + 1, "oral-600-twice-daily"))
    (issue,) = response.json()["issue"]
    assert (response.status_code, issue["code"]) == (413, "too-costly")
    assert field_of(response) == f"context.{'medications' if hook == 'medication-prescribe' else 'draftOrders'}"
    assert str(MAX_ORDERS) in issue["details"]["text"]


def with_conditions(count: int) -> Json:
    """Alma with so many harmless problems."""
    problem = {"resource": {"resourceType": "Condition", "code": {"text": "Sprained ankle"}}}
    return replaced(VALID, ["prefetch", "problemList"], {"resourceType": "Bundle", "entry": [problem] * count})


def test_orders_with_more_text_than_is_read_are_refused_and_a_list_with_more_is_named_as_not_checked(
    client: TestClient,
) -> None:
    body = as_read(request_for("bruno-glutamate-normal"))
    body["context"]["draftOrders"]["entry"][0]["resource"]["note"] = [{"text": "a" * (MAX_TEXT + 1)}]
    response = post(client, body)
    (issue,) = response.json()["issue"]
    assert (response.status_code, issue["code"], issue["expression"]) == (413, "too-costly", ["context"])

    listed = as_read(request_for("bruno-glutamate-normal"))
    problem = {"resource": {"resourceType": "Condition", "code": {"text": "hypertension " * 20}}}
    listed["prefetch"]["problemList"] = {"resourceType": "Bundle", "type": "searchset", "entry": [problem] * 500}
    cards = post(client, listed).json()["cards"]
    assert cards[0]["source"]["topic"]["code"] == "screening-incomplete"
    assert NOT_READ in cards[0]["detail"].replace("\\", "")


def test_as_many_entries_as_are_read_are_all_read(client: TestClient) -> None:
    assert ids_of(cards_of(client, with_conditions(MAX_ENTRIES))) == ["glutamate-high"]


def test_entries_beyond_that_are_not_read_and_a_card_says_so(client: TestClient) -> None:
    cards = cards_of(client, with_conditions(MAX_ENTRIES + 1))
    assert ids_of(cards) == ["screening-incomplete", "glutamate-high"]
    assert any(f"only its first {MAX_ENTRIES} entries are read" in line for line in not_done(cards))


def test_what_stands_before_the_limit_still_warns(client: TestClient) -> None:
    kira = request_for("kira-copd", "oral-for-bronchitis")
    bundle = kira["prefetch"]["problemList"]
    filled = [*bundle["entry"], *with_conditions(MAX_ENTRIES)["prefetch"]["problemList"]["entry"]]
    before = ids_of(cards_of(client, kira))
    after = ids_of(cards_of(client, replaced(kira, ["prefetch", "problemList", "entry"], filled)))
    assert "bronchospasm-oral" in before
    assert set(before) | {"screening-incomplete"} == set(after)


# ---------------------------------------------------------------- bodies that come slowly, stop, or are many


def never() -> Awaitable[Any]:
    return asyncio.get_running_loop().create_future()


def slow(*parts: bytes, then: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """A body whose parts are there, and whose end is whatever `then` gives."""
    messages = iter([{"type": "http.request", "body": part, "more_body": True} for part in parts])

    async def receive() -> Any:
        message = next(messages, None)
        return message if message is not None else await then()

    return receive


def test_a_body_that_does_not_come_in_time_is_a_408_and_the_connection_ends() -> None:
    reply = asyncio.run(call(new_app(body_timeout_ms=20), PATH, slow(BODY[:100], then=never)))
    assert (reply.status, issue_of(reply)["code"]) == (408, "timeout")
    assert reply.headers["connection"] == "close"
    assert "0.02 seconds" in issue_of(reply)["details"]["text"]


def test_a_client_that_goes_away_in_the_middle_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    reply = asyncio.run(call(new_app(), PATH, slow(BODY[:100], then=gone)))
    assert (reply.status, issue_of(reply)["expression"]) == (400, ["body"])
    assert "bug" not in capsys.readouterr().out


def test_bodies_on_their_way_share_a_budget_and_what_would_exceed_it_is_asked_to_come_again() -> None:
    async def scene() -> tuple[Reply, Reply, Reply]:
        app = new_app(max_held_bytes=len(BODY) + 100)
        until = asyncio.Event()

        async def the_end() -> Any:
            await until.wait()
            return {"type": "http.request", "body": BODY[-1:], "more_body": False}

        first = asyncio.create_task(call(app, PATH, slow(BODY[:-1], then=the_end)))
        await asyncio.sleep(0)
        second = await call(app, PATH, all_at_once(BODY))
        until.set()
        return await first, second, await call(app, PATH, all_at_once(BODY))

    first, second, third = asyncio.run(scene())
    assert (first.status, second.status, third.status) == (200, 503, 200)
    assert issue_of(second)["code"] == "throttled"
    assert second.headers["retry-after"] == "1"


def test_a_refused_body_gives_its_share_back() -> None:
    async def scene() -> list[int]:
        app = new_app(max_held_bytes=len(BODY), max_body_bytes=len(BODY) + 100)
        bodies = [BODY + b" " * 50, b"{", BODY, BODY + b" ", BODY]
        return [(await call(app, PATH, slow(one, then=all_at_once(b"")))).status for one in bodies]

    assert asyncio.run(scene()) == [503, 400, 200, 503, 200]


# ---------------------------------------------------------------- calls at once


class StoppedServer:
    """A FHIR server that answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def answer(self, _request: httpx.Request) -> httpx.Response:
        self.asked.set()
        await self.go_on.wait()
        return httpx.Response(404)


def test_calls_beyond_those_that_are_answered_at_once_are_told_when_to_come_again() -> None:
    waiting = to_bytes({**without(VALID, "prefetch", "problemList"), "fhirServer": "http://127.0.0.1/fhir"})

    async def scene() -> tuple[Reply, Reply, Reply]:
        server = StoppedServer()
        http = httpx.AsyncClient(transport=httpx.MockTransport(server.answer))
        app = new_app(http, max_calls=1, fhir_deadline_ms=60_000, fhir_timeout_ms=60_000)
        first = asyncio.create_task(call(app, PATH, all_at_once(waiting)))
        await server.asked.wait()
        second = await call(app, PATH, all_at_once(BODY))
        server.go_on.set()
        return await first, second, await call(app, PATH, all_at_once(BODY))

    first, second, third = asyncio.run(scene())
    assert (first.status, second.status, third.status) == (200, 503, 200)
    assert (issue_of(second)["code"], second.headers["retry-after"]) == ("throttled", "1")
    assert issue_of(second)["details"]["text"] == "the service is busy; ask again in a moment"


def test_a_slow_body_takes_no_place_from_a_call_that_is_ready() -> None:
    async def scene() -> list[int]:
        app = new_app(max_calls=1, body_timeout_ms=50)
        slow_ones = [asyncio.create_task(call(app, PATH, slow(BODY[:9], then=never))) for _ in range(20)]
        await asyncio.sleep(0)
        ready = await call(app, PATH, all_at_once(BODY))
        return [ready.status, *[one.status for one in await asyncio.gather(*slow_ones)]]

    assert asyncio.run(scene()) == [200] + [408] * 20


# ---------------------------------------------------------------- documented


def test_every_status_that_a_limit_can_give_is_in_the_table_for_integrators() -> None:
    text = (ROOT / "docs" / "integrating.md").read_text(encoding="utf-8")
    answers = text.partition("## Responses")[2].partition("\n## ")[0]
    documented = {int(status) for row in re.findall(r"^\| ([\d, ]+) \|", answers, re.M) for status in row.split(",")}
    assert {200, 400, 404, 405, 408, 412, 413, 415, 431, 500, 503} <= documented


def test_the_numbers_in_the_documents_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "integrating.md").read_text(encoding="utf-8")
    for number in (
        f"{MAX_DEPTH} levels",
        f"{MAX_ORDERS} entries",
        f"{MAX_ENTRIES:,} entries",
        f"{MAX_TEXT:,} characters",
    ):
        assert number in text
