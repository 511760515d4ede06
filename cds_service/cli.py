"""The `cds-service` command."""

import asyncio
import ipaddress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from cds_service import __version__
from cds_service.api.runtime import runtime_of
from cds_service.app import create_app, utc_now
from cds_service.content.checking import check_content, check_logic, check_review_dates
from cds_service.content.evidence import general_pages
from cds_service.content.explaining import explain_request
from cds_service.content.loading import load_content
from cds_service.content.manifest import prove_manifest, write_manifest
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
from cds_service.serving.running import run
from cds_service.settings import Settings, as_markdown, describe, read_settings, with_table
from cds_service.telemetry.logs import configure, get_logger

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
console = Console(soft_wrap=True)

Cards = Annotated[Path | None, typer.Option(help="Folder of the content. Default: CDS_CARDS.")]
Fixtures = Annotated[
    Path | None, typer.Option(help="Folder of the patients and orders that examples name. Default: CDS_FIXTURES.")
]


def main() -> None:
    """Runs the command."""
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


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Number of worker processes, which share the port.")] = 1,
) -> None:
    """Run the service. Beyond loopback it needs a list of clients (CDS_CLIENTS), or CDS_AUTH=off."""
    settings = _settings()
    configure(settings.log_level, utc_now)
    _check_access(host, settings)
    _log_access(host, settings)
    if settings.public_url is None and _is_loopback(host):
        settings = settings.model_copy(update={"public_url": _url(host, port)})
    try:
        app = create_app(settings)
        _prove(runtime_of(app).content, settings.cards)
        asyncio.run(check_schema(settings.database_url))
    except ContentError as error:
        _fail(error)
    except DatabaseRefused as error:
        _exit_with("Not started", error)
    except (CannotStart, DemoDataMissing) as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from None
    if settings.demo:
        url = _url(host, port)
        get_logger().info(
            "demo", try_it=f"{url}/try", fhir_server=f"{url}/demo/fhir", note="invented people, read only"
        )
    version = runtime_of(app).content.about.version
    serving = partial(get_logger().info, "serving", url=f"{_url(host, port)}/cds-services", content=version)
    try:
        run(app, settings, host, port, workers, serving)
    except CannotStart as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from None


def _prove(content: Content, cards: Path) -> None:
    """Raises `ContentError` where the cards contradict each other."""
    mistakes = check_logic(content, cards).mistakes
    if mistakes:
        raise ContentError(mistakes)


def _check_access(host: str, settings: Settings) -> None:
    """Exits with status 2 where the service would be open to all by accident, or where no client could call it."""
    problem = _find_access_problem(host, settings)
    if problem:
        console.print(problem, markup=False)
        raise typer.Exit(2)


def _find_access_problem(host: str, settings: Settings) -> str:
    if settings.clients is not None and settings.auth == "off":
        return "CDS_AUTH=off, although CDS_CLIENTS lists clients to authenticate. One of the two is a mistake."
    if _is_loopback(host):
        return ""
    if settings.clients is None and settings.auth != "off":
        return f"{host} is not loopback, and no clients are listed. List them in CDS_CLIENTS, or set CDS_AUTH=off."
    if settings.clients is not None and settings.public_url is None:
        return f"{host} is not loopback: set CDS_PUBLIC_URL to the address that clients call, which their tokens name."
    return ""


def _log_access(host: str, settings: Settings) -> None:
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
    fixtures: Fixtures = None,
    review_dates: Annotated[bool, typer.Option(help="Also fail if a live card is past its review date.")] = False,
) -> None:
    """Check the content: exactly one baseline card for every patient, no card unreachable, every example as written."""
    settings = _settings()
    folder = cards or settings.cards
    content = _load(folder)
    _prove_manifest(folder)
    reports = [check_content(content, folder, fixtures or settings.fixtures)]
    if review_dates:
        reports.append(check_review_dates(content, utc_now().date()))
    for line in (line for report in reports for line in report.lines):
        console.print(line)
    mistakes = [mistake for report in reports for mistake in report.mistakes]
    if mistakes:
        _fail(ContentError(mistakes))
    console.print("The content is sound.")


@cli.command()
def manifest(cards: Cards = None) -> None:
    """Write the manifest of the content: its files with their digests. Without it `serve` does not start."""
    folder = cards or _settings().cards
    _load(folder)
    write_manifest(folder)


@cli.command()
def review_pages(
    folder: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("docs/guidance"),
    fixtures: Fixtures = None,
    check: Annotated[bool, typer.Option(help="Write nothing; fail if a page differs from the content.")] = False,
) -> None:
    """Write a review page for each card, and the pages on the evidence and on suggestions."""
    settings = _settings()
    content = _load(settings.cards)
    pages = pages_of(content, fixtures or settings.fixtures) | general_pages(content)
    if not check:
        write_pages(pages, folder)
    stale_names = stale_pages(pages, folder)
    for name in stale_names:
        console.print(f"{folder / name} differs from the content: run cds-service review-pages", markup=False)
    if stale_names:
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


def _prove_manifest(folder: Path) -> None:
    try:
        prove_manifest(folder)
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
    request: Annotated[Path, typer.Argument(help="File with the body of a call.")],
    now: Annotated[datetime | None, typer.Option(help="Explain as of this moment (UTC). Default: now.")] = None,
) -> None:
    """Explain a call: for each card its conditions, the values found, the resources they came from, and the outcome."""
    moment = now.replace(tzinfo=utc_now().tzinfo) if now else utc_now()
    try:
        lines = explain_request(request.read_bytes(), _load(_settings().cards), moment)
    except InvalidRequest as error:
        console.print(f"Not a CDS Hooks request: {error}", markup=False)
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
    """Bring the database at CDS_DATABASE_URL up to the schema of this version. Back it up first."""
    try:
        revision = asyncio.run(migrate_schema(_settings().database_url))
    except (DatabaseRefused, StoreDown) as error:
        _exit_with("Not migrated", error)
    console.print(f"The schema of the database is at revision {revision}.")


@cli.command()
def report(
    since: Annotated[
        datetime | None, typer.Option(help="Only cards shown since this moment (UTC). Default: all.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report what became of the cards: how many were shown, accepted, overridden or ignored, why, and how soon."""
    settings = _settings()
    moment = since.replace(tzinfo=utc_now().tzinfo) if since else None
    reading = partial(read_report, moment, _load(settings.cards).about.override_system)
    try:
        outcomes = asyncio.run(read_once(settings.database_url, reading))
    except (DatabaseRefused, StoreDown) as error:
        _exit_with("No report", error)
    if csv or json:
        typer.echo(as_csv(outcomes) if csv else as_json(outcomes), nl=False)
        return
    for section in as_tables(outcomes):
        console.print(section)


def _exit_with(outcome: str, error: CdsServiceError) -> NoReturn:
    code = f" ({error.why})" if isinstance(error, StoreDown) and error.why else ""
    console.print(f"{outcome}: {error}{code}", markup=False)
    raise typer.Exit(1)


@cli.command()
def settings(
    markdown: Annotated[bool, typer.Option(help="Print a Markdown table.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write that table into this document, between its marks.")] = None,
    check: Annotated[bool, typer.Option(help="With --page: write nothing; fail if the document differs.")] = False,
) -> None:
    """List the settings with their defaults and meanings."""
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
        console.print(f"{page} lacks the marks <!-- settings --> and <!-- /settings -->", markup=False)
        raise typer.Exit(1)
    if not check:
        page.write_text(after, encoding="utf-8")
    elif before != after:
        console.print(f"{page} differs from the settings: run cds-service settings --page {page}", markup=False)
        raise typer.Exit(1)
