"""The engine for a URL: SQLite in a file, or PostgreSQL. All that the two need differently is here."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from cds_service.errors import DatabaseRefused

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # the report reads while the service writes
    "PRAGMA synchronous = FULL",  # a commit survives a loss of power
    "PRAGMA busy_timeout = 2000",  # another process may be writing; in ms
)
_MIGRATING = 6_710_886_401  # any number, the same in every process that may migrate
POOL_TIMEOUT = 2  # seconds until a connection must be free


def new_engine(address: str) -> AsyncEngine:
    """An engine that has not connected yet."""
    url = _url(address)
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)


def _url(address: str) -> URL:
    """The URL with the driver that is used here. An error never repeats it: it may hold a password."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise DatabaseRefused("CDS_DATABASE_URL is not the URL of a database") from None
    driver = _DRIVERS.get(url.drivername.partition("+")[0])
    if driver is None:
        raise DatabaseRefused("CDS_DATABASE_URL begins with neither sqlite: nor postgresql:")
    return url.set(drivername=driver)


def _sqlite(url: URL) -> AsyncEngine:
    """One connection: SQLite takes one writer at a time, and waiting in line is faster than asking again."""
    engine = _engine(url, pool_size=1)
    event.listen(engine.sync_engine, "do_connect", lambda *_: _prepare_file(url))
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def _prepare_file(url: URL) -> None:
    """Makes the folder, and tries the file. The driver opens it in a thread; where that fails, the thread answers an
    event loop that may be over, and Python writes its traceback among the log lines."""
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        sqlite3.connect(url.database).close()


def _set_pragmas(connection: DBAPIConnection, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _postgresql(url: URL) -> AsyncEngine:
    """A server that was restarted is noticed before a connection is used; one that is gone, within seconds."""
    patience = {"connect_timeout": POOL_TIMEOUT, "keepalives_idle": 5, "tcp_user_timeout": 5000}
    return _engine(url, pool_size=5, pool_pre_ping=True, connect_args=patience)


def _engine(url: URL, **more: Any) -> AsyncEngine:
    """Parameters stay out of errors, as they stay out of logs."""
    return create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
        **more,
    )


async def begin_snapshot(connection: AsyncConnection) -> None:
    """Begins a transaction whose reads all see the same moment, and block nobody."""
    sqlite = connection.dialect.name == "sqlite"
    await connection.execute(text("BEGIN" if sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


async def begin_migration(connection: AsyncConnection) -> None:
    """Begins a transaction that only one process at a time can be in."""
    sqlite = connection.dialect.name == "sqlite"
    await connection.execute(text("BEGIN IMMEDIATE" if sqlite else f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
