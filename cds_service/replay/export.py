"""The files of a FHIR Bulk Data export, and their lines: plain or compressed, in bounded memory.

A line is one resource. What cannot be read costs itself alone, and is counted: a line that is too long, the end of a
file that was cut off, a file that cannot be opened. Nothing is fetched: of a manifest only names of files are taken.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import msgspec

from cds_service.errors import ExportUnusable
from cds_service.fhir.json import UNREADABLE, Json, decode, member, objects, text
from cds_service.fhir.versions import RENAMED_TYPES
from cds_service.replay.counting import PASSED_OVER, Counts

MAX_LINE = 10_000_000  # bytes of one resource: a hundred times an ordinary large one
BLOCK = 64_000_000  # bytes of a file that are one piece of work
_BUFFER = 1 << 20
_ENDINGS = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
TOO_LONG, CUT_OFF, UNOPENED = (
    f"a line of more than {MAX_LINE:,} bytes",
    "the end of a file that was cut off",
    "a file that cannot be read",
)
READ_TYPES = (  # the types that decisions rest on
    "Patient",
    "Observation",
    "Condition",
    "AllergyIntolerance",
    "MedicationRequest",
    "MedicationStatement",
    "Medication",
)


@dataclass(frozen=True)
class ExportFile:
    """A file of an export. `resource_type` is the type of its resources; empty where its name does not say."""

    path: Path
    resource_type: str

    @property
    def is_compressed(self) -> bool:
        """True for gzip."""
        return self.path.suffix == ".gz"


class Block(msgspec.Struct, frozen=True):
    """A piece of a file: the lines that begin between two positions. `end` is -1 for the whole of a compressed file."""

    path: str
    resource_type: str
    start: int = 0
    end: int = -1

    def may_hold(self, *resource_types: str) -> bool:
        """True unless the file is known to hold other types."""
        return not self.resource_type or self.resource_type in resource_types


class _Typed(msgspec.Struct):
    resourceType: str = ""


def find_files(export: Path) -> list[ExportFile]:
    """The files of an export: a folder, one file, or a manifest beside its files. Raises `ExportUnusable`."""
    if export.is_dir():
        paths = sorted(path for path in export.rglob("*") if path.name.endswith(_ENDINGS) and path.is_file())
        if not paths:
            raise ExportUnusable(f"{export} holds no file that ends in .ndjson or .ndjson.gz.")
        return [ExportFile(path, _type_of(path)) for path in paths]
    if not export.is_file():
        raise ExportUnusable(f"{export} does not exist.")
    if export.name.endswith(_ENDINGS):
        return [ExportFile(export, _type_of(export))]
    return list(_listed_files(export))


def _listed_files(manifest: Path) -> Iterator[ExportFile]:
    """The files that a manifest lists, by their names: they are looked for beside it, and never fetched."""
    outputs = objects(member(_read_manifest(manifest), "output"))
    if not outputs:
        raise ExportUnusable(f"{manifest} is neither NDJSON nor the manifest of an export: it has no list `output`.")
    for output in outputs:
        name = Path(unquote(urlsplit(text(output.get("url"))).path)).name
        path = next(
            (found for found in (manifest.parent / name, manifest.parent / f"{name}.gz") if found.is_file()), None
        )
        if not name or path is None:
            raise ExportUnusable(f"{manifest} lists {name or 'a file without a name'}, which is not beside it.")
        yield ExportFile(path, _type_since_stu3(text(output.get("type"))))


def _read_manifest(manifest: Path) -> Json:
    try:
        return decode(manifest.read_bytes())
    except (OSError, *UNREADABLE):
        raise ExportUnusable(f"{manifest} cannot be read as the manifest of an export.") from None


def _type_of(path: Path) -> str:
    """The type that the name of a file and its first line agree on; of an empty file by its name."""
    named = [part for part in path.name.replace("-", ".").replace("_", ".").split(".") if part[:1].isupper()]
    first = next(read_lines(Block(str(path), ""), Counts()), b"")
    try:
        stated = msgspec.json.decode(first, type=_Typed).resourceType if first.strip() else ""
    except UNREADABLE:
        return ""
    known = [name for name in named if name == stated or (not stated and name in READ_TYPES)]
    return _type_since_stu3(known[0]) if known else ""


def _type_since_stu3(resource_type: str) -> str:
    return RENAMED_TYPES.get(resource_type, resource_type)


def split_files(files: list[ExportFile], size: int = BLOCK) -> list[Block]:
    """The files as pieces of work. A compressed file cannot be read from its middle, and stays whole."""
    blocks = []
    for file in files:
        length = 0 if file.is_compressed else file.path.stat().st_size
        path = str(file.path.absolute())
        starts = range(0, length, size) if length else ()
        blocks += [Block(path, file.resource_type, start, min(start + size, length)) for start in starts]
        if file.is_compressed:
            blocks.append(Block(path, file.resource_type))
    return blocks


def read_lines(block: Block, counts: Counts) -> Iterator[bytes]:
    """The lines that begin in a block and are not blank. What cannot be read is counted."""
    try:
        with _open(block.path) as file:
            yield from _lines(file, block, counts)
    except EOFError:
        counts.add(PASSED_OVER, CUT_OFF)
    except (OSError, zlib.error):
        counts.add(PASSED_OVER, UNOPENED)


def _open(path: str) -> BinaryIO | gzip.GzipFile:
    if path.endswith(".gz"):  # no other buffer around it: what came before the end of a file that was cut off is kept
        return gzip.GzipFile(path, "rb")
    return Path(path).open("rb", buffering=_BUFFER)


def _lines(file: BinaryIO | gzip.GzipFile, block: Block, counts: Counts) -> Iterator[bytes]:
    position = block.start
    if block.start:  # a line that began before belongs to the block before
        file.seek(block.start - 1)
        position += _skip_line(file) - 1
    while (block.end < 0 or position < block.end) and (line := file.readline(MAX_LINE + 1)):
        position += len(line)
        if len(line) > MAX_LINE and not line.endswith(b"\n"):
            counts.add(PASSED_OVER, TOO_LONG)
            position += _skip_line(file)
        elif not line.isspace():
            yield line


def _skip_line(file: BinaryIO | gzip.GzipFile) -> int:
    """Passes over what is left of a line, in bounded memory; returns how many bytes that was."""
    skipped = 0
    while piece := file.readline(_BUFFER):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
