"""`cds-service diff`: what changed between two contents, for a committee."""

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from cds_service.cli.content import folder_of_fixtures
from cds_service.cli.terminal import Cards, Fixtures, console, notices, printable
from cds_service.content.comparing import ExampleChange, PartChange, compare_examples, compare_parts
from cds_service.content.loading import load_content
from cds_service.content.parts import Written, read_written
from cds_service.errors import ContentError, NotCompared
from cds_service.settings import read_settings

_SECONDS = 60  # for git, which may have to unpack much


def diff(
    other: Annotated[str, typer.Argument(metavar="REV_OR_FOLDER", help="The content before: a folder, or a revision.")],
    cards: Cards = None,
    fixtures: Fixtures = None,
) -> None:
    """Show what changed since another content: rows, words, codes, numbers, and the examples answered otherwise."""
    settings = read_settings()
    folder = cards or settings.cards
    after = load_content(folder)
    with _content_before(other, folder) as before:
        changes = compare_parts(_written_before(before), read_written(folder))
        for change in changes:
            _print_part(change)
        _print_count(len(changes), "part")
        try:
            old = load_content(before)
        except ContentError as error:
            notices.print("Examples are not compared: this version cannot load the content before.")
            raise error from None
        answers = list(compare_examples(old, after, folder_of_fixtures(fixtures, settings)))
    for answer in answers:
        _print_example(answer)
    _print_count(len(answers), "example")


def _written_before(folder: Path) -> Written:
    try:
        return read_written(folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise NotCompared("the content before cannot be read: it is not written as content is now") from None


def _print_part(change: PartChange) -> None:
    _print(f"{change.part}: {change.kind}")
    _print_lines(change.lines)
    if change.cards and not change.part.startswith(f"card {change.cards[0]}:"):
        _print(f"  used by {', '.join(change.cards)}")


def _print_example(change: ExampleChange) -> None:
    _print(f"{change.card}, example “{change.example}”: answered otherwise")
    _print_lines(change.lines)


def _print_lines(lines: tuple[str, ...]) -> None:
    for line in lines:
        console.print(f"  {printable(line)}", markup=False, highlight=False, style="red" if line[0] == "-" else "green")


def _print(line: str) -> None:
    console.print(printable(line), markup=False, highlight=False)


def _print_count(number: int, what: str) -> None:
    changed = "differs" if number == 1 else "differ"
    _print(f"{number or 'No'} {what}{'' if number == 1 else 's'} {changed}.")


@contextmanager
def _content_before(other: str, folder: Path) -> Iterator[Path]:
    """The folder of the content before; that of a revision for as long as it is needed. Raises `NotCompared`."""
    if Path(other).is_dir():
        if not (Path(other) / "content.toml").is_file():
            raise NotCompared(f"{other} holds no content: there is no content.toml in it")
        yield Path(other)
        return
    with TemporaryDirectory() as temporary:
        archive = _archive(other, folder.resolve())
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(temporary, filter="data")
        before = Path(temporary, folder.resolve().name)
        before.mkdir(exist_ok=True)
        yield before


def _archive(revision: str, folder: Path) -> bytes:
    """The files of the content at a revision of its repository, as a tar archive."""
    commit = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    return _git(folder.parent, "archive", "--format=tar", commit, "--", folder.name)


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 (no shell; a revision is no option)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompared(f"git cannot be run: {type(error).__name__}") from None
    if done.returncode:
        raise NotCompared("it is neither a folder nor a revision of the repository that the cards are in")
    return done.stdout
