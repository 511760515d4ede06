"""What a clinician would not want missed: found by hand-made awkward patients, each a row of its own."""

import json
from typing import Any

import pytest

from cds_service.answering import Answer
from cds_service.hooks.requests import read_request
from tests.builders import ATC, LOINC, RXNORM, bundle, concept, observation
from tests.support import CONTENT, NOW, answer_now

V3 = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
MAN = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1980-01-01"}
DIPEPTIVEN = {
    "resourceType": "MedicationRequest",
    "id": "g",
    "status": "active",
    "medicationCodeableConcept": {"coding": [{"system": ATC, "code": "B05XB02"}]},
    "dosageInstruction": [{"route": {"text": "intravenous"}}],
}


def result(code: str, value: Any, unit: str, **members: Any) -> dict[str, Any]:
    value_quantity = {"value": value, "unit": unit}
    return observation(concept(code, LOINC), **{"id": f"o-{code}", "valueQuantity": value_quantity, **members})


def condition(**code: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": "c", "code": code}


GLUTAMATE = result("20642-5", 64, "umol/L")
WHOLE: dict[str, Any] = {
    "patient": MAN,
    "aminoAcids": bundle(GLUTAMATE),
    "kidneyResults": None,
    "bodyMeasures": bundle(result("29463-7", 70, "kg")),
    "acetaminophenLevels": None,
    "problemList": None,
    "allergyList": None,
    "activeMedications": None,
}


def order(name: str = "acetylcysteine", identity: str = "a", **members: Any) -> dict[str, Any]:
    dose = {"doseAndRate": [{"doseQuantity": {"value": 600, "unit": "mg"}}]}
    instruction = {**dose, "timing": {"code": {"text": "BID"}}, **members.pop("instruction", {})}
    drug = {"coding": [{"system": RXNORM, "code": "197"}], "text": name}
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "medicationCodeableConcept": drug,
        "dosageInstruction": [instruction],
        **members,
    }


def called(*orders: dict[str, Any], **prefetch: Any) -> Answer:
    body = {
        "hook": "order-sign",
        "hookInstance": "x",
        "context": {"patientId": "p", "draftOrders": bundle(*orders)},
        "prefetch": {**WHOLE, **prefetch},
    }
    return answer_now(read_request(json.dumps(body).encode(), "order-sign"), CONTENT, NOW, lambda: "id")


def details(answered: Answer) -> str:
    return "\n".join(card.detail for card in answered.response.cards)


def test_the_usual_order_gets_its_baseline_card() -> None:
    assert called(order()).card_ids == ["glutamate-unclassified"]


ANTIDOTES = {
    "a v3 route code": order(instruction={"route": {"coding": [{"system": V3, "code": "IV"}]}}),
    "a v3 injection code": order(instruction={"route": {"coding": [{"system": V3, "code": "IVINJ"}]}}),
    "intravenously": order(instruction={"route": {"text": "Intravenously"}}),
    "IVPB": order(instruction={"route": {"text": "IVPB"}}),
    "intravenous in the dosage text": order(instruction={"text": "150 mg/kg IV over 1 h"}),
    "a dose per kg in words": order(instruction={"text": "140 mg/kg by mouth, then 70 mg/kg", "doseAndRate": []}),
    "solution for injection": order("Acetylcysteine 200 mg/mL solution for injection"),
    "solution for infusion": order("Acetylcysteine concentrate for solution for infusion"),
    "an overdose in a note": order(note=[{"text": "paracetamol overdose protocol"}]),
    "an overdose in an instruction": order(
        instruction={"additionalInstruction": [{"text": "for paracetamol overdose"}]}
    ),
    "toxicity as the reason": order(reasonCode=[{"text": "acetaminophen toxicity"}]),
    "intoxication as the reason": order(reasonCode=[{"text": "Paracetamol intoxication"}]),
}


@pytest.mark.parametrize("one", ANTIDOTES.values(), ids=ANTIDOTES)
def test_in_doubt_it_is_an_antidote(one: dict[str, Any]) -> None:
    assert called(one).card_ids == []


