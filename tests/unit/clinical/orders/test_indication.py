"""What an order is for: guidance §3, first row. Each sign of an antidote stands alone, and antidote comes first."""

from datetime import timedelta

import pytest

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import State
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.orders.indication import poisoning_as_reason
from cds_service.clinical.orders.poisoning import read_poisoning
from cds_service.clinical.orders.recognise import read_order
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.builders import (
    ATC,
    ICD10CM,
    LOINC,
    RXNORM,
    SNOMED,
    bundle,
    concept,
    condition,
    observation,
    quantity,
    status,
)
from tests.support import NOW, VOCABULARY, Body, Json, draft_orders_of

ICD10, ICD10GM = "http://hl7.org/fhir/sid/icd-10", "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
ICD10AM = "http://hl7.org/fhir/sid/icd-10-am"
V3 = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
KEYS = ("patient", "aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels")
EMPTY = dict.fromkeys((*KEYS, "problemList", "allergyList", "activeMedications"))


INGREDIENT = concept("197", RXNORM)
CAPSULE = concept("606971", RXNORM)
VIAL = concept("307718", RXNORM)
ORAL = concept("26643006", SNOMED)


def draft(drug: Body = INGREDIENT, route: Json = None, dose: Body | None = None, **members: Json) -> Body:
    instruction = {}
    if route is not None:
        instruction["route"] = route
    if dose is not None:
        instruction["doseAndRate"] = [{"doseQuantity": dose}]
    order = {"resourceType": "MedicationRequest", "id": "draft", "medicationCodeableConcept": drug}
    return {**order, "dosageInstruction": [instruction], **members}


def facts_of(order: Body, **prefetch: Json) -> Body:
    chart = build_chart("p", {**EMPTY, **prefetch})
    patient = read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)
    return {**patient, **read_order_facts(draft_orders_of(order), patient, chart, VOCABULARY, NOW)[0]}


def use(order: Body, **prefetch: Json) -> Json:
    fact = facts_of(order, **prefetch)["use"]
    assert fact.state is State.KNOWN
    return fact.value


def result(loinc: str, **members: Json) -> Body:
    return observation(concept(loinc, LOINC), **{"id": f"o-{loinc}", "effectiveDateTime": None, **members})


def level(**members: Json) -> Body:
    return result("3298-7", **members)


def mg(value: int) -> Body:
    return quantity(value, "mg")


