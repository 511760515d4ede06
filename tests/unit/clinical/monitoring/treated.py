"""A woman on acetylcysteine by mouth for eight weeks, with a baseline and nothing else on record, and what is read."""

from cds_service.answering import decide_treatments
from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import Fact, Facts
from cds_service.clinical.monitoring.facts import read_treatment_facts
from cds_service.clinical.monitoring.treatments import read_treatments
from cds_service.fhir.queries import FOR_TREATMENTS
from cds_service.gathering.failures import Failure
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import Decision, Outcome
from tests.builders import (
    ICD10CM,
    LOINC,
    RXNORM,
    SNOMED,
    allergy,
    bundle,
    concept,
    condition,
    medication_request,
    observation,
    quantity,
)
from tests.support import CONTENT, NOW, VOCABULARY, Body, Json

START, DAY_AFTER = "2026-09-28", "2026-09-29"  # 56 days before the day of the tests, and 55
ORAL_CAPSULE, NITROGLYCERIN = concept("606971", RXNORM), concept("4917", RXNORM)
VARICES, PREGNANCY, STAGE_5 = concept("I85.00", ICD10CM), concept("77386006", SNOMED), concept("N18.5", ICD10CM)
NAMELESS = concept("9999999999999", SNOMED)
STAGE_3, BREAST_FEEDING = concept("N18.30", ICD10CM), {"text": "breast-feeding"}
IV = {"coding": [{"system": SNOMED, "code": "47625008"}]}
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1980-05-01", "gender": "female"}
BY_MOUTH = {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]}


def treatment(**members: Json) -> Body:
    """Capsules of acetylcysteine, ordered eight weeks ago."""
    usual = {"id": "t", "authoredOn": START, "dosageInstruction": [{"route": BY_MOUTH}]}
    return medication_request(ORAL_CAPSULE, **{**usual, **members})


def statement(**members: Json) -> Body:
    """A statement that they are taken."""
    usual = {"resourceType": "MedicationStatement", "id": "s", "authoredOn": None, "effectiveDateTime": START}
    return treatment(**{**usual, "dosageInstruction": None, **members})


def dosing(**repeat: Json) -> Json:
    """One instruction with such a timing."""
    return [{"route": BY_MOUTH, "timing": {"repeat": repeat}}]


def glutamate(taken: Json, value: Json = 150, **members: Json) -> Body:
    """A final plasma glutamate with its range."""
    ends = {"low": quantity(10, "umol/L"), "high": quantity(120, "umol/L")}
    usual = {"effectiveDateTime": taken, "valueQuantity": quantity(value, "umol/L"), "referenceRange": [ends]}
    return observation(concept("20642-5", LOINC), **{"id": f"g-{taken}", **usual, **members})


def problem(code: Json, recorded: Json = "2026-11-02", **members: Json) -> Body:
    """An active condition with its date of recording."""
    return condition(code, **{"id": f"c-{recorded}", "recordedDate": recorded, **members})


def reaction(recorded: Json = "2026-11-02", **members: Json) -> Body:
    """An allergy to acetylcysteine."""
    return allergy(ORAL_CAPSULE, **{"recordedDate": recorded, **members})


def drug(code: Json, recorded: Json = "2026-11-02", **members: Json) -> Body:
    return medication_request(code, **{"id": f"d-{recorded}", "authoredOn": recorded, **members})


def glutamine(recorded: Json = "2026-11-02", **members: Json) -> Body:
    """Glutamine into a vein."""
    return drug({"text": "L-glutamine"}, recorded, **{"dosageInstruction": [{"route": IV}], **members})


def medications(*others: Json) -> Json:
    return bundle(treatment(), *others)


def allergic(recorded: Json = "2026-11-02", **members: Json) -> Body:
    return {"allergyList": bundle(reaction(recorded, **members))}


def problems(*codes: Json, recorded: Json = "2026-11-02") -> Body:
    return {"problemList": bundle(*(problem(code, recorded, id=f"c{n}") for n, code in enumerate(codes)))}


def on_nitroglycerin(recorded: Json = "2026-11-02") -> Body:
    return {"activeMedications": medications(drug(NITROGLYCERIN, recorded))}


def on_glutamine(recorded: Json = "2026-11-02", *codes: Json, since: Json = "2026-01-01") -> Body:
    """Glutamine of that date, beside these problems of the other."""
    return {"activeMedications": medications(glutamine(recorded)), **problems(*codes, recorded=since)}


BASELINE = glutamate("2026-09-20")
USUAL: Body = {
    **dict.fromkeys(FOR_TREATMENTS),
    "patient": PATIENT,
    "aminoAcids": bundle(BASELINE),
    "activeMedications": bundle(treatment()),
}
NOT_SENT: Json = object()
GAPS: Body = {"not sent": NOT_SENT, "failed": Failure("it took too long"), "of three nothing came": bundle(total=3)}


def chart(**prefetch: Json) -> Chart:
    answers = {key: answer for key, answer in {**USUAL, **prefetch}.items() if answer is not NOT_SENT}
    return build_chart("p", answers, keys=FOR_TREATMENTS)


def facts_of(on_record: Chart) -> Facts:
    treatments = read_treatments(on_record, VOCABULARY, NOW)
    return read_treatment_facts(treatments.acetylcysteine_orders, treatments, on_record, VOCABULARY, NOW)


def facts(**prefetch: Json) -> Facts:
    return facts_of(chart(**prefetch))


def fact(name: str, **prefetch: Json) -> Fact:
    return facts(**prefetch)[name]


def decisions_of(on_record: Chart) -> dict[str, Decision]:
    treatments = read_treatments(on_record, VOCABULARY, NOW)
    decided = decide_treatments(treatments, on_record, CONTENT, NOW)
    return {decision.decision.card.id: decision.decision for decision in decided}


def decisions(**prefetch: Json) -> dict[str, Decision]:
    return decisions_of(chart(**prefetch))


def outcome(card: str, **prefetch: Json) -> str:
    return decisions(**prefetch)[card].outcome.value


def speaking(**prefetch: Json) -> set[str]:
    """The ids of the cards that advise."""
    return {card for card, decision in decisions(**prefetch).items() if decision.outcome is Outcome.ADVISE}
