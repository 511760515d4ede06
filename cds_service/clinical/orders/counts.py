"""Doses that are counted in tablets, capsules or the like, by a closed list of codes and words."""

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.json import Coding, Json
from cds_service.fhir.quantities import ACCEPTED, conversion_factor, unit_of
from cds_service.fhir.systems import UCUM

_NUMBER_OF_PIECES = "1"


def is_count(quantity: Json, vocabulary: Vocabulary) -> bool:
    """True for a Quantity that counts pieces of a product: by a listed code or word, and by none that says otherwise.

    A code counts as one of its system, and as UCUM where it states none; of any other system the words are read.
    """
    code, words, system = unit_of(quantity)
    listed = vocabulary.name_lists["count-unit-words"]
    named = listed.named(words)
    if named is not None:
        return named.included and not (system in ("", UCUM) and _is_measure(code))
    coded = vocabulary.code_lists["count-units"].find(_coding(code, system))
    if coded is not None:
        return coded.included and (words in ("", code) or (code != _NUMBER_OF_PIECES and not _is_measure(words)))
    as_word = listed.named(code) if system in ("", UCUM) and not words else None
    return as_word is not None and as_word.included


def counts_otherwise(quantity: Json, vocabulary: Vocabulary) -> bool:
    """True if the words of the unit name a piece or a portion, whatever its code says: `mg` beside “tablet”."""
    return vocabulary.name_lists["count-unit-words"].named(unit_of(quantity)[1]) is not None


def _coding(code: str, system: str) -> Coding:
    return Coding(UCUM, code.lower()) if system in ("", UCUM) else Coding(system, code)


def _is_measure(unit: str) -> bool:
    return any(conversion_factor(kind, unit) is not None for kind in ACCEPTED)
