"""By which route a medication is given, as its instructions state it."""

import re
from collections.abc import Iterable
from itertools import pairwise

from cds_service.clinical.orders.words import windows
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import NameList
from cds_service.fhir.json import Json, Resource, codings, names
from cds_service.fhir.versions.elements import instructions_of

INTRAVENOUS, INHALATION, OPHTHALMIC, ELSEWHERE, ORAL = "intravenous", "inhalation", "ophthalmic", "elsewhere", "oral"
_PRECEDENCE = (INTRAVENOUS, INHALATION, OPHTHALMIC, ELSEWHERE, ORAL)  # "oral inhalation" is inhalation
_WORD = re.compile(r"[^\W_]+")
_Named = tuple[str, bool]  # a route, and whether what names it is verified


def routes_of(resource: Resource, vocabulary: Vocabulary) -> set[str]:
    """The routes that the dosage instructions state, by code or in words, as far as they are read.

    A code or a word that is not verified counts, except for one by mouth: it may make the service more careful, and
    never makes it speak.
    """
    return {_route(route, vocabulary) for route in _stated_routes(resource)} - {""}


def sure_routes_of(resource: Resource, vocabulary: Vocabulary) -> set[str]:
    """The routes that the dosage instructions state by a verified code or word."""
    return {_first(_sure(_named(route, vocabulary))) for route in _stated_routes(resource)} - {""}


def may_be_by_mouth(resource: Resource, vocabulary: Vocabulary) -> bool:
    """True if each route that is not read is one by mouth, by a code that is not verified."""
    unread = [route for route in _stated_routes(resource) if not _route(route, vocabulary)]
    return all(_named(route, vocabulary) for route in unread)


def unread_routes(resource: Resource, vocabulary: Vocabulary) -> list[str]:
    """The routes that the instructions state and that are not read, in their own words; empty ones have no name."""
    unread = [route for route in _stated_routes(resource) if not _route(route, vocabulary)]
    return [next(iter(names(route)), "") for route in unread]


def local_routes(resource: Resource, vocabulary: Vocabulary) -> list[str]:
    """The codes of the site, in words, by which the instructions state a route."""
    rows = (row for route in _stated_routes(resource) for row in vocabulary.code_lists["routes"].rows_in(route))
    return [row.local for row in rows if row.local]


def routes_in_words(texts: Iterable[str], vocabulary: Vocabulary) -> set[str]:
    """The routes of which free text speaks. IV after "stage" or the like is a numeral."""
    words = vocabulary.name_lists["route-words"].having("scope", "order")
    pieces = (_without_numerals(piece, vocabulary) for written in texts for piece in windows(written))
    return {match.row.extra["route"] for piece in pieces for match in words.find_matches(piece)}


def _without_numerals(written: str, vocabulary: Vocabulary) -> str:
    numerals = vocabulary.name_lists["numeral-words"]
    for before, word in pairwise(_WORD.finditer(written)):
        if word[0].upper() == "IV" and numerals.named(before[0]) is not None:
            written = f"{written[: word.start()]}  {written[word.end() :]}"
    return written


def _stated_routes(resource: Resource) -> list[Json]:
    stated = [route for instruction in instructions_of(resource) if (route := instruction.get("route")) is not None]
    return [route for route in stated if codings(route) or names(route)]


def _route(route: Json, vocabulary: Vocabulary) -> str:
    """The route by its code and its words, the one of the highest precedence; empty if neither is read."""
    named = _named(route, vocabulary)
    by_mouth_unsure = {(ORAL, False)}
    return _first({name for name, _ in named - by_mouth_unsure})


def _first(routes: set[str]) -> str:
    return next((route for route in _PRECEDENCE if route in routes), "")


def _sure(named: set[_Named]) -> set[str]:
    return {route for route, is_sure in named if is_sure}


def _named(route: Json, vocabulary: Vocabulary) -> set[_Named]:
    """Each route that a concept names by a code or in words, and whether the code or the word is verified.

    A code without any name is read as an abbreviation too, and is not verified: some EHRs send NEB or PO in a system of
    their own.
    """
    rows = vocabulary.code_lists["routes"].rows_in(route)
    coded = {(row.extra["route"], row.included) for row in rows}
    words, written = vocabulary.name_lists["route-words"], names(route)
    if written:
        return coded.union(*(_named_in(text, words) for text in written))
    bare = set[_Named]().union(*(_named_in(coding.code, words) for coding in codings(route)))
    return coded | {(name, False) for name, _ in bare}


def _named_in(written: str, words: NameList) -> set[_Named]:
    """The routes that words name; an abbreviation that is a word elsewhere counts only where it is the whole text."""
    whole = words.named(written)
    rows = (match.row for match in words.find_matches(written))
    return {(row.extra["route"], row.included) for row in rows if row.extra["scope"] != "alone" or row is whole}
