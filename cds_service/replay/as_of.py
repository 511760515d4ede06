"""What was known of a patient at a moment in the past, from an export that shows the status of today.

| entry | known at the moment | cannot be rebuilt |
| --- | --- | --- |
| result | issued by then; without that, its sample taken by then | the status it had then |
| condition | recorded by then; active then if its stated end is later | an end without a date |
| allergy | recorded by then | the status it had then |
| medication | ordered by then and not over by its own period | whether one that has ended since was still taken |

A date that is exact to the day counts for the whole of that day. A medication that has ended since, at a time that it
does not state, is given the status *unknown*: a screen that finds it cannot tell. An entry without a date is known, or
leaves its list incomplete, as the caller says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from cds_service.clinical.orders.duration import end_of
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir import queries
from cds_service.fhir.datetimes import possible_days, read_moment, sample_moment
from cds_service.fhir.json import (
    Coding,
    Json,
    Resource,
    code_or_concept,
    codings,
    relative_part,
    relative_reference,
    text,
)
from cds_service.fhir.queries import PATIENT, QUERIES, Query
from cds_service.fhir.searching import searchset
from cds_service.fhir.versions.elements import (
    abatement_dates,
    drug_references,
    onset_dates,
    record_dates,
    resource_type,
    with_status,
)
from cds_service.replay.counting import NOT_REBUILT, UNDATED, Counts

Undated = Literal["known", "unknown"]
NEVER_IN_FORCE = frozenset(("draft", "entered-in-error", "intended", "not-taken"))
_ENDED = frozenset(("completed", "stopped", "ended"))
_LISTS = {key: QUERIES[key].resource_type for key in (queries.PROBLEMS, queries.ALLERGIES, queries.LABORATORY_ORDERS)}
_MEDICATIONS = {queries.MEDICATIONS: "MedicationRequest", queries.STATEMENTS: "MedicationStatement"}


def was_by(value: Json, moment: datetime) -> bool | None:
    """Whether a date lies at or before a moment; None where it is missing or leaves that open."""
    exact = read_moment(value)
    if exact is not None:
        return exact.earliest <= moment if exact.earliest == exact.latest else exact.day <= moment.date()
    days = possible_days(value)
    if days is None or days[0] <= moment.date() < days[1]:
        return None
    return days[1] <= moment.date()


def was_known(resource: Resource, moment: datetime) -> bool | None:
    """Whether an entry was on record at a moment; None where its date is missing or leaves that open.

    A disease that began later was not known, whatever its entry says of its recording.
    """
    stated = next((value for value in record_dates(resource) if value is not None), None)
    answer = was_by(stated, moment)
    if answer is None and any(was_by(value, moment) is False for value in onset_dates(resource)):
        return False
    return answer


def medication_at(medication: Resource, moment: datetime) -> Resource | None:
    """A medication as it stood at a moment; None where it was not yet, or no more, in force."""
    status = text(medication.get("status"))
    end = end_of(medication)
    if status in NEVER_IN_FORCE or (end is not None and end < moment.date()):
        return None
    if status in ("active", "recorded"):
        return medication
    return with_status(medication, "active" if status in _ENDED and end is not None else "unknown")


def condition_at(condition: Resource, moment: datetime) -> Resource:
    """A condition as it stood at a moment: active, where its stated end is later."""
    end = next((value for value in abatement_dates(condition) if value is not None), None)
    if was_by(end, moment) is not False:
        return condition
    status: Json = {"coding": [{"code": "active"}]} if isinstance(condition.get("clinicalStatus"), dict) else "active"
    return {**condition, "clinicalStatus": status}


class CodeIndex:
    """The result queries by the codes that they ask for, and those that the readers of their results read beside."""

    def __init__(self, vocabularies: Iterable[Vocabulary]) -> None:
        self._lists = [
            (query.key, vocabulary.code_lists[name], name in query.named)
            for vocabulary in vocabularies
            for query in QUERIES.values()
            for name in query.code_lists
        ]
        self._keys_of = lru_cache(maxsize=4096)(self._find)

    def keys_of(self, code: Json) -> set[str]:
        """The keys of the queries that ask for a code."""
        return {key for coding in codings(code) for key in self._keys_of(coding)}

    def _find(self, coding: Coding) -> frozenset[str]:
        return frozenset(
            key
            for key, listed, is_named in self._lists
            if any(row.included or is_named for row in listed.rows_of([coding]))
        )


@dataclass
class PatientRecord:
    """All that an export has of one patient, sorted once by the query that would have found it."""

    patient_id: str
    patient: Resource | None = None
    by_key: dict[str, list[Resource]] = field(default_factory=dict)
    orders: list[Resource] = field(default_factory=list)
    medications: dict[str, Resource] = field(default_factory=dict)

    def count_what_is_lacking(self, counts: Counts) -> None:
        """Counts the entries without a date, and those whose end is not stated."""
        for resource in (resource for resources in self.by_key.values() for resource in resources):
            kind = resource_type(resource)
            if not any(possible_days(value) for value in record_dates(resource)):
                counts.add(UNDATED, kind)
            if kind in _MEDICATIONS.values() and _has_ended(resource) and end_of(resource) is None:
                counts.add(NOT_REBUILT, "medications that have ended since, at a time that they do not state")
            if kind == "Condition" and _is_over(resource) and not any(map(possible_days, abatement_dates(resource))):
                counts.add(NOT_REBUILT, "conditions that are over, since a time that they do not state")


def _has_ended(medication: Resource) -> bool:
    return text(medication.get("status")) in _ENDED | {"cancelled", "on-hold"}


def _is_over(condition: Resource) -> bool:
    return bool(code_or_concept(condition.get("clinicalStatus")) & {"resolved", "inactive", "remission"})


def sort_record(patient_id: str, resources: Iterable[Resource], index: CodeIndex) -> PatientRecord:
    """The record of a patient; its results the newest first, as a search would give them."""
    record = PatientRecord(patient_id)
    types = {**_LISTS, **_MEDICATIONS}
    for resource in resources:
        kind = resource_type(resource)
        if kind == "Patient":
            record.patient = resource
        elif kind == "Medication":
            record.medications[relative_reference(resource)] = resource
        elif kind == "Observation":
            for key in index.keys_of(resource.get("code")):
                record.by_key.setdefault(key, []).append(resource)
        if kind == "MedicationRequest":
            record.orders.append(resource)
        for key, listed in types.items():
            if kind == listed:
                record.by_key.setdefault(key, []).append(resource)
    for key, query in QUERIES.items():
        if query.code_lists and key in record.by_key:
            record.by_key[key].sort(key=_recency, reverse=True)
    return record


def _recency(observation: Resource) -> float:
    moment = sample_moment(observation)
    return moment.earliest.timestamp() if moment else float("-inf")


def answers_at(
    record: PatientRecord, moment: datetime, types: frozenset[str], undated: Undated, without: frozenset[int]
) -> dict[str, Any]:
    """What a search for each query would have found at a moment. A type that was not exported has no answer.

    `without` are the ids of the objects that the call itself orders.
    """
    answers: dict[str, Any] = {}
    for key, query in QUERIES.items():
        if query.resource_type not in types:
            continue
        if key == PATIENT:
            answers[key] = record.patient
            continue
        entries = [entry for entry in record.by_key.get(key, ()) if id(entry) not in without]
        answers[key] = _searchset(query, entries, moment, undated, record)
    return answers


def _searchset(
    query: Query, entries: Sequence[Resource], moment: datetime, undated: Undated, record: PatientRecord
) -> Resource:
    """The entries known at a moment. Where undated ones are not known, they count in the total: some are missing."""
    found, hidden = [], 0
    for entry in entries:
        if undated == "unknown" and was_known(entry, moment) is None:
            hidden += 1
        elif (then := entry_at(query, entry, moment)) is not None:
            found.append(then)
    matches = [{"resource": resource, "search": {"mode": "match"}} for resource in found[: query.count]]
    included = [{"resource": drug} for drug in _drugs_of(found, record)] if query.key in _MEDICATIONS else []
    return searchset([*matches, *included], len(found) + hidden)


def entry_at(query: Query, entry: Resource, moment: datetime) -> Resource | None:
    """An entry that a query asks for as it stood at a moment; None where it was not yet known, or not in force.

    An entry without a date counts as known.
    """
    if was_known(entry, moment) is False:
        return None
    if query.key in _MEDICATIONS:
        return medication_at(entry, moment)
    return condition_at(entry, moment) if query.key == queries.PROBLEMS else entry


def _drugs_of(orders: Iterable[Resource], record: PatientRecord) -> list[Resource]:
    """The Medications that orders and statements point to, as far as the export has them."""
    references = dict.fromkeys(relative_part(reference) for order in orders for reference in drug_references(order))
    return [record.medications[reference] for reference in references if reference in record.medications]
