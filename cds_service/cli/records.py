"""Commands on the database: `migrate` and `report`."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from cds_service.app import utc_now
from cds_service.cli.terminal import console, exit_with
from cds_service.content.loading import load_content
from cds_service.errors import DatabaseRefused, StoreDown
from cds_service.feedback.report import as_csv, as_json, as_tables
from cds_service.feedback.reporting import read_report
from cds_service.feedback.store import migrate_schema, read_once
from cds_service.settings import read_settings


def migrate() -> None:
    """Bring the database at CDS_DATABASE_URL up to the schema of this version. Back it up first."""
    try:
        revision = asyncio.run(migrate_schema(read_settings().database_url))
    except (DatabaseRefused, StoreDown) as error:
        exit_with("Not migrated", error)
    console.print(f"The schema of the database is at revision {revision}.")


def report(
    since: Annotated[
        datetime | None, typer.Option(help="Only cards shown since this moment (UTC). Default: all.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report what became of the cards: how many were shown, accepted, overridden or ignored, why, and how soon."""
    if csv and json:
        raise typer.BadParameter("only one of them can be printed", param_hint="--csv, --json")
    settings = read_settings()
    moment = since.replace(tzinfo=utc_now().tzinfo) if since else None
    reading = partial(read_report, moment, load_content(settings.cards).about.override_system)
    try:
        outcomes = asyncio.run(read_once(settings.database_url, reading))
    except (DatabaseRefused, StoreDown) as error:
        exit_with("No report", error)
    if csv or json:
        typer.echo(as_csv(outcomes) if csv else as_json(outcomes), nl=False)
        return
    for section in as_tables(outcomes):
        console.print(section)
