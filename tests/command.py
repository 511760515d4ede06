"""The `cds-service` command, run in the process of the tests: it has imported everything already."""

import socket
from collections.abc import Mapping

import structlog
from typer.testing import CliRunner, Result

from cds_service.cli import cli

# A port that is taken, for `serve` that must refuse to start: should it not refuse, it fails at once.
_taken = socket.create_server(("127.0.0.1", 0))
NO_PORT = str(_taken.getsockname()[1])


def run_command(*arguments: str, settings: Mapping[str, str] | None = None) -> Result:
    """What became of the command: its exit code and its output. An error that it does not expect is raised."""
    try:
        done = CliRunner().invoke(cli, arguments, env=settings)
    finally:
        structlog.reset_defaults()  # the command sets up the logs of its process
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done
