"""Which FHIR version an order is written in, told by its shape: no request says it."""

from cds_service.clinical.elements import Resource, at, objects

DSTU2, STU3, R4, R5 = "DSTU2", "STU3", "R4", "R5"


def version_of(order: Resource, hook: str) -> str:
    """DSTU2, STU3, R4 or R5. R4B orders look like R4; an order that shows nothing is taken by its hook.

    `medication-prescribe` is defined for DSTU2 and STU3 only, so there an order without a sign of R4 is STU3.
    """
    if order.get("resourceType") == "MedicationOrder":
        return DSTU2
    if isinstance(order.get("medication"), dict):
        return R5
    instructions = objects(order.get("dosageInstruction"))
    if any("doseAndRate" in one for one in instructions) or "encounter" in order:
        return R4
    if "context" in order or isinstance(at(order, "requester", "agent"), dict):
        return STU3
    return STU3 if hook == "medication-prescribe" else R4
