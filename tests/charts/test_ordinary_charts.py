"""Ordinary charts, in the shapes of US Core, IPS, UK Core and German profiles: an open world must not become noise.

Every entry has text and display. None of the charts may get a card about screens that could not be done. An entry whose
code is replaced by one that is not listed, without a name, must leave exactly its own screens open.
"""

import json
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from cds_service.answering import decide_orders
from cds_service.clinical.facts import Facts, State
from cds_service.clinical.orders.drafts import read_orders
from cds_service.content.examples import order_for
from cds_service.fhir.searching import prefetch_from
from cds_service.gathering.prefetch import build_chart
from cds_service.guidance.deciding import group_advice
from tests.support import CONTENT, FIXTURES, NOW, VOCABULARY

Json = dict[str, Any]
CHARTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (FIXTURES / "charts").glob("*.json")}
CARDS = {
    "de-paula": ["glutamate-normal"],
    "de-quirin": ["bronchospasm-oral", "nitroglycerin-interaction", "glutamate-normal"],
    "de-rieke": ["bronchospasm-oral", "glutamate-normal"],
    "de-sixtus": ["gastrointestinal-bleeding-risk", "glutamate-high"],
    "de-theda": ["glutamate-not-measured"],
    "ips-fausto": ["glutamate-normal"],
    "ips-greet": ["bronchospasm-oral", "glutamate-normal"],
    "ips-hermine": ["glutamate-not-measured"],
    "ips-iker": ["bronchospasm-oral", "glutamate-normal"],
    "ips-jovana": ["glutamate-normal"],
    "uk-keir": ["glutamate-normal"],
    "uk-lorna": ["bronchospasm-oral", "nitroglycerin-interaction", "glutamate-not-measured"],
    "uk-morag": ["glutamate-not-measured"],
    "uk-nye": ["glutamate-high"],
    "uk-oonagh": ["glutamate-normal"],
    "us-abel": ["glutamate-normal"],
    "us-bessie": ["bronchospasm-oral", "glutamate-normal"],
    "us-cleo": ["nitroglycerin-interaction", "glutamate-normal"],
    "us-dario": ["glutamate-not-measured"],
    "us-elspeth": ["glutamate-high"],
}
UNLISTED = {"coding": [{"system": "http://snomed.info/sct", "code": "1234567008"}]}


def decided(bundle: Json, patient: str) -> tuple[list[str], Facts]:
    """The cards for the usual order, and what was known."""
    order = order_for(FIXTURES, "oral-600-twice-daily", patient)
    chart = build_chart(patient, prefetch_from(bundle, patient, VOCABULARY.code_lists))
    orders = read_orders(patient, [order], [order], [], VOCABULARY)
    decisions = decide_orders(orders, chart, CONTENT, NOW)
    return [advice.card.id for advice in group_advice(decisions)], decisions[0].decision.facts


def test_there_are_twenty_charts_of_four_shapes_and_several_are_long() -> None:
    assert set(CHARTS) == set(CARDS)
    assert {name.partition("-")[0] for name in CHARTS} == {"us", "ips", "uk", "de"}
    assert sum(len(bundle["entry"]) > 30 for bundle in CHARTS.values()) >= 3


@pytest.mark.parametrize("patient", sorted(CHARTS))
def test_an_ordinary_chart_gets_exactly_its_plain_cards(patient: str) -> None:
    cards, _ = decided(CHARTS[patient], patient)
    assert sorted(cards) == sorted(CARDS[patient])


# ---------------------------------------------------------------- one entry after another


def replaced(bundle: Json, index: int) -> Json:
    """The chart with the code of one entry replaced."""
    changed = deepcopy(bundle)
    resource = changed["entry"][index]["resource"]
    drug = resource["resourceType"].startswith("Medication")
    for name in ("contained", "medicationReference"):
        resource.pop(name, None)
    resource["medicationCodeableConcept" if drug else "code"] = UNLISTED
    return changed


_MEDICATION = {"nitroglycerin", "parenteral_glutamine", "glutamate_sample"}
_PROBLEM = {
    "liver_failure",
    "cystinuria",
    "hypersensitivity",
    "bronchospasm_risk",
    "bleeding_risk",
    "dialysis",
    "kidney_disease",
    "kidney",
    "pregnancy",
}
SCREENS = {
    "AllergyIntolerance": {"hypersensitivity"},
    "MedicationRequest": _MEDICATION,
    "MedicationStatement": _MEDICATION,
    "Condition": {*_PROBLEM, "poisoning", "kidney_injury"},
}
BY_RESULT = {"kidney", "kidney_disease"}  # known by a result too
NOT_ASKED = {"pregnancy", "glutamate_sample"}  # of a man; where there is no sample


def screens_of(resource: Json) -> set[str]:
    """The facts that an entry may bear on. Poisoning and acute kidney injury rest on what is recent."""
    if resource["resourceType"] != "Condition":
        return SCREENS[resource["resourceType"]]
    if resource["clinicalStatus"]["coding"][0]["code"] != "active":
        return set()
    began = resource.get("onsetDateTime") or resource["recordedDate"]
    days = (NOW.date() - date.fromisoformat((began + "-12-31")[:10] if len(began) == 4 else began)).days
    return _PROBLEM | ({"poisoning"} if days <= 30 else set()) | ({"kidney_injury"} if days <= 90 else set())


LISTS = ("Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement")
ENTRIES = [
    (patient, index)
    for patient, bundle in sorted(CHARTS.items())
    for index, entry in enumerate(bundle["entry"])
    if entry["resource"]["resourceType"] in LISTS
]
BEFORE = {patient: decided(bundle, patient)[1] for patient, bundle in CHARTS.items()}


@pytest.mark.parametrize(("patient", "index"), ENTRIES)
def test_an_entry_that_cannot_be_read_leaves_exactly_its_screens_open(patient: str, index: int) -> None:
    before, (cards, after) = BEFORE[patient], decided(replaced(CHARTS[patient], index), patient)
    screens = screens_of(CHARTS[patient]["entry"][index]["resource"])

    for name, fact in before.items():
        if name in screens and after[name] != fact:
            assert after[name].state is State.UNKNOWN or name in BY_RESULT, name
        elif name in screens and fact.state is State.ABSENT:
            assert name in NOT_ASKED, name
        elif name != "screens_not_done":
            assert after[name] == fact, name
    opened = {name for name in screens - {"pregnancy"} if after[name].state is State.UNKNOWN}
    assert ("screening-incomplete" in cards) is bool(opened)


def test_every_screen_of_a_list_is_left_open_by_some_entry() -> None:
    opened = set()
    for patient, index in ENTRIES:
        if patient in ("us-elspeth", "us-abel", "uk-nye"):
            _, after = decided(replaced(CHARTS[patient], index), patient)
            opened |= {name for name, fact in after.items() if fact.state is State.UNKNOWN}
    assert opened >= {name for kind in LISTS for name in SCREENS[kind]}
