"""One call answered: which orders are in question, which cards they get, and what is never read."""

import json
import re

import pytest

from cds_service.answering import Answer
from cds_service.errors import DataNotObtained, InvalidRequest
from cds_service.gathering.orders import read_draft_orders
from cds_service.gathering.server import NoServer
from cds_service.guidance.model import Content
from cds_service.hooks.cards import Response, to_json
from cds_service.hooks.requests import read_request
from tests import builders
from tests.builders import SNOMED, bundle, concept, condition, quantity
from tests.support import CONTENT, NOW, ROOT, Body, Json, answer_now

HOOKS = {"medication-prescribe": "medications", "order-select": "draftOrders", "order-sign": "draftOrders"}
NEXT_TO_NOTHING = {"bodyMeasures": None}
INHALED: Json = {"dosageInstruction": [{"route": {"text": "inhalation"}}]}
INTRAVENOUS: Json = {"dosageInstruction": [{"route": {"text": "intravenous"}}]}


def stored(folder: str, name: str) -> Json:
    return json.loads((ROOT / "fixtures" / folder / f"{name}.json").read_text(encoding="utf-8"))


def order(identity: str, drug: str = "acetylcysteine", kind: str = "MedicationRequest", **members: Json) -> Body:
    return {"resourceType": kind, "id": identity, "medicationCodeableConcept": {"text": drug}, **members}


def by_reference(identity: str, reference: str = "Medication/m1", **members: Json) -> Body:
    pointer = {"medicationReference": {"reference": reference}}
    return {"resourceType": "MedicationRequest", "id": identity, **pointer, **members}


def medication(identity: str = "m1", name: str = "acetylcysteine") -> Body:
    return {"resourceType": "Medication", "id": identity, "code": {"text": name}}


def strong(identity: str) -> Body:
    """2,401 mg once a day."""
    dose, timing = quantity(2401, "mg"), {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    return order(identity, dosageInstruction=[{"doseAndRate": [{"doseQuantity": dose}], "timing": timing}])


def allergy(**members: Json) -> Body:
    return builders.allergy({"text": "acetylcysteine"}, **members)


NO_CARDS = Answer(Response(cards=()))
ASTHMA = condition(concept("195967001", SNOMED))
RESULTS = ("aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels")
NOTHING_FOUND = dict.fromkeys((*RESULTS, "problemList", "allergyList", "activeMedications"))
ADULT = {**NOTHING_FOUND, "patient": {"resourceType": "Patient", "id": "p", "birthDate": "1980-01-01"}}


def body(*orders: Body, hook: str = "order-sign", prefetch: Body = ADULT, **context: Json) -> Body:
    return {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"patientId": "p", HOOKS[hook]: bundle(*orders), **context},
        "prefetch": prefetch,
    }


def called(sent: Body, content: Content = CONTENT, **more: Json) -> Answer:
    ids = iter(range(1000))
    request = read_request(json.dumps(sent).encode(), sent["hook"])
    return answer_now(request, content, NOW, lambda: f"id-{next(ids)}", **more)


def selected(sent: Body) -> Json:
    request = read_request(json.dumps(sent).encode(), sent["hook"])
    return read_draft_orders(request, CONTENT.vocabulary).selected_orders


def in_question(*orders: Body, **members: Json) -> list[str]:
    sent = body(*orders, **members)
    return [order["id"] for order in selected(sent)]


# --- which orders are in question -------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["medication-prescribe", "order-sign"])
def test_every_order_is_in_question_when_it_is_prescribed_or_signed(hook: str) -> None:
    orders = (order("a"), order("b", "amoxicillin"), order("c"))
    assert in_question(*orders, hook=hook) == ["a", "b", "c"]
    assert in_question(*orders, hook=hook, selections=["MedicationRequest/a"]) == ["a", "b", "c"]


