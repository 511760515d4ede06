"""Acetaminophen poisoning by code and in words: one list for the order, its reason and the problem list."""

from datetime import timedelta
from typing import Any

import pytest

from cds_service.clinical.facts import State
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.orders.poisoning import order_speaks_of_poisoning, read_poisoning, speaks_of_poisoning
from cds_service.clinical.reading import read_patient_facts
from cds_service.clinical.text_limits import MAX_TEXT
from cds_service.gathering.prefetch import build_chart
from tests.support import NOW, VOCABULARY, draft_orders_of

Json = Any
KEYS = ("patient", "aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels")
EMPTY = dict.fromkeys((*KEYS, "problemList", "allergyList", "activeMedications"))
DRUGS = ("acetaminophen", "paracetamol", "paracétamol", "paracetamolo", "APAP", "Tylenol", "Panadol", "4-aminophenol")
EVENTS = (
    *("overdose", "poisoning", "self-poisoning", "toxicity", "toxic", "hepatotoxicity", "ingestion"),
    *("Vergiftung", "Überdosis", "Überdosierung", "Intoxikation", "intoxication", "surdosage", "intoxicación"),
    *("sobredosis", "sovradosaggio", "intossicazione", "overdosis", "intoxicatie", "OD"),
)


def order(**members: Json) -> Json:
    """An order for a capsule by mouth."""
    drug = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "606971"}]}
    return {"resourceType": "MedicationRequest", "id": "d", "medicationCodeableConcept": drug, **members}


def use(resource: Json, problems: list[Json] | None = None) -> object:
    """The use of an order, with these problems on record."""
    entries = [{"resource": problem} for problem in problems or []]
    chart = build_chart("p", {**EMPTY, "problemList": {"resourceType": "Bundle", "entry": entries}})
    orders = draft_orders_of(resource)
    facts = read_order_facts(orders, read_patient_facts(orders, chart, VOCABULARY, NOW), chart, VOCABULARY, NOW)
    return facts[0]["use"].value


def condition(code: Json, **members: Json) -> Json:
    """An active condition."""
    active = {"coding": [{"code": "active"}]}
    return {"resourceType": "Condition", "id": "c", "clinicalStatus": active, "code": code, **members}


