"""The pieces of work of a replay: what runs in a process of its own, here or on another machine.

A task is a plain value. The process that runs it reads the content and the patients asked for once, from their files.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from cds_service.fhir.json import Resource, relative_part, relative_reference
from cds_service.fhir.versions.elements import drug_references
from cds_service.hooks.discovery import HOOKS
from cds_service.replay.as_of import Undated
from cds_service.replay.calls import Period
from cds_service.replay.counting import Counts
from cds_service.replay.export import Block
from cds_service.replay.records import BucketOutcome, CallRecord, patient_order
from cds_service.replay.replaying import HOOK, Contents, Deciding, Rules, read_lines, replay_patient
from cds_service.replay.scanning import (
    Collected,
    Reader,
    Scan,
    Segment,
    collect,
    collect_medications,
    read_segments,
    scan_medications,
    scan_orders,
)
from cds_service.site.modes import OTHER_CLIENTS
from cds_service.site.opening import open_site, read_content


class Setup(msgspec.Struct, frozen=True):
    """Where the content and the site file are, those that are compared with them, and how the past is rebuilt."""

    cards: str
    fixtures: str = ""  # of the examples, by which a signed card is known
    site: str = ""
    other_cards: str = ""
    other_site: str = ""
    clients: tuple[str, ...] = ()
    undated: Undated = "known"
    first: str = ""
    last: str = ""

    @property
    def compares(self) -> bool:
        """True where there is something to compare with."""
        return bool(self.other_cards or self.other_site)


class Task(msgspec.Struct, frozen=True):
    """What every task needs: the setup, and the folder in which it works."""

    setup: Setup
    folder: str


class ScanTask(Task, frozen=True):
    """A pass over a block, for Medications or for orders."""

    block: Block
    is_for_medications: bool


class CollectTask(Task, frozen=True):
    """Collecting what a block holds of the patients, or the Medications that they need."""

    block: Block
    places: int
    number: int
    needed: str = ""  # the file with the Medications that are needed; empty for a pass over patients


class DecideTask(Task, frozen=True):
    """Deciding the patients of a bucket. `types` are those that were exported."""

    segments: list[Segment]
    types: list[str]


@lru_cache(maxsize=1)
def contents_of(setup: Setup) -> Contents:
    """What decides, by a setup. Raises `ContentError`."""
    deciding = _deciding(setup.cards, setup.site, setup)
    if not setup.compares:
        return Contents(deciding)
    return Contents(deciding, _deciding(setup.other_cards or setup.cards, setup.other_site or setup.site, setup))


def _deciding(cards: str, site_file: str, setup: Setup) -> Deciding:
    """The content of a folder with a site file, for the signing of an order by a client that no row names."""
    site_path = Path(site_file) if site_file else None
    content, _ = read_content(Path(cards), Path(setup.fixtures), site_path)
    site = open_site(site_path, content, HOOKS, setup.clients)
    return Deciding(site.content, site.modes_for(HOOK, OTHER_CLIENTS))


@lru_cache(maxsize=1)
def reader_of(setup: Setup) -> Reader:
    """The reader of a setup, with all that it remembers."""
    return Reader(contents_of(setup))


def rules_of(setup: Setup, types: Iterable[str]) -> Rules:
    """How the past is rebuilt."""
    first, last = (date.fromisoformat(day) if day else None for day in (setup.first, setup.last))
    return Rules(frozenset(types), setup.undated, Period(first, last))


@lru_cache(maxsize=2)
def _read_json(path: str) -> Any:
    return msgspec.json.decode(Path(path).read_bytes())


@lru_cache(maxsize=1)
def _patients(path: str) -> frozenset[str]:
    return frozenset(msgspec.json.decode(Path(path).read_bytes(), type=list[str]))


def run_scan(task: ScanTask) -> Scan:
    """Runs a pass over a block."""
    reader = reader_of(task.setup)
    if task.is_for_medications:
        return scan_medications(task.block, reader)
    return scan_orders(task.block, _read_json(f"{task.folder}/medications.json"), reader)


def run_collect(task: CollectTask) -> Collected:
    """Collects what a block holds."""
    path = Path(task.folder) / f"{'medications' if task.needed else 'lines'}-{task.number}"
    if task.needed:
        return collect_medications(task.block, _read_json(task.needed), path)
    patients = _patients(f"{task.folder}/patients.json")
    return collect(task.block, patients, task.places, path, reader_of(task.setup))


def run_decide(task: DecideTask) -> BucketOutcome:
    """Decides every call of a bucket."""
    return decide_lines(read_segments(task.segments), task.setup, task.types)


def decide_lines(lines: Iterable[tuple[str, bytes]], setup: Setup, types: Iterable[str]) -> BucketOutcome:
    """Decides every call of the patients whose lines these are; lines without a patient are Medications for all."""
    contents, rules, counts = contents_of(setup), rules_of(setup, types), Counts()
    calls: list[CallRecord] = []
    for patient, resources in resources_by_patient(lines, counts):
        calls += replay_patient(patient, resources, contents, rules, counts)
    return BucketOutcome(tuple(calls), counts.as_plain())


def resources_by_patient(lines: Iterable[tuple[str, bytes]], counts: Counts) -> Iterator[tuple[str, list[Resource]]]:
    """Each patient, in the order of the report, with their resources and the Medications that these point to."""
    by_patient: dict[str, list[bytes]] = {}
    for patient, line in lines:
        by_patient.setdefault(patient, []).append(line)
    shared = {relative_reference(resource): resource for resource in read_lines(by_patient.pop("", ()), Counts())}
    for patient in sorted(by_patient, key=patient_order):
        resources = read_lines(sorted(by_patient[patient]), counts)  # in whatever order an engine brought them
        pointers = dict.fromkeys(
            relative_part(reference) for resource in resources for reference in drug_references(resource)
        )
        yield patient, [*resources, *(shared[pointer] for pointer in pointers if pointer in shared)]


def forget() -> None:
    """Forgets the files that were read: another run may have written them anew."""
    _read_json.cache_clear()
    _patients.cache_clear()
