"""The burden: what is recorded of each answer, what is made of it, and that both databases count the same."""

import asyncio
import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from cds_service.feedback.burden import BurdenFigures, Counts, Place, burden_figures
from cds_service.feedback.reading_burden import read_burden
from cds_service.feedback.records import Records
from cds_service.feedback.store import read_once
from tests.command import run_command
from tests.records.databases import everything, query, records_at
from tests.records.test_reporting import accepted, overridden, shown, uuid
from tests.support import CONTENT, INSTANCE, NOW, cards_of, new_client, post, request_for

WEEK = timedelta(days=7)
MONDAY = "2026-11-23"  # NOW is on it
NEXT = "2026-11-30"
HIGH, LOW = "glutamate-high", "glutamate-low"


async def answer(records: Records, number: int, cards: list[int], client: str = "east", orders: int = 1) -> None:
    """One answer, with cards of these numbers."""
    without = 0 if cards else orders
    burden = {"orders": orders, "orders_without_card": without, "cards": len(cards), "words": 50 * len(cards)}
    call = ("s", "order-sign", INSTANCE, client)
    records.add_answer(*call, uuid(1000 + number), burden)
    records.add_cards(*call, [shown(card, HIGH if card % 2 else LOW) for card in cards])


async def fill(url: str) -> None:
    """A week with four orders and two cards, and one with four orders and three cards."""
    async with Records(url, "v1", lambda: NOW) as records:
        await answer(records, 1, [1, 2], orders=2)
        await answer(records, 2, [], client="west", orders=2)
    async with Records(url, "v2", lambda: NOW + WEEK) as records:
        await answer(records, 3, [3])
        await answer(records, 4, [4])
        await answer(records, 5, [5])
        await answer(records, 6, [])
        records.add_cards("s", "order-sign", INSTANCE, "east", [shown(7, HIGH)], "silent")
        given = [overridden(1, 1, "tolerated-before"), overridden(2, 1), accepted(3, 1), overridden(3, 2)]
        await records.save_feedback("s", "east", [*given, overridden(4, 1), overridden(4, 2, "not-now")])


@pytest.fixture
def filled(database: str) -> str:
    asyncio.run(fill(database))
    return database


def read(url: str, since: datetime | None = None) -> dict[tuple[str, str], BurdenFigures]:
    figures = asyncio.run(read_once(url, partial(read_burden, since)))
    return {(row.by, row.name): row for row in figures}


def test_all_calls_together(filled: str) -> None:
    assert read(filled)["all", "all"] == BurdenFigures(
        by="all",
        name="all",
        orders=8,
        cards=5,
        cards_per_100_orders=62.5,
        silent_per_100_orders=12.5,
        orders_without_card=0.375,
        words_per_answer=62.5,  # 250 words in four answers with cards
        overridden_with_reason=0.4,
        overridden_without_reason=0.2,
        change=None,
    )


@pytest.mark.parametrize(
    ("by", "name", "orders", "cards", "per_100", "without"),
    [
        ("client", "east", 6, 5, 83.3333, 0.1667),
        ("client", "west", 2, 0, 0.0, 1.0),
        ("content version", "v1", 4, 2, 50.0, 0.5),
        ("content version", "v2", 4, 3, 75.0, 0.25),
        ("hook", "order-sign", 8, 5, 62.5, 0.375),
        ("week", MONDAY, 4, 2, 50.0, 0.5),
        ("week", NEXT, 4, 3, 75.0, 0.25),
        ("card", HIGH, 8, 3, 37.5, None),
        ("card", LOW, 8, 2, 25.0, None),
    ],
)
def test_each_group(
    by: str, name: str, orders: int, cards: int, per_100: float, without: float | None, filled: str
) -> None:
    row = read(filled)[by, name]
    assert (row.orders, row.cards, row.cards_per_100_orders, row.orders_without_card) == (
        orders,
        cards,
        per_100,
        without,
    )


def test_a_week_is_compared_with_the_week_before(filled: str) -> None:
    figures = read(filled)
    assert (figures["week", MONDAY].change, figures["week", NEXT].change) == (None, 0.5)


def test_an_override_counts_with_its_reason_and_not_where_a_suggestion_was_accepted(filled: str) -> None:
    figures = read(filled)
    high, low = figures["card", HIGH], figures["card", LOW]
    assert (high.overridden_with_reason, high.overridden_without_reason) == (0.3333, 0.0)
    assert (low.overridden_with_reason, low.overridden_without_reason) == (0.5, 0.5)


def test_silent_cards_count_apart(filled: str) -> None:
    figures = read(filled)
    assert (figures["card", HIGH].silent_per_100_orders, figures["card", LOW].silent_per_100_orders) == (12.5, 0.0)
    assert figures["week", NEXT].silent_per_100_orders == 25.0


