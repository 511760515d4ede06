"""Both databases for the tests: a new one for each test, and what is in it, read without the service's own code.

PostgreSQL takes part where `TEST_POSTGRES_URL` names a server that may make databases (`.ci/postgres` starts one).
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from cds_service.feedback.records import Records
from tests.support import CONTENT, NOW

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "")
ENGINES = ["sqlite", *(["postgresql"] if POSTGRES else [])]


def new_database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'records.sqlite3'}"
        return
    name = f"t{uuid4().hex}"
    _administer(f"CREATE DATABASE {name}")
    try:
        yield f"{POSTGRES.rpartition('/')[0]}/{name}"
    finally:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _administer(statement: str) -> None:
    with closing(psycopg.connect(POSTGRES, autocommit=True)) as connection:
        connection.execute(statement)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows that a statement gives."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            return connection.execute(statement).fetchall()
    with closing(psycopg.connect(url, autocommit=True)) as server:
        cursor = server.execute(statement)
        return cursor.fetchall() if cursor.description else []


def count(url: str, table: str) -> int:
    """How many rows a table has."""
    ((number,),) = query(url, f"SELECT count(*) FROM {table}")
    return int(number)


def everything(url: str) -> str:
    """All that is in the tables, as one text."""
    tables = ("shown_cards", "answered_calls", "feedback", "seen_tokens", "alembic_version")
    return "\n".join(repr(row) for table in tables for row in query(url, f"SELECT * FROM {table}"))


def records_at(url: str, now: Callable[[], datetime] = lambda: NOW, **more: Any) -> Records:
    """Records of a service whose clock stands still."""
    return Records(url, CONTENT.about.version, now, **more)