SELECTIONS = {
    "one": (["MedicationRequest/b"], ["b"]),
    "two, in the order of the bundle": (["MedicationRequest/c", "MedicationRequest/a"], ["a", "c"]),
    "one, and one that is not there": (["MedicationRequest/b", "MedicationRequest/x"], ["b"]),
    "one of another type": (["ServiceRequest/s"], []),
    "one of another type, and an order": (["ServiceRequest/s", "MedicationRequest/b"], ["b"]),
    "none": ([], ["a", "b", "c"]),
    "not in the bundle": (["MedicationRequest/x"], ["a", "b", "c"]),
    "of another type than the entry": (["MedicationOrder/b"], ["a", "b", "c"]),
    "null": (None, ["a", "b", "c"]),
    "a text": ("MedicationRequest/b", ["a", "b", "c"]),
    "a list of numbers": ([1, None], ["a", "b", "c"]),
    "the beginning of an id": (["MedicationRequest/"], ["a", "b", "c"]),
}


@pytest.mark.parametrize(("selections", "expected"), SELECTIONS.values(), ids=SELECTIONS)
def test_of_the_drafts_those_that_were_selected_are_in_question(selections: Json, expected: list[str]) -> None:
    drafts = (order("a"), order("b"), {"resourceType": "ServiceRequest", "id": "s"}, order("c"))
    assert in_question(*drafts, hook="order-select", selections=selections) == expected


def test_every_draft_is_in_question_where_selections_are_missing() -> None:
    assert in_question(order("a"), order("b"), hook="order-select") == ["a", "b"]


def test_a_selected_order_that_is_not_to_be_given_leaves_none_in_question() -> None:
    drafts = (order("a", doNotPerform=True), order("b"))
    assert in_question(*drafts, hook="order-select", selections=["MedicationRequest/a"]) == []


@pytest.mark.parametrize("identity", [None, "", 7], ids=["missing", "blank", "a number"])
def test_an_order_without_an_id_cannot_be_selected(identity: int | str | None) -> None:
    sent = body(
        {**order("a"), "id": identity}, order("b"), hook="order-select", selections=["MedicationRequest", "7", ""]
    )
    assert len(selected(sent)) == 2


def test_an_order_of_dstu2_is_selected_by_its_own_type() -> None:
    drafts = (order("a", kind="MedicationOrder"), order("a"))
    sent = body(*drafts, hook="order-select", selections=["MedicationOrder/a"])
    (one,) = selected(sent)
    assert one["resourceType"] == "MedicationOrder"


def test_a_draft_that_was_not_selected_gets_no_card() -> None:
    drafts = (order("a", "amoxicillin"), order("b"))
    sent = body(*drafts, hook="order-select", selections=["MedicationRequest/a"])
    assert called(sent) == NO_CARDS


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_gives_the_same_cards_for_the_same_order(hook: str) -> None:
    assert called(body(order("a"), hook=hook)).card_ids == ["glutamate-not-measured"]


# --- orders for something else ----------------------------------------------------------------------------------------

SOMETHING_ELSE = {
    "no order": [],
    "another drug": [stored("orders", "amoxicillin")],
    "a look-alike": [stored("orders", "carbocisteine")],
    "no drug yet": [{"resourceType": "MedicationRequest", "id": "a"}],
    "not to be given": [order("a", doNotPerform=True)],
    "another resource": [{**order("a"), "resourceType": "MedicationStatement"}],
    "a medication by itself": [medication()],
    "contained": [by_reference("a", "#m", contained=[medication("m", "amoxicillin")])],
    "bundled": [by_reference("a"), medication(name="amoxicillin")],
}
NOT_UTF8 = b'{"patient": {"id": "\xff"}}'


def raw(sent: Body, prefetch: bytes) -> bytes:
    return json.dumps({**sent, "prefetch": "HERE"}).encode().replace(b'"HERE"', prefetch)


@pytest.mark.parametrize("orders", SOMETHING_ELSE.values(), ids=SOMETHING_ELSE)
def test_an_order_for_something_else_gets_no_card_whatever_is_in_the_record(orders: list[Body]) -> None:
    sent = body(*orders, prefetch={**ADULT, "allergyList": bundle(allergy()), "problemList": bundle(ASTHMA)})
    result = called(sent)
    assert to_json(result.response) == b'{"cards":[]}'
    assert (result.decisions, result.unresolved_orders) == ((), 0)


