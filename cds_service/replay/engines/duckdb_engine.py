"""The DuckDB engine: patients are found and brought together in a database on disk, so that memory stays bounded.

It reads files in parallel and decides nothing. Which drugs and results matter is asked of the same reader as always,
once for each way in which one is written. A file that DuckDB cannot read as a whole is first copied line by line,
without what cannot be read.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from cds_service.fhir.json import UNREADABLE, decode, references, relative_part
from cds_service.fhir.versions.skimming import (
    DRUG_PATH,
    DRUG_REFERENCE_PATHS,
    ORDER_TYPES,
    SUBJECT_PATHS,
    skim,
)
from cds_service.replay.counting import PASSED_OVER, Counts
from cds_service.replay.engines.local import LocalMapper
from cds_service.replay.export import MAX_LINE, Block, read_lines
from cds_service.replay.quality import count_unread
from cds_service.replay.records import place_of
from cds_service.replay.running import Replay
from cds_service.replay.scanning import (
    NO_PATIENT,
    NO_RESOURCE,
    PATIENT_TYPES,
    Collected,
    Scan,
    Spool,
)
from cds_service.replay.tasks import CollectTask, ScanTask, reader_of

MEMORY = "600MB"  # of the database; what is more goes to its folder on disk
_WORDS = ", ".join(f"'{path}'" for path in ("$.resourceType", "$.id", *SUBJECT_PATHS))
_SKIMMED = f"json_extract_string(json, [{_WORDS}]) AS words"  # one look at a line for several members
_SUBJECT = "coalesce(words[3], words[4], '')"
_PATIENT_OF = r"""
CREATE OR REPLACE MACRO patient_of(reference) AS CASE
    WHEN reference LIKE 'urn:uuid:%' THEN substr(reference, 10)
    WHEN reference LIKE 'urn:%' OR reference LIKE '#%' THEN ''
    ELSE regexp_extract(regexp_replace(trim(reference), '/_history/.*', ''), '^(?:(?:.*/)?Patient/)?([^/]+)$', 1)
