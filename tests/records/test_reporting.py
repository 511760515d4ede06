"""The report: what is counted, how often, and that both databases count the same."""

import asyncio
import csv
import io
import json
import re
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import make_url

from cds_service.errors import DatabaseRefused
from cds_service.feedback.burden import ALL, BurdenFigures
from cds_service.feedback.connecting import describe_database
from cds_service.feedback.records import Records
from cds_service.feedback.report import CardStatistics, Report, as_tables
from cds_service.feedback.reporting import read_report
from cds_service.feedback.store import read_once
from cds_service.hooks.cards import Card, Coding, Source
from cds_service.hooks.feedback import Feedback
from tests.command import run_command
from tests.records.databases import query
from tests.support import CONTENT, INSTANCE, NOW

OURS = CONTENT.about.override_system
THEIRS = "http://example.org/override"
HIGH, ALLERGY = "glutamate-high", "acetylcysteine-hypersensitivity"


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def shown(number: int, card_id: str) -> tuple[str, Card]:
    source = Source(label="x", topic=Coding(system="x", code=card_id))
    return card_id, Card(uuid=uuid(number), summary="x", detail="x", indicator="info", source=source)


def accepted(number: int, seconds: float) -> Feedback:
    return Feedback(uuid(number), "accepted", NOW + timedelta(seconds=seconds), suggestions=("a",))


def overridden(number: int, seconds: float, code: str = "", system: str = "") -> Feedback:
    moment = NOW + timedelta(seconds=seconds)
    return Feedback(uuid(number), "overridden", moment, reason_code=code, reason_system=system)


async def fill(url: str) -> None:
    """Two clients, two versions of the content, two cards, and every kind of feedback."""
    async with Records(url, "v1", lambda: NOW) as records:
        cards = [shown(number, HIGH) for number in range(1, 6)] + [shown(6, ALLERGY)]
        records.add_cards("s", "order-sign", INSTANCE, "east", cards)
        records.add_cards("s", "order-sign", INSTANCE, "west", [shown(7, HIGH)])
    async with Records(url, "v2", lambda: NOW + timedelta(days=1)) as records:
        records.add_cards("s", "order-sign", INSTANCE, "east", [shown(8, HIGH), shown(9, HIGH)])
        await records.save_feedback("s", "east", FEEDBACK)
        await records.save_feedback("s", "west", [overridden(1, 5, "not-theirs"), overridden(98, 5)])


FEEDBACK = [
    accepted(1, 10),
    accepted(1, 20),  # another suggestion of the same card, later
    overridden(1, 5, "benefit-outweighs-risk"),  # first dismissed, then accepted: followed
    overridden(2, 30, "tolerated-before"),  # without a system
    overridden(2, 31, "tolerated-before", OURS),  # and once more with it: one card, one reason
    overridden(3, 100, "not-now", THEIRS),
    overridden(4, -60),  # the client's clock is behind, and nobody was asked why
    overridden(6, 1),
    accepted(8, 86400 + 4),
    accepted(99, 1),  # a card that nobody has shown
]


@pytest.fixture
def filled(database: str) -> str:
    asyncio.run(fill(database))
    return database


def read(url: str, since: datetime | None = None) -> Report:
    return asyncio.run(read_once(url, partial(read_report, since, OURS)))


EAST_1 = CardStatistics(
    HIGH, "east", "v1", 5, 0, 1, 3, 0.2, 30.0, {"tolerated-before": 1, f"{THEIRS}|not-now": 1, "no reason given": 1}
)
EAST_2 = CardStatistics(HIGH, "east", "v2", 2, 0, 1, 0, 0.5, 4.0, {})
EAST_ALLERGY = CardStatistics(ALLERGY, "east", "v1", 1, 0, 0, 1, 0.0, 1.0, {"no reason given": 1})
WEST = CardStatistics(HIGH, "west", "v1", 1, 0, 0, 0, 1.0, None, {})


def test_each_card_counts_once_for_its_client_and_version(filled: str) -> None:
    assert list(read(filled).by_client_and_version) == [EAST_1, EAST_2, EAST_ALLERGY, WEST]


def test_all_clients_and_versions_together(filled: str) -> None:
    total = CardStatistics(HIGH, "", "", 8, 0, 2, 3, 0.375, 17.5, EAST_1.reasons)
    allergy = CardStatistics(ALLERGY, "", "", 1, 0, 0, 1, 0.0, 1.0, {"no reason given": 1})
    assert list(read(filled).cards) == [total, allergy]


def test_feedback_on_cards_that_the_client_was_never_shown_is_counted_apart(filled: str) -> None:
    assert read(filled).feedback_on_unknown_cards == {"east": 1, "west": 2}


@pytest.mark.parametrize(("days", "lines"), [(0, 4), (0.5, 1), (1, 1), (2, 0)])
def test_only_cards_that_were_shown_since(filled: str, days: float, lines: int) -> None:
    report = read(filled, NOW + timedelta(days=days))
    assert len(report.by_client_and_version) == lines


def test_a_database_without_rows_gives_an_empty_report(database: str) -> None:
    assert read(database) == Report(None, [], [], {})