@pytest.mark.parametrize("orders", SOMETHING_ELSE.values(), ids=SOMETHING_ELSE)
def test_for_something_else_the_prefetch_is_never_parsed(orders: list[Body]) -> None:
    request = read_request(raw(body(*orders), NOT_UTF8), "order-sign")
    assert answer_now(request, CONTENT, NOW, lambda: "id") == NO_CARDS


MUST_BE_PARSED = {"acetylcysteine": order("a"), "a drug that nothing at hand resolves": by_reference("a")}


@pytest.mark.parametrize("one", MUST_BE_PARSED.values(), ids=MUST_BE_PARSED)
def test_the_same_prefetch_is_refused_as_soon_as_an_order_may_be_acetylcysteine(one: Body) -> None:
    request = read_request(raw(body(one), NOT_UTF8), "order-sign")
    with pytest.raises(InvalidRequest, match=r"^prefetch: "):
        answer_now(request, CONTENT, NOW, lambda: "id")


UNUSABLE = {"list": b"[]", "text": b'"none"', "null": b"null", "number": b"7"}


@pytest.mark.parametrize("prefetch", UNUSABLE.values(), ids=UNUSABLE)
def test_a_prefetch_that_is_no_object_counts_as_not_sent(prefetch: bytes) -> None:
    request = read_request(raw(body(order("a")), prefetch), "order-sign")
    with pytest.raises(DataNotObtained) as refused:
        answer_now(request, CONTENT, NOW, lambda: "id")
    assert set(refused.value.missing.values()) == {"not sent"}


def test_a_number_that_no_decimal_can_hold_costs_only_itself() -> None:
    sent = b'{"patient": 1e99999999999999999999, "bodyMeasures": null}'
    request = read_request(raw(body(order("a")), sent), "order-sign")
    result = answer_now(request, CONTENT, NOW, lambda: "id")
    assert "screening-incomplete" in result.card_ids


# --- a drug behind a reference ----------------------------------------------------------------------------------------

RESOLVED = {
    "contained": ([by_reference("a", "#m", contained=[medication("m")])], ADULT),
    "bundled": ([by_reference("a"), medication()], ADULT),
    "prefetched in a Bundle": ([by_reference("a")], {**ADULT, "activeMedications": bundle(medication())}),
    "prefetched by itself": ([by_reference("a")], {**ADULT, "medication": medication()}),
    "prefetched under an unknown key": ([by_reference("a")], {**ADULT, "drugs": bundle(medication())}),
}


@pytest.mark.parametrize(("orders", "prefetch"), RESOLVED.values(), ids=RESOLVED)
def test_a_drug_behind_a_reference_is_recognised(orders: list[Body], prefetch: Body) -> None:
    result = called(body(*orders, prefetch=prefetch))
    assert len({id(one.order) for one in result.decisions}) == 1
    assert result.unresolved_orders == 0
    assert result.card_ids


def test_a_drug_without_a_name_behind_a_reference_that_nothing_resolves_may_be_anything() -> None:
    with pytest.raises(DataNotObtained) as refused:
        called(body(by_reference("a"), order("b", "amoxicillin")))
    assert list(refused.value.missing) == ["Medication"]


def test_a_drug_behind_a_reference_that_is_named_as_another_one_is_counted_and_gets_no_card() -> None:
    named = {"reference": "Medication/m1", "display": "Amoxicillin 500 MG"}
    result = called(body(by_reference("a", medicationReference=named)))
    assert (result.card_ids, result.unresolved_orders) == ([], 1)


def test_an_unread_order_beside_one_for_acetylcysteine_is_counted() -> None:
    result = called(body(by_reference("a"), order("b")))
    assert (result.card_ids, result.unresolved_orders) == (["screening-incomplete", "glutamate-not-measured"], 1)


def test_one_drug_may_be_bundled_and_another_prefetched() -> None:
    sent = body(
        by_reference("a"), medication(), by_reference("b", "Medication/m2"), prefetch={**ADULT, "m": medication("m2")}
    )
    result = called(sent)
    assert {one.order.reference for one in result.decisions} == {"MedicationRequest/a", "MedicationRequest/b"}


