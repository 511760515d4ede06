"""However text from outside is made, and wherever it stands, the work of looking at it is bounded."""

import asyncio
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.answering import answer
from cds_service.clinical.text_limits import MAX_TEXT
from cds_service.errors import TooMuchText
from cds_service.fhir.codes import MAX_NAME, NameList, NameMatch, NameRow, fold, is_folded_whole
from cds_service.guidance.escaping import MAX_SHOWN_LENGTH, escape_markdown
from cds_service.hooks.requests import read_request
from tests.support import CONTENT, NOW, as_read, counted_ids, request_for, to_bytes

Json = Any
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
EVERY_CHARACTER = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")


def worst_of(form: Form) -> str:
    """The character that a normal form turns into the most."""
    return max(EVERY_CHARACTER, key=lambda character: len(unicodedata.normalize(form, character)))


WORST = {
    *map(worst_of, FORMS),
    *(max(EVERY_CHARACTER, key=lambda one: len(change(one))) for change in (str.lower, str.upper, str.casefold)),
}
MOST_FOLDED = 4 * MAX_NAME


def test_a_sign_that_stands_for_eighteen_is_among_the_worst() -> None:
    assert "\ufdfa" in WORST


@pytest.mark.parametrize("character", sorted(WORST))
@pytest.mark.parametrize("length", [1, MAX_NAME - 1, MAX_NAME, MAX_NAME + 1, 1_000_000])
def test_text_of_any_length_is_cut_before_and_after_it_is_folded(character: str, length: int) -> None:
    written = character * length
    assert len(fold(written)) <= MOST_FOLDED
    assert len(escape_markdown(written)) <= 10 * MAX_SHOWN_LENGTH
    assert is_folded_whole(written) or len(fold(written)) < len(unicodedata.normalize("NFKD", written))


@given(st.text(st.characters(categories=("L", "M", "N", "P", "Z")), max_size=MAX_NAME))
def test_letters_are_folded_whole_however_they_are_accented(written: str) -> None:
    canonical = unicodedata.normalize("NFC", written)[:MAX_NAME]
    decomposed = unicodedata.normalize("NFD", canonical)
    marks_gone = "".join(one for one in decomposed if not unicodedata.combining(one))
    if unicodedata.normalize("NFKD", canonical) == decomposed:
        assert is_folded_whole(canonical)
        assert fold(canonical) == marks_gone.replace("\u2010", "-")


class CountedNames(NameList):
    """A list that counts the characters of the texts that are looked up in it."""

    looked_at = 0

    def having(self, column: str, value: str) -> NameList:
        return CountedNames(super().having(column, value).rows)

    def find_matches(self, written: str) -> Sequence[NameMatch]:
        CountedNames.looked_at += len(written)
        return super().find_matches(written)

    def find_refused(self, written: str) -> NameRow | None:
        CountedNames.looked_at += len(written)
        return super().find_refused(written)

    def named(self, text: str) -> NameRow | None:
        CountedNames.looked_at += len(text)
        return super().named(text)


COUNTED = replace(
    CONTENT,
    vocabulary=replace(
        CONTENT.vocabulary,
        name_lists={name: CountedNames(listed.rows) for name, listed in CONTENT.vocabulary.name_lists.items()},
    ),
)
LOOKUPS = 40  # of each text in one list or another


def looked_at(body: Json) -> int:
    """The characters that one answer looks at."""
    CountedNames.looked_at = 0
    request = read_request(to_bytes(body), "order-sign")
    with suppress(TooMuchText):
        asyncio.run(answer(request, COUNTED, NOW, counted_ids()))
    return CountedNames.looked_at


def strings_of(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every string."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inner:
        if isinstance(member, str):
            yield (*path, name)
        else:
            yield from strings_of(member, (*path, name))


def with_value(value: Json, path: tuple[str | int, ...], put: Json) -> Json:
    """A copy with another value at a place."""
    if not path:
        return put
    first, rest = path[0], path[1:]
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    copy[first] = with_value(copy[first], rest, put)
    return copy


WHOLE = as_read(request_for("bruno-glutamate-normal", "oral-600-twice-daily"))


def grown() -> Iterator[Json]:
    """Whole calls, in each of which a string of one kind has become long, or the entry that holds it stands often."""
    seen = set()
    for path in strings_of(WHOLE):
        kind = (*path[:2], path[-1])
        if path[0] not in ("context", "prefetch") or path[-1] in ("resourceType", "patientId") or kind in seen:
            continue
        seen.add(kind)
        yield with_value(WHOLE, path, "a drug " * 70_000)
        if path[0] == "prefetch" and path[2:3] == ("entry",):
            bundle, entry = WHOLE["prefetch"][path[1]], with_value(WHOLE, path, "a drug " * 60)
            often = [entry["prefetch"][path[1]]["entry"][path[3]]] * 500
            yield with_value(WHOLE, path[:3], [*bundle["entry"], *often])


def test_one_call_looks_at_no_more_text_than_is_allowed_wherever_it_stands() -> None:
    assert looked_at(WHOLE) > 0
    most = max(map(looked_at, grown()))
    assert MAX_TEXT < most <= LOOKUPS * MAX_TEXT