def test_before_the_first_start_there_is_no_report_and_no_file_is_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefused, match="there is no file"):
        read(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    assert not list(tmp_path.iterdir())


def test_a_database_in_memory_has_no_report() -> None:
    with pytest.raises(DatabaseRefused, match="no other process can read"):
        read("sqlite:///:memory:")


def printed(url: str, *words: str) -> str:
    result = run_command("report", *words, settings={"CDS_DATABASE_URL": url, "COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_tables_fit_into_80_columns_and_say_it_all(filled: str) -> None:
    lines = [" ".join(line.split()) for line in printed(filled).splitlines()]
    assert f"{HIGH} 8 0 2 3 38% 17.5 s" in lines
    assert f"{HIGH} 5 0 1 3 20% 30.0 s" in lines
    assert f"{HIGH} 1 0 0 0 100%" in lines
    assert "Client east, content v1" in lines
    assert f"{HIGH} {THEIRS}|not-now 1" in lines
    assert lines[-1] == "Items of feedback on cards that are not on record: 3"


def never_applied(written: str) -> set[str]:
    """The cards that the report says never applied."""
    (_, _, rest) = " ".join(written.split()).partition("Cards neither shown nor kept silent: ")
    return set(re.match(r"[a-z-]+(?:, [a-z-]+)*", rest)[0].split(", "))  # type: ignore[index]


def test_the_tables_say_what_they_are_of_and_what_never_fired(filled: str) -> None:
    since, full, empty = (
        printed(filled, *words) for words in (("--since", "2026-11-23"), (), ("--since", "2099-01-01"))
    )
    database = str(make_url(filled).database)
    assert re.search(rf"{re.escape(database)}( on [^ ]+)?Period: ", full.replace("\n", ""))
    assert "Period: all that is on record\n" in full
    assert "Period: since 2026-11-23 00:00 UTC\n" in since
    ids = {card.id for card in CONTENT.cards}
    assert (never_applied(full), never_applied(empty)) == (ids - {HIGH, ALLERGY}, ids)
    assert ("Override reasons" in full, "Override reasons" in empty) == (True, False)


@pytest.mark.parametrize("url", ["postgresql://clerk:hush@db.example.org/cds?password=hush", "postgresql:///cds"])
def test_a_database_is_named_without_user_and_password(url: str) -> None:
    described = describe_database(url)
    assert "the PostgreSQL database cds" in described
    assert not {"clerk", "hush"} & set(described.replace(":", " ").split())
    assert "hush" not in described


def test_the_legend_explains_the_columns_that_are_there_and_no_others() -> None:
    figures = BurdenFigures(ALL, "", 4, 2, 50.0, None, 0.5, None, None, None, None)
    sections = as_tables(Report(None, (), (), {}, [figures]))
    legend = next(section for section in sections if isinstance(section, str))
    assert [line.partition(":")[0] for line in legend.splitlines()] == ["orders", "cards/100", "none"]


@pytest.mark.parametrize("words", [[], ["--csv"], ["--json"]], ids=["tables", "CSV", "JSON"])
def test_a_report_prints_nothing_that_a_terminal_would_obey(filled: str, words: list[str]) -> None:
    query(filled, f"UPDATE feedback SET reason_code = 'a{chr(27)}[31mb{chr(155)}0m{chr(7)}'")
    written = printed(filled, *words)
    assert "[31mb" in written
    assert not set(written) & {"\x1b", "\x9b", "\x07"}


def test_json_says_it_all(filled: str) -> None:
    report = json.loads(printed(filled, "--json", "--since", "2026-11-23"))
    assert report["since"] == "2026-11-23T00:00:00Z"
    first, split = report["cards"][0], report["by_client_and_version"][0]
    assert (first["card"], first["shown"], first["ignored_share"]) == (HIGH, 8, 0.375)
    assert "client" not in first
    assert (split["client"], split["content_version"], split["seconds_to_action"]) == ("east", "v1", 30.0)
    assert split["reasons"] == EAST_1.reasons
    assert report["feedback_on_unknown_cards"] == {"east": 1, "west": 2}


def test_csv_has_a_line_for_each_card_client_and_version(filled: str) -> None:
    first, *_, last = csv.DictReader(io.StringIO(printed(filled, "--csv")))
    assert first["card"], first["shown"] == (HIGH, "5")
    assert first["reasons"] == f"{THEIRS}|not-now: 1; no reason given: 1; tolerated-before: 1"
    assert last == {**dict.fromkeys(last, ""), **WEST_IN_CSV}


WEST_IN_CSV = {
    "card": HIGH,
    "client": "west",
    "content_version": "v1",
    "shown": "1",
    "silent": "0",
    "accepted": "0",
    "overridden": "0",
    "ignored_share": "1.0",
}


@pytest.mark.parametrize(("seconds", "said"), [(119.9, "119.9 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h")])
def test_times_are_said_in_the_unit_that_reads_best(database: str, seconds: float, said: str) -> None:
    async def run() -> None:
        async with Records(database, "v1", lambda: NOW) as records:
            records.add_cards("s", "order-sign", INSTANCE, "east", [shown(1, HIGH)])
            await records.save_feedback("s", "east", [accepted(1, seconds)])

    asyncio.run(run())
    assert "100%" not in printed(database)
    assert f" {said}\n" in printed(database)
