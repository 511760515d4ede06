"""Connections to FHIR servers: few opened at a time, kept, bounded and counted; and what one call reads is bounded."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from cds_service.fhir.queries import FOR_ORDERS
from cds_service.gathering.allowed_servers import find_allowed_base
from cds_service.gathering.failures import TOO_LARGE_IN_ALL, Failure
from cds_service.gathering.fetching import Limits
from cds_service.gathering.http import new_http_client
from cds_service.gathering.server import FhirServer
from cds_service.gathering.upstreams import FhirAccess, Upstream
from tests.faults.fhir_servers import PATIENT, answer_with, never, sound
from tests.loopback import Asked, Loopback, http_answer, running
from tests.support import CONTENT

PATIENCE = Limits(deadline=60, timeout=60)


def gather(
    base: str, access: FhirAccess, limits: Limits = PATIENCE, calls: Sequence[int] = (1,), counts: Any = None
) -> list[dict[str, Any]]:
    """The answers to some calls: in each round so many at once."""

    async def scene() -> list[dict[str, Any]]:
        allowed = find_allowed_base(base, [base])
        assert allowed is not None
        upstream, lists = Upstream(access=access), CONTENT.vocabulary.code_lists
        async with new_http_client(observe=counts or (lambda *_: None)) as http:

            async def call() -> dict[str, Any]:
                async with FhirServer(http, allowed, "", lists, limits, upstream=upstream) as server:
                    return await server.complete_prefetch({}, PATIENT, "R4")

            return [answers for at_once in calls for answers in await asyncio.gather(*(call() for _ in range(at_once)))]

    return asyncio.run(scene())


def all_given(answers: Sequence[dict[str, Any]]) -> bool:
    return all(not isinstance(answer, Failure) for call in answers for answer in call.values())


@pytest.mark.parametrize("opening", [1, 2, 4, 100])
def test_no_more_connections_are_opened_at_a_time_than_the_client_s_entry_says(opening: int) -> None:
    """The server takes the connection and then no part in the TLS handshake, so that none is ever open."""
    with running(Loopback(never)) as server:
        gather(server.base.replace("http:", "https:"), FhirAccess(opening=opening), Limits(deadline=1, timeout=0.9))
    assert server.connections == min(opening, len(FOR_ORDERS))


def test_connections_are_kept_for_the_next_call_and_counted() -> None:
    counted = list[tuple[str, int]]()
    with running(Loopback(answer_with(sound))) as server:
        answers = gather(server.base, FhirAccess(), calls=[1] * 5, counts=lambda *count: counted.append(count))
    assert all_given(answers)
    assert len(server.asked) == 5 * len(FOR_ORDERS)
    assert server.connections <= len(FOR_ORDERS)
    assert {owner for owner, _ in counted} == {"open"}
    assert max(count for _, count in counted) <= server.connections


@pytest.mark.parametrize("connections", [1, 2, 9])
def test_there_are_never_more_connections_than_the_client_s_entry_says(connections: int) -> None:
    with running(Loopback(answer_with(sound))) as server:
        answers = gather(server.base, FhirAccess(connections=connections), calls=[6, 6])
    assert all_given(answers)
    assert server.connections <= connections


def test_what_one_call_reads_is_bounded_in_all_and_the_rest_is_named() -> None:
    large = b" " * 100_000 + b'{"resourceType":"Bundle","type":"searchset"}'

    async def behave(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(large))

    with running(Loopback(behave)) as server:
        (answers,) = gather(server.base, FhirAccess(), Limits(deadline=60, timeout=60, max_call_bytes=350_000))
    read = [key for key, answer in answers.items() if not isinstance(answer, Failure)]
    assert len(read) <= 3
    assert {answer for answer in answers.values() if isinstance(answer, Failure)} == {TOO_LARGE_IN_ALL}


def test_a_batch_is_sent_again_if_the_kept_connection_is_gone() -> None:
    sent = list[bytes]()

    def breaks_once(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        if len(sent) == 1:
            raise httpx.ReadError("gone", request=request)
        return httpx.Response(500, stream=httpx.ByteStream(b"{}"))

    async def scene() -> dict[str, Any]:
        base = find_allowed_base("http://127.0.0.1/fhir", None)
        assert base is not None
        upstream = Upstream(access=FhirAccess(batch=True))
        async with httpx.AsyncClient(transport=httpx.MockTransport(breaks_once)) as http:
            server = FhirServer(http, base, "", CONTENT.vocabulary.code_lists, PATIENCE, upstream=upstream)
            return await server.complete_prefetch({}, PATIENT, "R4")

    answers = asyncio.run(scene())
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert {answer.status for answer in answers.values()} == {500}
