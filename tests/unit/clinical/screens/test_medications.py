"""Nitroglycerin and parenteral glutamine, among the drafts and the active medications."""

from collections.abc import Sequence
from typing import Any

import pytest

from cds_service.clinical.chart import NOT_SENT, Arrival, Chart, Data
from cds_service.clinical.facts import Fact, Facts, State
from cds_service.clinical.orders.drafts import read_orders
from cds_service.clinical.screens.medications import read_interactions
from cds_service.fhir.queries import MEDICATIONS, STATEMENTS
from tests.builders import ATC, GERMAN_ATC, RXNORM, SNOMED, UNII, concept, medication_request
from tests.support import VOCABULARY, draft_orders_of

IV, ORAL = concept("47625008", SNOMED), concept("26643006", SNOMED)
IPS = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
KNOWN, ABSENT, UNKNOWN = State.KNOWN, State.ABSENT, State.UNKNOWN


def medication(drug: dict[str, Any], route: Any = None, status: str = "active", **more: Any) -> dict[str, Any]:
    instructions = None if route is None else [{"route": route}]
    return medication_request(drug, **{"id": "m", "status": status, "dosageInstruction": instructions, **more})


def statement(drug: Any, status: str = "active", **more: Any) -> dict[str, Any]:
    return {**medication(drug, status=status, **more), "resourceType": "MedicationStatement"}


def chart(*active: dict[str, Any], gap: str = "", statements: Data = NOT_SENT) -> Chart:
    medications = Data(Arrival.GIVEN if active else Arrival.EMPTY, active, gap)
    return Chart("p", {MEDICATIONS: medications, STATEMENTS: statements})


def stated(*statements: dict[str, Any], gap: str = "") -> Chart:
    return chart(statements=Data(Arrival.GIVEN, statements, gap))


def interactions(among: Chart, drafts: Sequence[dict[str, Any]]) -> Facts:
    return read_interactions(draft_orders_of(background=drafts, patient="p"), among, VOCABULARY)


def nitroglycerin(among: Chart, drafts: Sequence[dict[str, Any]] = ()) -> Fact:
    return interactions(among, drafts)["nitroglycerin"]


def glutamine(*drafts: dict[str, Any], among: Chart | None = None) -> Fact:
    return interactions(among or chart(), drafts)["parenteral_glutamine"]


@pytest.mark.parametrize(
    ("drug", "route", "expected"),
    [
        pytest.param(concept("B05XB02", ATC), IV, KNOWN, id="the code by a vein"),
        pytest.param(concept("B05XB02", GERMAN_ATC), IV, KNOWN, id="the German alias"),
        pytest.param(concept("B05XB02", ATC), None, KNOWN, id="the code of a product that is only parenteral"),
        pytest.param(concept("B05XB02", ATC), ORAL, ABSENT, id="said to be oral"),
        pytest.param({"text": "Dipeptiven 200 mg/ml"}, None, KNOWN, id="Dipeptiven by name"),
        pytest.param({"text": "L-glutamine"}, IV, KNOWN, id="by name and a vein"),
        pytest.param({"text": "alanyl-glutamine"}, {"text": "parenteral"}, KNOWN, id="parenteral in words"),
        pytest.param({"text": "Glutamine powder"}, ORAL, ABSENT, id="oral glutamine"),
        pytest.param({"text": "glutamine"}, None, UNKNOWN, id="by name, no route"),
        pytest.param({"text": "glutamine"}, {"text": "feeding tube"}, ABSENT, id="by name, by tube"),
        pytest.param({"text": "glutamine"}, {"text": "per pump"}, UNKNOWN, id="by name, a route that is not read"),
        pytest.param(concept("A16AA03", ATC), IV, UNKNOWN, id="a code that is not in the contract, by a vein"),
        pytest.param(concept("0RH81L854J", UNII), IV, UNKNOWN, id="the substance, by a vein"),
        pytest.param(concept("4885", RXNORM), IV, UNKNOWN, id="a code from memory, by a vein"),
        pytest.param(concept("A16AA03", ATC), ORAL, ABSENT, id="the same code, oral"),
        pytest.param({"text": "glutamate"}, IV, ABSENT, id="glutamate is not glutamine"),
        pytest.param({"text": "glutamic acid"}, IV, ABSENT, id="glutamic acid"),
        pytest.param({"text": "glutathione"}, IV, ABSENT, id="glutathione"),
        pytest.param({"text": "Endari"}, ORAL, ABSENT, id="Endari"),
    ],
)
def test_glutamine_counts_only_by_a_parenteral_route(drug: dict[str, Any], route: Any, expected: State) -> None:
    assert glutamine(medication(drug, route, status="draft")).state is expected
    assert glutamine(among=chart(medication(drug, route))).state is expected


