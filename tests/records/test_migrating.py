"""The schema: made, brought up to date with what is in it, and refused where it is newer than the code."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from cds_service.errors import DatabaseRefused, StoreDown
from cds_service.feedback.connecting import new_engine
from cds_service.feedback.migrating import new_config
from cds_service.feedback.store import check_schema, migrate_schema
from cds_service.feedback.tables import metadata
from tests.command import run_command
from tests.records.databases import ENGINES, POSTGRES, count, query, records_at
from tests.support import new_client

NEWEST = "0004"


def in_database(url: str, work: Callable[[Connection], object]) -> object:
    """What a function of a connection gives, committed."""

    async def run() -> object:
        engine = new_engine(url)
        async with engine.begin() as connection:
            result = await connection.run_sync(work)
        await engine.dispose()
        return result

    return asyncio.run(run())


def migrate_to(url: str, revision: str) -> None:
    """Brings a database to an older revision than the newest."""

    def work(connection: Connection) -> None:
        upgrade(new_config(connection), revision)

    in_database(url, work)


def revision_of(url: str) -> list[tuple[str]]:
    return query(url, "SELECT version_num FROM alembic_version")


def test_the_migrations_make_the_tables_that_the_code_uses(database: str) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert in_database(database, differences) == []


def test_a_migrated_database_is_left_alone(database: str) -> None:
    assert asyncio.run(migrate_schema(database)) == NEWEST
    assert revision_of(database) == [(NEWEST,)]


def test_an_older_schema_is_migrated_with_what_is_in_it(empty_database: str) -> None:
    migrate_to(empty_database, "0001")
    columns = "uuid, card, content_version, indicator, hook, service, client, hook_instance, shown_at"
    values = "'a', 'b', 'c', 'info', 'd', 'e', 'f', 'g', '2026-11-23 09:00:00'"
    query(empty_database, f"INSERT INTO shown_cards ({columns}) VALUES ({values})")
    assert asyncio.run(migrate_schema(empty_database)) == NEWEST
    assert query(empty_database, "SELECT uuid, card FROM shown_cards") == [("a", "b")]
    assert count(empty_database, "seen_tokens") == 0


def test_of_several_that_migrate_at_once_one_does_it(empty_database: str) -> None:
    async def run() -> list[str]:
        return await asyncio.gather(*(migrate_schema(empty_database) for _ in range(5)))

    assert asyncio.run(run()) == [NEWEST] * 5


def test_a_migration_that_breaks_leaves_the_schema_as_it_was(empty_database: str) -> None:
    migrate_to(empty_database, "0001")
    query(empty_database, "CREATE TABLE seen_tokens (something integer)")
    with pytest.raises(StoreDown):
        asyncio.run(migrate_schema(empty_database))
    assert revision_of(empty_database) == [("0001",)]


ANY_PORT = "0"  # the database is looked at once the port is bound


def make_newer(url: str) -> None:
    query(url, "UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize("act", [check_schema, migrate_schema], ids=["start", "migrate"])
def test_a_newer_schema_is_refused(database: str, act: Callable[[str], Coroutine[None, None, object]]) -> None:
    make_newer(database)
    with pytest.raises(DatabaseRefused, match="newer than this version"):
        asyncio.run(act(database))
    assert revision_of(database) == [("9999",)]


def test_a_newer_schema_stops_the_service_by_whatever_it_is_started(database: str) -> None:
    make_newer(database)
    with pytest.raises(DatabaseRefused, match="newer than this version"), new_client(records=records_at(database)):
        pass


@pytest.mark.parametrize(
    "words", [("serve", "--port", ANY_PORT), ("migrate",), ("report",)], ids=lambda words: words[0]
)
def test_the_command_says_why_it_does_not_use_a_newer_schema(database: str, words: tuple[str, ...]) -> None:
    make_newer(database)
    done = run_command(*words, settings={"CDS_DATABASE_URL": database})
    assert done.exit_code == 1
    assert "the database's schema is newer than this version of the service" in done.output


def test_an_older_sqlite_file_is_not_migrated_by_a_report(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'records.sqlite3'}"
    migrate_to(url, "0001")

    assert "run `cds-service migrate` first" in run_command("report", settings={"CDS_DATABASE_URL": url}).output
    assert revision_of(url) == [("0001",)]


def test_sqlite_is_migrated_at_the_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a' / 'new' / 'folder' / 'records.sqlite3'}"
    with new_client(records=records_at(url)):
        assert revision_of(url) == [(NEWEST,)]
        assert query(url, "PRAGMA journal_mode") == [("wal",)]


POSTGRESQL_ALONE = [engine for engine in ENGINES if engine == "postgresql"]

if POSTGRESQL_ALONE:

    @pytest.mark.parametrize("empty_database", POSTGRESQL_ALONE, indirect=True)
    @pytest.mark.parametrize("revision", ["", "0001"], ids=["empty", "older"])
    def test_postgresql_is_migrated_by_the_command_alone(empty_database: str, revision: str) -> None:
        if revision:
            migrate_to(empty_database, revision)
        settings = {"CDS_DATABASE_URL": empty_database}
        refused = run_command("serve", "--port", ANY_PORT, settings=settings)
        assert (refused.exit_code, "run `cds-service migrate` first" in refused.output) == (1, True)
        assert f"revision {NEWEST}" in run_command("migrate", settings=settings).output
        with new_client(records=records_at(empty_database)) as client:
            assert client.get("/cds-services").status_code == 200


def test_in_ci_both_databases_are_tested() -> None:
    assert POSTGRES or os.environ.get("CI") != "true"


WRONG = {
    "no URL": "S3CR3T",
    "another database": "mysql://user:S3CR3T@127.0.0.1/records",
    "a port that is none": "postgresql://user:S3CR3T@127.0.0.1:S3CR3T/records",
    "nothing": "",
}


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("words", [("serve", "--port", ANY_PORT), ("report",)], ids=lambda words: words[0])
def test_a_url_that_names_no_database_is_refused_and_not_repeated(url: str, words: tuple[str, ...]) -> None:
    done = run_command(*words, settings={"CDS_DATABASE_URL": url})
    assert done.exit_code == 1
    assert "CDS_DATABASE_URL" in done.output
    assert "S3CR3T" not in done.output


def test_a_report_of_a_database_that_is_away_says_so_and_not_its_password() -> None:
    done = run_command("report", settings={"CDS_DATABASE_URL": "postgresql://user:S3CR3T@127.0.0.1:1/records"})
    assert done.exit_code == 1
    assert done.output.startswith("No report: the database is not available: connection refused")
    assert "S3CR3T" not in done.output
