"""What came and cannot be read: codes without a row in the code lists, and units that are not accepted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cds_service.clinical.chart import Data
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Coding, Resource, names
from cds_service.fhir.quantities import Refusal, read_measure, unit_of

_KINDS: Mapping[str, str] = {  # code list -> the kind of its unit
    "glutamate": "amino acid",
    "cystine": "amino acid",
    "glutamine": "amino acid",
    "creatinine": "creatinine",
    "egfr": "eGFR",
    "body-weight": "weight",
    "body-height": "height",
}
_ASKED_FOR = (*_KINDS, "amino-acid-panels", "glutamate-lookalikes", "dialysis-creatinine", "acetaminophen-level")
_MEANS = {"glutamate": "glutamate", "glutamic acid": "glutamate", "cystine": "cystine"}


@dataclass(frozen=True, order=True)
class UnreadCode:
    """A code that no code list has. `means` is the analyte whose name it bears: empty if it bears none.

    `name` comes from the server, and is for those alone who may see the patient's data.
    """

    means: str
    system: str
    code: str
    unit: str
    name: str = field(default="", compare=False)


@dataclass(frozen=True, order=True)
class UnreadUnit:
    """Results of an analyte whose unit or value cannot be used, and why."""

    analyte: str
    reason: str


def find_unread_codes(every: Iterable[Data], vocabulary: Vocabulary) -> Counter[UnreadCode]:
    """The codes of results that no list has, and how many results bear each."""
    found: Counter[UnreadCode] = Counter()
    for coded, element in _elements(every):
        if not any(vocabulary.code_lists[name].rows_of(coded) for name in _ASKED_FOR):
            coding = coded[0] if coded else Coding("", "")
            unit = unit_of(element.get("valueQuantity"))
            named = names(element.get("code"))
            means = _meaning(element, vocabulary)
            found[UnreadCode(means, coding.system, coding.code, unit[0] or unit[1], named[0] if named else "")] += 1
    return found


def _elements(every: Iterable[Data]) -> Iterator[tuple[tuple[Coding, ...], Resource]]:
    """Every result once, with its codings; what has neither code nor value is none."""
    seen = set()
    for data in every:
        for coded, elements in data.elements_by_codings.items():
            for element in elements:
                key = (element.reference, coded, str(element.element.get("valueQuantity")))
                if key not in seen and element.element.get("code") is not None:
                    seen.add(key)
                    yield coded, element.element


def _meaning(element: Resource, vocabulary: Vocabulary) -> str:
    """The analyte whose name a result bears; empty for none, and where it names another specimen than blood."""
    row = vocabulary.name_lists["amino-acid-words"].included_in(element.get("code"))
    if row is None or vocabulary.name_lists["other-specimens"].included_among(names(element.get("code"))):
        return ""
    return _MEANS.get(row.name, "")


def find_unread_units(every: Iterable[Data], vocabulary: Vocabulary) -> Counter[UnreadUnit]:
    """Results that have a known code and no value that can be used, by the reason."""
    found: Counter[UnreadUnit] = Counter()
    for coded, element in _elements(every):
        for name, kind in _KINDS.items():
            if any(row.included for row in vocabulary.code_lists[name].rows_of(coded)):
                measure = read_measure(kind, element.get("valueQuantity"))
                if isinstance(measure, Refusal):
                    found[UnreadUnit(name, measure.reason)] += 1
    return found


def code_row(unread: UnreadCode) -> str:
    """The `[[code]]` row of the site file that would read the code."""
    lines = [("system", unread.system), ("code", unread.code), ("unit", unread.unit), ("means", unread.means)]
    return "\n".join(["[[code]]", *(f"{name} = {_quoted(value)}" for name, value in lines)])


def _quoted(value: str) -> str:
    """A TOML string, without what a terminal would obey."""
    plain = "".join(character if character.isprintable() else "\ufffd" for character in value)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
