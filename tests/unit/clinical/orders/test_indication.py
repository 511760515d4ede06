"""What an order is for: guidance §3, first row. Each sign of an antidote stands alone, and antidote comes first."""

from datetime import timedelta

import pytest

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import State
from cds_service.clinical.orders.indication import poisoning_as_reason, read_poisoning
from cds_service.clinical.orders.recognise import read_order
from cds_service.clinical.reading import read_order_facts, read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, VOCABULARY, draft_orders_of

RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
SNOMED, ICD10CM, LOINC = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm", "http://loinc.org"
MG = {"unit": "mg", "code": "mg", "system": "http://unitsofmeasure.org"}
KEYS = ("patient", "aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels")
EMPTY = dict.fromkeys((*KEYS, "problemList", "allergyList", "activeMedications"))


def concept(code, system, **more):
    return {"coding": [{"system": system, "code": code}], **more}


INGREDIENT = concept("197", RXNORM)
CAPSULE = concept("606971", RXNORM)
VIAL = concept("307718", RXNORM)
ORAL = concept("26643006", SNOMED)


def draft(drug=INGREDIENT, route=None, dose=None, **members):
    instruction = {}
    if route is not None:
        instruction["route"] = route
    if dose is not None:
        instruction["doseAndRate"] = [{"doseQuantity": dose}]
    order = {"resourceType": "MedicationRequest", "id": "draft", "medicationCodeableConcept": drug}
    return {**order, "dosageInstruction": [instruction], **members}


def facts_of(order, **prefetch):
    chart = build_chart("p", {**EMPTY, **prefetch})
    patient = read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)
    return {**patient, **read_order_facts(draft_orders_of(order), patient, chart, VOCABULARY, NOW)[0]}


def use(order, **prefetch):
    fact = facts_of(order, **prefetch)["use"]
    assert fact.state is State.KNOWN
    return fact.value


def bundle(*resources):
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


def status(code):
    return {"coding": [{"code": code}]}


def condition(code, clinical="active", verification="confirmed", **members):
    return {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p"},
        "code": code,
        "clinicalStatus": status(clinical),
        "verificationStatus": status(verification),
        **members,
    }


def observation(loinc, **members):
    return {
        "resourceType": "Observation",
        "id": f"o-{loinc}",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": concept(loinc, LOINC),
        **members,
    }


def level(**members):
    return observation("3298-7", **members)


def weight(kg, days=1):
    taken = (NOW - timedelta(days=days)).date().isoformat()
    value = {"value": kg, "unit": "kg", "code": "kg", "system": "http://unitsofmeasure.org"}
    return {"bodyMeasures": bundle(observation("29463-7", effectiveDateTime=taken, valueQuantity=value))}


def mg(value):
    return {"value": value, **MG}


def mg_per_kg(value):
    return {"value": value, "unit": "mg/kg", "code": "mg/kg", "system": "http://unitsofmeasure.org"}


# --- antidote: route and product --------------------------------------------------------------------------------------

INTRAVENOUS = {
    "route code": draft(route=concept("47625008", SNOMED)),
    "route word": draft(route={"text": "Intravenous"}),
    "route word in a display": draft(route={"coding": [{"display": "intravenous infusion", "code": "x"}]}),
    "IV in capitals": draft(route={"text": "IV"}),
    "route sent as a list": draft(route=[concept("47625008", SNOMED)]),
    "product 465377": draft(concept("465377", RXNORM)),
    "product 582119": draft(concept("582119", RXNORM)),
    "product V03AB23": draft(concept("V03AB23", ATC)),
    "product with an oral route": draft(concept("465377", RXNORM), route=ORAL),
    "oral product with the intravenous route": draft(CAPSULE, route=concept("47625008", SNOMED)),
    "one of two instructions": draft(
        dosageInstruction=[{"route": ORAL}, {"route": concept("47625008", SNOMED)}],
    ),
    "instruction sent as an object": draft(dosageInstruction={"route": {"text": "intravenous"}}),
}


@pytest.mark.parametrize("order", INTRAVENOUS.values(), ids=INTRAVENOUS)
def test_an_intravenous_route_or_product_is_antidote_use(order):
    assert use(order) == "antidote"


@pytest.mark.parametrize("written", ["oral", "privet", "native", "division"])
def test_a_route_word_inside_another_word_is_no_route(written):
    assert use(draft(route={"text": written})) == "other"


# --- antidote: the reason ---------------------------------------------------------------------------------------------

