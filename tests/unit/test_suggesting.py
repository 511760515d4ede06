"""Suggested resources: whole, in the version of the order, valid, and pointing only at orders of the request."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4b_model
from fhir.resources.STU3 import get_fhir_model_class as stu3_model

from cds_service.clinical.facts import Facts, absent, known
from cds_service.clinical.orders.dose import read_dose
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.content.examples import order_for
from cds_service.fhir.versions import DSTU2, R4, R5, STU3
from cds_service.fhir.versions.detecting import likely_versions, version_of
from cds_service.guidance.model import SuggestionRow
from cds_service.guidance.suggesting import action_for, draft_lab_order, with_dose
from cds_service.hooks.cards import Action
from tests.support import CONTENT, ROOT

TODAY = date(2026, 11, 23)
DRUG = {"text": "Acetylcysteine 600 MG Oral Capsule"}
SUBJECT = {"reference": "Patient/p"}
ORDERS: dict[str, dict[str, Any]] = {
    DSTU2: {
        "resourceType": "MedicationOrder",
        "id": "o",
        "status": "draft",
        "patient": SUBJECT,
        "medicationCodeableConcept": DRUG,
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnits": "d"}},
                "doseQuantity": {"value": 600, "unit": "mg"},
            }
        ],
    },
    STU3: {
        "resourceType": "MedicationRequest",
        "id": "o",
        "status": "draft",
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": DRUG,
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                "doseQuantity": {"value": 600, "unit": "mg"},
            }
        ],
    },
    R4: order_for(ROOT / "fixtures", "oral-600-twice-daily", "p"),
    R5: {
        "resourceType": "MedicationRequest",
        "id": "o",
        "status": "draft",
        "intent": "order",
        "subject": SUBJECT,
        "medication": {"concept": DRUG},
        "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 600, "unit": "mg"}}]}],
    },
}
MODELS = {STU3: stu3_model, R4: r4b_model, R5: r5_model}
EARLY, LATE = likely_versions("medication-prescribe", []), likely_versions("order-sign", [])
HOOKS = {DSTU2: "medication-prescribe", STU3: "medication-prescribe", R4: "order-sign", R5: "order-sign"}


def as_order(resource: dict[str, Any]) -> Order:
    order = read_order(resource, {}, CONTENT.vocabulary)
    assert order is not None
    return order


SINGLE, FACTS = Decimal(600), {"single_dose": known(Decimal(600))}


def action(offer: SuggestionRow, order: Order, facts: Facts = FACTS) -> Action | None:
    return action_for(offer, order, "p", TODAY, facts, "a description")


def test_an_order_whose_dose_is_not_known_is_not_changed() -> None:
    assert action(row("set-dose"), as_order(ORDERS[R4]), {"single_dose": absent("no dose")}) is None


def row(does: str) -> SuggestionRow:
    return next(one for card in CONTENT.cards for one in card.suggestion if one.does == does)


@pytest.mark.parametrize("version", ORDERS)
def test_the_version_is_told_by_the_shape(version: str) -> None:
    assert version_of(ORDERS[version], likely_versions(HOOKS[version], [])) == version


@pytest.mark.parametrize(
    ("changes", "hook", "expected"),
    [
        ({}, "order-sign", R4),
        ({}, "medication-prescribe", STU3),
        ({"requester": {"agent": {"reference": "Practitioner/1"}}}, "order-sign", STU3),
        ({"context": {"reference": "Encounter/1"}}, "order-sign", STU3),
        ({"encounter": {"reference": "Encounter/1"}}, "medication-prescribe", R4),
        ({"dosageInstruction": [{"doseAndRate": []}]}, "medication-prescribe", R4),
        ({"medication": {"reference": {"reference": "Medication/1"}}}, "order-sign", R5),
    ],
)
def test_the_version_of_orders_that_show_little(changes: dict[str, Any], hook: str, expected: str) -> None:
    assert version_of({"resourceType": "MedicationRequest", **changes}, likely_versions(hook, [])) == expected


@pytest.mark.parametrize("version", ORDERS)
def test_only_the_dosage_is_changed(version: str) -> None:
    before = ORDERS[version]

    changed = with_dose(before, version, SINGLE, 1200)

    assert changed is not None
    assert {**changed, "dosageInstruction": None} == {**before, "dosageInstruction": None}
    assert changed["dosageInstruction"] != before["dosageInstruction"]


@pytest.mark.parametrize("version", ORDERS)
def test_the_changed_order_is_read_back_as_2400_mg_per_day(version: str) -> None:
    changed = with_dose(ORDERS[version], version, SINGLE, 1200)

    assert changed is not None
    order = as_order(changed)
    assert read_dose(order, None, CONTENT.vocabulary).per_day == Decimal(2400)


@pytest.mark.parametrize("version", MODELS)
def test_the_changed_order_is_valid(version: str) -> None:
    MODELS[version]("MedicationRequest").model_validate(with_dose(ORDERS[version], version, SINGLE, 1200))


@pytest.mark.parametrize(
    ("version", "kind"), [(STU3, "ProcedureRequest"), (R4, "ServiceRequest"), (R5, "ServiceRequest")]
)
def test_the_laboratory_order_is_a_valid_draft(version: str, kind: str) -> None:
    draft = draft_lab_order(version, "p", TODAY)

    assert draft is not None
    assert draft["resourceType"] == kind
    assert draft["status"] == "draft"
    assert draft["subject"] == SUBJECT
    MODELS[version](kind).model_validate(draft)


def test_dstu2_has_no_draft_laboratory_order() -> None:
    order = replace(as_order(ORDERS[DSTU2]), fhir_version=DSTU2)

    assert action(row("order-amino-acids"), order) is None


def test_the_bounds_of_the_order_stay() -> None:
    bounded = {
        **ORDERS[R4],
        "dosageInstruction": [{"timing": {"repeat": {"boundsDuration": {"value": 28, "unit": "d"}, "frequency": 3}}}],
    }

    changed = with_dose(bounded, R4, SINGLE, 1200)

    assert changed is not None
    repeat = changed["dosageInstruction"][0]["timing"]["repeat"]
    assert repeat == {"boundsDuration": {"value": 28, "unit": "d"}, "frequency": 2, "period": 1, "periodUnit": "d"}


def test_the_order_of_the_request_is_not_touched() -> None:
    before = order_for(ROOT / "fixtures", "oral-600-twice-daily", "p")

    changed = with_dose(before, R4, SINGLE, 1200)

    assert changed is not None
    changed["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["unit"] = "changed"

    assert before == order_for(ROOT / "fixtures", "oral-600-twice-daily", "p")


@pytest.mark.parametrize("does", ["remove-order", "set-dose"])
def test_an_order_without_an_id_cannot_be_pointed_at(does: str) -> None:
    nameless = {name: value for name, value in ORDERS[R4].items() if name != "id"}

    assert action(row(does), as_order(nameless)) is None


def test_removing_points_at_the_order() -> None:
    removal = action(row("remove-order"), as_order(ORDERS[DSTU2]))

    assert removal is not None
    assert (removal.type, removal.resourceId, removal.resource) == ("delete", "MedicationOrder/o", None)


@pytest.mark.parametrize("status", ["active", "on-hold"])
def test_an_order_that_is_signed_is_not_removed(status: str) -> None:
    assert action(row("remove-order"), as_order({**ORDERS[R4], "status": status})) is None
