"""Nitroglycerin and parenteral glutamine, among the drafts and the active medications."""

from collections.abc import Sequence
from typing import Any

import pytest

from cds_service.clinical.chart import NOT_SENT, Arrival, Chart, Data
from cds_service.clinical.facts import Fact, Facts, State
from cds_service.clinical.orders.drafts import read_orders
from cds_service.clinical.screens.medications import read_interactions
from cds_service.fhir.queries import MEDICATIONS, STATEMENTS
from tests.support import VOCABULARY, draft_orders_of

KNOWN, ABSENT, UNKNOWN = State.KNOWN, State.ABSENT, State.UNKNOWN
IV = {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]}
ORAL = {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]}
ATC, GERMAN = "http://www.whocc.no/atc", "http://fhir.de/CodeSystem/bfarm/atc"
RXNORM, UNII = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://fdasis.nlm.nih.gov"
SNOMED, IPS = "http://snomed.info/sct", "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"


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
        pytest.param(coded(ATC, "B05XB02"), IV, KNOWN, id="the code by a vein"),
        pytest.param(coded(GERMAN, "B05XB02"), IV, KNOWN, id="the German alias"),
        pytest.param(coded(ATC, "B05XB02"), None, KNOWN, id="the code of a product that is only parenteral"),
        pytest.param(coded(ATC, "B05XB02"), ORAL, ABSENT, id="said to be oral"),
        pytest.param({"text": "Dipeptiven 200 mg/ml"}, None, KNOWN, id="Dipeptiven by name"),
        pytest.param({"text": "L-glutamine"}, IV, KNOWN, id="by name and a vein"),
        pytest.param({"text": "alanyl-glutamine"}, {"text": "parenteral"}, KNOWN, id="parenteral in words"),
        pytest.param({"text": "Glutamine powder"}, ORAL, ABSENT, id="oral glutamine"),
        pytest.param({"text": "glutamine"}, None, UNKNOWN, id="by name, no route"),
        pytest.param({"text": "glutamine"}, {"text": "feeding tube"}, ABSENT, id="by name, by tube"),
        pytest.param({"text": "glutamine"}, {"text": "per pump"}, UNKNOWN, id="by name, a route that is not read"),
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
    "RxNorm": (coded(RXNORM, "4917"), KNOWN),
    "ATC": (coded(ATC, "C01DA02"), KNOWN),
    "ATC in German data": (coded(GERMAN, "C01DA02"), KNOWN),
    "ATC of a combination": (coded(ATC, "C01DA52"), UNKNOWN),
    "a group of ATC": (coded(ATC, "C01DA"), UNKNOWN),
    "another drug by ATC": (coded(ATC, "C07AB02"), ABSENT),
    "RxNorm that is not listed": (coded(RXNORM, "161"), UNKNOWN),
    "SNOMED CT that is not listed": (coded(SNOMED, "387458008"), UNKNOWN),
    "a system that is not read": (coded("http://hl7.org/fhir/sid/ndc", "0071-0418-24"), UNKNOWN),
    "no information": (coded(IPS, "no-medication-info"), UNKNOWN),
    "no information, in words": ({"text": "No information about medications"}, UNKNOWN),
    "no known medications": (coded(IPS, "no-known-medications"), ABSENT),
    "another drug by a code of another list": (coded(RXNORM, "197"), ABSENT),
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
    named = coded(RXNORM, "4917")
    assert nitroglycerin(chart(medication(named, status=status))).state is expected
    assert nitroglycerin(stated(statement(named, status=status))).state is expected
    assert nitroglycerin(chart(medication({"text": "aspirin"}, status=status))).state is ABSENT


NOT_TAKEN = {
    "not to be given": medication(coded(RXNORM, "4917"), doNotPerform=True),
    "DSTU2": statement(coded(RXNORM, "4917"), wasNotTaken=True),
    "STU3": statement(coded(RXNORM, "4917"), taken="n"),
    "R5": statement(coded(RXNORM, "4917"), "recorded", adherence={"code": {"coding": [{"code": "not-taking"}]}}),
}


@pytest.mark.parametrize("resource", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_a_medication_that_is_not_taken_does_not_count(resource: dict[str, Any]) -> None:
    among = chart(resource) if resource["resourceType"] == "MedicationRequest" else stated(resource)
    assert nitroglycerin(among).state is ABSENT


def test_a_draft_that_is_no_order_to_give_the_drug_does_not_count() -> None:
    named = coded(RXNORM, "4917")
    cancelled = medication(named, status="cancelled")
    drug = {"resourceType": "Medication", "id": "1", "medicationCodeableConcept": named}

    assert nitroglycerin(chart(), [cancelled, drug]).state is ABSENT


def test_a_draft_of_another_patient_does_not_count() -> None:
    named = coded(RXNORM, "4917")
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
    assert nitroglycerin(Chart("p", {}), [medication(coded(RXNORM, "4917"))]).state is KNOWN


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


DRUG = {"resourceType": "Medication", "id": "1", "code": coded(RXNORM, "4917")}
POINTING = medication({}, medicationReference={"reference": "Medication/1"})


def test_a_medication_that_came_along_is_resolved() -> None:
    pointing = {**POINTING, "resourceType": "MedicationStatement"}

    assert nitroglycerin(chart(POINTING, DRUG)).state is KNOWN
    assert nitroglycerin(stated(pointing, DRUG)).state is KNOWN
    assert nitroglycerin(chart(), [POINTING, DRUG]).state is KNOWN


@pytest.mark.parametrize("reference", ["urn:uuid:2f6f8a37-7b54-4ac9-9a6e-6b9e4f1ba6cf", "https://ehr.example.org/M/1"])
def test_a_draft_that_points_by_full_url_is_resolved(reference: str) -> None:
    pointing = medication({}, medicationReference={"reference": reference}, status="draft")
    drug = {"resourceType": "Medication", "code": coded(RXNORM, "4917")}
    entries: list[dict[str, Any]] = [{"resource": pointing}, {"fullUrl": reference, "resource": drug}]
    orders = read_orders("p", [pointing], [], entries, VOCABULARY)

    assert read_interactions(orders, chart(), VOCABULARY)["nitroglycerin"].state is KNOWN
    assert read_interactions(orders, chart(pointing), VOCABULARY)["nitroglycerin"].state is KNOWN


def test_parenteral_glutamine_is_looked_for_among_statements_too() -> None:
    named = statement({"text": "Dipeptiven"})
    assert glutamine(among=stated(named)).state is KNOWN


def test_a_glutamine_whose_status_cannot_be_read_leaves_it_open() -> None:
    assert glutamine(among=chart(medication(coded(ATC, "B05XB02"), IV, status=""))).state is UNKNOWN
    assert glutamine(among=chart(medication(coded(RXNORM, "161"), ORAL))).state is UNKNOWN
