"""What one kind of fact is: its meaning, its values, and where it is read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, State

ORDER, PATIENT = "order", "patient"
ANY_STATE = (KNOWN, ABSENT, UNKNOWN)


@dataclass(frozen=True)
class FactType:
    """A kind of fact. Categories have `values`; numbers have a `unit` and a `step`, the least difference that counts.

    `queries` are the prefetch keys of its data, `lists` the code and name lists that it is read by, `look_back` how old
    the data may be, and `patient` the elements of the Patient resource that it depends on.
    """

    name: str
    label: str
    meaning: str
    scope: str
    states: tuple[State, ...]
    values: tuple[str, ...] = ()
    unit: str = ""
    step: int = 0
    texts: Mapping[str, tuple[State, ...]] = field(default_factory=dict)
    queries: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    look_back: str = ""
    patient: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """True for a fact that is compared with thresholds."""
        return bool(self.unit)
