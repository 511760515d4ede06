"""JSON as FHIR sends it: decoded with exact numbers and a bounded depth, and small readers that never raise.

Clients send lists where the specification has a single value, objects where it has lists, and numbers in quotes. Each
reader returns the plain value, or None or an empty list where it is not there in a usable form.
"""

from array import array
from decimal import Context, Decimal, InvalidOperation
from itertools import accumulate
from typing import Any

import msgspec

from cds_service.fhir.systems import canonical_system

Json = Any
Resource = dict[str, Any]

# ---------------------------------------------------------------- decoding

MAX_DEPTH = 100  # several times what FHIR needs, and far below the interpreter's own limit
_BRACKETS = bytes.maketrans(b"[{]}", b"(())")
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b'[{]}"')))
_STEPS = bytes.maketrans(b"()", bytes((1, 255)))  # as signed bytes: +1 for an opening bracket, -1 for a closing one
_STRIPPED_LEVELS = 4  # innermost levels removed by search and replace; few brackets of a usual body are left after that


class TooDeep(ValueError):
    """The JSON is nested too deeply."""


UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, TooDeep)


def parse_decimal(written: str) -> Decimal:
    """The exact value of a JSON number with a point or an exponent; NaN where no Decimal can hold it."""
    try:
        return Decimal(written)
    except InvalidOperation:
        return Decimal("NaN")


_DECODER = msgspec.json.Decoder(float_hook=parse_decimal)


def decode(body: bytes) -> Json:
    """Any JSON, its numbers exact. Raises one of `UNREADABLE`."""
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and depth(body) > MAX_DEPTH:
        raise TooDeep
    return _DECODER.decode(body)


def depth(body: bytes) -> int:
    """How deeply lists and objects are nested, found without parsing: what is too deep is never built."""
    brackets = _brackets(body)
    for level in range(_STRIPPED_LEVELS):
        if b"()" not in brackets:
            return level + _deepest(brackets)
        brackets = brackets.replace(b"()", b"")
    return _STRIPPED_LEVELS + _deepest(brackets)


def _deepest(brackets: bytes) -> int:
    return max(accumulate(array("b", brackets.translate(_STEPS))), default=0)


def _brackets(body: bytes) -> bytes:
    """The brackets that do not stand inside a string."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Only brackets and quotes are left; a pair of quotes is a string without a bracket, or the seam of two strings.
    brackets = body.translate(_BRACKETS, _NO_BRACKETS).replace(b'""', b"")
    return b"".join(brackets.split(b'"')[::2])


# ---------------------------------------------------------------- plain values


def member(value: Json, name: str) -> Json:
    """The member of an object, or None if there is no such member or no object."""
    return value.get(name) if isinstance(value, dict) else None


def at(value: Json, *names: str) -> Json:
    """The member at a path of names; None if a step of the path is missing."""
    for name in names:
        value = member(value, name)
    return value


def items(value: Json) -> list[Json]:
    """A list as it is, null as an empty list, and anything else as a list of that value."""
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


MAX_DIGITS = 12  # more than any dose or result has; a longer number is a mistake or an attack
_CONTEXT = Context(prec=MAX_DIGITS)
_TOO_LARGE = 10**MAX_DIGITS


def number(value: Json) -> Decimal | None:
    """An exact number, rounded to 12 digits. None for strings, booleans and numbers too large or small to be real."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value) if abs(value) < _TOO_LARGE else None
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    if not isinstance(exact, Decimal) or not exact.is_finite() or abs(exact.adjusted()) > MAX_DIGITS:
        return None
    if len(exact.as_tuple().digits) > MAX_DIGITS and exact == exact.to_integral_value():
        return None
    return _CONTEXT.plus(exact)  # 64.10000000000001 is 64.1 after somebody's floating point


# ---------------------------------------------------------------- concepts


class Coding(msgspec.Struct, frozen=True):
    """A code in a system."""

    system: str
    code: str


class Concept(msgspec.Struct, frozen=True):
    """The codings and the names of a CodeableConcept, to be looked up in several lists."""

    codings: list[Coding]
    names: list[str]


def _concepts(value: Json) -> list[Resource]:
    """Each CodeableConcept of a value: itself, a list of them, or the one inside an R5 CodeableReference."""
    if value is None:
        return []
    if isinstance(value, dict) and "concept" not in value:
        return [value]  # nearly every one
    concepts = objects(value)
    return concepts + [inner for concept in concepts if isinstance(inner := concept.get("concept"), dict)]


def codings(value: Json) -> list[Coding]:
    """Every coding of a CodeableConcept, a list of them, or an R5 CodeableReference."""
    return [
        Coding(canonical_system(text(coding.get("system"))), code)
        for concept in _concepts(value)
        for coding in objects(concept.get("coding"))
        if (code := text(coding.get("code")))
    ]


def names(value: Json) -> list[str]:
    """Every text and display of a CodeableConcept, a list of them, a Reference, or an R5 CodeableReference."""
    found: list[str] = []
    for concept in _concepts(value):
        written = [concept.get("text"), concept.get("display"), member(concept.get("reference"), "display")]
        written += [coding.get("display") for coding in objects(concept.get("coding"))]
        found += [name for value in written if value is not None and (name := text(value))]
    return found


def read_concept(value: Json) -> Concept:
    """The codings of a concept and its names, each name once."""
    return Concept(codings(value), list(dict.fromkeys(names(value))))


def code_or_concept(value: Json) -> set[str]:
    """The codes, in lower case, of an element that is a code in one FHIR version and a CodeableConcept in another."""
    if isinstance(value, str):
        return {value.strip().lower()} - {""}
    concepts = _concepts(value)
    codes = {text(coding.get("code")).lower() for concept in concepts for coding in objects(concept.get("coding"))}
    return codes - {""}


# ---------------------------------------------------------------- references


def references(value: Json) -> list[str]:
    """The reference strings of a Reference, a list of them, or R5 CodeableReferences."""
    if isinstance(value, dict) and isinstance(value.get("reference"), str):
        return [plain] if (plain := value["reference"].strip()) else []  # nearly every one
    found: list[str] = []
    for holder in objects(value):
        inner = holder.get("reference")
        reference = text(inner.get("reference") if isinstance(inner, dict) else inner)
        if reference:
            found.append(reference)
    return found


def relative_part(reference: str) -> str:
    """The `Type/id` of a reference, without its server and version: the relative reference to the same resource."""
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def relative_reference(resource: Resource) -> str:
    """The `Type/id` of a resource, or its type where it has no id; *resource* stands in for a missing type."""
    resource_type, identity = text(resource.get("resourceType")) or "resource", text(resource.get("id"))
    return f"{resource_type}/{identity}" if identity else resource_type
