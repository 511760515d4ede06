"""Finds out which FHIR version a resource is written in, by its shape: nothing in a request states it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cds_service.fhir.json import Resource, at, codings, text
from cds_service.fhir.versions import DSTU2, R4, R5, RENAMED_TYPES, STU3
from cds_service.fhir.versions.elements import instructions_of

_NEWEST_FIRST = (R5, R4, STU3, DSTU2)
_SINCE_R4, _UNTIL_STU3 = frozenset((R5, R4)), frozenset((STU3, DSTU2))
_ORDERS: dict[str, Iterable[str]] = {
    "context": [STU3],
    "definition": [STU3],
    "doNotPerform": _SINCE_R4,
    "effectiveDosePeriod": [R5],
    "encounter": _SINCE_R4,
    "medication": [R5],
    "medicationCodeableConcept": [STU3, R4],
    "medicationReference": [STU3, R4],
    "performer": _SINCE_R4,
    "reason": [R5],
    "reasonCode": [STU3, R4],
    "reasonReference": [STU3, R4],
    "renderedDosageInstruction": [R5],
    "reportedBoolean": [R4],
    "statusReason": _SINCE_R4,
}
FOUND_IN: Mapping[str, Mapping[str, Iterable[str]]] = {  # resource type -> element -> the versions that have it
    "MedicationRequest": _ORDERS,
    "Condition": {
        "assertedDate": [STU3],
        "context": [STU3],
        "dateRecorded": [DSTU2],
        "patient": [DSTU2],
        "recordedDate": _SINCE_R4,
        "subject": [STU3, R4, R5],
    },
    "AllergyIntolerance": {
        "assertedDate": [STU3],
        "code": [STU3, R4, R5],
        "encounter": _SINCE_R4,
        "substance": [DSTU2],
    },
    "Observation": {
        "comment": [STU3],
        "comments": [DSTU2],
        "context": [STU3],
        "hasMember": _SINCE_R4,
        "note": _SINCE_R4,
        "related": _UNTIL_STU3,
    },
}
_SIGNS = {
    resource_type: [(name, frozenset(elements[name])) for name in sorted(elements)]
    for resource_type, elements in FOUND_IN.items()
}
_SYSTEMS_SINCE_R4 = "http://terminology.hl7.org/"
_CATEGORIES_UNTIL_STU3 = frozenset(
    f"http://hl7.org/fhir/{name}-category" for name in ("condition", "medication-request", "observation")
)


def version_of(order: Resource, likely: Sequence[str]) -> str:
    """The version that an order is written in: the likeliest of those that its own shape allows."""
    allowed = _narrowed(_signs(order))
    return next(version for version in likely if version in allowed)


def shows_version(order: Resource) -> bool:
    """True if an order's own shape allows one version only, so that no other resource needs to be examined."""
    return len(_narrowed(_signs(order))) == 1


def search_version(order: Resource) -> str:
    """The version in which to search beside an order: the one that it shows, else R4."""
    allowed = _narrowed(_signs(order))
    return next(iter(allowed)) if len(allowed) == 1 else R4


def likely_versions(hook: str, resources: Iterable[Resource]) -> tuple[str, ...]:
    """All versions, the likeliest first: by the shapes of the resources of a call, then by its hook.

    `medication-prescribe` is defined for DSTU2 and STU3 only; its successors are used with R4 and later.
    """
    listed = list(resources)
    signs = [sign for resource in listed for sign in _signs(resource)]
    shown = _narrowed([*signs, *map(_dose_sign, listed)])
    by_hook = (STU3, R4, R5, DSTU2) if hook == "medication-prescribe" else (R4, R5, STU3, DSTU2)
    return tuple(sorted(by_hook, key=lambda version: version not in shown))


def _narrowed(signs: Iterable[frozenset[str]]) -> frozenset[str]:
    """The versions that every sign allows; a sign that contradicts those before it is ignored."""
    allowed = frozenset(_NEWEST_FIRST)
    for sign in signs:
        allowed = allowed & sign or allowed
    return allowed


def _signs(resource: Resource) -> Iterator[frozenset[str]]:
    """Each sign of a version in the shape of a resource: the versions that it allows, the surest sign first."""
    resource_type = text(resource.get("resourceType"))
    if resource_type in RENAMED_TYPES:
        yield frozenset((DSTU2,))
        return
    if resource_type == "MedicationRequest":
        yield from _order_signs(resource)
    for name, versions in _SIGNS.get(resource_type, ()):
        if name in resource:
            yield versions
    if isinstance(resource.get("clinicalStatus"), str | dict):
        yield _UNTIL_STU3 if isinstance(resource["clinicalStatus"], str) else _SINCE_R4
    for coding in codings(resource.get("category")):
        if coding.system.startswith(_SYSTEMS_SINCE_R4):
            yield _SINCE_R4
        if coding.system in _CATEGORIES_UNTIL_STU3:
            yield _UNTIL_STU3


def _order_signs(order: Resource) -> Iterator[frozenset[str]]:
    yield frozenset((STU3, R4, R5))
    if isinstance(order.get("medication"), dict):
        yield frozenset((R5,))
    if any("doseAndRate" in instruction for instruction in instructions_of(order)):
        yield _SINCE_R4
    if isinstance(at(order, "requester", "agent"), dict):
        yield frozenset((STU3,))
    if at(order, "requester", "reference") is not None:
        yield _SINCE_R4


def _dose_sign(order: Resource) -> frozenset[str]:
    """A dose on the instruction itself: not since R4, but as published examples of R4 have it too, it counts last."""
    for instruction in instructions_of(order):
        if "doseQuantity" in instruction or "doseRange" in instruction:
            return _UNTIL_STU3
    return frozenset(_NEWEST_FIRST)
