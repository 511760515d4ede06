"""Resources and searches written in a given FHIR version."""

from decimal import Decimal

from cds_service.fhir.json import Resource, at, number, objects
from cds_service.fhir.versions import DSTU2, LABORATORY_ORDER, LABORATORY_ORDERS, R5, RENAMED_TYPES
from cds_service.fhir.versions.elements import instructions_of


def write_search(version: str, search: str) -> str:
    """A search as the servers of this version know it; `search` is written as in R4."""
    if version == R5 and search.startswith("MedicationStatement?"):
        return search.replace("status=active", "status=recorded")
    if search.startswith(f"{LABORATORY_ORDER}?"):
        return _write_laboratory_search(version, search)
    if version != DSTU2:
        return search
    name, mark, parameters = search.partition("?")
    earlier_names = {now: earlier for earlier, now in RENAMED_TYPES.items()}
    return earlier_names.get(name, name) + mark + parameters.replace("_sort=-", "_sort:desc=")


def _write_laboratory_search(version: str, search: str) -> str:
    """In DSTU2 orders have other statuses, so that all are asked for."""
    parameters = search.partition("?")[2].split("&")
    kept = (parameter for parameter in parameters if version != DSTU2 or not parameter.startswith("status="))
    return f"{LABORATORY_ORDERS[version]}?{'&'.join(kept)}"


_RENDERED_DOSAGE = ("renderedDosageInstruction", "text")  # would still state the old dosage


def with_dose_twice_daily(
    order: Resource, version: str, factor: Decimal, route: Resource, *, keeps_timing: bool
) -> Resource:
    """The whole order as it was sent, the dose of its one instruction multiplied and given twice daily.

    With `keeps_timing` it is twice daily already, and its timing stays; of any other the frequency and the period
    change, and bounds stay. The route stays too, and is added where none is stated. Only what renders the old dosage in
    words is left out.
    """
    (before,) = instructions_of(order)
    timing = before.get("timing") if keeps_timing else _twice_daily(before, version)
    instruction = {**_multiplied(before, factor), "timing": timing}
    kept = {name: value for name, value in order.items() if name not in _RENDERED_DOSAGE}
    return {**kept, "dosageInstruction": [{**instruction, "route": before.get("route") or route}]}


def _multiplied(holder: Resource, factor: Decimal) -> Resource:
    """An instruction, or a `doseAndRate`, with its dose multiplied."""
    changed = dict(holder)
    for name in ("doseQuantity", "doseSimpleQuantity"):
        if (value := number(at(holder, name, "value"))) is not None:
            changed[name] = {**holder[name], "value": _plain(value * factor)}
    if "doseAndRate" in holder:
        changed["doseAndRate"] = [_multiplied(dose, factor) for dose in objects(holder["doseAndRate"])]
    return changed


def _plain(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _twice_daily(instruction: Resource, version: str) -> Resource:
    repeat = at(instruction, "timing", "repeat")
    bounds = {name: value for name, value in repeat.items() if name in _BOUNDS} if isinstance(repeat, dict) else {}
    unit = "periodUnits" if version == DSTU2 else "periodUnit"
    return {"repeat": {**bounds, "frequency": 2, "period": 1, unit: "d"}}


_BOUNDS = ("boundsDuration", "boundsPeriod", "boundsQuantity", "boundsRange")


def draft_service_order(version: str, code: Resource, patient_id: str, day: str) -> Resource | None:
    """A draft order of a service, such as a laboratory test; None for DSTU2, where none is offered."""
    if version == DSTU2:
        return None
    return {
        "resourceType": LABORATORY_ORDERS[version],
        "status": "draft",
        "intent": "order",
        "code": {"concept": code} if version == R5 else code,
        "subject": {"reference": f"Patient/{patient_id}"},
        "occurrenceDateTime": day,
    }


def draft_medication_order(
    drug: Resource, reason: Resource | None, dosage: Resource, dose: Resource | None, patient_id: str, day: str
) -> Resource:
    """A draft MedicationRequest of R4 with one dosage instruction, without what is None."""
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


def daily_timing(frequency: int) -> Resource:
    """The Timing, in R4, of a dose that is given so many times a day."""
    return {"repeat": {"frequency": frequency, "period": 1, "periodUnit": "d"}}
