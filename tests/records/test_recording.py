"""Shown cards on their way to the database: what is written, what waits, what is given up, and who never notices."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cds_service.errors import StoreDown
from cds_service.feedback.pruning import Pruner
from cds_service.feedback.recording import Recorder, Row
from cds_service.feedback.records import Records
from cds_service.feedback.store import NoMetrics, Store
from cds_service.feedback.tables import shown_cards
from cds_service.hooks.cards import Card, Coding, Source
from cds_service.hooks.feedback import Feedback
from tests.records.databases import count, everything, query, records_at
from tests.records.test_feedback import ACCEPTED, OVERRIDDEN, client_of, send
from tests.support import (
    CONTENT,
    HOOKS,
    INSTANCE,
    NOW,
    PATIENTS,
    cards_of,
    id_of,
    new_client,
    post,
    request_for,
    resources_of,
    runtime_behind,
)


class Counted(NoMetrics):
    """Keeps what is counted."""

    def __init__(self) -> None:
        self.depths: list[int] = []
        self.given_up = 0
        self.states: list[str] = []

    def set_queue_depth(self, depth: int) -> None:
        self.depths.append(depth)

    def count_dropped_records(self) -> None:
        self.given_up += 1

    def set_database_up(self, is_up: bool) -> None:
        self.states.append("up" if is_up else "down")


def a_card(number: int) -> Card:
    source = Source(label="x", topic=Coding(system="x", code=f"card-{number}"))
    uuid = f"00000000-0000-4000-8000-{number:012x}"
    return Card(uuid=uuid, summary="x", detail="x", indicator="info", source=source)


def show(records: Records, *numbers: int) -> None:
    records.add_cards(
        "a-service", "a-hook", INSTANCE, "open", [(f"card-{number}", a_card(number)) for number in numbers]
    )


def until(holds: Callable[[], bool]) -> None:
    """Waits for something that happens in its own time; fails if it never does."""
    patience = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < patience
        time.sleep(0.01)


# ---------------------------------------------------------------- what is written


def test_every_card_that_is_shown_is_written_with_what_the_report_needs(database: str) -> None:
    with client_of(database) as client:
        cards = cards_of(client, request_for("ines-allergic"))
    rows = query(database, "SELECT uuid, card, indicator FROM shown_cards ORDER BY uuid")
    assert rows == sorted((card["uuid"], id_of(card), card["indicator"]) for card in cards)
    others = "SELECT DISTINCT content_version, hook, service, client, hook_instance FROM shown_cards"
    service = "acetylcysteine-order-sign"
    assert query(database, others) == [(CONTENT.about.version, "order-sign", service, "open", INSTANCE)]
    assert {str(at)[:19] for (at,) in query(database, "SELECT shown_at FROM shown_cards")} == {"2026-11-23 09:00:00"}


def test_cards_are_written_while_the_service_runs_and_not_only_at_its_end(database: str) -> None:
    with client_of(database) as client:
        cards = cards_of(client, request_for("ines-allergic"))
        until(lambda: count(database, "shown_cards") == len(cards))


def test_an_answer_without_cards_writes_nothing(database: str) -> None:
    with client_of(database) as client:
        assert cards_of(client, request_for("alma-glutamate-high", "amoxicillin")) == []
    assert count(database, "shown_cards") == 0


def test_a_call_that_is_refused_writes_nothing(database: str) -> None:
    with client_of(database) as client:
        assert post(client, {"hook": "order-sign"}).status_code == 400
    assert count(database, "shown_cards") == 0


@pytest.mark.parametrize("instance", ["Erika Mustermann", "x" * 10_000, "a\0b"])
def test_a_hook_instance_that_is_no_uuid_is_not_written(database: str, instance: str) -> None:
    with client_of(database) as client:
        assert cards_of(client, {**request_for("ines-allergic"), "hookInstance": instance})
    assert query(database, "SELECT DISTINCT hook_instance FROM shown_cards") == [("not a UUID",)]


def test_what_waits_is_written_at_the_end_however_much_it_is(database: str) -> None:
    async def run() -> None:
        async with records_at(database) as records:
            show(records, *range(1700))

    asyncio.run(run())
    assert count(database, "shown_cards") == 1700


def test_a_card_that_is_noted_twice_is_one_row(database: str) -> None:
    async def run() -> None:
        for _ in range(2):
            async with records_at(database) as records:
                show(records, 1, 2, 1)

    asyncio.run(run())
    assert count(database, "shown_cards") == 2


def test_a_row_that_no_database_would_take_is_given_up_and_the_next_are_written(database: str) -> None:
    good: Row = {
        "uuid": "a",
        "card": "a",
        "content_version": "a",
        "indicator": "info",
        "hook": "a",
        "service": "a",
        "client": "a",
        "hook_instance": "a",
        "shown_at": NOW,
    }

    async def run() -> None:
        store = Store(database, NoMetrics())
        await store.open()
        recorder = Recorder(store, 10, NoMetrics())
        recorder.put(shown_cards, {**good, "card": None})
        await recorder.flush()
        recorder.put(shown_cards, good)
        await recorder.flush()
        await store.close()

    asyncio.run(run())
    assert query(database, "SELECT uuid FROM shown_cards") == [("a",)]


@pytest.mark.parametrize("steps", range(6))
def test_a_recorder_that_is_told_to_end_just_after_a_card_came_ends(tmp_path: Path, steps: int) -> None:
    """Whatever the card has set going by then: each step is one turn of the event loop."""

    async def run() -> None:
        store = Store(url_in(tmp_path), NoMetrics())
        await store.open()
        recorder = Recorder(store, 10, NoMetrics())
        running = asyncio.create_task(recorder.run())
        await asyncio.sleep(0.01)  # it waits by now
        recorder.put(shown_cards, {"uuid": "a", **dict.fromkeys(COLUMNS, "x"), "shown_at": NOW})
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=1)
        running.cancel()
        await store.close()
        assert ended

    asyncio.run(run())


# ---------------------------------------------------------------- the database is away


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A file where the folder of the database should be: nothing can be opened there until it is removed."""
    path = tmp_path / "folder"
    path.write_text("in the way", encoding="utf-8")
    return path


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'records.sqlite3'}"