POISONING_CODES = {
    **{f"T39.1X{sixth}A": "antidote" for sixth in "1234"},
    **{f"T39.1X{sixth}A": "other" for sixth in "56"},
    **{f"T391X{sixth}D": "antidote" for sixth in "1234"},
    **{f"T391X{sixth}D": "other" for sixth in "56"},
    **{f"t39.1x{sixth}s": "antidote" for sixth in "1234"},
    **{f"t391x{sixth}a": "other" for sixth in "56"},
    "T39.1X2": "antidote",
    "T39.1": "antidote",
    "T39.1X": "antidote",
    "T391": "antidote",
    "t39.1": "antidote",
    "T39.1X7A": "other",
    "T39.011A": "other",
    "T39.8X1A": "other",
    "T39": "other",
}


@pytest.mark.parametrize(("code", "expected"), POISONING_CODES.items(), ids=POISONING_CODES)
def test_a_reason_code_of_poisoning_counts_with_sixth_character_1_to_4(code, expected):
    assert use(draft(reasonCode=[concept(code, ICD10CM)])) == expected


@pytest.mark.parametrize(("code", "expected"), POISONING_CODES.items(), ids=POISONING_CODES)
def test_an_active_condition_of_poisoning_counts_with_sixth_character_1_to_4(code, expected):
    assert use(draft(), problemList=bundle(condition(concept(code, ICD10CM)))) == expected


@pytest.mark.parametrize("code", ["295124009", "70273001"])
def test_the_snomed_codes_of_poisoning_count(code):
    assert use(draft(reasonCode=[concept(code, SNOMED)])) == "antidote"


def test_a_poisoning_code_in_another_system_does_not_count():
    assert use(draft(reasonCode=[concept("T39.1X1A", SNOMED)])) == "other"


WORDS = {
    "overdose": "antidote",
    "Intentional OVERDOSE, drug unknown": "antidote",
    "poisoning with acetaminophen": "antidote",
    "Acetaminophen poisoning": "antidote",
    "Paracetamol poisoning, accidental": "antidote",
    "poisoning by paracetamol": "antidote",
    "APAP poisoning": "antidote",
    "Poisoning": "other",
    "acetaminophen": "other",
    "paracetamol allergy": "other",
    "food poisoning": "other",
}


@pytest.mark.parametrize(("written", "expected"), WORDS.items(), ids=WORDS)
def test_the_words_of_a_reason_count(written, expected):
    assert use(draft(reasonCode=[{"text": written}])) == expected


@pytest.mark.parametrize(("written", "expected"), WORDS.items(), ids=WORDS)
def test_the_words_of_an_active_condition_count(written, expected):
    assert use(draft(), problemList=bundle(condition({"text": written}))) == expected


POISONING = concept("T39.1X2A", ICD10CM)
REASONS = {
    "R4 list": {"reasonCode": [POISONING]},
    "R4 second of two": {"reasonCode": [{"text": "cough"}, POISONING]},
    "R4 object for the list": {"reasonCode": POISONING},
    "R4 display of a coding": {"reasonCode": [{"coding": [{"code": "1", "display": "Paracetamol overdose"}]}]},
    "DSTU2": {"reasonCodeableConcept": POISONING},
    "DSTU2 text": {"reasonCodeableConcept": {"text": "overdose"}},
    "R5 concept": {"reason": [{"concept": POISONING}]},
    "R5 object for the list": {"reason": {"concept": POISONING}},
    "R5 text": {"reason": [{"concept": {"text": "overdose"}}]},
    "display of the reference": {"reasonReference": [{"display": "Paracetamol overdose"}]},
    "display of the reference, object": {"reasonReference": {"display": "Paracetamol overdose"}},
    "R5 display of the reference": {"reason": [{"reference": {"display": "Paracetamol overdose"}}]},
}


@pytest.mark.parametrize("members", REASONS.values(), ids=REASONS)
def test_a_reason_of_poisoning_counts_wherever_a_fhir_version_puts_it(members):
    assert use(draft(**members)) == "antidote"


MIXED = {
    "refused code, then words": [concept("T39.1X6A", ICD10CM), {"text": "Paracetamol overdose"}],
    "words, then refused code": [{"text": "Paracetamol overdose"}, concept("T39.1X6A", ICD10CM)],
    "refused code, then code": [concept("T39.1X5A", ICD10CM), POISONING],
    "words in the refused concept itself": [concept("T39.1X6A", ICD10CM, text="Paracetamol overdose")],
}