def test_poisoning_as_the_reason_of_one_order_is_about_the_patient_of_all() -> None:
    poisoned = order(identity="b", reasonCode=[{"text": "paracetamol overdose"}])

    assert called(order(), poisoned).card_ids == []


@pytest.mark.parametrize("words", ["Haemodialysis", "Hemodialysis three times weekly", "CVVHD", "ESRD on hemodialysis"])
def test_dialysis_in_words_is_never_read_as_none(words: str) -> None:
    answered = called(order(), problemList=bundle(condition(text=words)), activeMedications=bundle(DIPEPTIVEN))

    assert "glutamine-contraindicated" in answered.card_ids
    assert "no kidney disease on the problem list" not in details(answered)


@pytest.mark.parametrize("words", ["AKI", "CKD stage 5", "Chronic renal insufficiency"])
def test_kidney_disease_in_words_is_never_read_as_none(words: str) -> None:
    answered = called(order(), problemList=bundle(condition(text=words)))

    assert "on the problem list" in details(answered)
    assert "no kidney disease on the problem list" not in details(answered)


UNUSABLE = {
    "sex not known": ({"patient": {**MAN, "gender": "other"}}, result("2160-0", 5.0, "mg/dL")),
    "a comparator": (
        {},
        result("2160-0", 5, "mg/dL") | {"valueQuantity": {"value": 5, "unit": "mg/dL", "comparator": ">"}},
    ),
    "no unit": ({}, result("2160-0", 4.0, "")),
    "preliminary": ({}, result("2160-0", 4.0, "mg/dL", status="preliminary")),
}


