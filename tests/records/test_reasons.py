"""Why PostgreSQL cannot be used is said in fixed words: the reason, and nothing that the server or a URL says."""

import asyncio
import socket
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from cds_service.errors import StoreDown
from cds_service.feedback.reasons import reason_of
from cds_service.feedback.store import migrate_schema
from tests.command import run_command
from tests.records.databases import POSTGRES

SECRET = "S3CR3T"
SERVER = 'connection failed: connection to server at "192.0.2.1", port 5432 failed: FATAL:  '
# What libpq and servers say, with names that must not be repeated.
SAID = {
    f"failed to resolve host '{SECRET}': [Errno -2] Name or service not known": "host name not resolved",
    f'{SERVER}password authentication failed for user "{SECRET}"': "user or password refused",
    f'{SERVER}database "{SECRET}" does not exist': "no such database",
    f'{SERVER}role "{SECRET}" does not exist': "no such user",
    f'{SERVER}role "{SECRET}" is not permitted to log in': "this user may not log in",
    f'{SERVER}no pg_hba.conf entry for host "192.0.2.1", user "{SECRET}"': "not admitted by pg_hba.conf",
    f"{SERVER}sorry, too many clients already": "too many connections",
    f"{SERVER}the database system is starting up": "the server is starting or stopping",
    f'connection to server at "{SECRET}" failed: fe_sendauth: no password supplied': "password needed",
    f'connection to server at "{SECRET}" failed: server does not support SSL, but SSL was required': "no TLS",
    f"a sentence in another language about {SECRET}": "OperationalError",
}


@pytest.mark.parametrize(("said", "reason"), SAID.items(), ids=SAID.values())
def test_what_is_said_of_a_connection_becomes_a_fixed_reason(said: str, reason: str) -> None:
    given = reason_of(OperationalError("SELECT", {}, psycopg.OperationalError(said)))
    assert reason in given
    assert SECRET not in given


def test_an_error_with_a_code_is_named_by_its_code() -> None:
    assert reason_of(OperationalError("SELECT", {}, psycopg.errors.lookup("57014")(SECRET))) == "57014"
    assert reason_of(ConnectionResetError(SECRET)) == "ConnectionResetError"


def closed_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize("command", ["migrate", "report"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [("127.0.0.1:{port}", "connection refused"), ("no-such-host.invalid", "host name not resolved")],
    ids=["refused", "unknown host"],
)
def test_the_command_says_the_reason(command: str, place: str, reason: str) -> None:
    url = f"postgresql://user:{SECRET}@{place.format(port=closed_port())}/records"
    done = run_command(command, settings={"CDS_DATABASE_URL": url})
    assert done.exit_code == 1
    assert f"the database is not available: {reason}" in done.output
    assert SECRET not in done.output


def test_an_sqlite_file_that_cannot_be_opened_is_named_by_its_code(tmp_path: Path) -> None:
    with pytest.raises(StoreDown) as raised:
        asyncio.run(migrate_schema(f"sqlite:///{tmp_path}"))
    assert raised.value.why == "SQLITE_CANTOPEN"


if POSTGRES:

    @pytest.mark.parametrize(("name", "reason"), [("/no_such_database", "no such database")])
    def test_a_server_that_lacks_the_database(name: str, reason: str) -> None:
        url = f"{POSTGRES.rpartition('/')[0]}{name}"
        with pytest.raises(StoreDown) as raised:
            asyncio.run(migrate_schema(url))
        assert raised.value.why == reason
