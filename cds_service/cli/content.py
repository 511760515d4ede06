"""Commands on the content: `check`, `manifest`, `review-pages` and `explain`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cds_service.app import utc_now
from cds_service.auth.clients import OPEN
from cds_service.cli.site import open_site_or_exit
from cds_service.cli.terminal import (
    Cards,
    Fixtures,
    console,
    exit_with_mistakes,
    load_or_exit,
    prove_manifest_or_exit,
    settings_or_exit,
)
from cds_service.content.checking import check_content, check_review_dates
from cds_service.content.evidence import general_pages
from cds_service.content.explaining import explain_request
from cds_service.content.manifest import write_manifest
from cds_service.content.review import review_pages as pages_of
from cds_service.content.review import stale_pages, write_pages
from cds_service.errors import ContentError, DataNotObtained, InvalidRequest


def check(
    cards: Cards = None,
    fixtures: Fixtures = None,
    review_dates: Annotated[bool, typer.Option(help="Also fail if a live card is past its review date.")] = False,
) -> None:
    """Check the content: exactly one baseline card for every patient, no card unreachable, every example as written."""
    settings = settings_or_exit()
    folder = cards or settings.cards
    content = load_or_exit(folder)
    prove_manifest_or_exit(folder)
    reports = [check_content(content, folder, fixtures or settings.fixtures)]
    if review_dates:
        reports.append(check_review_dates(content, utc_now().date()))
    for line in (line for report in reports for line in report.lines):
        console.print(line)
    mistakes = [mistake for report in reports for mistake in report.mistakes]
    if mistakes:
        exit_with_mistakes(ContentError(mistakes))
    console.print("The content is sound.")


def manifest(cards: Cards = None) -> None:
    """Write the manifest of the content: its files with their digests. Without it `serve` does not start."""
    folder = cards or settings_or_exit().cards
    load_or_exit(folder)
    write_manifest(folder)


def review_pages(
    folder: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("docs/guidance"),
    fixtures: Fixtures = None,
    check: Annotated[bool, typer.Option(help="Write nothing; fail if a page differs from the content.")] = False,
) -> None:
    """Write a review page for each card, and the pages on the evidence and on suggestions."""
    settings = settings_or_exit()
    content = load_or_exit(settings.cards)
    pages = pages_of(content, fixtures or settings.fixtures) | general_pages(content)
    if not check:
        write_pages(pages, folder)
    stale_names = stale_pages(pages, folder)
    for name in stale_names:
        console.print(f"{folder / name} differs from the content: run cds-service review-pages", markup=False)
    if stale_names:
        raise typer.Exit(1)


def explain(
    request: Annotated[Path, typer.Argument(help="File with the body of a call.")],
    now: Annotated[datetime | None, typer.Option(help="Explain as of this moment (UTC). Default: now.")] = None,
    client: Annotated[str, typer.Option(help="Explain what the site file makes of it for this client.")] = OPEN,
) -> None:
    """Explain a call: for each card its conditions, the values found, the resources they came from, and the outcome."""
    moment = now.replace(tzinfo=utc_now().tzinfo) if now else utc_now()
    settings = settings_or_exit()
    site = open_site_or_exit(settings, load_or_exit(settings.cards))
    try:
        lines = explain_request(request.read_bytes(), site.content, moment, lambda hook: site.modes_for(hook, client))
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
