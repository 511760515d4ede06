"""The `cds-service` command: serve, check, review-pages, explain, report, migrate, settings."""

import asyncio
import ipaddress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from cds_service.app import create_app, the_time
from cds_service.content.checking import check_content, check_review_dates
from cds_service.content.explaining import explain_request
from cds_service.content.loading import load_content
from cds_service.content.review import review_pages as pages_of
from cds_service.content.review import stale_pages, write_pages
from cds_service.errors import (
    CannotStart,
    CdsServiceError,
    ContentError,
    DatabaseRefused,
    DataNotObtained,
    DemoDataMissing,
    InvalidRequest,
    StoreDown,
    WrongSettings,
)
from cds_service.feedback.report import as_csv, as_json, as_tables
from cds_service.feedback.reporting import read_report
from cds_service.feedback.store import check_schema, migrate_schema, read_once
from cds_service.guidance.model import Content
from cds_service.serving.server import run
from cds_service.settings import Settings, as_markdown, describe, read_settings, with_table
from cds_service.telemetry.logs import configure, get_logger

cli = typer.Typer(
    help="A CDS Hooks service for acetylcysteine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
console = Console(soft_wrap=True)

Fixtures = Annotated[Path, typer.Option(help="Folder of the patients and orders that examples name.")]
Cards = Annotated[Path | None, typer.Option(help="Folder of the content; default: the setting CDS_CARDS.")]


def main() -> None:
    """Entry point of the command."""
    cli()


@cli.command()
def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer, on the same port.")] = 1,
) -> None:
    """Serve. Without a list of clients only on loopback, unless CDS_AUTH=off says otherwise."""
    settings = _settings()
    configure(settings.log_level, the_time)
    problem = _why_not(host, settings)
    if problem:
        console.print(problem, markup=False)
        raise typer.Exit(2)
    _say_who_may_call(host, settings)
    if settings.public_url is None and _is_loopback(host):
        settings = settings.model_copy(update={"public_url": _url(host, port)})
    try:
        app = create_app(settings)
        asyncio.run(check_schema(settings.database_url))
    except ContentError as error:
        _fail(error)
    except DatabaseRefused as error:
        _refuse("Not started", error)
    except (CannotStart, DemoDataMissing) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from None
    if settings.demo:
        url = _url(host, port)
        get_logger().info(
            "demo", try_it=f"{url}/try", fhir_server=f"{url}/demo/fhir", note="invented people, read only"
        )
    version = app.state.content.about.version
    serving = partial(get_logger().info, "serving", url=f"{_url(host, port)}/cds-services", content=version)
    run(app, settings, host, port, workers, serving)


def _why_not(host: str, settings: Settings) -> str:
    """Why the service does not start: it would be open by accident, or nobody could call it. Empty if it may."""
    if settings.clients is not None and settings.auth == "off":
        return "CDS_AUTH=off, but CDS_CLIENTS lists clients to authenticate. One of the two is a mistake."
    if _is_loopback(host):
        return ""
    if settings.clients is None and settings.auth != "off":
        return f"{host} is not loopback, and clients are not known. List them in CDS_CLIENTS, or set CDS_AUTH=off."
    if settings.clients is not None and settings.public_url is None:
        return f"{host} is not loopback: set CDS_PUBLIC_URL to the address that clients call; their tokens are for it."
    return ""


def _say_who_may_call(host: str, settings: Settings) -> None:
    if settings.auth == "off":
        get_logger().warning("open", host=host, note="CDS_AUTH=off: anyone who reaches this address may call")
    elif settings.clients is None:
        get_logger().info("open", host=host, note="no CDS_CLIENTS: anyone on this machine may call, and nobody else")


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@cli.command()
def check(
    cards: Cards = None,
    fixtures: Fixtures = Path("fixtures"),
    review_dates: Annotated[bool, typer.Option(help="Also fail where a live card is past its review date.")] = False,
) -> None:
    """Load the content and prove it: one baseline card for each patient, none unreachable, examples at thresholds."""
    folder = cards or _settings().cards
    content = _load(folder)
    reports = [check_content(content, folder, fixtures)]
    if review_dates:
        reports.append(check_review_dates(content, the_time().date()))
    for line in (line for report in reports for line in report.lines):
        console.print(line)
    mistakes = [mistake for report in reports for mistake in report.mistakes]
    if mistakes:
        _fail(ContentError(mistakes))
    console.print("The content is sound.")


