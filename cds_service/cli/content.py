"""Commands on the content: `check`, `manifest`, `review-pages` and `explain`."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from cds_service.app import utc_now
from cds_service.auth.clients import OPEN
from cds_service.cli.site import signed_content, site_of
from cds_service.cli.terminal import Cards, Fixtures, SignaturesFile, console, exit_with, file_argument, notices
from cds_service.content.checking import check_content, check_review_dates
from cds_service.content.evidence import general_pages
from cds_service.content.explaining import explain_request, read_call
from cds_service.content.loading import load_content
from cds_service.content.manifest import prove_manifest, write_manifest
from cds_service.content.review import review_pages as pages_of
from cds_service.content.review import stale_pages, write_pages
from cds_service.content.signing import with_signatures
from cds_service.errors import ContentError, DataNotObtained, InvalidRequest, Mistake
from cds_service.fhir.datetimes import end_of_day
from cds_service.replay.rewinding import request_at
from cds_service.settings import Settings, read_settings
from cds_service.site.reading import signatures_file

_NOT_BROUGHT_BACK = "As far as the body holds it: what was no longer on record when the call was made is not in it."


def check(
    cards: Cards = None,
    fixtures: Fixtures = None,
    signatures: SignaturesFile = None,
    review_dates: Annotated[bool, typer.Option(help="Also fail if a live card is past its review date.")] = False,
) -> None:
    """Check the content: exactly one baseline card for every patient, no card unreachable, every example as written."""
    settings = read_settings()
    folder = cards or settings.cards
    patients = folder_of_fixtures(fixtures, settings)
    content = load_content(folder)
    prove_manifest(folder)
    content, void = with_signatures(content, folder, patients, signatures or signatures_file(settings.site, folder))
    reports = [check_content(content, folder, patients)]
    if review_dates:
        reports.append(check_review_dates(content, utc_now().date()))
    for line in (line for report in reports for line in report.lines):
        console.print(line)
    mistakes = [mistake for report in reports for mistake in report.mistakes]
    if mistakes:
        raise ContentError(mistakes)
    for signature in void:
        console.print(str(signature), style="yellow", markup=False)
    console.print("The content is sound.")


def folder_of_fixtures(given: Path | None, settings: Settings) -> Path:
    """The folder of the invented patients and orders. Raises `ContentError` where it is missing."""
    folder = given or settings.fixtures
    if not all((folder / part).is_dir() for part in ("patients", "orders")):
        raise ContentError([Mistake(folder.name, 1, "no folder of the examples: it lacks patients/ or orders/")])
    return folder


def manifest(cards: Cards = None) -> None:
    """Write the manifest of the content: its files with their digests. Without it `serve` does not start."""
    folder = cards or read_settings().cards
    load_content(folder)
    write_manifest(folder)


def review_pages(
    folder: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("docs/guidance"),
    fixtures: Fixtures = None,
    check: Annotated[bool, typer.Option(help="Write nothing; fail if a page differs from the content.")] = False,
) -> None:
    """Write a review page for each card, and the pages on the evidence and on suggestions."""
    settings = read_settings()
    content = signed_content(settings)
    pages = pages_of(content, folder_of_fixtures(fixtures, settings)) | general_pages(content)
    if not check:
        write_pages(pages, folder)
    stale_names = stale_pages(pages, folder)
    for name in stale_names:
        console.print(f"{folder / name} differs from the content: run cds-service review-pages", markup=False)
    if stale_names:
        raise typer.Exit(1)


def read_day_or_moment(written: str) -> datetime:
    """The end of a day, or a moment, in UTC. Raises `BadParameter` for anything else."""
    try:
        if len(written) == len("2026-11-01"):
            return end_of_day(date.fromisoformat(written))
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter("is neither a day, as 2026-11-01, nor a moment, as 2026-11-01T09:00:00") from None


OtherClock = Annotated[
    datetime | None,
    typer.Option(help="Another clock (UTC) for the same chart: everything in the body counts. Default: now."),
]
ThatDay = Annotated[
    datetime | None,
    typer.Option(
        parser=read_day_or_moment,
        metavar="DATE",
        help="What would have been said on that day: the clock, and the chart as it stood at its end (UTC), or at a "
        "moment such as 2026-11-01T09:00:00.",
    ),
]


def _moment_of(now: datetime | None, at: datetime | None, clock: datetime) -> datetime:
    """The moment to explain a call as of; of today, which has no end yet, the clock's. Raises `BadParameter`."""
    if now and at:
        raise typer.BadParameter("only one of them: --now leaves the chart as it came", param_hint="--now, --at")
    if at and at.date() > clock.date():
        raise typer.BadParameter("is in the future, of which no chart says anything", param_hint="--at")
    return min(at, clock) if at else now.replace(tzinfo=UTC) if now else clock


def explain(
    request: Annotated[Path, file_argument("File with the body of a call.")],
    now: OtherClock = None,
    at: ThatDay = None,
    client: Annotated[str, typer.Option(help="Explain what the site file makes of it for this client.")] = OPEN,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain a call: for each card its conditions, the values found, the resources they came from, and the outcome."""
    moment = _moment_of(now, at, utc_now())
    settings = read_settings()
    site = site_of(settings, signed_content(settings))
    try:
        call = read_call(request.read_bytes())
        if at:
            call = request_at(call, moment)
            notices.print(_NOT_BROUGHT_BACK, highlight=False)
        explanation = explain_request(call, site.content, moment, lambda hook: site.modes_for(hook, client))
    except InvalidRequest as error:
        exit_with("Not a CDS Hooks request", error)
    except DataNotObtained as error:
        notices.print(f"Not answered (412): {error}")
        for key, why in error.missing.items():
            notices.print(f"  {key}: {why}", markup=False)
        raise typer.Exit(1) from None
    if json:
        typer.echo(explanation.as_json())
        return
    for line in explanation.lines():
        console.print(line, markup=False, highlight=False)
