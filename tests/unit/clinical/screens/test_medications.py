"""Nitroglycerin and parenteral glutamine, among the drafts and the active medications."""

from typing import Any

import pytest

from cds_service.clinical.chart import NOT_SENT, Arrival, Chart, Data
from cds_service.clinical.facts import Fact, State
from cds_service.clinical.screens.medications import read_interactions
from cds_service.fhir.queries import MEDICATIONS
from tests.support import VOCABULARY

KNOWN, ABSENT, UNKNOWN = State.KNOWN, State.ABSENT, State.UNKNOWN
IV = {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]}
ORAL = {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]}
ATC, GERMAN = "http://www.whocc.no/atc", "http://fhir.de/CodeSystem/bfarm/atc"
RXNORM, UNII = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://fdasis.nlm.nih.gov"


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def medication(drug: dict[str, Any], route: Any = None, status: str = "active", **more: Any) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": "m",
        "status": status,
        "medicationCodeableConcept": drug,
    }
    if route is not None:
        resource["dosageInstruction"] = [{"route": route}]
    return {**resource, **more}


def chart(*active: dict[str, Any], gap: str = "") -> Chart:
    return Chart("p", {MEDICATIONS: Data(Arrival.GIVEN if active else Arrival.EMPTY, active, gap)})


def nitroglycerin(chart: Chart, drafts: list[dict[str, Any]]) -> Fact:
    return read_interactions(chart, drafts, VOCABULARY)["nitroglycerin"]


def glutamine(*drafts: dict[str, Any], among: Chart | None = None) -> Fact:
    return read_interactions(among or chart(), drafts, VOCABULARY)["parenteral_glutamine"]


@pytest.mark.parametrize(
    ("drug", "route", "expected"),
    [
        pytest.param(coded(ATC, "B05XB02"), IV, KNOWN, id="the code by a vein"),
        pytest.param(coded(GERMAN, "B05XB02"), IV, KNOWN, id="the German alias"),
        pytest.param(coded(ATC, "B05XB02"), None, KNOWN, id="the code of a product that is only parenteral"),
        pytest.param(coded(ATC, "B05XB02"), ORAL, ABSENT, id="said to be oral"),
        pytest.param({"text": "Dipeptiven 200 mg/ml"}, None, KNOWN, id="Dipeptiven by name"),
        pytest.param({"text": "L-glutamine"}, IV, KNOWN, id="by name and a vein"),
        pytest.param({"text": "alanyl-glutamine"}, {"text": "parenteral"}, KNOWN, id="parenteral in words"),
        pytest.param({"text": "Glutamine powder"}, ORAL, ABSENT, id="oral glutamine"),
        pytest.param({"text": "glutamine"}, None, UNKNOWN, id="by name, no route"),
        pytest.param({"text": "glutamine"}, {"text": "feeding tube"}, UNKNOWN, id="by name, a route that is not read"),
        pytest.param(coded(ATC, "A16AA03"), IV, UNKNOWN, id="a code that is not in the contract, by a vein"),
        pytest.param(coded(UNII, "0RH81L854J"), IV, UNKNOWN, id="the substance, by a vein"),
        pytest.param(coded(RXNORM, "4885"), IV, UNKNOWN, id="a code from memory, by a vein"),
        pytest.param(coded(ATC, "A16AA03"), ORAL, ABSENT, id="the same code, oral"),
        pytest.param({"text": "glutamate"}, IV, ABSENT, id="glutamate is not glutamine"),
        pytest.param({"text": "glutamic acid"}, IV, ABSENT, id="glutamic acid"),
        pytest.param({"text": "glutathione"}, IV, ABSENT, id="glutathione"),
        pytest.param({"text": "Endari"}, ORAL, ABSENT, id="Endari"),
    ],
)
def test_glutamine_counts_only_by_a_parenteral_route(drug: dict[str, Any], route: Any, expected: State) -> None:
    assert glutamine(medication(drug, route, status="draft")).state is expected
    assert glutamine(among=chart(medication(drug, route))).state is expected


@pytest.mark.parametrize(
    ("drug", "expected"),
    [
        (coded(RXNORM, "4917"), KNOWN),
        ({"text": "Nitroglycerin 0.4 mg sublingual"}, KNOWN),
        ({"text": "Glyceryl trinitrate patch"}, KNOWN),
        ({"text": "nitroprusside"}, ABSENT),
        ({"text": "isosorbide mononitrate"}, ABSENT),
        ({}, ABSENT),
    ],
    ids=str,
)
def test_nitroglycerin_by_code_or_name(drug: dict[str, Any], expected: State) -> None:
    assert nitroglycerin(chart(), [medication(drug, status="draft")]).state is expected
    assert nitroglycerin(chart(medication(drug)), []).state is expected


@pytest.mark.parametrize("status", ["stopped", "completed", "cancelled", "on-hold", "entered-in-error"])
def test_a_medication_that_is_not_active_does_not_count(status: str) -> None:
    stopped = medication(coded(RXNORM, "4917"), status=status)

    assert nitroglycerin(chart(stopped), []).state is ABSENT


def test_a_draft_that_is_no_order_to_give_the_drug_does_not_count() -> None:
    named = coded(RXNORM, "4917")
    cancelled = medication(named, status="cancelled")
    drug = {"resourceType": "Medication", "id": "1", "medicationCodeableConcept": named}

    assert nitroglycerin(chart(), [cancelled, drug]).state is ABSENT


def test_a_list_that_did_not_come_makes_none_unknown() -> None:
    for missing in (Chart("p", {}), chart(gap="not all its pages came"), Chart("p", {MEDICATIONS: NOT_SENT})):
        assert nitroglycerin(missing, []).state is UNKNOWN
        assert glutamine(among=missing).state is UNKNOWN


def test_a_draft_counts_although_the_list_did_not_come() -> None:
    assert nitroglycerin(Chart("p", {}), [medication(coded(RXNORM, "4917"))]).state is KNOWN


def test_a_drug_behind_a_reference_without_a_name_may_be_anything() -> None:
    nameless = medication({}, medicationReference={"reference": "Medication/1"})
    named = medication({}, medicationReference={"reference": "Medication/1", "display": "ibuprofen"})

    assert nitroglycerin(chart(nameless), []).state is UNKNOWN
    assert nitroglycerin(chart(named), []).state is ABSENT


def test_a_medication_that_came_along_is_resolved() -> None:
    drug = {"resourceType": "Medication", "id": "1", "code": coded(RXNORM, "4917")}
    pointing = medication({}, medicationReference={"reference": "Medication/1"})

    assert nitroglycerin(chart(pointing, drug), []).state is KNOWN
    assert nitroglycerin(chart(), [pointing, drug]).state is KNOWN
