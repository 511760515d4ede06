"""The laboratory suggestion vanishes only where plasma amino acids are drafted for this patient already."""

from typing import Any

import pytest

from tests.builders import LOINC, SNOMED, concept
from tests.unit.test_in_doubt import called, order

Json = dict[str, Any]
US = {"reference": "Patient/p"}


def request(code: Json, **members: Any) -> Json:
    return {"resourceType": "ServiceRequest", "id": "l", "status": "draft", "subject": US, "code": code, **members}


def offers_amino_acids(*drafts: Json) -> bool:
    cards = called(order(), *drafts, aminoAcids=None).response.cards
    actions = [action for card in cards for suggestion in card.suggestions for action in suggestion.actions]
    return any((action.resource or {}).get("resourceType") == "ServiceRequest" for action in actions)


def test_it_is_offered_where_no_laboratory_order_is_drafted() -> None:
    assert offers_amino_acids()


PLASMA = {"text": "Plasma amino acids"}
URINE_CODE = concept("119342007", SNOMED)
ORDERED = {
    "this service's own draft": request(PLASMA),
    "of R5": request({"concept": PLASMA}),
    "of STU3": {**request(PLASMA), "resourceType": "ProcedureRequest"},
    "of DSTU2": {"resourceType": "DiagnosticOrder", "id": "l", "subject": US, "item": [{"code": PLASMA}]},
    "in serum": request({"text": "Amino acids, quantitative, serum"}),
    "in one German word": request({"text": "Plasmaaminosäuren"}),
    "by the code of the panel": request(concept("35083-5", LOINC)),
    "by the code of glutamate": request(concept("20642-5", LOINC)),
    "with a specimen of blood": request({"text": "Amino acids"}, specimen=[{"display": "Plasma"}]),
    "with a contained specimen": request(
        {"text": "Amino acids"}, contained=[{"resourceType": "Specimen", "id": "s", "type": {"text": "serum"}}]
    ),
    "without a subject": request(PLASMA, subject=None),
}


@pytest.mark.parametrize("drafted", ORDERED.values(), ids=ORDERED)
def test_it_is_not_offered_where_plasma_amino_acids_are_drafted(drafted: Json) -> None:
    assert not offers_amino_acids(drafted)


NOT_ORDERED = {
    "in urine": request({"text": "Amino acids, urine"}),
    "in urine, in German": request({"text": "Aminosäuren im Urin"}),
    "in plasma and urine: which of the two is open": request({"text": "Amino acids, plasma or urine"}),
    "in cerebrospinal fluid": request({"text": "CSF amino acids"}),
    "of another specimen by its name": request(PLASMA, specimen=[{"display": "Urine"}]),
    "of another specimen by its code": request(concept("20642-5", LOINC), specimen=[URINE_CODE]),
    "of a contained specimen of urine": request(
        PLASMA, contained=[{"resourceType": "Specimen", "id": "s", "type": {"text": "urine"}}]
    ),
    "the code of the panel with a name of urine": request(concept("35083-5", LOINC, text="Amino acids urine")),
    "without a specimen": request({"text": "Amino acids"}),
    "a specimen that is no Specimen": request(
        {"text": "Amino acids"}, contained=[{"resourceType": "Device", "id": "s", "type": {"text": "plasma"}}]
    ),
    "of another patient": request(PLASMA, subject={"reference": "Patient/q"}),
    "of a group": request(PLASMA, subject={"reference": "Group/p"}),
    "something else in plasma": request({"text": "Plasma lactate"}),
    "not to be done": request(PLASMA, doNotPerform=True),
    "revoked": request(PLASMA, status="revoked"),
    "entered in error": request(PLASMA, status="entered-in-error"),
}


@pytest.mark.parametrize("drafted", NOT_ORDERED.values(), ids=NOT_ORDERED)
def test_any_other_laboratory_order_leaves_it_offered(drafted: Json) -> None:
    assert offers_amino_acids(drafted)
