"""From a chart to facts: the whole set, age, dose and duration, and what each invented patient shows."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cds_service.clinical.catalogue import CATALOGUE
from cds_service.clinical.chart import Chart
from cds_service.clinical.facts import OrderFacts, PatientFacts, State
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.patient import read_patient
from cds_service.clinical.reading import read_patient_facts
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from tests.builders import LOINC, RXNORM, bundle, concept, draft_order, observation, quantity
from tests.support import CONTENT, NOW, ROOT, VOCABULARY, Body, Json, draft_orders_of

DERIVED_LATER = {"screens_not_done"}  # once the other cards were decided


def patient_chart(name: str) -> Chart:
    written = json.loads((ROOT / "fixtures" / "patients" / f"{name}.json").read_text(encoding="utf-8"))
    return build_chart(name, prefetch_from(written, name, VOCABULARY.code_lists))


def stored_order(name: str) -> Json:
    return json.loads((ROOT / "fixtures" / "orders" / f"{name}.json").read_text(encoding="utf-8"))


def patient_facts(chart: Chart) -> PatientFacts:
    return read_patient_facts(draft_orders_of(), chart, VOCABULARY, NOW)


def order_facts(resource: Body, chart: Chart) -> OrderFacts:
    return read_order_facts(draft_orders_of(resource), patient_facts(chart), chart, VOCABULARY, NOW)[0]


def ordered(*instructions: Body, **members: Json) -> Body:
    return draft_order(concept("606971", RXNORM), **{"dosageInstruction": list(instructions), **members})


def person(**members: Json) -> Chart:
    return build_chart("p", {"patient": {"resourceType": "Patient", "id": "p", **members}})


# --- the whole set ----------------------------------------------------------------------------------------------------

STORIES = sorted(path.stem for path in (ROOT / "fixtures" / "patients").glob("*.json"))
PATIENT_FACTS = {name for name, fact in CATALOGUE.items() if fact.scope == "patient"} - DERIVED_LATER
ORDER_FACTS = {name for name, fact in CATALOGUE.items() if fact.scope == "order"} - DERIVED_LATER


@pytest.mark.parametrize("story", [*STORIES, "nobody"])
def test_every_fact_is_read_and_is_what_the_catalogue_says_it_can_be(story: str) -> None:
    chart = patient_chart(story) if story in STORIES else build_chart(story, {})
    patient, order = patient_facts(chart), order_facts(stored_order("oral-1200-twice-daily"), chart)
    assert (set(patient), set(order)) == (PATIENT_FACTS, ORDER_FACTS)
    for name, fact in {**patient, **order}.items():
        kind = CATALOGUE[name]
        assert fact.state in kind.states, name
        assert fact.state is not State.KNOWN or kind.is_number or fact.value in kind.values, name
        texts = {text for text, states in kind.texts.items() if fact.state in states}
        texts -= set() if fact.value == "on treatment" else {"since", "since_day"}  # only treatment has a beginning
        assert texts <= set(fact.texts), name
        assert fact.state is State.KNOWN or fact.note, name


def test_of_nobody_nothing_that_was_asked_is_known_or_absent() -> None:
    facts = patient_facts(build_chart("nobody", {}))
    assert {name for name, fact in facts.items() if fact.state is not State.UNKNOWN} == {
        "amino_acids_ordered",
        "glutamate_before",
        "glutamate_mix_up",
        "glutamine_kidney",
        "inhaled_acetylcysteine",
        "other_patient",
        "results_unused",
        "sample_handling",
    }


SHOWN: dict[str, Json] = {
    "alma-glutamate-high": {"glutamate": "high", "cystine": "normal", "age": 44, "hypersensitivity": None},
    "bruno-glutamate-normal": {"glutamate": "normal", "kidney": "disease"},
    "chiara-glutamate-low": {"glutamate": "low", "cystine": "normal", "glutamate_sample": "baseline"},
    "daniel-both-low": {"glutamate": "low", "cystine": "low"},
    "edith-not-measured": {"glutamate": None, "cystine": None, "bronchospasm_risk": "present"},
    "felix-unclassified": {"glutamate": "unclassified"},
    "greta-on-treatment": {"glutamate_sample": "on treatment", "glutamate_before": "measured"},
    "hugo-child": {"age": 12, "glutamate": "normal"},
    "ida-intolerant": {"hypersensitivity": "intolerance", "pregnancy": None},
    "ilja-anaphylaxis": {"hypersensitivity": "present"},
    "ines-allergic": {"hypersensitivity": "present"},
    "jonas-poisoned": {"poisoning": "present"},
    "kira-copd": {"bronchospasm_risk": "present", "hypersensitivity": None, "poisoning": None},
    "arno-creatinine-in-umol": {"glutamate": "normal", "kidney": "none"},
    "berta-intravenous-lately": {"glutamate_sample": "on treatment"},
    "bertram-intravenous-earlier": {"glutamate_sample": "baseline"},
    "carl-level-three-days-ago": {"poisoning": "present", "glutamate": None},
    "doris-egfr-only": {"egfr": 106, "clearance": 106},
    "liam-old-result": {"glutamate": None, "results_unused": "some"},
    "mona-birthday": {"age": 18},
    "nils-poisoned-allergic": {"poisoning": "present", "hypersensitivity": "present"},
    "olga-disagreeing": {"glutamate": "unclassified"},
    "petra-refuted": {"hypersensitivity": None, "bronchospasm_risk": None},
    "quentin-dialysis": {"kidney": "dialysis", "cystine": "high"},
    "rosa-comparator": {"glutamate": "low", "cystine": "unclassified"},
    "sven-handling": {"sample_handling": "doubtful"},
    "theo-under-two": {"age": 1},
    "tilda-panel": {"glutamate": "normal", "cystine": "normal"},
    "ulf-clearance-25": {"clearance": 25, "kidney_disease": "impairment", "kidney_injury": None},
    "ulf-clearance-over-25": {"kidney": "impairment"},
    "ulf-clearance-under-25": {"kidney": "impairment", "dialysis": None},
    "uwe-injury-25": {"clearance": 25, "kidney_injury": "present"},
    "uwe-injury-over-25": {"kidney": "injury"},
    "uwe-injury-under-25": {"kidney": "injury"},
    "vera-kidney-injury": {"kidney_injury": "present", "kidney": "injury"},
    "wanda-nitroglycerin": {"nitroglycerin": "present", "parenteral_glutamine": None},
    "xaver-varices": {"bleeding_risk": "present"},
    "yara-ulcer-unsure": {"glutamate": "normal"},
    "runa-follow-up-due": {"glutamate": "high", "glutamate_sample": "baseline", "hypersensitivity": None},
    "tomas-new-allergy": {"glutamate": "normal", "hypersensitivity": "present"},
    "vito-no-start": {"glutamate": "low", "hypersensitivity": None, "bleeding_risk": None},
    "zeno-glutamine-active": {"parenteral_glutamine": "present", "nitroglycerin": None},
}


@pytest.mark.parametrize("story", STORIES)
def test_each_story_shows_what_it_was_made_for(story: str) -> None:
    facts = patient_facts(patient_chart(story))
    for name, value in SHOWN[story].items():
        expected = (State.ABSENT, None) if value is None else (State.KNOWN, value)
        assert (facts[name].state, facts[name].value) == expected, name


# --- age --------------------------------------------------------------------------------------------------------------

AGES = {
    "18th birthday": ("2008-11-23", 18),
    "the day before it": ("2008-11-24", 17),
    "born today": ("2026-11-23", 0),
    "born on a leap day": ("2004-02-29", 22),
}


@pytest.mark.parametrize(("born", "expected"), AGES.values(), ids=AGES)
def test_age_is_in_completed_years(born: str, expected: int) -> None:
    fact = patient_facts(person(birthDate=born))["age"]
    assert (fact.value, fact.texts["amount"]) == (Decimal(expected), str(expected))


NOT_EXACT = {  # on 23 November 2026: the age, its words, and what else says so
    "1980": (45, "45 or 46"),
    "1980-05": (46, "46"),
    "1980-11": (45, "45 or 46"),
    "1905-12": (120, "120"),
    "1905": (120, "120 or 121"),
    "2026": (0, "0"),
    "2025": (0, "0 or 1"),
    "2024": (None, "the date of birth is not exact to the day: 1 or 2 years"),
    "2024-11": (None, "the date of birth is not exact to the day: 1 or 2 years"),
    "2024-10": (2, "2"),
    "2024-12": (1, "1"),
    "2023": (2, "2 or 3"),
    "2009": (16, "16 or 17"),
    "2008": (None, "the date of birth is not exact to the day: 17 or 18 years"),
    "2008-11": (None, "the date of birth is not exact to the day: 17 or 18 years"),
    "2008-12": (17, "17"),
    "2007": (18, "18 or 19"),
}


@pytest.mark.parametrize(("born", "expected"), NOT_EXACT.items())
def test_a_year_or_month_of_birth_leaves_the_age_unknown_only_at_an_edge(
    born: str, expected: tuple[int | None, str]
) -> None:
    fact = patient_facts(person(birthDate=born))["age"]
    assert (fact.value, fact.texts.get("amount", fact.note)) == expected


def test_every_age_that_a_card_or_a_wording_asks_for_is_an_edge_at_which_it_may_be_unknown() -> None:
    cards = (condition for card in CONTENT.cards for condition in (*card.conditions(), *card.other_conditions()))
    phrases = (condition for phrase in CONTENT.phrases.values() for condition in phrase.conditions())
    asked = {condition.threshold for condition in (*cards, *phrases) if condition.fact == "age"} - {None}
    assert asked == {VOCABULARY.thresholds[name] for name in ("adult-age", "young-child-age")}


NO_AGE = {"missing": None, "no such month": "1980-13", "words": "old"}


@pytest.mark.parametrize("born", NO_AGE.values(), ids=NO_AGE)
def test_a_date_of_birth_that_cannot_be_read_leaves_the_age_unknown(born: str | None) -> None:
    fact = patient_facts(person(birthDate=born))["age"]
    assert (fact.state, fact.note) == (State.UNKNOWN, "the patient record has no date of birth that can be read")


IMPLAUSIBLE_AGES = [
    ("2026-11-24", "the date of birth is implausible: it lies in the future"),
    ("1905-11-23", "the date of birth is implausible: an age above 120 years"),
    ("1905-11-24", None),
    ("2026-11-23", None),
    ("1904", "the date of birth is implausible: an age above 120 years"),
    ("2027", "the date of birth is implausible: it lies in the future"),
    ("2026-12", "the date of birth is implausible: it lies in the future"),
]


@pytest.mark.parametrize(("born", "note"), IMPLAUSIBLE_AGES)
def test_an_implausible_age_is_named_with_its_bound(born: str, note: str | None) -> None:
    fact = patient_facts(person(birthDate=born))["age"]
    assert (fact.state is State.UNKNOWN) is (note is not None)
    assert note is None or fact.note == note


@pytest.mark.parametrize(
    ("prefetch", "note"),
    [
        ({}, "patient record not sent"),
        ({"patient": []}, "patient record could not be read (not a Patient or a Bundle of them)"),
    ],
    ids=["not sent", "failed"],
)
def test_a_patient_record_that_did_not_come_leaves_the_age_unknown_and_says_why(prefetch: Body, note: str) -> None:
    fact = patient_facts(build_chart("p", prefetch))["age"]
    assert (fact.state, fact.note) == (State.UNKNOWN, note)


def test_the_patient_has_a_day_of_birth_and_a_sex_only_where_they_can_be_read() -> None:
    assert read_patient(person(birthDate="1980-05-01", gender="female"), 120, NOW.date()).sex == "female"
    assert read_patient(person(birthDate="1980-05-01"), 120, NOW.date()).born == datetime(1980, 5, 1, tzinfo=UTC).date()
    blank = read_patient(person(birthDate=1980, gender=["female"]), 120, NOW.date())
    assert (blank.born, blank.sex) == (None, "")


# --- dose per day -----------------------------------------------------------------------------------------------------

TWICE = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
DOSED = {
    "1,200 mg twice daily": ("oral-1200-twice-daily", State.KNOWN, 2400),
    "2,399 mg once daily": ("oral-2399-once-daily", State.KNOWN, 2399),
    "2,401 mg once daily": ("oral-2401-once-daily", State.KNOWN, 2401),
    "no dosage": ("oral-no-dosage", State.ABSENT, None),
    "text only": ("oral-text-only-dosage", State.UNKNOWN, None),
}


@pytest.mark.parametrize(("name", "state", "value"), DOSED.values(), ids=DOSED)
def test_the_dose_per_day_is_known_absent_or_unknown(name: str, state: State, value: int | None) -> None:
    fact = order_facts(stored_order(name), build_chart("p", {}))["dose_per_day"]
    assert (fact.state, fact.value) == (state, value)
    assert fact.origins[0].sent == "dosageInstruction"


def test_a_known_dose_is_shown_in_mg_with_thousands_separated() -> None:
    fact = order_facts(stored_order("oral-1200-twice-daily"), build_chart("p", {}))["dose_per_day"]
    assert fact.texts["amount"] == "2,400 mg"


def test_an_unknown_dose_says_why() -> None:
    fact = order_facts(stored_order("oral-text-only-dosage"), build_chart("p", {}))["dose_per_day"]
    assert fact.note == fact.texts["why"] == "its dose is written as text only"


def weighed(value: int, taken: str) -> Body:
    measured = quantity(value, "kg")
    return observation(concept("29463-7", LOINC), id=f"w-{taken}", effectiveDateTime=taken, valueQuantity=measured)


def test_a_dose_per_kg_is_worked_out_with_a_recent_weight_only() -> None:
    order = ordered({"timing": TWICE, "doseAndRate": [{"doseQuantity": quantity(10, "mg/kg")}]})
    recent, old = (weighed(70, (NOW - timedelta(days=days)).date().isoformat()) for days in (365, 366))
    doses = []
    for measured in (recent, old):
        doses.append(order_facts(order, build_chart("p", {"bodyMeasures": bundle(measured)}))["dose_per_day"])
    assert (doses[0].value, doses[1].note) == (Decimal(1400), "it is ordered per kg and no weight is known")


# --- duration ---------------------------------------------------------------------------------------------------------


def bounds(**repeat: Json) -> Body:
    return {"timing": {"repeat": repeat}}


def period(**ends: Json) -> Body:
    return bounds(boundsPeriod=ends)


SUPPLY = {"dispenseRequest": {"expectedSupplyDuration": quantity(28, "d")}}
DURATIONS = {
    "bounds in days": (ordered(bounds(boundsDuration=quantity(56, "d"))), 56, "56 days"),
    "bounds in weeks": (ordered(bounds(boundsDuration=quantity(8, "wk"))), 56, "56 days"),
    "one day": (ordered(bounds(boundsDuration=quantity(1, "d"))), 1, "1 day"),
    "a period, both ends counted": (ordered(period(start="2026-11-23", end="2026-11-29")), 7, "7 days"),
    "a period of one day": (ordered(period(start="2026-11-23", end="2026-11-23")), 1, "1 day"),
    "supply": (ordered({}, **SUPPLY), 28, "28 days"),
    "supply without an instruction": (ordered(**SUPPLY), 28, "28 days"),
    "bounds before supply": (ordered(bounds(boundsDuration=quantity(7, "d")), **SUPPLY), 7, "7 days"),
    "period before supply": (ordered(period(start="2026-11-23", end="2026-11-29"), **SUPPLY), 7, "7 days"),
    "a period without an end gives way to supply": (ordered(period(start="2026-11-23"), **SUPPLY), 28, "28 days"),
    "the longest of two": (
        ordered(bounds(boundsDuration=quantity(7, "d")), bounds(boundsDuration=quantity(14, "d"))),
        14,
        "14 days",
    ),
}


@pytest.mark.parametrize(("order", "days", "said"), DURATIONS.values(), ids=DURATIONS)
def test_the_duration_is_what_the_order_states(order: Body, days: int, said: str) -> None:
    fact = order_facts(order, build_chart("p", {}))["duration"]
    assert (fact.value, fact.texts["amount"]) == (Decimal(days), said)


OPEN = {
    "nothing stated": ordered(),
    "an instruction without bounds": ordered({"timing": TWICE}),
    "a period without an end": ordered(period(start="2026-11-23")),
}


@pytest.mark.parametrize("order", OPEN.values(), ids=OPEN)
def test_an_order_without_an_end_is_open_ended(order: Body) -> None:
    fact = order_facts(order, build_chart("p", {}))["duration"]
    assert (fact.state, fact.note) == (State.ABSENT, "open-ended")


UNREADABLE = {
    "a unit that is not read": ordered(bounds(boundsDuration=quantity(2, "x"))),
    "no number": ordered(bounds(boundsDuration={"unit": "d"})),
    "zero": ordered(bounds(boundsDuration=quantity(0, "d"))),
    "a period that ends before it starts": ordered(period(start="2026-11-23", end="2026-11-22")),
    "a period without a start": ordered(period(end="2026-11-30")),
    "a period exact to the month": ordered(period(start="2026-11", end="2026-12")),
    "one of two": ordered(bounds(boundsDuration=quantity(7, "d")), bounds(boundsDuration=quantity(7, "x"))),
    "supply in words": ordered(dispenseRequest={"expectedSupplyDuration": "a month"}),
    "bounds that are not read, beside a supply": ordered(bounds(boundsDuration="long"), **SUPPLY),
}


@pytest.mark.parametrize("order", UNREADABLE.values(), ids=UNREADABLE)
def test_a_duration_that_cannot_be_read_is_unknown_and_never_open_ended(order: Body) -> None:
    fact = order_facts(order, build_chart("p", {}))["duration"]
    assert (fact.state, fact.note) == (State.UNKNOWN, "its duration cannot be read")
