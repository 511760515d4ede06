"""Tells a story of R4 in another FHIR version: the same person, results and orders under that version's names.

Only what the fixtures hold is converted. A code that the other version does not have is an error here, never a guess.
Elements that DSTU2 has no place for (`intent`, `category` of an order, `appliesTo` of a range) are left out.
"""

from typing import Any

DSTU2, STU3, R4, R5 = "DSTU2", "STU3", "R4", "R5"
Resource = dict[str, Any]

_DSTU2_CONDITION = {"active", "relapse", "remission", "resolved"}
_DSTU2_CRITICALITY = {"low": "CRITL", "high": "CRITH", "unable-to-assess": "CRITU"}
_ALLERGY_TYPE = "http://hl7.org/fhir/allergy-intolerance-type"


_SYSTEMS = "http://terminology.hl7.org/CodeSystem/"
_RENAMED = {"medicationrequest-category": "medication-request-category", "v3-ObservationInterpretation": "v2/0078"}


def converted(resource: Resource, version: str) -> Resource:
    """A resource of R4, or a Bundle of them, in another version."""
    found = dict(_with_systems_of_stu3(resource) if version in (DSTU2, STU3) else resource)
    if resource["resourceType"] == "Bundle":
        if "entry" in found:
            found["entry"] = [{**one, "resource": converted(one["resource"], version)} for one in found["entry"]]
        return found
    if "contained" in found:
        found["contained"] = [converted(one, version) for one in found["contained"]]
    convert = _CONVERTERS[version].get(resource["resourceType"])
    if convert:
        convert(found)
    return found


def converted_request(request: dict[str, Any], version: str) -> dict[str, Any]:
    """The body of a call with every resource in another version."""
    context = dict(request["context"])
    for name in ("medications", "draftOrders", "medication"):
        if name in context:
            context[name] = converted(context[name], version)
    if version == DSTU2 and "selections" in context:
        context["selections"] = [one.replace("MedicationRequest/", "MedicationOrder/") for one in context["selections"]]
    prefetch = {key: value and converted(value, version) for key, value in request["prefetch"].items()}
    return {**request, "context": context, "prefetch": prefetch}


