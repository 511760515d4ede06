"""Laboratory results: which may be used, and why the others may not."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import msgspec

from cds_service.clinical.chart import Data, ResultElement, is_valid, result_elements
from cds_service.clinical.facts import Origin
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import CodeList, CodeRow, NameList
from cds_service.fhir.datetimes import Moment, format_day, sample_moment
from cds_service.fhir.json import Json, Resource, member, names, number, objects, shorten, text
from cds_service.fhir.quantities import (
    UNITS,
    LocalUnits,
    Measure,
    Refusal,
    format_number,
    format_unit,
    read_measure,
    written_units,
)
from cds_service.fhir.versions.elements import is_about

FINAL = frozenset(("final", "amended", "corrected"))
_VALUE_TYPES = [
    "valueString",
    "valueCodeableConcept",
    "valueInteger",
    "valueRange",
    "valueRatio",
    "valueSampledData",
]


class Result(msgspec.Struct, frozen=True):
    """A usable result: its row in the code list, what it measured and when, and the element that holds it.

    `reference` is that of the resource it came in. Where the site file says what a unit of the element means, the
    element has the unit that it means.
    """

    row: CodeRow
    measure: Measure
    moment: Moment
    element: Resource
    reference: str
    specimen: str = ""
    issued: str = ""

    @property
    def origin(self) -> Origin:
        local = f" (code {self.row.local})" if self.row.local else ""
        return Origin(self.reference, f"{self.measure.sent} on {self.moment.day.isoformat()}{local}")


class RejectedResult(msgspec.Struct, frozen=True):
    """A result that may not be used: what it is, why not, and when the sample was taken, if known."""

    term: str
    reason: str
    reference: str
    moment: Moment | None = None
    is_other_analyte: bool = False  # its code means a different specimen or measure
    is_void: bool = False  # it never was a result of this patient, or is one no more: nothing is missing without it
    sent: str = ""  # its value as sent; empty where it has none that can be printed

    def describe(self) -> str:
        """In words: glutamate in urine, 3 November 2026: a different specimen or measure."""
        day = f", {format_day(self.moment.day)}" if self.moment else ""
        return f"{self.term}{day}: {self.reason}"


@dataclass
class AnalyteResults:
    """The usable results of an analyte, newest first, and the rejected ones."""

    usable: list[Result] = field(default_factory=list)
    rejected: list[RejectedResult] = field(default_factory=list)

    @property
    def newest(self) -> Result | None:
        return self.usable[0] if self.usable else None


class ResultCriteria(msgspec.Struct, frozen=True):
    """What to look for: the code list, the kind of unit, and what a usable result is.

    `days` is how old it may be (None: any age). A value below `lowest` or above `highest`, in the unit of its kind, is
    implausible. A result that is coded as one of `others` too is neither. One whose name or specimen is in
    `other_specimens`, or its specimen in `other_specimen_codes`, is no level in blood, whatever its code says.
    """

    codes: CodeList
    kind: str
    units: LocalUnits
    other_specimens: NameList
    other_specimen_codes: CodeList
    lowest: Decimal | None = None
    highest: Decimal | None = None
    days: int | None = None
    others: tuple[CodeList, ...] = ()


def result_criteria(
    vocabulary: Vocabulary, codes: str, kind: str, days: int | None = None, others: tuple[CodeList, ...] = ()
) -> ResultCriteria:
    """The criteria for a code list of the content, with the plausible values of its kind of unit."""
    name = kind.lower().replace(" ", "-")
    return ResultCriteria(
        vocabulary.code_lists[codes],
        kind,
        vocabulary.local_units,
        vocabulary.name_lists["other-specimens"],
        vocabulary.code_lists["other-specimen-codes"],
        vocabulary.thresholds.get(f"{name}-lowest"),
        vocabulary.thresholds.get(f"{name}-highest"),
        days,
        others,
    )


def read_results(data: Data, criteria: ResultCriteria, patient_id: str, now: datetime) -> AnalyteResults:
    """Every result of an analyte, also as a component or contained, each resource once.

    Since several facts rest on the same analyte, the results are kept with the data.
    """
    if not data.resources:
        return AnalyteResults()
    key = (criteria, patient_id, now)
    results: AnalyteResults = data.cache.get(key) or _read(data, criteria, patient_id, now)
    data.cache[key] = results
    return results


def _read(data: Data, criteria: ResultCriteria, patient_id: str, now: datetime) -> AnalyteResults:
    results = AnalyteResults()
    for source, row, contradicted in _matching(data, criteria):
        result = _assess(source, row, contradicted, criteria, patient_id, now)
        if isinstance(result, Result) and source.reference in data.retracted:
            reason = "its panel was entered in error or cancelled"
            result = _reject(source, row, reason, result.moment, is_void=True)
        if isinstance(result, Result):
            results.usable.append(result)
        else:
            results.rejected.append(result)
    results.usable.sort(key=_recency, reverse=True)
    return results


def _recency(result: Result) -> tuple[date, datetime, str, str]:
    return result.moment.day, result.moment.latest, result.issued, result.reference


def _matching(data: Data, criteria: ResultCriteria) -> list[tuple[ResultElement, CodeRow, bool]]:
    """Each result with a code of the list, as sent, with its row and whether it has a code of another list too.

    If it matches several rows, a refused one takes precedence.
    """
    matching = []
    for coded, elements in data.elements_by_codings.items():
        if rows := criteria.codes.rows_of(coded):
            row = next((row for row in rows if not row.included), rows[0])
            contradicted = any(codes.rows_of(coded) for codes in criteria.others)
            matching += [(element, row, contradicted) for element in elements]
    return sorted(matching)


def _assess(
    source: ResultElement, row: CodeRow, contradicted: bool, criteria: ResultCriteria, patient_id: str, now: datetime
) -> Result | RejectedResult:
    element, resource, reference = source.element, source.resource, source.reference
    moment = sample_time_of(element, resource)
    if not row.included:
        reason = "a different specimen or measure"
        return _reject(source, row, reason, moment, is_other_analyte=True, is_void=True)
    problem = (
        _subject_problem(element, resource, patient_id)
        or _specimen_problem(element, resource, criteria)
        or ("its codes contradict each other" if contradicted else "")
        or _status_problem(element, resource)
        or _date_problem(moment, criteria, now)
    )
    if problem or moment is None:
        return _reject(source, row, problem, moment, is_void=_is_void(element, resource, patient_id))
    in_ucum = criteria.units.translate_result(element, row.unit)
    measure = _read_value(in_ucum, criteria)
    if isinstance(measure, Refusal):
        return _reject(source, row, measure.reason, moment)
    return Result(row, measure, moment, in_ucum, reference, _specimen(element, resource), text(resource.get("issued")))


def _reject(source: ResultElement, row: CodeRow, reason: str, moment: Moment | None, **flags: bool) -> RejectedResult:
    return RejectedResult(row.term, reason, source.reference, moment, sent=value_as_sent(source.element), **flags)


def value_as_sent(element: Resource) -> str:
    """The value of a result as sent, for print: a number with its unit, or words; empty for any other."""
    quantity: Json = element.get("valueQuantity")
    if (value := number(member(quantity, "value"))) is not None:
        unit = next((format_unit(written) for written in reversed(written_units(quantity))), "")  # words before codes
        return shorten(f"{text(quantity.get('comparator'))}{format_number(value)} {unit}".strip())
    words = [text(element.get("valueString")), *names(element.get("valueCodeableConcept"))]
    return shorten(next(filter(None, words), ""))


def _is_void(element: Resource, resource: Resource, patient_id: str) -> bool:
    """True for a result of another patient, one that was taken back, and one that is only expected."""
    status = text(element.get("status")) or text(resource.get("status"))
    void = not is_valid(resource) or not is_valid(element) or status == "registered"
    return void or bool(_subject_problem(element, resource, patient_id))


def _subject_problem(element: Resource, resource: Resource, patient_id: str) -> str:
    about = is_about(resource, patient_id) and (element is resource or is_about(element, patient_id))
    return "" if about else "it is about another patient"


def _status_problem(element: Resource, resource: Resource) -> str:
    status = text(resource.get("status"))
    if is_valid(resource):
        status = text(element.get("status")) or status
    if status in FINAL:
        return ""
    return f"its status is {status}" if status in _STATUSES else "it has no status that can be read"


_STATUSES = frozenset(("registered", "preliminary", "cancelled", "entered-in-error", "unknown", "partial", "appended"))


def sample_time_of(element: Resource, resource: Resource) -> Moment | None:
    """When the sample was taken: by the element, else by the resource it came in. None if the date cannot be read."""
    own = element is not resource and any(name.startswith("effective") for name in element)
    return sample_moment(element if own else resource)


def _date_problem(moment: Moment | None, criteria: ResultCriteria, now: datetime) -> str:
    if moment is None:
        return "its date is missing or not exact to the day"
    if moment.is_after(now):
        return "its date lies in the future"
    if criteria.days is not None and moment.days_before(now) > criteria.days:
        return f"it is more than {criteria.days} days old"
    return ""


def _read_value(element: Resource, criteria: ResultCriteria) -> Measure | Refusal:
    quantity: Json = element.get("valueQuantity")
    if quantity is None:
        other = any(element.get(name) is not None for name in _VALUE_TYPES)
        return Refusal("its value is not a number with a unit" if other else "it has no value")
    measure = read_measure(criteria.kind, quantity)
    return measure if isinstance(measure, Refusal) else _implausible(measure, criteria) or measure


def _implausible(measure: Measure, criteria: ResultCriteria) -> Refusal | None:
    """Why a value is none that a person can have; None for a plausible one."""
    if measure.value <= 0:
        return Refusal("its value is not above zero")
    if criteria.lowest is not None and measure.value < criteria.lowest:
        return Refusal(f"its value is implausible: below {format_number(criteria.lowest)} {UNITS[criteria.kind]}")
    if criteria.highest is not None and measure.value > criteria.highest:
        return Refusal(f"its value is implausible: above {format_number(criteria.highest)} {UNITS[criteria.kind]}")
    return None


def _specimen_problem(element: Resource, resource: Resource, criteria: ResultCriteria) -> str:
    words = criteria.other_specimens
    for holder in (element,) if element is resource else (element, resource):
        specimens = _specimens_of(holder)
        if any(
            words.included_in(specimen) or criteria.other_specimen_codes.included_in(specimen) for specimen in specimens
        ):
            return "its specimen is not plasma or serum"
    if words.included_among(names(element.get("code"))):
        return "its code is of blood and its name of another specimen or measure: they contradict each other"
    return ""


def _specimens_of(holder: Resource) -> list[Json]:
    """What the specimen is, on the reference and in a contained Specimen."""
    contained = objects(holder.get("contained"))
    return [
        holder.get("specimen"),
        *(resource.get("type") for resource in contained if resource.get("resourceType") == "Specimen"),
    ]


def _specimen(element: Resource, resource: Resource) -> str:
    specimen = element.get("specimen") or resource.get("specimen")
    return text(specimen.get("reference")) if isinstance(specimen, dict) else ""


def has_code(resource: Resource, codes: CodeList) -> bool:
    """True if the resource, a component or a contained Observation has an included code of the list."""
    return any(row.included for element in result_elements(resource) for row in codes.rows_in(element.get("code")))