def test_without_a_database_cards_come_and_feedback_is_to_be_sent_again(away: Path) -> None:
    counted = Counted()
    with client_of(url_in(away), metrics=counted) as client:
        cards = cards_of(client, request_for("ines-allergic"))
        response = send(client, ACCEPTED)
        assert len(cards) == 1
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert response.json()["issue"][0]["code"] == "transient"
        assert runtime_behind(client).records.is_up is False
    assert "up" not in counted.states


def test_once_the_database_is_back_feedback_is_kept_and_the_cards_of_meanwhile_are_written(away: Path) -> None:
    counted = Counted()
    with client_of(url_in(away), metrics=counted) as client:
        cards = cards_of(client, request_for("ines-allergic"))
        assert send(client, ACCEPTED).status_code == 503
        away.unlink()
        assert send(client, ACCEPTED).status_code == 200
        assert runtime_behind(client).records.is_up is True
        until(lambda: count(url_in(away), "shown_cards") == len(cards))
    assert counted.states[0] == "down"
    assert counted.states[-1] == "up"
    assert count(url_in(away), "feedback") == 1


def test_a_database_that_comes_back_is_noticed_without_any_call(away: Path) -> None:
    with client_of(url_in(away)) as client:
        cards_of(client, request_for("ines-allergic"))
        away.unlink()
        until(lambda: runtime_behind(client).records.is_up)


def test_a_full_queue_gives_up_its_oldest_cards_and_counts_them(away: Path) -> None:
    counted = Counted()

    async def run() -> None:
        async with records_at(url_in(away), metrics=counted, queue_size=3) as records:
            show(records, 1, 2, 3, 4, 5)
            away.unlink()

    asyncio.run(run())
    assert counted.given_up == 2
    assert counted.depths == [1, 2, 3, 3, 3, 0]
    assert query(url_in(away), "SELECT card FROM shown_cards ORDER BY card") == [("card-3",), ("card-4",), ("card-5",)]


def test_a_group_that_could_not_be_written_is_kept_beside_the_queue_and_written_first(away: Path) -> None:
    counted = Counted()

    async def run() -> None:
        store = Store(url_in(away), counted)
        await store.open()
        recorder = Recorder(store, 3, counted)
        rows = [{"uuid": str(n), **dict.fromkeys(COLUMNS, "x"), "shown_at": NOW} for n in range(6)]
        for row in rows[:3]:
            recorder.put(shown_cards, row)
        with pytest.raises(StoreDown):
            await recorder.flush()
        for row in rows[3:]:
            recorder.put(shown_cards, row)
        assert len(recorder) == 6
        away.unlink()
        await recorder.flush()
        assert len(recorder) == 0
        await store.close()

    asyncio.run(run())
    assert counted.given_up == 0
    assert count(url_in(away), "shown_cards") == 6


COLUMNS = ("card", "content_version", "indicator", "hook", "service", "client", "hook_instance")


def test_a_service_that_ends_while_the_database_is_away_ends(away: Path) -> None:
    with client_of(url_in(away)) as client:
        assert len(cards_of(client, request_for("ines-allergic"))) == 1
    assert away.is_file()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The URL of a database server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"postgresql://tests@127.0.0.1:{listening.getsockname()[1]}/records"


def test_a_database_that_hangs_costs_nobody_an_answer(silent_server: str) -> None:
    with client_of(silent_server) as client:
        assert len(cards_of(client, request_for("ines-allergic"))) == 1
        assert send(client, OVERRIDDEN).status_code == 503


def test_records_that_are_not_open_keep_nothing_and_say_so(database: str) -> None:
    with pytest.raises(StoreDown):
        asyncio.run(records_at(database).save_feedback("a-service", "open", [Feedback("a", "overridden", NOW)]))
    assert count(database, "feedback") == 0


# ---------------------------------------------------------------- tokens


