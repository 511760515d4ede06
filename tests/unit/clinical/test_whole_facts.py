"""Facts as a whole: value, note, words for a card and where each came from. The note is what a card says of a gap."""

from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from cds_service.clinical.chart import Arrival, Chart, Data
from cds_service.clinical.facts import Fact, Facts, Origin, absent, known, unknown
from cds_service.clinical.kidney.clearance import cockcroft_gault
from cds_service.clinical.labs.site_intervals import SiteInterval
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.orders.indication import poisoning_as_reason
from cds_service.clinical.orders.recognise import Order, read_order
from cds_service.clinical.reading import read_patient_facts
from cds_service.clinical.screens.finding import row_by_name
from cds_service.fhir.queries import MEDICATIONS
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
    draft_order,
    medication_request,
    observation,
    quantity,
)
from tests.support import NOW, VOCABULARY, Json, draft_orders_of

IV, ORAL = (concept(code, SNOMED) for code in ("47625008", "26643006"))
KEYS = ("patient", "aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels")
EMPTY = dict.fromkeys((*KEYS, "problemList", "allergyList", "activeMedications"))


def result(code: str, value: Json, unit: str, identity: str = "o", **members: Json) -> Json:
    return observation(concept(code, LOINC), **{"id": identity, "valueQuantity": quantity(value, unit), **members})


def medication(drug: Json, route: Json = None, **members: Json) -> Json:
    instructions = [] if route is None else [{"route": route}]
    return medication_request(drug, **{"id": "m", "dosageInstruction": instructions, **members})


def draft(**members: Json) -> Json:
    return draft_order(concept("606971", RXNORM), **members)


def patient_facts(**prefetch: Json) -> Facts:
    return read_patient_facts(draft_orders_of(), build_chart("p", {**EMPTY, **prefetch}), VOCABULARY, NOW)


def order_of(resource: Json) -> Order:
    order = read_order(resource, {}, VOCABULARY)
    assert order is not None
    return order


def order_facts(resource: Json, **prefetch: Json) -> Facts:
    chart = build_chart("p", {**EMPTY, **prefetch})
    patient = read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)
    return read_order_facts(draft_orders_of(resource), patient, chart, VOCABULARY, NOW)[0]


# --- screens: what was found, and by what -----------------------------------------------------------------------------

UNREADABLE = "has neither a name nor a code that this service can read"


def unreadable(resource: str, entry: str) -> Fact:
    return unknown(f"{entry} {UNREADABLE}", (Origin(resource, UNREADABLE),))


