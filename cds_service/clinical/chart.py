"""The data of one patient, by query, in four states that are kept apart.

*Given*: there are resources. *Empty*: the query was answered, with none. *Failed*: it was asked and not answered. *Not
sent*: it was not asked. "No allergies" and "the allergy query timed out" are different facts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import count
from typing import Any

import msgspec

from cds_service.clinical.facts import Fact, unknown
from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import Coding, Resource, codings, objects, relative_part, relative_reference, text
from cds_service.fhir.queries import QUERIES
from cds_service.fhir.versions.elements import members_of


class Arrival(Enum):
    """The four states of the data behind one query."""

    GIVEN = "given"
    EMPTY = "empty"
    FAILED = "failed"
    NOT_SENT = "not sent"


class ResultElement(msgspec.Struct, frozen=True, order=True):
    """An observation or a component of one, with the Observation or DiagnosticReport that it came in."""

    position: int  # among the results of its query
    element: Resource
    resource: Resource
    reference: str  # of the resource


def is_valid(resource: Resource) -> bool:
    """False for a result that was entered in error or cancelled."""
    return text(resource.get("status")) not in ("entered-in-error", "cancelled")


def result_elements(resource: Resource) -> Iterator[Resource]:
    """The resource itself, its components, and the Observations contained in it with theirs."""
    yield resource
    yield from objects(resource.get("component"))
    for contained in objects(resource.get("contained")):
        if contained.get("resourceType") == "Observation":
            yield contained
            yield from objects(contained.get("component"))


class Data(msgspec.Struct, dict=True):
    """The answer to one query. `gap` says what is missing from a given answer; empty if it is complete.

    It keeps what has been read of it in `cache`, since several facts rest on the same results.
    """

    arrival: Arrival
    resources: tuple[Resource, ...] = ()
    gap: str = ""
    cache: dict[Any, Any] = {}

    @cached_property
    def elements_by_codings(self) -> dict[tuple[Coding, ...], list[ResultElement]]:
        """Every result among the resources, by its codings, so that each set of codings is looked up once.

        A resource that was sent twice counts once.
        """
        by_codings: dict[tuple[Coding, ...], list[ResultElement]] = {}
        seen: dict[str, list[Resource]] = {}
        positions = count()
        for resource in self.resources:
            reference = relative_reference(resource)
            with_same_reference = seen.setdefault(reference, [])
            if "/" in reference and resource in with_same_reference:
                continue
            with_same_reference.append(resource)
            for element in result_elements(resource):
                elements = by_codings.setdefault(tuple(codings(element.get("code"))), [])
                elements.append(ResultElement(next(positions), element, resource, reference))
        return by_codings

    @cached_property
    def retracted(self) -> set[str]:
        """References to the results of a panel or report that was itself entered in error or cancelled."""
        panels = [resource for resource in self.resources if not is_valid(resource)]
        return {relative_part(reference) for panel in panels for reference in members_of(panel)}

    def elements_with(self, code_list: CodeList) -> list[ResultElement]:
        """Each result with an included code of the list, in the order in which they were sent."""
        matching = [
            elements
            for coded, elements in self.elements_by_codings.items()
            if any(row.included for row in code_list.rows_of(coded))
        ]
        return sorted(element for elements in matching for element in elements)

    @property
    def is_obtained(self) -> bool:
        """True if the query was answered, be it in part."""
        return self.arrival in (Arrival.GIVEN, Arrival.EMPTY)

    @property
    def is_whole(self) -> bool:
        """True if everything asked for is here, so that what is not here is absent."""
        return self.is_obtained and not self.gap


NOT_SENT = Data(Arrival.NOT_SENT, gap="not sent")


@dataclass(frozen=True)
class Chart:
    """One patient's data, by query key."""

    patient_id: str
    data: Mapping[str, Data]

    @property
    def is_bare(self) -> bool:
        """True if no query was answered: each failed or was not sent."""
        return not any(data.is_obtained for data in self.data.values())

    def get(self, key: str) -> Data:
        """The data of a query; *not sent* for a key that never arrived."""
        return self.data.get(key, NOT_SENT)

    def gap(self, key: str) -> Fact | None:
        """The fact *unknown* with its reason where the answer to a query is not complete; None where it is.

        None also where a query that a client may leave out was not sent.
        """
        data, query = self.get(key), QUERIES[key]
        if data.is_whole or (query.optional and data.arrival is Arrival.NOT_SENT):
            return None
        label = query.label
        notes = {Arrival.NOT_SENT: f"{label} not sent", Arrival.FAILED: f"{label} could not be read"}
        note = notes.get(data.arrival, f"{label} incomplete")
        return unknown(note if data.gap in ("", "not sent") else f"{note} ({data.gap})")
