"""PostgreSQL stopped and started again under load, a server of this test's own."""

import asyncio
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pytest

from cds_service.feedback.store import migrate_schema
from tests.processes import PATIENCE, free_port
from tests.records.databases import query
from tests.records.load import Load, service_at
from tests.support import ROOT


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server that can be stopped and started."""

    folder: str
    port: int

    def do(self, action: str) -> None:
        """Starts it, stops it, or stops it as a crash would."""
        subprocess.run([ROOT / ".ci" / "postgres", action, self.folder, str(self.port)], check=True, timeout=PATIENCE)


@pytest.fixture
def server() -> Iterator[Server]:
    """Running at first. Its folder is outside pytest's own, which the user that PostgreSQL runs as may not enter."""
    one = Server(tempfile.mkdtemp(prefix="records-"), free_port())
    one.do("start")
    try:
        yield one
    finally:
        one.do("kill")
        shutil.rmtree(one.folder)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_without_postgresql_guidance_is_given_and_once_it_is_back_everything_is_kept(server: Server, how: str) -> None:
    database = f"postgresql://tests@127.0.0.1:{server.port}/records"
    with closing(psycopg.connect(database.replace("/records", "/postgres"), autocommit=True)) as connection:
        connection.execute("CREATE DATABASE records")
    asyncio.run(migrate_schema(database))
    load = Load([])
    with service_at(database) as service:
        load.addresses = [service.address]
        with load.running():
            load.wait_for(10)
            server.do(how)
            load.wait_until(lambda load: load.statuses.get("feedback 503", 0) > 3)
            server.do("start")
            load.wait_for(10)
        service.end(signal.SIGTERM)
    assert load.statuses.keys() == {"hook 200", "feedback 200", "feedback 503"}
    kept = [card for (card,) in query(database, "SELECT card_uuid FROM feedback")]
    assert set(load.acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))
    assert {card for (card,) in query(database, "SELECT uuid FROM shown_cards")} == set(load.cards)