OF_PROBLEM_LIST, OF_ALLERGY_LIST = "an entry of the problem list", "an entry of the allergy list"
POINTER: Json = {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/1"}}


def found(resource: str, sent: str, term: str) -> Fact:
    return known("present", (Origin(resource, sent),), term=term)


def on_medications(*entries: Json) -> Json:
    return {"activeMedications": bundle(*entries)}


SCREENS = {
    "nitroglycerin by code": (
        "nitroglycerin",
        on_medications(medication(concept("4917", RXNORM))),
        found(
            "MedicationRequest/m",
            "4917 nitroglycerin (glyceryl trinitrate)",
            "nitroglycerin (glyceryl trinitrate)",
        ),
    ),
    "nitroglycerin by name": (
        "nitroglycerin",
        on_medications(medication({"text": "Glyceryl trinitrate patch"})),
        found("MedicationRequest/m", "“Glyceryl trinitrate patch”, by name", "“Glyceryl trinitrate patch”, by name"),
    ),
    "no nitroglycerin": ("nitroglycerin", {}, absent("none among the drafts and the active medications")),
    "a medication that may be nitroglycerin": (
        "nitroglycerin",
        on_medications(medication({}, **POINTER)),
        unreadable("MedicationRequest/m", "a medication"),
    ),
    "glutamine by name": (
        "parenteral_glutamine",
        on_medications(medication({"text": "L-glutamine"}, IV)),
        found("MedicationRequest/m", "“L-glutamine”, by name", "“L-glutamine”, by name"),
    ),
    "glutamine without a route": (
        "parenteral_glutamine",
        on_medications(medication({"text": "glutamine"})),
        unknown(
            "a medication is for glutamine, and states no route that this service can rely on",
            (Origin("MedicationRequest/m", "is for glutamine, and states no route that this service can rely on"),),
        ),
    ),
    "a code that is not verified, by a vein": (
        "parenteral_glutamine",
        on_medications(medication(concept("A16AA03", ATC), IV)),
        unknown(
            "a medication is for “glutamine”, by a code that this service is not sure of",
            (Origin("MedicationRequest/m", "is for “glutamine”, by a code that this service is not sure of"),),
        ),
    ),
    "a code that is not verified, without a route": (
        "parenteral_glutamine",
        on_medications(medication(concept("A16AA03", ATC))),
        unknown(
            "a medication is for glutamine, and states no route that this service can rely on",
            (Origin("MedicationRequest/m", "is for glutamine, and states no route that this service can rely on"),),
        ),
    ),
    "a medication that may be glutamine": (
        "parenteral_glutamine",
        on_medications(medication({}, **POINTER)),
        unreadable("MedicationRequest/m", "a medication"),
    ),
    "an allergy by name": (
        "hypersensitivity",
        {"allergyList": bundle({"resourceType": "AllergyIntolerance", "id": "a", "code": {"text": "NAC"}})},
        found("AllergyIntolerance/a", "“NAC”, by name", "“NAC”, by name"),
    ),
    "an allergy to something that cannot be read": (
        "hypersensitivity",
        {"allergyList": bundle({"resourceType": "AllergyIntolerance", "id": "a", "code": {}})},
        unreadable("AllergyIntolerance/a", OF_ALLERGY_LIST),
    ),
    "an allergy by a code of a system that is not read": (
        "hypersensitivity",
        {
            "allergyList": bundle(
                {"resourceType": "AllergyIntolerance", "id": "a", "code": concept("17", "urn:example:local")}
            )
        },
        unreadable("AllergyIntolerance/a", OF_ALLERGY_LIST),
    ),
    "no allergy": ("hypersensitivity", {}, absent("allergy list empty")),
    "other allergies": (
        "hypersensitivity",
        {"allergyList": bundle({"resourceType": "AllergyIntolerance", "id": "a", "code": {"text": "latex"}})},
        absent("none on the allergy list"),
    ),
    "asthma": (
        "bronchospasm_risk",
        {"problemList": bundle(condition(concept("195967001", SNOMED)))},
        found("Condition/c1", "195967001 asthma", "asthma"),
    ),
    "asthma in words only": (
        "bronchospasm_risk",
        {"problemList": bundle(condition({"text": "Asthma since childhood"}))},
        found("Condition/c1", "“Asthma since childhood”, by name", "“Asthma since childhood”, by name"),
    ),
    "an ulcer in words only": (
        "bleeding_risk",
        {"problemList": bundle(condition({"text": "peptic ulcer"}))},
        found("Condition/c1", "“peptic ulcer”, by name", "“peptic ulcer”, by name"),
    ),
    "a condition that cannot be read": (
        "bleeding_risk",
        {"problemList": bundle(condition({}))},
        unreadable("Condition/c1", OF_PROBLEM_LIST),
    ),
    "a condition by a code of a system that is not read": (
        "bronchospasm_risk",
        {"problemList": bundle(condition(concept("493.90", "http://hl7.org/fhir/sid/icd-9-cm")))},
        unreadable("Condition/c1", OF_PROBLEM_LIST),
    ),
    "a medication by a code of a system that is not read": (
        "nitroglycerin",
        on_medications(medication(concept("0071-0418-24", "http://hl7.org/fhir/sid/ndc"))),
        unreadable("MedicationRequest/m", "a medication"),
    ),
    "a medication by a code that is not listed, of a system that is read": (
        "nitroglycerin",
        on_medications(medication(concept("161", RXNORM))),
        unreadable("MedicationRequest/m", "a medication"),
    ),
    "an active poisoning": (
        "poisoning",
        {"problemList": bundle(condition(concept("T39.1X1A", ICD10CM)))},
        known("present", (Origin("Condition/c1", "acetaminophen poisoning or overdose"),)),
    ),
    "an acetaminophen level": (
        "poisoning",
        {"acetaminophenLevels": bundle(result("3298-7", 5, "ug/mL", effectiveDateTime="2026-11-22T08:00:00Z"))},
        known("present", (Origin("Observation/o", "acetaminophen level"),)),
    ),
    "no poisoning": (
        "poisoning",
        {},
        absent("no active poisoning on the problem list and no recent acetaminophen level"),
    ),
}


@pytest.mark.parametrize(("name", "prefetch", "expected"), SCREENS.values(), ids=SCREENS)
def test_a_screen_says_what_it_found_and_where(name: str, prefetch: Json, expected: Fact) -> None:
    assert patient_facts(**prefetch)[name] == expected


def test_data_that_failed_without_saying_why_are_named_all_the_same() -> None:
    failed, timed_out = Data(Arrival.FAILED), Data(Arrival.FAILED, gap="timed out")
    assert Chart("p", {"problemList": failed}).gap("problemList") == unknown("problem list could not be read")
    assert Chart("p", {"problemList": timed_out}).gap("problemList") == unknown(
        "problem list could not be read (timed out)"
    )


def test_what_was_found_by_its_name_alone_says_so() -> None:
    row = row_by_name("L-glutamine")
    assert (row.code, row.system, row.term, row.included, row.reason) == ("", "", "“L-glutamine”, by name", True, "")


def test_data_that_were_not_sent_are_each_named() -> None:
    facts = read_patient_facts(draft_orders_of(), build_chart("p", {}), VOCABULARY, NOW)
    notes = {
        "age": "patient record not sent",
        "poisoning": "problem list not sent; acetaminophen levels not sent",
        "glutamate": "amino acid results not sent",
        "glutamate_sample": "amino acid results not sent",
        "cystine": "amino acid results not sent",
        "amino_acid_results": "amino acid results not sent",
        "dialysis": "problem list not sent",
        "kidney_injury": "problem list not sent",
        "kidney_disease": "problem list not sent",
        "weight": "weight and height not sent",
        "clearance": "kidney results not sent",
        "bronchospasm_risk": "problem list not sent",
        "bleeding_risk": "problem list not sent",
        "hypersensitivity": "allergy list not sent",
        "nitroglycerin": "list of active medications not sent",
        "parenteral_glutamine": "list of active medications not sent",
    }
    assert {name: facts[name] for name in notes} == {name: unknown(note) for name, note in notes.items()}
    assert facts["kidney"] == unknown("problem list not sent", summary="")


# --- results ----------------------------------------------------------------------------------------------------------

RANGE = {"referenceRange": [{"low": quantity(10, "umol/L"), "high": quantity(120, "umol/L")}]}
GLUTAMATE = result("20642-5", 64, "umol/L", "g", **RANGE)
TAKEN = "2026-11-20"
MAN = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1980-05-01"}
NO_RESULT = "no result that can be used"
RESULTS = {
    "age": ("age", {"patient": MAN}, known(Decimal(46), (Origin("Patient/p", "born 1980-05-01"),), amount="46")),
    "weight": (
        "weight",
        {"bodyMeasures": bundle(result("29463-7", Decimal("70.50"), "kg", "w"))},
        known(Decimal("70.5"), (Origin("Observation/w", "70.5 kg"),)),
    ),
    "no weight": ("weight", {}, absent("no weight that can be used")),
    "glutamate": (
        "glutamate",
        {"aminoAcids": bundle(GLUTAMATE)},
        known(
            "normal",
            (Origin("Observation/g", f"64 µmol/L on {TAKEN}"),),
            range="10–120 µmol/L",
            why="",
            result="64 µmol/L",
            date="20 November 2026",
            amount="64 µmol/L",
            day="20 Nov 2026",
            **{"class": "normal"},
        ),
    ),
    "no glutamate": ("glutamate", {}, absent(NO_RESULT)),
    "no sample": ("glutamate_sample", {}, absent("no result")),
    "a baseline": (
        "glutamate_sample",
        {"aminoAcids": bundle(GLUTAMATE)},
        known("baseline", (Origin("Observation/g", f"64 µmol/L on {TAKEN}"),)),
    ),
    "on treatment": (
        "glutamate_sample",
        {
            "aminoAcids": bundle(GLUTAMATE),
            **on_medications(medication(concept("606971", RXNORM), authoredOn="2026-09-01")),
        },
        known(
            "on treatment",
            (Origin("MedicationRequest/m", "began 1 September 2026"),),
            since="1 September 2026",
            since_day="1 Sep 2026",
        ),
    ),
    "none before the treatment": ("glutamate_before", {}, absent("no result from before the treatment")),
    "a value from before the treatment": (
        "glutamate_before",
        {
            "aminoAcids": bundle(GLUTAMATE, {**GLUTAMATE, "id": "old", "effectiveDateTime": "2026-08-20"}),
            **on_medications(medication(concept("606971", RXNORM), authoredOn="2026-09-01")),
        },
        known(
            "measured",
            (Origin("Observation/old", "64 µmol/L on 2026-08-20"),),
            change="±0 µmol/L (±0 %)",
            result="64 µmol/L",
            date="20 August 2026",
            amount="64 µmol/L",
            day="20 Aug 2026",
        ),
    ),
    "no glutamine of the sample": ("sample_handling", {}, absent("no glutamine result of the same sample")),
    "glutamine of the sample": (
        "sample_handling",
        {"aminoAcids": bundle(GLUTAMATE, result("20643-3", 500, "umol/L", "n"))},
        known("consistent", (Origin("Observation/n", f"500 µmol/L on {TAKEN}"),), ratio="0.13"),
    ),
    "all results used": ("results_unused", {"aminoAcids": bundle(GLUTAMATE)}, absent("none")),
    "a result that was not used": (
        "results_unused",
        {"aminoAcids": bundle({**GLUTAMATE, "status": "preliminary"})},
        known(
            "some",
            (Origin("Observation/g", "its status is preliminary"),),
            list=("glutamate in plasma or serum, 20 November 2026: its status is preliminary",),
        ),
    ),
    "amino acid results that came whole": ("amino_acid_results", {"aminoAcids": bundle(GLUTAMATE)}, known("whole")),
}


@pytest.mark.parametrize(("name", "prefetch", "expected"), RESULTS.values(), ids=RESULTS)
def test_a_result_is_shown_with_everything_that_a_card_may_say_of_it(name: str, prefetch: Json, expected: Fact) -> None:
    assert patient_facts(**prefetch)[name] == expected


def test_a_site_gives_each_analyte_its_own_interval() -> None:
    site = {
        "glutamate": (SiteInterval(Decimal(70), Decimal(120)),),
        "cystine": (SiteInterval(Decimal(10), Decimal(40)),),
    }
    results = bundle(result("20642-5", 64, "umol/L", "g"), result("22672-0", 64, "umol/L", "c"))
    chart = build_chart("p", {**EMPTY, "aminoAcids": results})
    with_site = read_patient_facts(draft_orders_of(), chart, replace(VOCABULARY, site_intervals=site), NOW)
    without = read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)
    assert (with_site["glutamate"].value, with_site["cystine"].value) == ("low", "high")
    assert (without["glutamate"].value, without["cystine"].value) == ("unclassified", "unclassified")


