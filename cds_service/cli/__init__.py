"""The `cds-service` command."""

from typing import Annotated

import typer

from cds_service import __version__
from cds_service.cli.comparing import diff
from cds_service.cli.content import check, explain, manifest, review_pages
from cds_service.cli.doctor import doctor
from cds_service.cli.keygen import keygen
from cds_service.cli.records import migrate, report, review_sample
from cds_service.cli.replay import replay
from cds_service.cli.serve import serve
from cds_service.cli.settings import settings
from cds_service.cli.setup import setup_sheet
from cds_service.cli.signing import sign
from cds_service.cli.site import site
from cds_service.cli.terminal import Commands, escape_what_the_locale_lacks

cli = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    rich_markup_mode=None,  # help and errors as plain text: no boxes that cut a path in two
    pretty_exceptions_enable=False,  # a traceback is a bug, and is reported as Python prints it
)


def main() -> None:
    """Runs the command."""
    escape_what_the_locale_lacks()
    cli()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cds-service {__version__}")
        raise typer.Exit


@cli.callback()
def describe_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A CDS Hooks service for acetylcysteine."""


_COMMANDS = (
    *(serve, check, manifest, review_pages, explain, sign, diff),
    *(replay, migrate, report, review_sample, site, settings, setup_sheet, doctor, keygen),
)
for command in _COMMANDS:
    cli.command()(command)
