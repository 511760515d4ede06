"""What arrived about one patient, per query, in four states that are never folded into each other.

*Given*: resources came. *Empty*: asked, and there are none. *Failed*: asked, and it went wrong. *Not sent*:
nobody asked. "No allergies" and "the allergy query timed out" are different facts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import count
from typing import Any

import msgspec

from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import Coding, Resource, codings, name_in, objects, resource_name, text
from cds_service.fhir.versions import members_of


class Arrival(Enum):
    """The four states of the data behind one query."""

    GIVEN = "given"
    EMPTY = "empty"
    FAILED = "failed"
    NOT_SENT = "not sent"


class Part(msgspec.Struct, frozen=True, order=True):
    """One result: an observation, or a component of one, with the observation or report that it came in."""

    place: int  # among the results of its query
    part: Resource
    whole: Resource
    name: str


def is_valid(resource: Resource) -> bool:
    """False for a result that was entered in error or never came to be."""
    return text(resource.get("status")) not in ("entered-in-error", "cancelled")


def parts_of(observation: Resource) -> Iterator[Resource]:
    """The observation, its components, and the observations contained in it or in a report."""
    yield observation
    yield from objects(observation.get("component"))
    for contained in objects(observation.get("contained")):
        if contained.get("resourceType") == "Observation":
            yield contained
            yield from objects(contained.get("component"))


class Data(msgspec.Struct, frozen=True, dict=True):
    """The answer to one query. `gap` says what is missing from a given answer; empty if it is whole."""

    arrival: Arrival
    resources: tuple[Resource, ...] = ()
    gap: str = ""
    read: dict[Any, Any] = {}  # what was read of it so far

    @cached_property
    def by_codes(self) -> dict[tuple[Coding, ...], list[Part]]:
        """Every result among the resources, by its codes: what they mean is looked up once for all that have the same.

        A resource that came twice counts once.
        """
        found: dict[tuple[Coding, ...], list[Part]] = {}
        seen: dict[str, list[Resource]] = {}
        places = count()
        for whole in self.resources:
            name = resource_name(whole)
            same = seen.setdefault(name, [])
            if "/" in name and whole in same:
                continue
            same.append(whole)
            for one in parts_of(whole):
                parts = found.setdefault(tuple(codings(one.get("code"))), [])
                parts.append(Part(next(places), one, whole, name))
        return found

    @cached_property
    def retracted(self) -> set[str]:
        """The results that a panel or a report names which was itself entered in error or cancelled."""
        panels = [one for one in self.resources if not is_valid(one)]
        return {name_in(reference) for panel in panels for reference in members_of(panel)}

    def parts_with(self, codes: CodeList) -> list[Part]:
        """Each result with an included code of the list, in their order."""
        listed = [parts for coded, parts in self.by_codes.items() if any(row.included for row in codes.rows_of(coded))]
        return sorted(part for parts in listed for part in parts)

    @property
    def is_whole(self) -> bool:
        """True if an absence may be concluded from it: everything that was asked for is here."""
        return self.arrival in (Arrival.GIVEN, Arrival.EMPTY) and not self.gap


NOT_SENT = Data(Arrival.NOT_SENT, gap="not sent")


@dataclass(frozen=True)
class Chart:
    """One patient's data, by query key."""

    patient_id: str
    data: Mapping[str, Data]

    @property
    def is_bare(self) -> bool:
        """True if no query was answered at all: each one failed or was not sent."""
        return not any(data.arrival in (Arrival.GIVEN, Arrival.EMPTY) for data in self.data.values())

    def get(self, key: str) -> Data:
        """The data of a query; *not sent* for a key that never arrived."""
        return self.data.get(key, NOT_SENT)