def _with_systems_of_stu3(value: Any) -> Any:
    """HL7's own code systems have their addresses at terminology.hl7.org since R4."""
    if isinstance(value, dict):
        return {name: _with_systems_of_stu3(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_systems_of_stu3(inner) for inner in value]
    if isinstance(value, str) and value.startswith(_SYSTEMS):
        name = value.removeprefix(_SYSTEMS)
        return "http://hl7.org/fhir/" + _RENAMED.get(name, name.replace("v3-", "v3/").replace("v2-", "v2/"))
    return value


def _rename(found: Resource, old: str, new: str) -> None:
    if old in found:
        found[new] = found.pop(old)


def _first(found: Resource, *names: str) -> None:
    """Of an element that may repeat since R4, the only one."""
    for name in names:
        if name in found:
            (found[name],) = found[name]


def _code(found: Resource, name: str) -> None:
    """The plain code of an element that is a CodeableConcept since R4."""
    if name in found:
        found[name] = found[name]["coding"][0]["code"]


def _ranges(found: Resource, change: Any) -> None:
    for holder in (found, *found.get("component", [])):
        if "referenceRange" in holder:
            holder["referenceRange"] = [change(dict(one)) for one in holder["referenceRange"]]


def _flat_dose(instruction: Resource) -> Resource:
    changed = dict(instruction)
    for one in changed.pop("doseAndRate", []):
        changed.update({name: value for name, value in one.items() if name != "type"})
    return changed


# ---------------------------------------------------------------- STU3


def _stu3_order(found: Resource) -> None:
    _first(found, "category")
    _rename(found, "encounter", "context")
    if "requester" in found:
        found["requester"] = {"agent": found["requester"]}
    if "dosageInstruction" in found:
        found["dosageInstruction"] = [_flat_dose(one) for one in found["dosageInstruction"]]


def _stu3_result(found: Resource) -> None:
    _first(found, "interpretation")
    _rename(found, "encounter", "context")
    if "hasMember" in found:
        found["related"] = [{"type": "has-member", "target": one} for one in found.pop("hasMember")]


def _stu3_condition(found: Resource) -> None:
    _code(found, "clinicalStatus")
    _code(found, "verificationStatus")
    _rename(found, "recordedDate", "assertedDate")
    _rename(found, "encounter", "context")


# ---------------------------------------------------------------- DSTU2


def _dstu2_patient(found: Resource) -> None:
    found["name"] = [{**one, "family": [one["family"]]} for one in found["name"]]


def _dstu2_order(found: Resource) -> None:
    found["resourceType"] = "MedicationOrder"
    for name in ("intent", "category"):
        found.pop(name, None)
    _rename(found, "subject", "patient")
    _rename(found, "authoredOn", "dateWritten")
    _rename(found, "requester", "prescriber")
    _first(found, "reasonCode", "reasonReference")
    _rename(found, "reasonCode", "reasonCodeableConcept")
    if "note" in found:
        found["note"] = " ".join(one["text"] for one in found["note"])
    if "dosageInstruction" in found:
        found["dosageInstruction"] = [_dstu2_instruction(one) for one in found["dosageInstruction"]]


def _dstu2_instruction(instruction: Resource) -> Resource:
    changed = _flat_dose(instruction)
    _first(changed, "additionalInstruction")
    _rename(changed, "additionalInstruction", "additionalInstructions")
    if "patientInstruction" in changed:
        changed["text"] = " ".join(filter(None, (changed.get("text"), changed.pop("patientInstruction"))))
    if "repeat" in changed.get("timing", {}):
        repeat = dict(changed["timing"]["repeat"])
        _rename(repeat, "periodUnit", "periodUnits")
        _rename(repeat, "boundsDuration", "boundsQuantity")
        changed["timing"] = {**changed["timing"], "repeat": repeat}
    return changed


def _dstu2_result(found: Resource) -> None:
    _first(found, "category")
    _stu3_result(found)
    _rename(found, "context", "encounter")
    if "component" in found:
        found["component"] = [dict(one) for one in found["component"]]
    _ranges(found, _dstu2_range)


def _dstu2_range(one: Resource) -> Resource:
    one.pop("appliesTo", None)
    _rename(one, "type", "meaning")
    return one


def _dstu2_condition(found: Resource) -> None:
    _first(found, "category")
    _code(found, "clinicalStatus")
    _code(found, "verificationStatus")
    assert found["clinicalStatus"] in _DSTU2_CONDITION
    _rename(found, "subject", "patient")
    _rename(found, "recordedDate", "dateRecorded")


def _dstu2_allergy(found: Resource) -> None:
    _code(found, "clinicalStatus")
    _code(found, "verificationStatus")
    clinical, verification = found.pop("clinicalStatus", "active"), found.pop("verificationStatus", "confirmed")
    found["status"] = verification if clinical == "active" else clinical
    found["criticality"] = _DSTU2_CRITICALITY[found.get("criticality", "unable-to-assess")]
    _first(found, "category", "note")
    _rename(found, "code", "substance")


# ---------------------------------------------------------------- R5


def _r5_order(found: Resource) -> None:
    for name, inner in (("medicationCodeableConcept", "concept"), ("medicationReference", "reference")):
        if name in found:
            found["medication"] = {inner: found.pop(name)}
    reasons = [{"concept": one} for one in found.pop("reasonCode", [])]
    reasons += [{"reference": one} for one in found.pop("reasonReference", [])]
    if reasons:
        found["reason"] = reasons


def _r5_allergy(found: Resource) -> None:
    found["type"] = {"coding": [{"system": _ALLERGY_TYPE, "code": found["type"]}]}
    if "reaction" in found:
        found["reaction"] = [
            {**one, "manifestation": [{"concept": concept} for concept in one["manifestation"]]}
            for one in found["reaction"]
        ]


_CONVERTERS: dict[str, dict[str, Any]] = {
    DSTU2: {
        "Patient": _dstu2_patient,
        "MedicationRequest": _dstu2_order,
        "Observation": _dstu2_result,
        "Condition": _dstu2_condition,
        "AllergyIntolerance": _dstu2_allergy,
    },
    STU3: {
        "MedicationRequest": _stu3_order,
        "Observation": _stu3_result,
        "Condition": _stu3_condition,
        "AllergyIntolerance": _stu3_condition,
    },
    R4: {},
    R5: {"MedicationRequest": _r5_order, "AllergyIntolerance": _r5_allergy},
}