NITROGLYCERIN = (
    "Nitroglycerin 0.4 mg sublingual",
    "nitroglycerine",
    "NITROGLYCERINE spray",
    "Nitroglycérine",
    "trinitroglycerin",
    "Glyceryl trinitrate patch",
    "GTN spray",
    "NTG 0.4 mg SL tab",
    "Trinitrine",
    "trinitrina",
    "Glyceroltrinitrat",
    "nitroglicerina",
    "nitroglycerin 0.4 mg, not more than three",
)
DOUBTFUL = ("Nitro spray", "Nitrostat 0.4 mg", "Nitro-Dur 5", "Nitrolingual", "nitroglycerin (not taking)", "No GTN")
OTHERS = ("nitroprusside", "isosorbide mononitrate", "nitrofurantoin", "GTNX", "aspirin")
DRUGS = {
    **{text: ({"text": text}, KNOWN) for text in NITROGLYCERIN},
    **{text: ({"text": text}, UNKNOWN) for text in DOUBTFUL},
    **{text: ({"text": text}, ABSENT) for text in OTHERS},
    "RxNorm": (concept("4917", RXNORM), KNOWN),
    "ATC": (concept("C01DA02", ATC), KNOWN),
    "ATC in German data": (concept("C01DA02", GERMAN_ATC), KNOWN),
    "ATC of a combination": (concept("C01DA52", ATC), UNKNOWN),
    "a group of ATC": (concept("C01DA", ATC), UNKNOWN),
    "another drug by ATC": (concept("C07AB02", ATC), ABSENT),
    "RxNorm that is not listed": (concept("161", RXNORM), UNKNOWN),
    "SNOMED CT that is not listed": (concept("387458008", SNOMED), UNKNOWN),
    "a system that is not read": (concept("0071-0418-24", "http://hl7.org/fhir/sid/ndc"), UNKNOWN),
    "no information": (concept("no-medication-info", IPS), UNKNOWN),
    "no information, in words": ({"text": "No information about medications"}, UNKNOWN),
    "no known medications": (concept("no-known-medications", IPS), ABSENT),
    "another drug by a code of another list": (concept("197", RXNORM), ABSENT),
}


@pytest.mark.parametrize(("drug", "expected"), DRUGS.values(), ids=DRUGS)
def test_nitroglycerin_by_code_or_name(drug: dict[str, Any], expected: State) -> None:
    assert nitroglycerin(chart(), [medication(drug, status="draft")]).state is expected
    assert nitroglycerin(chart(medication(drug))).state is expected
    assert nitroglycerin(stated(statement(drug))).state is expected


def test_a_draft_without_a_drug_yet_is_none_and_an_active_medication_without_one_may_be_anything() -> None:
    assert nitroglycerin(chart(), [medication({}, status="draft")]).state is ABSENT
    assert nitroglycerin(chart(medication({}))).state is UNKNOWN


STATUSES = {
    **dict.fromkeys(("stopped", "completed", "cancelled", "on-hold", "entered-in-error", "draft", "ended"), ABSENT),
    **dict.fromkeys(("intended", "not-taken"), ABSENT),
    **dict.fromkeys(("active", "recorded"), KNOWN),
    **dict.fromkeys(("unknown", "", "aktiv"), UNKNOWN),
}


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
def test_a_medication_counts_while_active_and_leaves_it_open_where_its_status_does(
    status: str, expected: State
) -> None:
    named = concept("4917", RXNORM)
    assert nitroglycerin(chart(medication(named, status=status))).state is expected
    assert nitroglycerin(stated(statement(named, status=status))).state is expected
    assert nitroglycerin(chart(medication({"text": "aspirin"}, status=status))).state is ABSENT


NOT_TAKEN = {
    "not to be given": medication(concept("4917", RXNORM), doNotPerform=True),
    "DSTU2": statement(concept("4917", RXNORM), wasNotTaken=True),
    "STU3": statement(concept("4917", RXNORM), taken="n"),
    "R5": statement(concept("4917", RXNORM), "recorded", adherence={"code": {"coding": [{"code": "not-taking"}]}}),
}


