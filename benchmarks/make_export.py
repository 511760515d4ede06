"""Makes an invented FHIR Bulk Data export: `python -m benchmarks.make_export --patients 1000 --seed 1 --out FOLDER`.

The charts have the structure of public samples and the volume of real ones: hundreds of observations a patient, with
ordinary orders beside them. Some patients are people of the fixtures, moved to a day of the year, with an order of the
fixtures for acetylcysteine. The same number and seed make the same files, byte for byte.
"""

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from cds_service.demo.patients import FIXTURES_NOW, shift_dates

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
YEAR_ENDS = datetime(2026, 11, 22, tzinfo=UTC)
SHARE = 0.05  # of patients with an order for acetylcysteine
STATUSES = (
    ("completed",) * 8 + ("stopped",) * 6 + ("active",) * 4 + ("cancelled", "on-hold", "draft", "entered-in-error")
)
LOCAL = "urn:example:laboratory"  # no code of a real system is made up
OBSERVATIONS = [  # name, unit, lowest and highest value
    ("Sodium", "mmol/L", 132, 148),
    ("Potassium", "mmol/L", 3, 6),
    ("Haemoglobin", "g/L", 90, 170),
    ("Leukocytes", "10*9/L", 3, 14),
    ("Platelets", "10*9/L", 120, 420),
    ("Glucose", "mmol/L", 4, 14),
    ("Heart rate", "/min", 50, 120),
    ("Respiratory rate", "/min", 10, 26),
    ("Body temperature", "Cel", 36, 39),
    ("Systolic blood pressure", "mm[Hg]", 95, 180),
]
RARE = ("L900", "Glutamate, plasma", "umol/L", 10, 150)  # a result that no code list reads
REAL = [  # codes that the fixtures have
    ("29463-7", "Body weight", "kg", 48, 110),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.6, 1.6),
]
Resource = dict[str, Any]
Write = Callable[[str, str], None]


def main() -> None:
    """Writes the export that the command line asks for."""
    parser = argparse.ArgumentParser(description="Makes an invented FHIR Bulk Data export.")
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("export"))
    parser.add_argument("--observations", type=int, default=260, help="of a patient, in the mean")
    parser.add_argument("--share", type=float, default=SHARE, help="of patients with an order for acetylcysteine")
    parser.add_argument("--gzip", action="store_true", help="compress the files")
    options = parser.parse_args()
    written = make_export(
        options.out, options.patients, options.seed, options.observations, options.share, options.gzip
    )
    print(f"{written:,} resources of {options.patients:,} invented patients in {options.out}")


def make_export(
    folder: Path, patients: int, seed: int, observations: int = 260, share: float = SHARE, compress: bool = False
) -> int:
    """Writes a file of NDJSON for each resource type; returns how many resources were written."""
    maker = _Maker(random.Random(seed), observations)
    with ExitStack() as open_files:
        files = _Files(folder, open_files, compress)
        for number in range(patients):
            maker.write_patient(f"p{number:07d}", maker.random.random() < share, files.write)
        maker.write_medications(files.write)
    return files.written


