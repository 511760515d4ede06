"""What one entry of a list says of what a screen looks for: it is that, it may be, or it is something else.

What is not recognised is never taken for something else. Only a name that can be read, or a code whose form says so,
rules an entry out. A number of SNOMED CT or RxNorm without a name may be anything.
"""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import CodeList, CodeRow, NameList, NameMatch, is_classified, is_folded_whole
from cds_service.fhir.json import Coding, Concept, shorten

_LATIN_LETTER = re.compile(r"[A-Za-z\u00c0-\u024f]")  # the word lists hold no other alphabet


class Doubt(msgspec.Struct, frozen=True):
    """Why an entry may or may not be what a screen looks for: words that follow "an entry"."""

    reason: str


UNREADABLE = Doubt("has neither a name nor a code that this service can read")
Finding = CodeRow | Doubt | None  # the row that an entry matches, why it may match, or None where it is something else


def row_by_name(written: str, extra: Mapping[str, str] | None = None) -> CodeRow:
    """The row for an entry that matches by its name alone, with what the list says of the name besides."""
    return CodeRow("", "", f"“{shorten(written)}”, by name", True, "", extra=extra or {})


def doubt_about(name: str) -> Doubt:
    """The doubt about an entry whose name leaves it open whether it counts."""
    return Doubt(f"reads “{shorten(name)}”, which leaves open whether it counts")


def find(concept: Concept, codes: CodeList, names: NameList, vocabulary: Vocabulary) -> Finding:
    """What an entry says of the codes and names that a screen looks for.

    A listed code comes first; a refused one answers for the name beside it. Then the name decides, unless it is
    qualified. A code that is listed as unsure leaves the finding open.
    """
    rows = codes.rows_of(concept.codings)
    for row in rows:
        if row.included:
            return row
    unsure = next((row for row in rows if row.unsure), None)
    if (rows and unsure is None) or vocabulary.code_lists["family-history"].rows_of(concept.codings):
        return None
    by_name = find_by_name(concept.names, names, vocabulary)
    if by_name is None and unsure is not None:
        return Doubt(f"is for “{unsure.term}”, by a code that this service is not sure of")
    return by_name or find_unreadable(concept, vocabulary, codes.excludes)


def find_by_name(written: Iterable[str], names: NameList, vocabulary: Vocabulary) -> CodeRow | Doubt | None:
    """The row of the first listed name; a doubt where it is unsure, or where any of the texts qualifies it."""
    found: CodeRow | None = None
    unsure: Doubt | None = None
    for text in written:
        matches = names.find_matches(text)
        if not matches:
            continue
        unqualified = [match for match in matches if not is_qualified(text, match, vocabulary)]
        if not unqualified:
            return doubt_about(text)
        sure = next((match.row for match in unqualified if _is_sure(match, text)), None)
        if sure is None:
            unsure = unsure or doubt_about(text)
        found = found or (row_by_name(text, sure.extra) if sure else None)
    return found or unsure


def _is_sure(match: NameMatch, text: str) -> bool:
    """A name that counts in capitals only says little in a longer text that is all in capitals."""
    alone = match.row.match != "capitals" or not text.isupper() or len(text.split()) == 1
    return match.row.included and alone


def is_qualified(text: str, match: NameMatch, vocabulary: Vocabulary) -> bool:
    """True if the text takes back what it names: a negation, the family's history, the past, or a doubt.

    Some words do so only before the name or at the end: "gastric ulcer without bleeding" is an ulcer. The past does not
    where the list says that it counts for the name.
    """
    for qualifier in vocabulary.name_lists["qualifying-words"].find_matches(text):
        if qualifier.row.extra["says"] == "past" and match.row.extra.get("past") == "counts":
            continue
        if qualifier.row.extra["where"] == "anywhere" or qualifier.start < match.end or qualifier.is_last:
            return True
    return False


def has_qualifier(text: str, vocabulary: Vocabulary) -> bool:
    """True for a text that anywhere holds a negation, a doubt or the family's history; the past is none of these."""
    found = vocabulary.name_lists["qualifying-words"].find_matches(text)
    return any(qualifier.row.extra["says"] != "past" for qualifier in found)


def find_unreadable(concept: Concept, vocabulary: Vocabulary, excludes: Callable[[Coding], bool]) -> Doubt | None:
    """Why an entry without any listed code or name may be what is looked for all the same; None where it is not.

    It may where it says that there is no information, and where neither a name that can be read nor a code says what
    it is. A number says so where it stands in any of the lists, a code of a classification where `excludes` is true.
    """
    statement = _find_no_information(concept, vocabulary)
    if statement is not None:
        return statement
    if any(map(_LATIN_LETTER.search, concept.names)):
        too_long = next((name for name in concept.names if not is_folded_whole(name)), None)
        return doubt_about(too_long) if too_long else None
    numbers = [coding for coding in concept.codings if not is_classified(coding)]
    is_listed = any(codes.rows_of(numbers) for codes in vocabulary.code_lists.values())
    return None if is_listed or any(map(excludes, concept.codings)) else UNREADABLE


def _find_no_information(concept: Concept, vocabulary: Vocabulary) -> Doubt | None:
    words = vocabulary.name_lists["no-information-words"]
    for name in concept.names:
        if words.find(name):
            return doubt_about(name)
    if vocabulary.code_lists["no-information"].rows_of(concept.codings):
        return Doubt("says that there is no information")
    return None
