"""Laboratory results: which may be used, and for each one that may not, why."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.clinical.chart import Data, Part, parts_of
from cds_service.clinical.codes import CodeList, Row
from cds_service.clinical.elements import (
    Json,
    Resource,
    name_in,
    names,
    objects,
    text,
)
from cds_service.clinical.facts import Origin
from cds_service.clinical.moments import Moment, sample_moment, say_day
from cds_service.clinical.quantities import Measure, Refusal, read_measure
from cds_service.clinical.versions import is_about, members_of

FINAL = frozenset(("final", "amended", "corrected"))
_OTHER_SPECIMEN = re.compile(r"\b(urine|csf|cerebrospinal|spinal|amniotic|saliva|dried)\b", re.IGNORECASE)
_VALUE_TYPES = [
    "valueString",
    "valueCodeableConcept",
    "valueInteger",
    "valueRange",
    "valueRatio",
    "valueSampledData",
]


@dataclass(frozen=True, slots=True)
class Result:
    """One usable result: what it measured, when, and the element with its range and interpretation."""

    row: Row
    measure: Measure
    moment: Moment
    element: Resource
    name: str
    specimen: str = ""
    issued: str = ""

    @property
    def origin(self) -> Origin:
        """Where it came from, as it was sent."""
        return Origin(self.name, f"{self.measure.sent} on {self.moment.day.isoformat()}")


@dataclass(frozen=True, slots=True)
class Unused:
    """One result that was seen and not used: what it is, why, and when it was taken if that can be read."""

    term: str
    reason: str
    name: str
    moment: Moment | None = None
    refused: bool = False  # by its code: it never was a result of the analyte

    def say(self) -> str:
        """In words: glutamate in urine, 3 November 2026: a different specimen or measure."""
        day = f", {say_day(self.moment.day)}" if self.moment else ""
        return f"{self.term}{day}: {self.reason}"


@dataclass
class Readings:
    """The results of one analyte, newest first, and those that were not used."""

    usable: list[Result] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)

    @property
    def newest(self) -> Result | None:
        """The newest usable result."""
        return self.usable[0] if self.usable else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for: the code list, the kind of unit, and how old a result may be (days; None: any age)."""

    codes: CodeList
    kind: str
    days: int | None = None
    others: tuple[CodeList, ...] = ()  # a result that is coded as one of these too is neither


def read_results(data: Data, wanted: Wanted, patient_id: str, now: datetime) -> Readings:
    """Every result of one analyte, panels and contained results included, each resource once.

    Several facts rest on the same analyte; each is read once for the data of one call.
    """
    if not data.resources:
        return Readings()
    asked = (wanted, patient_id, now)
    readings: Readings = data.read.get(asked) or _read(data, wanted, patient_id, now)
    data.read[asked] = readings
    return readings


def _read(data: Data, wanted: Wanted, patient_id: str, now: datetime) -> Readings:
    readings = Readings()
    retracted = _retracted(data)
    for part in data.parts:
        judged = _judge(part, wanted, patient_id, now)
        if isinstance(judged, Result) and part.name in retracted:
            judged = Unused(judged.row.term, "its panel was entered in error or cancelled", part.name, judged.moment)
        if isinstance(judged, Result):
            readings.usable.append(judged)
        elif judged is not None:
            readings.unused.append(judged)
    readings.usable.sort(key=lambda one: (one.moment.day, one.moment.latest, one.issued, one.name), reverse=True)
    return readings


def _retracted(data: Data) -> set[str]:
    """The results that a panel or a report names which was itself entered in error or cancelled."""
    panels = [one for one in data.resources if not is_valid(one)]
    return {name_in(reference) for panel in panels for reference in members_of(panel)}


def _judge(one: Part, wanted: Wanted, patient_id: str, now: datetime) -> Result | Unused | None:
    rows = wanted.codes.rows_of(one.codings)
    if not rows:
        return None
    part, whole, name = one.part, one.whole, one.name
    moment = moment_of(part, whole)
    refused = next((row for row in rows if not row.included), None)
    if refused is not None:
        return Unused(refused.term, "a different specimen or measure", name, moment, refused=True)
    row = rows[0]
    problem = _status_problem(part, whole) or _date_problem(moment, wanted, now)
    if any(codes.rows_of(one.codings) for codes in wanted.others):
        problem = "its codes contradict each other"
    if any(map(_OTHER_SPECIMEN.search, _specimen_names(part, whole))):
        problem = "its specimen is not plasma or serum"
    if not (is_about(whole, patient_id) and (part is whole or is_about(part, patient_id))):
        problem = "it is about another patient"
    measure = _read_value(part, wanted.kind)
    problem = problem or (measure.reason if isinstance(measure, Refusal) else "")
    if problem or moment is None or isinstance(measure, Refusal):
        return Unused(row.term, problem, name, moment)
    return Result(row, measure, moment, part, name, _specimen(part, whole), text(whole.get("issued")))


def _status_problem(part: Resource, whole: Resource) -> str:
    status = text(part.get("status")) or text(whole.get("status"))
    if not is_valid(whole):
        status = text(whole.get("status"))
    if status in FINAL:
        return ""
    return f"its status is {status}" if status in _STATUSES else "it has no status that can be read"


_STATUSES = frozenset(("registered", "preliminary", "cancelled", "entered-in-error", "unknown", "partial", "appended"))


def moment_of(part: Resource, whole: Resource) -> Moment | None:
    """When the sample was taken: as the part says, else as the whole says; a date that cannot be read is none."""
    own = part is not whole and any(name.startswith("effective") for name in part)
    return sample_moment(part if own else whole)


def _date_problem(moment: Moment | None, wanted: Wanted, now: datetime) -> str:
    if moment is None:
        return "its date is missing or not exact to the day"
    if moment.is_after(now):
        return "its date lies in the future"
    if wanted.days is not None and moment.days_before(now) > wanted.days:
        return f"it is more than {wanted.days} days old"
    return ""


def _read_value(part: Resource, kind: str) -> Measure | Refusal:
    quantity: Json = part.get("valueQuantity")
    if quantity is None:
        other = any(part.get(name) is not None for name in _VALUE_TYPES)
        return Refusal("its value is not a number with a unit" if other else "it has no value")
    measure = read_measure(kind, quantity)
    if isinstance(measure, Measure) and measure.value < 0:
        return Refusal("its value is negative")
    return measure


def _specimen_names(part: Resource, whole: Resource) -> Iterator[str]:
    """What the result says of its specimen, in words: on the reference, or in the Specimen contained in it."""
    for holder in (part,) if part is whole else (part, whole):
        yield from names(holder.get("specimen"))
        for contained in objects(holder.get("contained")):
            if contained.get("resourceType") == "Specimen":
                yield from names(contained.get("type"))


def _specimen(part: Resource, whole: Resource) -> str:
    specimen = part.get("specimen") or whole.get("specimen")
    return text(specimen.get("reference")) if isinstance(specimen, dict) else ""


def is_valid(resource: Resource) -> bool:
    """False for a result that was entered in error or never came to be."""
    return text(resource.get("status")) not in ("entered-in-error", "cancelled")


def has_code(resource: Resource, codes: CodeList) -> bool:
    """True if a resource or one of its parts has an included code of the list."""
    return any(row.included for part in parts_of(resource) for row in codes.rows_in(part.get("code")))
