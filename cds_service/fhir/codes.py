"""Code lists and name lists, and the lookup of a concept in them. The lists themselves are content."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cds_service.fhir.json import Coding, Json, codings, names

LOINC = "http://loinc.org"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM, SNOMED = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
ATC, ATC_GERMAN, UNII = "http://www.whocc.no/atc", "http://fhir.de/CodeSystem/bfarm/atc", "http://fdasis.nlm.nih.gov"
V3_ROUTE = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
_SHAPES = {
    LOINC: r"\d{1,7}-\d",
    ICD10CM: r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?\*?",
    RXNORM: r"[1-9]\d{0,7}",
    V3_ROUTE: r"[A-Z]{2,12}",
    SNOMED: r"[1-9]\d{5,17}",
    ATC: r"[A-Z]\d\d[A-Z]{2}\d\d",
    ATC_GERMAN: r"[A-Z]\d\d[A-Z]{2}\d\d",
    UNII: r"[0-9A-Z]{10}",
}


SUPPORTED_SYSTEMS = frozenset(_SHAPES)  # a code of any other system tells this service nothing


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of a code list.

    `included` is False for a code that the list names in order to refuse it. An `unsure` code is not verified well
    enough for a card to rest on it: a screen that meets one comes to *unknown*.
    """

    code: str
    system: str
    term: str
    included: bool
    reason: str
    unsure: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


class CodeList:
    """Codes with their systems. A code that ends in `*` stands for every code that begins with it."""

    def __init__(self, rows: Iterable[CodeRow]) -> None:
        self.rows = tuple(rows)
        self._exact = {Coding(row.system, _plain(row.system, row.code)): row for row in self.rows}
        self._prefixes: dict[str, list[tuple[str, CodeRow]]] = {}
        for row in self.rows:
            if row.code.endswith("*"):
                self._prefixes.setdefault(row.system, []).append((_plain(row.system, row.code[:-1]), row))

    def find(self, coding: Coding) -> CodeRow | None:
        """The row of a code in its system: an exact one, else the one with the longest prefix."""
        if coding.system == ICD10CM:
            coding = Coding(ICD10CM, _plain(ICD10CM, coding.code))
        return self._exact.get(coding) or (self._longest_prefix(coding) if coding.system in self._prefixes else None)

    def _longest_prefix(self, coding: Coding) -> CodeRow | None:
        matching = [row for prefix, row in self._prefixes[coding.system] if coding.code.startswith(prefix)]
        return max(matching, key=lambda row: len(row.code), default=None)

    def rows_in(self, concept: Json) -> list[CodeRow]:
        """Every row that matches a coding of the concept, included or refused."""
        return self.rows_of(codings(concept))

    def rows_of(self, codings: Iterable[Coding]) -> list[CodeRow]:
        """Every row that matches one of the codings, included or refused."""
        return [row for coding in codings if (row := self.find(coding))]

    def included_in(self, concept: Json) -> CodeRow | None:
        """The first included row that matches a coding of the concept."""
        return next((row for row in self.rows_in(concept) if row.included), None)


def _plain(system: str, code: str) -> str:
    """ICD-10-CM comes with and without the dot, and in either case."""
    return code.replace(".", "").upper() if system == ICD10CM else code


def shape_problem(system: str, code: str) -> str:
    """What is wrong with the form of a listed code; empty if it can be a code of its system."""
    if system not in _SHAPES:
        return f"no code system {system} is in use"
    if not re.fullmatch(_SHAPES[system], code):
        return f"{code} does not have the form of a code of {system}"
    if system == LOINC and _loinc_check_digit(code[:-2]) != code[-1]:
        return f"the check digit of {code} is wrong"
    return ""


def _loinc_check_digit(digits: str) -> str:
    """Modulus 10: every other digit from the right is doubled."""
    odd = str(int(digits[::-1][::2]) * 2)
    total = sum(map(int, odd)) + sum(map(int, digits[::-1][1::2]))
    return str(-total % 10)


@dataclass(frozen=True, slots=True)
class NameRow:
    """One row of a name list: whole words, with or without accents, in any case unless `capitals` is set."""

    name: str
    capitals: bool
    included: bool
    reason: str
    extra: Mapping[str, str] = field(default_factory=dict)


class NameList:
    """Names to find in texts as whole words. `a + b` means that both must occur."""

    def __init__(self, rows: Iterable[NameRow]) -> None:
        self.rows = tuple(rows)
        self._patterns = [
            (row, [_pattern(part, row) for part in row.name.split(" + ")]) for row in self.rows if row.included
        ]
        prefilters = dict.fromkeys(_prefilter(row.name.split(" + ")[0]) for row, _ in self._patterns)
        self._prefilter = re.compile("|".join(prefilters))

    def find_all(self, text: str) -> list[NameRow]:
        """The included names that occur in the text. A refused name in the same text does not cancel them."""
        folded = _fold(text)
        if folded.isascii() and self._prefilter.search(folded.lower()) is None:  # one expression rules out most texts
            return []
        return [row for row, patterns in self._patterns if all(pattern.search(folded) for pattern in patterns)]

    def find(self, text: str) -> NameRow | None:
        """The first included name that occurs in the text."""
        return next(iter(self.find_all(text)), None)

    def included_in(self, concept: Json) -> NameRow | None:
        """The first included name in any text or display of the concept."""
        return self.included_among(names(concept))

    def included_among(self, texts: Iterable[str]) -> NameRow | None:
        """The first included name in any of the texts."""
        return next(filter(None, map(self.find, texts)), None)


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD = r"[^\W_]"  # a letter or a digit may not touch a whole word; a hyphen may, as in N-acetylcysteine


def _pattern(part: str, row: NameRow) -> re.Pattern[str]:
    flags = 0 if row.capitals else re.IGNORECASE
    return re.compile(rf"(?<!{_WORD}){_words(part)}(?!{_WORD})", flags)


def _prefilter(part: str) -> str:
    """An expression found in the lower case of every ASCII text that `_pattern` is found in.

    A letter of the name that is not ASCII becomes any character, since ignoring case it may match an ASCII letter.
    """
    return _NOT_ASCII.sub(".", _words(part.lower()))


def _words(part: str) -> str:
    return r"[\s-]+".join(re.escape(word) for word in re.split(r"[\s-]+", _fold(part)))


def _fold(text: str) -> str:
    """Text without accents, so that `acetilcisteína` and `acetilcisteina` are one word."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("\u2010", "-")
