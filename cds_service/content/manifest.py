"""The manifest of the content: what it consists of, so that an interrupted copy or a bad mount is noticed at start.

`manifest.toml` has one line for each file, so that changes to different files do not meet. It is written by a command
and never by hand. `signatures.toml` is not in it: it says who answers for the content and is no part of it, and two
sites with the same content have different signatures.
"""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import Field

from cds_service.content.toml_files import TomlFile
from cds_service.errors import ContentError, Mistake
from cds_service.guidance.conditions import Strict

NAME, SIGNATURES = "manifest.toml", "signatures.toml"
_HEAD = "# Written by `cds-service manifest`, never by hand. `serve` starts only with content that agrees with it.\n"
_STALE = "run `cds-service manifest` if this is meant, or copy the content again"


class Manifest(Strict):
    """Ids of the cards, rows of the code lists by name, and the SHA-256 of each file by its path."""

    cards: list[str]
    rows: dict[str, Annotated[int, Field(ge=0)]]
    files: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]

    def as_toml(self) -> str:
        """The manifest as it is written."""
        cards = "".join(f'  "{card}",\n' for card in self.cards)
        rows = "".join(f'"{name}" = {count}\n' for name, count in self.rows.items())
        files = "".join(f'"{path}" = "{digest}"\n' for path, digest in self.files.items())
        return f"{_HEAD}cards = [\n{cards}]\n\n[rows]\n{rows}\n[files]\n{files}"

    @property
    def digest(self) -> str:
        """One short digest of everything, by which two replicas can be compared."""
        return sha256(self.as_toml().encode()).hexdigest()[:16]


def take_stock(folder: Path) -> Manifest:
    """The manifest of the content as it is."""
    others = (folder / NAME, folder / SIGNATURES)
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".toml", ".csv") and path not in others)
    regular = [path for path in paths if path.is_file()]
    lists = [path for path in regular if path.suffix == ".csv"]
    return Manifest(
        cards=[path.parent.name for path in regular if path.name == "card.toml"],
        rows={path.stem: max(path.read_bytes().count(b"\n") - 1, 0) for path in lists},
        files={path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in regular},
    )


def write_manifest(folder: Path) -> None:
    """Writes the manifest of the content as it is."""
    (folder / NAME).write_text(take_stock(folder).as_toml(), encoding="utf-8")


def prove_manifest(folder: Path) -> Manifest:
    """The manifest of content that agrees with it. Raises `ContentError` that names every file that does not."""
    file = TomlFile(folder / NAME, f"{folder.name}/{NAME}")
    written = file.read(Manifest)
    if written is None:
        raise ContentError(file.mistakes)
    found = take_stock(folder)
    mistakes = _differences(written, found, folder.name)
    if mistakes:
        raise ContentError(mistakes)
    return found


def _differences(written: Manifest, found: Manifest, folder: str) -> list[Mistake]:
    differing = [path for path in {**written.files, **found.files} if written.files.get(path) != found.files.get(path)]
    mistakes = [Mistake(f"{folder}/{path}", 1, _describe(path, written, found)) for path in differing]
    if not mistakes and written != found:
        mistakes.append(Mistake(f"{folder}/{NAME}", 1, f"it contradicts itself: {_STALE}"))
    return mistakes


def _describe(path: str, written: Manifest, found: Manifest) -> str:
    if path not in found.files:
        return f"it is missing: {_STALE}"
    if path not in written.files:
        return f"it is not in {NAME}: {_STALE}"
    name = Path(path).stem
    rows = f", with {found.rows[name]} rows instead of {written.rows.get(name)}" if name in found.rows else ""
    return f"it is not what {NAME} has{rows}: {_STALE}"