def test_only_calls_since(filled: str) -> None:
    assert read(filled, NOW + WEEK)["all", "all"].orders == 4


def test_cards_before_the_first_recorded_call_do_not_count(filled: str) -> None:
    query(filled, "DELETE FROM answered_calls WHERE content_version = 'v1'")
    figures = read(filled)
    assert ("card", LOW) in figures
    assert (figures["card", HIGH].cards, figures["card", LOW].cards) == (2, 1)


def test_without_calls_there_are_no_figures(database: str) -> None:
    assert read(database) == {}


@pytest.mark.parametrize("days", range(-8, 8))
def test_weeks_begin_on_mondays_in_utc(days: int, database: str) -> None:
    moment = NOW.replace(hour=0) + timedelta(days=days)

    async def run() -> None:
        for at in (moment, moment + timedelta(hours=23, minutes=59)):
            async with Records(database, "v1", partial(lambda when: when, at)) as records:
                await answer(records, at.minute, [])

    asyncio.run(run())
    monday = moment - timedelta(days=moment.weekday())
    assert [name for by, name in read(database) if by == "week"] == [f"{monday:%Y-%m-%d}"]


def test_shares_of_nothing_are_none() -> None:
    place = Place("east", "v1", "order-sign", MONDAY)
    row = burden_figures({place: Counts()}, {})[0]
    assert (row.cards_per_100_orders, row.orders_without_card, row.words_per_answer) == (None, None, None)


def test_a_gap_of_a_week_is_no_change() -> None:
    places = [Place("east", "v1", "order-sign", week) for week in ("2026-11-09", MONDAY)]
    rows = burden_figures({place: Counts(orders=1, cards=1) for place in places}, {})
    assert [row.change for row in rows if row.by == "week"] == [None, None]


# ---------------------------------------------------------------- what is recorded


def recorded(database: str, *requests: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What is recorded of calls: orders, those without a card, cards."""
    with new_client(records=records_at(database)) as client:
        for request in requests:
            assert post(client, request).status_code == 200
    return query(database, "SELECT orders, orders_without_card, cards FROM answered_calls ORDER BY orders, cards")


def test_a_call_with_cards_is_recorded_with_its_words(database: str) -> None:
    request = request_for("alma-glutamate-high", "oral-600-twice-daily")
    with new_client() as client:
        cards = cards_of(client, request)
    assert recorded(database, request) == [(1, 0, len(cards))]
    words = sum(len(f"{card['summary']} {card['detail']}".split()) for card in cards)
    assert query(database, "SELECT words FROM answered_calls") == [(words,)]


def test_a_call_without_cards_is_recorded_too(database: str) -> None:
    request = request_for("bruno-glutamate-normal", "intravenous")
    assert recorded(database, request) == [(1, 1, 0)]


def test_a_call_about_another_drug_is_not_recorded(database: str) -> None:
    request = request_for("alma-glutamate-high", "nitroglycerin")
    assert recorded(database, request) == []


def test_nothing_of_the_patient_is_recorded(database: str) -> None:
    recorded(database, request_for("alma-glutamate-high", "oral-600-twice-daily"))
    assert "alma" not in everything(database)
    assert "oral-600" not in everything(database)


# ---------------------------------------------------------------- how it is printed


def printed(url: str, *words: str) -> str:
    done = run_command("report", *words, settings={"CDS_DATABASE_URL": url, "COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_tables_say_it_in_80_columns(filled: str) -> None:
    written = printed(filled)
    lines = [" ".join(line.split()) for line in written.splitlines()]
    assert max(map(len, written.splitlines())) <= 80
    assert "week orders cards/100 silent/100 none words reason no reason change" in lines
    assert "all 8 62.5 12.5 38% 62 40% 20%" in lines
    assert f"{NEXT} 4 75.0 25.0 25% 50 33% 0% +50%" in lines


def test_json_says_it_too(filled: str) -> None:
    burden = json.loads(printed(filled, "--json"))["burden"]
    week = next(row for row in burden if row["name"] == NEXT)
    assert (week["by"], week["change"], week["cards_per_100_orders"]) == ("week", 0.5, 75.0)


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("203.0.113.9", 404)])
def test_the_page_is_for_the_networks_of_the_metrics(host: str, status: int, filled: str) -> None:
    app = new_client(records=records_at(filled)).app
    with TestClient(app, client=(host, 50000)) as client:
        page = client.get("/report")
    assert page.status_code == status
    if status == 200:
        assert "<td>all</td>" in page.text
        assert "62.5" in page.text
        assert f"<td>{CONTENT.cards[0].id}</td>" not in page.text
        assert "By content version" in page.text
        assert "<dt>silent/100</dt>" in page.text
