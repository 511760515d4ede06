"""Exports for tests: files of NDJSON in a folder, and replays of them in this process."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cds_service.replay.counting import Counts
from cds_service.replay.export import READ_TYPES
from cds_service.replay.records import CallRecord
from cds_service.replay.replaying import Contents, Deciding, Rules, replay_patient
from tests.builders import ABOUT, RXNORM, concept, observation, quantity
from tests.command import run_command
from tests.support import CONTENT, NOW, Body, to_bytes

CONTENTS = Contents(Deciding(CONTENT))
EVERYTHING = frozenset(READ_TYPES)
MOMENT = NOW.isoformat()


def past_order(identity: str = "o1", /, **members: Any) -> Body:
    """An order for acetylcysteine of patient `p`, written now and completed since."""
    usual: Body = {
        "resourceType": "MedicationRequest",
        "id": identity,
        "status": "completed",
        "intent": "order",
        "subject": ABOUT,
        "authoredOn": MOMENT,
        "medicationCodeableConcept": concept("606971", RXNORM, text="Acetylcysteine 600 MG Oral Capsule"),
    }
    return {name: value for name, value in {**usual, **members}.items() if value is not None}


def glutamate(day: str, /, **members: Any) -> Body:
    """A high glutamate of patient `p`, its sample taken on a day."""
    usual = {
        "id": f"glutamate-{day}",
        "subject": ABOUT,
        "status": "final",
        "effectiveDateTime": day,
        "valueQuantity": quantity(168, "umol/L"),
        "referenceRange": [{"low": quantity(10, "umol/L"), "high": quantity(120, "umol/L")}],
    }
    return observation(concept("20642-5", "http://loinc.org"), **{**usual, **members})


PATIENT: Body = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1980-01-01"}


def replayed(*resources: Body, counts: Counts | None = None, **rules: Any) -> list[CallRecord]:
    """The calls of patient `p` with these resources, as everything that was exported."""
    every = Rules(**{"types": EVERYTHING, **rules})
    return replay_patient("p", [PATIENT, *resources], CONTENTS, every, counts or Counts())


def card_ids(call: CallRecord) -> list[str]:
    """The ids of the cards of a call."""
    return [card.id for card in call.cards]


def write_export(folder: Path, resources: Sequence[Body], compress: bool = False) -> Path:
    """Writes a file for each resource type."""
    folder.mkdir(parents=True, exist_ok=True)
    by_type: dict[str, bytes] = {}
    for resource in resources:
        kind = resource["resourceType"]
        by_type[kind] = by_type.get(kind, b"") + to_bytes(resource) + b"\n"
    for kind, lines in by_type.items():
        path = folder / f"{kind}.ndjson"
        if compress:
            Path(f"{path}.gz").write_bytes(gzip.compress(lines))
        else:
            path.write_bytes(lines)
    return folder


def run_replay(export: Path, out: Path, *options: str) -> tuple[int, str]:
    """The exit code and the output of the command, run in this process."""
    done = run_command("replay", str(export), "--out", str(out), "--processes", "1", *options)
    return done.exit_code, done.output


def report_of(export: Path, out: Path, *options: str) -> Body:
    """The report of a replay that has to succeed."""
    code, said = run_replay(export, out, *options)
    assert code == 0, said
    report: Body = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return report