# --- kidney -----------------------------------------------------------------------------------------------------------

EGFR = result("98979-8", 51, "mL/min/{1.73_m2}", "e")
SAID = "eGFR 51 mL/min/1.73 m² (reported) of 20 November 2026"
FROM_EGFR = (Origin("Observation/e", f"51 mL/min/{{1.73_m2}} on {TAKEN}"),)
UNDER_90 = {**EGFR, "valueQuantity": {**quantity(90, "mL/min/{1.73_m2}"), "comparator": "<"}}
FROM_UNDER_90 = (Origin("Observation/e", f"<90 mL/min/{{1.73_m2}} on {TAKEN}"),)
SAID_UNDER_90 = "eGFR <90 mL/min/1.73 m² (reported) of 20 November 2026"
OPEN = unknown("the comparator of the eGFR leaves its class open", FROM_UNDER_90)
CREATININE = result("2160-0", Decimal("0.9"), "mg/dL", "k")
ON_DIALYSIS = result("11042-9", 5, "mg/dL", "k")
DISEASE = condition(concept("N18.3", ICD10CM))
ON_LIST = (Origin("Condition/c1", "N18.3 chronic kidney disease, stage 3"),)
KIDNEY = {
    "dialysis by creatinine": (
        "dialysis",
        {"kidneyResults": bundle(ON_DIALYSIS)},
        known(
            "present",
            (Origin("Observation/k", "creatinine before or after dialysis"),),
            summary="creatinine taken before or after dialysis on record",
        ),
    ),
    "no dialysis": ("dialysis", {}, absent("problem list empty")),
    "no injury": ("kidney_injury", {}, absent("problem list empty")),
    "no disease": ("kidney_disease", {}, absent("problem list empty")),
    "impairment": ("kidney_disease", {"kidneyResults": bundle(EGFR)}, known("impairment", FROM_EGFR, summary=SAID)),
    "the line: impairment": ("kidney", {"kidneyResults": bundle(EGFR)}, known("impairment", FROM_EGFR, summary=SAID)),
    "the line: nothing": ("kidney", {}, absent("no eGFR, and no creatinine from which it can be computed")),
    "the line: none": (
        "kidney",
        {"kidneyResults": bundle(result("98979-8", 90, "mL/min/{1.73_m2}", "e"))},
        known(
            "none",
            (Origin("Observation/e", f"90 mL/min/{{1.73_m2}} on {TAKEN}"),),
            summary="eGFR 90 mL/min/1.73 m² (reported) of 20 November 2026",
        ),
    ),
    "clearance": (
        "clearance",
        {
            "patient": MAN,
            "kidneyResults": bundle(CREATININE),
            "bodyMeasures": bundle(result("29463-7", 70, "kg", "w")),
        },
        known(
            cockcroft_gault(Decimal("0.9"), 46, Decimal(70), "male"),
            (Origin("Observation/k", f"0.9 mg/dL on {TAKEN}"), Origin("Observation/w", "70 kg")),
            amount="creatinine clearance 102 mL/min (Cockcroft–Gault) of 20 November 2026",
        ),
    ),
    "eGFR in place of clearance": (
        "clearance",
        {"kidneyResults": bundle(EGFR)},
        known(Decimal(51), FROM_EGFR, amount=f"{SAID}, since no creatinine clearance can be computed"),
    ),
    "clearance of a woman of eighteen": (
        "clearance",
        {
            "patient": {**MAN, "gender": "female", "birthDate": "2008-11-20"},
            "kidneyResults": bundle(CREATININE),
            "bodyMeasures": bundle(result("29463-7", 70, "kg", "w")),
        },
        known(
            cockcroft_gault(Decimal("0.9"), 18, Decimal(70), "female"),
            (Origin("Observation/k", f"0.9 mg/dL on {TAKEN}"), Origin("Observation/w", "70 kg")),
            amount="creatinine clearance 112 mL/min (Cockcroft–Gault) of 20 November 2026",
        ),
    ),
    "less than a number in place of clearance": (
        "clearance",
        {"kidneyResults": bundle(UNDER_90)},
        structs.replace(
            known(Decimal(90), FROM_UNDER_90, amount=f"{SAID_UNDER_90}, since no creatinine clearance can be computed"),
            comparator="<",
        ),
    ),
    "a disease that a comparator leaves open": ("kidney_disease", {"kidneyResults": bundle(UNDER_90)}, OPEN),
    "the line: left open": (
        "kidney",
        {"kidneyResults": bundle(UNDER_90)},
        structs.replace(OPEN, texts={"summary": SAID_UNDER_90}),
    ),
    "neither clearance nor eGFR": ("clearance", {}, absent("no kidney result that is recent enough")),
}


