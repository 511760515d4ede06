"""What FHIR versions call differently: the one place that knows it.

A request does not say its version, so each reader takes whichever name is there. What is the same under every name,
such as a code that is a CodeableConcept elsewhere, is read by `elements`. R4B is R4 for everything that is read here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cds_service.fhir.json import (
    Json,
    Resource,
    at,
    code_or_concept,
    codings,
    items,
    member,
    names,
    objects,
    references,
    text,
)

DSTU2, STU3, R4, R5 = "DSTU2", "STU3", "R4", "R5"

# ---------------------------------------------------------------- any resource

_NOW_CALLED = {"MedicationOrder": "MedicationRequest"}


def kind_of(resource: Json) -> str:
    """The type of a resource, by the name that it has since STU3; empty for anything else."""
    kind = text(member(resource, "resourceType"))
    return _NOW_CALLED.get(kind, kind)


def is_of_dstu2(resource: Resource) -> bool:
    """True for a resource whose type has a name that only DSTU2 has."""
    return text(resource.get("resourceType")) in _NOW_CALLED


def search_in(version: str, search: str) -> str:
    """A search as the servers of this version know it."""
    if version != DSTU2:
        return search
    kind, mark, parameters = search.partition("?")
    earlier = {now: before for before, now in _NOW_CALLED.items()}
    return earlier.get(kind, kind) + mark + parameters.replace("_sort=-", "_sort:desc=")


SUBJECTS = ("subject", "patient")  # elements, and search parameters of the same names


def subjects_of(resource: Resource) -> list[str]:
    """The references to whom a resource is about."""
    found = []
    for name in SUBJECTS:
        if name in resource:
            found += references(resource[name])
    return found


def is_about(resource: Resource, patient_id: str) -> bool:
    """False if the resource says that it is about another patient.

    A resource without a subject, or with one that names no Patient (a `urn:`), is taken as belonging to the
    patient whose data were asked for.
    """
    for reference in subjects_of(resource):
        parts = reference.split("?")[0].split("/")
        if "Patient" in parts[:-1] and parts[parts.index("Patient") + 1] != patient_id:
            return False
    return True


# ---------------------------------------------------------------- orders and medications

_DRUGS = ("medicationCodeableConcept", "medication", "medicationReference")


def drugs_of(order: Resource) -> list[Json]:
    """What an order itself says of its drug: concepts, and references with their display."""
    return [concept for name in _DRUGS if (concept := order.get(name)) is not None]


def drug_pointers(order: Resource) -> list[str]:
    """The Medications that an order points to."""
    found: list[str] = []
    for name in ("medicationReference", "medication"):
        if name in order:
            found += references(order[name])
    return found


def ingredients_of(medication: Resource) -> list[Json]:
    """The ingredients of a Medication."""
    holders = objects(medication.get("ingredient")) + objects(at(medication, "product", "ingredient"))
    return [one.get(name) for one in holders for name in ("itemCodeableConcept", "itemReference", "item")]


def reasons_of(order: Resource) -> list[Json]:
    """What an order itself says of its reason: concepts, and references with their display."""
    stated = (order.get(name) for name in ("reasonCode", "reasonCodeableConcept", "reason", "reasonReference"))
    return [concept for concept in stated if concept is not None]


def reason_references(order: Resource) -> list[str]:
    """What an order points to for its reason."""
    return references(order.get("reasonReference")) + references(order.get("reason"))


def written_on(order: Resource) -> list[Json]:
    """The dates on which an order was written or a statement made, the best first."""
    return [order.get(name) for name in ("effectiveDateTime", "authoredOn", "dateWritten", "dateAsserted")]


def treatment_period(order: Resource) -> Json:
    """The period of the whole treatment: R5 orders and statements of any version have one."""
    return order.get("effectiveDosePeriod") or order.get("effectivePeriod")


def notes_of(order: Resource) -> list[str]:
    """The notes on an order: annotations, in DSTU2 one string; in R5 also its dosage as it was shown."""
    notes = [one if isinstance(one, str) else member(one, "text") for one in items(order.get("note"))]
    return [text(note) for note in (*notes, order.get("renderedDosageInstruction"))]


# ---------------------------------------------------------------- dosage


def has_unread_instruction(order: Resource) -> bool:
    """True if an instruction is no object: what it orders is not known."""
    stated = items(order.get("dosageInstruction")) or items(order.get("dosage"))
    return len(objects(stated)) < len(stated)


def instructions_of(order: Resource) -> list[Resource]:
    """The dosage instructions of an order or a statement."""
    return objects(order.get("dosageInstruction")) or objects(order.get("dosage"))


def doses_of(instruction: Resource) -> list[Json]:
    """Each dose that an instruction states, of a range the upper end: since R4 inside `doseAndRate`."""
    holders = [instruction, *objects(instruction.get("doseAndRate"))]
    quantities = [
        holder[name]
        for holder in holders
        for name in ("doseQuantity", "doseSimpleQuantity")
        if holder.get(name) is not None
    ]
    ranges = [holder["doseRange"] for holder in holders if holder.get("doseRange") is not None]
    return quantities + [member(one, "high") for one in ranges]


def is_as_needed(instruction: Resource) -> bool:
    """True if the dose is taken as needed, with or without a reason."""
    stated = ("asNeededBoolean", "asNeededCodeableConcept", "asNeeded", "asNeededFor")
    return any(bool(instruction.get(name)) for name in stated)


def words_of(instruction: Resource) -> Iterator[str]:
    """What an instruction says in words."""
    yield text(instruction.get("text"))
    yield text(instruction.get("patientInstruction"))
    yield from names(instruction.get("additionalInstruction"))
    yield from names(instruction.get("additionalInstructions"))


def period_unit_of(repeat: Json) -> str:
    """The unit of the period in which a dose is repeated."""
    return text(at(repeat, "periodUnit")) or text(at(repeat, "periodUnits"))


def length_of(repeat: Json) -> Json:
    """How long a dose is repeated, of a range the upper end; None where a period says it, or nothing."""
    return at(repeat, "boundsDuration") or at(repeat, "boundsQuantity") or at(repeat, "boundsRange", "high")


# ---------------------------------------------------------------- results and allergies


def range_kind_of(reference_range: Resource) -> Json:
    """What a reference range is for, such as *normal*."""
    return reference_range.get("type") or reference_range.get("meaning")


def members_of(panel: Resource) -> list[str]:
    """The results that a panel or a report names as its own."""
    related = [one for one in objects(panel.get("related")) if text(one.get("type")) == "has-member"]
    found = [panel.get("hasMember"), panel.get("result"), *(one.get("target") for one in related)]
    return [reference for one in found for reference in references(one)]


def allergens_of(allergy: Resource) -> list[Json]:
    """Everything that an allergy is said to be against, and to have reacted to."""
    reactions = objects(allergy.get("reaction"))
    substances = [substance for reaction in reactions for substance in items(reaction.get("substance"))]
    return [allergy.get("code"), *items(allergy.get("substance")), *substances]


def allergy_verification_of(allergy: Resource) -> set[str]:
    """Whether an allergy is confirmed; in DSTU2 one element says that and whether it is over."""
    return code_or_concept(allergy.get("verificationStatus")) | code_or_concept(allergy.get("status"))


# ---------------------------------------------------------------- telling the version

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
FOUND_IN: Mapping[str, Mapping[str, Iterable[str]]] = {  # elements that not every version of a type has
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
_SIGNS = {kind: [(name, frozenset(found_in[name])) for name in sorted(found_in)] for kind, found_in in FOUND_IN.items()}
_SYSTEMS_SINCE_R4 = "http://terminology.hl7.org/"
_CATEGORIES_UNTIL_STU3 = frozenset(
    f"http://hl7.org/fhir/{name}-category" for name in ("condition", "medication-request", "observation")
)


def version_of(order: Resource, likely: Sequence[str]) -> str:
    """The version that an order is written in: the likeliest of those that its own shape allows."""
    allowed = _narrowed(_signs(order))
    return next(version for version in likely if version in allowed)


def shows_version(order: Resource) -> bool:
    """True if an order's own shape allows one version only: nothing else needs to be looked at."""
    return len(_narrowed(_signs(order))) == 1