@pytest.mark.parametrize("resource", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_a_medication_that_is_not_taken_does_not_count(resource: dict[str, Any]) -> None:
    among = chart(resource) if resource["resourceType"] == "MedicationRequest" else stated(resource)
    assert nitroglycerin(among).state is ABSENT


def test_a_draft_that_is_no_order_to_give_the_drug_does_not_count() -> None:
    named = concept("4917", RXNORM)
    cancelled = medication(named, status="cancelled")
    drug = {"resourceType": "Medication", "id": "1", "medicationCodeableConcept": named}

    assert nitroglycerin(chart(), [cancelled, drug]).state is ABSENT


def test_a_draft_of_another_patient_does_not_count() -> None:
    named = concept("4917", RXNORM)
    assert nitroglycerin(chart(), [medication(named, subject={"reference": "Patient/q"})]).state is ABSENT
    assert nitroglycerin(chart(), [medication(named, subject={"reference": "Patient/p"})]).state is KNOWN


def test_a_list_that_did_not_come_makes_none_unknown() -> None:
    for missing in (Chart("p", {}), chart(gap="not all its pages came"), Chart("p", {MEDICATIONS: NOT_SENT})):
        assert nitroglycerin(missing).state is UNKNOWN
        assert glutamine(among=missing).state is UNKNOWN


def test_statements_may_be_left_out_and_leave_it_open_where_they_failed() -> None:
    assert nitroglycerin(chart()).state is ABSENT
    assert nitroglycerin(stated(statement({"text": "aspirin"}))).state is ABSENT
    failed = nitroglycerin(chart(statements=Data(Arrival.FAILED, gap="the EHR reports an error")))
    assert failed.note == "list of medication statements could not be read (the EHR reports an error)"
    assert nitroglycerin(stated(statement({"text": "aspirin"}), gap="not all its pages came")).state is UNKNOWN


def test_a_draft_counts_although_the_list_did_not_come() -> None:
    assert nitroglycerin(Chart("p", {}), [medication(concept("4917", RXNORM))]).state is KNOWN


def test_a_drug_behind_a_reference_without_a_name_may_be_anything() -> None:
    nameless = medication({}, medicationReference={"reference": "Medication/1"})
    named = medication({}, medicationReference={"reference": "Medication/1", "display": "ibuprofen"})

    assert nitroglycerin(chart(nameless)).state is UNKNOWN
    assert nitroglycerin(chart(), [nameless]).state is UNKNOWN
    assert nitroglycerin(chart(named)).state is ABSENT


def test_the_display_of_a_reference_is_a_name() -> None:
    named = medication({}, medicationReference={"reference": "Medication/1", "display": "nitroglycerin"})
    r5 = {**medication({}), "medication": {"reference": {"reference": "Medication/1", "display": "nitroglycerin"}}}

    assert nitroglycerin(chart(named)).state is KNOWN
    assert nitroglycerin(chart(r5)).state is KNOWN


DRUG = {"resourceType": "Medication", "id": "1", "code": concept("4917", RXNORM)}
POINTING = medication({}, medicationReference={"reference": "Medication/1"})


def test_a_medication_that_came_along_is_resolved() -> None:
    pointing = {**POINTING, "resourceType": "MedicationStatement"}

    assert nitroglycerin(chart(POINTING, DRUG)).state is KNOWN
    assert nitroglycerin(stated(pointing, DRUG)).state is KNOWN
    assert nitroglycerin(chart(), [POINTING, DRUG]).state is KNOWN


@pytest.mark.parametrize("reference", ["urn:uuid:2f6f8a37-7b54-4ac9-9a6e-6b9e4f1ba6cf", "https://ehr.example.org/M/1"])
def test_a_draft_that_points_by_full_url_is_resolved(reference: str) -> None:
    pointing = medication({}, medicationReference={"reference": reference}, status="draft")
    drug = {"resourceType": "Medication", "code": concept("4917", RXNORM)}
    entries: list[dict[str, object]] = [{"resource": pointing}, {"fullUrl": reference, "resource": drug}]
    orders = read_orders("p", [pointing], [], entries, VOCABULARY)

    assert read_interactions(orders, chart(), VOCABULARY)["nitroglycerin"].state is KNOWN
    assert read_interactions(orders, chart(pointing), VOCABULARY)["nitroglycerin"].state is KNOWN


def test_parenteral_glutamine_is_looked_for_among_statements_too() -> None:
    named = statement({"text": "Dipeptiven"})
    assert glutamine(among=stated(named)).state is KNOWN


def test_a_glutamine_whose_status_cannot_be_read_leaves_it_open() -> None:
    assert glutamine(among=chart(medication(concept("B05XB02", ATC), IV, status=""))).state is UNKNOWN
    assert glutamine(among=chart(medication(concept("161", RXNORM), ORAL))).state is UNKNOWN
