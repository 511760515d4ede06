"""What all commands share: the terminal, the options, and endings that say what is wrong."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cds_service.content.loading import load_content
from cds_service.content.manifest import prove_manifest
from cds_service.errors import CdsServiceError, ContentError, StoreDown, WrongSettings
from cds_service.guidance.model import Content
from cds_service.settings import Settings, read_settings

console = Console(soft_wrap=True)

Cards = Annotated[Path | None, typer.Option(help="Folder of the content. Default: CDS_CARDS.")]
Fixtures = Annotated[
    Path | None, typer.Option(help="Folder of the patients and orders that examples name. Default: CDS_FIXTURES.")
]


def settings_or_exit() -> Settings:
    """The settings; exits with status 2 where they cannot be read."""
    try:
        return read_settings()
    except WrongSettings as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from None


def load_or_exit(folder: Path) -> Content:
    """The content of a folder; exits with status 1 and every mistake where there is one."""
    try:
        return load_content(folder)
    except ContentError as error:
        exit_with_mistakes(error)


def prove_manifest_or_exit(folder: Path) -> None:
    """Exits with status 1 where the content is not what its manifest says."""
    try:
        prove_manifest(folder)
    except ContentError as error:
        exit_with_mistakes(error)


def exit_with_mistakes(error: ContentError) -> NoReturn:
    """Prints every mistake and exits with status 1."""
    _print_mistakes(error)
    raise typer.Exit(1)


def _print_mistakes(error: ContentError) -> None:
    for mistake in error.mistakes:
        console.print(str(mistake), style="red", markup=False)
    count = len(error.mistakes)
    console.print(f"{count} mistake{'s' if count > 1 else ''}.")


def exit_with(outcome: str, error: CdsServiceError) -> NoReturn:
    """Prints what did not happen and why, and exits with status 1."""
    code = f" ({error.why})" if isinstance(error, StoreDown) and error.why else ""
    console.print(f"{outcome}: {error}{code}", markup=False)
    raise typer.Exit(1)