@pytest.mark.parametrize("reasons", MIXED.values(), ids=MIXED)
def test_a_refused_code_never_hides_another_sign_of_poisoning(reasons):
    assert use(draft(reasonCode=reasons)) == "antidote"


POINTED_TO = {
    "Condition/c1": "antidote",
    "https://ehr.example.org/fhir/Condition/c1": "antidote",
    "Condition/c11": "other",
    "Condition/c2": "other",
    "Observation/c1": "other",
}


@pytest.mark.parametrize(("reference", "expected"), POINTED_TO.items(), ids=POINTED_TO)
def test_a_reason_reference_is_followed_to_its_condition(reference, expected):
    resolved = bundle(condition(POISONING, clinical="resolved"))  # not a sign by itself: the order must point to it
    assert use(draft(), problemList=resolved) == "other"
    assert use(draft(reasonReference=[{"reference": reference}]), problemList=resolved) == expected


def test_poisoning_is_stated_by_a_reason_that_an_order_points_to():
    resolved = bundle(condition(POISONING, clinical="resolved"))
    chart = build_chart("p", {**EMPTY, "problemList": resolved})
    order = read_order(draft(reasonReference=[{"reference": "Condition/c1"}]), {}, VOCABULARY)
    fact = poisoning_as_reason([order], chart, VOCABULARY)
    assert (fact.state, fact.value) == (State.KNOWN, "present")
    assert poisoning_as_reason([order], build_chart("p", EMPTY), VOCABULARY) is None


def test_a_reason_reference_of_r5_is_followed_to_its_condition():
    order = draft(reason=[{"reference": {"reference": "Condition/c1"}}])
    assert use(order, problemList=bundle(condition(POISONING, clinical="resolved"))) == "antidote"


def test_a_reason_reference_is_followed_to_a_contained_condition():
    contained = [{"resourceType": "Condition", "id": "why", "code": POISONING}]
    assert use(draft(reasonReference=[{"reference": "#why"}], contained=contained)) == "antidote"


@pytest.mark.parametrize("reference", ["#other", "Condition/other"])
def test_what_a_reason_reference_does_not_lead_to_is_no_reason(reference):
    contained = [{"resourceType": "Condition", "id": "why", "code": POISONING}]
    order = draft(reasonReference=[{"reference": reference}], contained=contained)
    assert use(order, problemList=bundle(condition(POISONING, clinical="resolved"))) == "other"


# --- antidote: conditions and levels on record ------------------------------------------------------------------------

CONDITIONS = {
    "active": (condition(POISONING), "antidote"),
    "recurrence": (condition(POISONING, clinical="recurrence"), "antidote"),
    "relapse": (condition(POISONING, clinical="relapse"), "antidote"),
    "status a plain code": (condition(POISONING, clinicalStatus="active"), "antidote"),
    "status missing": (condition(POISONING, clinicalStatus=None), "antidote"),
    "provisional": (condition(POISONING, verification="provisional"), "antidote"),
    "inactive": (condition(POISONING, clinical="inactive"), "other"),
    "remission": (condition(POISONING, clinical="remission"), "other"),
    "resolved": (condition(POISONING, clinical="resolved"), "other"),
    "resolved, a plain code": (condition(POISONING, clinicalStatus="resolved"), "other"),
    "refuted": (condition(POISONING, verification="refuted"), "other"),
    "refuted, a plain code": (condition(POISONING, verificationStatus="refuted"), "other"),
    "entered in error": (condition(POISONING, verification="entered-in-error"), "other"),
    "of another patient": (condition(POISONING, subject={"reference": "Patient/q"}), "other"),
}


