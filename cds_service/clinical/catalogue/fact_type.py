"""What one kind of fact is: its meaning, its values, and where it is read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, State

ORDER, PATIENT, TREATMENT = "order", "patient", "treatment"
ANY_STATE = (KNOWN, ABSENT, UNKNOWN)
MOST_WORDS = 10

# Lists and thresholds by which several kinds of facts are read.
RECOGNITION = (  # by which a drug is recognised as acetylcysteine
    *("acetylcysteine", "acetylcysteine-names", "acetylcysteine-brands"),
    *("nac-companions", "nitroglycerin", "glutamine-drugs"),
)
ROUTE_LISTS = ("routes", "route-words")
SPECIMENS = ("other-specimens", "other-specimen-codes")
NO_INFORMATION = ("no-information", "no-information-words")
WEIGHT_THRESHOLDS = (
    *("oldest-age", "adult-age", "weight-age"),
    *("adult-weight-lowest", "adult-weight-highest", "child-weight-lowest", "child-weight-highest"),
)


@dataclass(frozen=True)
class FactType:
    """A kind of fact. Categories have `values`; numbers have a `unit` and a `step`, the least difference that counts.

    `queries` are the prefetch keys of its data, `look_back` how old the data may be, and `patient` the elements of the
    Patient resource that it depends on. `words` are the most words that a text can have at the head of a card, where
    longer texts are cut; `MOST_WORDS` for those it does not name.

    It is read by the code and name lists `lists`, by `thresholds`, and by other facts that it `rests_on`; with
    `numbers`, also by which numbers stand in any list at all: an entry without a name is something else then. A
    signature of a card holds as long as these do, so a test compares them with what the code reads.
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
    thresholds: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    numbers: bool = False
    look_back: str = ""
    patient: tuple[str, ...] = ()
    words: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_number(self) -> bool:
        """True for a fact that is compared with thresholds."""
        return bool(self.unit)

    def most_words(self, text: str) -> int:
        """How many words a text of the fact has at the most, at the head of a card."""
        return self.words.get(text, MOST_WORDS)