def ml(value: int) -> Body:
    return quantity(value, "mL")


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
    **{f"SNOMED CT {code}": draft(route=concept(code, SNOMED)) for code in ("418114005", "419993007")},
    "v2-0162": draft(route=concept("IV", "http://terminology.hl7.org/CodeSystem/v2-0162")),
    "NCI": draft(route=concept("C38276", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl")),
    "EDQM": draft(route=concept("20045000", "http://standardterms.edqm.eu")),
    "a brand": draft({"text": "Acetadote"}),
    "a brand of two words": draft({"text": "Fluimucil Antidot 5 g"}),
    "words of the instruction": draft(dosageInstruction=[{"text": "IV over 60 min"}]),
    "words of a note": draft(note=[{"text": "infusion over 16 h"}]),
    "the name of the product": draft({"text": "Acetylcysteine injection"}, route=ORAL),
    "one of two instructions": draft(
        dosageInstruction=[{"route": ORAL}, {"route": concept("47625008", SNOMED)}],
    ),
    "instruction sent as an object": draft(dosageInstruction={"route": {"text": "intravenous"}}),
    **{
        written: draft({"text": f"Acetylcysteine {written}"})
        for written in (
            "300 mg/3 ml Injektionslösung",
            "Infusionslösungskonzentrat",
            "soluzione iniettabile",
            "solución inyectable",
            "solution injectable",
            "concentrado para perfusión",
            "roztwór do wstrzykiwań",
            "oplossing voor injectie",
            "e.v. soluzione per infusione",
        )
    },
    "ACC injekt": draft({"text": "ACC injekt"}),
    **{
        f"the route {written}": draft(route={"text": written})
        for written in (
            *("i. v.", "i.v", "I. V.", "intravenosa", "endovenosa", "intraveineuse", "intravenös", "intraveneus"),
            *("dożylnie", "intravenøs", "e.v.", "EV"),
        )
    },
    **{f"v3 {code}": draft(route=concept(code, V3)) for code in ("IV", "IVFLUSH", "IVINFUS", "IVPUSH", "IVSOAK")},
    "v3 under its OID": draft(route=concept("IVFLUSH", "urn:oid:2.16.840.1.113883.5.112")),
    "EDQM under its OID": draft(route=concept("20045000", "urn:oid:0.4.0.127.0.16.1.1.2.1")),
}


@pytest.mark.parametrize("order", INTRAVENOUS.values(), ids=INTRAVENOUS)
def test_an_intravenous_route_or_product_is_antidote_use(order: Body) -> None:
    assert use(order) == "antidote"


NOT_INTRAVENOUS = {
    "before a contrast injection, by mouth": draft(
        route=ORAL, dosageInstruction=[{"route": ORAL, "text": "before the injection"}]
    ),
    "a name like one of an injection": draft({"text": "Acetylcysteine Granulat, rejected lot"}),
    **{
        f"the route {written}": draft(route={"text": written})
        for written in ("intraventricular", "by evening", "privat", "NG tube", "oral")
    },
    "EDQM by mouth under its OID": draft(route=concept("20053000", "urn:oid:0.4.0.127.0.16.1.1.2.1")),
    "v3 by mouth": draft(route=concept("PO", V3)),
    "a capsule before an infusion": draft(CAPSULE, dosageInstruction=[{"text": "on the day of the infusion"}]),
    "a capsule by name": draft({"text": "acetylcysteine 600 mg capsule"}, note=[{"text": "IV line in place"}]),
    **{
        f"{word} IV": draft(dosageInstruction=[{"text": f"for {word} IV disease"}])
        for word in ("GOLD", "stage", "Stage", "grade", "type", "class", "NYHA", "CKD", "NYHA-class", "CKD stage")
    },
}


@pytest.mark.parametrize("order", NOT_INTRAVENOUS.values(), ids=NOT_INTRAVENOUS)
def test_words_about_something_else_are_no_intravenous_route(order: Body) -> None:
    assert use(order) in ("other", "somatic")


def test_a_numeral_does_not_hide_the_route_beside_it() -> None:
    assert use(draft(note=[{"text": "CKD stage IV: give it IV"}])) == "antidote"


ELSEWHERE = {
    **{
        word: draft(route={"text": word})
        for word in (
            "Intramuscular",
            "intranasal",
            "topical",
            "rectally",
            "subcutaneous",
            "intraperitoneal",
            "IM",
            "SC",
        )
    },
    "SNOMED CT": draft(route=concept("78421000", SNOMED)),
    "a capsule by another route": draft(CAPSULE, route={"text": "rectal"}),
    "with a reason": draft(route={"text": "topical"}, reasonCode=[concept("J44.9", ICD10CM)]),
}


@pytest.mark.parametrize("order", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_route_that_is_neither_by_mouth_nor_inhaled_is_use_elsewhere(order: Body) -> None:
    assert use(order) == "elsewhere"


ROUTES = {
    "read": (draft(route=ORAL), "known", ""),
    "not stated": (draft(), "absent", "no route is stated"),
    "by the product": (draft(CAPSULE), "known", ""),
    "not read": (
        draft(route={"text": "per pump"}),
        "unknown",
        "the route “per pump” is not one that this service reads",
    ),
    "by its words and not its code": (
        draft(route={"coding": [{"system": SNOMED, "code": "738956005", "display": "Some site"}]}),
        "unknown",
        "the route “Some site” is not one that this service reads",
    ),
    "a code without a name": (
        draft(route={"coding": [{"system": SNOMED, "code": "738956005"}]}),
        "unknown",
        "a route is stated that has no name that can be read",
    ),
    "not read, of a capsule": (draft(CAPSULE, route={"text": "per pump"}), "known", ""),
    "one of two": (
        draft(dosageInstruction=[{"route": ORAL}, {"route": {"text": "per pump"}}]),
        "unknown",
        "the route “per pump” is not one that this service reads",
    ),
}


@pytest.mark.parametrize(("order", "state", "note"), ROUTES.values(), ids=ROUTES)
def test_a_route_that_is_not_read_is_named_by_its_words_unless_the_product_says_it(
    order: Body, state: str, note: str
) -> None:
    fact = facts_of(order)["route"]
    assert (fact.state.value, fact.note) == (state, note)


@pytest.mark.parametrize("written", ["oral", "privet", "native", "division"])
def test_a_route_word_inside_another_word_is_no_route(written: str) -> None:
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
def test_a_reason_code_of_poisoning_counts_with_sixth_character_1_to_4(code: str, expected: str) -> None:
    assert use(draft(reasonCode=[concept(code, ICD10CM)])) == expected


@pytest.mark.parametrize(("code", "expected"), POISONING_CODES.items(), ids=POISONING_CODES)
def test_an_active_condition_of_poisoning_counts_with_sixth_character_1_to_4(code: str, expected: str) -> None:
    assert use(draft(), problemList=bundle(condition(concept(code, ICD10CM)))) == expected


@pytest.mark.parametrize("code", ["295124009", "70273001"])
def test_the_snomed_codes_of_poisoning_count(code: str) -> None:
    assert use(draft(reasonCode=[concept(code, SNOMED)])) == "antidote"


def test_a_poisoning_code_in_another_system_does_not_count() -> None:
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
def test_the_words_of_a_reason_count(written: str, expected: str) -> None:
    assert use(draft(reasonCode=[{"text": written}])) == expected


@pytest.mark.parametrize(("written", "expected"), WORDS.items(), ids=WORDS)
def test_the_words_of_an_active_condition_count(written: str, expected: str) -> None:
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
def test_a_reason_of_poisoning_counts_wherever_a_fhir_version_puts_it(members: Body) -> None:
    assert use(draft(**members)) == "antidote"


MIXED = {
    "refused code, then words": [concept("T39.1X6A", ICD10CM), {"text": "Paracetamol overdose"}],
    "words, then refused code": [{"text": "Paracetamol overdose"}, concept("T39.1X6A", ICD10CM)],
    "refused code, then code": [concept("T39.1X5A", ICD10CM), POISONING],
    "words in the refused concept itself": [concept("T39.1X6A", ICD10CM, text="Paracetamol overdose")],
}


@pytest.mark.parametrize("reasons", MIXED.values(), ids=MIXED)
def test_a_refused_code_never_hides_another_sign_of_poisoning(reasons: list[Body]) -> None:
    assert use(draft(reasonCode=reasons)) == "antidote"


POINTED_TO = {
    "Condition/c1": "antidote",
    "https://ehr.example.org/fhir/Condition/c1": "antidote",
    "Condition/c11": "other",
    "Condition/c2": "other",
    "Observation/c1": "other",
}


@pytest.mark.parametrize(("reference", "expected"), POINTED_TO.items(), ids=POINTED_TO)
def test_a_reason_reference_is_followed_to_its_condition(reference: str, expected: str) -> None:
    resolved = bundle(
        condition(POISONING, clinicalStatus=status("resolved"))
    )  # not a sign by itself: the order must point to it
    assert use(draft(), problemList=resolved) == "other"
    assert use(draft(reasonReference=[{"reference": reference}]), problemList=resolved) == expected


def test_poisoning_is_stated_by_a_reason_that_an_order_points_to() -> None:
    resolved = bundle(condition(POISONING, clinicalStatus=status("resolved")))
    chart = build_chart("p", {**EMPTY, "problemList": resolved})
    order = read_order(draft(reasonReference=[{"reference": "Condition/c1"}]), {}, VOCABULARY)
    assert order is not None
    fact = poisoning_as_reason([order], chart, VOCABULARY)
    assert fact is not None
    assert (fact.state, fact.value) == (State.KNOWN, "present")
    assert poisoning_as_reason([order], build_chart("p", EMPTY), VOCABULARY) is None


def test_a_reason_reference_of_r5_is_followed_to_its_condition() -> None:
    order = draft(reason=[{"reference": {"reference": "Condition/c1"}}])
    assert use(order, problemList=bundle(condition(POISONING, clinicalStatus=status("resolved")))) == "antidote"


def test_a_reason_reference_is_followed_to_a_contained_condition() -> None:
    contained = [{"resourceType": "Condition", "id": "why", "code": POISONING}]
    assert use(draft(reasonReference=[{"reference": "#why"}], contained=contained)) == "antidote"


@pytest.mark.parametrize("reference", ["#other", "Condition/other"])
def test_what_a_reason_reference_does_not_lead_to_is_no_reason(reference: str) -> None:
    contained = [{"resourceType": "Condition", "id": "why", "code": POISONING}]
    order = draft(reasonReference=[{"reference": reference}], contained=contained)
    assert use(order, problemList=bundle(condition(POISONING, clinicalStatus=status("resolved")))) == "other"


# --- antidote: conditions and levels on record ------------------------------------------------------------------------

CONDITIONS = {
    "active": (condition(POISONING), "antidote"),
    "recurrence": (condition(POISONING, clinicalStatus=status("recurrence")), "antidote"),
    "relapse": (condition(POISONING, clinicalStatus=status("relapse")), "antidote"),
    "status a plain code": (condition(POISONING, clinicalStatus="active"), "antidote"),
    "status missing": (condition(POISONING, clinicalStatus=None), "antidote"),
    "provisional": (condition(POISONING, verificationStatus=status("provisional")), "antidote"),
    "inactive": (condition(POISONING, clinicalStatus=status("inactive")), "other"),
    "remission": (condition(POISONING, clinicalStatus=status("remission")), "other"),
    "resolved": (condition(POISONING, clinicalStatus=status("resolved")), "other"),
    "resolved, a plain code": (condition(POISONING, clinicalStatus="resolved"), "other"),
    "refuted": (condition(POISONING, verificationStatus=status("refuted")), "other"),
    "refuted, a plain code": (condition(POISONING, verificationStatus="refuted"), "other"),
    "entered in error": (condition(POISONING, verificationStatus=status("entered-in-error")), "other"),
    "of another patient": (condition(POISONING, subject={"reference": "Patient/q"}), "other"),
}


@pytest.mark.parametrize(("record", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_of_poisoning_counts_while_it_is_active(record: Body, expected: str) -> None:
    assert use(draft(), problemList=bundle(record)) == expected


def hours_ago(hours: int, **more: Json) -> Body:
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
def test_an_acetaminophen_level_of_the_last_72_hours_counts_whatever_its_value(record: Body, expected: str) -> None:
    assert use(draft(), acetaminophenLevels=bundle(record)) == expected


def test_a_level_of_another_patient_does_not_count_wherever_the_chart_came_from() -> None:
    data = {"problemList": Data(Arrival.EMPTY)}
    for patient, state in (("p", State.KNOWN), ("q", State.ABSENT)):
        chart = Chart(patient, {**data, "acetaminophenLevels": Data(Arrival.GIVEN, (level(),))})
        assert read_poisoning(chart, VOCABULARY, NOW).state is state


def test_poisoning_is_absent_only_where_both_lists_were_asked() -> None:
    assert facts_of(draft())["poisoning"].state is State.ABSENT


@pytest.mark.parametrize("key", ["problemList", "acetaminophenLevels"])
def test_poisoning_is_unknown_where_a_list_could_not_be_read(key: str) -> None:
    fact = facts_of(draft(), **{key: {"resourceType": "OperationOutcome"}})["poisoning"]
    assert fact.state is State.UNKNOWN
    assert "could not be read (the EHR reports an error)" in fact.note


def test_the_note_names_every_list_that_poisoning_lacks() -> None:
    failed = {"resourceType": "OperationOutcome"}
    note = facts_of(draft(), problemList=failed, acetaminophenLevels=failed)["poisoning"].note
    assert [part.partition(" could")[0] for part in note.split("; ")] == ["problem list", "acetaminophen levels"]


def test_a_sign_of_poisoning_stays_positive_where_the_other_list_is_missing() -> None:
    fact = facts_of(draft(), problemList={"resourceType": "OperationOutcome"}, acetaminophenLevels=bundle(level()))
    assert fact["poisoning"].value == "present"
    assert fact["use"].value == "antidote"


# --- antidote: the dose (its whole table is in test_antidote.py) ------------------------------------------------------


def test_the_largest_of_several_doses_counts() -> None:
    instructions = [{"doseAndRate": [{"doseQuantity": mg(value)}]} for value in (600, 5000, 600)]
    assert use(draft(dosageInstruction=instructions)) == "antidote"


def test_the_upper_end_of_a_range_counts() -> None:
    instructions = [{"doseAndRate": [{"doseRange": {"low": mg(600), "high": mg(5000)}}]}]
    assert use(draft(dosageInstruction=instructions)) == "antidote"


def test_a_daily_dose_as_large_but_given_in_parts_is_no_antidote() -> None:
    instructions = [{"doseQuantity": mg(2500), "timing": {"code": {"text": "BID"}}}]
    facts = facts_of(draft(dosageInstruction=instructions))
    assert (facts["dose_per_day"].value, facts["use"].value) == (5000, "other")


# --- precedence -------------------------------------------------------------------------------------------------------

INHALATION = {"text": "inhalation"}
PRECEDENCE = {
    "poisoning before inhaled": (draft(VIAL, reasonCode=[POISONING]), "antidote"),
    "intravenous before inhaled": (draft(VIAL, route={"text": "intravenous"}), "antidote"),
    "ophthalmic before poisoning": (draft(concept("S01XA08", ATC), reasonCode=[POISONING]), "ophthalmic"),
    "poisoning before somatic": (
        draft(CAPSULE, reasonCode=[concept("J44.9", ICD10CM), POISONING]),
        "antidote",
    ),
    "a large dose before somatic": (
        draft(CAPSULE, dose=mg(5000), reasonCode=[concept("J44.9", ICD10CM)]),
        "antidote",
    ),
    "inhaled before ophthalmic": (draft(concept("S01XA08", ATC), route=INHALATION), "inhaled"),
    "inhaled before somatic": (draft(route=INHALATION, reasonCode=[concept("J44.9", ICD10CM)]), "inhaled"),
    "ophthalmic before somatic": (
        draft(concept("S01XA08", ATC), route=ORAL, reasonCode=[concept("J44.9", ICD10CM)]),
        "ophthalmic",
    ),
    "inhalation within oral": (draft(route={"text": "oral inhalation"}), "inhaled"),
    "intravenous within oral": (draft(route={"text": "oral or intravenous"}), "antidote"),
}


@pytest.mark.parametrize(("order", "expected"), PRECEDENCE.values(), ids=PRECEDENCE)
def test_the_first_use_that_holds_is_taken(order: Body, expected: str) -> None:
    assert use(order) == expected


# --- inhaled, ophthalmic, somatic, other --------------------------------------------------------------------------

INHALED = {
    "route code": draft(route=concept("447694001", SNOMED)),
    **{
        word: draft(route={"text": word})
        for word in ("inhalation", "Inhaled", "nebulised", "nebulized", "by nebuliser", "Intratracheal")
    },
    "display": draft(route={"coding": [{"code": "x", "display": "Inhalation"}]}),
    "product 307718": draft(VIAL, dose=ml(3)),
    "product 307719": draft(concept("307719", RXNORM), dose=ml(3)),
    "product with a route that is not read": draft(VIAL, route={"text": "per pump"}, dose=ml(3)),
    "product by name": draft({"text": "Acetylcysteine 20 % inhalation solution"}, dose=ml(3)),
    "words of the instruction": draft(VIAL, dosageInstruction=[{"text": "3 mL nebulised four times daily"}]),
    **{word: draft(route={"text": word}) for word in ("NEB", "INH", "HHN", "AERO", "ET", "IH", "Vernebelung")},
    **{f"bare code {code}": draft(route={"coding": [{"system": "urn:ehr", "code": code}]}) for code in ("NEB", "INH")},
    **{f"v3 {code}": draft(route=concept(code, V3)) for code in ("NEB", "IPINHL", "ORINHL")},
    "v3 of STU3": draft(route=concept("NEB", "http://hl7.org/fhir/v3/RouteOfAdministration")),
    "NHS": draft(route=concept("18679011000001101", SNOMED)),
    "capsule with the inhalation route": draft(CAPSULE, route=INHALATION),
}


@pytest.mark.parametrize("order", INHALED.values(), ids=INHALED)
def test_an_inhalation_route_or_product_is_inhaled_use(order: Body) -> None:
    assert use(order) == "inhaled"


@pytest.mark.parametrize(
    "route", [ORAL, {"text": "by mouth"}, {"text": "Oral"}, {"text": "via nasogastric tube"}], ids=str
)
def test_an_inhalation_product_with_another_route_is_not_inhaled(route: Body) -> None:
    assert use(draft(VIAL, route=route, dose=ml(3))) == "other"


OPHTHALMIC = {
    "eye": draft(route={"text": "left eye"}),
    **{word: draft(route={"text": word}) for word in ("BOTH EYES", "Eyes", "OU", "OD", "OS")},
    "route code": draft(route=concept("54485002", SNOMED)),
    "in the name": draft({"text": "Acetylcysteine 5 % eye drops"}),
    "ophthalmic": draft(route={"text": "Ophthalmic"}),
    "product": draft(concept("S01XA08", ATC)),
    "product, German alias": draft(concept("S01XA08", "http://fhir.de/CodeSystem/bfarm/atc")),
    "product with an oral route": draft(concept("S01XA08", ATC), route=ORAL),
    "capsule with an eye route": draft(CAPSULE, route={"text": "eye"}),
}


@pytest.mark.parametrize("order", OPHTHALMIC.values(), ids=OPHTHALMIC)
def test_an_eye_route_or_product_is_ophthalmic_use(order: Body) -> None:
    assert use(order) == "ophthalmic"


RESPIRATORY_CODES = {
    **{
        code: concept(code, ICD10CM)
        for code in (
            "J00",
            "J06.9",
            "J09",
            "J18.9",
            "J84.10",
            "J98.01",
            "R05.9",
            "R09.3",
            "U07.1",
            "J20",
            "J20.9",
            "J22",
            "J40",
            "J41.0",
            "J42",
            "J43.9",
            "J44.1",
            "J45.20",
            "J46",
            "J47.9",
            "J449",
        )
    },
    **{code: concept(code, ICD10CM) for code in ("E84", "E84.0", "e849")},
    **{f"{system} R05": concept("R05", system) for system in (ICD10, ICD10GM, ICD10AM)},
    **{code: concept(code, SNOMED) for code in ("13645005", "195967001", "190905008")},
}


@pytest.mark.parametrize("reason", RESPIRATORY_CODES.values(), ids=RESPIRATORY_CODES)
def test_each_reason_code_of_respiratory_disease_makes_an_oral_order_somatic(reason: Body) -> None:
    assert use(draft(route=ORAL, reasonCode=[reason])) == "somatic"


@pytest.mark.parametrize(
    "code", ["J07", "J19", "J21.9", "J39.9", "J48", "J30.1", "J83", "R06", "R09.2", "E83", "E85", "U07.2", "F14.20"]
)
def test_a_neighbour_of_those_codes_does_not(code: str) -> None:
    assert use(draft(route=ORAL, reasonCode=[concept(code, ICD10CM)])) == "other"


BRONCHITIS: Json = {"reasonCode": [concept("J42", ICD10CM)]}
BY_MOUTH = {
    "oral route": (draft(route=ORAL, **BRONCHITIS), "somatic"),
    "oral route in words": (draft(route={"text": "by mouth"}, **BRONCHITIS), "somatic"),
    "oral product": (draft(CAPSULE, **BRONCHITIS), "somatic"),
    "inhalation product by mouth": (draft(VIAL, route=ORAL, dose=ml(3), **BRONCHITIS), "somatic"),
    "no route stated": (draft(**BRONCHITIS), "somatic"),
    "a route that is not read": (draft(route={"text": "per pump"}, **BRONCHITIS), "other"),
    "a capsule by a route that is not read": (draft(CAPSULE, route={"text": "per pump"}, **BRONCHITIS), "somatic"),
    "reason in words only": (draft(route=ORAL, reasonCode=[{"text": "chronic bronchitis"}]), "somatic"),
    "as needed for it": (draft(dosageInstruction=[{"asNeededCodeableConcept": {"text": "cough"}}]), "somatic"),
    "in the instruction": (draft(dosageInstruction=[{"text": "one tablet to loosen phlegm"}]), "somatic"),
    "in the words for the patient": (draft(dosageInstruction=[{"patientInstruction": "Schleimlöser"}]), "somatic"),
    "before contrast medium": (
        draft(dosageInstruction=[{"text": "before the contrast injection"}], drug=CAPSULE),
        "somatic",
    ),
    "with ifosfamide": (draft(route=ORAL, reasonCode=[{"text": "Ifosfamide"}]), "somatic"),
    "in a note only": (draft(route=ORAL, note=[{"text": "has a cough too"}]), "other"),
    "disease on the problem list only": (draft(route=ORAL), "other"),
}


@pytest.mark.parametrize(("order", "expected"), BY_MOUTH.values(), ids=BY_MOUTH)
def test_somatic_use_needs_the_oral_route_and_a_reason_code(order: Body, expected: str) -> None:
    assert use(order, problemList=bundle(condition(concept("J42", ICD10CM)))) == expected


def test_a_somatic_reason_may_stand_in_the_condition_that_the_order_points_to() -> None:
    order = draft(route=ORAL, reasonReference=[{"reference": "Condition/c1"}])
    assert use(order, problemList=bundle(condition(concept("J42", ICD10CM)))) == "somatic"


SOMATIC_CONDITIONS = {
    "E84.0": (concept("E84.0", ICD10CM), "somatic"),
    "J47": (concept("J47.9", ICD10GM), "somatic"),
    "SNOMED CT": (concept("190905008", SNOMED), "somatic"),
    "by name": ({"text": "Bronchiectasis"}, "somatic"),
    "in German": ({"text": "Mukoviszidose"}, "somatic"),
    "COPD": (concept("J44.9", ICD10CM), "other"),
    "the family's, by code": (concept("Z84.89", ICD10CM, text="Cystic fibrosis of a brother"), "other"),
    **{
        written: ({"text": written}, "other")
        for written in (
            "no bronchiectasis",
            "family history of cystic fibrosis",
            "suspected bronchiectasis",
            "cystic fibrosis?",
            "cystic fibrosis carrier",
            "carrier of cystic fibrosis",
            "CF carrier",
        )
    },
    "not taken back": ({"text": "Bronchiectasis without haemorrhage"}, "somatic"),
}


@pytest.mark.parametrize(("code", "expected"), SOMATIC_CONDITIONS.values(), ids=SOMATIC_CONDITIONS)
def test_cystic_fibrosis_and_bronchiectasis_on_the_problem_list_make_the_use_somatic(code: Body, expected: str) -> None:
    assert use(draft(route=ORAL), problemList=bundle(condition(code))) == expected
    assert use(draft(route=ORAL), problemList=bundle(condition(code, clinicalStatus=status("resolved")))) == "other"


REASONS_IN_DOUBT = {
    "bronchiectasis": "somatic",
    "cough, no fever": "somatic",
    "cough without phlegm": "somatic",
    "no bronchiectasis": "other",
    "family history of cystic fibrosis": "other",
    "suspected bronchiectasis": "other",
    "cystic fibrosis carrier": "other",
}


@pytest.mark.parametrize(("written", "expected"), REASONS_IN_DOUBT.items(), ids=REASONS_IN_DOUBT)
def test_a_reason_that_is_negated_in_doubt_or_of_the_family_does_not_make_the_use_somatic(
    written: str, expected: str
) -> None:
    assert use(draft(route=ORAL, reasonCode=[{"text": written}])) == expected
    listed = condition({"text": written}, clinicalStatus=status("resolved"))
    order = draft(route=ORAL, reasonReference=[{"reference": "Condition/c1"}])
    assert use(order, problemList=bundle(listed)) == expected


OTHER = {
    "capsule": draft(CAPSULE),
    "oral": draft(route=ORAL),
    "no route": draft(),
    "no instruction": draft(dosageInstruction=None),
    "a route that is not read": draft(route={"text": "per pump"}),
    "by tube": draft(route={"text": "NG"}),
    **{
        word: draft(route={"text": word})
        for word in ("PO", "per os", "zum Einnehmen", "Orally", "Swallow, oral", "p.o.", "voie orale")
    },
    "v3 PO": draft(route=concept("PO", V3)),
    "EDQM": draft(route=concept("20053000", "http://standardterms.edqm.eu")),
    "odd route": draft(route=47625008),
    "odd reason": draft(reasonCode=7),
    "odd reference": draft(reasonReference=["Condition/c1", {"reference": 7}]),
}


@pytest.mark.parametrize("order", OTHER.values(), ids=OTHER)
def test_anything_else_is_other_use(order: Body) -> None:
    assert use(order) == "other"


ROUTES_BY_MOUTH = {
    **dict.fromkeys(("oral", "PO", "via NG tube", "G-tube", "per G tube", "peroral", "Perorale Anwendung"), "read"),
    **dict.fromkeys(("voie orale", "per pump"), None),
}


@pytest.mark.parametrize(("written", "expected"), ROUTES_BY_MOUTH.items())
def test_a_route_by_mouth_of_the_guidance_is_read_and_any_other_named(written: str, expected: str | None) -> None:
    fact = facts_of(draft(route={"text": written}))["route"]
    assert fact.value == expected
    assert expected or fact.note == f"the route “{written}” is not one that this service reads"


def test_the_use_says_by_what_it_was_told_and_from_where() -> None:
    fact = facts_of(draft(route={"text": "intravenous"}))["use"]
    assert fact.note == "an intravenous route or product"
    assert [(origin.resource, origin.sent) for origin in fact.origins] == [("MedicationRequest/draft", fact.note)]


def test_one_antidote_makes_every_order_of_the_call_an_antidote() -> None:
    chart = build_chart("p", EMPTY)
    selected, background = draft(CAPSULE, id="a"), draft(concept("465377", RXNORM), id="b")
    for orders in (draft_orders_of(selected, background), draft_orders_of(selected, background=[background])):
        patient = read_patient_facts(orders, chart, VOCABULARY, NOW)
        uses = [facts["use"] for facts in read_order_facts(orders, patient, chart, VOCABULARY, NOW)]
        assert {use.value for use in uses} == {"antidote"}
        assert uses[0].note == "another order of the call is an antidote"
