"""What all commands share: the terminal, the arguments, and endings that say in a line or two what is wrong.

A wrong argument is refused by its declaration (`file_argument`, `file_option`, `folder_option`, `min=`, `max=`). What
no declaration can know ends in `Commands`: a command raises an error of `cds_service.errors`, or lets an `OSError`
pass.
"""

import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from cds_service.errors import (
    CannotStart,
    CdsServiceError,
    ContentError,
    DemoDataMissing,
    ExportUnusable,
    OutputUnusable,
    PortTaken,
    StoreDown,
    WrongSettings,
)

console = Console(soft_wrap=True)
notices = Console(soft_wrap=True, stderr=True)

Cards = Annotated[Path | None, typer.Option(help="Folder of the content. Default: CDS_CARDS.")]
Fixtures = Annotated[
    Path | None, typer.Option(help="Folder of the patients and orders that examples name. Default: CDS_FIXTURES.")
]
SignaturesFile = Annotated[
    Path | None,
    typer.Option(help="File of the signatures. Default: that of the site file, or the one beside the cards."),
]

_WRONG_CONFIGURATION = (WrongSettings, CannotStart, DemoDataMissing, ExportUnusable)
_FAILED, _WRONG, _PORT_TAKEN, _UNWRITABLE = 1, 2, 3, 4  # exit statuses; docs/operating.md explains them


def file_argument(meaning: str) -> Any:
    """Declares an argument that is a file to read."""
    return typer.Argument(help=meaning, exists=True, dir_okay=False, readable=True)


def file_option(meaning: str) -> Any:
    """Declares an option that is a file to read."""
    return typer.Option(help=meaning, exists=True, dir_okay=False, readable=True)


def folder_option(meaning: str) -> Any:
    """Declares an option that is a folder to read."""
    return typer.Option(help=meaning, exists=True, file_okay=False, readable=True)


class Commands(TyperGroup):
    """Every command ends in words, and with its status, where it meets an error that somebody outside can mend."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `cds-service … | head`: Typer ends in silence
        except (CdsServiceError, OSError, UnicodeDecodeError) as error:
            exit_with("", error)


def exit_with(outcome: str, error: Exception) -> NoReturn:
    """Prints what did not happen, if that is said, and why; exits with the status of such an error."""
    if isinstance(error, ContentError):
        _print_mistakes(error)
    else:
        notices.print(f"{outcome}: {_describe(error)}" if outcome else _describe(error), markup=False, highlight=False)
    raise typer.Exit(_status_of(error)) from None


def _status_of(error: Exception) -> int:
    if isinstance(error, PortTaken):
        return _PORT_TAKEN
    if isinstance(error, OutputUnusable):
        return _UNWRITABLE
    return _WRONG if isinstance(error, _WRONG_CONFIGURATION) else _FAILED


def _describe(error: Exception) -> str:
    if isinstance(error, StoreDown) and error.why:
        return f"the database is not available: {error.why}"
    if isinstance(error, OSError):
        return ": ".join(str(part) for part in (error.filename, error.strerror or type(error).__name__) if part)
    return "a file that was named is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _print_mistakes(error: ContentError) -> None:
    for mistake in error.mistakes:
        notices.print(str(mistake), style="red", markup=False)
    count = len(error.mistakes)
    notices.print(f"{count} mistake{'s' if count > 1 else ''}.")


def printable(text: str) -> str:
    """A text on one line without what a terminal would obey."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def escape_what_the_locale_lacks() -> None:
    """Makes standard output and error escape the characters that their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            with suppress(OSError):
                stream.reconfigure(errors="backslashreplace")