def test_a_medication_in_the_prefetch_that_is_something_else_ends_the_question() -> None:
    result = called(body(by_reference("a"), prefetch={"m": medication(name="amoxicillin")}))
    assert (result.card_ids, result.unresolved_orders) == ([], 0)


def test_odd_values_beside_the_medication_in_the_prefetch_are_passed_over() -> None:
    odd = {"a": None, "b": "x", "c": [medication()], "d": {"entry": "x"}, "e": {"entry": [None, {"resource": 7}]}}
    with pytest.raises(DataNotObtained):
        called(body(by_reference("a"), prefetch=odd))


# --- cards ------------------------------------------------------------------------------------------------------------


def test_a_card_about_the_order_comes_for_each_order_and_one_about_the_patient_once() -> None:
    allergic = {**ADULT, "allergyList": bundle(allergy()), "problemList": bundle(ASTHMA)}
    result = called(body(strong("a"), strong("b"), order("c"), prefetch=allergic))
    assert result.card_ids == [
        *["acetylcysteine-hypersensitivity"] * 3,
        "dose-above-studied",
        "bronchospasm-oral",
    ]


def test_critical_cards_come_first_then_warnings_then_information() -> None:
    allergic = {**ADULT, "allergyList": bundle(allergy()), "problemList": bundle(ASTHMA)}
    levels = [card.indicator for card in called(body(strong("a"), prefetch=allergic)).response.cards]
    assert levels == ["critical", "warning", "info"]


def test_beside_an_antidote_an_allergy_is_a_warning_for_every_order() -> None:
    allergic = {**ADULT, "allergyList": bundle(allergy())}
    result = called(body(order("a", **INTRAVENOUS), order("b"), prefetch=allergic))
    assert [(card.source.topic.code, card.indicator) for card in result.response.cards][:2] == [
        ("acetylcysteine-hypersensitivity", "warning"),
        ("acetylcysteine-hypersensitivity", "warning"),
    ]


def test_orders_of_different_use_each_get_their_own_cards() -> None:
    asthmatic = {**ADULT, "problemList": bundle(ASTHMA)}
    result = called(body(order("a", **INHALED), order("b"), prefetch=asthmatic))
    assert result.card_ids == ["bronchospasm-inhaled", "bronchospasm-oral", "glutamate-not-measured"]
    antidote = called(body(order("a", **INHALED), order("b"), order("c", **INTRAVENOUS), prefetch=asthmatic))
    assert antidote.card_ids == []


def test_an_antidote_gets_no_card_but_a_warning_of_an_allergy() -> None:
    for prefetch in (ADULT, {}, {**ADULT, "problemList": bundle(ASTHMA)}):
        assert called(body(order("a", **INTRAVENOUS), prefetch=prefetch)).card_ids == []
    allergic = {**ADULT, "allergyList": bundle(allergy())}
    (card,) = called(body(order("a", **INTRAVENOUS), prefetch=allergic)).response.cards
    assert (card.source.topic.code, card.indicator) == ("acetylcysteine-hypersensitivity", "warning")


def test_poisoning_on_record_makes_every_order_an_antidote() -> None:
    poisoned = {**ADULT, "problemList": bundle(ASTHMA, {"resourceType": "Condition", "code": {"text": "overdose"}})}
    result = called(body(strong("a"), order("b", **INHALED), prefetch=poisoned))
    assert result.card_ids == []
    assert {one.decision.facts["use"].value for one in result.decisions} == {"antidote"}


def test_eye_drops_get_no_card() -> None:
    allergic = {**ADULT, "allergyList": bundle(allergy()), "problemList": bundle(ASTHMA)}
    eye_drops = {**stored("orders", "eye-drops"), "subject": {"reference": "Patient/p"}}
    assert called(body(eye_drops, prefetch=allergic)).card_ids == []
    assert called(body(eye_drops, prefetch={})).card_ids == []


def test_with_next_to_no_data_one_card_names_what_was_not_screened() -> None:
    result = called(body(order("a"), prefetch=NEXT_TO_NOTHING))
    assert result.card_ids == ["screening-incomplete"]
    detail = result.response.cards[0].detail
    assert all(
        words in detail for words in ("allergy list not sent", "problem list not sent", "amino acid results not sent")
    )


