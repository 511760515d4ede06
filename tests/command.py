"""The `cds-service` command, run in the process of the tests: it has imported everything already."""

import socket
from collections.abc import Iterable, Mapping

import structlog
from typer.testing import CliRunner, Result

from cds_service.cli import cli

# Stands for a port that is taken, for `serve` that must refuse to start: should it not refuse, it fails at once. Names
# of tests hold it: they have to be the same in each process.
NO_PORT = "TAKEN"
_taken = socket.create_server(("127.0.0.1", 0))


def with_taken_port(arguments: Iterable[str]) -> list[str]:
    """The arguments with the number of the port that is taken."""
    number = str(_taken.getsockname()[1])
    return [number if argument == NO_PORT else argument for argument in arguments]


def run_command(*arguments: str, settings: Mapping[str, str] | None = None) -> Result:
    """What became of the command: its exit code and its output. An error that it does not expect is raised."""
    try:
        done = CliRunner().invoke(cli, with_taken_port(arguments), env=settings)
    finally:
        structlog.reset_defaults()  # the command sets up the logs of its process
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done