@pytest.mark.parametrize(("name", "prefetch", "expected"), KIDNEY.values(), ids=KIDNEY)
def test_the_kidney_is_shown_with_everything_that_a_card_may_say_of_it(
    name: str, prefetch: Json, expected: Fact
) -> None:
    assert patient_facts(**prefetch)[name] == expected


@pytest.mark.parametrize("name", ["dialysis", "kidney_injury", "kidney_disease"])
def test_without_the_kidney_results_an_empty_problem_list_tells_nothing(name: str) -> None:
    sent = {key: None for key in EMPTY if key != "kidneyResults"}
    facts = read_patient_facts(draft_orders_of(), build_chart("p", sent), VOCABULARY, NOW)
    assert facts[name] == unknown("kidney results not sent")


# --- of one order -----------------------------------------------------------------------------------------------------

FROM_DOSAGE = (Origin("MedicationRequest/d", "dosageInstruction"),)
FROM_DURATION = (Origin("MedicationRequest/d", "duration"),)
TWICE = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}


def dosed(value: Json, unit: str = "mg") -> Json:
    return draft(dosageInstruction=[{"timing": TWICE, "doseAndRate": [{"doseQuantity": quantity(value, unit)}]}])


def bounded(**repeat: Json) -> Json:
    return draft(dosageInstruction=[{"timing": {"repeat": repeat}}])


