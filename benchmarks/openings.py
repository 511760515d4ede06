"""How often a chart speaks: 1,000 invented patients on acetylcysteine, and what the openings of their charts show.

`python -m benchmarks.openings` prints it. Every number in `USES` and in the constants below is an assumption, not data:
nobody has counted them. Each opening is a call of its own, with what was on record on that day.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from cds_service.answering import answer
from cds_service.content.loading import load_content
from cds_service.fhir.queries import FOR_TREATMENTS, QUERIES
from cds_service.guidance.model import PATIENT_VIEW, Content
from cds_service.hooks.requests import read_request

Json = dict[str, Any]

PATIENTS, SEED = 1000, 1
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ICD10, RXNORM, SNOMED = (
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://snomed.info/sct",
)
LOINC, UCUM, ATC = "http://loinc.org", "http://unitsofmeasure.org", "http://www.whocc.no/atc"

VISITS_A_MONTH = (0.5, 1, 2, 4)  # of one patient; in hospital more
OPENINGS_OF_A_VISIT = (1, 1, 2, 3)  # by one user within half an hour
FOLLOWED_UP = 0.4  # of those with a baseline: a second value 6 to 10 weeks after the start
ORDERED = 0.3  # of those with a baseline: amino acids are ordered from 8 weeks on and not yet measured
NEW_RISKS = {  # what comes on record in the course: its share, and for how many days treatment goes on all the same
    "allergy": (0.01, 3),
    "nitroglycerin": (0.01, None),
    "varices": (0.005, 30),
    "ulcer": (0.01, 30),
    "pregnancy": (0.01, 30),
}


@dataclass(frozen=True)
class Use:
    """What it is taken for: its share of patients, the drug, the courses in days, and how many have a baseline."""

    name: str
    share: float
    drug: Json
    courses: Sequence[int]
    members: Json = field(default_factory=dict)
    with_baseline: float = 0.0


def _concept(system: str, code: str, name: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": name}], "text": name}


def _by(code: str, name: str) -> Json:
    return {"dosageInstruction": [{"route": _concept(SNOMED, code, name)}]}


CAPSULE = _concept(RXNORM, "606971", "Acetylcysteine 600 MG Oral Capsule")
TABLET = _concept(ATC, "R05CB01", "Acetylcysteine 600 mg effervescent tablet")
SOLUTION = _concept(RXNORM, "307719", "acetylcysteine 200 MG/ML Inhalation Solution")
INJECTION = _concept(RXNORM, "465377", "acetylcysteine 200 MG/ML Injectable Solution")
DROPS = _concept(ATC, "S01XA08", "acetylcysteine eye drops")
BRONCHITIS = {"reasonCode": [_concept(ICD10, "J42", "Unspecified chronic bronchitis")]}
DEPENDENCE = {"reasonCode": [_concept(ICD10, "F14.20", "Cocaine dependence, uncomplicated")]}

USES = (
    Use("mucolytic, with its reason", 0.35, TABLET, (7, 14, 90, 365), BRONCHITIS),
    Use("mucolytic, no reason written", 0.20, TABLET, (7, 14, 90, 365)),
    Use("inhaled", 0.20, SOLUTION, (7, 30, 180), _by("18679011000001101", "Inhalation route")),
    Use("antidote", 0.10, INJECTION, (2, 3), _by("47625008", "Intravenous route")),
    Use("eye drops", 0.05, DROPS, (30, 180)),
    Use("neuropsychiatric, never measured", 0.07, CAPSULE, (28, 84, 180, 365), DEPENDENCE),
    Use("neuropsychiatric, with a baseline", 0.03, CAPSULE, (28, 84, 180, 365), DEPENDENCE, 1.0),
)
WORST = (Use("neuropsychiatric, with a baseline", 1.0, CAPSULE, (28, 84, 180, 365), DEPENDENCE, 1.0),)


@dataclass(frozen=True)
class Opening:
    """What one opening of a chart shows: each card by its id and its words. `visit` is that in which it happens."""

    use: str
    patient: int
    visit: int
    cards: tuple[tuple[str, str], ...]


class _Patient:
    """One person, and everything that came on record, with the day on which it did."""

    def __init__(self, number: int, use: Use, made: random.Random) -> None:
        self.number, self.use, self._made = number, use, made
        self.identity = f"invented-{number}"
        self.course = made.choice(use.courses)
        self.start = NOW - timedelta(days=made.randint(0, 364) + self.course)
        self.stop = self.course
        self.gender = made.choice(("female", "male"))
        self.record: list[tuple[int, str, Json]] = []  # day of the course, key of the query, resource
        drug = {"status": "active", "medicationCodeableConcept": use.drug, "authoredOn": self._on(0), **use.members}
        self._add(0, "activeMedications", drug)
        if made.random() < use.with_baseline:
            self._measure()
        self._fall_at_risk()

    def _on(self, day: int) -> str:
        return (self.start + timedelta(days=day)).date().isoformat()

    def _add(self, day: int, key: str, resource: Json) -> None:
        about = "patient" if key == "allergyList" else "subject"
        made = {"resourceType": QUERIES[key].resource_type, "id": f"{self.identity}-{len(self.record)}"}
        subject = {about: {"reference": f"Patient/{self.identity}"}}
        self.record.append((day, key, {**made, **subject, **resource}))

    def _glutamate(self, day: int) -> None:
        unit = {"unit": "umol/L", "system": UCUM, "code": "umol/L"}
        between = {"low": {"value": 10, **unit}, "high": {"value": 120, **unit}}
        value = {"valueQuantity": {"value": self._made.randint(20, 180), **unit}, "referenceRange": [between]}
        code = _concept(LOINC, "20642-5", "Glutamate [Moles/volume] in Serum or Plasma")
        when = {"effectiveDateTime": f"{self._on(day)}T08:00:00Z"}
        self._add(day, "aminoAcids", {"status": "final", "code": code, **when, **value})

    def _measure(self) -> None:
        self._glutamate(-self._made.randint(1, 20))
        if self._made.random() < FOLLOWED_UP:
            self._glutamate(self._made.randint(42, 70))
        elif self._made.random() < ORDERED:
            order = {"status": "active", "intent": "order", "code": {"text": "Plasma amino acids"}}
            self._add(56, "laboratoryOrders", {**order, "authoredOn": self._on(56)})

    def _fall_at_risk(self) -> None:
        for risk, (share, goes_on) in NEW_RISKS.items():
            if self._made.random() >= share or (risk == "pregnancy" and self.gender == "male"):
                continue
            day = self._made.randint(1, self.course)
            self._add(day, *_risk(risk, self._on(day)))
            self.stop = self.stop if goes_on is None else min(self.stop, day + goes_on)

    def days(self) -> Iterator[int]:
        """The days of the course on which the chart is opened, one for each visit."""
        visits = max(1, round(self.course / 30 * self._made.choice(VISITS_A_MONTH)))
        yield from sorted(self._made.randint(0, self.stop) for _ in range(visits))

    def call(self, day: int) -> bytes:
        """The body of the call on a day."""
        person = {"resourceType": "Patient", "id": self.identity, "gender": self.gender, "birthDate": "1990-05-01"}
        prefetch: Json = {key: {"resourceType": "Bundle", "type": "searchset", "entry": []} for key in FOR_TREATMENTS}
        prefetch["patient"] = person
        for known_on, key, resource in self.record:
            if known_on <= day:
                prefetch[key]["entry"].append({"resource": resource})
        context = {"userId": "Practitioner/example", "patientId": self.identity}
        call = {"hook": PATIENT_VIEW, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}
        return msgspec.json.encode({**call, "prefetch": prefetch})


def _risk(risk: str, day: str) -> tuple[str, Json]:
    """The list in which a risk stands, and its entry."""
    if risk == "allergy":
        return "allergyList", {
            "type": "allergy",
            "code": _concept(RXNORM, "197", "acetylcysteine"),
            "recordedDate": day,
        }
    if risk == "nitroglycerin":
        drug = _concept(RXNORM, "4917", "nitroglycerin")
        return "activeMedications", {"status": "active", "medicationCodeableConcept": drug, "authoredOn": day}
    code, name = {
        "varices": ("I85.00", "Esophageal varices without bleeding"),
        "ulcer": ("K25.9", "Gastric ulcer, unspecified"),
        "pregnancy": ("Z33.1", "Pregnant state, incidental"),
    }[risk]
    return "problemList", {"code": _concept(ICD10, code, name), "recordedDate": day}


def open_charts(uses: Sequence[Use], content: Content, patients: int = PATIENTS, seed: int = SEED) -> list[Opening]:
    """Every opening of every chart, patient by patient, in the order of time."""
    made = random.Random(seed)
    shares = [use.share for use in uses]
    people = [_Patient(number, made.choices(uses, shares)[0], made) for number in range(patients)]
    return [opening for patient in people for opening in _openings(patient, content, made)]


def _openings(patient: _Patient, content: Content, made: random.Random) -> Iterator[Opening]:
    for visit, day in enumerate(patient.days()):
        cards = _shown(patient, day, content)
        for _ in range(made.choice(OPENINGS_OF_A_VISIT)):
            yield Opening(patient.use.name, patient.number, visit, cards)


def _shown(patient: _Patient, day: int, content: Content) -> tuple[tuple[str, str], ...]:
    request = read_request(patient.call(day), PATIENT_VIEW)
    moment = patient.start + timedelta(days=day, hours=6)
    answered = asyncio.run(answer(request, content, moment, lambda: ""))
    said = (f"{card.summary} {card.detail}" for card in answered.response.cards)
    return tuple(zip(answered.card_ids, said, strict=True))


def without_repeated(openings: Iterable[Opening]) -> list[Opening]:
    """The same for a client with `repeat = "changed"`: in a visit each card is shown once, as none is critical."""
    seen: set[tuple[int, int, str]] = set()
    left = []
    for opening in openings:
        new = tuple((name, said) for name, said in opening.cards if (opening.patient, opening.visit, said) not in seen)
        seen |= {(opening.patient, opening.visit, said) for _, said in opening.cards}
        left.append(Opening(opening.use, opening.patient, opening.visit, new))
    return left


def longest_run(openings: Sequence[Opening], card_id: str) -> int:
    """The most openings of one chart in a row that show this card."""
    shows = [(opening.patient, card_id in dict(opening.cards)) for opening in openings]
    return max((len(list(run)) for (_, is_shown), run in groupby(shows) if is_shown), default=0)


def write_table(openings: Sequence[Opening]) -> str:
    """Patients, openings, and openings that show a card, by use."""
    ids = sorted({name for opening in openings for name, _ in opening.cards})
    rows = [["use", "patients", "openings", "with a card", *ids]]
    rows.append(["---"] * len(rows[0]))
    uses = sorted({opening.use for opening in openings})
    groups = {use: [opening for opening in openings if opening.use == use] for use in uses}
    for use, group in {**groups, "all": openings}.items():
        shown = Counter(name for opening in group for name, _ in opening.cards)
        patients = len({opening.patient for opening in group})
        with_card = sum(bool(opening.cards) for opening in group)
        cells = [_share(with_card, group), *(_share(shown[name], group) for name in ids)]
        rows.append([use, f"{patients:,}", f"{len(group):,}", *cells])
    rows.append(["longest run in one chart", "", "", "", *(str(longest_run(openings, name)) for name in ids)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _share(count: int, group: Sequence[Opening]) -> str:
    return f"{count:,} ({count / len(group):.1%})" if count else "0"


def main() -> None:
    """Prints the tables: the mix of patients that is assumed, and the worst, in which all have a baseline."""
    content = load_content(Path(__file__).parent.parent / "cards")
    for title, uses in (("As assumed", USES), ("All in other use with a baseline", WORST)):
        openings = open_charts(uses, content)
        print(f"## {title}\n\n{write_table(openings)}\n")
        print(f'With repeat = "changed":\n\n{write_table(without_repeated(openings))}\n')


if __name__ == "__main__":
    main()
