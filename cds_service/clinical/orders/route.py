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


def routes_of(resource: Resource, vocabulary: Vocabulary) -> set[str]:
    """The routes that the dosage instructions state, by code or in words, as far as they are read."""
    return {_route(route, vocabulary) for route in _stated_routes(resource)} - {""}


def unread_routes(resource: Resource, vocabulary: Vocabulary) -> list[str]:
    """The routes that the instructions state and that are not read, in their own words; empty ones have no name."""
    unread = [route for route in _stated_routes(resource) if not _route(route, vocabulary)]
    return [next(iter(names(route)), "") for route in unread]


def routes_in_words(texts: Iterable[str], vocabulary: Vocabulary) -> set[str]:
    """The routes of which free text speaks. IV after "stage" or the like is a numeral."""
    words = vocabulary.name_lists["route-words"].having("scope", "order")
    pieces = (_without_numerals(piece, vocabulary) for written in texts for piece in windows(written))
    return {row.extra["route"] for piece in pieces for row in words.find_all(piece)}


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
    """The route by its code and its words, the one of the highest precedence; empty if neither is read.

    A code without any name is read as an abbreviation: some EHRs send NEB or PO in a system of their own.
    """
    row = vocabulary.code_lists["routes"].included_in(route)
    written = names(route) or [coding.code for coding in codings(route)]
    words = vocabulary.name_lists["route-words"]
    found = {named for text in written for named in _named_routes(text, words)} | (
        {row.extra["route"]} if row else set()
    )
    return next((route for route in _PRECEDENCE if route in found), "")


def _named_routes(written: str, words: NameList) -> set[str]:
    """The routes that words name; an abbreviation that is a word elsewhere counts only where it is the whole text."""
    whole = words.named(written)
    return {row.extra["route"] for row in words.find_all(written) if row.extra["scope"] != "alone" or row is whole}
