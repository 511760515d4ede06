"""What an order says in words, and doses that are written in words."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from cds_service.clinical.orders.recognise import Order
from cds_service.clinical.vocabulary import Vocabulary
from cds_service.fhir.codes import MAX_NAME
from cds_service.fhir.json import Resource, names
from cds_service.fhir.versions.elements import (
    as_needed_reasons,
    instructions_of,
    named_parts,
    notes_of,
    reasons_of,
    texts_of,
)

_OVERLAP = 100
_GROUP = r"(?:[^\S\r\n]|['’‘´`ʼ])"  # between thousands and never before decimals
_AMOUNT = re.compile(
    rf"(?<![\d.,])(\d{{1,3}}(?:{_GROUP}\d{{3}}(?!\d)){{1,3}}(?:[.,]\d{{1,3}})?|\d[\d.,]{{0,15}})\s{{0,3}}(mg|g|gram|grams|gramm|milligram|milligrams|milligramm)\b"
    r"(?!\s?/\s?\d*\s?(?:ml|l)\b)",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(rf"(?:{_GROUP}|[.,])(?=\d{{3}}(?!\d))")
_EVERY = re.compile(r"\b(?:every|q|alle)\s?(\d{1,2})\s?-?(?:h|hr|hrs|hours?|hourly|std|stunden)\b", re.IGNORECASE)
_PER_KG = re.compile(r"(?<![\d.,])(\d[\d.,]{0,9})\s{0,3}(mg|g)\s?(?:/|per|pro)\s?kg\b", re.IGNORECASE)
_SLASH = re.compile(r"\s{0,9}/\s{0,9}")
_BESIDE = 30  # characters between a word and a dose that are said together


def windows(written: str) -> Iterator[str]:
    """A text in pieces that are short enough to be looked at, each with the end of the one before."""
    for start in range(0, len(written), MAX_NAME - _OVERLAP):
        yield written[start : start + MAX_NAME]


def own_words(order: Order) -> list[str]:
    """Everything that an order says in words: names of its drug, reasons, instructions and notes.

    Of an instruction its texts, and the names of its route, method, site and timing.
    """
    instructions = instructions_of(order.resource)
    reasons = (name for reason in reasons_of(order.resource) for name in names(reason))
    named = (name for instruction in instructions for part in named_parts(instruction) for name in names(part))
    return [*order.names, *reasons, *texts_in(instructions), *named, *notes_on(order)]


def texts_in(instructions: Iterable[Resource]) -> list[str]:
    """What instructions say in words, with the reasons for which a dose is taken as needed."""
    texts = ((*texts_of(instruction), *as_needed_reasons(instruction)) for instruction in instructions)
    return [written for of_instruction in texts for written in of_instruction if written]


def notes_on(order: Order) -> list[str]:
    """The notes on the order."""
    return [note for note in notes_of(order.resource) if note]


class WrittenDose(NamedTuple):
    """A dose that is written in words: the largest amount in mg, and how often a day, where it says so.

    `sign` is a word that only a dose of the antidote has, such as "per kg"; empty if there is none.
    """

    mg: Decimal | None
    times: Decimal
    sign: str


def read_written_dose(texts: Iterable[str], vocabulary: Vocabulary) -> WrittenDose:
    """The dose that is written in these texts."""
    pieces = [_SLASH.sub("/", piece) for written in texts for piece in windows(written)]
    amounts = [(_number(found), unit.lower()) for piece in pieces for found, unit in _AMOUNT.findall(piece)]
    masses = [amount * (1 if unit.startswith("m") else 1000) for amount, unit in amounts]
    hours = [int(every) for piece in pieces for every in _EVERY.findall(piece)]
    times = max((Decimal(24) / every for every in hours if every), default=Decimal(1))
    return WrittenDose(max(masses, default=None), times, _sign(pieces, vocabulary))


def read_written_mg_per_kg(texts: Iterable[str]) -> Decimal | None:
    """The largest dose in mg/kg that is written in these texts."""
    pieces = (_SLASH.sub("/", piece) for written in texts for piece in windows(written))
    found = [(_number(amount), unit.lower()) for piece in pieces for amount, unit in _PER_KG.findall(piece)]
    return max((amount * (1 if unit == "mg" else 1000) for amount, unit in found), default=None)


def _sign(pieces: Iterable[str], vocabulary: Vocabulary) -> str:
    row = vocabulary.name_lists["dose-words"].included_among(pieces)
    return row.name if row else ""


def _number(written: str) -> Decimal:
    """Of a sign that may stand before thousands or before decimals, the larger reading: 3.500 is 3,500."""
    plain = written if written.startswith("0") else _THOUSANDS.sub("", written)
    try:
        return Decimal(plain.replace(",", ".").strip("."))
    except InvalidOperation:
        return Decimal(0)


def stands_beside_a_dose(word: str, written: str) -> bool:
    """True if a word of this spelling stands near an amount in mg or g."""
    for found in re.finditer(rf"\b{re.escape(word)}\b", written, re.IGNORECASE):
        if _AMOUNT.search(written[max(0, found.start() - _BESIDE) : found.end() + _BESIDE]):
            return True
    return False