def supplied(repeats: Json = None, length: Json = None) -> Json:
    request = {"expectedSupplyDuration": length or quantity(28, "d"), "numberOfRepeatsAllowed": repeats}
    return draft(dispenseRequest={name: value for name, value in request.items() if value is not None})


def lasting(days: Json, said: str) -> Fact:
    return known(Decimal(days), FROM_DURATION, amount=said)


NOT_READ = unknown("its duration cannot be read", FROM_DURATION)
ORDERS = {
    "a dose": ("dose_per_day", dosed(1200), known(Decimal(2400), FROM_DOSAGE, amount="2,400 mg")),
    "a dose of many digits": (
        "dose_per_day",
        dosed(Decimal("66.66666666")),
        known(Decimal("133.33333332"), FROM_DOSAGE, amount="133.333 mg"),
    ),
    "no dose yet": ("dose_per_day", draft(), absent("the order states no dose yet", FROM_DOSAGE)),
    "a dose that is not known": (
        "dose_per_day",
        draft(dosageInstruction=[{"text": "as told"}]),
        unknown("its dose is written as text only", FROM_DOSAGE, why="its dose is written as text only"),
    ),
    "open-ended": ("duration", draft(), absent("open-ended", FROM_DURATION)),
    "bounds": ("duration", bounded(boundsDuration=quantity(8, "wk")), lasting(56, "56 days")),
    "bounds of DSTU2": ("duration", bounded(boundsQuantity=quantity(10, "d")), lasting(10, "10 days")),
    "some hours": (
        "duration",
        bounded(boundsDuration=quantity(20, "h")),
        known(Decimal(1) / 24 * 20, FROM_DURATION, amount="0.833 days"),
    ),
    "a supply": ("duration", supplied(), lasting(28, "28 days")),
    "a supply without repeats": ("duration", supplied(0), lasting(28, "28 days")),
    "a supply with one repeat": ("duration", supplied(1), lasting(56, "56 days")),
    "a supply with two repeats": ("duration", supplied(2), lasting(84, "84 days")),
    "repeats in words": ("duration", supplied("two"), NOT_READ),
    "negative repeats": ("duration", supplied(-1), NOT_READ),
    "a supply that cannot be read, with repeats": ("duration", supplied(1, quantity(1, "min")), NOT_READ),
    "a month, as UCUM has it": ("duration", supplied(0, quantity(1, "mo")), lasting(Decimal("30.4375"), "30.4 days")),
    "at most so long": ("duration", bounded(boundsDuration={**quantity(8, "wk"), "comparator": "<="}), NOT_READ),
    "a supply for more than so long": ("duration", supplied(0, {**quantity(28, "d"), "comparator": ">"}), NOT_READ),
    "a period without a start": ("duration", bounded(boundsPeriod={"end": "2026-12-01"}), NOT_READ),
    "a period without an end that can be read": (
        "duration",
        bounded(boundsPeriod={"start": "2026-11-23", "end": "2026"}),
        NOT_READ,
    ),
}


