"""Engines for SQLite and PostgreSQL. All differences between the two are in this module."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from cds_service.errors import DatabaseRefused

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_BUSY_TIMEOUT = "PRAGMA busy_timeout = 2000"  # in ms; another process may be writing
_MIGRATION_LOCK = 6_710_886_401  # an arbitrary key, the same in every process
_FILE = "file"  # what a connection notes of its file when it opens it
POOL_TIMEOUT = 2  # seconds to wait for a free connection


class FileGone(OSError):
    """The SQLite file was deleted or replaced while it was open."""


def new_engine(database_url: str) -> AsyncEngine:
    """An engine that connects on first use. Raises `DatabaseRefused` for an invalid URL."""
    url = _parse_url(database_url)
    return _new_sqlite(url) if url.get_backend_name() == "sqlite" else _new_postgresql(url)


def _parse_url(database_url: str) -> URL:
    """The URL with our driver. Errors never repeat the URL, which may contain a password."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise DatabaseRefused("CDS_DATABASE_URL is not the URL of a database") from None
    driver = _DRIVERS.get(url.drivername.partition("+")[0])
    if driver is None:
        raise DatabaseRefused("CDS_DATABASE_URL begins with neither sqlite: nor postgresql:")
    return url.set(drivername=driver)


def describe_database(database_url: str) -> str:
    """The database by its name, and for PostgreSQL its host: neither user nor password. Raises `DatabaseRefused`."""
    url = _parse_url(database_url)
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"the PostgreSQL database {url.database}" + (f" on {url.host}" if url.host else "")


def check_file_exists(database_url: str) -> None:
    """Raises `DatabaseRefused` for an SQLite file that is not there."""
    file = _sqlite_file(database_url)
    if file and not file.is_file():
        raise DatabaseRefused(f"there is no file {file}: CDS_DATABASE_URL names the one that a service has written")


def check_folder_exists(database_url: str) -> None:
    """Raises `DatabaseRefused` for an SQLite file in a folder that is not there."""
    file = _sqlite_file(database_url)
    if file and not file.parent.is_dir():
        raise DatabaseRefused(f"there is no folder {file.parent}: CDS_DATABASE_URL names a file in it")


def _sqlite_file(database_url: str) -> Path | None:
    """None for PostgreSQL. Raises `DatabaseRefused` for a database in memory, which ends with its process."""
    url = _parse_url(database_url)
    if url.get_backend_name() != "sqlite":
        return None
    if url.database in (None, "", ":memory:"):
        raise DatabaseRefused("CDS_DATABASE_URL is a database in memory, which no other process can read")
    return Path(url.database)


def _new_sqlite(url: URL) -> AsyncEngine:
    """Has a single connection: SQLite allows one writer at a time, and queueing is faster than retrying."""
    engine = _new_engine(url, pool_size=1)
    event.listen(engine.sync_engine, "do_connect", lambda *_: _prepare_file(url))
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    event.listen(engine.sync_engine, "connect", partial(_note_file, url))
    return engine


def _note_file(url: URL, _connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    record.info[_FILE] = (url.database, _identity(url.database))


def _identity(path: str | None) -> tuple[int, int] | None:
    """What tells a file from another of its name; None for a file that is not there."""
    try:
        found = Path(path or "").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def check_file(connection: Connection) -> None:
    """Raises `FileGone` where the file that is written to is no longer the one of its name: nobody would find that."""
    if _FILE not in connection.info:
        return  # of PostgreSQL
    path, identity = connection.info[_FILE]
    if identity != _identity(path):
        raise FileGone


def _prepare_file(url: URL) -> None:
    """Creates the folder and the file, and sets its journal so that the report can read while the service writes.

    The driver opens the file in a thread. If that fails after the event loop has ended, Python prints a traceback among
    the log lines; opening it here raises the error first.
    """
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(url.database)) as connection:
            _set_journal(connection)


def _set_journal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for the lock that this takes, so that workers that start together have to try again."""
    give_up = monotonic() + POOL_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > give_up:
                raise
            sleep(0.02)
        else:
            return


def _set_pragmas(connection: DBAPIConnection, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(_BUSY_TIMEOUT)
    cursor.close()


def _new_postgresql(url: URL) -> AsyncEngine:
    """Detects a restarted server before using a connection, and an unreachable one within seconds."""
    timeouts = {"connect_timeout": POOL_TIMEOUT, "keepalives_idle": 5, "tcp_user_timeout": 5000}
    return _new_engine(url, pool_size=5, pool_pre_ping=True, connect_args=timeouts)


def _new_engine(url: URL, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,  # no stored data in error messages
        **options,
    )


async def set_durability(connection: AsyncConnection, durable: bool) -> None:
    """Whether the next commit survives a power failure. SQLite then waits for the disk, and others wait for it."""
    if connection.dialect.name == "sqlite":
        await connection.execute(text(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}"))


async def begin_snapshot(connection: AsyncConnection) -> None:
    """Begins a transaction whose reads see one consistent snapshot and block nobody."""
    is_sqlite = connection.dialect.name == "sqlite"
    statement = "BEGIN" if is_sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
    await connection.execute(text(statement))


@asynccontextmanager
async def migration_transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that only one process at a time can hold; others wait for it, on SQLite up to a minute."""
    is_sqlite = engine.dialect.name == "sqlite"
    lock = "BEGIN IMMEDIATE" if is_sqlite else f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"
    async with engine.connect() as connection:
        if is_sqlite:
            await connection.execute(text("PRAGMA busy_timeout = 60000"))
        await connection.execute(text(lock))
        yield connection
        await connection.commit()
        if is_sqlite:
            await connection.execute(text(_BUSY_TIMEOUT))
