"""Commands on the database: `migrate`, `report` and `review-sample`."""

import asyncio
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cds_service.app import utc_now
from cds_service.cli.terminal import console, exit_with, file_argument, printable
from cds_service.content.loading import load_content
from cds_service.errors import DatabaseRefused, StoreDown
from cds_service.feedback.connecting import describe_database
from cds_service.feedback.report import as_csv, as_json, as_tables
from cds_service.feedback.reporting import read_report
from cds_service.feedback.sampling import MAX_CHARACTERS, MAX_ROWS, Marks, read_marks, read_sample, sample_as_csv
from cds_service.feedback.store import T, Work, migrate_schema, read_once
from cds_service.settings import Settings, read_settings


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
    sample: Annotated[
        int, typer.Option(min=0, max=MAX_ROWS, help="Print so many cards at random for reviewers instead, as CSV.")
    ] = 0,
    card: Annotated[str, typer.Option(help="With --sample: of this card alone.")] = "",
    seed: Annotated[int | None, typer.Option(help="With --sample: draw the same again.")] = None,
) -> None:
    """Report what became of the cards, and what they ask of their readers."""
    if csv and json:
        raise typer.BadParameter("only one of them can be printed", param_hint="--csv, --json")
    settings = read_settings()
    if sample:
        _check_card(card, settings)
        typer.echo(sample_as_csv(_read(settings, partial(read_sample, sample, card, seed))), nl=False)
        return
    moment = since.replace(tzinfo=utc_now().tzinfo) if since else None
    content = load_content(settings.cards)
    reading = partial(read_report, moment, content.about.override_system)
    outcomes = _read(settings, reading)
    if csv or json:
        typer.echo(as_csv(outcomes) if csv else as_json(outcomes), nl=False)
        return
    period = f"since {moment:%Y-%m-%d %H:%M} UTC" if moment else "all that is on record"
    applied = {card.card for card in outcomes.cards}
    never = ", ".join(card.id for card in content.cards if card.id not in applied) or "none"
    heading = {
        "Database": describe_database(settings.database_url),
        "Period": period,
        "Cards neither shown nor kept silent": never,
    }
    for name, said in heading.items():
        console.print(f"{name}: {said}", markup=False, highlight=False, soft_wrap=False)
    for section in as_tables(outcomes):
        console.print(section)


def _check_card(card: str, settings: Settings) -> None:
    """Refuses a card that there is none of."""
    known = [known.id for known in load_content(settings.cards).cards]
    if card and card not in known:
        raise typer.BadParameter(f"there is no such card; there are: {', '.join(known)}", param_hint="--card")


def _read(settings: Settings, reading: Work[T]) -> T:
    try:
        return asyncio.run(read_once(settings.database_url, reading))
    except (DatabaseRefused, StoreDown) as error:
        exit_with("No report", error)


def review_sample(file: Annotated[Path, file_argument("The sample with its marks, as CSV.")]) -> None:
    """Read the marks of a sample (right, wrong or nothing): the share that was right, with its 95 % interval."""
    by_card = read_marks(_read_text(file), file.name)
    total = Marks(*(sum(column) for column in zip(*map(_counts, by_card.values()), strict=True)))
    table = Table(title="Marks", title_justify="left", box=None, pad_edge=False)
    table.add_column("card", no_wrap=True)
    for name in ("right", "wrong", "blank", "share right", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, marks in (*by_card.items(), ("all", total)):
        interval = "" if marks.interval is None else "{:.0%} to {:.0%}".format(*marks.interval)
        share = "" if marks.share_right is None else f"{marks.share_right:.0%}"
        table.add_row(escape(printable(name)), *map(str, _counts(marks)), share, interval)
    console.print(table)


def _counts(marks: Marks) -> tuple[int, int, int]:
    return marks.right, marks.wrong, marks.blank


def _read_text(file: Path) -> str:
    """The text of a CSV file, as far as it is read at all; a spreadsheet may have put a mark of its order before it."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return lines.read(MAX_CHARACTERS + 1)
