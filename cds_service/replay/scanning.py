"""Passes over the lines of an export: which patients have an order for acetylcysteine, and what is theirs.

Most lines are of other patients and other drugs. They are skimmed, not decoded, and what a code or a drug means is
looked up once for each way in which it is written.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cds_service.clinical.orders.recognise import read_order, recognise
from cds_service.fhir.json import UNREADABLE, Json, Resource, decode, references, relative_part, relative_reference
from cds_service.fhir.versions.elements import ingredients_of
from cds_service.fhir.versions.skimming import Skimmed, skim
from cds_service.replay.counting import PASSED_OVER, Counts
from cds_service.replay.export import Block, read_lines
from cds_service.replay.quality import count_unread, unread_codes, unread_drug_codes
from cds_service.replay.records import place_of
from cds_service.replay.replaying import Contents

NO_RESOURCE, NO_PATIENT = "a line that is no resource", "an order without a patient"
PATIENT_TYPES = frozenset(
    ("Patient", "Observation", "Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement")
)
ORDERS, MEDICATIONS = "MedicationRequest", "Medication"
MAX_BUFFER = 32_000_000  # bytes of lines that are held before they are written
_MOST_REMEMBERED = 50_000  # ways of writing a code or a drug


class Scan(msgspec.Struct):
    """What a pass over a block found: patients or Medications of acetylcysteine, the types it holds, and counts."""

    patients: list[str] = []
    medications: dict[str, Any] = {}
    types: list[str] = []
    counts: dict[str, dict[str, int]] = {}


class Segment(msgspec.Struct, frozen=True):
    """The lines of one bucket that stand together in a file."""

    place: int
    path: str
    start: int
    length: int


class Collected(msgspec.Struct):
    """The lines that a block holds of the patients asked for: where they were written, by bucket.

    `needed` are the Medications that they point to, each with the buckets that need it.
    """

    segments: list[Segment] = []
    needed: dict[str, list[int]] = {}
    counts: dict[str, dict[str, int]] = {}


class _Meaning(NamedTuple):
    """What a code or a drug means, however often it occurs: whether it is wanted, and its codes that are not read."""

    is_wanted: bool
    unread: list[str]


class Reader:
    """Reads lines with the vocabulary of the contents, and remembers what each code and drug means."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._vocabularies = contents.vocabularies
        self._drugs: dict[bytes, _Meaning] = {}
        self._results: dict[bytes, _Meaning] = {}

    def drug(self, written: msgspec.Raw) -> _Meaning:
        """What a drug means that is written as a concept."""
        return self._look_up(self._drugs, bytes(written), self._read_drug)

    def result(self, written: msgspec.Raw) -> _Meaning:
        """What the code of a result means."""
        return self._look_up(self._results, bytes(written), self._read_result)

    def _look_up(self, known: dict[bytes, _Meaning], written: bytes, read: Any) -> _Meaning:
        meaning = known.get(written)
        if meaning is None:
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            meaning = known[written] = read(_decode(written))
        return meaning

    def _read_drug(self, concept: Json) -> _Meaning:
        found = [recognise([concept], vocabulary) for vocabulary in self._vocabularies]
        by_code = any(rows for rows, _ in found)
        by_name = any(named for _, named in found)
        unread = [] if by_code else unread_drug_codes(concept, by_name, self._vocabularies[0])
        return _Meaning(by_code or by_name, unread)

    def _read_result(self, code: Json) -> _Meaning:
        unread = [] if code is None else unread_codes(code, self._vocabularies[0])
        return _Meaning(bool(self._contents.index.keys_of(code)), unread)

    def is_medication(self, medication: Resource) -> bool:
        """True for a Medication that is acetylcysteine."""
        concepts = [medication.get("code"), *ingredients_of(medication)]
        return any(any(recognise(concepts, vocabulary)) for vocabulary in self._vocabularies)

    def is_order(self, order: Resource, medications: dict[str, Resource]) -> bool:
        """True for an order of acetylcysteine, looked at as a whole."""
        return any(read_order(order, medications, vocabulary) for vocabulary in self._vocabularies)


def _decode(written: bytes) -> Json:
    try:
        return decode(written) if written else None
    except UNREADABLE:
        return None


def scan_medications(block: Block, reader: Reader) -> Scan:
    """The Medications of a block that are acetylcysteine."""
    counts, types, found = Counts(), set[str](), dict[str, Any]()
    for line, skimmed in _skimmed(block, counts, is_counted=True):
        types.add(skimmed.type)
        medication = _decode(line) if skimmed.type == MEDICATIONS else None
        if isinstance(medication, dict) and reader.is_medication(medication):
            found[relative_reference(medication)] = medication
    return Scan(medications=found, types=sorted(types), counts=counts.as_plain())


