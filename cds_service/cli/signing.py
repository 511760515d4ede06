"""`cds-service sign`: somebody answers for a card as it is."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from cds_service.app import utc_now
from cds_service.cli.content import folder_of_fixtures
from cds_service.cli.terminal import Cards, Fixtures, SignaturesFile, console, exit_with
from cds_service.content.loading import load_content
from cds_service.content.manifest import prove_manifest
from cds_service.content.signing import (
    Signing,
    find_card,
    new_signature,
    prove_examples,
    read_signatures,
    with_signatures,
    write_signatures,
)
from cds_service.errors import NotSigned
from cds_service.guidance.model import NAMES_NEEDED, Content
from cds_service.settings import read_settings
from cds_service.site.reading import signatures_file

_DAYS_UNTIL_REVIEW = 365  # where nothing else is said


def sign(
    card: Annotated[str, typer.Argument(help="The id of the card.")],
    name: Annotated[str, typer.Option(help="Who signs.")],
    role: Annotated[str, typer.Option(help="As what, such as clinical pharmacologist.")],
    review_by: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the next review. Default: a year from today.")
    ] = None,
    cards: Cards = None,
    fixtures: Fixtures = None,
    signatures: SignaturesFile = None,
) -> None:
    """Sign a card as it is now: its words, rows, code lists, thresholds and examples. Two people make it live."""
    settings, today = read_settings(), utc_now().date()
    folder, patients = cards or settings.cards, folder_of_fixtures(fixtures, settings)
    file = signatures or signatures_file(settings.site, folder)
    due = review_by.date() if review_by else today + timedelta(days=_DAYS_UNTIL_REVIEW)
    content = load_content(folder)
    prove_manifest(folder)
    try:
        by = new_signature(name, role, today, due)
        prove_examples(find_card(card, content), content, patients)
        signed = Signing(content, folder, patients).sign(read_signatures(file), card, by)
        write_signatures(signed, file)
    except NotSigned as error:
        exit_with("Not signed", error)
    _say_what_holds(card, with_signatures(content, folder, patients, file)[0])


def _say_what_holds(card: str, content: Content) -> None:
    holding = content.signatures.get(card, ())
    for row in holding:
        console.print(f"{card}: signed by {row.name} ({row.role}) on {row.on}, review by {row.review_by}", markup=False)
    if content.status_of(card) == "signed":
        console.print(f"{card} is live.", markup=False)
    else:
        console.print(f"{card} is still a draft: {len(holding)} of {NAMES_NEEDED} people have signed it.", markup=False)