END
"""
_TABLES = """
CREATE OR REPLACE TABLE orders (patient VARCHAR, drug VARCHAR, line VARCHAR);
CREATE OR REPLACE TABLE drugs (drug VARCHAR);
CREATE OR REPLACE TABLE wanted (patient VARCHAR, place INTEGER);
CREATE OR REPLACE TABLE codes (code VARCHAR);
CREATE OR REPLACE TABLE lines (place INTEGER, patient VARCHAR, line VARCHAR);
"""
_LINES = f"read_ndjson_objects(?, maximum_object_size={MAX_LINE})"
_ORDERS = f"""
INSERT INTO orders SELECT patient_of({_SUBJECT}), drug, CASE WHEN drug IS NULL OR other IS NOT NULL THEN json END
FROM (
    SELECT json, {_SKIMMED}, json->'{DRUG_PATH}' AS drug,
        coalesce({", ".join(f"json->'{path}'" for path in DRUG_REFERENCE_PATHS)}) AS other
    FROM {_LINES}
) WHERE words[1] IN ({", ".join(f"'{name}'" for name in ORDER_TYPES)})
"""
_CODES = f"""
SELECT json->'code' AS code, count(*) FROM {_LINES} WHERE json->>'resourceType' = 'Observation' GROUP BY code
"""
_COLLECT = f"""
INSERT INTO lines SELECT wanted.place, patient, line FROM (
    SELECT CASE WHEN kind = 'Patient' THEN words[2] ELSE patient_of({_SUBJECT}) END AS patient, kind, line
    FROM (SELECT {_SKIMMED}, words[1] AS kind, json AS line FROM {_LINES})
    WHERE kind IN ({", ".join(f"'{name}'" for name in sorted({*PATIENT_TYPES, *ORDER_TYPES}))})
) JOIN wanted USING (patient)
WHERE kind <> 'Observation' OR (line->'code') IN (SELECT code FROM codes)
"""


class DuckDBReplay(Replay):
    """A replay whose patients are found and collected in a database. Medications are few, and are read as always."""

    def _scan(
        self, stage: str, blocks: Sequence[Block], types: tuple[str, ...], is_for_medications: bool
    ) -> Iterator[Scan]:
        if is_for_medications:
            return super()._scan(stage, blocks, types, is_for_medications)
        chosen = _files_of([block for block in blocks if block.may_hold(*types)])
        tasks = [ScanTask(self.setup, str(self.work.folder), block, is_for_medications) for block in chosen]
        self.work.run(stage, self._find_orders, [tasks], LocalMapper(1), self.progress, [1])
        return self.work.results(stage, 1, Scan)

    def _run_collect(self, stage: str, blocks: Sequence[Block], places: int, needed: str) -> Iterator[Collected]:
        if needed:
            return super()._run_collect(stage, blocks, places, needed)
        folder = str(self.work.folder)
        tasks = [CollectTask(self.setup, folder, block, places, 0) for block in _files_of(blocks)]
        self.work.run(stage, self._collect_lines, [tasks], LocalMapper(1), self.progress, [1])
        return self.work.results(stage, 1, Collected)

    def _find_orders(self, tasks: Sequence[ScanTask]) -> Scan:
        """The patients with an order for acetylcysteine."""
        counts, types = Counts(), set[str]()
        with _database(self.work.folder) as database:
            for task in tasks:
                is_counted = not task.block.may_hold("Medication")
                with _Readable(database, task.block, self.work.folder, counts if is_counted else Counts()) as file:
                    file.run(_ORDERS)
                    types |= file.types()
            patients = self._judge_orders(database, counts)
        return Scan(patients=sorted(patients), types=sorted(types), counts=counts.as_plain())

    def _judge_orders(self, database: duckdb.DuckDBPyConnection, counts: Counts) -> set[str]:
        reader = reader_of(self.setup)
        for drug, number in _rows(database, "SELECT drug, count(*) FROM orders WHERE drug IS NOT NULL GROUP BY drug"):
            meaning = reader.drug(msgspec.Raw(drug.encode()))
            count_unread(meaning.unread, counts, number)
            if meaning.is_wanted:
                database.execute("INSERT INTO drugs VALUES (?)", [drug])
        ours = "SELECT patient FROM orders WHERE drug IN (SELECT drug FROM drugs)"
        found = [patient for (patient,) in _rows(database, ours)]
        medications = msgspec.json.decode((self.work.folder / "medications.json").read_bytes())
        others = "SELECT patient, line FROM orders WHERE line IS NOT NULL AND NOT coalesce(drug IN (FROM drugs), false)"
        for patient, line in _rows(database, others):
            if reader.is_order(decode(line.encode()), medications):
                found.append(patient)
        if without := found.count(""):
            counts.add(PASSED_OVER, NO_PATIENT, without)
        return set(found) - {""}

    def _collect_lines(self, tasks: Sequence[CollectTask]) -> Collected:
        """Everything that is of the patients, written to a file in order of their buckets."""
        counts = Counts()
        patients = msgspec.json.decode((self.work.folder / "patients.json").read_bytes(), type=list[str])
        with _database(self.work.folder) as database:
            places = [(patient, place_of(patient, tasks[0].places)) for patient in patients]
            database.executemany("INSERT INTO wanted VALUES (?, ?)", places)
            for task in tasks:
                is_counted = not task.block.may_hold("MedicationRequest", "Medication")
                with _Readable(database, task.block, self.work.folder, counts if is_counted else Counts()) as file:
                    if task.block.may_hold("Observation"):
                        self._judge_codes(database, file.rows(_CODES), counts)
                    file.run(_COLLECT)
            collected = _write(database, self.work.folder / "lines")
        return Collected(collected.segments, collected.needed, counts.as_plain())

    def _judge_codes(self, database: duckdb.DuckDBPyConnection, rows: Sequence[Any], counts: Counts) -> None:
        reader = reader_of(self.setup)
        for code, number in rows:
            meaning = reader.result(msgspec.Raw((code or "").encode()))
            count_unread(meaning.unread, counts, number)
            if meaning.is_wanted:
                database.execute("INSERT INTO codes VALUES (?)", [code])


def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    """A new database in the folder, which spills there."""
    path = folder / "replay.duckdb"
    path.unlink(missing_ok=True)
    options = {"memory_limit": MEMORY, "temp_directory": str(folder / "spilled"), "autoinstall_known_extensions": False}
    database = duckdb.connect(str(path), config={**options, "preserve_insertion_order": False})
    database.execute(_PATIENT_OF + ";" + _TABLES)
    return database


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[Any]:
    """The rows of a query, some at a time."""
    cursor = database.cursor().execute(query)
    while rows := cursor.fetchmany(10_000):
        yield from rows


def _files_of(blocks: Sequence[Block]) -> list[Block]:
    """Each file of the blocks once, as a whole."""
    return list({block.path: Block(block.path, block.resource_type) for block in blocks}.values())


class _Readable:
    """A file as DuckDB can read it: itself, or a copy without what cannot be read."""

    def __init__(self, database: duckdb.DuckDBPyConnection, block: Block, folder: Path, counts: Counts) -> None:
        self._database, self._block, self._counts = database, block, counts
        self._copy = folder / "readable.ndjson"
        self._path = block.path

    def __enter__(self) -> "_Readable":
        query = f"SELECT count(*) FROM {_LINES} WHERE json_type(json) IS DISTINCT FROM 'OBJECT'"
        try:
            unread = self._database.execute(query, [self._path]).fetchall()[0][0]
        except duckdb.Error:
            unread = 1
        if unread:
            self._write_copy()
        return self

    def __exit__(self, *_: object) -> None:
        self._copy.unlink(missing_ok=True)

    def _write_copy(self) -> None:
        with self._copy.open("wb") as copy:
            for line in read_lines(self._block, self._counts):
                try:
                    skim(line)
                    decode(line)
                except UNREADABLE:
                    self._counts.add(PASSED_OVER, NO_RESOURCE)
                else:
                    copy.write(line.strip() + b"\n")
        self._path = str(self._copy)

    def run(self, statement: str) -> None:
        """Runs a statement on the lines of the file."""
        self._database.execute(statement, [self._path])

    def rows(self, query: str) -> list[Any]:
        """The rows of a query on the lines of the file."""
        return list(self._database.execute(query, [self._path]).fetchall())

    def types(self) -> set[str]:
        """The resource types that the file holds."""
        kinds = self.rows(f"SELECT DISTINCT json->>'resourceType' FROM {_LINES}")
        return {skim(b'{"resourceType":"%s"}' % kind.encode()).type for (kind,) in kinds if kind and kind.isalnum()}


def _write(database: duckdb.DuckDBPyConnection, path: Path) -> Collected:
    """The collected lines in order of their buckets, with the Medications that they point to."""
    needed: dict[str, set[int]] = {}
    spool = Spool(path)
    with spool:
        for place, patient, line in _rows(database, "SELECT place, patient, line FROM lines ORDER BY place"):
            spool.add(place, patient, line.encode())
            for reference in references(skim(line.encode()).drug_by_reference):
                needed.setdefault(relative_part(reference), set()).add(place)
    return Collected(spool.segments, {one: sorted(places) for one, places in needed.items()})