@pytest.mark.parametrize(("name", "resource", "expected"), ORDERS.values(), ids=ORDERS)
def test_the_dose_and_duration_of_an_order_are_shown_with_where_they_stand(
    name: str, resource: Json, expected: Fact
) -> None:
    assert order_facts(resource)[name] == expected


POISONING = {"reasonCode": [{"text": "paracetamol overdose"}]}
LARGE = "a single dose per kg as large as an antidote's"
USES = {
    "by a vein": (draft(dosageInstruction=[{"route": IV}]), {}, "antidote", "an intravenous route or product"),
    "words of the order": (
        draft(note=[{"text": "as an antidote"}]),
        {},
        "antidote",
        "words of the order speak of an antidote: in doubt, it is one",
    ),
    "its reason": (draft(**POISONING), {}, "antidote", "its reason is acetaminophen poisoning or overdose"),
    "signs on record": (
        draft(),
        {"problemList": bundle(condition(concept("T39.1X1A", ICD10CM)))},
        "antidote",
        "signs of acetaminophen poisoning on record",
    ),
    "a large dose per kg": (dosed(70, "mg/kg"), {}, "antidote", LARGE),
    "a large dose for the weight": (
        dosed(2800),
        {"bodyMeasures": bundle(result("29463-7", 40, "kg", "w"))},
        "antidote",
        LARGE,
    ),
    "a large dose": (dosed(5000), {}, "antidote", "a single dose as large as an antidote's"),
    "inhaled": (
        draft(dosageInstruction=[{"route": {"text": "inhalation"}}]),
        {},
        "inhaled",
        "an inhalation route or product",
    ),
    "in the eye": (draft(dosageInstruction=[{"route": {"text": "eye"}}]), {}, "ophthalmic", "an eye route or product"),
    "for the lungs": (
        draft(dosageInstruction=[{"route": ORAL}], reasonCode=[concept("J42", ICD10CM)]),
        {},
        "somatic",
        "by mouth, for a respiratory disease",
    ),
    "anything else": (draft(), {}, "other", "no other use holds"),
}


