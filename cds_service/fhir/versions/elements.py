"""Reads elements under any of the names that FHIR versions give them.

A request does not state its version, so each reader takes whichever name is there. Elements that keep their name and
change their type, such as from a code to a CodeableConcept, are left to `fhir.json`.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TypeGuard

from cds_service.fhir.json import (
    Json,
    Resource,
    at,
    code_or_concept,
    items,
    member,
    names,
    number,
    objects,
    references,
    relative_part,
    text,
)
from cds_service.fhir.versions import LABORATORY_ORDER, LABORATORY_ORDERS, RENAMED_TYPES

SUBJECTS = ("subject", "patient")  # elements, and search parameters of the same names

# ---------------------------------------------------------------- any resource


_TYPES = {**RENAMED_TYPES, **dict.fromkeys(LABORATORY_ORDERS.values(), LABORATORY_ORDER)}


def resource_type(resource: Json) -> str:
    """The type of a resource, by its name in R4; empty for anything else."""
    stated = text(member(resource, "resourceType"))
    return _TYPES.get(stated, stated)


def subjects_of(resource: Resource) -> list[str]:
    """The references to whom a resource is about."""
    return [reference for name in SUBJECTS if name in resource for reference in references(resource[name])]


def is_about(resource: Resource, patient_id: str) -> bool:
    """False if the subject of the resource is another patient, a group or anything else.

    A resource without a subject, or with one that is no reference to look up (a `urn:`, a contained resource, a
    search, a type without an id), counts as the patient's own, since it was asked for as such. The server and the
    version do not matter.
    """
    plain = f"Patient/{patient_id}"
    return all(
        reference == plain or _is_reference_to(reference, patient_id)
        for name in SUBJECTS
        if name in resource
        for reference in references(resource[name])
    )


def _is_reference_to(reference: str, patient_id: str) -> bool:
    if reference.startswith(("urn:", "#")) or "?" in reference or reference == "Patient":
        return True
    kind, _, identity = relative_part(reference).rpartition("/")
    return identity == patient_id and kind in ("Patient", "")


# ---------------------------------------------------------------- orders and medications

_DRUGS = ("medicationCodeableConcept", "medication", "medicationReference")
_REASONS = ("reasonCode", "reasonCodeableConcept", "reason", "reasonReference")


def drugs_of(order: Resource) -> list[Json]:
    """What an order itself states of its drug: concepts, and references with their display."""
    return [concept for name in _DRUGS if (concept := order.get(name)) is not None]


def drug_references(order: Resource) -> list[str]:
    """The references to Medications in an order."""
    found: list[str] = []
    for name in ("medicationReference", "medication"):
        if name in order:
            found += references(order[name])
    return found


def ingredients_of(medication: Resource) -> list[Json]:
    """The ingredients of a Medication: concepts and references."""
    ingredients = objects(medication.get("ingredient")) + objects(at(medication, "product", "ingredient"))
    names = ("itemCodeableConcept", "itemReference", "item")
    return [ingredient.get(name) for ingredient in ingredients for name in names]


def reasons_of(order: Resource) -> list[Json]:
    """What an order itself states of its reason: concepts, and references with their display."""
    return [reason for name in _REASONS if (reason := order.get(name)) is not None]


def reason_references(order: Resource) -> list[str]:
    """The references to the reason of an order, such as a Condition."""
    return references(order.get("reasonReference")) + references(order.get("reason"))


def dates_written(order: Resource) -> list[Json]:
    """The dates on which an order was written or a statement made, the most telling first."""
    return [order.get(name) for name in ("effectiveDateTime", "authoredOn", "dateWritten", "dateAsserted")]


def is_not_taken(statement: Resource) -> bool:
    """True for a statement that says, under any of its names, that the drug is not taken, or not at present."""
    if statement.get("wasNotTaken") is True or text(statement.get("taken")) == "n":
        return True
    adherence = statement.get("adherence")
    if adherence is None:
        return False
    codes = code_or_concept(member(adherence, "code"))
    return any(code.startswith(("not-taking", "stopped", "on-hold")) for code in codes)


def treatment_period(order: Resource) -> Json:
    """The period of the whole treatment: R5 orders and statements of any version have one."""
    return order.get("effectiveDosePeriod") or order.get("effectivePeriod")


def notes_of(order: Resource) -> list[str]:
    """The notes on an order: annotations, in DSTU2 one string; in R5 also its rendered dosage."""
    notes = [note if isinstance(note, str) else member(note, "text") for note in items(order.get("note"))]
    return [text(note) for note in (*notes, order.get("renderedDosageInstruction"))]


# ---------------------------------------------------------------- laboratory orders

_NOT_TO_BE_DONE = ("revoked", "cancelled", "completed", "entered-in-error", "rejected", "failed")


def is_laboratory_order(resource: Json) -> TypeGuard[Resource]:
    """True for an order of something other than a medication that is still to be done."""
    if resource_type(resource) != LABORATORY_ORDER:
        return False
    return text(member(resource, "status")) not in _NOT_TO_BE_DONE and member(resource, "doNotPerform") is not True


def what_is_ordered(order: Resource) -> list[Json]:
    """The concepts that say what a laboratory order asks for; in DSTU2 each item has its own."""
    return [order.get("code"), *(item.get("code") for item in objects(order.get("item")))]


def specimens_of(order: Resource) -> list[Json]:
    """What a laboratory order or one of its items is taken from: references with their display, contained specimens."""
    holders = [order, *objects(order.get("item"))]
    contained = [
        resource.get("type") for resource in objects(order.get("contained")) if resource_type(resource) == "Specimen"
    ]
    return [*(specimen for holder in holders for specimen in items(holder.get("specimen"))), *contained]


# ---------------------------------------------------------------- dosage


def has_unread_instruction(order: Resource) -> bool:
    """True if a dosage instruction is no JSON object, so that its dose is not known."""
    instructions = items(order.get("dosageInstruction")) or items(order.get("dosage"))
    return len(objects(instructions)) < len(instructions)


def instructions_of(order: Resource) -> list[Resource]:
    """The dosage instructions of an order or a statement."""
    return objects(order.get("dosageInstruction")) or objects(order.get("dosage"))


def doses_of(instruction: Resource) -> list[Json]:
    """Each dose that an instruction states, of a range the upper end."""
    return [quantity for _, quantity in doses_by_kind(instruction)]


def doses_by_kind(instruction: Resource) -> list[tuple[str, Json]]:
    """The same doses, each with the kind of dose that it is said to be.

    Since R4 they stand inside `doseAndRate`, whose type is *ordered*, *calculated* or any other; empty without one.
    """
    found = [("", quantity) for quantity in _quantities(instruction)]
    for dose in objects(instruction.get("doseAndRate")):
        found += [(_kind_of(dose), quantity) for quantity in _quantities(dose)]
    return found


def _quantities(holder: Resource) -> list[Json]:
    quantities = [holder[name] for name in ("doseQuantity", "doseSimpleQuantity") if holder.get(name) is not None]
    return quantities if holder.get("doseRange") is None else [*quantities, member(holder["doseRange"], "high")]


def _kind_of(dose: Resource) -> str:
    stated = {written.lower() for written in (*code_or_concept(dose.get("type")), *names(dose.get("type")))}
    return next((kind for kind in ("ordered", "calculated") if kind in stated), "")


def sequence_of(instruction: Resource) -> Decimal | None:
    """The place of an instruction among several, where it is stated as a number."""
    return number(instruction.get("sequence"))


def prior_references(order: Resource) -> list[str]:
    """The references to the order that an order replaces."""
    return references(order.get("priorPrescription"))


_RATES_AND_RANGES = ("rateRatio", "rateRange", "rateQuantity", "rateSimpleQuantity", "doseRange")
_MAXIMA = ("maxDosePerPeriod", "maxDosePerAdministration", "maxDosePerLifetime")
_BOUNDS = {"boundsDuration", "boundsPeriod", "boundsQuantity", "boundsRange"}
_PLAIN_REPEAT = {*_BOUNDS, "frequency", "period", "periodUnit", "periodUnits"}


def states_rate_or_range(instruction: Resource) -> bool:
    """True if an instruction states a rate, or a dose from one amount to another."""
    holders = [instruction, *objects(instruction.get("doseAndRate"))]
    return any(holder.get(name) is not None for holder in holders for name in _RATES_AND_RANGES)


def states_maximum(instruction: Resource) -> bool:
    """True if an instruction states the most that may be given."""
    return any(instruction.get(name) for name in _MAXIMA)


def is_plain_timing(timing: Json) -> bool:
    """True for a timing that says how often a day, perhaps for how long, and nothing else."""
    repeat = member(timing, "repeat")
    if not isinstance(timing, dict) or not isinstance(repeat, dict):
        return False
    return set(timing) <= {"repeat"} and set(repeat) <= _PLAIN_REPEAT and "frequency" in repeat


def is_as_needed(instruction: Resource) -> bool:
    """True if the dose is taken as needed, with or without a reason."""
    names = ("asNeededBoolean", "asNeededCodeableConcept", "asNeeded", "asNeededFor")
    return any(bool(instruction.get(name)) for name in names)


def as_needed_reasons(instruction: Resource) -> list[str]:
    """The reasons for which a dose is taken as needed, in words."""
    return [
        name
        for element in ("asNeededCodeableConcept", "asNeeded", "asNeededFor")
        for name in names(instruction.get(element))
    ]


def named_parts(instruction: Resource) -> list[Json]:
    """The concepts of an instruction that have names of their own: route, method, site and timing."""
    return [*(instruction.get(name) for name in ("route", "method", "site")), at(instruction, "timing", "code")]


def texts_of(instruction: Resource) -> Iterator[str]:
    """The free text of a dosage instruction."""
    yield text(instruction.get("text"))
    yield text(instruction.get("patientInstruction"))
    yield from names(instruction.get("additionalInstruction"))
    yield from names(instruction.get("additionalInstructions"))


def period_unit_of(repeat: Json) -> str:
    """The unit of the period in which a dose is repeated."""
    return text(at(repeat, "periodUnit")) or text(at(repeat, "periodUnits"))


def bounds_length_of(repeat: Json) -> Json:
    """For how long a dose is repeated, of a range the upper end; None if it is not stated as a length."""
    return _bounds_duration(repeat) or at(repeat, "boundsRange", "high")


def least_bounds_length_of(repeat: Json) -> Json:
    """For how long a dose is repeated at the least, of a range the lower end; None if it is not stated as a length."""
    return _bounds_duration(repeat) or at(repeat, "boundsRange", "low")


def _bounds_duration(repeat: Json) -> Json:
    return at(repeat, "boundsDuration") or at(repeat, "boundsQuantity")


# ---------------------------------------------------------------- conditions


def onset_dates(condition: Resource) -> list[Json]:
    """When a condition began, the best first: its onset, else when it was recorded."""
    recorded = (condition.get(name) for name in ("recordedDate", "assertedDate", "dateRecorded"))
    return [condition.get("onsetDateTime"), at(condition, "onsetPeriod", "start"), *recorded]


def abatement_dates(condition: Resource) -> list[Json]:
    """When a condition ended, the best first."""
    return [condition.get("abatementDateTime"), at(condition, "abatementPeriod", "end")]


# ---------------------------------------------------------------- when something was known


def record_dates(resource: Resource) -> list[Json]:
    """When an entry came on record, the best first: a result when it was issued, else when its sample was taken.

    Of a list that is kept over years it is the date of recording alone: the start of a disease says nothing of it.
    """
    kind = resource_type(resource)
    if kind in ("Observation", "DiagnosticReport"):
        period = at(resource, "effectivePeriod", "start")
        return [resource.get("issued"), resource.get("effectiveDateTime"), resource.get("effectiveInstant"), period]
    if kind in ("MedicationRequest", LABORATORY_ORDER):
        return [resource.get("authoredOn"), resource.get("dateWritten"), *_dates_of_events(resource)]
    if kind == "MedicationStatement":
        stated = ("dateAsserted", "effectiveDateTime")
        return [*(resource.get(name) for name in stated), at(resource, "effectivePeriod", "start")]
    return [resource.get(name) for name in ("recordedDate", "assertedDate", "dateRecorded")]


def _dates_of_events(order: Resource) -> list[Json]:
    """When a laboratory order of DSTU2 was made, which has no date of its own."""
    return [event.get("dateTime") for event in objects(order.get("event"))]


def with_status(resource: Resource, status: str) -> Resource:
    """A copy of an order or a statement with another status, without the reason for the one that it has."""
    return {**{name: value for name, value in resource.items() if name != "statusReason"}, "status": status}


def encounter_of(order: Resource) -> str:
    """The reference to the encounter in which an order was written; empty without one."""
    stated = references(order.get("encounter")) + references(order.get("context"))
    return stated[0] if stated else ""


# ---------------------------------------------------------------- results and allergies


def range_type_of(reference_range: Resource) -> Json:
    """What a reference range is for, such as *normal*."""
    return reference_range.get("type") or reference_range.get("meaning")


def members_of(panel: Resource) -> list[str]:
    """The references from a panel or a report to its results."""
    related = [link for link in objects(panel.get("related")) if text(link.get("type")) == "has-member"]
    members = [panel.get("hasMember"), panel.get("result"), *(link.get("target") for link in related)]
    return [reference for value in members for reference in references(value)]


def allergens_of(allergy: Resource) -> list[Json]:
    """Every substance of an allergy, and of its reactions."""
    reactions = objects(allergy.get("reaction"))
    substances = [substance for reaction in reactions for substance in items(reaction.get("substance"))]
    return [allergy.get("code"), *items(allergy.get("substance")), *substances]


def allergy_verification_of(allergy: Resource) -> set[str]:
    """The codes of an allergy's verification; in DSTU2 `status` holds them, beside those for active and resolved."""
    return code_or_concept(allergy.get("verificationStatus")) | code_or_concept(allergy.get("status"))