PLACES = {
    "its drug's name": lambda text: order(medicationCodeableConcept={"text": f"acetylcysteine capsule {text}"}),
    "its reason": lambda text: order(reasonCode=[{"text": text}]),
    "its reason of R5": lambda text: order(reason=[{"concept": {"text": text}}]),
    "its instruction": lambda text: order(dosageInstruction=[{"text": text}]),
    "words for the patient": lambda text: order(dosageInstruction=[{"patientInstruction": text}]),
    "further words": lambda text: order(dosageInstruction=[{"additionalInstruction": [{"text": text}]}]),
    "why as needed": lambda text: order(dosageInstruction=[{"asNeededCodeableConcept": {"text": text}}]),
    "its route": lambda text: order(dosageInstruction=[{"route": {"text": f"oral {text}"}}]),
    "its method": lambda text: order(dosageInstruction=[{"method": {"text": text}}]),
    "its timing": lambda text: order(dosageInstruction=[{"timing": {"code": {"text": text}}}]),
    "a note": lambda text: order(note=[{"text": text}]),
    "its rendered dosage": lambda text: order(renderedDosageInstruction=text),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("event", EVENTS)
def test_each_word_beside_the_drug_counts_wherever_an_order_has_words(place: str, event: str) -> None:
    assert use(PLACES[place](f"for paracetamol {event}")) == "antidote"


@pytest.mark.parametrize("drug", DRUGS)
@pytest.mark.parametrize("event", EVENTS)
def test_each_word_beside_each_name_of_the_drug_counts_on_the_problem_list(drug: str, event: str) -> None:
    for written in (f"{drug} {event}", f"{event} of {drug}", f"{event.upper()} ({drug})"):
        assert speaks_of_poisoning(written, VOCABULARY), written
        assert use(order(), [condition({"text": written})]) == "antidote", written


SPEAKS = {
    "overdose": True,
    "Intentional OVERDOSE, drug unknown": True,
    "Überdosis": True,
    "U\u0308berdosis in suizidaler Absicht": True,
    "Paracetamolvergiftung": True,
    "Paracetamolüberdosierung": True,
    "paracetamolintoxicatie": True,
    "Paracetamol-Intoxikation": True,
    "Acetaminophen-induced acute liver failure": True,
    "liver failure, alcohol-induced": False,
    "acetaminophen for liver failure": False,
    "heroin overdose": False,
    "Overdose of opioids": False,
    "Accidental overdose of long-acting insulin": False,
    "benzodiazepine overdose": False,
    "Heroinüberdosis": False,
    "heroin and paracetamol overdose": True,
    "insulin-treated; was brought in with a large and deliberate overdose": True,
    "toxicity": False,
    "lithium toxicity": False,
    "food poisoning": False,
    "Poisoning": False,
    "paracetamol allergy": False,
    "acetaminophen 500 mg OD": False,
    "paracetamol, 1 tablet OD": False,
    "paracetamol OD": True,
    "OD on paracetamol": True,
    "APAP staggered OD": True,
    "600 mg OD": False,
    "od": False,
    "paracetamol and nontoxic goitre": False,
    "paracetamol level: toxicology screen": False,
    "": False,
}


@pytest.mark.parametrize(("written", "expected"), SPEAKS.items(), ids=SPEAKS)
def test_the_words_of_a_text_count_together(written: str, expected: bool) -> None:
    assert speaks_of_poisoning(written, VOCABULARY) is expected
    assert order_speaks_of_poisoning(written, VOCABULARY) is expected
    assert (use(order(reasonCode=[{"text": written}])) == "antidote") is expected


IN_AN_ORDER = {
    "loading dose": True,
    "Loading dose then 17 doses": True,
    "load 4 g now": True,
    "140 mg/kg load": True,
    "600 mg daily, viral load pending": True,
    "viral load": False,
    "the patient's workload is 40 hours": False,
    "1 sachet every 4 hours x 17 doses": True,
    "x17 doses": True,
    "× 17 doses": True,
    "per poison control": True,
    "poison centre was called": True,
    "Poison Center": True,
    "per toxicology": True,
    "toxicology was called, watch the urine output": True,
    "urine toxicology": False,
    "toxicology screen negative": False,
    "for the toxicology test": False,
    "toxicology advised it after the urine toxicology of yesterday came back": True,
    "Rumack-Matthew line": True,
    "antidote": True,
    "600 mg once daily in the morning": False,
}


@pytest.mark.parametrize(("written", "expected"), IN_AN_ORDER.items(), ids=IN_AN_ORDER)
def test_further_words_count_in_the_orders_own_text_alone(written: str, expected: bool) -> None:
    assert order_speaks_of_poisoning(written, VOCABULARY) is expected
    assert not speaks_of_poisoning(written, VOCABULARY)
    assert use(order(), [condition({"text": written})]) == "other"


def test_a_long_text_is_looked_at_to_its_end() -> None:
    for length in (990, 5000, 15_000, MAX_TEXT):
        assert speaks_of_poisoning("x " * (length // 2) + "paracetamol overdose", VOCABULARY)


ICD10 = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    "http://hl7.org/fhir/sid/icd-10-am",
)
CODES = {
    **{f"T39.1 of {system}": (system, "T39.1", True) for system in ICD10},
    "T39.1 of ICD-10 by its OID": ("urn:oid:2.16.840.1.113883.6.3", "T39.1", True),
    "T39.1 of the former German form": ("http://fhir.de/CodeSystem/dimdi/icd-10-gm", "T39.1", True),
    "965.4 of ICD-9-CM by its OID": ("urn:oid:2.16.840.1.113883.6.103", "965.4", True),
    "T39.1 of ICD-10-CM by its OID": ("urn:oid:2.16.840.1.113883.6.90", "T39.1X1A", True),
    "T39.1X2A of ICD-10": ("http://hl7.org/fhir/sid/icd-10", "T39.1X2A", True),
    "T39.1X5A": ("http://hl7.org/fhir/sid/icd-10-cm", "T39.1X5A", False),
    "T39.0": ("http://hl7.org/fhir/sid/icd-10", "T39.0", False),
    "965.4": ("http://hl7.org/fhir/sid/icd-9-cm", "965.4", True),
    "9654": ("http://hl7.org/fhir/sid/icd-9-cm", "9654", True),
    "965.1": ("http://hl7.org/fhir/sid/icd-9-cm", "965.1", False),
    "295124009": ("http://snomed.info/sct", "295124009", True),
    "70273001": ("http://snomed.info/sct", "70273001", True),
}


@pytest.mark.parametrize(("system", "code", "expected"), CODES.values(), ids=CODES)
def test_the_codes_count_as_reason_and_as_condition(system: str, code: str, expected: bool) -> None:
    concept = {"text": "see code", "coding": [{"system": system, "code": code}]}
    assert (use(order(reasonCode=[concept])) == "antidote") is expected
    assert (use(order(), [condition(concept)]) == "antidote") is expected


def day(days_ago: int) -> str:
    """The day so many days before the call."""
    return (NOW - timedelta(days=days_ago)).date().isoformat()


POISONED = {"text": "paracetamol overdose"}
AGES = {
    "30 days since its onset": ({"onsetDateTime": day(30)}, True),
    "31 days since its onset": ({"onsetDateTime": day(31)}, False),
    "31 days since the start of its onset": ({"onsetPeriod": {"start": day(31)}}, False),
    "30 days since it was recorded": ({"recordedDate": day(30)}, True),
    "31 days since it was recorded": ({"recordedDate": day(31)}, False),
    "31 days since it was asserted, STU3": ({"assertedDate": day(31)}, False),
    "31 days since it was recorded, DSTU2": ({"dateRecorded": day(31)}, False),
    "began long ago, recorded today": ({"onsetDateTime": day(400), "recordedDate": day(0)}, False),
    "began today, recorded long ago": ({"onsetDateTime": day(0), "recordedDate": day(400)}, True),
    "without a date": ({}, True),
    "a year ago, to the year": ({"onsetDateTime": "2024"}, False),
    "this year": ({"onsetDateTime": "2026"}, True),
    "two months ago, to the month": ({"onsetDateTime": "2026-09"}, False),
    "this month": ({"onsetDateTime": "2026-11"}, True),
    "a date that cannot be read": ({"onsetDateTime": "in spring"}, True),
    "tomorrow": ({"onsetDateTime": day(-1)}, True),
}


@pytest.mark.parametrize(("dates", "expected"), AGES.values(), ids=AGES)
def test_a_condition_counts_for_30_days(dates: Json, expected: bool) -> None:
    assert (use(order(), [condition(POISONED, **dates)]) == "antidote") is expected


def test_as_the_reason_of_an_order_it_counts_at_any_age() -> None:
    reason = {"reasonReference": [{"reference": "Condition/c"}]}
    assert use(order(**reason), [condition(POISONED, onsetDateTime=day(400))]) == "antidote"


@pytest.mark.parametrize("code", ["3298-7", "14581-3", "70198-7"])
def test_each_code_of_a_level_counts_within_72_hours(code: str) -> None:
    for hours, state in ((72, State.KNOWN), (73, State.ABSENT)):
        level = {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "effectiveDateTime": (NOW - timedelta(hours=hours)).isoformat(),
            "valueQuantity": {"value": 900, "unit": "umol/L"},
        }
        levels = {"resourceType": "Bundle", "entry": [{"resource": level}]}
        assert (
            read_poisoning(build_chart("p", {**EMPTY, "acetaminophenLevels": levels}), VOCABULARY, NOW).state is state
        )
