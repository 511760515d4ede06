"""Each test of the records runs on both databases."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.feedback.store import migrate_schema
from tests.records.databases import ENGINES, POSTGRES, new_database

collect_ignore = [] if POSTGRES else ["test_postgresql_stopped.py"]  # in CI there is one: test_migrating.py says so


@pytest.fixture(params=ENGINES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    yield from new_database(request.param, tmp_path)


@pytest.fixture
def database(empty_database: str) -> str:
    """The URL of a database with the tables, and nothing in them."""
    asyncio.run(migrate_schema(empty_database))
    return empty_database
