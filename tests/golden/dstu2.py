"""The element names of DSTU2 (FHIR 1.0.2) for what the fixtures hold, since no maintained package validates it.

Copied from the published definitions of each resource; elements that the fixtures do not use are left out.
"""

from collections.abc import Iterator
from typing import Any

_ANY = {"resourceType", "id", "meta", "contained", "text"}
_CONCEPT = {"coding": {"system": 0, "version": 0, "code": 0, "display": 0}, "text": 0}
_QUANTITY = {"value": 0, "comparator": 0, "unit": 0, "system": 0, "code": 0}
_REFERENCE = {"reference": 0, "display": 0}
_RANGE = {"low": _QUANTITY, "high": _QUANTITY}
_PERIOD = {"start": 0, "end": 0}
_IDENTIFIER = {"use": 0, "type": _CONCEPT, "system": 0, "value": 0}
_REFERENCE_RANGE = {"low": _QUANTITY, "high": _QUANTITY, "meaning": _CONCEPT, "age": _RANGE, "text": 0}
_VALUES = {"code": _CONCEPT, "valueQuantity": _QUANTITY, "valueString": 0, "referenceRange": _REFERENCE_RANGE}
_REPEAT = {
    "boundsQuantity": _QUANTITY,
    "boundsRange": _RANGE,
    "boundsPeriod": _PERIOD,
    "count": 0,
    "frequency": 0,
    "frequencyMax": 0,
    "period": 0,
    "periodMax": 0,
    "periodUnits": 0,
    "when": 0,
}
_INSTRUCTION = {
    "text": 0,
    "additionalInstructions": _CONCEPT,
    "timing": {"event": 0, "repeat": _REPEAT, "code": _CONCEPT},
    "asNeededBoolean": 0,
    "asNeededCodeableConcept": _CONCEPT,
    "route": _CONCEPT,
    "doseQuantity": _QUANTITY,
    "doseRange": _RANGE,
    "maxDosePerPeriod": {"numerator": _QUANTITY, "denominator": _QUANTITY},
}
ELEMENTS: dict[str, dict[str, Any]] = {
    "Patient": {
        "identifier": _IDENTIFIER,
        "active": 0,
        "name": {"use": 0, "family": 0, "given": 0},
        "gender": 0,
        "birthDate": 0,
    },
    "MedicationOrder": {
        "dateWritten": 0,
        "status": 0,
        "patient": _REFERENCE,
        "prescriber": _REFERENCE,
        "encounter": _REFERENCE,
        "reasonCodeableConcept": _CONCEPT,
        "reasonReference": _REFERENCE,
        "note": 0,
        "medicationCodeableConcept": _CONCEPT,
        "medicationReference": _REFERENCE,
        "dosageInstruction": _INSTRUCTION,
        "dispenseRequest": {"numberOfRepeatsAllowed": 0, "expectedSupplyDuration": _QUANTITY},
    },
    "Medication": {"code": _CONCEPT},
    "Observation": {
        "status": 0,
        "category": _CONCEPT,
        "subject": _REFERENCE,
        "encounter": _REFERENCE,
        "effectiveDateTime": 0,
        "issued": 0,
        "interpretation": _CONCEPT,
        "specimen": _REFERENCE,
        "related": {"type": 0, "target": _REFERENCE},
        "component": _VALUES,
        **_VALUES,
    },
    "Condition": {
        "patient": _REFERENCE,
        "dateRecorded": 0,
        "code": _CONCEPT,
        "category": _CONCEPT,
        "clinicalStatus": 0,
        "verificationStatus": 0,
        "onsetDateTime": 0,
        "abatementDateTime": 0,
    },
    "AllergyIntolerance": {
        "recordedDate": 0,
        "patient": _REFERENCE,
        "substance": _CONCEPT,
        "status": 0,
        "criticality": 0,
        "type": 0,
        "category": 0,
        "note": {"text": 0},
        "reaction": {"substance": _CONCEPT, "manifestation": _CONCEPT, "onset": 0, "severity": 0},
    },
}
_SINGLE = {  # elements that repeat in other versions and do not here
    "MedicationOrder": {"reasonCodeableConcept", "reasonReference", "note"},
    "Observation": {"category", "interpretation"},
    "Condition": {"category"},
    "AllergyIntolerance": {"category", "note", "substance"},
}


def not_of_dstu2(resource: dict[str, Any]) -> list[str]:
    """The path of each element that DSTU2 does not have, or has only once."""
    kind = resource["resourceType"]
    known = ELEMENTS[kind]
    own = {name: value for name, value in resource.items() if name not in _ANY}
    found = [f"{kind}.{path}" for path in _strangers(own, known)]
    found += [f"{kind}.{name} repeats" for name in _SINGLE.get(kind, ()) if isinstance(own.get(name), list)]
    return found + [path for one in resource.get("contained", []) for path in not_of_dstu2(one)]


def _strangers(value: Any, known: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            if known != 0:
                yield "(not an object)"
            continue
        if known == 0:
            yield "(not a plain value)"
            continue
        for name, inner in one.items():
            if name not in known:
                yield name
            else:
                yield from (f"{name}.{path}" for path in _strangers(inner, known[name]))
