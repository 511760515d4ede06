"""What came and is not read: orders of no known drug, codes without a row in the code lists, units not accepted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cds_service.clinical.chart import Data
from cds_service.clinical.orders.drugs import Medications, drug_of
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Coding, Json, Resource, names, relative_reference, shorten
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


@dataclass(frozen=True, slots=True)
class UnreadOrder:
    """An order that was not recognised as acetylcysteine: `Type/id`, and the names and codes (`system|code`) of its
    drug."""

    reference: str
    names: tuple[str, ...]
    codes: tuple[str, ...]

    def say(self) -> str:
        """In one line, for a terminal."""
        named = ", ".join(f"“{printable(name)}”" for name in self.names) or "no name"
        codes = ", ".join(map(printable, self.codes)) or "no code"
        return f"{printable(self.reference)}: {named}, {codes}"


def read_unread_order(order: Resource, medications: Medications) -> UnreadOrder:
    """What names the drug of an order."""
    drug = drug_of(order, medications)
    codes = dict.fromkeys(f"{coding.system}|{coding.code}" for coding in drug.codings)
    return UnreadOrder(relative_reference(order), tuple(dict.fromkeys(drug.names)), tuple(codes))


def find_unread_codes(every: Iterable[Data], vocabulary: Vocabulary) -> Counter[UnreadCode]:
    """The codes of results that no list has, and how many results bear each."""
    found: Counter[UnreadCode] = Counter()
    for coded, element in _elements(every):
        if not any(vocabulary.code_lists[name].rows_of(coded) for name in _ASKED_FOR):
            coding = coded[0] if coded else Coding("", "")
            unit = unit_of(element.get("valueQuantity"))
            named = names(element.get("code"))
            means = analyte_named(element.get("code"), vocabulary)
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


def analyte_named(code: Json, vocabulary: Vocabulary) -> str:
    """The analyte whose name the code of a result bears; empty for none, and where it names no blood."""
    row = vocabulary.name_lists["amino-acid-words"].included_in(code)
    if row is None or vocabulary.name_lists["other-specimens"].included_among(names(code)):
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
    plain = _without_controls(value)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def printable(written: str) -> str:
    """Words of somebody else, cut, and without what a terminal would obey."""
    return _without_controls(shorten(written))


def _without_controls(written: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in written)
