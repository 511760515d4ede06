"""A replay from its files to what every bucket came to: find the patients, collect what is theirs, decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.replay.counting import Counts
from cds_service.replay.engines.mapping import Mapper
from cds_service.replay.export import READ_TYPES, Block, ExportFile, split_files
from cds_service.replay.scanning import MEDICATIONS, ORDERS, PATIENT_TYPES, Collected, Scan, Segment
from cds_service.replay.tasks import (
    CollectTask,
    DecideTask,
    ScanTask,
    Setup,
    forget,
    run_collect,
    run_decide,
    run_scan,
)
from cds_service.replay.work import Outcomes, Progress, Work

PATIENTS_A_BUCKET, MOST_BUCKETS = 50, 4096


@dataclass(frozen=True)
class Replayed:
    """What a replay came to: the outcomes of its buckets, the counts of the passes before, and what was exported."""

    outcomes: Outcomes
    counts: Counts
    types: tuple[str, ...]
    patients: int
    segments: dict[int, list[Segment]]
    places: int

    @property
    def all_counts(self) -> Counts:
        """The counts of everything."""
        counts = Counts(self.counts.as_plain())
        for outcome in self.outcomes:
            counts.merge(Counts(outcome.counts))
        return counts


@dataclass(frozen=True)
class Replay:
    """One replay: its files, its setup, the folder in which it works, and the engine that runs its tasks."""

    files: Sequence[ExportFile]
    setup: Setup
    work: Work
    mapper: Mapper
    progress: Progress

    def run(self) -> Replayed:
        """Runs every stage that is not done yet."""
        forget()
        counts = Counts()
        blocks = split_files(list(self.files))
        types = {file.resource_type for file in self.files} - {""}
        patients = self._find_patients(blocks, counts, types)
        places = min(MOST_BUCKETS, max(1, len(patients) // PATIENTS_A_BUCKET))
        segments = self._collect(blocks, places, counts) if patients else {}
        exported = tuple(sorted(types & set(READ_TYPES)))
        number = self._decide(segments, exported)
        return Replayed(Outcomes(self.work, number), counts, exported, len(patients), segments, places)

    def _find_patients(self, blocks: Sequence[Block], counts: Counts, types: set[str]) -> list[str]:
        medications: dict[str, Any] = {}
        for scan in self._scan("finding drugs", blocks, (MEDICATIONS,), is_for_medications=True):
            medications |= scan.medications
            _add(scan, counts, types)
        self.work.write("medications.json", medications)
        patients: set[str] = set()
        for scan in self._scan("finding orders", blocks, (ORDERS,), is_for_medications=False):
            patients |= set(scan.patients)
            _add(scan, counts, types)
        self.work.write("patients.json", sorted(patients))
        return sorted(patients)

    def _scan(
        self, stage: str, blocks: Sequence[Block], types: tuple[str, ...], is_for_medications: bool
    ) -> Iterator[Scan]:
        chosen = [block for block in blocks if block.may_hold(*types)]
        tasks = [ScanTask(self.setup, str(self.work.folder), block, is_for_medications) for block in chosen]
        self.work.run(stage, run_scan, tasks, self.mapper, self.progress, list(map(_size, chosen)))
        return self.work.results(stage, len(tasks), Scan)

    def _collect(self, blocks: Sequence[Block], places: int, counts: Counts) -> dict[int, list[Segment]]:
        """The lines of the patients, by bucket."""
        needed: dict[str, set[int]] = {}
        found: dict[int, list[Segment]] = {}
        chosen = [block for block in blocks if block.may_hold(*PATIENT_TYPES)]
        for collected in self._run_collect("collecting", chosen, places, ""):
            counts.merge(Counts(collected.counts))
            for reference, wanted in collected.needed.items():
                needed.setdefault(reference, set()).update(wanted)
            _add_segments(collected, found)
        path = self.work.write("needed.json", {one: sorted(wanted) for one, wanted in sorted(needed.items())})
        chosen = [block for block in blocks if block.may_hold(MEDICATIONS)] if needed else []
        for collected in self._run_collect("collecting drugs", chosen, places, str(path)):
            _add_segments(collected, found)
        return found

    def _run_collect(self, stage: str, blocks: Sequence[Block], places: int, needed: str) -> Iterator[Collected]:
        folder = str(self.work.folder)
        tasks = [CollectTask(self.setup, folder, block, places, number, needed) for number, block in enumerate(blocks)]
        self.work.run(stage, run_collect, tasks, self.mapper, self.progress, list(map(_size, blocks)))
        return self.work.results(stage, len(tasks), Collected)

    def _decide(self, segments: dict[int, list[Segment]], types: Sequence[str]) -> int:
        folder = str(self.work.folder)
        tasks = [DecideTask(self.setup, folder, segments[place], list(types)) for place in sorted(segments)]
        ones = [1] * len(tasks)
        self.work.run("deciding", run_decide, tasks, self.mapper, self.progress, ones)
        return len(tasks)


def _add(scan: Scan, counts: Counts, types: set[str]) -> None:
    counts.merge(Counts(scan.counts))
    types.update(scan.types)


def _add_segments(collected: Collected, found: dict[int, list[Segment]]) -> None:
    for segment in collected.segments:
        found.setdefault(segment.place, []).append(segment)


def _size(block: Block) -> int:
    return block.end - block.start if block.end >= 0 else Path(block.path).stat().st_size
