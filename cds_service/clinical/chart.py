"""What arrived about one patient, per query, in four states that are never folded into each other.

*Given*: resources came. *Empty*: asked, and there are none. *Failed*: asked, and it went wrong. *Not sent*:
nobody asked. "No allergies" and "the allergy query timed out" are different facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from cds_service.clinical.elements import Resource


class Arrival(Enum):
    """The four states of the data behind one query."""

    GIVEN = "given"
    EMPTY = "empty"
    FAILED = "failed"
    NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class Data:
    """The answer to one query. `gap` says what is missing from a given answer; empty if it is whole."""

    arrival: Arrival
    resources: tuple[Resource, ...] = ()
    gap: str = ""

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
