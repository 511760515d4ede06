"""Laboratory results: which may be used, and for each one that may not, why."""

import re
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from cds_service.clinical.chart import Data, Part, is_valid, parts_of
from cds_service.clinical.facts import Origin
from cds_service.fhir.codes import CodeList, Row
from cds_service.fhir.datetimes import Moment, sample_moment, say_day
from cds_service.fhir.json import Json, Resource, names, objects, text
from cds_service.fhir.quantities import Measure, Refusal, read_measure
from cds_service.fhir.versions import is_about

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


class Result(msgspec.Struct, frozen=True):
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


class Unused(msgspec.Struct, frozen=True):
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


class Wanted(msgspec.Struct, frozen=True):
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
    for part, row, contradicted in _listed(data, wanted):
        judged = _judge(part, row, contradicted, wanted, patient_id, now)
        if isinstance(judged, Result) and part.name in data.retracted:
            judged = Unused(judged.row.term, "its panel was entered in error or cancelled", part.name, judged.moment)
        if isinstance(judged, Result):
            readings.usable.append(judged)
        else:
            readings.unused.append(judged)
    readings.usable.sort(key=lambda one: (one.moment.day, one.moment.latest, one.issued, one.name), reverse=True)
    return readings


def _listed(data: Data, wanted: Wanted) -> list[tuple[Part, Row, bool]]:
    """Each result with a code that is wanted, in their order, with its row, a refused one before any other, and
    whether a code of it is one of the others."""
    found = []
    for coded, parts in data.by_codes.items():
        if rows := wanted.codes.rows_of(coded):
            row = next((row for row in rows if not row.included), rows[0])
            contradicted = any(codes.rows_of(coded) for codes in wanted.others)
            found += [(part, row, contradicted) for part in parts]
    return sorted(found)


def _judge(one: Part, row: Row, contradicted: bool, wanted: Wanted, patient_id: str, now: datetime) -> Result | Unused:
    part, whole, name = one.part, one.whole, one.name
    moment = moment_of(part, whole)
    if not row.included:
        return Unused(row.term, "a different specimen or measure", name, moment, refused=True)
    problem = (
        _subject_problem(part, whole, patient_id)
        or _specimen_problem(part, whole)
        or ("its codes contradict each other" if contradicted else "")
        or _status_problem(part, whole)
        or _date_problem(moment, wanted, now)
    )
    if problem or moment is None:
        return Unused(row.term, problem, name, moment)
    measure = _read_value(part, wanted.kind)
    if isinstance(measure, Refusal):
        return Unused(row.term, measure.reason, name, moment)
    return Result(row, measure, moment, part, name, _specimen(part, whole), text(whole.get("issued")))


def _subject_problem(part: Resource, whole: Resource, patient_id: str) -> str:
    about = is_about(whole, patient_id) and (part is whole or is_about(part, patient_id))
    return "" if about else "it is about another patient"


def _status_problem(part: Resource, whole: Resource) -> str:
    status = text(whole.get("status"))
    if is_valid(whole):
        status = text(part.get("status")) or status
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


def _specimen_problem(part: Resource, whole: Resource) -> str:
    for holder in (part,) if part is whole else (part, whole):
        if any(map(_OTHER_SPECIMEN.search, _specimen_names(holder))):
            return "its specimen is not plasma or serum"
    return ""


def _specimen_names(holder: Resource) -> list[str]:
    """What a result says of its specimen, in words: on the reference, or in the Specimen contained in it."""
    found = names(holder.get("specimen"))
    for contained in objects(holder.get("contained")):
        if contained.get("resourceType") == "Specimen":
            found += names(contained.get("type"))
    return found


def _specimen(part: Resource, whole: Resource) -> str:
    specimen = part.get("specimen") or whole.get("specimen")
    return text(specimen.get("reference")) if isinstance(specimen, dict) else ""


def has_code(resource: Resource, codes: CodeList) -> bool:
    """True if a resource or one of its parts has an included code of the list."""
    return any(row.included for part in parts_of(resource) for row in codes.rows_in(part.get("code")))
