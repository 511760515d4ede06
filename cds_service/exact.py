"""JSON with exact numbers, and of a bounded depth: a dose of 0.1 stays 0.1."""

from array import array
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any

import msgspec

MAX_DEPTH = 100  # several times what FHIR needs, far from where the interpreter itself gives up
_MARKS = bytes.maketrans(b"[{]}", b"(())")
_NO_MARKS = bytes(sorted(set(range(256)) - set(b'[{]}"')))
_STEPS = bytes.maketrans(b"()", bytes((1, 255)))  # as signed bytes: one down, one up
_EASY = 4  # levels that are taken off with one search each; by then nearly all of a real body is gone


class TooDeep(ValueError):
    """The JSON is nested too deeply."""


UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, TooDeep)


def exact(written: str) -> Decimal:
    """A JSON number with a point or an exponent, exactly; not a number where no Decimal can hold it."""
    try:
        return Decimal(written)
    except InvalidOperation:
        return Decimal("NaN")


_ANYTHING = msgspec.json.Decoder(float_hook=exact)


def decode(written: bytes) -> Any:
    """Any JSON. Raises one of `UNREADABLE`."""
    if written.count(b"[") + written.count(b"{") > MAX_DEPTH and depth(written) > MAX_DEPTH:
        raise TooDeep
    return _ANYTHING.decode(written)


def depth(written: bytes) -> int:
    """How deeply lists and objects are nested. Found without parsing: what is too deep is never built."""
    marks = _brackets(written)
    for level in range(_EASY):
        if b"()" not in marks:
            return level + max(accumulate(array("b", marks.translate(_STEPS))), default=0)
        marks = marks.replace(b"()", b"")
    return _EASY + max(accumulate(array("b", marks.translate(_STEPS))), default=0)


def _brackets(written: bytes) -> bytes:
    """The brackets of some JSON that do not stand in a string."""
    if b"\\" in written:
        written = written.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = written.translate(_MARKS, _NO_MARKS).replace(b'""', b"")  # strings without a bracket, and seams of two
    return b"".join(marks.split(b'"')[::2])