def likely_versions(hook: str, resources: Iterable[Resource]) -> tuple[str, ...]:
    """All versions, the likeliest first: by what the resources of a call show, then by its hook.

    `medication-prescribe` is defined for DSTU2 and STU3 only, its successors are used with R4 and later.
    """
    listed = list(resources)
    shown = _narrowed([*(sign for one in listed for sign in _signs(one)), *(_dose_sign(one) for one in listed)])
    by_hook = (STU3, R4, R5, DSTU2) if hook == "medication-prescribe" else (R4, R5, STU3, DSTU2)
    return tuple(sorted(by_hook, key=lambda version: version not in shown))


def _narrowed(signs: Iterable[frozenset[str]]) -> frozenset[str]:
    """The versions that every sign allows; one that contradicts those before it is passed over."""
    allowed = frozenset(_NEWEST_FIRST)
    for sign in signs:
        allowed = allowed & sign or allowed
    return allowed


def _signs(resource: Resource) -> Iterator[frozenset[str]]:
    """What versions the shape of a resource allows, the surest sign first."""
    kind = text(resource.get("resourceType"))
    if kind in _NOW_CALLED:
        yield frozenset((DSTU2,))
        return
    if kind == "MedicationRequest":
        yield from _order_signs(resource)
    for name, versions in _SIGNS.get(kind, ()):
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
    if any("doseAndRate" in one for one in instructions_of(order)):
        yield _SINCE_R4
    if isinstance(at(order, "requester", "agent"), dict):
        yield frozenset((STU3,))
    if at(order, "requester", "reference") is not None:
        yield _SINCE_R4