def test_a_token_is_new_once_for_each_client(database: str) -> None:
    async def run() -> list[bool]:
        until = NOW + timedelta(minutes=5)
        async with records_at(database) as records:
            asked = [("a", "1"), ("a", "1"), ("b", "1"), ("a", "2"), ("b", "1"), ("a", "x" * 100_000)]
            return [await records.is_new_token(client, jti, until) for client, jti in asked]

    assert asyncio.run(run()) == [True, False, True, True, False, True]


def test_of_many_who_ask_at_once_one_is_told_that_a_token_is_new(database: str) -> None:
    async def run() -> list[bool]:
        async with records_at(database) as one, records_at(database) as other:
            asked = [records.is_new_token("a", "1", NOW) for records in [one, other] * 10]
            return await asyncio.gather(*asked)

    assert sorted(asyncio.run(run())) == [False] * 19 + [True]


def test_whether_a_token_is_new_cannot_be_told_without_a_database(away: Path) -> None:
    async def run() -> None:
        async with records_at(url_in(away)) as records:
            await records.is_new_token("a", "1", NOW)

    with pytest.raises(StoreDown):
        asyncio.run(run())


# ---------------------------------------------------------------- how long it is kept


def fill(database: str, day: int, *numbers: int) -> None:
    """Cards shown, feedback and tokens of one day; a token is valid for 25."""
    now = NOW + timedelta(days=day)

    async def run() -> None:
        async with records_at(database, lambda: now) as records:
            show(records, *numbers)
            await records.save_feedback(
                "a-service", "open", [Feedback(f"card-{n}", "overridden", now) for n in numbers]
            )
            await records.is_new_token("a", f"{day}", now + timedelta(days=25))

    asyncio.run(run())


def prune_at(database: str, day: int) -> None:
    async def run() -> None:
        store, now = Store(database, NoMetrics()), NOW + timedelta(days=day)
        await store.open()
        await Pruner(store, timedelta(days=30)).prune(now)
        await store.close()

    asyncio.run(run())


def kept(database: str) -> tuple[int, int, int]:
    return count(database, "shown_cards"), count(database, "feedback"), count(database, "seen_tokens")


LEFT = {26: (3, 3, 2), 27: (3, 3, 1), 30: (3, 3, 1), 31: (1, 1, 1)}


def test_what_is_too_old_is_deleted_and_the_rest_is_not(database: str) -> None:
    fill(database, 0, 1, 2)
    fill(database, 20, 3)
    for day, left in LEFT.items():
        prune_at(database, day)
        assert kept(database) == left, day
    fill(database, 51, 4)
    prune_at(database, 51)
    assert kept(database) == (1, 1, 1)


@pytest.mark.parametrize("days", [3, 45, 800])
def test_a_clock_that_is_ahead_of_every_record_deletes_nothing_and_says_so(database: str, days: int) -> None:
    fill(database, 0, 1)
    with capture_logs() as lines:
        prune_at(database, 26 + days)  # the token of the first day expires on day 25
    assert kept(database) == (1, 1, 1)
    assert [line["event"] for line in lines] == ["database up", "clock ahead"]
    assert [line["days"] for line in lines if "days" in line] == [days + 1]


def test_records_that_are_written_by_a_clock_that_is_ahead_do_not_make_it_right(database: str) -> None:
    async def run() -> None:
        store, later = Store(database, NoMetrics()), NOW + timedelta(days=800)
        await store.open()
        pruner = Pruner(store, timedelta(days=30))
        await pruner.prune(later)
        async with records_at(database, lambda: later) as records:
            show(records, 2)
        await pruner.prune(later)
        await store.close()

    fill(database, 0, 1)
    asyncio.run(run())
    assert count(database, "shown_cards") == 2


def test_more_than_is_deleted_at_once_is_deleted_too(database: str) -> None:
    fill(database, 0, *range(4100))
    fill(database, 31)
    prune_at(database, 31)
    assert kept(database) == (0, 0, 1)


def test_a_service_deletes_what_is_too_old_by_itself(database: str) -> None:
    fill(database, 0, 1)
    fill(database, 31)
    with new_client(records=records_at(database, lambda: NOW + timedelta(days=31), retention_days=30)):
        until(lambda: kept(database) == (0, 0, 1))


# ---------------------------------------------------------------- privacy


def test_no_identifier_of_a_patient_or_a_user_is_in_any_table(database: str) -> None:
    with client_of(database) as client:
        for patient in PATIENTS:
            for hook in HOOKS:
                cards_of(client, request_for(patient, "oral-2401-once-daily", "inhaled-3ml", hook=hook))
        assert send(client, ACCEPTED, OVERRIDDEN).status_code == 200
    written = everything(database)
    ids = {one for patient in PATIENTS for resource in resources_of(patient) for one in (resource["id"], patient)}
    assert count(database, "shown_cards") > 100
    assert len(ids) > 100
    assert {one for one in [*ids, *PATIENTS, "Practitioner/example", "example-encounter"] if one in written} == set()