@pytest.mark.parametrize(("more", "creatinine"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_kidney_result_that_cannot_be_used_is_not_none_on_record(more: Any, creatinine: Any) -> None:
    answered = called(order(), kidneyResults=bundle(creatinine), activeMedications=bundle(DIPEPTIVEN), **more)

    assert "creatinine clearance" in details(answered)
    assert "screening-incomplete" in answered.card_ids


def test_noise_of_floating_point_costs_no_result() -> None:
    answered = called(order(), aminoAcids=bundle(result("20642-5", 64.10000000000001, "umol/L")))

    assert answered.card_ids == ["glutamate-unclassified"]
    assert "64.1 µmol/L" in details(answered)


@pytest.mark.parametrize(
    "entry",
    [{"resourceType": "AllergyIntolerance", "id": "x"}, {"resourceType": "AllergyIntolerance", "id": "x", "code": {}}],
    ids=["no code", "an empty code"],
)
def test_an_allergy_that_cannot_be_read_is_not_none_on_record(entry: dict[str, Any]) -> None:
    assert "allergy to acetylcysteine: an entry of the allergy list has neither" in details(
        called(order(), allergyList=bundle(entry))
    )


@pytest.mark.parametrize(
    "members",
    [
        {"specimen": {"display": "Urine"}},
        {"contained": [{"resourceType": "Specimen", "id": "s", "type": {"text": "Urine specimen"}}]},
    ],
    ids=["display", "contained"],
)
def test_a_plasma_code_on_a_urine_specimen_is_not_plasma(members: dict[str, Any]) -> None:
    answered = called(order(), aminoAcids=bundle(result("20642-5", 64, "umol/L", **members)))

    assert answered.card_ids == ["glutamate-not-measured"]
    assert "its specimen is not plasma or serum" in details(answered)


def test_a_daily_dose_is_not_offered_for_each_of_several_orders() -> None:
    answered = called(order(), order(identity="b"))
    offers = [one.label for card in answered.response.cards for one in card.suggestions]

    assert offers == ["Order plasma amino acids in 8 weeks"]


def test_an_order_whose_words_state_its_dose_is_not_changed() -> None:
    narrative = {"status": "generated", "div": "<div>600 mg twice daily</div>"}
    answered = called(order(renderedDosageInstruction="600 mg twice daily", text=narrative))
    changed = [one.actions[0].type for card in answered.response.cards for one in card.suggestions]

    assert "update" not in changed


def test_a_supply_that_may_be_repeated_lasts_as_often_again() -> None:
    supply = {"expectedSupplyDuration": {"value": 56, "unit": "d"}, "numberOfRepeatsAllowed": 5}

    assert "Duration 336 days: **longer than any study" in details(called(order(dispenseRequest=supply)))


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_an_order_that_is_not_to_be_given_gets_no_card(status: str) -> None:
    assert called(order(status=status)).card_ids == []


@pytest.mark.parametrize("repeats", ["5", -1, {}], ids=["text", "negative", "an object"])
def test_repeats_that_cannot_be_read_leave_the_duration_unknown(repeats: Any) -> None:
    supply = {"expectedSupplyDuration": {"value": 56, "unit": "d"}, "numberOfRepeatsAllowed": repeats}

    assert "Its duration could not be read" in details(called(order(dispenseRequest=supply)))


NAMELESS = {"coding": [{"system": "http://snomed.info/sct", "code": "999000123"}]}


@pytest.mark.parametrize("code", [NAMELESS, {"text": "Unable to assess"}])
def test_an_entry_that_may_be_anything_may_be_a_poisoning(code: dict[str, Any]) -> None:
    assert "acetaminophen poisoning" in details(called(order(), problemList=bundle(condition(**code))))


@pytest.mark.parametrize("drug", [NAMELESS, {"text": "Unknown"}, {}])
def test_a_medication_that_may_be_anything_leaves_the_baseline_open(drug: dict[str, Any]) -> None:
    taken = {"resourceType": "MedicationRequest", "id": "m", "status": "active", "medicationCodeableConcept": drug}
    answered = called(order(), activeMedications=bundle({**taken, "authoredOn": "2026-09-01"}))
    assert "time of the glutamate sample" in details(answered)


KIDNEY_WORDS = (
    "Chronische Niereninsuffizienz",
    "Dialysepflichtige Niereninsuffizienz",
    "Hämodialyse",
    "insuffisance rénale chronique",
    "insuficiencia renal crónica",
    "insufficienza renale cronica",
    "nierinsufficiëntie",
    "diabetic nephropathy",
    "nefropatía diabética",
)


@pytest.mark.parametrize("name", KIDNEY_WORDS)
def test_a_kidney_disease_in_other_words_is_not_none_on_record(name: str) -> None:
    answered = called(order(), problemList=bundle(condition(text=name)))
    assert "no kidney disease" not in details(answered)
    assert "kidney function" in details(answered)


def test_an_acute_injury_of_long_ago_and_a_creatinine_that_fell_are_said() -> None:
    injury = {**condition(coding=[{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "N17.9"}]), "id": "i"}
    answered = called(order(), problemList=bundle({**injury, "onsetDateTime": "2020-01-01"}))
    assert "no kidney disease" not in details(answered)
    assert "an acute kidney injury of more than 90 days ago is listed" in details(answered)
    before = result("14682-9", 300, "umol/L", id="b", effectiveDateTime="2026-11-19T08:00:00Z")
    fell = called(order(), kidneyResults=bundle(before, result("14682-9", 90, "umol/L")))
    assert "creatinine fell within 7 days, from 300 µmol/L" in details(fell)


BY_MOUTH = {"route": {"text": "oral"}}


def test_an_order_that_the_call_stops_is_no_longer_added() -> None:
    running = {**order(identity="m"), "medicationCodeableConcept": {"text": "acetylcysteine A"}, "status": "active"}
    drafts = [order(identity="d", instruction=BY_MOUTH), {**running, "status": "stopped"}]
    sums = [details(called(*some, activeMedications=bundle(running))) for some in (drafts[:1], drafts)]
    assert ["together" in text for text in sums] == [True, False]


def test_a_statement_is_added_too() -> None:
    dose = {"doseAndRate": [{"doseQuantity": {"value": 900, "unit": "mg"}}], "timing": {"code": {"text": "BID"}}}
    statement = {
        "resourceType": "MedicationStatement",
        "id": "s",
        "status": "active",
        "medicationCodeableConcept": {"text": "acetylcysteine A"},
        "dosage": [{**dose, **BY_MOUTH}],
    }
    answered = called(order(instruction=BY_MOUTH), medicationStatements=bundle(statement))
    assert "with the active 900 mg" in details(answered)
    assert "3,000 mg" in details(answered)