def test_why_nothing_was_asked_for_reaches_the_card() -> None:
    source = NoServer("its server may not be called")
    detail = called(body(order("a"), prefetch=NEXT_TO_NOTHING), source=source).response.cards[0].detail
    assert "allergy list not sent (its server may not be called)" in detail


def test_every_card_is_decided_for_every_order() -> None:
    result = called(body(order("a"), order("b"), order("c", "amoxicillin")))
    assert len(result.decisions) == 2 * len(CONTENT.order_cards)
    assert [one.order.reference for one in result.decisions][:: len(CONTENT.order_cards)] == [
        "MedicationRequest/a",
        "MedicationRequest/b",
    ]


def test_each_card_has_an_id_of_its_own() -> None:
    allergic = {**ADULT, "allergyList": bundle(allergy())}
    cards = called(body(strong("a"), strong("b"), prefetch=allergic)).response.cards
    assert len({card.uuid for card in cards}) == len(cards) == 3


def test_data_of_another_patient_are_never_used() -> None:
    stranger = {"patient": {"reference": "Patient/q"}}
    result = called(body(order("a"), prefetch={**ADULT, "allergyList": bundle(allergy(**stranger))}))
    assert result.card_ids == ["screening-incomplete", "glutamate-not-measured"]
    assert "another patient" in result.response.cards[0].detail


def test_an_order_that_already_runs_is_treatment_and_signed_again() -> None:
    sample = stored("patients", "alma-glutamate-high")["entry"]
    glutamate = next(one["resource"] for one in sample if one["resource"]["id"] == "alma-glutamate")
    glutamate = {**glutamate, "subject": {"reference": "Patient/p"}}
    signed = order("a", status="active", authoredOn="2026-01-01")
    prefetch = {**ADULT, "aminoAcids": bundle(glutamate), "activeMedications": bundle(signed)}
    assert called(body(order("a"), prefetch=prefetch)).card_ids == ["glutamate-on-treatment"]
    assert called(body(order("b"), prefetch=prefetch)).card_ids == ["glutamate-on-treatment"]
    assert called(body(order("b"), prefetch={**prefetch, "activeMedications": None})).card_ids == ["glutamate-high"]


# --- an order that names another patient ------------------------------------------------------------------------------

OURS = {
    "no subject": None,
    "ours": {"reference": "Patient/p"},
    "ours on a server": {"reference": "https://ehr.example.org/fhir/Patient/p"},
    "ours in a version": {"reference": "Patient/p/_history/3"},
    "our bare id": {"reference": "p"},
    "a urn": {"reference": "urn:uuid:0b5a"},
    "contained": {"reference": "#p1"},
    "words alone": {"display": "Somebody"},
}
THEIRS = {
    "another": {"reference": "Patient/q"},
    "another on a server": {"reference": "https://ehr.example.org/fhir/Patient/q"},
    "another in a version": {"reference": "Patient/q/_history/3"},
    "another bare id": {"reference": "q"},
    "a group": {"reference": "Group/p"},
}


@pytest.mark.parametrize("subject", OURS.values(), ids=OURS)
def test_an_order_of_this_patient_gets_its_cards(subject: Body | None) -> None:
    assert called(body(order("a", subject=subject))).card_ids == ["glutamate-not-measured"]


@pytest.mark.parametrize("subject", THEIRS.values(), ids=THEIRS)
@pytest.mark.parametrize("members", [{}, INHALED, INTRAVENOUS], ids=["by mouth", "inhaled", "intravenous"])
def test_an_order_of_another_patient_is_named_and_nothing_else_is_said_of_it(subject: Body, members: Body) -> None:
    (card,) = called(body(order("a", subject=subject, **members))).response.cards
    assert card.source.topic.code == "screening-incomplete"
    assert card.summary == "Acetylcysteine, not checked: an order that names another patient"
    assert card.suggestions == ()
    alone = called(body(order("a", subject=subject), prefetch={}), source=NoServer())
    assert alone.card_ids == ["screening-incomplete"]


