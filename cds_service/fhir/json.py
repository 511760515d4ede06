"""JSON as FHIR sends it: decoded with exact numbers and a bounded depth, and small readers that never raise.

Other people's JSON has lists where the specification has one, objects where it has lists, and numbers in
quotes. Each reader returns the plain value, or None or an empty list when it is not there in a usable form.
"""

from array import array
from decimal import Context, Decimal, InvalidOperation
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


def parse_decimal(written: str) -> Decimal:
    """A JSON number with a point or an exponent, exactly; not a number where no Decimal can hold it."""
    try:
        return Decimal(written)
    except InvalidOperation:
        return Decimal("NaN")


_ANYTHING = msgspec.json.Decoder(float_hook=parse_decimal)


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


Json = Any
Resource = dict[str, Any]

_CONTEXT = Context(prec=12)
MAX_DIGITS = 12  # more than any dose or result; beyond it arithmetic is somebody's attack or mistake
_TOO_LARGE = 10**MAX_DIGITS


class Coding(msgspec.Struct, frozen=True):
    """A code in a system."""

    system: str
    code: str


class Concept(msgspec.Struct, frozen=True):
    """A concept as lists are asked for it: its codings and its names."""

    codings: list[Coding]
    names: list[str]


def member(value: Json, name: str) -> Json:
    """The member of an object, or None if there is no such member or no object."""
    return value.get(name) if isinstance(value, dict) else None


def at(value: Json, *names: str) -> Json:
    """The member at a path of names."""
    for name in names:
        value = member(value, name)
    return value


def items(value: Json) -> list[Json]:
    """A list as it is; anything else but null as a list of one (clients send one object for a list)."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects(value: Json) -> list[Resource]:
    """The objects among the items."""
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return [value] if isinstance(value, dict) else []


def text(value: Json) -> str:
    """A string without surrounding space; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def shorten(written: str, length: int = 120) -> str:
    """Text from the EHR, cut to a length that fits a line."""
    return written if len(written) <= length else f"{written[: length - 1]}…"


def number(value: Json) -> Decimal | None:
    """An exact number. None for strings, booleans and absurd sizes; beyond 12 digits it is rounded."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value) if abs(value) < _TOO_LARGE else None
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    if not isinstance(exact, Decimal) or not exact.is_finite() or abs(exact.adjusted()) > MAX_DIGITS:
        return None
    if len(exact.as_tuple().digits) > MAX_DIGITS and exact == exact.to_integral_value():
        return None
    return _CONTEXT.plus(exact)  # 64.10000000000001 is 64.1 that went through somebody's floating point


def _concepts(value: Json) -> list[Resource]:
    """Each CodeableConcept of a value: itself, a list of them, or the one inside an R5 CodeableReference."""
    found = objects(value)
    for one in found[:]:
        if isinstance(inner := one.get("concept"), dict):
            found.append(inner)
    return found


def codings(concept: Json) -> list[Coding]:
    """Every coding of a CodeableConcept, a list of them, or an R5 CodeableReference."""
    found = []
    for one in _concepts(concept):
        for coding in objects(one.get("coding")):
            if code := text(coding.get("code")):
                found.append(Coding(text(coding.get("system")), code))
    return found


def names(concept: Json) -> list[str]:
    """Every text and display of a CodeableConcept, a list of them, a Reference, or an R5 CodeableReference."""
    found: list[str] = []
    for one in _concepts(concept):
        written = [one.get("text"), one.get("display"), member(one.get("reference"), "display")]
        written += [coding.get("display") for coding in objects(one.get("coding"))]
        found += filter(None, map(text, written))
    return found


def read_concept(concept: Json) -> Concept:
    """The codings of a concept that is looked up in several lists, and its names, each once."""
    return Concept(codings(concept), list(dict.fromkeys(names(concept))))


def code_or_concept(value: Json) -> set[str]:
    """The codes of an element that is a plain code in one FHIR version and a CodeableConcept in another."""
    if isinstance(value, str):
        return {value.strip().lower()} - {""}
    return {coding.code.lower() for coding in codings(value)}


def references(value: Json) -> list[str]:
    """The reference strings of a Reference, a list of them, or R5 CodeableReferences."""
    found: list[str] = []
    for one in objects(value):
        inner = one.get("reference")
        reference = text(inner.get("reference") if isinstance(inner, dict) else inner)
        if reference:
            found.append(reference)
    return found


def relative_part(reference: str) -> str:
    """`Type/id` of what a reference points at, on whichever server and in whichever version."""
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def relative_reference(resource: Resource) -> str:
    """`Type/id` of a resource, for the trace of where a fact came from; `Type` where it has no id."""
    kind, identity = text(resource.get("resourceType")) or "resource", text(resource.get("id"))
    return f"{kind}/{identity}" if identity else kind