@pytest.mark.parametrize(("resource", "prefetch", "use", "because"), USES.values(), ids=USES)
def test_the_use_says_by_what_it_was_told(resource: Json, prefetch: Json, use: str, because: str) -> None:
    expected = known(use, (Origin("MedicationRequest/d", because),), note=because)
    assert order_facts(resource, **prefetch)["use"] == expected


WORDS = {
    "its text": {"dosageInstruction": [{"text": "600 mg twice daily, as an antidote"}]},
    "words for the patient": {"dosageInstruction": [{"patientInstruction": "This is an antidote."}]},
    "more words, STU3 and later": {"dosageInstruction": [{"additionalInstruction": [{"text": "antidote"}]}]},
    "more words, DSTU2": {"dosageInstruction": [{"additionalInstructions": {"text": "antidote"}}]},
    "a note": {"note": [{"text": "antidote"}]},
}


@pytest.mark.parametrize("members", WORDS.values(), ids=WORDS)
def test_an_antidote_is_heard_wherever_an_order_has_words(members: Json) -> None:
    assert order_facts(draft(**members))["use"].value == "antidote"


# --- of several orders (their sum is in test_together.py) -------------------------------------------------------------


def test_a_poisoning_that_one_order_states_is_named_with_that_order() -> None:
    chart = Chart("p", {MEDICATIONS: Data(Arrival.EMPTY)})
    plain, stated = order_of(draft()), order_of(draft(id="e", **POISONING))
    expected = known("present", (Origin("MedicationRequest/e", "reason"),))

    assert poisoning_as_reason([plain, stated], chart, VOCABULARY) == expected
    assert poisoning_as_reason([plain], chart, VOCABULARY) is None
