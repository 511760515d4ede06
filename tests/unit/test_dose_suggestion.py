# ruff: noqa: E501 (a row of a table is one line, so that the table can be read)
"""The dose of the studies is offered only where every gate is open, and what it writes is the order of the client."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_service.content.examples import order_for
from cds_service.hooks.requests import read_request
from tests.builders import (
    ATC,
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
from tests.support import CONTENT, FIXTURES, NOW, Body, Json, answer_now, prefetch_for

PATIENT = "alma-glutamate-high"
(ROW,) = (
    row for row in {row.id: row for card in CONTENT.cards for row in card.suggestion}.values() if row.does == "set-dose"
)
CAPSULE = concept("606971", RXNORM, text="Acetylcysteine 600 MG Oral Capsule")
Change = Callable[[Body], Json]


def order_of(mg: Json = 600, **members: Json) -> Body:
    """600 mg twice daily of the 600 mg capsule, without any text."""
    instruction = {
        "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": quantity(mg, "mg")}],
    }
    order = {
        "resourceType": "MedicationRequest",
        "id": "d",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"},
    }
    return {**order, "medicationCodeableConcept": CAPSULE, "dosageInstruction": [instruction], **members}


def suggestions(orders: list[Body], prefetch: Body) -> dict[str, Body]:
    """What is offered, by label, with its action."""
    drafts = {"resourceType": "Bundle", "entry": [{"resource": order} for order in orders]}
    context = {"patientId": PATIENT, "draftOrders": drafts}
    body = {
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
        "prefetch": prefetch,
    }
    request = read_request(json.dumps(body, default=float).encode(), "order-sign")
    cards = answer_now(request, CONTENT, NOW, lambda: "id").response.cards
    return {offer.label: offer.actions[0].resource or {} for card in cards for offer in card.suggestions}


def chart(change: Change | None = None) -> Body:
    prefetch: Body = json.loads(json.dumps(prefetch_for(PATIENT), default=float))
    if change:
        change(prefetch)
    return prefetch


def with_instruction(**members: Json) -> Body:
    """The order with other members in its one instruction; None takes one out."""
    order = order_of()
    (instruction,) = order["dosageInstruction"]
    changed = {name: value for name, value in {**instruction, **members}.items() if value is not None}
    return {**order, "dosageInstruction": [changed]}


def repeat(**members: Json) -> Json:
    return {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d", **members}}


OFFERED = {
    "600 mg twice daily": (order_of(), 1200, "mg"),
    "one capsule once daily, with bounds": (
        with_instruction(
            timing={
                "repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "boundsDuration": {"value": 84, "unit": "d"}}
            },
            doseAndRate=[{"doseQuantity": {"value": 1, "unit": "capsule"}}],
        ),
        2,
        "capsule",
    ),
    "an order of the fixtures with instructions of its own": (
        order_for(FIXTURES, "oral-capsule-twice-daily", PATIENT),
        2,
        "capsule",
    ),
}


@pytest.mark.parametrize(("order", "value", "unit"), OFFERED.values(), ids=OFFERED)
def test_where_every_gate_is_open_the_order_becomes_1200_mg_twice_daily(order: Body, value: int, unit: str) -> None:
    resource = suggestions([order], chart())[ROW.label]

    (instruction,) = resource["dosageInstruction"]
    (dose,) = instruction["doseAndRate"]
    assert (dose["doseQuantity"]["value"], dose["doseQuantity"]["unit"]) == (Decimal(value), unit)
    assert (instruction["timing"]["repeat"]["frequency"], instruction["timing"]["repeat"]["period"]) == (2, 1)
    get_fhir_model_class("MedicationRequest").model_validate(json.loads(json.dumps(resource, default=int)))


@pytest.mark.parametrize(("order", "value", "unit"), OFFERED.values(), ids=OFFERED)
def test_everything_else_of_the_order_stays(order: Body, value: int, unit: str) -> None:
    resource = suggestions([order], chart())[ROW.label]

    assert {**resource, "dosageInstruction": None} == {**order, "dosageInstruction": None}
    (before,), (after,) = order["dosageInstruction"], resource["dosageInstruction"]
    assert {**after, "timing": None, "doseAndRate": None, "route": None} == {
        **before,
        "timing": None,
        "doseAndRate": None,
        "route": None,
    }
    assert before.get("route") in (None, after["route"])
    bounds = [name for name in before["timing"]["repeat"] if name.startswith("bounds")]
    assert [after["timing"]["repeat"][name] for name in bounds] == [before["timing"]["repeat"][name] for name in bounds]


def added(key: str, *resources: Body) -> Change:
    def change(prefetch: Body) -> None:
        prefetch[key] = bundle(
            *(entry["resource"] for entry in (prefetch[key] or {}).get("entry", [])),
            *({**one, "subject": {"reference": f"Patient/{PATIENT}"}} for one in resources),
        )

    return change


def result(code: str, value: Json, unit: str) -> Body:
    return observation(
        concept(code, LOINC), valueQuantity=quantity(value, unit), effectiveDateTime="2026-11-20T08:00:00Z"
    )


def only(key: str, *resources: Body) -> Change:
    def change(prefetch: Body) -> None:
        prefetch[key] = bundle(*({**one, "subject": {"reference": f"Patient/{PATIENT}"}} for one in resources))

    return change


def left_out(key: str) -> Change:
    return lambda prefetch: prefetch.pop(key)


def born(day: str) -> Change:
    def change(prefetch: Body) -> None:
        prefetch["patient"]["birthDate"] = day

    return change


def problem(code: str, system: str = ICD10CM) -> Change:
    return added("problemList", condition(concept(code, system)))


CLOSED_BY_THE_CHART: dict[str, Change] = {
    "on dialysis": problem("Z99.2"),
    "acute kidney injury": problem("N17.9"),
    "chronic kidney disease": problem("N18.30"),
    "eGFR 59": added("kidneyResults", result("98979-8", 59, "mL/min/{1.73_m2}")),
    "no kidney results": only("kidneyResults"),
    "kidney results not sent": left_out("kidneyResults"),
    "pregnant": problem("Z33.1"),
    "asthma": problem("J45.909"),
    "varices": problem("I85.00"),
    "liver failure": problem("K72.00"),
    "liver failure in words": added("problemList", condition({"text": "acute liver failure"})),
    "cystinuria": problem("85020001", SNOMED),
    "problem list not sent": left_out("problemList"),
    "an allergy": added("allergyList", allergy(concept("197", RXNORM))),
    "allergy list not sent": left_out("allergyList"),
    "nitroglycerin": added("activeMedications", medication_request(concept("4917", RXNORM))),
    "medications not sent": left_out("activeMedications"),
    "acetylcysteine active beside it": added("activeMedications", medication_request(concept("R05CB01", ATC), dosageInstruction=order_of()["dosageInstruction"])),
    "17 years old": born("2009-03-14"),
    "no birthday": born(""),
    "49.9 kg": only("bodyMeasures", result("29463-7", 49.9, "kg")),
    "150.1 kg": only("bodyMeasures", result("29463-7", 150.1, "kg")),
    "no weight": only("bodyMeasures"),
    "an old weight": only("bodyMeasures", {**result("29463-7", 68, "kg"), "effectiveDateTime": "2025-11-22T08:00:00Z"}),
    "acetaminophen levels not sent": left_out("acetaminophenLevels"),
}  # fmt: skip


@pytest.mark.parametrize("change", CLOSED_BY_THE_CHART.values(), ids=CLOSED_BY_THE_CHART)
def test_one_finding_or_one_screen_that_failed_closes_it(change: Change) -> None:
    assert ROW.label in suggestions([order_of()], chart())
    assert ROW.label not in suggestions([order_of()], chart(change))


@pytest.mark.parametrize("kg", [50, 150])
def test_at_the_ends_of_the_weights_it_is_offered(kg: int) -> None:
    assert ROW.label in suggestions([order_of()], chart(only("bodyMeasures", result("29463-7", kg, "kg"))))


CLOSED_BY_THE_ORDER = {
    "2,400 mg already": [order_of(1200)],
    "no dose": [with_instruction(doseAndRate=None)],
    "as needed": [with_instruction(asNeededBoolean=True)],
    "a combination by its code": [order_of(medicationCodeableConcept=concept("1145027", RXNORM))],
    "a combination by its name": [order_of(medicationCodeableConcept={**CAPSULE, "text": "Acetylcysteine 600 mg + paracetamol 500 mg"})],
    "a combination by another strength": [order_of(medicationCodeableConcept={**CAPSULE, "text": "Acetylcysteine 200 mg"})],
    "another code beside it": [order_of(medicationCodeableConcept={"coding": [*CAPSULE["coding"], {"system": RXNORM, "code": "161"}]})],
    "two strengths": [order_of(medicationCodeableConcept={"coding": [*CAPSULE["coding"], {"system": RXNORM, "code": "199650"}]})],
    "500 mg tablets: no whole units": [order_of(500, medicationCodeableConcept=concept("199650", RXNORM))],
    "extended release": [order_of(500, medicationCodeableConcept=concept("487181", RXNORM))],
    "by name only": [order_of(medicationCodeableConcept={"text": "Acetylcysteine 600 mg capsule"})],
    "by its ingredient only": [order_of(medicationCodeableConcept=concept("197", RXNORM))],
    "two orders": [order_of(), order_of(id="e")],
    "two instructions": [order_of(dosageInstruction=order_of()["dosageInstruction"] * 2)],
    "a range of doses": [with_instruction(doseAndRate=[{"doseRange": {"low": quantity(300, "mg"), "high": quantity(600, "mg")}}])],
    "a stated maximum": [with_instruction(maxDosePerPeriod={"numerator": quantity(1200, "mg"), "denominator": quantity(1, "d")})],
    "at times of the clock, three times": [with_instruction(timing={"repeat": {"timeOfDay": ["08:00:00", "14:00:00", "20:00:00"]}})],
    "by a code of timing, once": [with_instruction(timing={"code": {"coding": [{"code": "QD"}]}})],
    "no timing": [with_instruction(timing=None)],
    "an amount in its text": [with_instruction(text="600 mg twice daily")],
    "an amount for the patient": [with_instruction(patientInstruction="Take one capsule after meals")],
    "an amount in a note": [order_of(note=[{"text": "Not more than 1.2 g"}])],
    "a time of day in its text": [with_instruction(text="in the morning")],
    "a route that is not read": [with_instruction(route={"text": "as told"})],
    "without an id": [order_of(id=None)],
}  # fmt: skip


@pytest.mark.parametrize("orders", CLOSED_BY_THE_ORDER.values(), ids=CLOSED_BY_THE_ORDER)
def test_one_thing_of_the_order_closes_it(orders: list[Body]) -> None:
    stated = [{name: value for name, value in order.items() if value is not None} for order in orders]

    assert ROW.label not in suggestions(stated, chart())


def test_twice_daily_by_a_code_keeps_its_timing() -> None:
    timing = {"code": {"coding": [{"code": "BID"}]}}

    resource = suggestions([with_instruction(timing=timing, patientInstruction="twice daily, with food")], chart())[
        ROW.label
    ]

    assert resource["dosageInstruction"][0]["timing"] == timing


def test_every_gate_of_it_is_closed_by_one_of_these() -> None:
    """So that a gate which is added needs a row here."""
    facts = {condition.fact for condition in ROW.conditions()}
    closing = len(CLOSED_BY_THE_CHART) + len(CLOSED_BY_THE_ORDER)

    assert len(facts) == 22
    assert closing > 2 * len(facts)


def test_no_suggestion_is_marked_as_recommended() -> None:
    body = json.dumps(suggestions([order_of()], chart()), default=str)

    assert "isRecommended" not in body