@cli.command()
def review_pages(
    folder: Annotated[Path, typer.Option(help="Where the pages are.")] = Path("docs/guidance"),
    fixtures: Fixtures = Path("fixtures"),
    check: Annotated[bool, typer.Option(help="Write nothing; fail where a page differs from the content.")] = False,
) -> None:
    """Write a review page for each card."""
    pages = pages_of(_load(_settings().cards), fixtures)
    if not check:
        write_pages(pages, folder)
    stale = stale_pages(pages, folder)
    for name in stale:
        console.print(f"{folder / name} differs from the content: run cds-service review-pages", markup=False)
    if stale:
        raise typer.Exit(1)


def _settings() -> Settings:
    try:
        return read_settings()
    except WrongSettings as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from None


def _load(folder: Path) -> Content:
    try:
        return load_content(folder)
    except ContentError as error:
        _fail(error)


def _fail(error: ContentError) -> NoReturn:
    _print_mistakes(error)
    raise typer.Exit(1)


def _print_mistakes(error: ContentError) -> None:
    for mistake in error.mistakes:
        console.print(str(mistake), style="red", markup=False)
    count = len(error.mistakes)
    console.print(f"{count} mistake{'s' if count > 1 else ''}.")


@cli.command()
def explain(
    request: Annotated[Path, typer.Argument(help="A file with the body of a hook call.")],
    now: Annotated[datetime | None, typer.Option(help="Explain as of this moment (UTC); default: now.")] = None,
) -> None:
    """Print, for each card, each condition, the value found, the resource it came from, and the outcome."""
    moment = now.replace(tzinfo=the_time().tzinfo) if now else the_time()
    try:
        lines = explain_request(request.read_bytes(), _load(_settings().cards), moment)
    except InvalidRequest as error:
        console.print(f"Not a hook call: {error}", markup=False)
        raise typer.Exit(1) from None
    except DataNotObtained as error:
        console.print(f"Not answered (412): {error}")
        for key, why in error.missing.items():
            console.print(f"  {key}: {why}", markup=False)
        raise typer.Exit(1) from None
    for line in lines:
        console.print(line, markup=False, highlight=False)


@cli.command()
def migrate() -> None:
    """Bring the database that CDS_DATABASE_URL names up to the schema of this version. Make a copy of it first."""
    try:
        revision = asyncio.run(migrate_schema(_settings().database_url))
    except (DatabaseRefused, StoreDown) as error:
        _refuse("Not migrated", error)
    console.print(f"The database's schema is at revision {revision}.")


@cli.command()
def report(
    since: Annotated[datetime | None, typer.Option(help="Only cards shown since (UTC); default: all.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What became of the cards: shown, accepted, overridden, ignored, why, and how soon."""
    settings = _settings()
    moment = since.replace(tzinfo=the_time().tzinfo) if since else None
    reading = partial(read_report, moment, _load(settings.cards).about.override_system)
    try:
        found = asyncio.run(read_once(settings.database_url, reading))
    except (DatabaseRefused, StoreDown) as error:
        _refuse("No report", error)
    if csv or json:
        typer.echo(as_csv(found) if csv else as_json(found), nl=False)
        return
    for part in as_tables(found):
        console.print(part)


def _refuse(what: str, error: CdsServiceError) -> NoReturn:
    code = f" ({error.why})" if isinstance(error, StoreDown) and error.why else ""
    console.print(f"{what}: {error}{code}", markup=False)
    raise typer.Exit(1)


@cli.command()
def settings(
    markdown: Annotated[bool, typer.Option(help="Print them as a table for a document.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write that table into this document, between its marks.")] = None,
    check: Annotated[bool, typer.Option(help="Write nothing; fail where the document differs.")] = False,
) -> None:
    """List every setting, its default and its meaning."""
    if page:
        _settings_page(page, check)
        return
    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    table = Table("setting", "default", "meaning")
    for row in describe():
        table.add_row(*row)
    console.print(table)


def _settings_page(page: Path, check: bool) -> None:
    before = page.read_text(encoding="utf-8")
    after = with_table(before)
    if after is None:
        console.print(f"{page} has no marks between which the settings would stand", markup=False)
        raise typer.Exit(1)
    if not check:
        page.write_text(after, encoding="utf-8")
    elif before != after:
        console.print(f"{page} differs from the settings: run cds-service settings --page {page}", markup=False)
        raise typer.Exit(1)
