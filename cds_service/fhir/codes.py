"""Code lists and name lists, and the lookup of a concept in them. The lists themselves are content."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from cds_service.fhir.json import Coding, Json, codings, names
from cds_service.fhir.systems import (
    ATC,
    ATC_GERMAN,
    ICD9CM,
    ICD10,
    ICD10AM,
    ICD10CM,
    ICD10GM,
)

ICD10_FORMS = frozenset((ICD10, ICD10CM, ICD10GM, ICD10AM))
MAX_NAME = 1000  # characters of a name that are looked at: several times the longest in any code system
MAX_CODE, _MAX_SYSTEM = 64, 200  # characters of a code and of its system: more than any of those that are read has
_CACHED, _LONGEST_CACHED = 512, 120  # texts or codes of a list; a longer text is free text, which does not recur
_CLASSIFICATIONS = {  # systems whose codes say by their form to which group they belong, and their form without dots
    **dict.fromkeys(ICD10_FORMS, re.compile(r"[A-Z]\d[0-9A-Z]{1,6}[*+!]?")),
    **dict.fromkeys((ATC, ATC_GERMAN), re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?")),
}


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of a code list.

    `included` is False for a code that the list names in order to refuse it. An `unsure` code is not verified well
    enough for a card to rest on it: a screen that meets one comes to *unknown*. A `vague` one does not match at all:
    it may be what is looked for, where no name beside it says what it is. Of a code that a site has given a meaning,
    the row is that of the meaning: `local` says so in words, and `unit` is that of a result that states none.
    """

    code: str
    system: str
    term: str
    included: bool
    reason: str
    unsure: bool = False
    vague: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    local: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class LocalCode:
    """A site's own code, the code that it means, and the unit of a result that states none."""

    coding: Coding
    meaning: Coding
    unit: str = ""


class CodeList:
    """Codes with their systems. A code that ends in `*` stands for every code that begins with it.

    A code of a site itself is looked up as what it means.
    """

    def __init__(self, rows: Iterable[CodeRow], local_codes: Iterable[LocalCode] = ()) -> None:
        self.rows = tuple(rows)
        self._local_codes = {code.coding: code for code in local_codes}
        matching = [row for row in self.rows if not row.vague]
        self._exact = {Coding(row.system, _plain(row.system, row.code)): row for row in matching}
        self._prefixes: dict[str, list[tuple[str, CodeRow]]] = {}
        for row in matching:
            if row.code.endswith("*"):
                self._prefixes.setdefault(row.system, []).append((_plain(row.system, row.code[:-1]), row))
        self._row_of = lru_cache(maxsize=_CACHED)(self._find)  # the codes of drugs, tests and diseases recur
        self._is_excluded = lru_cache(maxsize=_CACHED)(self._excludes)

    def find(self, coding: Coding) -> CodeRow | None:
        """The row of this code in this system, the longest prefix where there is no exact row.

        A code of any form of ICD-10 is looked up in its own form first, then among the rows of ICD-10 itself. One of
        more than `MAX_CODE` characters is none of any list.
        """
        return self._row_of(coding) if _is_short(coding) else None

    def with_local_codes(self, local_codes: Iterable[LocalCode]) -> "CodeList":
        """The same list, which knows what the codes of a site mean."""
        return CodeList(self.rows, local_codes)

    def find_local_codes(self) -> list[tuple[Coding, CodeRow]]:
        """The codes of the site that mean one of the listed codes, each with its row."""
        return [(coding, row) for coding in self._local_codes if (row := self.find(coding))]

    def _find(self, coding: Coding) -> CodeRow | None:
        local = self._local_codes.get(coding)
        if local is None:
            return self._find_listed(coding)
        row = self._find_listed(local.meaning)
        return row and replace(row, local=f"{coding.code}, by the site file", unit=local.unit)

    def _find_listed(self, coding: Coding) -> CodeRow | None:
        if coding.system not in ICD10_FORMS:
            return self._find_in(Coding(coding.system, _plain(coding.system, coding.code)))
        plain = _plain(coding.system, coding.code)
        return self._find_in(Coding(coding.system, plain)) or self._find_in(Coding(ICD10, plain))

    def _find_in(self, coding: Coding) -> CodeRow | None:
        return self._exact.get(coding) or (self._longest_prefix(coding) if coding.system in self._prefixes else None)

    def _longest_prefix(self, coding: Coding) -> CodeRow | None:
        matching = [row for prefix, row in self._prefixes[coding.system] if coding.code.startswith(prefix)]
        return max(matching, key=lambda row: len(row.code), default=None)

    def excludes(self, coding: Coding) -> bool:
        """True for a code whose form alone says that it is none of the listed ones.

        That is a code of ICD-10 or ATC, in a form that the list covers, neither broader nor narrower than a listed one:
        J45.9 is no ulcer, but J98 may be the bronchospasm J98.01. A number of SNOMED CT or RxNorm may be anything.
        """
        return _is_short(coding) and self._is_excluded(coding)

    def _excludes(self, coding: Coding) -> bool:
        if local := self._local_codes.get(coding):
            coding = local.meaning
        if not is_classified(coding) or self.find(coding) is not None:
            return False
        plain = _plain(coding.system, coding.code)
        covering = {coding.system, ICD10} if coding.system in ICD10_FORMS else {coding.system}
        listed = [row for row in self.rows if row.system in covering]
        return bool(listed) and not any(_may_be(plain, row) for row in listed)

    def rows_in(self, concept: Json) -> list[CodeRow]:
        """Every row that matches a coding of the concept, included or refused."""
        return self.rows_of(codings(concept))

    def rows_of(self, codings: Iterable[Coding]) -> list[CodeRow]:
        """Every row that matches one of the codings, included or refused."""
        return [row for coding in codings if (row := self.find(coding))]

    def included_in(self, concept: Json) -> CodeRow | None:
        """The first included row that matches a coding of the concept."""
        return next((row for row in self.rows_in(concept) if row.included), None)


