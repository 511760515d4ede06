"""The folder in which a replay works: what is done is kept there, so that a run that was ended can be resumed.

It holds patient data, is readable by its owner alone, and is removed once the report is written.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cds_service.errors import ExportUnusable
from cds_service.replay.engines.mapping import Mapper
from cds_service.replay.export import ExportFile
from cds_service.replay.records import BucketOutcome
from cds_service.replay.tasks import Setup

Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]  # the stage, how much of it is done, and how much there is
NAME = "work"


class Work:
    """The folder, and the results of tasks that are in it."""

    def __init__(self, out: Path, fingerprint: str, resume: bool) -> None:
        self.folder = out / NAME
        mark = self.folder / "fingerprint"
        before = mark.read_text(encoding="utf-8") if mark.is_file() else ""
        if resume and before != fingerprint:
            why = "another export, content or choice of options" if before else "nothing to resume"
            raise ExportUnusable(f"{self.folder} holds {why}. Run the command without --resume to begin anew.")
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.write_text(fingerprint, encoding="utf-8")

    def write(self, name: str, value: Any) -> Path:
        """Writes a value into a file, whole or not at all."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        beside = path.with_suffix(".part")
        beside.write_bytes(msgspec.json.encode(value))
        return beside.replace(path)

    def run(
        self,
        stage: str,
        function: Callable[[Any], Result],
        tasks: Sequence[Any],
        mapper: Mapper,
        progress: Progress,
        sizes: Sequence[int],
    ) -> None:
        """Runs the tasks of a stage that are not done yet, and keeps each result."""
        left = [number for number in range(len(tasks)) if not self._path(stage, number).is_file()]
        total, done = sum(sizes), sum(sizes) - sum(sizes[number] for number in left)
        progress(stage, done, total)
        for place, result in mapper.map(function, [tasks[number] for number in left]):
            self.write(f"{stage}/{left[place]}.json", result)
            done += sizes[left[place]]
            progress(stage, done, total)

    def results(self, stage: str, number: int, kind: type[Result]) -> Iterator[Result]:
        """The results of a stage, in the order of its tasks."""
        for place in range(number):
            yield msgspec.json.decode(self._path(stage, place).read_bytes(), type=kind)

    def _path(self, stage: str, number: int) -> Path:
        return self.folder / stage / f"{number}.json"

    def remove(self) -> None:
        """Removes the folder with all that it holds."""
        shutil.rmtree(self.folder, ignore_errors=True)


def fingerprint_of(files: Sequence[ExportFile], setup: Setup, engine: str, version: str) -> str:
    """What tells a replay from another: its files, its options and the content that decides."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        found = file.path.stat()
        digest.update(f"{file.path.absolute()} {found.st_size} {found.st_mtime_ns}\n".encode())
    folders = [setup.cards, setup.other_cards, setup.site, setup.other_site]
    for path in (path for folder in filter(None, folders) for path in _files_in(Path(folder))):
        digest.update(path.read_bytes())
    digest.update(f"{engine} {version} ".encode() + msgspec.json.encode(setup))
    return digest.hexdigest()


def _files_in(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


class Outcomes:
    """What all buckets came to, read from the folder one at a time."""

    def __init__(self, work: Work, number: int) -> None:
        self._work, self._number = work, number

    def __iter__(self) -> Iterator[BucketOutcome]:
        return self._work.results("deciding", self._number, BucketOutcome)