def test_an_order_of_another_patient_beside_ours_is_named_and_does_not_count() -> None:
    theirs = strong("b") | {"subject": {"reference": "Patient/q"}}
    result = called(body(order("a"), theirs))
    assert result.card_ids == ["screening-incomplete", "glutamate-not-measured"]
    assert "an order that names another patient" in result.response.cards[0].detail


def test_an_order_of_another_patient_beside_an_antidote_of_ours_delays_nothing() -> None:
    theirs = order("b", subject={"reference": "Patient/q"})
    assert called(body(order("a", **INTRAVENOUS), theirs)).card_ids == []


@pytest.mark.parametrize(
    ("members", "card_ids"),
    [
        (INTRAVENOUS, []),
        ({}, ["screening-incomplete"]),
        ({**INTRAVENOUS, "subject": {"reference": "Patient/q"}}, ["screening-incomplete"]),
    ],
    ids=["an antidote", "by mouth", "an antidote of another patient"],
)
def test_an_order_of_another_patient_delays_no_antidote_that_is_drafted_beside_it(
    members: Body, card_ids: list[str]
) -> None:
    theirs = order("b", subject={"reference": "Patient/q"})
    request = body(order("a", **members), theirs, hook="order-select", selections=["MedicationRequest/b"])
    assert called(request).card_ids == card_ids


# --- what is ordered already, and what stands alone -------------------------------------------------------------------

AMINO_ACIDS = {
    "by name": {"code": {"text": "Plasma amino acids"}},
    "by the code of a panel": {"code": {"coding": [{"system": "http://loinc.org", "code": "35083-5"}]}},
    "by the code of glutamate": {"code": {"coding": [{"system": "http://loinc.org", "code": "20642-5"}]}},
    "of R5": {"code": {"concept": {"text": "Amino acids, plasma"}}},
    "of DSTU2": {"resourceType": "DiagnosticOrder", "item": [{"code": {"text": "Amino acids, serum"}}]},
    "of STU3": {"resourceType": "ProcedureRequest", "code": {"text": "Plasma amino acids"}},
}
OTHER_LABORATORY = {
    "another test": {"code": {"text": "Creatinine"}},
    "revoked": {"status": "revoked", "code": {"text": "Plasma amino acids"}},
}


def offers(laboratory_order: Body) -> list[str]:
    draft = {"resourceType": "ServiceRequest", "id": "l", "status": "draft", **laboratory_order}
    (card,) = called(body(order("a"), draft)).response.cards
    return [suggestion.label for suggestion in card.suggestions]


@pytest.mark.parametrize("laboratory_order", AMINO_ACIDS.values(), ids=AMINO_ACIDS)
def test_amino_acids_are_not_offered_where_a_draft_orders_them(laboratory_order: Body) -> None:
    assert "Order plasma amino acids before the first dose" not in offers(laboratory_order)


@pytest.mark.parametrize("laboratory_order", OTHER_LABORATORY.values(), ids=OTHER_LABORATORY)
def test_another_laboratory_order_takes_nothing_away(laboratory_order: Body) -> None:
    assert "Order plasma amino acids before the first dose" in offers(laboratory_order)


def test_beside_a_critical_allergy_there_is_nothing_to_dose() -> None:
    prefetch = {**ADULT, "allergyList": bundle(allergy(type="allergy", criticality="high"))}
    result = called(body(order("a"), prefetch=prefetch))
    assert result.card_ids == ["acetylcysteine-hypersensitivity"]


def test_what_was_not_checked_comes_first_among_the_information_and_is_named_in_the_summary() -> None:
    prefetch = {**ADULT, "problemList": bundle(ASTHMA)}
    del prefetch["allergyList"]
    result = called(body(order("a"), prefetch=prefetch))
    assert result.card_ids == ["screening-incomplete", "bronchospasm-oral", "glutamate-not-measured"]
    assert result.response.cards[0].summary == "Acetylcysteine, not checked: allergy to acetylcysteine"
    everything = called(body(order("a"), prefetch={"patient": ADULT["patient"]}))
    summary = everything.response.cards[0].summary
    assert summary.startswith("Acetylcysteine, not checked: ")
    assert re.search(r" and \d+ more$", summary)
    assert len(summary) < 140