def _may_be(plain: str, row: CodeRow) -> bool:
    """True if a code is broader than that of the row, or narrower than one that the row does not refuse."""
    listed = _plain(row.system, row.code).rstrip("*")
    is_narrower = plain.startswith(listed) and (row.included or row.unsure or row.vague)
    return is_narrower or listed.startswith(plain)


def _is_short(coding: Coding) -> bool:
    return len(coding.code) <= MAX_CODE and len(coding.system) <= _MAX_SYSTEM


def _plain(system: str, code: str) -> str:
    """ICD codes come with and without the dot, and they and those of ATC in either case."""
    if system in ICD10_FORMS or system == ICD9CM:
        return code.replace(".", "").upper()
    return code.upper() if system in (ATC, ATC_GERMAN) else code


def is_of_icd10(coding: Coding) -> bool:
    """True for a code that has the form of one of ICD-10, in a system of it."""
    return coding.system in ICD10_FORMS and is_classified(coding)


def is_classified(coding: Coding) -> bool:
    """True for a code that has the form of one of a classification: it says by its form to which group it belongs."""
    form = _CLASSIFICATIONS.get(coding.system)
    return form is not None and form.fullmatch(_plain(coding.system, coding.code)) is not None


@dataclass(frozen=True, slots=True)
class NameRow:
    """One name: whole words, in any case and with or without accents.

    `match` is *word*; *capitals* where it counts only in capitals, *part* where it counts inside a word too, *whole*
    where nothing else may stand beside it. `included` is False for a name that is refused: what it covers is not looked
    at. One that is `unsure` is not verified well enough to make a card speak: where a screen meets it, it cannot be
    told.
    """

    name: str
    match: str
    included: bool
    reason: str
    extra: Mapping[str, str] = field(default_factory=dict)
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name that occurs in a text, from where to where in the text as it was compared, and whether no word follows."""

    row: NameRow
    start: int
    end: int
    is_last: bool


class NameList:
    """Names to find in texts as whole words. `a + b` means that both must occur."""

    def __init__(self, rows: Iterable[NameRow]) -> None:
        self.rows = tuple(rows)
        self._having: dict[tuple[str, str], NameList] = {}
        self._by_name = {fold(row.name).lower(): row for row in self.rows}
        self._patterns = [
            (row, [_pattern(part, row) for part in row.name.split(" + ")])
            for row in self.rows
            if row.included or row.unsure
        ]
        refused = [row for row in self.rows if not row.included and not row.unsure]
        self._refused = [(row, _pattern(row.name, row)) for row in refused]
        self._by_first_word: dict[str, list[int]] = {}  # positions in `_patterns`
        self._inside_words: list[int] = []
        for index, (row, _) in enumerate(self._patterns):
            of_word = self._by_first_word.setdefault(_first_word(row.name), [])
            (self._inside_words if row.match == "part" else of_word).append(index)
        inside = (_words(self._patterns[index][0].name.split(" + ")[0]) for index in self._inside_words)
        self._any_inside = re.compile("|".join(inside), re.IGNORECASE)
        self._matches_in = lru_cache(maxsize=_CACHED)(self._find_matches)  # the names of drugs and diseases recur
        self._first_in = lru_cache(maxsize=_CACHED)(self._find_first)

    def having(self, column: str, value: str) -> "NameList":
        """The list of those names that have this value in a further column. It is made once and kept."""
        if (column, value) not in self._having:
            rows = (row for row in self.rows if row.extra.get(column) == value)
            self._having[column, value] = NameList(rows)
        return self._having[column, value]

    def find_matches(self, written: str) -> Sequence[NameMatch]:
        """The included and unsure names that occur in the text, in the order of the list, each at its first place.

        Only the first `MAX_NAME` characters are looked at. A refused name beside one never cancels it, but what a
        refused name itself covers is not looked at: "common cold" is not COLD.
        """
        return self._matches_in(written) if len(written) <= _LONGEST_CACHED else self._find_matches(written)

    def _find_matches(self, written: str) -> Sequence[NameMatch]:
        folded = fold(written)
        candidates = self._candidates(folded)
        matches = _matches(candidates, folded)
        return _matches(candidates, self._without_refused(folded)) if matches and self._refused else matches

    def _candidates(self, folded: str) -> "list[_Pattern]":
        """The names whose first word the text has, in the order of the list: few texts have one."""
        is_inside = self._inside_words and self._any_inside.search(folded) is not None
        indexes = [*self._inside_words] if is_inside else []
        for word in set(_words_of(folded)):
            indexes += self._by_first_word.get(word, ())
        return [self._patterns[index] for index in sorted(indexes)]

    def _without_refused(self, folded: str) -> str:
        for _, pattern in self._refused:
            folded = pattern.sub(lambda found: "\0" * len(found[0]), folded)
        return folded

    def find_refused(self, written: str) -> NameRow | None:
        """The first refused name that occurs in the text."""
        folded = fold(written)
        return next((row for row, pattern in self._refused if pattern.search(folded)), None)

    def covers(self, written: str) -> bool:
        """True for a text of nothing but names of the list, at least one of them included."""
        rest = fold(written)
        for _, patterns in self._patterns:
            for pattern in patterns:
                rest = pattern.sub(" ", rest)
        return is_folded_whole(written) and bool(self.find_all(written)) and not _ANY_LETTER.search(rest)

    def find_all(self, written: str) -> list[NameRow]:
        """The included names that occur in the text."""
        return [match.row for match in self.find_matches(written) if match.row.included]

    def find(self, text: str) -> NameRow | None:
        """The first included name that occurs in the text."""
        return self._first_in(text) if len(text) <= _LONGEST_CACHED else self._find_first(text)

    def _find_first(self, text: str) -> NameRow | None:
        return next(iter(self.find_all(text)), None)

    def named(self, text: str) -> NameRow | None:
        """The row, included or refused, whose name is the whole text, in any case and with or without accents."""
        return self._by_name.get(fold(text).lower())

    def included_in(self, concept: Json) -> NameRow | None:
        """The first included name in any text or display of the concept."""
        return self.included_among(names(concept))

    def included_among(self, texts: Iterable[str]) -> NameRow | None:
        """The first included name in any of the texts."""
        return next((row for text in texts if (row := self.find(text))), None)


_Pattern = tuple[NameRow, list[re.Pattern[str]]]


def _matches(candidates: Iterable[_Pattern], folded: str) -> tuple[NameMatch, ...]:
    found = ((row, [pattern.search(folded) for pattern in patterns]) for row, patterns in candidates)
    return tuple(
        _match(row, parts, folded) for row, hits in found if len(parts := [hit for hit in hits if hit]) == len(hits)
    )


_PARTS_OF_A_LETTER = 4  # at most: a Greek vowel with its accents
_FEW = 200  # characters that cost nothing to look at
_NO_TRADE_MARKS = str.maketrans("", "", "®™")
_WORDS = re.compile(r"[^\W_]+")
_LETTER = r"[^\W_]"  # a letter or a digit may not touch a whole word; a hyphen may, as in N-acetylcysteine
_ANY_LETTER = re.compile(_LETTER)
_AROUND = {  # what may stand before and after a name, by how it is matched
    "part": ("", ""),
    "whole": (rf"\A(?:(?!{_LETTER}).)*", rf"(?:(?!{_LETTER}).)*\Z"),
}


def _pattern(part: str, row: NameRow) -> re.Pattern[str]:
    before, after = _AROUND.get(row.match, (rf"(?<!{_LETTER})", rf"(?!{_LETTER})"))
    return re.compile(f"{before}{_words(part)}{after}", 0 if row.match == "capitals" else re.IGNORECASE)


def _match(row: NameRow, parts: Sequence[re.Match[str]], folded: str) -> NameMatch:
    end = max(part.end() for part in parts)
    return NameMatch(row, min(part.start() for part in parts), end, not _ANY_LETTER.search(folded, end))


def _words_of(folded: str) -> list[str]:
    """The words of a text, each in the form in which ignoring case makes them equal (a dotless i is an i then)."""
    return _WORDS.findall(folded.lower().replace("ı", "i"))


def _first_word(name: str) -> str:
    return next(iter(_words_of(fold(name))), "")


def _words(part: str) -> str:
    return r"[\s-]+".join(re.escape(word) for word in re.split(r"[\s-]+", fold(part)))


def fold(text: str) -> str:
    """Text without accents and trade marks, so that `acetilcisteína` and `ACC® akut` are found by their plain names.

    Only the first `MAX_NAME` characters are looked at, and of what they stand for as much as letters can: some signs
    stand for eighteen characters.
    """
    text = text[:MAX_NAME]
    return text if text.isascii() else _fold(text)


@lru_cache(maxsize=256)  # the many lists that a text is looked up in all fold it
def _fold(text: str) -> str:
    decomposed = _decompose(text)[: _most_folded(text)]
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("\u2010", "-")


def is_folded_whole(text: str) -> bool:
    """True for a text all of which is looked at."""
    return len(text) <= MAX_NAME and (text.isascii() or len(_decompose(text)) <= _most_folded(text))


def _decompose(text: str) -> str:
    return unicodedata.normalize("NFKD", text.translate(_NO_TRADE_MARKS))


def _most_folded(text: str) -> int:
    return max(_PARTS_OF_A_LETTER * len(text), _FEW)
