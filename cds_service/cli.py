"""The `cds-service` command: serve, check, explain, settings."""

import ipaddress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.table import Table

from cds_service.app import create_app, the_time
from cds_service.checking import check_content
from cds_service.content import load_content
from cds_service.errors import ContentError, InvalidRequest
from cds_service.explaining import explain_request
from cds_service.logs import configure, get_logger
from cds_service.settings import Settings, describe

cli = typer.Typer(help="A CDS Hooks service for acetylcysteine.", no_args_is_help=True, add_completion=False)
console = Console(soft_wrap=True)

Cards = Annotated[Path | None, typer.Option(help="Folder of the content; default: the setting CDS_CARDS.")]


def main() -> None:
    """Entry point of the command."""
    cli()


@cli.command()
def serve(host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve. Without client authentication only on loopback, unless CDS_AUTH=off says otherwise."""
    settings = Settings()
    configure(settings.log_level)
    if not _is_loopback(host):
        if settings.auth != "off":
            console.print(f"{host} is not loopback and clients are not authenticated. Set CDS_AUTH=off to serve there.")
            raise typer.Exit(2)
        get_logger().warning("open", host=host, note="CDS_AUTH=off: anyone who reaches this address may call")
    try:
        app = create_app(settings)
    except ContentError as error:
        _print_mistakes(error)
        raise typer.Exit(1) from None
    get_logger().info("serving", url=f"http://{host}:{port}/cds-services", content=app.state.content.about.version)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@cli.command()
def check(cards: Cards = None, fixtures: Path = Path("fixtures")) -> None:
    """Load the content and prove it: one baseline card for each patient, none unreachable, examples at thresholds."""
    try:
        report = check_content(load_content(cards or Settings().cards), cards or Settings().cards, fixtures)
    except ContentError as error:
        _print_mistakes(error)
        raise typer.Exit(1) from None
    for line in report.lines:
        console.print(line)
    if report.mistakes:
        _print_mistakes(ContentError(report.mistakes))
        raise typer.Exit(1)
    console.print("The content is sound.")


def _print_mistakes(error: ContentError) -> None:
    for mistake in error.mistakes:
        console.print(str(mistake), style="red", markup=False)
    console.print(f"{len(error.mistakes)} mistakes in the content.")


@cli.command()
def explain(
    request: Annotated[Path, typer.Argument(help="A file with the body of a hook call.")],
    now: Annotated[datetime | None, typer.Option(help="Explain as of this moment (UTC); default: now.")] = None,
) -> None:
    """Print, for each card, each condition, the value found, the resource it came from, and the outcome."""
    moment = now.replace(tzinfo=the_time().tzinfo) if now else the_time()
    try:
        lines = explain_request(request.read_bytes(), load_content(Settings().cards), moment)
    except InvalidRequest as error:
        console.print(f"Not a hook call: {error}", markup=False)
        raise typer.Exit(1) from None
    except ContentError as error:
        _print_mistakes(error)
        raise typer.Exit(1) from None
    for line in lines:
        console.print(line, markup=False, highlight=False)


@cli.command()
def settings() -> None:
    """List every setting, its default and its meaning."""
    table = Table("setting", "default", "meaning")
    for row in describe():
        table.add_row(*row)
    console.print(table)