@pytest.mark.parametrize(("record", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_of_poisoning_counts_while_it_is_active(record, expected):
    assert use(draft(), problemList=bundle(record)) == expected


def hours_ago(hours, **more):
    return {"effectiveDateTime": (NOW - timedelta(hours=hours, **more)).isoformat()}


LEVELS = {
    "three hours ago": (level(**hours_ago(3)), "antidote"),
    "72 hours ago": (level(**hours_ago(72)), "antidote"),
    "72 hours and a second ago": (level(**hours_ago(72, seconds=1)), "other"),
    "73 hours ago": (level(**hours_ago(73)), "other"),
    "three days ago, by the day": (level(effectiveDateTime="2026-11-20"), "antidote"),
    "five days ago, by the day": (level(effectiveDateTime="2026-11-18"), "other"),
    "72 hours ago, of another time zone": (level(effectiveDateTime="2026-11-20T04:00:00-05:00"), "antidote"),
    "start of the period": (level(effectivePeriod={"start": "2026-11-22T09:00:00Z"}), "antidote"),
    "undated": (level(), "antidote"),
    "date that cannot be read": (level(effectiveDateTime="yesterday"), "antidote"),
    "undetectable": (level(**hours_ago(3), valueQuantity={"value": 0, "unit": "mg/L"}), "antidote"),
    "without a value": (level(**hours_ago(3), dataAbsentReason={"text": "pending"}), "antidote"),
    "preliminary": (level(**hours_ago(3), status="preliminary"), "antidote"),
    "without a status": (level(**hours_ago(3), status=None), "antidote"),
    "entered in error": (level(**hours_ago(3), status="entered-in-error"), "other"),
    "cancelled": (level(**hours_ago(3), status="cancelled"), "other"),
    "of another patient": (level(**hours_ago(3), subject={"reference": "Patient/q"}), "other"),
    "another analyte": (level(**hours_ago(3), code=concept("4024-6", LOINC)), "other"),
    "inside a panel": (
        level(**hours_ago(3), code={"text": "tox"}, component=[{"code": concept("3298-7", LOINC)}]),
        "antidote",
    ),
}


@pytest.mark.parametrize(("record", "expected"), LEVELS.values(), ids=LEVELS)
def test_an_acetaminophen_level_of_the_last_72_hours_counts_whatever_its_value(record, expected):
    assert use(draft(), acetaminophenLevels=bundle(record)) == expected


def test_a_level_of_another_patient_does_not_count_wherever_the_chart_came_from():
    data = {"problemList": Data(Arrival.EMPTY)}
    for patient, state in (("p", State.KNOWN), ("q", State.ABSENT)):
        chart = Chart(patient, {**data, "acetaminophenLevels": Data(Arrival.GIVEN, (level(),))})
        assert read_poisoning(chart, VOCABULARY, NOW).state is state


def test_poisoning_is_absent_only_where_both_lists_were_asked():
    assert facts_of(draft())["poisoning"].state is State.ABSENT


@pytest.mark.parametrize("key", ["problemList", "acetaminophenLevels"])
def test_poisoning_is_unknown_where_a_list_could_not_be_read(key):
    fact = facts_of(draft(), **{key: {"resourceType": "OperationOutcome"}})["poisoning"]
    assert fact.state is State.UNKNOWN
    assert "could not be read (the EHR reports an error)" in fact.note


def test_the_note_names_every_list_that_poisoning_lacks():
    failed = {"resourceType": "OperationOutcome"}
    note = facts_of(draft(), problemList=failed, acetaminophenLevels=failed)["poisoning"].note
    assert [part.partition(" could")[0] for part in note.split("; ")] == ["problem list", "acetaminophen levels"]


def test_a_sign_of_poisoning_stays_positive_where_the_other_list_is_missing():
    fact = facts_of(draft(), problemList={"resourceType": "OperationOutcome"}, acetaminophenLevels=bundle(level()))
    assert fact["poisoning"].value == "present"
    assert fact["use"].value == "antidote"


# --- antidote: the dose -----------------------------------------------------------------------------------------------

SEVENTY_KG, OLD_SEVENTY_KG = weight(70), weight(70, days=366)
DOSES = {
    "70 mg/kg exactly": (mg(4900), SEVENTY_KG, "antidote"),
    "just under 70 mg/kg": (mg(4899), SEVENTY_KG, "other"),
    "70 mg/kg of a child": (mg(2240), weight(32), "antidote"),
    "5,000 mg below 70 mg/kg": (mg(5000), weight(100), "other"),
    "7,000 mg at 100 kg": (mg(7000), weight(100), "antidote"),
    "no weight, 5,000 mg exactly": (mg(5000), {}, "antidote"),
    "no weight, 4,999 mg": (mg(4999), {}, "other"),
    "no weight, 5 g": ({"value": 5, "unit": "g", "code": "g"}, {}, "antidote"),
    "weight 365 days old, 5,000 mg": (mg(5000), weight(100, days=365), "other"),
    "weight 366 days old, 5,000 mg": (mg(5000), weight(100, days=366), "antidote"),
    "weight 366 days old, 70 mg/kg": (mg(4900), OLD_SEVENTY_KG, "antidote"),
    "weight 366 days old, less than both": (mg(4899), OLD_SEVENTY_KG, "other"),
    "ordered per kg, 70 mg/kg, no weight": (mg_per_kg(70), {}, "antidote"),
    "ordered per kg, 140 mg/kg": (mg_per_kg(140), SEVENTY_KG, "antidote"),
    "ordered per kg, 69.9 mg/kg": (mg_per_kg(69.9), SEVENTY_KG, "other"),
    "ordered per kg, 69.9 mg/kg, no weight": (mg_per_kg(69.9), {}, "other"),
    "ordered per kg, 0.07 g/kg": ({"value": 0.07, "unit": "g/kg", "code": "g/kg"}, {}, "antidote"),
    "ordered per kg, more than 140 mg/kg": ({**mg_per_kg(140), "comparator": ">"}, SEVENTY_KG, "antidote"),
    "a dose that cannot be read": ({"value": 9000, "unit": "drops"}, {}, "other"),
    "a weight in another unit": (
        mg(4900),
        {"bodyMeasures": bundle(observation("29463-7", effectiveDateTime="2026-11-01", valueQuantity={"value": 70}))},
        "other",
    ),
}


@pytest.mark.parametrize(("dose", "prefetch", "expected"), DOSES.values(), ids=DOSES)
def test_a_single_dose_as_large_as_an_antidotes_is_antidote_use(dose, prefetch, expected):
    assert use(draft(route=ORAL, dose=dose), **prefetch) == expected


def test_the_largest_of_several_doses_counts():
    instructions = [{"doseAndRate": [{"doseQuantity": mg(value)}]} for value in (600, 5000, 600)]
    assert use(draft(dosageInstruction=instructions)) == "antidote"


def test_the_upper_end_of_a_range_counts():
    instructions = [{"doseAndRate": [{"doseRange": {"low": mg(600), "high": mg(5000)}}]}]
    assert use(draft(dosageInstruction=instructions)) == "antidote"


def test_a_daily_dose_as_large_but_given_in_parts_is_no_antidote():
    instructions = [{"doseQuantity": mg(2500), "timing": {"code": {"text": "BID"}}}]
    facts = facts_of(draft(dosageInstruction=instructions))
    assert (facts["dose_per_day"].value, facts["use"].value) == (5000, "other")


# --- precedence -------------------------------------------------------------------------------------------------------

INHALATION = {"text": "inhalation"}
PRECEDENCE = {
    "poisoning before inhaled": (draft(VIAL, reasonCode=[POISONING]), "antidote"),
    "intravenous before inhaled": (draft(VIAL, route={"text": "intravenous"}), "antidote"),
    "poisoning before ophthalmic": (draft(concept("S01XA08", ATC), reasonCode=[POISONING]), "antidote"),
    "poisoning before respiratory": (
        draft(CAPSULE, reasonCode=[concept("J44.9", ICD10CM), POISONING]),
        "antidote",
    ),
    "a large dose before respiratory": (
        draft(CAPSULE, dose=mg(5000), reasonCode=[concept("J44.9", ICD10CM)]),
        "antidote",
    ),
    "inhaled before ophthalmic": (draft(concept("S01XA08", ATC), route=INHALATION), "inhaled"),
    "inhaled before respiratory": (draft(route=INHALATION, reasonCode=[concept("J44.9", ICD10CM)]), "inhaled"),
    "ophthalmic before respiratory": (
        draft(concept("S01XA08", ATC), route=ORAL, reasonCode=[concept("J44.9", ICD10CM)]),
        "ophthalmic",
    ),
    "inhalation within oral": (draft(route={"text": "oral inhalation"}), "inhaled"),
    "intravenous within oral": (draft(route={"text": "oral or intravenous"}), "antidote"),
}


@pytest.mark.parametrize(("order", "expected"), PRECEDENCE.values(), ids=PRECEDENCE)
def test_the_first_use_that_holds_is_taken(order, expected):
    assert use(order) == expected


# --- inhaled, ophthalmic, respiratory, other --------------------------------------------------------------------------

INHALED = {
    "route code": draft(route=concept("447694001", SNOMED)),
    **{
        word: draft(route={"text": word})
        for word in ("inhalation", "Inhaled", "nebulised", "nebulized", "by nebuliser", "Intratracheal")
    },
    "display": draft(route={"coding": [{"code": "x", "display": "Inhalation"}]}),
    "product 307718": draft(VIAL),
    "product 307719": draft(concept("307719", RXNORM)),
    "product without any instruction": draft(VIAL, dosageInstruction=None),
    "capsule with the inhalation route": draft(CAPSULE, route=INHALATION),
}


@pytest.mark.parametrize("order", INHALED.values(), ids=INHALED)
def test_an_inhalation_route_or_product_is_inhaled_use(order):
    assert use(order) == "inhaled"


@pytest.mark.parametrize(
    "route", [ORAL, {"text": "by mouth"}, {"text": "Oral"}, {"text": "via nasogastric tube"}], ids=str
)
def test_an_inhalation_product_with_another_route_is_not_inhaled(route):
    assert use(draft(VIAL, route=route)) == "other"


OPHTHALMIC = {
    "eye": draft(route={"text": "left eye"}),
    "ophthalmic": draft(route={"text": "Ophthalmic"}),
    "product": draft(concept("S01XA08", ATC)),
    "product, German alias": draft(concept("S01XA08", "http://fhir.de/CodeSystem/bfarm/atc")),
    "product with an oral route": draft(concept("S01XA08", ATC), route=ORAL),
    "capsule with an eye route": draft(CAPSULE, route={"text": "eye"}),
}


@pytest.mark.parametrize("order", OPHTHALMIC.values(), ids=OPHTHALMIC)
def test_an_eye_route_or_product_is_ophthalmic_use(order):
    assert use(order) == "ophthalmic"


RESPIRATORY_CODES = {
    **{
        code: concept(code, ICD10CM)
        for code in ("J20", "J20.9", "J22", "J40", "J41.0", "J42", "J43.9", "J44.1", "J45.20", "J46", "J47.9", "J449")
    },
    **{code: concept(code, ICD10CM) for code in ("E84", "E84.0", "e849")},
    **{code: concept(code, SNOMED) for code in ("13645005", "195967001", "190905008")},
}


@pytest.mark.parametrize("reason", RESPIRATORY_CODES.values(), ids=RESPIRATORY_CODES)
def test_each_reason_code_of_respiratory_disease_makes_an_oral_order_respiratory(reason):
    assert use(draft(route=ORAL, reasonCode=[reason])) == "respiratory"


@pytest.mark.parametrize("code", ["J19", "J21.9", "J39.9", "J48", "J30.1", "E83", "E85", "F14.20"])
def test_a_neighbour_of_those_codes_does_not(code):
    assert use(draft(route=ORAL, reasonCode=[concept(code, ICD10CM)])) == "other"


BRONCHITIS = {"reasonCode": [concept("J42", ICD10CM)]}
BY_MOUTH = {
    "oral route": (draft(route=ORAL, **BRONCHITIS), "respiratory"),
    "oral route in words": (draft(route={"text": "by mouth"}, **BRONCHITIS), "respiratory"),
    "oral product": (draft(CAPSULE, **BRONCHITIS), "respiratory"),
    "inhalation product by mouth": (draft(VIAL, route=ORAL, **BRONCHITIS), "respiratory"),
    "no route known": (draft(**BRONCHITIS), "other"),
    "a route that is not read": (draft(route={"text": "rectal"}, **BRONCHITIS), "other"),
    "reason in words only": (draft(route=ORAL, reasonCode=[{"text": "chronic bronchitis"}]), "other"),
    "disease on the problem list only": (draft(route=ORAL), "other"),
}


@pytest.mark.parametrize(("order", "expected"), BY_MOUTH.values(), ids=BY_MOUTH)
def test_respiratory_use_needs_the_oral_route_and_a_reason_code(order, expected):
    assert use(order, problemList=bundle(condition(concept("J42", ICD10CM)))) == expected


def test_a_respiratory_reason_may_stand_in_the_condition_that_the_order_points_to():
    order = draft(route=ORAL, reasonReference=[{"reference": "Condition/c1"}])
    assert use(order, problemList=bundle(condition(concept("J42", ICD10CM)))) == "respiratory"


OTHER = {
    "capsule": draft(CAPSULE),
    "oral": draft(route=ORAL),
    "no route": draft(),
    "no instruction": draft(dosageInstruction=None),
    "a route that is not read": draft(route={"text": "topical"}),
    "odd route": draft(route=47625008),
    "odd reason": draft(reasonCode=7),
    "odd reference": draft(reasonReference=["Condition/c1", {"reference": 7}]),
}


@pytest.mark.parametrize("order", OTHER.values(), ids=OTHER)
def test_anything_else_is_other_use(order):
    assert use(order) == "other"


def test_the_use_says_by_what_it_was_told_and_from_where():
    fact = facts_of(draft(route={"text": "intravenous"}))["use"]
    assert fact.note == "an intravenous route or product"
    assert [(origin.resource, origin.sent) for origin in fact.origins] == [("MedicationRequest/draft", fact.note)]