def _dose_sign(order: Resource) -> frozenset[str]:
    """A dose on the instruction itself: not since R4, but published examples for R4 have it, so it comes last."""
    misplaced = any("doseQuantity" in one or "doseRange" in one for one in instructions_of(order))
    return _UNTIL_STU3 if misplaced else frozenset(_NEWEST_FIRST)


# ---------------------------------------------------------------- writing

_SAYS_THE_OLD_DOSE = ("renderedDosageInstruction", "text")  # words about the dosage that is replaced
_BOUNDS = ("boundsDuration", "boundsPeriod", "boundsQuantity", "boundsRange")


def with_instruction(order: Resource, version: str, words: str, daily: Resource, route: Resource) -> Resource:
    """The whole order as it came, only its dosage changed to a daily dose, and the words that repeat it left out."""
    unit = "periodUnits" if version == DSTU2 else "periodUnit"
    dose = {"doseQuantity": daily}
    instruction = {
        "text": words,
        "timing": {"repeat": {**_bounds(order), "frequency": 1, "period": 1, unit: "d"}},
        "route": route,
        **(dose if version in _UNTIL_STU3 else {"doseAndRate": [dose]}),
    }
    kept = {name: value for name, value in order.items() if name not in _SAYS_THE_OLD_DOSE}
    return {**kept, "dosageInstruction": [instruction]}


def _bounds(order: Resource) -> Resource:
    """How long the order was to last, if its timing says so."""
    for instruction in instructions_of(order):
        repeat = at(instruction, "timing", "repeat")
        found = {name: repeat[name] for name in _BOUNDS if isinstance(repeat, dict) and name in repeat}
        if found:
            return found
    return {}


def draft_order(version: str, code: Resource, patient_id: str, day: str) -> Resource | None:
    """A draft order of something other than a medication; None for DSTU2, where it is not offered."""
    if version == DSTU2:
        return None
    return {
        "resourceType": "ProcedureRequest" if version == STU3 else "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": {"concept": code} if version == R5 else code,
        "subject": {"reference": f"Patient/{patient_id}"},
        "occurrenceDateTime": day,
    }


def draft_medication(
    drug: Resource, reason: Resource | None, dosage: Resource, dose: Resource | None, patient_id: str, day: str
) -> Resource:
    """A draft order of a medication as R4 has it, with one instruction; what is None is left out of it."""
    return {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": drug,
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": day,
        **({"reasonCode": [reason]} if reason else {}),
        "dosageInstruction": [{**dosage, **({"doseAndRate": [{"doseQuantity": dose}]} if dose else {})}],
    }


def times_a_day(frequency: int) -> Resource:
    """The timing of a dose that is repeated so many times a day, as R4 has it."""
    return {"repeat": {"frequency": frequency, "period": 1, "periodUnit": "d"}}