class _Files:
    """A file for each resource type, opened when it is needed."""

    def __init__(self, folder: Path, open_files: ExitStack, compress: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._open_files, self._compress = folder, open_files, compress
        self._by_type: dict[str, IO[str]] = {}
        self.written = 0

    def write(self, resource_type: str, line: str) -> None:
        """Adds a line to the file of a type."""
        if resource_type not in self._by_type:
            self._by_type[resource_type] = self._open_files.enter_context(self._open(resource_type))
        self._by_type[resource_type].write(line + "\n")
        self.written += 1

    def _open(self, resource_type: str) -> IO[str]:
        path = self._folder / f"{resource_type}.ndjson"
        if self._compress:
            compressed = gzip.GzipFile(f"{path}.gz", "wb", compresslevel=3, mtime=0)
            self._open_files.enter_context(compressed)
            return _Text(compressed)  # type: ignore[return-value]
        return path.open("w", encoding="utf-8", buffering=1 << 20)


class _Text:
    """A compressed file that takes text."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())

    def __enter__(self) -> "_Text":
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _Maker:
    """Makes patients, one after the other."""

    def __init__(self, source: random.Random, observations: int) -> None:
        self.random, self._observations = source, observations
        self._people = [_load(path) for path in sorted((FIXTURES / "patients").glob("*.json"))]
        self._orders = [json.loads(path.read_text()) for path in sorted((FIXTURES / "orders").glob("*.json"))]
        charts = [_load(path) for path in sorted((FIXTURES / "charts").glob("us-*.json"))]
        usual = [resource for chart in charts for resource in chart]
        self._conditions = [one for one in usual if one["resourceType"] == "Condition"]
        self._allergies = [one for one in usual if one["resourceType"] == "AllergyIntolerance"]
        drugs = [one for one in usual if one["resourceType"] == "MedicationRequest"]
        self._drugs = [one for one in drugs if "medicationCodeableConcept" in one]
        self._templates = [*_local_templates(), *_real_templates()]
        code, name, *rest = RARE
        self._rare = [_template({"system": LOCAL, "code": code, "display": name}, name, *rest)]

    def write_patient(self, identity: str, is_given: bool, write: Write) -> None:
        """One patient: the ordinary chart, and for some a person of the fixtures with their orders."""
        birth = f"{self.random.randint(1935, 2006)}-{self.random.randint(1, 12):02d}-{self.random.randint(1, 28):02d}"
        patient: Resource = {"resourceType": "Patient", "id": identity, "birthDate": birth}
        patient["gender"] = self.random.choice(("female", "male"))
        if is_given:
            patient = self._write_person(identity, write)
        write("Patient", _dump(patient))
        self._write_observations(identity, write)
        self._write_lists(identity, write)

    def write_medications(self, write: Write) -> None:
        """The Medications that orders by reference point to."""
        drugs = [order for order in self._orders if "medicationCodeableConcept" in order]
        for number, order in enumerate(drugs):
            concept = order["medicationCodeableConcept"]
            write("Medication", _dump({"resourceType": "Medication", "id": f"drug-{number}", "code": concept}))

    def _write_person(self, identity: str, write: Write) -> Resource:
        person = self.random.choice(self._people)
        moment = self._moment()
        days = (moment - FIXTURES_NOW).days
        old = next(one["id"] for one in person if one["resourceType"] == "Patient")
        patient: Resource = {}
        for resource in person:
            moved = shift_dates(resource, days)
            text = _dump(moved).replace(f"Patient/{old}", f"Patient/{identity}")
            if resource["resourceType"] == "Patient":
                patient = {**moved, "id": identity}
            else:
                write(
                    resource["resourceType"],
                    text.replace(f'"id":"{resource["id"]}"', f'"id":"{identity}-{resource["id"]}"'),
                )
        for number in range(self.random.choice((1, 1, 1, 2, 3))):
            self._write_order(f"{identity}-nac-{number}", identity, moment - timedelta(days=40 * number), write)
        return patient

    def _write_order(self, identity: str, patient: str, moment: datetime, write: Write) -> None:
        place = self.random.randrange(len(self._orders))
        text = _dump(self._orders[place]).replace("Patient/PATIENT", f"Patient/{patient}")
        order = json.loads(text) | {"id": identity, "status": self.random.choice(STATUSES)}
        order["authoredOn"] = moment.isoformat()
        order["encounter"] = {"reference": f"Encounter/{identity}-visit"}
        if "medicationCodeableConcept" in order and self.random.random() < 0.1:
            drugs = [one for one in self._orders if "medicationCodeableConcept" in one]
            del order["medicationCodeableConcept"]
            order["medicationReference"] = {"reference": f"Medication/drug-{drugs.index(self._orders[place])}"}
        write("MedicationRequest", _dump(order))

    def _write_observations(self, identity: str, write: Write) -> None:
        for number in range(round(self._observations * self.random.uniform(0.5, 1.5))):
            usual = self._templates if self.random.random() < 0.998 else self._rare
            head, middle, tail, low, high = self.random.choice(usual)
            day = self._day()
            value = round(self.random.uniform(low, high), 1)
            line = f'{head}"{identity}-o{number}","subject":{{"reference":"Patient/{identity}"}}{middle}'
            write(
                "Observation",
                f'{line}"{day}T07:30:00+00:00","issued":"{day}T11:05:00+00:00","valueQuantity":{{"value":{value}{tail}',
            )

    def _write_lists(self, identity: str, write: Write) -> None:
        for kind, usual, most in (
            ("Condition", self._conditions, 8),
            ("AllergyIntolerance", self._allergies, 2),
            ("MedicationRequest", self._drugs, 20),
            ("Encounter", [{"resourceType": "Encounter", "status": "finished"}], 15),
        ):
            for number in range(self.random.randint(0, most)):
                write(
                    kind,
                    _dump(self._usual(kind, self.random.choice(usual), f"{identity}-{kind[:2]}{number}", identity)),
                )

    def _usual(self, kind: str, usual: Resource, identity: str, patient: str) -> Resource:
        day, about = self._day(), {"reference": f"Patient/{patient}"}
        resource = {**usual, "id": identity}
        if kind == "AllergyIntolerance":
            return {**resource, "patient": about, "recordedDate": day}
        if kind == "Condition":
            return {**resource, "subject": about, "recordedDate": day}
        if kind == "MedicationRequest":
            status = "active" if self.random.random() < 0.1 else "stopped"  # as in public samples: nearly all
            return {**resource, "subject": about, "authoredOn": f"{day}T09:00:00Z", "status": status}
        return {**resource, "subject": about, "class": {"code": "AMB"}, "period": {"start": f"{day}T08:00:00Z"}}

    def _moment(self) -> datetime:
        return YEAR_ENDS - timedelta(minutes=self.random.randrange(365 * 1440))

    def _day(self) -> str:
        return (YEAR_ENDS - timedelta(days=self.random.randrange(4 * 365))).date().isoformat()


def _local_templates() -> Iterator[tuple[str, str, str, float, float]]:
    for number, (name, unit, low, high) in enumerate(OBSERVATIONS):
        yield _template({"system": LOCAL, "code": f"L{number:03d}", "display": name}, name, unit, low, high)


def _real_templates() -> Iterator[tuple[str, str, str, float, float]]:
    for code, name, unit, low, high in REAL:
        yield _template({"system": "http://loinc.org", "code": code, "display": name}, name, unit, low, high)


def _template(coding: Resource, name: str, unit: str, low: float, high: float) -> tuple[str, str, str, float, float]:
    """The text of an observation around its id, its day and its value."""
    category = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]
    }
    middle = _dump({"status": "final", "category": [category], "code": {"coding": [coding], "text": name}})[1:-1]
    tail = _dump({"unit": unit, "system": "http://unitsofmeasure.org", "code": unit})[1:]
    head = '{"resourceType":"Observation","id":'
    return head, f',{middle},"effectiveDateTime":', f",{tail}}}", low, high


def _load(path: Path) -> list[Resource]:
    return [entry["resource"] for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]]


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    main()
