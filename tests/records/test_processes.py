"""Faults of real processes under load: killed, told to stop, without a disk, and two of them on one database."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.loopback import Asked, Loopback, http_answer, running
from tests.processes import PATIENCE, SERVICE, Service, wait_until
from tests.records.databases import query
from tests.records.load import Load, service_at
from tests.support import ROOT, request_for, to_bytes


def cards_with_feedback(database: str) -> list[str]:
    return [card for (card,) in query(database, "SELECT card_uuid FROM feedback")]


def shown(database: str) -> set[str]:
    return {card for (card,) in query(database, "SELECT uuid FROM shown_cards")}


def test_after_a_kill_no_acknowledged_feedback_is_lost_and_none_is_there_twice(database: str) -> None:
    load = Load([])
    with service_at(database) as service:
        load.addresses = [service.address]
        with load.running():
            load.wait_for(25)
            service.end(signal.SIGKILL)
            with service_at(database, service.port):
                load.wait_for(25)
    kept = cards_with_feedback(database)
    assert set(load.acknowledged) <= set(kept) <= load.sent
    assert len(kept) == len(set(kept))
    assert load.statuses.keys() <= {"hook 200", "feedback 200", "hook lost", "feedback lost"}


def test_told_to_stop_under_load_it_writes_every_card_that_it_showed(database: str) -> None:
    load = Load([])
    with service_at(database) as service:
        load.addresses = [service.address]
        with load.running():
            load.wait_for(25)
            status = service.end(signal.SIGTERM)
    assert status in (0, -signal.SIGTERM)  # uvicorn passes the signal on when it has finished
    assert set(load.cards) <= shown(database)
    assert set(load.acknowledged) <= set(cards_with_feedback(database))


def test_told_to_stop_it_answers_the_calls_that_it_has_begun(database: str) -> None:
    """Each call waits for a FHIR server that answers once the service has been told to stop and takes no new ones."""
    stopping = threading.Event()

    async def wait(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(stopping.wait, PATIENCE)
        writer.write(http_answer(b'{"resourceType": "Bundle", "type": "searchset", "total": 0}'))

    def call(service: Service, fhir: Loopback) -> httpx.Response:
        body = {**request_for("ines-allergic"), "fhirServer": fhir.base, "fhirAuthorization": AUTHORIZATION}
        del body["prefetch"]["aminoAcids"]
        return httpx.post(service.address + SERVICE, content=to_bytes(body), trust_env=False, timeout=PATIENCE)

    with service_at(database) as service, running(Loopback(wait)) as fhir, ThreadPoolExecutor(CALLS) as pool:
        calls = [pool.submit(call, service, fhir) for _ in range(CALLS)]
        wait_until(lambda: len(fhir.asked) == CALLS)
        service.send(signal.SIGTERM)
        wait_until(lambda: not service.answers())
        stopping.set()
        responses = [call.result() for call in calls]
        service.process.wait(PATIENCE)
    assert [response.status_code for response in responses] == [200] * CALLS
    assert {card["uuid"] for response in responses for card in response.json()["cards"]} == shown(database)


CALLS = 5
AUTHORIZATION = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.read"}


CLAIM = """
import asyncio, sys
from datetime import UTC, datetime
from cds_service.feedback.records import Records

async def run():
    async with Records(sys.argv[1], "v1", lambda: datetime(2026, 11, 23, tzinfo=UTC)) as records:
        sys.stdin.read(1)  # until the other one is ready as well
        until = datetime(2026, 11, 24, tzinfo=UTC)
        won = [number for number in range(100) if await records.is_new_token("a client", str(number), until)]
        print(*won)

print("ready", flush=True)
asyncio.run(run())
"""


def test_a_token_that_one_process_has_seen_is_refused_by_the_other(database: str) -> None:
    words = [sys.executable, "-c", CLAIM, database]
    both = [
        subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    won = [set(one.communicate("go", timeout=PATIENCE)[0].splitlines()[-1].split()) for one in wait_for(both)]
    assert won[0] & won[1] == set()
    assert won[0] | won[1] == {str(number) for number in range(100)}


def wait_for(both: list["subprocess.Popen[str]"]) -> list["subprocess.Popen[str]"]:
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    return both


def test_two_processes_on_one_database_count_right(database: str) -> None:
    load = Load([])
    with service_at(database) as one, service_at(database) as other:
        load.addresses = [one.address, other.address]
        with load.running():
            load.wait_for(30)
        repeat = {"feedback": [{"card": "x", "outcome": "overridden", "outcomeTimestamp": "2026-11-23T09:00:00Z"}]}
        for service in (one, other):
            response = httpx.post(f"{service.address}{SERVICE}/feedback", content=to_bytes(repeat), trust_env=False)
            assert response.status_code == 200
            service.end(signal.SIGTERM)
    assert set(load.statuses) == {"hook 200", "feedback 200"}
    assert shown(database) == set(load.cards)
    assert sorted(cards_with_feedback(database)) == sorted([*load.acknowledged, "not a UUID"])


# ---------------------------------------------------------------- a full disk


@pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
def test_on_a_full_disk_guidance_is_given_and_once_there_is_room_everything_is_kept(empty_database: str) -> None:
    """The process may not make any file larger than its database is by now; then it may again."""
    load = Load([])
    with service_at(empty_database) as service:
        load.addresses = [service.address]
        with load.running():
            load.wait_for(10)
            limit(service.process.pid, 4096)
            load.wait_until(lambda load: load.statuses.get("feedback 503", 0) > 3)
            before = load.statuses["hook 200"]
            assert httpx.post(service.address + SERVICE, content=to_bytes(request_for("ines-allergic"))).json()["cards"]
            limit(service.process.pid, resource.RLIM_INFINITY)
            load.wait_for(10)
        service.end(signal.SIGTERM)
    assert before > 10
    assert load.statuses.keys() == {"hook 200", "feedback 200", "feedback 503"}
    assert set(load.acknowledged) <= set(cards_with_feedback(empty_database))
    assert set(load.cards) <= shown(empty_database)
    assert query(empty_database, "PRAGMA integrity_check") == [("ok",)]


def limit(process: int, size: int) -> None:
    """The size beyond which a process can make no file larger: what it writes then fails as on a full disk."""
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))


def test_a_database_that_cannot_be_opened_is_said_in_one_line(tmp_path: Path) -> None:
    """Three times, since the driver's thread and the end of the event loop race each other."""
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-m", "cds_service", "migrate"],
            cwd=ROOT,
            env={**os.environ, "CDS_DATABASE_URL": f"sqlite:///{tmp_path}"},  # a folder is no file
            capture_output=True,
            check=False,
            text=True,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "Not migrated: the database is not available: SQLITE_CANTOPEN\n"