def scan_orders(block: Block, medications: dict[str, Resource], reader: Reader) -> Scan:
    """The patients of a block with an order for acetylcysteine, whatever became of it."""
    counts, types, patients = Counts(), set[str](), set[str]()
    for line, skimmed in _skimmed(block, counts, is_counted=not block.may_hold(MEDICATIONS)):
        types.add(skimmed.type)
        if skimmed.type != ORDERS or not _is_ours(line, skimmed, medications, reader, counts):
            continue
        if skimmed.patient_id:
            patients.add(skimmed.patient_id)
        else:
            counts.add(PASSED_OVER, NO_PATIENT)
    return Scan(patients=sorted(patients), types=sorted(types), counts=counts.as_plain())


def _is_ours(line: bytes, skimmed: Skimmed, medications: dict[str, Resource], reader: Reader, counts: Counts) -> bool:
    if skimmed.medicationCodeableConcept:
        meaning = reader.drug(skimmed.medicationCodeableConcept)
        count_unread(meaning.unread, counts)
        if meaning.is_wanted or skimmed.drug_by_reference is None:
            return meaning.is_wanted
    order = _decode(line)
    return isinstance(order, dict) and reader.is_order(order, medications)


def collect(block: Block, patients: frozenset[str], places: int, path: Path, reader: Reader) -> Collected:
    """Writes the lines of a block that are of these patients to a file, in order of their buckets."""
    counts, needed = Counts(), dict[str, set[int]]()
    spool = Spool(path)
    is_counted = not block.may_hold(ORDERS, MEDICATIONS)
    with spool:
        for line, skimmed in _skimmed(block, counts, is_counted):
            if skimmed.type not in PATIENT_TYPES:
                continue
            is_result = skimmed.type == "Observation"
            meaning = reader.result(skimmed.code) if is_result else _Meaning(True, [])
            count_unread(meaning.unread, counts)
            patient = skimmed.patient_id
            if meaning.is_wanted and patient in patients:
                place = place_of(patient, places)
                spool.add(place, patient, line)
                for reference in references(skimmed.drug_by_reference):
                    needed.setdefault(relative_part(reference), set()).add(place)
    return Collected(spool.segments, {one: sorted(found) for one, found in needed.items()}, counts.as_plain())


def collect_medications(block: Block, needed: dict[str, list[int]], path: Path) -> Collected:
    """Writes the Medications of a block that orders point to, for each bucket that needs them."""
    spool = Spool(path)
    with spool:
        for line, skimmed in _skimmed(block, Counts(), is_counted=False):
            if skimmed.type == MEDICATIONS:
                for place in needed.get(f"{MEDICATIONS}/{skimmed.id}", ()):
                    spool.add(place, "", line)
    return Collected(spool.segments)


def _skimmed(block: Block, counts: Counts, is_counted: bool) -> Iterator[tuple[bytes, Skimmed]]:
    """The lines of a block that are resources. `is_counted` is False where an earlier pass counted what is none."""
    ignored = Counts()
    for line in read_lines(block, counts if is_counted else ignored):
        try:
            yield line, skim(line)
        except UNREADABLE:
            if is_counted:
                counts.add(PASSED_OVER, NO_RESOURCE)


class Spool:
    """A file of lines by bucket, each with its patient before it. It is made when there is something to write."""

    def __init__(self, path: Path) -> None:
        self._path, self._size, self._position = path, 0, 0
        self._waiting: dict[int, list[bytes]] = {}
        self.segments: list[Segment] = []

    def __enter__(self) -> "Spool":
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._write()

    def add(self, place: int, patient: str, line: bytes) -> None:
        """Adds a line of a patient; of everybody, where there is none."""
        self._waiting.setdefault(place, []).append(patient.encode() + b"\t" + line.strip() + b"\n")
        self._size += len(line)
        if self._size > MAX_BUFFER:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        with self._path.open("ab") as file:
            for place in sorted(self._waiting):
                lines = b"".join(self._waiting[place])
                file.write(lines)
                self.segments.append(Segment(place, str(self._path), self._position, len(lines)))
                self._position += len(lines)
        self._waiting, self._size = {}, 0


def read_segments(segments: list[Segment]) -> Iterator[tuple[str, bytes]]:
    """The lines of a bucket, each with its patient."""
    for segment in segments:
        with Path(segment.path).open("rb") as file:
            file.seek(segment.start)
            for line in file.read(segment.length).splitlines():
                patient, _, resource = line.partition(b"\t")
                yield patient.decode(), resource
